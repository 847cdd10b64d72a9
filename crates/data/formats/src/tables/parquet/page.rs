//! Pages of a column chunk: found, decompressed under limits, and handed to the decoder.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::Result as ParquetResult;

use crate::source::ReadSeek;
use crate::{Problem, ReadError};

use super::thrift::{self, Fault, Item};

/// Bytes read at first for a page's header; statistics make some longer.
const HEADER_BYTES: [usize; 3] = [4 * 1024, 256 * 1024, 8 << 20];
/// Values that a page may say it has. A run of nulls takes hardly any bytes, and two in memory.
const VALUES_MAX: i64 = 16 << 20;

/// Pages on their way to the decoder, which takes them when it needs them.
#[derive(Clone, Default)]
pub(super) struct Queue(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    pages: VecDeque<Page>,
    /// No more pages follow.
    is_last: bool,
}

impl Queue {
    pub(super) fn push(&self, page: Page) {
        self.lock().pages.push_back(page);
    }

    pub(super) fn end(&self) {
        self.lock().is_last = true;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().pages.is_empty()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Iterator for Queue {
    type Item = ParquetResult<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.lock().pages.pop_front().map(Ok)
    }
}

impl PageReader for Queue {
    fn get_next_page(&mut self) -> ParquetResult<Option<Page>> {
        Ok(self.lock().pages.pop_front())
    }

    fn peek_next_page(&mut self) -> ParquetResult<Option<PageMetadata>> {
        let waiting = self.lock();
        Ok(waiting.pages.front().map(|page| PageMetadata {
            num_rows: None,
            num_levels: Some(page.num_values() as usize),
            is_dict: matches!(page, Page::DictionaryPage { .. }),
        }))
    }

    fn skip_next_page(&mut self) -> ParquetResult<()> {
        self.lock().pages.pop_front();
        Ok(())
    }

    /// A record may go on in a page that has not come yet.
    fn at_record_boundary(&mut self) -> ParquetResult<bool> {
        let waiting = self.lock();
        Ok(waiting.pages.is_empty() && waiting.is_last)
    }
}

/// A page's header (parquet.thrift, `PageHeader`).
#[derive(Debug, Default)]
struct Header {
    kind: i64,
    unpacked: i64,
    packed: i64,
    values: i64,
    encoding: i64,
    definition_encoding: i64,
    repetition_encoding: i64,
    nulls: i64,
    rows: i64,
    definition_bytes: i64,
    repetition_bytes: i64,
    is_compressed: bool,
}

impl Header {
    fn visit(&mut self, path: &[i16], item: Item) {
        let Item::Integer(value) = item else { return };
        let field = match path {
            [1] => &mut self.kind,
            [2] => &mut self.unpacked,
            [3] => &mut self.packed,
            [5 | 7 | 8, 1] => &mut self.values,
            [5 | 7, 2] | [8, 4] => &mut self.encoding,
            [5, 3] => &mut self.definition_encoding,
            [5, 4] => &mut self.repetition_encoding,
            [8, 2] => &mut self.nulls,
            [8, 3] => &mut self.rows,
            [8, 5] => &mut self.definition_bytes,
            [8, 6] => &mut self.repetition_bytes,
            [8, 7] => {
                self.is_compressed = value != 0;
                return;
            }
            _ => return,
        };
        *field = value;
    }
}

/// The pages of one column chunk.
pub(super) struct Pages {
    at: u64,
    end: u64,
    compression: Compression,
    page_bytes_max: usize,
}

impl Pages {
    /// From `start` to `end` in the file. No page may unpack to more than `page_bytes_max`.
    pub(super) fn new(start: u64, end: u64, compression: Compression, page_bytes_max: usize) -> Self {
        Self { at: start, end, compression, page_bytes_max }
    }

