//! Text of a rule in, a pattern with wildcards out.
//!
//! Sigma specification 2.1, "string wildcard and escaping": `*` stands for any characters, `?` for one; a backslash before a
//! wildcard or before another backslash that itself precedes a wildcard makes it plain; every other backslash is itself.

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// These characters.
    Literal(String),
    /// Exactly one character.
    One,
    /// Any characters, or none.
    Many,
}

/// Characters with wildcards, compared with a whole value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern {
    /// Never two literals, nor two `Many`, side by side.
    pub parts: Vec<Part>,
    /// Upper and lower case are told apart; otherwise the literals are folded.
    pub cased: bool,
}

/// Folds a text for comparison without case: every character to lower case (Unicode, simple and full mappings as in
/// [`char::to_lowercase`]).
pub fn fold(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.chars().flat_map(char::to_lowercase).collect() }
}

impl Pattern {
    /// Reads the wildcards of a rule's text; not folded yet.
    pub fn parse(text: &str) -> Self {
        let mut pattern = Self { parts: Vec::new(), cased: true };
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '*' => pattern.push(Part::Many),
                '?' => pattern.push(Part::One),
                '\\' if matches!(chars.peek(), Some('*' | '?' | '\\')) => {
                    pattern.push_char(chars.next().unwrap_or('\\'));
                }
                other => pattern.push_char(other),
            }
        }
        pattern
    }

    /// A pattern without wildcards.
    pub fn literal(text: &str) -> Self {
        let mut pattern = Self { parts: Vec::new(), cased: true };
        text.chars().for_each(|c| pattern.push_char(c));
        pattern
    }

    /// Its text, where it has no wildcard.
    pub fn plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The same, with anything before it.
    pub fn anything_before(mut self) -> Self {
        if self.parts.first() != Some(&Part::Many) {
            self.parts.insert(0, Part::Many);
        }
        self
    }

    /// The same, with anything after it.
    pub fn anything_after(mut self) -> Self {
        self.push(Part::Many);
        self
    }

    /// The same without regard to case.
    pub fn folded(mut self) -> Self {
        for part in &mut self.parts {
            if let Part::Literal(text) = part {
                *text = fold(text);
            }
        }
        self.cased = false;
        self
    }

    fn push(&mut self, part: Part) {
        if part != Part::Many || self.parts.last() != Some(&Part::Many) {
            self.parts.push(part);
        }
    }

    fn push_char(&mut self, c: char) {
        if let Some(Part::Literal(text)) = self.parts.last_mut() {
            text.push(c);
        } else {
            self.parts.push(Part::Literal(c.to_string()));
        }
    }

    /// Whether it fits a whole text, which must be folded where the pattern is.
    pub fn fits(&self, text: &str) -> bool {
        // Greedy with one place to go back to: linear for patterns with a single star, quadratic at worst.
        let (mut part, mut rest) = (0, text);
        let mut back: Option<(usize, &str)> = None;
        loop {
            match self.parts.get(part) {
                Some(Part::Many) => {
                    part += 1;
                    if part == self.parts.len() {
                        return true;
                    }
                    back = Some((part, rest));
                    continue;
                }
                Some(Part::Literal(literal)) => {
                    if let Some(left) = rest.strip_prefix(literal.as_str()) {
                        (part, rest) = (part + 1, left);
                        continue;
                    }
                }
                Some(Part::One) => {
                    let mut chars = rest.chars();
                    if chars.next().is_some() {
                        (part, rest) = (part + 1, chars.as_str());
                        continue;
                    }
                }
                None if rest.is_empty() => return true,
                None => {}
            }
            let Some((again, from)) = back else { return false };
            let mut chars = from.chars();
            if chars.next().is_none() {
                return false;
            }
            // Straight to where the text after the star stands next.
            let next = match self.parts.get(again) {
                Some(Part::Literal(literal)) => memchr::memmem::find(chars.as_str().as_bytes(), literal.as_bytes())
                    .and_then(|at| chars.as_str().get(at..)),
                _ => Some(chars.as_str()),
            };
            let Some(next) = next else { return false };
            back = Some((again, next));
            (part, rest) = (again, next);
        }
    }
}
