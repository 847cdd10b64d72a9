//! What is asked: who, which action, on what, in which circumstances.

use model::{Action, Label, ObjectId};
use store::principals::Principal;
use store::studies::Study;

use crate::index::Standing;

/// A set of actions.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ActionSet(u16);

impl ActionSet {
    /// Whether `action` is in it.
    #[must_use]
    pub const fn contains(self, action: Action) -> bool {
        self.0 & (1 << action as u8) != 0
    }

    /// Whether every action of `other` is in it.
    #[must_use]
    pub const fn contains_all(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether nothing is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its members in the order of declaration.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |action| self.contains(*action))
    }
}

impl FromIterator<Action> for ActionSet {
    fn from_iter<I: IntoIterator<Item = Action>>(actions: I) -> Self {
        Self(actions.into_iter().fold(0, |set, action| set | 1 << action as u8))
    }
}

impl std::fmt::Debug for ActionSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A set of labels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct LabelSet(u32);

impl LabelSet {
    pub(crate) const fn contains_all(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }
}

impl FromIterator<Label> for LabelSet {
    fn from_iter<I: IntoIterator<Item = Label>>(labels: I) -> Self {
        Self(labels.into_iter().fold(0, |set, label| set | 1 << label as u8))
    }
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Network {
    /// Not known.
    #[default]
    Unknown,
    /// The machine that Lazaret runs on.
    Local,
    /// The organisation's own network.
    Internal,
    /// Elsewhere.
    External,
}

impl Network {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Local => "local",
            Self::Internal => "internal",
            Self::External => "external",
        }
    }
}

/// What a request is made with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Machine {
    /// Not known.
    #[default]
    Unknown,
    /// One that the organisation manages.
    Managed,
    /// Another.
    Unmanaged,
}

impl Machine {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Managed => "managed",
            Self::Unmanaged => "unmanaged",
        }
    }
}

/// What is true of a request besides who, what and which.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// When, in milliseconds since 1970, UTC.
    pub now_ms: i64,
    /// Whether a second factor was shown.
    pub mfa: bool,
    /// Why, as a closed term; empty if not said.
    pub purpose: String,
    /// Where from.
    pub network: Network,
    /// What with.
    pub machine: Machine,
    /// To which country, when something leaves: ISO 3166-1 alpha-2.
    pub destination: Option<String>,
}

/// An object, or one that is about to be stored.
#[derive(Debug, Clone, Copy, Default)]
pub struct Thing<'a> {
    /// Its id, if it has one yet.
    pub id: Option<ObjectId>,
    /// What it holds, as far as that is known.
    pub labels: &'a [Label],
}

/// One question to the policies, with every fact that they may look at.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Who.
    pub principal: &'a Principal,
    /// Does what.
    pub action: Action,
    /// In which study; `None`: to the organisation itself.
    pub study: Option<&'a Study>,
    /// To which object; `None`: to the study itself.
    pub object: Option<Thing<'a>>,
    /// In which circumstances.
    pub circumstances: &'a Circumstances,
    /// With which grants.
    pub standing: &'a Standing,
}
