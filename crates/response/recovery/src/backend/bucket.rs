//! A repository in a bucket, in the layout that restic uses there too. Where the bucket has object lock, what is stored can be
//! locked: nobody, this program included, can change or take away those versions before their time is over. What somebody deletes
//! or overwrites is still there as an older version, and the repository can be looked at as of a time before that.

mod answers;
mod fault;
mod requests;

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::path::Path;
use object_store::{ClientConfigKey, GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, PutPayload};
use rustic_core::{BytesList, ErrorKind, FileType, Id, ReadBackend, RusticError, RusticResult, WriteBackend};
use serde::Serialize;
use tokio::runtime::Handle;

pub(crate) use answers::Version;
pub use fault::BucketFault;
pub(crate) use requests::Held;
pub(crate) use requests::S3;

use super::{Faults, path_of};
use crate::RecoveryError;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60_000;
/// How long one request may take unless the environment says otherwise: a pack of data over a slow line.
const REQUEST_TIME: &str = "600s";

/// How what is stored is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LockMode {
    /// Nobody can take it off, the owner of the account included.
    Compliance,
    /// Who has a right of its own can take it off.
    Governance,
}

/// For how long what is stored is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lock {
    /// How.
    pub mode: LockMode,
    /// Days from each backup on.
    pub days: u16,
}

impl Lock {
    /// Until when it must be locked at least.
    pub(crate) fn needed_ms(self, now_ms: i64) -> i64 {
        now_ms.saturating_add(i64::from(self.days) * DAY_MS)
    }

    /// How something is locked now: for a quarter longer, so that not every backup has to lock everything anew.
    pub(crate) fn held(self, now_ms: i64) -> Held {
        let days = i64::from(self.days);
        let until_ms = now_ms.saturating_add((days + (days / 4).max(1)) * DAY_MS);
        Held { is_governance: self.mode == LockMode::Governance, until_ms }
    }
}

/// What a bucket does by itself with what is stored in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Habits {
    pub(crate) has_lock: bool,
    pub(crate) keeps_versions: bool,
    /// Its default retention.
    pub(crate) default: Option<(LockMode, u32)>,
}

/// A repository's place in a bucket.
#[derive(Debug, Clone)]
pub struct InBucket {
    pub(crate) name: String,
    store: Arc<dyn ObjectStore>,
    prefix: String,
    /// Calls wait here, from threads that are not the runtime's own.
    runtime: Handle,
    s3: Option<Arc<S3>>,
    pub(crate) lock: Option<Lock>,
    /// It is looked at as of this time, in milliseconds since 1970, UTC, and not written.
    pub(crate) as_of: Option<i64>,
    is_reached: Arc<OnceLock<()>>,
    view: Arc<OnceLock<View>>,
}

/// The versions that lay there at a time, by key.
type View = HashMap<String, Version>;

impl InBucket {
    /// Any bucket: without locks and old versions.
    #[must_use]
    pub fn new(name: &str, store: Arc<dyn ObjectStore>, prefix: &str, runtime: Handle) -> Self {
        Self {
            name: name.to_owned(),
            store,
            // As its keys are written.
            prefix: Path::from(prefix).to_string(),
            runtime,
            s3: None,
            lock: None,
            as_of: None,
            is_reached: Arc::default(),
            view: Arc::default(),
        }
    }

