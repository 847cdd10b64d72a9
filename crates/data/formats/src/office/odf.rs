//! OpenDocument text, presentations and spreadsheets (OASIS OpenDocument 1.3).

use model::Format;

use crate::{Problem, ReadError, Reader};

use super::flow::{self, Places};
use super::grid::Grid;
use super::parts::Package;
use super::xml::{Element, Piece, Xml};

/// A cell is repeated at most so often; longer runs are formatting.
const REPEATED_MAX: usize = 1024;

/// The format by the content of the `mimetype` member.
pub(super) fn format(kind: &[u8]) -> Option<Format> {
    let kind = kind.strip_prefix(b"application/vnd.oasis.opendocument.")?;
    if kind.starts_with(b"spreadsheet") { Some(Format::Ods) } else { Some(Format::Odt) }
}

pub(super) fn read(format: Format, package: &mut Package<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut is_encrypted = false;
    package.part("META-INF/manifest.xml", reader, |xml, _| {
        while let Some(piece) = xml.next()? {
            is_encrypted |= matches!(piece, Piece::Start(element) if element.name() == "encryption-data");
        }
        Ok(())
    })?;
    if is_encrypted {
        return Err(Problem::encrypted("the document is protected by a password; remove it first").into());
    }
    package.properties(&["meta.xml"], reader)?;
    package.part("content.xml", reader, |xml, reader| match format {
        Format::Ods => sheets(xml, reader),
        _ => flow::read(xml, &Places::Paragraph(""), true, reader),
    })?;
    package.part("styles.xml", reader, |xml, reader| flow::read(xml, &Places::Paragraph("page style "), true, reader))
}

#[derive(Default)]
struct Sheet {
    row_number: u64,
    rows_repeated: u64,
    row: Vec<String>,
    value: Option<String>,
    text: String,
    repeated: usize,
    empty_before: usize,
    in_cell: bool,
    annotation: usize,
    note: String,
}

fn sheets(xml: &mut Xml<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut grid: Option<Grid> = None;
    let mut sheet = Sheet::default();
    while let Some(piece) = xml.next()? {
        match piece {
            Piece::Start(element) => match element.name() {
                "table" => {
                    sheet = Sheet::default();
                    grid = Some(Grid::new(&element.attribute("name").unwrap_or_default()));
                }
                "table-row" => {
                    sheet.row_number += 1;
                    sheet.rows_repeated = repeated(&element, "number-rows-repeated") as u64;
                    sheet.row.clear();
                    sheet.empty_before = 0;
                }
                "table-cell" | "covered-table-cell" => sheet.start_cell(&element),
                "annotation" => sheet.annotation += 1,
                "p" if sheet.in_cell && !sheet.target().is_empty() => sheet.target().push('\n'),
                "s" => sheet.target().push(' '),
                _ => {}
            },
            Piece::Text(text) if sheet.in_cell => sheet.push(text, reader)?,
            Piece::Text(_) => {}
            Piece::End(name) => match (name, &mut grid) {
                ("annotation", Some(grid)) => {
                    sheet.annotation = sheet.annotation.saturating_sub(1);
                    let note = std::mem::take(&mut sheet.note);
                    let column = sheet.row.len() + sheet.empty_before;
                    grid.note(sheet.row_number, column, &note, reader)?;
                }
                ("table-cell" | "covered-table-cell", _) => sheet.end_cell(),
                ("table-row", Some(grid)) => {
                    grid.row(sheet.row_number, &sheet.row, reader)?;
                    sheet.row_number += sheet.rows_repeated.saturating_sub(1);
                }
                ("table", open) => {
                    if let Some(grid) = open.take() {
                        grid.finish(reader)?;
                    }
                }
                _ => {}
            },
        }
    }
    Ok(())
}

impl Sheet {
    fn start_cell(&mut self, element: &Element<'_>) {
        self.in_cell = true;
        self.text.clear();
        self.repeated = repeated(element, "number-columns-repeated");
        let value = ["date-value", "time-value", "boolean-value"].iter().find_map(|name| element.attribute(name));
        self.value = value;
    }

    fn target(&mut self) -> &mut String {
        if self.annotation > 0 { &mut self.note } else { &mut self.text }
    }

    fn push(&mut self, text: &str, reader: &Reader<'_, '_>) -> Result<(), ReadError> {
        let limit = reader.limits().value_bytes_max;
        let target = self.target();
        if target.len() + text.len() > limit {
            return Err(Problem::limit(format!(
                "a cell is longer than {limit} bytes; raise `limits.value_bytes_max` to read on"
            ))
            .into());
        }
        target.push_str(text);
        Ok(())
    }

    fn end_cell(&mut self) {
        self.in_cell = false;
        let shown = std::mem::take(&mut self.text);
        let value = self.value.take().unwrap_or(shown);
        if value.trim().is_empty() {
            // Columns up to 16,384 exist (OpenDocument sets no limit; LibreOffice does).
            self.empty_before = (self.empty_before + self.repeated).min(16_384);
            return;
        }
        if self.row.len() + self.empty_before < 16_384 {
            let empty = std::mem::take(&mut self.empty_before);
            self.row.extend(std::iter::repeat_n(String::new(), empty));
        }
        if value.len() > 4096 {
            self.row.push(value);
            return;
        }
        let room = 16_384_usize.saturating_sub(self.row.len());
        self.row.extend(std::iter::repeat_n(value, self.repeated.min(REPEATED_MAX).min(room)));
    }
}

fn repeated(element: &Element<'_>, name: &str) -> usize {
    element.attribute(name).and_then(|count| count.parse().ok()).unwrap_or(1).max(1)
}
