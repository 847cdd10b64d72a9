//! The newest versions of names, kept in memory: what is read often is not asked of the catalogue each time.
//!
//! This process alone changes the catalogue of objects. A change is made by a task of its own, which forgets the name once
//! the change is made, so that a client that goes away in between leaves nothing stale behind; and what was read while
//! something changed is not kept.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use model::StudyId;
use store::StoreError;
use store::guarded::versions::{self, Condition, Put, StoredVersion};

use crate::Guard;

/// Names kept in memory, over all studies; a row takes about a kilobyte.
const NAMES_MAX: usize = 8_192;

/// The newest versions of names that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Newest {
    names: RwLock<Names>,
    /// Grows with every change.
    changes: AtomicU64,
}

#[derive(Debug, Default)]
struct Names {
    of: HashMap<StudyId, HashMap<String, Arc<StoredVersion>>>,
    count: usize,
}

impl Newest {
    fn get(&self, study: &StudyId, name: &str) -> Option<Arc<StoredVersion>> {
        self.names.read().unwrap_or_else(PoisonError::into_inner).of.get(study)?.get(name).cloned()
    }

    /// Keeps what was read when `changes` was the number of changes.
    fn keep(&self, study: &StudyId, version: &Arc<StoredVersion>, changes: u64) {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if self.changes.load(Ordering::Acquire) != changes {
            return;
        }
        if names.count >= NAMES_MAX {
            *names = Names::default();
        }
        let before = names.of.entry(study.clone()).or_default().insert(version.name.clone(), Arc::clone(version));
        names.count += usize::from(before.is_none());
    }

    fn forget(&self, study: &StudyId, name: &str) {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.fetch_add(1, Ordering::AcqRel);
        if names.of.get_mut(study).is_some_and(|of| of.remove(name).is_some()) {
            names.count -= 1;
        }
    }
}

/// Forgets a name when it is dropped, whatever came of the change.
struct Forgets {
    newest: Arc<Newest>,
    study: StudyId,
    name: String,
}

impl Drop for Forgets {
    fn drop(&mut self) {
        self.newest.forget(&self.study, &self.name);
    }
}

impl Guard {
    /// The newest version of a name that can be seen; it may be a marker.
    pub(crate) async fn newest(&self, study: &StudyId, name: &str) -> Result<Option<Arc<StoredVersion>>, StoreError> {
        if let Some(version) = self.newest.get(study, name) {
            return Ok(Some(version));
        }
        let changes = self.newest.changes.load(Ordering::Acquire);
        let found = versions::latest(&self.store, study.as_str(), name).await?.map(Arc::new);
        if let Some(version) = &found {
            self.newest.keep(study, version, changes);
        }
        Ok(found)
    }

    /// Puts a version: see [`versions::put`].
    pub(crate) async fn put_version(
        &self,
        version: &StoredVersion,
        keeps_versions: bool,
        condition: Condition,
        upload: Option<[u8; 16]>,
    ) -> Result<Put, StoreError> {
        let (store, new, now) = (self.store.clone(), version.clone(), self.now());
        let put = Box::pin(async move { versions::put(&store, &new, keeps_versions, &condition, upload, now).await });
        self.changing(&version.study, &version.name, put).await
    }

    /// Changes what is said of a version: see [`versions::change`].
    pub(crate) async fn change_version(&self, changed: StoredVersion) -> Result<bool, StoreError> {
        let (store, study, name) = (self.store.clone(), changed.study.clone(), changed.name.clone());
        let change = Box::pin(async move { versions::change(&store, &changed).await });
        self.changing(&study, &name, change).await
    }

    /// Makes a change of a name's versions to its end, also when nobody waits for it any more.
    pub(crate) async fn changing<T: Send + 'static>(
        &self,
        study: &str,
        name: &str,
        change: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        // A name that is no study's has no versions.
        let Ok(study) = study.parse() else { return change.await };
        let forgets = Forgets { newest: Arc::clone(&self.newest), study, name: name.to_owned() };
        let task = tokio::spawn(async move {
            let forgets = forgets;
            let changed = change.await;
            drop(forgets);
            changed
        });
        match task.await {
            Ok(changed) => changed,
            Err(stopped) => match stopped.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_cancelled) => Err(StoreError::Stopped),
            },
        }
    }
}
