//! Access keys: a public id and a secret, as S3 signs with.

use std::sync::{Arc, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use model::event::Activity;
use model::{By, PrincipalId, Scope};
use secrecy::{ExposeSecret, SecretString};
use store::credentials::{self, AccessKey};
use store::principals::{self, Principal};

use crate::Identity;
use crate::error::IdentityError;
use crate::principals::told;
use crate::secret::{base32, draw, hash, secret_of_40};

/// Credentials kept in memory.
pub const CACHED_MAX: usize = 16_384;
/// Access keys of one principal that work at a time: two to rotate, a few for its machines.
pub const KEYS_PER_PRINCIPAL_MAX: usize = 8;
/// The first characters of an access key's id.
pub(crate) const KEY_PREFIX: &str = "LZAK";
/// The first characters of the id of temporary credentials.
pub(crate) const TEMPORARY_PREFIX: &str = "LZTS";
/// Characters of an id.
const ID_CHARACTERS: usize = 20;
/// Keys whose use waits to be written down.
const USES_MAX: usize = 100_000;

/// A new access key. The secret is told once.
#[derive(Debug)]
pub struct NewKey {
    /// The public id.
    pub id: String,
    /// The secret.
    pub secret: SecretString,
    /// When it ends, in milliseconds since 1970, UTC.
    pub expires_at: Option<i64>,
}

/// A credential that is good, with whose it is.
#[derive(Debug)]
pub struct Resolved {
    /// Whose it is, with what policy asks about it.
    pub principal: Arc<Principal>,
    /// The secret to check signatures by.
    pub secret: SecretString,
    /// When it ends, in milliseconds since 1970, UTC.
    pub expires_at: Option<i64>,
    /// Digest of the session token that must come along.
    token: Option<[u8; 32]>,
}

impl Resolved {
    /// Whether it is good at `now` with the session token that came along.
    fn holds(&self, token: Option<&str>, now: i64) -> bool {
        let token_is_right = match (&self.token, token) {
            (None, None) => true,
            (Some(expected), Some(shown)) => verify_slices_are_equal(expected, &hash(shown.as_bytes())).is_ok(),
            _ => false,
        };
        token_is_right && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it was given for somebody else's word, for a while.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.token.is_some()
    }

    #[cfg(test)]
    pub(crate) fn example(id: PrincipalId, kind: model::PrincipalKind) -> Self {
        let principal = Principal {
            id,
            kind,
            name: String::new(),
            user_id: None,
            organisation: None,
            training_until: None,
            agreement_until: None,
            contained_at: None,
            created_at: 0,
            disabled_at: None,
        };
        Self { principal: Arc::new(principal), secret: SecretString::from(""), expires_at: None, token: None }
    }
}

/// A credential as it is kept, good or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Whose it is.
    pub principal: PrincipalId,
    /// Whether it was given for somebody else's word, for a while.
    pub is_temporary: bool,
    /// When it ends, in milliseconds since 1970, UTC.
    pub expires_at: Option<i64>,
    /// Since when it is revoked, if so.
    pub revoked_at: Option<i64>,
}

