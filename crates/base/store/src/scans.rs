//! Runs over a source, with a checkpoint from which a killed one resumes.

use crate::{Row, Store, StoreError, Transaction};

/// What a run has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Top-level objects opened and inspected.
    pub inspected: u64,
    /// Top-level objects not opened because nothing about them changed.
    pub unchanged: u64,
    /// Objects that could not be read.
    pub unreadable: u64,
    /// Entries that are no objects: sockets, devices, links out of the source.
    pub skipped: u64,
    /// Objects that are no longer there.
    pub gone: u64,
    /// Bytes of the inspected objects.
    pub bytes: u64,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanRow {
    /// Its id.
    pub id: u32,
    /// The place it runs over.
    pub source_id: u32,
    /// `running`, `done`, `cancelled` or `failed`. A killed run stays `running` until it is resumed.
    pub state: String,
    /// Milliseconds since 1970, UTC.
    pub started_at: i64,
    /// When it last wrote its progress.
    pub checkpoint_at: i64,
    /// When it ended.
    pub finished_at: Option<i64>,
    /// How often it was taken up again after a kill.
    pub resumed: u64,
    /// What it has done.
    pub progress: Progress,
    /// Why it failed, if it did.
    pub message: Option<String>,
}

const COLUMNS: &str = "id, source_id, state, started_at, checkpoint_at, finished_at, resumed, inspected, unchanged, \
                       unreadable, skipped, gone, bytes, message";

fn scan(row: &Row) -> Result<ScanRow, StoreError> {
    Ok(ScanRow {
        id: row.id(0)?,
        source_id: row.id(1)?,
        state: row.text(2)?,
        started_at: row.int(3)?,
        checkpoint_at: row.int(4)?,
        finished_at: row.int_opt(5)?,
        resumed: row.unsigned(6)?,
        progress: Progress {
            inspected: row.unsigned(7)?,
            unchanged: row.unsigned(8)?,
            unreadable: row.unsigned(9)?,
            skipped: row.unsigned(10)?,
            gone: row.unsigned(11)?,
            bytes: row.unsigned(12)?,
        },
        message: row.text_opt(13)?,
    })
}

/// Begins a run over a source, or takes up the one that was killed.
///
/// # Errors
/// When the engine refuses.
pub async fn begin_or_resume(store: &Store, source_id: u32, now: i64) -> Result<ScanRow, StoreError> {
    let mut transaction = store.begin().await?;
    let sql =
        format!("SELECT {COLUMNS} FROM scans WHERE source_id = $1 AND state = 'running' ORDER BY id DESC LIMIT 1");
    let id = match transaction.row(&sql, &[source_id.into()]).await? {
        Some(row) => {
            let id = row.int(0)?;
            let values = [id.into(), now.into()];
            let sql = "UPDATE scans SET resumed = resumed + 1, checkpoint_at = $2 WHERE id = $1";
            transaction.execute(sql, &values).await?;
            id
        }
        None => {
            let id = transaction.allocate("scans", 1).await?;
            let sql = "INSERT INTO scans (id, source_id, state, started_at, checkpoint_at, resumed, inspected, unchanged, \
                       unreadable, skipped, gone, bytes) VALUES ($1, $2, 'running', $3, $3, 0, 0, 0, 0, 0, 0, 0)";
            transaction.execute(sql, &[id.into(), source_id.into(), now.into()]).await?;
            id
        }
    };
    let sql = format!("SELECT {COLUMNS} FROM scans WHERE id = $1");
    let row = transaction.row(&sql, &[id.into()]).await?.ok_or(sqlx::Error::RowNotFound)?;
    transaction.commit().await?;
    scan(&row)
}

/// Writes a run's progress, in the transaction that also holds the objects it speaks of.
///
/// # Errors
/// When the engine refuses.
pub async fn checkpoint(
    transaction: &mut Transaction,
    id: u32,
    progress: &Progress,
    now: i64,
) -> Result<(), StoreError> {
    let sql = "UPDATE scans SET checkpoint_at = $2, inspected = $3, unchanged = $4, unreadable = $5, skipped = $6, \
               gone = $7, bytes = $8 WHERE id = $1";
    let values = [
        id.into(),
        now.into(),
        progress.inspected.into(),
        progress.unchanged.into(),
        progress.unreadable.into(),
        progress.skipped.into(),
        progress.gone.into(),
        progress.bytes.into(),
    ];
    transaction.execute(sql, &values).await?;
    Ok(())
}

/// Ends a run as `state`. A run that is `done` marks its source as scanned.
///
/// # Errors
/// When the engine refuses.
pub async fn finish(
    transaction: &mut Transaction,
    id: u32,
    state: &str,
    message: Option<&str>,
    now: i64,
) -> Result<(), StoreError> {
    let sql = "UPDATE scans SET state = $2, message = $3, finished_at = $4, checkpoint_at = $4 WHERE id = $1";
    transaction.execute(sql, &[id.into(), state.into(), message.map(str::to_owned).into(), now.into()]).await?;
    if state == "done" {
        let sql = "UPDATE sources SET scanned_at = $2 WHERE id = (SELECT source_id FROM scans WHERE id = $1)";
        transaction.execute(sql, &[id.into(), now.into()]).await?;
    }
    Ok(())
}

/// Runs, newest first, before the run `before`.
///
/// # Errors
/// When the engine refuses.
pub async fn page(store: &Store, before: Option<u32>, limit: u32) -> Result<Vec<ScanRow>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM scans WHERE id < $1 ORDER BY id DESC LIMIT {}", limit.min(crate::PAGE_ROWS_MAX));
    let before = before.map_or(i64::from(u32::MAX), i64::from);
    store.rows(&sql, &[before.into()]).await?.iter().map(scan).collect()
}

/// Runs that have not ended: under way, or killed. Oldest first, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn unfinished(store: &Store) -> Result<Vec<ScanRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM scans WHERE state = 'running' ORDER BY id LIMIT {}", crate::PAGE_ROWS_MAX);
    store.rows(&sql, &[]).await?.iter().map(scan).collect()
}

/// The run with `id`.
///
/// # Errors
/// When the engine refuses.
pub async fn by_id(store: &Store, id: u32) -> Result<Option<ScanRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM scans WHERE id = $1");
    store.row(&sql, &[id.into()]).await?.map(|row| scan(&row)).transpose()
}
