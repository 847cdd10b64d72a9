//! Facts about an incident in; legal clocks out.
//!
//! What comes in: facts as people know them, some of them unknown, and obligations as dated data (`content/obligations`, and
//! what users enter of their contracts). What goes out: for each obligation that the facts could concern whether it is owed,
//! to whom, by when, and because of which fact and which text. This crate is pure: it must never read a clock, keep anything, or
//! hold a duration, threshold or recipient of its own. What the answers mean is fixed in docs/reference/obligations.md.

mod answer;
mod calendar;
mod clause;
mod condition;
mod contradiction;
mod facts;
mod fault;
mod in_force;
mod jurisdiction;
mod library;
mod obligation;
mod period;
mod reckon;
mod regime;
mod shipped;
mod within;

pub use answer::{Answer, Options, Stage, Status, Tolled};
pub use calendar::Calendar;
pub use clause::{CLAUSES_FILE, CLAUSES_MAX, Clause, ClauseChange, ClauseError, ClauseFault, Clauses};
pub use condition::{Condition, Truth};
pub use contradiction::Contradiction;
pub use facts::{AFFECTED_MAX, Affected, Delay, DelayKind, Facts, FactsError, NOTIFICATIONS_MAX, Notification, Value};
pub use fault::{Fault, faults};
pub use in_force::{base, in_force, options, put_clauses_in_force, put_in_force};
pub use library::{Asked, Group, Library, LibraryError, Shape, Trigger, Vocabulary};
pub use obligation::{Audience, Confidence, Content, Extension, LawStatus, Obligation};
pub use period::{Period, Start};
pub use shipped::shipped;
pub use within::{NoPeriod, Within};
