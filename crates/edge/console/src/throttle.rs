//! Guessing passwords is made slow: whoever fails too often is locked out for a while, whether the name exists or not.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Failures of one name from one address before it is locked out.
const FAILURES_BY_ADDRESS_MAX: u32 = 5;
/// Failures of one name from anywhere before it is locked out: below the 100 of NIST SP 800-63B-4 section 3.2.2.
const FAILURES_BY_NAME_MAX: u32 = 30;
/// The first lock-out; each further failure doubles it.
const LOCK_FIRST_MS: i64 = 60_000;
/// The longest lock-out.
const LOCK_MAX_MS: i64 = 15 * 60_000;
/// Failures are forgotten after this long without another.
const FORGET_AFTER_MS: i64 = 60 * 60_000;
/// Names and addresses remembered; beyond, those longest without failure are forgotten.
const REMEMBERED_MAX: usize = 20_000;

/// What is counted: a name, from one address or from anywhere. Names are kept as digests, so that a password typed
/// into the wrong field does not stay in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Suspect {
    name: [u8; 32],
    from: Option<Option<IpAddr>>,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    failures: u32,
    last_at: i64,
    locked_until: i64,
}

/// Who failed how often.
#[derive(Default)]
pub(crate) struct Throttle {
    records: Mutex<HashMap<Suspect, Record>>,
}

impl Throttle {
    /// How long this name must wait from this address, in milliseconds; `None`: it may try.
    pub(crate) fn locked_for(&self, name: &str, from: Option<IpAddr>, now: i64) -> Option<i64> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let records = suspects(name, from).into_iter().filter_map(|(suspect, _)| records.get(&suspect));
        records.map(|record| record.locked_until - now).max().filter(|left| *left > 0)
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, name: &str, from: Option<IpAddr>, now: i64) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        for (suspect, failures_max) in suspects(name, from) {
            let record = records.entry(suspect).or_insert(Record { failures: 0, last_at: now, locked_until: 0 });
            if now - record.last_at > FORGET_AFTER_MS {
                record.failures = 0;
            }
            record.failures = record.failures.saturating_add(1);
            record.last_at = now;
            if let Some(beyond) = record.failures.checked_sub(failures_max) {
                record.locked_until = now + (LOCK_FIRST_MS << beyond.min(8)).min(LOCK_MAX_MS);
            }
        }
        if records.len() > REMEMBERED_MAX {
            let mut times: Vec<i64> = records.values().map(|record| record.last_at).collect();
            let middle = times.len() / 2;
            let (_, median, _) = times.select_nth_unstable(middle);
            let median = *median;
            records.retain(|_, record| record.last_at > median || record.locked_until > now);
            if records.len() > REMEMBERED_MAX {
                records.clear();
            }
        }
    }

    /// Forgets the failures of who has logged in.
    pub(crate) fn succeeded(&self, name: &str, from: Option<IpAddr>) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        for (suspect, _) in suspects(name, from) {
            records.remove(&suspect);
        }
    }
}

fn suspects(name: &str, from: Option<IpAddr>) -> [(Suspect, u32); 2] {
    let name = *blake3::hash(name.to_lowercase().as_bytes()).as_bytes();
    [
        (Suspect { name, from: Some(from) }, FAILURES_BY_ADDRESS_MAX),
        (Suspect { name, from: None }, FAILURES_BY_NAME_MAX),
    ]
}

/// Questions in a minute that one address may put to us before anybody is known: more than an office behind one address asks,
/// less than fills what can wait.
const ASKED_PER_MINUTE_MAX: u32 = 120;
const MINUTE_MS: i64 = 60_000;

/// How often each address asked in its present minute.
#[derive(Default)]
pub(crate) struct Rate {
    seen: Mutex<HashMap<Option<IpAddr>, (i64, u32)>>,
}

