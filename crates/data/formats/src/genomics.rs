//! Genomic formats.

use model::Format;

use crate::{Problem, ReadError, Reader, Source};

/// The format, if the object's first bytes are one of this group's. `complete`: the head is the whole object.
pub(crate) fn sniff(_head: &[u8], _complete: bool) -> Option<Format> {
    None
}

pub(crate) fn read(_format: Format, _source: Source<'_>, _reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    Err(Problem::unsupported("not read yet").into())
}
