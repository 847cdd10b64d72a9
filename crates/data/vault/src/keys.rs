//! The keys: root → organisation → study → (data subject) → object, and one for every scope of [`model::Envelope`].
//!
//! Every key is random and stored wrapped under its parent ([`wrap`]); none is derived from another, so that destroying its
//! row destroys it. Keys in use are kept in memory for a bounded time ([`cache`]).

mod cache;
mod name;
mod rotate;
mod shred;
mod wrap;

use std::sync::{Arc, Mutex, PoisonError};

use model::Scope;
use store::Store;
use store::keys::{self as table, KeyRow};

pub use cache::Caching;
pub(crate) use cache::Held;
pub(crate) use name::Spec;
pub use rotate::{Rotation, Turn};
pub use shred::Doom;

use crate::{Clock, Key, Random, RootKey, VaultError};
use cache::Cache;

/// How often making a key is tried while others change the same rows.
const TRIES_MAX: u32 = 8;
/// From a key to the root there are at most so many steps.
const DEPTH_MAX: usize = 6;

/// A key that wraps others, as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct KeyStatus {
    /// Its name, such as `study:onc-201`.
    pub name: String,
    /// Its kind: `organisation`, `study` or `subject`.
    pub kind: String,
    /// The version in use.
    pub version: i64,
    /// Living versions: more than one while a rotation goes on.
    pub versions: u64,
    /// The living keys under it.
    pub children: u64,
    /// When this version was made, in milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When it was last wrapped anew.
    pub rewrapped_at: Option<i64>,
    /// When it was destroyed.
    pub destroyed_at: Option<i64>,
}

impl KeyStatus {
    fn of(sum: table::KeySum) -> Self {
        Self {
            name: sum.key.name,
            kind: sum.key.kind,
            version: sum.key.version,
            versions: sum.versions,
            children: sum.children,
            created_at: sum.key.created_at,
            rewrapped_at: sum.key.rewrapped_at,
            destroyed_at: sum.key.destroyed_at,
        }
    }
}

pub(crate) struct Keys {
    pub(crate) store: Store,
    pub(crate) provider: Arc<dyn RootKey>,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    cache: Mutex<Cache>,
    /// One rotation at a time.
    turning: tokio::sync::Mutex<()>,
}

impl Keys {
    pub(crate) fn new(
        store: Store,
        provider: Arc<dyn RootKey>,
        clock: Clock,
        random: Random,
        caching: Caching,
    ) -> Self {
        let cache = Mutex::new(Cache::new(caching));
        Self { store, provider, clock, random, cache, turning: tokio::sync::Mutex::new(()) }
    }

