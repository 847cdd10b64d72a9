//! Sessions of the console. Only digests of their tokens are kept.

use crate::{Store, StoreError};

/// One session that is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub user_id: u32,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When it was last used.
    pub last_seen_at: i64,
    /// When it ends.
    pub expires_at: i64,
}

/// Begins a session.
///
/// # Errors
/// When the engine refuses.
pub async fn begin(
    store: &Store,
    token_hash: &[u8; 32],
    user_id: u32,
    now: i64,
    expires_at: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO sessions (token_hash, user_id, created_at, last_seen_at, expires_at) \
               VALUES ($1, $2, $3, $3, $4)";
    store.execute(sql, &[token_hash.as_slice().into(), user_id.into(), now.into(), expires_at.into()]).await?;
    Ok(())
}

/// The session with this token's digest, if it has not ended at `now` and its user is not disabled.
///
/// # Errors
/// When the engine refuses.
pub async fn find(store: &Store, token_hash: &[u8; 32], now: i64) -> Result<Option<Session>, StoreError> {
    let sql = "SELECT s.user_id, s.created_at, s.last_seen_at, s.expires_at FROM sessions s \
               JOIN users u ON u.id = s.user_id \
               WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.disabled_at IS NULL";
    let row = store.row(sql, &[token_hash.as_slice().into(), now.into()]).await?;
    row.map(|row| {
        Ok(Session { user_id: row.id(0)?, created_at: row.int(1)?, last_seen_at: row.int(2)?, expires_at: row.int(3)? })
    })
    .transpose()
}

/// Notes that a session was used.
///
/// # Errors
/// When the engine refuses.
pub async fn touch(store: &Store, token_hash: &[u8; 32], now: i64) -> Result<(), StoreError> {
    let sql = "UPDATE sessions SET last_seen_at = $2 WHERE token_hash = $1";
    store.execute(sql, &[token_hash.as_slice().into(), now.into()]).await?;
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// When the engine refuses.
pub async fn end(store: &Store, token_hash: &[u8; 32]) -> Result<(), StoreError> {
    store.execute("DELETE FROM sessions WHERE token_hash = $1", &[token_hash.as_slice().into()]).await?;
    Ok(())
}

/// Removes every session that has ended at `now`; how many.
///
/// # Errors
/// When the engine refuses.
pub async fn sweep(store: &Store, now: i64) -> Result<u64, StoreError> {
    store.execute("DELETE FROM sessions WHERE expires_at <= $1", &[now.into()]).await
}
