//! Bytes of one object in; located text, table rows and fields out, in document order, through a [`Sink`].
//!
//! Readers stream: memory is bounded by [`Limits`], whatever the size of the object. Formats are recognised by
//! content, never by name. Archives, mailboxes and embedded documents open as members, depth first. This crate
//! must never guess what a value means (that is recognition's work), never write to disk, never panic on input
//! and never skip silently: whatever cannot be read is reported as a [`Problem`].

mod archive;
mod binary;
mod budget;
mod chemistry;
mod clinical;
mod delimited;
mod detect;
mod error;
mod foreign;
mod genomics;
mod image;
mod json;
mod lines;
mod located;
mod mail;
mod markup;
mod office;
mod read;
mod sink;
mod source;
mod tables;
#[cfg(test)]
mod testing;
mod text;
mod tree;
mod trial;
mod window;

pub use budget::{Budget, Limits};
pub use detect::detect;
pub use error::{Halt, Problem, ProblemKind, ReadError};
pub use located::{Cell, Column, Escape, Field, Place, Qualifiers, Raw, Row, Table, TableStyle, Text, Vocabulary};
pub use read::{Reader, read, read_as};
pub use sink::{Member, Sink};
pub use source::{ReadSeek, Source};
