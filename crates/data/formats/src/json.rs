//! JSON as a stream of events with byte offsets, in bounded memory. It reads on past small faults (missing commas,
//! comments excepted) because its job is to show what a file holds, not to judge it.

use crate::window::Window;
use crate::{Escape, Limits, Problem, Raw, ReadError, Source};

/// What kind of value a scalar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScalarKind {
    String,
    Number,
    /// `true` or `false`.
    Bool,
    Null,
}

/// A value that holds no others.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scalar<'a> {
    pub kind: ScalarKind,
    /// Decoded text; numbers and words as they stand.
    pub text: &'a str,
    pub raw: Raw<'a>,
    /// The string is longer than `limits.value_bytes_max`: its next part is the next event.
    pub more: bool,
}

/// One step through a document.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'a> {
    BeginObject,
    BeginArray,
    EndObject,
    EndArray,
    /// The key of the value that comes next.
    Key(&'a str),
    Scalar(Scalar<'a>),
    /// No document is open and the input has ended.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// In an object; a key comes next.
    Key,
    /// In an object; the key's value comes next.
    Value,
    Array,
}

/// Pulls events. Documents may follow each other (NDJSON, JSON text sequences): whenever [`Json::depth`] is 0 after
/// an event, one document has ended.
pub(crate) struct Json<'a> {
    window: Window<'a>,
    stack: Vec<Frame>,
    /// For each open object or array: whether it holds something already.
    filled: Vec<bool>,
    /// Where the first comma is missing or too many.
    fault: Option<u64>,
    /// Bytes of the last event, still in the window because the event borrowed them.
    used: usize,
    in_string: bool,
    decoded: String,
    value_bytes_max: usize,
    nesting_max: usize,
}

impl<'a> Json<'a> {
    /// # Errors
    /// When the first bytes cannot be read.
    pub(crate) fn new(source: Source<'a>, limits: &Limits) -> Result<Self, ReadError> {
        Ok(Self {
            window: Window::new(source)?,
            stack: Vec::new(),
            filled: Vec::new(),
            fault: None,
            used: 0,
            in_string: false,
            decoded: String::new(),
            value_bytes_max: limits.value_bytes_max.max(64),
            nesting_max: limits.nesting_max,
        })
    }

    /// How many objects and arrays are open.
    pub(crate) fn depth(&self) -> usize {
        self.stack.len()
    }

    /// How far reading has come, in bytes of UTF-8.
    pub(crate) fn offset(&self) -> u64 {
        self.window.offset() + self.used as u64
    }

    /// What was wrong and read past, if anything.
    pub(crate) fn fault(&self) -> Option<Problem> {
        let at = self.fault?;
        Some(Problem::malformed(format!(
            "the JSON is damaged at byte {at}: a comma is missing or stands where none may; it was read on from there"
        )))
    }

