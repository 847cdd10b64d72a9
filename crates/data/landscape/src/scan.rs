//! Running a scan: a source is walked, what is new or changed is inspected by worker threads, and what was found is
//! written in batches.
//!
//! A batch is one transaction that also holds the run's progress, so that a kill leaves a consistent catalogue; the next
//! scan of the source takes the run up and leaves out what it has done. An object whose stamp is the one in the
//! catalogue is not opened. Objects are marked as gone at the end, and only where the walk saw everything.

mod desk;
mod known;
mod ordered;
mod progress;
mod queue;
mod schedule;
mod watch;
mod work;
mod write;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use formats::Limits;

pub use desk::{Desk, DueScan, Running, Schedule};
pub use progress::{Progress, ScanHandle, State};
pub use schedule::{EVERY_MINUTES_MAX, EVERY_MINUTES_MIN, Rule, RuleError, Zone};
pub use watch::{Debounce, Touched, Watch};

use crate::inspect::Inspector;
use crate::report::ObjectReport;
use crate::sources::{Listing, OpenSource, SampleRule, SourceError, SourceSpec};
use crate::{Catalogue, CatalogueError};
use known::Known;
use work::Job;
use write::Writer;

/// Tells the time, milliseconds since 1970, UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What a scan looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Look {
    /// New and changed objects.
    #[default]
    Changed,
    /// Every object, changed or not.
    Everything,
}

/// When a batch is written: at whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Top-level objects.
    pub objects_max: usize,
    /// Reports, members of archives included.
    pub reports_max: usize,
    /// Records of data subjects.
    pub records_max: usize,
    /// Time since the last one.
    pub interval_max: Duration,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self { objects_max: 1_000, reports_max: 5_000, records_max: 200_000, interval_max: Duration::from_secs(2) }
    }
}

/// How scans run.
#[derive(Clone)]
pub struct ScanOptions {
    /// Limits on one object.
    pub limits: Limits,
    /// Worker threads, at least one.
    pub jobs: usize,
    /// Rows of tables.
    pub sample: SampleRule,
    /// What is looked at.
    pub look: Look,
    /// When batches are written.
    pub batch: BatchLimits,
    /// Folders that are left out, such as the program's own data folder.
    pub excluded: Vec<PathBuf>,
    /// Tells the time.
    pub clock: Clock,
}

impl ScanOptions {
    /// Defaults: a worker for each processor, every row, what is new or changed.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            limits: Limits::default(),
            jobs: std::thread::available_parallelism().map_or(1, usize::from),
            sample: SampleRule::All,
            look: Look::Changed,
            batch: BatchLimits::default(),
            excluded: Vec::new(),
            clock,
        }
    }
}

/// How a scan ended.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanOutcome {
    /// The run.
    pub scan_id: u32,
    /// The source.
    pub source_id: u32,
    /// `Done` or `Cancelled`.
    pub state: State,
    /// What was done.
    pub progress: Progress,
    /// Bytes that the name tagger read.
    pub model_bytes: u64,
}

/// Why a scan could not go on. What was written before stays.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The place cannot be scanned.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The catalogue cannot be read or written.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// A schedule's rule is wrong.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// A reader of the source ended in a panic.
    #[error("finding the source's objects ended unexpectedly; scan it again, and report it if that does not help")]
    Finder,
    /// Workers cannot be started.
    #[error("a worker thread cannot be started; lower the number of jobs or raise the limit on threads")]
    Thread(#[source] std::io::Error),
}

impl From<store::StoreError> for ScanError {
    fn from(error: store::StoreError) -> Self {
        Self::Catalogue(error.into())
    }
}

/// Takes each report once it is safely in the catalogue; its object's name is the path within the source.
pub type EachReport<'a> = &'a mut (dyn FnMut(&ObjectReport) + Send);

/// Scans sources into a catalogue. Cheap to clone.
#[derive(Clone)]
pub struct Scanner {
    catalogue: Arc<Catalogue>,
    inspector: Inspector,
    options: ScanOptions,
}

