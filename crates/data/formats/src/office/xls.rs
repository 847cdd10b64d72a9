//! Binary Excel workbooks ([MS-XLS]), through `calamine`, which holds each sheet whole.

mod checked;

use std::io::Cursor;

use calamine::{Data, Range, Reader as _, Xls};

use crate::foreign::guarded;
use crate::{Problem, ReadError, Reader};

use super::grid::Grid;
use super::xlsx::date_text;

/// Record type FILEPASS: the records that follow are encrypted.
const FILEPASS: u16 = 0x2F;
/// Records before the first sheet that are looked through.
const RECORDS_MAX: usize = 10_000;

/// One cell is granted for so many bytes that may be held whole: it takes about four times that, but the text of the
/// sheets, which the limit is meant for, takes far less than the file.
const CELL_BYTES: usize = 8;

/// Reads a workbook by its main stream.
pub(super) fn read(records: &[u8], reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    if is_encrypted(records) {
        return Err(Problem::encrypted("the workbook is protected by a password; remove it first").into());
    }
    let damaged = |_error| Problem::malformed("the workbook's records are damaged");
    checked::check(records, reader.limits().whole_bytes_max / CELL_BYTES)?;
    let contained = checked::contained(records)
        .ok_or_else(|| Problem::limit("the workbook's records are too many; save it as .xlsx to have it read"))?;
    let mut workbook: Xls<_> = guarded(|| Xls::new(Cursor::new(contained)))?.map_err(damaged)?;
    for (name, reference) in workbook.defined_names().to_vec() {
        super::parts::document_field(&format!("definedName.{name}"), &reference, reader)?;
    }
    for name in workbook.sheet_names() {
        reader.check()?;
        match guarded(|| workbook.worksheet_range(&name)) {
            Ok(Ok(range)) => read_sheet(&name, &range, reader)?,
            Ok(Err(_)) => reader.problem(Problem::malformed("a sheet's records are damaged"))?,
            Err(problem) => reader.problem(problem)?,
        }
    }
    Ok(())
}

fn is_encrypted(mut records: &[u8]) -> bool {
    for _ in 0..RECORDS_MAX {
        let Some(([a, b, c, d], rest)) = records.split_first_chunk::<4>() else { return false };
        if u16::from_le_bytes([*a, *b]) == FILEPASS {
            return true;
        }
        let Some(next) = rest.get(usize::from(u16::from_le_bytes([*c, *d]))..) else { return false };
        records = next;
    }
    false
}

fn read_sheet(name: &str, range: &Range<Data>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut grid = Grid::new(name);
    let (first_row, first_column) = range.start().unwrap_or((0, 0));
    for (row, number) in range.rows().zip(u64::from(first_row) + 1..) {
        let mut cells = vec![String::new(); first_column as usize];
        cells.extend(row.iter().map(text));
        while cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        grid.row(number, &cells, reader)?;
    }
    grid.finish(reader)
}

fn text(cell: &Data) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::DateTime(moment) => date_text(moment.as_f64(), false).unwrap_or_else(|| moment.as_f64().to_string()),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
