//! One variable of a member: its description and its cells.

use crate::Raw;
use crate::trial::row::RowBuffer;

use super::number::{self, Display};
use super::{decode, raw, text};

/// What a `NAMESTR` entry says.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) number: u16,
    pub(super) name: String,
    pub(super) label: String,
    pub(super) is_number: bool,
    /// Where it begins in a row.
    pub(super) position: usize,
    pub(super) bytes: usize,
    display: Display,
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

impl Variable {
    /// From an entry of at least 88 bytes; versions 8 and 9 hold a name of up to 32 letters behind.
    pub(super) fn parse(entry: &[u8], long: bool) -> Option<Self> {
        let position = u32::from_be_bytes(entry.get(84..88)?.try_into().ok()?);
        let long_name = if long { text(entry, 88, 32) } else { String::new() };
        let name = if long_name.is_empty() { text(entry, 8, 8) } else { long_name };
        Some(Self {
            number: u16_at(entry, 6)?,
            name,
            label: text(entry, 16, 40),
            is_number: u16_at(entry, 0)? == 1,
            position: usize::try_from(position).ok()?,
            bytes: usize::from(u16_at(entry, 4)?),
            display: Display::of(&text(entry, 56, 8)),
        })
    }

    /// Adds its cell of a row that begins at file offset `start`.
    pub(super) fn push(
        &self,
        observation: &[u8],
        start: u64,
        detector: &mut chardetng::EncodingDetector,
        row: &mut RowBuffer,
    ) {
        let bytes = observation.get(self.position..self.position + self.bytes).unwrap_or(&[]);
        let start = start + self.position as u64;
        if self.is_number {
            let value = number::parse(bytes).map(|value| number::print(value, self.display)).unwrap_or_default();
            row.push(&value, Raw::Whole { start, end: start + bytes.len() as u64 });
            return;
        }
        let decoded = decode(bytes, detector);
        let value = decoded.trim_matches([' ', '\0']);
        row.push(value, raw(value, bytes, start));
    }
}
