//! The way from listeners into the spool.

use std::net::IpAddr;
use std::sync::Arc;

use crate::spool::SpoolError;
use crate::{Board, Clock, Frame, Payload, Spool};

/// Bytes of frames after which listeners hand over what they have.
pub const BATCH_BYTES: usize = 256 << 10;

/// Why something was not taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PutError {
    /// The spool.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

/// Hands what comes to the spool, and counts it.
#[derive(Clone)]
pub struct Inlet {
    spool: Arc<Spool>,
    board: Arc<Board>,
    clock: Clock,
}

impl Inlet {
    /// Into `spool`, counted on `board`. What waits there already is counted as waiting.
    #[must_use]
    pub fn new(spool: Arc<Spool>, board: Arc<Board>, clock: Clock) -> Self {
        for (source, bytes) in &spool.recovered().waiting {
            board.source(source).wait(*bytes);
        }
        Self { spool, board, clock }
    }

    /// Where it is counted.
    #[must_use]
    pub const fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// Where it goes.
    #[must_use]
    pub const fn spool(&self) -> &Arc<Spool> {
        &self.spool
    }

    /// The time.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// A frame of what comes now.
    #[must_use]
    pub fn frame(&self, source: &str, peer: Option<IpAddr>, cut_bytes: u64, payload: Payload) -> Frame {
        let source = crate::frame::cut(source, crate::frame::SOURCE_BYTES_MAX).to_owned();
        Frame { source, arrival_ms: self.now_ms(), peer, cut_bytes, payload }
    }

    /// Makes frames of one source durable. Waits while the spool is full.
    ///
    /// # Errors
    /// When they are not durable: then whoever sent them must not be told that they are.
    pub async fn put(&self, source: &str, frames: &[Frame]) -> Result<(), PutError> {
        if frames.is_empty() {
            return Ok(());
        }
        let records = frames.iter().filter(|frame| frame.is_record());
        let (count, bytes) = records.fold((0, 0), |(count, bytes), frame| (count + 1, bytes + frame.bytes() as u64));
        let counters = self.board.source(source);
        // Counted first: the pump may be done with them before this goes on.
        counters.wait(bytes);
        match self.spool.append(frames).await {
            Ok(_numbers) => {
                counters.arrived(count, self.now_ms());
                Ok(())
            }
            Err(error) => {
                counters.done(bytes, false, false);
                self.board.set_trouble(Some(error.to_string()));
                Err(error.into())
            }
        }
    }
}
