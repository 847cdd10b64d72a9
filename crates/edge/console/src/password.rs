//! Passwords: Argon2id, hashed apart from the threads that serve pages, only a few at a time.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

/// Memory of one hash in KiB: 64 MiB, as the second recommended option of RFC 9106 section 4.
const MEMORY_KIB: u32 = 64 * 1024;
/// Passes over it (the same).
const PASSES: u32 = 3;
/// Lanes (the same).
const LANES: u32 = 4;
/// Hashes at a time; together they take twice [`MEMORY_KIB`].
const HASHES_AT_A_TIME: usize = 2;
/// How long a request waits for its turn.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Shortest password: NIST SP 800-63B-4 section 3.1.1.2 for a password that is the only factor.
pub(crate) const LENGTH_MIN_CHARACTERS: usize = 15;
/// Longest password. The same section asks for at least 64; a limit there must be.
const LENGTH_MAX_BYTES: usize = 1_024;
/// Fewer different characters are a pattern, not a password.
const DIFFERENT_CHARACTERS_MIN: usize = 5;

/// Why a password cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It is too short.
    #[error("the password is too short; take at least {LENGTH_MIN_CHARACTERS} characters, such as four or five words")]
    Short,
    /// It is too long.
    #[error("the password is longer than {LENGTH_MAX_BYTES} bytes; take a shorter one")]
    Long,
    /// It repeats itself or the user's name.
    #[error("the password is easy to guess; take words that have nothing to do with your name, and no repetition")]
    Weak,
    /// Too many at once.
    #[error("too many passwords are being checked at the moment; wait a few seconds and try again")]
    Busy,
    /// The hash function refused.
    #[error("the password could not be hashed; try again, and look into the server's log if it fails again")]
    Failed,
}

/// Hashes and verifies a few at a time.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(HASHES_AT_A_TIME)) }
    }
}

impl Passwords {
    /// Whether `password` belongs to `hash`. Without a hash the same work is done and the answer is no, so that the
    /// time taken does not tell whether a user exists.
    pub(crate) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordError> {
        self.in_turn(move || {
            if password.len() > LENGTH_MAX_BYTES {
                return Ok(false);
            }
            match hash {
                Some(hash) => {
                    let parsed = PasswordHash::new(&hash).map_err(failed)?;
                    Ok(hasher()?.verify_password(password.as_bytes(), &parsed).is_ok())
                }
                None => hash_with(&password, [0; 32]).map(|_| false),
            }
        })
        .await
    }

    /// The hash of a new password, after checking that it is no bad one for the user `name`.
    pub(crate) async fn hash(&self, password: String, name: String, salt: [u8; 32]) -> Result<String, PasswordError> {
        self.in_turn(move || hash(&password, &name, salt)).await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let turn = tokio::time::timeout(WAIT_MAX, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(PasswordError::Busy) };
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.unwrap_or(Err(PasswordError::Failed))
    }
}

/// The hash of a new password in PHC form, after checking that it is no bad one for the user `name`. `salt` must be
/// random.
///
/// # Errors
/// When the password is too short, too long or easy to guess.
pub fn hash(password: &str, name: &str, salt: [u8; 32]) -> Result<String, PasswordError> {
    if password.chars().count() < LENGTH_MIN_CHARACTERS {
        return Err(PasswordError::Short);
    }
    if password.len() > LENGTH_MAX_BYTES {
        return Err(PasswordError::Long);
    }
    let different: std::collections::BTreeSet<char> = password.chars().collect();
    let without_name = password.to_lowercase().replace(&name.to_lowercase(), "");
    if different.len() < DIFFERENT_CHARACTERS_MIN || without_name.chars().count() < LENGTH_MIN_CHARACTERS / 2 {
        return Err(PasswordError::Weak);
    }
    hash_with(password, salt)
}

fn hash_with(password: &str, salt: [u8; 32]) -> Result<String, PasswordError> {
    let salt = SaltString::encode_b64(&salt).map_err(failed)?;
    Ok(hasher()?.hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string())
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let parameters = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
}

fn failed(error: impl std::fmt::Display) -> PasswordError {
    tracing::error!(error = %error, "a password could not be hashed or verified");
    PasswordError::Failed
}

#[cfg(test)]
mod tests {
    use super::{PasswordError, Passwords, hash};

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let stored = hash("four words are enough", "ada", [7; 32]).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=65536,t=3,p=4$"), "{stored}");
        let passwords = Passwords::default();
        let verify = |password: &str, hash: Option<String>| passwords.verify(password.to_owned(), hash);
        assert_eq!(verify("four words are enough", Some(stored.clone())).await, Ok(true));
        assert_eq!(verify("four words are Enough", Some(stored)).await, Ok(false));
        assert_eq!(verify("four words are enough", None).await, Ok(false));
    }

    #[test]
    fn bad_passwords_are_refused() {
        assert_eq!(hash("short", "ada", [7; 32]), Err(PasswordError::Short));
        assert_eq!(hash("aaaaaaaaaaaaaaaaaaaa", "ada", [7; 32]), Err(PasswordError::Weak));
        assert_eq!(hash("ada-lovelace-ada-lovelace", "ada-lovelace", [7; 32]), Err(PasswordError::Weak));
        assert_eq!(hash(&"long ".repeat(300), "ada", [7; 32]), Err(PasswordError::Long));
    }
}
