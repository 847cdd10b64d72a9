//! Conditions: comparisons of STIX patterning (STIX 2.1, section 9.6) over variables.
//!
//! `__people__:value > 500 AND (__state__:value IN ('clear', 'unknown') OR NOT __told__:value = true)`. A comparison with a
//! variable that has no value does not hold, whatever the comparison; `EXISTS` asks for one.

mod lexer;

use std::cmp::Ordering;
use std::fmt;

use regex_automata::meta;

use crate::fault::shown;
use crate::limits::{CONDITION_BYTES_MAX, CONDITION_DEPTH_MAX};
use crate::variable::Held;
use lexer::{Token, Word};

/// The automaton of one `MATCHES`, in bytes.
const REGEX_BYTES_MAX: usize = 1 << 20;
/// Words of a condition.
const WORDS_MAX: usize = 1_000;

/// What decides a branch.
#[derive(Debug, Clone)]
pub struct Condition {
    text: String,
    test: Test,
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Why a text is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("its condition cannot be read at byte {at}: {why}")]
pub struct ConditionError {
    /// The byte, from 0.
    pub at: usize,
    /// What is wrong, and what to write.
    pub why: String,
}

#[derive(Debug, Clone)]
enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Exists(String),
    Compare { left: Term, how: How, right: Term },
    In(Term, Vec<Term>),
    Like(Term, String),
    Matches(Term, Box<meta::Regex>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Variable(String),
    Text(String),
    Number(String),
    Truth(bool),
}

impl Condition {
    /// Reads one.
    ///
    /// # Errors
    /// Where and why it is none.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        if text.len() > CONDITION_BYTES_MAX {
            let why = format!("it has {} bytes; write at most {CONDITION_BYTES_MAX}", text.len());
            return Err(ConditionError { at: CONDITION_BYTES_MAX, why });
        }
        let words = lexer::words(text, WORDS_MAX)?;
        let mut parser = Parser { words: &words, at: 0, end: text.len(), depth: 0 };
        let test = parser.any()?;
        match parser.peek() {
            None => Ok(Self { text: text.to_owned(), test }),
            Some(_) => Err(parser.wrong("something stands after its end; join comparisons with AND or OR")),
        }
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, value_of: &dyn Fn(&str) -> Held) -> bool {
        holds(&self.test, value_of)
    }

    /// Variables it looks at, each once.
    #[must_use]
    pub fn variables(&self) -> Vec<&str> {
        let mut out = Vec::new();
        collect(&self.test, &mut out);
        out.sort_unstable();
        out.dedup();
        out
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn collect<'a>(test: &'a Test, out: &mut Vec<&'a str>) {
    let mut add = |term: &'a Term| {
        if let Term::Variable(name) = term {
            out.push(name);
        }
    };
    match test {
        Test::All(tests) | Test::Any(tests) => tests.iter().for_each(|test| collect(test, out)),
        Test::Not(test) => collect(test, out),
        Test::Exists(name) => out.push(name),
        Test::Compare { left, right, .. } => {
            add(left);
            add(right);
        }
        Test::In(left, list) => {
            add(left);
            list.iter().for_each(add);
        }
        Test::Like(left, _) | Test::Matches(left, _) => add(left),
    }
}

fn holds(test: &Test, value_of: &dyn Fn(&str) -> Held) -> bool {
    match test {
        Test::All(tests) => tests.iter().all(|test| holds(test, value_of)),
        Test::Any(tests) => tests.iter().any(|test| holds(test, value_of)),
        Test::Not(test) => !holds(test, value_of),
        Test::Exists(name) => value_of(name).is_some(),
        Test::Compare { left, how, right } => compare(left, *how, right, value_of),
        Test::In(left, list) => list.iter().any(|right| compare(left, How::Equal, right, value_of)),
        Test::Like(left, pattern) => held(left, value_of).is_some_and(|value| is_like(&value, pattern)),
        Test::Matches(left, regex) => held(left, value_of).is_some_and(|value| regex.is_match(&value)),
    }
}

fn held(term: &Term, value_of: &dyn Fn(&str) -> Held) -> Held {
    match term {
        Term::Variable(name) => value_of(name),
        Term::Text(text) | Term::Number(text) => Some(text.clone()),
        Term::Truth(truth) => Some(truth.to_string()),
    }
}

/// Numbers where both are numbers, else texts. A text that was written between quotation marks beside a text stays one.
fn compare(left: &Term, how: How, right: &Term, value_of: &dyn Fn(&str) -> Held) -> bool {
    let (Some(a), Some(b)) = (held(left, value_of), held(right, value_of)) else { return false };
    let order = match (number(&a), number(&b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.cmp(&b),
    };
    match how {
        How::Equal => order == Ordering::Equal,
        How::Unequal => order != Ordering::Equal,
        How::Less => order == Ordering::Less,
        How::LessOrEqual => order != Ordering::Greater,
        How::Greater => order == Ordering::Greater,
        How::GreaterOrEqual => order != Ordering::Less,
    }
}

/// A number that compares exactly: whole numbers as such, others as the nearest double.
#[derive(Debug, Clone, Copy)]
enum Number {
    Whole(i64),
    Other(f64),
}

impl Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let wide = |number: &Self| match number {
            Self::Whole(whole) => *whole as f64,
            Self::Other(other) => *other,
        };
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(b),
            _ => wide(self).total_cmp(&wide(other)),
        }
    }
}

