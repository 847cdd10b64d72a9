//! Directories that provision people over SCIM, and what they say of them.

use model::PrincipalId;

use crate::nouns::principal;
use crate::{PAGE_ROWS_MAX, Row, Store, StoreError};

/// A directory that may provision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioner {
    /// Its id.
    pub id: String,
    /// What the operator calls it.
    pub name: String,
    /// Who vouches for whom it provisions, under the directory's own ids; nobody when there is none.
    pub issuer: Option<String>,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// Since when its token is worth nothing, if so.
    pub revoked_at: Option<i64>,
    /// When it last asked, to the minute or so.
    pub last_used_at: Option<i64>,
}

const PROVISIONER: &str = "id, name, issuer, created_at, revoked_at, last_used_at";

fn provisioner(row: &Row) -> Result<Provisioner, StoreError> {
    Ok(Provisioner {
        id: row.text(0)?,
        name: row.text(1)?,
        issuer: row.text_opt(2)?,
        created_at: row.int(3)?,
        revoked_at: row.int_opt(4)?,
        last_used_at: row.int_opt(5)?,
    })
}

/// Keeps a new directory with the digest of its token.
///
/// # Errors
/// When the engine refuses.
pub async fn create(store: &Store, new: &Provisioner, token_hash: &[u8; 32]) -> Result<(), StoreError> {
    let sql = "INSERT INTO provisioners (id, name, issuer, token_hash, created_at) VALUES ($1, $2, $3, $4, $5)";
    let values = [
        new.id.as_str().into(),
        new.name.as_str().into(),
        new.issuer.clone().into(),
        token_hash.as_slice().into(),
        new.created_at.into(),
    ];
    store.execute(sql, &values).await.map(|_rows| ())
}

/// The directory that a token's digest belongs to, if the token is still worth something.
///
/// # Errors
/// When the engine refuses.
pub async fn by_token(store: &Store, token_hash: &[u8; 32]) -> Result<Option<Provisioner>, StoreError> {
    let sql = format!("SELECT {PROVISIONER} FROM provisioners WHERE token_hash = $1 AND revoked_at IS NULL");
    store.row(&sql, &[token_hash.as_slice().into()]).await?.map(|row| provisioner(&row)).transpose()
}

/// Every directory, newest first, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn all(store: &Store) -> Result<Vec<Provisioner>, StoreError> {
    let sql = format!("SELECT {PROVISIONER} FROM provisioners ORDER BY created_at DESC, id LIMIT {PAGE_ROWS_MAX}");
    store.rows(&sql, &[]).await?.iter().map(provisioner).collect()
}

/// Makes a directory's token worth nothing; whether it was worth something.
///
/// # Errors
/// When the engine refuses.
pub async fn revoke(store: &Store, id: &str, now: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE provisioners SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    Ok(store.execute(sql, &[id.into(), now.into()]).await? > 0)
}

/// Notes that a directory asked.
///
/// # Errors
/// When the engine refuses.
pub async fn touch(store: &Store, id: &str, now: i64) -> Result<(), StoreError> {
    let sql = "UPDATE provisioners SET last_used_at = $2 WHERE id = $1";
    store.execute(sql, &[id.into(), now.into()]).await.map(|_rows| ())
}

/// What a directory says of a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioned {
    /// Of whom.
    pub principal: PrincipalId,
    /// Which directory.
    pub provisioner: String,
    /// What the directory calls it.
    pub external_id: Option<String>,
    /// Everything else that it says, as whoever reads it writes it.
    pub details: String,
    /// When it last changed, in milliseconds since 1970, UTC.
    pub changed_at: i64,
}

const PROVISIONED: &str = "principal, provisioner, external_id, details, changed_at";

fn provisioned(row: &Row) -> Result<Provisioned, StoreError> {
    Ok(Provisioned {
        principal: principal(row, 0)?,
        provisioner: row.text(1)?,
        external_id: row.text_opt(2)?,
        details: row.text(3)?,
        changed_at: row.int(4)?,
    })
}

/// Keeps what a directory says of a principal, in place of what it said before.
///
/// # Errors
/// When the engine refuses.
pub async fn put(store: &Store, row: &Provisioned) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO provisioned ({PROVISIONED}) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (principal) DO UPDATE SET provisioner = excluded.provisioner, \
         external_id = excluded.external_id, details = excluded.details, changed_at = excluded.changed_at"
    );
    let values = [
        row.principal.into(),
        row.provisioner.as_str().into(),
        row.external_id.clone().into(),
        row.details.as_str().into(),
        row.changed_at.into(),
    ];
    store.execute(&sql, &values).await.map(|_rows| ())
}

/// What a directory says of a principal, if one does.
///
/// # Errors
/// When the engine refuses.
pub async fn of(store: &Store, principal: PrincipalId) -> Result<Option<Provisioned>, StoreError> {
    let sql = format!("SELECT {PROVISIONED} FROM provisioned WHERE principal = $1");
    store.row(&sql, &[principal.into()]).await?.map(|row| provisioned(&row)).transpose()
}

/// Those that a directory calls `external_id`, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn by_external_id(store: &Store, external_id: &str) -> Result<Vec<Provisioned>, StoreError> {
    let sql = format!(
        "SELECT {PROVISIONED} FROM provisioned WHERE external_id = $1 ORDER BY principal LIMIT {PAGE_ROWS_MAX}"
    );
    store.rows(&sql, &[external_id.into()]).await?.iter().map(provisioned).collect()
}

/// Those that directories provisioned under a name, whatever its case, disabled or not; at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn by_name(store: &Store, name: &str) -> Result<Vec<Provisioned>, StoreError> {
    let sql = format!(
        "SELECT {PROVISIONED} FROM provisioned WHERE principal IN (SELECT id FROM principals WHERE LOWER(name) = LOWER($1)) \
         ORDER BY principal LIMIT {PAGE_ROWS_MAX}"
    );
    store.rows(&sql, &[name.into()]).await?.iter().map(provisioned).collect()
}

/// Forgets what directories say of a principal.
///
/// # Errors
/// When the engine refuses.
pub async fn remove(store: &Store, principal: PrincipalId) -> Result<(), StoreError> {
    store.execute("DELETE FROM provisioned WHERE principal = $1", &[principal.into()]).await.map(|_rows| ())
}

/// How many principals directories provisioned.
///
/// # Errors
/// When the engine refuses.
pub async fn count(store: &Store) -> Result<u64, StoreError> {
    store.row("SELECT COUNT(*) FROM provisioned", &[]).await?.map_or(Ok(0), |row| row.unsigned(0))
}

/// `count` principals that directories provisioned, from the `start`th on (from 0), by id; at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn page(store: &Store, start: u64, count: u32) -> Result<Vec<Provisioned>, StoreError> {
    let sql = format!("SELECT {PROVISIONED} FROM provisioned ORDER BY principal LIMIT $1 OFFSET $2");
    let start = i64::try_from(start).unwrap_or(i64::MAX);
    let rows = store.rows(&sql, &[count.min(PAGE_ROWS_MAX).into(), start.into()]).await?;
    rows.iter().map(provisioned).collect()
}
