//! Least privilege: what was granted and is not used.

use store::grants::{self, Grant};

use crate::access::Access;
use crate::error::AccessError;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Access {
    /// Grants in force that let nobody do anything for `days` days before `now_ms`, oldest first: a page after the id
    /// `after`. Each can be [narrowed](Access::narrow) or [taken back](Access::revoke) with one call.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn unused(&self, days: u32, now_ms: i64, after: u32) -> Result<Vec<Grant>, AccessError> {
        self.flush().await?;
        Ok(grants::unused(&self.store, now_ms - i64::from(days) * DAY_MS, after).await?)
    }

    /// Requests that wait for somebody's approval, oldest first: a page after the id `after`.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn requested(&self, after: u32) -> Result<Vec<Grant>, AccessError> {
        Ok(grants::in_state(&self.store, grants::GrantState::Requested, after).await?)
    }
}
