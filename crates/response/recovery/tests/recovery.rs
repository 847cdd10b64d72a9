//! Backups from the outside: what comes back, what is refused, what a kill leaves, and what restic says.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and one that is skipped says so"
)]

#[path = "recovery/buckets.rs"]
mod buckets;
#[path = "recovery/damage.rs"]
mod damage;
#[path = "recovery/kills.rs"]
mod kills;
#[path = "recovery/locks.rs"]
mod locks;
#[path = "recovery/restic.rs"]
mod restic;
#[path = "recovery/rounds.rs"]
mod rounds;
#[path = "recovery/s3.rs"]
mod s3;
#[path = "recovery/stops.rs"]
mod stops;
#[path = "recovery/tree.rs"]
mod tree;
