//! How much a caller may ask for and take, in each study: requests a minute, bytes and data subjects a day.
//!
//! Counted in memory; what a day has taken is written down now and then, so that a restart does not begin anew.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use model::event::{Activity, Outcome};
use model::{ObjectId, PrincipalId, StudyId};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use store::StoreError;
use store::guarded::uses::{self, StoredUse};

use crate::caller::{Asker, Thing, denied};
use crate::{Guard, fault};

const MINUTE_MS: i64 = 60 * 1000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Pairs of caller and study that are remembered; those that lie still since yesterday make room.
const PAIRS_MAX: usize = 100_000;

/// Objects of a pair and day that are remembered as counted. Further ones count again each time.
const OBJECTS_MAX: usize = 100_000;

/// What each caller may have in each study. Days are those of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Requests in a minute.
    pub requests_per_minute: u64,
    /// Bytes of plaintext released in a day.
    pub bytes_per_day: u64,
    /// Data subjects released in a day: those of each object, counted once for every object.
    pub subjects_per_day: u64,
}

impl Default for Limits {
    /// Generous: far above what one client's tools ask for, and below a whole archive in a day.
    fn default() -> Self {
        Self { requests_per_minute: 6_000_000, bytes_per_day: 100 << 40, subjects_per_day: 10_000_000 }
    }
}

/// What one caller had in one study.
#[derive(Debug, Default)]
struct Use {
    /// Minutes since 1970, and the requests in that one.
    minute: i64,
    requests: u64,
    /// Days since 1970, and what was taken on that one.
    day: i64,
    bytes: u64,
    subjects: u64,
    counted: HashSet<ObjectId>,
    /// Whether it differs from what is written down.
    is_changed: bool,
}

type Pair = (PrincipalId, StudyId);

/// What everybody had.
#[derive(Debug)]
pub(crate) struct Uses {
    limits: Limits,
    pairs: Mutex<HashMap<Pair, Arc<Mutex<Use>>>>,
}

/// What a limit says.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Within,
    /// `is_first`: nothing was refused before in this minute.
    TooMany {
        is_first: bool,
    },
    TooMuch(&'static str),
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Uses {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, pairs: Mutex::default() }
    }

    fn known(&self, pair: &Pair) -> Option<Arc<Mutex<Use>>> {
        locked(&self.pairs).get(pair).cloned()
    }

    fn remember(&self, pair: Pair, found: Option<StoredUse>, day: i64) -> Arc<Mutex<Use>> {
        let mut pairs = locked(&self.pairs);
        if pairs.len() >= PAIRS_MAX {
            pairs.retain(|_, one| {
                let one = locked(one);
                one.day == day || one.is_changed
            });
        }
        let new = found.map_or_else(Use::default, |found| Use {
            day: found.day,
            bytes: u64::try_from(found.bytes).unwrap_or(u64::MAX),
            subjects: u64::try_from(found.subjects).unwrap_or(u64::MAX),
            ..Use::default()
        });
        Arc::clone(pairs.entry(pair).or_insert_with(|| Arc::new(Mutex::new(new))))
    }

    fn ask(&self, one: &Mutex<Use>, now: i64) -> Verdict {
        let mut one = locked(one);
        let minute = now.div_euclid(MINUTE_MS);
        if one.minute != minute {
            (one.minute, one.requests) = (minute, 0);
        }
        one.requests = one.requests.saturating_add(1);
        match one.requests.checked_sub(self.limits.requests_per_minute) {
            None | Some(0) => Verdict::Within,
            Some(over) => Verdict::TooMany { is_first: over == 1 },
        }
    }

    fn take(&self, one: &Mutex<Use>, now: i64, bytes: u64, object: Option<ObjectId>, subjects: u64) -> Verdict {
        let mut one = locked(one);
        let day = now.div_euclid(DAY_MS);
        if one.day != day {
            *one = Use { minute: one.minute, requests: one.requests, day, ..Use::default() };
        }
        let is_counted = object.is_some_and(|object| one.counted.contains(&object));
        let subjects = if is_counted { 0 } else { subjects };
        let (all_bytes, all_subjects) = (one.bytes.saturating_add(bytes), one.subjects.saturating_add(subjects));
        if bytes > 0 && all_bytes > self.limits.bytes_per_day {
            return Verdict::TooMuch("bytes");
        }
        if subjects > 0 && all_subjects > self.limits.subjects_per_day {
            return Verdict::TooMuch("data subjects");
        }
        if let Some(object) = object.filter(|_| subjects > 0 && one.counted.len() < OBJECTS_MAX) {
            one.counted.insert(object);
        }
        (one.bytes, one.subjects, one.is_changed) = (all_bytes, all_subjects, true);
        Verdict::Within
    }

    /// What changed since it was last written down.
    fn changed(&self) -> Vec<StoredUse> {
        let pairs = locked(&self.pairs);
        let mut changed = Vec::new();
        for ((principal, study), one) in pairs.iter() {
            let mut one = locked(one);
            if std::mem::take(&mut one.is_changed) {
                changed.push(StoredUse {
                    principal: *principal.as_bytes(),
                    study: study.to_string(),
                    day: one.day,
                    bytes: i64::try_from(one.bytes).unwrap_or(i64::MAX),
                    subjects: i64::try_from(one.subjects).unwrap_or(i64::MAX),
                });
            }
        }
        changed
    }

    /// What could not be written down is written next time.
    fn not_written(&self, uses: &[StoredUse]) {
        for one in uses {
            let Ok(study) = one.study.parse() else { continue };
            if let Some(known) = self.known(&(PrincipalId::from_bytes(one.principal), study)) {
                locked(&known).is_changed = true;
            }
        }
    }
}

