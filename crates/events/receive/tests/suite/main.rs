//! What comes is durable, told what it means, and recorded once, whenever a kill comes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod folders;
mod listening;
mod meaning;
mod pumping;
mod spooling;
mod support;
