//! Who holds the root key: a sealed file, a hardware security module, a key management service.
//!
//! The provider wraps one key alone, the organisation's. Whatever it cannot do, nobody else does instead: without an answer
//! nothing is sealed and nothing opened.

mod file;
mod pkcs11;
mod transit;

use std::path::PathBuf;

use model::Answer;

pub use file::{Effort, KeyFile, Passphrase, Warning};
pub use pkcs11::{Pkcs11, Pkcs11Settings};
pub use transit::{Transit, TransitSettings};

use crate::Key;
use crate::outside::NoRandom;

/// Why the root key cannot be used. Never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The root key file cannot be read or written.
    #[error("the root key file `{}` cannot be {what}; check its owner and the folder", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// Others than its owner may read the root key file.
    #[error("the root key file `{}` has mode {mode:o}, so that others may use it; set it to 600 and rotate the root key", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file is not a root key file.
    #[error("`{}` is not a root key file of this version, or was damaged; restore it from where you keep its copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The root key file wants a passphrase.
    #[error("the root key file `{}` is sealed; give its passphrase", path.display())]
    PassphraseMissing {
        /// The file.
        path: PathBuf,
    },
    /// A passphrase was given for a root key file that has none.
    #[error("the root key file `{}` has no passphrase; set one before you give one", path.display())]
    Unprotected {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is not the right one.
    #[error("the passphrase does not open the root key file `{}`", path.display())]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// What should be unwrapped was wrapped by another root key, or altered.
    #[error(
        "{provider} does not know the root key that this was wrapped with; check that it is the provider it was set up with"
    )]
    Unknown {
        /// The provider.
        provider: &'static str,
    },
    /// The provider does not answer.
    #[error("{provider} does not answer; nothing can be opened until it does")]
    Unreachable {
        /// The provider.
        provider: &'static str,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The provider answers, and refuses.
    #[error("{provider} refuses to {what}: {why}")]
    Refused {
        /// The provider.
        provider: &'static str,
        /// What was asked for.
        what: &'static str,
        /// What it says.
        why: String,
    },
    /// A setting that is not allowed.
    #[error("{provider} cannot be used like this: {why}")]
    Setting {
        /// The provider.
        provider: &'static str,
        /// Why not, and what to set.
        why: String,
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
}

impl ProviderError {
    /// Whether another try may succeed without a change.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::File { .. } | Self::Random { .. })
    }
}

/// The root key, wherever it lies. It never leaves; keys go to it.
pub trait RootKey: Send + Sync + 'static {
    /// What holds it, for people: `key file`, `PKCS#11 token lazaret`.
    fn name(&self) -> String;

    /// Wraps `key`, bound to `context`, under the newest root key.
    fn wrap<'a>(&'a self, context: &'a [u8], key: &'a Key) -> Answer<'a, Result<Vec<u8>, ProviderError>>;

    /// Unwraps what [`RootKey::wrap`] gave for the same context, under the newest root key or the ones before it.
    fn unwrap_key<'a>(&'a self, context: &'a [u8], wrapped: &'a [u8]) -> Answer<'a, Result<Key, ProviderError>>;

    /// Makes a new root key; the ones before it still unwrap.
    fn rotate(&self) -> Answer<'_, Result<(), ProviderError>>;

    /// Destroys the root keys before the newest, once nothing is wrapped under them.
    fn retire(&self) -> Answer<'_, Result<(), ProviderError>>;
}
