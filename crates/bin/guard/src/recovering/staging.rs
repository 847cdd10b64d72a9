//! A data folder as pieces of a backup, in an order in which nothing refers to what is not there: the database first, then the
//! keys, then the record, then the sealed blobs. A blob is sealed before a row names it, its key is made before, and what was
//! done is recorded before it takes effect; so each holds what the one before it needs.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use model::StudyId;
use recovery::{Piece, Problem, walk};
use serde_json::Value;
use verify::note::{Checkpoint, Note};
use verify::tile::{LEVELS_MAX, Tile, WIDTH, entries};
use verify::{entry, names};

use crate::{KEYS, LAKE, LEDGER, OBJECTS, OpsError, SPOOL};

/// Copies of databases lie here while a backup reads them, below the data folder.
pub const STAGING: &str = "unfinished-backup";
/// The catalogue's file.
const DATABASE: &str = "lazaret.db";
/// The key table's file, in the folder of keys.
const KEY_TABLE: &str = "keys.db";
/// Held while a backup is made.
const LOCK: &str = "backup.lock";
/// What is written anew at every start, or is not of the folder itself.
const LEFT_OUT: [&str; 8] = [KEYS, LEDGER, LAKE, STAGING, "control.sock", "up.lock", LOCK, RESTORED];
/// What a restore brings back beside the data folder's own files lies here.
const RESTORED: &str = "restored";
/// Where files of the main repository's snapshots belong in a data folder.
pub const MAIN_PLACES: [(&str, &str); 3] =
    [("data/", ""), ("extra/", "restored/extra/"), ("settings/", "restored/settings/")];
/// Where files of the key repository's snapshots belong.
pub const KEYS_PLACES: [(&str, &str); 1] = [("keys/", "keys/")];
/// How often the beginning of the record is read anew because it moved on.
const ATTEMPTS_MAX: usize = 20;
/// The longest file of the record that is read whole.
const TILE_BYTES_MAX: u64 = 64 << 20;

/// What is backed up beside the data folder.
#[derive(Debug, Clone, Default)]
pub struct Material {
    /// The settings' file.
    pub settings: Option<PathBuf>,
    /// Other files and folders.
    pub extra: Vec<PathBuf>,
    /// Whether the catalogue lies in the data folder; else it is on a server of its own.
    pub has_database: bool,
}

/// Copies that are taken away when this goes.
#[derive(Debug)]
pub struct Staging {
    /// Held as long as this is: one backup of a data folder at a time.
    _lock: File,
    data_dir: PathBuf,
    folder: PathBuf,
    now_ms: i64,
    /// What lay there and is not in the backup.
    pub problems: Vec<Problem>,
}

/// What the backup's copy of the record reaches to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Entries.
    pub entries: u64,
    /// Time of the last one, in milliseconds since 1970, UTC.
    pub newest_ms: Option<i64>,
}

fn failed(what: &Path) -> impl FnOnce(io::Error) -> OpsError {
    let what = what.display().to_string();
    move |error| OpsError::Wrong(format!("`{what}` cannot be read for the backup: {error}"))
}

