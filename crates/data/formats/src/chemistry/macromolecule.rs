//! PDB (wwPDB format 3.3) and PDBx/mmCIF: who, what and which sequence, without coordinates.

use crate::lines::Lines;
use crate::{ReadError, Reader, Source};

use super::{field, trimmed};

/// Records that are reported, in the words of the format.
const RECORDS: [&str; 13] = [
    "HEADER", "TITLE", "COMPND", "SOURCE", "KEYWDS", "AUTHOR", "JRNL", "REMARK", "EXPDTA", "CAVEAT", "HETNAM",
    "MDLTYP", "DBREF",
];
/// Items of mmCIF that are reported.
const ITEMS: [&str; 9] = [
    "_audit_author.name",
    "_citation_author.name",
    "_citation.title",
    "_struct.title",
    "_struct.pdbx_descriptor",
    "_struct_keywords.text",
    "_entity.pdbx_description",
    "_entity_poly.pdbx_seq_one_letter_code",
    "_entry.id",
];
/// A value of several lines in mmCIF.
const VALUE_BYTES_MAX: usize = 1 << 20;
/// Records whose remarks are written by depositors rather than by programs (wwPDB format 3.3, section on `REMARK`).
const REMARK_LINES_MAX: u64 = 2000;

/// Whether the bytes begin a PDB entry or an mmCIF data block.
pub(super) fn sniff(head: &[u8]) -> bool {
    is_cif(head) || is_pdb(head)
}

fn is_cif(head: &[u8]) -> bool {
    let mut lines =
        head.split(|b| *b == b'\n').map(<[u8]>::trim_ascii).filter(|l| !l.is_empty() && !l.starts_with(b"#"));
    let block = lines.next().is_some_and(|line| {
        let name = line.strip_prefix(b"data_").unwrap_or(&[]);
        !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
    });
    block
        && lines.next().is_some_and(|line| {
            line == b"loop_" || (line.starts_with(b"_") && line.contains(&b'.')) || line.starts_with(b"_")
        })
}

/// Six-letter record names at the start of several lines, of which one is a structure's.
fn is_pdb(head: &[u8]) -> bool {
    const NAMES: [&[u8]; 16] = [
        b"HEADER", b"TITLE ", b"COMPND", b"SOURCE", b"KEYWDS", b"EXPDTA", b"AUTHOR", b"REVDAT", b"REMARK", b"SEQRES",
        b"CRYST1", b"ATOM  ", b"HETATM", b"MODEL ", b"OBSLTE", b"JRNL  ",
    ];
    let mut known = 0;
    let mut structural = false;
    let lines = head.split(|b| *b == b'\n').take(40);
    for line in lines.filter(|line| !line.trim_ascii().is_empty()) {
        let name = line.get(..6).unwrap_or(line);
        if !NAMES.contains(&name) {
            // Records that seldom come early are unknown here, prose always is.
            if known < 2 {
                return false;
            }
            continue;
        }
        let atom = matches!(name, b"ATOM  " | b"HETATM") && line.get(30..54).is_some_and(is_coordinates);
        let header = name == b"HEADER" && line.len() >= 62 && line.get(52) == Some(&b'-');
        structural |= atom || header || matches!(name, b"SEQRES" | b"CRYST1");
        known += 1;
    }
    structural && known >= 1
}

fn is_coordinates(columns: &[u8]) -> bool {
    columns.chunks(8).all(|part| std::str::from_utf8(part).is_ok_and(|part| part.trim().parse::<f64>().is_ok()))
}

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let cif = is_cif(source.head());
    let mut lines = Lines::new(source.into_stream());
    if cif { read_cif(&mut lines, reader) } else { read_pdb(&mut lines, reader) }
}

fn read_pdb(lines: &mut Lines<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut remarks = 0;
    while lines.advance()? {
        if lines.number().is_multiple_of(4096) {
            reader.check()?;
        }
        let line = lines.line();
        let name = line.get(..6).unwrap_or(line).trim_ascii_end();
        if name == b"SEQRES" {
            let residues = line.get(19..).unwrap_or(&[]).trim_ascii();
            field(reader, "PDB.SEQRES", lines.number(), residues, Some(lines.start() + 19 + blanks(line, 19)))?;
            continue;
        }
        remarks += u64::from(name == b"REMARK");
        let known = RECORDS.iter().find(|known| known.as_bytes() == name);
        if let Some(known) = known.filter(|_| name != b"REMARK" || remarks < REMARK_LINES_MAX) {
            // Columns 8 to 10 count continuations; in journals and remarks they are part of the text.
            let from = if matches!(*known, "JRNL" | "REMARK") { 6 } else { 10 };
            let (value, before) = trimmed(line.get(from..).unwrap_or(&[]));
            let start = lines.start() + from as u64 + before;
            field(reader, &format!("PDB.{known}"), lines.number(), value, Some(start))?;
        }
    }
    Ok(())
}

