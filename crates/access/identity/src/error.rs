//! Why something about a principal could not be done.

use model::{EnvelopeError, RecordError};
use store::StoreError;

use crate::jwt::JwtError;

/// Why something about a principal could not be done. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The change could not be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A secret could not be sealed or opened.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// There is no randomness.
    #[error("the operating system gives no randomness; no credential can be made until it does")]
    Random(#[source] std::io::Error),
    /// There is none.
    #[error("there is no {what} `{id}`; check its name")]
    Missing {
        /// What kind of thing.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// The principal is disabled.
    #[error("`{name}` is disabled; enable it first")]
    Disabled {
        /// Its name.
        name: String,
    },
    /// There are too many.
    #[error("`{name}` has {max} access keys already; revoke one that is not used")]
    TooManyKeys {
        /// Whose they are.
        name: String,
        /// The most there may be.
        max: usize,
    },
    /// Too many failures.
    #[error("locked after too many failures; wait {wait_s} seconds, or ask an administrator to unlock it")]
    Locked {
        /// How long, in seconds.
        wait_s: i64,
    },
    /// A token of an identity provider is not accepted.
    #[error(transparent)]
    Token(#[from] JwtError),
    /// Something that was given does not make sense.
    #[error("{what}")]
    Wrong {
        /// What, and what to do.
        what: String,
    },
}
