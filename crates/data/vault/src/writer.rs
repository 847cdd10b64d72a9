//! Sealing one part as it comes.

use std::sync::Arc;

use crate::blobs::BlobWrite;
use crate::format::chunks::{self, CHUNK_BYTES, SEALED_CHUNK_BYTES};
use crate::format::part::{HEADER_BYTES, Header};
use crate::format::{Derived, Place, TAG_BYTES};
use crate::keys::Held;
use crate::{BlobId, OBJECT_BYTES_MAX, SealedPart, VaultError};

/// Chunks that are stored at a time: 1 MiB.
const BATCH_CHUNKS: usize = 16;

/// Seals the plaintext of one part into a blob. Dropped without [`Writer::finish`], it leaves nothing visible, and what it
/// wrote is sealed like everything else.
pub struct Writer {
    place: Place,
    part: BlobId,
    held: Arc<Held>,
    derived: Derived,
    blob: Option<Box<dyn BlobWrite>>,
    hasher: blake3::Hasher,
    /// Sealed chunks, then the plaintext of the chunk that is being filled.
    buffer: Vec<u8>,
    /// Where that plaintext begins.
    open_at: usize,
    /// The number of that chunk.
    number: u64,
    plain_bytes: u64,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Writer({}, {} bytes)", self.part, self.plain_bytes)
    }
}

impl Writer {
    pub(crate) fn new(
        place: Place,
        held: Arc<Held>,
        header: &Header,
        derived: Derived,
        blob: Box<dyn BlobWrite>,
    ) -> Self {
        let mut buffer = Vec::with_capacity(HEADER_BYTES + SEALED_CHUNK_BYTES);
        buffer.extend_from_slice(&header.to_bytes());
        Self {
            place,
            part: header.part,
            held,
            derived,
            blob: Some(blob),
            hasher: blake3::Hasher::new(),
            open_at: buffer.len(),
            buffer,
            number: 0,
            plain_bytes: 0,
        }
    }

    /// Bytes of plaintext so far.
    #[must_use]
    pub fn plain_bytes(&self) -> u64 {
        self.plain_bytes
    }

    /// Seals more bytes.
    ///
    /// # Errors
    /// When they cannot be stored, or are more than an object may have. The writer is of no use then.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), VaultError> {
        self.plain_bytes = self.plain_bytes.saturating_add(bytes.len() as u64);
        if self.plain_bytes > OBJECT_BYTES_MAX {
            self.give_up();
            let (found, limit) = (self.plain_bytes, OBJECT_BYTES_MAX);
            return Err(VaultError::TooMuch { what: "the part", found, unit: "bytes", limit });
        }
        while !bytes.is_empty() {
            // A chunk is only sealed once it is known not to be the last one.
            if self.buffer.len() - self.open_at == CHUNK_BYTES {
                self.seal_chunk(false)?;
                if self.buffer.len() >= BATCH_CHUNKS * SEALED_CHUNK_BYTES {
                    self.store().await?;
                }
            }
            let room = CHUNK_BYTES - (self.buffer.len() - self.open_at);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            if self.buffer.capacity() - self.buffer.len() < now.len() + TAG_BYTES {
                self.buffer.reserve(BATCH_CHUNKS * SEALED_CHUNK_BYTES + HEADER_BYTES - self.buffer.len());
            }
            self.buffer.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Seals the last chunk, and makes the part visible and lasting.
    ///
    /// # Errors
    /// When it cannot be stored, or its key was destroyed in the meantime. Nothing is visible then.
    pub async fn finish(mut self) -> Result<SealedPart, VaultError> {
        self.seal_chunk(true)?;
        self.store().await?;
        self.held.alive()?;
        self.blob.take().ok_or(VaultError::Stopped)?.finish().await?;
        Ok(SealedPart {
            study: self.place.study.clone(),
            object: self.place.object,
            version: self.place.version,
            blob: self.part,
            plain_bytes: self.plain_bytes,
            sealed_bytes: chunks::sealed_bytes(self.plain_bytes),
            digest: *self.hasher.finalize().as_bytes(),
        })
    }

    fn seal_chunk(&mut self, is_last: bool) -> Result<(), VaultError> {
        let chunk = self.buffer.get_mut(self.open_at..).unwrap_or_default();
        let tag = chunks::seal(&self.derived.key, self.number, is_last, chunk)?;
        self.buffer.extend_from_slice(&tag);
        self.open_at = self.buffer.len();
        self.number += 1;
        Ok(())
    }

    /// Stores what is sealed: the whole buffer, because this is only called between chunks.
    async fn store(&mut self) -> Result<(), VaultError> {
        let buffer = std::mem::take(&mut self.buffer);
        self.open_at = 0;
        self.hasher.update(&buffer);
        let mut blob = self.blob.take().ok_or(VaultError::Stopped)?;
        self.buffer = blob.write(buffer).await?;
        self.buffer.clear();
        self.blob = Some(blob);
        Ok(())
    }

    fn give_up(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.buffer);
        (self.open_at, self.blob) = (0, None);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The chunk that was being filled is plaintext.
        self.give_up();
    }
}
