//! What the console has done about incidents by whoever can: exposure, containment, drafts. Who does it is not known here.

use model::{Answer, By};

/// What is to be done about an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Tell whose data was exposed by whom the incident's finding is about, or by the one who is named.
    Expose {
        /// By this principal; empty: by the finding's.
        principal: String,
    },
    /// Contain a `principal`, `partner` or `study`, or end that.
    Contain {
        /// What kind it is.
        kind: String,
        /// Which, by name.
        target: String,
        /// Whether it is contained from now on.
        on: bool,
    },
    /// Draft a notice from the facts.
    Draft {
        /// For which obligation.
        obligation: String,
        /// In which language.
        language: String,
    },
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum ActFault {
    /// It was asked wrongly.
    #[error("{0}")]
    Wrong(String),
    /// Something did not answer.
    #[error("{0}")]
    Failed(String),
}

/// Does it.
pub trait Respond: Send + Sync + 'static {
    /// Does it for an incident, on behalf of somebody.
    fn act<'a>(&'a self, incident: u32, act: Act, by: &'a By) -> Answer<'a, Result<(), ActFault>>;
}
