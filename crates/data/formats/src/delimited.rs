//! Delimited tables: CSV, TSV and their dialects.

mod dialect;
pub(crate) mod header;
mod split;

use dialect::Dialect;
use split::{Found, Piece, Row as Split};

use crate::text::encoding;
use crate::window::{Positions, Window};
use crate::{
    Cell, Column, Escape, Place, Problem, Raw, ReadError, Reader, Row, Source, Table, TableStyle, Text, Vocabulary,
};

/// Whether the bytes are a delimited table.
pub(crate) fn is_table(head: &[u8], complete: bool) -> bool {
    dialect::detect(&encoding::head_text(head), complete).is_some()
}

pub(crate) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let complete = source.is_complete();
    let Some(dialect) = dialect::detect(&encoding::head_text(source.head()), complete) else {
        return crate::text::read(source, reader);
    };
    let mut window = Window::new(source)?;
    let mut rows = Rows { dialect, line: 1, announced: false, cut: false, spare: String::new() };
    loop {
        let last = window.has_ended();
        let used = rows.report_window(&mut window, reader)?;
        window.consume(used);
        if last {
            return window.finish();
        }
        window.fill();
        reader.check()?;
    }
}

struct Rows {
    dialect: Dialect,
    /// The line that the next row begins on.
    line: u64,
    /// The header has been passed and the table told.
    announced: bool,
    /// A row was too long and came in pieces; told once.
    cut: bool,
    spare: String,
}

impl Rows {
    /// Reports all rows that are complete in the window and returns how many bytes they take.
    fn report_window(&mut self, window: &mut Window<'_>, reader: &mut Reader<'_, '_>) -> Result<usize, ReadError> {
        let limit = reader.limits().value_bytes_max;
        let (ended, decoded) = (window.has_ended(), window.is_decoded());
        let (bytes, mut positions) = window.parts();
        // Sound UTF-8 is checked once for all cells in it.
        let sound = if decoded { "" } else { sound_part(bytes) };
        let base = if decoded { 0 } else { positions.offset(0) };
        let mut found = Vec::with_capacity(64);
        let mut cells = Vec::with_capacity(64);
        let mut used = 0;
        while used < bytes.len() {
            let rest = bytes.get(used..).unwrap_or_default();
            let row = split::next_row(rest, &self.dialect, ended, &mut found);
            let (end, lines) = match row {
                Split::Complete { end, lines } => (end, lines),
                Split::Partial if rest.len() > limit => {
                    self.tell_cut(limit, reader)?;
                    (split::cut(rest, &self.dialect, &mut found), 0)
                }
                Split::Partial => break,
            };
            let here = Here { bytes, sound, base, at: used };
            self.report(&here, end, &found, &mut cells, &mut positions, reader)?;
            used += end;
            self.line += lines;
        }
        Ok(used)
    }

    fn report<'w>(
        &mut self,
        here: &Here<'w>,
        len: usize,
        found: &[Found],
        cells: &mut Vec<Cell<'w>>,
        positions: &mut Positions<'w>,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let at = here.at;
        if found.is_empty() {
            return Ok(());
        }
        if self.is_aside(here.bytes.get(at..at + len).unwrap_or_default()) {
            let (text, raw) = positions.plain(at, at + len, &mut self.spare);
            return reader.text(&Text { text, place: Place::Line(self.line), raw, last: false });
        }
        if !self.announced {
            self.announced = true;
            announce(here, found, self.dialect.header, reader)?;
            if self.dialect.header {
                return Ok(());
            }
        }
        if let Some(last) = found.last()
            && at + last.end <= here.sound.len()
            && found.iter().all(|cell| cell.piece != Piece::Doubled)
        {
            cells.clear();
            cells.extend(found.iter().map(|cell| Cell {
                value: here.sound.get(at + cell.start..at + cell.end).unwrap_or_default(),
                raw: Raw::Verbatim { start: here.base + (at + cell.start) as u64 },
            }));
            return reader.row(&Row { number: self.line, cells });
        }
        slow_row(self.line, at, found, positions, reader)
    }

    /// Lines that are no rows: comments, `sep=`, and what stands above the header.
    fn is_aside(&mut self, row: &[u8]) -> bool {
        if self.announced {
            return self.dialect.comments && row.first() == Some(&b'#');
        }
        self.line <= self.dialect.aside_lines
    }

    fn tell_cut(&mut self, limit: usize, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        if std::mem::replace(&mut self.cut, true) {
            return Ok(());
        }
        reader.problem(Problem::limit(format!(
            "line {} is longer than {limit} bytes and was read in pieces, so that columns may be told wrongly; raise `limits.value_bytes_max` to read it whole",
            self.line
        )))
    }
}

/// Where a row lies in the window.
struct Here<'w> {
    bytes: &'w [u8],
    /// The window's leading part that is well-formed UTF-8 and lies verbatim in the file.
    sound: &'w str,
    /// File offset of the window's first byte.
    base: u64,
    at: usize,
}

/// Tells the table's columns, by the header's names or without.
fn announce(here: &Here<'_>, found: &[Found], header: bool, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let names: Vec<String> = found
        .iter()
        .map(|cell| {
            let bytes = here.bytes.get(here.at + cell.start..here.at + cell.end).unwrap_or_default();
            if header { String::from_utf8_lossy(bytes).replace("\"\"", "\"").trim().to_owned() } else { String::new() }
        })
        .collect();
    let columns: Vec<_> = names.iter().map(|name| Column { name, label: "" }).collect();
    reader.table(&Table { name: "", vocabulary: Vocabulary::Header, style: TableStyle::Delimited, columns: &columns })
}

/// A row with doubled quotes, damage, or decoded from another encoding.
fn slow_row(
    line: u64,
    at: usize,
    found: &[Found],
    positions: &mut Positions<'_>,
    reader: &mut Reader<'_, '_>,
) -> Result<(), ReadError> {
    let mut spares = vec![(String::new(), String::new()); found.len()];
    let cells: Vec<_> = found
        .iter()
        .zip(&mut spares)
        .map(|(cell, (spare, single))| {
            let (start, end) = (at + cell.start, at + cell.end);
            let (value, raw) = positions.plain(start, end, spare);
            if cell.piece != Piece::Doubled {
                return Cell { value, raw };
            }
            *single = value.replace("\"\"", "\"");
            let raw = match raw {
                Raw::Verbatim { .. } => positions.escaped(start, end, Escape::Csv, true),
                Raw::Encoded { start: from, .. } => Raw::Whole { start: from, end: positions.offset(end) },
                other => other,
            };
            Cell { value: single, raw }
        })
        .collect();
    reader.row(&Row { number: line, cells: &cells })
}

/// The leading part that is well-formed.
fn sound_part(bytes: &[u8]) -> &str {
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return text;
    }
    let good = simdutf8::compat::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    bytes.get(..good).and_then(|good| std::str::from_utf8(good).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