impl Staging {
    /// Begins; what a killed backup left is taken away.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn begin(data_dir: &Path, now_ms: i64) -> Result<Self, OpsError> {
        let folder = data_dir.join(STAGING);
        let lock = lock(data_dir).map_err(failed(&data_dir.join(LOCK)))?;
        let lock =
            lock.ok_or_else(|| OpsError::Wrong("another backup of this data folder is being made".to_owned()))?;
        remove(&folder).map_err(failed(&folder))?;
        std::fs::DirBuilder::new().mode(0o700).create(&folder).map_err(failed(&folder))?;
        Ok(Self { _lock: lock, data_dir: data_dir.to_owned(), folder, now_ms, problems: Vec::new() })
    }

    /// The catalogue as it is now.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub async fn database(&self) -> Result<Piece, OpsError> {
        self.copied(&self.data_dir.join(DATABASE), "data/lazaret.db").await
    }

    /// Wrapped keys as they are now, and the other keys beside them. The root key is not among them, nor the lake's, which is
    /// made anew with the lake.
    ///
    /// # Errors
    /// When they cannot be copied.
    pub async fn keys(&mut self) -> Result<Vec<Piece>, OpsError> {
        let folder = self.data_dir.join(KEYS);
        let mut pieces =
            vec![Piece::of_folder("keys", self.now_ms), self.copied(&folder.join(KEY_TABLE), "keys/keys.db").await?];
        let skips = |path: &str| {
            path.starts_with(KEY_TABLE) || path.starts_with("root.") || path == "lake.key" || path.ends_with(".new")
        };
        walk(&folder, "keys", &skips, &mut pieces, &mut self.problems);
        Ok(pieces)
    }

    async fn copied(&self, from: &Path, path: &str) -> Result<Piece, OpsError> {
        let to = self.folder.join(path.replace('/', "-"));
        store::copies::copy(from, &to).await?;
        Piece::of_file(path, &to).map_err(failed(&to))
    }

    /// The record up to its last checkpoint: every tile below it, and none of the write-ahead log beyond it.
    ///
    /// # Errors
    /// When it cannot be read, or moves on faster than that.
    pub fn record(&mut self) -> Result<(Vec<Piece>, Reach), OpsError> {
        let folder = self.data_dir.join(LEDGER);
        let mut last = io::Error::other("it moves on faster than it can be read; try again");
        for _ in 0..ATTEMPTS_MAX {
            match self.edge(&folder) {
                Ok((mut pieces, size, newest_ms)) => {
                    let skips = |path: &str| !belongs(path, size);
                    walk(&folder, "data/ledger", &skips, &mut pieces, &mut self.problems);
                    return Ok((pieces, Reach { entries: size, newest_ms }));
                }
                Err(error) => last = error,
            }
        }
        Err(failed(&folder)(last))
    }

    /// What moves on: the checkpoint and the tiles that are not full at it.
    fn edge(&self, folder: &Path) -> io::Result<(Vec<Piece>, u64, Option<i64>)> {
        let note = read(&folder.join(names::CHECKPOINT))?;
        let checkpoint = Note::parse(&note).and_then(|note| Checkpoint::parse(&note.text));
        let size = checkpoint.map_err(io::Error::other)?.size;
        let piece = |path: &str, bytes: Vec<u8>| Piece::of_bytes(format!("data/ledger/{path}"), bytes, self.now_ms);
        let mut pieces = vec![
            Piece::of_folder("data/ledger", self.now_ms),
            Piece::of_folder("data/ledger/wal", self.now_ms),
            piece(names::CHECKPOINT, note),
        ];
        for level in (0..LEVELS_MAX).map(Some).chain([None]) {
            let hashes = size >> (8 * u32::from(level.unwrap_or(0)));
            let partial = Tile::within(level, hashes / WIDTH, size).filter(|tile| !tile.is_full());
            if let Some(tile) = partial {
                let path = tile.path();
                pieces.push(Piece::of_folder(format!("data/ledger/{}.p", tile.stem()), self.now_ms));
                pieces.push(piece(&path, read(&folder.join(&path))?));
            }
        }
        Ok((pieces, size, newest(folder, size)?))
    }

    /// Everything else: sealed blobs, what was received and is not recorded yet, the settings.
    pub fn rest(&mut self, material: &Material) -> Vec<Piece> {
        let mut pieces = vec![Piece::of_folder("data", self.now_ms)];
        let unfinished = format!("{OBJECTS}/unfinished");
        let skips = |path: &str| {
            LEFT_OUT.contains(&path) || path == unfinished || path.starts_with(DATABASE) || path == recovery::MARKER
        };
        walk(&self.data_dir, "data", &skips, &mut pieces, &mut self.problems);
        if let Some(settings) = &material.settings {
            self.add("settings/lazaret.toml".to_owned(), settings, &mut pieces);
        }
        let mut taken = BTreeSet::new();
        for path in &material.extra {
            let name = path.file_name().map_or_else(|| "root".into(), |name| name.to_string_lossy());
            let mut named = format!("extra/{name}");
            while !taken.insert(named.clone()) {
                named.push('+');
            }
            if path.is_dir() {
                pieces.push(Piece::of_folder(named.clone(), self.now_ms));
                walk(path, &named, &|_| false, &mut pieces, &mut self.problems);
            } else {
                self.add(named, path, &mut pieces);
            }
        }
        pieces
    }

    fn add(&mut self, named: String, path: &Path, pieces: &mut Vec<Piece>) {
        match Piece::of_file(named.clone(), path) {
            Ok(piece) => pieces.push(piece),
            Err(error) => self.problems.push(Problem { path: named, why: error.to_string() }),
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.folder) {
            tracing::warn!(%error, "copies of databases that a backup made could not be taken away");
        }
    }
}

