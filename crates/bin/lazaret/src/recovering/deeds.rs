//! What is done about backups, by a command or in the server: it begins, is carried out, and what came of it is recorded and kept.

use std::time::{Duration, Instant};

use guard::recovering::{Staging, about};
use guard::{BackupRequest, Guarded, Operator, Request};
use model::{By, RecoveryKind, RecoveryState};
use recovery::{Progress, RecoveryError};
use serde_json::{Value, json};

use super::bring::{blocking, seconds, told, try_out};
use super::settings::Repositories;
use super::{locks, text, watched};
use crate::cli::Global;
use crate::config::Config;
use crate::data::now;
use crate::failure::Failure;
use crate::guarding::Counter;

/// What is to be done.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// A snapshot of each repository, proven if asked for.
    BackUp { proves: bool },
    /// A look at both repositories, every byte of them, and a proof of the newest snapshot, if asked for.
    Check { reads_data: bool, proves: bool },
    /// A restore against the clock.
    Drill { snapshot: String },
    /// Whether watched folders were encrypted.
    Look,
}

impl Deed {
    pub(super) const fn kind(&self) -> RecoveryKind {
        match self {
            Self::BackUp { .. } => RecoveryKind::Backup,
            Self::Check { .. } => RecoveryKind::Check,
            Self::Drill { .. } => RecoveryKind::Drill,
            Self::Look => RecoveryKind::Look,
        }
    }
}

/// On whose behalf the server does something.
#[derive(Debug, Clone)]
pub(super) enum Who {
    /// Whoever uses the machine itself, or its schedule.
    Operator(Operator),
    /// Somebody in the console.
    Person(By),
}

impl Who {
    /// The server itself.
    pub(super) fn schedule() -> Self {
        Self::Operator(Operator { user: guard::own_name(), through: "schedule" })
    }
}

/// Who records what is done: a running server or this process over the data folder, or the server itself.
pub(super) enum Desk<'a> {
    Counter(&'a Counter),
    Server(&'a Guarded, &'a Who),
}

impl Desk<'_> {
    async fn record(&self, request: BackupRequest) -> Result<Value, Failure> {
        let refused = |error: guard::OpsError| Failure::failed("refused", anyhow::anyhow!("{}", guard::whole(&error)));
        let answer = match self {
            Self::Counter(counter) => counter.obey(Request::Backup(request)).await?,
            Self::Server(guarded, Who::Operator(operator)) => {
                guarded.obey(operator, Request::Backup(request)).await.map_err(refused)?
            }
            Self::Server(guarded, Who::Person(by)) => guarded.about_backups_by(by, request).await.map_err(refused)?,
        };
        Ok(answer.into_iter().next().unwrap_or_default())
    }
}

/// One deed, from its beginning to its end.
pub(super) struct Task<'a> {
    global: &'a Global,
    config: &'a Config,
    /// As they are; what takes something away is done with these, and not stopped half-way.
    plain: &'a Repositories,
    /// The same, stopped by `progress`.
    repositories: Repositories,
    progress: Progress,
    /// What it is called: when it began, in milliseconds since 1970, UTC.
    began_at: i64,
}

impl<'a> Task<'a> {
    pub(super) fn new(
        global: &'a Global,
        config: &'a Config,
        plain: &'a Repositories,
        began_at: i64,
        progress: &Progress,
    ) -> Self {
        let repositories = plain.watched(progress);
        Self { global, config, plain, repositories, progress: progress.clone(), began_at }
    }

    /// Does it. That a backup begins is recorded before; what came of it is for [`end`].
    pub(super) async fn carry_out(&self, deed: &Deed, desk: &Desk<'_>) -> Result<Value, Failure> {
        let begun = Instant::now();
        let done = match deed {
            Deed::BackUp { proves } => {
                let begun = desk.record(BackupRequest::Begin { id: self.id() }).await?;
                Box::pin(self.back_up(&begun["canary"], *proves)).await
            }
            Deed::Check { reads_data, proves } => Box::pin(self.check(*reads_data, *proves)).await,
            Deed::Drill { snapshot } => Box::pin(self.drill(snapshot)).await,
            Deed::Look => Box::pin(watched::suspect(&self.config.recovery, &self.repositories, &self.progress)).await,
        };
        let mut value = done?;
        value["repository"] = json!(self.plain.main.name());
        value["key_repository"] = json!(self.plain.keys.name());
        value["seconds"] = json!(begun.elapsed().as_secs_f64());
        Ok(value)
    }

    fn id(&self) -> String {
        self.began_at.to_string()
    }

    /// The next stage, unless somebody stopped it.
    fn go_on(&self, stage: &'static str) -> Result<(), Failure> {
        if self.progress.is_stopped() {
            return Err(told(RecoveryError::Stopped { at: self.plain.main.name() }));
        }
        self.progress.begin(stage, 0);
        Ok(())
    }

