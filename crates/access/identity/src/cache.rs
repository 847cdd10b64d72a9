//! Credentials in memory: at most so many, gone at once when something about them changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::PrincipalId;

use crate::keys::{CACHED_MAX, Resolved};

/// Two generations: what was not used for a whole generation is forgotten.
#[derive(Default)]
struct Generations {
    young: HashMap<Box<str>, Arc<Resolved>>,
    old: HashMap<Box<str>, Arc<Resolved>>,
    /// Counts changes, so that nothing is put in that was read before one.
    epoch: u64,
}

#[derive(Default)]
pub(crate) struct Cache(Mutex<Generations>);

impl Cache {
    fn open(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Resolved>> {
        let mut inside = self.open();
        if let Some(found) = inside.young.get(id) {
            return Some(Arc::clone(found));
        }
        let (id, found) = inside.old.remove_entry(id)?;
        inside.put(id, Arc::clone(&found));
        Some(found)
    }

    /// To be asked before the store is.
    pub(crate) fn epoch(&self) -> u64 {
        self.open().epoch
    }

    /// Keeps what the store said, unless something changed since `epoch`.
    pub(crate) fn put(&self, id: &str, found: Arc<Resolved>, epoch: u64) {
        let mut inside = self.open();
        if inside.epoch == epoch {
            inside.put(id.into(), found);
        }
    }

    pub(crate) fn forget_key(&self, id: &str) {
        let mut inside = self.open();
        inside.epoch += 1;
        inside.young.remove(id);
        inside.old.remove(id);
    }

    pub(crate) fn forget_principal(&self, id: PrincipalId) {
        let mut inside = self.open();
        inside.epoch += 1;
        inside.young.retain(|_, found| found.principal.id != id);
        inside.old.retain(|_, found| found.principal.id != id);
    }

    pub(crate) fn clear(&self) {
        let mut inside = self.open();
        *inside = Generations { epoch: inside.epoch + 1, ..Generations::default() };
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        let inside = self.open();
        inside.young.len() + inside.old.len()
    }
}

impl Generations {
    fn put(&mut self, id: Box<str>, found: Arc<Resolved>) {
        if self.young.len() >= CACHED_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, found);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{PrincipalId, PrincipalKind};

    use super::Cache;
    use crate::keys::{CACHED_MAX, Resolved};

    fn resolved(number: u8) -> Arc<Resolved> {
        Arc::new(Resolved::example(PrincipalId::from_bytes([number; 16]), PrincipalKind::Service))
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_used() {
        let cache = Cache::default();
        cache.put("used", resolved(1), cache.epoch());
        for number in 0..3 * CACHED_MAX {
            cache.put(&number.to_string(), resolved(2), cache.epoch());
            assert!(cache.find("used").is_some());
        }
        assert!(cache.len() <= CACHED_MAX);
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept() {
        let cache = Cache::default();
        let epoch = cache.epoch();
        cache.forget_key("key");
        cache.put("key", resolved(1), epoch);
        assert!(cache.find("key").is_none());
        cache.put("key", resolved(1), cache.epoch());
        cache.put("other", resolved(2), cache.epoch());
        cache.forget_principal(PrincipalId::from_bytes([1; 16]));
        assert!(cache.find("key").is_none() && cache.find("other").is_some());
        cache.clear();
        assert_eq!(cache.len(), 0);
    }
}
