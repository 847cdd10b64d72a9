//! The bytes of a message or mailbox, cut at the lines that delimit parts and messages.

use std::io::{self, BufRead, Read};

use crate::archive::buffered::{Buffered, Count};
use crate::{ReadError, Source};

/// Bytes looked at together.
const WINDOW_BYTES: usize = 8 * 1024;
/// Bytes that decide whether a line delimits. Boundaries have 70 characters at most (RFC 2046 section 5.1.1);
/// programs have been seen to write longer ones.
const DELIMITER_BYTES_MAX: usize = 1024;
/// Bytes of all headers of one message or part that are kept.
const HEADER_BYTES_MAX: usize = 1 << 20;

/// Days and months as `asctime` writes them (RFC 4155 appendix A).
const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// Whether text begins with a line that separates the messages of a mailbox: `From `, a sender, and a date with day,
/// month and time as words of their own. A sentence that begins with "From" has no such date.
pub(super) fn is_from_line(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"From ") else { return false };
    let rest = rest.get(..DELIMITER_BYTES_MAX).unwrap_or(rest);
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = line.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
    let (mut day, mut month, mut time) = (false, false, false);
    words.by_ref().take(16).for_each(|word| {
        let bare = word.strip_suffix(b",").unwrap_or(word);
        day |= DAYS.contains(&bare);
        month |= MONTHS.contains(&bare);
        time |= matches!(word, [a, b, b':', c, d, ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_digit()));
    });
    day && month && time
}

/// What a line that ends a body says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delimiter {
    /// Another part of the multipart at this depth of nesting follows.
    Part(usize),
    /// The multipart at this depth ends.
    Close(usize),
}

/// The headers of a message or part as they stand in the file.
pub(super) struct HeaderBlock {
    pub(super) bytes: Vec<u8>,
    /// File offset of `bytes`.
    pub(super) offset: u64,
    /// There were more than are kept.
    pub(super) is_cut: bool,
}

/// A cursor on the file.
pub(super) struct Feed<'a> {
    input: Buffered<Box<dyn Read + 'a>>,
    offset: Count,
    line: u64,
    boundaries: Vec<Vec<u8>>,
    is_mailbox: bool,
}

impl<'a> Feed<'a> {
    pub(super) fn new(source: Source<'a>, is_mailbox: bool) -> Result<Self, ReadError> {
        let mut input = Buffered::new(source.into_stream());
        if input.peek(3)? == b"\xEF\xBB\xBF" {
            input.consume(3);
        }
        Ok(Self { offset: input.consumed(), input, line: 1, boundaries: Vec::new(), is_mailbox })
    }

    /// File offset of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.offset.get()
    }

    /// 1-based line of the next byte.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn is_at_end(&mut self) -> io::Result<bool> {
        Ok(self.input.peek(1)?.is_empty())
    }

    /// Enters a multipart; gives its depth for [`Delimiter`].
    pub(super) fn enter(&mut self, boundary: &str) -> usize {
        self.boundaries.push(boundary.as_bytes().to_vec());
        self.boundaries.len() - 1
    }

    /// Leaves the innermost multipart.
    pub(super) fn leave(&mut self) {
        self.boundaries.pop();
    }

    /// The line that begins the next message of a mailbox, without `From `'s line end, and its offset; `None` at the end.
    pub(super) fn next_message(&mut self) -> io::Result<Option<(Vec<u8>, u64)>> {
        loop {
            let window = self.input.peek(WINDOW_BYTES)?;
            if window.is_empty() {
                return Ok(None);
            }
            let is_from = is_from_line(window);
            let (offset, line) = (self.offset(), self.take_line()?);
            if is_from {
                return Ok(Some((line, offset)));
            }
        }
    }

    /// The headers up to the empty line that ends them, or to where the message ends or its body begins without one.
    pub(super) fn headers(&mut self) -> io::Result<HeaderBlock> {
        let mut block = HeaderBlock { bytes: Vec::new(), offset: self.offset(), is_cut: false };
        loop {
            let window = self.input.peek(WINDOW_BYTES)?;
            let starts = window.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
            if window.is_empty() || delimiter(&self.boundaries, self.is_mailbox, window).is_some() {
                return Ok(block);
            }
            if window.starts_with(b"\n") || window.starts_with(b"\r\n") {
                self.take_line()?;
                return Ok(block);
            }
            if !starts && super::header::name(window).is_none() {
                return Ok(block);
            }
            let line = self.take_line()?;
            if block.bytes.len() + line.len() > HEADER_BYTES_MAX || block.is_cut {
                block.is_cut = true;
            } else {
                block.bytes.extend(line);
            }
        }
    }

    /// The delimiter that the body before ended at, consumed where it belongs to the multipart at `depth`. `None` at
    /// the end of the message, or where the delimiter belongs to an enclosing multipart.
    pub(super) fn delimiter(&mut self, depth: usize) -> io::Result<Option<Delimiter>> {
        let window = self.input.peek(WINDOW_BYTES)?;
        let skip = line_end(window);
        let found = delimiter(&self.boundaries, self.is_mailbox, window.get(skip..).unwrap_or_default());
        match found {
            Some(Some(Delimiter::Part(at) | Delimiter::Close(at))) if at == depth => {
                self.consume(skip)?;
                self.take_line()?;
                Ok(found.flatten())
            }
            _ => Ok(None),
        }
    }

    /// Takes the rest of the line with its end; of a line without end only so much as is looked at together.
    fn take_line(&mut self) -> io::Result<Vec<u8>> {
        let window = self.input.peek(WINDOW_BYTES)?;
        let len = memchr::memchr(b'\n', window).map_or(window.len(), |end| end + 1);
        let line = window.get(..len).unwrap_or_default().to_vec();
        self.consume(len)?;
        Ok(line)
    }

    fn consume(&mut self, len: usize) -> io::Result<()> {
        self.line += memchr::memchr_iter(b'\n', self.input.peek(len)?).count() as u64;
        self.input.consume(len);
        Ok(())
    }
}

