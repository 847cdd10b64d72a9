//! Events and Sigma rules in; matches with their evidence out.
//!
//! [`rule::parse`] reads rules, [`Engine`] tries them on events: it routes an event by its log source first, reads only the
//! fields that the rules of the route ask for, asks each question once per distinct value, and wakes only rules one of whose
//! rarest questions was answered with yes. [`oracle`] does the same slowly and obviously, and the tests hold the engine to
//! it. This crate must never try a rule on an event of another log source, allocate for an event that matches nothing, or
//! panic on a rule or an event.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod condition;
pub mod correlate;
pub mod correlation;
mod engine;
mod index;
pub mod library;
pub mod logsource;
pub mod oracle;
pub mod pattern;
mod program;
pub mod rule;
mod scan;
pub mod shipped;
pub mod test;
pub mod time;
pub mod yaml;

pub use engine::{Engine, Event, Match};
pub use program::Ruleset;
pub use scan::Malformed;
