//! The lake: the ledger's entries as columns, to be asked in SQL.
//!
//! What comes in: entries of the ledger with their details opened, and the checkpoint that covers them. What goes out: rows,
//! by segment, for whoever hunts. A row knows its entry's number, by which the ledger proves the entry;
//! and a row is nothing but what [`rows_of`] makes of that entry.
//!
//! This crate must never write a byte in clear, hold an entry twice or leave one out, keep what a destroyed key had sealed, or be
//! the only place where something is kept: the lake can be taken away at any time and made anew from the ledger.
//!
//! [`rows_of`] flattens entries; [`Lake`] writes them as Parquet (`segment`), each segment sealed as a whole (`sealed`) and listed in
//! a manifest that is replaced as a whole (`manifest`). A [`Snapshot`] reads. The form is documented in docs/reference/lake.md.

mod accesses;
mod columns;
mod disk;
mod entries;
mod error;
mod folder;
mod manifest;
mod pieces;
mod retention;
mod row;
pub mod saved;
mod sealed;
mod segment;
mod sought;

use std::sync::Arc;

pub use accesses::Wanted;
pub use entries::{Detail, Opened, rows_of};
pub use error::LakeError;
pub use folder::{Checkpoint, Forgotten, Lake, Limits, SEGMENT_BYTES_MAX, SEGMENT_ROWS_MAX, Snapshot};
pub use manifest::{MANIFEST, Manifest, Segment};
pub use retention::{Holds, Retention};
pub use row::{Row, schema};
pub use sealed::{LakeKey, SealedFile};
pub use segment::GROUP_ROWS;
pub use sought::{Among, Sought};

/// Randomness, as the caller has it.
pub type Random = Arc<dyn Fn(&mut [u8]) -> std::io::Result<()> + Send + Sync>;
