//! What the console has done about backups by whoever can: made, checked, drilled. Who does it is not known here.

use landscape::scan::Rule;
use model::{By, PrincipalId, RecoveryKind};

/// What the settings say about backups.
#[derive(Debug, Clone)]
pub struct RecoveryPlan {
    /// The main repository: a folder or bucket.
    pub repository: String,
    /// The repository of keys.
    pub key_repository: String,
    /// When backups are made; none: when somebody asks.
    pub schedule: Option<Rule>,
    /// When the next is due, in milliseconds since 1970, UTC.
    pub due_at: Option<i64>,
    /// How old the newest snapshot may become, in seconds.
    pub rpo_seconds: u64,
    /// How long it may take until everything is back, in seconds.
    pub rto_seconds: u64,
    /// Folders whose listings are kept.
    pub watched: Vec<String>,
    /// Studies in the order in which they come back.
    pub studies: Vec<String>,
    /// Days that keys stay in backups.
    pub key_days: u16,
    /// Days for which everything in the main repository is locked, counted from each backup; none: the settings say nothing.
    pub lock_days: Option<u16>,
    /// Where the root key lies, in words. It is in no backup.
    pub root_key: String,
    /// The catalogue is on a server of its own, and in no backup.
    pub is_catalogue_elsewhere: bool,
}

/// What is being done.
#[derive(Debug, Clone)]
pub struct RecoveryWork {
    /// What it is.
    pub kind: RecoveryKind,
    /// When it began, in milliseconds since 1970, UTC.
    pub began_at: i64,
    /// Who asked for it, if somebody did in the console.
    pub by: Option<PrincipalId>,
    /// The way in: `console`, `schedule`.
    pub through: String,
    /// What is being done, in words; empty before anything is.
    pub stage: &'static str,
    /// Bytes that are behind.
    pub done_bytes: u64,
    /// Bytes that there are in this stage; 0 where that is not known.
    pub total_bytes: u64,
    /// Somebody had it stopped, and it ends as soon as it can.
    pub is_stopping: bool,
}

/// One snapshot of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRow {
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

/// The snapshots of both repositories, as they were read last, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// When they were read; none: not yet.
    pub read_at: Option<i64>,
    /// They are being read.
    pub is_being_read: bool,
    /// Why they could not be read the last time; what is listed is from before.
    pub fault: Option<String>,
    /// There is no repository at one of the places.
    pub is_missing: bool,
    /// The main repository's.
    pub main: Vec<SnapshotRow>,
    /// The key repository's.
    pub keys: Vec<SnapshotRow>,
}

/// Why something was not begun.
#[derive(Debug, thiserror::Error)]
pub enum RecoverFault {
    /// Something else is being done; none: the server stops.
    #[error("{}", busy(*.0))]
    Busy(Option<RecoveryKind>),
    /// It cannot be done as things are.
    #[error("{0}")]
    Wrong(String),
}

fn busy(kind: Option<RecoveryKind>) -> String {
    match kind {
        Some(kind) => format!("a {kind} is under way, and there is one at a time; wait for its end, or stop it"),
        None => "the server stops or has its hands full; try again in a moment".to_owned(),
    }
}

/// Does it, one thing at a time.
pub trait Recover: Send + Sync + 'static {
    /// What the settings say; none: nothing about backups.
    fn plan(&self) -> Option<RecoveryPlan>;

    /// What is being done.
    fn running(&self) -> Option<RecoveryWork>;

    /// Begins something on behalf of somebody. It goes on behind, and what comes of it is recorded and kept in the store. `reads_data`
    /// has a check read every byte.
    ///
    /// # Errors
    /// When something else is being done, or backups are not set up.
    fn begin(&self, kind: RecoveryKind, reads_data: bool, by: &By) -> Result<(), RecoverFault>;

    /// Has what is being done stopped on behalf of somebody; whether anything was being done.
    fn stop(&self, by: &By) -> bool;

    /// The snapshots as they were read last. Where that is older than `newer_than`, in milliseconds since 1970, UTC, or long ago, they
    /// are read anew behind.
    fn listing(&self, newer_than: i64) -> Listing;
}
