//! Sealed object storage. What comes in: plaintext of objects and small secrets, with the study, object and version (or the
//! scope) they belong to. What goes out: sealed blobs with random names, and plaintext again, for the same place only.
//!
//! This crate must never keep or write plaintext, hand out a byte that was not authenticated, derive a key that must be
//! destroyable from another, fall back to anything when a key cannot be had, or decide who may read.
//!
//! The way of an object: [`Vault::writer`] seals each part as it comes (`format::part`), [`Vault::commit`] binds the parts
//! in a sealed manifest (`format::manifest`), [`Vault::read`] opens the chunks that a range needs. Keys lie wrapped in
//! `store::keys` (`keys`), under a root key that a provider holds (`provider`). The format is documented byte by byte in
//! docs/reference/vault-format.md, the keys in docs/reference/keys.md.

pub mod blobs;
mod envelope;
mod error;
pub mod format;
pub mod hex;
mod keys;
mod object;
pub mod outside;
pub mod provider;
mod reader;
mod receipt;
mod secret;
mod vault;
mod writer;

pub use blobs::{BlobId, Blobs};
pub use error::VaultError;
pub use keys::{Caching, Doom, KeyStatus, Rotation, Turn};
pub use object::{ManifestPlace, SealedObject, SealedPart};
pub use outside::{Clock, Random};
pub use provider::{ProviderError, RootKey};
pub use reader::Reader;
pub use receipt::{BadReceipt, Receipt};
pub use secret::Key;
pub use store::keys::HoldRow as Hold;
pub use vault::Vault;
pub use writer::Writer;

/// The most bytes of plaintext in one object: 5 TiB, the limit of S3's multipart uploads.
pub const OBJECT_BYTES_MAX: u64 = 5 << 40;
/// The most parts of one object, as in S3.
pub const PARTS_MAX: usize = 10_000;
/// The most bytes of a small value that [`model::Envelope`] seals.
pub const DETAIL_BYTES_MAX: usize = 64 << 10;
