//! Plain text in any encoding, in windows of whole lines.

use crate::{Problem, ReadError, Reader, Source};

pub(crate) fn read(_source: Source<'_>, _reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    Err(Problem::unsupported("not read yet").into())
}

/// Whether the bytes are text in some encoding.
pub(crate) fn is_text(_head: &[u8], _complete: bool) -> bool {
    true
}
