//! SDF and MOL, versions V2000 and V3000 (BIOVIA, "CTfile Formats", 2020).

use crate::lines::Lines;
use crate::{ReadError, Reader, Source};

use super::{field, trimmed};

/// A data item is no longer than this many lines, whatever stands there.
const ITEM_LINES_MAX: u64 = 100_000;

/// Whether the fourth line is a counts line.
pub(super) fn sniff(head: &[u8]) -> bool {
    let mut lines = head.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let Some(counts) = lines.nth(3) else { return false };
    let versioned = counts.ends_with(b"V2000") || counts.ends_with(b"V3000");
    let binary = head.get(..4096).unwrap_or(head).contains(&0);
    counts_of(counts).is_some() && !binary && (versioned || atom_follows(lines.next()))
}

/// Numbers of atoms and bonds on a counts line: two fields of three columns each.
fn counts_of(line: &[u8]) -> Option<(u64, u64)> {
    let number =
        |from: usize| -> Option<u64> { std::str::from_utf8(line.get(from..from + 3)?).ok()?.trim_start().parse().ok() };
    let versioned = line.ends_with(b"V2000") || line.ends_with(b"V3000");
    let is_counts = line.len() >= 30 && line.iter().all(|b| b.is_ascii_digit() || *b == b' ');
    if !(versioned || is_counts) {
        return None;
    }
    number(0).zip(number(3))
}

/// An atom line: three coordinates of ten columns and a symbol.
fn atom_follows(line: Option<&[u8]>) -> bool {
    let Some(line) = line else { return false };
    let coordinate = |from: usize| {
        let part = line.get(from..from + 10).and_then(|part| std::str::from_utf8(part).ok());
        part.is_some_and(|part| part.contains('.') && part.trim().parse::<f64>().is_ok())
    };
    coordinate(0) && coordinate(10) && coordinate(20)
}

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut lines = Lines::new(source.into_stream());
    while lines.advance()? {
        reader.check()?;
        record(&mut lines, reader)?;
        reader.record()?;
    }
    Ok(())
}

/// Reads one record, of which the title line is the present one, up to its `$$$$`.
fn record(lines: &mut Lines<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    report(lines, "SDF.title", reader)?;
    let mut counted = false;
    for number in 2_u64.. {
        if !lines.advance()? {
            return Ok(());
        }
        if number.is_multiple_of(4096) {
            reader.check()?;
        }
        let line = lines.line();
        if line.starts_with(b"$$$$") {
            return Ok(());
        } else if number == 2 {
            report(lines, "SDF.program", reader)?;
        } else if number == 3 {
            report(lines, "SDF.comment", reader)?;
        } else if let Some(name) = item_name(line) {
            let name = String::from_utf8_lossy(name).into_owned();
            item(lines, &name, reader)?;
            if lines.line().starts_with(b"$$$$") {
                return Ok(());
            }
        } else if !counted && let Some(atoms) = atoms(line, number) {
            counted = true;
            field(reader, "SDF.structure", lines.number(), format!("{atoms} atoms").as_bytes(), None)?;
        }
    }
    Ok(())
}

/// The number of atoms, from the fourth line or from a V3000 `COUNTS` line.
fn atoms(line: &[u8], number: u64) -> Option<u64> {
    if let Some(counts) = line.strip_prefix(b"M  V30 COUNTS ") {
        return std::str::from_utf8(counts).ok()?.split_whitespace().next()?.parse().ok();
    }
    let (atoms, _) = counts_of(line).filter(|_| number == 4)?;
    (!line.ends_with(b"V3000")).then_some(atoms)
}

fn report(lines: &Lines<'_>, path: &str, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let (value, before) = trimmed(lines.line());
    field(reader, path, lines.number(), value, Some(lines.start() + before))
}

/// The name in a data header `> 25 <MELTING.POINT>`; where there is only a field number, that.
fn item_name(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b">")?;
    match (memchr::memchr(b'<', rest), memchr::memrchr(b'>', rest)) {
        (Some(from), Some(to)) if from < to => rest.get(from + 1..to),
        _ => Some(rest.trim_ascii()),
    }
}

/// Reads a data item's lines up to a blank one. Long values come a line at a time.
fn item(lines: &mut Lines<'_>, name: &str, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let path = format!("SDF.{name}");
    for number in 0..ITEM_LINES_MAX {
        if number % 4096 == 4095 {
            reader.check()?;
        }
        if !lines.advance()? || lines.line().trim_ascii().is_empty() || lines.line().starts_with(b"$$$$") {
            return Ok(());
        }
        report(lines, &path, reader)?;
    }
    Ok(())
}
