//! The S3 gateway: every request is authenticated, decided by policy, recorded durably, and only then served.
//!
//! What comes in: S3 requests of people, services and instruments. What goes out: objects, opened as they stream, and
//! events about every one of them. Uploads are inspected while they flow and become visible once they are labelled and
//! recorded. This crate must never hand out a byte before its event is durable, keep plaintext on disk, or decide
//! anything itself that policy should.

mod adopt;
mod answer;
mod buckets;
mod caller;
mod copy;
mod crc;
mod delete;
mod door;
mod fault;
mod fixed;
mod form;
mod get;
mod limits;
mod list;
mod lock;
mod multipart;
mod newest;
mod parts;
pub mod ports;
mod properties;
mod put;
mod quarantine;
mod receive;
mod s3;
mod server;
mod sts;
mod tags;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use model::record::Record;
use model::{ObjectId, StudyId, VersionId};
use s3s::{S3Error, S3Result, s3_error};
use store::Store;
use store::guarded::versions::{self, StoredVersion};
use store::guarded::{self, GuardedStudy};

pub use adopt::{AdoptError, Adoption, Candidate};
#[doc(hidden)]
pub use form::probe as probe_form;
pub use limits::Limits;
pub use quarantine::SettleError;
pub use server::{Identity, serve};
pub use sts::{Asked, Fault};

use ports::{Gate, Inspect, Place, Storage};

/// The most bytes of one PUT or part (Amazon S3 User Guide, "Amazon S3 multipart upload limits").
const BODY_BYTES_MAX: u64 = 5 << 30;

/// Studies kept in memory.
const STUDIES_KNOWN_MAX: usize = 10_000;

/// The parts that the gateway joins.
pub struct Parts {
    /// The catalogue of objects.
    pub store: Store,
    /// Seals and opens.
    pub storage: Arc<dyn Storage>,
    /// Recognises, unless inspection is switched off.
    pub inspect: Option<Arc<dyn Inspect>>,
    /// Callers and rules.
    pub gate: Arc<dyn Gate>,
    /// The ledger.
    pub record: Arc<dyn Record>,
    /// The time, in milliseconds since 1970, UTC.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    /// Random bytes for ids.
    pub random: Arc<dyn Fn() -> [u8; 16] + Send + Sync>,
    /// How much a caller may ask for and take.
    pub limits: Limits,
}

/// The gateway.
pub struct Guard {
    store: Store,
    storage: Arc<dyn Storage>,
    inspect: Option<Arc<dyn Inspect>>,
    gate: Arc<dyn Gate>,
    record: Arc<dyn Record>,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    random: Arc<dyn Fn() -> [u8; 16] + Send + Sync>,
    uses: limits::Uses,
    /// Studies that were asked for. This process alone changes them, and forgets those that it changes.
    studies: RwLock<HashMap<StudyId, Arc<GuardedStudy>>>,
    newest: Arc<newest::Newest>,
    /// Grows with every study that is forgotten, so that a row that was read before is not kept after.
    forgotten: AtomicU64,
    /// Who asked how often for temporary credentials.
    pace: sts::Pace,
}

