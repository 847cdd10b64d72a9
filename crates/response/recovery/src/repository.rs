//! One repository of the restic format: made, opened, listed, checked.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rustic_core::repofile::{Chunker, Node, NodeType, SnapshotFile};
use rustic_core::{
    CheckOptions, ConfigOptions, Credentials, FileType, IndexedFullStatus, KeyOptions, OpenStatus, ReadBackend as _,
    RepositoryBackends, RepositoryOptions, RusticError, RusticResult,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::backend::{Faults, Place};
use crate::manifest::SUMMARY;
use crate::{Manifest, Progress, RecoveryError};

/// Marks snapshots that were made here.
pub(crate) const TAG: &str = "lazaret";
/// The level of zstd that data are compressed at: sealed data do not shrink, and the rest does well at it.
const COMPRESSION: i32 = 1;

/// A repository, not opened yet.
#[derive(Clone)]
pub struct Repository {
    pub(crate) place: Place,
    password: SecretString,
    progress: Progress,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Repository({})", self.place.name())
    }
}

/// One snapshot as it is listed.
#[derive(Debug, Clone, Serialize)]
pub struct Snapshot {
    /// Its id.
    pub id: String,
    /// When it was made, in milliseconds since 1970, UTC.
    pub made_ms: i64,
    /// The machine it was made on.
    pub host: String,
    /// Files in it.
    pub files: u64,
    /// Their length.
    pub bytes: u64,
    /// What it added to the repository.
    pub added_bytes: u64,
}

/// What a check found.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// Whether everything holds.
    pub holds: bool,
    /// What does not, in words.
    pub faults: Vec<String>,
}

/// A repository that is open for reading and writing.
pub struct Opened {
    pub(crate) at: String,
    pub(crate) faults: Faults,
    pub(crate) inner: rustic_core::Repository<IndexedFullStatus>,
}

/// Does what the tool underneath does; where it panics, the repository is damaged in a way that it did not think of.
pub(crate) fn guarded<T>(
    at: &str,
    doing: &'static str,
    work: impl FnOnce() -> RusticResult<T>,
) -> Result<T, RecoveryError> {
    judged(at, doing, work, RecoveryError::of)
}

/// The same, where something is read that must be there.
pub(crate) fn reading<T>(
    at: &str,
    doing: &'static str,
    work: impl FnOnce() -> RusticResult<T>,
) -> Result<T, RecoveryError> {
    judged(at, doing, work, RecoveryError::of_reading)
}

fn judged<T>(
    at: &str,
    doing: &'static str,
    work: impl FnOnce() -> RusticResult<T>,
    judge: fn(&str, &'static str, &RusticError) -> RecoveryError,
) -> Result<T, RecoveryError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(judge(at, doing, &error)),
        Err(_panic) => Err(RecoveryError::Damaged { at: at.to_owned(), why: format!("it gave up while {doing}") }),
    }
}

impl Repository {
    /// A repository at `place` under `password`.
    #[must_use]
    pub fn new(place: Place, password: SecretString) -> Self {
        Self { place, password, progress: Progress::default() }
    }

    /// The same repository; work on it tells `progress` how far it is, and stops when that says so. What takes something away is
    /// never stopped half-way.
    #[must_use]
    pub fn watched(&self, progress: &Progress) -> Self {
        Self { progress: progress.clone(), ..self.clone() }
    }

