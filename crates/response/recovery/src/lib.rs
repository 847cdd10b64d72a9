//! Backups, and the proof that they are some.
//!
//! What comes in: lists of files with what they hold ([`Piece`]), and a place to keep them. What goes out: snapshots in
//! repositories of the restic format, and the same files again, compared by a digest over all of them. The format, its
//! encryption included, is `rustic_core`'s; `restic` itself reads the repositories.
//!
//! This crate must never decide what belongs into a backup or what a file means (it is told), put keys beside what they seal
//! (the caller has two repositories), leave a restored folder that looks whole and is not, or panic on a damaged repository.

mod backend;
mod backup;
pub mod burst;
mod error;
pub mod history;
pub mod listing;
mod locks;
mod manifest;
mod piece;
mod progress;
mod repository;
mod restore;
mod retention;
mod source;

pub use backend::Place;
pub use backend::bucket::{BucketFault, InBucket, Lock, LockMode};
pub use backup::{Made, make};
pub use error::RecoveryError;
pub use locks::{Locked, Locking};
pub use manifest::{Digest, Entry, Manifest, SUMMARY};
pub use piece::{Content, Piece, Problem, walk};
pub use progress::{Progress, Stage};
pub use repository::{Checked, Opened, Repository, Snapshot};
pub use restore::{MARKER, Reached, Restored, Target, Task, compare, digest_of, is_unfinished, restore};
pub use retention::{Expired, Keep};
