//! EXIF (CIPA DC-008): tags by name, the position as one readable value.

use std::io::BufReader;

use exif::{Context, Exif, In, Tag, Value};

use crate::{Problem, ReadError, Reader, Source};

use super::{field, size, text};

/// A value that is no text and longer than this is not a description of anything.
const VALUE_BYTES_MAX: usize = 4096;
/// Text fields of Windows in UTF-16LE, which the standard does not know.
const WINDOWS_TAGS: [(u16, &str); 5] =
    [(0x9C9B, "XPTitle"), (0x9C9C, "XPComment"), (0x9C9D, "XPAuthor"), (0x9C9E, "XPKeywords"), (0x9C9F, "XPSubject")];

/// Reports a block of EXIF. Damage is a problem of the image, whatever could be read is still reported.
pub(super) fn report(raw: Vec<u8>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let outcome = exif::Reader::new().continue_on_error(true).read_raw(raw);
    outcome_of(outcome, reader)
}

/// Reads the EXIF item of a HEIF or AVIF file.
pub(super) fn heif(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let limit = reader.limits().whole_bytes_max;
    let bytes = source.into_bytes(limit)?;
    let mut file = BufReader::new(std::io::Cursor::new(bytes));
    let outcome = exif::Reader::new().continue_on_error(true).read_from_container(&mut file);
    if matches!(outcome, Err(exif::Error::NotFound(_))) {
        return Ok(());
    }
    outcome_of(outcome, reader)
}

fn outcome_of(outcome: Result<Exif, exif::Error>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    match outcome {
        Ok(exif) => fields(&exif, reader),
        Err(exif::Error::PartialResult(partial)) => {
            reader.problem(Problem::malformed("some of the image's EXIF values are damaged"))?;
            fields(&partial.into_inner().0, reader)
        }
        Err(_) => reader.problem(Problem::malformed("the image's EXIF block cannot be read")),
    }
}

fn fields(exif: &Exif, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    position(exif, reader)?;
    let dimension = |tag: Tag| exif.get_field(tag, In::PRIMARY).and_then(|field| field.value.get_uint(0));
    if let (Some(width), Some(height)) = (dimension(Tag::ImageWidth), dimension(Tag::ImageLength)) {
        size(reader, width, height)?;
    }
    for one in exif.fields().filter(|field| field.ifd_num == In::PRIMARY) {
        let Some(name) = name_of(one.tag) else { continue };
        let value = value_of(one);
        field(reader, &format!("exif.{name}"), &value)?;
    }
    Ok(())
}

/// A tag's name; `None` for those that say nothing, or are said as the position.
fn name_of(tag: Tag) -> Option<String> {
    if let Some((_, name)) = WINDOWS_TAGS.iter().find(|(number, _)| tag == Tag(Context::Tiff, *number)) {
        return Some((*name).to_owned());
    }
    let silent = [
        Tag::MakerNote,
        Tag::StripOffsets,
        Tag::StripByteCounts,
        Tag::TileOffsets,
        Tag::TileByteCounts,
        Tag::GPSLatitude,
        Tag::GPSLongitude,
        Tag::GPSLatitudeRef,
        Tag::GPSLongitudeRef,
    ];
    if silent.contains(&tag) {
        return None;
    }
    let name = tag.to_string();
    Some(if name.starts_with("Tag(") { format!("tag{}", tag.number()) } else { name })
}

fn value_of(one: &exif::Field) -> String {
    let windows = WINDOWS_TAGS.iter().any(|(number, _)| one.tag == Tag(Context::Tiff, *number));
    match &one.value {
        Value::Ascii(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| text(part)).collect();
            parts.join(" ")
        }
        Value::Byte(bytes) if windows => encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0.into_owned(),
        Value::Undefined(bytes, _) if one.tag == Tag::UserComment => comment(bytes),
        Value::Undefined(bytes, _) | Value::Byte(bytes) => {
            let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
            let body = bytes.get(..end).unwrap_or(&[]);
            let readable = body.len() >= 3 && body.iter().all(|b| matches!(b, 0x20..=0x7E | b'\t' | b'\n' | b'\r'));
            if readable && body.len() <= VALUE_BYTES_MAX { text(body).into_owned() } else { String::new() }
        }
        _ => {
            let value = one.display_value().to_string();
            if value.len() > VALUE_BYTES_MAX { String::new() } else { value }
        }
    }
}

/// `UserComment` begins with eight bytes that name its encoding (CIPA DC-008 section 4.6.5).
fn comment(bytes: &[u8]) -> String {
    let (code, body) = bytes.split_at_checked(8).unwrap_or((&[], bytes));
    match code {
        b"UNICODE\0" => {
            let little = body.iter().skip(1).step_by(2).filter(|b| **b == 0).count();
            let big = body.iter().step_by(2).filter(|b| **b == 0).count();
            let encoding = if big > little { encoding_rs::UTF_16BE } else { encoding_rs::UTF_16LE };
            encoding.decode(body).0.into_owned()
        }
        b"JIS\0\0\0\0\0" => encoding_rs::ISO_2022_JP.decode(body).0.into_owned(),
        b"ASCII\0\0\0" | [0, 0, 0, 0, 0, 0, 0, 0] => text(body).into_owned(),
        _ => text(bytes).into_owned(),
    }
}

/// Latitude and longitude in decimal degrees, north and east positive.
fn position(exif: &Exif, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let degrees = |tag: Tag, reference: Tag, negative: u8| -> Option<f64> {
        let Value::Rational(parts) = &exif.get_field(tag, In::PRIMARY)?.value else { return None };
        let part = |at: usize| parts.get(at).filter(|r| r.denom != 0).map_or(0.0, exif::Rational::to_f64);
        let value = part(0) + part(1) / 60.0 + part(2) / 3600.0;
        let sign = match exif.get_field(reference, In::PRIMARY).map(|field| &field.value) {
            Some(Value::Ascii(parts)) => parts.first().and_then(|part| part.first().copied()),
            _ => None,
        };
        Some(if sign == Some(negative) { -value } else { value })
    };
    let latitude = degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S');
    let longitude = degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W');
    let (Some(latitude), Some(longitude)) = (latitude, longitude) else { return Ok(()) };
    field(reader, "exif.GPSPosition", &format!("{latitude:.6}, {longitude:.6}"))
}
