//! How far a file was read.

use std::collections::BTreeMap;

use super::Found;

/// So many of a file's first bytes tell it from others.
pub const HEAD_BYTES: usize = 1_024;

/// How far a file was read. Kept in the spool, 66 bytes: all numbers big-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Bytes that were read.
    pub bytes: u64,
    /// Records and problems that were told.
    pub records: u64,
    /// Size of the file when it was read to its end; 0 when it was not.
    pub ended_at: u64,
    /// When it had changed then, in milliseconds since 1970.
    pub changed_ms: i64,
    /// How many of the first bytes the digest is of.
    pub head_bytes: u16,
    /// A digest of the first bytes (BLAKE3).
    pub head: [u8; 32],
}

impl Mark {
    /// Nothing was read of a file that begins with `head`.
    pub fn new(head: &[u8]) -> Self {
        let head = head.get(..HEAD_BYTES).unwrap_or(head);
        Self {
            bytes: 0,
            records: 0,
            ended_at: 0,
            changed_ms: 0,
            head_bytes: u16::try_from(head.len()).unwrap_or(u16::MAX),
            head: *blake3::hash(head).as_bytes(),
        }
    }

    /// Whether a file is as it was when it was read to its end.
    pub const fn is_at(&self, file: &Found) -> bool {
        self.ended_at == file.bytes && self.changed_ms == file.changed_ms
    }

    /// Whether a file that begins with `head` is the one that was read.
    pub fn is_of(&self, head: &[u8]) -> bool {
        let own = head.get(..usize::from(self.head_bytes));
        self.head_bytes > 0 && own.is_some_and(|own| *blake3::hash(own).as_bytes() == self.head)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(66);
        out.extend_from_slice(&self.bytes.to_be_bytes());
        out.extend_from_slice(&self.records.to_be_bytes());
        out.extend_from_slice(&self.ended_at.to_be_bytes());
        out.extend_from_slice(&self.changed_ms.to_be_bytes());
        out.extend_from_slice(&self.head_bytes.to_be_bytes());
        out.extend_from_slice(&self.head);
        out
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (read, rest) = bytes.split_first_chunk::<8>()?;
        let (records, rest) = rest.split_first_chunk::<8>()?;
        let (ended_at, rest) = rest.split_first_chunk::<8>()?;
        let (changed_ms, rest) = rest.split_first_chunk::<8>()?;
        let (head_bytes, rest) = rest.split_first_chunk::<2>()?;
        Some(Self {
            bytes: u64::from_be_bytes(*read),
            records: u64::from_be_bytes(*records),
            ended_at: u64::from_be_bytes(*ended_at),
            changed_ms: i64::from_be_bytes(*changed_ms),
            head_bytes: u16::from_be_bytes(*head_bytes),
            head: rest.try_into().ok()?,
        })
    }
}

/// The mark of a file that begins with `head`, whichever file it is of. One that was begun and has a telling head only.
pub fn of_head(marks: &BTreeMap<String, Mark>, head: &[u8]) -> Option<Mark> {
    marks.values().filter(|mark| mark.is_of(head)).max_by_key(|mark| (mark.head_bytes, mark.records)).copied()
}