    /// The next page that holds values, with its size in memory; `None` at the end.
    pub(super) fn next(&mut self, file: &mut dyn ReadSeek) -> Result<Option<(Page, usize)>, ReadError> {
        while self.at < self.end {
            let (header, len) = self.header(file)?;
            let packed = usize::try_from(header.packed).map_err(|_negative| damaged())?;
            let start = self.at + len as u64;
            if start + packed as u64 > self.end || packed > self.page_bytes_max {
                return Err(if packed > self.page_bytes_max { self.too_large() } else { damaged() }.into());
            }
            self.at = start + packed as u64;
            // Index pages have been reserved since the format began and hold no values.
            if header.kind == 1 {
                continue;
            }
            let bytes = super::read_at(file, start, packed)?;
            let bytes = self.unpack(&header, bytes)?;
            let size = bytes.len();
            return Ok(Some((page(&header, bytes.into())?, size)));
        }
        Ok(None)
    }

    fn too_large(&self) -> Problem {
        Problem::limit(format!(
            "a page is larger than {} bytes; write the file with smaller pages to have it read",
            self.page_bytes_max
        ))
    }

    /// The header at the cursor, and its length.
    fn header(&self, file: &mut dyn ReadSeek) -> Result<(Header, usize), ReadError> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        for room in HEADER_BYTES {
            let bytes = super::read_at(file, self.at, room.min(left))?;
            let mut header = Header { is_compressed: true, ..Header::default() };
            match thrift::walk(&bytes, &mut |path, item| header.visit(path, item)) {
                Ok(len) => return Ok((header, len)),
                Err(Fault::Ends) if room < left => {}
                Err(_) => break,
            }
        }
        Err(damaged().into())
    }

    /// A page's bytes, decompressed. Levels of the second kind of data page are never compressed.
    fn unpack(&self, header: &Header, bytes: Vec<u8>) -> Result<Vec<u8>, Problem> {
        if self.compression == Compression::UNCOMPRESSED || (header.kind == 3 && !header.is_compressed) {
            return Ok(bytes);
        }
        let size = usize::try_from(header.unpacked).map_err(|_negative| damaged())?;
        if size > self.page_bytes_max {
            return Err(self.too_large());
        }
        let plain = if header.kind == 3 { levels_bytes(header)? } else { 0 };
        let (plain, packed) = bytes.split_at_checked(plain).ok_or_else(damaged)?;
        let rest = size.checked_sub(plain.len()).ok_or_else(damaged)?;
        let mut out = Vec::with_capacity(size);
        out.extend_from_slice(plain);
        if rest > 0 {
            decompress(self.compression, packed, rest, &mut out)?;
        }
        if out.len() == size { Ok(out) } else { Err(damaged()) }
    }
}

fn levels_bytes(header: &Header) -> Result<usize, Problem> {
    let sum = header.definition_bytes.checked_add(header.repetition_bytes).ok_or_else(damaged)?;
    usize::try_from(sum).map_err(|_negative| damaged())
}

fn damaged() -> Problem {
    Problem::malformed("a page is damaged")
}

/// Adds `size` decompressed bytes to `out`, or fewer where there are fewer.
fn decompress(compression: Compression, packed: &[u8], size: usize, out: &mut Vec<u8>) -> Result<(), Problem> {
    let mut whole = |stream: &mut dyn Read| {
        // A byte more would show that the page is longer than it says.
        stream.take(size as u64 + 1).read_to_end(out).map(drop).map_err(|_error| damaged())
    };
    match compression {
        Compression::GZIP(_) => whole(&mut flate2::read::MultiGzDecoder::new(packed)),
        Compression::ZSTD(_) => {
            whole(&mut zstd::stream::read::Decoder::with_buffer(packed).map_err(|_error| damaged())?)
        }
        Compression::BROTLI(_) => whole(&mut brotli::Decompressor::new(packed, 4096)),
        Compression::SNAPPY => {
            if snap::raw::decompress_len(packed).map_err(|_error| damaged())? != size {
                return Err(damaged());
            }
            block(out, size, |room| snap::raw::Decoder::new().decompress(packed, room).ok())
        }
        Compression::LZ4_RAW => block(out, size, |room| lz4_flex::block::decompress_into(packed, room).ok()),
        Compression::LZ4 => lz4_hadoop(packed, size, out),
        _ => Err(Problem::unsupported("compression by LZO is not read; rewrite the file with another one")),
    }
}

