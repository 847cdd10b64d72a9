//! A disk in memory that can lose power, fill up and be tampered with: the simulator for tests.
//!
//! What was not synced may be lost, torn or kept, in any combination: after [`SimulatedDisk::crash`] each unsynced name and
//! each unsynced stretch of bytes survives or not as the given numbers say.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Filled;
use super::disk::Disk;

#[derive(Debug, Default, Clone)]
struct Content {
    bytes: Vec<u8>,
    /// How many of the bytes were synced.
    durable: usize,
}

/// One change of names that was not synced.
#[derive(Debug, Clone)]
enum Change {
    Named { path: PathBuf, file: u64 },
    Unnamed { path: PathBuf },
    Renamed { from: PathBuf, to: PathBuf, file: u64 },
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<u64, Content>,
    folders: BTreeSet<PathBuf>,
    /// Names as programs see them.
    names: BTreeMap<PathBuf, u64>,
    /// Names as they last.
    durable: BTreeMap<PathBuf, u64>,
    pending: Vec<Change>,
    next: u64,
    /// Bytes that may still be written before the disk is full.
    room: Option<u64>,
    /// Operations until the disk fails for good, as at a loss of power.
    operations: Option<u64>,
}

/// A disk in memory.
#[derive(Debug, Default)]
pub struct SimulatedDisk(Mutex<State>);

/// An open file of [`SimulatedDisk`].
#[derive(Debug, Clone, Copy)]
pub struct SimulatedFile(u64);

fn gone() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl SimulatedDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One operation that changes the disk.
    fn step(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        if let Some(left) = &mut state.operations {
            *left = left.checked_sub(1).ok_or_else(|| io::Error::other("the power is off"))?;
        }
        Ok(state)
    }

    /// From now on only so many bytes fit.
    pub fn set_room(&self, bytes: Option<u64>) {
        self.state().room = bytes;
    }

    /// After so many more changes the power goes: everything fails until [`SimulatedDisk::crash`].
    pub fn set_operations(&self, count: Option<u64>) {
        self.state().operations = count;
    }

    /// Loses power and comes back: `choose(n)` gives numbers below `n` that say what of the unsynced survives.
    pub fn crash(&self, choose: &mut dyn FnMut(u64) -> u64) {
        let mut state = self.state();
        let pending = std::mem::take(&mut state.pending);
        // Any subset of the changes may have reached the disk, each by itself: they may have been reordered.
        for change in pending {
            if choose(2) == 0 {
                continue;
            }
            match change {
                Change::Named { path, file } => drop(state.durable.insert(path, file)),
                Change::Unnamed { path } => drop(state.durable.remove(&path)),
                Change::Renamed { from, to, file } => {
                    state.durable.insert(to, file);
                    if choose(2) == 1 {
                        state.durable.remove(&from);
                    }
                }
            }
        }
        for content in state.files.values_mut() {
            let unsynced = content.bytes.len().saturating_sub(content.durable);
            if unsynced > 0 {
                let kept = content.durable + usize::try_from(choose(unsynced as u64 + 1)).unwrap_or(0);
                content.bytes.truncate(kept);
                // A stretch that was allocated but never written reads as zeros.
                if choose(2) == 1 {
                    let durable = content.durable;
                    let torn = durable + usize::try_from(choose((kept - durable) as u64 + 1)).unwrap_or(0);
                    content.bytes.iter_mut().skip(torn).for_each(|byte| *byte = 0);
                }
            }
            content.durable = content.bytes.len();
        }
        state.names = state.durable.clone();
        state.operations = None;
        let named: BTreeSet<u64> = state.names.values().copied().collect();
        state.files.retain(|file, _content| named.contains(file));
    }

    /// Every file with its bytes.
    #[must_use]
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let state = self.state();
        let bytes = |file: &u64| state.files.get(file).map(|content| content.bytes.clone()).unwrap_or_default();
        state.names.iter().map(|(path, file)| (path.clone(), bytes(file))).collect()
    }

    /// The bytes of a file.
    #[must_use]
    pub fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        state.files.get(state.names.get(path)?).map(|content| content.bytes.clone())
    }

    /// Puts other bytes into a file behind the vault's back.
    pub fn tamper(&self, path: &Path, bytes: Vec<u8>) {
        let mut state = self.state();
        let file = state.names.get(path).copied();
        if let Some(content) = file.and_then(|file| state.files.get_mut(&file)) {
            *content = Content { durable: bytes.len(), bytes };
        }
    }
}

