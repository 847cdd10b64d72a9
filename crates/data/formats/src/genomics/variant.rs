//! VCF and BCF (VCFv4.5): the header whole, variants by sample.

use std::io::Read;

use crate::{Place, Problem, ReadError, Reader, Source};

use super::bgzf::{self, Counted};
use super::{field, is_shown};
use crate::lines::Lines;

/// Kinds of header lines that define columns and sequences rather than say something about people.
const DEFINITIONS: [&str; 5] = ["INFO", "FORMAT", "FILTER", "ALT", "contig"];

pub(super) fn read_vcf(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut lines = Lines::new(source.into_stream());
    let mut header = Header { format: "VCF", samples: None };
    let (mut records, mut malformed) = (0_u64, false);
    while lines.advance()? {
        if lines.number().is_multiple_of(4096) {
            reader.check()?;
        }
        let line = lines.line();
        if line.starts_with(b"#") {
            header.line(line, lines.number(), Some(lines.start()), reader)?;
        } else if !line.is_empty() {
            if is_shown(records) && !call(&lines, reader)? && !std::mem::replace(&mut malformed, true) {
                reader.problem(Problem::malformed(format!("line {} is not a variant of 8 columns", lines.number())))?;
            }
            records += 1;
        }
    }
    if header.samples.is_none() {
        reader.problem(Problem::malformed("the line that begins with `#CHROM` is missing"))?;
    }
    Ok(())
}

/// Reports id, variant and first genotype on the present line; `false` when it is no variant.
fn call(lines: &Lines<'_>, reader: &mut Reader<'_, '_>) -> Result<bool, ReadError> {
    let line = lines.line();
    let place = Place::Line(lines.number());
    let mut columns = line.split(|b| *b == b'\t');
    let mut next = || columns.next().unwrap_or(&[]);
    let [chromosome, position, id, reference, alternative, ..] =
        [next(), next(), next(), next(), next(), next(), next()];
    let [info, format, sample] = [next(), next(), next()];
    if info.is_empty() {
        return Ok(false);
    }
    let id_start = lines.start() + (chromosome.len() + position.len() + 2) as u64;
    if id != b"." {
        field(reader, "VCF.ID", place, id, Some(id_start))?;
    }
    let alternative = alternative.get(..64).unwrap_or(alternative);
    let reference = reference.get(..64).unwrap_or(reference);
    let variant = [chromosome, b":", position, reference, b">", alternative].concat();
    field(reader, "VCF.variant", place, &variant, None)?;
    if format.starts_with(b"GT") {
        let genotype = sample.split(|b| *b == b':').next().unwrap_or(&[]);
        field(reader, "VCF.genotype", place, genotype, None)?;
    }
    Ok(true)
}

pub(super) fn read_bcf(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut bcf = Counted { stream: bgzf::open(source, reader)?, bytes: 0 };
    let mut magic = [0; 5];
    bcf.read_exact(&mut magic)?;
    let bytes = bcf.length()?;
    let mut header = Header { format: "BCF", samples: None };
    let mut lines = Lines::new(Box::new(bcf.by_ref().take(bytes)));
    while lines.advance()? {
        if lines.number().is_multiple_of(4096) {
            reader.check()?;
        }
        if lines.line().starts_with(b"#") {
            header.line(lines.line(), lines.number(), None, reader)?;
        }
    }
    drop(lines);
    reader.expanded(bcf.bytes, bcf.bytes, None)?;
    if header.samples.is_none() {
        return Err(Problem::truncated("the header ends before the line that begins with `#CHROM`").into());
    }
    if bcf.read(&mut [0; 1])? > 0 {
        reader.field(&crate::Field {
            vocabulary: crate::Vocabulary::Genomics,
            path: "BCF.record",
            place: Place::Path("record 1"),
            value: "variants",
            raw: crate::Raw::None,
            qualifiers: crate::Qualifiers::default(),
        })?;
    }
    Ok(())
}

/// The header's lines.
struct Header {
    format: &'static str,
    /// How many samples the column line names.
    samples: Option<usize>,
}

impl Header {
    fn line(
        &mut self,
        line: &[u8],
        number: u64,
        start: Option<u64>,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let place = Place::Line(number);
        if line.starts_with(b"#CHROM") {
            return self.columns(line, place, start, reader);
        }
        let Some(body) = line.strip_prefix(b"##") else { return Ok(()) };
        let Some(equals) = memchr::memchr(b'=', body) else {
            return field(reader, &format!("{}.header", self.format), place, body, start.map(|s| s + 2));
        };
        let (key, value) = (body.get(..equals).unwrap_or(&[]), body.get(equals + 1..).unwrap_or(&[]));
        let key = String::from_utf8_lossy(key).into_owned();
        let start = start.map(|start| start + 3 + equals as u64);
        let inner = value.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">"));
        let is_command = key.to_ascii_lowercase().contains("command");
        let Some(inner) = inner.filter(|_| !is_command) else {
            let key = if is_command { "commandline" } else { &key };
            return field(reader, &format!("{}.{key}", self.format), place, value, start);
        };
        let definition = DEFINITIONS.contains(&key.as_str());
        for (name, from, to) in attributes(inner) {
            if definition && !matches!(name, b"Description" | b"URL") {
                continue;
            }
            let path = format!("{}.{key}.{}", self.format, String::from_utf8_lossy(name));
            let at = start.map(|start| start + 1 + from as u64);
            field(reader, &path, place, inner.get(from..to).unwrap_or(&[]), at)?;
        }
        Ok(())
    }

    fn columns(
        &mut self,
        line: &[u8],
        place: Place<'_>,
        start: Option<u64>,
        reader: &mut Reader<'_, '_>,
    ) -> Result<(), ReadError> {
        let path = format!("{}.sample", self.format);
        let (mut at, mut samples) = (0, 0);
        for (column, name) in line.split(|b| *b == b'\t').enumerate() {
            if column >= 9 {
                samples += 1;
                field(reader, &path, place, name, start.map(|start| start + at))?;
            }
            at += name.len() as u64 + 1;
        }
        self.samples = Some(samples);
        Ok(())
    }
}

/// `key=value` pairs of a structured line; values may be quoted, with backslashes before quotes (VCFv4.5 section 1.4).
/// The key, and from where to where its value lies.
fn attributes(inner: &[u8]) -> Vec<(&[u8], usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(equals) = inner.get(at..).and_then(|rest| memchr::memchr(b'=', rest)) {
        let key = inner.get(at..at + equals).unwrap_or(&[]);
        let from = at + equals + 1;
        let rest = inner.get(from..).unwrap_or(&[]);
        let (from, to, next) = if rest.first() == Some(&b'"') {
            let mut end = 1;
            while let Some(byte) = rest.get(end).filter(|byte| **byte != b'"') {
                end += 1 + usize::from(*byte == b'\\');
            }
            let end = end.min(rest.len());
            (from + 1, from + end, from + end + 2)
        } else {
            let end = memchr::memchr(b',', rest).unwrap_or(rest.len());
            (from, from + end, from + end + 1)
        };
        found.push((key, from, to.max(from)));
        at = next;
    }
    found
}
