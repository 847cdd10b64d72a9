//! Reports of backups, checks, drills and looks at watched folders.

use model::{PrincipalId, RecoveryKind, RecoveryState};

use crate::nouns::{parsed, principal};
use crate::{PAGE_ROWS_MAX, Row, Store, StoreError};

/// Reports that stay. One more, and the oldest goes.
pub const KEPT_MAX: u32 = 2_000;

/// The most reports that are given with their texts.
pub const TEXTS_MAX: u32 = 100;

/// One report, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its number; 0 before it is kept.
    pub id: u32,
    /// What was done.
    pub kind: RecoveryKind,
    /// `KIND:NAME` is what it is called in the record.
    pub name: String,
    /// How it came out.
    pub state: RecoveryState,
    /// When it began, in milliseconds since 1970, UTC.
    pub began_at: i64,
    /// When it ended; none: it goes on, or was killed.
    pub ended_at: Option<i64>,
    /// Who asked for it.
    pub by: PrincipalId,
    /// The way in: `console`, `cli`, `schedule`.
    pub through: String,
    /// The main repository's snapshot that it made or is about.
    pub snapshot: Option<String>,
    /// The entry of the record that says that it began.
    pub began_entry: Option<u64>,
    /// The one that says that it ended.
    pub ended_entry: Option<u64>,
}

const COLUMNS: &str = "id, kind, name, state, began_at, ended_at, by_principal, through, snapshot, began_entry, \
                       ended_entry";

fn report(row: &Row) -> Result<Report, StoreError> {
    let entry = |column: usize| row.int_opt(column)?.map(|_there| row.unsigned(column)).transpose();
    Ok(Report {
        id: row.id(0)?,
        kind: parsed(row, 1, "a kind of report about backups")?,
        name: row.text(2)?,
        state: parsed(row, 3, "a state of a report about backups")?,
        began_at: row.int(4)?,
        ended_at: row.int_opt(5)?,
        by: principal(row, 6)?,
        through: row.text(7)?,
        snapshot: row.text_opt(8)?,
        began_entry: entry(9)?,
        ended_entry: entry(10)?,
    })
}

/// Keeps a report with its text, which is JSON as the commands print it. One of the same kind and name is replaced, but for when and by whom it began. The oldest beyond `kept_max` go.
///
/// # Errors
/// When the engine refuses; nothing is kept then.
pub async fn put(store: &Store, new: &Report, text: &str, kept_max: u32) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let id = transaction.allocate("recovery_reports", 1).await?;
    let sql = format!(
        "INSERT INTO recovery_reports ({COLUMNS}, report) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (kind, name) DO UPDATE SET state = excluded.state, ended_at = excluded.ended_at, \
         snapshot = excluded.snapshot, ended_entry = excluded.ended_entry, report = excluded.report"
    );
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let values = [
        id.into(),
        new.kind.as_str().into(),
        new.name.as_str().into(),
        new.state.as_str().into(),
        new.began_at.into(),
        new.ended_at.into(),
        new.by.into(),
        new.through.as_str().into(),
        new.snapshot.as_deref().into(),
        new.began_entry.map(whole).into(),
        new.ended_entry.map(whole).into(),
        text.into(),
    ];
    transaction.execute(&sql, &values).await?;
    let sql = "DELETE FROM recovery_reports WHERE id <= \
               (SELECT id FROM recovery_reports ORDER BY id DESC LIMIT 1 OFFSET $1)";
    transaction.execute(sql, &[i64::from(kept_max.max(1)).into()]).await?;
    transaction.commit().await
}

/// The report with `id`, and its text.
///
/// # Errors
/// When the engine refuses.
pub async fn by_id(store: &Store, id: u32) -> Result<Option<(Report, String)>, StoreError> {
    let sql = format!("SELECT {COLUMNS}, report FROM recovery_reports WHERE id = $1");
    store.row(&sql, &[id.into()]).await?.map(|row| with_text(&row)).transpose()
}

fn with_text(row: &Row) -> Result<(Report, String), StoreError> {
    Ok((report(row)?, row.text(11)?))
}

/// Reports that began before `before`, the newest first, without their texts. At most `limit` and a page.
///
/// # Errors
/// When the engine refuses.
pub async fn listed(store: &Store, before: i64, limit: u32) -> Result<Vec<Report>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM recovery_reports WHERE began_at < $1 ORDER BY began_at DESC, id DESC LIMIT {}",
        limit.min(PAGE_ROWS_MAX)
    );
    store.rows(&sql, &[before.into()]).await?.iter().map(report).collect()
}

/// Reports of a kind with their texts, the newest first. At most `limit` and [`TEXTS_MAX`].
///
/// # Errors
/// When the engine refuses.
pub async fn texts(store: &Store, kind: RecoveryKind, limit: u32) -> Result<Vec<(Report, String)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, report FROM recovery_reports WHERE kind = $1 ORDER BY began_at DESC, id DESC LIMIT {}",
        limit.min(TEXTS_MAX)
    );
    store.rows(&sql, &[kind.as_str().into()]).await?.iter().map(with_text).collect()
}
