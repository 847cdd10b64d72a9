//! What the caller keeps of an object in its own row: never a key, never plaintext.

use model::{ObjectId, StudyId, VersionId};
use serde::{Deserialize, Serialize};

use crate::format::Place;
use crate::{BlobId, hex};

/// A part that was sealed and stored, not yet bound to an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedPart {
    /// The study it was sealed for.
    pub study: StudyId,
    /// The object.
    pub object: ObjectId,
    /// The version.
    pub version: VersionId,
    /// Its blob.
    pub blob: BlobId,
    /// Bytes of plaintext.
    pub plain_bytes: u64,
    /// Bytes on the disk.
    pub sealed_bytes: u64,
    /// BLAKE3 of the sealed part.
    #[serde(with = "hex::bytes")]
    pub digest: [u8; 32],
}

/// Where a manifest lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManifestPlace {
    /// Here, as short ones do.
    Inline(#[serde(with = "hex::bytes")] Vec<u8>),
    /// In a blob.
    Blob(BlobId),
}

/// One version of an object: what [`crate::Vault::read`] needs besides the keys. Nothing in it is secret; everything in it is
/// checked against the sealed manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedObject {
    /// The study.
    pub study: StudyId,
    /// The object.
    pub object: ObjectId,
    /// The version.
    pub version: VersionId,
    /// Bytes of plaintext.
    pub bytes: u64,
    /// Bytes on the disk, without a manifest in a blob.
    pub sealed_bytes: u64,
    /// The manifest's root: names what is stored, in the ledger for instance.
    #[serde(with = "hex::bytes")]
    pub root: [u8; 32],
    /// The manifest.
    pub manifest: ManifestPlace,
}

impl SealedObject {
    /// Where it belongs.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { study: self.study.clone(), object: self.object, version: self.version }
    }
}
