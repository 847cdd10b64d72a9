//! Merges of data subjects: seen, undone and restored by people.

use store::subjects::{self, MergeRow, SeparationRow};

use super::{Catalogue, CatalogueError};

impl Catalogue {
    /// Merges with their evidence, newest first, before the one with id `before`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn merges(&self, before: Option<u32>, limit: u32) -> Result<Vec<MergeRow>, CatalogueError> {
        Ok(subjects::merges_page(&self.store, before, limit).await?)
    }

    /// Undoes a merge: its two profiles are kept apart from now on, whatever they or later records share.
    ///
    /// # Errors
    /// When the merge no longer holds, no reason is given, or the store fails.
    pub async fn undo_merge(&self, id: u32, reason: &str, person: &str, now: i64) -> Result<(), CatalogueError> {
        if reason.trim().is_empty() {
            return Err(CatalogueError::NoReason);
        }
        let mut known = self.known.write().await;
        let mut transaction = self.begin(&mut known).await?;
        let found = subjects::merges_page(&self.store, Some(id.saturating_add(1)), 1).await?;
        let merge = found.into_iter().find(|merge| merge.id == id && merge.ended_at.is_none());
        let merge = merge.ok_or(CatalogueError::NoMerge { id })?;
        known.generation = None;
        let row = SeparationRow {
            id: 0,
            first: merge.first,
            second: merge.second,
            reason: reason.trim().to_owned(),
            person: person.to_owned(),
            made_at: now,
            withdrawn_at: None,
        };
        subjects::separate(&mut transaction, &row).await?;
        let delta = known.people.separate(merge.first, merge.second, now);
        subjects::apply(&mut transaction, &delta, now).await?;
        let generation = subjects::bump(&mut transaction).await?;
        transaction.commit().await?;
        known.generation = Some(generation);
        Ok(())
    }

    /// Decisions that two profiles are two people, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn separations(&self) -> Result<Vec<SeparationRow>, CatalogueError> {
        Ok(subjects::separations(&self.store).await?)
    }

    /// Takes a separation back: the rule decides again.
    ///
    /// # Errors
    /// When it is not in force or the store fails.
    pub async fn withdraw_separation(&self, id: u32, now: i64) -> Result<(), CatalogueError> {
        let mut known = self.known.write().await;
        let mut transaction = self.begin(&mut known).await?;
        let all = subjects::separations(&self.store).await?;
        let row = all.iter().find(|row| row.id == id && row.withdrawn_at.is_none());
        let row = row.ok_or(CatalogueError::NoMerge { id })?;
        known.generation = None;
        subjects::withdraw_separation(&mut transaction, id, now).await?;
        let delta = known.people.rejoin(row.first, row.second, now);
        subjects::apply(&mut transaction, &delta, now).await?;
        let generation = subjects::bump(&mut transaction).await?;
        transaction.commit().await?;
        known.generation = Some(generation);
        Ok(())
    }
}
