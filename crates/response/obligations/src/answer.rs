//! What is said of one obligation and one incident.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Serialize, Serializer};

use crate::obligation::{Confidence, LawStatus};

/// Where a duty stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Owed by a time.
    Due,
    /// Owed at once; the text has no number.
    Promptly,
    /// Not owed.
    NotTriggered,
    /// That depends on what is unknown, or on an earlier notice.
    Waiting,
    /// Law enforcement asked for a delay.
    Tolled,
    /// The notice was sent.
    Met,
}

impl Status {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Promptly => "promptly",
            Self::NotTriggered => "not_triggered",
            Self::Waiting => "waiting",
            Self::Tolled => "tolled",
            Self::Met => "met",
        }
    }
}

/// How to answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The present, if it plays a part.
    pub at: Option<Timestamp>,
    /// What is only proposed stands in the place of the law.
    pub with_proposed: bool,
}

/// A delay by law enforcement, as it bears on a duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tolled {
    /// The last day of the delay.
    pub until: Date,
    /// The date without it.
    pub undelayed_due_on: Date,
    /// The text.
    pub citation: String,
}

/// A later step of the same duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// What it is.
    pub name: String,
    /// The obligation whose notice is this step.
    pub obligation: String,
    /// Where it stands. The notice of another step does not meet it.
    pub status: Status,
    /// By when, to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Clocked>,
    /// By which day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_on: Option<Date>,
}

/// An instant with the offset of the organisation's time zone then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocked {
    /// The instant.
    pub instant: Timestamp,
    /// Seconds that the local clock is ahead of UTC.
    pub offset_seconds: i32,
}

impl Clocked {
    pub(crate) fn of(instant: Timestamp, zone: &TimeZone) -> Self {
        Self { instant, offset_seconds: zone.to_offset(instant).seconds() }
    }
}

impl std::fmt::Display for Clocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let offset = jiff::tz::Offset::from_seconds(self.offset_seconds).unwrap_or(jiff::tz::Offset::UTC);
        let local = offset.to_datetime(self.instant);
        let (date, time) = (local.date(), local.time());
        let (sign, ahead) =
            if self.offset_seconds < 0 { ('-', -self.offset_seconds) } else { ('+', self.offset_seconds) };
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{sign}{:02}:{:02}",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            ahead / 3_600,
            ahead / 60 % 60
        )
    }
}

impl Serialize for Clocked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as the attribute that calls it wants")]
const fn is_in_force(status: &LawStatus) -> bool {
    matches!(status, LawStatus::InForce)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as the attribute that calls it wants")]
const fn is_false(is: &bool) -> bool {
    !*is
}

/// What is to be said of one obligation and one incident.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer<'l> {
    /// Its id.
    pub obligation: &'l str,
    /// Where it stands.
    pub status: Status,
    /// It waits for nothing but that somebody asks for it, which may never be.
    #[serde(skip_serializing_if = "is_false")]
    pub on_request: bool,
    /// From when, to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Clocked>,
    /// From which day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_on: Option<Date>,
    /// By when, to the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Clocked>,
    /// By which day, where the text counts in days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_on: Option<Date>,
    /// The day to which weekends and holidays move it, where they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_due_on: Option<Date>,
    /// The day to aim for, where the number of the law is an outer limit, or guidance has one where the law has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_on: Option<Date>,
    /// Whether the time is over. Told where the present plays a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overdue: Option<bool>,
    /// How much time is left, negative where it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<i64>,
    /// Who is to be told.
    pub recipient: &'l str,
    /// Each of them, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// For which jurisdictions there is one each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recipients_for: Vec<String>,
    /// The text.
    pub citation: &'l str,
    /// Where the text can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_url: Option<&'l str>,
    /// Because of which facts and which text.
    pub because: String,
    /// What to answer, so that it is settled.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Cow<'l, str>>,
    /// A delay by law enforcement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolled: Option<Tolled>,
    /// Later steps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// What else to know, such as facts that do not fit together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Cow<'l, str>>,
    /// Whether it is law.
    #[serde(skip_serializing_if = "is_in_force")]
    pub law: LawStatus,
    /// The date of the text.
    pub text_version: Date,
    /// How well it was checked.
    pub confidence: Confidence,
}

impl Answer<'_> {
    /// Whether it waits for nothing but that somebody asks for it. Such an answer keeps nothing open: it may wait for ever.
    #[must_use]
    pub const fn is_on_request(&self) -> bool {
        self.on_request
    }
}