impl Disk for SimulatedDisk {
    type File = SimulatedFile;

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.step()?.folders.insert(path.to_owned());
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<SimulatedFile> {
        let mut state = self.step()?;
        if state.names.contains_key(path) {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        state.next += 1;
        let file = state.next;
        state.files.insert(file, Content::default());
        state.names.insert(path.to_owned(), file);
        state.pending.push(Change::Named { path: path.to_owned(), file });
        Ok(SimulatedFile(file))
    }

    fn write(&self, file: &SimulatedFile, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.step()?;
        let fits = state.room.map_or(bytes.len(), |room| bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
        if let Some(room) = &mut state.room {
            *room -= fits as u64;
        }
        let content = state.files.get_mut(&file.0).ok_or_else(gone)?;
        content.bytes.extend_from_slice(bytes.get(..fits).unwrap_or_default());
        if fits < bytes.len() { Err(io::Error::from(io::ErrorKind::StorageFull)) } else { Ok(()) }
    }

    fn sync(&self, file: &SimulatedFile) -> io::Result<()> {
        let mut state = self.step()?;
        let content = state.files.get_mut(&file.0).ok_or_else(gone)?;
        content.durable = content.bytes.len();
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        let file = state.names.remove(from).ok_or_else(gone)?;
        state.names.insert(to.to_owned(), file);
        state.pending.push(Change::Renamed { from: from.to_owned(), to: to.to_owned(), file });
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        let within = |inner: &Path| inner.parent() == Some(path);
        let pending = std::mem::take(&mut state.pending);
        for change in pending {
            match change {
                Change::Named { path, file } if within(&path) => drop(state.durable.insert(path, file)),
                Change::Unnamed { path } if within(&path) => drop(state.durable.remove(&path)),
                // Syncing the folder that a name came into makes it last there; the old name may still be there.
                Change::Renamed { from, to, file } if within(&to) => {
                    state.durable.insert(to, file);
                    state.pending.push(Change::Unnamed { path: from });
                }
                other => state.pending.push(other),
            }
        }
        Ok(())
    }

    fn open(&self, path: &Path) -> io::Result<(SimulatedFile, u64)> {
        let state = self.state();
        let file = state.names.get(path).copied().ok_or_else(gone)?;
        let bytes = state.files.get(&file).ok_or_else(gone)?.bytes.len() as u64;
        Ok((SimulatedFile(file), bytes))
    }

    fn read_at(&self, file: &SimulatedFile, offset: u64, bytes: usize, mut buffer: Vec<u8>) -> io::Result<Filled> {
        let state = self.state();
        let content = state.files.get(&file.0).ok_or_else(gone)?;
        let from = content.bytes.get(usize::try_from(offset).unwrap_or(usize::MAX)..).unwrap_or_default();
        buffer.clear();
        buffer.extend(from.iter().take(bytes));
        Ok(Filled::whole(buffer))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        state.names.remove(path).ok_or_else(gone)?;
        state.pending.push(Change::Unnamed { path: path.to_owned() });
        Ok(())
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        let names = state.names.keys().filter(|name| name.parent() == Some(path));
        Ok(names.filter_map(|name| Some(name.file_name()?.to_string_lossy().into_owned())).collect())
    }

    /// Nothing has an age here: every file is from the beginning of time.
    fn modified_ms(&self, path: &Path) -> io::Result<i64> {
        self.state().names.get(path).map(|_file| 0).ok_or_else(gone)
    }
}

/// A disk that several parts of a test hold.
#[must_use]
pub fn shared() -> Arc<SimulatedDisk> {
    Arc::new(SimulatedDisk::default())
}