fn number(text: &str) -> Option<Number> {
    if let Ok(whole) = text.parse() {
        return Some(Number::Whole(whole));
    }
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
    // Zero has two signs in floating point.
    text.parse::<f64>().ok().filter(|number| is_plain && number.is_finite()).map(|number| Number::Other(number + 0.0))
}

/// `LIKE` of STIX: `%` stands for any characters, `_` for one.
fn is_like(value: &str, pattern: &str) -> bool {
    let (value, pattern): (Vec<char>, Vec<char>) = (value.chars().collect(), pattern.chars().collect());
    let (mut v, mut p) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while v < value.len() {
        match pattern.get(p) {
            Some('%') => {
                back = Some((p + 1, v));
                p += 1;
            }
            Some('_') => {
                v += 1;
                p += 1;
            }
            Some(wanted) if value.get(v) == Some(wanted) => {
                v += 1;
                p += 1;
            }
            _ => {
                let Some((after, from)) = back else { return false };
                back = Some((after, from + 1));
                (p, v) = (after, from + 1);
            }
        }
    }
    pattern.iter().skip(p).all(|c| *c == '%')
}

struct Parser<'a> {
    words: &'a [Word],
    at: usize,
    end: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.words.get(self.at).map(|word| &word.token)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    fn is(&mut self, wanted: &Token) -> bool {
        let is_there = self.peek() == Some(wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn wrong(&self, why: &str) -> ConditionError {
        let at = self.words.get(self.at).map_or(self.end, |word| word.at);
        ConditionError { at, why: why.to_owned() }
    }

    /// Comparisons of which one must hold; `AND` binds more tightly than `OR`.
    fn any(&mut self) -> Result<Test, ConditionError> {
        let mut tests = vec![self.all()?];
        while self.is(&Token::Or) {
            tests.push(self.all()?);
        }
        Ok(one_or(tests, Test::Any))
    }

    fn all(&mut self) -> Result<Test, ConditionError> {
        let mut tests = vec![self.single()?];
        while self.is(&Token::And) {
            tests.push(self.single()?);
        }
        Ok(one_or(tests, Test::All))
    }

    fn single(&mut self) -> Result<Test, ConditionError> {
        self.depth += 1;
        if self.depth > CONDITION_DEPTH_MAX {
            return Err(self.wrong(&format!("more than {CONDITION_DEPTH_MAX} brackets stand inside one another")));
        }
        let test = match self.peek() {
            Some(Token::Not) => {
                self.at += 1;
                Test::Not(Box::new(self.single()?))
            }
            Some(Token::Exists) => {
                self.at += 1;
                let Some(Token::Variable(name)) = self.next() else {
                    self.at -= 1;
                    return Err(self.wrong("EXISTS wants a variable; write `EXISTS __name__:value`"));
                };
                Test::Exists(name)
            }
            Some(open @ (Token::Open | Token::OpenSquare)) => {
                let close = if *open == Token::Open { Token::Close } else { Token::CloseSquare };
                self.at += 1;
                let test = self.any()?;
                if !self.is(&close) {
                    return Err(self.wrong("a bracket is not closed"));
                }
                test
            }
            _ => self.comparison()?,
        };
        self.depth -= 1;
        Ok(test)
    }

    fn comparison(&mut self) -> Result<Test, ConditionError> {
        let left = self.term()?;
        let is_negated = self.is(&Token::Not);
        let before = self.at;
        let test = match self.next() {
            Some(Token::Operator(how)) => {
                let right = self.term()?;
                Test::Compare { left, how: operator(how), right }
            }
            Some(Token::In) => Test::In(left, self.list()?),
            Some(Token::Like) => Test::Like(left, self.literal()?),
            Some(Token::Matches) => {
                let at = self.at;
                let pattern = self.literal()?;
                let config = meta::Config::new()
                    .nfa_size_limit(Some(REGEX_BYTES_MAX))
                    .onepass_size_limit(Some(REGEX_BYTES_MAX))
                    .hybrid_cache_capacity(REGEX_BYTES_MAX);
                let regex = meta::Builder::new().configure(config).build(&pattern).map_err(|error| {
                    self.at = at;
                    self.wrong(&format!("`{}` is no expression that can be used: {error}", shown(&pattern)))
                })?;
                Test::Matches(left, Box::new(regex))
            }
            // CACAO's own examples leave the comparison with `true` out.
            _ if matches!(left, Term::Variable(_)) => {
                self.at = before;
                Test::Compare { left, how: How::Equal, right: Term::Truth(true) }
            }
            _ => {
                self.at = before;
                return Err(self.wrong("a comparison is missing; write =, !=, <, >, <=, >=, IN, LIKE or MATCHES"));
            }
        };
        Ok(if is_negated { Test::Not(Box::new(test)) } else { test })
    }

    fn list(&mut self) -> Result<Vec<Term>, ConditionError> {
        if !self.is(&Token::Open) {
            return Err(self.wrong("IN wants a list; write `IN ('a', 'b')`"));
        }
        let mut list = vec![self.term()?];
        while self.is(&Token::Comma) {
            list.push(self.term()?);
        }
        if self.is(&Token::Close) { Ok(list) } else { Err(self.wrong("the list of IN is not closed")) }
    }

    fn literal(&mut self) -> Result<String, ConditionError> {
        match self.next() {
            Some(Token::Text(text)) => Ok(text),
            _ => {
                self.at -= 1;
                Err(self.wrong("a pattern is missing; write it between single quotation marks"))
            }
        }
    }

    fn term(&mut self) -> Result<Term, ConditionError> {
        match self.next() {
            Some(Token::Variable(name)) => Ok(Term::Variable(name)),
            Some(Token::Text(text)) => Ok(Term::Text(text)),
            Some(Token::Number(text)) => Ok(Term::Number(text)),
            Some(Token::Truth(truth)) => Ok(Term::Truth(truth)),
            _ => {
                self.at -= 1;
                Err(self.wrong("a value is missing; write `__name__:value`, a number, true, false or `'text'`"))
            }
        }
    }
}

fn operator(text: &str) -> How {
    match text {
        "=" | "==" => How::Equal,
        "<" => How::Less,
        "<=" => How::LessOrEqual,
        ">" => How::Greater,
        ">=" => How::GreaterOrEqual,
        _ => How::Unequal,
    }
}

fn one_or(mut tests: Vec<Test>, join: fn(Vec<Test>) -> Test) -> Test {
    match tests.pop() {
        Some(only) if tests.is_empty() => only,
        Some(last) => {
            tests.push(last);
            join(tests)
        }
        None => join(tests),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value_of(name: &str) -> Held {
        match name {
            "__n__" => Some("12".to_owned()),
            "__f__" => Some("1.5".to_owned()),
            "__t__" => Some("true".to_owned()),
            "__s__" => Some("study-7".to_owned()),
            "__ip__" => Some("10.0.0.1".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn conditions_hold() {
        for yes in [
            "__n__:value = 12",
            "__n__:value == '12'",
            "__n__:value != 13",
            "__n__:value <> 13",
            "__n__:value < 100",
            "__n__:value >= 12 AND __n__:value <= 12",
            "__f__:value > 1",
            "__f__:value = 1.50",
            "__n__:value > __f__:value",
            "__t__:value",
            "__t__:value = true",
            "[__t__:value = true]",
            "NOT __t__:value = false",
            "NOT (__n__:value < 3)",
            "__s__:value IN ('a', 'study-7')",
            "__s__:value NOT IN ('a')",
            "__s__:value LIKE 'st%-_'",
            "__s__:value NOT LIKE 'x%'",
            "__s__:value MATCHES '^study-[0-9]+$'",
            "EXISTS __s__:value",
            "NOT EXISTS __none__:value",
            "__t__:value = false OR __n__:value = 12 AND __t__:value",
            "__ip__:value == '10.0.0.1'",
            "__s__:value > 'study-6'",
        ] {
            assert!(Condition::parse(yes).unwrap().holds(&value_of), "{yes}");
        }
        for no in [
            "__n__:value < 3",
            "__none__:value = ''",
            "__none__:value != 'a'",
            "__none__:value",
            "__s__:value LIKE 'study'",
            "(__t__:value = false OR __n__:value = 12) AND NOT __t__:value",
            "__s__:value MATCHES '^[0-9]+$'",
            "__n__:value = 12.5",
        ] {
            assert!(!Condition::parse(no).unwrap().holds(&value_of), "{no}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, told) in [
            ("", "a value is missing"),
            ("__a__:value =", "a value is missing"),
            ("12", "a comparison is missing"),
            ("(__a__:value = 1", "not closed"),
            ("__a__:value = 'x", "never ends"),
            ("__a__:value = 1 __b__:value = 2", "after its end"),
            ("__a__:value IN 'a'", "wants a list"),
            ("__a__:value LIKE 3", "a pattern is missing"),
            ("__a__:value MATCHES '('", "no expression"),
            ("EXISTS 3", "EXISTS wants a variable"),
            ("file:name = 'a'", "`file:name`"),
            ("__a__:value ISSUBSET '10.0.0.0/8'", "ISSUBSET"),
            ("__a__ = 1", ":value"),
        ] {
            let error = Condition::parse(text).unwrap_err().to_string();
            assert!(error.contains(told), "{text}: {error}");
        }
        assert!(Condition::parse(&format!("{}1", "(".repeat(500))).is_err());
        assert!(Condition::parse(&"NOT ".repeat(900)).is_err());
    }

    #[test]
    fn variables_are_listed_once() {
        let condition =
            Condition::parse("__b__:value = __a__:value OR __b__:value IN ('x') AND EXISTS __c__:value").unwrap();
        assert_eq!(condition.variables(), ["__a__", "__b__", "__c__"]);
    }
}
