//! A window over the bytes of a log: decompressed, decoded to UTF-8, never longer than a record and a read.

use std::io::{self, BufReader, Cursor, Read};

use crate::Limits;

/// How much is read at a time, in bytes.
const READ: usize = 1 << 20;

/// The unread bytes of a log.
pub(crate) struct Source<'a> {
    input: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes read so far.
    pub(crate) bytes: u64,
    ended: bool,
    /// Why the log ended early.
    pub(crate) fault: Option<String>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(input: Box<dyn Read + 'a>) -> Self {
        Self { input, buffer: vec![0; READ], start: 0, end: 0, bytes: 0, ended: false, fault: None }
    }

    /// What was read and not consumed.
    pub(crate) fn data(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }

    /// Reads more behind [`Self::data`]; false at the end of the log.
    pub(crate) fn fill(&mut self) -> bool {
        if self.ended {
            return false;
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.end < READ / 2 {
            let longer = self.buffer.len().saturating_mul(2);
            self.buffer.resize(longer, 0);
        }
        loop {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.input.read(room) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    self.end += count.min(room.len());
                    self.bytes += count as u64;
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.ended = true;
                    self.fault = Some(match error.kind() {
                        io::ErrorKind::UnexpectedEof => "its compressed content is cut off".to_owned(),
                        _ => error.to_string().escape_default().to_string(),
                    });
                }
            }
            return false;
        }
    }

    /// Reads until `count` bytes are at hand or the log ends.
    pub(crate) fn want(&mut self, count: usize) -> &[u8] {
        while self.data().len() < count && self.fill() {}
        self.data()
    }

    /// All of the rest, or `None` where it is longer than `most` bytes.
    pub(crate) fn rest(mut self, most: u64) -> (Option<Vec<u8>>, Self) {
        while self.data().len() as u64 <= most && self.fill() {}
        let all = (self.data().len() as u64 <= most).then(|| self.data().to_vec());
        (all, self)
    }
}

/// The first bytes of `input`, and `input` with them put back in front.
fn peek<'a>(mut input: Box<dyn Read + 'a>, count: u64) -> io::Result<(Vec<u8>, impl Read + 'a)> {
    let mut head = Vec::new();
    input.by_ref().take(count).read_to_end(&mut head)?;
    let again = Cursor::new(head.clone());
    Ok((head, again.chain(input)))
}

/// `input` decompressed (gzip: RFC 1952, of any number of members; Zstandard: RFC 8878) and, where it begins with the
/// mark of UTF-16, decoded.
pub(crate) fn open<'a>(input: Box<dyn Read + 'a>, limits: &Limits) -> io::Result<Source<'a>> {
    let (head, input) = peek(input, 4)?;
    let input: Box<dyn Read + 'a> = if head.starts_with(&[0x1f, 0x8b, 8]) {
        let plain = flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(1 << 16, input));
        Box::new(Bounded { input: plain, left: limits.expansion_bytes })
    } else if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let plain = zstd::stream::read::Decoder::new(input)?;
        Box::new(Bounded { input: plain, left: limits.expansion_bytes })
    } else {
        Box::new(input)
    };
    let mut source = Source::new(input);
    let head = source.want(3);
    let encoding = match head {
        [0xff, 0xfe, ..] => encoding_rs::UTF_16LE,
        [0xfe, 0xff, ..] => encoding_rs::UTF_16BE,
        [0xef, 0xbb, 0xbf, ..] => {
            source.consume(3);
            return Ok(source);
        }
        _ => return Ok(source),
    };
    Ok(Source::new(Box::new(Decoded { source, decoder: encoding.new_decoder(), done: false })))
}

/// Fills `room` with the first bytes of what `head`, the first bytes of a compressed log, expands to; how many there are.
pub fn expand_head(head: &[u8], room: &mut [u8]) -> usize {
    let limits = Limits { expansion_bytes: room.len().max(READ) as u64 * 2, ..Limits::default() };
    let Ok(mut source) = open(Box::new(head), &limits) else { return 0 };
    let found = source.want(room.len());
    let count = found.len().min(room.len());
    if let (Some(room), Some(found)) = (room.get_mut(..count), found.get(..count)) {
        room.copy_from_slice(found);
    }
    count
}

/// Ends with an error after `left` bytes.
struct Bounded<R> {
    input: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(room)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::other("it expands to more than the limit for compressed content; decompress it first")
        })?;
        Ok(count)
    }
}

/// UTF-16 as UTF-8; what is no UTF-16 becomes U+FFFD.
struct Decoded<'a> {
    source: Source<'a>,
    decoder: encoding_rs::Decoder,
    /// The decoder was told of the end and must not be asked again.
    done: bool,
}

impl Read for Decoded<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.done {
                return self.source.fault.take().map_or(Ok(0), |fault| Err(io::Error::other(fault)));
            }
            let more = !self.source.data().is_empty() || self.source.fill();
            let (result, read, written, _) = self.decoder.decode_to_utf8(self.source.data(), room, !more);
            self.source.consume(read);
            self.done = !more && result == encoding_rs::CoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
        }
    }
}
