//! Passkeys: public keys of people, with the counters of their authenticators.

use model::PrincipalId;

use crate::nouns::principal;
use crate::{PAGE_ROWS_MAX, Row, Store, StoreError, Transaction};

/// One passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// Its public id.
    pub id: String,
    /// Whose it is.
    pub principal: PrincipalId,
    /// The authenticator's own id of it.
    pub credential_id: Vec<u8>,
    /// Its public key with its counter, as text that the caller understands.
    pub credential: String,
    /// What its owner calls it.
    pub name: String,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When it was last used.
    pub last_used_at: Option<i64>,
    /// When its counter last went back, if it ever did.
    pub suspected_at: Option<i64>,
}

const COLUMNS: &str = "id, principal, credential_id, credential, name, created_at, last_used_at, suspected_at";

fn passkey(row: &Row) -> Result<Passkey, StoreError> {
    Ok(Passkey {
        id: row.text(0)?,
        principal: principal(row, 1)?,
        credential_id: row.bytes(2)?,
        credential: row.text(3)?,
        name: row.text(4)?,
        created_at: row.int(5)?,
        last_used_at: row.int_opt(6)?,
        suspected_at: row.int_opt(7)?,
    })
}

/// Keeps a new passkey.
///
/// # Errors
/// When its authenticator's id of it is known already, or the engine refuses.
pub async fn create(store: &Store, new: &Passkey) -> Result<(), StoreError> {
    let sql = "INSERT INTO passkeys (id, principal, credential_id, credential, name, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let values = [
        new.id.as_str().into(),
        new.principal.into(),
        new.credential_id.as_slice().into(),
        new.credential.as_str().into(),
        new.name.as_str().into(),
        new.created_at.into(),
    ];
    let done = store.execute(sql, &values).await;
    done.map(|_rows| ()).map_err(|error| {
        if error.is_unique_violation() { StoreError::Exists { what: "passkey", name: new.name.clone() } } else { error }
    })
}

/// The passkey that an authenticator calls `credential_id`.
///
/// # Errors
/// When the engine refuses.
pub async fn by_credential(store: &Store, credential_id: &[u8]) -> Result<Option<Passkey>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM passkeys WHERE credential_id = $1");
    store.row(&sql, &[credential_id.into()]).await?.map(|row| passkey(&row)).transpose()
}

/// Passkeys of a principal, oldest first, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn of(store: &Store, of: PrincipalId) -> Result<Vec<Passkey>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM passkeys WHERE principal = $1 ORDER BY created_at, id LIMIT {PAGE_ROWS_MAX}");
    store.rows(&sql, &[of.into()]).await?.iter().map(passkey).collect()
}

/// Notes a use, which makes the credential `before` the credential `after`; `false` when it is gone or was used by somebody
/// else meanwhile.
///
/// # Errors
/// When the engine refuses.
pub async fn used(store: &Store, id: &str, before: &str, after: &str, now: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE passkeys SET credential = $3, last_used_at = $4 WHERE id = $1 AND credential = $2";
    Ok(store.execute(sql, &[id.into(), before.into(), after.into(), now.into()]).await? > 0)
}

/// Notes that its counter went back.
///
/// # Errors
/// When the engine refuses.
pub async fn suspect(store: &Store, id: &str, now: i64) -> Result<(), StoreError> {
    let sql = "UPDATE passkeys SET suspected_at = $2 WHERE id = $1";
    store.execute(sql, &[id.into(), now.into()]).await.map(|_rows| ())
}

/// Takes a passkey of a principal away, and with its last second factor the recovery codes; whether it was there.
///
/// # Errors
/// When the engine refuses.
pub async fn remove(store: &Store, of: PrincipalId, id: &str) -> Result<bool, StoreError> {
    let mut transaction = store.begin().await?;
    let sql = "DELETE FROM passkeys WHERE principal = $1 AND id = $2";
    let removed = transaction.execute(sql, &[of.into(), id.into()]).await?;
    forget_useless_codes(&mut transaction, of).await?;
    transaction.commit().await?;
    Ok(removed > 0)
}

/// Takes every passkey of a principal away, as [`remove`]; how many there were.
///
/// # Errors
/// When the engine refuses.
pub async fn remove_all(store: &Store, of: PrincipalId) -> Result<u64, StoreError> {
    let mut transaction = store.begin().await?;
    let removed = transaction.execute("DELETE FROM passkeys WHERE principal = $1", &[of.into()]).await?;
    forget_useless_codes(&mut transaction, of).await?;
    transaction.commit().await?;
    Ok(removed)
}

/// Recovery codes stand in for a second factor: without one there is nothing to stand in for.
pub(crate) async fn forget_useless_codes(transaction: &mut Transaction, of: PrincipalId) -> Result<(), StoreError> {
    let sql = "DELETE FROM recovery_codes WHERE principal = $1 \
               AND NOT EXISTS (SELECT 1 FROM passkeys p WHERE p.principal = $1) \
               AND NOT EXISTS (SELECT 1 FROM second_factors f WHERE f.principal = $1 AND f.confirmed_at IS NOT NULL)";
    transaction.execute(sql, &[of.into()]).await.map(|_rows| ())
}
