//! Hunting from outside: what a question may see, what it is refused, and what it looks like.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod answers;
mod limits;
mod refusals;
mod support;
