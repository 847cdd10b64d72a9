//! Opening what a range needs, piece by piece.
//!
//! A piece is 16 chunks, so that plaintext comes in pieces of 1 MiB. While one is handed out, the next is already being read
//! and opened. Ciphertext is read into a buffer that is used again; each chunk is authenticated as it is decrypted from
//! there into the piece, and a piece is handed out when all its chunks were.

use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use tokio::task::JoinHandle;

use crate::blobs::{BlobRead, Filled, Opened};
use crate::format::chunks::{self, CHUNK_BYTES, SEALED_CHUNK_BYTES};
use crate::format::manifest::PartEntry;
use crate::format::part::{HEADER_BYTES, Header};
use crate::format::{Derived, Place, TAG_BYTES};
use crate::keys::Held;
use crate::{Blobs, VaultError};

/// Chunks of a piece: 1 MiB of plaintext.
const PIECE_CHUNKS: u64 = 16;
/// Buffers that are kept for use again, over all readers of a vault.
const POOLED_BUFFERS_MAX: usize = 16;

/// Plaintext buffers that came back, wiped when they are handed out again.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Vec<Vec<u8>>>);

impl Pool {
    fn take(&self, bytes: usize) -> Vec<u8> {
        let mut buffers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = if bytes > CHUNK_BYTES { buffers.pop().unwrap_or_default() } else { Vec::new() };
        drop(buffers);
        buffer.resize(bytes, 0);
        buffer
    }

    fn give(&self, buffer: Vec<u8>) {
        let mut buffers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.capacity() > CHUNK_BYTES && buffers.len() < POOLED_BUFFERS_MAX {
            buffers.push(buffer);
        }
    }
}

/// A piece of plaintext whose buffer goes back to the pool.
struct Piece {
    buffer: Vec<u8>,
    pool: Arc<Pool>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.pool.give(std::mem::take(&mut self.buffer));
    }
}

/// The plaintext of a range: a stream of pieces. It ends at the first piece that is not genuine.
pub struct Reader {
    pieces: Pin<Box<dyn Stream<Item = Result<Bytes, VaultError>> + Send>>,
    bytes: u64,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reader({} bytes)", self.bytes)
    }
}

impl Reader {
    /// Bytes that it will give in all.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Stream for Reader {
    type Item = Result<Bytes, VaultError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.as_mut().poll_next(context)
    }
}

/// A stretch of one part that the range needs.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    part: PartEntry,
    /// First byte within the part, and the one behind the last.
    start: u64,
    end: u64,
}

/// A part that is being read.
struct Current {
    stretch: Stretch,
    blob: Arc<dyn BlobRead>,
    derived: Derived,
    /// The next chunk, and the one behind the last.
    next: u64,
    end: u64,
    /// Sealed chunks that came with the opening.
    ahead: Option<Filled>,
}

struct Work {
    blobs: Arc<dyn Blobs>,
    held: Arc<Held>,
    place: Place,
    pool: Arc<Pool>,
    stretches: std::vec::IntoIter<Stretch>,
    current: Option<Current>,
    sealed: Vec<u8>,
}

/// The stretches of `parts` that hold bytes `range` of the object.
fn stretches(parts: &[PartEntry], range: &Range<u64>) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut before = 0_u64;
    for part in parts {
        let after = before + part.plain_bytes;
        let (start, end) = (range.start.max(before), range.end.min(after));
        if start < end {
            stretches.push(Stretch { part: *part, start: start - before, end: end - before });
        }
        before = after;
    }
    stretches
}

impl Reader {
    /// Opens the first piece already, so that a fault in it is known before anything is answered.
    pub(crate) async fn open(
        blobs: Arc<dyn Blobs>,
        pool: Arc<Pool>,
        held: Arc<Held>,
        place: Place,
        parts: &[PartEntry],
        range: Range<u64>,
    ) -> Result<Self, VaultError> {
        let stretches = stretches(parts, &range).into_iter();
        let work = Work { blobs, held, place, pool, stretches, current: None, sealed: Vec::new() };
        let bytes = range.end - range.start;
        let first = work.step().await?;
        let start = first.map(|(piece, work)| (piece, tokio::spawn(work.step())));
        Ok(Self { pieces: Box::pin(pieces(start)), bytes })
    }
}

type Step = Result<Option<(Bytes, Work)>, VaultError>;

enum Next {
    Ready(Bytes, Ahead),
    Waiting(Ahead),
    End,
}

/// The piece that is read ahead; nobody waits for it once the reader is dropped.
struct Ahead(JoinHandle<Step>);