    /// The next event.
    ///
    /// # Errors
    /// When the input ends inside a document (what came before has been given), contradicts JSON, nests too deep,
    /// or cannot be read.
    pub(crate) fn next(&mut self) -> Result<Event<'_>, ReadError> {
        self.window.consume(std::mem::take(&mut self.used));
        if self.in_string {
            return self.string();
        }
        let Some((byte, commas)) = self.significant() else { return self.at_end() };
        self.check_commas(byte, commas);
        if self.stack.last() == Some(&Frame::Key) {
            return match byte {
                b'}' => Ok(self.close()),
                b'"' => self.key(),
                _ => Err(self.unexpected("a key or `}`")),
            };
        }
        match byte {
            b'{' => self.open(Frame::Key),
            b'[' => self.open(Frame::Array),
            b']' if self.stack.last() == Some(&Frame::Array) => Ok(self.close()),
            // A key without a value.
            b'}' if self.stack.last() == Some(&Frame::Value) => Ok(self.close()),
            b'"' => {
                self.window.consume(1);
                self.in_string = true;
                self.string()
            }
            _ => self.word(),
        }
    }

    /// Skips to the next line and forgets what is open: a damaged line of NDJSON ends with its line. `false` at the
    /// end of input.
    pub(crate) fn skip_line(&mut self) -> bool {
        self.window.consume(std::mem::take(&mut self.used));
        self.stack.clear();
        self.filled.clear();
        self.in_string = false;
        loop {
            if let Some(at) = memchr::memchr(b'\n', self.window.bytes()) {
                self.window.consume(at + 1);
                return true;
            }
            self.window.consume(self.window.bytes().len());
            if !self.window.fill() {
                return false;
            }
        }
    }

    /// The next byte that is neither white space nor punctuation between values.
    fn significant(&mut self) -> Option<(u8, u64)> {
        let colon = self.stack.last() == Some(&Frame::Value);
        let mut commas = 0;
        loop {
            let bytes = self.window.bytes();
            let between =
                |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',' | 0x1E) || (colon && *byte == b':');
            match bytes.iter().position(|byte| !between(byte)) {
                Some(at) => {
                    let byte = bytes.get(at).copied()?;
                    commas += count_commas(bytes.get(..at).unwrap_or_default());
                    self.window.consume(at);
                    return Some((byte, commas));
                }
                None => {
                    commas += count_commas(bytes);
                    self.window.consume(bytes.len());
                    if !self.window.fill() {
                        return None;
                    }
                }
            }
        }
    }

    /// One comma stands between two values, none elsewhere (RFC 8259 sections 4 and 5).
    fn check_commas(&mut self, byte: u8, commas: u64) {
        let (Some(frame), Some(filled)) = (self.stack.last(), self.filled.last_mut()) else { return };
        let closes = matches!(byte, b'}' | b']');
        let wanted = u64::from(*filled && *frame != Frame::Value && !closes);
        *filled |= *frame != Frame::Value;
        if commas != wanted && self.fault.is_none() {
            self.fault = Some(self.window.offset());
        }
    }

    fn at_end(&mut self) -> Result<Event<'_>, ReadError> {
        self.window.finish()?;
        match self.stack.len() {
            0 => Ok(Event::End),
            open => Err(Problem::truncated(format!("the JSON ends with {open} objects or arrays open")).into()),
        }
    }

    fn open(&mut self, frame: Frame) -> Result<Event<'_>, ReadError> {
        if self.stack.len() >= self.nesting_max {
            return Err(Problem::limit(format!(
                "the JSON nests deeper than {}; raise `limits.nesting_max` to read on",
                self.nesting_max
            ))
            .into());
        }
        self.value_done();
        self.stack.push(frame);
        self.filled.push(false);
        self.window.consume(1);
        Ok(if frame == Frame::Array { Event::BeginArray } else { Event::BeginObject })
    }

    fn close(&mut self) -> Event<'static> {
        self.window.consume(1);
        self.filled.pop();
        if self.stack.pop() == Some(Frame::Array) { Event::EndArray } else { Event::EndObject }
    }

    /// A value of the innermost object is complete (or has begun): a key comes next.
    fn value_done(&mut self) {
        if let Some(frame @ Frame::Value) = self.stack.last_mut() {
            *frame = Frame::Key;
        }
    }

    fn key(&mut self) -> Result<Event<'_>, ReadError> {
        self.window.consume(1);
        let Scan { end, escaped, stop } = self.scan_string();
        if stop == Stop::Cut {
            return Err(Problem::limit("a key of the JSON is longer than `limits.value_bytes_max`").into());
        }
        if let Some(frame) = self.stack.last_mut() {
            *frame = Frame::Value;
        }
        self.used = end + usize::from(stop == Stop::Quote);
        let bytes = self.window.bytes().get(..end).unwrap_or_default();
        match std::str::from_utf8(bytes) {
            Ok(text) if !escaped => Ok(Event::Key(text)),
            _ => {
                unescape(&String::from_utf8_lossy(bytes), &mut self.decoded);
                Ok(Event::Key(&self.decoded))
            }
        }
    }

    /// The string, or the next part of one, that the window begins with (after its opening quote).
    fn string(&mut self) -> Result<Event<'_>, ReadError> {
        let Scan { end, escaped, stop } = self.scan_string();
        let more = stop == Stop::Cut;
        self.used = end + usize::from(stop == Stop::Quote);
        self.in_string = more;
        if !more {
            self.value_done();
        }
        let (bytes, mut positions) = self.window.parts();
        let part = bytes.get(..end).unwrap_or_default();
        let (text, raw) = match std::str::from_utf8(part) {
            Ok(text) if escaped => {
                let exact = unescape(text, &mut self.decoded);
                (self.decoded.as_str(), positions.escaped(0, end, Escape::Json, exact))
            }
            _ => positions.plain(0, end, &mut self.decoded),
        };
        Ok(Event::Scalar(Scalar { kind: ScalarKind::String, text, raw, more }))
    }

    /// Finds the end of the string that the window begins with, or a place to cut it at the value limit.
    fn scan_string(&mut self) -> Scan {
        // Up to `at` all characters and escapes are complete; up to `seen` there is no quote and no backslash after it.
        let (mut at, mut seen, mut escaped) = (0, 0, false);
        loop {
            let bytes = self.window.bytes();
            let hit = memchr::memchr2(b'"', b'\\', bytes.get(seen..).unwrap_or_default());
            let stop = hit.map_or(bytes.len(), |hit| seen + hit);
            if stop > self.value_bytes_max {
                return Scan { end: cut(bytes, at, self.value_bytes_max), escaped, stop: Stop::Cut };
            }
            if hit.is_some() && bytes.get(stop) == Some(&b'"') {
                return Scan { end: stop, escaped, stop: Stop::Quote };
            }
            if hit.is_some() && stop + 1 < bytes.len() {
                escaped = true;
                (at, seen) = (stop + 2, stop + 2);
                continue;
            }
            // The escaped byte may not be in the window yet.
            seen = stop;
            if !self.window.fill() {
                let end = self.window.bytes().len();
                return Scan { end, escaped: escaped || stop < end, stop: Stop::End };
            }
        }
    }

    fn word(&mut self) -> Result<Event<'_>, ReadError> {
        let mut from = 0;
        let end = loop {
            let bytes = self.window.bytes();
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t' | b':' | b'"');
            match bytes.get(from..).unwrap_or_default().iter().position(ends) {
                Some(at) => break from + at,
                None => from = bytes.len(),
            }
            if from > 4096 || !self.window.fill() {
                break from;
            }
        };
        let Some(kind) = word_kind(self.window.bytes().get(..end).unwrap_or_default()) else {
            return Err(self.unexpected("a value"));
        };
        self.value_done();
        self.used = end;
        let (_, mut positions) = self.window.parts();
        let (text, raw) = positions.plain(0, end, &mut self.decoded);
        Ok(Event::Scalar(Scalar { kind, text, raw, more: false }))
    }

    fn unexpected(&mut self, wanted: &str) -> ReadError {
        if self.window.has_ended()
            && let Err(error) = self.window.finish()
        {
            return error;
        }
        let at = self.window.offset();
        Problem::malformed(format!("the JSON is damaged at byte {at}: {wanted} was expected")).into()
    }
}

