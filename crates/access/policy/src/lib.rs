//! Who may do what, and why.
//!
//! What comes in: a question (who, which action, to what, in which circumstances) and the grants that are kept. What
//! goes out: a decision with the policies that made it and what to do about a denial; grants, requests, emergencies
//! and reviews as changes that are recorded before they take effect. Policies are Cedar over data, in
//! `content/policies`. This crate must never allow where something failed, change anything that was not recorded, or
//! keep a policy for a single study: Cedar's time grows with the number of policies.

mod access;
mod change;
mod content;
mod effect;
mod emergency;
mod engine;
mod error;
mod grants;
mod index;
mod question;
mod reach;
mod review;
mod shapes;
mod studies;
mod visas;

pub use access::Access;
pub use change::{Case, Difference, Flag, Preview, population};
pub use content::{Role, Source, roles, shipped};
pub use effect::{Effect, Effects};
pub use emergency::EMERGENCY_MS_MAX;
pub use engine::{Decision, Engine, POLICIES_MAX, Rule, id_of};
pub use error::AccessError;
pub use grants::{NewGrant, REQUEST_LIFE_MS_MAX, Rights};
pub use index::Standing;
pub use question::{ActionSet, Circumstances, Machine, Network, Question, Thing};
pub use reach::{Reach, Reached, Told};
pub use visas::{Kept, Vouched};
