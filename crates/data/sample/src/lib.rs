//! A made-up life-science organisation and made-up notes. What comes in: a seed; what goes out: the same bytes every
//! time, together with the truth of what was planted in them.
//!
//! Everything is invented: people, hospitals, companies, numbers. Numbers that carry a check digit carry a right
//! one, so that a recogniser can be measured; mail and web addresses lie in reserved domains (RFC 2606). This crate
//! reads no clock, no environment and no network, and it must never hold real data or a complete secret in its
//! source: fake credentials are put together from parts while it runs.

pub mod images;
pub mod noise;
pub mod notes;
pub mod organisation;

mod address;
mod calendar;
mod check_digit;
mod identifier;
mod lexicon;
mod person;
mod random;
mod write;

pub use person::Language;