fn count_commas(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b',').count() as u64
}

struct Scan {
    end: usize,
    escaped: bool,
    stop: Stop,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    Quote,
    /// The string goes on.
    Cut,
    /// The input has ended.
    End,
}

/// Numbers are not checked further than their first byte: `007` and `1e` are shown as they stand.
fn word_kind(word: &[u8]) -> Option<ScalarKind> {
    match word {
        b"true" | b"false" => Some(ScalarKind::Bool),
        b"null" => Some(ScalarKind::Null),
        b"NaN" | b"Infinity" | b"-Infinity" => Some(ScalarKind::Number),
        [b'0'..=b'9' | b'-' | b'+' | b'.', ..] if word.len() <= 4096 => Some(ScalarKind::Number),
        _ => None,
    }
}

/// Where to cut plain text that begins at `from`: at a character's boundary, not far from `at`.
fn cut(bytes: &[u8], from: usize, at: usize) -> usize {
    let boundary = |at: &usize| bytes.get(*at).is_none_or(|byte| byte & 0xC0 != 0x80);
    (at.saturating_sub(4).max(from)..=at.max(from)).rev().find(boundary).unwrap_or(from)
}

/// Decodes JSON escapes. `false`: an escape is damaged, so that positions cannot be told apart.
fn unescape(raw: &str, out: &mut String) -> bool {
    out.clear();
    let (mut rest, mut exact) = (raw, true);
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let Some(letter) = rest.chars().next() else { return false };
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        match letter {
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => match unicode_escape(rest) {
                Some((c, len)) => {
                    exact &= c != char::REPLACEMENT_CHARACTER;
                    out.push(c);
                    rest = rest.get(len..).unwrap_or_default();
                }
                None => {
                    out.push_str("\\u");
                    exact = false;
                }
            },
            other => {
                out.push(other);
                exact &= matches!(other, '"' | '\\' | '/');
            }
        }
    }
    out.push_str(rest);
    exact
}

