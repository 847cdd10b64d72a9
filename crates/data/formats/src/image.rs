//! Image metadata: EXIF, XMP, IPTC captions, text chunks and comments, and the size; never the pixels.

mod container;
mod exif;
mod iptc;
mod tiff;
mod xmp;

use crate::{Field, Place, Problem, Qualifiers, Raw, ReadError, Reader, Source, Vocabulary};

/// What kind of image the bytes begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Jpeg,
    Png,
    Gif,
    Bmp,
    Webp,
    Tiff,
    Heif,
}

/// Whether the bytes begin an image.
pub(crate) fn is_image(head: &[u8]) -> bool {
    kind(head).is_some()
}

fn kind(head: &[u8]) -> Option<Kind> {
    let bmp = || {
        let header = head.get(14..18).is_some_and(|size| matches!(size, [12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0]));
        head.starts_with(b"BM") && header && head.get(6..10) == Some(&[0; 4])
    };
    let heif = || {
        let brand = head.get(8..12).unwrap_or(&[]);
        head.get(4..8) == Some(b"ftyp")
            && [b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif"].iter().any(|b| *b == brand)
    };
    match head {
        [0xFF, 0xD8, 0xFF, ..] => Some(Kind::Jpeg),
        [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some(Kind::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Kind::Gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Kind::Webp),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Kind::Tiff),
        _ if bmp() => Some(Kind::Bmp),
        _ if heif() => Some(Kind::Heif),
        _ => None,
    }
}

pub(crate) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    match kind(source.head()) {
        Some(Kind::Jpeg) => container::jpeg(source, reader),
        Some(Kind::Png) => container::png(source, reader),
        Some(Kind::Gif) => container::gif(source, reader),
        Some(Kind::Webp) => container::webp(source, reader),
        Some(Kind::Bmp) => container::bmp(source, reader),
        Some(Kind::Tiff) => tiff::read(source, reader),
        Some(Kind::Heif) => exif::heif(source, reader),
        None => Err(Problem::unsupported("this kind of image is not read").into()),
    }
}

/// Reports one piece of metadata.
fn field(reader: &mut Reader<'_, '_>, path: &str, value: &str) -> Result<(), ReadError> {
    reader.field(&Field {
        vocabulary: Vocabulary::Document,
        path,
        place: Place::Path(path),
        value: value.trim_matches(|c: char| c == '\0' || c.is_whitespace()),
        raw: Raw::None,
        qualifiers: Qualifiers::default(),
    })
}

fn size(reader: &mut Reader<'_, '_>, width: u32, height: u32) -> Result<(), ReadError> {
    field(reader, "image.size", &format!("{width}x{height}"))
}

/// Text of unknown encoding: UTF-8 where it is valid, otherwise Windows-1252.
fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => std::borrow::Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

#[cfg(test)]
mod tests;