impl Identity {
    /// An access key or temporary credentials, good or not. `None`: there never were any, or they were temporary and have been over for
    /// some time.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn kept(&self, id: &str) -> Result<Option<Kept>, IdentityError> {
        if id.starts_with(TEMPORARY_PREFIX) {
            let found = credentials::temporary(&self.store, id).await?;
            return Ok(found.map(|found| Kept {
                principal: found.principal,
                is_temporary: true,
                expires_at: Some(found.expires_at),
                revoked_at: found.revoked_at,
            }));
        }
        let found = credentials::key(&self.store, id).await?;
        Ok(found.map(|key| Kept {
            principal: key.principal,
            is_temporary: false,
            expires_at: key.expires_at,
            revoked_at: key.disabled_at,
        }))
    }

    /// Makes an access key for a principal. The secret is sealed under the principal's own key and never told again.
    ///
    /// # Errors
    /// When the principal is disabled or has too many, it cannot be recorded, or the store refuses.
    pub async fn create_key(&self, of: PrincipalId, expires_at: Option<i64>, by: &By) -> Result<NewKey, IdentityError> {
        let principal = self.living(of).await?;
        if expires_at.is_some_and(|end| end <= by.now_ms) {
            return Err(IdentityError::Wrong {
                what: "an access key cannot end in the past; give a later end".to_owned(),
            });
        }
        let keys = credentials::keys_of(&self.store, of).await?;
        let works = |key: &&AccessKey| key.disabled_at.is_none() && key.expires_at.is_none_or(|end| by.now_ms < end);
        if keys.iter().filter(works).count() >= KEYS_PER_PRINCIPAL_MAX {
            return Err(IdentityError::TooManyKeys { name: principal.name, max: KEYS_PER_PRINCIPAL_MAX });
        }
        let id = self.fresh_id(KEY_PREFIX)?;
        let secret = secret_of_40(&self.random)?;
        let secret_sealed = self.seal(of, &id, &secret).await?;
        let mut event = told(Activity::CredentialIssue, &principal, by);
        event.new =
            Some(format!("access-key={id}{}", expires_at.map_or_else(String::new, |end| format!(" until={end}"))));
        let key = AccessKey {
            id: id.clone(),
            principal: of,
            secret_sealed,
            created_at: by.now_ms,
            expires_at,
            disabled_at: None,
            last_used_at: None,
        };
        self.effect(event, credentials::create_key(&self.store, &key)).await?;
        Ok(NewKey { id, secret, expires_at })
    }

    /// Revokes an access key; it works no more from this moment on.
    ///
    /// # Errors
    /// When there is none, it cannot be recorded, or the store refuses.
    pub async fn revoke_key(&self, id: &str, by: &By) -> Result<(), IdentityError> {
        let missing = || IdentityError::Missing { what: "access key", id: id.to_owned() };
        let key = credentials::key(&self.store, id).await?.ok_or_else(missing)?;
        let principal = self.by_id(key.principal).await?;
        let mut event = told(Activity::CredentialRevoke, &principal, by);
        event.old = Some(format!("access-key={id}"));
        let revoked = self.effect(event, credentials::revoke_key(&self.store, id, by.now_ms)).await;
        self.cache.forget_key(id);
        revoked.map(|_was_good| ())
    }

    /// Lets an access key work again that was revoked while something was looked into. One that ended meanwhile stays ended.
    ///
    /// # Errors
    /// When there is none, its principal is disabled, it cannot be recorded, or the store refuses.
    pub async fn restore_key(&self, id: &str, by: &By) -> Result<(), IdentityError> {
        let missing = || IdentityError::Missing { what: "access key", id: id.to_owned() };
        let key = credentials::key(&self.store, id).await?.ok_or_else(missing)?;
        let principal = self.living(key.principal).await?;
        let mut event = told(Activity::CredentialIssue, &principal, by);
        event.new = Some(format!("access-key={id} restored"));
        let restored = self.effect(event, credentials::restore_key(&self.store, id)).await;
        self.cache.forget_key(id);
        restored.map(|_was_revoked| ())
    }

    /// Every access key of a principal, newest first, good or not; secrets stay sealed.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn keys_of(&self, of: PrincipalId) -> Result<Vec<AccessKey>, IdentityError> {
        Ok(credentials::keys_of(&self.store, of).await?)
    }

    /// The credential with the public id `id`, if it is good at `now_ms` together with `token`, the session token that came
    /// along, if one did. `None` says no more: unknown, revoked, over, its principal disabled.
    ///
    /// # Errors
    /// When the store refuses or the secret cannot be opened. Nothing may be released then.
    pub async fn resolve(
        &self,
        id: &str,
        token: Option<&str>,
        now_ms: i64,
    ) -> Result<Option<Arc<Resolved>>, IdentityError> {
        if let Some(found) = self.cache.find(id) {
            if !found.holds(token, now_ms) {
                return Ok(None);
            }
            self.note(id, now_ms);
            return Ok(Some(found));
        }
        let is_id =
            id.len() == ID_CHARACTERS && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !is_id {
            return Ok(None);
        }
        let epoch = self.cache.epoch();
        let Some(found) = self.read(id, now_ms).await? else { return Ok(None) };
        let found = Arc::new(found);
        self.cache.put(id, Arc::clone(&found), epoch);
        if !found.holds(token, now_ms) {
            return Ok(None);
        }
        self.note(id, now_ms);
        Ok(Some(found))
    }

    /// The secret to check a signature by, of a credential that is good at `now_ms`. Whether its session token came along is
    /// asked of [`Identity::resolve`] afterwards: a signature that does not fit is refused before.
    ///
    /// # Errors
    /// As [`Identity::resolve`].
    pub async fn secret(&self, id: &str, now_ms: i64) -> Result<Option<SecretString>, IdentityError> {
        let cached = self.cache.find(id);
        let found = match cached {
            Some(found) => found,
            None => {
                let is_id = id.len() == ID_CHARACTERS
                    && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
                if !is_id {
                    return Ok(None);
                }
                let epoch = self.cache.epoch();
                let Some(found) = self.read(id, now_ms).await? else { return Ok(None) };
                let found = Arc::new(found);
                self.cache.put(id, Arc::clone(&found), epoch);
                found
            }
        };
        Ok(found.expires_at.is_none_or(|end| now_ms < end).then(|| found.secret.clone()))
    }

    async fn read(&self, id: &str, now: i64) -> Result<Option<Resolved>, IdentityError> {
        let (of, sealed, expires_at, token) = if id.starts_with(TEMPORARY_PREFIX) {
            match credentials::temporary(&self.store, id).await? {
                Some(found) if found.revoked_at.is_none() => {
                    (found.principal, found.secret_sealed, Some(found.expires_at), Some(found.token_hash))
                }
                _ => return Ok(None),
            }
        } else {
            match credentials::key(&self.store, id).await? {
                Some(key) if key.disabled_at.is_none() => (key.principal, key.secret_sealed, key.expires_at, None),
                _ => return Ok(None),
            }
        };
        if expires_at.is_some_and(|end| end <= now) {
            return Ok(None);
        }
        let Some(principal) = principals::by_id(&self.store, of).await?.filter(|p| p.disabled_at.is_none()) else {
            return Ok(None);
        };
        let plain = zeroize::Zeroizing::new(self.envelope.open(&Scope::Principal(of), &context(id), &sealed).await?);
        let secret = SecretString::from(String::from_utf8_lossy(&plain).into_owned());
        Ok(Some(Resolved { principal: Arc::new(principal), secret, expires_at, token }))
    }

    fn note(&self, id: &str, now: i64) {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = uses.get_mut(id) {
            *last = now;
        } else if uses.len() < USES_MAX {
            uses.insert(id.to_owned(), now);
        }
    }

    /// Writes down when access keys were last used. The caller asks for it every minute or so, and before it ends.
    ///
    /// # Errors
    /// When the store refuses; what was to be written is lost then, and written at the next use.
    pub async fn flush(&self) -> Result<(), IdentityError> {
        let uses: Vec<(String, i64)> = {
            let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
            uses.drain().filter(|(id, _)| id.starts_with(KEY_PREFIX)).collect()
        };
        Ok(credentials::touch_keys(&self.store, &uses).await?)
    }

    pub(crate) async fn living(&self, id: PrincipalId) -> Result<Principal, IdentityError> {
        let principal = self.by_id(id).await?;
        match principal.disabled_at {
            Some(_) => Err(IdentityError::Disabled { name: principal.name }),
            None => Ok(principal),
        }
    }

    /// 80 random bits: of a million keys, two are the same once in 10^12.
    pub(crate) fn fresh_id(&self, prefix: &str) -> Result<String, IdentityError> {
        let bytes = draw(&self.random)?;
        Ok(format!("{prefix}{}", base32(bytes.as_slice(), ID_CHARACTERS - prefix.len())))
    }

    pub(crate) async fn seal(
        &self,
        of: PrincipalId,
        id: &str,
        secret: &SecretString,
    ) -> Result<Vec<u8>, IdentityError> {
        let plain = secret.expose_secret().as_bytes();
        Ok(self.envelope.seal(&Scope::Principal(of), &context(id), plain).await?)
    }
}

/// What a sealed secret belongs to.
fn context(id: &str) -> Vec<u8> {
    format!("identity:credential:{id}").into_bytes()
}
