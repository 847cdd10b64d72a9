//! What triggers a duty: conditions over facts, some of which are unknown.
//!
//! ```text
//! condition := both ("or" both)*
//! both      := one ("and" one)*
//! one       := "not" one | "(" condition ")" | "always" | people | fact
//! people    := "people" "in" ["any"] PATTERN ["with" CATEGORY ("," CATEGORY)*] (">" | ">=" | "<" | "<=") NUMBER
//! fact      := NAME ["is" ["not"] WORD | "given"]
//! PATTERN   := "JP", "US*" (itself and every part) | "US-*" (every part of it) | "*" (everywhere, the unknown as well)
//! ```
//!
//! `any` compares single jurisdictions, otherwise their sum is compared. Truth has three values (Kleene): what is known may decide
//! whatever is unknown.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::facts::{Affected, Facts, Value};
use crate::jurisdiction::UNKNOWN;
use crate::library::Vocabulary;

/// The deepest nesting of a condition.
const DEPTH_MAX: usize = 16;
/// Whether something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It does, whatever is unknown.
    True,
    /// It does not, whatever is unknown.
    False,
    /// That depends on what is unknown.
    Unknown,
}

impl Truth {
    const fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::False, _) | (_, Self::False) => Self::False,
            (Self::True, Self::True) => Self::True,
            _ => Self::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// Which jurisdictions are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// Everywhere, the unknown as well.
    Any,
    /// Every part of it: `US-*`.
    Parts(String),
    /// Itself and every part: `JP`, `US*`.
    Whole(String),
}

impl Pattern {
    pub(crate) fn parse(text: &str, vocabulary: &Vocabulary) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let (name, make): (&str, fn(String) -> Self) = match (text.strip_suffix("-*"), text.strip_suffix('*')) {
            (Some(name), _) => (name, Self::Parts),
            (None, Some(name)) => (name, Self::Whole),
            (None, None) => (text, Self::Whole),
        };
        vocabulary.jurisdiction(name).map(|name| make(name.to_owned()))
    }

    /// Whether a jurisdiction is among them.
    #[must_use]
    pub fn holds(&self, jurisdiction: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Parts(name) => is_part(jurisdiction, name),
            Self::Whole(name) => jurisdiction == name || is_part(jurisdiction, name),
        }
    }

    /// Whether people there may be among them, for all that is known: of a country whose State is not told, or of an unknown
    /// country.
    fn may_hold(&self, jurisdiction: &str) -> bool {
        match self {
            Self::Any => false,
            _ if jurisdiction == UNKNOWN => true,
            Self::Parts(name) => jurisdiction == name,
            Self::Whole(name) => is_part(name, jurisdiction),
        }
    }

    /// The place that it names.
    pub(crate) fn place(&self) -> &str {
        match self {
            Self::Any => "all countries",
            Self::Parts(name) | Self::Whole(name) => name,
        }
    }
}

/// Whether a jurisdiction is a part of another: `US-CA` of `US`.
fn is_part(jurisdiction: &str, of: &str) -> bool {
    jurisdiction.strip_prefix(of).is_some_and(|rest| rest.starts_with('-'))
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Parts(name) => write!(f, "{name}-*"),
            Self::Whole(name) => write!(f, "{name}*"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Above(u64),
    AtLeast(u64),
    Below(u64),
    AtMost(u64),
}

impl Compare {
    /// Of a sum whose known part is `known`.
    const fn judge(self, known: u64, has_unknown: bool) -> Truth {
        let (is_reached, reached) = match self {
            Self::Above(limit) => (known > limit, Truth::True),
            Self::AtLeast(limit) => (known >= limit, Truth::True),
            Self::Below(limit) => (known >= limit, Truth::False),
            Self::AtMost(limit) => (known > limit, Truth::False),
        };
        if is_reached {
            reached
        } else if has_unknown {
            Truth::Unknown
        } else {
            reached.not()
        }
    }
}

impl std::fmt::Display for Compare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Above(limit) => write!(f, "more than {limit}"),
            Self::AtLeast(limit) => write!(f, "{limit} or more"),
            Self::Below(limit) => write!(f, "fewer than {limit}"),
            Self::AtMost(limit) => write!(f, "{limit} or fewer"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct People {
    pattern: Pattern,
    is_any: bool,
    /// As bits of the vocabulary's categories; 0 means whatever category.
    categories: u64,
    compare: Compare,
}

/// What of the facts something depends on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// Facts, as bits by index.
    pub facts: u128,
    /// People affected.
    pub people: bool,
}

impl Reads {
    pub(crate) const fn add(&mut self, fact: usize) {
        self.facts |= 1 << fact;
    }
}

/// A condition, ready to be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition(Node);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Always,
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Flag(usize),
    Word(usize, u8),
    Given(usize),
    People(People),
}

