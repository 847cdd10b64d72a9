//! Small sealed values: wrapped keys, details and the inside of manifests have one form.
//!
//! `salt (32) ‖ commitment (32) ‖ ciphertext ‖ tag (16)`. Key and commitment are derived from the salt, which is random, so
//! that each key seals one value and the nonce can be zero.

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use aws_lc_rs::error::Unspecified;
use zeroize::Zeroizing;

use super::{COMMITMENT_BYTES, Derived, Purpose, SALT_BYTES, TAG_BYTES};
use crate::{Key, VaultError};

/// Bytes that sealing adds.
pub const OVERHEAD_BYTES: usize = SALT_BYTES + COMMITMENT_BYTES + TAG_BYTES;

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// Seals `plain`. `clear` is bound to it but not part of the result. `context` says where it belongs.
///
/// # Errors
/// When the cryptographic library fails.
pub fn seal(
    key: &Key,
    salt: &[u8; SALT_BYTES],
    purpose: Purpose,
    context: &[&[u8]],
    clear: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let derived = Derived::new(key, salt, purpose, context)?;
    let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD_BYTES);
    sealed.extend_from_slice(salt);
    sealed.extend_from_slice(derived.commitment());
    sealed.extend_from_slice(plain);
    let (_head, body) = sealed.split_at_mut(SALT_BYTES + COMMITMENT_BYTES);
    let failed = |Unspecified| VaultError::Primitive { what: "AES-256-GCM" };
    let tag = derived.key.seal_in_place_separate_tag(nonce(), Aad::from(clear), body).map_err(failed)?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens what [`seal`] gave for the same key, purpose, context and clear bytes. `None` when it is anything else.
#[must_use]
pub fn open(key: &Key, purpose: Purpose, context: &[&[u8]], clear: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (salt, rest) = sealed.split_first_chunk::<SALT_BYTES>()?;
    let (commitment, body) = rest.split_first_chunk::<COMMITMENT_BYTES>()?;
    let (ciphertext, tag) = body.split_at_checked(body.len().checked_sub(TAG_BYTES)?)?;
    let derived = Derived::new(key, salt, purpose, context).ok()?;
    if !derived.is_committed(commitment) {
        return None;
    }
    let mut plain = Zeroizing::new(vec![0; ciphertext.len()]);
    derived.key.open_separate_gather(nonce(), Aad::from(clear), ciphertext, tag, &mut plain).ok()?;
    Some(plain)
}