fn blanks(line: &[u8], from: usize) -> u64 {
    trimmed(line.get(from..).unwrap_or(&[])).1
}

/// Where an mmCIF file stands.
#[derive(Default)]
struct Cif {
    /// Item names of the loop that is open; values follow in their order.
    columns: Vec<String>,
    in_loop: bool,
    /// Which column the next value belongs to.
    next: usize,
    /// The item that waits for its value.
    item: String,
    /// Lines of a value between semicolons.
    block: Option<Vec<u8>>,
}

fn read_cif(lines: &mut Lines<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut cif = Cif::default();
    while lines.advance()? {
        if lines.number().is_multiple_of(4096) {
            reader.check()?;
        }
        if let Some(block) = &mut cif.block {
            if lines.line().starts_with(b";") {
                let value = cif.block.take().unwrap_or_default();
                cif.value(&value, lines.number(), reader)?;
            } else if block.len() < VALUE_BYTES_MAX {
                block.extend_from_slice(lines.line());
                block.push(b'\n');
            }
            continue;
        }
        if let Some(first) = lines.line().strip_prefix(b";") {
            cif.block = Some([first, b"\n"].concat());
            continue;
        }
        cif.line(lines.line(), lines.number(), reader)?;
    }
    Ok(())
}

impl Cif {
    fn line(&mut self, line: &[u8], number: u64, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let line = line.trim_ascii();
        if line.starts_with(b"#") || line.is_empty() {
            return Ok(());
        }
        if line == b"loop_" {
            *self = Self { in_loop: true, ..Self::default() };
            return Ok(());
        }
        if line.starts_with(b"_") {
            let name = line.split(u8::is_ascii_whitespace).next().unwrap_or(line);
            let text = String::from_utf8_lossy(name).into_owned();
            if self.in_loop && self.next == 0 {
                self.columns.push(text);
                return Ok(());
            }
            *self = Self { item: text, ..Self::default() };
            return self.values(line.get(name.len()..).unwrap_or(&[]), number, reader);
        }
        let wanted = self.columns.iter().any(|column| is_wanted(column)) || is_wanted(&self.item);
        if wanted { self.values(line, number, reader) } else { Ok(()) }
    }

    fn values(&mut self, line: &[u8], number: u64, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let mut rest = line.trim_ascii_start();
        while let Some(&first) = rest.first() {
            let quoted = matches!(first, b'\'' | b'"');
            let end = if quoted { closing(rest, first) } else { rest.iter().position(u8::is_ascii_whitespace) };
            let end = end.unwrap_or(rest.len());
            let value = rest.get(usize::from(quoted)..end).unwrap_or(&[]).to_vec();
            self.value(&value, number, reader)?;
            rest = rest.get(end + usize::from(quoted)..).unwrap_or(&[]).trim_ascii_start();
        }
        Ok(())
    }

    fn value(&mut self, value: &[u8], number: u64, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
        let name = if self.in_loop {
            let at = self.next;
            self.next = at + 1;
            self.columns.get(at % self.columns.len().max(1)).cloned().unwrap_or_default()
        } else {
            std::mem::take(&mut self.item)
        };
        if is_wanted(&name) && !matches!(value, b"?" | b".") {
            field(reader, &format!("PDB.{name}"), number, value.trim_ascii(), None)?;
        }
        Ok(())
    }
}

fn is_wanted(item: &str) -> bool {
    ITEMS.contains(&item)
}

/// A quote closes only before white space (CIF 1.1 syntax, paragraph 15).
fn closing(rest: &[u8], quote: u8) -> Option<usize> {
    (1..rest.len()).find(|at| rest.get(*at) == Some(&quote) && rest.get(at + 1).is_none_or(u8::is_ascii_whitespace))
}
