//! Rotation: new keys that wrap, the same keys that are wrapped. No object is touched.

use std::sync::Arc;

use model::StudyId;
use store::keys::{self as table, KeyRow};

use super::{Held, Keys, Spec, destroyed, name, wrap};
use crate::{Key, Random, VaultError};

/// Keys that are wrapped anew in one transaction.
const REWRAP_KEYS: u32 = 10_000;

/// Which key to replace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// The root key, in its provider.
    Root,
    /// The organisation's key.
    Organisation,
    /// A study's key.
    Study(StudyId),
}

/// A rotation that ended.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Rotation {
    /// The key that was replaced.
    pub name: String,
    /// Its version now; 0 where the provider counts.
    pub version: i64,
    /// Keys that were wrapped anew.
    pub rewrapped: u64,
}

impl Keys {
    pub(crate) async fn rotate(&self, turn: &Turn) -> Result<Rotation, VaultError> {
        let _one_at_a_time = self.turning.lock().await;
        match turn {
            Turn::Root => self.rotate_root().await,
            Turn::Organisation => self.rotate_wrapping(&Spec::organisation()).await,
            Turn::Study(study) => self.rotate_wrapping(&Spec::study(study)).await,
        }
    }

    /// Ends rotations that were cut off.
    pub(crate) async fn resume(&self) -> Result<Vec<Rotation>, VaultError> {
        let _one_at_a_time = self.turning.lock().await;
        let mut ended = Vec::new();
        for name in table::unfinished(&self.store).await? {
            if let Some(row) = table::newest(&self.store, &name).await? {
                ended.push(self.rewrap_children(&row).await?);
            }
        }
        Ok(ended)
    }

    /// The provider makes a new root key; the organisation's key goes under it; then the old one can go.
    async fn rotate_root(&self) -> Result<Rotation, VaultError> {
        let organisation = self.ensure(&Spec::organisation()).await?;
        self.provider.rotate().await?;
        let mut rewrapped = 0;
        let mut transaction = self.store.begin().await?;
        let mut rows = table::versions_before(&mut transaction, name::ORGANISATION, organisation.version + 1).await?;
        for row in &mut rows {
            let held = self.version(&row.name, row.version).await?;
            row.wrapped = Some(self.provider.wrap(&wrap::context(row), held.alive()?).await?);
            row.rewrapped_at = Some(self.now());
            rewrapped += 1;
        }
        table::replace(&mut transaction, rows).await?;
        transaction.commit().await?;
        self.provider.retire().await?;
        table::scrub(&self.store).await?;
        Ok(Rotation { name: name::ROOT.to_owned(), version: 0, rewrapped })
    }

    async fn rotate_wrapping(&self, spec: &Spec) -> Result<Rotation, VaultError> {
        let Some(present) = self.find(spec).await? else { return Err(VaultError::NoKey { name: spec.name.clone() }) };
        let next = self.next_version(spec, &present).await?;
        self.rewrap_children(&next).await
    }

    /// The next version of a wrapping key, or the one that a rotation before this one left.
    async fn next_version(&self, spec: &Spec, present: &Held) -> Result<KeyRow, VaultError> {
        let parent = match &spec.parent {
            Some(parent) => Some(self.ensure(parent).await?),
            None => None,
        };
        let mut transaction = self.store.begin().await?;
        let newest = table::newest_in(&mut transaction, &spec.name).await?;
        let newest = newest.ok_or_else(|| VaultError::NoKey { name: spec.name.clone() })?;
        if newest.destroyed_at.is_some() {
            return Err(destroyed(&newest));
        }
        let unfinished = table::versions_before(&mut transaction, &spec.name, newest.version).await?;
        if !unfinished.is_empty() || newest.version != present.version {
            return Ok(newest);
        }
        let mut row = spec.row(parent.as_ref().map_or(0, |parent| parent.version), self.now());
        row.version = newest.version + 1;
        let key = Key::random(&self.random)?;
        row.wrapped = Some(match &parent {
            Some(parent) => wrap::wrap(parent.alive()?, &row, &key, &self.random)?,
            None => self.provider.wrap(&wrap::context(&row), &key).await?,
        });
        table::insert(&mut transaction, vec![row.clone()]).await?;
        transaction.commit().await?;
        self.cache().forget(&spec.name);
        Ok(row)
    }

    /// Wraps all keys under older versions of `newest` anew, then destroys those versions.
    async fn rewrap_children(&self, newest: &KeyRow) -> Result<Rotation, VaultError> {
        let to = self.version(&newest.name, newest.version).await?;
        let mut rewrapped = 0;
        loop {
            let mut transaction = self.store.begin().await?;
            let rows = table::wrapped_before(&mut transaction, &newest.name, newest.version, REWRAP_KEYS).await?;
            if rows.is_empty() {
                let mut old = table::versions_before(&mut transaction, &newest.name, newest.version).await?;
                let gone: Vec<(String, i64)> = old.iter().map(|row| (row.name.clone(), row.version)).collect();
                for row in &mut old {
                    (row.wrapped, row.destroyed_at) = (None, Some(self.now()));
                }
                table::replace(&mut transaction, old).await?;
                transaction.commit().await?;
                self.cache().destroy(&gone);
                table::scrub(&self.store).await?;
                return Ok(Rotation { name: newest.name.clone(), version: newest.version, rewrapped });
            }
            let mut from = std::collections::HashMap::new();
            for version in rows.iter().map(|row| row.parent_version).collect::<std::collections::BTreeSet<_>>() {
                from.insert(version, self.version(&newest.name, version).await?);
            }
            rewrapped += rows.len() as u64;
            let (to, random, now) = (Arc::clone(&to), self.random.clone(), self.now());
            let rows = tokio::task::spawn_blocking(move || rewrap(rows, &from, &to, &random, now)).await;
            let rows = rows.map_err(|_stopped| VaultError::Stopped)??;
            table::replace(&mut transaction, rows).await?;
            transaction.commit().await?;
        }
    }
}

fn rewrap(
    rows: Vec<KeyRow>,
    from: &std::collections::HashMap<i64, Arc<Held>>,
    to: &Held,
    random: &Random,
    now: i64,
) -> Result<Vec<KeyRow>, VaultError> {
    let one = |mut row: KeyRow| {
        let missing = || VaultError::NoKey { name: row.parent.clone() };
        let old = from.get(&row.parent_version).ok_or_else(missing)?;
        let key = wrap::unwrap(old.alive()?, &row, row.wrapped.as_deref().unwrap_or_default())?;
        (row.parent_version, row.rewrapped_at) = (to.version, Some(now));
        row.wrapped = Some(wrap::wrap(to.alive()?, &row, &key, random)?);
        Ok(row)
    };
    rows.into_iter().map(one).collect()
}
