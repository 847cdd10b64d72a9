//! Located text in; identifiers with their confidence and the reason for it out. Pure: no I/O, no clock, no
//! randomness. This is the hot loop of the product: nothing here may allocate per byte, look at a byte twice
//! without need, or know about files. What is recognised is data under content/recognizers; this crate is how.

pub mod content;
mod embedded;
pub mod engine;
pub mod names;
pub mod oracle;
pub mod structure;
pub mod validate;
