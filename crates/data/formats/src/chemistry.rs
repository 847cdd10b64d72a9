//! Chemistry and macromolecular structure formats.

mod macromolecule;
mod molfile;
mod smiles;

use model::Format;

use crate::{Field, Place, Qualifiers, Raw, ReadError, Reader, Source, Vocabulary};

/// The format, if the object's first bytes are one of this group's. `complete`: the head is the whole object.
pub(crate) fn sniff(head: &[u8], complete: bool) -> Option<Format> {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    if molfile::sniff(head) {
        return Some(Format::Sdf);
    }
    if macromolecule::sniff(head) {
        return Some(Format::Pdb);
    }
    smiles::sniff(head, complete).then_some(Format::Smiles)
}

pub(crate) fn read(format: Format, source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    match format {
        Format::Sdf => molfile::read(source, reader),
        Format::Smiles => smiles::read(source, reader),
        _ => macromolecule::read(source, reader),
    }
}

/// Reports a value; `start` is the file offset of its first byte where it stands there as it is.
fn field(
    reader: &mut Reader<'_, '_>,
    path: &str,
    line: u64,
    value: &[u8],
    start: Option<u64>,
) -> Result<(), ReadError> {
    let lossy = String::from_utf8_lossy(value);
    let verbatim = matches!(lossy, std::borrow::Cow::Borrowed(_));
    let raw = match start {
        Some(start) if verbatim => Raw::Verbatim { start },
        Some(start) => Raw::Whole { start, end: start + value.len() as u64 },
        None => Raw::None,
    };
    let (vocabulary, place, qualifiers) = (Vocabulary::Chemistry, Place::Line(line), Qualifiers::default());
    reader.field(&Field { vocabulary, path, place, value: &lossy, raw, qualifiers })
}

/// A value without the blanks around it, and how many stood before it.
fn trimmed(value: &[u8]) -> (&[u8], u64) {
    let start = value.trim_ascii_start();
    (start.trim_ascii_end(), (value.len() - start.len()) as u64)
}

#[cfg(test)]
mod tests;
