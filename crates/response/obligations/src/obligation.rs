//! One duty to notify, as data.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::condition::{Condition, Pattern};
use crate::period::{Period, Start};

/// How well the text behind an item was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Confidence {
    /// The legal text itself was read.
    V1,
    /// Secondary sources were read.
    V2,
    /// Known, stable law that was not read again.
    K,
    /// Uncertain or changing.
    U,
    /// Entered by a user, such as a clause of a contract.
    #[serde(rename = "user")]
    User,
}

/// Who reads the notice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// A public authority.
    #[default]
    Authority,
    /// The people concerned.
    People,
    /// Another organisation: controller, covered entity, entruster.
    Partner,
    /// The press.
    Media,
}

impl Audience {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::People => "people",
            Self::Partner => "partner",
            Self::Media => "media",
        }
    }
}

/// Whether it is law.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LawStatus {
    /// It is.
    #[default]
    InForce,
    /// It is only proposed.
    Proposed,
}

/// Something that the notice has to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Its id, shared by obligations that ask for the same.
    pub id: String,
    /// What has to be said, in our words.
    pub text: String,
    /// Where the law says so.
    pub cites: String,
}

/// A deadline by guidance, where the law has no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guidance {
    /// How long.
    pub period: Period,
    /// Who says so.
    pub cites: String,
}

/// A later step of the same duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaterStage {
    /// What it is.
    pub name: String,
    /// From when.
    pub start: Vec<Start>,
    /// How long.
    pub period: Period,
}

/// One version of one obligation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obligation {
    /// Its id, such as `GDPR-33-1`. Versions share it.
    pub id: String,
    /// The regime it belongs to, such as `gdpr`.
    pub regime: String,
    /// What is to be done, in a few words.
    pub title: String,
    /// The text.
    pub citation: String,
    /// What the text says, in our words.
    pub says: String,
    /// The roles whose duty it is, as bits of the vocabulary's roles.
    pub roles: u64,
    /// What triggers it.
    pub when: Condition,
    /// From when its period runs: the first of these that is known.
    pub start: Vec<Start>,
    /// How long it may take.
    pub period: Period,
    /// Other periods, the first whose condition holds.
    pub other_periods: Vec<(Condition, Period)>,
    /// The calendar that moves an end on a free day, by index.
    pub rolls: Option<usize>,
    /// Days that an organisation should aim for, where the number of the law is an outer limit.
    pub target_days: Option<i64>,
    /// A deadline by guidance.
    pub guidance: Option<Guidance>,
    /// Later steps.
    pub stages: Vec<LaterStage>,
    /// It is owed once its start is known: somebody has to ask for it first.
    pub starts_on_request: bool,
    /// A delay that law enforcement asks for moves it.
    pub delayable: bool,
    /// Who is to be told.
    pub recipient: String,
    /// What kind of reader that is.
    pub audience: Audience,
    /// The jurisdictions each of which has a recipient of its own, with more than so many people.
    pub recipients_for: Option<(Pattern, u64)>,
    /// What else to know.
    pub note: String,
    /// Whether it is law.
    pub status: LawStatus,
    /// The first day on which this text applies.
    pub from: Date,
    /// The last one.
    pub to: Option<Date>,
    /// The date of the text.
    pub text_version: Date,
    /// When it was last checked.
    pub checked: Date,
    /// How well.
    pub confidence: Confidence,
    /// What the notice has to say.
    pub contents: Vec<Content>,
}
