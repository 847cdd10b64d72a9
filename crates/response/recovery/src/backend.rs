//! Where repositories lie.

pub(crate) mod bucket;
mod folder;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rustic_core::{FileType, Id, WriteBackend};

use crate::{Progress, RecoveryError};
use bucket::InBucket;

/// Where a repository lies.
#[derive(Debug, Clone)]
pub enum Place {
    /// In a folder, as restic lays it out.
    Folder(PathBuf),
    /// In a bucket.
    Bucket(InBucket),
}

impl Place {
    /// What people call it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Folder(path) => path.display().to_string(),
            Self::Bucket(bucket) => bucket.name.clone(),
        }
    }

    pub(crate) fn backend(&self, faults: &Faults) -> Arc<dyn WriteBackend> {
        match self {
            Self::Folder(path) => Arc::new(folder::Folder::new(path, faults.clone())),
            Self::Bucket(bucket) => Arc::new(bucket::Bucket::new(bucket.clone(), faults.clone())),
        }
    }

    /// The bucket, where it is one.
    pub(crate) const fn bucket(&self) -> Option<&InBucket> {
        match self {
            Self::Folder(_) => None,
            Self::Bucket(bucket) => Some(bucket),
        }
    }
}

/// The first write that failed, and whether to go on. The archiver leaves out files that it cannot store and goes on; a backup
/// must not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    first: Arc<OnceLock<(io::ErrorKind, String)>>,
    progress: Progress,
}

impl Faults {
    /// Of work that stops when `progress` says so.
    pub(crate) fn of(progress: &Progress) -> Self {
        Self { first: Arc::default(), progress: progress.clone() }
    }

    pub(crate) const fn progress(&self) -> &Progress {
        &self.progress
    }

    pub(crate) fn keep(&self, error: &io::Error) {
        let _first = self.first.set((error.kind(), error.to_string()));
    }

    /// An error once the work is to stop: nothing is read or written any more.
    pub(crate) fn go_on(&self) -> io::Result<()> {
        if self.progress.is_stopped() { Err(io::Error::other("it was stopped")) } else { Ok(()) }
    }

    /// `done`, or that it was stopped, whatever came of that further up.
    pub(crate) fn unless_stopped<T>(&self, at: &str, done: Result<T, RecoveryError>) -> Result<T, RecoveryError> {
        match done {
            Err(_) if self.progress.is_stopped() => Err(RecoveryError::Stopped { at: at.to_owned() }),
            done => done,
        }
    }

    /// The fault that was kept, if there was one.
    pub(crate) fn check(&self, at: &str, doing: &'static str) -> Result<(), RecoveryError> {
        match self.first.get() {
            None => Ok(()),
            Some((io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded, _)) => {
                Err(RecoveryError::Full { at: at.to_owned(), wanted: String::new() })
            }
            Some((_, why)) => Err(RecoveryError::Failed { at: at.to_owned(), doing, why: why.clone() }),
        }
    }
}

/// Where a file of a repository lies below it, with `/`: the layout of restic.
pub(crate) fn path_of(kind: FileType, id: &Id) -> String {
    let name = id.to_hex();
    match kind {
        FileType::Config => "config".to_owned(),
        FileType::Pack => format!("data/{}/{}", name.as_str().get(..2).unwrap_or_default(), name.as_str()),
        other => format!("{}/{}", other.dirname(), name.as_str()),
    }
}
