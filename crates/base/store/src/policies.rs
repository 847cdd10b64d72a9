//! The organisation's own policies, by version.

use model::PrincipalId;

use crate::nouns::principal;
use crate::{PAGE_ROWS_MAX, Row, Store, StoreError};

/// One version of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its id.
    pub id: String,
    /// Its version, from 1.
    pub version: u32,
    /// Its text in Cedar.
    pub text: String,
    /// Whether it is in force.
    pub is_active: bool,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// Who put it in force.
    pub created_by: PrincipalId,
}

const COLUMNS: &str = "id, version, text, is_active, created_at, created_by";

fn policy(row: &Row) -> Result<Policy, StoreError> {
    Ok(Policy {
        id: row.text(0)?,
        version: row.id(1)?,
        text: row.text(2)?,
        is_active: row.int(3)? != 0,
        created_at: row.int(4)?,
        created_by: principal(row, 5)?,
    })
}

/// Every policy that is in force, by id, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn active(store: &Store) -> Result<Vec<Policy>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM policies WHERE is_active = 1 ORDER BY id LIMIT {PAGE_ROWS_MAX}");
    store.rows(&sql, &[]).await?.iter().map(policy).collect()
}

/// Every version of a policy, newest first, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn versions(store: &Store, id: &str) -> Result<Vec<Policy>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM policies WHERE id = $1 ORDER BY version DESC LIMIT {PAGE_ROWS_MAX}");
    store.rows(&sql, &[id.into()]).await?.iter().map(policy).collect()
}

/// Puts a policy in force as its next version, which must be `version`: one that somebody else took meanwhile is refused.
///
/// # Errors
/// When the version is taken or the engine refuses.
pub async fn put(
    store: &Store,
    id: &str,
    version: u32,
    text: &str,
    by: PrincipalId,
    now: i64,
) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    transaction.execute("UPDATE policies SET is_active = 0 WHERE id = $1", &[id.into()]).await?;
    let sql = format!("INSERT INTO policies ({COLUMNS}) VALUES ($1, $2, $3, 1, $4, $5)");
    let values = [id.into(), version.into(), text.into(), now.into(), by.into()];
    transaction.execute(&sql, &values).await.map_err(|error| {
        let taken = StoreError::Exists { what: "policy version", name: format!("{id} {version}") };
        if error.is_unique_violation() { taken } else { error }
    })?;
    transaction.commit().await
}

/// Takes a policy out of force; its versions stay.
///
/// # Errors
/// When the engine refuses.
pub async fn withdraw(store: &Store, id: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE policies SET is_active = 0 WHERE id = $1 AND is_active = 1";
    Ok(store.execute(sql, &[id.into()]).await? > 0)
}

/// The newest version of every policy, in force or not, by id, at most a page after the id `after`.
///
/// # Errors
/// When the engine refuses.
pub async fn newest(store: &Store, after: &str) -> Result<Vec<Policy>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM policies p WHERE id > $1 \
         AND version = (SELECT MAX(version) FROM policies WHERE id = p.id) ORDER BY id LIMIT {PAGE_ROWS_MAX}"
    );
    store.rows(&sql, &[after.into()]).await?.iter().map(policy).collect()
}
