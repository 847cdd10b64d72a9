//! Delimited tables: CSV, TSV and their dialects.

use crate::{Problem, ReadError, Reader, Source};

pub(crate) fn read(_source: Source<'_>, _reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    Err(Problem::unsupported("not read yet").into())
}

/// Whether the bytes are a delimited table.
pub(crate) fn is_table(_head: &[u8], _complete: bool) -> bool {
    false
}