impl Guard {
    /// Joins the parts.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { store, storage, inspect, gate, record, clock, random, limits } = parts;
        Arc::new(Self {
            store,
            storage,
            inspect,
            gate,
            record,
            clock,
            random,
            uses: limits::Uses::new(limits),
            newest: Arc::default(),
            studies: RwLock::default(),
            forgotten: AtomicU64::new(0),
            pace: sts::Pace::default(),
        })
    }

    fn now(&self) -> i64 {
        (self.clock)()
    }

    fn new_version(&self) -> VersionId {
        VersionId::from_bytes((self.random)())
    }

    fn new_object(&self) -> ObjectId {
        ObjectId::from_bytes((self.random)())
    }

    /// The study behind a bucket's name.
    async fn study(&self, bucket: &str) -> S3Result<(StudyId, Arc<GuardedStudy>)> {
        let id: StudyId = bucket.parse().map_err(|error: model::BadStudyId| no_bucket(&error.to_string()))?;
        let known = self.studies.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some(row) = known {
            return Ok((id, row));
        }
        let epoch = self.forgotten.load(Ordering::Acquire);
        let row = guarded::find(&self.store, bucket).await.map_err(fault::of_store)?;
        let row = Arc::new(row.ok_or_else(|| no_bucket("there is no study of that name"))?);
        let mut studies = self.studies.write().unwrap_or_else(PoisonError::into_inner);
        if studies.len() >= STUDIES_KNOWN_MAX {
            studies.clear();
        }
        if self.forgotten.load(Ordering::Acquire) == epoch {
            studies.insert(id.clone(), Arc::clone(&row));
        }
        Ok((id, row))
    }

    /// Sets versioning and settings of a study; requests from now on see them.
    async fn change_study(&self, study: &StudyId, versioning: &str, settings: &str) -> S3Result<()> {
        let changed = guarded::change(&self.store, study.as_str(), versioning, settings).await;
        self.forget_study(study);
        changed.map_err(fault::of_store)
    }

    fn forget_study(&self, study: &StudyId) {
        let mut studies = self.studies.write().unwrap_or_else(PoisonError::into_inner);
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        studies.remove(study);
    }

    /// The version that a request means: the one with the id given, or the newest.
    async fn wanted(&self, study: &StudyId, name: &str, id: Option<&str>) -> S3Result<StoredVersion> {
        match id {
            None => {
                let found = self.newest(study, name).await.map_err(fault::of_store)?;
                match found {
                    Some(version) if version.marker => Err(marked(&version, false)),
                    Some(version) => Ok(Arc::unwrap_or_clone(version)),
                    None => Err(no_key()),
                }
            }
            Some(id) => {
                let found = versions::find(&self.store, study.as_str(), name, version_id(id)?);
                match found.await.map_err(fault::of_store)? {
                    Some(version) if version.marker => Err(marked(&version, true)),
                    Some(version) => Ok(version),
                    None => Err(s3_error!(NoSuchVersion, "there is no version of that id")),
                }
            }
        }
    }
}

/// Where a version's content lies.
fn place(study: &StudyId, version: &StoredVersion) -> Place {
    Place {
        study: study.clone(),
        object: ObjectId::from_bytes(version.object),
        version: VersionId::from_bytes(version.version),
    }
}

/// The id that clients know a version by.
fn shown_id(version: &StoredVersion) -> String {
    if version.unversioned { "null".to_owned() } else { VersionId::from_bytes(version.version).to_string() }
}

/// As [`shown_id`], where the study keeps versions or kept them once.
fn shown_in(study: &GuardedStudy, version: &StoredVersion) -> Option<String> {
    (study.versioning != "off").then(|| shown_id(version))
}

/// The id of a version that was just stored: told where it has one of its own.
fn stored_id(version: &StoredVersion) -> Option<String> {
    (!version.unversioned).then(|| shown_id(version))
}

/// `null` is `None`.
fn version_id(id: &str) -> S3Result<Option<[u8; 16]>> {
    if id == "null" {
        return Ok(None);
    }
    let parsed: Result<VersionId, _> = id.parse();
    match parsed {
        Ok(id) => Ok(Some(*id.as_bytes())),
        Err(error) => Err(S3Error::with_message(s3s::S3ErrorCode::InvalidArgument, error.to_string())),
    }
}

fn no_bucket(why: &str) -> S3Error {
    S3Error::with_message(s3s::S3ErrorCode::NoSuchBucket, why.to_owned())
}

fn no_key() -> S3Error {
    let mut error = s3_error!(NoSuchKey, "there is no object of that name");
    let mut headers = hyper::HeaderMap::new();
    headers.insert("x-amz-delete-marker", hyper::header::HeaderValue::from_static("false"));
    error.set_headers(headers);
    error
}

/// A marker says that the object was deleted (Amazon S3 User Guide, "Working with delete markers").
fn marked(marker: &StoredVersion, is_asked_for: bool) -> S3Error {
    let mut error = if is_asked_for {
        s3_error!(MethodNotAllowed, "that version is a delete marker")
    } else {
        s3_error!(NoSuchKey, "the object was deleted")
    };
    let mut headers = hyper::HeaderMap::new();
    headers.insert("x-amz-delete-marker", hyper::header::HeaderValue::from_static("true"));
    if let Ok(id) = hyper::header::HeaderValue::try_from(shown_id(marker)) {
        headers.insert("x-amz-version-id", id);
    }
    error.set_headers(headers);
    error
}

/// Milliseconds since 1970 as S3 shows them.
fn timestamp(ms: i64) -> s3s::dto::Timestamp {
    let since = std::time::Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    s3s::dto::Timestamp::from(std::time::UNIX_EPOCH + since)
}
