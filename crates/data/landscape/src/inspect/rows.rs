//! Inspecting rows that come from no file: a table of a database, a batch of rows at a time.

use formats::{Budget, Cell, Column, Halt, Raw, ReadError, Row, Sink, Table, TableStyle, Vocabulary};
use model::Format;
use recognize::engine::Scratch;

use super::{Inspector, walk};
use crate::report::ObjectReport;

/// A table whose rows are to be inspected.
#[derive(Debug, Clone, Copy)]
pub struct RowsOf<'a> {
    /// The object's name.
    pub object: &'a str,
    /// The table's own name, as it stands in the places of what is found: `person.birth_date[12]`.
    pub table: &'a str,
    /// What its rows are called as a format.
    pub format: Format,
    /// Name and comment of each column; the comment may be empty.
    pub columns: &'a [(&'a str, &'a str)],
    /// Its size, where the database tells; otherwise the bytes of its text count.
    pub bytes: Option<u64>,
}

/// Gives the next rows, with `None` at the end. Values are text; `None` is null.
pub type NextRows<'a> = &'a mut dyn FnMut() -> Result<Option<Vec<Vec<Option<String>>>>, ReadError>;

impl Inspector {
    /// Reads the rows of `table` and hands a report to `each`, as [`Inspector::inspect`] does for bytes.
    ///
    /// # Errors
    /// When the walk was stopped.
    pub fn inspect_rows(
        &self,
        table: &RowsOf<'_>,
        next: NextRows<'_>,
        budget: &Budget<'_>,
        scratch: &mut Scratch,
        each: &mut dyn FnMut(ObjectReport),
    ) -> Result<(), Halt> {
        let mut walk = walk::Walk::new(self, table.object, scratch, each);
        let mut text_bytes = 0;
        let outcome = match read(table, next, budget, &mut walk, &mut text_bytes) {
            Ok(()) => Ok(()),
            Err(error) => error.into_problem().map_or(Err(Halt), |problem| walk.problem(problem)),
        };
        walk.finish(Some(table.bytes.unwrap_or(text_bytes)));
        outcome
    }
}

fn read(
    table: &RowsOf<'_>,
    next: NextRows<'_>,
    budget: &Budget<'_>,
    sink: &mut dyn Sink,
    text_bytes: &mut u64,
) -> Result<(), ReadError> {
    sink.format(table.format)?;
    let columns: Vec<Column<'_>> = table.columns.iter().map(|(name, label)| Column { name, label }).collect();
    sink.table(&Table {
        name: table.table,
        vocabulary: Vocabulary::Header,
        style: TableStyle::Dataset,
        columns: &columns,
    })?;
    let mut number = 0;
    while let Some(rows) = next()? {
        budget.check()?;
        for row in &rows {
            number += 1;
            let values = row.iter().map(|value| value.as_deref().unwrap_or(""));
            let cells: Vec<Cell<'_>> = values.map(|value| Cell { value, raw: Raw::None }).collect();
            *text_bytes += cells.iter().map(|cell| cell.value.len() as u64).sum::<u64>();
            sink.row(&Row { number, cells: &cells })?;
        }
    }
    Ok(())
}
