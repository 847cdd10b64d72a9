//! The blocked gzip of BAM and BCF (SAMv1 section 4.1).

use std::io::{self, Read, SeekFrom};

use flate2::read::{GzDecoder, MultiGzDecoder};

use crate::{Problem, ReadError, Reader, Source};

/// The empty block that ends a whole file (SAMv1 section 4.1.2).
const END_BLOCK: [u8; 28] =
    [0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 0xFF, 6, 0, b'B', b'C', 2, 0, 0x1B, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The first bytes of what a gzip stream holds; empty when it is none.
pub(super) fn first(head: &[u8]) -> [u8; 4] {
    let mut out = [0; 4];
    let is_bgzf = head.starts_with(&[0x1F, 0x8B, 8, 4]) && head.get(12..14) == Some(b"BC");
    if !is_bgzf || GzDecoder::new(head).read_exact(&mut out).is_err() {
        return [0; 4];
    }
    out
}

/// The stream inside; what is not compressed comes as it is. A missing end block is reported.
pub(super) fn open<'a>(source: Source<'a>, reader: &mut Reader<'_, '_>) -> Result<Box<dyn Read + 'a>, ReadError> {
    if !source.head().starts_with(&[0x1F, 0x8B]) {
        return Ok(source.into_stream());
    }
    let len = source.len().unwrap_or(0);
    if !source.can_seek() || len < END_BLOCK.len() as u64 {
        return Ok(Box::new(MultiGzDecoder::new(source.into_stream())));
    }
    let mut file = source.into_seek(0)?;
    let mut end = [0; END_BLOCK.len()];
    file.seek(SeekFrom::End(-(END_BLOCK.len() as i64)))?;
    file.read_exact(&mut end)?;
    if end != END_BLOCK {
        reader.problem(Problem::truncated("the file lacks its end block; it was cut or is still being written"))?;
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(Box::new(MultiGzDecoder::new(io::BufReader::new(file))))
}

/// Bytes that are counted against the budget as they come out of the decompressor.
pub(super) struct Counted<'a> {
    pub(super) stream: Box<dyn Read + 'a>,
    pub(super) bytes: u64,
}

impl Counted<'_> {
    /// A little-endian length that cannot be negative.
    pub(super) fn length(&mut self) -> Result<u64, ReadError> {
        let mut raw = [0; 4];
        self.read_exact(&mut raw)?;
        let length = u64::try_from(i32::from_le_bytes(raw)).ok();
        length.ok_or_else(|| Problem::malformed("a length of the header is negative").into())
    }

    /// Passes over `bytes`.
    pub(super) fn pass(&mut self, bytes: u64) -> Result<(), ReadError> {
        let passed = io::copy(&mut self.by_ref().take(bytes), &mut io::sink())?;
        if passed < bytes { Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()) } else { Ok(()) }
    }
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.stream.read(into)?;
        self.bytes += n as u64;
        Ok(n)
    }
}
