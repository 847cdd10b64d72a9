//! Links that let one person create one user.

use store::{Store, StoreError, users};

use crate::access::Role;
use crate::address;
use crate::session::{digest, hex};

/// How long an invitation is good.
const LIFE_MS: i64 = 3 * 24 * 60 * 60_000;

/// Why nobody could be invited.
#[derive(Debug, thiserror::Error)]
pub enum InvitationError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Invites somebody into a role at `now` (milliseconds since 1970, UTC). `token` must be random and is kept as a digest
/// only. What comes back is the path of a page of this console, good for three days and one user.
///
/// # Errors
/// When the store fails.
pub async fn invite(store: &Store, role: Role, token: [u8; 32], now: i64) -> Result<String, InvitationError> {
    let token = hex(&token);
    users::invite(store, &digest(&token), role.as_str(), now, now + LIFE_MS).await?;
    Ok(format!("/setup{}", address::query(&[("token", &token)])))
}

/// The invitation of the first administrator, as long as there is no user at all: to be called at each start.
///
/// # Errors
/// When the store fails.
pub async fn first_run(store: &Store, token: [u8; 32], now: i64) -> Result<Option<String>, InvitationError> {
    if users::count(store).await? > 0 {
        return Ok(None);
    }
    invite(store, Role::Administrator, token, now).await.map(Some)
}
