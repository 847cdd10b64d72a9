//! Office documents, PDF and RTF.

use model::Format;

use crate::archive::zip::{self, Directory};
use crate::source::ReadSeek;
use crate::{Problem, ReadError, Reader, Source};

/// The format, if the object's first bytes are one of this group's. `complete`: the head is the whole object.
pub(crate) fn sniff(_head: &[u8], _complete: bool) -> Option<Format> {
    None
}

pub(crate) fn read(format: Format, source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    match format {
        Format::Xlsx | Format::Ods | Format::Docx | Format::Pptx | Format::Odt => zip::read(source, reader),
        _ => Err(Problem::unsupported("not read yet").into()),
    }
}

/// The document format of a ZIP archive, by the parts it holds.
pub(crate) fn package_format(_directory: &Directory) -> Option<Format> {
    None
}

/// Reads the parts of a document.
pub(crate) fn read_package(
    _format: Format,
    file: &mut (dyn ReadSeek + '_),
    directory: &Directory,
    reader: &mut Reader<'_, '_>,
) -> Result<(), ReadError> {
    zip::read_members(file, directory, reader)
}
