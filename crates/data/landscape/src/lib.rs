//! Sources in; a catalogue of labelled objects and their data subjects out.
//!
//! A scan walks a source, has every new or changed object inspected, and writes what was found in batches: each is one
//! transaction, so that a kill at any moment leaves a consistent catalogue from which the scan goes on. Data subjects
//! are known by keyed tokens only. This crate must never keep an object's text (samples come masked), never follow a
//! link out of a source, and never count a person twice.

pub mod catalogue;
pub mod flow;
pub mod inspect;
pub mod queries;
pub mod report;
pub mod scan;
pub mod sources;
pub mod subjects;

pub use catalogue::{Catalogue, CatalogueError};