impl Condition {
    /// One that always holds.
    #[must_use]
    pub const fn always() -> Self {
        Self(Node::Always)
    }

    /// Reads one.
    ///
    /// # Errors
    ///
    /// What is wrong, in words.
    pub fn parse(text: &str, vocabulary: &Vocabulary) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, vocabulary, depth: 0 };
        let node = parser.condition()?;
        match parser.tokens.first() {
            None => Ok(Self(node)),
            Some(rest) => Err(format!("`{rest}` stands after the end of the condition")),
        }
    }

    /// Whether it holds.
    #[must_use]
    pub fn judge(&self, facts: &Facts) -> Truth {
        self.0.judge(facts)
    }

    /// Adds what of the facts it depends on.
    pub(crate) fn reads(&self, reads: &mut Reads) {
        self.0.reads(reads);
    }

    /// In words, what made it hold or not hold. Of an unknown condition what is known is not told.
    pub(crate) fn because(&self, facts: &Facts, vocabulary: &Vocabulary, out: &mut Reasons) {
        let truth = self.judge(facts);
        self.0.because(truth, facts, vocabulary, out);
    }

    /// The questions whose answers would settle it.
    pub(crate) fn questions<'v>(&self, facts: &Facts, vocabulary: &'v Vocabulary, out: &mut Vec<Cow<'v, str>>) {
        self.0.questions(facts, vocabulary, out);
    }
}

impl Node {
    fn judge(&self, facts: &Facts) -> Truth {
        match self {
            Self::Always => Truth::True,
            Self::Not(of) => of.judge(facts).not(),
            Self::All(of) => fold(of, facts, Truth::False),
            Self::Any(of) => fold(of, facts, Truth::True),
            Self::Flag(fact) => match facts.value(*fact) {
                Value::Flag(is) => is.into(),
                _ => Truth::Unknown,
            },
            Self::Word(fact, word) => match facts.value(*fact) {
                Value::Word(is) => (is == *word).into(),
                _ => Truth::Unknown,
            },
            Self::Given(fact) => (facts.value(*fact) != Value::Unknown).into(),
            Self::People(people) => people.judge(facts),
        }
    }

    fn reads(&self, reads: &mut Reads) {
        match self {
            Self::Always => {}
            Self::Not(of) => of.reads(reads),
            Self::All(of) | Self::Any(of) => of.iter().for_each(|one| one.reads(reads)),
            Self::Flag(fact) | Self::Word(fact, _) | Self::Given(fact) => reads.add(*fact),
            Self::People(_) => reads.people = true,
        }
    }

