//! People who may log in to the console, and the invitation that creates the first of them.

use crate::{Row, Store, StoreError};

/// One user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: u32,
    /// The name to log in with.
    pub name: String,
    /// The password's Argon2id hash in PHC form.
    pub password_hash: String,
    /// The role's name.
    pub role: String,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When the user was shut out, if so.
    pub disabled_at: Option<i64>,
}

/// In place of a hash: no password is this user's.
pub const NO_PASSWORD: &str = "!";

const COLUMNS: &str = "id, name, password_hash, role, created_at, disabled_at";

fn user(row: &Row) -> Result<User, StoreError> {
    Ok(User {
        id: row.id(0)?,
        name: row.text(1)?,
        password_hash: row.text(2)?,
        role: row.text(3)?,
        created_at: row.int(4)?,
        disabled_at: row.int_opt(5)?,
    })
}

/// Creates a user.
///
/// # Errors
/// When the name is taken or the engine refuses.
pub async fn create(store: &Store, name: &str, password_hash: &str, role: &str, now: i64) -> Result<u32, StoreError> {
    let mut transaction = store.begin().await?;
    let id = insert(&mut transaction, name, password_hash, role, now).await?;
    transaction.commit().await?;
    Ok(id)
}

async fn insert(
    transaction: &mut crate::Transaction,
    name: &str,
    password_hash: &str,
    role: &str,
    now: i64,
) -> Result<u32, StoreError> {
    let id = transaction.allocate("users", 1).await?;
    let sql = "INSERT INTO users (id, name, password_hash, role, created_at) VALUES ($1, $2, $3, $4, $5)";
    let values = [id.into(), name.into(), password_hash.into(), role.into(), now.into()];
    transaction.execute(sql, &values).await.map_err(|error| {
        if error.is_unique_violation() { StoreError::Exists { what: "user", name: name.to_owned() } } else { error }
    })?;
    Ok(u32::try_from(id).unwrap_or(u32::MAX))
}

/// The user called `name`, disabled or not.
///
/// # Errors
/// When the engine refuses.
pub async fn by_name(store: &Store, name: &str) -> Result<Option<User>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM users WHERE name = $1");
    store.row(&sql, &[name.into()]).await?.map(|row| user(&row)).transpose()
}

/// The user with `id`, disabled or not.
///
/// # Errors
/// When the engine refuses.
pub async fn by_id(store: &Store, id: u32) -> Result<Option<User>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM users WHERE id = $1");
    store.row(&sql, &[id.into()]).await?.map(|row| user(&row)).transpose()
}

/// Every user by name, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn all(store: &Store) -> Result<Vec<User>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM users ORDER BY name LIMIT {}", crate::PAGE_ROWS_MAX);
    store.rows(&sql, &[]).await?.iter().map(user).collect()
}

/// How many users there are.
///
/// # Errors
/// When the engine refuses.
pub async fn count(store: &Store) -> Result<u64, StoreError> {
    store.row("SELECT COUNT(*) FROM users", &[]).await?.map_or(Ok(0), |row| row.unsigned(0))
}

/// Sets another password hash; every session of the user ends.
///
/// # Errors
/// When the engine refuses.
pub async fn set_password(store: &Store, id: u32, password_hash: &str) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let values = [id.into(), password_hash.into()];
    transaction.execute("UPDATE users SET password_hash = $2 WHERE id = $1", &values).await?;
    transaction.execute("DELETE FROM sessions WHERE user_id = $1", &[id.into()]).await?;
    transaction.commit().await
}

/// Shuts a user out and ends every session.
///
/// # Errors
/// When the engine refuses.
pub async fn disable(store: &Store, id: u32, now: i64) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    let values = [id.into(), now.into()];
    transaction.execute("UPDATE users SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL", &values).await?;
    transaction.execute("DELETE FROM sessions WHERE user_id = $1", &[id.into()]).await?;
    transaction.commit().await
}

/// Lets a user log in again.
///
/// # Errors
/// When the engine refuses.
pub async fn enable(store: &Store, id: u32) -> Result<(), StoreError> {
    store.execute("UPDATE users SET disabled_at = NULL WHERE id = $1", &[id.into()]).await.map(|_rows| ())
}

/// Keeps the digest of an invitation's token. Whoever brings the token before `expires_at` may create one user.
///
/// # Errors
/// When the engine refuses.
pub async fn invite(
    store: &Store,
    token_hash: &[u8; 32],
    role: &str,
    now: i64,
    expires_at: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO invitations (token_hash, role, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    store.execute(sql, &[token_hash.as_slice().into(), role.into(), now.into(), expires_at.into()]).await?;
    Ok(())
}

/// The role that an invitation grants, if it is still good at `now`.
///
/// # Errors
/// When the engine refuses.
pub async fn invitation(store: &Store, token_hash: &[u8; 32], now: i64) -> Result<Option<String>, StoreError> {
    let sql = "SELECT role FROM invitations WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2";
    store.row(sql, &[token_hash.as_slice().into(), now.into()]).await?.map(|row| row.text(0)).transpose()
}

/// Uses an invitation up and creates its user in one step. `None` when the invitation is not good (any more).
///
/// # Errors
/// When the name is taken (the invitation stays good then) or the engine refuses.
pub async fn accept(
    store: &Store,
    token_hash: &[u8; 32],
    name: &str,
    password_hash: &str,
    now: i64,
) -> Result<Option<u32>, StoreError> {
    let mut transaction = store.begin().await?;
    let sql = "UPDATE invitations SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 \
               RETURNING role";
    let values = [token_hash.as_slice().into(), now.into()];
    let Some(row) = transaction.row(sql, &values).await? else { return Ok(None) };
    let id = insert(&mut transaction, name, password_hash, &row.text(0)?, now).await?;
    transaction.commit().await?;
    Ok(Some(id))
}
