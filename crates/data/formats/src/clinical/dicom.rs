//! DICOM data sets (PS3.5, PS3.10), with or without preamble and file meta information, in every transfer syntax.
//!
//! Values come out as fields whose path is the innermost tag; pixels and other bulk are stepped over, never loaded.
//! Encapsulated documents open as members.

mod charset;
mod dataset;
mod dictionary;
mod element;
mod input;
mod value;

use crate::source::HEAD_BYTES;
use crate::{Problem, ReadError, Reader, Source};

use dataset::Walk;
use element::{Encoding, Tag, header};
use input::Input;

/// Preamble and magic (PS3.10 section 7.1).
const PREAMBLE_BYTES: usize = 128;
const MAGIC: &[u8] = b"DICM";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const JPIP_DEFLATED: [&str; 2] = ["1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"];
const IMPLICIT_LITTLE: &str = "1.2.840.10008.1.2";
const EXPLICIT_BIG: &str = "1.2.840.10008.1.2.2";

/// Whether the bytes begin a DICOM file or a bare data set.
pub(crate) fn sniff(head: &[u8]) -> bool {
    let complete = head.len() < HEAD_BYTES;
    if head.get(PREAMBLE_BYTES..PREAMBLE_BYTES + MAGIC.len()) == Some(MAGIC) {
        return true;
    }
    if let Some(rest) = head.strip_prefix(MAGIC) {
        return is_dataset(rest, complete);
    }
    is_dataset(head, complete) || is_shifted(head)
}

/// A bare data set behind one stray space, as some writers leave it.
fn is_shifted(head: &[u8]) -> bool {
    head.strip_prefix(b" ").is_some_and(|rest| is_dataset(rest, false))
}

pub(crate) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut input = Input::new(source)?;
    let head = input.peek(PREAMBLE_BYTES + MAGIC.len())?;
    if head.get(PREAMBLE_BYTES..) == Some(MAGIC) {
        input.consume(PREAMBLE_BYTES + MAGIC.len());
    } else if head.starts_with(MAGIC) {
        input.consume(MAGIC.len());
    } else if is_shifted(input.peek(1024)?) {
        input.consume(1);
    }
    let meta = Walk::new(input, reader, Encoding::EXPLICIT_LITTLE).meta()?;
    let Some((mut input, syntax)) = meta else { return Ok(()) };
    if syntax == DEFLATED || JPIP_DEFLATED.contains(&syntax.as_str()) {
        input = input.inflate();
    }
    let encoding = dataset_encoding(&mut input, &syntax)?;
    let Some(encoding) = encoding else {
        return match input.peek(1)?.is_empty() {
            true if syntax.is_empty() => Err(Problem::truncated("the file ends before any data element").into()),
            true => Ok(()),
            false => Err(Problem::truncated("the file ends within its first data element").into()),
        };
    };
    Walk::new(input, reader, encoding).dataset()
}

/// The encoding of the data set that begins here: what its bytes show, or else what the transfer syntax says.
fn dataset_encoding(input: &mut Input<'_>, syntax: &str) -> Result<Option<Encoding>, ReadError> {
    let head = input.peek(8)?;
    if head.len() < 8 {
        return Ok(None);
    }
    let declared = match syntax {
        IMPLICIT_LITTLE => Encoding::IMPLICIT_LITTLE,
        EXPLICIT_BIG => Encoding { explicit: true, big_endian: true },
        "" => return Ok(Some(shown(head))),
        _ => Encoding::EXPLICIT_LITTLE,
    };
    let shown = shown(head);
    // The first group of a data set is small: a wrong byte order makes it large. That outweighs a wrong declaration.
    let plausible = declared.u16(head, 0).is_some_and(|group| group < 0x0100);
    if plausible && declared.big_endian == shown.big_endian && declared.explicit == shown.explicit {
        return Ok(Some(declared));
    }
    Ok(Some(shown))
}

/// The encoding that an element's first eight bytes show.
fn shown(head: &[u8]) -> Encoding {
    let explicit = matches!(head.get(4..6), Some([a, b]) if element::Vr([*a, *b]).is_standard());
    let little = Encoding::EXPLICIT_LITTLE.u16(head, 0).unwrap_or(0);
    let big_endian = little > 0x00FF && little.swap_bytes() <= 0x0040;
    Encoding { explicit, big_endian }
}

/// Whether bytes without magic are a data set: several elements in ascending order, of known representation and
/// believable length, beginning with group 0002 or 0008.
fn is_dataset(head: &[u8], complete: bool) -> bool {
    const ENOUGH: u32 = 3;
    let Some(first) = head.get(..8) else { return false };
    let encoding = shown(first);
    if !encoding.tag(first).is_some_and(|tag| matches!(tag.group, 0x0002 | 0x0008)) {
        return false;
    }
    let (mut at, mut last, mut seen) = (0_usize, Tag::new(0, 0), 0);
    while seen < ENOUGH {
        let rest = head.get(at..).unwrap_or(&[]);
        if rest.is_empty() {
            return seen >= 2;
        }
        let Some(found) = header(rest, encoding) else { return seen >= 2 && !complete };
        let known = encoding.explicit || dictionary::lookup(found.tag).is_some();
        if found.tag <= last || found.tag.group > 0x0020 || !known || found.vr.kind().is_none() {
            return false;
        }
        let Some(length) = found.length else { return seen >= 1 };
        if length % 2 == 1 || length > 1 << 24 {
            return false;
        }
        let next = at + usize::try_from(found.bytes + u64::from(length)).unwrap_or(usize::MAX);
        if next > head.len() {
            return seen >= 2 && !complete;
        }
        (at, last, seen) = (next, found.tag, seen + 1);
    }
    true
}

#[cfg(test)]
mod tests;
