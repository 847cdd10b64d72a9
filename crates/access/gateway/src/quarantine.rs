//! Quarantine: a version that waits is let out, or refused for good, by somebody who says why.

use model::event::{Activity, Detail};
use model::{By, ObjectId, RecordError, Scope, VersionId};
use store::StoreError;
use store::guarded::versions;

use crate::Guard;
use crate::ports::StorageError;

/// Why a version in quarantine was not settled.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// Nobody said why.
    #[error("a reason is needed; say in a few words why")]
    NoReason,
    /// It does not wait, or somebody else decided before.
    #[error("there is no version `{id}` in quarantine; somebody may have decided about it already")]
    NotHeld {
        /// The version.
        id: VersionId,
    },
    /// It could not be recorded; nothing was changed.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The version is refused, but its content could not be taken away.
    #[error("the version is refused, but its content could not be taken away")]
    Storage(#[from] StorageError),
}

impl Guard {
    /// Lets a version out of quarantine, or refuses it for good and takes its content away. Recorded first, with the reason
    /// sealed under the object's key. The caller has made sure that `by` may decide.
    ///
    /// # Errors
    /// When it is not in quarantine, no reason is given, or something does not answer.
    pub async fn settle(&self, by: &By, id: VersionId, is_released: bool, reason: &str) -> Result<(), SettleError> {
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(SettleError::NoReason);
        }
        let held = versions::by_id(&self.store, *id.as_bytes()).await?;
        let held = held.filter(|version| version.state == "quarantined").ok_or(SettleError::NotHeld { id })?;
        let object = ObjectId::from_bytes(held.object);
        let mut event = by.event(if is_released { Activity::Restore } else { Activity::Remove });
        event.resource.study = held.study.parse().ok();
        event.resource.object = Some(object);
        event.resource.version = Some(id);
        event.resource.labels = held.labels.split_ascii_whitespace().filter_map(|label| label.parse().ok()).collect();
        event.old = Some("quarantined".to_owned());
        event.new = Some(if is_released { "visible" } else { "refused" }.to_owned());
        event.details.push(Detail { field: "reason".into(), scope: Scope::Object(object), value: reason.to_owned() });
        self.record.record(event).await?;
        let store = self.store.clone();
        let settling = Box::pin(async move { versions::settle(&store, *id.as_bytes(), is_released).await });
        if !self.changing(&held.study, &held.name, settling).await? {
            return Err(SettleError::NotHeld { id });
        }
        if !is_released {
            self.storage.remove(&held.sealed).await?;
        }
        Ok(())
    }
}
