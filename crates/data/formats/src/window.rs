//! A window on an object's text: UTF-8 bytes, filled on demand, with their places in the file.
//!
//! Objects in UTF-8 pass through unchanged, damaged sequences included. Others are decoded; their places are worked
//! out from the encoding again, in one pass that moves on with the reader.

use std::collections::VecDeque;
use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE};

use crate::located::{JisSet, Measure};
use crate::text::encoding::{self, Detected};
use crate::{Escape, Raw, ReadError, Source};

/// How much is read at a time.
const STEP_BYTES: usize = 1 << 20;
/// First size of the buffer; small objects should not pay for large ones.
const FIRST_BYTES: usize = 1 << 16;

/// Unread bytes of an object's text.
pub(crate) struct Window<'a> {
    stream: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    failed: Option<io::Error>,
    ascii_so_far: bool,
    places: Places,
}

/// Where the window's bytes lie in the file.
pub(crate) struct Places {
    /// File offset (or, when decoding, offset in the decoded text) of the buffer's first byte.
    base: u64,
    decoding: Option<Decoding>,
}

struct Decoding {
    encoding: &'static Encoding,
    decoder: Decoder,
    /// Raw bytes read and not yet decoded.
    input: Vec<u8>,
    /// Raw bytes decoded so far, as a file offset.
    raw: u64,
    /// Positions known exactly, as decoded and raw offsets: the ends of damaged sequences, and where escape sequences
    /// begin, with what those switch to.
    marks: VecDeque<(u64, u64, Option<JisSet>)>,
    cursor: (u64, u64),
    measure: Measure,
}

impl<'a> Window<'a> {
    /// In the encoding that the object's container states, unless the first bytes contradict it, or else in the one
    /// that they tell.
    pub(crate) fn new(source: Source<'a>) -> Result<Self, ReadError> {
        if let Some(stated) = source.encoding()
            && encoding::is_plausible(stated, source.head())
        {
            return Self::with_encoding(source, stated);
        }
        let detected = encoding::detect(source.head());
        Self::open(source, detected)
    }

    /// In a known encoding; a byte-order mark is skipped all the same.
    pub(crate) fn with_encoding(source: Source<'a>, encoding: &'static Encoding) -> Result<Self, ReadError> {
        let bom_bytes = Encoding::for_bom(source.head()).map_or(0, |(_, len)| len);
        Self::open(source, Detected { encoding, bom_bytes, ascii_so_far: false })
    }

    fn open(source: Source<'a>, detected: Detected) -> Result<Self, ReadError> {
        let mut stream = source.into_stream();
        let mut mark = [0; 3];
        stream.read_exact(mark.get_mut(..detected.bom_bytes).unwrap_or_default())?;
        let base = detected.bom_bytes as u64;
        let decoding =
            (detected.encoding != UTF_8).then(|| Decoding::new(detected.encoding, (0, base), base, Vec::new()));
        Ok(Self {
            stream,
            buffer: vec![0; FIRST_BYTES],
            start: 0,
            end: 0,
            ended: false,
            failed: None,
            ascii_so_far: detected.ascii_so_far,
            places: Places { base: if decoding.is_some() { 0 } else { base }, decoding },
        })
    }

    /// What has been filled and not consumed: UTF-8, with damage where the file has damage.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// The unread bytes together with what tells their places.
    pub(crate) fn parts(&mut self) -> (&[u8], Positions<'_>) {
        let buffer = self.buffer.get(..self.end).unwrap_or_default();
        let bytes = buffer.get(self.start..).unwrap_or_default();
        (bytes, Positions { buffer, start: self.start, places: &mut self.places })
    }

    /// How many bytes were consumed so far, as UTF-8.
    pub(crate) fn offset(&self) -> u64 {
        self.places.base + self.start as u64
    }

    /// Whether the text is decoded from something other than UTF-8.
    pub(crate) fn is_decoded(&self) -> bool {
        self.places.decoding.is_some()
    }

    /// Whether all of the input is in the window.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The first `count` bytes are done with.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Reads on. Unread bytes stay, whatever their number: callers limit what they leave. `false` at the end of
    /// input, also when reading failed: `finish` tells.
    pub(crate) fn fill(&mut self) -> bool {
        if self.ended {
            return false;
        }
        self.make_room();
        let before = self.end;
        while self.end == before && !self.ended {
            let outcome = if self.places.decoding.is_some() { self.fill_decoded() } else { self.fill_verbatim() };
            if let Err(error) = outcome {
                self.failed = Some(error);
                self.ended = true;
            }
        }
        self.end > before
    }

