//! When sources are scanned again.

use crate::{Row, Store, StoreError};

/// One schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRow {
    /// Its id.
    pub id: u32,
    /// What is scanned.
    pub source_id: u32,
    /// The rule as text; the landscape parses it.
    pub rule: String,
    /// When it was set up, milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When it is due next; `None` while its run is under way.
    pub next_due_at: Option<i64>,
    /// When it last ran.
    pub last_run_at: Option<i64>,
}

const COLUMNS: &str = "id, source_id, rule, created_at, next_due_at, last_run_at";

fn schedule(row: &Row) -> Result<ScheduleRow, StoreError> {
    Ok(ScheduleRow {
        id: row.id(0)?,
        source_id: row.id(1)?,
        rule: row.text(2)?,
        created_at: row.int(3)?,
        next_due_at: row.int_opt(4)?,
        last_run_at: row.int_opt(5)?,
    })
}

/// Sets up a schedule.
///
/// # Errors
/// When the engine refuses.
pub async fn create(store: &Store, source_id: u32, rule: &str, now: i64, next_due_at: i64) -> Result<u32, StoreError> {
    let mut transaction = store.begin().await?;
    let id = transaction.allocate("schedules", 1).await?;
    let sql = "INSERT INTO schedules (id, source_id, rule, created_at, next_due_at) VALUES ($1, $2, $3, $4, $5)";
    transaction.execute(sql, &[id.into(), source_id.into(), rule.into(), now.into(), next_due_at.into()]).await?;
    transaction.commit().await?;
    Ok(u32::try_from(id).unwrap_or(u32::MAX))
}

/// Schedules due at `now`, longest overdue first.
///
/// # Errors
/// When the engine refuses.
pub async fn due(store: &Store, now: i64) -> Result<Vec<ScheduleRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM schedules WHERE next_due_at <= $1 ORDER BY next_due_at, id LIMIT {}",
        crate::PAGE_ROWS_MAX
    );
    store.rows(&sql, &[now.into()]).await?.iter().map(schedule).collect()
}

/// Notes that a schedule ran, and when it is due again.
///
/// # Errors
/// When the engine refuses.
pub async fn ran(store: &Store, id: u32, now: i64, next_due_at: i64) -> Result<(), StoreError> {
    let sql = "UPDATE schedules SET last_run_at = $2, next_due_at = $3 WHERE id = $1";
    store.execute(sql, &[id.into(), now.into(), next_due_at.into()]).await?;
    Ok(())
}

/// Every schedule, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn all(store: &Store) -> Result<Vec<ScheduleRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM schedules ORDER BY id LIMIT {}", crate::PAGE_ROWS_MAX);
    store.rows(&sql, &[]).await?.iter().map(schedule).collect()
}

/// Removes a schedule.
///
/// # Errors
/// When the engine refuses.
pub async fn remove(store: &Store, id: u32) -> Result<(), StoreError> {
    store.execute("DELETE FROM schedules WHERE id = $1", &[id.into()]).await?;
    Ok(())
}
