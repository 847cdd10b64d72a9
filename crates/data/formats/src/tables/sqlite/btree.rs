//! Pages and b-trees (sqlite.org/fileformat2.html, section 1.6).

use std::io::{Read, SeekFrom};

use crate::source::ReadSeek;
use crate::{Problem, ReadError};

use super::record::varint;

/// Levels of a b-tree; SQLite itself gives up at 20 (`BTCURSOR_MAX_DEPTH`).
const DEPTH_MAX: usize = 20;
/// What page 1 holds before its b-tree page (section 1.3).
const FILE_HEADER_BYTES: usize = 100;

/// Reads pages.
pub(super) struct Pager<'a> {
    file: Box<dyn ReadSeek + 'a>,
    page_bytes: usize,
    /// Without what is reserved at each page's end.
    usable: usize,
    pages: u64,
    payload_bytes_max: usize,
    /// A bit for each page that was read: none belongs to two trees, or to one tree twice.
    seen: Vec<u64>,
}

impl<'a> Pager<'a> {
    pub(super) fn new(
        mut file: Box<dyn ReadSeek + 'a>,
        page_bytes: usize,
        reserved: usize,
        payload_bytes_max: usize,
    ) -> Result<Self, ReadError> {
        let pages = file.seek(SeekFrom::End(0))?.div_ceil(page_bytes as u64);
        Ok(Self { file, page_bytes, usable: page_bytes - reserved, pages, payload_bytes_max, seen: Vec::new() })
    }

    /// Page `number`, counted from 1, without what is reserved. The last may be cut short.
    fn page(&mut self, number: u32) -> Result<Vec<u8>, ReadError> {
        let Some(before) = number.checked_sub(1).filter(|_| u64::from(number) <= self.pages) else {
            return Err(Problem::truncated("a page lies outside of the file; rows are missing").into());
        };
        if !self.is_new(number) {
            return Err(damaged());
        }
        self.file.seek(SeekFrom::Start(u64::from(before) * self.page_bytes as u64))?;
        let mut page = Vec::with_capacity(self.usable);
        (&mut self.file).take(self.usable as u64).read_to_end(&mut page)?;
        Ok(page)
    }

    fn is_new(&mut self, number: u32) -> bool {
        let (at, bit) = (number as usize / 64, 1 << (number % 64));
        if at >= self.seen.len() {
            self.seen.resize(at + 1, 0);
        }
        let Some(word) = self.seen.get_mut(at) else { return false };
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// The payload that begins with `local` and goes on in overflow pages from `next` on. Says whether it was cut.
    fn payload(&mut self, local: &[u8], len: u64, mut next: u32) -> Result<(Vec<u8>, bool), ReadError> {
        let wanted = usize::try_from(len).unwrap_or(usize::MAX);
        let kept = wanted.min(self.payload_bytes_max);
        let mut payload = local.to_vec();
        while payload.len() < kept {
            let page = self.page(next)?;
            let Some((link, content)) = page.split_first_chunk::<4>() else {
                return Err(Problem::truncated("the file ends within a row").into());
            };
            if content.is_empty() {
                return Err(Problem::truncated("the file ends within a row").into());
            }
            next = u32::from_be_bytes(*link);
            payload.extend_from_slice(content.get(..kept - payload.len()).unwrap_or(content));
        }
        Ok((payload, kept < wanted))
    }
}

/// One entry of a b-tree: a row of a table.
pub(super) struct Entry {
    /// 0 in tables without row ids.
    pub(super) row_id: i64,
    pub(super) payload: Vec<u8>,
    pub(super) is_cut: bool,
}

/// Goes through a b-tree in order.
pub(super) struct Walk {
    root: Option<u32>,
    stack: Vec<Page>,
    /// Damage was reported.
    pub(super) is_damaged: bool,
}

struct Page {
    bytes: Vec<u8>,
    /// Where the page's header lies.
    header: usize,
    is_leaf: bool,
    /// Keys are records and lie on all levels (tables without row ids).
    is_index: bool,
    cells: usize,
    /// The next cell; an interior page's child is visited before the cell itself.
    at: usize,
    was_child_visited: bool,
}

impl Walk {
    pub(super) fn new(root: u32) -> Self {
        Self { root: Some(root), stack: Vec::new(), is_damaged: false }
    }

