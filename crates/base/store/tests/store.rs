//! The store from the outside: the same bodies on SQLite and on PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail loudly and say what they skip"
)]

#[path = "support/engines.rs"]
mod engines;

#[path = "store/access.rs"]
mod access;
#[path = "store/catalogue.rs"]
mod catalogue;
#[path = "store/copies.rs"]
mod copies;
#[path = "store/findings.rs"]
mod findings;
#[path = "store/foreign_postgres.rs"]
mod foreign_postgres;
#[path = "store/foreign_sqlite.rs"]
mod foreign_sqlite;
#[path = "store/guarded.rs"]
mod guarded;
#[path = "store/incidents.rs"]
mod incidents;
#[path = "store/index.rs"]
mod index;
#[path = "store/keys.rs"]
mod keys;
#[path = "store/migrations.rs"]
mod migrations;
#[path = "store/places.rs"]
mod places;
#[path = "store/recovery.rs"]
mod recovery;
#[path = "store/runs.rs"]
mod runs;
#[path = "store/subjects.rs"]
mod subjects;
#[path = "store/transactions.rs"]
mod transactions;
#[path = "store/users.rs"]
mod users;
