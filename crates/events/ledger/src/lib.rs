//! Events in; receipts out, once each event is durable in a log that nobody can change unseen.
//!
//! One thread makes batches durable in a write-ahead log and only then answers (group commit); another builds the tiles of
//! the Merkle tree behind it and publishes checkpoints. Details that can identify somebody are sealed under keys that can
//! be destroyed before they are queued. docs/reference/ledger.md describes the folder, docs/adr/0007 why it is so.
//!
//! This crate must never acknowledge what is not durable, go on after a failed write or sync, hold a detail in clear, or
//! read a clock or draw randomness of its own.

mod anchor;
mod backlog;
mod clock;
pub mod disk;
mod error;
mod handle;
mod http;
mod integrate;
mod keys;
mod recover;
mod seal;
mod witness;
mod writer;

pub use anchor::StampRequest;
pub use clock::{Clock, Random};
pub use error::LedgerError;
pub use handle::{Inclusion, Ledger, READ_ENTRIES_MAX, Receipt, Recovered, Revealed, Settings, Stored};
pub use keys::Keys;
pub use verify;
