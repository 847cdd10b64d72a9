//! What the vault needs to open everything that is kept: to tell blobs that something names from those that nothing does.

use super::id16;
use crate::{PAGE_ROWS_MAX, Store, StoreError};

/// Sealed versions of a state after `sequence`, each with its own, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn of_versions(
    store: &Store,
    state: &str,
    after: i64,
    limit: u32,
) -> Result<Vec<(i64, Vec<u8>)>, StoreError> {
    let limit = limit.min(PAGE_ROWS_MAX);
    let sql = format!(
        "SELECT sequence, sealed FROM guarded_versions WHERE state = $1 AND sequence > $2 ORDER BY sequence LIMIT {limit}"
    );
    let rows = store.rows(&sql, &[state.into(), after.into()]).await?;
    rows.iter().map(|row| Ok((row.int(0)?, row.bytes(1)?))).collect()
}

/// Where a part lies: its upload, and its number in it.
pub type PartPlace = ([u8; 16], u32);

/// Sealed parts after an upload and a number in it, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn of_parts(store: &Store, after: PartPlace, limit: u32) -> Result<Vec<(PartPlace, Vec<u8>)>, StoreError> {
    let limit = limit.min(PAGE_ROWS_MAX);
    let sql = format!(
        "SELECT upload, number, sealed FROM guarded_parts WHERE upload > $1 OR (upload = $1 AND number > $2) \
         ORDER BY upload, number LIMIT {limit}"
    );
    let rows = store.rows(&sql, &[after.0.as_slice().into(), after.1.into()]).await?;
    rows.iter().map(|row| Ok(((id16(row, 0)?, row.id(1)?), row.bytes(2)?))).collect()
}
