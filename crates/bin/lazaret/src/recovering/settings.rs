//! `[recovery]` of the settings: where backups lie, when they are made, and what they must be able to do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use landscape::scan::Rule;
use object_store::aws::AmazonS3Builder;
use recovery::{InBucket, Keep, Lock, LockMode, Locking, Place, Progress, Repository};
use secrecy::SecretString;
use serde::Deserialize;
use tokio::runtime::Handle;

use crate::config::Config;
use crate::failure::Failure;

/// Where the passwords are looked for first.
const PASSWORD: &str = "LAZARET_BACKUP_PASSWORD";
const KEY_PASSWORD: &str = "LAZARET_BACKUP_KEY_PASSWORD";
/// Where backups are explained.
const SEE: &str = "see docs/reference/backup.md";
/// Days that keys are kept in backups: a month in which an erasure must be complete (GDPR Art. 12(3)), and a few days in which
/// a backup may be late.
const KEEP_KEYS_DAYS: u16 = 35;
/// Versions of objects that are opened to prove a backup.
const SAMPLE: usize = 64;
/// Days for which backups can be locked: a wrong number cannot be taken back.
const LOCK_DAYS: std::ops::RangeInclusive<u16> = 1..=3_650;
/// Times of a schedule that are looked at for the longest between two.
const DUES: usize = 10;
/// Targets unless told otherwise: a day of work lost, four hours until it is there again.
const RPO_MINUTES: u64 = 24 * 60;
const RTO_MINUTES: u64 = 4 * 60;

/// Everything that can be set; all of it optional.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecoverySettings {
    /// The main repository: a folder, or `s3://bucket/prefix`.
    pub repository: Option<String>,
    /// The repository of keys, apart from it.
    pub key_repository: Option<String>,
    /// Files with their passwords, for their owner alone.
    pub password_file: Option<PathBuf>,
    pub key_password_file: Option<PathBuf>,
    /// When backups are made, such as `daily 02:30`. Without it, only when they are asked for.
    pub schedule: Option<String>,
    /// Files and folders to take along, such as rules and certificates.
    #[serde(default)]
    pub extra: Vec<PathBuf>,
    /// Folders whose listings are kept with each backup, to see when somebody encrypted them.
    #[serde(default)]
    pub watch: Vec<PathBuf>,
    /// Where backups are restored to be proven; the system's folder for temporary files when not given.
    pub scratch: Option<PathBuf>,
    /// Versions of objects that are opened to prove a backup.
    pub sample: Option<usize>,
    pub rpo_minutes: Option<u64>,
    pub rto_minutes: Option<u64>,
    /// How many snapshots stay.
    pub keep_last: Option<u16>,
    pub keep_daily: Option<u16>,
    pub keep_weekly: Option<u16>,
    pub keep_monthly: Option<u16>,
    pub keep_yearly: Option<u16>,
    /// Days that keys stay in backups.
    pub keep_keys_days: Option<u16>,
    /// Days for which everything in the main repository is locked, counted from each backup: in a bucket with object lock.
    pub lock_days: Option<u16>,
    /// Whether anybody can take that lock off.
    pub lock_mode: Option<Mode>,
    /// Studies in the order in which they come back.
    #[serde(default)]
    pub study_order: Vec<model::StudyId>,
}

/// How backups are locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// Nobody can take the lock off.
    Compliance,
    /// Who has a right of its own can.
    Governance,
}

/// Both repositories.
#[derive(Debug, Clone)]
pub(crate) struct Repositories {
    pub main: Repository,
    pub keys: Repository,
}

impl Repositories {
    /// The same; work on them tells `progress` how far it is, and stops when that says so.
    pub(crate) fn watched(&self, progress: &Progress) -> Self {
        Self { main: self.main.watched(progress), keys: self.keys.watched(progress) }
    }

