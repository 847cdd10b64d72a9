//! Objects behind the guard: studies as buckets, versions of objects, and uploads in parts.

pub mod people;
pub mod seals;
pub mod sums;
pub mod uploads;
pub mod uses;
pub mod versions;

use crate::{Row, Store, StoreError};

/// One study as a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardedStudy {
    /// The study.
    pub study: String,
    /// Whether old versions are kept: `off`, `on` or `suspended`.
    pub versioning: String,
    /// What else is set, as JSON.
    pub settings: String,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// Who created it.
    pub created_by: [u8; 16],
}

pub(crate) fn id16(row: &Row, column: usize) -> Result<[u8; 16], StoreError> {
    let wrong = StoreError::Shape { column, found: "bytes of another length", wanted: "the 16 bytes of an id" };
    row.bytes(column)?.try_into().ok().ok_or(wrong)
}

fn study(row: &Row) -> Result<GuardedStudy, StoreError> {
    Ok(GuardedStudy {
        study: row.text(0)?,
        versioning: row.text(1)?,
        settings: row.text(2)?,
        created_at: row.int(3)?,
        created_by: id16(row, 4)?,
    })
}

const COLUMNS: &str = "study, versioning, settings, created_at, created_by";

/// Puts a study behind the guard.
///
/// # Errors
/// When it is there already, or the engine refuses.
pub async fn create(store: &Store, new: &GuardedStudy) -> Result<(), StoreError> {
    let sql = "INSERT INTO guarded_studies (study, versioning, settings, created_at, created_by) \
               VALUES ($1, $2, $3, $4, $5)";
    let values = [
        new.study.as_str().into(),
        new.versioning.as_str().into(),
        new.settings.as_str().into(),
        new.created_at.into(),
        new.created_by.as_slice().into(),
    ];
    store.execute(sql, &values).await.map(|_| ()).map_err(|error| {
        if error.is_unique_violation() { StoreError::Exists { what: "study", name: new.study.clone() } } else { error }
    })
}

/// One study behind the guard.
///
/// # Errors
/// When the engine refuses.
pub async fn find(store: &Store, name: &str) -> Result<Option<GuardedStudy>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM guarded_studies WHERE study = $1");
    store.row(&sql, &[name.into()]).await?.map(|row| study(&row)).transpose()
}

/// Studies behind the guard after `after` in the order of their bytes, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn page(store: &Store, after: &str, limit: u32) -> Result<Vec<GuardedStudy>, StoreError> {
    let limit = limit.min(crate::PAGE_ROWS_MAX);
    let sql = format!("SELECT {COLUMNS} FROM guarded_studies WHERE study > $1 ORDER BY study LIMIT {limit}");
    store.rows(&sql, &[after.into()]).await?.iter().map(study).collect()
}

/// Sets versioning and settings of a study.
///
/// # Errors
/// When the engine refuses.
pub async fn change(store: &Store, name: &str, versioning: &str, settings: &str) -> Result<(), StoreError> {
    let sql = "UPDATE guarded_studies SET versioning = $2, settings = $3 WHERE study = $1";
    store.execute(sql, &[name.into(), versioning.into(), settings.into()]).await.map(|_| ())
}

/// Takes an empty study from behind the guard. `false` when it still holds a version or an upload.
///
/// # Errors
/// When the engine refuses.
pub async fn remove(store: &Store, name: &str) -> Result<bool, StoreError> {
    let mut transaction = store.begin().await?;
    let sql = "SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM guarded_versions WHERE study = $1 LIMIT 1) v) + \
               (SELECT COUNT(*) FROM (SELECT 1 FROM guarded_uploads WHERE study = $1 LIMIT 1) u)";
    let held = transaction.row(sql, &[name.into()]).await?.map_or(Ok(0), |row| row.int(0))?;
    if held > 0 {
        return Ok(false);
    }
    transaction.execute("DELETE FROM guarded_studies WHERE study = $1", &[name.into()]).await?;
    transaction.commit().await?;
    Ok(true)
}
