//! Rows in, rows out: the only crate with SQL.
//!
//! What comes in: plain row structs of the catalogue, its data subjects, scans, users and schedules. What goes out:
//! the same, by key, by page or by search. One query module an aggregate. The same statements, the same migrations
//! and the same tests run on SQLite (default, one file) and PostgreSQL. This crate must never decide what a row
//! means (labels, merges and risk are computed above it), never read the clock, and never return a page without an
//! upper limit.

pub mod answers;
mod batch;
pub mod changes;
pub mod copies;
pub mod corrections;
pub mod credentials;
pub mod emergencies;
mod engine;
mod error;
pub mod factors;
pub mod findings;
pub mod foreign;
pub mod grants;
pub mod guarded;
pub mod identifiers;
pub mod incidents;
pub mod keys;
pub mod leaving;
mod migrate;
mod nouns;
pub mod objects;
pub mod passkeys;
pub mod policies;
pub mod postings;
pub mod principals;
pub mod provisioning;
pub mod recovery;
pub mod scans;
pub mod schedules;
pub mod sessions;
pub mod sources;
pub mod studies;
pub mod subjects;
pub mod suppressions;
pub mod totals;
pub mod users;
mod value;

pub use batch::{Delete, Insert, select_in};
pub use engine::{Engine, Store, Transaction};
pub use error::StoreError;
pub use migrate::{KEY_MIGRATIONS, MIGRATIONS};
pub use value::{Row, Value};

/// The most rows that any page holds.
pub const PAGE_ROWS_MAX: u32 = 1_000;
