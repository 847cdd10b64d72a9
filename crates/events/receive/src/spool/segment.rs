//! A segment: a header, then blocks, each of which seals the frames of one sync.

use std::path::{Path, PathBuf};

use super::SpoolError;
use super::seal::{Key, SALT_BYTES, TAG_BYTES};
use crate::{Frame, FrameError};

const MAGIC: [u8; 8] = *b"LZSPOOL1";
/// Bytes before the first block.
pub const HEADER_BYTES: usize = 8 + 8 + 8 + SALT_BYTES + SALT_BYTES;
/// Bytes of a block before what it seals.
pub const BLOCK_HEADER_BYTES: usize = 4 + 8 + 4;
/// The longest sealed part of a block: an append of full length behind a block that was nearly full.
const SEALED_BYTES_MAX: usize = super::APPEND_BYTES_MAX + super::BLOCK_BYTES + TAG_BYTES;

/// The file of a segment.
pub fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:016x}.spool"))
}

/// The number in the name of a segment's file.
pub fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".spool").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}

/// What stands before the first block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub number: u64,
    /// The number of the first frame.
    pub first: u64,
    pub salt: [u8; SALT_BYTES],
    pub commitment: [u8; SALT_BYTES],
}

impl Header {
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&self.first.to_be_bytes());
        bytes.extend_from_slice(&self.salt);
        bytes.extend_from_slice(&self.commitment);
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&MAGIC)?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (first, rest) = rest.split_first_chunk::<8>()?;
        let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>()?;
        let (commitment, _) = rest.split_first_chunk::<SALT_BYTES>()?;
        let (number, first) = (u64::from_be_bytes(*number), u64::from_be_bytes(*first));
        Some(Self { number, first, salt: *salt, commitment: *commitment })
    }

    /// The key of its blocks; `None` when `master` is not what it was sealed under.
    pub fn key(&self, master: &[u8; 32]) -> Result<Option<Key>, SpoolError> {
        let key = Key::derive(master, &self.salt, b"segment")?;
        Ok((key.commitment == self.commitment).then_some(key))
    }
}

/// What stands before the sealed part of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockHeader {
    /// Bytes of the sealed part, tag and all.
    pub length: usize,
    /// The number of its first frame.
    pub first: u64,
    /// How many frames.
    pub frames: u32,
}

impl BlockHeader {
    pub fn encode(&self) -> [u8; BLOCK_HEADER_BYTES] {
        let mut bytes = [0; BLOCK_HEADER_BYTES];
        let (length, rest) = bytes.split_at_mut(4);
        let (first, frames) = rest.split_at_mut(8);
        length.copy_from_slice(&u32::try_from(self.length).unwrap_or(u32::MAX).to_be_bytes());
        first.copy_from_slice(&self.first.to_be_bytes());
        frames.copy_from_slice(&self.frames.to_be_bytes());
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (first, rest) = rest.split_first_chunk::<8>()?;
        let (frames, _) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let is_possible = (TAG_BYTES..=SEALED_BYTES_MAX).contains(&length);
        let header = Self { length, first: u64::from_be_bytes(*first), frames: u32::from_be_bytes(*frames) };
        is_possible.then_some(header)
    }

    /// What the sealed part is bound to: where it stands.
    pub fn bound(&self, segment: &Header, index: u64) -> Vec<u8> {
        let (number, first) = (segment.number.to_be_bytes(), segment.first.to_be_bytes());
        [number.as_slice(), &first, &index.to_be_bytes(), &self.encode()].concat()
    }
}

/// The frames of an opened block.
///
/// # Errors
/// When the bytes are not `count` frames and nothing else.
pub fn block(mut plain: &[u8], count: u32) -> Result<Vec<Frame>, FrameError> {
    let mut frames = Vec::new();
    for _ in 0..count {
        frames.push(Frame::decode(&mut plain)?);
    }
    if plain.is_empty() { Ok(frames) } else { Err(FrameError("something follows the last frame")) }
}
