//! Office documents, PDF and RTF.

mod compound;
mod docx;
mod flow;
mod grid;
mod odf;
mod parts;
mod pdf;
mod pptx;
mod rtf;
mod xls;
mod xlsx;
mod xml;

use model::Format;

use crate::archive::zip::{self, Directory};
use crate::source::ReadSeek;
use crate::{ReadError, Reader, Source};

/// The format, if the object's first bytes are one of this group's. `complete`: the head is the whole object.
pub(crate) fn sniff(head: &[u8], _complete: bool) -> Option<Format> {
    match head {
        [b'P', b'K', 3, 4, ..] => sniff_package(head),
        [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, ..] => Some(Format::Xls),
        _ if head.starts_with(b"{\\rtf") => Some(Format::Rtf),
        _ if pdf::is_pdf(head) => Some(Format::Pdf),
        _ => None,
    }
}

/// By the names in the local headers, in whatever order they come.
fn sniff_package(head: &[u8]) -> Option<Format> {
    let mut names = Vec::new();
    for at in memchr::memmem::find_iter(head, b"PK\x03\x04") {
        let len = |at: usize| head.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes);
        let (name_len, extra_len) = (usize::from(len(at + 26)), usize::from(len(at + 28)));
        let Some(name) = head.get(at + 30..at + 30 + name_len) else { continue };
        if name == b"mimetype" {
            return odf::format(head.get(at + 30 + name_len + extra_len..).unwrap_or_default());
        }
        names.push(name);
    }
    let is_package = names.iter().any(|name| *name == b"[Content_Types].xml" || name.starts_with(b"_rels/"));
    let holds = |folder: &str| names.iter().any(|name| name.starts_with(folder.as_bytes()));
    match is_package {
        true if holds("word/") => Some(Format::Docx),
        true if holds("xl/") => Some(Format::Xlsx),
        true if holds("ppt/") => Some(Format::Pptx),
        _ => None,
    }
}

pub(crate) fn read(format: Format, source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    match format {
        Format::Pdf => pdf::read(source, reader),
        Format::Rtf => rtf::read(source, reader),
        Format::Xls => compound::read(source, reader),
        _ => zip::read(format, source, reader),
    }
}

/// The document format of a ZIP archive, by the parts it holds.
pub(crate) fn package_format(directory: &Directory, file: &mut (dyn ReadSeek + '_)) -> Option<Format> {
    if let Some(entry) = directory.named("mimetype")
        && let Ok(Some(at)) = entry.stored_at(file)
    {
        let mut kind = [0; 64];
        let n = entry.size.min(64) as usize;
        let read =
            file.seek(std::io::SeekFrom::Start(at)).and_then(|_| file.read(kind.get_mut(..n).unwrap_or_default()));
        return read.ok().and_then(|n| odf::format(kind.get(..n).unwrap_or_default()));
    }
    directory.named("[Content_Types].xml")?;
    let holds = |stem: &str| directory.entries.iter().any(|entry| entry.name.starts_with(stem));
    match () {
        () if holds("word/document") => Some(Format::Docx),
        () if holds("xl/workbook.") => Some(Format::Xlsx),
        () if holds("ppt/presentation.") => Some(Format::Pptx),
        () => None,
    }
}

/// Reads the parts of a document.
pub(crate) fn read_package(
    format: Format,
    file: &mut (dyn ReadSeek + '_),
    directory: &Directory,
    reader: &mut Reader<'_, '_>,
) -> Result<(), ReadError> {
    let mut package = parts::Package::new(file, directory);
    match format {
        Format::Docx => docx::read(&mut package, reader)?,
        Format::Pptx => pptx::read(&mut package, reader)?,
        Format::Xlsx => xlsx::read(&mut package, reader)?,
        _ => odf::read(format, &mut package, reader)?,
    }
    package.read_rest(reader)
}

#[cfg(test)]
mod tests;
