//! Opening a ledger: what the write-ahead log holds beyond the last checkpoint is built into the tree again, and what a
//! crash left half done is removed. An entry that was acknowledged lies in a complete, signed batch; only the last batch
//! can be incomplete, and nobody was told of it.

use std::io;
use std::sync::Arc;

use verify::bytes::Cursor;
use verify::entry::{self, Body};
use verify::merkle::{self, Edge, Hash};
use verify::names;
use verify::note::{Checkpoint, Note, SigningKey};
use verify::proof::{ProofError, Tiles, edge};
use verify::tile::{LEVELS_MAX, Tile, WIDTH, entries, hashes};
use verify::wal::{self, Batch, MAGIC};

use crate::backlog::Durable;
use crate::disk::{Disk, parent, replace};
use crate::integrate::{Published, Tree, partial_tiles};
use crate::{Keys, LedgerError};

/// A ledger that is ready to be appended to.
pub(crate) struct Opened {
    pub tree: Tree,
    pub edge: Edge,
    pub key: Arc<SigningKey>,
    /// Time of the last entry.
    pub last_ms: i64,
    /// Entries taken from the write-ahead log.
    pub replayed: u64,
    /// Bytes of batches that nobody was told of.
    pub dropped_bytes: u64,
}

/// Tiles read through a disk.
pub(crate) struct OnDisk<'a>(pub &'a dyn Disk);

impl Tiles for OnDisk<'_> {
    fn hashes(&self, tile: &Tile) -> Result<Vec<Hash>, ProofError> {
        let path = tile.path();
        match self.0.read(&path).map(|bytes| hashes(&bytes)) {
            Ok(Some(hashes)) if hashes.len() == usize::from(tile.width) => Ok(hashes),
            Ok(_) => Err(ProofError::Short { path }),
            Err(source) => Err(ProofError::Read { path, source }),
        }
    }
}

/// Opens the ledger on a disk, and begins one where there is none.
pub(crate) fn open(disk: &Arc<dyn Disk>, keys: &Keys) -> Result<Opened, LedgerError> {
    begin(&**disk, keys)?;
    let bytes = disk.read(names::CHECKPOINT).map_err(LedgerError::io("read", names::CHECKPOINT))?;
    let (note, checkpoint) = parse(&bytes).map_err(|error| LedgerError::damaged(names::CHECKPOINT, error))?;
    let signer = keys.all().iter().find(|key| note.verify(key.verifier()).is_ok());
    let key = signer.cloned().ok_or_else(|| LedgerError::WrongKey { origin: checkpoint.origin.clone() })?;
    let mut opened = tree(disk, &checkpoint, &bytes, key)?;
    opened.replay(keys)?;
    opened.mend(checkpoint.size)?;
    Ok(opened)
}

fn parse(bytes: &[u8]) -> Result<(Note, Checkpoint), verify::note::NoteError> {
    let note = Note::parse(bytes)?;
    Ok((Checkpoint::parse(&note.text)?, note)).map(|(checkpoint, note)| (note, checkpoint))
}

/// Writes the key and the checkpoint of no entries, unless there is one.
fn begin(disk: &dyn Disk, keys: &Keys) -> Result<(), LedgerError> {
    match disk.read(names::CHECKPOINT) {
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(LedgerError::io("read", names::CHECKPOINT)(error)),
    }
    let segments = disk.names(names::WAL).map_err(LedgerError::io("list", names::WAL))?;
    let first = Tile { level: None, index: 0, width: 256 }.path();
    if !segments.is_empty() || disk.read(&first).is_ok() {
        return Err(LedgerError::damaged(names::CHECKPOINT, "it is missing, but there are entries"));
    }
    let key = keys.first().ok_or_else(|| LedgerError::WrongKey { origin: String::new() })?;
    disk.create_folder(names::WAL).map_err(LedgerError::io("create", names::WAL))?;
    disk.create_folder(names::TILE).map_err(LedgerError::io("create", names::TILE))?;
    let vkey = format!("{}\n", key.verifier());
    replace(disk, names::LOG_KEY, vkey.as_bytes()).map_err(LedgerError::io("write", names::LOG_KEY))?;
    let origin = key.verifier().name().to_owned();
    let note = Checkpoint { origin, size: 0, root: merkle::empty() }.signed(&key);
    replace(disk, names::CHECKPOINT, note.as_bytes()).map_err(LedgerError::io("write", names::CHECKPOINT))
}

