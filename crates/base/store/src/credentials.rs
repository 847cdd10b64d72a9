//! Access keys, temporary credentials, and sessions outside the console. Secrets come sealed, tokens as digests.

use model::PrincipalId;

use crate::nouns::principal;
use crate::{PAGE_ROWS_MAX, Row, Store, StoreError};

/// One access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// Its public id.
    pub id: String,
    /// Whose it is.
    pub principal: PrincipalId,
    /// The secret, sealed.
    pub secret_sealed: Vec<u8>,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When it ends, if it does.
    pub expires_at: Option<i64>,
    /// Since when it is revoked, if so.
    pub disabled_at: Option<i64>,
    /// When it was last used, to the minute or so.
    pub last_used_at: Option<i64>,
}

const KEY_COLUMNS: &str = "id, principal, secret_sealed, created_at, expires_at, disabled_at, last_used_at";

fn access_key(row: &Row) -> Result<AccessKey, StoreError> {
    Ok(AccessKey {
        id: row.text(0)?,
        principal: principal(row, 1)?,
        secret_sealed: row.bytes(2)?,
        created_at: row.int(3)?,
        expires_at: row.int_opt(4)?,
        disabled_at: row.int_opt(5)?,
        last_used_at: row.int_opt(6)?,
    })
}

/// Keeps a new access key.
///
/// # Errors
/// When its id was ever used, or the engine refuses.
pub async fn create_key(store: &Store, key: &AccessKey) -> Result<(), StoreError> {
    let sql = "INSERT INTO access_keys (id, principal, secret_sealed, created_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5)";
    let values = [
        key.id.as_str().into(),
        key.principal.into(),
        key.secret_sealed.as_slice().into(),
        key.created_at.into(),
        key.expires_at.into(),
    ];
    store.execute(sql, &values).await.map(|_rows| ())
}

/// The access key with `id`, good or not.
///
/// # Errors
/// When the engine refuses.
pub async fn key(store: &Store, id: &str) -> Result<Option<AccessKey>, StoreError> {
    let sql = format!("SELECT {KEY_COLUMNS} FROM access_keys WHERE id = $1");
    store.row(&sql, &[id.into()]).await?.map(|row| access_key(&row)).transpose()
}

/// Every access key of a principal, newest first, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn keys_of(store: &Store, of: PrincipalId) -> Result<Vec<AccessKey>, StoreError> {
    let sql = format!(
        "SELECT {KEY_COLUMNS} FROM access_keys WHERE principal = $1 ORDER BY created_at DESC, id LIMIT {PAGE_ROWS_MAX}"
    );
    store.rows(&sql, &[of.into()]).await?.iter().map(access_key).collect()
}

/// Revokes an access key; whether it was good before.
///
/// # Errors
/// When the engine refuses.
pub async fn revoke_key(store: &Store, id: &str, now: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE access_keys SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL";
    Ok(store.execute(sql, &[id.into(), now.into()]).await? > 0)
}

/// Lets an access key work again; whether it was revoked before.
///
/// # Errors
/// When the engine refuses.
pub async fn restore_key(store: &Store, id: &str) -> Result<bool, StoreError> {
    let sql = "UPDATE access_keys SET disabled_at = NULL WHERE id = $1 AND disabled_at IS NOT NULL";
    Ok(store.execute(sql, &[id.into()]).await? > 0)
}

/// Notes when access keys were last used.
///
/// # Errors
/// When the engine refuses.
pub async fn touch_keys(store: &Store, uses: &[(String, i64)]) -> Result<(), StoreError> {
    if uses.is_empty() {
        return Ok(());
    }
    let mut transaction = store.begin().await?;
    let sql = "UPDATE access_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    for (id, at) in uses {
        transaction.execute(sql, &[id.as_str().into(), (*at).into()]).await?;
    }
    transaction.commit().await
}

/// Credentials with an end, given for somebody else's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Temporary {
    /// The public id.
    pub id: String,
    /// Whose they are.
    pub principal: PrincipalId,
    /// The secret, sealed.
    pub secret_sealed: Vec<u8>,
    /// Digest of the session token that must come along.
    pub token_hash: [u8; 32],
    /// Whose word it was.
    pub issuer: String,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When they end.
    pub expires_at: i64,
    /// Since when they are revoked, if so.
    pub revoked_at: Option<i64>,
}

const TEMPORARY_COLUMNS: &str = "id, principal, secret_sealed, token_hash, issuer, created_at, expires_at, revoked_at";

/// Keeps new temporary credentials.
///
/// # Errors
/// When the id was ever used, or the engine refuses.
pub async fn create_temporary(store: &Store, new: &Temporary) -> Result<(), StoreError> {
    let sql =
        format!("INSERT INTO temporary_credentials ({TEMPORARY_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    let values = [
        new.id.as_str().into(),
        new.principal.into(),
        new.secret_sealed.as_slice().into(),
        new.token_hash.as_slice().into(),
        new.issuer.as_str().into(),
        new.created_at.into(),
        new.expires_at.into(),
        new.revoked_at.into(),
    ];
    store.execute(&sql, &values).await.map(|_rows| ())
}

