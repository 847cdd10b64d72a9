//! The lake from outside: what goes in comes out, what a kill leaves is whole, what is forgotten is gone.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod forgetting;
mod keeping;
mod proving;
mod seeking;
mod support;
