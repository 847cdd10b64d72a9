//! The words of a condition.

use super::ConditionError;
use crate::fault::shown;
use crate::variable::is_name;

/// A word and the byte it begins at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    pub(super) at: usize,
    pub(super) token: Token,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Variable(String),
    Text(String),
    Number(String),
    Truth(bool),
    Operator(&'static str),
    And,
    Or,
    Not,
    In,
    Like,
    Matches,
    Exists,
    Open,
    Close,
    OpenSquare,
    CloseSquare,
    Comma,
}

/// Longer operators first.
const OPERATORS: &[&str] = &["==", "!=", "<>", "<=", ">=", "=", "<", ">"];

pub(super) fn words(text: &str, most: usize) -> Result<Vec<Word>, ConditionError> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let (token, length) = word(rest, c).map_err(|why| ConditionError { at, why })?;
        words.push(Word { at, token });
        if words.len() > most {
            return Err(ConditionError { at, why: format!("it has more than {most} words; shorten it") });
        }
        at += length;
    }
    Ok(words)
}

fn word(rest: &str, first: char) -> Result<(Token, usize), String> {
    let single = match first {
        '(' => Some(Token::Open),
        ')' => Some(Token::Close),
        '[' => Some(Token::OpenSquare),
        ']' => Some(Token::CloseSquare),
        ',' => Some(Token::Comma),
        _ => None,
    };
    if let Some(token) = single {
        return Ok((token, 1));
    }
    if let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
        return Ok((Token::Operator(operator), operator.len()));
    }
    if first == '\'' {
        return quoted(rest);
    }
    let end = rest.find(|c: char| !(c.is_alphanumeric() || "_-:.+".contains(c))).unwrap_or(rest.len());
    let text = rest.get(..end).unwrap_or_default();
    let token = match text {
        "AND" => Token::And,
        "OR" => Token::Or,
        "NOT" => Token::Not,
        "IN" => Token::In,
        "LIKE" => Token::Like,
        "MATCHES" => Token::Matches,
        "EXISTS" => Token::Exists,
        "true" | "True" => Token::Truth(true),
        "false" | "False" => Token::Truth(false),
        "" => return Err(format!("`{}` has no meaning here; take it away", shown(&first.to_string()))),
        "ISSUBSET" | "ISSUPERSET" => return Err(format!("`{text}` is not supported; compare with LIKE or IN")),
        _ => other(text)?,
    };
    Ok((token, end))
}

fn other(text: &str) -> Result<Token, String> {
    if let Some(name) = text.strip_suffix(":value")
        && is_name(name)
    {
        return Ok(Token::Variable(name.to_owned()));
    }
    if is_name(text) {
        return Err(format!("`{text}` is used without `:value`; write `{text}:value`"));
    }
    if text.parse::<i64>().is_ok()
        || text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
            && text.parse::<f64>().is_ok_and(f64::is_finite)
    {
        return Ok(Token::Number(text.to_owned()));
    }
    Err(format!(
        "`{}` is no variable, number or operator; write `__name__:value`, or texts between single quotation marks",
        shown(text)
    ))
}

/// A text between single quotation marks, with `\'` and `\\` in it.
fn quoted(rest: &str) -> Result<(Token, usize), String> {
    let mut text = String::new();
    let mut from = rest.char_indices().skip(1);
    while let Some((at, c)) = from.next() {
        match c {
            '\'' => return Ok((Token::Text(text), at + 1)),
            '\\' => match from.next() {
                Some((_, c @ ('\'' | '\\'))) => text.push(c),
                // Expressions are full of backslashes, and STIX asks for two of each.
                Some((_, c)) => text.extend(['\\', c]),
                None => break,
            },
            c => text.push(c),
        }
    }
    Err("a text never ends; close it with a single quotation mark".to_owned())
}
