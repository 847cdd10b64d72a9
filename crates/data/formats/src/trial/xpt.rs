//! SAS transport files, versions 5 and 8/9 (SAS Institute, "Record Layout of a SAS Version 5 or 6 Data Set in SAS
//! Transport Format" and "Record Layout for SAS Version 8 or 9").

mod number;
mod variable;

use std::io::Read;

use encoding_rs::{Encoding, UTF_8};

use crate::{Column, Problem, Raw, ReadError, Reader, Source, Table, TableStyle, Vocabulary};

use super::row::RowBuffer;
use variable::Variable;

/// Everything is written in records of this many bytes.
const RECORD_BYTES: usize = 80;
const HEADER: &[u8] = b"HEADER RECORD*******";
/// A row longer than this is not one: SAS allows 32,767 variables of at most 32,767 bytes, no transport file comes near.
const ROW_BYTES_MAX: usize = 64 << 20;

pub(super) fn sniff(head: &[u8]) -> bool {
    head.strip_prefix(HEADER).is_some_and(|kind| kind.starts_with(b"LIBRARY ") || kind.starts_with(b"LIBV8 "))
}

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let mut file = File {
        records: Records { stream: source.into_stream(), buffer: Vec::new(), at: 0, position: 0 },
        reader,
        detector: chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Allow),
    };
    for _ in 0..3 {
        file.records.next()?.ok_or_else(ends)?;
    }
    let mut header = file.records.next()?.map(<[u8]>::to_vec);
    while let Some(record) = header {
        if !is_member(&record) {
            return Err(Problem::malformed("a member header should follow the library header").into());
        }
        header = file.member(&record)?;
    }
    Ok(())
}

fn ends() -> ReadError {
    Problem::truncated("the file ends within its headers").into()
}

fn is_member(record: &[u8]) -> bool {
    record.strip_prefix(HEADER).is_some_and(|kind| kind.starts_with(b"MEMB"))
}

/// The file in records.
struct Records<'a> {
    stream: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
    at: usize,
    /// File offset of the next record.
    position: u64,
}

impl Records<'_> {
    /// The next record; the last may be shorter.
    fn next(&mut self) -> Result<Option<&[u8]>, ReadError> {
        if self.buffer.len() - self.at < RECORD_BYTES {
            self.buffer.drain(..self.at);
            self.at = 0;
            (&mut self.stream).take((RECORD_BYTES * 1024) as u64).read_to_end(&mut self.buffer)?;
        }
        let end = self.buffer.len().min(self.at + RECORD_BYTES);
        let record = self.buffer.get(self.at..end).unwrap_or(&[]);
        self.at = end;
        self.position += record.len() as u64;
        Ok(if record.is_empty() { None } else { Some(record) })
    }

    /// Takes back the record that was given last.
    fn back(&mut self) {
        self.at -= RECORD_BYTES;
        self.position -= RECORD_BYTES as u64;
    }

    /// Whole records up to a header, or as many as hold `bytes`.
    fn block_before_header(&mut self, bytes: usize) -> Result<Vec<u8>, ReadError> {
        let mut block = Vec::new();
        while block.len() < bytes {
            let record = self.next()?.ok_or_else(ends)?;
            if record.len() == RECORD_BYTES && record.starts_with(HEADER) {
                self.back();
                break;
            }
            block.extend_from_slice(record);
        }
        Ok(block)
    }
}

struct File<'a, 'w, 'r, 'b> {
    records: Records<'a>,
    reader: &'w mut Reader<'r, 'b>,
    detector: chardetng::EncodingDetector,
}

impl File<'_, '_, '_, '_> {
    /// Reads one member whose first header is `header`; returns the header of the next one.
    fn member(&mut self, header: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let long = header.get(20..26) == Some(b"MEMBV8");
        let namestr_bytes = digits(header, 74, 78).filter(|n| (136..=200).contains(n)).unwrap_or(140);
        self.records.next()?.ok_or_else(ends)?;
        let first = self.records.next()?.ok_or_else(ends)?.to_vec();
        self.records.next()?.ok_or_else(ends)?;
        let name = text(&first, 8, if long { 32 } else { 8 });
        let namestr = self.records.next()?.ok_or_else(ends)?.to_vec();
        let count = digits(&namestr, 54, if long { 60 } else { 58 })
            .ok_or_else(|| Problem::malformed("the number of variables cannot be read"))?;
        // Some writers of version 8 put the number where version 5 has it, two digits further left; what follows the
        // descriptions tells where they end.
        let block = self.records.block_before_header(count.saturating_mul(namestr_bytes).min(ROW_BYTES_MAX))?;
        let told = digits(&namestr, 54, 58).filter(|told| long && *told > 0 && block.len() < count * namestr_bytes);
        let count = told.unwrap_or(count);
        let mut variables: Vec<Variable> = block
            .chunks_exact(namestr_bytes)
            .take(count)
            .map(|entry| Variable::parse(entry, long))
            .collect::<Option<_>>()
            .ok_or_else(|| Problem::malformed("a variable description cannot be read"))?;
        let observations = self.labels(&mut variables)?;
        self.observations(&name, &variables, observations)
    }

    /// Reads long labels, if any, up to the header of the observations; returns their number where it is told.
    fn labels(&mut self, variables: &mut [Variable]) -> Result<Option<u64>, ReadError> {
        loop {
            let record = self.records.next()?.ok_or_else(ends)?.to_vec();
            let kind = record.strip_prefix(HEADER).unwrap_or(&[]);
            if kind.starts_with(b"OBS ") {
                return Ok(None);
            }
            if kind.starts_with(b"OBSV8") {
                return Ok(digits(&record, 48, 63).map(|n| n as u64));
            }
            if !kind.starts_with(b"LABELV") {
                return Err(Problem::malformed("the header of the observations is missing").into());
            }
            let count = digits(&record, 48, 54).unwrap_or(0);
            self.long_labels(count, kind.starts_with(b"LABELV9"), variables)?;
        }
    }

