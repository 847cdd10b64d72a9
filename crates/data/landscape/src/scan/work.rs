//! The threads of a scan: one finds objects and leaves out what did not change, the others inspect.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use roaring::RoaringBitmap;
use tokio::sync::mpsc;

use super::known::Known;
use super::queue::Queue;
use super::{Look, ScanError, ScanHandle, Scanner, Scope};
use crate::sources::{Body, Found, Inspection, Intake, Listing, OpenSource, Part, Reading, Stopped};

/// Objects that were found and wait to be inspected; each takes some 250 bytes. As long as the rest of a source fits in
/// here, the time left is known.
const FOUND_MAX: usize = 200_000;
/// Room for readers that nest: archives in archives in documents.
const STACK_BYTES: usize = 16 << 20;

/// One scan under way, shared by its threads.
pub(super) struct Job {
    pub scanner: Scanner,
    pub source: OpenSource,
    pub scope: Scope,
    pub known: Known,
    pub handle: Arc<ScanHandle>,
    pub scan_id: u32,
    pub source_id: u32,
    queue: Queue<(u64, Found)>,
    finding: Mutex<Option<Result<Finding, Listing>>>,
    pub model_bytes: AtomicU64,
}

/// What finding everything yields beside the objects.
#[derive(Default)]
pub(super) struct Finding {
    /// Ids of known objects that are still there.
    pub seen: RoaringBitmap,
    /// Names of folders of whose content nothing is known.
    pub unlisted: Vec<String>,
}

/// One object that is dealt with: its number in the order of finding, and what became of it.
pub(super) struct Dealt {
    pub number: u64,
    pub outcome: Outcome,
}

pub(super) enum Outcome {
    /// To be written.
    Inspected(crate::catalogue::Inspected),
    /// It went away; the id under which it was known.
    Vanished(Option<u32>),
}

impl Job {
    pub(super) fn new(
        scanner: Scanner,
        source: OpenSource,
        scope: Scope,
        known: Known,
        handle: Arc<ScanHandle>,
        (source_id, scan_id): (u32, u32),
    ) -> Self {
        Self {
            scanner,
            source,
            scope,
            known,
            handle,
            scan_id,
            source_id,
            queue: Queue::new(FOUND_MAX),
            finding: Mutex::default(),
            model_bytes: AtomicU64::new(0),
        }
    }

    /// Starts the threads. The channel ends when the last of them has.
    pub(super) fn start(self: &Arc<Self>) -> Result<mpsc::Receiver<Dealt>, ScanError> {
        let jobs = self.scanner.options.jobs.max(1);
        let (send, receive) = mpsc::channel(jobs * 4);
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES);
            thread.spawn(run).map(|_detached| ()).map_err(|source| {
                self.handle.cancel();
                self.queue.close();
                ScanError::Thread(source)
            })
        };
        let job = Arc::clone(self);
        spawn("scan-find", Box::new(move || job.find()))?;
        for _ in 0..jobs {
            let (job, send) = (Arc::clone(self), send.clone());
            spawn("scan-inspect", Box::new(move || job.inspect(&send)))?;
        }
        Ok(receive)
    }

    /// No more is wanted.
    pub(super) fn abandon(&self) {
        self.handle.cancel();
        self.queue.close();
    }

    /// What the finding thread found out, once it is through; `None` if it ended in a panic.
    pub(super) fn finding(&self) -> Option<Result<Finding, Listing>> {
        self.finding.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn find(&self) {
        /// Whatever happens to the finder, those who wait for it go on.
        struct Close<'a>(&'a Queue<(u64, Found)>);
        impl Drop for Close<'_> {
            fn drop(&mut self) {
                self.0.close();
            }
        }
        let _close = Close(&self.queue);
        let mut finder = Finder { job: self, found: Finding::default(), number: 0 };
        let whole = [Part::new()];
        let parts = match &self.scope {
            Scope::Whole => &whole[..],
            Scope::Parts(parts) => parts,
        };
        let outcome = self.source.find(parts, self.handle.stop(), &mut finder);
        let found = finder.found;
        if outcome.is_ok() {
            self.handle.counts.complete.store(true, Ordering::Relaxed);
        }
        *self.finding.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome.map(|()| found));
    }

    fn inspect(&self, send: &mpsc::Sender<Dealt>) {
        let scanner = &self.scanner;
        let mut reading = Reading {
            inspector: &scanner.inspector,
            scratch: scanner.inspector.scratch(),
            limits: &scanner.options.limits,
            stop: self.handle.stop(),
            bytes: &self.handle.counts.bytes,
            clock: &scanner.options.clock,
        };
        while let Some((number, found)) = self.queue.pop(self.handle.stop()) {
            self.handle.begin(&found.name);
            let known = self.known.of(&found.name).map(|known| known.id);
            let is_object = !matches!(found.body, Body::Other(_));
            let outcome = match self.source.inspect(found, &mut reading) {
                Inspection::Stopped => break,
                Inspection::Vanished => {
                    self.handle.counts.found.fetch_sub(1, Ordering::Relaxed);
                    Outcome::Vanished(known)
                }
                Inspection::Inspected(mut inspected) => {
                    inspected.stamp = inspected.stamp.map(|stamp| scanner.stamp(&stamp));
                    self.handle.count(&inspected, is_object);
                    Outcome::Inspected(inspected)
                }
            };
            if send.blocking_send(Dealt { number, outcome }).is_err() {
                break;
            }
        }
        self.model_bytes.fetch_add(reading.scratch.model_bytes, Ordering::Relaxed);
    }
}

struct Finder<'a> {
    job: &'a Job,
    found: Finding,
    number: u64,
}

impl Finder<'_> {
    /// Whether an object need not be opened: nothing about it changed, or this very run has inspected it before it was
    /// killed.
    fn is_done(&mut self, found: &Found) -> bool {
        let Some(known) = self.job.known.of(&found.name) else { return false };
        self.found.seen.insert(known.id);
        let stamp = found.stamp.as_deref().map(|stamp| self.job.scanner.stamp(stamp));
        if !known.is_unchanged(stamp.as_deref()) {
            return false;
        }
        let counts = &self.job.handle.counts;
        let count = if matches!(found.body, Body::Other(_)) {
            &counts.skipped
        } else if self.job.scan_id != 0 && known.scan_id == self.job.scan_id {
            counts.bytes_found.fetch_add(found.bytes, Ordering::Relaxed);
            counts.bytes.fetch_add(found.bytes, Ordering::Relaxed);
            &counts.inspected
        } else if self.job.scanner.options.look == Look::Changed {
            &counts.unchanged
        } else {
            return false;
        };
        count.fetch_add(1, Ordering::Relaxed);
        true
    }
}

impl Intake for Finder<'_> {
    fn found(&mut self, found: Found) -> Result<(), Stopped> {
        if self.job.handle.is_cancelled() {
            return Err(Stopped);
        }
        let counts = &self.job.handle.counts;
        counts.found.fetch_add(1, Ordering::Relaxed);
        if self.is_done(&found) {
            return Ok(());
        }
        counts.bytes_found.fetch_add(found.bytes, Ordering::Relaxed);
        let number = self.number;
        self.number += 1;
        self.job.queue.push((number, found), self.job.handle.stop()).map_err(|_closed| Stopped)
    }

    fn unlisted(&mut self, name: &str) {
        self.found.unlisted.push(name.to_owned());
    }

    fn skipped(&mut self) {
        let counts = &self.job.handle.counts;
        counts.found.fetch_add(1, Ordering::Relaxed);
        counts.skipped.fetch_add(1, Ordering::Relaxed);
    }
}
