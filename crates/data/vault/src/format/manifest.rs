//! The manifest: which parts, in which order and how long, make up one version of an object.
//!
//! | bytes | what |
//! | --- | --- |
//! | 0–7 | `LZRTMANI` |
//! | 8 | version: 1 |
//! | 9 | suite: 1 |
//! | 10–11 | 0 |
//! | 12–15 | n, the number of parts, big-endian |
//! | 16 … | n ids of parts, 16 bytes each |
//! | then | a sealed value ([`super::sealed`]) of the body, bound to all bytes before it |
//!
//! The ids stand in clear so that the blobs of a shredded object can still be removed. The body:
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 + s | length of the study's name, the name |
//! | 16, 16 | object id, version id |
//! | 8 | bytes of plaintext in all, big-endian |
//! | 32 | root |
//! | n × 40 | bytes of plaintext (8, big-endian) and BLAKE3 of the sealed part (32) |
//!
//! The root is BLAKE3 in its key-derivation mode over the number of parts and each part's id, length and digest. It says
//! what is stored, not what was in it: no one can guess content by it.

use super::{Place, Purpose, SALT_BYTES, SUITE, VERSION, sealed};
use crate::{BlobId, Key, OBJECT_BYTES_MAX, PARTS_MAX, VaultError};

const MAGIC: &[u8; 8] = b"LZRTMANI";
const ROOT_CONTEXT: &str = "lazaret 2026-11-24 vault manifest root 1";

/// One part, as the manifest binds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartEntry {
    /// Its blob.
    pub blob: BlobId,
    /// Its bytes of plaintext.
    pub plain_bytes: u64,
    /// BLAKE3 of the sealed part.
    pub digest: [u8; 32],
}

/// A manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The parts in order.
    pub parts: Vec<PartEntry>,
    /// Bytes of plaintext in all.
    pub plain_bytes: u64,
    /// The root over all parts.
    pub root: [u8; 32],
}

impl Manifest {
    /// The manifest of these parts.
    ///
    /// # Errors
    /// When there are none or too many, one is there twice, or they are too long together.
    pub fn of(parts: Vec<PartEntry>) -> Result<Self, VaultError> {
        if parts.is_empty() {
            return Err(VaultError::Parts { why: "there are none; an empty object has one empty part" });
        }
        if parts.len() > PARTS_MAX {
            let (found, limit) = (parts.len() as u64, PARTS_MAX as u64);
            return Err(VaultError::TooMuch { what: "the object", found, unit: "parts", limit });
        }
        let mut blobs: Vec<BlobId> = parts.iter().map(|part| part.blob).collect();
        blobs.sort_unstable();
        if blobs.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return Err(VaultError::Parts { why: "one is there twice" });
        }
        let plain_bytes = parts.iter().fold(0_u64, |sum, part| sum.saturating_add(part.plain_bytes));
        if plain_bytes > OBJECT_BYTES_MAX {
            let (found, limit) = (plain_bytes, OBJECT_BYTES_MAX);
            return Err(VaultError::TooMuch { what: "the object", found, unit: "bytes", limit });
        }
        let root = root(&parts);
        Ok(Self { parts, plain_bytes, root })
    }

    /// Its sealed form for one place.
    ///
    /// # Errors
    /// When the cryptographic library fails.
    pub fn seal(&self, object_key: &Key, place: &Place, salt: &[u8; SALT_BYTES]) -> Result<Vec<u8>, VaultError> {
        let mut bytes = Vec::with_capacity(320 + self.parts.len() * 56);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[VERSION, SUITE, 0, 0]);
        let count = u32::try_from(self.parts.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&count.to_be_bytes());
        self.parts.iter().for_each(|part| bytes.extend_from_slice(part.blob.as_bytes()));
        let context = place.context();
        let mut body = context.clone();
        body.extend_from_slice(&self.plain_bytes.to_be_bytes());
        body.extend_from_slice(&self.root);
        for part in &self.parts {
            body.extend_from_slice(&part.plain_bytes.to_be_bytes());
            body.extend_from_slice(&part.digest);
        }
        let sealed = sealed::seal(object_key, salt, Purpose::Manifest, &[&context], &bytes, &body)?;
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// Opens the manifest of one place. `None` when the bytes are anything else.
    #[must_use]
    pub fn open(bytes: &[u8], object_key: &Key, place: &Place) -> Option<Self> {
        let (clear, blobs, sealed) = split(bytes)?;
        let context = place.context();
        let body = sealed::open(object_key, Purpose::Manifest, &[&context], clear, sealed)?;
        Self::parse_body(&body, &context, &blobs)
    }

    /// The ids of the parts, which stand in clear. Not authenticated: for removing blobs whose key was destroyed.
    #[must_use]
    pub fn blobs(bytes: &[u8]) -> Option<Vec<BlobId>> {
        split(bytes).map(|(_clear, blobs, _sealed)| blobs)
    }

    /// Reads the body: everything in it must agree with the place, the ids and itself.
    #[must_use]
    pub fn parse_body(body: &[u8], context: &[u8], blobs: &[BlobId]) -> Option<Self> {
        let rest = body.strip_prefix(context)?;
        let (plain_bytes, rest) = rest.split_first_chunk::<8>()?;
        let (root, mut rest) = rest.split_first_chunk::<32>()?;
        let mut parts = Vec::with_capacity(blobs.len());
        for blob in blobs {
            let (plain_bytes, more) = rest.split_first_chunk::<8>()?;
            let (digest, more) = more.split_first_chunk::<32>()?;
            parts.push(PartEntry { blob: *blob, plain_bytes: u64::from_be_bytes(*plain_bytes), digest: *digest });
            rest = more;
        }
        let manifest = Self::of(parts).ok()?;
        let agrees = manifest.plain_bytes == u64::from_be_bytes(*plain_bytes) && manifest.root == *root;
        (agrees && rest.is_empty()).then_some(manifest)
    }
}

/// The clear bytes, the ids in them, and the sealed body.
fn split(bytes: &[u8]) -> Option<(&[u8], Vec<BlobId>, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<16>()?;
    let (magic, head) = head.split_first_chunk::<8>()?;
    let (kind, count) = head.split_first_chunk::<4>()?;
    if magic != MAGIC || *kind != [VERSION, SUITE, 0, 0] {
        return None;
    }
    let count = usize::try_from(u32::from_be_bytes(count.try_into().ok()?)).ok()?;
    if count == 0 || count > PARTS_MAX {
        return None;
    }
    let (ids, sealed) = rest.split_at_checked(count * 16)?;
    let id = |id: &[u8]| id.try_into().ok().map(BlobId::from_bytes);
    let blobs = ids.chunks_exact(16).map(id).collect::<Option<Vec<_>>>()?;
    let (clear, _sealed) = bytes.split_at_checked(16 + count * 16)?;
    Some((clear, blobs, sealed))
}

fn root(parts: &[PartEntry]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(ROOT_CONTEXT);
    hasher.update(&(parts.len() as u64).to_be_bytes());
    for part in parts {
        hasher.update(part.blob.as_bytes()).update(&part.plain_bytes.to_be_bytes()).update(&part.digest);
    }
    *hasher.finalize().as_bytes()
}
