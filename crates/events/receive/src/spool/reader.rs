//! Reads what is durable, in order.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::seal::Key;
use super::segment::{self, BLOCK_HEADER_BYTES, BlockHeader, HEADER_BYTES, Header};
use super::{Segment, Shared, SpoolError};
use crate::Frame;

/// Frames of one block.
#[derive(Debug)]
pub struct Block {
    /// The number of its first frame.
    pub first: u64,
    /// The frames, those before the reader's place included.
    pub frames: Vec<Frame>,
}

/// The segment that is being read.
struct Open {
    number: u64,
    file: File,
    header: Header,
    key: Key,
    at: u64,
    blocks: u64,
}

/// Reads frames from a number on.
pub struct Reader {
    shared: Arc<Shared>,
    next: u64,
    open: Option<Open>,
}

impl Reader {
    pub(super) const fn new(shared: Arc<Shared>, next: u64) -> Self {
        Self { shared, next, open: None }
    }

    /// The next block with frames that were not read yet; `None` when there is none after `wait`, or the spool was closed.
    ///
    /// # Errors
    /// When the disk fails or gives back what was not written.
    pub fn next(&mut self, wait: Duration) -> Result<Option<Block>, SpoolError> {
        loop {
            let Some(segment) = self.segment(wait) else { return Ok(None) };
            if self.open.as_ref().is_none_or(|open| open.number != segment.number) {
                self.open = Some(open(&self.shared, &segment)?);
            }
            let Some(open) = &mut self.open else { return Ok(None) };
            let path = segment::path(&self.shared.folder, segment.number);
            let (header, sealed) = read(&open.file, open.at, segment.bytes)
                .map_err(SpoolError::io("read", &path))?
                .ok_or_else(|| damaged(&path, open.at, "a block is longer than the segment"))?;
            let index = open.blocks;
            let at = open.at;
            open.at += (BLOCK_HEADER_BYTES + header.length) as u64;
            open.blocks += 1;
            let end = header.first + u64::from(header.frames);
            if end <= self.next {
                continue;
            }
            let plain = open.key.open(index, &header.bound(&open.header, index), &sealed);
            let plain = plain.ok_or_else(|| damaged(&path, at, "a block is not what was sealed"))?;
            let frames = segment::block(&plain, header.frames);
            let frames = frames.map_err(|_frame| damaged(&path, at, "a block holds what are no frames"))?;
            self.next = end;
            return Ok(Some(Block { first: header.first, frames }));
        }
    }

    /// The segment that holds the next frame, once there is one.
    fn segment(&self, wait: Duration) -> Option<Segment> {
        let mut state = self.shared.state();
        let mut waited = false;
        loop {
            let found = state.segments.iter().find(|segment| segment.end > self.next);
            if let Some(found) = found {
                return Some(found.clone());
            }
            if waited || state.closed {
                return None;
            }
            let (again, timeout) =
                self.shared.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
            state = again;
            waited = timeout.timed_out();
        }
    }
}

fn damaged(path: &std::path::Path, at: u64, why: &'static str) -> SpoolError {
    SpoolError::Damaged { path: path.to_owned(), at, why }
}

fn open(shared: &Shared, segment: &Segment) -> Result<Open, SpoolError> {
    let path = segment::path(&shared.folder, segment.number);
    let file = File::open(&path).map_err(SpoolError::io("open", &path))?;
    let mut head = [0; HEADER_BYTES];
    file.read_exact_at(&mut head, 0).map_err(SpoolError::io("read", &path))?;
    let header = Header::decode(&head).ok_or_else(|| damaged(&path, 0, "it does not begin as a segment"))?;
    let key = header.key(&shared.key)?.ok_or(SpoolError::Key { path })?;
    Ok(Open { number: segment.number, file, header, key, at: HEADER_BYTES as u64, blocks: 0 })
}

/// The block at `at` of a file with `bytes` durable bytes; `None` when it does not fit in there.
pub(super) fn read(file: &File, at: u64, bytes: u64) -> std::io::Result<Option<(BlockHeader, Vec<u8>)>> {
    let body = at + BLOCK_HEADER_BYTES as u64;
    if body > bytes {
        return Ok(None);
    }
    let mut head = [0; BLOCK_HEADER_BYTES];
    file.read_exact_at(&mut head, at)?;
    let Some(header) = BlockHeader::decode(&head).filter(|header| body + header.length as u64 <= bytes) else {
        return Ok(None);
    };
    let mut sealed = vec![0; header.length];
    file.read_exact_at(&mut sealed, body)?;
    Ok(Some((header, sealed)))
}
