//! What readers report to.

use model::Format;

use crate::{Field, Halt, Problem, Row, Table, Text};

/// An object inside another: archive member, attachment, embedded document.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// Its name inside its container, as stored there; may hold anything, including `../`.
    pub name: &'a str,
    /// Its expanded size, when the container says so.
    pub len: Option<u64>,
}

/// Receives what readers find, in document order. Any method may ask the walk to stop by returning [`Halt`].
pub trait Sink {
    /// What the present object turned out to be. Comes first, once; a reader may refine it (JSON → FHIR) before
    /// anything else is reported.
    fn format(&mut self, format: Format) -> Result<(), Halt>;
    /// A nested object begins; all that follows belongs to it until `leave`.
    fn enter(&mut self, member: &Member<'_>) -> Result<(), Halt>;
    /// The nested object ends. `bytes` is its expanded size as read.
    fn leave(&mut self, bytes: u64) -> Result<(), Halt>;
    /// Free text.
    fn text(&mut self, text: &Text<'_>) -> Result<(), Halt>;
    /// The columns of the rows that follow.
    fn table(&mut self, table: &Table<'_>) -> Result<(), Halt>;
    /// One row of the table announced last.
    fn row(&mut self, row: &Row<'_>) -> Result<(), Halt>;
    /// One leaf of a tree-shaped format.
    fn field(&mut self, field: &Field<'_>) -> Result<(), Halt>;
    /// Fields before and after belong to different records (another FHIR resource, HL7 message, DICOM dataset,
    /// e-mail): they describe, as far as the format tells, different subjects or events. Rows need no such call.
    fn record(&mut self) -> Result<(), Halt>;
    /// Something of the present object could not be read.
    fn problem(&mut self, problem: Problem) -> Result<(), Halt>;
}
