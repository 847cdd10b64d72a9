//! What was begun and waits for somebody to come back: a log-in elsewhere, a second step. In memory, for minutes, bounded.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Most that wait at a time; further ones are turned away until some are over.
const WAITING_MAX: usize = 10_000;

/// Waits under the digest of a secret that the browser holds.
pub(crate) struct Pending<T> {
    life_ms: i64,
    inside: Mutex<HashMap<[u8; 32], (i64, T)>>,
}

impl<T: Clone> Pending<T> {
    pub(crate) fn new(life_ms: i64) -> Self {
        Self { life_ms, inside: Mutex::default() }
    }

    /// Whether there was room.
    pub(crate) fn put(&self, key: [u8; 32], what: T, now: i64) -> bool {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if inside.len() >= WAITING_MAX {
            inside.retain(|_, (until, _)| *until > now);
        }
        let has_room = inside.len() < WAITING_MAX;
        if has_room {
            inside.insert(key, (now + self.life_ms, what));
        }
        has_room
    }

    /// What waits under a digest, and goes on waiting.
    pub(crate) fn look(&self, key: &[u8; 32], now: i64) -> Option<T> {
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.get(key).filter(|(until, _)| *until > now).map(|(_, what)| what.clone())
    }

    /// What waits under a digest, once.
    pub(crate) fn take(&self, key: &[u8; 32], now: i64) -> Option<T> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.remove(key).filter(|(until, _)| *until > now).map(|(_, what)| what)
    }
}

#[cfg(test)]
mod tests {
    use super::{Pending, WAITING_MAX};

    #[test]
    fn what_waits_is_taken_once_in_time_and_there_is_an_end_to_it() {
        let pending = Pending::new(100);
        assert!(pending.put([1; 32], "one", 0));
        assert_eq!((pending.look(&[1; 32], 99), pending.look(&[1; 32], 100)), (Some("one"), None));
        assert_eq!((pending.take(&[1; 32], 99), pending.take(&[1; 32], 99)), (Some("one"), None));
        let key = |number: usize| *blake3::hash(&number.to_le_bytes()).as_bytes();
        for number in 0..WAITING_MAX {
            assert!(pending.put(key(number), "many", 0));
        }
        assert!(!pending.put([2; 32], "more", 50), "nobody is pushed out");
        assert!(pending.put([2; 32], "more", 100), "what is over makes room");
    }
}
