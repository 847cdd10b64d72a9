//! Playbooks from outside: what they are, how they run, and those that are shipped.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod common;
mod parse;
mod properties;
mod run;
mod shipped;
mod simulate;
