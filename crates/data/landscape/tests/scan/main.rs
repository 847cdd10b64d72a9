//! Scanning from the outside: real folders, a small S3 server, databases, kills.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests fail loudly and say what they skip")]

#[path = "../../../../base/store/tests/support/engines.rs"]
#[expect(dead_code, reason = "only the server is used here")]
mod engines;

mod databases;
mod desk;
mod flows;
mod folders;
mod interrupted;
mod stores;
mod world;