    /// The next entry. After an error it goes on behind what is damaged.
    pub(super) fn next(&mut self, pager: &mut Pager<'_>) -> Result<Option<Entry>, ReadError> {
        if let Some(root) = self.root.take() {
            self.descend(root, pager)?;
        }
        while let Some(page) = self.stack.last_mut() {
            if page.at > page.cells || (page.is_leaf && page.at == page.cells) {
                self.stack.pop();
                continue;
            }
            if !page.is_leaf && !page.was_child_visited {
                page.was_child_visited = true;
                let child = page.child();
                self.descend(child.ok_or_else(damaged)?, pager)?;
                continue;
            }
            page.was_child_visited = false;
            page.at += 1;
            if page.at > page.cells || !(page.is_leaf || page.is_index) {
                continue;
            }
            return page.entry(page.at - 1, pager).map(Some);
        }
        Ok(None)
    }

    fn descend(&mut self, number: u32, pager: &mut Pager<'_>) -> Result<(), ReadError> {
        if self.stack.len() >= DEPTH_MAX {
            return Err(damaged());
        }
        let bytes = pager.page(number)?;
        self.stack.push(Page::parse(bytes, number).ok_or_else(damaged)?);
        Ok(())
    }
}

fn damaged() -> ReadError {
    Problem::malformed("a page of its b-tree is damaged; what could be reached was read").into()
}

impl Page {
    fn parse(bytes: Vec<u8>, number: u32) -> Option<Self> {
        let header = if number == 1 { FILE_HEADER_BYTES } else { 0 };
        let kind = *bytes.get(header)?;
        if !matches!(kind, 0x02 | 0x05 | 0x0A | 0x0D) {
            return None;
        }
        let is_leaf = kind & 0x08 != 0;
        let cells = usize::from(u16_at(&bytes, header + 3)?);
        let is_index = kind & 0x01 == 0;
        Some(Self { bytes, header, is_leaf, is_index, cells, at: 0, was_child_visited: false })
    }

    /// The child before the present cell, or the rightmost.
    fn child(&self) -> Option<u32> {
        let at = if self.at == self.cells { self.header + 8 } else { self.cell(self.at)? };
        self.bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
    }

    /// Where a cell begins.
    fn cell(&self, number: usize) -> Option<usize> {
        let pointers = self.header + if self.is_leaf { 8 } else { 12 };
        u16_at(&self.bytes, pointers + 2 * number).map(usize::from)
    }

    fn entry(&self, number: usize, pager: &mut Pager<'_>) -> Result<Entry, ReadError> {
        let start = self.cell(number).ok_or_else(damaged)? + if self.is_leaf { 0 } else { 4 };
        let rest = self.bytes.get(start..).ok_or_else(damaged)?;
        let (len, mut at) = varint(rest).ok_or_else(damaged)?;
        let mut row_id = 0;
        if !self.is_index {
            let (value, bytes) = rest.get(at..).and_then(varint).ok_or_else(damaged)?;
            row_id = value.cast_signed();
            at += bytes;
        }
        let local_bytes = local_bytes(len, pager.usable, self.is_index);
        let local = rest.get(at..).and_then(|rest| rest.get(..local_bytes)).ok_or_else(damaged)?;
        let next = match rest.get(at + local_bytes..).and_then(|rest| rest.first_chunk::<4>()) {
            Some(next) if (local_bytes as u64) < len => u32::from_be_bytes(*next),
            _ => 0,
        };
        let (payload, is_cut) = pager.payload(local, len, next)?;
        Ok(Entry { row_id, payload, is_cut })
    }
}

/// How much of a payload of `len` bytes lies in the cell itself (section 1.6, "B-tree Cell Format").
fn local_bytes(len: u64, usable: usize, is_index: bool) -> usize {
    let usable = usable as u64;
    let most = if is_index { (usable - 12) * 64 / 255 - 23 } else { usable - 35 };
    let least = (usable - 12) * 32 / 255 - 23;
    let local = if len <= most {
        len
    } else {
        let fitting = least + (len - least) % (usable - 4);
        if fitting <= most { fitting } else { least }
    };
    usize::try_from(local).unwrap_or(usize::MAX)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}
