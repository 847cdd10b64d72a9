//! Content that nothing names: a kill between sealing and the catalogue's commit leaves it behind. It is taken away once it is
//! old enough that nobody can still be about to name it.

use std::collections::HashSet;
use std::time::Duration;

use model::By;
use model::event::{Activity, Event};
use serde_json::{Value, json};
use store::guarded::{people, seals};
use vault::BlobId;

use crate::ops::{Operator, OpsError};
use crate::{Guarded, outside};

/// How old content is that is taken away unasked.
pub const ORPHAN_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// The least age: an upload that is still being inspected is younger.
pub const ORPHAN_AGE_MIN: Duration = Duration::from_secs(60 * 60);
/// How often it is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long it is kept who was in versions that are gone: what happened to them is asked for as long as records of it are kept, six
/// years (45 CFR 164.316(b)(2)(i)).
const GONE_PEOPLE_MS: i64 = 6 * 366 * 24 * 60 * 60_000;

/// Names of blobs in memory at a time; every row is read once for so many.
const WINDOW_BLOBS: usize = 500_000;
/// Rows, or names of blobs, read at a time.
const PAGE: usize = 1_000;

/// What a sweep found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Blobs that were looked at.
    pub seen: u64,
    /// Those that nothing named and that were taken away.
    pub removed: u64,
    /// Those that nothing names, too young to be taken away.
    pub young: u64,
}

impl Guarded {
    /// Takes away blobs that are at least `age` old and that no version and no part names; each is recorded before.
    ///
    /// # Errors
    /// When something does not answer, or a version's manifest cannot be read: then nothing more is taken away.
    pub async fn sweep(&self, by: Option<&By>, age: Duration) -> Result<Swept, OpsError> {
        let age = age.max(ORPHAN_AGE_MIN);
        let before = outside::now() - i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let mut swept = Swept::default();
        let mut after = None;
        loop {
            let mut orphans = HashSet::new();
            while orphans.len() < WINDOW_BLOBS {
                let page = self.vault.blobs(after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = Some(*last);
                orphans.extend(page);
            }
            if orphans.is_empty() {
                return Ok(swept);
            }
            swept.seen += orphans.len() as u64;
            self.strike_named(&mut orphans).await?;
            for blob in orphans {
                match self.vault.blob_stored_at(blob).await? {
                    Some(at) if at < before => {
                        self.take_away(by, blob).await?;
                        swept.removed += 1;
                    }
                    Some(_) => swept.young += 1,
                    None => {}
                }
            }
        }
    }

    /// Strikes out what something names. In this order nothing slips through: a part becomes a version's own in one step, and
    /// a version that leaves quarantine is numbered anew, behind those that can be seen.
    async fn strike_named(&self, orphans: &mut HashSet<BlobId>) -> Result<(), OpsError> {
        let limit = u32::try_from(PAGE).unwrap_or(u32::MAX);
        let mut after = ([0; 16], 0);
        loop {
            let page = seals::of_parts(&self.store, after, limit).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for (_, sealed) in &page {
                let part: vault::SealedPart = serde_json::from_slice(sealed).map_err(unreadable)?;
                orphans.remove(&part.blob);
            }
        }
        for state in ["quarantined", "visible"] {
            let mut after = 0;
            loop {
                let page = seals::of_versions(&self.store, state, after, limit).await?;
                let Some((last, _)) = page.last() else { break };
                after = *last;
                // A marker has no content.
                for (_, sealed) in page.iter().filter(|(_, sealed)| !sealed.is_empty()) {
                    let object: vault::SealedObject = serde_json::from_slice(sealed).map_err(unreadable)?;
                    for blob in self.vault.named_blobs(&object).await? {
                        orphans.remove(&blob);
                    }
                }
            }
        }
        Ok(())
    }

    async fn take_away(&self, by: Option<&By>, blob: BlobId) -> Result<(), OpsError> {
        let mut event = match by {
            Some(by) => by.event(Activity::Remove),
            None => Event::new(Activity::Remove, outside::now(), "guard"),
        };
        event.resource.entity = Some(format!("blob:{blob}"));
        self.recorder.record(event).await?;
        Ok(self.vault.remove_blob(blob).await?)
    }

    /// As an operator asks for it.
    ///
    /// # Errors
    /// As [`Guarded::sweep`], or when the age is too small.
    pub async fn sweep_asked(&self, operator: &Operator, age: Duration) -> Result<Value, OpsError> {
        if age < ORPHAN_AGE_MIN {
            return Err(OpsError::Wrong(
                "content younger than an hour may be about to be used; say `1h` or more".to_owned(),
            ));
        }
        let by = self.by(operator).await?;
        let Swept { seen, removed, young } = self.sweep(Some(&by), age).await?;
        Ok(json!({ "seen": seen, "removed": removed, "young": young }))
    }

    /// Sweeps now and once a day. Ends with the future.
    pub async fn keep_swept(&self) {
        loop {
            match self.sweep(None, ORPHAN_AGE).await {
                Ok(Swept { removed: 0, .. }) => {}
                Ok(swept) => tracing::info!(removed = swept.removed, "content that nothing named was taken away"),
                Err(error) => tracing::warn!(%error, "content that nothing names could not be swept"),
            }
            if let Err(error) = people::expire(&self.store, outside::now() - GONE_PEOPLE_MS).await {
                tracing::warn!(%error, "who was in versions that are long gone could not be taken away");
            }
            tokio::time::sleep(SWEEP_EVERY).await;
        }
    }
}

fn unreadable(error: serde_json::Error) -> OpsError {
    OpsError::Wrong(format!("what the catalogue keeps of an object cannot be read, nothing is swept: {error}"))
}
