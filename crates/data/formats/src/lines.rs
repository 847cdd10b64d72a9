//! Lines of a byte stream, found fast and bounded in length.

use std::io::Read;
use std::ops::Range;

use crate::ReadError;

/// Bytes read at once.
const BLOCK_BYTES: usize = 128 * 1024;
/// A longer line is cut here and its rest passed over.
const LINE_BYTES_MAX: usize = 1 << 20;

/// A cursor over lines.
pub(crate) struct Lines<'a> {
    stream: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that hold data.
    filled: usize,
    /// Where the next line begins.
    at: usize,
    /// File offset of `buffer`.
    offset: u64,
    number: u64,
    line: Range<usize>,
    cut: bool,
    ended: bool,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(stream: Box<dyn Read + 'a>) -> Self {
        let buffer = vec![0; BLOCK_BYTES];
        Self { stream, buffer, filled: 0, at: 0, offset: 0, number: 0, line: 0..0, cut: false, ended: false }
    }

    /// Moves to the next line; `false` at the end.
    pub(crate) fn advance(&mut self) -> Result<bool, ReadError> {
        if self.cut {
            self.pass_rest()?;
        }
        let mut searched = 0;
        loop {
            let unread = self.buffer.get(self.at..self.filled).unwrap_or(&[]);
            let found = unread.get(searched..).and_then(|rest| memchr::memchr(b'\n', rest));
            if let Some(end) = found {
                let end = self.at + searched + end;
                self.line = self.at..end;
                self.at = end + 1;
                break;
            }
            searched = unread.len();
            if searched >= LINE_BYTES_MAX || (self.ended && searched > 0) {
                self.cut = !self.ended;
                self.line = self.at..self.filled;
                self.at = self.filled;
                break;
            }
            if self.ended {
                return Ok(false);
            }
            self.fill()?;
        }
        if self.buffer.get(self.line.clone()).is_some_and(|line| line.ends_with(b"\r")) {
            self.line.end -= 1;
        }
        self.number += 1;
        Ok(true)
    }

    /// The line, without its end.
    pub(crate) fn line(&self) -> &[u8] {
        self.buffer.get(self.line.clone()).unwrap_or(&[])
    }

    /// File offset of the line's first byte.
    pub(crate) fn start(&self) -> u64 {
        self.offset + self.line.start as u64
    }

    /// 1-based number of the line.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Makes the next line one that begins with `first`; `false` when there is none.
    pub(crate) fn skip_to(&mut self, first: u8) -> Result<bool, ReadError> {
        if self.cut {
            self.pass_rest()?;
        }
        let mut line_begins = true;
        loop {
            let unread = self.buffer.get(self.at..self.filled).unwrap_or(&[]);
            let begins = |at: usize| match at.checked_sub(1) {
                None => line_begins,
                Some(before) => unread.get(before) == Some(&b'\n'),
            };
            let found = memchr::memchr_iter(first, unread).find(|at| begins(*at));
            let passed = unread.get(..found.unwrap_or(unread.len())).unwrap_or(&[]);
            self.number += memchr::memchr_iter(b'\n', passed).count() as u64;
            if let Some(last) = passed.last() {
                line_begins = *last == b'\n';
            }
            self.at += passed.len();
            if found.is_some() {
                return Ok(true);
            }
            if self.ended {
                return Ok(false);
            }
            self.fill()?;
        }
    }

    /// Passes over the rest of a line that was cut.
    fn pass_rest(&mut self) -> Result<(), ReadError> {
        loop {
            let unread = self.buffer.get(self.at..self.filled).unwrap_or(&[]);
            if let Some(end) = memchr::memchr(b'\n', unread) {
                self.at += end + 1;
                self.cut = false;
                return Ok(());
            }
            self.at = self.filled;
            if self.ended {
                return Ok(());
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<(), ReadError> {
        self.buffer.copy_within(self.at..self.filled, 0);
        self.offset += self.at as u64;
        self.filled -= self.at;
        self.at = 0;
        self.line = 0..0;
        if self.buffer.len() - self.filled < BLOCK_BYTES / 2 {
            self.buffer.resize(self.filled + BLOCK_BYTES, 0);
        }
        let free = self.buffer.get_mut(self.filled..).unwrap_or_default();
        match self.stream.read(free) {
            Ok(0) => self.ended = true,
            Ok(n) => self.filled += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::{LINE_BYTES_MAX, Lines};

    #[test]
    fn lines_have_their_number_and_offset() {
        let mut lines = Lines::new(Box::new(Cursor::new(b"one\r\n\nthree".to_vec())));
        let mut seen = Vec::new();
        while lines.advance().unwrap() {
            seen.push((lines.number(), lines.start(), lines.line().to_vec()));
        }
        assert_eq!(seen, [(1, 0, b"one".to_vec()), (2, 5, vec![]), (3, 6, b"three".to_vec())]);
    }

    #[test]
    fn endless_lines_are_cut_and_passed_over() {
        let mut bytes = vec![b'A'; 3 * LINE_BYTES_MAX];
        bytes.extend(b"\nnext\n");
        let mut lines = Lines::new(Box::new(Cursor::new(bytes)));
        assert!(lines.advance().unwrap());
        assert!(lines.line().len() < LINE_BYTES_MAX * 2);
        assert!(lines.advance().unwrap());
        assert_eq!((lines.number(), lines.line()), (2, b"next".as_slice()));
        assert!(!lines.advance().unwrap());
    }

    #[test]
    fn skipping_counts_lines() {
        let mut bytes = b">a\n".to_vec();
        for _ in 0..100_000 {
            bytes.extend(b"AC>GT\n");
        }
        bytes.extend(b">b\nA");
        let mut lines = Lines::new(Box::new(Cursor::new(bytes)));
        assert!(lines.advance().unwrap());
        assert!(lines.skip_to(b'>').unwrap());
        assert!(lines.advance().unwrap());
        assert_eq!((lines.number(), lines.line()), (100_002, b">b".as_slice()));
        assert!(!lines.skip_to(b'>').unwrap());
    }
}