    async fn back_up(&self, canary: &Value, proves: bool) -> Result<Value, Failure> {
        let settings = &self.config.recovery;
        let material = settings.material(self.config, self.global.config.as_deref());
        let staged = |error: guard::OpsError| Failure::failed("backup", anyhow::anyhow!(guard::whole(&error)));
        self.go_on("looking at the repositories")?;
        let locking = locks::ready(self.config, &self.repositories).await?;
        self.go_on("copying the databases")?;
        let mut staging = Staging::begin(&self.global.data_dir, now()).map_err(staged)?;
        let mut pieces = Vec::new();
        if material.has_database {
            pieces.push(staging.database().await.map_err(staged)?);
        } else {
            tracing::warn!(
                "the catalogue lies in PostgreSQL and is not in this backup; back it up with `pg_dump` at the same time"
            );
        }
        let keys = staging.keys().await.map_err(staged)?;
        let host = host();
        let (key_repository, named, time) = (self.repositories.keys.clone(), host.clone(), now());
        let key_about = json!({ "backup": self.id() });
        let keys_made = blocking(move || recovery::make(&key_repository, keys, key_about, &named, time)).await?;
        // Keys that are over must go whatever becomes of the rest, or what was shredded could come back.
        let keys_expired = expire_keys(self.config, self.plain).await?;
        self.go_on("listing files")?;
        let (record, reach) = staging.record().map_err(staged)?;
        pieces.extend(record);
        pieces.extend(staging.rest(&material));
        let listed = watched::listing(settings, &self.repositories, &self.progress, &mut staging.problems).await?;
        let (listing, folders) = listed.map_or((Vec::new(), None), |(pieces, folders)| (pieces, Some(folders)));
        pieces.extend(listing);
        let about = about(&self.id(), reach, canary, material.has_database, &settings.study_order);
        let (repository, time) = (self.repositories.main.clone(), now());
        let mut made = blocking(move || recovery::make(&repository, pieces, about, &host, time)).await?;
        made.problems.append(&mut staging.problems);
        made.problems.extend(keys_made.problems.iter().cloned());
        drop(staging);
        self.go_on("taking away old snapshots")?;
        let mut expired = self.expire().await;
        expired["keys"] = json!(keys_expired);
        // What is left is needed, and locked for as long as the settings say.
        let locked = locks::renewed(self.config, self.plain, locking).await?;
        let proven = if proves { Some(self.try_out(&made.snapshot).await?) } else { None };
        let mut value = serde_json::to_value(&made).map_err(|error| Failure::failed("output", error))?;
        value["keys_snapshot"] = json!(keys_made.snapshot);
        value["entries"] = json!(reach.entries);
        value["watched"] = json!(folders);
        value["expired"] = expired;
        let is_locked = locked["fault"].is_null();
        let holds = proven.as_ref().map(|proven| proven.proof.holds && is_locked);
        // Not locked as it should be is known without a proof.
        value["holds"] = json!(if is_locked { holds } else { Some(false) });
        value["lock"] = locked;
        value["restored_root"] = json!(proven.as_ref().map(|proven| proven.restore.restored_root));
        value["proof"] = json!(proven.as_ref().map(|proven| &proven.proof));
        value["proof_seconds"] = json!(proven.as_ref().map(|proven| proven.seconds));
        value["stages"] = json!(proven.as_ref().map(|proven| &proven.restore.stages));
        Ok(value)
    }

    /// Takes away snapshots of the main repository that are over. They may stay, such as where a lock keeps them.
    async fn expire(&self) -> Value {
        let (main, keep) = (self.plain.main.clone(), self.config.recovery.keep());
        let expired = blocking(move || main.expire(&keep, now())).await;
        if let Err(failure) = &expired {
            tracing::warn!(error = failure.words(), "snapshots that are over stay in the main repository");
        }
        json!({ "main": expired.map(|gone| gone.snapshots).unwrap_or_default() })
    }

    async fn try_out(&self, snapshot: &str) -> Result<super::bring::Proven, Failure> {
        let root = (self.global.data_dir.join(guard::KEYS), crate::guarding::root_key(self.config)?);
        try_out(&self.repositories, &self.config.recovery, snapshot, root, &self.progress).await
    }

    async fn check(&self, reads_data: bool, proves: bool) -> Result<Value, Failure> {
        let both = self.repositories.clone();
        let (main, keys) = blocking(move || Ok((both.main.check(reads_data)?, both.keys.check(reads_data)?))).await?;
        let proven = match proves && main.holds && keys.holds {
            true => Some(self.try_out("latest").await?),
            false => None,
        };
        let holds = main.holds && keys.holds && proven.as_ref().is_none_or(|proven| proven.proof.holds);
        let snapshot = proven.as_ref().map(|proven| proven.restore.snapshot.clone());
        Ok(json!({
            "holds": holds,
            "main": main,
            "keys": keys,
            "read_data": reads_data,
            "snapshot": snapshot,
            "proof": proven,
        }))
    }

