//! Logs of other systems in, as they happen; events of the record out, none lost and none twice.
//!
//! Listeners ([`syslog`], [`folder`], [`push`]) hand what comes to the [`Spool`], a sealed queue on disk that answers once
//! it is durable. The [`pump`] reads the queue in order, tells of each record what it means ([`map`]: class and activity of
//! OCSF 1.5, actor, object, log sources) and has it recorded through [`model::Record`]. [`Board`] counts. The spool's format
//! and the argument why each record is recorded exactly once stand in docs/reference/intake.md.
//!
//! This crate must never drop a record in silence, keep anything in clear on disk, acknowledge what is not durable, go on
//! after a failed write, or read a clock or draw randomness of its own.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod board;
pub mod folder;
mod frame;
mod inlet;
pub mod map;
pub mod pump;
pub mod push;
pub mod spool;
pub mod syslog;

pub use board::{Board, Counters, SourceState};
pub use frame::{Frame, FrameError, Payload};
pub use inlet::{Inlet, PutError};
pub use map::{Mapped, Mapper};
pub use spool::Spool;

use std::sync::Arc;

/// Gives the time, in milliseconds since 1970, UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Fills a buffer with bytes that nobody can predict.
pub type Random = Arc<dyn Fn(&mut [u8]) -> std::io::Result<()> + Send + Sync>;

/// Waits until `stop` turns true, or nobody can turn it any more.
pub(crate) async fn ended(stop: &mut tokio::sync::watch::Receiver<bool>) {
    let _sender_is_gone = stop.wait_for(|stop| *stop).await.map(drop);
}
