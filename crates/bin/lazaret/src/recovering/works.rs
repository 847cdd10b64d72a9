//! What the server does about backups: at the times that the settings say, when a playbook asks, and when somebody does in the
//! console. One thing at a time; what was begun goes on when nobody looks, and can be stopped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use console::{Listing, Recover, RecoverFault, RecoveryPlan, RecoveryWork, SnapshotRow};
use guard::{BackUp, Guarded};
use landscape::scan::Rule;
use model::{Answer, By, RecoveryKind};
use recovery::{Progress, RecoveryError, Repository, Snapshot};
use serde_json::Value;
use tokio::sync::{OwnedMutexGuard, watch};

use super::bring::blocking;
use super::deeds::{Deed, Desk, Task, Who, end, expire_keys};
use super::settings::Repositories;
use crate::cli::Global;
use crate::config::Config;
use crate::data::now;
use crate::failure::Failure;

/// The longest time without a look at the clock, which may have been set.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// So long after its start a server takes away keys that are over, in milliseconds.
const KEYS_AFTER_MS: i64 = 5 * 60_000;
/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60_000;
/// After so many milliseconds the list of snapshots is read anew when somebody looks.
const LISTING_MS: i64 = 10 * 60_000;

/// Does it in the server.
pub(crate) struct Works {
    me: Weak<Self>,
    global: Global,
    config: Config,
    guarded: Weak<Guarded>,
    schedule: Option<Rule>,
    /// When the schedule's next backup is due.
    due_at: Mutex<Option<i64>>,
    /// Whoever holds it works; others wait or are told.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The turn that is never given back, once the server stops.
    last_turn: Mutex<Option<OwnedMutexGuard<()>>>,
    running: Mutex<Option<Running>>,
    listing: Mutex<Listing>,
}