impl Guard {
    async fn use_of(&self, asker: &Asker, study: &StudyId) -> S3Result<Arc<Mutex<Use>>> {
        let pair = (asker.caller.actor.id, study.clone());
        if let Some(known) = self.uses.known(&pair) {
            return Ok(known);
        }
        let day = self.now().div_euclid(DAY_MS);
        let found = uses::find(&self.store, *pair.0.as_bytes(), study.as_str()).await.map_err(fault::of_store)?;
        Ok(self.uses.remember(pair, found.filter(|found| found.day == day), day))
    }

    /// Counts a request, or refuses it because there were too many in this minute. The first refusal of a minute is recorded.
    pub(crate) async fn admit(&self, asker: &Asker, bucket: &str) -> S3Result<()> {
        let Ok(study) = bucket.parse::<StudyId>() else { return Ok(()) };
        // Names that stand for nothing are not remembered: anybody could make up any number of them.
        if self.study(bucket).await.is_err() {
            return Ok(());
        }
        let one = self.use_of(asker, &study).await?;
        let Verdict::TooMany { is_first } = self.uses.ask(&one, self.now()) else { return Ok(()) };
        if is_first {
            let mut event = self.event(asker, Activity::Request, &Thing::study(&study));
            event.outcome = Outcome::Failure { code: "policy:rate".into() };
            self.record(event).await?;
        }
        Err(slow_down(self.uses.limits.requests_per_minute))
    }

    /// Counts what is about to be released, or refuses it because it would be too much for this day. A refusal is recorded.
    pub(crate) async fn spend(&self, asker: &Asker, thing: &Thing<'_>, bytes: u64) -> S3Result<()> {
        let one = self.use_of(asker, thing.study).await?;
        let verdict = self.uses.take(&one, self.now(), bytes, thing.object, thing.subjects.unwrap_or(0));
        let Verdict::TooMuch(what) = verdict else { return Ok(()) };
        let mut event = self.event(asker, Activity::Download, thing);
        event.outcome = Outcome::Failure { code: "policy:volume".into() };
        self.record(event).await?;
        let hint = format!(
            "the {what} that you may take from this study in a day are used up; wait until midnight UTC, or ask whoever runs \
             Lazaret to raise `[guard.limits]`"
        );
        Err(denied("policy:volume", &hint))
    }

    /// Writes down what this day has taken.
    ///
    /// # Errors
    /// When the store refuses; it is tried again the next time.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let changed = self.uses.changed();
        if changed.is_empty() {
            return Ok(());
        }
        let written = uses::keep(&self.store, &changed).await;
        if written.is_err() {
            self.uses.not_written(&changed);
        }
        written
    }
}

fn slow_down(most: u64) -> S3Error {
    let mut error: S3Error =
        s3_error!(SlowDown, "refused by `policy:rate`: at most {most} requests a minute; wait a moment");
    error.set_status_code(hyper::StatusCode::SERVICE_UNAVAILABLE);
    debug_assert!(matches!(error.code(), S3ErrorCode::SlowDown));
    error
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use model::ObjectId;

    use super::{DAY_MS, Limits, MINUTE_MS, Use, Uses, Verdict};

    fn uses() -> Uses {
        Uses::new(Limits { requests_per_minute: 3, bytes_per_day: 100, subjects_per_day: 10 })
    }

    #[test]
    fn requests_are_counted_by_the_minute() {
        let (uses, one) = (uses(), Mutex::new(Use::default()));
        let now = 7 * MINUTE_MS;
        let said: Vec<Verdict> = (0..5).map(|second| uses.ask(&one, now + second * 1000)).collect();
        let too_many = |is_first| Verdict::TooMany { is_first };
        assert_eq!(said, [Verdict::Within, Verdict::Within, Verdict::Within, too_many(true), too_many(false)]);
        assert_eq!(uses.ask(&one, now + MINUTE_MS), Verdict::Within);
    }

    #[test]
    fn bytes_and_people_are_counted_by_the_day() {
        let (uses, one) = (uses(), Mutex::new(Use::default()));
        let now = 20_000 * DAY_MS;
        let [a, b] = [1, 2].map(|byte| Some(ObjectId::from_bytes([byte; 16])));
        assert_eq!(uses.take(&one, now, 60, a, 6), Verdict::Within);
        assert_eq!(uses.take(&one, now, 10, a, 6), Verdict::Within, "an object's people count once");
        assert_eq!(uses.take(&one, now, 10, b, 6), Verdict::TooMuch("data subjects"));
        assert_eq!(uses.take(&one, now, 31, b, 0), Verdict::TooMuch("bytes"));
        assert_eq!(uses.take(&one, now, 30, b, 4), Verdict::Within, "what was refused was not counted");
        assert_eq!(uses.take(&one, now, 0, b, 4), Verdict::Within);
        assert_eq!(uses.take(&one, now + DAY_MS, 100, b, 10), Verdict::Within, "a new day begins anew");
    }
}
