//! What is made sure of before `calamine` reads a workbook: it follows a compound file's chains even where they run in
//! circles, and makes room for as many cells as a sheet claims. It gets the records in a container of our own, once
//! they have been gone through.

use crate::Problem;

/// Rows and columns of a sheet, at most ([MS-XLS], sections 2.5.221 and 2.5.53).
const ROWS_MAX: u32 = 65_536;
const COLUMNS_MAX: u32 = 256;
/// Sheets that are looked at; calamine reads each from where its entry points to, also when many point to one place.
const SHEETS_MAX: usize = 4096;
/// How often all records together may be gone through.
const PASSES_MAX: usize = 4;

const END_OF_FILE: u16 = 0x000A;
const BEGIN_OF_FILE: u16 = 0x0809;
const SHEET: u16 = 0x0085;
const DIMENSIONS: u16 = 0x0200;
const STRING: u16 = 0x0207;
const SEVERAL_NUMBERS: u16 = 0x00BD;

/// Sectors of 4,096 bytes, so that the header has room for the whole list of allocation sectors.
const SECTOR_BYTES: usize = 4096;
const FREE: u32 = 0xFFFF_FFFF;
const END_OF_CHAIN: u32 = 0xFFFF_FFFE;
const ALLOCATION: u32 = 0xFFFF_FFFD;

/// Fails when calamine would need room for more than `cells_max` cells, or room that no sheet can need.
pub(super) fn check(records: &[u8], cells_max: usize) -> Result<(), Problem> {
    let mut sheets = Vec::new();
    for (kind, data) in Records(records) {
        match (kind, data.first_chunk::<4>()) {
            (END_OF_FILE, _) => break,
            (SHEET, Some(position)) => sheets.push(u32::from_le_bytes(*position) as usize),
            _ => {}
        }
        if sheets.len() > SHEETS_MAX {
            return Err(Problem::limit(format!("the workbook has more than {SHEETS_MAX} sheets")));
        }
    }
    let mut passes = records.len().saturating_mul(PASSES_MAX);
    let mut cells = 0;
    for position in sheets {
        let (seen, span) = sheet(records.get(position..).unwrap_or_default())?;
        passes = passes.checked_sub(seen).ok_or_else(|| {
            Problem::malformed("its sheets lie over one another; save the workbook anew to have it read")
        })?;
        cells += span;
        if cells > cells_max {
            return Err(Problem::limit(format!(
                "its sheets span more than {cells_max} cells; save the workbook as .xlsx or raise `limits.whole_bytes_max`"
            )));
        }
    }
    Ok(())
}

/// How many bytes of records a sheet has, and how many cells it spans.
fn sheet(records: &[u8]) -> Result<(usize, usize), Problem> {
    let (mut seen, mut depth) = (0, 0_u32);
    let mut span: Option<(u32, u32, u32, u32)> = None;
    for (kind, data) in Records(records) {
        seen += data.len() + 4;
        let (row, column) = (u32::from(word(data, 0)), u32::from(word(data, 2)));
        let mut last = column;
        match kind {
            // Charts within the sheet are passed over.
            BEGIN_OF_FILE => depth += 1,
            END_OF_FILE if depth <= 1 => break,
            END_OF_FILE => depth -= 1,
            _ if depth > 1 => {}
            DIMENSIONS if !has_possible_dimensions(data) => {
                return Err(Problem::malformed("a sheet states dimensions that no sheet has"));
            }
            SEVERAL_NUMBERS => last = u32::from(word(data, data.len().saturating_sub(2))),
            _ => {}
        }
        let is_cell =
            matches!(kind, 0x0006 | 0x00BD | 0x00D6 | 0x00FD | 0x0203 | 0x0204 | 0x0205 | 0x027E) && depth <= 1;
        // The string that a formula gives stands where the formula did; without one it stands first.
        let (row, column, last) = if kind == STRING && span.is_none() { (0, 0, 0) } else { (row, column, last) };
        if !(is_cell || kind == STRING && span.is_none() && depth <= 1) {
            continue;
        }
        if column.max(last) >= COLUMNS_MAX {
            return Err(Problem::malformed("a cell lies in a column that no sheet has"));
        }
        let (top, left, bottom, right) = span.unwrap_or((row, column, row, column));
        span = Some((top.min(row), left.min(column), bottom.max(row), right.max(column).max(last)));
    }
    let cells = span.map_or(0, |(top, left, bottom, right)| (bottom - top + 1) as usize * (right - left + 1) as usize);
    Ok((seen, cells))
}

