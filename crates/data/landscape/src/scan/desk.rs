//! Everything that is being scanned by this process, for the console and the server: scans in the background, schedules
//! and watched folders.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store::schedules;
use tokio::task::AbortHandle;

use super::{Debounce, Progress, Rule, ScanError, ScanHandle, Scanner, State, Touched, Watch};
use crate::CatalogueError;
use crate::sources::{SourceError, SourceSpec};

/// Scans that run at a time; further ones wait.
pub const RUNNING_MAX: usize = 2;
/// How often a scan that waits for its turn looks whether it was cancelled.
const TURN_CHECK: Duration = Duration::from_millis(200);
/// A schedule whose rule cannot be read is looked at again after so long, in milliseconds.
const UNREADABLE_RULE_AGAIN: i64 = 24 * 60 * 60 * 1_000;

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

/// The scans of this process. Cheap to clone; all clones are one desk.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

struct Inner {
    scanner: Scanner,
    scans: Mutex<BTreeMap<u32, Active>>,
    watched: Mutex<BTreeMap<u32, AbortHandle>>,
    /// Addresses as they were typed, which may hold a password that the catalogue does not.
    typed: Mutex<HashMap<u32, SourceSpec>>,
    /// One scan of a source at a time, whole or in part.
    locks: Mutex<HashMap<u32, Arc<tokio::sync::Mutex<()>>>>,
    turns: Arc<tokio::sync::Semaphore>,
}

struct Active {
    location: String,
    handle: Arc<ScanHandle>,
    task: AbortHandle,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    /// A desk whose scans are `scanner`'s.
    #[must_use]
    pub fn new(scanner: Scanner) -> Self {
        let inner = Inner {
            scanner,
            scans: Mutex::default(),
            watched: Mutex::default(),
            typed: Mutex::default(),
            locks: Mutex::default(),
            turns: Arc::new(tokio::sync::Semaphore::new(RUNNING_MAX)),
        };
        Self { inner: Arc::new(inner) }
    }

    /// What it scans with.
    #[must_use]
    pub fn scanner(&self) -> &Scanner {
        &self.inner.scanner
    }

    fn store(&self) -> &store::Store {
        self.inner.scanner.catalogue().store()
    }

    fn now(&self) -> i64 {
        (self.inner.scanner.options().clock)()
    }

    /// Adds a source to the catalogue without scanning it; the same place twice is one source. Returns its id. A
    /// password in its address is kept in memory, for the scans of this process.
    ///
    /// # Errors
    /// When it is not there or the catalogue fails.
    pub async fn add(&self, source: &SourceSpec) -> Result<u32, ScanError> {
        let location = source.location()?;
        let id = store::sources::ensure(self.store(), source.kind(), &location, self.now()).await?.id;
        locked(&self.inner.typed).insert(id, source.clone());
        Ok(id)
    }

    /// The place of a source, as it was typed or as the catalogue has it, and its location.
    async fn source(&self, id: u32) -> Result<(SourceSpec, String), ScanError> {
        let row = store::sources::by_id(self.store(), id).await?.ok_or(SourceError::NoSource { id })?;
        let typed = locked(&self.inner.typed).get(&id).cloned();
        let source = typed.map_or_else(|| SourceSpec::from_row(&row.kind, &row.location), Ok)?;
        Ok((source, row.location))
    }

