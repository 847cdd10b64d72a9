//! Temporary credentials for somebody else's word: AssumeRoleWithWebIdentity of the AWS Security Token Service.

use model::event::{Activity, Actor, Detail, Outcome};
use model::{By, Event, Scope};
use secrecy::{ExposeSecret, SecretString};
use store::credentials::{self, Temporary};
use store::principals;

use crate::Identity;
use crate::error::IdentityError;
use crate::jwt::{Claims, Issuer, JwtError, verify};
use crate::keys::TEMPORARY_PREFIX;
use crate::principals::told;
use crate::secret::{hash, secret_of_40, token};

/// Shortest life of temporary credentials, in seconds (AWS STS API reference, `DurationSeconds`).
pub const DURATION_MIN_S: i64 = 900;
/// Life of temporary credentials when none is asked for, in seconds (the same).
pub const DURATION_DEFAULT_S: i64 = 3_600;
/// Longest life of temporary credentials, in seconds (the same).
pub const DURATION_MAX_S: i64 = 43_200;

/// New temporary credentials. Secret and token are told once.
#[derive(Debug)]
pub struct NewTemporary {
    /// The public id.
    pub id: String,
    /// The secret.
    pub secret: SecretString,
    /// The session token that comes along with every request.
    pub token: SecretString,
    /// When they end, in milliseconds since 1970, UTC.
    pub expires_at: i64,
    /// Whose they are.
    pub principal: model::PrincipalId,
    /// Who vouched for it.
    pub issuer: String,
    /// Under which name.
    pub subject: String,
}

/// The longest name of a session, in characters (AWS STS API reference, `RoleSessionName`).
pub const SESSION_NAME_MAX: usize = 64;

impl Identity {
    /// Gives temporary credentials to whomever an identity provider vouches for in `web_token`. `event` says from where and
    /// when; its actor is found here, its details are kept.
    ///
    /// # Errors
    /// When the token is not accepted, vouches for nobody here or for somebody disabled, the duration is out of range, it
    /// cannot be recorded, or the store refuses.
    pub async fn assume(
        &self,
        web_token: &str,
        issuers: &[Issuer],
        duration_s: Option<i64>,
        event: Event,
    ) -> Result<NewTemporary, IdentityError> {
        let duration_s = duration_s.unwrap_or(DURATION_DEFAULT_S);
        if !(DURATION_MIN_S..=DURATION_MAX_S).contains(&duration_s) {
            let what = format!("temporary credentials last {DURATION_MIN_S} to {DURATION_MAX_S} seconds");
            return Err(IdentityError::Wrong { what });
        }
        let claims = match verify(web_token, issuers, event.time_ms) {
            Ok(claims) => claims,
            Err(error) => return Err(self.turned_away(event, error).await?),
        };
        let found = principals::of_external(&self.store, &claims.issuer, &claims.subject).await?;
        let Some(principal) = found.filter(|principal| principal.disabled_at.is_none()) else {
            return Err(self.turned_away(event, JwtError::Nobody).await?);
        };
        let actor = Actor { id: principal.id, kind: principal.kind, credential: None };
        let by = By { actor, now_ms: event.time_ms, origin: event.origin };
        self.issue(&principal, claims, duration_s, event.details, &by).await
    }

    async fn issue(
        &self,
        principal: &principals::Principal,
        claims: Claims,
        duration_s: i64,
        mut details: Vec<Detail>,
        by: &By,
    ) -> Result<NewTemporary, IdentityError> {
        let (id, secret) = (self.fresh_id(TEMPORARY_PREFIX)?, secret_of_40(&self.random)?);
        let token = token(&self.random)?;
        let expires_at = by.now_ms.saturating_add(duration_s * 1000);
        let new = Temporary {
            id: id.clone(),
            principal: principal.id,
            secret_sealed: self.seal(principal.id, &id, &secret).await?,
            token_hash: hash(token.expose_secret().as_bytes()),
            issuer: claims.issuer.clone(),
            created_at: by.now_ms,
            expires_at,
            revoked_at: None,
        };
        let mut event = told(Activity::CredentialIssue, principal, by);
        event.new = Some(format!("temporary={id} until={expires_at} issuer={}", new.issuer));
        // What somebody wrote freely is sealed under the key of whom it concerns.
        details.iter_mut().for_each(|detail| detail.scope = Scope::Principal(principal.id));
        event.details.append(&mut details);
        self.effect(event, credentials::create_temporary(&self.store, &new)).await?;
        let (principal, issuer) = (principal.id, new.issuer);
        Ok(NewTemporary { id, secret, token, expires_at, principal, issuer, subject: claims.subject })
    }

    /// Records that a token was not accepted.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn turned_away(&self, event: Event, error: JwtError) -> Result<IdentityError, IdentityError> {
        let outcome = Outcome::Failure { code: "identity:token".into() };
        let event = Event { activity: Activity::Logon, outcome, ..event };
        self.recorder.record(event).await?;
        Ok(error.into())
    }
}
