//! Notice of leaving: the last day of whoever leaves, as it was noted here.

use model::PrincipalId;

use crate::nouns::principal;
use crate::{PAGE_ROWS_MAX, Row, Store, StoreError};

/// Somebody leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Who.
    pub principal: PrincipalId,
    /// The last day, a date of RFC 3339.
    pub last_day: String,
    /// When it was noted, in milliseconds since 1970, UTC.
    pub noted_at: i64,
    /// By whom.
    pub noted_by: PrincipalId,
}

const COLUMNS: &str = "principal, last_day, noted_at, noted_by";

fn leaving(row: &Row) -> Result<Leaving, StoreError> {
    Ok(Leaving {
        principal: principal(row, 0)?,
        last_day: row.text(1)?,
        noted_at: row.int(2)?,
        noted_by: principal(row, 3)?,
    })
}

/// Keeps a notice; of one principal the newest alone.
///
/// # Errors
/// When there is no such principal, or the engine refuses.
pub async fn put(store: &Store, notice: &Leaving) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO leaving ({COLUMNS}) VALUES ($1, $2, $3, $4) ON CONFLICT (principal) DO UPDATE SET \
         last_day = excluded.last_day, noted_at = excluded.noted_at, noted_by = excluded.noted_by"
    );
    let values =
        [notice.principal.into(), notice.last_day.as_str().into(), notice.noted_at.into(), notice.noted_by.into()];
    store.execute(&sql, &values).await.map(|_rows| ())
}

/// The notice of a principal, if there is one.
///
/// # Errors
/// When the engine refuses.
pub async fn of(store: &Store, id: PrincipalId) -> Result<Option<Leaving>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM leaving WHERE principal = $1");
    store.row(&sql, &[id.into()]).await?.map(|row| leaving(&row)).transpose()
}

/// All notices, the next last day first, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn all(store: &Store) -> Result<Vec<Leaving>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM leaving ORDER BY last_day, principal LIMIT {PAGE_ROWS_MAX}");
    store.rows(&sql, &[]).await?.iter().map(leaving).collect()
}

/// Takes a notice back; whether there was one.
///
/// # Errors
/// When the engine refuses.
pub async fn remove(store: &Store, id: PrincipalId) -> Result<bool, StoreError> {
    Ok(store.execute("DELETE FROM leaving WHERE principal = $1", &[id.into()]).await? > 0)
}
