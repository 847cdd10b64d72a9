//! Locks on what lies in a bucket: that they hold as long as the settings say, and that none keeps keys longer than they may stay.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde::Serialize;

use crate::backend::bucket::{BucketFault, InBucket, LockMode, Version};
use crate::{RecoveryError, Repository};

/// Requests at a time.
const AT_ONCE: usize = 16;
/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60_000;

/// How what is stored in a repository becomes locked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Locking {
    /// How.
    pub mode: LockMode,
    /// For how many days.
    pub days: u32,
    /// The settings say so, and what is needed longer is locked anew; otherwise the bucket does it by itself, once.
    pub is_renewed: bool,
}

/// What is locked now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Locked {
    /// How.
    pub mode: LockMode,
    /// Files of the repository, all of which are locked.
    pub files: usize,
    /// Those of them that were locked for longer.
    pub renewed: usize,
    /// Until when all of them are, in milliseconds since 1970, UTC.
    pub until_ms: i64,
}

impl Repository {
    /// How what is stored becomes locked; none: it does not.
    ///
    /// # Errors
    /// When the bucket does not tell, or has no lock and was to have one.
    pub fn locking(&self) -> Result<Option<Locking>, RecoveryError> {
        let Some(bucket) = self.place.bucket() else { return Ok(None) };
        bucket.reach()?;
        bucket.check_writable()?;
        if let Some(lock) = bucket.lock {
            return Ok(Some(Locking { mode: lock.mode, days: u32::from(lock.days), is_renewed: true }));
        }
        let default = bucket.habits()?.and_then(|habits| habits.default);
        Ok(default.map(|(mode, days)| Locking { mode, days, is_renewed: false }))
    }

    /// Sees to it that every file of the repository is locked for as long as the settings say, counted from now: also those that an
    /// earlier backup stored and later ones need. None where the settings say nothing.
    ///
    /// # Errors
    /// When the bucket does not let it.
    pub fn renew_locks(&self, now_ms: i64) -> Result<Option<Locked>, RecoveryError> {
        let Some((bucket, lock)) = self.place.bucket().and_then(|bucket| Some((bucket, bucket.lock?))) else {
            return Ok(None);
        };
        let present = bucket.versions()?.into_iter().filter(|version| version.is_latest && !version.is_marker);
        let present: Vec<Version> = present.collect();
        let files = present.len();
        let renewed = bucket.with(|s3| async move {
            let each = stream::iter(present).map(|version| {
                let s3 = std::sync::Arc::clone(&s3);
                async move {
                    let held = s3.held(&version.key, &version.id).await?;
                    if let Some(held) = held.filter(|held| held.until_ms >= lock.needed_ms(now_ms)) {
                        return Ok((held.until_ms, false));
                    }
                    let held = lock.held(now_ms);
                    s3.hold(&version.key, &version.id, held).await?;
                    Ok::<_, BucketFault>((held.until_ms, true))
                }
            });
            each.buffer_unordered(AT_ONCE).try_collect::<Vec<(i64, bool)>>().await
        })?;
        let renewed = renewed.unwrap_or_default();
        let until_ms = renewed.iter().map(|(until, _)| *until).min().unwrap_or(now_ms);
        let renewed = renewed.iter().filter(|(_, is_new)| *is_new).count();
        Ok(Some(Locked { mode: lock.mode, files, renewed, until_ms }))
    }

    /// Whether what is taken away is gone from the place within so many days: a bucket that locks by itself for longer keeps it.
    ///
    /// # Errors
    /// When it is not.
    pub fn check_forgets(&self, days: u16) -> Result<(), RecoveryError> {
        let Some(bucket) = self.place.bucket() else { return Ok(()) };
        bucket.reach()?;
        match bucket.habits()?.and_then(|habits| habits.default) {
            Some((_, default)) if default > u32::from(days) => {
                Err(bucket.fault(BucketFault::Keeps { days: default, allowed: days }))
            }
            _ => Ok(()),
        }
    }

    /// Takes away for good what was taken away and is still there as an old version. What is locked for a time that it may stay is
    /// left for the next time.
    pub(crate) fn forget_versions(&self, days: u16, now_ms: i64) -> Result<(), RecoveryError> {
        let Some(bucket) = self.place.bucket() else { return Ok(()) };
        if !bucket.habits()?.is_some_and(|habits| habits.keeps_versions) {
            return Ok(());
        }
        let old: Vec<Version> = bucket.versions()?.into_iter().filter(|one| !one.is_latest || one.is_marker).collect();
        let left = forget(bucket, old)?;
        // By the time that keys may stay they must be gone: a lock beyond it is one that the bucket should not have set.
        let since = now_ms.saturating_sub(i64::from(days) * DAY_MS);
        let over: Vec<&(Version, i64)> = left
            .iter()
            .filter(|(one, until_ms)| one.stored_ms < since || *until_ms > one.stored_ms + i64::from(days) * DAY_MS)
            .collect();
        match over.first() {
            None => Ok(()),
            Some((first, _)) => {
                let fault = BucketFault::Locked { count: over.len(), first: first.key.clone(), allowed: days };
                Err(bucket.fault(fault))
            }
        }
    }
}

/// Takes versions away; those that are locked stay, with until when.
fn forget(bucket: &InBucket, old: Vec<Version>) -> Result<Vec<(Version, i64)>, RecoveryError> {
    // Markers go last: one without its versions hides nothing, versions without their marker would come back.
    let (markers, versions): (Vec<Version>, Vec<Version>) = old.into_iter().partition(|version| version.is_marker);
    let removed = bucket.with(|s3| async move {
        let each = stream::iter(versions).map(|version| {
            let s3 = std::sync::Arc::clone(&s3);
            async move {
                match s3.remove(&version.key, &version.id).await {
                    Ok(()) => Ok(None),
                    Err(denied @ BucketFault::Denied { .. }) => {
                        match s3.held(&version.key, &version.id).await? {
                            Some(held) if held.until_ms > Timestamp::now().as_millisecond() => {
                                Ok(Some((version, held.until_ms)))
                            }
                            // Not because of a lock: the right is missing.
                            _ => Err(denied),
                        }
                    }
                    Err(fault) => Err(fault),
                }
            }
        });
        let left: Vec<Option<(Version, i64)>> = each.buffer_unordered(AT_ONCE).try_collect().await?;
        let left: Vec<(Version, i64)> = left.into_iter().flatten().collect();
        let hidden: std::collections::HashSet<String> = left.iter().map(|(version, _)| version.key.clone()).collect();
        for marker in markers.iter().filter(|marker| !hidden.contains(&marker.key)) {
            s3.remove(&marker.key, &marker.id).await?;
        }
        Ok(left)
    })?;
    Ok(removed.unwrap_or_default())
}
