//! Who is in which version of an object, as its inspection found it.

use super::id16;
use crate::batch::select_in_store;
use crate::{Insert, Row, Store, StoreError, Transaction, Value};

/// People of a version: of the object itself, or of a member of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionPart {
    /// The version's id.
    pub version: [u8; 16],
    /// Which part of it, from 0.
    pub part: u32,
    /// Labels in force when it was inspected, joined by commas.
    pub labels: String,
    /// Distinct people in it then.
    pub subjects: u64,
    /// Their profiles, as a stored bitmap.
    pub ids: Vec<u8>,
}

fn part(row: &Row) -> Result<VersionPart, StoreError> {
    Ok(VersionPart {
        version: id16(row, 0)?,
        part: row.id(1)?,
        labels: row.text(2)?,
        subjects: row.unsigned(3)?,
        ids: row.bytes(4)?,
    })
}

/// Keeps parts of versions at `now`, in milliseconds since 1970, UTC. A part that is there already is overwritten: the version was looked
/// at again.
///
/// # Errors
/// When the engine refuses.
pub async fn keep(transaction: &mut Transaction, parts: &[VersionPart], now: i64) -> Result<(), StoreError> {
    let columns = &["version", "part", "labels", "subjects", "ids", "kept_at"];
    let mut insert = Insert::or_replace("version_people", columns, "version, part");
    for one in parts {
        insert.row([
            one.version.as_slice().into(),
            one.part.into(),
            one.labels.as_str().into(),
            i64::try_from(one.subjects).unwrap_or(i64::MAX).into(),
            one.ids.as_slice().into(),
            now.into(),
        ]);
    }
    insert.run(transaction).await
}

/// Parts of versions, by version and part; versions of which nothing is kept are left out: nobody is in them, or they were stored before this
/// was kept.
///
/// # Errors
/// When the engine refuses.
pub async fn of(store: &Store, versions: &[[u8; 16]]) -> Result<Vec<VersionPart>, StoreError> {
    let keys: Vec<Value> = versions.iter().map(|id| id.as_slice().into()).collect();
    let select = "SELECT version, part, labels, subjects, ids FROM version_people WHERE version";
    let rows = select_in_store(store, select, &keys).await?;
    let mut parts = rows.iter().map(part).collect::<Result<Vec<_>, _>>()?;
    parts.sort_by_key(|one| (one.version, one.part));
    Ok(parts)
}

/// Takes away what was kept before `before` of versions that are gone; how many parts.
///
/// # Errors
/// When the engine refuses.
pub async fn expire(store: &Store, before: i64) -> Result<u64, StoreError> {
    let sql = "DELETE FROM version_people WHERE kept_at < $1 \
               AND NOT EXISTS (SELECT 1 FROM guarded_versions v WHERE v.version = version_people.version)";
    store.execute(sql, &[before.into()]).await
}
