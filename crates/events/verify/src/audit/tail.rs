//! The write-ahead log: what it holds below the checkpoint must be the same entries; what it holds beyond is part of the
//! ledger.

use crate::bytes::Cursor;
use crate::merkle;
use crate::proof::Tiles as _;
use crate::tile::{Tile, WIDTH};
use crate::wal::{self, Batch};

use super::report::FaultKind;
use super::stream::Stored;
use super::{Audit, parse_checkpoint};

/// The longest segment that is looked at, in bytes.
const SEGMENT_BYTES_MAX: u64 = 1 << 30;

impl Audit<'_> {
    /// Reads the segments, which are sorted by their first entries.
    pub(super) fn tail(&mut self, size: u64, segments: &[u64]) {
        let tail = self.edge.size() == size;
        for first in segments {
            let path = wal::path(*first);
            match self.files.read(&path, SEGMENT_BYTES_MAX) {
                Ok(bytes) => self.segment(size, *first, &path, &bytes, tail),
                Err(error) => self.report.fault(FaultKind::Missing, None, &path, error.to_string()),
            }
        }
    }

    fn segment(&mut self, size: u64, first: u64, path: &str, bytes: &[u8], tail: bool) {
        let mut cursor = Cursor::new(bytes);
        let mut next = first;
        while !cursor.rest().is_empty() {
            let batch = match wal::take(&mut cursor) {
                Ok(batch) => batch,
                Err(error) => {
                    let text = format!("{error}; if the program was killed, start it once and verify again");
                    return self.report.fault(FaultKind::Unfinished, Some(next), path, text);
                }
            };
            if batch.first != next {
                let text = format!("a batch begins with entry {} where {next} should stand", batch.first);
                return self.report.fault(FaultKind::Sequence, Some(next), path, text);
            }
            let Some(count) = self.batch(size, &batch, path, tail) else { return };
            next += count;
        }
    }

    fn batch(&mut self, size: u64, batch: &Batch<'_>, path: &str, tail: bool) -> Option<u64> {
        let entries = match batch.entries() {
            Ok(entries) => entries,
            Err(error) => {
                self.report.fault(FaultKind::Damaged, Some(batch.first), path, error.to_string());
                return None;
            }
        };
        let end = batch.first + entries.len() as u64;
        for (index, bytes) in (batch.first..).zip(&entries) {
            if index < size {
                self.same(size, index, bytes, path);
            } else if index == self.edge.size() && tail {
                self.edge.push(merkle::leaf(bytes));
                self.entry(index, bytes, path);
                if self.pinned_size() == Some(self.edge.size()) {
                    self.pinned_edge = Some(self.edge.clone());
                }
            } else {
                let text = format!("entries from {} on are missing before it", self.edge.size());
                self.report.fault(FaultKind::Sequence, Some(index), path, text);
                return None;
            }
        }
        match parse_checkpoint(batch.note, 1) {
            Ok((note, checkpoint)) if checkpoint.size == end => {
                self.hold(&note, &checkpoint, None, path);
            }
            Ok((_, checkpoint)) => {
                let text = format!("the batch that ends with {end} entries is signed as {}", checkpoint.size);
                self.report.fault(FaultKind::Changed, Some(batch.first), path, text);
            }
            Err(error) => self.report.fault(FaultKind::Damaged, Some(batch.first), path, error.to_string()),
        }
        Some(entries.len() as u64)
    }

    /// Holds an entry that has a tile already against it.
    fn same(&mut self, size: u64, index: u64, bytes: &[u8], path: &str) {
        let Some(tile) = Tile::within(Some(0), index / WIDTH, size) else { return };
        let at = usize::try_from(index % WIDTH).unwrap_or(0);
        let tile = match &self.tile {
            Some((known, hashes)) if *known == tile => hashes.get(at).copied(),
            _ => {
                let hashes = Stored(self.files).hashes(&tile).unwrap_or_default();
                let hash = hashes.get(at).copied();
                self.tile = Some((tile, hashes));
                hash
            }
        };
        // Without a tile there is a fault already.
        if tile.is_some_and(|hash| hash != merkle::leaf(bytes)) {
            let text = "it is not the entry that the tiles were built from".to_owned();
            self.report.fault(FaultKind::Changed, Some(index), path, text);
        }
    }
}