impl Drop for Ahead {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn pieces(start: Option<(Bytes, JoinHandle<Step>)>) -> impl Stream<Item = Result<Bytes, VaultError>> + Send {
    let start = start.map_or(Next::End, |(piece, ahead)| Next::Ready(piece, Ahead(ahead)));
    stream::unfold(start, |next| async move {
        match next {
            Next::Ready(piece, ahead) => Some((Ok(piece), Next::Waiting(ahead))),
            Next::Waiting(mut ahead) => match (&mut ahead.0).await {
                Ok(Ok(Some((piece, work)))) => Some((Ok(piece), Next::Waiting(Ahead(tokio::spawn(work.step()))))),
                Ok(Ok(None)) => None,
                Ok(Err(error)) => Some((Err(error), Next::End)),
                Err(_stopped) => Some((Err(VaultError::Stopped), Next::End)),
            },
            Next::End => None,
        }
    })
}

impl Work {
    /// The next piece, and the work that is left.
    async fn step(mut self) -> Step {
        self.held.alive()?;
        if self.current.is_none() {
            let Some(stretch) = self.stretches.next() else { return Ok(None) };
            self.current = Some(self.begin(stretch).await?);
        }
        let Some(current) = &mut self.current else { return Ok(None) };
        let from = current.next;
        // Pieces end where sixteen chunks end in the part, so that the first may be shorter.
        let to = ((from / PIECE_CHUNKS + 1) * PIECE_CHUNKS).min(current.end);
        let sealed_bytes = sealed_bytes(from..to, current.stretch.part.plain_bytes);
        let sealed = match current.ahead.take() {
            Some(ahead) => ahead,
            None => {
                let buffer = std::mem::take(&mut self.sealed);
                Arc::clone(&current.blob).read_at(chunks::offset(from), sealed_bytes, buffer).await?
            }
        };
        let piece = current.open(&self.pool, from..to, sealed.bytes());
        let blob = current.stretch.part.blob;
        let altered = || VaultError::altered(format!("blob `{blob}` of {}", self.place));
        let piece = piece.ok_or_else(altered)?;
        self.sealed = sealed.buffer;
        current.next = to;
        if to >= current.end {
            self.current = None;
        }
        self.held.alive()?;
        Ok(Some((piece, self)))
    }

    /// Opens a part's blob, checks its length and header, and reads the first chunks with the header where they are near.
    async fn begin(&self, stretch: Stretch) -> Result<Current, VaultError> {
        let part = stretch.part;
        let needed = chunks::holding(stretch.start, stretch.end);
        let with_first = if needed.start == 0 {
            let first = 0..needed.end.min(PIECE_CHUNKS);
            HEADER_BYTES + sealed_bytes(first, part.plain_bytes)
        } else {
            HEADER_BYTES
        };
        let Opened { blob, bytes, mut first } = self.blobs.open(part.blob, with_first).await?;
        let altered = || VaultError::altered(format!("blob `{}` of {}", part.blob, self.place));
        if bytes != chunks::sealed_bytes(part.plain_bytes) || first.bytes().len() != with_first {
            return Err(altered());
        }
        let header = Header::parse(first.bytes()).ok_or_else(altered)?;
        let derived = header.open(self.held.alive()?, &self.place, part.blob)?;
        first.range.start += HEADER_BYTES;
        let ahead = Some(first).filter(|first| !first.range.is_empty());
        Ok(Current { stretch, blob, derived, next: needed.start, end: needed.end, ahead })
    }
}

/// Bytes of sealed chunks.
fn sealed_bytes(numbers: Range<u64>, plain_bytes: u64) -> usize {
    numbers.map(|number| chunks::plain_bytes_of(number, plain_bytes) + TAG_BYTES).sum()
}

impl Current {
    /// Opens chunks into one piece and cuts it to the stretch. `None` when one is not genuine.
    fn open(&self, pool: &Arc<Pool>, numbers: Range<u64>, mut sealed: &[u8]) -> Option<Bytes> {
        let part_bytes = self.stretch.part.plain_bytes;
        let last = chunks::count(part_bytes) - 1;
        let total: usize = numbers.clone().map(|number| chunks::plain_bytes_of(number, part_bytes)).sum();
        let mut piece = Piece { buffer: pool.take(total), pool: Arc::clone(pool) };
        for (number, plain) in numbers.clone().zip(piece.buffer.chunks_mut(CHUNK_BYTES)) {
            let (chunk, rest) = sealed.split_at_checked(plain.len() + TAG_BYTES)?;
            debug_assert!(chunk.len() <= SEALED_CHUNK_BYTES, "a chunk is not longer than a full one");
            if chunks::open(&self.derived.key, number, number == last, chunk, plain).is_none() {
                // Chunks before it were opened: they are not handed out and not left in the buffer either.
                piece.buffer.fill(0);
                return None;
            }
            sealed = rest;
        }
        if !sealed.is_empty() {
            return None;
        }
        let first = numbers.start * CHUNK_BYTES as u64;
        let start = usize::try_from(self.stretch.start.saturating_sub(first)).ok()?;
        let end = usize::try_from(self.stretch.end - first).ok()?.min(total);
        Some(Bytes::from_owner(piece).slice(start..end))
    }
}
