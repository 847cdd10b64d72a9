//! What is kept how long.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustic_core::{KeepOptions, LimitOption, PruneOptions, RepairIndexOptions};
use serde::Serialize;

use crate::backend::Faults;
use crate::repository::guarded;
use crate::{RecoveryError, Repository};

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60_000;

/// Which snapshots stay. What no rule keeps goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// So many of the newest, and of the newest of each day, week, month and year.
    Graded {
        /// The newest.
        last: u16,
        /// Days.
        daily: u16,
        /// Weeks.
        weekly: u16,
        /// Months.
        monthly: u16,
        /// Years.
        yearly: u16,
    },
    /// None older than so many days. What goes is taken out of the repository at once: keys that were shredded must not outlive
    /// this time anywhere.
    Days(u16),
}

/// What retention took away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Expired {
    /// Snapshots that are gone, by id.
    pub snapshots: Vec<String>,
    /// Snapshots that stay.
    pub kept: usize,
}

impl Repository {
    /// Takes away the snapshots that `keep` does not name, and what only they need.
    ///
    /// # Errors
    /// When the repository is damaged or forbids it. What was to be kept is there all the same.
    pub fn expire(&self, keep: &Keep, now_ms: i64) -> Result<Expired, RecoveryError> {
        let unlocked = self.unlocked(&Faults::default())?;
        let at = self.name();
        let now = Timestamp::from_millisecond(now_ms).unwrap_or_default().to_zoned(TimeZone::UTC);
        let all = guarded(&at, "listing snapshots", || unlocked.get_all_snapshots())?;
        let count = all.len();
        let gone: Vec<_> = match keep {
            Keep::Graded { last, daily, weekly, monthly, yearly } => {
                let some = |number: u16| (number > 0).then(|| i32::from(number));
                let mut options = KeepOptions::default();
                options.keep_last = some(*last).or(Some(1));
                options.keep_daily = some(*daily);
                options.keep_weekly = some(*weekly);
                options.keep_monthly = some(*monthly);
                options.keep_yearly = some(*yearly);
                let judged = guarded(&at, "judging snapshots", || options.apply(all, &now))?;
                judged.into_iter().filter(|judged| !judged.keep).map(|judged| judged.snapshot.id).collect()
            }
            Keep::Days(days) => {
                let since = now_ms.saturating_sub(i64::from(*days) * DAY_MS);
                let old = all.iter().filter(|snapshot| snapshot.time.timestamp().as_millisecond() < since);
                old.map(|snapshot| snapshot.id).collect()
            }
        };
        let expired =
            Expired { kept: count - gone.len(), snapshots: gone.iter().map(|id| id.to_hex().to_string()).collect() };
        let is_strict = matches!(keep, Keep::Days(_));
        if gone.is_empty() && !is_strict {
            return Ok(expired);
        }
        guarded(&at, "taking snapshots away", || {
            if !gone.is_empty() {
                unlocked.delete_snapshots(&gone)?;
            }
            let mut options = PruneOptions::default();
            if is_strict {
                options.max_repack = LimitOption::Unlimited;
                options.max_unused = LimitOption::Percentage(0);
                options.keep_delete = jiff::Span::new();
                options.instant_delete = true;
            } else {
                // What a killed backup or pruning left without an index would be marked by its length alone, which the next
                // pruning loses (`rustic_core` 0.13): it gets its blobs back first, and is then marked as any other.
                unlocked.repair_index(&RepairIndexOptions::default(), false)?;
            }
            let plan = unlocked.prune_plan(&options)?;
            unlocked.prune(&options, plan)
        })?;
        if let Keep::Days(days) = keep {
            self.forget_versions(*days, now_ms)?;
        }
        Ok(expired)
    }
}
