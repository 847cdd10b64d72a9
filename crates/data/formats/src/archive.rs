//! Archives and compressed streams: each opens as members, which the walk reads as objects of their own.

pub(crate) mod buffered;
mod compressed;
mod sevenz;
mod tar;
pub(crate) mod zip;

use model::Format;

use crate::{ReadError, Reader, Source};

/// The format, if the object's first bytes are one of this group's. `complete`: the head is the whole object.
pub(crate) fn sniff(head: &[u8], _complete: bool) -> Option<Format> {
    match head {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, b'P', b'K', 3, 4, ..] => Some(Format::Zip),
        [b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C, ..] => Some(Format::SevenZip),
        [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some(Format::Xz),
        [0x1F, 0x8B, 8, flags, ..] if flags & 0xE0 == 0 => Some(Format::Gzip),
        _ if compressed::is_zstd(head) => Some(Format::Zstd),
        _ if compressed::is_bzip2(head) => Some(Format::Bzip2),
        _ if tar::is_tar(head) => Some(Format::Tar),
        _ => None,
    }
}

pub(crate) fn read(format: Format, source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    match format {
        Format::Zip => zip::read(format, source, reader),
        Format::Tar => tar::read(source, reader),
        Format::SevenZip => sevenz::read(source, reader),
        _ => compressed::read(format, source, reader),
    }
}

#[cfg(test)]
mod tests;