    fn because(&self, truth: Truth, facts: &Facts, vocabulary: &Vocabulary, out: &mut Reasons) {
        match self {
            Self::Always => {}
            Self::Not(of) => of.because(truth.not(), facts, vocabulary, out),
            Self::All(of) | Self::Any(of) => {
                let is_settled_by_one = matches!(self, Self::All(_)) == (truth == Truth::False);
                let mut made = of.iter().filter(|one| one.judge(facts) == truth);
                if is_settled_by_one {
                    if let Some(first) = made.next() {
                        first.because(truth, facts, vocabulary, out);
                    }
                } else {
                    made.for_each(|one| one.because(truth, facts, vocabulary, out));
                }
            }
            Self::Flag(fact) => {
                let is = if truth == Truth::True { "` is true" } else { "` is false" };
                out.push(&["`", vocabulary.fact_name(*fact), is]);
            }
            Self::Word(fact, word) => {
                let is = match facts.value(*fact) {
                    Value::Word(is) => is,
                    _ => *word,
                };
                out.push(&["`", vocabulary.fact_name(*fact), "` is `", vocabulary.word(*fact, is), "`"]);
            }
            Self::Given(fact) => {
                let is = if truth == Truth::True { "is given" } else { "is not given" };
                out.push(&["`", vocabulary.fact_name(*fact), "` ", is]);
            }
            Self::People(people) => people.because(truth, facts, out),
        }
    }

    fn questions<'v>(&self, facts: &Facts, vocabulary: &'v Vocabulary, out: &mut Vec<Cow<'v, str>>) {
        if self.judge(facts) != Truth::Unknown {
            return;
        }
        let question = match self {
            Self::Always | Self::Given(_) => return,
            Self::Not(of) => return of.questions(facts, vocabulary, out),
            Self::All(of) | Self::Any(of) => return of.iter().for_each(|one| one.questions(facts, vocabulary, out)),
            Self::Flag(fact) | Self::Word(fact, _) => Cow::Borrowed(vocabulary.question(*fact)),
            Self::People(people) => Cow::Owned(format!("How many people in {} are affected?", people.place())),
        };
        if !out.contains(&question) {
            out.push(question);
        }
    }
}

/// `settles` as soon as one part has it; unknown if one is unknown; the opposite otherwise.
fn fold(of: &[Node], facts: &Facts, settles: Truth) -> Truth {
    let mut folded = settles.not();
    for one in of {
        let truth = one.judge(facts);
        if truth == settles {
            return settles;
        }
        if truth == Truth::Unknown {
            folded = Truth::Unknown;
        }
    }
    folded
}

impl People {
    fn counts<'a>(&'a self, affected: &'a [Affected]) -> impl Iterator<Item = &'a Affected> {
        affected.iter().filter(|one| self.pattern.holds(&one.jurisdiction) && self.has_category(one))
    }

    fn has_category(&self, one: &Affected) -> bool {
        self.categories == 0 || one.categories.is_some_and(|of| of & self.categories != 0)
    }

    /// Whether people may count for all that is known, and do not for certain: where they live or what their data are is unknown.
    fn may_count(&self, one: &Affected) -> bool {
        let may_have = self.categories == 0 || one.categories.is_none_or(|of| of & self.categories != 0);
        let may_live = self.pattern.may_hold(&one.jurisdiction);
        may_have && (may_live || (self.pattern.holds(&one.jurisdiction) && !self.has_category(one)))
    }

    /// Whether the comparison holds, of a sum that is known up to people who may belong to it.
    fn compared(&self, known: u64, has_unknown: bool, affected: &[Affected]) -> Truth {
        let (more, more_unknown) = sum(affected.iter().filter(|one| self.may_count(one)));
        let least = self.compare.judge(known, has_unknown || more_unknown);
        if more == 0 || least == self.compare.judge(known.saturating_add(more), has_unknown || more_unknown) {
            least
        } else {
            Truth::Unknown
        }
    }

    fn judge(&self, facts: &Facts) -> Truth {
        let Some(affected) = facts.affected() else { return Truth::Unknown };
        if !self.is_any {
            let (known, has_unknown) = sum(self.counts(affected));
            return self.compared(known, has_unknown, affected);
        }
        // All of those whose part is not told may live in one part, of which nobody else is known.
        let mut folded = self.compared(0, false, affected);
        for one in self.counts(affected) {
            let (known, has_unknown) =
                sum(self.counts(affected).filter(|other| other.jurisdiction == one.jurisdiction));
            match self.compared(known, has_unknown, affected) {
                Truth::True => return Truth::True,
                Truth::Unknown => folded = Truth::Unknown,
                Truth::False => {}
            }
        }
        folded
    }