    /// The same as they were: each as of a time, where one is given.
    pub(crate) fn as_of(&self, main: Option<Timestamp>, keys: Option<Timestamp>) -> Result<Self, Failure> {
        let at = |repository: &Repository, time: Option<Timestamp>| match time {
            Some(time) => repository.as_of(time.as_millisecond()).map_err(super::bring::told),
            None => Ok(repository.clone()),
        };
        Ok(Self { main: at(&self.main, main)?, keys: at(&self.keys, keys)? })
    }
}

/// What a drill is held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Targets {
    pub rpo: Duration,
    pub rto: Duration,
}

impl RecoverySettings {
    /// Both repositories; addresses from the command line win.
    pub(crate) fn repositories(
        &self,
        main: Option<&str>,
        keys: Option<&str>,
        runtime: &Handle,
    ) -> Result<Repositories, Failure> {
        let main = main.or(self.repository.as_deref());
        let keys = keys.or(self.key_repository.as_deref());
        let (Some(main), Some(keys)) = (main, keys) else {
            return Err(Failure::usage("it is not said where backups lie").hint(format!(
                "give `--repository` and `--key-repository`, or `repository` and `key_repository` under [recovery] in the settings; {SEE}"
            )));
        };
        if main == keys {
            return Err(Failure::usage("keys must not lie in the repository of what they seal")
                .hint(format!("give two places, better on two machines; {SEE}")));
        }
        let main_password = password(PASSWORD, self.password_file.as_deref(), "password_file")?;
        let key_password = password(KEY_PASSWORD, self.key_password_file.as_deref(), "key_password_file")?;
        Ok(Repositories {
            main: Repository::new(place(main, self.lock(main)?, runtime)?, main_password),
            keys: Repository::new(place(keys, None, runtime)?, key_password),
        })
    }

    /// For how long the main repository's files are locked.
    fn lock(&self, main: &str) -> Result<Option<Lock>, Failure> {
        let see = format!("mend [recovery] in the settings; {SEE}");
        let Some(days) = self.lock_days else {
            return match self.lock_mode {
                Some(_) => Err(Failure::usage("`lock_mode` is set and `lock_days` is not").hint(see)),
                None => Ok(None),
            };
        };
        if !LOCK_DAYS.contains(&days) {
            let (least, most) = (LOCK_DAYS.start(), LOCK_DAYS.end());
            return Err(Failure::usage(format!("`lock_days` is {days}, and can be {least} to {most}")).hint(see));
        }
        if !main.starts_with(BUCKET) {
            return Err(Failure::usage(format!(
                "`lock_days` is set, and `{main}` is a folder, which cannot lock anything"
            ))
            .hint(format!(
                "give a bucket with object lock (`s3://bucket/prefix`) as `repository`, or take `lock_days` away; {SEE}"
            )));
        }
        let mode = match self.lock_mode {
            None | Some(Mode::Compliance) => LockMode::Compliance,
            Some(Mode::Governance) => LockMode::Governance,
        };
        Ok(Some(Lock { mode, days }))
    }

    /// What is amiss with a lock that ends before the schedule makes the next backup; none: nothing.
    pub(crate) fn lock_gap(&self, locking: &Locking, now_ms: i64) -> Result<Option<String>, Failure> {
        let Some(rule) = self.rule()? else { return Ok(None) };
        let mut dues = vec![rule.next_after(now_ms)];
        for _ in 1..DUES {
            dues.push(rule.next_after(dues.last().copied().unwrap_or(now_ms)));
        }
        let longest =
            dues.windows(2).map(|pair| pair.last().copied().unwrap_or(0) - pair.first().copied().unwrap_or(0));
        let longest = longest.max().unwrap_or(0);
        let days = locking.days;
        Ok((longest > i64::from(days) * DAY_MS).then(|| {
            let set = if locking.is_renewed { "`lock_days`" } else { "the bucket's default retention" };
            format!(
                "{set} is {days} days, and the schedule `{rule}` leaves longer between two backups: in between the newest is not locked"
            )
        }))
    }

    /// Whether it is said where backups lie.
    pub(crate) const fn is_set(&self) -> bool {
        self.repository.is_some() && self.key_repository.is_some()
    }