    /// The failure that ended the input, if one did. To be called when everything in the window has been used.
    pub(crate) fn finish(&mut self) -> Result<(), ReadError> {
        match self.failed.take() {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    fn make_room(&mut self) {
        let unread = self.end - self.start;
        if self.start > 0 && (unread == 0 || self.buffer.len() - self.end < STEP_BYTES.min(self.buffer.len()) / 2) {
            self.places.forget(self.buffer.get(..self.start).unwrap_or_default());
            self.buffer.copy_within(self.start..self.end, 0);
            self.places.base += self.start as u64;
            (self.start, self.end) = (0, unread);
        }
        let free = self.buffer.len() - self.end;
        if free == 0 || (self.buffer.len() < STEP_BYTES && free < self.buffer.len() / 2) {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
    }

    fn fill_verbatim(&mut self) -> io::Result<()> {
        let free = self.buffer.get_mut(self.end..).unwrap_or_default();
        let count = read_some(&mut self.stream, free)?;
        if count == 0 {
            self.ended = true;
            return Ok(());
        }
        let fresh = self.buffer.get(self.end..self.end + count).unwrap_or_default();
        if self.ascii_so_far
            && let Some(at) = fresh.iter().position(|byte| !byte.is_ascii())
        {
            self.ascii_so_far = false;
            let late = encoding::detect_beyond_ascii(fresh.get(at.saturating_sub(64)..).unwrap_or_default());
            if late != UTF_8 && !late.is_ascii_compatible() {
                self.end += count;
                return Ok(());
            }
            if late != UTF_8 {
                let input = fresh.get(at..).unwrap_or_default().to_vec();
                self.end += at;
                // All before is ASCII, one byte each in both.
                let here = self.places.base + self.start as u64;
                let raw = self.places.base + self.end as u64;
                self.places.decoding = Some(Decoding::new(late, (here, here), raw, input));
                return self.fill_decoded();
            }
        }
        self.end += count;
        Ok(())
    }

    fn fill_decoded(&mut self) -> io::Result<()> {
        let Some(decoding) = &mut self.places.decoding else { return Ok(()) };
        let held = decoding.input.len();
        decoding.input.resize(held + FIRST_BYTES, 0);
        let count = read_some(&mut self.stream, decoding.input.get_mut(held..).unwrap_or_default());
        decoding.input.truncate(held + *count.as_ref().unwrap_or(&0));
        let last = count? == 0;
        // A byte becomes three at most; the decoder wants room for its worst case before it starts.
        let need = self.end + decoding.input.len() * 6 + 64;
        if self.buffer.len() < need {
            self.buffer.resize(need, 0);
        }
        self.end = decoding.decode(&mut self.buffer, self.end, self.places.base, last);
        self.ended = last && decoding.input.is_empty();
        Ok(())
    }
}

impl Decoding {
    fn new(encoding: &'static Encoding, cursor: (u64, u64), raw: u64, input: Vec<u8>) -> Self {
        let decoder = encoding.new_decoder_without_bom_handling();
        let measure = Measure::new(encoding);
        Self { encoding, decoder, input, raw, marks: VecDeque::new(), cursor, measure }
    }

    /// Decodes all input into `out` from `end` on and returns the new end.
    fn decode(&mut self, out: &mut [u8], mut end: usize, base: u64, last: bool) -> usize {
        let mut taken = 0;
        loop {
            let input = self.input.get(taken..).unwrap_or_default();
            // What an escape sequence switches to does not show in the text: each is a position to be known exactly.
            let stop = if self.encoding == ISO_2022_JP { next_escape(input) } else { input.len() };
            let piece = input.get(..stop).unwrap_or_default();
            let is_last = last && stop == input.len();
            let free = out.get_mut(end..).unwrap_or_default();
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(piece, free, is_last);
            taken += read;
            end += written;
            self.raw += read as u64;
            match result {
                DecoderResult::InputEmpty if taken < self.input.len() => {
                    let set = JisSet::switched_to(self.input.get(taken..).unwrap_or_default());
                    self.marks.push_back((base + end as u64, self.raw, set));
                }
                DecoderResult::InputEmpty | DecoderResult::OutputFull => break,
                DecoderResult::Malformed(_, after) => {
                    let sign = [0xEF, 0xBF, 0xBD];
                    if let Some(space) = out.get_mut(end..end + 3) {
                        space.copy_from_slice(&sign);
                        end += 3;
                    }
                    let raw = self.raw.saturating_sub(u64::from(after));
                    self.marks.push_back((base + end as u64, raw, None));
                }
            }
        }
        self.input.drain(..taken);
        end
    }
}

/// Where the next escape sequence begins behind the first byte.
fn next_escape(input: &[u8]) -> usize {
    let rest = input.get(1..).unwrap_or_default();
    memchr::memchr(0x1B, rest).map_or(input.len(), |at| at + 1)
}

impl Places {
    /// The text up to the start of `dropped`'s end goes away: the cursor has to have passed it.
    fn forget(&mut self, dropped: &[u8]) {
        let (base, to) = (self.base, self.base + dropped.len() as u64);
        if let Some(decoding) = &mut self.decoding {
            decoding.advance(dropped, base, to);
        }
    }
}

impl Decoding {
    /// Moves the cursor to decoded offset `to`; `bytes` begins at decoded offset `base`.
    fn advance(&mut self, bytes: &[u8], base: u64, to: u64) -> u64 {
        while let Some(&(decoded, raw, set)) = self.marks.front()
            && decoded <= to
        {
            // What was measured up to a place gives way to what is known of it.
            if decoded >= self.cursor.0 {
                self.cursor = (decoded, raw);
                if let Some(set) = set {
                    self.measure.switch(set);
                }
            }
            self.marks.pop_front();
        }
        let (decoded, raw) = self.cursor;
        if to > decoded {
            let from = decoded.saturating_sub(base) as usize;
            let piece = bytes.get(from..to.saturating_sub(base) as usize).unwrap_or_default();
            let len = self.measure.advance(std::str::from_utf8(piece).unwrap_or_default());
            // Measuring is no more than a good guess where an encoding has several ways to write a character.
            self.cursor = (to, (raw + len).min(self.raw));
        }
        self.cursor.1
    }
}

/// Tells where unread bytes lie in the file. Positions must be asked for in ascending order.
pub(crate) struct Positions<'w> {
    buffer: &'w [u8],
    /// Where the unread bytes begin in `buffer`.
    start: usize,
    places: &'w mut Places,
}

impl<'w> Positions<'w> {
    /// File offset of the unread byte at `at`.
    pub(crate) fn offset(&mut self, at: usize) -> u64 {
        let base = self.places.base;
        let here = base + (self.start + at) as u64;
        match &mut self.places.decoding {
            None => here,
            Some(decoding) => decoding.advance(self.buffer, base, here),
        }
    }

    /// The unescaped text at `start..end` with its place; damaged sequences become replacement characters (in `spare`).
    pub(crate) fn plain<'t>(&mut self, start: usize, end: usize, spare: &'t mut String) -> (&'t str, Raw<'static>)
    where
        'w: 't,
    {
        let bytes = self.slice(start, end);
        let from = self.offset(start);
        let Some(decoding) = &self.places.decoding else {
            return match from_utf8(bytes) {
                Some(text) => (text, Raw::Verbatim { start: from }),
                None => {
                    spare.clear();
                    spare.push_str(&String::from_utf8_lossy(bytes));
                    (spare, Raw::Whole { start: from, end: from + bytes.len() as u64 })
                }
            };
        };
        let encoding = decoding.encoding;
        let text = from_utf8(bytes).unwrap_or_default();
        let raw = Raw::Encoded { start: from, encoding };
        let is_plain = text.is_ascii() && encoding.is_ascii_compatible() && from + text.len() as u64 <= decoding.raw;
        if is_plain || is_measured_exactly(encoding) && !is_damaged(text) {
            return (text, raw);
        }
        let to = self.offset(end);
        let is_sure = !is_damaged(text) && raw.locate(text, 0, text.len()) == Some((from, to));
        (text, if is_sure { raw } else { Raw::Whole { start: from, end: to } })
    }

    /// The place of escaped text at `start..end`; `exact`: `escape` explains all of it.
    pub(crate) fn escaped(&mut self, start: usize, end: usize, escape: Escape, exact: bool) -> Raw<'w> {
        let from = self.offset(start);
        if self.places.decoding.is_none()
            && exact
            && let Some(raw) = from_utf8(self.slice(start, end))
        {
            return Raw::Escaped { start: from, raw, escape };
        }
        Raw::Whole { start: from, end: self.offset(end) }
    }

    fn slice(&self, start: usize, end: usize) -> &'w [u8] {
        self.buffer.get(self.start + start..self.start + end).unwrap_or_default()
    }
}

fn is_damaged(text: &str) -> bool {
    text.contains(char::REPLACEMENT_CHARACTER)
}

/// Whether each character has one length alone in the encoding.
fn is_measured_exactly(encoding: &'static Encoding) -> bool {
    encoding.is_single_byte() || encoding == UTF_16LE || encoding == UTF_16BE
}

/// Long text is worth the vector check; short text is not.
fn from_utf8(bytes: &[u8]) -> Option<&str> {
    if bytes.len() > 256 { simdutf8::basic::from_utf8(bytes).ok() } else { std::str::from_utf8(bytes).ok() }
}

fn read_some(stream: &mut dyn Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
