//! How far work on a repository is, for whoever watches it, and whether it is to stop.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Shared by whoever works and whoever watches. What stopped once stays so: each piece of work has one of its own.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    is_stopped: AtomicBool,
    done_bytes: AtomicU64,
    total_bytes: AtomicU64,
    stage: Mutex<&'static str>,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// What is being done, in words; empty before anything is.
    pub name: &'static str,
    /// Bytes that are behind.
    pub done_bytes: u64,
    /// Bytes that there are; 0 where that is not known.
    pub total_bytes: u64,
}

impl Progress {
    /// Begins a stage of `total_bytes`, 0 where that is not known.
    pub fn begin(&self, stage: &'static str, total_bytes: u64) {
        *self.0.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
        self.0.total_bytes.store(total_bytes, Ordering::Relaxed);
        self.0.done_bytes.store(0, Ordering::Relaxed);
    }

    /// So many more bytes are behind.
    pub fn add(&self, bytes: u64) {
        self.0.done_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// How far it is now.
    #[must_use]
    pub fn stage(&self) -> Stage {
        Stage {
            name: *self.0.stage.lock().unwrap_or_else(PoisonError::into_inner),
            done_bytes: self.0.done_bytes.load(Ordering::Relaxed),
            total_bytes: self.0.total_bytes.load(Ordering::Relaxed),
        }
    }

    /// Has it stop at the next read or write.
    pub fn stop(&self) {
        self.0.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Whether it is to stop.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.is_stopped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Progress, Stage};

    #[test]
    fn a_new_stage_begins_at_nothing_and_a_stop_stays() {
        let progress = Progress::default();
        progress.begin("one", 100);
        progress.clone().add(40);
        assert_eq!(progress.stage(), Stage { name: "one", done_bytes: 40, total_bytes: 100 });
        progress.clone().stop();
        progress.begin("two", 0);
        assert_eq!(progress.stage(), Stage { name: "two", done_bytes: 0, total_bytes: 0 });
        assert!(progress.is_stopped());
    }
}
