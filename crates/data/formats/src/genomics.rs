//! Genomic formats: variants, alignments, sequences, annotations.
//!
//! Headers are reported whole. Of records, which are alike by the million, the first [`EVERY_MAX`] are reported and
//! then one in [`SAMPLE_STEP`]: enough to tell what the file holds at the speed of the disk.

mod alignment;
mod annotation;
mod bgzf;
mod cram;
mod sequence;
mod sniff;
mod variant;

use model::Format;

use crate::{Field, Place, Qualifiers, Raw, ReadError, Reader, Source, Vocabulary};

/// So many records are all reported.
const EVERY_MAX: u64 = 1000;
/// Later ones are reported once in so many.
const SAMPLE_STEP: u64 = 256;
/// So much of a sequence shows that one is held.
const SEQUENCE_SHOWN_BYTES: usize = 120;

/// The format, if the object's first bytes are one of this group's. `complete`: the head is the whole object.
pub(crate) fn sniff(head: &[u8], complete: bool) -> Option<Format> {
    sniff::binary(head).or_else(|| sniff::text(head, complete))
}

pub(crate) fn read(format: Format, source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    match format {
        Format::Vcf => variant::read_vcf(source, reader),
        Format::Bcf => variant::read_bcf(source, reader),
        Format::Sam => alignment::read_sam(source, reader),
        Format::Bam => alignment::read_bam(source, reader),
        Format::Cram => cram::read(source, reader),
        Format::Fastq => sequence::read_fastq(source, reader),
        Format::Gff => annotation::read_gff(source, reader),
        Format::Bed => annotation::read_bed(source, reader),
        _ => sequence::read_fasta(source, reader),
    }
}

/// Whether the record with this 0-based number is one of those reported.
fn is_shown(number: u64) -> bool {
    number < EVERY_MAX || number.is_multiple_of(SAMPLE_STEP)
}

/// Reports a value on a line of a text file; `start` is the file offset of its first byte.
fn field(
    reader: &mut Reader<'_, '_>,
    path: &str,
    place: Place<'_>,
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
    let vocabulary = Vocabulary::Genomics;
    reader.field(&Field { vocabulary, path, place, value: &lossy, raw, qualifiers: Qualifiers::default() })
}

#[cfg(test)]
mod tests;
