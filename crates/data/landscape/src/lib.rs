//! Sources in; a catalogue of labelled objects and their data subjects out.

pub mod inspect;
pub mod report;
