//! Sessions of the console. Only digests of their tokens are kept.

use crate::{PAGE_ROWS_MAX, Row, Store, StoreError};

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
    /// How it began, such as `password`.
    pub through: String,
    /// Whether a second factor was shown.
    pub with_second_factor: bool,
}

/// A session to begin.
#[derive(Debug, Clone, Copy)]
pub struct NewSession<'a> {
    /// Whose it is.
    pub user_id: u32,
    /// How it begins, such as `password`.
    pub through: &'a str,
    /// Whether a second factor was shown.
    pub with_second_factor: bool,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When it ends.
    pub expires_at: i64,
}

/// Begins a session.
///
/// # Errors
/// When the engine refuses.
pub async fn begin_as(store: &Store, token_hash: &[u8; 32], new: &NewSession<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO sessions \
               (token_hash, user_id, created_at, last_seen_at, expires_at, through, with_second_factor) \
               VALUES ($1, $2, $3, $3, $4, $5, $6)";
    let values = [
        token_hash.as_slice().into(),
        new.user_id.into(),
        new.created_at.into(),
        new.expires_at.into(),
        new.through.into(),
        new.with_second_factor.into(),
    ];
    store.execute(sql, &values).await.map(|_rows| ())
}

/// Begins a session for a password alone.
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
    let through = "password";
    let new = NewSession { user_id, through, with_second_factor: false, created_at: now, expires_at };
    begin_as(store, token_hash, &new).await
}

/// The session with this token's digest, if it has not ended at `now` and its user is not disabled.
///
/// # Errors
/// When the engine refuses.
pub async fn find(store: &Store, token_hash: &[u8; 32], now: i64) -> Result<Option<Session>, StoreError> {
    let sql = "SELECT s.user_id, s.created_at, s.last_seen_at, s.expires_at, s.through, s.with_second_factor \
               FROM sessions s \
               JOIN users u ON u.id = s.user_id \
               WHERE s.token_hash = $1 AND s.expires_at > $2 AND u.disabled_at IS NULL";
    let row = store.row(sql, &[token_hash.as_slice().into(), now.into()]).await?;
    row.map(|row| session(&row)).transpose()
}

fn session(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        user_id: row.id(0)?,
        created_at: row.int(1)?,
        last_seen_at: row.int(2)?,
        expires_at: row.int(3)?,
        through: row.text(4)?,
        with_second_factor: row.int(5)? != 0,
    })
}

/// Sessions of a user that have not ended at `now` nor lain idle since `seen_since`, newest first, at most a page, each with the
/// digest of its token.
///
/// # Errors
/// When the engine refuses.
pub async fn of_user(
    store: &Store,
    user_id: u32,
    now: i64,
    seen_since: i64,
) -> Result<Vec<(Vec<u8>, Session)>, StoreError> {
    let sql = format!(
        "SELECT user_id, created_at, last_seen_at, expires_at, through, with_second_factor, token_hash FROM sessions \
         WHERE user_id = $1 AND expires_at > $2 AND last_seen_at >= $3 \
         ORDER BY created_at DESC, token_hash LIMIT {PAGE_ROWS_MAX}"
    );
    let rows = store.rows(&sql, &[user_id.into(), now.into(), seen_since.into()]).await?;
    rows.iter().map(|row| Ok((row.bytes(6)?, session(row)?))).collect()
}

/// Ends a session of a user; whether it was there.
///
/// # Errors
/// When the engine refuses.
pub async fn end_of(store: &Store, user_id: u32, token_hash: &[u8]) -> Result<bool, StoreError> {
    let sql = "DELETE FROM sessions WHERE user_id = $1 AND token_hash = $2";
    Ok(store.execute(sql, &[user_id.into(), token_hash.into()]).await? > 0)
}

/// Ends every session of a user but one; how many.
///
/// # Errors
/// When the engine refuses.
pub async fn end_others(store: &Store, user_id: u32, token_hash: &[u8; 32]) -> Result<u64, StoreError> {
    let sql = "DELETE FROM sessions WHERE user_id = $1 AND token_hash <> $2";
    store.execute(sql, &[user_id.into(), token_hash.as_slice().into()]).await
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
