//! What has come and what became of it, counted for each source.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

/// Sources that are counted apart; what comes from further ones is counted under [`OTHERS`].
const SOURCES_MAX: usize = 1_000;
/// The name under which sources beyond [`SOURCES_MAX`] are counted.
const OTHERS: &str = "others";

/// Counts of one source since the program started.
#[derive(Debug, Default)]
pub struct Counters {
    pub(crate) received: AtomicU64,
    pub(crate) recorded: AtomicU64,
    pub(crate) unparsed: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) waiting_bytes: AtomicU64,
    pub(crate) last_arrival_ms: AtomicI64,
}

/// Counts of one source, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SourceState {
    /// The listener, folder or token.
    pub name: String,
    /// Records that came and are durable in the spool, since the program started.
    pub received: u64,
    /// Records that are durable in the ledger, since the program started.
    pub recorded: u64,
    /// Of these, records that could not be read. What came is kept all the same.
    pub unparsed: u64,
    /// Messages that were lost at the socket before the program could take them (UDP alone).
    pub dropped: u64,
    /// Bytes that wait in the spool.
    pub waiting_bytes: u64,
    /// When the latest record came, in milliseconds since 1970; 0 when none has.
    pub last_arrival_ms: i64,
}

/// What has come from where. Shared by whoever counts and whoever shows it.
#[derive(Debug, Default)]
pub struct Board {
    sources: RwLock<BTreeMap<String, Arc<Counters>>>,
    trouble: RwLock<Option<String>>,
}

impl Board {
    /// The counters of a source, which are made at first.
    #[must_use]
    pub fn source(&self, name: &str) -> Arc<Counters> {
        if let Some(known) = self.sources.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Arc::clone(known);
        }
        let mut sources = self.sources.write().unwrap_or_else(PoisonError::into_inner);
        let name = if sources.len() >= SOURCES_MAX && !sources.contains_key(name) { OTHERS } else { name };
        Arc::clone(sources.entry(name.to_owned()).or_default())
    }

    /// All sources, by name.
    #[must_use]
    pub fn sources(&self) -> Vec<SourceState> {
        let sources = self.sources.read().unwrap_or_else(PoisonError::into_inner);
        let told = |(name, counters): (&String, &Arc<Counters>)| SourceState {
            name: name.clone(),
            received: counters.received.load(Relaxed),
            recorded: counters.recorded.load(Relaxed),
            unparsed: counters.unparsed.load(Relaxed),
            dropped: counters.dropped.load(Relaxed),
            waiting_bytes: counters.waiting_bytes.load(Relaxed),
            last_arrival_ms: counters.last_arrival_ms.load(Relaxed),
        };
        sources.iter().map(told).collect()
    }

    /// What keeps records from being taken or recorded, if something does.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says what keeps records from being recorded, or that nothing does any more.
    pub fn set_trouble(&self, why: Option<String>) {
        *self.trouble.write().unwrap_or_else(PoisonError::into_inner) = why;
    }
}

impl Counters {
    /// Records came and are durable.
    pub(crate) fn arrived(&self, records: u64, at_ms: i64) {
        self.received.fetch_add(records, Relaxed);
        self.last_arrival_ms.fetch_max(at_ms, Relaxed);
    }

    /// Bytes wait.
    pub(crate) fn wait(&self, bytes: u64) {
        self.waiting_bytes.fetch_add(bytes, Relaxed);
    }

    /// A record is durable in the ledger, and its bytes wait no more.
    pub(crate) fn done(&self, bytes: u64, is_unparsed: bool, is_new: bool) {
        self.recorded.fetch_add(u64::from(is_new), Relaxed);
        self.unparsed.fetch_add(u64::from(is_unparsed && is_new), Relaxed);
        let left = |waiting: u64| Some(waiting.saturating_sub(bytes));
        let _always_set = self.waiting_bytes.fetch_update(Relaxed, Relaxed, left);
    }

    /// Messages were lost at the socket.
    pub(crate) fn lost(&self, messages: u64) {
        self.dropped.fetch_add(messages, Relaxed);
    }
}
