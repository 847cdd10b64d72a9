//! Events in, findings out.
//!
//! What comes in: events of Lazaret's own record with what is known of actor and study, and events of other logs. What goes
//! out: [`Sighting`]s of rules, correlations and behaviour; what makes them one finding; a finding's rank; its form for other
//! systems. The same events give the same sightings under the same ids, so that whoever watches again after a crash finds
//! nothing twice. This crate must never read a clock, keep anything on disk, or decide what is done about a finding.

mod closer;
pub mod document;
mod known_bad;
pub mod outlet;
pub mod rank;
mod sighting;
mod story;
mod watcher;

pub use closer::{CLOSER_RULE, Closer, Closers, watched};
pub use document::{Context, Standing, own_access};
pub use known_bad::{INDICATOR_RULE, indicated};
pub use rank::Ranking;
pub use sighting::{Measure, Sighting, same_finding_ms};
pub use story::Story;
pub use watcher::{BEHAVIOUR_RULE, Counts, Known, Seen, Watcher};