    /// A bucket of S3, at `s3://bucket/prefix`. `builder` says who asks whom.
    ///
    /// # Errors
    /// When the address or the builder is of no use. Nothing is asked yet.
    pub fn s3(
        address: &str,
        builder: AmazonS3Builder,
        lock: Option<Lock>,
        runtime: Handle,
    ) -> Result<Self, RecoveryError> {
        let name = address.trim_end_matches('/');
        let wrong = |why: String| RecoveryError::Place { at: name.to_owned(), why };
        let rest = address.strip_prefix("s3://").map(|rest| rest.trim_end_matches('/'));
        let rest = rest.ok_or_else(|| wrong("it does not begin with `s3://`".to_owned()))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(wrong("it names no bucket".to_owned()));
        }
        let is_told = |key: AmazonS3ConfigKey| builder.get_config_value(&key).is_some_and(|value| !value.is_empty());
        // Elsewhere than at AWS no machine has an identity of its own, and looking for one takes minutes.
        if is_told(AmazonS3ConfigKey::Endpoint) && !is_told(AmazonS3ConfigKey::AccessKeyId) {
            return Err(wrong(
                "there is no access key; set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`".to_owned(),
            ));
        }
        let timeout = AmazonS3ConfigKey::Client(ClientConfigKey::Timeout);
        let builder = if std::env::var_os("AWS_TIMEOUT").is_some() {
            builder
        } else {
            builder.with_config(timeout, REQUEST_TIME)
        };
        // Buckets with object lock take nothing without a checksum.
        let builder = builder.with_bucket_name(bucket).with_checksum_algorithm(Checksum::SHA256);
        let store = builder.clone().build().map_err(|error| wrong(error.to_string()))?;
        let s3 = S3::new(&builder, &store, bucket).map_err(wrong)?;
        Ok(Self { s3: Some(Arc::new(s3)), lock, ..Self::new(name, Arc::new(store), prefix, runtime) })
    }

    /// The same as of a time, in milliseconds since 1970, UTC.
    pub(crate) fn at(&self, as_of: i64) -> Self {
        Self { as_of: Some(as_of), view: Arc::default(), ..self.clone() }
    }

    pub(crate) fn fault(&self, fault: BucketFault) -> RecoveryError {
        RecoveryError::Bucket { at: self.name.clone(), fault }
    }

    /// What all keys of the repository begin with.
    pub(crate) fn below(&self) -> String {
        if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) }
    }

    /// Does something with the bucket's own requests; none where it has none.
    pub(crate) fn with<T, F: Future<Output = Result<T, BucketFault>>>(
        &self,
        work: impl FnOnce(Arc<S3>) -> F,
    ) -> Result<Option<T>, RecoveryError> {
        let Some(s3) = &self.s3 else { return Ok(None) };
        self.runtime.block_on(work(Arc::clone(s3))).map(Some).map_err(|fault| self.fault(fault))
    }

    /// Whether it answers at all, and what is wrong where it does not. Asked once.
    pub(crate) fn reach(&self) -> Result<(), RecoveryError> {
        if self.is_reached.get().is_none() {
            let below = self.below();
            self.with(|s3| async move { s3.reach(&below).await })?;
            let _known = self.is_reached.set(());
        }
        self.look_back()
    }

    /// Finds what lay there at the time that was asked for.
    fn look_back(&self) -> Result<(), RecoveryError> {
        let Some(as_of) = self.as_of.filter(|_| self.view.get().is_none()) else { return Ok(()) };
        let habits = self.habits()?;
        if !habits.is_some_and(|habits| habits.keeps_versions) {
            return Err(self.fault(BucketFault::Unversioned));
        }
        let view = view(self.versions()?, as_of);
        if view.is_empty() {
            let time = Timestamp::from_millisecond(as_of).unwrap_or_default();
            return Err(self.fault(BucketFault::TooOld(format!("{time:.0}"))));
        }
        let _known = self.view.set(view);
        Ok(())
    }

    /// What it does by itself; none where nobody can tell.
    pub(crate) fn habits(&self) -> Result<Option<Habits>, RecoveryError> {
        self.with(|s3| async move {
            let lock = s3.lock().await?;
            // There is no lock without versions.
            let keeps_versions = lock.is_enabled || s3.versioning().await?;
            let mode = if lock.is_governance { LockMode::Governance } else { LockMode::Compliance };
            let default = lock.days.filter(|_| lock.is_enabled).map(|days| (mode, days));
            Ok(Habits { has_lock: lock.is_enabled, keeps_versions, default })
        })
    }

    /// Every version of every file of the repository; none where there are no versions.
    pub(crate) fn versions(&self) -> Result<Vec<Version>, RecoveryError> {
        let below = self.below();
        let all = self.with(|s3| async move { s3.versions(&below).await })?;
        // Below other places of the bucket lie other things.
        let is_ours = |version: &Version| {
            let rest = version.key.strip_prefix(&self.below()).unwrap_or_default();
            rest == "config"
                || FOLDERS.iter().any(|folder| rest.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
        };
        Ok(all.unwrap_or_default().into_iter().filter(is_ours).collect())
    }

    /// Whether it can be written as it is asked to.
    pub(crate) fn check_writable(&self) -> Result<(), RecoveryError> {
        if self.lock.is_some() && !self.habits()?.is_some_and(|habits| habits.has_lock) {
            return Err(self.fault(BucketFault::Unlocked));
        }
        Ok(())
    }

    /// Whether a repository was deleted here whose versions are still there.
    pub(crate) fn check_untouched(&self) -> Result<(), RecoveryError> {
        let config = format!("{}config", self.below());
        if self.versions()?.iter().any(|version| version.key == config) {
            return Err(self.fault(BucketFault::Deleted));
        }
        Ok(())
    }
}

