//! Rows on their way to the sink, cell by cell.

use model::Format;

use crate::{Cell, Column, Member, Raw, ReadError, Reader, Row, Source, Table, TableStyle, Vocabulary, binary};

/// Longer cells are opened as objects of their own, which are read in windows.
const CELL_BYTES_MAX: usize = 1 << 20;
/// Between the values of a list.
const BETWEEN: &str = "; ";
/// Shorter bytes that are no text hold nothing to read: hashes, keys, numbers.
const BLOB_BYTES_MIN: usize = 16;
/// In shorter bytes a signature or an encoding is met by chance: hashes and keys begin with anything.
const MEMBER_BYTES_MIN: usize = 80;
const TEXT_BYTES_MIN: usize = 256;

/// The rows of one table. Buffers are used again.
pub(super) struct Rows {
    table: String,
    columns: Vec<String>,
    text: String,
    /// Where each cell ends in `text`.
    ends: Vec<usize>,
    /// Whether the present cell has a value already.
    is_filled: bool,
    /// Bytes that are no text, by column.
    blobs: Vec<(usize, Vec<u8>)>,
}

impl Rows {
    /// Announces a table. `labels` may be shorter than `columns`.
    pub(super) fn open(
        table: &str,
        columns: Vec<String>,
        labels: &[String],
        reader: &mut Reader<'_, '_>,
    ) -> Result<Self, ReadError> {
        let label = |at: usize| labels.get(at).map_or("", String::as_str);
        let announced: Vec<Column<'_>> =
            columns.iter().enumerate().map(|(at, name)| Column { name, label: label(at) }).collect();
        let (vocabulary, style) = (Vocabulary::Header, TableStyle::Dataset);
        reader.table(&Table { name: table, vocabulary, style, columns: &announced })?;
        Ok(Self {
            table: table.to_owned(),
            columns,
            text: String::new(),
            ends: Vec::new(),
            is_filled: false,
            blobs: Vec::new(),
        })
    }

    /// Adds a value to the present cell; values after the first make it a list.
    pub(super) fn value(&mut self, value: &str) {
        let filled = self.text.len() - self.ends.last().copied().unwrap_or(0);
        if filled + value.len() > CELL_BYTES_MAX {
            self.overflow(value);
            return;
        }
        if std::mem::replace(&mut self.is_filled, true) {
            self.text.push_str(BETWEEN);
        }
        self.text.push_str(value);
    }

    /// Keeps what is too long for a cell; values of one list stay together, each on its line.
    fn overflow(&mut self, value: &str) {
        let column = self.ends.len();
        match self.blobs.last_mut() {
            Some((last, bytes)) if *last == column => {
                bytes.push(b'\n');
                bytes.extend_from_slice(value.as_bytes());
            }
            _ => self.blobs.push((column, value.as_bytes().to_vec())),
        }
    }

    /// Adds bytes to the present cell: text where they are text, otherwise they are opened after the row.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) if !text.contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) => {
                self.value(text)
            }
            _ if bytes.len() >= BLOB_BYTES_MIN => self.blobs.push((self.ends.len(), bytes.to_vec())),
            _ => {}
        }
    }

    /// Ends the present cell, which is empty where nothing was added.
    pub(super) fn end_cell(&mut self) {
        self.ends.push(self.text.len());
        self.is_filled = false;
    }

    /// Reports the row and what its bytes hold, and starts the next. `number` counts from 1.
    pub(super) fn end_row(&mut self, number: u64, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        if number.is_multiple_of(1024) {
            reader.check()?;
        }
        let mut start = 0;
        let cell = |end: &usize| {
            let value = self.text.get(start..*end).unwrap_or("");
            start = *end;
            Cell { value, raw: Raw::None }
        };
        let cells: Vec<Cell<'_>> = self.ends.iter().map(cell).collect();
        reader.row(&Row { number, cells: &cells })?;
        self.text.clear();
        self.ends.clear();
        for (column, bytes) in std::mem::take(&mut self.blobs) {
            let column = self.columns.get(column).map_or("", String::as_str);
            let dot = if self.table.is_empty() { "" } else { "." };
            let place = format!("{}{dot}{column}[{number}]", self.table);
            read_blob(&bytes, &place, reader)?;
        }
        Ok(())
    }
}

/// Documents and images in a column open as members; of other bytes the readable strings count.
fn read_blob(bytes: &[u8], place: &str, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let format = crate::detect(bytes, true);
    let bytes_min = if matches!(format, Format::Text | Format::Csv) { TEXT_BYTES_MIN } else { MEMBER_BYTES_MIN };
    if format == Format::Binary || bytes.len() < bytes_min {
        return binary::strings(bytes, place, reader);
    }
    let member = Member { name: place, len: Some(bytes.len() as u64) };
    reader.holds(bytes.len());
    let outcome = reader.member(&member, Source::bytes(bytes));
    reader.releases(bytes.len());
    outcome
}
