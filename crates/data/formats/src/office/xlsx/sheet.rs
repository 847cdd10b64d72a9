//! The rows of one sheet.

use crate::{ReadError, Reader};

use super::super::grid::{Grid, column_of};
use super::super::xml::{Element, Piece, Xml};
use super::strings::Strings;
use super::styles::Styles;

/// Columns A to XFD.
const COLUMNS_MAX: usize = 16_384;

/// The cell being read.
#[derive(Default)]
struct Open {
    column: usize,
    kind: String,
    style: usize,
    value: String,
    in_value: bool,
    phonetic: usize,
}

pub(super) fn read(
    xml: &mut Xml<'_>,
    name: &str,
    strings: &Strings,
    styles: &Styles,
    reader: &mut Reader<'_, '_>,
) -> Result<(), ReadError> {
    let mut grid = Grid::new(name);
    let mut row: Vec<String> = Vec::new();
    let mut number = 0;
    let mut cell = Open::default();
    while let Some(piece) = xml.next()? {
        match piece {
            Piece::Start(element) => match element.name() {
                "row" => {
                    number = element.attribute("r").and_then(|r| r.parse().ok()).unwrap_or(number + 1);
                    row.clear();
                }
                "c" => cell = Open::new(&element, row.len()),
                "v" | "t" => cell.in_value = cell.phonetic == 0,
                "rPh" => cell.phonetic += 1,
                "oddHeader" | "oddFooter" | "evenHeader" | "evenFooter" | "firstHeader" | "firstFooter" => {
                    cell.in_value = true;
                    cell.value.clear();
                }
                _ => {}
            },
            Piece::Text(text) if cell.in_value => cell.value.push_str(text),
            Piece::Text(_) => {}
            Piece::End(name) => match name {
                "v" | "t" => cell.in_value = false,
                "rPh" => cell.phonetic = cell.phonetic.saturating_sub(1),
                "c" => cell.put(&mut row, strings, styles),
                "row" => grid.row(number, &row, reader)?,
                "oddHeader" | "oddFooter" | "evenHeader" | "evenFooter" | "firstHeader" | "firstFooter" => {
                    cell.in_value = false;
                    grid.note(0, 0, &cell.value, reader)?;
                }
                _ => {}
            },
        }
    }
    grid.finish(reader)
}

impl Open {
    fn new(element: &Element<'_>, next: usize) -> Self {
        let mut cell = Self { column: next, ..Self::default() };
        for (name, value) in element.attributes() {
            match name.as_str() {
                "r" => cell.column = column_of(&value).unwrap_or(next),
                "t" => cell.kind = value,
                "s" => cell.style = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        cell
    }

    fn put(&mut self, row: &mut Vec<String>, strings: &Strings, styles: &Styles) {
        let value = std::mem::take(&mut self.value);
        let value = match self.kind.as_str() {
            "s" => value.trim().parse().ok().and_then(|index| strings.of(index)).unwrap_or_default().to_owned(),
            "" | "n" => styles.number(value.trim(), self.style).unwrap_or(value),
            "b" => (if value.trim() == "1" { "TRUE" } else { "FALSE" }).to_owned(),
            _ => value,
        };
        if value.is_empty() || self.column >= COLUMNS_MAX {
            return;
        }
        if row.len() <= self.column {
            row.resize(self.column + 1, String::new());
        }
        if let Some(cell) = row.get_mut(self.column) {
            *cell = value;
        }
    }
}
