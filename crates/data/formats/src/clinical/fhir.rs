//! FHIR resources as JSON.

use crate::{Problem, ReadError, Reader, Source};

pub(crate) fn sniff(_head: &[u8], _complete: bool) -> bool {
    false
}

pub(crate) fn read(_source: Source<'_>, _reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    Err(Problem::unsupported("not read yet").into())
}
