//! SAM and BAM (SAMv1, 2024-11): the header whole, reads by sample.

use std::io::Read;

use crate::{Place, Problem, ReadError, Reader, Source};

use super::bgzf::{self, Counted};
use super::{EVERY_MAX, SEQUENCE_SHOWN_BYTES, field, is_shown};
use crate::lines::Lines;

/// Reads of a BAM file that are looked at.
const READS_SHOWN: u64 = 100;
/// A BAM record is no longer than this, whatever it claims.
const RECORD_BYTES_MAX: u64 = 16 << 20;

pub(super) fn read_sam(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut lines = Lines::new(source.into_stream());
    let mut header = Header::new("SAM");
    let (mut records, mut malformed) = (0_u64, false);
    while lines.advance()? {
        if lines.number().is_multiple_of(4096) {
            reader.check()?;
        }
        let line = lines.line();
        if line.starts_with(b"@") && records == 0 {
            header.line(line, Some((lines.number(), lines.start())), reader)?;
            continue;
        }
        if is_shown(records) && !line.is_empty() && !read_of(&lines, reader)? && !malformed {
            malformed = true;
            reader.problem(Problem::malformed(format!("line {} is not an alignment of 11 columns", lines.number())))?;
        }
        records += u64::from(!line.is_empty());
    }
    Ok(())
}

/// Reports name, sequence and comment of the read on the present line; `false` when it is none.
fn read_of(lines: &Lines<'_>, reader: &mut Reader<'_, '_>) -> Result<bool, ReadError> {
    let place = Place::Line(lines.number());
    let mut start = lines.start();
    let mut columns = 0;
    for (at, value) in lines.line().split(|b| *b == b'\t').enumerate() {
        columns += 1;
        match at {
            0 => field(reader, "SAM.QNAME", place, value, Some(start))?,
            9 if value != b"*" => {
                let shown = value.get(..SEQUENCE_SHOWN_BYTES).unwrap_or(value);
                field(reader, "SAM.sequence", place, shown, Some(start))?;
            }
            11.. => {
                if let Some(comment) = value.strip_prefix(b"CO:Z:") {
                    field(reader, "SAM.CO", place, comment, Some(start + 5))?;
                }
            }
            _ => {}
        }
        start += value.len() as u64 + 1;
    }
    Ok(columns >= 11)
}

pub(super) fn read_bam(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut bam = Counted { stream: bgzf::open(source, reader)?, bytes: 0 };
    let mut magic = [0; 4];
    bam.read_exact(&mut magic)?;
    let text_bytes = bam.length()?;
    header_text("BAM", &mut bam, text_bytes, reader)?;
    let references = bam.length()?;
    for number in 0..references {
        if number.is_multiple_of(4096) {
            reader.check()?;
        }
        let name_bytes = bam.length()?;
        bam.pass(name_bytes)?;
        bam.pass(4)?;
    }
    reader.expanded(bam.bytes, bam.bytes, None)?;
    for number in 0..READS_SHOWN {
        if !bam_read(&mut bam, number, reader)? {
            break;
        }
    }
    Ok(())
}

/// Reports name and sequence of one read (SAMv1 section 4.2); `false` at the end of the file.
fn bam_read(bam: &mut Counted<'_>, number: u64, reader: &mut Reader<'_, '_>) -> Result<bool, ReadError> {
    let mut first = [0; 1];
    if bam.read(&mut first)? == 0 {
        return Ok(false);
    }
    let mut rest = [0; 3];
    bam.read_exact(&mut rest)?;
    let bytes = u64::from(u32::from_le_bytes([first[0], rest[0], rest[1], rest[2]]));
    if !(32..=RECORD_BYTES_MAX).contains(&bytes) {
        return Err(Problem::malformed("a read has an impossible length; the reads are not looked at").into());
    }
    let mut record = Vec::new();
    bam.by_ref().take(bytes).read_to_end(&mut record)?;
    if (record.len() as u64) < bytes {
        return Err(Problem::truncated("the file ends within a read").into());
    }
    let byte = |at: usize| record.get(at).copied().map_or(0, usize::from);
    let (name_bytes, cigar_ops) = (byte(8), byte(12) | (byte(13) << 8));
    let bases = byte(16) | (byte(17) << 8) | (byte(18) << 16) | (byte(19) << 24);
    let place = format!("read {}", number + 1);
    if let Some(name) = record.get(32..32 + name_bytes.saturating_sub(1)) {
        field(reader, "BAM.QNAME", Place::Path(&place), name, None)?;
    }
    let from = 32 + name_bytes + 4 * cigar_ops;
    let shown = bases.min(SEQUENCE_SHOWN_BYTES);
    let sequence: Vec<u8> = (0..shown)
        .map(|at| {
            let pair = byte(from + at / 2);
            let code = if at % 2 == 0 { pair >> 4 } else { pair & 0xF };
            b"=ACMGRSVTWYHKDBN".get(code).copied().unwrap_or(b'N')
        })
        .collect();
    field(reader, "BAM.sequence", Place::Path(&place), &sequence, None)?;
    Ok(true)
}

