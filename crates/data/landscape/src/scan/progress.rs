//! How far a scan is, and the handle to stop it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Rate is measured over the last so many seconds.
const RATE_SECONDS: f64 = 30.0;
/// Marks of the rate are this far apart at least, in seconds.
const MARK_SECONDS: f64 = 0.5;

/// Where a scan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for others to end.
    #[default]
    Queued,
    /// It is under way.
    Running,
    /// It came to its end.
    Done,
    /// A person stopped it.
    Cancelled,
    /// It could not go on.
    Failed,
}

impl State {
    /// As the catalogue keeps it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// How far a scan is.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize)]
pub struct Progress {
    /// Where it stands.
    pub state: State,
    /// Top-level objects found so far.
    pub found: u64,
    /// Of these, opened and inspected.
    pub inspected: u64,
    /// Not opened, because nothing about them changed.
    pub unchanged: u64,
    /// Could not be read.
    pub unreadable: u64,
    /// Entries that are no objects: sockets, devices, links.
    pub skipped: u64,
    /// Objects that are no longer there; known at the end.
    pub gone: u64,
    /// Bytes read so far.
    pub bytes: u64,
    /// Bytes to read in all; `None` while objects are still being found.
    pub bytes_total: Option<u64>,
    /// Bytes a second over the last half minute.
    pub rate_bytes_per_second: f64,
    /// Seconds left at this rate; `None` until both are known.
    pub seconds_left: Option<f64>,
    /// The object that was begun last.
    pub current: Option<String>,
    /// Milliseconds since 1970, UTC.
    pub started_at: i64,
}

impl Progress {
    /// Objects that are dealt with, of `found`.
    #[must_use]
    pub fn finished(&self) -> u64 {
        self.inspected + self.unchanged + self.unreadable + self.skipped
    }
}

/// One scan while it runs: ask it how far it is, or stop it. Shared by all that watch it.
#[derive(Debug)]
pub struct ScanHandle {
    cancelled: AtomicBool,
    pub(super) counts: Counts,
    shared: Mutex<Shared>,
    began: Instant,
    started_at: i64,
}

/// What workers count.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub found: AtomicU64,
    pub inspected: AtomicU64,
    pub unchanged: AtomicU64,
    pub unreadable: AtomicU64,
    pub skipped: AtomicU64,
    pub gone: AtomicU64,
    pub bytes: AtomicU64,
    /// Bytes of what was found and is to be read.
    pub bytes_found: AtomicU64,
    /// Whether everything was found.
    pub complete: AtomicBool,
}

#[derive(Debug, Default)]
struct Shared {
    state: State,
    current: Option<String>,
    rate: Rate,
}

impl ScanHandle {
    /// For a scan that starts at `started_at`, milliseconds since 1970, UTC.
    #[must_use]
    pub fn new(started_at: i64) -> Arc<Self> {
        Arc::new(Self {
            cancelled: AtomicBool::new(false),
            counts: Counts::default(),
            shared: Mutex::default(),
            began: Instant::now(),
            started_at,
        })
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.counts;
        let bytes = read(&counts.bytes);
        let complete = counts.complete.load(Ordering::Relaxed);
        let bytes_total = complete.then(|| read(&counts.bytes_found).max(bytes));
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = shared.rate.mark(self.began.elapsed().as_secs_f64(), bytes);
        let running = matches!(shared.state, State::Queued | State::Running);
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let seconds_left = bytes_total.filter(|_| running && rate > 0.0).map(|total| (total - bytes) as f64 / rate);
        Progress {
            state: shared.state,
            found: read(&counts.found),
            inspected: read(&counts.inspected),
            unchanged: read(&counts.unchanged),
            unreadable: read(&counts.unreadable),
            skipped: read(&counts.skipped),
            gone: read(&counts.gone),
            bytes,
            bytes_total,
            rate_bytes_per_second: rate,
            seconds_left,
            current: shared.current.clone().filter(|_| running),
            started_at: self.started_at,
        }
    }