/// Whether a DIMENSIONS record says what fits a sheet: rows and columns, each the first and one past the last.
fn has_possible_dimensions(data: &[u8]) -> bool {
    let long = |at: usize| u32::from(word(data, at)) | u32::from(word(data, at + 2)) << 16;
    let (first, end, left, right) = if data.len() < 14 {
        (u32::from(word(data, 0)), u32::from(word(data, 2)), u32::from(word(data, 4)), u32::from(word(data, 6)))
    } else {
        (long(0), long(4), u32::from(word(data, 8)), u32::from(word(data, 10)))
    };
    end <= ROWS_MAX && right <= COLUMNS_MAX && (end == 0 || right == 0 || (first < end && left < right))
}

/// Records by their kind.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = word(self.0, 0);
        let (data, rest) = self.0.get(4..)?.split_at_checked(usize::from(word(self.0, 2)))?;
        self.0 = rest;
        Some((kind, data))
    }
}

fn word(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).map_or(0, u16::from_le_bytes)
}

/// A compound file ([MS-CFB]) that holds nothing but the workbook's records. `None`: they are too many.
pub(super) fn contained(records: &[u8]) -> Option<Vec<u8>> {
    let words_each = SECTOR_BYTES / 4;
    // Shorter streams would lie elsewhere.
    let sectors = records.len().div_ceil(SECTOR_BYTES).max(1);
    let len = sectors * SECTOR_BYTES;
    // Each allocation sector has an entry of its own, and so has the directory.
    let tables = (sectors + 1).div_ceil(words_each - 1);
    let directory = u32::try_from(tables).ok().filter(|tables| *tables <= 109)?;
    let first = directory + 1;
    let end = first + u32::try_from(sectors).ok()?;

    let mut file = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    file.resize(24, 0);
    for short in [0x3E_u16, 4, 0xFFFE, 12, 6] {
        file.extend(short.to_le_bytes());
    }
    file.resize(40, 0);
    for long in [1, directory, directory, 0, 4096, END_OF_CHAIN, 0, END_OF_CHAIN, 0] {
        file.extend(long.to_le_bytes());
    }
    for at in 0..109 {
        file.extend(if at < directory { at } else { FREE }.to_le_bytes());
    }
    file.resize(SECTOR_BYTES, 0);
    for at in 0..end {
        let next = match at {
            _ if at < directory => ALLOCATION,
            _ if at == directory || at + 1 == end => END_OF_CHAIN,
            _ => at + 1,
        };
        file.extend(next.to_le_bytes());
    }
    while file.len() < SECTOR_BYTES * (tables + 1) {
        file.extend(FREE.to_le_bytes());
    }
    for (name, kind, first, len) in [("Root Entry", 5_u8, 0, 0), ("Workbook", 2, first, len as u64)] {
        let start = file.len();
        file.extend(name.encode_utf16().flat_map(u16::to_le_bytes));
        file.resize(start + 64, 0);
        file.extend((name.len() as u16 * 2 + 2).to_le_bytes());
        file.push(kind);
        file.resize(start + 116, 0);
        file.extend(first.to_le_bytes());
        file.extend(len.to_le_bytes());
    }
    file.resize(SECTOR_BYTES * (tables + 2), 0);
    file.extend(records);
    file.resize(SECTOR_BYTES * (tables + 2) + len, 0);
    Some(file)
}
