//! Hunting: questions in SQL to the lake and the catalogue.
//!
//! What comes in: one question with its parameters and limits, a snapshot of the lake, the catalogue's store, feeds of what other parts
//! count. What goes out: rows, as text, JSON lines, CSV or Parquet.
//!
//! This crate must never change anything, write to a disk, run without limits, or show who a data subject is. It runs in a
//! process of its own (`bin/lazaret-hunt`, docs/adr/0013): a question that runs away takes nothing else with it.
//!
//! A question is planned and looked at (`question`), then answered within limits (`run`) from the tables (`events`, `tables`) into a
//! sink (`output`). The columns are documented in docs/reference/lake.md.

mod error;
mod events;
mod output;
mod question;
mod run;
mod tables;

pub use error::HuntError;
pub use events::schema as events_schema;
pub use lake::saved::{Kind, Parameter};
pub use output::{Format, escaped, sink};
pub use question::{PARAMETERS_MAX, SQL_BYTES_MAX};
pub use run::{Answered, Limits, Sink, Sources, answer};
pub use tables::{Feed, Finding, Pages, SubjectCount};