/// Reports a header of `bytes` bytes that a binary file holds.
pub(super) fn header_text(
    format: &'static str,
    stream: &mut impl Read,
    bytes: u64,
    reader: &mut Reader<'_, '_>,
) -> Result<(), ReadError> {
    let mut lines = Lines::new(Box::new(stream.by_ref().take(bytes)));
    let mut header = Header::new(format);
    while lines.advance()? {
        if lines.number().is_multiple_of(4096) {
            reader.check()?;
        }
        if lines.line().first().is_some_and(|b| *b != 0) {
            header.line(lines.line(), None, reader)?;
        }
    }
    Ok(())
}

/// The lines of a SAM header, counted by kind.
pub(super) struct Header {
    format: &'static str,
    counts: Vec<([u8; 2], u64)>,
    path: String,
}

impl Header {
    pub(super) fn new(format: &'static str) -> Self {
        Self { format, counts: Vec::new(), path: String::new() }
    }

    /// Reports `@KIND\tTAG:value…` as `SAM.KIND.TAG`, and `@CO` as a whole. Reference sequences are passed over but
    /// for where they lie, and for descriptions. `at`: line number and file offset in a text file.
    pub(super) fn line(
        &mut self,
        line: &[u8],
        at: Option<(u64, u64)>,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let Some([a, b]) = line.get(1..3) else { return Ok(()) };
        let kind = [*a, *b];
        let number = self.count(kind);
        let name = String::from_utf8_lossy(&kind).into_owned();
        if kind == *b"CO" {
            let value = line.get(4..).unwrap_or(&[]);
            return self.report(&name, "", number, value, at.map(|(line, start)| (line, start + 4)), reader);
        }
        let mut offset = 4;
        for part in line.get(4..).unwrap_or(&[]).split(|b| *b == b'\t') {
            let wanted = kind != *b"SQ" || (number <= EVERY_MAX && matches!(part.get(..2), Some(b"UR" | b"DS")));
            if let (Some(tag), Some(b":"), Some(value), true) = (part.get(..2), part.get(2..3), part.get(3..), wanted) {
                let tag = String::from_utf8_lossy(tag);
                let at = at.map(|(line, start)| (line, start + offset + 3));
                self.report(&name, &tag, number, value, at, reader)?;
            }
            offset += part.len() as u64 + 1;
        }
        Ok(())
    }

    fn count(&mut self, kind: [u8; 2]) -> u64 {
        if let Some((_, count)) = self.counts.iter_mut().find(|(known, _)| *known == kind) {
            *count += 1;
            return *count;
        }
        self.counts.push((kind, 1));
        1
    }

    fn report(
        &mut self,
        kind: &str,
        tag: &str,
        number: u64,
        value: &[u8],
        at: Option<(u64, u64)>,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let dot = if tag.is_empty() { "" } else { "." };
        self.path = format!("{}.{kind}{dot}{tag}", self.format);
        match at {
            Some((line, start)) => field(reader, &self.path, Place::Line(line), value, Some(start)),
            None => {
                let place = format!("@{kind}[{number}]{dot}{tag}");
                field(reader, &self.path, Place::Path(&place), value, None)
            }
        }
    }
}
