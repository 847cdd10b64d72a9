//! FASTA and FASTQ: descriptions, and as much of a sequence as shows that one is held.

use crate::{Place, Problem, ReadError, Reader, Source};

use super::{SEQUENCE_SHOWN_BYTES, field, is_shown};
use crate::lines::Lines;

pub(super) fn read_fasta(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut lines = Lines::new(source.into_stream());
    let mut records = 0_u64;
    while lines.advance()? {
        if records.is_multiple_of(1024) {
            reader.check()?;
        }
        if matches!(lines.line().first(), Some(b'>' | b';')) {
            let (value, start) = (lines.line().get(1..).unwrap_or(&[]), lines.start() + 1);
            field(reader, "FASTA.description", Place::Line(lines.number()), value, Some(start))?;
            continue;
        }
        if lines.line().is_empty() {
            continue;
        }
        records += 1;
        let shown = lines.line().get(..SEQUENCE_SHOWN_BYTES).unwrap_or(lines.line());
        field(reader, "FASTA.sequence", Place::Line(lines.number()), shown, Some(lines.start()))?;
        if !lines.skip_to(b'>')? {
            return Ok(());
        }
    }
    Ok(())
}

pub(super) fn read_fastq(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut lines = Lines::new(source.into_stream());
    let mut records = 0_u64;
    while lines.advance()? {
        if records.is_multiple_of(1024) {
            reader.check()?;
        }
        if lines.line().is_empty() {
            continue;
        }
        if !lines.line().starts_with(b"@") {
            return Err(Problem::malformed(format!(
                "line {} should begin a read with `@`; the rest is not read",
                lines.number()
            ))
            .into());
        }
        if !record(&mut lines, is_shown(records), reader)? {
            return Err(
                Problem::truncated(format!("the file ends within the read above line {}", lines.number())).into()
            );
        }
        records += 1;
    }
    Ok(())
}

/// Reads one record, which may be wrapped; `false` when the file ends in it.
fn record(lines: &mut Lines<'_>, shown: bool, reader: &mut Reader<'_, '_>) -> Result<bool, ReadError> {
    if shown {
        let (value, start) = (lines.line().get(1..).unwrap_or(&[]), lines.start() + 1);
        field(reader, "FASTQ.description", Place::Line(lines.number()), value, Some(start))?;
    }
    let mut bases = 0;
    loop {
        if !lines.advance()? {
            return Ok(false);
        }
        let line = lines.line();
        if line.starts_with(b"+") {
            break;
        }
        if shown && bases == 0 {
            let part = line.get(..SEQUENCE_SHOWN_BYTES).unwrap_or(line);
            field(reader, "FASTQ.sequence", Place::Line(lines.number()), part, Some(lines.start()))?;
        }
        bases += line.len();
    }
    let mut qualities = 0;
    loop {
        if !lines.advance()? {
            return Ok(bases == 0);
        }
        qualities += lines.line().len();
        if qualities >= bases {
            return Ok(true);
        }
    }
}
