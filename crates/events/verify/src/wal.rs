//! The write-ahead log: batches of entries as they were made durable, each under a checkpoint of its own, so that an entry
//! is signed from the moment it is acknowledged. Tiles are made from them afterwards.
//!
//! A segment `wal/NNNNNNNNNNNNNNNNNNNN` is named after its first entry and holds batches one after the other:
//! `"LZBATCH1"`, first index (u64), number of entries (u32), bytes of the bundle (u32), bytes of the note (u16), the bundle
//! (each entry behind its length in 16 bits), the note. Numbers are big-endian.

use crate::bytes::{Cursor, Short};
use crate::note::NOTE_BYTES_MAX;

/// What every batch begins with.
pub const MAGIC: &[u8; 8] = b"LZBATCH1";
/// Bytes before the bundle.
pub const HEADER_BYTES: usize = 26;
/// Entries of one batch.
pub const BATCH_ENTRIES_MAX: usize = 4096;
/// Bytes of one batch's bundle: a batch is closed before an entry would make it longer.
pub const BATCH_BYTES_MAX: usize = 8 << 20;

/// One batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch<'a> {
    /// Index of its first entry.
    pub first: u64,
    /// The entries, each behind its length.
    pub bundle: &'a [u8],
    /// The signed checkpoint behind its last entry.
    pub note: &'a [u8],
    count: u32,
}

impl<'a> Batch<'a> {
    /// Its entries.
    ///
    /// # Errors
    /// When there are more or fewer than it says.
    pub fn entries(&self) -> Result<Vec<&'a [u8]>, Short> {
        let mut cursor = Cursor::new(self.bundle);
        let mut entries = Vec::with_capacity(self.count as usize);
        for _ in 0..self.count {
            let length = cursor.u16("the length of an entry")?;
            entries.push(cursor.take(usize::from(length), "the end of an entry")?);
        }
        if cursor.rest().is_empty() { Ok(entries) } else { Err(Short { what: "as many entries as the batch holds" }) }
    }
}

/// Adds a batch to a segment's bytes. `count` entries lie in `bundle`.
///
/// # Errors
/// When a part is longer than the format can say.
pub fn push(
    to: &mut Vec<u8>,
    first: u64,
    count: usize,
    bundle: &[u8],
    note: &str,
) -> Result<(), std::num::TryFromIntError> {
    to.extend_from_slice(MAGIC);
    to.extend_from_slice(&first.to_be_bytes());
    to.extend_from_slice(&u32::try_from(count)?.to_be_bytes());
    to.extend_from_slice(&u32::try_from(bundle.len())?.to_be_bytes());
    to.extend_from_slice(&u16::try_from(note.len())?.to_be_bytes());
    to.extend_from_slice(bundle);
    to.extend_from_slice(note.as_bytes());
    Ok(())
}

/// Takes the next batch off a segment's bytes.
///
/// # Errors
/// When they end within it, or are none.
pub fn take<'a>(cursor: &mut Cursor<'a>) -> Result<Batch<'a>, Short> {
    let magic = cursor.array::<8>("a batch")?;
    let first = cursor.u64("the first index of a batch")?;
    let count = cursor.u32("the entries of a batch")?;
    let bundle = cursor.u32("the length of a batch")? as usize;
    let note = usize::from(cursor.u16("the length of a batch's note")?);
    // An entry takes at least the two bytes of its length.
    let holds = magic == *MAGIC
        && bundle <= BATCH_BYTES_MAX
        && note <= NOTE_BYTES_MAX
        && (1..=BATCH_ENTRIES_MAX).contains(&(count as usize))
        && count as usize * 2 <= bundle;
    if !holds {
        return Err(Short { what: "the head of a batch" });
    }
    let bundle = cursor.take(bundle, "the entries of a batch")?;
    let note = cursor.take(note, "the note of a batch")?;
    Ok(Batch { first, bundle, note, count })
}

/// The path of the segment that begins with entry `first`.
#[must_use]
pub fn path(first: u64) -> String {
    format!("wal/{first:020}")
}

/// The first entry of the segment with this path.
#[must_use]
pub fn parse_path(path: &str) -> Option<u64> {
    let digits = path.strip_prefix("wal/")?;
    let first = digits.parse().ok()?;
    (self::path(first) == path).then_some(first)
}
