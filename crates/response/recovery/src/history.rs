//! What happened to a repository in a bucket that keeps old versions: when files were deleted or overwritten there, which of that
//! nobody does who makes backups, and as of when it was whole.

use std::collections::{BTreeMap, HashMap};

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;

use crate::backend::bucket::{BucketFault, Version};
use crate::{RecoveryError, Repository};

/// What happens within so many milliseconds of another is told as one.
const APART_MS: i64 = 5 * 60_000;
/// Buckets tell whole seconds: a second before is before.
const BEFORE_MS: i64 = 1_000;

/// Files that were deleted or overwritten at about the same time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// The first and the last of them, in milliseconds since 1970, UTC.
    pub from_ms: i64,
    /// The last of them.
    pub to_ms: i64,
    /// Files that were deleted, by what they are: `data`, `index`, `snapshots`, `keys`, `config`.
    pub deleted: BTreeMap<String, usize>,
    /// Files that were overwritten with something else.
    pub overwritten: BTreeMap<String, usize>,
    /// Why it is nothing that making backups and taking old ones away does; none: it may be that.
    pub suspicion: Option<&'static str>,
}

/// What happened to a repository.
#[derive(Debug, Clone, Serialize)]
pub struct History {
    /// Versions that are there, markers not counted.
    pub versions: usize,
    /// The oldest of them, in milliseconds since 1970, UTC.
    pub since_ms: i64,
    /// What was deleted or overwritten, oldest first.
    pub moments: Vec<Moment>,
    /// As of when it should be looked at: just before the first suspicious moment. None: nothing is amiss.
    pub whole_as_of_ms: Option<i64>,
}

impl Repository {
    /// What happened to it.
    ///
    /// # Errors
    /// When it lies in a folder or the bucket keeps no versions or does not list them.
    pub fn history(&self) -> Result<History, RecoveryError> {
        let Some(bucket) = self.place.bucket() else {
            let why = "a folder keeps no old versions; only a bucket of S3 does".to_owned();
            return Err(RecoveryError::Place { at: self.name(), why });
        };
        bucket.reach()?;
        if !bucket.habits()?.is_some_and(|habits| habits.keeps_versions) {
            return Err(bucket.fault(BucketFault::Unversioned));
        }
        let below = bucket.below();
        let mut versions = bucket.versions()?;
        // Of two within the same second the first one listed is the newer.
        versions.reverse();
        versions.sort_by_key(|version| (version.stored_ms, version.is_latest));
        let is_foreign = |version: &Version| -> Result<bool, RecoveryError> {
            let bytes = bucket.with(|s3| async move { s3.read(&version.key, &version.id).await })?;
            Ok(bytes.is_some_and(|bytes| !is_named_by(&version.key, &bytes)))
        };
        told(&versions, &below, &is_foreign)
    }
}

/// Whether a file's name is the SHA-256 of its content, as that of every file of a repository but `config` is.
fn is_named_by(key: &str, bytes: &[u8]) -> bool {
    let name = key.rsplit('/').next().unwrap_or_default();
    let sum: String = digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    name == sum
}

/// `versions` are sorted by time. `is_foreign` reads one and tells whether it is not what its name says.
fn told(
    versions: &[Version],
    below: &str,
    is_foreign: &dyn Fn(&Version) -> Result<bool, RecoveryError>,
) -> Result<History, RecoveryError> {
    let mut present: HashMap<&str, &Version> = HashMap::new();
    let mut living: BTreeMap<&str, usize> = BTreeMap::new();
    let mut moments: Vec<Moment> = Vec::new();
    for version in versions {
        let kind = version.key.strip_prefix(below).unwrap_or(&version.key).split('/').next().unwrap_or_default();
        let before = present.get(version.key.as_str()).copied();
        let count = living.entry(kind).or_default();
        let is_overwritten = match (before, version.is_marker) {
            (None, true) => continue,
            (None, false) => {
                *count += 1;
                present.insert(&version.key, version);
                continue;
            }
            (Some(_), true) => {
                *count -= 1;
                present.remove(version.key.as_str());
                false
            }
            (Some(before), false) => {
                present.insert(&version.key, version);
                // The same content again is what a write does that was tried twice.
                let is_other = before.bytes != version.bytes
                    || (before.etag != version.etag && (kind == "config" || is_foreign(version)?));
                if !is_other {
                    continue;
                }
                true
            }
        };
        let is_new = moments.last().is_none_or(|last| version.stored_ms - last.to_ms > APART_MS);
        if is_new {
            moments.push(Moment { from_ms: version.stored_ms, ..Moment::default() });
        }
        let Some(moment) = moments.last_mut() else { continue };
        moment.to_ms = version.stored_ms;
        let of = if is_overwritten { &mut moment.overwritten } else { &mut moment.deleted };
        *of.entry(kind.to_owned()).or_default() += 1;
        let is_emptied = *count == 0;
        moment.suspicion = moment.suspicion.or(match (is_overwritten, kind) {
            (true, _) => Some("files were overwritten with something else"),
            (false, "config" | "keys") => Some("what opens the repository was deleted"),
            (false, "snapshots") if is_emptied => Some("every snapshot was deleted"),
            _ => None,
        });
    }
    for moment in &mut moments {
        // Whoever takes data away that is not needed writes down first what is left.
        if moment.suspicion.is_none() && moment.deleted.contains_key("data") && !moment.deleted.contains_key("index") {
            moment.suspicion = Some("data were deleted, and the index that names them was not");
        }
    }
    let first = moments.iter().find(|moment| moment.suspicion.is_some());
    let whole_as_of_ms = first.map(|moment| moment.from_ms - BEFORE_MS);
    let kept = || versions.iter().filter(|version| !version.is_marker);
    let since_ms = kept().map(|version| version.stored_ms).min().unwrap_or_default();
    Ok(History { versions: kept().count(), since_ms, moments, whole_as_of_ms })
}