    pub(crate) fn now(&self) -> i64 {
        (self.clock)()
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key that `spec` describes, if it was made.
    ///
    /// # Errors
    /// When it was destroyed, cannot be unwrapped, or something does not answer.
    pub(crate) async fn find(&self, spec: &Spec) -> Result<Option<Arc<Held>>, VaultError> {
        if let Some(held) = self.cache().find(&spec.name, spec.cached_version(), self.now()) {
            return Ok(Some(held));
        }
        let generation = self.cache().generation();
        match table::newest(&self.store, &spec.name).await? {
            Some(row) => Ok(Some(self.open(row, generation).await?)),
            None => Ok(None),
        }
    }

    /// The key that `spec` describes, made if it is not there yet.
    ///
    /// # Errors
    /// As [`Keys::find`], and when it cannot be kept.
    pub(crate) async fn ensure(&self, spec: &Spec) -> Result<Arc<Held>, VaultError> {
        for _ in 0..TRIES_MAX {
            if let Some(held) = self.find(spec).await? {
                return Ok(held);
            }
            if let Some(held) = self.make(spec).await? {
                return Ok(held);
            }
        }
        Err(VaultError::Stopped)
    }

    /// Makes a key. `None` when somebody else just did, or its parent changed.
    async fn make(&self, spec: &Spec) -> Result<Option<Arc<Held>>, VaultError> {
        let parent = match &spec.parent {
            Some(parent) => Some(Box::pin(self.ensure(parent)).await?),
            None => None,
        };
        let key = Key::random(&self.random)?;
        let mut row = spec.row(parent.as_ref().map_or(0, |parent| parent.version), self.now());
        row.wrapped = Some(match &parent {
            Some(parent) => wrap::wrap(&parent.key, &row, &key, &self.random)?,
            None => self.provider.wrap(&wrap::context(&row), &key).await?,
        });
        let generation = self.cache().generation();
        let mut transaction = self.store.begin().await?;
        if table::newest_in(&mut transaction, &spec.name).await?.is_some() {
            return Ok(None);
        }
        if let Some(parent) = &parent {
            match table::newest_in(&mut transaction, &parent.name).await? {
                Some(found) if found.destroyed_at.is_none() && found.version == parent.version => {}
                Some(found) if found.destroyed_at.is_some() => return Err(destroyed(&found)),
                _ => {
                    self.cache().forget(&parent.name);
                    return Ok(None);
                }
            }
        }
        let held = Arc::new(Held::new(&row, key));
        table::insert(&mut transaction, vec![row]).await?;
        transaction.commit().await?;
        self.cache().keep(&held, generation, self.now());
        Ok(Some(held))
    }

    /// Unwraps a row: up to the nearest key that is at hand, and down again.
    async fn open(&self, row: KeyRow, generation: u64) -> Result<Arc<Held>, VaultError> {
        let mut chain = vec![row];
        let mut parent: Option<Arc<Held>> = None;
        while let Some(lowest) = chain.last() {
            if lowest.destroyed_at.is_some() || lowest.wrapped.is_none() {
                return Err(chain.first().map_or(VaultError::Stopped, destroyed));
            }
            if lowest.parent == name::ROOT {
                break;
            }
            parent = self.cache().find(&lowest.parent, lowest.parent_version, self.now());
            if parent.is_some() {
                break;
            }
            if chain.len() >= DEPTH_MAX {
                return Err(VaultError::altered(format!("the key table's entry of `{}`", lowest.name)));
            }
            let above = table::version(&self.store, &lowest.parent, lowest.parent_version).await?;
            let missing = || VaultError::NoKey { name: lowest.parent.clone() };
            chain.push(above.ok_or_else(missing)?);
        }
        for row in chain.into_iter().rev() {
            let wrapped = row.wrapped.as_deref().unwrap_or_default();
            let key = match &parent {
                Some(parent) => wrap::unwrap(&parent.key, &row, wrapped)?,
                None => self.provider.unwrap_key(&wrap::context(&row), wrapped).await?,
            };
            let held = Arc::new(Held::new(&row, key));
            self.cache().keep(&held, generation, self.now());
            parent = Some(held);
        }
        parent.ok_or(VaultError::Stopped)
    }

    /// One version of a key that wraps others.
    async fn version(&self, name: &str, version: i64) -> Result<Arc<Held>, VaultError> {
        if let Some(held) = self.cache().find(name, version, self.now()) {
            return Ok(held);
        }
        let generation = self.cache().generation();
        let row = table::version(&self.store, name, version).await?;
        self.open(row.ok_or_else(|| VaultError::NoKey { name: name.to_owned() })?, generation).await
    }

    pub(crate) async fn list(&self, after: &str, limit: u32) -> Result<Vec<KeyStatus>, VaultError> {
        Ok(table::wrapping(&self.store, after, limit).await?.into_iter().map(KeyStatus::of).collect())
    }

    pub(crate) async fn under(&self, parent: &str, after: &str, limit: u32) -> Result<Vec<KeyStatus>, VaultError> {
        let sums = table::wrapping_under(&self.store, parent, after, limit).await?;
        Ok(sums.into_iter().map(KeyStatus::of).collect())
    }

    /// Whether a hold stands against removing or destroying what `scope` owns.
    pub(crate) async fn hold_against(&self, scope: &Scope) -> Result<(), VaultError> {
        let mut transaction = self.store.begin().await?;
        shred::refuse_held(&mut transaction, scope).await
    }
}

pub(crate) fn destroyed(row: &KeyRow) -> VaultError {
    VaultError::Destroyed { scope: row.owner.clone() }
}
