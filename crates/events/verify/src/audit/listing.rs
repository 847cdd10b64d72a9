//! Every file below the ledger: each must be one that the audit has read.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::files::Files;
use crate::names;
use crate::note::{Checkpoint, NOTE_BYTES_MAX, Note};
use crate::tile::{LEVELS_MAX, Tile, WIDTH, entries, hashes};
use crate::wal;

use super::report::FaultKind;
use super::{Audit, Mode};

/// Partial tiles and strange files that are remembered.
const REMEMBERED_MAX: usize = 100_000;
/// How often the beginning of a live ledger is read anew because it moved on.
const ATTEMPTS_MAX: usize = 20;

/// What lies in the folder, but for full tiles, of which there may be very many.
#[derive(Default)]
pub(super) struct Listing {
    /// First entries of the segments of the write-ahead log, sorted.
    pub segments: Vec<u64>,
    /// Copies below `anchors/` and `cosigned/`.
    pub copies: BTreeSet<String>,
    partial: Vec<(Tile, String)>,
    /// How many full tiles each level has, and the one with the highest index; bundles are level 255.
    full: BTreeMap<u8, (u64, u64)>,
    stray: Vec<(String, &'static str)>,
}

impl Listing {
    pub(super) fn new(files: &dyn Files) -> io::Result<Self> {
        let mut listing = Self::default();
        files.list(&mut |path, length| listing.add(path, length))?;
        listing.segments.sort_unstable();
        Ok(listing)
    }

    fn add(&mut self, path: &str, length: Option<u64>) {
        let top = path.split('/').next().unwrap_or_default();
        let why = match (top, length) {
            (names::DERIVED, Some(_)) if path != names::DERIVED => return,
            (_, None) => "it is no plain file",
            (names::CHECKPOINT | names::LOG_KEY, _) if top == path => return,
            (names::LOCK, Some(0)) if top == path => return,
            (names::TILE, _) => match Tile::parse(path) {
                Some(tile) if tile.is_full() => {
                    let (count, last) = self.full.entry(tile.level.unwrap_or(u8::MAX)).or_default();
                    *count += 1;
                    *last = tile.index.max(*last);
                    return;
                }
                Some(tile) if self.partial.len() < REMEMBERED_MAX => {
                    self.partial.push((tile, path.to_owned()));
                    return;
                }
                _ => "no tile has this name",
            },
            (names::WAL, _) => match wal::parse_path(path) {
                Some(first) if self.segments.len() < REMEMBERED_MAX => {
                    self.segments.push(first);
                    return;
                }
                _ => "no segment has this name",
            },
            (names::ANCHORS | names::COSIGNED, _) if self.copies.len() < REMEMBERED_MAX => {
                self.copies.insert(path.to_owned());
                return;
            }
            _ => "it does not belong below a ledger",
        };
        if self.stray.len() < REMEMBERED_MAX {
            self.stray.push((path.to_owned(), why));
        }
    }
}

impl Audit<'_> {
    /// Tells what should not be there.
    pub(super) fn listed(&mut self, size: u64, mode: Mode, listing: &Listing) {
        for (path, why) in &listing.stray {
            // A checkpoint is written beside its place before it takes it.
            if mode == Mode::Closed || path != "checkpoint.tmp" {
                self.report.fault(FaultKind::Stray, None, path, (*why).to_owned());
            }
        }
        if mode == Mode::Live {
            return;
        }
        for (level, (count, last)) in &listing.full {
            let level = (*level < LEVELS_MAX).then_some(*level);
            let due = size.checked_shr(u32::from(level.unwrap_or(0)) * 8).unwrap_or(0) / WIDTH;
            // Those that are due have been read one by one, and missing ones told.
            if *last >= due && *count > 0 {
                let path = Tile { level, index: *last, width: 256 }.path();
                let text = "it lies beyond the checkpoint; if the program was killed, start it once and verify again";
                self.report.fault(FaultKind::Stray, None, &path, text.to_owned());
            }
        }
        for (tile, path) in &listing.partial {
            self.partial(size, tile, path);
        }
    }

    /// A partial tile must be the beginning of what the tree has there.
    fn partial(&mut self, size: u64, tile: &Tile, path: &str) {
        let Some(whole) = Tile::within(tile.level, tile.index, size).filter(|whole| whole.width >= tile.width) else {
            return self.report.fault(FaultKind::Stray, None, path, "it lies beyond the checkpoint".to_owned());
        };
        if whole == *tile {
            return;
        }
        let width = usize::from(tile.width);
        let limit = u64::from(u32::MAX);
        let (Ok(part), Ok(all)) = (self.files.read(path, limit), self.files.read(&whole.path(), limit)) else { return };
        let first = tile.index.saturating_mul(WIDTH);
        let holds = all.starts_with(&part)
            && match tile.level {
                Some(_) => hashes(&part).is_some_and(|hashes| hashes.len() == width),
                None => entries(&part).is_ok_and(|entries| entries.len() == width),
            };
        if !holds {
            let text = format!("it is not the beginning of `{}`", whole.path());
            let entry = tile.level.unwrap_or(0) == 0;
            self.report.fault(FaultKind::Changed, entry.then_some(first), path, text);
        }
    }
}

/// A ledger that somebody appends to, as of one checkpoint: what moves on is kept from the beginning.
pub(super) struct Snapshot<'a> {
    files: &'a dyn Files,
    kept: BTreeMap<String, Vec<u8>>,
}

impl<'a> Snapshot<'a> {
    pub(super) fn take(files: &'a dyn Files) -> io::Result<Self> {
        let mut last = io::Error::other("the ledger moves on faster than it can be read; try again");
        for _ in 0..ATTEMPTS_MAX {
            match Self::attempt(files) {
                Ok(snapshot) => return Ok(snapshot),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn attempt(files: &'a dyn Files) -> io::Result<Self> {
        let note = files.read(names::CHECKPOINT, NOTE_BYTES_MAX as u64)?;
        let size =
            Note::parse(&note).and_then(|note| Checkpoint::parse(&note.text)).map_or(0, |checkpoint| checkpoint.size);
        let mut kept = BTreeMap::from([(names::CHECKPOINT.to_owned(), note)]);
        for level in (0..LEVELS_MAX).map(Some).chain([None]) {
            let hashes = size >> (8 * u32::from(level.unwrap_or(0)));
            let last = Tile::within(level, hashes / WIDTH, size).filter(|tile| !tile.is_full());
            if let Some(tile) = last {
                kept.insert(tile.path(), files.read(&tile.path(), u64::from(u32::MAX))?);
            }
        }
        Ok(Self { files, kept })
    }
}

impl Files for Snapshot<'_> {
    fn read(&self, path: &str, limit: u64) -> io::Result<Vec<u8>> {
        match self.kept.get(path) {
            Some(bytes) => Ok(bytes.clone()),
            None => self.files.read(path, limit),
        }
    }

    fn list(&self, visit: &mut dyn FnMut(&str, Option<u64>)) -> io::Result<()> {
        self.files.list(visit)
    }
}
