//! Labels that a person added to an object or took from it.

use crate::{Row, Store, StoreError, Transaction};

/// One correction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorrectionRow {
    /// Its id.
    pub id: u32,
    /// The object it applies to.
    pub object_id: u32,
    /// The label's name.
    pub label: String,
    /// `add` or `remove`.
    pub action: String,
    /// Why, in the person's words.
    pub reason: String,
    /// Who.
    pub person: String,
    /// When, milliseconds since 1970, UTC.
    pub made_at: i64,
    /// When it was taken back or replaced, if so.
    pub withdrawn_at: Option<i64>,
}

const COLUMNS: &str = "id, object_id, label, action, reason, person, made_at, withdrawn_at";

fn correction(row: &Row) -> Result<CorrectionRow, StoreError> {
    Ok(CorrectionRow {
        id: row.id(0)?,
        object_id: row.id(1)?,
        label: row.text(2)?,
        action: row.text(3)?,
        reason: row.text(4)?,
        person: row.text(5)?,
        made_at: row.int(6)?,
        withdrawn_at: row.int_opt(7)?,
    })
}

/// Adds a correction; an earlier one of the same label on the same object is withdrawn. `new.id` is ignored.
///
/// # Errors
/// When the engine refuses.
pub async fn add(transaction: &mut Transaction, new: &CorrectionRow) -> Result<u32, StoreError> {
    withdraw(transaction, new.object_id, &new.label, new.made_at).await?;
    let id = transaction.allocate("corrections", 1).await?;
    let sql = "INSERT INTO corrections (id, object_id, label, action, reason, person, made_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = [
        id.into(),
        new.object_id.into(),
        new.label.clone().into(),
        new.action.clone().into(),
        new.reason.clone().into(),
        new.person.clone().into(),
        new.made_at.into(),
    ];
    transaction.execute(sql, &values).await?;
    Ok(u32::try_from(id).unwrap_or(u32::MAX))
}

/// Withdraws whatever correction of `label` is in force on an object.
///
/// # Errors
/// When the engine refuses.
pub async fn withdraw(transaction: &mut Transaction, object_id: u32, label: &str, now: i64) -> Result<u64, StoreError> {
    let sql = "UPDATE corrections SET withdrawn_at = $3 WHERE object_id = $1 AND label = $2 AND withdrawn_at IS NULL";
    transaction.execute(sql, &[object_id.into(), label.into(), now.into()]).await
}

/// Corrections in force on any of `objects`.
///
/// # Errors
/// When the engine refuses.
pub async fn in_force(transaction: &mut Transaction, objects: &[u32]) -> Result<Vec<CorrectionRow>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM corrections WHERE withdrawn_at IS NULL AND object_id");
    let keys: Vec<_> = objects.iter().map(|id| (*id).into()).collect();
    crate::select_in(transaction, &select, &keys).await?.iter().map(correction).collect()
}

/// Every correction ever made on an object, newest first.
///
/// # Errors
/// When the engine refuses.
pub async fn of_object(store: &Store, object_id: u32) -> Result<Vec<CorrectionRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM corrections WHERE object_id = $1 ORDER BY id DESC LIMIT {}",
        crate::PAGE_ROWS_MAX
    );
    store.rows(&sql, &[object_id.into()]).await?.iter().map(correction).collect()
}