    /// Entries of variable number, lengths, and then name, label (and formats): SAS version 8/9 layout, `LABELV8`, `LABELV9`.
    fn long_labels(&mut self, count: usize, formats: bool, variables: &mut [Variable]) -> Result<(), ReadError> {
        let mut block = Vec::new();
        let mut at = 0;
        for _ in 0..count {
            let head_bytes = if formats { 10 } else { 6 };
            self.extend(&mut block, at + head_bytes)?;
            let short = |n: usize| variable::u16_at(&block, at + 2 * n).map_or(0, usize::from);
            let (number, name, label) = (short(0), short(1), short(2));
            let rest = if formats { short(3) + short(4) } else { 0 };
            let start = at + head_bytes;
            self.extend(&mut block, start + name + label + rest)?;
            if let Some(variable) = variables.iter_mut().find(|v| usize::from(v.number) == number) {
                if name > 0 {
                    variable.name = text(&block, start, name);
                }
                variable.label = text(&block, start + name, label);
            }
            at = start + name + label + rest;
        }
        Ok(())
    }

    fn extend(&mut self, block: &mut Vec<u8>, wanted: usize) -> Result<(), ReadError> {
        while block.len() < wanted {
            block.extend_from_slice(self.records.next()?.ok_or_else(ends)?);
        }
        Ok(())
    }

    fn observations(
        &mut self,
        name: &str,
        variables: &[Variable],
        expected: Option<u64>,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let columns: Vec<_> = variables.iter().map(|v| Column { name: &v.name, label: &v.label }).collect();
        let style = TableStyle::Dataset;
        self.reader.table(&Table { name, vocabulary: Vocabulary::Cdisc, style, columns: &columns })?;
        let width = variables.iter().map(|v| v.position + v.bytes).max().unwrap_or(0);
        if width == 0 || width > ROW_BYTES_MAX {
            return match width {
                0 => Ok(None),
                _ => Err(Problem::malformed("a row would be larger than any SAS data set has").into()),
            };
        }
        let mut rows = Rows { width, pending: Vec::new(), start: self.records.position, blank: 0, number: 0, expected };
        loop {
            let record = self.records.next()?;
            let next = record.filter(|record| is_member(record)).map(<[u8]>::to_vec);
            let Some(record) = record.filter(|_| next.is_none()) else {
                if !rows.pending.iter().all(|b| *b == b' ' || *b == 0) {
                    self.reader.problem(Problem::truncated("the file ends within a row"))?;
                }
                return Ok(next);
            };
            rows.pending.extend_from_slice(record);
            rows.drain(variables, self.reader, &mut self.detector)?;
        }
    }
}

/// Rows cut out of records.
struct Rows {
    width: usize,
    pending: Vec<u8>,
    /// File offset of `pending`.
    start: u64,
    /// Blank rows that are padding unless another row follows.
    blank: u64,
    number: u64,
    expected: Option<u64>,
}

impl Rows {
    fn drain(
        &mut self,
        variables: &[Variable],
        reader: &mut Reader<'_, '_>,
        detector: &mut chardetng::EncodingDetector,
    ) -> Result<(), ReadError> {
        let whole = self.pending.len() / self.width * self.width;
        let mut row = RowBuffer::default();
        for (at, bytes) in self.pending.get(..whole).unwrap_or(&[]).chunks_exact(self.width).enumerate() {
            if bytes.iter().all(|b| *b == b' ') {
                self.blank += 1;
                continue;
            }
            self.number += 1 + std::mem::take(&mut self.blank);
            if self.expected.is_some_and(|expected| expected > 0 && self.number > expected) {
                continue;
            }
            row.clear();
            let start = self.start + (at * self.width) as u64;
            for variable in variables {
                variable.push(bytes, start, detector, &mut row);
            }
            row.report(self.number, reader)?;
        }
        self.pending.drain(..whole);
        self.start += whole as u64;
        Ok(())
    }
}

/// A decimal number in `record[from..to]`.
fn digits(record: &[u8], from: usize, to: usize) -> Option<usize> {
    std::str::from_utf8(record.get(from..to)?).ok()?.trim().parse().ok()
}

/// Header text without padding.
fn text(bytes: &[u8], at: usize, len: usize) -> String {
    let bytes = bytes.get(at..).unwrap_or(&[]);
    let bytes = bytes.get(..len).unwrap_or(bytes);
    let decoded = decode(bytes, &mut chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Allow));
    decoded.trim_matches([' ', '\0']).to_owned()
}

/// Transport files do not say their encoding: UTF-8 where it is valid, otherwise what all text so far looks like.
fn decode<'a>(bytes: &'a [u8], detector: &mut chardetng::EncodingDetector) -> std::borrow::Cow<'a, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return std::borrow::Cow::Borrowed(text);
    }
    detector.feed(bytes, false);
    let guess: &'static Encoding = detector.guess(None, chardetng::Utf8Detection::Deny);
    let encoding = if guess == UTF_8 { encoding_rs::WINDOWS_1252 } else { guess };
    encoding.decode_without_bom_handling(bytes).0
}

/// A verbatim place for text that stands in the file as it is reported, otherwise the whole cell.
fn raw(value: &str, bytes: &[u8], start: u64) -> Raw<'static> {
    match memchr::memmem::find(bytes, value.as_bytes()) {
        Some(at) => Raw::Verbatim { start: start + at as u64 },
        None => Raw::Whole { start, end: start + bytes.len() as u64 },
    }
}

#[cfg(test)]
mod tests;