    fn lock(&self, source_id: u32) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(locked(&self.inner.locks).entry(source_id).or_default())
    }

    /// Starts a scan of a source in the background, on the present tokio runtime; one that is under way already is
    /// returned as it is.
    ///
    /// # Errors
    /// When there is no such source or the catalogue fails. What goes wrong later is in the handle's state and, with the
    /// reason, in the run's row.
    pub async fn start(&self, source_id: u32) -> Result<Arc<ScanHandle>, ScanError> {
        let (source, location) = self.source(source_id).await?;
        let mut scans = locked(&self.inner.scans);
        if let Some(active) = scans.get(&source_id) {
            return Ok(Arc::clone(&active.handle));
        }
        let handle = ScanHandle::new(self.now());
        let listed = Listed { desk: self.clone(), source_id, handle: Arc::clone(&handle) };
        let task = tokio::spawn(listed.scan(source)).abort_handle();
        scans.insert(source_id, Active { location, handle: Arc::clone(&handle), task });
        Ok(handle)
    }

    /// What is being scanned or waits for its turn, by source.
    #[must_use]
    pub fn running(&self) -> Vec<Running> {
        let running = |(source_id, active): (&u32, &Active)| Running {
            source_id: *source_id,
            location: active.location.clone(),
            progress: active.handle.progress(),
        };
        locked(&self.inner.scans).iter().map(running).collect()
    }

    /// Stops the scan of a source. Returns whether there was one.
    pub fn cancel(&self, source_id: u32) -> bool {
        locked(&self.inner.scans).get(&source_id).map(|active| active.handle.cancel()).is_some()
    }

    /// Takes up the scans that a kill or a shutdown interrupted. To be called once at the start. Returns their sources.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn resume(&self) -> Result<Vec<u32>, ScanError> {
        let mut sources: Vec<u32> =
            store::scans::unfinished(self.store()).await?.into_iter().map(|run| run.source_id).collect();
        sources.dedup();
        for source_id in &sources {
            if let Err(error) = self.start(*source_id).await {
                tracing::warn!(source_id, %error, "an interrupted scan could not be taken up");
            }
        }
        Ok(sources)
    }

    /// Stops everything as a kill would: what was written stays, and [`Desk::resume`] goes on from there.
    pub fn shut_down(&self) {
        std::mem::take(&mut *locked(&self.inner.watched)).into_values().for_each(|task| task.abort());
        for active in locked(&self.inner.scans).values() {
            active.task.abort();
        }
    }

    /// Watches a folder: it is scanned now, and what changes later is looked at again a moment after it did. Lasts until
    /// [`Desk::unwatch`] or the end of the process.
    ///
    /// # Errors
    /// When there is no such source, it is no folder, or the system refuses.
    pub async fn watch(&self, source_id: u32, debounce: Debounce) -> Result<(), ScanError> {
        let (source, location) = self.source(source_id).await?;
        let SourceSpec::Folder(path) = &source else {
            let (why, instead) = ("only folders can be watched".to_owned(), "use a schedule");
            return Err(SourceError::Unreachable { location, why, instead }.into());
        };
        let watch = Watch::start(path).await?;
        self.start(source_id).await?;
        let task = tokio::spawn(self.clone().follow(source_id, source, watch, debounce)).abort_handle();
        if let Some(former) = locked(&self.inner.watched).insert(source_id, task) {
            former.abort();
        }
        Ok(())
    }

    async fn follow(self, source_id: u32, source: SourceSpec, mut watch: Watch, debounce: Debounce) {
        loop {
            let done = match watch.next(debounce).await {
                Touched::Everything => match self.start(source_id).await {
                    Ok(handle) => {
                        finished(&handle).await;
                        Ok(())
                    }
                    Err(error) => Err(error),
                },
                Touched::Parts(parts) => {
                    let _one_at_a_time = self.lock(source_id).lock_owned().await;
                    let handle = ScanHandle::new(self.now());
                    self.inner.scanner.rescan_parts(source_id, &source, parts, &handle, None).await.map(|_progress| ())
                }
            };
            if let Err(error) = done {
                tracing::warn!(source_id, %error, "changes could not be looked at");
            }
        }
    }

    /// Stops watching a source. Returns whether it was watched.
    pub fn unwatch(&self, source_id: u32) -> bool {
        locked(&self.inner.watched).remove(&source_id).map(|task| task.abort()).is_some()
    }

    /// The sources that are watched.
    #[must_use]
    pub fn watching(&self) -> Vec<u32> {
        locked(&self.inner.watched).keys().copied().collect()
    }

    /// Sets up a schedule for a source, first due after now. Returns its id.
    ///
    /// # Errors
    /// When there is no such source, the rule is wrong, or the catalogue fails.
    pub async fn schedule(&self, source_id: u32, rule: &str) -> Result<u32, ScanError> {
        let rule: Rule = rule.parse()?;
        if store::sources::by_id(self.store(), source_id).await?.is_none() {
            return Err(SourceError::NoSource { id: source_id }.into());
        }
        let now = self.now();
        Ok(schedules::create(self.store(), source_id, &rule.to_string(), now, rule.next_after(now)).await?)
    }

    /// Every schedule, oldest first, at most a page.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn schedules(&self) -> Result<Vec<Schedule>, CatalogueError> {
        let rows = schedules::all(self.store()).await?.into_iter();
        Ok(rows
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
        Ok(schedules::remove(self.store(), schedule_id).await?)
    }

    /// Starts whatever is due at `now` (milliseconds since 1970, UTC). To be called about once a minute. A time that was
    /// missed while the program was down is made up for once.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn tick(&self, now: i64) -> Result<Vec<DueScan>, ScanError> {
        let mut due = Vec::new();
        for row in schedules::due(self.store(), now).await? {
            let rule = row.rule.parse::<Rule>();
            let next = rule.as_ref().map_or(now.saturating_add(UNREADABLE_RULE_AGAIN), |rule| rule.next_after(now));
            schedules::ran(self.store(), row.id, now, next).await?;
            let started = match rule {
                Ok(_) => self.start(row.source_id).await,
                Err(error) => Err(error.into()),
            };
            due.push(DueScan { schedule_id: row.id, source_id: row.source_id, started });
        }
        Ok(due)
    }
}

/// A scan in the background. However its task ends, it is no longer listed, and nobody waits for it for ever.
struct Listed {
    desk: Desk,
    source_id: u32,
    handle: Arc<ScanHandle>,
}

impl Listed {
    /// From waiting for its turn to its end.
    async fn scan(self, source: SourceSpec) {
        let (desk, source_id, handle) = (&self.desk, self.source_id, &self.handle);
        let lock = desk.lock(source_id);
        let turn = unless_cancelled(handle, async {
            let own = lock.lock_owned().await;
            (own, Arc::clone(&desk.inner.turns).acquire_owned().await)
        });
        let Some(_turn) = turn.await else { return };
        if let Err(error) = desk.inner.scanner.run_known(source_id, &source, handle, None).await {
            tracing::warn!(source_id, %error, "a scan failed");
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        if !self.handle.is_finished() {
            self.handle.enter(State::Cancelled);
        }
        locked(&self.desk.inner.scans).remove(&self.source_id);
    }
}

/// What `work` yields, or `None` if the scan is cancelled before.
async fn unless_cancelled<T>(handle: &ScanHandle, work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            result = &mut work => return Some(result).filter(|_| !handle.is_cancelled()),
            () = tokio::time::sleep(TURN_CHECK) => {
                if handle.is_cancelled() {
                    return None;
                }
            }
        }
    }
}

/// Waits for the end of a scan.
async fn finished(handle: &ScanHandle) {
    while !handle.is_finished() {
        tokio::time::sleep(TURN_CHECK).await;
    }
}
