//! Single compressed streams: gzip and BGZF (RFC 1952), Zstandard (RFC 8878), xz, bzip2.

use std::io::{self, BufRead, Read};

use flate2::{Crc, bufread::DeflateDecoder};
use model::Format;

use super::buffered::{Buffered, Metered};
use crate::{Member, Problem, ReadError, Reader, Source};

/// What the inner object is called when its stream does not say.
const UNNAMED: &str = "data";
/// The longest name that a gzip header may carry, in bytes. The format has no limit.
const NAME_BYTES_MAX: usize = 4096;
/// The largest Zstandard window at the top level, as a power of two; what `zstd --long` needs.
const WINDOW_LOG_MAX: u32 = 27;
/// The largest Zstandard window of a nested stream, so that nested windows do not add up.
const WINDOW_LOG_NESTED_MAX: u32 = 25;
/// The largest xz dictionary. The highest preset uses 64 MiB.
const DICTIONARY_BYTES_MAX: u64 = 128 << 20;

/// A frame, or a skippable frame that another frame follows (RFC 8878, sections 3.1.1 and 3.1.2).
pub(super) fn is_zstd(head: &[u8]) -> bool {
    match head {
        [0x28, 0xB5, 0x2F, 0xFD, ..] => true,
        [0x50..=0x5F, 0x2A, 0x4D, 0x18, a, b, c, d, ..] => {
            let at = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
            at.checked_add(8)
                .and_then(|at| head.get(at..))
                .is_some_and(|rest| rest.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]))
        }
        _ => false,
    }
}

/// `BZh`, a level, and the magic of a first block or of the end.
pub(super) fn is_bzip2(head: &[u8]) -> bool {
    let [b'B', b'Z', b'h', b'1'..=b'9', magic @ ..] = head else { return false };
    magic.starts_with(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) || magic.starts_with(&[0x17, 0x72, 0x45, 0x38, 0x50, 0x90])
}

pub(super) fn read(format: Format, source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let dictionary = if format == Format::Xz { xz_dictionary_bytes(source.head()) } else { 0 };
    if dictionary > DICTIONARY_BYTES_MAX {
        return Err(Problem::limit(format!(
            "needs a dictionary of {dictionary} bytes to unpack, more than {DICTIONARY_BYTES_MAX}; unpack it first"
        ))
        .into());
    }
    let mut input = Buffered::new(source.into_stream());
    let mut name = UNNAMED.to_owned();
    let packed = input.consumed();
    let meter = reader.meter();
    let output: Box<dyn Read + '_> = match format {
        Format::Gzip => {
            let header = GzipHeader::read(&mut input)?;
            if let Some(stored) = header {
                name = stored;
            }
            Box::new(Gzip::new(input))
        }
        Format::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
            let nested = reader.depth() > 0;
            decoder.window_log_max(if nested { WINDOW_LOG_NESTED_MAX } else { WINDOW_LOG_MAX })?;
            Box::new(decoder)
        }
        Format::Xz => Box::new(lzma_rust2::XzReader::new(input, true)),
        _ => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
    };
    let member = Member { name: &name, len: None };
    match Source::stream(Metered::new(output, meter, packed), None) {
        Ok(source) => reader.member(&member, source),
        Err(error) => match ReadError::from(error).into_problem() {
            Some(problem) => reader.unreadable_member(&member, problem),
            None => Err(crate::Halt.into()),
        },
    }
}

/// The dictionary that the first block of an xz stream asks for (.xz file format 1.2.0, section 5.3.1).
fn xz_dictionary_bytes(head: &[u8]) -> u64 {
    let Some(&[size, flags, ref header @ ..]) = head.get(12..) else { return 0 };
    let end = (usize::from(size) + 1) * 4;
    let mut at = 0;
    for flag in [0x40, 0x80] {
        if flags & flag != 0 {
            at += header.get(at..).unwrap_or_default().iter().take_while(|&&b| b & 0x80 != 0).count() + 1;
        }
    }
    let filters = header.get(at..end.min(header.len()).max(at)).unwrap_or_default();
    let property = filters.windows(3).find(|w| matches!(w, [0x21, 1, _])).and_then(|w| w.get(2)).copied();
    match property {
        Some(bits @ 0..=39) => u64::from(2 | (bits & 1)) << (bits / 2 + 11),
        Some(40) => u64::from(u32::MAX),
        _ => 0,
    }
}

struct GzipHeader;

impl GzipHeader {
    /// Reads one member's header and gives the name stored in it.
    fn read(input: &mut impl BufRead) -> io::Result<Option<String>> {
        let mut fixed = [0; 10];
        input.read_exact(&mut fixed)?;
        let [0x1F, 0x8B, 8, flags, ..] = fixed else { return Err(damaged("the gzip header is damaged")) };
        if flags & 4 != 0 {
            let mut len = [0; 2];
            input.read_exact(&mut len)?;
            io::copy(&mut input.take(u64::from(u16::from_le_bytes(len))), &mut io::sink())?;
        }
        let name = if flags & 8 != 0 { Some(zero_ended(input)?) } else { None };
        if flags & 16 != 0 {
            zero_ended(input)?;
        }
        if flags & 2 != 0 {
            input.read_exact(&mut [0; 2])?;
        }
        // RFC 1952 has names in Latin-1; in practice they are written as the system has them, which is UTF-8.
        Ok(name.filter(|name| !name.is_empty()).map(|name| match String::from_utf8(name) {
            Ok(name) => name,
            Err(latin) => latin.into_bytes().into_iter().map(char::from).collect(),
        }))
    }
}

fn zero_ended(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(NAME_BYTES_MAX as u64).read_until(0, &mut bytes)?;
    match bytes.pop() {
        Some(0) => Ok(bytes),
        _ => Err(damaged("the name in the gzip header does not end")),
    }
}

fn damaged(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// The members of a gzip file as one stream; BGZF is many small members. Zero padding after the last is no fault.
struct Gzip<R: Read> {
    body: Option<DeflateDecoder<Buffered<R>>>,
    crc: Crc,
}

impl<R: Read> Gzip<R> {
    /// After the first member's header.
    fn new(input: Buffered<R>) -> Self {
        Self { body: Some(DeflateDecoder::new(input)), crc: Crc::new() }
    }

    /// Reads the trailer of the member that ended and the header of the next, if there is one.
    fn next_member(&mut self) -> io::Result<()> {
        let Some(body) = self.body.take() else { return Ok(()) };
        let mut input = body.into_inner();
        let [c0, c1, c2, c3, l0, l1, l2, l3] = input.array::<8>()?;
        let crc_ok = u32::from_le_bytes([c0, c1, c2, c3]) == self.crc.sum();
        if !crc_ok || u32::from_le_bytes([l0, l1, l2, l3]) != self.crc.amount() {
            return Err(damaged("the checksum does not match"));
        }
        self.crc.reset();
        while input.peek(1)?.first() == Some(&0) {
            input.consume(1);
        }
        match input.peek(3)? {
            [] => {}
            [0x1F, 0x8B, 8] => {
                GzipHeader::read(&mut input)?;
                self.body = Some(DeflateDecoder::new(input));
            }
            _ => return Err(damaged("bytes follow the end of the gzip stream; they were not read")),
        }
        Ok(())
    }
}

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(body) = &mut self.body {
            let n = body.read(buf)?;
            if n > 0 || buf.is_empty() {
                self.crc.update(buf.get(..n).unwrap_or_default());
                return Ok(n);
            }
            self.next_member()?;
        }
        Ok(0)
    }
}
