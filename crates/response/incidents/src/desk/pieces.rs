//! Entries that are longer than what is sealed at once: cut in pieces, each sealed by itself and bound to its place in this very entry.
//!
//! `LZPIECES`, then the SHA-256 of the whole, then for each piece its length (4 bytes, big-endian) and its sealed bytes. What is short is sealed as it
//! is, without any of that.

use model::{Envelope, EnvelopeError, Scope};

use crate::sha256_hex;

/// How what is in pieces begins.
const MAGIC: &[u8; 8] = b"LZPIECES";
/// Bytes of a piece: below the 64 KiB that an envelope takes.
const PIECE_BYTES: usize = 48 << 10;
/// Hexadecimal digits of a SHA-256.
const DIGEST: usize = 64;

fn place(context: &str, digest: &str, at: usize, of: usize) -> String {
    format!("{context}/piece/{digest}/{at}/{of}")
}

pub(super) async fn seal(
    envelope: &dyn Envelope,
    scope: &Scope,
    context: &str,
    plain: &[u8],
) -> Result<Vec<u8>, EnvelopeError> {
    if plain.len() <= PIECE_BYTES {
        return envelope.seal(scope, context.as_bytes(), plain).await;
    }
    let digest = sha256_hex(plain);
    let pieces: Vec<&[u8]> = plain.chunks(PIECE_BYTES).collect();
    let mut out = MAGIC.to_vec();
    out.extend(digest.as_bytes());
    for (at, piece) in pieces.iter().enumerate() {
        let sealed = envelope.seal(scope, place(context, &digest, at, pieces.len()).as_bytes(), piece).await?;
        out.extend(u32::try_from(sealed.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend(sealed);
    }
    Ok(out)
}

pub(super) async fn open(
    envelope: &dyn Envelope,
    scope: &Scope,
    context: &str,
    sealed: &[u8],
) -> Result<Vec<u8>, EnvelopeError> {
    let Some(rest) = sealed.strip_prefix(MAGIC) else {
        return envelope.open(scope, context.as_bytes(), sealed).await;
    };
    let altered = || EnvelopeError::Altered { scope: scope.clone() };
    let (digest, mut rest) = rest.split_at_checked(DIGEST).ok_or_else(altered)?;
    let digest = std::str::from_utf8(digest).map_err(|_no_text| altered())?;
    let mut pieces = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>().ok_or_else(altered)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_too_long| altered())?;
        let (piece, after) = after.split_at_checked(length).ok_or_else(altered)?;
        pieces.push(piece);
        rest = after;
    }
    let mut plain = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let place = place(context, digest, at, pieces.len());
        plain.extend(envelope.open(scope, place.as_bytes(), piece).await?);
    }
    // A piece that is missing at the end makes all places wrong; this is against an entry without any.
    if plain.is_empty() { Err(altered()) } else { Ok(plain) }
}