/// Lets `fill` decompress into `size` more bytes of `out`.
fn block(out: &mut Vec<u8>, size: usize, fill: impl FnOnce(&mut [u8]) -> Option<usize>) -> Result<(), Problem> {
    let start = out.len();
    out.resize(start + size, 0);
    let len = fill(out.get_mut(start..).unwrap_or_default()).ok_or_else(damaged)?;
    out.truncate(start + len);
    Ok(())
}

/// The deprecated LZ4: Hadoop's blocks, each behind both lengths in big-endian, or, from older writers, a frame or a bare
/// block (parquet-format, Compression.md, "LZ4").
fn lz4_hadoop(packed: &[u8], size: usize, out: &mut Vec<u8>) -> Result<(), Problem> {
    let start = out.len();
    let mut rest = packed;
    while let Some((&[a, b, c, d, e, f, g, h], body)) = rest.split_first_chunk::<8>() {
        let (len, packed_len) = (u32::from_be_bytes([a, b, c, d]) as usize, u32::from_be_bytes([e, f, g, h]) as usize);
        let Some((body, after)) = body.split_at_checked(packed_len) else { break };
        if len > size - (out.len() - start).min(size)
            || block(out, len, |room| lz4_flex::block::decompress_into(body, room).ok()).is_err()
        {
            break;
        }
        rest = after;
    }
    if rest.is_empty() && out.len() - start == size {
        return Ok(());
    }
    out.truncate(start);
    if packed.starts_with(&[0x04, 0x22, 0x4D, 0x18]) {
        let mut frame = lz4_flex::frame::FrameDecoder::new(packed).take(size as u64 + 1);
        return frame.read_to_end(out).map(drop).map_err(|_error| damaged());
    }
    block(out, size, |room| lz4_flex::block::decompress_into(packed, room).ok())
}

/// As the decoder takes it.
fn page(header: &Header, buf: Bytes) -> Result<Page, Problem> {
    let number = |value: i64| u32::try_from(value).map_err(|_out_of_range| damaged());
    if header.values > VALUES_MAX {
        return Err(Problem::limit(format!("a page has more than {VALUES_MAX} values")));
    }
    let num_values = number(header.values)?;
    match header.kind {
        0 => Ok(Page::DataPage {
            buf,
            num_values,
            encoding: encoding(header.encoding)?,
            def_level_encoding: encoding(header.definition_encoding)?,
            rep_level_encoding: encoding(header.repetition_encoding)?,
            statistics: None,
        }),
        2 => Ok(Page::DictionaryPage { buf, num_values, encoding: encoding(header.encoding)?, is_sorted: false }),
        3 if levels_bytes(header)? <= buf.len() && header.definition_bytes >= 0 && header.repetition_bytes >= 0 => {
            Ok(Page::DataPageV2 {
                buf,
                num_values,
                encoding: encoding(header.encoding)?,
                num_nulls: number(header.nulls)?,
                num_rows: number(header.rows)?,
                def_levels_byte_len: number(header.definition_bytes)?,
                rep_levels_byte_len: number(header.repetition_bytes)?,
                is_compressed: false,
                statistics: None,
            })
        }
        _ => Err(damaged()),
    }
}

/// By its number (parquet.thrift, `Encoding`).
fn encoding(number: i64) -> Result<Encoding, Problem> {
    Ok(match number {
        0 => Encoding::PLAIN,
        2 => Encoding::PLAIN_DICTIONARY,
        3 => Encoding::RLE,
        #[expect(deprecated, reason = "old files have it")]
        4 => Encoding::BIT_PACKED,
        5 => Encoding::DELTA_BINARY_PACKED,
        6 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        7 => Encoding::DELTA_BYTE_ARRAY,
        8 => Encoding::RLE_DICTIONARY,
        9 => Encoding::BYTE_STREAM_SPLIT,
        _ => return Err(damaged()),
    })
}
