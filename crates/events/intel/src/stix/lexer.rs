//! The words of a pattern (STIX 2.1 section 9.2, "STIX Patterns", and the grammar that the committee publishes with it).

use super::pattern::PatternError;

/// One word and the byte it begins at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub at: usize,
    pub word: Word,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// A name or keyword, as written.
    Name(String),
    Text(String),
    /// `t'…'`, `h'…'` or `b'…'`, by its letter.
    Typed(char, String),
    Integer(i64),
    Float(f64),
    /// A bracket, comparison or other sign.
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 18] =
    ["!=", "<>", "==", "<=", ">=", "=", "<", ">", "[", "]", "(", ")", ",", ":", ".", "*", "+", "-"];

pub(super) fn words(text: &str, tokens_max: usize) -> Result<Vec<Token>, PatternError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let Some(first) = rest.chars().next() else { break };
        if tokens.len() >= tokens_max {
            return Err(PatternError { at, why: format!("more than {tokens_max} words") });
        }
        let (word, length) = if first.is_whitespace() || first == '\u{feff}' {
            at += first.len_utf8();
            continue;
        } else if let Some(comment) = rest.strip_prefix("/*") {
            let Some(end) = comment.find("*/") else { return Err(wrong(at, "a comment is not closed")) };
            at += end + 4;
            continue;
        } else if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        } else if first == '\'' {
            let (text, length) = quoted(rest, at)?;
            (Word::Text(text), length)
        } else if matches!(first, 't' | 'h' | 'b') && rest.get(1..).is_some_and(|rest| rest.starts_with('\'')) {
            let (text, length) = quoted(rest.get(1..).unwrap_or_default(), at + 1)?;
            (Word::Typed(first, text), length + 1)
        } else if rest.strip_prefix(['+', '-']).unwrap_or(rest).starts_with(|c: char| c.is_ascii_digit()) {
            number(rest, at)?
        } else if first.is_ascii_alphabetic() || first == '_' {
            // Types of objects have hyphens (`ipv4-addr`), and so have names of extensions.
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).unwrap_or(rest.len());
            (Word::Name(rest.get(..end).unwrap_or_default().to_owned()), end)
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Word::Sign(sign), sign.len())
        } else {
            return Err(wrong(at, &format!("`{}` has no meaning here", first.escape_debug())));
        };
        tokens.push(Token { at, word });
        at += length;
    }
    tokens.push(Token { at: text.len(), word: Word::End });
    Ok(tokens)
}

fn wrong(at: usize, why: &str) -> PatternError {
    PatternError { at, why: why.to_owned() }
}

/// A text in quotation marks; `\'` and `\\` stand for the character behind the stroke.
fn quoted(rest: &str, at: usize) -> Result<(String, usize), PatternError> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((offset, c)) = chars.next() {
        match c {
            '\'' => return Ok((text, offset + 1)),
            '\\' => match chars.next() {
                Some((_, c @ ('\'' | '\\'))) => text.push(c),
                // Senders forget to double the strokes of regular expressions and paths: both are kept as written.
                Some((_, c)) => {
                    text.push('\\');
                    text.push(c);
                }
                None => break,
            },
            c => text.push(c),
        }
    }
    Err(wrong(at, "a text is not closed"))
}

fn number(rest: &str, at: usize) -> Result<(Word, usize), PatternError> {
    let end = rest
        .char_indices()
        .find(|(offset, c)| !(c.is_ascii_digit() || *c == '.' || (*offset == 0 && matches!(c, '+' | '-'))))
        .map_or(rest.len(), |(offset, _)| offset);
    let text = rest.get(..end).unwrap_or_default();
    let word =
        if text.contains('.') { text.parse().ok().map(Word::Float) } else { text.parse().ok().map(Word::Integer) };
    match word {
        Some(word) => Ok((word, end)),
        None => Err(wrong(at, &format!("`{}` is no number", super::shortened(text)))),
    }
}
