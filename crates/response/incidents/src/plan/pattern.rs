//! Which jurisdictions are meant, written as obligations write them.

use std::fmt;

use serde::Serialize;

/// Which jurisdictions are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// This one alone: `JP`.
    One(String),
    /// Every part of it: `EU-*`.
    Parts(String),
    /// Itself and every part: `US*`.
    Whole(String),
    /// All, and those unknown: `*`.
    All,
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        let (name, make): (&str, fn(String) -> Self) = match (text.strip_suffix("-*"), text.strip_suffix('*')) {
            (Some(name), _) => (name, Self::Parts),
            (None, Some(name)) => (name, Self::Whole),
            (None, None) => (text, Self::One),
        };
        is_place(name).then(|| make(name.to_owned()))
    }

    /// Whether a jurisdiction is among them.
    #[must_use]
    pub fn holds(&self, jurisdiction: &str) -> bool {
        let is_part = |of: &str| jurisdiction.strip_prefix(of).is_some_and(|rest| rest.starts_with('-'));
        match self {
            Self::One(name) => jurisdiction == name,
            Self::Parts(name) => is_part(name),
            Self::Whole(name) => jurisdiction == name || is_part(name),
            Self::All => true,
        }
    }

    /// How much it takes in: the closer, the less.
    pub(super) const fn width(&self) -> u8 {
        match self {
            Self::One(_) => 0,
            Self::Parts(_) => 1,
            Self::Whole(_) => 2,
            Self::All => 3,
        }
    }
}

/// Whether it names one place: `EU-DE`, `US-CA`, `JP`.
pub(super) fn is_place(text: &str) -> bool {
    text.parse::<model::Jurisdiction>().is_ok_and(|place| place.is_known())
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && !text.ends_with('-')
        && !text.contains("--")
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(name) => f.write_str(name),
            Self::Parts(name) => write!(f, "{name}-*"),
            Self::Whole(name) => write!(f, "{name}*"),
            Self::All => f.write_str("*"),
        }
    }
}

impl Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
