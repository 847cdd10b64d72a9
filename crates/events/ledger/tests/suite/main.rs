//! The ledger from outside: what it promises, what a crash may do to it, and what an audit finds.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod appending;
mod crashes;
mod kills;
mod mutations;
mod python;
mod support;
