//! Image metadata: EXIF and XMP.

use crate::{Problem, ReadError, Reader, Source};

pub(crate) fn read(_source: Source<'_>, _reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    Err(Problem::unsupported("not read yet").into())
}

/// Whether the bytes begin an image.
pub(crate) fn is_image(_head: &[u8]) -> bool {
    false
}