/// The tree at the checkpoint.
fn tree(
    disk: &Arc<dyn Disk>,
    checkpoint: &Checkpoint,
    note: &[u8],
    key: Arc<SigningKey>,
) -> Result<Opened, LedgerError> {
    let size = checkpoint.size;
    let edge = edge(&OnDisk(&**disk), size)?;
    if edge.root() != checkpoint.root {
        return Err(LedgerError::damaged(names::CHECKPOINT, "the tiles are not those it was made over"));
    }
    let mut tree = Tree::new(Arc::clone(disk));
    tree.size = size;
    tree.note = String::from_utf8_lossy(note).into_owned();
    for tile in partial_tiles(size) {
        let path = tile.path();
        match tile.level {
            None => tree.bundle = disk.read(&path).map_err(LedgerError::io("read", &path))?,
            Some(level) => {
                let hashes = OnDisk(&**disk).hashes(&tile)?;
                if let Some(pending) = tree.levels.get_mut(usize::from(level)) {
                    *pending = hashes;
                }
            }
        }
        tree.partial.push(path);
    }
    let published = Published { size, note: tree.note.clone() };
    tree.published = Arc::new(std::sync::RwLock::new(published));
    let last_ms = last_time(&**disk, size)?;
    Ok(Opened { tree, edge, key, last_ms, replayed: 0, dropped_bytes: 0 })
}

/// The time of the last entry of a tree; the least there is for an empty one.
fn last_time(disk: &dyn Disk, size: u64) -> Result<i64, LedgerError> {
    let Some(last) = size.checked_sub(1) else { return Ok(i64::MIN) };
    let Some(tile) = Tile::within(None, last / WIDTH, size) else { return Ok(i64::MIN) };
    let path = tile.path();
    let bundle = disk.read(&path).map_err(LedgerError::io("read", &path))?;
    let bundle = entries(&bundle).map_err(|error| LedgerError::damaged(&path, error))?;
    let entry = bundle.last().filter(|_| bundle.len() == usize::from(tile.width));
    let entry = entry.ok_or_else(|| LedgerError::damaged(&path, "it has too few entries"))?;
    let entry = entry::parse(entry).map_err(|error| LedgerError::damaged(&path, error))?;
    Ok(entry.header.time_ms)
}

impl Opened {
    fn replay(&mut self, keys: &Keys) -> Result<(), LedgerError> {
        let disk = Arc::clone(&self.tree.disk);
        let names = disk.names(names::WAL).map_err(LedgerError::io("list", names::WAL))?;
        let mut segments: Vec<u64> = names.iter().filter_map(|name| wal::parse_path(&format!("wal/{name}"))).collect();
        segments.sort_unstable();
        for first in segments {
            let path = wal::path(first);
            if first > self.edge.size() {
                let text = format!("entries from {} to {first} are missing", self.edge.size());
                return Err(LedgerError::damaged(&path, text));
            }
            let bytes = disk.read(&path).map_err(LedgerError::io("read", &path))?;
            self.segment(first, &path, &bytes, keys)?;
            self.tree.segments.retain(|known| *known != first);
            self.tree.segments.push(first);
        }
        Ok(())
    }

