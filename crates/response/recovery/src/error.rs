//! What goes wrong with backups, with the facts and what to do.

use std::io;
use std::path::{Path, PathBuf};

use rustic_core::RusticError;

use crate::BucketFault;

/// Why a backup was not made, read or restored. None of these leaves a repository or a folder worse than it was.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// There is no repository.
    #[error("there is no backup repository at `{at}`; `lazaret backup create` makes it, or check the address")]
    Missing {
        /// Where it was looked for.
        at: String,
    },
    /// The password is another.
    #[error("the password does not open the repository `{at}`; give the one that it was made with")]
    Password {
        /// The repository.
        at: String,
    },
    /// There is no such snapshot.
    #[error("there is no snapshot `{asked}` in `{at}`; `lazaret backup list` shows those that are there")]
    NoSnapshot {
        /// What was asked for.
        asked: String,
        /// The repository.
        at: String,
    },
    /// What lies there does not hold.
    #[error(
        "the repository `{at}` is damaged: {why}; nothing was changed. `lazaret backup check --read-data` tells how far, and an older snapshot or a copy of the repository may be whole"
    )]
    Damaged {
        /// The repository.
        at: String,
        /// What was found.
        why: String,
    },
    /// The tool underneath did not do it.
    #[error("the repository `{at}` cannot be used while {doing}: {why}")]
    Failed {
        /// The repository.
        at: String,
        /// What was being done.
        doing: &'static str,
        /// What it says.
        why: String,
    },
    /// A disk is full.
    #[error(
        "the disk of `{at}` is full{wanted}; make room or choose another place, and start the same command again: it goes on where it stopped"
    )]
    Full {
        /// The folder.
        at: String,
        /// What would be needed, as `: N bytes are needed, M are free`, or nothing.
        wanted: String,
    },
    /// A file cannot be read or written.
    #[error("`{}` cannot be {verb}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read`, `written`, `made`.
        verb: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// The folder to restore into holds something.
    #[error("`{}` is not empty; restore into a folder that is empty or not there yet", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Another restore into the folder did not end.
    #[error(
        "a restore of snapshot {other} into `{}` did not end; start that one again, or restore into another folder", path.display()
    )]
    OtherRestore {
        /// The folder.
        path: PathBuf,
        /// What was being restored.
        other: String,
    },
    /// What was restored is not what was backed up.
    #[error("{count} files are not what was backed up, the first is `{first}`; the snapshot is not to be relied on")]
    Differs {
        /// How many.
        count: usize,
        /// One of them.
        first: String,
    },
    /// Somebody had it stopped.
    #[error("it was stopped; the repository `{at}` is as it was, and the same command goes on from there")]
    Stopped {
        /// The repository.
        at: String,
    },
    /// A bucket does not do it.
    #[error("the bucket of `{at}` {fault}")]
    Bucket {
        /// The repository.
        at: String,
        /// What is wrong.
        fault: BucketFault,
    },
    /// An address that nothing is known of.
    #[error("`{at}` is no place for a repository: {why}")]
    Place {
        /// What was given.
        at: String,
        /// Why not.
        why: String,
    },
}

impl RecoveryError {
    /// Of a file.
    pub(crate) fn file(path: &Path, verb: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| {
            if is_full(&source) {
                Self::Full { at: path.display().to_string(), wanted: String::new() }
            } else {
                Self::File { path, verb, source }
            }
        }
    }

    /// Of the tool underneath.
    pub(crate) fn of(at: &str, doing: &'static str, error: &RusticError) -> Self {
        if error.is_incorrect_password() {
            return Self::Password { at: at.to_owned() };
        }
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            if inner.downcast_ref::<io::Error>().is_some_and(is_full) {
                return Self::Full { at: at.to_owned(), wanted: String::new() };
            }
            if let Some(fault) = inner.downcast_ref::<BucketFault>() {
                return Self::Bucket { at: at.to_owned(), fault: fault.clone() };
            }
            cause = inner.source();
        }
        Self::Failed { at: at.to_owned(), doing, why: error.display_log() }
    }

    /// What was read in a repository that is there: where no disk and no network is to blame, it is damaged.
    pub(crate) fn of_reading(at: &str, doing: &'static str, error: &RusticError) -> Self {
        let mut cause = std::error::Error::source(error);
        let mut is_reached = true;
        while let Some(inner) = cause {
            is_reached &= inner.downcast_ref::<io::Error>().is_none_or(is_content);
            is_reached &= inner
                .downcast_ref::<object_store::Error>()
                .is_none_or(|error| matches!(error, object_store::Error::NotFound { .. }));
            cause = inner.source();
        }
        match Self::of(at, doing, error) {
            Self::Failed { at, why, .. } if is_reached => Self::Damaged { at, why: format!("{doing} failed: {why}") },
            other => other,
        }
    }
}

/// Whether it is what lies there that is to blame, and not the way to it.
fn is_content(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, NotFound, UnexpectedEof};
    matches!(error.kind(), NotFound | UnexpectedEof | InvalidData)
}

/// Whether there is no more room.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
