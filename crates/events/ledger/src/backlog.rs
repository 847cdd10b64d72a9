//! What is durable but not in tiles yet: handed from the thread that writes to the one that builds the tree. Bounded in
//! bytes; who hands over waits when it is full.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use verify::merkle::Hash;

use crate::LedgerError;

/// Bytes of entries that wait at most.
const BACKLOG_BYTES_MAX: usize = 256 << 20;

/// A batch that is durable.
pub(crate) struct Durable {
    /// The entries, each behind its length.
    pub bundle: Vec<u8>,
    /// Their hashes.
    pub leaves: Vec<Hash>,
    /// The signed checkpoint behind them.
    pub note: String,
    /// First entry of the segment that they lie in.
    pub segment: u64,
}

/// What the building thread is asked.
pub(crate) enum Work {
    /// To add a batch.
    Batch(Durable),
    /// To publish all that came before.
    Publish(oneshot::Sender<Result<(), LedgerError>>),
    /// To publish and end.
    End,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Work>,
    bytes: usize,
    /// Nobody takes anything any more.
    closed: bool,
}

/// The queue.
#[derive(Default)]
pub(crate) struct Backlog {
    state: Mutex<State>,
    changed: Condvar,
}

impl Backlog {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    pub fn push(&self, work: Work) {
        let bytes = weight(&work);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.bytes > 0 && state.bytes + bytes > BACKLOG_BYTES_MAX && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.closed {
            state.bytes += bytes;
            state.queue.push_back(work);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// The next work, or `None` after `wait`.
    pub fn take(&self, wait: Duration) -> Option<Work> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, wait, |state| state.queue.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        let work = state.queue.pop_front();
        state.bytes -= work.as_ref().map_or(0, weight);
        drop(state);
        self.changed.notify_all();
        work
    }

    /// Lets nobody wait any more.
    pub fn close(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State { closed: true, ..State::default() };
        drop(state);
        self.changed.notify_all();
    }
}

fn weight(work: &Work) -> usize {
    match work {
        Work::Batch(batch) => batch.bundle.len() + batch.leaves.len() * 32,
        Work::Publish(_) | Work::End => 0,
    }
}
