//! Why access could not be changed or told.

use model::{EnvelopeError, RecordError};
use store::StoreError;

/// Why access could not be changed or told. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The change could not be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A reason could not be sealed.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A policy is none.
    #[error("the policy `{id}` cannot be used: {why}; nothing was changed")]
    Policy {
        /// Its id.
        id: String,
        /// What is wrong with it.
        why: String,
    },
    /// There is none of that id.
    #[error("there is no {what} `{id}`; check its name")]
    Missing {
        /// What kind of thing.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// Nothing of this name can be granted.
    #[error("there is no role `{role}`; the roles are {roles}")]
    Role {
        /// What was given.
        role: String,
        /// What there is.
        roles: String,
    },
    /// It needs two people.
    #[error("{what} takes two people; have it approved by somebody who neither requested it nor gains by it")]
    SamePerson {
        /// What was tried.
        what: &'static str,
    },
    /// It was decided before, or is over.
    #[error("grant {id} is {state} and cannot be {wanted}; request a new one")]
    State {
        /// The grant.
        id: u32,
        /// What it is.
        state: &'static str,
        /// What was tried.
        wanted: &'static str,
    },
    /// Something that was given does not make sense.
    #[error("{what}")]
    Wrong {
        /// What, and what to do.
        what: String,
    },
    /// Policy denies it.
    #[error("denied by `{rule}`: {because}; {hint}")]
    Denied {
        /// The policy.
        rule: String,
        /// What it says.
        because: String,
        /// What to do.
        hint: String,
    },
}

impl AccessError {
    /// A stable code for events and answers.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(_) => "access:store",
            Self::Record(_) => "access:record",
            Self::Envelope(_) => "access:key",
            Self::Policy { .. } => "access:policy",
            Self::Missing { .. } => "access:missing",
            Self::Role { .. } => "access:role",
            Self::SamePerson { .. } => "access:same-person",
            Self::State { .. } => "access:state",
            Self::Wrong { .. } => "access:wrong",
            Self::Denied { .. } => "access:denied",
        }
    }
}
