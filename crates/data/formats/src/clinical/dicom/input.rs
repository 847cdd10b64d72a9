//! Buffered bytes with a position, skipped by seeking where the source can seek.

use std::io::{self, Read, SeekFrom};

use flate2::read::DeflateDecoder;

use crate::{ReadError, ReadSeek, Reader, Source};

/// Bytes read at once.
const BLOCK_BYTES: usize = 64 * 1024;

enum Body<'a> {
    Stream(Box<dyn Read + 'a>),
    Seek { file: Box<dyn ReadSeek + 'a>, len: u64 },
}

/// The bytes of a DICOM object from the present position on.
pub(super) struct Input<'a> {
    body: Body<'a>,
    buffer: Vec<u8>,
    /// Where the unread bytes of `buffer` begin.
    at: usize,
    /// Offset in the (inflated) stream of the next unread byte.
    position: u64,
    /// Whether the bytes come out of a decompressor and count against the budget.
    inflated: bool,
}

impl<'a> Input<'a> {
    pub(super) fn new(source: Source<'a>) -> Result<Self, ReadError> {
        let len = source.len();
        let whole_in_head = len.is_some_and(|len| len <= source.head().len() as u64);
        let body = match len {
            Some(len) if source.can_seek() && !whole_in_head => Body::Seek { file: source.into_seek(0)?, len },
            _ => Body::Stream(source.into_stream()),
        };
        Ok(Self { body, buffer: Vec::new(), at: 0, position: 0, inflated: false })
    }

    /// The rest, inflated (transfer syntax 1.2.840.10008.1.2.1.99: raw deflate, PS3.5 annex A.5).
    pub(super) fn inflate(self) -> Self {
        let position = self.position;
        let rest = DeflateDecoder::new(self);
        Self { body: Body::Stream(Box::new(rest)), buffer: Vec::new(), at: 0, position, inflated: true }
    }

    /// How many bytes have been consumed.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Bytes come out of a decompressor.
    pub(super) fn is_inflated(&self) -> bool {
        self.inflated
    }

    /// The next bytes: `wanted`, or fewer at the end.
    pub(super) fn peek(&mut self, wanted: usize) -> io::Result<&[u8]> {
        if self.buffer.len() - self.at < wanted {
            self.fill(wanted)?;
        }
        let end = self.buffer.len().min(self.at.saturating_add(wanted));
        Ok(self.buffer.get(self.at..end).unwrap_or(&[]))
    }

    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let mut reader: &mut dyn Read = match &mut self.body {
            Body::Stream(stream) => stream,
            Body::Seek { file, .. } => file,
        };
        while self.buffer.len() < wanted {
            let missing = (wanted - self.buffer.len()).max(BLOCK_BYTES) as u64;
            // `take` keeps the growth of the buffer to what the input really holds.
            if (&mut reader).take(missing).read_to_end(&mut self.buffer)? == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Moves on by bytes that `peek` returned.
    pub(super) fn consume(&mut self, bytes: usize) {
        let bytes = bytes.min(self.buffer.len() - self.at);
        self.at += bytes;
        self.position += bytes as u64;
    }

    /// Moves on by `bytes`; returns how many were there to skip.
    pub(super) fn skip(&mut self, bytes: u64, reader: &Reader<'_, '_>) -> Result<u64, ReadError> {
        let buffered = ((self.buffer.len() - self.at) as u64).min(bytes);
        self.consume(usize::try_from(buffered).unwrap_or(usize::MAX));
        let mut left = bytes - buffered;
        if left == 0 {
            return Ok(bytes);
        }
        if let Body::Seek { file, len } = &mut self.body {
            let step = left.min(len.saturating_sub(self.position));
            file.seek(SeekFrom::Start(self.position + step))?;
            self.position += step;
            return Ok(bytes - left + step);
        }
        while left > 0 {
            reader.check()?;
            let step = usize::try_from(left.min(BLOCK_BYTES as u64)).unwrap_or(BLOCK_BYTES);
            let there = self.peek(step)?.len();
            self.consume(there);
            left -= there as u64;
            if there == 0 {
                break;
            }
        }
        Ok(bytes - left)
    }
}

impl Read for Input<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let there = self.peek(out.len().min(BLOCK_BYTES))?;
        let n = there.len().min(out.len());
        if let (Some(to), Some(from)) = (out.get_mut(..n), there.get(..n)) {
            to.copy_from_slice(from);
        }
        self.consume(n);
        Ok(n)
    }
}
