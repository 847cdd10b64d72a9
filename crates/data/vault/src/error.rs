//! What goes wrong in the vault, with the facts.

use model::Scope;
use store::StoreError;

use crate::blobs::BlobError;
use crate::outside::NoRandom;
use crate::provider::ProviderError;

/// Why the vault did not do what it was asked to. None of these ever lets plaintext out.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key was destroyed.
    #[error("the key of `{scope}` was destroyed; what it sealed is erased and the key is never made again")]
    Destroyed {
        /// Whose key.
        scope: String,
    },
    /// What is stored is not what was sealed for this place.
    #[error("{what} was altered, cut, or belongs elsewhere; restore it from a backup and find out who changed it")]
    Altered {
        /// What it is, such as `part 3 of object …`.
        what: String,
    },
    /// There is no such key: the object was never stored here, or the key table is not the one it was stored with.
    #[error("there is no key `{name}`; check that the key table belongs to these objects")]
    NoKey {
        /// The key's name.
        name: String,
    },
    /// A legal hold forbids it.
    #[error("a legal hold on `{scope}` (`{reference}`) forbids this; release the hold first")]
    Held {
        /// What is held.
        scope: Scope,
        /// The case it is held for.
        reference: String,
    },
    /// The object's key lies under another study.
    #[error("object `{object}` belongs to study `{found}`, not to `{asked}`")]
    Misplaced {
        /// The object.
        object: String,
        /// The study that was asked for.
        asked: String,
        /// The study it lies in.
        found: String,
    },
    /// A range that the object does not have.
    #[error("bytes {start} to {end} are asked for, but the object has {bytes}")]
    Range {
        /// First byte.
        start: u64,
        /// Behind the last byte.
        end: u64,
        /// Bytes of the object.
        bytes: u64,
    },
    /// More than a limit allows.
    #[error("{what} has {found} {unit}, more than {limit}")]
    TooMuch {
        /// What is too large.
        what: &'static str,
        /// What was given.
        found: u64,
        /// Of what.
        unit: &'static str,
        /// The limit.
        limit: u64,
    },
    /// Parts that cannot make up this object.
    #[error("these parts cannot make up the object: {why}")]
    Parts {
        /// Why not.
        why: &'static str,
    },
    /// This scope cannot be shredded or rotated by itself.
    #[error("`{scope}` cannot be {verb}: {why}")]
    Scope {
        /// The scope.
        scope: String,
        /// What was asked for.
        verb: &'static str,
        /// Why not, and what to do instead.
        why: &'static str,
    },
    /// The key table does not answer.
    #[error("the key table does not answer")]
    Keys {
        /// Why.
        #[from]
        source: StoreError,
    },
    /// The root key's provider does not answer.
    #[error("the root key cannot be used")]
    Provider {
        /// Why.
        #[from]
        source: ProviderError,
    },
    /// The storage of blobs does not answer.
    #[error("sealed storage failed")]
    Blobs {
        /// Why.
        #[from]
        source: BlobError,
    },
    /// There is no randomness.
    #[error(transparent)]
    Random {
        /// Why.
        #[from]
        source: NoRandom,
    },
    /// A primitive of the cryptographic library failed on good input.
    #[error("the cryptographic library failed at {what}; check its self-test")]
    Primitive {
        /// At what.
        what: &'static str,
    },
    /// A task was stopped.
    #[error("the work was stopped before it ended; do it again")]
    Stopped,
}

impl VaultError {
    /// What is stored here was altered.
    pub(crate) fn altered(what: impl Into<String>) -> Self {
        Self::Altered { what: what.into() }
    }

    /// Whether another try may succeed without a change: something is out of reach or full.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Blobs { source } => !source.is_missing(),
            Self::Provider { source } => source.is_unavailable(),
            Self::Keys { .. } | Self::Random { .. } | Self::Stopped => true,
            _ => false,
        }
    }
}