    /// Stops it within a second, in the middle of an object if need be. What was written stays; the next scan of the
    /// source goes on from there.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether somebody stopped it.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Whether it has ended, however.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let state = self.shared.lock().unwrap_or_else(PoisonError::into_inner).state;
        matches!(state, State::Done | State::Cancelled | State::Failed)
    }

    pub(super) fn stop(&self) -> &AtomicBool {
        &self.cancelled
    }

    pub(super) fn enter(&self, state: State) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).state = state;
    }

    /// Says which object was begun.
    pub(super) fn begin(&self, name: &str) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.current = Some(name.to_owned());
        let bytes = self.counts.bytes.load(Ordering::Relaxed);
        let seconds = self.began.elapsed().as_secs_f64();
        shared.rate.mark(seconds, bytes);
    }

    /// Counts an object that was dealt with. `is_object`: it is no link, socket or device.
    pub(super) fn count(&self, inspected: &crate::catalogue::Inspected, is_object: bool) {
        let is_unreadable = inspected.reports.last().is_none_or(crate::report::ObjectReport::is_unreadable);
        let count = match (is_object, is_unreadable) {
            (false, _) => &self.counts.skipped,
            (true, true) => &self.counts.unreadable,
            (true, false) => &self.counts.inspected,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_gone(&self, objects: usize) {
        self.counts.gone.fetch_add(objects as u64, Ordering::Relaxed);
    }

    /// The progress as the store keeps it with the run.
    pub(super) fn row(&self) -> store::scans::Progress {
        let progress = self.progress();
        store::scans::Progress {
            inspected: progress.inspected,
            unchanged: progress.unchanged,
            unreadable: progress.unreadable,
            skipped: progress.skipped,
            gone: progress.gone,
            bytes: progress.bytes,
        }
    }
}

/// Bytes over time, for a rate that follows what happens now.
#[derive(Debug, Default)]
struct Rate {
    marks: VecDeque<(f64, u64)>,
}

impl Rate {
    /// Notes that `bytes` were read after `seconds`, and tells the rate over the last [`RATE_SECONDS`].
    fn mark(&mut self, seconds: f64, bytes: u64) -> f64 {
        if self.marks.is_empty() {
            self.marks.push_back((0.0, 0));
        }
        if self.marks.back().is_none_or(|(last, _)| seconds - last >= MARK_SECONDS) {
            self.marks.push_back((seconds, bytes));
        }
        while self.marks.len() > 2 && self.marks.get(1).is_some_and(|(at, _)| seconds - at > RATE_SECONDS) {
            self.marks.pop_front();
        }
        let Some((from, before)) = self.marks.front() else { return 0.0 };
        let span = seconds - from;
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let read = bytes.saturating_sub(*before) as f64;
        if span > 0.0 { read / span } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rate, ScanHandle, State};
    use std::sync::atomic::Ordering;

    #[test]
    fn the_rate_follows_the_last_half_minute() {
        let mut rate = Rate::default();
        for second in 0..100_u32 {
            rate.mark(f64::from(second), u64::from(second) * 1_000);
        }
        let steady = rate.mark(100.0, 100_000);
        assert!((steady - 1_000.0).abs() < 1.0, "{steady}");
        for second in 101..140_u32 {
            rate.mark(f64::from(second), 100_000);
        }
        assert!(rate.mark(140.0, 100_000) < 1.0, "nothing was read lately");
        assert!(rate.marks.len() < 70);
    }

    #[test]
    fn the_time_left_is_known_once_everything_is_found() {
        let handle = ScanHandle::new(7);
        handle.enter(State::Running);
        handle.counts.bytes_found.store(1_000, Ordering::Relaxed);
        handle.counts.bytes.store(250, Ordering::Relaxed);
        let early = handle.progress();
        assert_eq!((early.bytes_total, early.seconds_left, early.started_at), (None, None, 7));
        handle.counts.complete.store(true, Ordering::Relaxed);
        let later = handle.progress();
        assert_eq!(later.bytes_total, Some(1_000));
        assert!(later.seconds_left.is_some_and(|seconds| seconds > 0.0));
        handle.enter(State::Done);
        assert!(handle.is_finished());
        assert_eq!(handle.progress().seconds_left, None);
    }
}
