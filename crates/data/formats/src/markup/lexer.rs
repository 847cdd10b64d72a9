//! XML and HTML as a stream of tokens with their places, in bounded memory. Entities are never expanded and document
//! types never followed.

use std::ops::Range;

use encoding_rs::{Encoding, UTF_8};

use super::blank;
use crate::text::encoding;
use crate::window::{Positions, Window};
use crate::{ReadError, Source};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Open,
    /// An element without content: `<br/>`.
    Empty,
    Close,
    Text,
    /// Text in which nothing is decoded.
    Verbatim,
    Comment,
    /// What stands between `<script>` and its end.
    Script,
    /// The same for `<style>`.
    Style,
    /// Processing instructions, declarations, document types.
    Other,
}

/// One token. Ranges count from the token's first byte, which is the window's first.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub kind: Kind,
    /// Its length with all that marks it.
    pub len: usize,
    /// What it holds: the text, or a tag's attributes.
    pub inner: Range<usize>,
    /// A tag's name.
    pub name: Range<usize>,
}

pub(crate) struct Lexer<'a> {
    window: Window<'a>,
    used: usize,
    html: bool,
    limit: usize,
    /// What a token that was cut goes on as, and what ends it.
    inside: Option<(Kind, &'static [u8])>,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(source: Source<'a>, html: bool, limit: usize) -> Result<Self, ReadError> {
        let window = match declared(source.head()) {
            Some(encoding) => Window::with_encoding(source, encoding)?,
            None => Window::new(source)?,
        };
        Ok(Self { window, used: 0, html, limit: limit.max(256), inside: None })
    }

    /// The next token, or `None` at the end of input.
    pub(crate) fn next(&mut self) -> Result<Option<Token>, ReadError> {
        self.window.consume(std::mem::take(&mut self.used));
        if self.window.bytes().is_empty() && !self.window.fill() {
            self.window.finish()?;
            return Ok(None);
        }
        let token = match self.inside {
            Some((kind, end)) => self.until(kind, 0, end),
            None if self.window.bytes().first() == Some(&b'<') => self.markup(),
            None => self.text(0),
        };
        self.used = token.len;
        Ok(Some(token))
    }

    /// The bytes of the token given last (and what has been read beyond it) with their places.
    pub(crate) fn parts(&mut self) -> (&[u8], Positions<'_>) {
        self.window.parts()
    }

    /// How far reading has come.
    pub(crate) fn offset(&self) -> u64 {
        self.window.offset()
    }

    /// Whether the text is decoded from something other than UTF-8.
    pub(crate) fn is_decoded(&self) -> bool {
        self.window.is_decoded()
    }

    fn markup(&mut self) -> Token {
        while self.window.bytes().len() < 9 && self.window.fill() {}
        let bytes = self.window.bytes();
        if bytes.starts_with(b"<!--") {
            return self.until(Kind::Comment, 4, b"-->");
        }
        if bytes.starts_with(b"<![CDATA[") {
            return self.until(Kind::Verbatim, 9, b"]]>");
        }
        if bytes.starts_with(b"<?") {
            return self.until(Kind::Other, 2, if self.html { b">" } else { b"?>" });
        }
        if bytes.starts_with(b"<!") {
            return self.declaration();
        }
        let begins = |byte: &u8| byte.is_ascii_alphabetic() || matches!(*byte, b'_' | b':') || *byte >= 0x80;
        match bytes.get(1) {
            Some(b'/') if bytes.get(2).is_some_and(begins) => self.tag(),
            Some(byte) if begins(byte) => self.tag(),
            _ => self.text(1),
        }
    }

    /// Text up to the next `<` after `from`, or up to the limit.
    fn text(&mut self, from: usize) -> Token {
        let mut seen = from;
        let end = loop {
            let bytes = self.window.bytes();
            if let Some(at) = memchr::memchr(b'<', bytes.get(seen..).unwrap_or_default()) {
                seen += at;
            } else {
                seen = bytes.len();
            }
            if seen > self.limit {
                break cut(bytes, self.limit);
            }
            if seen < bytes.len() {
                break seen;
            }
            if !self.window.fill() {
                break seen;
            }
        };
        Token { kind: Kind::Text, len: end, inner: 0..end, name: 0..0 }
    }

    /// A token that begins with `skip` bytes and ends with `end`; cut at the limit.
    fn until(&mut self, kind: Kind, skip: usize, end: &'static [u8]) -> Token {
        let mut seen = skip;
        // An instruction without end is whatever stands there.
        let open = if kind == Kind::Other { Kind::Comment } else { kind };
        loop {
            let bytes = self.window.bytes();
            if let Some(at) = find(bytes.get(seen..).unwrap_or_default(), end) {
                let stop = seen + at;
                if stop > self.limit + skip {
                    self.inside = Some((open, end));
                    let len = cut(bytes, self.limit).max(skip + 1);
                    return Token { kind: open, len, inner: skip..len, name: 0..0 };
                }
                self.inside = None;
                // The end of a script is a tag of its own.
                let len = if matches!(kind, Kind::Script | Kind::Style) { stop } else { stop + end.len() };
                return Token { kind, len, inner: skip..stop, name: 0..0 };
            }
            seen = bytes.len().saturating_sub(end.len()).max(skip);
            if bytes.len() > self.limit {
                self.inside = Some((open, end));
                let len = cut(bytes, self.limit).max(skip + 1);
                return Token { kind: open, len, inner: skip..len, name: 0..0 };
            }
            if !self.window.fill() {
                self.inside = None;
                let len = self.window.bytes().len();
                return Token { kind: open, len, inner: skip.min(len)..len, name: 0..0 };
            }
        }
    }

    /// `<!DOCTYPE …>`. What an internal subset holds is shown like a comment, not followed.
    fn declaration(&mut self) -> Token {
        loop {
            let bytes = self.window.bytes();
            let plain = memchr::memchr(b'>', bytes);
            let subset = memchr::memchr(b'[', bytes).filter(|open| plain.is_none_or(|end| *open < end));
            let end = match subset {
                Some(open) => {
                    memchr::memmem::find(bytes.get(open..).unwrap_or_default(), b"]>").map(|at| open + at + 2)
                }
                None => plain.map(|at| at + 1),
            };
            if let Some(len) = end {
                let kind = if subset.is_some() { Kind::Comment } else { Kind::Other };
                return Token { kind, len, inner: 2..len, name: 0..0 };
            }
            if bytes.len() > self.limit {
                self.inside = Some((Kind::Comment, if subset.is_some() { b"]>" } else { b">" }));
                let len = cut(bytes, self.limit);
                return Token { kind: Kind::Comment, len, inner: 2..len, name: 0..0 };
            }
            if !self.window.fill() {
                let len = self.window.bytes().len();
                return Token { kind: Kind::Comment, len, inner: 2.min(len)..len, name: 0..0 };
            }
        }
    }

    fn tag(&mut self) -> Token {
        let len = loop {
            let bytes = self.window.bytes();
            let len = blank::tag_len(bytes);
            if len < bytes.len() || bytes.last() == Some(&b'>') && blank::tag_len(bytes) == bytes.len() && len > 1 {
                break len;
            }
            if bytes.len() > self.limit {
                // No tag is that long: the bracket is text.
                return self.text(1);
            }
            if !self.window.fill() {
                break len;
            }
        };
        let bytes = self.window.bytes().get(..len).unwrap_or_default();
        let closes = bytes.get(1) == Some(&b'/');
        let start = if closes { 2 } else { 1 };
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(*byte, b'/' | b'>' | b'<');
        let name = start..bytes.iter().skip(start).position(ends).map_or(len, |at| start + at);
        let empty = !closes && bytes.ends_with(b"/>");
        let tail = if empty { 2 } else { usize::from(bytes.ends_with(b">")) };
        let inner = name.end..(len - tail).max(name.end);
        let word = bytes.get(name.clone()).unwrap_or_default();
        if self.html && !closes && !empty {
            if word.eq_ignore_ascii_case(b"script") {
                self.inside = Some((Kind::Script, b"</script"));
            } else if word.eq_ignore_ascii_case(b"style") {
                self.inside = Some((Kind::Style, b"</style"));
            }
        }
        let kind = if closes {
            Kind::Close
        } else if empty {
            Kind::Empty
        } else {
            Kind::Open
        };
        Token { kind, len, inner, name }
    }
}