    async fn drill(&self, snapshot: &str) -> Result<Value, Failure> {
        let targets = self.config.recovery.targets();
        let asked_ms = now();
        let proven = self.try_out(snapshot).await?;
        let age = |since: i64| Duration::from_millis(u64::try_from(asked_ms - since).unwrap_or(0));
        let rpo = age(proven.proof.newest_entry_ms.unwrap_or(proven.restore.made_ms));
        let rto = Duration::from_secs_f64(proven.seconds);
        let holds = proven.proof.holds && rpo <= targets.rpo && rto <= targets.rto;
        Ok(json!({
            "snapshot": proven.restore.snapshot,
            "root": proven.restore.root,
            "holds": holds,
            "rpo_seconds": rpo.as_secs(),
            "rpo_target_seconds": targets.rpo.as_secs(),
            "rpo": seconds(rpo),
            "rpo_target": seconds(targets.rpo),
            "rto_seconds": proven.seconds,
            "rto_target_seconds": targets.rto.as_secs(),
            "rto": seconds(rto),
            "rto_target": seconds(targets.rto),
            "restore": proven.restore,
            "proof": proven.proof,
        }))
    }
}

/// Takes away the keys that are over; the snapshots that went.
pub(super) async fn expire_keys(config: &Config, repositories: &Repositories) -> Result<Vec<String>, Failure> {
    let (keys, keep) = (repositories.keys.clone(), config.recovery.keep_keys());
    blocking(move || keys.expire(&keep, now())).await.map(|gone| gone.snapshots)
}

/// Records what came of a deed, and keeps the report.
pub(super) async fn end(
    desk: &Desk<'_>,
    kind: RecoveryKind,
    began_at: i64,
    done: &Result<Value, Failure>,
    is_stopped: bool,
) -> Result<(), Failure> {
    let state = match done {
        Err(_) if is_stopped => RecoveryState::Stopped,
        Err(_) => RecoveryState::Failed,
        Ok(value) => match value["holds"].as_bool() {
            Some(true) => RecoveryState::Holds,
            Some(false) => RecoveryState::Broken,
            None => RecoveryState::Unproven,
        },
    };
    let (told, report) = match done {
        Ok(value) => (outcome(kind, value), value.clone()),
        Err(failure) => (String::new(), json!({ "error": failure.words(), "hint": failure.advice() })),
    };
    let snapshot = report["snapshot"].as_str().map(str::to_owned);
    let id = began_at.to_string();
    let request = BackupRequest::End { kind, id, told, began_at, state, snapshot, report };
    desk.record(request).await.map(drop)
}

/// What came of it, in words without names.
fn outcome(kind: RecoveryKind, value: &Value) -> String {
    match kind {
        RecoveryKind::Backup | RecoveryKind::Drill => {
            format!("snapshot {}, root {}", text(&value["snapshot"]), text(&value["root"]))
        }
        RecoveryKind::Check => {
            let words = |name: &str| if value[name]["holds"] == true { "holds" } else { "does not hold" };
            format!("main repository {}, key repository {}", words("main"), words("keys"))
        }
        RecoveryKind::Look if value["suspicion"].is_null() => "nothing amiss".to_owned(),
        RecoveryKind::Look => {
            format!("encrypted; the last clean snapshot is {}", text(&value["suspicion"]["clean"]))
        }
    }
}

/// This machine's name, by which a snapshot finds the one before it.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Does something for a command. Where it must be recorded, what fails there fails the command; a check or look is told also where
/// the data folder cannot take it, since that may be why it is asked for.
pub(super) async fn command(
    global: &Global,
    config: &Config,
    repositories: &Repositories,
    deed: &Deed,
) -> Result<Value, Failure> {
    let only_looks = matches!(deed, Deed::Check { .. } | Deed::Look);
    if !global.data_dir.is_dir() && !only_looks {
        return Err(Failure::usage(format!("there is no data folder `{}`", global.data_dir.display()))
            .hint("give the folder with `--data-dir`"));
    }
    let counter = Counter::new(global, config, false);
    let desk = Desk::Counter(&counter);
    let began_at = now();
    let task = Task::new(global, config, repositories, began_at, &Progress::default());
    let done = Box::pin(task.carry_out(deed, &desk)).await;
    let recorded = match global.data_dir.is_dir() {
        true => Box::pin(end(&desk, deed.kind(), began_at, &done, false)).await,
        false => Ok(()),
    };
    counter.close().await;
    let done = done?;
    match recorded {
        Err(failure) if only_looks => tracing::warn!(error = failure.words(), "this is not recorded"),
        recorded => recorded?,
    }
    Ok(done)
}