/// What is being done.
struct Running {
    kind: RecoveryKind,
    began_at: i64,
    who: Who,
    progress: Progress,
    /// Who had it stopped.
    stopper: Option<Who>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Works {
    /// What is wrong with a schedule and its repositories is told before the server starts.
    pub(crate) fn new(global: &Global, config: &Config, guarded: &Arc<Guarded>) -> Result<Arc<Self>, Failure> {
        let schedule = config.recovery.rule()?;
        if schedule.is_some() {
            config.recovery.repositories(None, None, &tokio::runtime::Handle::current())?;
        }
        let works = Arc::new_cyclic(|me| Self {
            me: me.clone(),
            global: global.clone(),
            config: config.clone(),
            guarded: Arc::downgrade(guarded),
            schedule,
            due_at: Mutex::default(),
            turn: Arc::default(),
            last_turn: Mutex::default(),
            running: Mutex::default(),
            listing: Mutex::default(),
        });
        if config.recovery.is_set() {
            guarded.backs_up_by(Arc::<Self>::clone(&works));
        }
        Ok(works)
    }

    /// Makes backups when they are due, looks then whether watched folders were encrypted, and takes away keys that are over once a
    /// day, whether backups are made or not; until the server stops.
    pub(crate) fn keep(self: &Arc<Self>, stopped: &watch::Receiver<bool>) {
        if !self.config.recovery.is_set() {
            return;
        }
        let (works, mut stopped) = (Arc::clone(self), stopped.clone());
        tokio::spawn(async move {
            let next = |works: &Self| works.schedule.as_ref().map(|rule| rule.next_after(now()));
            let mut due = next(&works);
            // Not at once: whoever starts a server may want to do something about backups.
            let mut keys_due = now() + KEYS_AFTER_MS;
            loop {
                *locked(&works.due_at) = due;
                let left = due.unwrap_or(keys_due).min(keys_due) - now();
                let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
                tokio::select! {
                    _ = stopped.wait_for(|stopped| *stopped) => return,
                    () = tokio::time::sleep(left.min(LOOK_EVERY)) => {}
                }
                if now() >= keys_due {
                    let _turn = Arc::clone(&works.turn).lock_owned().await;
                    works.expire_keys().await;
                    keys_due = now() + DAY_MS;
                }
                if due.is_none_or(|due| now() < due) {
                    continue;
                }
                let turn = Arc::clone(&works.turn).lock_owned().await;
                if *stopped.borrow() {
                    return;
                }
                Box::pin(works.scheduled(turn)).await;
                due = next(&works);
            }
        });
    }

    /// A backup of the schedule, and a look at what is watched. What is wrong is told by the ways of `[[alerts]]`.
    async fn scheduled(&self, turn: OwnedMutexGuard<()>) {
        let entered = self.enter(turn, Deed::BackUp { proves: true }, Who::schedule());
        match Box::pin(self.work(entered)).await {
            Ok(made) if made["holds"] == true => {
                tracing::info!(snapshot = %made["snapshot"], "a backup was made and proven")
            }
            Ok(made) => {
                tracing::error!(snapshot = %made["snapshot"], "a backup was made and does not hold");
                self.tell("URGENT: a backup was made and does not hold").await;
            }
            Err(failure) => {
                tracing::error!(error = failure.words(), "a backup could not be made");
                self.tell("URGENT: a backup could not be made").await;
            }
        }
        if self.config.recovery.watch.is_empty() {
            return;
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let entered = self.enter(turn, Deed::Look, Who::schedule());
        match Box::pin(self.work(entered)).await {
            Ok(found) if found["suspicion"].is_null() => {}
            Ok(_suspicion) => {
                tracing::error!("watched folders look encrypted");
                self.tell("URGENT: watched folders look encrypted").await;
            }
            Err(failure) => tracing::error!(error = failure.words(), "watched folders could not be looked at"),
        }
    }

    async fn tell(&self, subject: &str) {
        if let Some(guarded) = self.guarded.upgrade() {
            guarded.tell_all(subject, "/backups").await;
        }
    }

    async fn expire_keys(&self) {
        let gone = match self.repositories() {
            Ok(both) => {
                let keys = both.keys.clone();
                match blocking(move || keys.is_there()).await {
                    Ok(true) => expire_keys(&self.config, &both).await,
                    Ok(false) => Ok(Vec::new()),
                    Err(failure) => Err(failure),
                }
            }
            Err(failure) => Err(failure),
        };
        match gone {
            Ok(gone) if gone.is_empty() => {}
            Ok(gone) => tracing::info!(snapshots = gone.len(), "backups of keys that are over were taken away"),
            Err(failure) => {
                tracing::error!(error = failure.words(), "backups of keys that are over could not be taken away")
            }
        }
    }

    /// Stops what is being done, waits at most so long until that is recorded, and lets nothing begin any more.
    pub(crate) async fn close(&self, grace: Duration) {
        self.stop_for(Who::schedule());
        match tokio::time::timeout(grace, Arc::clone(&self.turn).lock_owned()).await {
            Ok(turn) => *locked(&self.last_turn) = Some(turn),
            Err(_elapsed) => tracing::warn!("what was being done about backups was cut"),
        }
    }

    /// From now on something is being done; whoever looks sees it.
    fn enter(&self, turn: OwnedMutexGuard<()>, deed: Deed, who: Who) -> Entered {
        let (progress, began_at) = (Progress::default(), now());
        *locked(&self.running) =
            Some(Running { kind: deed.kind(), began_at, who: who.clone(), progress: progress.clone(), stopper: None });
        Entered { _turn: turn, deed, who, began_at, progress }
    }

    /// Does something, records what came of it, and lists the snapshots anew.
    async fn work(&self, entered: Entered) -> Result<Value, Failure> {
        let _gone = Ending(&self.running);
        let Entered { deed, who, began_at, progress, .. } = &entered;
        let (kind, began_at) = (deed.kind(), *began_at);
        let guarded = self.guarded.upgrade();
        let guarded = guarded.ok_or_else(|| Failure::failed("stopping", anyhow::anyhow!("the server stops")))?;
        let done = match self.repositories() {
            Ok(repositories) => {
                let task = Task::new(&self.global, &self.config, &repositories, began_at, progress);
                Box::pin(task.carry_out(deed, &Desk::Server(&guarded, who))).await
            }
            Err(failure) => Err(failure),
        };
        let stopper = locked(&self.running).as_ref().and_then(|running| running.stopper.clone());
        let desk = Desk::Server(&guarded, stopper.as_ref().unwrap_or(who));
        let ended = Box::pin(end(&desk, kind, began_at, &done, progress.is_stopped())).await;
        if let Err(failure) = ended {
            tracing::error!(error = failure.words(), "what came of a backup, check or drill could not be recorded");
        }
        self.list().await;
        done
    }

    fn repositories(&self) -> Result<Repositories, Failure> {
        self.config.recovery.repositories(None, None, &tokio::runtime::Handle::current())
    }

    fn stop_for(&self, who: Who) -> bool {
        let mut running = locked(&self.running);
        let Some(running) = running.as_mut() else { return false };
        running.progress.stop();
        running.stopper.get_or_insert(who);
        true
    }

    /// Reads the list of snapshots.
    async fn list(&self) {
        locked(&self.listing).is_being_read = true;
        let listed = match self.repositories() {
            Ok(both) => blocking(move || Ok((all(&both.main)?, all(&both.keys)?))).await,
            Err(failure) => Err(failure),
        };
        let mut listing = locked(&self.listing);
        listing.is_being_read = false;
        listing.read_at = Some(now());
        match listed {
            Ok((main, keys)) => {
                listing.is_missing = main.is_none() || keys.is_none();
                listing.main = main.into_iter().flatten().map(row).collect();
                listing.keys = keys.into_iter().flatten().map(row).collect();
                listing.fault = None;
            }
            // What was read before is shown with it.
            Err(failure) => listing.fault = Some(words(&failure)),
        }
    }
}

/// Something whose turn it is.
struct Entered {
    _turn: OwnedMutexGuard<()>,
    deed: Deed,
    who: Who,
    began_at: i64,
    progress: Progress,
}

/// Takes away what is being done once it is not any more, whatever became of it.
struct Ending<'a>(&'a Mutex<Option<Running>>);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        *locked(self.0) = None;
    }
}

