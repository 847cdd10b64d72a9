//! Running text: paragraphs and tables of WordprocessingML, DrawingML and OpenDocument, whose elements are alike
//! enough to be read by one walk.

use std::collections::BTreeSet;

use crate::{Cell, Column, Place, Raw, ReadError, Reader, Row, Table, TableStyle, Text, Vocabulary};

use super::parts::document_field;
use super::xml::{Element, Piece, Xml};
use crate::delimited::header::is_header;

/// Rows of a table that are looked at before its header is decided.
const ROWS_LOOKED_AT: usize = 20;
/// Different authors of changes and comments that are reported of one part.
const AUTHORS_MAX: usize = 1000;

/// How the places of a part's text are written.
pub(super) enum Places<'p> {
    /// `paragraph 7`, behind a prefix such as `header1 `.
    Paragraph(&'p str),
    /// The same for the whole part: `slide 2`.
    Part(&'p str),
}

/// Reads a part's text. In OpenDocument all text of a paragraph counts, elsewhere only what stands in runs.
pub(super) fn read(
    xml: &mut Xml<'_>,
    places: &Places<'_>,
    is_odf: bool,
    reader: &mut Reader<'_, '_>,
) -> Result<(), ReadError> {
    let mut flow = Flow {
        places,
        is_odf,
        value_max: reader.limits().value_bytes_max,
        reader,
        paragraphs: Vec::new(),
        tables: Vec::new(),
        in_run: 0,
        skipping: 0,
        paragraph: 0,
        table: 0,
        pieces: 0,
        authors: BTreeSet::new(),
    };
    while let Some(piece) = xml.next()? {
        flow.piece(piece)?;
    }
    Ok(())
}

struct Flow<'f, 'p, 'r, 'b> {
    places: &'f Places<'p>,
    is_odf: bool,
    value_max: usize,
    reader: &'f mut Reader<'r, 'b>,
    /// Open paragraphs: a text box opens one within another.
    paragraphs: Vec<String>,
    tables: Vec<OpenTable>,
    in_run: usize,
    /// Depth within an alternative that repeats what was read.
    skipping: usize,
    paragraph: u64,
    table: u64,
    pieces: u64,
    authors: BTreeSet<String>,
}

#[derive(Default)]
struct OpenTable {
    number: u64,
    rows: Vec<Vec<String>>,
    row: Vec<String>,
    cell: String,
    in_cell: bool,
    header: Option<bool>,
    reported: u64,
}

impl Flow<'_, '_, '_, '_> {
    fn piece(&mut self, piece: Piece<'_>) -> Result<(), ReadError> {
        self.pieces += 1;
        if self.pieces.is_multiple_of(4096) {
            self.reader.check()?;
        }
        match piece {
            Piece::Start(element) if self.skipping > 0 || element.name() == "Fallback" => self.skipping += 1,
            Piece::End(_) if self.skipping > 0 => self.skipping -= 1,
            Piece::Text(_) if self.skipping > 0 => {}
            Piece::Start(element) => self.start(&element)?,
            Piece::End(name) => self.end(name)?,
            Piece::Text(text) => {
                if self.in_run > 0 || self.is_odf {
                    self.push(text)?;
                }
            }
        }
        Ok(())
    }

    fn start(&mut self, element: &Element<'_>) -> Result<(), ReadError> {
        match element.name() {
            "p" | "h" => self.paragraphs.push(String::new()),
            "t" | "delText" | "instrText" if !self.is_odf => {
                self.in_run += 1;
                if element.name() == "instrText" {
                    self.push(" ")?;
                }
            }
            "tab" | "ptab" if !self.paragraphs.is_empty() => self.push("\t")?,
            "br" | "cr" | "line-break" => self.push("\n")?,
            "s" if self.is_odf => self.push(" ")?,
            "tbl" | "table" => {
                self.table += 1;
                self.tables.push(OpenTable { number: self.table, ..OpenTable::default() });
            }
            "tc" | "table-cell" => {
                if let Some(table) = self.tables.last_mut() {
                    table.in_cell = true;
                    table.cell.clear();
                }
            }
            "ins" | "del" | "comment" | "moveFrom" | "moveTo" | "cmAuthor" | "author" => self.author(element)?,
            _ => {}
        }
        Ok(())
    }

    fn author(&mut self, element: &Element<'_>) -> Result<(), ReadError> {
        for name in ["author", "name"] {
            let Some(author) = element.attribute(name) else { continue };
            if self.authors.len() < AUTHORS_MAX && self.authors.insert(author.clone()) {
                document_field("author", &author, self.reader)?;
            }
        }
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<(), ReadError> {
        match name {
            "p" | "h" => {
                let text = self.paragraphs.pop().unwrap_or_default();
                self.end_paragraph(text)?;
            }
            "t" | "delText" | "instrText" if !self.is_odf => self.in_run = self.in_run.saturating_sub(1),
            "tc" | "table-cell" => {
                if let Some(table) = self.tables.last_mut() {
                    table.in_cell = false;
                    let cell = std::mem::take(&mut table.cell);
                    table.row.push(cell);
                }
            }
            "tr" | "table-row" => {
                if let Some(table) = self.tables.last_mut() {
                    let row = std::mem::take(&mut table.row);
                    table.rows.push(row);
                    if table.rows.len() >= ROWS_LOOKED_AT {
                        self.report_rows()?;
                    }
                }
            }
            "tbl" | "table" => {
                self.report_rows()?;
                self.tables.pop();
            }
            _ => {}
        }
        Ok(())
    }

    fn push(&mut self, text: &str) -> Result<(), ReadError> {
        let Some(paragraph) = self.paragraphs.last_mut() else { return Ok(()) };
        paragraph.push_str(text);
        if paragraph.len() > self.value_max {
            let text = std::mem::take(paragraph);
            self.end_paragraph(text)?;
        }
        Ok(())
    }

    fn end_paragraph(&mut self, text: String) -> Result<(), ReadError> {
        self.paragraph += 1;
        if let Some(table) = self.tables.last_mut()
            && table.in_cell
            && self.paragraphs.is_empty()
            && table.cell.len() + text.len() <= self.value_max
        {
            if !table.cell.is_empty() {
                table.cell.push('\n');
            }
            table.cell.push_str(&text);
            return Ok(());
        }
        let place = match self.places {
            Places::Paragraph(prefix) => format!("{prefix}paragraph {}", self.paragraph),
            Places::Part(part) => (*part).to_owned(),
        };
        self.reader.text(&Text { text: &text, place: Place::Path(&place), raw: Raw::None, last: false })
    }

    /// Reports the rows at hand: under their header where there is one, else as lines of text.
    fn report_rows(&mut self) -> Result<(), ReadError> {
        let Some(table) = self.tables.last_mut() else { return Ok(()) };
        let rows = std::mem::take(&mut table.rows);
        let name = format!("table {}", table.number);
        let decided = table.header.is_some();
        let has_header = *table.header.get_or_insert_with(|| {
            let borrowed: Vec<Vec<&str>> = rows.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
            let is_wide = rows.first().is_some_and(|row| row.len() > 2);
            rows.len() > 1 && is_header(&borrowed) && (is_wide || names_both(&borrowed))
        });
        let mut number = table.reported;
        table.reported += rows.len() as u64;
        let mut rows = rows.iter();
        if has_header && !decided {
            let names = rows.next().map(Vec::as_slice).unwrap_or_default();
            let columns: Vec<Column<'_>> = names.iter().map(|name| Column { name: name.trim(), label: "" }).collect();
            let vocabulary = Vocabulary::Header;
            self.reader.table(&Table { name: &name, vocabulary, style: TableStyle::Sheet, columns: &columns })?;
            number += 1;
        }
        for row in rows {
            number += 1;
            if has_header {
                let cells: Vec<Cell<'_>> = row.iter().map(|value| Cell { value, raw: Raw::None }).collect();
                self.reader.row(&Row { number, cells: &cells })?;
            } else {
                let place = format!("{name} row {number}");
                let text = row.join(if row.len() == 2 { ": " } else { "\t" });
                self.reader.text(&Text { text: &text, place: Place::Path(&place), raw: Raw::None, last: false })?;
            }
        }
        Ok(())
    }
}

/// Two columns are a list of keys and values, unless the head of the second would name a column by itself.
fn names_both(rows: &[Vec<&str>]) -> bool {
    matches!(rows.first().map(Vec::as_slice), Some([_, second]) if is_header(&[vec![second, second], vec!["some words", "some words"]]))
}
