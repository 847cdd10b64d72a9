//! Sheets: rows as they come, under a header where the first ones show one.

use crate::delimited::header::is_header;
use crate::{Cell, Column, Place, Raw, ReadError, Reader, Row, Table, TableStyle, Text, Vocabulary};

/// Rows that are looked at before the header is decided.
const ROWS_LOOKED_AT: usize = 24;
/// Rows above the header, such as a title, at most.
const TITLE_ROWS_MAX: usize = 8;

/// One sheet being read.
pub(super) struct Grid {
    name: String,
    first: Vec<(u64, Vec<String>)>,
    is_open: bool,
    rows: u64,
}

impl Grid {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), first: Vec::new(), is_open: false, rows: 0 }
    }

    /// Takes the next row; `number` is its number in the sheet, from 1.
    pub(super) fn row(&mut self, number: u64, cells: &[String], reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        self.rows += 1;
        if self.rows.is_multiple_of(1024) {
            reader.check()?;
        }
        if cells.iter().all(String::is_empty) {
            return Ok(());
        }
        if self.is_open {
            return report(number, cells, reader);
        }
        self.first.push((number, cells.to_vec()));
        if self.first.len() >= ROWS_LOOKED_AT { self.open(reader) } else { Ok(()) }
    }

    /// A comment on a cell; `column` counts from 0.
    pub(super) fn note(
        &mut self,
        row: u64,
        column: usize,
        text: &str,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let place = format!("{}!{}{row}", self.name, column_letters(column));
        reader.text(&Text { text, place: Place::Path(&place), raw: Raw::None, last: true })
    }

    pub(super) fn finish(mut self, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        if self.is_open || self.first.is_empty() { Ok(()) } else { self.open(reader) }
    }

    fn open(&mut self, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        self.is_open = true;
        let rows = std::mem::take(&mut self.first);
        let header = header_at(&rows);
        let titles = header.unwrap_or(0);
        for (number, cells) in rows.iter().take(titles) {
            for (column, cell) in cells.iter().enumerate() {
                self.note(*number, column, cell, reader)?;
            }
        }
        let names = header.and_then(|at| rows.get(at)).map(|(_, cells)| cells.as_slice()).unwrap_or_default();
        let columns: Vec<Column<'_>> = names.iter().map(|name| Column { name: name.trim(), label: "" }).collect();
        reader.table(&Table {
            name: &self.name,
            vocabulary: Vocabulary::Header,
            style: TableStyle::Sheet,
            columns: &columns,
        })?;
        let first = header.map_or(0, |at| at + 1);
        rows.iter().skip(first).try_for_each(|(number, cells)| report(*number, cells, reader))
    }
}

/// Which of the first rows names the columns: the first that is about as wide as what follows and looks like names.
fn header_at(rows: &[(u64, Vec<String>)]) -> Option<usize> {
    let width = |cells: &[String]| cells.iter().filter(|cell| !cell.is_empty()).count();
    let widest = rows.iter().map(|(_, cells)| width(cells)).max().unwrap_or(0);
    for at in 0..rows.len().min(TITLE_ROWS_MAX) {
        let (_, first) = rows.get(at)?;
        if width(first) * 2 <= widest {
            continue;
        }
        let columns = first.len();
        let below: Vec<Vec<&str>> = rows
            .iter()
            .skip(at)
            .map(|(_, cells)| (0..columns).map(|column| cells.get(column).map_or("", String::as_str)).collect())
            .collect();
        return is_header(&below).then_some(at);
    }
    None
}

fn report(number: u64, cells: &[String], reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let cells: Vec<Cell<'_>> = cells.iter().map(|value| Cell { value, raw: Raw::None }).collect();
    reader.row(&Row { number, cells: &cells })
}

/// `A` for 0, `AA` for 26.
pub(super) fn column_letters(column: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        let digit = u8::try_from((rest - 1) % 26).unwrap_or(0);
        letters.push(char::from(b'A' + digit));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

/// The 0-based column of a cell reference such as `AB12`.
pub(super) fn column_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let column = letters.fold(0usize, |column, letter| {
        column.saturating_mul(26).saturating_add(usize::from(letter.to_ascii_uppercase() - b'A') + 1)
    });
    column.checked_sub(1)
}
