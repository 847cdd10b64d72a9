//! The pattern language of STIX 2.1 (section 9): text in, what it says out.

use std::fmt;

use super::lexer::{Token, Word, words};

/// The longest pattern, in bytes; the longest published ones list a few thousand addresses.
pub const PATTERN_BYTES_MAX: usize = 1 << 20;
/// Words of a pattern.
pub const TOKENS_MAX: usize = 200_000;
/// Conditions behind one observation; there are three kinds.
const QUALIFIERS_MAX: usize = 8;
/// Brackets inside one another. A kept pattern nests four levels of JSON for each, and must stay readable.
pub const DEPTH_MAX: usize = 24;

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pattern cannot be read: byte {at}: {why}")]
pub struct PatternError {
    /// The byte, from 0.
    pub at: usize,
    /// What is wrong.
    pub why: String,
}

/// What is observed (section 9.5).
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// `[…]`: one observation for which this holds.
    Test(Comparison),
    /// All of these, each in an observation of its own or shared.
    All(Vec<Observation>),
    /// One of these.
    Any(Vec<Observation>),
    /// One after another.
    Followed(Vec<Observation>),
    /// With a condition on time or number (section 9.4).
    Qualified(Box<Observation>, Qualifier),
}

/// A condition on observations (section 9.4).
#[derive(Clone, Debug, PartialEq)]
pub enum Qualifier {
    /// All within so many seconds.
    Within(f64),
    /// So many times.
    Repeats(u64),
    /// From a time on and before another, as RFC 3339.
    Between(String, String),
}

/// What holds for one observation (section 9.6).
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// All of these.
    All(Vec<Comparison>),
    /// One of these.
    Any(Vec<Comparison>),
    /// This.
    Test {
        /// What is compared.
        path: Path,
        /// Whether `NOT` stands before the operator.
        negated: bool,
        /// How.
        operator: Operator,
        /// With what: several for `IN`, none for `EXISTS`.
        values: Vec<Literal>,
    },
}

/// How values are compared (section 9.6.1).
#[expect(missing_docs, reason = "the names are the language's own")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Like,
    Matches,
    IsSubset,
    IsSuperset,
    Exists,
}

