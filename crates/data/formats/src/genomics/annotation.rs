//! GFF3, GTF and BED: comments and directives whole, features by sample.

use crate::{Place, ReadError, Reader, Source};

use super::{field, is_shown};
use crate::lines::Lines;

pub(super) fn read_gff(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut lines = Lines::new(source.into_stream());
    let (mut records, mut sequences) = (0_u64, false);
    while lines.advance()? {
        if lines.number().is_multiple_of(4096) {
            reader.check()?;
        }
        let (line, start, place) = (lines.line(), lines.start(), Place::Line(lines.number()));
        if sequences {
            // After `##FASTA` (GFF3 1.26) only the descriptions say anything new.
            if let Some(description) = line.strip_prefix(b">") {
                field(reader, "FASTA.description", place, description, Some(start + 1))?;
            }
        } else if line == b"##FASTA" {
            sequences = true;
        } else if let Some(directive) = line.strip_prefix(b"##") {
            field(reader, "GFF.directive", place, directive, Some(start + 2))?;
        } else if let Some(comment) = line.strip_prefix(b"#") {
            field(reader, "GFF.comment", place, comment, Some(start + 1))?;
        } else if !line.is_empty() {
            if is_shown(records) {
                column(reader, "GFF.attributes", &lines, 8)?;
            }
            records += 1;
        }
    }
    Ok(())
}

pub(super) fn read_bed(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut lines = Lines::new(source.into_stream());
    let mut records = 0_u64;
    while lines.advance()? {
        if lines.number().is_multiple_of(4096) {
            reader.check()?;
        }
        let (line, start, place) = (lines.line(), lines.start(), Place::Line(lines.number()));
        if line.starts_with(b"track ") || line.starts_with(b"browser ") || line.starts_with(b"#") {
            field(reader, "BED.track", place, line, Some(start))?;
        } else if !line.is_empty() {
            if is_shown(records) {
                column(reader, "BED.name", &lines, 3)?;
            }
            records += 1;
        }
    }
    Ok(())
}

/// Reports the present line's column with this 0-based number.
fn column(reader: &mut Reader<'_, '_>, path: &str, lines: &Lines<'_>, number: usize) -> Result<(), ReadError> {
    let mut start = lines.start();
    for (at, value) in lines.line().split(|b| *b == b'\t').enumerate() {
        if at == number {
            return field(reader, path, Place::Line(lines.number()), value, Some(start));
        }
        start += value.len() as u64 + 1;
    }
    Ok(())
}
