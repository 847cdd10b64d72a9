//! Rows of a table in CSV (RFC 4180), read one by one from a stream that may be hostile.
//!
//! Memory is bounded by the longest row. A row that cannot be read is one fault: reading goes on with the line after that on which it began, so a
//! quote that is never closed costs one line, not the rest of the table.

use std::io::{self, Read};

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// A row with the line on which it begins, from 1: its fields, or why it cannot be read.
pub(super) type Row = (u64, Result<Vec<Vec<u8>>, &'static str>);

pub(super) const TOO_LONG: &str = "the row is too long";
pub(super) const OPEN_QUOTE: &str = "a quote is opened and not closed";
pub(super) const STRAY_QUOTE: &str = "a quote stands within a field; put the field in quotes and write the quote twice";

/// How the beginning of the stream looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    Text,
    Utf16,
}

/// Rows of a stream.
pub(super) struct Rows<R> {
    source: R,
    buffer: Vec<u8>,
    start: usize,
    is_at_end: bool,
    /// The row before ended with a carriage return, to which a line feed may belong.
    after_return: bool,
    lines: u64,
    delimiter: u8,
    bytes_max: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Start,
    Plain,
    Quoted,
    Closed,
}

impl<R: Read> Rows<R> {
    pub(super) fn new(source: R, bytes_max: usize) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            start: 0,
            is_at_end: false,
            after_return: false,
            lines: 0,
            delimiter: b',',
            bytes_max,
        }
    }

    /// Skips a byte order mark, and tells commas from semicolons by the first line.
    pub(super) fn begin(&mut self) -> io::Result<Start> {
        while self.buffer.len() <= self.bytes_max && !self.buffer.contains(&b'\n') && self.fill()? {}
        if self.buffer.starts_with(&[0xff, 0xfe]) || self.buffer.starts_with(&[0xfe, 0xff]) {
            return Ok(Start::Utf16);
        }
        if self.buffer.starts_with(&[0xef, 0xbb, 0xbf]) {
            self.start = 3;
        }
        let (mut is_quoted, mut commas, mut semicolons) = (false, 0_usize, 0_usize);
        for byte in self.buffer.iter().skip(self.start).take_while(|byte| !matches!(byte, b'\n' | b'\r')) {
            match byte {
                b'"' => is_quoted = !is_quoted,
                b',' if !is_quoted => commas += 1,
                b';' if !is_quoted => semicolons += 1,
                _ => {}
            }
        }
        self.delimiter = if semicolons > commas { b';' } else { b',' };
        Ok(Start::Text)
    }

    /// Reads more, keeping what is not read yet. False: there is no more.
    fn fill(&mut self) -> io::Result<bool> {
        if self.is_at_end {
            return Ok(false);
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let length = self.buffer.len();
        self.buffer.resize(length + CHUNK_BYTES, 0);
        let read = loop {
            let Some(room) = self.buffer.get_mut(length..) else { break 0 };
            match self.source.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.buffer.truncate(length);
                    return Err(error);
                }
                Ok(read) => break read,
            }
        };
        self.buffer.truncate(length + read.min(CHUNK_BYTES));
        self.is_at_end = read == 0;
        Ok(read > 0)
    }

    /// The byte so many after the beginning of the row.
    fn byte(&mut self, at: usize) -> io::Result<Option<u8>> {
        loop {
            if let Some(byte) = self.buffer.get(self.start + at) {
                return Ok(Some(*byte));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Takes so many bytes out, and counts their lines.
    fn take(&mut self, length: usize) {
        let end = (self.start + length).min(self.buffer.len());
        let taken = self.buffer.get(self.start..end).unwrap_or_default();
        let feeds = taken.iter().filter(|byte| **byte == b'\n').count();
        let is_lone = |pair: &[u8]| matches!(pair, [b'\r', next] if *next != b'\n');
        let returns = taken.windows(2).filter(|pair| is_lone(pair)).count();
        self.after_return = taken.last() == Some(&b'\r');
        self.lines += (feeds + returns + usize::from(self.after_return)) as u64;
        self.start = end;
    }

    /// Leaves out the rest of the line on which the row begins.
    fn skip_line(&mut self) -> io::Result<()> {
        let mut at = 0;
        loop {
            match self.byte(at)? {
                None => {
                    self.take(at);
                    return Ok(());
                }
                Some(b'\n' | b'\r') => {
                    self.take(at + 1);
                    return Ok(());
                }
                Some(_) if at >= CHUNK_BYTES => {
                    self.take(at);
                    at = 0;
                }
                Some(_) => at += 1,
            }
        }
    }

    /// The next row, without rows of which nothing is written.
    pub(super) fn next(&mut self) -> io::Result<Option<Row>> {
        loop {
            if self.after_return {
                self.after_return = false;
                if self.byte(0)? == Some(b'\n') {
                    self.start += 1;
                }
            }
            match self.byte(0)? {
                None => return Ok(None),
                Some(b'\n' | b'\r') => self.take(1),
                Some(_) => return self.row().map(Some),
            }
        }
    }

    fn row(&mut self) -> io::Result<Row> {
        let line = self.lines + 1;
        let mut fields: Vec<Vec<u8>> = Vec::new();
        let (mut field, mut within, mut at) = (Vec::new(), Within::Start, 0);
        loop {
            let byte = self.byte(at)?;
            at += 1;
            let why = match (within, byte) {
                _ if at > self.bytes_max && within == Within::Quoted => Some(OPEN_QUOTE),
                _ if at > self.bytes_max && byte.is_some() => Some(TOO_LONG),
                (Within::Quoted, None) => Some(OPEN_QUOTE),
                (Within::Closed, Some(b'"')) => {
                    field.push(b'"');
                    within = Within::Quoted;
                    None
                }
                (Within::Start, Some(b'"')) => {
                    within = Within::Quoted;
                    None
                }
                (Within::Quoted, Some(b'"')) => {
                    within = Within::Closed;
                    None
                }
                (Within::Quoted, Some(byte)) => {
                    field.push(byte);
                    None
                }
                (_, None | Some(b'\n' | b'\r')) => {
                    fields.push(field);
                    self.take(at);
                    return Ok((line, Ok(fields)));
                }
                (_, Some(byte)) if byte == self.delimiter => {
                    fields.push(std::mem::take(&mut field));
                    within = Within::Start;
                    None
                }
                (Within::Closed, Some(_)) | (Within::Plain, Some(b'"')) => Some(STRAY_QUOTE),
                (Within::Start | Within::Plain, Some(byte)) => {
                    field.push(byte);
                    within = Within::Plain;
                    None
                }
            };
            if let Some(why) = why {
                self.skip_line()?;
                return Ok((line, Err(why)));
            }
        }
    }
}
