//! Letters to individuals, partners, staff and the press: one text per language, filled once and merged with a list of recipients.
//!
//! What comes in: the facts of an incident, the plan of the organisation, and a table of recipients, row by row. What goes out: letters, one a
//! row, for post or e-mail; how many were made, who could not be reached, which rows are wrong; what the law wants said and is not
//! ([`Prepared::checked`]); and what is owed to those who could not be reached ([`substitute`]). Nothing is sent, and no name is kept beyond its letter:
//! faults tell a line and a column, never a value. Where letters that were made and sent stand, and the notices in their place, is told from entries
//! alone ([`standing`]).

use std::fmt;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::drafts::Checked;
use crate::plan::Plan;

mod address;
mod fields;
mod fill;
mod merge;
mod page;
mod rows;
mod standing;
mod substitute;
mod template;

pub use fill::{Prepared, Text, prepare};
pub use merge::{COLUMNS, Limits, Merge, MergeError, Merged, RowFault, merge};
pub use page::{Email, PAGE_END, page_begin, to_email, to_html};
pub use standing::{Bar, Demand, DemandKind, Met, Standing, bars, standing};
pub use substitute::{Form, Media, Owed, Substitute, media, substitute};

/// What kind of letter it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// To people concerned under Art. 34 GDPR.
    #[serde(rename = "gdpr-34")]
    Gdpr34,
    /// To individuals under 45 CFR 164.404.
    #[serde(rename = "hipaa-404")]
    Hipaa404,
    /// To principals under Art. 26(2) APPI.
    #[serde(rename = "appi-26-principals")]
    Appi26Principals,
    /// To controllers, covered entities, entrusters, sponsors and other partners.
    Partner,
    /// To the organisation's own staff.
    Staff,
    /// To the press.
    Press,
    /// For the website, where letters do not reach everybody.
    Substitute,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Gdpr34,
        Self::Hipaa404,
        Self::Appi26Principals,
        Self::Partner,
        Self::Staff,
        Self::Press,
        Self::Substitute,
    ];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gdpr34 => "gdpr-34",
            Self::Hipaa404 => "hipaa-404",
            Self::Appi26Principals => "appi-26-principals",
            Self::Partner => "partner",
            Self::Staff => "staff",
            Self::Press => "press",
            Self::Substitute => "substitute",
        }
    }

    /// As people read it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Gdpr34 => "People concerned (GDPR Art. 34)",
            Self::Hipaa404 => "Individuals (45 CFR 164.404)",
            Self::Appi26Principals => "Principals (APPI Art. 26(2))",
            Self::Partner => "Partners",
            Self::Staff => "Staff",
            Self::Press => "Press",
            Self::Substitute => "Notice for the website",
        }
    }

    /// Whether of those who have died the next of kin or a personal representative is written to: 45 CFR 164.404(d)(1)(ii). The GDPR does
    /// not apply to the dead (Recital 27), and the APPI protects the living (Art. 2(1)).
    #[must_use]
    pub const fn writes_to_kin(self) -> bool {
        matches!(self, Self::Hipaa404)
    }

    /// The kind of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Obligations whose contents it has to say, each with the jurisdictions of people whom it concerns.
    const fn basis(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Gdpr34 => &[("GDPR-34-1", "*")],
            Self::Hipaa404 => &[("HIPAA-404", "*")],
            Self::Appi26Principals => &[("APPI-26-subj", "*")],
            Self::Partner => &[("GDPR-33-2", "EU-*"), ("HIPAA-410", "US*"), ("APPI-26-entr", "JP")],
            Self::Staff => &[],
            Self::Press => &[("HIPAA-406", "US*")],
            Self::Substitute => &[("GDPR-34-1", "EU-*"), ("HIPAA-404", "US*"), ("APPI-26-subj", "JP")],
        }
    }
}

/// What all letters of one merge have in common.
#[derive(Debug, Clone, Copy)]
pub struct Common<'a> {
    /// Facts of the incident, as `case::Case` has them.
    pub facts: &'a Map<String, Value>,
    /// The plan of the organisation.
    pub plan: &'a Plan,
    /// How the organisation names the incident.
    pub reference: &'a str,
    /// The day that letters bear.
    pub date: Date,
    /// When the breach happened: a day such as `2026-01-15`, or words such as `between 3 and 5 January 2026` or `not known`. Left out: what the
    /// fact `breached_on` says. 45 CFR 164.404(c)(1)(A) asks for it beside the day of discovery.
    pub breached_on: Option<&'a str>,
}

/// Why there is no letter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// A text that is shipped is broken, which a test excludes.
    #[error("content/letters/{file}: {why}")]
    Content {
        /// Which.
        file: String,
        /// What is wrong.
        why: String,
    },
}

/// How a letter goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// By post.
    Post,
    /// By e-mail.
    Email,
    /// Neither can be: see [`substitute`].
    None,
}

/// A letter to one recipient.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// The recipient, as the table names them.
    pub recipient_id: String,
    /// The language of the text.
    pub language: &'static str,
    /// How it goes out.
    pub how: How,
    /// Name and postal address, line by line; empty without one.
    pub address: Vec<String>,
    /// The e-mail address, for [`How::Email`] alone.
    pub email: Option<String>,
    /// The organisation's name and postal address, line by line.
    pub sender: Vec<String>,
    /// The subject, on one line.
    pub subject: String,
    /// The text, plain, paragraphs parted by an empty line.
    pub text: String,
    /// It goes to the next of kin or personal representative of somebody who has died.
    pub to_kin: bool,
}

/// Names nobody, so that a letter can stand in a log without harm.
impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Letter");
        shown.field("language", &self.language).field("how", &self.how).finish_non_exhaustive()
    }
}

/// Whether everything in a list is said.
fn is_complete(checked: &[Checked]) -> bool {
    checked.iter().all(|one| one.is_said)
}
