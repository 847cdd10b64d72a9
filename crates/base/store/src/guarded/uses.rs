//! How much principals took from studies on their last day.

use super::id16;
use crate::{Store, StoreError};

/// What one principal took from one study on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUse {
    /// The principal.
    pub principal: [u8; 16],
    /// The study.
    pub study: String,
    /// Days since 1970, UTC.
    pub day: i64,
    /// Bytes of plaintext.
    pub bytes: i64,
    /// Data subjects.
    pub subjects: i64,
}

/// The last day on which a principal took something from a study.
///
/// # Errors
/// When the engine refuses.
pub async fn find(store: &Store, principal: [u8; 16], study: &str) -> Result<Option<StoredUse>, StoreError> {
    let sql = "SELECT principal, study, day, bytes, subjects FROM guarded_uses WHERE principal = $1 AND study = $2";
    let row = store.row(sql, &[principal.as_slice().into(), study.into()]).await?;
    row.map(|row| {
        Ok(StoredUse {
            principal: id16(&row, 0)?,
            study: row.text(1)?,
            day: row.int(2)?,
            bytes: row.int(3)?,
            subjects: row.int(4)?,
        })
    })
    .transpose()
}

/// Keeps what was taken, in place of what was kept of the same principals and studies.
///
/// # Errors
/// When the engine refuses; nothing is kept then.
pub async fn keep(store: &Store, uses: &[StoredUse]) -> Result<(), StoreError> {
    let sql = "INSERT INTO guarded_uses (principal, study, day, bytes, subjects) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (principal, study) DO UPDATE SET day = $3, bytes = $4, subjects = $5";
    let mut transaction = store.begin().await?;
    for one in uses {
        let values = [
            one.principal.as_slice().into(),
            one.study.as_str().into(),
            one.day.into(),
            one.bytes.into(),
            one.subjects.into(),
        ];
        transaction.execute(sql, &values).await?;
    }
    transaction.commit().await
}
