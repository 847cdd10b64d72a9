//! Keys in memory.

use zeroize::Zeroizing;

use crate::outside::{NoRandom, Random};

/// 32 bytes that are wiped when they are let go, and never printed.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// A fresh random key.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn random(random: &Random) -> Result<Self, NoRandom> {
        Ok(Self(Zeroizing::new(random.bytes()?)))
    }

    /// From 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// From a slice of 32 bytes, which the caller wipes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    /// Its bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}
