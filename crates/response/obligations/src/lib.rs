//! Facts about an incident in; legal clocks out.
//!
//! What comes in: facts as people know them, some of them unknown, and obligations as dated data (`content/obligations`, and
//! what users enter of their contracts). What goes out: for each obligation that the facts could concern whether it is owed,
//! to whom, by when, and because of which fact and which text. This crate is pure: it must never read a clock, keep anything, or
//! hold a duration, threshold or recipient of its own. What the answers mean is fixed in docs/reference/obligations.md.

mod answer;
mod calendar;
mod condition;
mod facts;
mod in_force;
mod library;
mod obligation;
mod period;
mod shipped;

pub use answer::{Answer, Options, Stage, Status, Tolled};
pub use calendar::Calendar;
pub use condition::{Condition, Truth};
pub use facts::{AFFECTED_MAX, Affected, Delay, DelayKind, Facts, FactsError, NOTIFICATIONS_MAX, Notification, Value};
pub use in_force::{in_force, options, put_in_force};
pub use library::{Asked, Library, LibraryError, Vocabulary};
pub use obligation::{Audience, Confidence, Content, LawStatus, Obligation};
pub use period::{Period, Start};
pub use shipped::shipped;