/// Folders of a repository.
const FOLDERS: [&str; 5] = ["data", "index", "keys", "snapshots", "locks"];

/// What lay there at a time: of each key the newest version of until then, unless that marks that it was deleted.
fn view(versions: Vec<Version>, as_of: i64) -> View {
    let mut view = View::new();
    for version in versions.into_iter().filter(|version| version.stored_ms <= as_of) {
        match view.get(&version.key) {
            // Of two within the same second the first one listed is the newer.
            Some(other) if other.stored_ms > version.stored_ms => {}
            Some(other) if other.stored_ms == version.stored_ms && (other.is_latest || !version.is_latest) => {}
            _ => drop(view.insert(version.key.clone(), version)),
        }
    }
    view.retain(|_, version| !version.is_marker);
    view
}

pub(super) struct Bucket {
    place: InBucket,
    faults: Faults,
}

impl Bucket {
    pub(super) const fn new(place: InBucket, faults: Faults) -> Self {
        Self { place, faults }
    }

    fn path(&self, below: &str) -> Path {
        Path::from(format!("{}{below}", self.place.below()))
    }

    fn wait<T, E: std::error::Error + Send + Sync + 'static>(
        &self,
        what: &'static str,
        path: &Path,
        work: impl Future<Output = Result<T, E>>,
    ) -> RusticResult<T> {
        let at = || format!("{}/{path}", self.place.name);
        let failed = || format!("`{{path}}` cannot be {what}");
        self.faults.go_on().map_err(|stopped| {
            RusticError::with_source(ErrorKind::Backend, failed(), stopped).attach_context("path", at())
        })?;
        self.place
            .runtime
            .block_on(work)
            .map_err(|error| RusticError::with_source(ErrorKind::Backend, failed(), error).attach_context("path", at()))
    }

    /// Reads an object, as it is or as it was.
    fn read(&self, path: &Path, range: Option<GetRange>) -> RusticResult<Bytes> {
        let mut options = GetOptions { range, ..GetOptions::default() };
        if let Some(view) = self.place.view.get() {
            // What is not in the view is asked for by its name and not found by a version that never was.
            let version = view.get(path.as_ref()).map(|version| version.id.clone());
            let missing = || object_store::Error::NotFound {
                path: path.to_string(),
                source: "it did not lie there at that time".into(),
            };
            let Some(version) = version else { return self.wait("read", path, async { Err(missing()) }) };
            options.version = Some(version);
        }
        self.wait("read", path, async { self.place.store.get_opts(path, options).await?.bytes().await })
    }

    fn refuse_as_of(&self, path: &Path) -> RusticResult<()> {
        if self.place.as_of.is_none() {
            return Ok(());
        }
        let looks = io::Error::other("it is looked at as it was, and that is not changed");
        self.wait("written", path, async { Err::<(), io::Error>(looks) })
    }
}

fn size(path: &str, bytes: u64) -> RusticResult<u32> {
    u32::try_from(bytes).map_err(|error| {
        RusticError::with_source(ErrorKind::Backend, "`{path}` is too long", error).attach_context("path", path)
    })
}

/// A file's id, from its key.
fn id_of(key: &str) -> Option<Id> {
    key.rsplit('/').next()?.parse().ok()
}

impl ReadBackend for Bucket {
    fn location(&self) -> String {
        self.place.name.clone()
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        let path = self.path(if kind == FileType::Config { "config" } else { kind.dirname() });
        if let Some(view) = self.place.view.get() {
            if kind == FileType::Config {
                let found = view.get(path.as_ref());
                return found.into_iter().map(|found| Ok((Id::default(), size(&found.key, found.bytes)?))).collect();
            }
            let below = format!("{path}/");
            let all = view.values().filter(|one| one.key.starts_with(&below));
            let named = all.filter_map(|one| Some((id_of(&one.key)?, one)));
            return named.map(|(id, one)| Ok((id, size(&one.key, one.bytes)?))).collect();
        }
        if kind == FileType::Config {
            let found = self.wait("looked for", &path, async {
                match self.place.store.head(&path).await {
                    Err(object_store::Error::NotFound { .. }) => Ok(None),
                    other => other.map(Some),
                }
            })?;
            return found.into_iter().map(|found| Ok((Id::default(), size(path.as_ref(), found.size)?))).collect();
        }
        let all: Vec<object_store::ObjectMeta> =
            self.wait("listed", &path, self.place.store.list(Some(&path)).try_collect())?;
        let named = all.iter().filter_map(|one| Some((one.location.filename()?.parse::<Id>().ok()?, one)));
        named.map(|(id, one)| Ok((id, size(one.location.as_ref(), one.size)?))).collect()
    }

    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        self.read(&self.path(&path_of(kind, id)), None)
    }

    fn read_partial(&self, kind: FileType, id: &Id, _: bool, offset: u32, length: u32) -> RusticResult<Bytes> {
        let range = u64::from(offset)..u64::from(offset) + u64::from(length);
        self.read(&self.path(&path_of(kind, id)), Some(GetRange::Bounded(range)))
    }

    fn warmup_path(&self, kind: FileType, id: &Id) -> String {
        self.path(&path_of(kind, id)).to_string()
    }
}