/// The snapshots of a repository, if there is one.
fn all(repository: &Repository) -> Result<Option<Vec<Snapshot>>, RecoveryError> {
    if repository.is_there()? { repository.snapshots().map(Some) } else { Ok(None) }
}

fn row(snapshot: Snapshot) -> SnapshotRow {
    let Snapshot { id, made_ms, host, files, bytes, added_bytes } = snapshot;
    SnapshotRow { id, made_ms, host, files, bytes, added_bytes }
}

/// A failure with what to do about it.
fn words(failure: &Failure) -> String {
    match failure.advice() {
        Some(advice) => format!("{}; {advice}", failure.words()),
        None => failure.words(),
    }
}

impl BackUp for Works {
    fn back_up(&self) -> Answer<'_, Result<String, String>> {
        Box::pin(async move {
            let turn = Arc::clone(&self.turn).lock_owned().await;
            let entered = self.enter(turn, Deed::BackUp { proves: true }, Who::schedule());
            let made = Box::pin(self.work(entered)).await;
            let made = made.map_err(|failure| words(&failure))?;
            if made["holds"] != true {
                return Err(format!("the backup {} was made and does not hold", made["snapshot"]));
            }
            Ok(made["snapshot"].as_str().unwrap_or_default().to_owned())
        })
    }
}

impl Recover for Works {
    fn plan(&self) -> Option<RecoveryPlan> {
        let settings = &self.config.recovery;
        let (repository, key_repository) = (settings.repository.clone()?, settings.key_repository.clone()?);
        let targets = settings.targets();
        Some(RecoveryPlan {
            repository,
            key_repository,
            schedule: self.schedule.clone(),
            due_at: *locked(&self.due_at),
            rpo_seconds: targets.rpo.as_secs(),
            rto_seconds: targets.rto.as_secs(),
            watched: settings.watch.iter().map(|folder| folder.display().to_string()).collect(),
            studies: settings.study_order.iter().map(ToString::to_string).collect(),
            key_days: settings.days_of_keys(),
            lock_days: settings.lock_days,
            root_key: crate::guarding::root_key_place(&self.config, &self.global.data_dir),
            is_catalogue_elsewhere: self.config.database.is_some(),
        })
    }

    fn running(&self) -> Option<RecoveryWork> {
        let running = locked(&self.running);
        let running = running.as_ref()?;
        let stage = running.progress.stage();
        let (by, through) = match &running.who {
            Who::Operator(operator) => (None, operator.through.to_owned()),
            Who::Person(by) => (Some(by.actor.id), by.origin.through.to_string()),
        };
        Some(RecoveryWork {
            kind: running.kind,
            began_at: running.began_at,
            by,
            through,
            stage: stage.name,
            done_bytes: stage.done_bytes,
            total_bytes: stage.total_bytes,
            is_stopping: running.progress.is_stopped(),
        })
    }

    fn begin(&self, kind: RecoveryKind, reads_data: bool, by: &By) -> Result<(), RecoverFault> {
        if !self.config.recovery.is_set() {
            let why = "it is not said where backups lie; set `repository` and `key_repository` under [recovery] in the settings";
            return Err(RecoverFault::Wrong(why.to_owned()));
        }
        self.repositories().map_err(|failure| RecoverFault::Wrong(words(&failure)))?;
        let busy = || RecoverFault::Busy(self.running().map(|running| running.kind));
        let works = self.me.upgrade().ok_or_else(busy)?;
        let turn = Arc::clone(&self.turn).try_lock_owned().map_err(|_held| busy())?;
        let deed = match kind {
            RecoveryKind::Backup => Deed::BackUp { proves: true },
            RecoveryKind::Check => Deed::Check { reads_data, proves: false },
            RecoveryKind::Drill => Deed::Drill { snapshot: "latest".to_owned() },
            RecoveryKind::Look => Deed::Look,
        };
        let entered = works.enter(turn, deed, Who::Person(by.clone()));
        tokio::spawn(async move {
            if let Err(failure) = Box::pin(works.work(entered)).await {
                tracing::error!(error = failure.words(), "what was asked for in the console about backups failed");
            }
        });
        Ok(())
    }

    fn stop(&self, by: &By) -> bool {
        self.stop_for(Who::Person(by.clone()))
    }

    fn listing(&self, newer_than: i64) -> Listing {
        let mut listing = locked(&self.listing);
        let is_old = listing.read_at.is_none_or(|read_at| read_at <= newer_than || now() - read_at > LISTING_MS);
        if is_old
            && !listing.is_being_read
            && self.config.recovery.is_set()
            && let Some(works) = self.me.upgrade()
        {
            listing.is_being_read = true;
            tokio::spawn(async move { works.list().await });
        }
        listing.clone()
    }
}
