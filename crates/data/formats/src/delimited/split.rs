//! Splits rows into cells without copying (RFC 4180, and what real files make of it).

use super::dialect::Dialect;

/// Where a cell's value lies in the row, without its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub start: usize,
    pub end: usize,
    pub piece: Piece,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Plain,
    /// Quoted, with doubled quotes inside.
    Doubled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    /// The row takes `end` bytes and `lines` line ends, both with its own line end. No cells: a blank line.
    Complete { end: usize, lines: u64 },
    /// The bytes end before the row does.
    Partial,
}

/// Splits the row that `bytes` begins with. `ended`: nothing comes after `bytes`.
pub(super) fn next_row(bytes: &[u8], dialect: &Dialect, ended: bool, cells: &mut Vec<Found>) -> Row {
    cells.clear();
    if let Some(end) = blank_line(bytes, dialect) {
        return Row::Complete { end, lines: 1 };
    }
    let (mut at, mut lines) = (0, 1);
    loop {
        let cell = if bytes.get(at) == Some(&b'"') { quoted(bytes, at, dialect, ended) } else { None };
        let (found, stop) = match cell {
            Some(Quoted::Open) => return Row::Partial,
            Some(Quoted::Closed(found, stop)) => {
                let inside = bytes.get(found.start..found.end).unwrap_or_default();
                lines += memchr::memchr_iter(dialect.line_end, inside).count() as u64;
                (found, stop)
            }
            None => match memchr::memchr2(dialect.delimiter, dialect.line_end, bytes.get(at..).unwrap_or_default()) {
                Some(len) => (Found { start: at, end: at + len, piece: Piece::Plain }, at + len),
                None if ended => (Found { start: at, end: bytes.len(), piece: Piece::Plain }, bytes.len()),
                None => return Row::Partial,
            },
        };
        cells.push(found);
        if bytes.get(stop) == Some(&dialect.delimiter) {
            at = stop + 1;
            continue;
        }
        trim_return(bytes, cells);
        let end = (stop + 1).min(bytes.len());
        return Row::Complete { end, lines };
    }
}

/// Cells of an over-long row, all of `bytes` used up to its last delimiter (or all of it). Returns how much.
pub(super) fn cut(bytes: &[u8], dialect: &Dialect, cells: &mut Vec<Found>) -> usize {
    let end = match memchr::memrchr(dialect.delimiter, bytes) {
        Some(at) => at + 1,
        None => {
            let boundary = |at: &usize| bytes.get(*at).is_some_and(|byte| byte & 0xC0 != 0x80);
            (bytes.len().saturating_sub(4)..bytes.len()).rev().find(boundary).unwrap_or(bytes.len()).max(1)
        }
    };
    let piece = bytes.get(..end).unwrap_or_default();
    cells.clear();
    let mut at = 0;
    for stop in memchr::memchr_iter(dialect.delimiter, piece).chain([end]) {
        if stop > at {
            cells.push(Found { start: at, end: stop, piece: Piece::Plain });
        }
        at = stop + 1;
    }
    end
}

fn blank_line(bytes: &[u8], dialect: &Dialect) -> Option<usize> {
    match bytes {
        [first, ..] if *first == dialect.line_end => Some(1),
        [b'\r', second, ..] if *second == dialect.line_end => Some(2),
        _ => None,
    }
}

enum Quoted {
    Closed(Found, usize),
    /// The closing quote may still come.
    Open,
}

/// The quoted cell at `at`, or `None` when its quote turns out to be part of the value.
fn quoted(bytes: &[u8], at: usize, dialect: &Dialect, ended: bool) -> Option<Quoted> {
    let (mut from, mut piece) = (at + 1, Piece::Plain);
    loop {
        let Some(len) = memchr::memchr(b'"', bytes.get(from..).unwrap_or_default()) else {
            return if ended { None } else { Some(Quoted::Open) };
        };
        let quote = from + len;
        match bytes.get(quote + 1) {
            Some(b'"') => {
                piece = Piece::Doubled;
                from = quote + 2;
                continue;
            }
            None if !ended => return Some(Quoted::Open),
            _ => {}
        }
        let stop = match bytes.get(quote + 1) {
            Some(b'\r') if bytes.get(quote + 2) == Some(&dialect.line_end) => quote + 2,
            Some(b'\r') if bytes.get(quote + 2).is_none() && !ended => return Some(Quoted::Open),
            Some(b'\r') if bytes.get(quote + 2).is_none() => quote + 2,
            Some(byte) if *byte != dialect.delimiter && *byte != dialect.line_end => return None,
            _ => quote + 1,
        };
        return Some(Quoted::Closed(Found { start: at + 1, end: quote, piece }, stop));
    }
}

/// The carriage return of a line end belongs to no cell.
fn trim_return(bytes: &[u8], cells: &mut [Found]) {
    if let Some(last) = cells.last_mut()
        && last.end > last.start
        && bytes.get(last.end - 1) == Some(&b'\r')
        && bytes.get(last.end).is_none_or(|byte| *byte == b'\n')
    {
        last.end -= 1;
    }
}
