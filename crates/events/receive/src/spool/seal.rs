//! Keys of segments and of the place. Each is derived from the spool's key and a salt of its own (HKDF-SHA-256, RFC 5869),
//! with a commitment to it: AES-GCM alone does not tell a wrong key from wrong bytes.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

use super::SpoolError;

/// Bytes of a salt and of a commitment.
pub const SALT_BYTES: usize = 32;
/// Bytes of a tag.
pub const TAG_BYTES: usize = 16;

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// A derived key. Each of its nonces is used once: they count up, and no segment is written again by another process.
pub struct Key {
    key: LessSafeKey,
    pub commitment: [u8; SALT_BYTES],
}

impl Key {
    pub fn derive(master: &[u8; 32], salt: &[u8; SALT_BYTES], purpose: &[u8]) -> Result<Self, SpoolError> {
        let mut derived = Zeroizing::new([0; 64]);
        let drawn = Salt::new(HKDF_SHA256, salt).extract(master);
        let failed = |aws_lc_rs::error::Unspecified| SpoolError::Primitive;
        let info = [b"lazaret/spool/v1/".as_slice(), purpose];
        drawn.expand(&info, Length(64)).and_then(|okm| okm.fill(derived.as_mut_slice())).map_err(failed)?;
        let (key, committed) = derived.split_at(32);
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(failed)?);
        let mut commitment = [0; SALT_BYTES];
        commitment.copy_from_slice(committed);
        Ok(Self { key, commitment })
    }

    /// Seals `bytes` where they lie and appends the tag.
    pub fn seal(&self, counter: u64, bound: &[u8], from: usize, bytes: &mut Vec<u8>) -> Result<(), SpoolError> {
        let plain = bytes.get_mut(from..).unwrap_or_default();
        let failed = |aws_lc_rs::error::Unspecified| SpoolError::Primitive;
        let tag = self.key.seal_in_place_separate_tag(nonce(counter), Aad::from(bound), plain).map_err(failed)?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Opens what [`Key::seal`] gave; `None` when it is anything else.
    pub fn open(&self, counter: u64, bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (sealed, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG_BYTES)?)?;
        let mut plain = vec![0; sealed.len()];
        self.key.open_separate_gather(nonce(counter), Aad::from(bound), sealed, tag, &mut plain).ok()?;
        Some(plain)
    }
}

fn nonce(counter: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    let (_head, tail) = bytes.split_at_mut(NONCE_LEN - 8);
    tail.copy_from_slice(&counter.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}
