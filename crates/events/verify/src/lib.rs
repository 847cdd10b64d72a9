//! The folder of a ledger in; what is wrong with it out. The format of the ledger and its offline audit, small enough to
//! read in an hour.
//!
//! A ledger is an append-only Merkle tree (RFC 6962) in the layout of C2SP tlog-tiles, under checkpoints that are C2SP
//! signed notes. docs/reference/ledger.md describes it byte by byte. This crate must never write below a ledger, trust a
//! length it has read, or panic on input: parsers return an error, and every fault that [`audit`] meets goes into its
//! [`Report`].
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod audit;
pub mod bytes;
pub mod command;
pub mod entry;
mod files;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod tile;
pub mod timestamp;
pub mod wal;
pub mod witness;

pub use audit::{Fault, FaultKind, Mode, Pins, Report, audit};
pub use files::{Files, Folder};

/// Versions and names that everything here shares.
pub mod names {
    /// The latest checkpoint.
    pub const CHECKPOINT: &str = "checkpoint";
    /// The verifier key that the log began with.
    pub const LOG_KEY: &str = "log.vkey";
    /// Held by the process that appends; empty.
    pub const LOCK: &str = "lock";
    /// Segments of the write-ahead log.
    pub const WAL: &str = "wal";
    /// Tiles and bundles of entries.
    pub const TILE: &str = "tile";
    /// Copies of time-stamp replies.
    pub const ANCHORS: &str = "anchors";
    /// Copies of checkpoints with cosignatures of witnesses.
    pub const COSIGNED: &str = "cosigned";
    /// What is computed from the ledger and can be computed again; the only folder that is not covered.
    pub const DERIVED: &str = "derived";
}
