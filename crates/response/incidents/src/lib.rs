//! The record and what is known of objects in; whose data was exposed out, and what is done about it.
//!
//! What comes in: entries of the record that say who touched which object, how many data subjects of which jurisdiction an
//! object is about, and what people do and say about an incident. What goes out: exposure, graded by how sure it is, each figure with the
//! entries that prove it ([`exposure`]); incidents as their entries leave them, with the clocks that their facts start ([`case`]), recorded
//! before they are kept ([`desk`]); notices with a check of what the law wants said ([`drafts`]); whom to reach and how ([`plan`]), and letters
//! to those concerned ([`letters`]). This crate must never read a clock, change or take away an entry, give a figure without the entries that it
//! is told from, or name a data subject other than in the letter to them.

pub mod case;
pub mod desk;
pub mod drafts;
pub mod exposure;
pub mod letters;
pub mod plan;