    pub(crate) fn faults(&self) -> Faults {
        Faults::of(&self.progress)
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> String {
        self.place.name()
    }

    fn closed(&self, faults: &Faults) -> Result<rustic_core::Repository<()>, RecoveryError> {
        if let Some(bucket) = self.place.bucket() {
            bucket.reach()?;
        }
        let options = RepositoryOptions::default().no_cache(true);
        let backends = RepositoryBackends::new(self.place.backend(faults), None);
        guarded(&self.name(), "opening it", || rustic_core::Repository::new(&options, &backends))
    }

    /// Whether there is one.
    ///
    /// # Errors
    /// When it cannot be looked for.
    pub fn is_there(&self) -> Result<bool, RecoveryError> {
        let closed = self.closed(&self.faults())?;
        guarded(&self.name(), "looking for it", || closed.config_id()).map(|found| found.is_some())
    }

    /// The same repository as it was at a time, in milliseconds since 1970, UTC: in a bucket that keeps old versions. It is read and
    /// not written.
    ///
    /// # Errors
    /// When it lies in a folder, which is only as it is.
    pub fn as_of(&self, at_ms: i64) -> Result<Self, RecoveryError> {
        let Some(bucket) = self.place.bucket() else {
            let why = "a folder keeps no old versions; only a bucket of S3 can be looked at as of a time".to_owned();
            return Err(RecoveryError::Place { at: self.name(), why });
        };
        Ok(Self { place: Place::Bucket(bucket.at(at_ms)), ..self.clone() })
    }

    /// Makes it, unless there is one. Nothing is written where it could not be locked as it should be, or where a repository was
    /// deleted that can still be had back.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn ensure(&self) -> Result<(), RecoveryError> {
        let is_there = self.is_there()?;
        if let Some(bucket) = self.place.bucket() {
            bucket.check_writable()?;
            if !is_there {
                bucket.check_untouched()?;
            }
        }
        if is_there {
            return Ok(());
        }
        self.check_beheaded()?;
        // Half a repository would open with no password: this is not stopped.
        let closed = self.closed(&Faults::default())?;
        let credentials = Credentials::password(self.password.expose_secret());
        // What is sealed never changes within, databases change page by page and tiles grow at their end: pieces of one size find what is
        // unchanged as well as pieces cut by content, without looking at every byte for where to cut.
        let config = ConfigOptions::default().set_compression(COMPRESSION).set_chunker(Chunker::FixedSize);
        guarded(&self.name(), "making it", || closed.init(&credentials, &KeyOptions::default(), &config)).map(drop)
    }

    pub(crate) fn unlocked(&self, faults: &Faults) -> Result<rustic_core::Repository<OpenStatus>, RecoveryError> {
        if !self.is_there()? {
            self.check_beheaded()?;
            return Err(RecoveryError::Missing { at: self.name() });
        }
        let closed = self.closed(faults)?;
        let credentials = Credentials::password(self.password.expose_secret());
        reading(&self.name(), "opening it", || closed.open(&credentials)).map_err(|error| match error {
            // No password opens what has no key.
            RecoveryError::Password { .. } | RecoveryError::Damaged { .. } if self.is_without(FileType::Key).unwrap_or(false) => {
                let why = "its files below `keys` are gone, and without them nobody can open it; put them back from a copy of the repository";
                RecoveryError::Damaged { at: self.name(), why: why.to_owned() }
            }
            other => other,
        })
    }

    /// Whether snapshots lie there without the file that says how they are to be read. A new one would make them unreadable for good.
    fn check_beheaded(&self) -> Result<(), RecoveryError> {
        if self.is_without(FileType::Snapshot)? {
            return Ok(());
        }
        let why = "its file `config` is gone, and without it nothing there can be read; put it back from a copy of the repository";
        Err(RecoveryError::Damaged { at: self.name(), why: why.to_owned() })
    }

    /// Whether there is none of a kind of files.
    fn is_without(&self, kind: FileType) -> Result<bool, RecoveryError> {
        let backend = self.place.backend(&self.faults());
        guarded(&self.name(), "listing its files", || backend.list_with_size(kind)).map(|all| all.is_empty())
    }

    /// Opens it and reads its index.
    ///
    /// # Errors
    /// When it is not there, the password is another, or it is damaged.
    pub fn open(&self) -> Result<Opened, RecoveryError> {
        let faults = self.faults();
        let unlocked = self.unlocked(&faults)?;
        let at = self.name();
        // A first backup that was killed has no index yet, and no snapshot either.
        if self.is_without(FileType::Index)? && !self.is_without(FileType::Snapshot)? {
            let why = "its files below `index` are gone; `restic repair index` (`restic rebuild-index` before 0.16) makes them anew from the data";
            return Err(RecoveryError::Damaged { at, why: why.to_owned() });
        }
        let inner = reading(&at, "reading its index", || unlocked.to_indexed())?;
        Ok(Opened { at, faults, inner })
    }

    /// Its snapshots, oldest first.
    ///
    /// # Errors
    /// As [`Repository::open`].
    pub fn snapshots(&self) -> Result<Vec<Snapshot>, RecoveryError> {
        let unlocked = self.unlocked(&self.faults())?;
        let mut all = reading(&self.name(), "listing snapshots", || unlocked.get_all_snapshots())?;
        all.sort();
        Ok(all.iter().map(told).collect())
    }