    fn place(&self) -> String {
        match &self.pattern {
            Pattern::Parts(name) if self.is_any => format!("each part of {name}"),
            pattern => pattern.place().to_owned(),
        }
    }

    fn because(&self, truth: Truth, facts: &Facts, out: &mut Reasons) {
        let affected = facts.affected().unwrap_or_default();
        let before = out.0.len();
        let text = out.next();
        let begin = text.len();
        if self.is_any {
            let mut named: Vec<&str> = Vec::new();
            for one in self.counts(affected).filter(|_| truth == Truth::True) {
                let (known, _) = sum(self.counts(affected).filter(|other| other.jurisdiction == one.jurisdiction));
                if self.compare.judge(known, false) == Truth::True && !named.contains(&&*one.jurisdiction) {
                    named.push(&one.jurisdiction);
                    let between = if text.len() == begin { "" } else { ", " };
                    let _ = write!(text, "{between}{known} people in {}", one.jurisdiction);
                }
            }
            if text.len() == begin {
                let _ = write!(text, "nowhere in {} {} people", self.place(), self.compare);
            } else {
                let _ = write!(text, " ({})", self.compare);
            }
        } else {
            let (known, has_unknown) = sum(self.counts(affected));
            let at_least = if has_unknown { "at least " } else { "" };
            let _ = write!(text, "{at_least}{known} people in {}", self.place());
            if self.categories != 0 {
                text.push_str(" with such data");
            }
            if !matches!(self.compare, Compare::Above(0)) {
                let not = if truth == Truth::False { "not " } else { "" };
                let _ = write!(text, " ({not}{})", self.compare);
            }
        }
        if out.repeats(begin) {
            out.0.truncate(before);
        }
    }
}

/// Reasons, one after the other in one text.
#[derive(Debug, Default)]
pub(crate) struct Reasons(pub(crate) String);

/// What stands between two reasons.
pub(crate) const BETWEEN: &str = "; ";

impl Reasons {
    /// Where the next reason is written.
    pub(crate) fn next(&mut self) -> &mut String {
        if self.0.is_empty() {
            self.0.reserve(160);
        } else {
            self.0.push_str(BETWEEN);
        }
        &mut self.0
    }

    /// A reason in parts.
    pub(crate) fn push(&mut self, parts: &[&str]) {
        let text = self.next();
        parts.iter().for_each(|part| text.push_str(part));
    }

    /// Whether what begins there was said before.
    fn repeats(&self, begin: usize) -> bool {
        let (before, last) = self.0.split_at(begin.min(self.0.len()));
        before.split(BETWEEN).any(|one| one == last)
    }
}

/// The known part of a sum, and whether there is another.
pub(crate) fn sum<'a>(of: impl Iterator<Item = &'a Affected>) -> (u64, bool) {
    of.fold((0, false), |(known, has_unknown), one| match one.subjects {
        Some(count) => (known.saturating_add(count), has_unknown),
        None => (known, true),
    })
}

fn tokens(text: &str) -> Result<Vec<&str>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' | ',' => 1,
            '>' | '<' => 1 + usize::from(rest.get(1..2) == Some("=")),
            _ => {
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '*'))).unwrap_or(rest.len())
            }
        };
        match rest.split_at_checked(length) {
            Some((token, after)) if length > 0 => {
                found.push(token);
                rest = after.trim_start();
            }
            _ => return Err(format!("`{first}` means nothing in a condition")),
        }
    }
    Ok(found)
}

struct Parser<'a, 'v> {
    tokens: &'a [&'a str],
    vocabulary: &'v Vocabulary,
    depth: usize,
}

