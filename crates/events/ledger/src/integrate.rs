//! Building tiles, and publishing checkpoints over them.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use verify::bytes::Cursor;
use verify::merkle::{self, Hash};
use verify::names;
use verify::tile::{LEVELS_MAX, Tile, WIDTH, push_entry};
use verify::wal;

use crate::LedgerError;
use crate::backlog::{Backlog, Durable, Work};
use crate::disk::{Disk, parent, replace};

/// What the last published checkpoint covers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Published {
    pub size: u64,
    pub note: String,
}

/// The tree as far as it was built.
pub(crate) struct Tree {
    pub disk: Arc<dyn Disk>,
    pub size: u64,
    /// Hashes of each level that do not fill a tile yet.
    pub levels: Vec<Vec<Hash>>,
    /// Entries that do not fill a bundle yet, each behind its length.
    pub bundle: Vec<u8>,
    /// The checkpoint over `size` entries.
    pub note: String,
    /// Partial tiles of the checkpoint that is published.
    pub partial: Vec<String>,
    /// First entries of the segments that are there.
    pub segments: Vec<u64>,
    pub published: Arc<RwLock<Published>>,
    folders: HashSet<String>,
}

impl Tree {
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        Self {
            disk,
            size: 0,
            levels: vec![Vec::new(); usize::from(LEVELS_MAX)],
            bundle: Vec::new(),
            note: String::new(),
            partial: Vec::new(),
            segments: Vec::new(),
            published: Arc::default(),
            folders: HashSet::new(),
        }
    }

    /// Adds a batch.
    pub fn add(&mut self, batch: Durable) -> Result<(), LedgerError> {
        if self.segments.last() != Some(&batch.segment) {
            self.segments.push(batch.segment);
        }
        let damaged = || LedgerError::damaged("wal", "a batch does not hold its entries");
        let mut cursor = Cursor::new(&batch.bundle);
        for leaf in &batch.leaves {
            let length = cursor.u16("an entry").map_err(|_short| damaged())?;
            let entry = cursor.take(usize::from(length), "an entry").map_err(|_short| damaged())?;
            push_entry(&mut self.bundle, entry).map_err(|_long| damaged())?;
            self.push(*leaf)?;
        }
        self.note = batch.note;
        Ok(())
    }

    /// Adds a leaf whose entry is in the bundle already, and writes every tile that this fills.
    fn push(&mut self, leaf: Hash) -> Result<(), LedgerError> {
        self.size += 1;
        let mut hash = leaf;
        for level in 0..LEVELS_MAX {
            let Some(pending) = self.levels.get_mut(usize::from(level)) else { break };
            pending.push(hash);
            if (pending.len() as u64) < WIDTH {
                break;
            }
            let full = std::mem::take(pending);
            let index = (self.size >> (8 * u32::from(level))) / WIDTH - 1;
            if level == 0 {
                let bundle = std::mem::take(&mut self.bundle);
                self.write(&Tile { level: None, index, width: 256 }, &bundle)?;
            }
            self.write(&Tile { level: Some(level), index, width: 256 }, full.as_flattened())?;
            hash = merkle::root(&full);
        }
        Ok(())
    }

    fn write(&mut self, tile: &Tile, bytes: &[u8]) -> Result<String, LedgerError> {
        let path = tile.path();
        let folder = parent(&path);
        if !self.folders.contains(folder) {
            self.disk.create_folder(folder).map_err(LedgerError::io("create", folder))?;
            // Below a folder lie at most 1000 tiles and their partial ones: what is remembered stays small.
            if tile.is_full() {
                self.folders.insert(folder.to_owned());
            }
        }
        self.disk.write(&path, bytes).map_err(LedgerError::io("write", &path))?;
        Ok(path)
    }

    /// Makes all that was added durable in tiles, then the checkpoint over it; then removes what it replaces.
    pub fn publish(&mut self) -> Result<(), LedgerError> {
        let partial = self.write_partial()?;
        self.disk.sync_all().map_err(LedgerError::io("sync", names::TILE))?;
        replace(&*self.disk, names::CHECKPOINT, self.note.as_bytes())
            .map_err(LedgerError::io("write", names::CHECKPOINT))?;
        let published = Published { size: self.size, note: self.note.clone() };
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = published;
        for path in std::mem::replace(&mut self.partial, partial) {
            if !self.partial.contains(&path) {
                self.disk.remove(&path).map_err(LedgerError::io("remove", &path))?;
            }
        }
        // A segment is done with when the one after it begins within the tree.
        while let [first, next, ..] = self.segments.as_slice() {
            if *next > self.size {
                break;
            }
            let path = wal::path(*first);
            self.disk.remove(&path).map_err(LedgerError::io("remove", &path))?;
            self.segments.remove(0);
        }
        Ok(())
    }

    fn write_partial(&mut self) -> Result<Vec<String>, LedgerError> {
        let mut paths = Vec::new();
        let partial = partial_tiles(self.size);
        for tile in partial {
            // One that is published already must not be touched: a crash could leave it torn.
            if let Some(path) = Some(tile.path()).filter(|path| self.partial.contains(path)) {
                paths.push(path);
                continue;
            }
            let bytes = match tile.level {
                None => self.bundle.clone(),
                Some(level) => self.levels.get(usize::from(level)).cloned().unwrap_or_default().into_flattened(),
            };
            paths.push(self.write(&tile, &bytes)?);
        }
        Ok(paths)
    }

    fn is_published(&self) -> bool {
        self.published.read().unwrap_or_else(PoisonError::into_inner).size == self.size
    }
}

/// The partial tiles and bundle of a tree of `size` leaves.
pub(crate) fn partial_tiles(size: u64) -> Vec<Tile> {
    let last = |level: Option<u8>| {
        let hashes = size >> (8 * u32::from(level.unwrap_or(0)));
        Tile::within(level, hashes / WIDTH, size).filter(|tile| !tile.is_full())
    };
    (0..LEVELS_MAX).map(Some).chain([None]).filter_map(last).collect()
}

/// Builds until it is told to end, or a write fails.
pub(crate) fn run(mut tree: Tree, backlog: &Backlog, every: Duration, stopped: &OnceLock<Arc<str>>) {
    if let Err(error) = work(&mut tree, backlog, every) {
        let _first = stopped.set(crate::writer::reason(&error));
        tracing::error!(%error, "the ledger's tree cannot be written; nothing more is taken");
    }
    backlog.close();
}

fn work(tree: &mut Tree, backlog: &Backlog, every: Duration) -> Result<(), LedgerError> {
    let mut last = Instant::now();
    loop {
        let wait = if tree.is_published() { every } else { every.saturating_sub(last.elapsed()) };
        match backlog.take(wait) {
            Some(Work::Batch(batch)) => {
                if tree.is_published() {
                    last = Instant::now();
                }
                tree.add(batch)?;
            }
            Some(Work::Publish(answer)) => {
                let published = if tree.is_published() { Ok(()) } else { tree.publish() };
                let failed = published.as_ref().err().map(crate::writer::reason);
                let _gone = answer.send(published);
                if let Some(why) = failed {
                    return Err(LedgerError::Stopped { why });
                }
            }
            Some(Work::End) => {
                return if tree.is_published() { Ok(()) } else { tree.publish() };
            }
            None => {}
        }
        if !tree.is_published() && last.elapsed() >= every {
            tree.publish()?;
            last = Instant::now();
        }
    }
}
