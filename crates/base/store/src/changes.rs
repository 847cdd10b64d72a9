//! What happened to objects, and when.

use std::collections::BTreeMap;

use crate::{Insert, Row, Store, StoreError, Transaction};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its id, rising with time.
    pub id: u32,
    /// Milliseconds since 1970, UTC.
    pub happened_at: i64,
    /// The object.
    pub object_id: u32,
    /// `new`, `changed`, `gone`, `returned`, `relabelled` or `unreadable`.
    pub kind: String,
    /// Facts about it, such as labels before and after.
    pub detail: String,
    /// The object's path.
    pub path: String,
    /// The object's labels as they are now, joined by commas.
    pub labels: String,
}

/// A change to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChange {
    /// The object.
    pub object_id: u32,
    /// See [`ChangeRow::kind`].
    pub kind: &'static str,
    /// Facts about it.
    pub detail: String,
}

/// Records changes that happened at `now`.
///
/// # Errors
/// When the engine refuses.
pub async fn record(transaction: &mut Transaction, changes: &[NewChange], now: i64) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut id = transaction.allocate("changes", u32::try_from(changes.len()).unwrap_or(u32::MAX)).await?;
    let mut insert = Insert::into("changes", &["id", "happened_at", "object_id", "kind", "detail"]);
    for change in changes {
        insert.row([id.into(), now.into(), change.object_id.into(), change.kind.into(), change.detail.clone().into()]);
        id += 1;
    }
    insert.run(transaction).await?;
    let mut totals: BTreeMap<&str, i64> = BTreeMap::new();
    changes.iter().for_each(|change| *totals.entry(change.kind).or_default() += 1);
    let suffix = "ON CONFLICT (happened_at, kind) DO UPDATE SET changes = change_totals.changes + excluded.changes";
    let mut insert = Insert::with_suffix("change_totals", &["happened_at", "kind", "changes"], suffix);
    for (kind, count) in totals {
        insert.row([now.into(), kind.into(), count.into()]);
    }
    insert.run(transaction).await
}

fn change(row: &Row) -> Result<ChangeRow, StoreError> {
    Ok(ChangeRow {
        id: row.id(0)?,
        happened_at: row.int(1)?,
        object_id: row.id(2)?,
        kind: row.text(3)?,
        detail: row.text(4)?,
        path: row.text(5)?,
        labels: row.text(6)?,
    })
}

const SELECT: &str = "SELECT c.id, c.happened_at, c.object_id, c.kind, c.detail, o.path, o.labels FROM changes c \
                      JOIN objects o ON o.id = c.object_id";

/// Changes at or after `since`, newest first, before the change with this time and id.
///
/// # Errors
/// When the engine refuses.
pub async fn page(
    store: &Store,
    since: i64,
    before: Option<(i64, u32)>,
    limit: u32,
) -> Result<Vec<ChangeRow>, StoreError> {
    let sql = format!(
        "{SELECT} WHERE c.happened_at >= $1 AND (c.happened_at, c.id) < ($2, $3) \
         ORDER BY c.happened_at DESC, c.id DESC LIMIT {}",
        limit.min(crate::PAGE_ROWS_MAX)
    );
    let (time, id) = before.unwrap_or((i64::MAX, u32::MAX));
    store.rows(&sql, &[since.into(), time.into(), id.into()]).await?.iter().map(change).collect()
}

/// How many changes of each kind there were at or after `since`.
///
/// # Errors
/// When the engine refuses.
pub async fn counts(store: &Store, since: i64) -> Result<Vec<(String, u64)>, StoreError> {
    let sql = "SELECT kind, CAST(SUM(changes) AS BIGINT) FROM change_totals WHERE happened_at >= $1 \
               GROUP BY kind ORDER BY kind";
    store.rows(sql, &[since.into()]).await?.iter().map(|row| Ok((row.text(0)?, row.unsigned(1)?))).collect()
}

/// Changes of one object, newest first.
///
/// # Errors
/// When the engine refuses.
pub async fn of_object(store: &Store, object_id: u32, limit: u32) -> Result<Vec<ChangeRow>, StoreError> {
    let sql = format!("{SELECT} WHERE c.object_id = $1 ORDER BY c.id DESC LIMIT {}", limit.min(crate::PAGE_ROWS_MAX));
    store.rows(&sql, &[object_id.into()]).await?.iter().map(change).collect()
}
