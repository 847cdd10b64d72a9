//! Threat intelligence in; matches on events out.
//!
//! [`parse`] reads what others know to be bad: STIX 2.1 bundles, MISP events, the KEV catalogue, plain lists. [`Collection`]
//! keeps it in a folder, [`taxii`] and [`fetch`] get it from servers, [`Matcher`] looks for it in events, live and back in
//! time, in one pass over an event's bytes. [`oracle`] does the same slowly and obviously, and the tests hold the matcher to
//! it. This crate must never skip an indicator in silence, match one that its source took back or that ended, allocate for
//! an event that matches nothing, or panic on what it reads.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod benign;
mod collection;
pub mod fetch;
mod indicator;
mod kev;
mod lifetimes;
mod list;
mod matcher;
mod misp;
pub mod normal;
pub mod oracle;
mod parse;
pub mod stix;
pub mod taxii;
mod time;

pub use collection::{Collection, CollectionError, Entry, Merged, Remembered};
pub use indicator::{
    Algorithm, Atom, Context, Exploited, Expression, Indicator, Kind, Looks, Network, Problem, Reference, Test, Until,
};
pub use lifetimes::{Lifetime, Lifetimes};
pub use matcher::{Basis, Match, Matcher, Scratch, TIME_FIELDS};
pub use parse::{BYTES_MAX, Form, INDICATORS_MAX, JSON_BYTES_MAX, Options, Parsed, parse, parse_stix};
pub use time::milliseconds;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;
