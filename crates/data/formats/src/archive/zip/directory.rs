//! The central directory: what an archive says it holds.

use std::io::{Read, SeekFrom};

use crate::source::ReadSeek;
use crate::{Problem, ReadError};

use super::member::{LOCAL_HEADER, LOCAL_HEADER_BYTES};

const END: [u8; 4] = *b"PK\x05\x06";
const END_BYTES: u64 = 22;
const END64: [u8; 4] = *b"PK\x06\x06";
const END64_LOCATOR: [u8; 4] = *b"PK\x06\x07";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
/// The end record is followed by a comment of at most 65,535 bytes.
const END_SEARCH_BYTES: u64 = END_BYTES + 65_535;

/// General purpose flags (APPNOTE 4.4.4).
const FLAG_ENCRYPTED: u16 = 1;
const FLAG_STRONG: u16 = 1 << 6;
const FLAG_UTF8: u16 = 1 << 11;
const FLAG_MASKED: u16 = 1 << 13;

/// One member as a header describes it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its name as stored.
    pub(crate) name: Box<str>,
    /// Where its local header begins.
    pub(crate) header_at: u64,
    /// Compressed bytes.
    pub(crate) packed: u64,
    /// Expanded bytes, as declared.
    pub(crate) size: u64,
    pub(crate) crc: u32,
    pub(crate) method: u16,
    pub(crate) flags: u16,
}

impl Entry {
    pub(crate) fn is_folder(&self) -> bool {
        self.name.ends_with('/') && self.size == 0
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.flags & (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED) != 0
    }

