//! Chunk arithmetic and the sealing of single chunks.
//!
//! A part is cut into chunks of 64 KiB, the last one shorter; an empty part has one empty chunk. The nonce of a chunk is its
//! number and whether it is the last one: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015, "Online
//! authenticated-encryption and its nonce-reuse misuse-resistance"). As every part has a key of its own, no nonce meets a
//! key twice; 2^32 chunks would be allowed (NIST SP 800-38D §8.2.1, deterministic construction), 5 TiB have under 2^27.

use std::ops::Range;

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use aws_lc_rs::error::Unspecified;

use super::TAG_BYTES;
use super::part::HEADER_BYTES;
use crate::VaultError;

/// Bytes of plaintext in a full chunk.
pub const CHUNK_BYTES: usize = 64 << 10;
/// Bytes of a full chunk with its tag.
pub const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

/// How many chunks a part of `plain_bytes` has.
#[must_use]
pub const fn count(plain_bytes: u64) -> u64 {
    if plain_bytes == 0 { 1 } else { plain_bytes.div_ceil(CHUNK_BYTES as u64) }
}

/// Bytes of a sealed part: header, chunks and a tag each. `plain_bytes` is at most [`crate::OBJECT_BYTES_MAX`].
#[must_use]
pub const fn sealed_bytes(plain_bytes: u64) -> u64 {
    HEADER_BYTES as u64 + plain_bytes + count(plain_bytes) * TAG_BYTES as u64
}

/// Where chunk `number` begins in a sealed part.
#[must_use]
pub const fn offset(number: u64) -> u64 {
    HEADER_BYTES as u64 + number * SEALED_CHUNK_BYTES as u64
}

/// The chunks that hold bytes `start` to `end` (excluded) of a part's plaintext. An empty range has none.
#[must_use]
pub const fn holding(start: u64, end: u64) -> Range<u64> {
    if end <= start {
        return 0..0;
    }
    start / CHUNK_BYTES as u64..(end - 1) / CHUNK_BYTES as u64 + 1
}

/// Bytes of plaintext in chunk `number` of a part of `plain_bytes`.
#[must_use]
pub const fn plain_bytes_of(number: u64, plain_bytes: u64) -> usize {
    let before = number * CHUNK_BYTES as u64;
    let left = plain_bytes.saturating_sub(before);
    if left > CHUNK_BYTES as u64 { CHUNK_BYTES } else { left as usize }
}

/// Three zero bytes, the number of the chunk (big-endian, 64 bits), 1 for the last chunk or else 0.
fn nonce(number: u64, is_last: bool) -> Nonce {
    let mut bytes = [0; 12];
    let (_zeros, rest) = bytes.split_at_mut(3);
    let number = number.to_be_bytes();
    rest.iter_mut().zip(number.iter().chain([&u8::from(is_last)])).for_each(|(to, from)| *to = *from);
    Nonce::assume_unique_for_key(bytes)
}

/// Seals a chunk in place and gives its tag.
///
/// # Errors
/// When the cryptographic library fails.
pub fn seal(key: &LessSafeKey, number: u64, is_last: bool, chunk: &mut [u8]) -> Result<[u8; TAG_BYTES], VaultError> {
    let failed = |Unspecified| VaultError::Primitive { what: "AES-256-GCM" };
    let tag = key.seal_in_place_separate_tag(nonce(number, is_last), Aad::empty(), chunk).map_err(failed)?;
    let mut bytes = [0; TAG_BYTES];
    bytes.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
    Ok(bytes)
}

/// Opens `sealed` (ciphertext and tag) into `plain`. `None` when it is not that chunk; `plain` holds nothing of use then.
#[must_use]
pub fn open(key: &LessSafeKey, number: u64, is_last: bool, sealed: &[u8], plain: &mut [u8]) -> Option<()> {
    let (ciphertext, tag) = sealed.split_at_checked(plain.len())?;
    let opened = key.open_separate_gather(nonce(number, is_last), Aad::empty(), ciphertext, tag, plain);
    if opened.is_err() {
        plain.fill(0);
    }
    opened.ok()
}
