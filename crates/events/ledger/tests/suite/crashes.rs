//! A simulated disk that drops, tears and reorders whatever was not synced, names included. Whatever it does, no
//! acknowledged entry is lost and a reopened ledger verifies.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};

use ledger::disk::Disk;
use ledger::{Ledger, LedgerError, Receipt};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use verify::Pins;
use verify::tile::{Tile, entries};

use crate::support::{Memory, START_MS, Ticking, block_on, event, settings};

/// Bytes that a disk writes whole or not at all.
const SECTOR: usize = 512;

#[derive(Clone)]
enum Naming {
    Link(String, usize),
    Unlink(String),
    Rename(String, String, usize),
    Folder(String),
}

impl Naming {
    fn folder(&self) -> &str {
        let (Self::Link(path, _) | Self::Unlink(path) | Self::Rename(path, ..) | Self::Folder(path)) = self;
        path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    fn apply(&self, names: &mut BTreeMap<String, usize>, folders: &mut BTreeSet<String>) {
        match self {
            Self::Link(path, inode) => drop(names.insert(path.clone(), *inode)),
            Self::Unlink(path) => drop(names.remove(path)),
            Self::Rename(from, to, inode) => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
            Self::Folder(path) => drop(folders.insert(path.clone())),
        }
    }
}

#[derive(Default)]
struct State {
    /// Bytes as written, and as they are durable.
    inodes: Vec<(Vec<u8>, Vec<u8>)>,
    names: BTreeMap<String, usize>,
    folders: BTreeSet<String>,
    durable_names: BTreeMap<String, usize>,
    durable_folders: BTreeSet<String>,
    pending: Vec<Naming>,
    /// Operations until the crash.
    left: Option<u64>,
}

struct Simulated(Mutex<State>, Mutex<StdRng>);

impl Simulated {
    fn new(files: BTreeMap<String, Vec<u8>>, folders: BTreeSet<String>, left: Option<u64>, seed: u64) -> Self {
        let mut state = State { left, folders: folders.clone(), durable_folders: folders, ..State::default() };
        for (path, bytes) in files {
            state.names.insert(path, state.inodes.len());
            state.inodes.push((bytes.clone(), bytes));
        }
        state.durable_names = state.names.clone();
        Self(Mutex::new(state), Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// Counts an operation; at the crash the disk is gone.
    fn change<T>(&self, work: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.0.lock().unwrap();
        match &mut state.left {
            Some(0) => return Err(io::Error::other("the power is gone")),
            Some(1) => {
                state.left = Some(0);
                // What was under way may have been done or not.
                if self.1.lock().unwrap().random() {
                    let _done = work(&mut state);
                }
                return Err(io::Error::other("the power went"));
            }
            Some(left) => *left -= 1,
            None => {}
        }
        work(&mut state)
    }

    /// What is on the disk after the power went.
    fn image(&self) -> (BTreeMap<String, Vec<u8>>, BTreeSet<String>) {
        let state = self.0.lock().unwrap();
        let mut random = self.1.lock().unwrap();
        let (mut names, mut folders) = (state.durable_names.clone(), state.durable_folders.clone());
        for naming in &state.pending {
            if random.random() {
                naming.apply(&mut names, &mut folders);
            }
        }
        let there = |path: &str| path.match_indices('/').all(|(at, _)| folders.contains(&path[..at]));
        let mut files = BTreeMap::new();
        for (path, inode) in names.into_iter().filter(|(path, _)| there(path)) {
            let (written, durable) = &state.inodes[inode];
            files.insert(path, torn(written, durable, &mut random));
        }
        (files, folders)
    }
}

fn torn(written: &[u8], durable: &[u8], random: &mut StdRng) -> Vec<u8> {
    if written == durable {
        return written.to_vec();
    }
    let shortest = durable.len().min(written.len());
    let length = random.random_range(shortest..=durable.len().max(written.len()));
    let mut bytes = vec![0; length];
    for (number, sector) in bytes.chunks_mut(SECTOR).enumerate() {
        let from = number * SECTOR;
        // Bytes that were durable and not overwritten stay.
        let same = durable.get(from..from + sector.len()) == written.get(from..from + sector.len());
        let source = match random.random_range(0..3) {
            _ if same && durable.len() > from => durable,
            0 => durable,
            1 => written,
            _ => &[],
        };
        for (to, byte) in sector.iter_mut().zip(source.iter().skip(from)) {
            *to = *byte;
        }
        // The durable head of a sector that was appended to stays too.
        for (to, byte) in sector.iter_mut().zip(durable.iter().skip(from)) {
            if written.starts_with(durable) {
                *to = *byte;
            }
        }
    }
    bytes
}

impl Disk for Simulated {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let state = self.0.lock().unwrap();
        let inode = state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(state.inodes[*inode].0.clone())
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let state = self.0.lock().unwrap();
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let within = state.names.keys().filter_map(|path| path.strip_prefix(prefix.as_str()));
        Ok(within.filter(|name| !name.contains('/')).map(str::to_owned).collect())
    }

    fn create_folder(&self, folder: &str) -> io::Result<()> {
        self.change(|state| {
            for (at, _) in folder.match_indices('/').chain([(folder.len(), "")]) {
                let path = folder[..at].to_owned();
                if state.folders.insert(path.clone()) {
                    state.pending.push(Naming::Folder(path));
                }
            }
            Ok(())
        })
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(|state| {
            let inode = link(state, path)?;
            state.inodes[inode].0 = bytes.to_vec();
            Ok(())
        })
    }

    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(|state| {
            let inode = link(state, path)?;
            state.inodes[inode].0.extend_from_slice(bytes);
            Ok(())
        })
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        self.change(|state| {
            let inode = *state.names.get(path).ok_or(io::ErrorKind::NotFound)?;
            let (written, durable) = &mut state.inodes[inode];
            durable.clone_from(written);
            Ok(())
        })
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        self.change(|state| {
            let pending = std::mem::take(&mut state.pending);
            for naming in pending {
                if naming.folder() == folder {
                    naming.apply(&mut state.durable_names, &mut state.durable_folders);
                } else {
                    state.pending.push(naming);
                }
            }
            Ok(())
        })
    }