/// The temporary credentials with `id`, good or not.
///
/// # Errors
/// When the engine refuses.
pub async fn temporary(store: &Store, id: &str) -> Result<Option<Temporary>, StoreError> {
    let sql = format!("SELECT {TEMPORARY_COLUMNS} FROM temporary_credentials WHERE id = $1");
    let row = store.row(&sql, &[id.into()]).await?;
    row.map(|row| {
        Ok(Temporary {
            id: row.text(0)?,
            principal: principal(&row, 1)?,
            secret_sealed: row.bytes(2)?,
            token_hash: digest(&row, 3)?,
            issuer: row.text(4)?,
            created_at: row.int(5)?,
            expires_at: row.int(6)?,
            revoked_at: row.int_opt(7)?,
        })
    })
    .transpose()
}

/// Revokes every temporary credential of a principal; how many were good.
///
/// # Errors
/// When the engine refuses.
pub async fn revoke_temporary_of(store: &Store, of: PrincipalId, now: i64) -> Result<u64, StoreError> {
    let sql = "UPDATE temporary_credentials SET revoked_at = $2 \
               WHERE principal = $1 AND revoked_at IS NULL AND expires_at > $2";
    store.execute(sql, &[of.into(), now.into()]).await
}

/// Removes temporary credentials that ended before `before`; how many.
///
/// # Errors
/// When the engine refuses.
pub async fn sweep_temporary(store: &Store, before: i64) -> Result<u64, StoreError> {
    store.execute("DELETE FROM temporary_credentials WHERE expires_at < $1", &[before.into()]).await
}

/// A session outside the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalSession {
    /// Whose it is.
    pub principal: PrincipalId,
    /// The way in, such as `sftp`.
    pub through: String,
    /// Whether a second factor was shown.
    pub with_second_factor: bool,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When it was last used.
    pub last_seen_at: i64,
    /// When it ends at the latest.
    pub expires_at: i64,
}

/// Begins a session.
///
/// # Errors
/// When the engine refuses.
pub async fn begin_session(store: &Store, token_hash: &[u8; 32], session: &PrincipalSession) -> Result<(), StoreError> {
    let sql = "INSERT INTO principal_sessions \
               (token_hash, principal, through, with_second_factor, created_at, last_seen_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values = [
        token_hash.as_slice().into(),
        session.principal.into(),
        session.through.as_str().into(),
        session.with_second_factor.into(),
        session.created_at.into(),
        session.last_seen_at.into(),
        session.expires_at.into(),
    ];
    store.execute(sql, &values).await.map(|_rows| ())
}

/// The session with this token's digest, if its principal is not disabled and it has not ended at `now`, nor lain idle
/// since `seen_since`.
///
/// # Errors
/// When the engine refuses.
pub async fn session(
    store: &Store,
    token_hash: &[u8; 32],
    now: i64,
    seen_since: i64,
) -> Result<Option<PrincipalSession>, StoreError> {
    let sql = "SELECT s.principal, s.through, s.with_second_factor, s.created_at, s.last_seen_at, s.expires_at \
               FROM principal_sessions s JOIN principals p ON p.id = s.principal \
               WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.last_seen_at > $3 AND p.disabled_at IS NULL";
    let row = store.row(sql, &[token_hash.as_slice().into(), now.into(), seen_since.into()]).await?;
    row.map(|row| {
        Ok(PrincipalSession {
            principal: principal(&row, 0)?,
            through: row.text(1)?,
            with_second_factor: row.int(2)? != 0,
            created_at: row.int(3)?,
            last_seen_at: row.int(4)?,
            expires_at: row.int(5)?,
        })
    })
    .transpose()
}

/// Notes that a session was used.
///
/// # Errors
/// When the engine refuses.
pub async fn touch_session(store: &Store, token_hash: &[u8; 32], now: i64) -> Result<(), StoreError> {
    let sql = "UPDATE principal_sessions SET last_seen_at = $2 WHERE token_hash = $1";
    store.execute(sql, &[token_hash.as_slice().into(), now.into()]).await.map(|_rows| ())
}

/// Ends a session; whether there was one.
///
/// # Errors
/// When the engine refuses.
pub async fn end_session(store: &Store, token_hash: &[u8; 32]) -> Result<bool, StoreError> {
    let sql = "DELETE FROM principal_sessions WHERE token_hash = $1";
    Ok(store.execute(sql, &[token_hash.as_slice().into()]).await? > 0)
}

/// Ends every session of a principal; how many.
///
/// # Errors
/// When the engine refuses.
pub async fn end_sessions_of(store: &Store, of: PrincipalId) -> Result<u64, StoreError> {
    store.execute("DELETE FROM principal_sessions WHERE principal = $1", &[of.into()]).await
}

fn digest(row: &Row, column: usize) -> Result<[u8; 32], StoreError> {
    let wrong = |_bytes| StoreError::Shape { column, found: "other bytes", wanted: "a digest of 32 bytes" };
    row.bytes(column)?.try_into().map_err(wrong)
}
