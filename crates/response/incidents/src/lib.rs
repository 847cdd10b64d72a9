//! The record and what is known of objects in; whose data was exposed out, and what is done about it.
//!
//! What comes in: entries of the record that say who touched which object, and how many data subjects of which jurisdiction an
//! object is about. What goes out: exposure, graded by how sure it is, each figure with the entries that prove it; facts for
//! legal clocks; notices drafted from them. This crate is pure: it must never read a clock, look something up, name a data
//! subject, or give a figure without the entries that it is told from.

pub mod exposure;