    fn segment(&mut self, first: u64, path: &str, bytes: &[u8], keys: &Keys) -> Result<(), LedgerError> {
        let mut cursor = Cursor::new(bytes);
        while !cursor.rest().is_empty() {
            let rest = cursor.rest();
            match wal::take(&mut cursor).ok().map(|batch| self.batch(first, &batch, keys)) {
                Some(Ok(true)) => {}
                Some(Err(error)) => return Err(error),
                Some(Ok(false)) | None => {
                    if self.goes_on(rest) {
                        let text = format!("the batch from entry {} on was changed", self.edge.size());
                        return Err(LedgerError::damaged(path, text));
                    }
                    self.dropped_bytes += rest.len() as u64;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Adds a batch. Whether it is one: complete, signed, and where it belongs.
    fn batch(&mut self, segment: u64, batch: &Batch<'_>, keys: &Keys) -> Result<bool, LedgerError> {
        let (Ok(entries), Ok((note, checkpoint))) = (batch.entries(), parse(batch.note)) else { return Ok(false) };
        let size = self.edge.size();
        if batch.first + entries.len() as u64 <= size {
            return Ok(true);
        }
        let leaves: Vec<Hash> = entries.iter().map(|entry| merkle::leaf(entry)).collect();
        let mut edge = self.edge.clone();
        leaves.iter().for_each(|leaf| edge.push(*leaf));
        let holds = batch.first == size && checkpoint.size == edge.size() && checkpoint.root == edge.root();
        let last = entries.last().and_then(|last| entry::parse(last).ok());
        let (true, Ok(()), Some(last)) = (holds, note.verify(self.key.verifier()), last) else { return Ok(false) };
        self.last_ms = last.header.time_ms;
        if let Body::Rotation { key, .. } = &last.body {
            let next = keys.of(key).ok_or_else(|| LedgerError::WrongKey { origin: checkpoint.origin.clone() })?;
            self.key = next;
        }
        self.replayed += leaves.len() as u64;
        self.edge = edge;
        let note = String::from_utf8_lossy(batch.note).into_owned();
        self.tree.add(Durable { bundle: batch.bundle.to_vec(), leaves, note, segment })?;
        Ok(true)
    }

    /// Whether a signed batch lies behind one that does not hold: then it was no crash that broke it.
    fn goes_on(&self, bytes: &[u8]) -> bool {
        let starts = bytes.windows(MAGIC.len()).enumerate().skip(1).filter(|(_, window)| *window == MAGIC);
        starts.filter_map(|(at, _)| wal::take(&mut Cursor::new(bytes.get(at..)?)).ok()).any(|batch| {
            let signed = |(note, checkpoint): (Note, Checkpoint)| {
                checkpoint.size > self.edge.size() && note.verify(self.key.verifier()).is_ok()
            };
            parse(batch.note).is_ok_and(signed)
        })
    }

    /// Publishes what was replayed and removes what a crash left: partial tiles of no checkpoint, the segments, and files
    /// that were written beside their place.
    fn mend(&mut self, old: u64) -> Result<(), LedgerError> {
        let disk = Arc::clone(&self.tree.disk);
        let segments = std::mem::take(&mut self.tree.segments);
        if self.tree.size > old {
            self.tree.publish()?;
        }
        let remove = |path: &str| disk.remove(path).map_err(LedgerError::io("remove", path));
        for level in (0..LEVELS_MAX).map(Some).chain([None]) {
            let tiles = |size: u64| (size >> (8 * u32::from(level.unwrap_or(0)))) / WIDTH;
            for index in tiles(old)..=tiles(self.tree.size) {
                let stem = format!("{}.p", Tile { level, index, width: 256 }.stem());
                for name in disk.names(&stem).map_err(LedgerError::io("list", &stem))? {
                    let path = format!("{stem}/{name}");
                    if !self.tree.partial.contains(&path) {
                        remove(&path)?;
                    }
                }
            }
        }
        for folder in ["", names::ANCHORS, names::COSIGNED] {
            for name in disk.names(folder).map_err(LedgerError::io("list", folder))? {
                if name.ends_with(".tmp") {
                    remove(format!("{folder}/{name}").trim_start_matches('/'))?;
                }
            }
        }
        for first in segments {
            remove(&wal::path(first))?;
        }
        disk.sync_folder(parent(&wal::path(0))).map_err(LedgerError::io("sync", names::WAL))
    }
}
