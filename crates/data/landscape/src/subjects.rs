//! Data subjects: records in, exact counts of distinct people out.
//!
//! Every distinct set of tokens that a record carries is a *profile* with a dense number. Profiles that the merge rule
//! joins are one data subject; the smallest of their numbers is its canonical profile. Bitmaps of objects hold
//! profiles, not subjects, and are never rewritten: a merge (or its undoing) only changes the canonical numbers, which
//! are applied while counting. So counts are exact whenever merges happen, and undoing one loses nothing.
//!
//! The merge rule (see [`People`]): records that share a strong token are one person; records that share full name and
//! birth date are one person unless a strong identifier of the same domain disagrees; a person's decision that two
//! profiles are different people goes before both.

mod bitset;
mod count;
mod key;
mod people;
mod rule;

pub use bitset::{Accumulator, DamagedBitmap, bitmap};
pub use count::{Counts, LabelUnions, count};
pub use key::{KeyError, open_key, passing_key};
pub use people::{Assigned, People, Tally};
