//! Places that are scanned: folders, buckets, databases.

use crate::{Row, Store, StoreError};

/// One place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRow {
    /// Its id.
    pub id: u32,
    /// `folder`, `bucket`, `postgres` or `sqlite`.
    pub kind: String,
    /// Where it is, without credentials.
    pub location: String,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When a scan of it last came to its end.
    pub scanned_at: Option<i64>,
}

const COLUMNS: &str = "id, kind, location, created_at, scanned_at";

fn source(row: &Row) -> Result<SourceRow, StoreError> {
    Ok(SourceRow {
        id: row.id(0)?,
        kind: row.text(1)?,
        location: row.text(2)?,
        created_at: row.int(3)?,
        scanned_at: row.int_opt(4)?,
    })
}

/// The place at `location`, created if it is not known yet.
///
/// # Errors
/// When the engine refuses.
pub async fn ensure(store: &Store, kind: &str, location: &str, now: i64) -> Result<SourceRow, StoreError> {
    let mut transaction = store.begin().await?;
    let sql = format!("SELECT {COLUMNS} FROM sources WHERE location = $1");
    if let Some(row) = transaction.row(&sql, &[location.into()]).await? {
        return source(&row);
    }
    let id = transaction.allocate("sources", 1).await?;
    let values = [id.into(), kind.into(), location.into(), now.into()];
    transaction
        .execute("INSERT INTO sources (id, kind, location, created_at) VALUES ($1, $2, $3, $4)", &values)
        .await?;
    let row = transaction.row(&sql, &[location.into()]).await?.ok_or(sqlx::Error::RowNotFound)?;
    transaction.commit().await?;
    source(&row)
}

/// Every place, oldest first, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn all(store: &Store) -> Result<Vec<SourceRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM sources ORDER BY id LIMIT {}", crate::PAGE_ROWS_MAX);
    store.rows(&sql, &[]).await?.iter().map(source).collect()
}

/// The place with `id`.
///
/// # Errors
/// When the engine refuses.
pub async fn by_id(store: &Store, id: u32) -> Result<Option<SourceRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM sources WHERE id = $1");
    store.row(&sql, &[id.into()]).await?.map(|row| source(&row)).transpose()
}