#[cfg(test)]
mod tests {
    use super::{History, Version, is_named_by, told};

    const MINUTE_MS: i64 = 60_000;

    fn put(key: &str, minute: i64, etag: &str) -> Version {
        let (key, stored_ms) = (format!("p/{key}"), minute * MINUTE_MS);
        Version {
            key,
            id: String::new(),
            is_marker: false,
            is_latest: false,
            bytes: 7,
            etag: etag.to_owned(),
            stored_ms,
        }
    }

    fn gone(key: &str, minute: i64) -> Version {
        Version { is_marker: true, bytes: 0, ..put(key, minute, "") }
    }

    fn history(more: Vec<Version>) -> History {
        let first = ["config", "keys/k", "data/aa/aa1", "data/bb/bb1", "index/i1", "snapshots/s1", "snapshots/s2"];
        let mut all: Vec<Version> = first.into_iter().map(|key| put(key, 0, "e")).collect();
        all.extend(more);
        told(&all, "p/", &|version| Ok(version.etag == "foreign")).unwrap()
    }

    #[test]
    fn taking_old_backups_away_is_nothing_amiss() {
        let pruned = vec![
            gone("snapshots/s1", 100),
            put("index/i2", 100, "e"),
            gone("index/i1", 101),
            gone("data/aa/aa1", 101),
            // A write that was tried twice, with another tag as some buckets give them.
            put("data/bb/bb1", 200, "e2"),
        ];
        let told = history(pruned);
        assert_eq!((told.whole_as_of_ms, told.moments.len(), told.versions), (None, 1, 9));
        assert_eq!((told.moments[0].deleted["data"], told.moments[0].deleted["snapshots"]), (1, 1));
        assert_eq!(told.moments[0].suspicion, None);
    }

    #[test]
    fn what_nobody_does_who_makes_backups_is_suspicious_from_its_beginning_on() {
        let minute = |told: &History| told.whole_as_of_ms.map(|at| (at + 1_000) / MINUTE_MS);
        assert_eq!(minute(&history(vec![gone("config", 50)])), Some(50));
        assert_eq!(minute(&history(vec![gone("data/aa/aa1", 48), gone("keys/k", 50)])), Some(48), "it began before");
        assert_eq!(minute(&history(vec![gone("data/aa/aa1", 50)])), Some(50), "data without their index");
        assert_eq!(minute(&history(vec![gone("snapshots/s1", 50), gone("snapshots/s2", 51)])), Some(50));
        assert_eq!(minute(&history(vec![put("data/aa/aa1", 50, "foreign")])), Some(50));
        assert_eq!(minute(&history(vec![put("config", 50, "other")])), Some(50));
        // What comes later does not hide it.
        let later = vec![gone("config", 50), put("config", 90, "anew"), gone("index/i1", 500)];
        let told = history(later);
        assert_eq!((minute(&told), told.moments.len()), (Some(50), 2));
    }

    #[test]
    fn a_file_is_named_by_its_content() {
        let name = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
        assert!(is_named_by(&format!("p/data/2d/{name}"), b"x"));
        assert!(!is_named_by(&format!("p/data/2d/{name}"), b"y"));
    }
}
