//! TIFF 6.0 and BigTIFF: the directories by seeking, whatever the size of the image (slides of pathology take gigabytes).

use std::io::{Read as _, Seek as _, SeekFrom};

use crate::{Problem, ReadError, ReadSeek, Reader, Source};

use super::{exif, field, iptc, size, text, xmp};

/// Directories that are looked at (pages, resolutions, EXIF).
const DIRECTORIES_MAX: usize = 64;
/// Longer values are not metadata.
const VALUE_BYTES_MAX: u64 = 4 << 20;

/// Tags of text and their names.
const TEXTS: [(u16, &str); 10] = [
    (269, "DocumentName"),
    (270, "ImageDescription"),
    (271, "Make"),
    (272, "Model"),
    (285, "PageName"),
    (305, "Software"),
    (306, "DateTime"),
    (315, "Artist"),
    (316, "HostComputer"),
    (33432, "Copyright"),
];

/// Byte order and width of offsets.
#[derive(Clone, Copy)]
struct Form {
    big_endian: bool,
    /// BigTIFF: counts and offsets of eight bytes.
    wide: bool,
}

impl Form {
    fn number(self, bytes: &[u8]) -> u64 {
        let fold = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        if self.big_endian { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) }
    }
}

/// A directory's entry.
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// The value itself, or where it lies.
    value: Vec<u8>,
}

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let limit = reader.limits().whole_bytes_max;
    let len = source.len();
    let small = len.is_some_and(|len| len <= VALUE_BYTES_MAX) || !source.can_seek();
    let mut file = source.into_seek(limit)?;
    let mut head = [0; 16];
    file.read_exact(head.get_mut(..8).unwrap_or_default())?;
    let form = Form { big_endian: head.starts_with(b"MM"), wide: head.contains(&43) };
    if form.wide {
        file.read_exact(head.get_mut(8..).unwrap_or_default())?;
    }
    if small && !form.wide {
        // Small enough to be read as EXIF, which knows more tags.
        let mut whole = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut whole)?;
        exif::report(whole, reader)?;
        file.seek(SeekFrom::Start(0))?;
    }
    let first = if form.wide { head.get(8..16) } else { head.get(4..8) };
    let mut open = vec![form.number(first.unwrap_or(&[]))];
    let mut seen = Vec::new();
    while let Some(offset) = open.pop() {
        if offset == 0 || seen.contains(&offset) {
            continue;
        }
        if seen.len() >= DIRECTORIES_MAX {
            return reader
                .problem(Problem::limit(format!("more than {DIRECTORIES_MAX} directories; the rest is not read")));
        }
        seen.push(offset);
        reader.check()?;
        directory(&mut *file, form, offset, small && !form.wide, &mut open, seen.len() == 1, reader)?;
    }
    Ok(())
}

/// Reads one directory and adds those it points to. `known`: its texts have been reported already.
fn directory(
    file: &mut dyn ReadSeek,
    form: Form,
    offset: u64,
    known: bool,
    open: &mut Vec<u64>,
    first: bool,
    reader: &mut Reader<'_, '_>,
) -> Result<(), ReadError> {
    file.seek(SeekFrom::Start(offset))?;
    let (count_bytes, entry_bytes) = if form.wide { (8, 20) } else { (2, 12) };
    let count = form.number(&take(file, count_bytes)?);
    let table = take(file, count.min(4096) * entry_bytes)?;
    let width = if form.wide { 8 } else { 4 };
    let next = form.number(&take(file, width as u64)?);
    let entry_bytes = if form.wide { 20 } else { 12 };
    let entries: Vec<Entry> = table
        .chunks_exact(entry_bytes)
        .map(|raw| Entry {
            tag: form.number(raw.get(..2).unwrap_or(&[])) as u16,
            kind: form.number(raw.get(2..4).unwrap_or(&[])) as u16,
            count: form.number(raw.get(4..4 + width).unwrap_or(&[])),
            value: raw.get(4 + width..).unwrap_or(&[]).to_vec(),
        })
        .collect();
    dimensions(&entries, form, known || !first, reader)?;
    for entry in &entries {
        if matches!(entry.tag, 34665 | 34853 | 330) && entry.count == 1 {
            open.push(form.number(&entry.value));
            continue;
        }
        let named = TEXTS.iter().find(|(tag, _)| *tag == entry.tag);
        let text_known = known && first;
        match (entry.tag, named) {
            (700, _) => xmp::report(&content(file, form, entry)?, reader)?,
            (33723, _) => iptc::report(&content(file, form, entry)?, reader)?,
            (34377, _) => iptc::resources(&content(file, form, entry)?, reader)?,
            (_, Some((_, name))) if !text_known => {
                let value = content(file, form, entry)?;
                field(reader, &format!("exif.{name}"), &text(&value))?;
            }
            _ => {}
        }
    }
    open.push(next);
    Ok(())
}

fn dimensions(entries: &[Entry], form: Form, known: bool, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let of = |tag: u16| {
        let entry = entries.iter().find(|entry| entry.tag == tag)?;
        let bytes = if entry.kind == 3 { entry.value.get(..2) } else { entry.value.get(..4) };
        u32::try_from(form.number(bytes?)).ok()
    };
    match (of(256), of(257)) {
        (Some(width), Some(height)) if !known => size(reader, width, height),
        _ => Ok(()),
    }
}

/// An entry's bytes, inside it or where it points to.
fn content(file: &mut dyn ReadSeek, form: Form, entry: &Entry) -> Result<Vec<u8>, ReadError> {
    let each = match entry.kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => 1,
    };
    let bytes = entry.count.saturating_mul(each);
    if bytes > VALUE_BYTES_MAX {
        return Ok(Vec::new());
    }
    let length = usize::try_from(bytes).unwrap_or(0);
    if let Some(inside) = entry.value.get(..length) {
        return Ok(inside.to_vec());
    }
    file.seek(SeekFrom::Start(form.number(&entry.value)))?;
    take(file, bytes)
}

fn take(file: &mut dyn ReadSeek, bytes: u64) -> Result<Vec<u8>, ReadError> {
    let mut out = Vec::new();
    std::io::Read::take(&mut *file, bytes).read_to_end(&mut out)?;
    if (out.len() as u64) < bytes {
        return Err(Problem::truncated("the image ends within its directories").into());
    }
    Ok(out)
}
