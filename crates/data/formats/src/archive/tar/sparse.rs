//! Sparse files: the stored pieces with the holes between them filled with zeros again.

use std::io::{self, Read};

use crate::archive::buffered::Buffered;
use crate::{Problem, ReadError};

use super::{Block, field, number};

/// Pieces of one file that are looked at.
const PIECES_MAX: usize = 1 << 20;

/// Where the stored pieces lie in the file, and how long it is.
#[derive(Default)]
pub(super) struct Map {
    pieces: Vec<(u64, u64)>,
    len: u64,
}

impl Map {
    pub(super) fn push(&mut self, offset: u64, len: u64) {
        if self.pieces.len() < PIECES_MAX {
            self.len = self.len.max(offset.saturating_add(len));
            self.pieces.push((offset, len));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn end_at(&mut self, len: Option<u64>) {
        self.len = self.len.max(len.unwrap_or(0));
    }

    /// Bytes that are really there.
    pub(super) fn stored(&self) -> u64 {
        self.pieces.iter().fold(0, |sum, piece| sum.saturating_add(piece.1))
    }

    /// `offset,length,offset,length,…` (pax 0.1).
    pub(super) fn listed(list: &str) -> Self {
        let mut map = Self::default();
        let mut numbers = list.split(',').map_while(|number| number.trim().parse::<u64>().ok());
        while let (Some(offset), Some(len)) = (numbers.next(), numbers.next()) {
            map.push(offset, len);
        }
        map
    }

    /// Four pieces in the header at 386, more in extension blocks that follow it (GNU tar manual, "Old GNU Format").
    pub(super) fn old_gnu<R: Read>(block: &Block, input: &mut Buffered<R>) -> io::Result<Self> {
        let mut map = Self::default();
        map.table(field(block, 386, 96));
        map.end_at(Some(number(field(block, 483, 12))));
        let mut more = block[482] != 0;
        while more {
            let extension = input.array::<512>()?;
            map.table(field(&extension, 0, 504));
            more = extension[504] != 0;
        }
        Ok(map)
    }

    fn table(&mut self, table: &[u8]) {
        for piece in table.chunks_exact(24).filter(|piece| piece.first() != Some(&0)) {
            let (offset, len) = piece.split_at(12);
            self.push(number(offset), number(len));
        }
    }

    /// Decimal lines at the start of the data, padded to a block (pax 1.0): the count, then offsets and lengths.
    pub(super) fn in_data(data: &mut impl Read, real_size: Option<u64>) -> Result<Self, ReadError> {
        let mut lines = Lines { data, block: [0; 512], at: 512 };
        let mut map = Self::default();
        let count = lines.number()?;
        for _ in 0..count.min(PIECES_MAX as u64) {
            let (offset, len) = (lines.number()?, lines.number()?);
            map.push(offset, len);
        }
        map.end_at(real_size);
        Ok(map)
    }
}

struct Lines<'a, R> {
    data: &'a mut R,
    block: [u8; 512],
    at: usize,
}

impl<R: Read> Lines<'_, R> {
    fn number(&mut self) -> Result<u64, ReadError> {
        let mut value = 0u64;
        for _ in 0..21 {
            if self.at == self.block.len() {
                self.data.read_exact(&mut self.block)?;
                self.at = 0;
            }
            let byte = self.block.get(self.at).copied().unwrap_or(0);
            self.at += 1;
            match byte {
                b'0'..=b'9' => value = value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0')),
                b'\n' => return Ok(value),
                _ => break,
            }
        }
        Err(Problem::malformed("the map of a sparse file is damaged").into())
    }
}

/// The file as it was, holes and all.
pub(super) struct Filled<R> {
    data: R,
    pieces: std::vec::IntoIter<(u64, u64)>,
    piece: Option<(u64, u64)>,
    at: u64,
    len: u64,
}

impl<R: Read> Filled<R> {
    pub(super) fn new(data: R, map: Map) -> Self {
        let mut pieces = map.pieces.into_iter();
        let piece = pieces.next();
        Self { data, pieces, piece, at: 0, len: map.len }
    }
}

impl<R: Read> Read for Filled<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        while let Some((_, 0)) = self.piece {
            self.piece = self.pieces.next();
        }
        let Some((offset, left)) = self.piece else { return Ok(self.zeros(buf, self.len)) };
        if offset > self.at {
            return Ok(self.zeros(buf, offset));
        }
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let n = self.data.read(buf.get_mut(..n).unwrap_or_default())?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += n as u64;
        self.piece = Some((self.at, left - n as u64));
        Ok(n)
    }
}

impl<R> Filled<R> {
    fn zeros(&mut self, buf: &mut [u8], until: u64) -> usize {
        let n = usize::try_from(until.saturating_sub(self.at)).unwrap_or(usize::MAX).min(buf.len());
        buf.get_mut(..n).unwrap_or_default().fill(0);
        self.at += n as u64;
        n
    }
}