impl WriteBackend for Bucket {
    fn write_bytes(&self, kind: FileType, id: &Id, _: bool, content: BytesList) -> RusticResult<()> {
        let path = self.path(&path_of(kind, id));
        self.refuse_as_of(&path)?;
        let pieces = content.into_vec();
        let written = match (&self.place.s3, self.place.lock) {
            // Also without a lock of ours: a bucket that locks by itself takes nothing without the headers of a checksum.
            (Some(s3), lock) => {
                let body = whole(pieces);
                let held = lock.map(|lock| lock.held(Timestamp::now().as_millisecond()));
                self.wait("written", &path, s3.put(path.as_ref(), body, held))
            }
            (None, _) => {
                let payload: PutPayload = pieces.into_iter().collect();
                self.wait("written", &path, self.place.store.put(&path, payload)).map(drop)
            }
        };
        written.inspect_err(|error| self.faults.keep(&io::Error::other(error.display_log())))
    }

    fn remove(&self, kind: FileType, id: &Id, _: bool) -> RusticResult<()> {
        let path = self.path(&path_of(kind, id));
        self.refuse_as_of(&path)?;
        self.wait("removed", &path, async {
            match self.place.store.delete(&path).await {
                Err(object_store::Error::NotFound { .. }) => Ok(()),
                other => other,
            }
        })
    }
}

/// Pieces as one, which its checksum is made of.
fn whole(mut pieces: Vec<Bytes>) -> Bytes {
    match pieces.len() {
        1 => pieces.remove(0),
        _ => pieces.concat().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY_MS, Lock, LockMode, Version, view};

    fn version(key: &str, stored_ms: i64, is_marker: bool, is_latest: bool) -> Version {
        let id = format!("{key}@{stored_ms}");
        Version { key: key.to_owned(), id, is_marker, is_latest, bytes: 1, etag: String::new(), stored_ms }
    }

    #[test]
    fn what_lay_there_at_a_time_is_the_newest_of_until_then() {
        let all = || {
            vec![
                version("config", 5_000, true, true),
                version("config", 1_000, false, false),
                version("data/ab/abc", 6_000, false, true),
                version("data/ab/abc", 1_000, false, false),
                version("index/later", 7_000, false, true),
                // Within one second: deleted, then stored again.
                version("keys/k", 3_000, true, false),
                version("keys/k", 3_000, false, true),
            ]
        };
        let names = |as_of: i64| {
            let mut names: Vec<String> = view(all(), as_of).into_values().map(|version| version.id).collect();
            names.sort();
            names
        };
        assert_eq!(names(999), Vec::<String>::new());
        assert_eq!(names(4_000), ["config@1000", "data/ab/abc@1000", "keys/k@3000"]);
        assert_eq!(names(6_000), ["data/ab/abc@6000", "keys/k@3000"]);
        assert_eq!(names(9_000), ["data/ab/abc@6000", "index/later@7000", "keys/k@3000"]);
    }

    #[test]
    fn a_lock_is_given_a_quarter_longer_than_it_must_hold() {
        let lock = Lock { mode: LockMode::Compliance, days: 40 };
        assert_eq!((lock.needed_ms(0), lock.held(0).until_ms), (40 * DAY_MS, 50 * DAY_MS));
        let short = Lock { mode: LockMode::Governance, days: 1 };
        assert_eq!(short.held(0).until_ms, 2 * DAY_MS);
        assert!(short.held(0).is_governance && !lock.held(0).is_governance);
    }
}
