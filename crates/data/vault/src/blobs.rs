//! Where sealed bytes lie: blobs under random names, written once, read by range, removed.

pub mod disk;
mod folder;
mod local;
mod remote;
pub mod simulated;

use std::ops::Range;
use std::sync::Arc;

use model::Answer;

pub use folder::Folder;
pub use remote::Remote;

/// The name of a blob: 16 random bytes that say nothing about what it holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId([u8; 16]);

impl BlobId {
    /// From 16 random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl std::fmt::Display for BlobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for BlobId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BlobId({self})")
    }
}

impl std::str::FromStr for BlobId {
    type Err = BlobError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        crate::hex::decode_array(text).map(Self).ok_or_else(|| BlobError::Name { name: text.to_owned() })
    }
}

impl serde::Serialize for BlobId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for BlobId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::hex::bytes::deserialize(deserializer).map(Self)
    }
}

/// Why a blob could not be stored, read or removed.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("blob `{blob}` is not there; restore it from a backup")]
    Missing {
        /// Its name.
        blob: BlobId,
    },
    /// The disk is full.
    #[error("the storage of sealed objects is full; free space or extend it, nothing was stored")]
    Full {
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// Something else went wrong with a file.
    #[error("sealed storage cannot {what}; check the folder's owner, its disk and its free space")]
    File {
        /// What was tried.
        what: &'static str,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// A remote store refused.
    #[error("the remote object store cannot {what}; check its address, credentials and state")]
    Remote {
        /// What was tried.
        what: &'static str,
        /// What it says.
        #[source]
        source: Box<object_store::Error>,
    },
    /// A name that is none of ours.
    #[error("`{name}` is not the name of a blob: 32 hexadecimal digits are expected")]
    Name {
        /// The name.
        name: String,
    },
    /// The task that did the work was stopped.
    #[error("the work on sealed storage was stopped before it ended")]
    Stopped,
}

impl BlobError {
    /// Whether the blob is simply not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }

    /// Whether there is no space left.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full { .. })
    }
}

/// Sealed storage. Every implementation keeps these promises: a blob is visible whole or not at all; when
/// [`BlobWrite::finish`] has answered it survives a loss of power; a blob is never changed.
pub trait Blobs: Send + Sync + 'static {
    /// Begins a blob. Nothing of it is visible before [`BlobWrite::finish`].
    fn create(&self, blob: BlobId) -> Answer<'_, Result<Box<dyn BlobWrite>, BlobError>>;

    /// Opens a blob and reads its first bytes, at most `first`.
    fn open(&self, blob: BlobId, first: usize) -> Answer<'_, Result<Opened, BlobError>>;

    /// Removes a blob. One that is not there is no error.
    fn remove(&self, blob: BlobId) -> Answer<'_, Result<(), BlobError>>;

    /// Names of blobs in their order, after `after`, at most `limit`.
    fn list(&self, after: Option<BlobId>, limit: usize) -> Answer<'_, Result<Vec<BlobId>, BlobError>>;

    /// When a blob was stored, in milliseconds since 1970 by the storage's clock. `None` when it is not there.
    fn stored_at(&self, blob: BlobId) -> Answer<'_, Result<Option<i64>, BlobError>>;
}

/// A blob that was opened.
pub struct Opened {
    /// Reads more of it.
    pub blob: Arc<dyn BlobRead>,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its first bytes.
    pub first: Filled,
}

/// Bytes that were read, within a buffer that can be used again.
#[derive(Debug, Default)]
pub struct Filled {
    /// The buffer.
    pub buffer: Vec<u8>,
    /// Where the bytes lie in it.
    pub range: Range<usize>,
}

impl Filled {
    /// All of a buffer.
    #[must_use]
    pub fn whole(buffer: Vec<u8>) -> Self {
        let range = 0..buffer.len();
        Self { buffer, range }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.buffer.get(self.range.clone()).unwrap_or_default()
    }
}

/// A blob that is being written. Dropped unfinished, it leaves nothing visible.
pub trait BlobWrite: Send {
    /// Appends `bytes`, and gives the buffer back.
    fn write(&mut self, bytes: Vec<u8>) -> Answer<'_, Result<Vec<u8>, BlobError>>;

    /// Makes the blob visible and lasting.
    fn finish(self: Box<Self>) -> Answer<'static, Result<(), BlobError>>;
}

/// A blob that is read. It can be read to its end also after it was removed, where the storage allows that.
pub trait BlobRead: Send + Sync + 'static {
    /// Reads `bytes` bytes from `offset` on into a buffer that may be used again; fewer where the blob ends.
    fn read_at(
        self: Arc<Self>,
        offset: u64,
        bytes: usize,
        buffer: Vec<u8>,
    ) -> Answer<'static, Result<Filled, BlobError>>;
}
