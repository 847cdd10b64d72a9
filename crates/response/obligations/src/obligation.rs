//! One duty to notify, as data.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::condition::{Condition, Pattern, Reads};
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
    /// The media through which residents of a place are told.
    Media,
    /// Those who work for the organisation.
    Staff,
    /// The press, where the organisation speaks of itself.
    Press,
    /// An ethics committee or institutional review board.
    Ethics,
    /// An insurer.
    Insurer,
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
            Self::Staff => "staff",
            Self::Press => "press",
            Self::Ethics => "ethics",
            Self::Insurer => "insurer",
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

/// A way in which the law lets more time pass, or lets what is told be less at first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// What the law says, in our words.
    pub says: String,
    /// Where.
    pub cites: String,
    /// The days that it gives at most, where the text has a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days_max: Option<i64>,
}

/// What to know where a duty is not triggered only because nobody gave a fact that the law, or this library, takes to be no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The fact.
    pub fact: usize,
    /// When the duty would be owed, were it so.
    pub when: Condition,
    /// What to know.
    pub says: String,
}

/// A later step of the same duty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaterStage {
    /// What it is.
    pub name: String,
    /// The obligation whose notice is this step, by its index among ids.
    pub notice: usize,
    /// When there is such a step.
    pub when: Condition,
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
    /// Where it is law: `EU`, `US`, `JP`. `None`: wherever, as a contract is.
    pub jurisdiction: Option<String>,
    /// What is to be done, in a few words.
    pub title: String,
    /// The text.
    pub citation: String,
    /// Where the text can be read.
    pub source_url: Option<String>,
    /// What the text says, in our words.
    pub says: String,
    /// With whom the contract is, where it is a clause of one.
    pub partner: Option<String>,
    /// The roles whose duty it is, as bits of the vocabulary's roles.
    pub roles: u64,
    /// What triggers it.
    pub when: Condition,
    /// Who has to ask for it first, where somebody has to: it is not owed unless this holds too.
    pub requested: Option<Condition>,
    /// From when its period runs: the first of these that is known.
    pub start: Vec<Start>,
    /// A fact than whose day a start that is not known cannot be later.
    pub start_at_latest: Option<usize>,
    /// Other starts, the first whose condition holds.
    pub other_starts: Vec<(Condition, Vec<Start>)>,
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
    /// How the law lets more time pass.
    pub extensions: Vec<Extension>,
    /// A delay that law enforcement asks for moves it.
    pub delayable: bool,
    /// Who is to be told.
    pub recipient: String,
    /// Others, the first whose condition holds.
    pub other_recipients: Vec<(Condition, String)>,
    /// What kind of reader that is.
    pub audience: Audience,
    /// The jurisdictions each of which has a recipient of its own, with more than so many people.
    pub recipients_for: Option<(Pattern, u64)>,
    /// A fact whose word is the jurisdiction of the one recipient, where it is known.
    pub recipient_is: Option<usize>,
    /// What to know where it is not triggered.
    pub hint: Option<Hint>,
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
    /// Its index among ids.
    pub(crate) index: usize,
    /// What of the facts it depends on.
    pub(crate) reads: Reads,
}

impl Obligation {
    /// What of the facts it depends on.
    pub(crate) fn read(&self) -> Reads {
        let mut reads = Reads::default();
        let others = self.other_periods.iter().map(|(when, _)| when);
        let others = others.chain(self.other_starts.iter().map(|(when, _)| when));
        let stages = self.stages.iter().map(|stage| &stage.when);
        for condition in std::iter::once(&self.when).chain(&self.requested).chain(others).chain(stages) {
            condition.reads(&mut reads);
        }
        let starts = self.start.iter().chain(self.other_starts.iter().flat_map(|(_, starts)| starts));
        for start in starts.chain(self.stages.iter().flat_map(|stage| &stage.start)) {
            if let Start::Fact(fact) | Start::DayOf(fact) = start {
                reads.add(*fact);
            }
        }
        if let Some(fact) = self.start_at_latest {
            reads.add(fact);
        }
        reads
    }
}
