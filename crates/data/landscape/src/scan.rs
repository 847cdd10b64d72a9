//! Running a scan: a source is walked, what is new or changed is inspected by worker threads, and what was found is
//! written in batches.
//!
//! A batch is one transaction that also holds the run's progress, so that a kill leaves a consistent catalogue; the next
//! scan of the source takes the run up and leaves out what it has done. An object whose stamp is the one in the
//! catalogue is not opened. Objects are marked as gone at the end, and only where the walk saw everything.

mod desk;
mod progress;
mod schedule;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use formats::Limits;

pub use desk::{Desk, DueScan, Running, Schedule};
pub use progress::{Progress, ScanHandle, State};
pub use schedule::{EVERY_MINUTES_MAX, EVERY_MINUTES_MIN, Rule, RuleError, Zone};

use crate::inspect::Inspector;
use crate::report::ObjectReport;
use crate::sources::{SampleRule, SourceError, SourceSpec};
use crate::{Catalogue, CatalogueError};

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
    /// Dropping the future stops the workers as a kill would; [`ScanHandle::cancel`] ends the run in order.
    ///
    /// # Errors
    /// When the source is not there or the catalogue fails. The run is then marked as failed.
    pub async fn run(
        &self,
        source: &SourceSpec,
        handle: &Arc<ScanHandle>,
        each: Option<EachReport<'_>>,
    ) -> Result<ScanOutcome, ScanError> {
        let now = (self.options.clock)();
        let location = source.location()?;
        let row = store::sources::ensure(self.catalogue.store(), source.kind(), &location, now).await?;
        let _ = each;
        handle.enter(State::Running);
        let run = store::scans::begin_or_resume(self.catalogue.store(), row.id, now).await?;
        let mut transaction = self.catalogue.store().begin().await?;
        store::scans::finish(&mut transaction, run.id, State::Cancelled.as_str(), None, now).await?;
        transaction.commit().await?;
        handle.enter(State::Cancelled);
        Ok(ScanOutcome {
            scan_id: run.id,
            source_id: row.id,
            state: State::Cancelled,
            progress: handle.progress(),
            model_bytes: 0,
        })
    }
}
