//! Time and randomness, which are parameters everywhere below the program that wires them.

use std::sync::Arc;

use aws_lc_rs::rand::SecureRandom as _;

/// Tells the time: milliseconds since 1970, UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// No randomness can be had. Nothing is sealed then.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random bytes; nothing can be sealed until it does")]
pub struct NoRandom;

type Fill = dyn Fn(&mut [u8]) -> Result<(), NoRandom> + Send + Sync;

/// Where random bytes come from. Keys are drawn from it, so that outside of tests it must be [`Random::system`].
#[derive(Clone)]
pub struct Random(Arc<Fill>);

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}

impl Random {
    /// The operating system's, through AWS-LC's generator (NIST SP 800-90A CTR_DRBG).
    #[must_use]
    pub fn system() -> Self {
        let random = aws_lc_rs::rand::SystemRandom::new();
        Self(Arc::new(move |bytes| random.fill(bytes).map_err(|aws_lc_rs::error::Unspecified| NoRandom)))
    }

    /// Another, for tests.
    #[must_use]
    pub fn of(fill: impl Fn(&mut [u8]) -> Result<(), NoRandom> + Send + Sync + 'static) -> Self {
        Self(Arc::new(fill))
    }

    /// Random bytes.
    ///
    /// # Errors
    /// When there are none.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], NoRandom> {
        let mut bytes = [0; N];
        (self.0)(&mut bytes)?;
        Ok(bytes)
    }
}