    fn sync_all(&self) -> io::Result<()> {
        self.change(|state| {
            for naming in std::mem::take(&mut state.pending) {
                naming.apply(&mut state.durable_names, &mut state.durable_folders);
            }
            state.inodes.iter_mut().for_each(|(written, durable)| durable.clone_from(written));
            Ok(())
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change(|state| {
            let inode = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            state.names.insert(to.to_owned(), inode);
            state.pending.push(Naming::Rename(from.to_owned(), to.to_owned(), inode));
            Ok(())
        })
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.change(|state| {
            state.names.remove(path).ok_or(io::ErrorKind::NotFound)?;
            state.pending.push(Naming::Unlink(path.to_owned()));
            Ok(())
        })
    }
}

fn link(state: &mut State, path: &str) -> io::Result<usize> {
    if let Some(inode) = state.names.get(path) {
        return Ok(*inode);
    }
    if path.rsplit_once('/').is_some_and(|(folder, _)| !state.folders.contains(folder)) {
        return Err(io::ErrorKind::NotFound.into());
    }
    let inode = state.inodes.len();
    state.inodes.push((Vec::new(), Vec::new()));
    state.names.insert(path.to_owned(), inode);
    state.pending.push(Naming::Link(path.to_owned(), inode));
    Ok(inode)
}

fn open_on(disk: &Arc<Simulated>, key: &std::path::Path, seed: u64) -> Result<Ledger, LedgerError> {
    Ledger::open_on(Arc::clone(disk) as Arc<dyn Disk>, settings(key, key, seed, Ticking::new(START_MS)))
}

/// Appends until the disk is gone, several at a time, now and then publishing. Gives what was acknowledged.
fn fill(ledger: &Ledger, random: &mut StdRng) -> Vec<Receipt> {
    let (count, at_once) = (random.random_range(1..400), random.random_range(1..60));
    block_on(async {
        let mut acknowledged = Vec::new();
        let mut number = 0;
        while number < count {
            let batch: Vec<_> = (0..at_once)
                .map(|_| {
                    number += 1;
                    ledger.append(event(number))
                })
                .collect();
            let mut set = Vec::new();
            // Polled together, so that they share batches.
            let mut waiting: Vec<_> = batch.into_iter().map(Box::pin).collect();
            std::future::poll_fn(|context| {
                waiting.retain_mut(|append| match append.as_mut().poll(context) {
                    std::task::Poll::Ready(answer) => {
                        set.push(answer);
                        false
                    }
                    std::task::Poll::Pending => true,
                });
                if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            })
            .await;
            let failed = set.iter().any(Result::is_err);
            acknowledged.extend(set.into_iter().flatten());
            if failed || (random.random_range(0..4) == 0 && ledger.publish().await.is_err()) {
                break;
            }
        }
        acknowledged
    })
}

#[test]
fn no_acknowledged_entry_is_lost_whatever_the_disk_does() {
    let rounds: u64 = std::env::var("LAZARET_CRASHES").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..rounds {
        crash_and_recover(seed, &folder.path().join("key"));
    }
}

fn crash_and_recover(seed: u64, key: &std::path::Path) {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut files, mut folders) = (BTreeMap::new(), BTreeSet::new());
    let mut promised: BTreeMap<u64, [u8; 32]> = BTreeMap::new();
    for life in 0..5 {
        let last = life == 4;
        let left = (!last).then(|| random.random_range(1..if life == 0 { 120 } else { 60 }));
        let disk = Arc::new(Simulated::new(files, folders, left, seed ^ life << 32));
        match open_on(&disk, key, seed * 8 + life + 1) {
            Ok(ledger) => {
                for receipt in fill(&ledger, &mut random) {
                    assert!(
                        promised.insert(receipt.index, receipt.leaf).is_none(),
                        "seed {seed}: an index was given twice"
                    );
                }
            }
            Err(error) => {
                assert!(!last && matches!(error, LedgerError::Io { .. }), "seed {seed} life {life}: {error:?}")
            }
        }
        (files, folders) = disk.image();
    }
    let memory = Memory(files.clone());
    let report = memory.audit(&Pins::default());
    assert!(report.holds(), "seed {seed}: {report}");
    for (index, leaf) in promised {
        let tile =
            Tile::within(None, index / 256, report.size).unwrap_or_else(|| panic!("seed {seed}: {index} is lost"));
        let bundle = &memory.0[&tile.path()];
        let entry = entries(bundle).unwrap()[usize::try_from(index % 256).unwrap()];
        assert_eq!(verify::merkle::leaf(entry), leaf, "seed {seed}: entry {index} is another");
    }
}

#[test]
fn a_write_that_fails_stops_everything_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Simulated::new(BTreeMap::new(), BTreeSet::new(), None, 1));
    let ledger = open_on(&disk, &folder.path().join("key"), 1).unwrap();
    block_on(async {
        ledger.append(event(0)).await.unwrap();
        disk.0.lock().unwrap().left = Some(2);
        assert!(matches!(ledger.append(event(1)).await, Err(LedgerError::Stopped { .. })));
        // The disk is well again; the ledger stays as it is until it is opened anew.
        disk.0.lock().unwrap().left = None;
        for _ in 0..3 {
            assert!(matches!(ledger.append(event(2)).await, Err(LedgerError::Stopped { .. })));
        }
    });
    drop(ledger);
    let ledger = open_on(&disk, &folder.path().join("key"), 2).unwrap();
    block_on(async { ledger.append(event(3)).await.unwrap() });
}