/// Names and values of a tag's attributes, as ranges of `bytes`; `inner` is where they stand.
pub(crate) fn attributes(bytes: &[u8], inner: Range<usize>) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    let mut at = inner.start;
    std::iter::from_fn(move || {
        let byte = |at: usize| bytes.get(at).copied().filter(|_| at < inner.end);
        while byte(at).is_some_and(|b| b.is_ascii_whitespace() || b == b'/') {
            at += 1;
        }
        let start = at;
        byte(at)?;
        while byte(at).is_some_and(|b| !b.is_ascii_whitespace() && b != b'=') {
            at += 1;
        }
        let name = start..at;
        while byte(at).is_some_and(|b| b.is_ascii_whitespace()) {
            at += 1;
        }
        if byte(at) != Some(b'=') {
            return Some((name, at..at));
        }
        at += 1;
        while byte(at).is_some_and(|b| b.is_ascii_whitespace()) {
            at += 1;
        }
        let value = match byte(at) {
            Some(quote @ (b'"' | b'\'')) => {
                let open = at + 1;
                let rest = bytes.get(open..inner.end).unwrap_or_default();
                let close = memchr::memchr(quote, rest).map_or(inner.end, |len| open + len);
                at = (close + 1).min(inner.end);
                open..close
            }
            _ => {
                let open = at;
                while byte(at).is_some_and(|b| !b.is_ascii_whitespace()) {
                    at += 1;
                }
                open..at
            }
        };
        Some((name, value))
    })
}