impl Scanner {
    /// A scanner that writes to `catalogue` what `inspector` finds.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>, inspector: Inspector, options: ScanOptions) -> Self {
        Self { catalogue, inspector, options }
    }

    /// The catalogue it writes to.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// What it inspects with.
    #[must_use]
    pub fn inspector(&self) -> &Inspector {
        &self.inspector
    }

    /// How it scans.
    #[must_use]
    pub fn options(&self) -> &ScanOptions {
        &self.options
    }

    /// Scans `source` from its start or, when an earlier run was killed, from where that one was. Reports of inspected
    /// objects go to `each` once they are written; objects that did not change yield none.
    ///
    /// Dropping the future stops the workers as a kill would; [`ScanHandle::cancel`] ends the run in order. Needs a tokio
    /// runtime with its timer.
    ///
    /// # Errors
    /// When the source is not there or the catalogue fails. The run is then marked as failed.
    pub async fn run(
        &self,
        source: &SourceSpec,
        handle: &Arc<ScanHandle>,
        each: Option<EachReport<'_>>,
    ) -> Result<ScanOutcome, ScanError> {
        let location = source.location().inspect_err(|_| handle.enter(State::Failed))?;
        let now = (self.options.clock)();
        let row = store::sources::ensure(self.catalogue.store(), source.kind(), &location, now).await;
        let row = row.inspect_err(|_| handle.enter(State::Failed))?;
        self.run_known(row.id, source, handle, each).await
    }

    /// As [`Scanner::run`], for a source that is in the catalogue already; that it is not there any more is then noted
    /// with the run.
    ///
    /// # Errors
    /// As [`Scanner::run`].
    pub async fn run_known(
        &self,
        source_id: u32,
        source: &SourceSpec,
        handle: &Arc<ScanHandle>,
        each: Option<EachReport<'_>>,
    ) -> Result<ScanOutcome, ScanError> {
        handle.enter(State::Running);
        let now = (self.options.clock)();
        let run = store::scans::begin_or_resume(self.catalogue.store(), source_id, now).await;
        let run = run.inspect_err(|_| handle.enter(State::Failed))?;
        let ended = self.pass(source, Scope::Whole, (source_id, run.id), handle, each).await;
        let (state, message) = match &ended {
            Ok(_) if handle.is_cancelled() => (State::Cancelled, None),
            Ok(_) => (State::Done, None),
            Err(error) => (State::Failed, Some(error.to_string())),
        };
        let finished = self.finish(run.id, state, message.as_deref(), handle).await;
        handle.enter(if finished.is_ok() { state } else { State::Failed });
        let model_bytes = ended?;
        finished?;
        Ok(ScanOutcome { scan_id: run.id, source_id, state, progress: handle.progress(), model_bytes })
    }

    /// Looks again at some parts of a folder that is in the catalogue: files, or folders with all below them, by their
    /// paths below its root. What is not there any more is marked as gone. No run is noted. Returns what was done.
    ///
    /// # Errors
    /// When the folder is not there or the catalogue fails.
    pub async fn rescan_parts(
        &self,
        source_id: u32,
        source: &SourceSpec,
        parts: Vec<PathBuf>,
        handle: &Arc<ScanHandle>,
        each: Option<EachReport<'_>>,
    ) -> Result<Progress, ScanError> {
        handle.enter(State::Running);
        let ended = self.pass(source, Scope::Parts(parts), (source_id, 0), handle, each).await;
        handle.enter(match &ended {
            Ok(_) if handle.is_cancelled() => State::Cancelled,
            Ok(_) => State::Done,
            Err(_) => State::Failed,
        });
        ended.map(|_model_bytes| handle.progress())
    }

    /// Finds, inspects and writes. Returns the bytes that the name tagger read.
    async fn pass(
        &self,
        source: &SourceSpec,
        scope: Scope,
        ids: (u32, u32),
        handle: &Arc<ScanHandle>,
        each: Option<EachReport<'_>>,
    ) -> Result<u64, ScanError> {
        let runtime = tokio::runtime::Handle::current();
        let open = OpenSource::open(source, self.options.sample, &self.options.excluded, runtime)?;
        let known = Known::load(self.catalogue.store(), ids.0, &scope).await?;
        let job = Arc::new(Job::new(self.clone(), open, scope, known, Arc::clone(handle), ids));
        let mut abandon = Abandon(Some(&job));
        let dealt = job.start()?;
        let mut writer = Writer::new(&job, each);
        writer.drain(dealt).await?;
        match job.finding() {
            Some(Ok(finding)) if !handle.is_cancelled() => writer.sweep(&finding).await?,
            Some(Ok(_) | Err(Listing::Stopped)) => {}
            Some(Err(Listing::Failed(error))) => return Err(error.into()),
            None => return Err(ScanError::Finder),
        }
        abandon.0 = None;
        Ok(job.model_bytes.load(Ordering::Relaxed))
    }

    async fn finish(
        &self,
        scan_id: u32,
        state: State,
        message: Option<&str>,
        handle: &ScanHandle,
    ) -> Result<(), ScanError> {
        let now = (self.options.clock)();
        let mut transaction = self.catalogue.store().begin().await?;
        store::scans::checkpoint(&mut transaction, scan_id, &handle.row(), now).await?;
        store::scans::finish(&mut transaction, scan_id, state.as_str(), message, now).await?;
        Ok(transaction.commit().await?)
    }

    /// A source's stamp of an object together with what findings depend on beside the object: another version of this
    /// program, or other tiers of name recognition, look at it again.
    fn stamp(&self, of_source: &str) -> String {
        format!("{of_source} {}/{:?}", env!("CARGO_PKG_VERSION"), self.inspector.options.names)
    }
}

/// What of a source is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scope {
    /// All of it.
    Whole,
    /// Files and folders by their paths below the root.
    Parts(Vec<PathBuf>),
}

/// Stops the threads of a job when the scan ends early, however that comes about.
struct Abandon<'a>(Option<&'a Arc<Job>>);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        if let Some(job) = self.0 {
            job.abandon();
        }
    }
}
