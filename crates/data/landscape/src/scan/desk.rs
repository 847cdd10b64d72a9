//! Everything that is being scanned by this process, for the console and the server: scans in the background, schedules
//! and watched folders.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use store::schedules;

use super::{Progress, Rule, ScanError, ScanHandle, Scanner, State};
use crate::CatalogueError;
use crate::sources::{SourceError, SourceSpec};

/// Scans that run at a time; further ones wait.
pub const RUNNING_MAX: usize = 2;

/// A scan of this process that has not ended.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Running {
    /// What is scanned.
    pub source_id: u32,
    /// Where that is, without credentials.
    pub location: String,
    /// How far it is.
    pub progress: Progress,
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its id.
    pub id: u32,
    /// What is scanned.
    pub source_id: u32,
    /// The rule, as [`Rule`] writes it.
    pub rule: String,
    /// When it is due next, milliseconds since 1970, UTC.
    pub next_due_at: Option<i64>,
    /// When it last started a scan.
    pub last_run_at: Option<i64>,
}

/// A schedule that was due.
#[derive(Debug)]
pub struct DueScan {
    /// The schedule.
    pub schedule_id: u32,
    /// What is scanned.
    pub source_id: u32,
    /// The scan, or why it could not be started.
    pub started: Result<Arc<ScanHandle>, ScanError>,
}

/// The scans of this process. Share it in an `Arc`.
pub struct Desk {
    scanner: Scanner,
    scans: Arc<Mutex<BTreeMap<u32, Active>>>,
    turns: Arc<tokio::sync::Semaphore>,
}

struct Active {
    location: String,
    handle: Arc<ScanHandle>,
}

impl Desk {
    /// A desk whose scans are `scanner`'s.
    #[must_use]
    pub fn new(scanner: Scanner) -> Self {
        Self { scanner, scans: Arc::default(), turns: Arc::new(tokio::sync::Semaphore::new(RUNNING_MAX)) }
    }

    /// What it scans with.
    #[must_use]
    pub fn scanner(&self) -> &Scanner {
        &self.scanner
    }

    /// Adds a source to the catalogue without scanning it; the same place twice is one source. Returns its id. A
    /// password in its address is kept in memory, for the scans of this process.
    ///
    /// # Errors
    /// When it is not there or the catalogue fails.
    pub async fn add(&self, source: &SourceSpec) -> Result<u32, ScanError> {
        let location = source.location()?;
        let now = (self.scanner.options().clock)();
        Ok(store::sources::ensure(self.scanner.catalogue().store(), source.kind(), &location, now).await?.id)
    }

    /// Starts a scan of a source in the background, on the present tokio runtime; one that is under way already is
    /// returned as it is.
    ///
    /// # Errors
    /// When there is no such source or the catalogue fails. What goes wrong later is in the handle's state and, with the
    /// reason, in the run's row.
    pub async fn start(&self, source_id: u32) -> Result<Arc<ScanHandle>, ScanError> {
        let row = store::sources::by_id(self.scanner.catalogue().store(), source_id)
            .await?
            .ok_or(SourceError::NoSource { id: source_id })?;
        let source = SourceSpec::from_row(&row.kind, &row.location)?;
        let handle = {
            let mut scans = self.scans.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(active) = scans.get(&source_id) {
                return Ok(Arc::clone(&active.handle));
            }
            let handle = ScanHandle::new((self.scanner.options().clock)());
            scans.insert(source_id, Active { location: row.location, handle: Arc::clone(&handle) });
            handle
        };
        let (scanner, own, scans, turns) =
            (self.scanner.clone(), Arc::clone(&handle), Arc::clone(&self.scans), Arc::clone(&self.turns));
        tokio::spawn(async move {
            let _turn = turns.acquire_owned().await;
            if let Err(error) = scanner.run(&source, &own, None).await {
                tracing::warn!(source_id, %error, "a scan failed");
                own.enter(State::Failed);
            }
            scans.lock().unwrap_or_else(PoisonError::into_inner).remove(&source_id);
        });
        Ok(handle)
    }

    /// What is being scanned or waits for its turn, by source.
    #[must_use]
    pub fn running(&self) -> Vec<Running> {
        let scans = self.scans.lock().unwrap_or_else(PoisonError::into_inner);
        scans
            .iter()
            .map(|(source_id, active)| Running {
                source_id: *source_id,
                location: active.location.clone(),
                progress: active.handle.progress(),
            })
            .collect()
    }

    /// Stops the scan of a source. Returns whether there was one.
    pub fn cancel(&self, source_id: u32) -> bool {
        let scans = self.scans.lock().unwrap_or_else(PoisonError::into_inner);
        scans.get(&source_id).map(|active| active.handle.cancel()).is_some()
    }

    /// Sets up a schedule for a source, first due after now. Returns its id.
    ///
    /// # Errors
    /// When there is no such source, the rule is wrong, or the catalogue fails.
    pub async fn schedule(&self, source_id: u32, rule: &str) -> Result<u32, ScanError> {
        let rule: Rule = rule.parse()?;
        let store = self.scanner.catalogue().store();
        if store::sources::by_id(store, source_id).await?.is_none() {
            return Err(SourceError::NoSource { id: source_id }.into());
        }
        let now = (self.scanner.options().clock)();
        Ok(schedules::create(store, source_id, &rule.to_string(), now, rule.next_after(now)).await?)
    }

    /// Every schedule, oldest first, at most a page.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, CatalogueError> {
        let rows = schedules::all(self.scanner.catalogue().store()).await?;
        Ok(rows
            .into_iter()
            .map(|row| Schedule {
                id: row.id,
                source_id: row.source_id,
                rule: row.rule,
                next_due_at: row.next_due_at,
                last_run_at: row.last_run_at,
            })
            .collect())
    }

    /// Removes a schedule.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn unschedule(&self, schedule_id: u32) -> Result<(), CatalogueError> {
        Ok(schedules::remove(self.scanner.catalogue().store(), schedule_id).await?)
    }

    /// Starts whatever is due at `now` (milliseconds since 1970, UTC). To be called about once a minute. A time that was
    /// missed while the program was down is made up for once.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn tick(&self, now: i64) -> Result<Vec<DueScan>, ScanError> {
        let store = self.scanner.catalogue().store();
        let mut due = Vec::new();
        for row in schedules::due(store, now).await? {
            let rule: Rule = row.rule.parse()?;
            schedules::ran(store, row.id, now, rule.next_after(now)).await?;
            let started = self.start(row.source_id).await;
            due.push(DueScan { schedule_id: row.id, source_id: row.source_id, started });
        }
        Ok(due)
    }
}