/// The encoding that an XML declaration or a `meta` element tells, where the bytes do not tell it themselves.
fn declared(head: &[u8]) -> Option<&'static Encoding> {
    let found = encoding::detect(head);
    if found.bom_bytes > 0 || found.encoding == UTF_8 || !found.encoding.is_ascii_compatible() {
        return None;
    }
    let start = head.get(..2048).unwrap_or(head);
    let at = memchr::memmem::find(start, b"encoding=").map(|at| at + 9);
    let at = at.or_else(|| memchr::memmem::find(start, b"charset=").map(|at| at + 8))?;
    let label = start.get(at..)?.split(|byte| matches!(byte, b'"' | b'\'' | b' ' | b'>' | b';' | b'?' | b'/'));
    let label = label.into_iter().find(|part| !part.is_empty())?;
    Encoding::for_label(label).filter(|encoding| *encoding != UTF_8)
}

fn find(bytes: &[u8], end: &[u8]) -> Option<usize> {
    if end.first() != Some(&b'<') {
        return memchr::memmem::find(bytes, end);
    }
    // Names of tags are compared without case.
    memchr::memmem::find_iter(bytes, b"</")
        .find(|at| bytes.get(*at..at + end.len()).is_some_and(|tag| tag.eq_ignore_ascii_case(end)))
}

/// Where to cut text of at least `at` bytes: after white space, or else on a character's boundary.
fn cut(bytes: &[u8], at: usize) -> usize {
    let half = at / 2;
    if let Some(space) = memchr::memrchr2(b' ', b'\n', bytes.get(half..at).unwrap_or_default()) {
        return half + space + 1;
    }
    let boundary = |at: &usize| bytes.get(*at).is_none_or(|byte| byte & 0xC0 != 0x80);
    (at.saturating_sub(4)..=at).rev().find(boundary).unwrap_or(at).max(1)
}
