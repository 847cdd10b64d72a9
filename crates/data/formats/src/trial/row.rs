//! Cells collected until their row is whole.

use crate::{Cell, Raw, ReadError, Reader, Row};

/// One row's cells, kept in buffers that are used again.
#[derive(Default)]
pub(super) struct RowBuffer {
    text: String,
    cells: Vec<(usize, Raw<'static>)>,
}

impl RowBuffer {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.cells.clear();
    }

    pub(super) fn push(&mut self, value: &str, raw: Raw<'static>) {
        self.text.push_str(value);
        self.cells.push((self.text.len(), raw));
    }

    /// Appends to the cell pushed last.
    pub(super) fn extend(&mut self, value: &str) {
        self.text.push_str(value);
        if let Some((end, raw)) = self.cells.last_mut() {
            (*end, *raw) = (self.text.len(), Raw::None);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    pub(super) fn report(&self, number: u64, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let mut start = 0;
        let cells: Vec<Cell<'_>> = self
            .cells
            .iter()
            .map(|(end, raw)| {
                let value = self.text.get(start..*end).unwrap_or("");
                start = *end;
                Cell { value, raw: *raw }
            })
            .collect();
        if number.is_multiple_of(1024) {
            reader.check()?;
        }
        reader.row(&Row { number, cells: &cells })
    }
}