/// Takes away what a backup that was killed left: a copy of the key table must not outlive the keys. One that is being made is
/// left alone.
///
/// # Errors
/// When it cannot be taken away.
pub(crate) fn sweep(data_dir: &Path) -> io::Result<()> {
    match lock(data_dir)? {
        Some(_lock) => remove(&data_dir.join(STAGING)),
        None => Ok(()),
    }
}

fn lock(data_dir: &Path) -> io::Result<Option<File>> {
    let mut options = File::options();
    let file = options.create(true).truncate(false).write(true).mode(0o600).open(data_dir.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;
    let mut bytes = Vec::new();
    File::open(path)?.take(TILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a file of the record is of its first `size` entries. Checkpoint and partial tiles are taken by themselves.
fn belongs(path: &str, size: u64) -> bool {
    let top = path.split('/').next().unwrap_or_default();
    let copied = |of: &str| {
        let number = path.strip_prefix(of).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
        number.is_empty()
            || number.split('.').next().and_then(|number| number.parse().ok()).is_some_and(|at: u64| at < size)
    };
    match top {
        names::LOG_KEY => path == top,
        names::ANCHORS => copied(names::ANCHORS) || path == top,
        names::COSIGNED => copied(names::COSIGNED) || path == top,
        names::TILE => match Tile::parse(path) {
            Some(tile) => tile.is_full() && Tile::within(tile.level, tile.index, size) == Some(tile),
            // Folders; those of partial tiles are made by the tiles themselves.
            None => !path.ends_with(".p"),
        },
        _ => false,
    }
}

/// The time of the last of `size` entries.
fn newest(ledger: &Path, size: u64) -> io::Result<Option<i64>> {
    let Some(last) = size.checked_sub(1) else { return Ok(None) };
    let Some(tile) = Tile::within(None, last / WIDTH, size) else { return Ok(None) };
    let bundle = read(&ledger.join(tile.path()))?;
    let all = entries(&bundle).map_err(io::Error::other)?;
    let last = all.last().map(|last| entry::parse(last)).transpose().map_err(io::Error::other)?;
    Ok(last.map(|entry| entry.header.time_ms))
}

/// What the manifest says of the backup beside its files.
#[must_use]
pub fn about(id: &str, reach: Reach, canary: &Value, has_database: bool, studies: &[StudyId]) -> Value {
    serde_json::json!({
        "backup": id,
        "program": env!("CARGO_PKG_VERSION"),
        "entries": reach.entries,
        "newest_entry_ms": reach.newest_ms,
        "catalogue": if has_database { "here" } else { "on a server of its own" },
        "canary": canary,
        "spool": SPOOL,
        // An empty machine has no settings yet that would say it.
        "study_order": studies,
    })
}
