//! Columnar and database files: Parquet, Arrow, SQLite.

mod arrow;
mod parquet;
mod rows;
mod sqlite;
mod value;

use model::Format;

use crate::{ReadError, Reader, Source};

/// The format, if the object's first bytes are one of this group's. `complete`: the head is the whole object.
pub(crate) fn sniff(head: &[u8], _complete: bool) -> Option<Format> {
    match head {
        [b'P', b'A', b'R', b'1' | b'E', ..] => Some(Format::Parquet),
        _ if head.starts_with(sqlite::MAGIC) => Some(Format::Sqlite),
        _ => arrow::sniff(head).then_some(Format::Arrow),
    }
}

pub(crate) fn read(format: Format, source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    match format {
        Format::Parquet => parquet::read(source, reader),
        Format::Sqlite => sqlite::read(source, reader),
        _ => arrow::read(source, reader),
    }
}

#[cfg(test)]
mod tests;