impl<'a> Parser<'a, '_> {
    fn next(&mut self) -> Result<&'a str, String> {
        let (first, rest) = self.tokens.split_first().ok_or("the condition ends too early")?;
        self.tokens = rest;
        Ok(first)
    }

    fn takes(&mut self, word: &str) -> bool {
        let is_next = self.tokens.first() == Some(&word);
        if is_next {
            self.tokens = self.tokens.get(1..).unwrap_or_default();
        }
        is_next
    }

    fn condition(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("it nests deeper than {DEPTH_MAX}"));
        }
        let mut any = vec![self.both()?];
        while self.takes("or") {
            any.push(self.both()?);
        }
        self.depth -= 1;
        Ok(single(any, Node::Any))
    }

    fn both(&mut self) -> Result<Node, String> {
        let mut all = vec![self.one()?];
        while self.takes("and") {
            all.push(self.one()?);
        }
        Ok(single(all, Node::All))
    }

    fn one(&mut self) -> Result<Node, String> {
        match self.next()? {
            "not" => {
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err(format!("it nests deeper than {DEPTH_MAX}"));
                }
                let of = self.one()?;
                self.depth -= 1;
                Ok(Node::Not(Box::new(of)))
            }
            "(" => {
                let inner = self.condition()?;
                if self.takes(")") { Ok(inner) } else { Err("a `(` is never closed".to_owned()) }
            }
            "always" => Ok(Node::Always),
            "people" => self.people().map(Node::People),
            name => self.fact(name),
        }
    }

    fn fact(&mut self, name: &str) -> Result<Node, String> {
        let fact = self.vocabulary.fact(name).ok_or_else(|| format!("there is no fact `{name}`"))?;
        if self.vocabulary.is_text(fact) {
            return Err(format!("fact `{name}` is a text, on which nothing can depend"));
        }
        if self.takes("given") {
            return Ok(Node::Given(fact));
        }
        if self.takes("is") {
            let is_not = self.takes("not");
            let word = self.next()?;
            let index =
                self.vocabulary.word_index(fact, word).ok_or_else(|| format!("fact `{name}` is never `{word}`"))?;
            let node = Node::Word(fact, index);
            return Ok(if is_not { Node::Not(Box::new(node)) } else { node });
        }
        if self.vocabulary.is_flag(fact) {
            Ok(Node::Flag(fact))
        } else {
            Err(format!("fact `{name}` is neither true nor false; write `{name} given` or `{name} is …`"))
        }
    }

    fn people(&mut self) -> Result<People, String> {
        if !self.takes("in") {
            return Err("after `people` comes `in`".to_owned());
        }
        let is_any = self.takes("any");
        let pattern = Pattern::parse(self.next()?, self.vocabulary)?;
        let mut categories = 0;
        if self.takes("with") {
            loop {
                let name = self.next()?;
                let index = self.vocabulary.category(name).ok_or_else(|| format!("there is no category `{name}`"))?;
                categories |= 1_u64 << index;
                if !self.takes(",") {
                    break;
                }
            }
        }
        let sign = self.next()?;
        let number = self.next()?;
        let limit: u64 = number.parse().map_err(|source| format!("`{number}` is no number of people: {source}"))?;
        let compare = match sign {
            ">" => Compare::Above(limit),
            ">=" => Compare::AtLeast(limit),
            "<" => Compare::Below(limit),
            "<=" => Compare::AtMost(limit),
            _ => return Err(format!("`{sign}` compares nothing; write `>`, `>=`, `<` or `<=`")),
        };
        Ok(People { pattern, is_any, categories, compare })
    }
}

fn single(mut of: Vec<Node>, many: impl FnOnce(Vec<Node>) -> Node) -> Node {
    match (of.pop(), of.is_empty()) {
        (Some(one), true) => one,
        (Some(last), false) => {
            of.push(last);
            many(of)
        }
        (None, _) => Node::Always,
    }
}
