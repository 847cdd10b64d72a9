//! Unwrapped keys in memory: so many at most, for so long at most.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use store::keys::KeyRow;

use crate::{Key, VaultError};

/// Asks for the newest version that is known.
pub(super) const NEWEST: i64 = 0;

/// How unwrapped keys are kept in memory. When the provider of the root key is out of reach, what is kept goes on working
/// until it expires, and nothing after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caching {
    /// Keys at a time.
    pub keys_max: usize,
    /// Milliseconds that a key stays. Where several programs share one key table, what one of them shreds stays readable in
    /// the others for so long.
    pub age_ms_max: i64,
}

impl Default for Caching {
    fn default() -> Self {
        Self { keys_max: 8192, age_ms_max: 60_000 }
    }
}

/// A key in use.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) name: String,
    pub(crate) version: i64,
    pub(crate) owner: String,
    pub(crate) study: Option<String>,
    pub(crate) key: Key,
    is_destroyed: AtomicBool,
}

impl Held {
    pub(super) fn new(row: &KeyRow, key: Key) -> Self {
        let (name, owner, study) = (row.name.clone(), row.owner.clone(), row.study.clone());
        Self { name, version: row.version, owner, study, key, is_destroyed: AtomicBool::new(false) }
    }

    /// Readers that hold the key while it is destroyed end here.
    pub(crate) fn alive(&self) -> Result<&Key, VaultError> {
        if self.is_destroyed.load(Ordering::Acquire) {
            return Err(VaultError::Destroyed { scope: self.owner.clone() });
        }
        Ok(&self.key)
    }
}

struct Entry {
    held: Arc<Held>,
    expires_at: i64,
}

/// Keys in memory.
pub(super) struct Cache {
    caching: Caching,
    entries: HashMap<String, Vec<Entry>>,
    count: usize,
    /// Raised by every destruction: what was read from the table before one is not kept.
    generation: u64,
}

impl Cache {
    pub(super) fn new(caching: Caching) -> Self {
        Self { caching, entries: HashMap::new(), count: 0, generation: 0 }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// A key that is at hand. Clocks that were set back expire it too.
    pub(super) fn find(&self, name: &str, version: i64, now: i64) -> Option<Arc<Held>> {
        let age = self.caching.age_ms_max;
        let fresh = |entry: &&Entry| entry.expires_at > now && entry.expires_at - age <= now;
        let entries = self.entries.get(name)?.iter().filter(fresh);
        let found = match version {
            NEWEST => entries.max_by_key(|entry| entry.held.version),
            version => entries.into_iter().find(|entry| entry.held.version == version),
        };
        found.map(|entry| Arc::clone(&entry.held))
    }

    /// Keeps a key that was read while the cache was at `generation`.
    pub(super) fn keep(&mut self, held: &Arc<Held>, generation: u64, now: i64) {
        if generation != self.generation {
            return;
        }
        if self.count >= self.caching.keys_max {
            self.shrink(now);
        }
        let expires_at = now.saturating_add(self.caching.age_ms_max);
        let entries = self.entries.entry(held.name.clone()).or_default();
        let before = entries.len();
        entries.retain(|entry| entry.held.version != held.version);
        entries.push(Entry { held: Arc::clone(held), expires_at });
        self.count = self.count + entries.len() - before;
    }

    /// Lets expired keys go, and the older half of the rest if that is not enough.
    fn shrink(&mut self, now: i64) {
        self.retain(|entry| entry.expires_at > now);
        if self.count >= self.caching.keys_max {
            let mut ages: Vec<i64> = self.entries.values().flatten().map(|entry| entry.expires_at).collect();
            ages.sort_unstable();
            let middle = ages.get(ages.len() / 2).copied().unwrap_or(i64::MAX);
            self.retain(|entry| entry.expires_at > middle);
        }
    }

    fn retain(&mut self, keep: impl Fn(&Entry) -> bool) {
        self.entries.values_mut().for_each(|entries| entries.retain(&keep));
        self.entries.retain(|_name, entries| !entries.is_empty());
        self.count = self.entries.values().map(Vec::len).sum();
    }

    /// Lets a key go whose newest version is not known any more.
    pub(super) fn forget(&mut self, name: &str) {
        self.count -= self.entries.remove(name).map_or(0, |entries| entries.len());
    }

    /// Lets destroyed keys go; whoever still holds one cannot use it any more.
    pub(super) fn destroy(&mut self, gone: &[(String, i64)]) {
        self.generation += 1;
        for (name, version) in gone {
            let Some(entries) = self.entries.get_mut(name) else { continue };
            let dead = |entry: &Entry| entry.held.version == *version;
            let marked = entries.iter().filter(|entry| dead(entry));
            marked.for_each(|entry| entry.held.is_destroyed.store(true, Ordering::Release));
            entries.retain(|entry| !dead(entry));
        }
        self.retain(|_entry| true);
    }
}