    /// When backups are made.
    pub(crate) fn rule(&self) -> Result<Option<Rule>, Failure> {
        let rule = self.schedule.as_deref().map(str::parse::<Rule>).transpose();
        rule.map_err(|error| Failure::usage(error.to_string()).hint("mend `schedule` under [recovery] in the settings"))
    }

    pub(crate) fn keep(&self) -> Keep {
        Keep::Graded {
            last: self.keep_last.unwrap_or(7),
            daily: self.keep_daily.unwrap_or(30),
            weekly: self.keep_weekly.unwrap_or(12),
            monthly: self.keep_monthly.unwrap_or(24),
            yearly: self.keep_yearly.unwrap_or(10),
        }
    }

    pub(crate) fn keep_keys(&self) -> Keep {
        Keep::Days(self.days_of_keys())
    }

    /// Days that keys stay in backups.
    pub(crate) fn days_of_keys(&self) -> u16 {
        self.keep_keys_days.unwrap_or(KEEP_KEYS_DAYS)
    }

    pub(crate) fn sample(&self) -> usize {
        self.sample.unwrap_or(SAMPLE)
    }

    pub(crate) fn targets(&self) -> Targets {
        Targets {
            rpo: Duration::from_secs(self.rpo_minutes.unwrap_or(RPO_MINUTES) * 60),
            rto: Duration::from_secs(self.rto_minutes.unwrap_or(RTO_MINUTES) * 60),
        }
    }

    /// A folder for a trial restore, which goes when the trial ends. What killed trials left goes first: keys are in it.
    pub(crate) fn scratch(&self) -> Result<Scratch, Failure> {
        let parent = self.scratch.clone().unwrap_or_else(std::env::temp_dir);
        Scratch::new(&parent).map_err(|error| {
            Failure::failed("scratch", error)
                .hint("give a folder with room as `scratch` under [recovery] in the settings")
        })
    }

    /// What is backed up beside the data folder.
    pub(crate) fn material(&self, config: &Config, settings: Option<&Path>) -> guard::recovering::Material {
        guard::recovering::Material {
            settings: settings.map(Path::to_owned),
            extra: self.extra.clone(),
            has_database: config.database.is_none(),
        }
    }
}

/// What the address of a bucket begins with.
const BUCKET: &str = "s3://";
/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60_000;
/// How folders of trial restores are called.
const SCRATCH: &str = "lazaret-restore-";
/// Held in such a folder as long as its trial goes on.
const SCRATCH_LOCK: &str = "in-use.lock";

/// A folder for a trial restore.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: tempfile::TempDir,
    _lock: std::fs::File,
}