    /// Checks its structure, and with `reads_data` every byte of it.
    ///
    /// # Errors
    /// When it cannot be read at all.
    pub fn check(&self, reads_data: bool) -> Result<Checked, RecoveryError> {
        let faults = self.faults();
        self.progress.begin("checking a repository", 0);
        let checking = || {
            let unlocked = self.unlocked(&faults)?;
            let options = CheckOptions::default().read_data(reads_data);
            let results = guarded(&self.name(), "checking it", || unlocked.check(options))?;
            // What could not be read because it was stopped is no fault of the repository.
            match faults.go_on() {
                Ok(()) => Ok(results),
                Err(_) => Err(RecoveryError::Stopped { at: self.name() }),
            }
        };
        let results = faults.unless_stopped(&self.name(), checking())?;
        let holds = results.is_ok().is_ok();
        Ok(Checked { holds, faults: results.0.iter().map(|(_, fault)| fault.to_string()).collect() })
    }
}

pub(crate) fn told(snapshot: &SnapshotFile) -> Snapshot {
    let summary = snapshot.summary.as_ref();
    Snapshot {
        id: snapshot.id.to_hex().to_string(),
        made_ms: snapshot.time.timestamp().as_millisecond(),
        host: snapshot.hostname.clone(),
        files: summary.map_or(0, |summary| summary.total_files_processed),
        bytes: summary.map_or(0, |summary| summary.total_bytes_processed),
        added_bytes: summary.map_or(0, |summary| summary.data_added_packed),
    }
}

impl Opened {
    /// Every snapshot, oldest first.
    pub(crate) fn all(&self) -> Result<Vec<SnapshotFile>, RecoveryError> {
        let mut all = reading(&self.at, "listing snapshots", || self.inner.get_all_snapshots())?;
        all.sort();
        Ok(all)
    }

    /// Every snapshot as it is listed, oldest first.
    ///
    /// # Errors
    /// When the repository is damaged.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>, RecoveryError> {
        Ok(self.all()?.iter().map(told).collect())
    }

    /// The snapshot whose id begins with `asked`, or the newest for `latest`.
    pub(crate) fn find(&self, asked: &str) -> Result<SnapshotFile, RecoveryError> {
        let missing = || RecoveryError::NoSnapshot { asked: asked.to_owned(), at: self.at.clone() };
        let mut all = self.all()?;
        if asked == "latest" {
            return all.pop().ok_or_else(missing);
        }
        let mut fitting = all.into_iter().filter(|snapshot| snapshot.id.to_hex().as_str().starts_with(asked));
        match (fitting.next(), fitting.next()) {
            (Some(found), None) if !asked.is_empty() => Ok(found),
            _ => Err(missing()),
        }
    }

    /// The manifest of a snapshot.
    pub(crate) fn manifest_of(&self, snapshot: &SnapshotFile) -> Result<Manifest, RecoveryError> {
        let text = reading(&self.at, "reading a snapshot's list of files", || {
            let node = self.inner.node_from_snapshot_and_path(snapshot, SUMMARY)?;
            let mut text = Vec::new();
            self.inner.dump(&node, &mut text)?;
            Ok(text)
        })?;
        Manifest::read(&text, &self.at)
    }

    /// The snapshot whose id begins with `asked` (or `latest`), with its manifest.
    ///
    /// # Errors
    /// When there is none, or the repository is damaged.
    pub fn snapshot(&self, asked: &str) -> Result<(Snapshot, Manifest), RecoveryError> {
        let found = self.find(asked)?;
        let manifest = self.manifest_of(&found)?;
        Ok((told(&found), manifest))
    }

    /// The bytes of one file of a snapshot, if it has it.
    ///
    /// # Errors
    /// When there is no such snapshot, or the repository is damaged.
    pub fn file(&self, asked: &str, path: &str) -> Result<Option<Vec<u8>>, RecoveryError> {
        let found = self.find(asked)?;
        if !self.manifest_of(&found)?.files.iter().any(|file| file.path == path) {
            return Ok(None);
        }
        reading(&self.at, "reading a file", || {
            let node = self.inner.node_from_snapshot_and_path(&found, path)?;
            let mut bytes = Vec::new();
            self.inner.dump(&node, &mut bytes)?;
            Ok(Some(bytes))
        })
    }

    /// Every file of a snapshot by its path.
    pub(crate) fn nodes(&self, snapshot: &SnapshotFile) -> Result<Vec<(String, Node)>, RecoveryError> {
        let mut root = Node::new_node(std::ffi::OsStr::new("."), NodeType::Dir, Default::default());
        root.subtree = Some(snapshot.tree);
        reading(&self.at, "reading a snapshot's folders", || {
            let mut nodes = Vec::new();
            for item in self.inner.ls(&root, &Default::default())? {
                let (path, node) = item?;
                nodes.push((path.to_string_lossy().into_owned(), node));
            }
            Ok(nodes)
        })
    }
}
