//! The condition of a rule: text in, an expression over the rule's named searches out.
//!
//! Grammar of the Sigma specification 2.1, "condition": `or` binds weaker than `and`, `and` weaker than `not`; `1 of` and
//! `all of` take a name with `*` or `them`, which leaves out names that begin with `_`.

/// An expression over the indices of the named searches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The search with this index matches.
    Search(usize),
    /// All match.
    And(Vec<Condition>),
    /// At least one matches.
    Or(Vec<Condition>),
    /// It does not match.
    Not(Box<Condition>),
}

/// Nesting of brackets and `not`.
const DEPTH_MAX: usize = 64;

/// Parses a condition; `names` are the rule's searches in their order.
///
/// # Errors
/// Says what stands where it should not, or which search is missing.
pub fn parse(text: &str, names: &[&str]) -> Result<Condition, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, names };
    let condition = parser.or(0)?;
    match parser.peek() {
        None => Ok(condition),
        Some("|") => Err("aggregations after `|` were taken out of Sigma; write a correlation rule instead".to_owned()),
        Some(token) => {
            Err(format!("condition: `{}` is not expected after `{}`", token.escape_debug(), parser.before()))
        }
    }
}

fn tokens(text: &str) -> Result<Vec<&str>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        let length = match first {
            '(' | ')' | '|' => 1,
            _ => rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '|')).unwrap_or(rest.len()),
        };
        let Some((token, left)) = rest.split_at_checked(length) else { return Err("condition: unreadable".to_owned()) };
        tokens.push(token);
        rest = left;
    }
}

struct Parser<'a> {
    tokens: Vec<&'a str>,
    at: usize,
    names: &'a [&'a str],
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).copied()
    }

    fn before(&self) -> String {
        self.at
            .checked_sub(1)
            .and_then(|at| self.tokens.get(at))
            .map_or_else(|| "the beginning".to_owned(), |token| token.escape_debug().to_string())
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn or(&mut self, depth: usize) -> Result<Condition, String> {
        let mut parts = vec![self.and(depth)?];
        while self.take_word("or") {
            parts.push(self.and(depth)?);
        }
        Ok(one_or(parts, Condition::Or))
    }

    fn and(&mut self, depth: usize) -> Result<Condition, String> {
        let mut parts = vec![self.not(depth)?];
        while self.take_word("and") {
            parts.push(self.not(depth)?);
        }
        Ok(one_or(parts, Condition::And))
    }

    fn not(&mut self, depth: usize) -> Result<Condition, String> {
        if depth > DEPTH_MAX {
            return Err(format!("condition: nested deeper than {DEPTH_MAX} levels"));
        }
        if self.take_word("not") {
            return Ok(Condition::Not(Box::new(self.not(depth + 1)?)));
        }
        let Some(token) = self.peek() else {
            return Err(format!("condition: something is missing after `{}`", self.before()));
        };
        self.at += 1;
        if token == "(" {
            let inner = self.or(depth + 1)?;
            if self.peek() != Some(")") {
                return Err("condition: a bracket is not closed".to_owned());
            }
            self.at += 1;
            return Ok(inner);
        }
        if self.peek().is_some_and(|next| next.eq_ignore_ascii_case("of"))
            && (token.eq_ignore_ascii_case("all") || token.eq_ignore_ascii_case("any") || token == "1")
        {
            self.at += 1;
            return self.quantified(token.eq_ignore_ascii_case("all"));
        }
        self.name(token)
    }

    fn quantified(&mut self, all: bool) -> Result<Condition, String> {
        let Some(pattern) = self.peek() else { return Err("condition: a name is missing after `of`".to_owned()) };
        self.at += 1;
        let them = pattern.eq_ignore_ascii_case("them");
        let found: Vec<Condition> = self
            .names
            .iter()
            .enumerate()
            .filter(|(_, name)| if them { !name.starts_with('_') } else { fits(pattern, name) })
            .map(|(index, _)| Condition::Search(index))
            .collect();
        if found.is_empty() {
            return Err(format!("condition: no search is called `{}`", pattern.escape_debug()));
        }
        Ok(one_or(found, if all { Condition::And } else { Condition::Or }))
    }

    fn name(&self, token: &str) -> Result<Condition, String> {
        self.names.iter().position(|name| *name == token).map(Condition::Search).ok_or_else(|| {
            format!("condition: no search is called `{}`; there are: {}", token.escape_debug(), self.names.join(", "))
        })
    }
}

fn one_or(mut parts: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}

/// Whether a name fits a pattern with `*`.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let rest_parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = rest_parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}