/// The property of an object (section 9.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The type of the object, such as `ipv4-addr`.
    pub object: String,
    /// The way to the property.
    pub steps: Vec<Step>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A property or the key of a dictionary.
    Name(String),
    /// An item of a list.
    Index(i64),
    /// Any item of a list.
    Every,
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.object)?;
        for (at, step) in self.steps.iter().enumerate() {
            match step {
                Step::Name(name) => write!(f, "{}{name}", if at == 0 { "" } else { "." })?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Every => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

/// A constant (section 9.3).
#[expect(missing_docs, reason = "the names are the language's own")]
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// RFC 3339.
    Time(String),
    /// Hexadecimal digits.
    Hex(String),
    /// Base64.
    Binary(String),
}

/// Reads a pattern.
///
/// # Errors
/// It is none, or larger than the limits of this module.
pub fn parse(text: &str) -> Result<Observation, PatternError> {
    if text.len() > PATTERN_BYTES_MAX {
        return Err(PatternError { at: 0, why: format!("it has {} bytes, more than {PATTERN_BYTES_MAX}", text.len()) });
    }
    let mut parser = Parser { tokens: words(text, TOKENS_MAX)?, at: 0, depth: 0 };
    let pattern = parser.followed()?;
    match parser.peek() {
        Word::End => Ok(pattern),
        other => Err(parser.wrong(&format!("the pattern should end, but {} follows", shown(other)))),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

static END: Word = Word::End;

fn shown(word: &Word) -> String {
    match word {
        Word::Name(name) => format!("`{}`", super::shortened(name)),
        Word::Text(text) | Word::Typed(_, text) => format!("'{}'", super::shortened(text)),
        Word::Integer(number) => number.to_string(),
        Word::Float(number) => number.to_string(),
        Word::Sign(sign) => format!("`{sign}`"),
        Word::End => "the end".to_owned(),
    }
}

impl Parser {
    fn peek(&self) -> &Word {
        self.tokens.get(self.at).map_or(&END, |token| &token.word)
    }

    fn next(&mut self) -> Word {
        let word = self.peek().clone();
        self.at += 1;
        word
    }

    fn wrong(&self, why: &str) -> PatternError {
        let at = self.tokens.get(self.at).or(self.tokens.last()).map_or(0, |token| token.at);
        PatternError { at, why: why.to_owned() }
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Word::Sign(other) if *other == sign);
        self.at += usize::from(found);
        found
    }

    /// Keywords are written in capitals (section 9.2); published patterns also have small letters.
    fn keyword(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Word::Name(name) if name.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), PatternError> {
        if self.sign(sign) {
            Ok(())
        } else {
            Err(self.wrong(&format!("`{sign}` should stand here, not {}", shown(self.peek()))))
        }
    }

    /// Goes one bracket deeper.
    fn deeper(&mut self) -> Result<(), PatternError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            Err(self.wrong(&format!("more than {DEPTH_MAX} brackets inside one another")))
        } else {
            Ok(())
        }
    }

    /// `FOLLOWEDBY` binds least, then `OR`, then `AND`, as in the published grammar.
    fn followed(&mut self) -> Result<Observation, PatternError> {
        let mut parts = vec![self.any()?];
        while self.keyword("FOLLOWEDBY") {
            parts.push(self.any()?);
        }
        Ok(one_or(parts, Observation::Followed))
    }

    fn any(&mut self) -> Result<Observation, PatternError> {
        let mut parts = vec![self.all()?];
        while self.keyword("OR") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Observation::Any))
    }

    fn all(&mut self) -> Result<Observation, PatternError> {
        let mut parts = vec![self.observation()?];
        while self.keyword("AND") {
            parts.push(self.observation()?);
        }
        Ok(one_or(parts, Observation::All))
    }

    fn observation(&mut self) -> Result<Observation, PatternError> {
        self.deeper()?;
        let mut found = if self.sign("[") {
            let comparison = self.comparisons()?;
            self.expect("]")?;
            Observation::Test(comparison)
        } else if self.sign("(") {
            let inner = self.followed()?;
            self.expect(")")?;
            inner
        } else {
            return Err(self.wrong(&format!("`[` or `(` should stand here, not {}", shown(self.peek()))));
        };
        self.depth -= 1;
        let mut qualifiers = 0;
        while let Some(qualifier) = self.qualifier()? {
            qualifiers += 1;
            if qualifiers > QUALIFIERS_MAX {
                return Err(self.wrong("too many qualifiers"));
            }
            found = Observation::Qualified(Box::new(found), qualifier);
        }
        Ok(found)
    }

    fn qualifier(&mut self) -> Result<Option<Qualifier>, PatternError> {
        if self.keyword("WITHIN") {
            let seconds = match self.next() {
                Word::Integer(number) if number > 0 => number as f64,
                Word::Float(number) if number > 0.0 => number,
                _ => return Err(self.wrong("a number above 0 follows WITHIN")),
            };
            return if self.keyword("SECONDS") {
                Ok(Some(Qualifier::Within(seconds)))
            } else {
                Err(self.wrong("SECONDS should stand here"))
            };
        }
        if self.keyword("REPEATS") {
            let times = match self.next() {
                Word::Integer(number) if number > 0 => number.unsigned_abs(),
                _ => return Err(self.wrong("a number above 0 follows REPEATS")),
            };
            return if self.keyword("TIMES") {
                Ok(Some(Qualifier::Repeats(times)))
            } else {
                Err(self.wrong("TIMES should stand here"))
            };
        }
        if self.keyword("START") {
            let start = self.time()?;
            if !self.keyword("STOP") {
                return Err(self.wrong("STOP should stand here"));
            }
            return Ok(Some(Qualifier::Between(start, self.time()?)));
        }
        Ok(None)
    }

    fn time(&mut self) -> Result<String, PatternError> {
        match self.next() {
            Word::Typed('t', text) | Word::Text(text) if crate::time::milliseconds(&text).is_some() => Ok(text),
            other => Err(self
                .wrong(&format!("a time such as t'2026-01-01T00:00:00Z' should stand before, not {}", shown(&other)))),
        }
    }

    fn comparisons(&mut self) -> Result<Comparison, PatternError> {
        let mut parts = vec![self.comparisons_all()?];
        while self.keyword("OR") {
            parts.push(self.comparisons_all()?);
        }
        Ok(one_or(parts, Comparison::Any))
    }

    fn comparisons_all(&mut self) -> Result<Comparison, PatternError> {
        let mut parts = vec![self.comparison()?];
        while self.keyword("AND") {
            parts.push(self.comparison()?);
        }
        Ok(one_or(parts, Comparison::All))
    }

    fn comparison(&mut self) -> Result<Comparison, PatternError> {
        if self.sign("(") {
            self.deeper()?;
            let inner = self.comparisons()?;
            self.expect(")")?;
            self.depth -= 1;
            return Ok(inner);
        }
        let negated_before = self.keyword("NOT");
        if self.keyword("EXISTS") {
            let path = self.path()?;
            return Ok(Comparison::Test {
                path,
                negated: negated_before,
                operator: Operator::Exists,
                values: Vec::new(),
            });
        }
        let path = self.path()?;
        let negated = self.keyword("NOT") != negated_before;
        let operator = self.operator()?;
        let values = if operator == Operator::In { self.set()? } else { vec![self.literal()?] };
        if matches!(operator, Operator::Like | Operator::Matches | Operator::IsSubset | Operator::IsSuperset)
            && !matches!(values.as_slice(), [Literal::Text(_)])
        {
            return Err(self.wrong("a text in quotation marks should stand before"));
        }
        Ok(Comparison::Test { path, negated, operator, values })
    }

    fn operator(&mut self) -> Result<Operator, PatternError> {
        let found = match self.next() {
            Word::Sign("=" | "==") => Operator::Equal,
            Word::Sign("!=" | "<>") => Operator::NotEqual,
            Word::Sign("<") => Operator::Less,
            Word::Sign("<=") => Operator::LessOrEqual,
            Word::Sign(">") => Operator::Greater,
            Word::Sign(">=") => Operator::GreaterOrEqual,
            Word::Name(name) => match name.to_ascii_uppercase().as_str() {
                "IN" => Operator::In,
                "LIKE" => Operator::Like,
                "MATCHES" => Operator::Matches,
                "ISSUBSET" => Operator::IsSubset,
                "ISSUPERSET" => Operator::IsSuperset,
                _ => return Err(self.wrong(&format!("`{}` is no operator", super::shortened(&name)))),
            },
            other => return Err(self.wrong(&format!("an operator should stand before, not {}", shown(&other)))),
        };
        Ok(found)
    }

    fn path(&mut self) -> Result<Path, PatternError> {
        let Word::Name(object) = self.next() else {
            return Err(self.wrong("a path such as `file:name` should stand here"));
        };
        self.expect(":")?;
        let mut steps = vec![self.step_name()?];
        loop {
            if self.sign(".") {
                steps.push(self.step_name()?);
            } else if self.sign("[") {
                steps.push(match self.next() {
                    Word::Integer(index) => Step::Index(index),
                    Word::Sign("*") => Step::Every,
                    other => {
                        return Err(self.wrong(&format!("a number or `*` should stand before, not {}", shown(&other))));
                    }
                });
                self.expect("]")?;
            } else {
                return Ok(Path { object, steps });
            }
        }
    }

    fn step_name(&mut self) -> Result<Step, PatternError> {
        match self.next() {
            Word::Name(name) | Word::Text(name) => Ok(Step::Name(name)),
            other => Err(self.wrong(&format!("the name of a property should stand before, not {}", shown(&other)))),
        }
    }

    fn set(&mut self) -> Result<Vec<Literal>, PatternError> {
        self.expect("(")?;
        let mut values = Vec::new();
        if self.sign(")") {
            return Ok(values);
        }
        loop {
            values.push(self.literal()?);
            if !self.sign(",") {
                self.expect(")")?;
                return Ok(values);
            }
        }
    }

    fn literal(&mut self) -> Result<Literal, PatternError> {
        Ok(match self.next() {
            Word::Text(text) => Literal::Text(text),
            Word::Integer(number) => Literal::Integer(number),
            Word::Float(number) => Literal::Float(number),
            Word::Typed('t', text) if crate::time::milliseconds(&text).is_some() => Literal::Time(text),
            Word::Typed('h', text) if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => Literal::Hex(text),
            Word::Typed(letter @ ('t' | 'h'), text) => {
                let what = if letter == 't' { "time" } else { "hexadecimal number" };
                return Err(self.wrong(&format!("`{}` is no {what}", super::shortened(&text))));
            }
            Word::Typed(_, text) => Literal::Binary(text),
            Word::Name(name) if name.eq_ignore_ascii_case("true") => Literal::Boolean(true),
            Word::Name(name) if name.eq_ignore_ascii_case("false") => Literal::Boolean(false),
            other => return Err(self.wrong(&format!("a value should stand before, not {}", shown(&other)))),
        })
    }
}

fn one_or<T>(mut parts: Vec<T>, several: impl FnOnce(Vec<T>) -> T) -> T {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            several(parts)
        }
        None => several(parts),
    }
}
