//! What can go wrong.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use model::EnvelopeError;
use verify::entry::EntryError;
use verify::note::NoteError;
use verify::proof::ProofError;
use verify::timestamp::StampError;

/// Why the ledger could not do what was asked. After an error of [`crate::Ledger::append`] nothing may be released.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A file could not be read or written.
    #[error("cannot {doing} `{path}`; check the disk and the folder's owner, then start again")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Of what.
        path: String,
        /// What went wrong.
        #[source]
        source: io::Error,
    },
    /// An earlier write failed, so that nothing more is taken. What was acknowledged before is safe.
    #[error("the ledger takes nothing more since a write failed ({why}); check the disk and start again")]
    Stopped {
        /// What failed.
        why: Arc<str>,
    },
    /// Another process has it open.
    #[error("`{path}` is open in another process; end that one first")]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// What lies there is not what was written.
    #[error("the ledger is damaged: `{path}`: {what}; run `lazaret-verify` on it and restore it from a backup")]
    Damaged {
        /// Where.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// None of the keys given signs this log.
    #[error(
        "no key of the key file signed the checkpoint of `{origin}`; give the key file that belongs to this ledger"
    )]
    WrongKey {
        /// The log's name.
        origin: String,
    },
    /// The key file is none.
    #[error("`{path}` is no key file of a ledger; restore it from a backup")]
    KeyFile {
        /// The file.
        path: PathBuf,
    },
    /// An event does not fit into an entry.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// An event has no JSON form.
    #[error("the event cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// A detail could not be sealed or opened.
    #[error("the detail `{field}` cannot be sealed or opened")]
    Seal {
        /// Which.
        field: String,
        /// What went wrong.
        #[source]
        source: EnvelopeError,
    },
    /// No randomness.
    #[error("the system gives no randomness; try again")]
    Random(#[source] io::Error),
    /// A proof cannot be made.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// A note or key is none.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Entries that are not there.
    #[error("the ledger has {size} entries and none with number {asked}")]
    Beyond {
        /// What was asked for.
        asked: u64,
        /// How many there are.
        size: u64,
    },
    /// A witness or authority does not answer as it should.
    #[error("`{url}` does not answer as it should ({what}); check its address and its operator's notices")]
    Remote {
        /// Whom.
        url: String,
        /// What came.
        what: String,
    },
    /// A witness has seen another tree: somebody signed two.
    #[error("the witness at `{url}` saw another ledger of this name at {size} entries; do not go on, call the auditor")]
    Fork {
        /// Whom.
        url: String,
        /// The size it saw.
        size: u64,
    },
    /// A time stamp does not fit.
    #[error(transparent)]
    Stamp(#[from] StampError),
}

impl LedgerError {
    pub(crate) fn io(doing: &'static str, path: &str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }

    pub(crate) fn damaged(path: &str, what: impl std::fmt::Display) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.to_string() }
    }
}