/// The character of `\u` escapes, from after the `u`, and how many bytes it takes.
fn unicode_escape(rest: &str) -> Option<(char, usize)> {
    let unit = |from: usize| u32::from_str_radix(rest.get(from..from + 4)?, 16).ok();
    let first = unit(0)?;
    if (0xD800..0xDC00).contains(&first) {
        let second = if rest.get(4..6) == Some("\\u") { unit(6) } else { None };
        if let Some(second @ 0xDC00..0xE000) = second {
            let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            return Some((char::from_u32(code)?, 10));
        }
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 4))
}

#[cfg(test)]
mod tests {
    use super::{Event, Json};
    use crate::{Limits, Source};

    fn events(source: Source<'_>, limits: &Limits) -> Vec<String> {
        let mut json = Json::new(source, limits).unwrap();
        let mut lines = Vec::new();
        loop {
            match json.next() {
                Ok(Event::End) => return lines,
                Ok(Event::Scalar(scalar)) => {
                    let span = scalar.raw.locate(scalar.text, 0, scalar.text.len()).unwrap();
                    let more = if scalar.more { "+" } else { "" };
                    lines.push(format!("{:?} {}{more} {}..{}", scalar.kind, scalar.text, span.0, span.1));
                }
                Ok(event) => lines.push(format!("{event:?}")),
                Err(error) => {
                    lines.push(error.to_string());
                    return lines;
                }
            }
        }
    }

    fn of(text: &str) -> Vec<String> {
        events(Source::bytes(text.as_bytes()), &Limits::default())
    }

    #[test]
    fn events_carry_the_offsets_of_their_values() {
        let lines = of(r#"{"a": [1, "x\n\u00e9\ud83d\ude00y", true], "k\u0041": null} {"b":-2.5e3}"#);
        let want = [
            "BeginObject",
            "Key(\"a\")",
            "BeginArray",
            "Number 1 7..8",
            "String x\né😀y 11..33",
            "Bool true 36..40",
            "EndArray",
            "Key(\"kA\")",
            "Null null 54..58",
            "EndObject",
            "BeginObject",
            "Key(\"b\")",
            "Number -2.5e3 65..71",
            "EndObject",
        ];
        assert_eq!(lines, want);
    }

    #[test]
    fn what_comes_before_the_damage_is_given() {
        let lines = of(r#"{"a": "Ann", "b": "Be"#);
        assert_eq!(lines.get(4).unwrap(), "String Be 19..21");
        assert_eq!(lines.last().unwrap(), "the JSON ends with 1 objects or arrays open");
        let lines = of(r#"{"a": 1, nonsense}"#);
        assert_eq!(lines.last().unwrap(), "the JSON is damaged at byte 9: a key or `}` was expected");
    }

    #[test]
    fn long_strings_come_in_parts_and_deep_nesting_ends() {
        let limits = Limits { value_bytes_max: 64, nesting_max: 3, ..Limits::default() };
        let text = format!("[\"{}\\n{}\", 1]", "é".repeat(50), "x".repeat(100));
        let lines = events(Source::bytes(text.as_bytes()), &limits);
        let parts: Vec<_> = lines.iter().filter(|line| line.starts_with("String")).collect();
        assert_eq!(parts.len(), 4);
        assert!(parts.first().unwrap().ends_with("+ 2..66"), "{parts:?}");
        assert_eq!(lines.get(lines.len() - 2).unwrap(), "Number 1 207..208");
        let lines = events(Source::bytes(b"[[[[1]]]]"), &limits);
        assert!(lines.last().unwrap().contains("nests deeper than 3"));
    }

    #[test]
    fn utf16_is_read_with_its_own_offsets() {
        let bytes: Vec<u8> = r#"{"name": "Müller 山田"}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let lines = events(Source::bytes(&bytes), &Limits::default());
        assert_eq!(lines.get(2).unwrap(), "String Müller 山田 20..38");
    }

    #[test]
    fn a_trickling_stream_gives_the_same_events() {
        let text = r#"[{"a":"b\"c\\","d":[{},[],12.5,"é"]},false]"#;
        let whole = of(text);
        for step in 1..7 {
            let trickle = crate::testing::trickle(text.as_bytes(), step);
            assert_eq!(events(Source::stream(trickle, None).unwrap(), &Limits::default()), whole);
        }
    }
}
