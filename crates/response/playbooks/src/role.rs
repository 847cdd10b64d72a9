//! Who is asked: the roles of those who answer an incident.

use serde::{Deserialize, Serialize};

/// A role in the answer to an incident. Who holds it is for the organisation to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Leads the answer and decides.
    Commander,
    /// Keeps the account of what was decided and why.
    Scribe,
    /// The data protection officer or privacy office.
    Privacy,
    /// Counsel; also for matters of employment.
    Legal,
    /// Speaks with those outside and inside.
    Communications,
    /// Runs systems, networks and identities.
    It,
    /// Answers for a study.
    StudyLead,
    /// Answers for GxP: deviations, corrective action, inspections.
    Quality,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Commander,
        Self::Scribe,
        Self::Privacy,
        Self::Legal,
        Self::Communications,
        Self::It,
        Self::StudyLead,
        Self::Quality,
    ];

    /// As it is written in playbooks.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commander => "commander",
            Self::Scribe => "scribe",
            Self::Privacy => "privacy",
            Self::Legal => "legal",
            Self::Communications => "communications",
            Self::It => "it",
            Self::StudyLead => "study_lead",
            Self::Quality => "quality",
        }
    }

    /// As people read it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Commander => "Incident commander",
            Self::Scribe => "Scribe",
            Self::Privacy => "Privacy office",
            Self::Legal => "Legal counsel",
            Self::Communications => "Communications",
            Self::It => "IT and security operations",
            Self::StudyLead => "Study lead",
            Self::Quality => "Quality assurance",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    pub(crate) fn names() -> String {
        Self::ALL.map(|role| format!("`{}`", role.as_str())).join(", ")
    }
}
