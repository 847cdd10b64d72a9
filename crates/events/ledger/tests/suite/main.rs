//! The ledger from outside: what it promises, what a crash may do to it, and what an audit finds.

mod appending;
mod crashes;
mod kills;
mod mutations;
mod python;
mod support;