/// `Some` where `line` begins with a delimiter; `Some(None)` is the next message of a mailbox.
fn delimiter(boundaries: &[Vec<u8>], is_mailbox: bool, line: &[u8]) -> Option<Option<Delimiter>> {
    if is_mailbox && is_from_line(line) {
        return Some(None);
    }
    let rest = line.strip_prefix(b"--")?;
    let rest = rest.get(..DELIMITER_BYTES_MAX).unwrap_or(rest);
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    boundaries.iter().enumerate().rev().find_map(|(depth, boundary)| match line.strip_prefix(boundary.as_slice())? {
        b"" => Some(Some(Delimiter::Part(depth))),
        b"--" => Some(Some(Delimiter::Close(depth))),
        _ => None,
    })
}

/// Length of the line end that `bytes` begins with.
fn line_end(bytes: &[u8]) -> usize {
    match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => 0,
    }
}

/// The bytes up to the next delimiter. The line end before it belongs to it (RFC 2046 section 5.1.1).
pub(super) struct Body<'f, 'a> {
    feed: &'f mut Feed<'a>,
    /// So many bytes are known to belong to the body.
    clear: usize,
    is_at_start: bool,
    ends: bool,
}

impl<'f, 'a> Body<'f, 'a> {
    /// From the start of a line on.
    pub(super) fn new(feed: &'f mut Feed<'a>) -> Self {
        Self { feed, clear: 0, is_at_start: true, ends: false }
    }

    fn look_ahead(&mut self) -> io::Result<()> {
        let feed = &mut *self.feed;
        let window = feed.input.peek(WINDOW_BYTES)?;
        let is_all = window.len() < WINDOW_BYTES;
        let ends_at = |at: usize| {
            let line = window.get(at..).unwrap_or_default();
            delimiter(&feed.boundaries, feed.is_mailbox, line).is_some()
        };
        if window.is_empty() || (std::mem::take(&mut self.is_at_start) && ends_at(0)) {
            self.ends = true;
            return Ok(());
        }
        self.clear = window.len();
        for end in memchr::memchr_iter(b'\n', window) {
            let before = if end > 0 && window.get(end - 1) == Some(&b'\r') { end - 1 } else { end };
            self.ends = ends_at(end + 1);
            if self.ends || (end + 1 + DELIMITER_BYTES_MAX > window.len() && !is_all) {
                self.clear = before;
                return Ok(());
            }
        }
        if !is_all && window.ends_with(b"\r") {
            self.clear -= 1;
        }
        Ok(())
    }
}

impl Read for Body<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.clear == 0 && !self.ends {
            self.look_ahead()?;
        }
        let n = self.clear.min(buf.len());
        if n > 0
            && let (Some(to), Some(from)) = (buf.get_mut(..n), self.feed.input.peek(n)?.get(..n))
        {
            to.copy_from_slice(from);
            self.feed.consume(n)?;
            self.clear -= n;
        }
        Ok(n)
    }
}
