//! Compound files ([MS-CFB]): binary Excel workbooks, encrypted Office documents, and everything else that is a
//! file system in a file.

use std::io::Cursor;

use model::Format;

use crate::{Member, Problem, ReadError, Reader, Source};

use super::xls;

const HEADER_BYTES: usize = 512;
const ENTRY_BYTES: usize = 128;
/// Sector numbers from here on are marks (end of chain, free).
const LAST_SECTOR: u32 = 0xFFFF_FFFA;
/// Directory entries that are looked at.
const ENTRIES_MAX: usize = 65_536;

/// One stream by its name.
pub(super) struct Stream {
    name: String,
    first: u32,
    len: u64,
}

/// A compound file in memory.
pub(super) struct Compound<'a> {
    bytes: &'a [u8],
    sector_bytes: usize,
    table: Vec<u32>,
    small_table: Vec<u32>,
    small: Vec<u8>,
    small_below: u64,
    pub(super) streams: Vec<Stream>,
}

pub(super) fn read(source: Source<'_>, reader: &mut Reader<'_, '_>) -> Result<(), ReadError> {
    let bytes = source.into_bytes(reader.room_to_hold())?;
    let compound = Compound::parse(&bytes)?;
    let has = |name: &str| compound.streams.iter().any(|stream| stream.name.eq_ignore_ascii_case(name));
    if has("EncryptedPackage") {
        reader.format(Format::Binary)?;
        return Err(Problem::encrypted("the Office document is protected by a password; remove it first").into());
    }
    if has("Workbook") || has("Book") {
        let workbook =
            compound.streams.iter().find(|s| ["Workbook", "Book"].iter().any(|n| s.name.eq_ignore_ascii_case(n)));
        let records = workbook.map(|stream| compound.content(stream)).unwrap_or_default();
        drop(bytes);
        return xls::read(&records, reader);
    }
    reader.format(Format::Binary)?;
    reader.holds(bytes.len());
    for stream in compound.streams.iter().filter(|stream| stream.len > 0) {
        let content = compound.content(stream);
        if (content.len() as u64) < stream.len {
            reader.problem(Problem::truncated(format!("the stream `{}` ends early", stream.name)))?;
        }
        let member = Member { name: &stream.name, len: Some(stream.len) };
        reader.member(&member, Source::seek(Cursor::new(content))?)?;
    }
    reader.releases(bytes.len());
    Ok(())
}

impl<'a> Compound<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Problem> {
        let damaged = || Problem::malformed("the compound file's structure is damaged");
        let header =
            bytes.get(..HEADER_BYTES).ok_or_else(|| Problem::truncated("the compound file ends within its header"))?;
        let shift = u16_at(header, 30);
        if shift != 9 && shift != 12 {
            return Err(damaged());
        }
        let sector_bytes = 1usize << shift;
        let mut compound = Self {
            bytes,
            sector_bytes,
            table: Vec::new(),
            small_table: Vec::new(),
            small: Vec::new(),
            small_below: u64::from(u32_at(header, 56)),
            streams: Vec::new(),
        };
        compound.table = compound.read_table(header);
        let small_table = compound.chain(u32_at(header, 60), u64::MAX);
        compound.small_table = words(&small_table);
        let directory = compound.chain(u32_at(header, 48), (ENTRIES_MAX * ENTRY_BYTES) as u64);
        for entry in directory.chunks_exact(ENTRY_BYTES) {
            let stream = Stream {
                name: entry_name(entry),
                first: u32_at(entry, 116),
                // The upper half is only used with sectors of 4,096 bytes.
                len: u64::from(u32_at(entry, 120)) | if shift == 12 { u64::from(u32_at(entry, 124)) << 32 } else { 0 },
            };
            match entry.get(66) {
                Some(2) => compound.streams.push(stream),
                Some(5) => compound.small = compound.chain(stream.first, stream.len),
                _ => {}
            }
        }
        if compound.streams.is_empty() { Err(damaged()) } else { Ok(compound) }
    }

    /// The allocation table: its first 109 sectors are listed in the header, the others in a chain of lists.
    fn read_table(&self, header: &[u8]) -> Vec<u32> {
        let mut sectors = words(header.get(76..).unwrap_or_default());
        let mut next = u32_at(header, 68);
        let sectors_max = self.bytes.len() / self.sector_bytes + 1;
        while next < LAST_SECTOR && sectors.len() <= sectors_max {
            let mut list = words(self.sector(next));
            next = list.pop().unwrap_or(LAST_SECTOR);
            if list.is_empty() {
                break;
            }
            sectors.append(&mut list);
        }
        sectors.truncate(sectors_max);
        sectors.iter().filter(|sector| **sector < LAST_SECTOR).flat_map(|sector| words(self.sector(*sector))).collect()
    }

    fn sector(&self, number: u32) -> &'a [u8] {
        let start = (number as usize).saturating_add(1).saturating_mul(self.sector_bytes);
        let end = start.saturating_add(self.sector_bytes).min(self.bytes.len());
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// A chain of sectors, up to where it leaves the file. It cannot be longer than the file, so cycles end.
    fn chain(&self, first: u32, len: u64) -> Vec<u8> {
        let mut content = Vec::new();
        let mut next = first;
        while next < LAST_SECTOR && (content.len() as u64) < len && content.len() <= self.bytes.len() {
            let sector = self.sector(next);
            if sector.is_empty() {
                break;
            }
            content.extend_from_slice(sector);
            next = self.table.get(next as usize).copied().unwrap_or(LAST_SECTOR);
        }
        content.truncate(usize::try_from(len).unwrap_or(usize::MAX));
        content
    }

    /// A stream's bytes; fewer than its length where the file is damaged.
    pub(super) fn content(&self, stream: &Stream) -> Vec<u8> {
        if stream.len >= self.small_below {
            return self.chain(stream.first, stream.len);
        }
        let mut content = Vec::new();
        let mut next = stream.first;
        while next < LAST_SECTOR && (content.len() as u64) < stream.len && content.len() <= self.small.len() {
            let start = (next as usize).saturating_mul(64);
            let sector = self.small.get(start..start.saturating_add(64).min(self.small.len())).unwrap_or_default();
            if sector.is_empty() {
                break;
            }
            content.extend_from_slice(sector);
            next = self.small_table.get(next as usize).copied().unwrap_or(LAST_SECTOR);
        }
        content.truncate(usize::try_from(stream.len).unwrap_or(usize::MAX));
        content
    }
}

fn entry_name(entry: &[u8]) -> String {
    let len = usize::from(u16_at(entry, 64)).saturating_sub(2).min(62);
    let units = entry.get(..len).unwrap_or_default().chunks_exact(2).map(|unit| u16_at(unit, 0));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).filter(|c| !c.is_control()).collect()
}

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|word| u32_at(word, 0)).collect()
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}