impl Rate {
    /// Counts a question of an address; whether it may still ask.
    pub(crate) fn admits(&self, from: Option<IpAddr>, now: i64) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED_MAX {
            seen.retain(|_, (since, _)| now - *since < MINUTE_MS);
            if seen.len() >= REMEMBERED_MAX {
                return false;
            }
        }
        let (since, count) = seen.entry(from.map(network)).or_insert((now, 0));
        if now - *since >= MINUTE_MS {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= ASKED_PER_MINUTE_MAX
    }
}

/// Whoever has an IPv6 address has the 2^64 beside it too (RFC 4291 section 2.5.4).
fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) >> 64 << 64).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{ASKED_PER_MINUTE_MAX, MINUTE_MS, Rate};
    use super::{FORGET_AFTER_MS, LOCK_FIRST_MS, LOCK_MAX_MS, REMEMBERED_MAX, Throttle};

    #[test]
    fn the_fifth_failure_locks_and_each_further_one_doubles() {
        let throttle = Throttle::default();
        let here = Some([192, 0, 2, 1].into());
        for _ in 0..4 {
            throttle.failed("Ada", here, 0);
        }
        assert_eq!(throttle.locked_for("ada", here, 0), None);
        throttle.failed("ada", here, 0);
        assert_eq!(throttle.locked_for("ADA", here, 1), Some(LOCK_FIRST_MS - 1));
        assert_eq!(throttle.locked_for("ada", Some([192, 0, 2, 2].into()), 1), None, "others are not locked out");
        throttle.failed("ada", here, 2);
        assert_eq!(throttle.locked_for("ada", here, 2), Some(2 * LOCK_FIRST_MS));
        assert_eq!(throttle.locked_for("ada", here, 2 + 2 * LOCK_FIRST_MS), None);
        for _ in 0..20 {
            throttle.failed("ada", here, 3);
        }
        assert_eq!(throttle.locked_for("ada", here, 3), Some(LOCK_MAX_MS));
        throttle.succeeded("ada", here);
        assert_eq!(throttle.locked_for("ada", here, 3), None);
    }

    #[test]
    fn an_address_asks_so_often_in_a_minute_and_no_more() {
        let rate = Rate::default();
        let here = Some("2001:db8::1".parse().unwrap());
        for _ in 0..ASKED_PER_MINUTE_MAX {
            assert!(rate.admits(here, 0));
        }
        assert!(!rate.admits(Some("2001:db8::2".parse().unwrap()), MINUTE_MS - 1), "its neighbour is itself");
        assert!(rate.admits(Some("2001:db8:0:1::1".parse().unwrap()), 1), "others ask on");
        assert!(rate.admits(here, MINUTE_MS));
        for number in 0..u32::try_from(REMEMBERED_MAX).unwrap() {
            rate.admits(Some(std::net::Ipv4Addr::from(number).into()), MINUTE_MS);
        }
        assert!(!rate.admits(Some([192, 0, 2, 1].into()), MINUTE_MS), "memory is bounded");
        assert!(rate.admits(Some([192, 0, 2, 1].into()), 2 * MINUTE_MS));
    }

    #[test]
    fn many_addresses_lock_the_name() {
        let throttle = Throttle::default();
        for last in 0..30 {
            throttle.failed("ada", Some([192, 0, 2, last].into()), 0);
        }
        assert!(throttle.locked_for("ada", Some([192, 0, 2, 99].into()), 1).is_some());
    }

    #[test]
    fn failures_are_forgotten_and_memory_is_bounded() {
        let throttle = Throttle::default();
        for _ in 0..4 {
            throttle.failed("ada", None, 0);
        }
        throttle.failed("ada", None, FORGET_AFTER_MS + 1);
        assert_eq!(throttle.locked_for("ada", None, FORGET_AFTER_MS + 1), None);
        for number in 0..REMEMBERED_MAX as i64 {
            throttle.failed(&number.to_string(), None, FORGET_AFTER_MS + number);
        }
        assert!(throttle.records.lock().unwrap().len() <= REMEMBERED_MAX);
    }
}