impl Scratch {
    fn new(parent: &Path) -> std::io::Result<Self> {
        sweep(parent);
        let folder = tempfile::Builder::new().prefix(SCRATCH).tempdir_in(parent)?;
        let lock = std::fs::File::create(folder.path().join(SCRATCH_LOCK))?;
        lock.lock()?;
        Ok(Self { folder, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn close(self) -> std::io::Result<()> {
        self.folder.close()
    }
}

/// Takes away what trials left that were killed: their locks are held by nobody.
fn sweep(parent: &Path) {
    let Ok(entries) = std::fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(SCRATCH);
        let lock = entry.path().join(SCRATCH_LOCK);
        // One without a lock is being made, or somebody else's.
        let Ok(lock) = std::fs::File::open(lock) else { continue };
        if is_ours && lock.try_lock().is_ok() {
            let path = entry.path();
            match std::fs::remove_dir_all(&path) {
                Ok(()) => tracing::info!(path = %path.display(), "what a killed trial restore left is taken away"),
                Err(error) => tracing::warn!(path = %path.display(), %error, "a killed trial restore left keys there"),
            }
        }
    }
}

fn place(address: &str, lock: Option<Lock>, runtime: &Handle) -> Result<Place, Failure> {
    if address.starts_with(BUCKET) {
        let bucket = InBucket::s3(address, AmazonS3Builder::from_env(), lock, runtime.clone());
        return bucket.map(Place::Bucket).map_err(|error| {
            Failure::usage(error.to_string())
                .hint(format!("credentials and endpoint come from `AWS_…` in the environment; {SEE}"))
        });
    }
    if address.contains("://") {
        return Err(Failure::usage(format!("`{address}` is no place for backups that this program knows"))
            .hint(format!("give a folder or `s3://bucket/prefix`; {SEE}")));
    }
    let path = std::path::absolute(address).map_err(|error| Failure::failed("repository", error))?;
    Ok(Place::Folder(path))
}

fn password(variable: &str, file: Option<&Path>, setting: &str) -> Result<SecretString, Failure> {
    let given = std::env::var(variable).ok().filter(|words| !words.is_empty());
    match (given, file) {
        (Some(words), _) => Ok(SecretString::from(words)),
        (None, Some(file)) => crate::config::secret(file),
        (None, None) => Err(Failure::usage(format!("`{variable}` is not set, which opens the backups"))
            .hint(format!("set it in the environment, or give `{setting}` under [recovery] in the settings; {SEE}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> RecoverySettings {
        toml::from_str(text).expect("settings")
    }

    #[test]
    fn locks_that_cannot_be_are_told() {
        let of = |text: &str, main: &str| settings(text).lock(main).map_err(|failure| failure.words());
        assert_eq!(of("", "/srv/main"), Ok(None));
        let lock = of("lock_days = 40\nlock_mode = \"governance\"", "s3://bucket/main");
        assert_eq!(lock, Ok(Some(Lock { mode: LockMode::Governance, days: 40 })));
        assert_eq!(of("lock_days = 40", "s3://b"), Ok(Some(Lock { mode: LockMode::Compliance, days: 40 })));
        assert!(of("lock_days = 40", "/srv/main").is_err_and(|why| why.contains("is a folder")));
        assert!(of("lock_days = 0", "s3://b").is_err_and(|why| why.contains("1 to 3650")));
        assert!(of("lock_mode = \"compliance\"", "s3://b").is_err_and(|why| why.contains("`lock_days` is not")));
        assert!(toml::from_str::<RecoverySettings>("lock_mode = \"forever\"").is_err());
    }

    #[test]
    fn a_lock_that_ends_before_the_next_backup_is_told() {
        let gap = |schedule: &str, days: u32, is_renewed: bool| {
            let locking = Locking { mode: LockMode::Compliance, days, is_renewed };
            settings(schedule).lock_gap(&locking, 1_790_000_000_000).expect("a rule")
        };
        let weekly = "schedule = \"weekly mon 02:30 Europe/Berlin\"";
        assert!(gap(weekly, 6, true).is_some_and(|told| told.contains("`lock_days` is 6 days")));
        assert!(gap(weekly, 6, false).is_some_and(|told| told.contains("default retention")));
        assert_eq!(
            (gap(weekly, 8, true), gap("schedule = \"daily 02:30\"", 1, true), gap("", 1, true)),
            (None, None, None)
        );
    }

    #[test]
    fn what_a_killed_trial_left_goes_and_what_is_in_use_stays() {
        let parent = tempfile::tempdir().expect("a folder");
        let living = Scratch::new(parent.path()).expect("a scratch");
        let dead = parent.path().join("lazaret-restore-dead");
        std::fs::create_dir(&dead).expect("a folder");
        std::fs::write(dead.join(SCRATCH_LOCK), b"").expect("a lock that nobody holds");
        std::fs::write(dead.join("keys.db"), b"keys").expect("a file");
        let other = parent.path().join("lazaret-restore-without-a-lock");
        std::fs::create_dir(&other).expect("a folder");
        let next = Scratch::new(parent.path()).expect("another");
        assert!(!dead.exists() && other.exists() && living.path().exists() && next.path().exists());
        living.close().expect("it goes");
    }
}
