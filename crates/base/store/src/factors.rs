//! Second factors, recovery codes, and failures to log in. Secrets come sealed, codes and suspects as digests.

use model::PrincipalId;

use crate::{Insert, Store, StoreError, passkeys};

/// A generator of one-time codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    /// The shared secret, sealed.
    pub sealed: Vec<u8>,
    /// When a first code proved that it works, if one did.
    pub confirmed_at: Option<i64>,
    /// The time step of the last code that was taken; no code of this or an earlier step is taken again.
    pub last_step: i64,
}

/// Keeps the generator of a principal in place of the one before; it counts once it is confirmed.
///
/// # Errors
/// When the engine refuses.
pub async fn enrol(store: &Store, of: PrincipalId, sealed: &[u8], now: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO second_factors (principal, totp_sealed, created_at, last_step) VALUES ($1, $2, $3, -1) \
               ON CONFLICT (principal) DO UPDATE SET totp_sealed = excluded.totp_sealed, \
               created_at = excluded.created_at, confirmed_at = NULL, last_step = -1";
    store.execute(sql, &[of.into(), sealed.into(), now.into()]).await.map(|_rows| ())
}

/// The generator of a principal.
///
/// # Errors
/// When the engine refuses.
pub async fn totp(store: &Store, of: PrincipalId) -> Result<Option<Totp>, StoreError> {
    let sql = "SELECT totp_sealed, confirmed_at, last_step FROM second_factors WHERE principal = $1";
    let row = store.row(sql, &[of.into()]).await?;
    row.map(|row| Ok(Totp { sealed: row.bytes(0)?, confirmed_at: row.int_opt(1)?, last_step: row.int(2)? })).transpose()
}

/// Uses up the time step `step`, and confirms the generator if it was not; `false` when this or a later step was used
/// before.
///
/// # Errors
/// When the engine refuses.
pub async fn use_step(store: &Store, of: PrincipalId, step: i64, now: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE second_factors SET last_step = $2, confirmed_at = COALESCE(confirmed_at, $3) \
               WHERE principal = $1 AND last_step < $2";
    Ok(store.execute(sql, &[of.into(), step.into(), now.into()]).await? > 0)
}

/// Takes the generator of a principal away, and the recovery codes unless a passkey is left; whether there was a generator.
///
/// # Errors
/// When the engine refuses.
pub async fn remove(store: &Store, of: PrincipalId) -> Result<bool, StoreError> {
    let mut transaction = store.begin().await?;
    let removed = transaction.execute("DELETE FROM second_factors WHERE principal = $1", &[of.into()]).await?;
    passkeys::forget_useless_codes(&mut transaction, of).await?;
    transaction.commit().await?;
    Ok(removed > 0)
}

/// Keeps new recovery codes of a principal in place of all earlier ones.
///
/// # Errors
/// When the engine refuses.
pub async fn put_recovery_codes(store: &Store, of: PrincipalId, hashes: &[[u8; 32]]) -> Result<(), StoreError> {
    let mut transaction = store.begin().await?;
    transaction.execute("DELETE FROM recovery_codes WHERE principal = $1", &[of.into()]).await?;
    let mut insert = Insert::into("recovery_codes", &["principal", "code_hash"]);
    for hash in hashes {
        insert.row([of.into(), hash.as_slice().into()]);
    }
    if !insert.is_empty() {
        insert.run(&mut transaction).await?;
    }
    transaction.commit().await
}

/// Uses a recovery code up; whether it was good.
///
/// # Errors
/// When the engine refuses.
pub async fn use_recovery_code(store: &Store, of: PrincipalId, hash: &[u8; 32], now: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE recovery_codes SET used_at = $3 WHERE principal = $1 AND code_hash = $2 AND used_at IS NULL";
    Ok(store.execute(sql, &[of.into(), hash.as_slice().into(), now.into()]).await? > 0)
}

/// How many recovery codes are left.
///
/// # Errors
/// When the engine refuses.
pub async fn recovery_codes_left(store: &Store, of: PrincipalId) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM recovery_codes WHERE principal = $1 AND used_at IS NULL";
    store.row(sql, &[of.into()]).await?.map_or(Ok(0), |row| row.unsigned(0))
}

/// Failures of one suspect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures {
    /// How many in a row.
    pub failures: u32,
    /// When the last was, in milliseconds since 1970, UTC.
    pub last_at: i64,
    /// Until when no further attempt is looked at.
    pub locked_until: i64,
}

/// What is known of a suspect.
///
/// # Errors
/// When the engine refuses.
pub async fn failures(store: &Store, suspect: &[u8; 32]) -> Result<Failures, StoreError> {
    let sql = "SELECT failures, last_at, locked_until FROM lockouts WHERE suspect = $1";
    let row = store.row(sql, &[suspect.as_slice().into()]).await?;
    row.map_or(Ok(Failures::default()), |row| {
        Ok(Failures { failures: row.id(0)?, last_at: row.int(1)?, locked_until: row.int(2)? })
    })
}

/// Counts a failure at `now` in one step, so that failures at the same time are all counted; `next` says what the counts
/// become.
///
/// # Errors
/// When the engine refuses.
pub async fn fail(
    store: &Store,
    suspect: &[u8; 32],
    next: impl FnOnce(Failures) -> Failures,
) -> Result<Failures, StoreError> {
    let mut transaction = store.begin().await?;
    let key = || suspect.as_slice().into();
    let sql = "SELECT failures, last_at, locked_until FROM lockouts WHERE suspect = $1";
    let before = match transaction.row(sql, &[key()]).await? {
        Some(row) => Failures { failures: row.id(0)?, last_at: row.int(1)?, locked_until: row.int(2)? },
        None => Failures::default(),
    };
    let after = next(before);
    let sql = "INSERT INTO lockouts (suspect, failures, last_at, locked_until) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (suspect) DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at, \
               locked_until = excluded.locked_until";
    let values = [key(), after.failures.into(), after.last_at.into(), after.locked_until.into()];
    transaction.execute(sql, &values).await?;
    transaction.commit().await?;
    Ok(after)
}

/// Forgets a suspect's failures.
///
/// # Errors
/// When the engine refuses.
pub async fn forgive(store: &Store, suspect: &[u8; 32]) -> Result<(), StoreError> {
    store.execute("DELETE FROM lockouts WHERE suspect = $1", &[suspect.as_slice().into()]).await.map(|_rows| ())
}

/// Forgets failures whose last was before `before` and that lock nobody at `now`; how many suspects.
///
/// # Errors
/// When the engine refuses.
pub async fn sweep_failures(store: &Store, before: i64, now: i64) -> Result<u64, StoreError> {
    let sql = "DELETE FROM lockouts WHERE last_at < $1 AND locked_until <= $2";
    store.execute(sql, &[before.into(), now.into()]).await
}