    /// Where the bytes of a member that is neither compressed nor encrypted begin.
    pub(crate) fn stored_at(&self, file: &mut (dyn ReadSeek + '_)) -> Result<Option<u64>, ReadError> {
        if self.method != 0 || self.is_encrypted() || self.packed != self.size {
            return Ok(None);
        }
        self.data_at(file).map(Some)
    }

    /// Where the member's bytes begin: behind its local header, whose name and extra field have their own lengths.
    pub(crate) fn data_at(&self, file: &mut (dyn ReadSeek + '_)) -> Result<u64, ReadError> {
        file.seek(SeekFrom::Start(self.header_at))?;
        let mut header = [0; LOCAL_HEADER_BYTES];
        file.read_exact(&mut header)?;
        if !header.starts_with(&LOCAL_HEADER) {
            return Err(Problem::malformed("the directory points to where no member begins").into());
        }
        let skip = u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        Ok(self.header_at + LOCAL_HEADER_BYTES as u64 + skip)
    }
}

/// All members in the order of their bytes.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) entries: Vec<Entry>,
    /// Members left out because they share bytes with one before them.
    pub(crate) overlapping: u64,
}

impl Directory {
    /// Reads the directory at the end of an archive.
    ///
    /// # Errors
    /// A problem when there is none, it is damaged, or it lists more than `members_max`.
    pub(crate) fn read(file: &mut (dyn ReadSeek + '_), members_max: u64) -> Result<Self, ReadError> {
        let end = End::find(file)?;
        file.seek(SeekFrom::Start(end.directory_at))?;
        let mut bytes = std::io::BufReader::with_capacity(64 * 1024, file.take(end.directory_bytes));
        let mut entries = Vec::new();
        while let Some(entry) = read_entry(&mut bytes, end.prefix)? {
            entries.push(entry);
            if entries.len() as u64 > members_max {
                break;
            }
        }
        if (entries.len() as u64) < end.members.min(members_max) {
            return Err(Problem::malformed(
                "the archive's directory is damaged; members were read by their own headers",
            )
            .into());
        }
        Ok(Self::without_overlaps(entries))
    }

    /// The member of that name, compared without ASCII case, as Office does.
    pub(crate) fn named(&self, name: &str) -> Option<&Entry> {
        let name = name.trim_start_matches('/');
        self.entries.iter().find(|entry| entry.name.trim_start_matches('/').eq_ignore_ascii_case(name))
    }

    fn without_overlaps(mut entries: Vec<Entry>) -> Self {
        entries.sort_by_key(|entry| entry.header_at);
        let before = entries.len();
        let mut end = 0;
        entries.retain(|entry| {
            let free = entry.header_at >= end;
            if free {
                let data_at = entry.header_at.saturating_add(LOCAL_HEADER_BYTES as u64);
                end = data_at.saturating_add(entry.packed);
            }
            free
        });
        let overlapping = (before - entries.len()) as u64;
        Self { entries, overlapping }
    }
}

/// What the end records say.
struct End {
    directory_at: u64,
    directory_bytes: u64,
    members: u64,
    /// Bytes in front of the archive proper, as in a self-extracting one.
    prefix: u64,
}

impl End {
    fn find(file: &mut (dyn ReadSeek + '_)) -> Result<Self, ReadError> {
        let len = file.seek(SeekFrom::End(0))?;
        let from = len.saturating_sub(END_SEARCH_BYTES);
        file.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        file.take(END_SEARCH_BYTES).read_to_end(&mut tail)?;
        let missing =
            || Problem::truncated("the archive's directory is missing; members were read by their own headers");
        let at = memchr::memmem::rfind(&tail, &END).ok_or_else(missing)?;
        let record = tail.get(at..at + END_BYTES as usize).ok_or_else(missing)?;
        let end_at = from + at as u64;
        let (members, bytes, offset) = (u16_at(record, 10), u32_at(record, 12), u32_at(record, 16));
        if (members == u16::MAX || bytes == u32::MAX || offset == u32::MAX)
            && let Some(end) = Self::find64(file, end_at)?
        {
            return Ok(end);
        }
        let directory_bytes = u64::from(bytes);
        let directory_at = end_at.checked_sub(directory_bytes).ok_or_else(missing)?;
        let prefix = directory_at.checked_sub(u64::from(offset)).ok_or_else(missing)?;
        Ok(Self { directory_at, directory_bytes, members: u64::from(members), prefix })
    }

    /// The zip64 end record, through its locator right before the old one (APPNOTE 4.3.14 and 4.3.15).
    fn find64(file: &mut (dyn ReadSeek + '_), end_at: u64) -> Result<Option<Self>, ReadError> {
        let Some(locator_at) = end_at.checked_sub(20) else { return Ok(None) };
        file.seek(SeekFrom::Start(locator_at))?;
        let mut locator = [0; 20];
        file.read_exact(&mut locator)?;
        if !locator.starts_with(&END64_LOCATOR) {
            return Ok(None);
        }
        let stated_at = u64_at(&locator, 8);
        // Behind a prefix the record is not where the locator says, but without extensions it ends at the locator.
        for at in [stated_at, locator_at.saturating_sub(56)] {
            let mut record = [0; 56];
            if file.seek(SeekFrom::Start(at)).is_err() || file.read_exact(&mut record).is_err() {
                continue;
            }
            if record.starts_with(&END64) {
                let (bytes, offset) = (u64_at(&record, 40), u64_at(&record, 48));
                let prefix = at.saturating_sub(stated_at);
                let directory_at = offset.saturating_add(prefix);
                return Ok(Some(Self { directory_at, directory_bytes: bytes, members: u64_at(&record, 32), prefix }));
            }
        }
        Ok(None)
    }
}

fn read_entry(bytes: &mut impl Read, prefix: u64) -> Result<Option<Entry>, ReadError> {
    let mut fixed = [0; 46];
    if bytes.read_exact(&mut fixed).is_err() || !fixed.starts_with(&ENTRY) {
        return Ok(None);
    }
    let lens = [u16_at(&fixed, 28), u16_at(&fixed, 30), u16_at(&fixed, 32)].map(usize::from);
    let mut variable = vec![0; lens.iter().sum()];
    if bytes.read_exact(&mut variable).is_err() {
        return Ok(None);
    }
    let (name, rest) = variable.split_at_checked(lens[0]).unwrap_or_default();
    let extra = rest.get(..lens[1]).unwrap_or_default();
    let flags = u16_at(&fixed, 8);
    let mut entry = Entry {
        name: entry_name(name, extra, flags),
        header_at: u64::from(u32_at(&fixed, 42)),
        packed: u64::from(u32_at(&fixed, 20)),
        size: u64::from(u32_at(&fixed, 24)),
        crc: u32_at(&fixed, 16),
        method: u16_at(&fixed, 10),
        flags,
    };
    let mut wide = [&mut entry.size, &mut entry.packed, &mut entry.header_at];
    widen(extra, &mut wide);
    entry.header_at = entry.header_at.saturating_add(prefix);
    Ok(Some(entry))
}

/// Replaces 32-bit fields that are full by their 64-bit values in the extra field (APPNOTE 4.5.3), in that order.
pub(super) fn widen(extra: &[u8], fields: &mut [&mut u64]) {
    let Some(mut values) = extra_field(extra, 1) else { return };
    for field in fields.iter_mut().filter(|field| ***field == u64::from(u32::MAX)) {
        let Some((value, rest)) = values.split_first_chunk::<8>() else { return };
        **field = u64::from_le_bytes(*value);
        values = rest;
    }
}

fn extra_field(mut extra: &[u8], id: u16) -> Option<&[u8]> {
    while extra.len() >= 4 {
        let len = usize::from(u16_at(extra, 2));
        let body = extra.get(4..4 + len)?;
        if u16_at(extra, 0) == id {
            return Some(body);
        }
        extra = extra.get(4 + len..)?;
    }
    None
}

/// The name: UTF-8 where said or where it is; else what looks like Shift-JIS; else the format's own code page 437.
pub(super) fn entry_name(name: &[u8], extra: &[u8], flags: u16) -> Box<str> {
    // Info-ZIP's Unicode path: version, CRC of the plain name, then UTF-8.
    if let Some([1, _, _, _, _, path @ ..]) = extra_field(extra, 0x7075)
        && let Ok(path) = std::str::from_utf8(path)
    {
        return path.into();
    }
    match std::str::from_utf8(name) {
        Ok(name) => name.into(),
        Err(_) if flags & FLAG_UTF8 != 0 => String::from_utf8_lossy(name).into(),
        Err(_) => {
            let (text, _, errors) = encoding_rs::SHIFT_JIS.decode(name);
            let is_japanese =
                !errors && text.chars().any(|c| matches!(c, '\u{3041}'..='\u{30FF}' | '\u{4E00}'..='\u{9FFF}'));
            if is_japanese { text.into() } else { name.iter().map(|&byte| cp437(byte)).collect() }
        }
    }
}

/// The upper half of code page 437 (IBM), which APPNOTE appendix D names as the default.
const CP437_UPPER: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}";

fn cp437(byte: u8) -> char {
    match byte.checked_sub(0x80) {
        None => char::from(byte),
        Some(upper) => CP437_UPPER.chars().nth(usize::from(upper)).unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}
