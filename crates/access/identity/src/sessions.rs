//! Sessions outside the console, with automatic logoff.

use model::event::{Activity, Actor, Outcome};
use model::{By, Event, PrincipalId};
use secrecy::{ExposeSecret, SecretString};
use store::credentials::{self, PrincipalSession};
use store::principals::Principal;

use crate::Identity;
use crate::error::IdentityError;
use crate::principals::told;
use crate::secret::{hash, token};

/// A session ends this long after it began: half a day (NIST SP 800-63B-4 section 2.2.3 allows a day).
pub const SESSION_LIFE_MS: i64 = 12 * 60 * 60_000;
/// A session ends after this long without use: 45 CFR 164.312(a)(2)(iii), automatic logoff.
pub const SESSION_IDLE_MS: i64 = 30 * 60_000;
/// Use is noted at most this often.
const TOUCH_EVERY_MS: i64 = 60_000;

impl Identity {
    /// Begins a session of a principal that has proved who it is; the token is told once.
    ///
    /// # Errors
    /// When the principal is disabled, it cannot be recorded, or the store refuses.
    pub async fn log_on(
        &self,
        of: PrincipalId,
        with_second_factor: bool,
        by: &By,
    ) -> Result<SecretString, IdentityError> {
        let principal = self.living(of).await?;
        let token = token(&self.random)?;
        let now = by.now_ms;
        let session = PrincipalSession {
            principal: of,
            through: by.origin.through.to_string(),
            with_second_factor,
            created_at: now,
            last_seen_at: now,
            expires_at: now.saturating_add(SESSION_LIFE_MS),
        };
        let mut event = logon(&principal, by);
        event.new = Some(format!("second-factor={with_second_factor}"));
        let digest = hash(token.expose_secret().as_bytes());
        self.effect(event, credentials::begin_session(&self.store, &digest, &session)).await?;
        Ok(token)
    }

    /// Records that a principal proved who it is, for whoever keeps its session; `through` says by what.
    ///
    /// # Errors
    /// When it cannot be recorded. No session may begin then.
    pub async fn logged_on(
        &self,
        principal: &Principal,
        through: &str,
        with_second_factor: bool,
        by: &By,
    ) -> Result<(), IdentityError> {
        let mut event = logon(principal, by);
        event.new = Some(format!("through={through} second-factor={with_second_factor}"));
        self.recorder.record(event).await?;
        Ok(())
    }

    /// Records that a principal who has a session proved once more who it is, before something that a session alone is not enough
    /// for; `through` says by what.
    ///
    /// # Errors
    /// When it cannot be recorded. What it was asked for must not be done then.
    pub async fn proved_again(&self, principal: &Principal, through: &str, by: &By) -> Result<(), IdentityError> {
        let mut event = logon(principal, by);
        event.reason = Some("again".to_owned());
        event.new = Some(format!("through={through}"));
        self.recorder.record(event).await?;
        Ok(())
    }

    /// Records that somebody was not let in, and why; `principal`, if it is known whom it was about.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn refused_logon(
        &self,
        principal: Option<&Principal>,
        code: &'static str,
        by: &By,
    ) -> Result<(), IdentityError> {
        let mut event = by.event(Activity::Logon);
        event.actor = None;
        event.resource.entity = principal.map(|principal| format!("principal:{}", principal.id));
        event.outcome = Outcome::Failure { code: code.into() };
        self.recorder.record(event).await?;
        Ok(())
    }

    /// The session that `token` belongs to, if it has not ended at `now_ms`; its use is noted.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn session(&self, token: &str, now_ms: i64) -> Result<Option<PrincipalSession>, IdentityError> {
        let digest = hash(token.as_bytes());
        let found = credentials::session(&self.store, &digest, now_ms, now_ms - SESSION_IDLE_MS).await?;
        if found.as_ref().is_some_and(|session| now_ms - session.last_seen_at >= TOUCH_EVERY_MS) {
            credentials::touch_session(&self.store, &digest, now_ms).await?;
        }
        Ok(found)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When it cannot be recorded, or the store refuses.
    pub async fn log_off(&self, token: &str, by: &By) -> Result<(), IdentityError> {
        let digest = hash(token.as_bytes());
        let Some(session) = credentials::session(&self.store, &digest, by.now_ms, i64::MIN).await? else {
            return Ok(());
        };
        let event = told(Activity::Logoff, &self.by_id(session.principal).await?, by);
        self.effect(event, credentials::end_session(&self.store, &digest)).await.map(|_was_there| ())
    }
}

/// A logon is done by the one who logs on, whoever keeps the session, with the credential that was shown.
fn logon(principal: &Principal, by: &By) -> Event {
    let mut event = told(Activity::Logon, principal, by);
    let credential = by.actor.credential.clone().filter(|_| by.actor.id == principal.id);
    event.actor = Some(Actor { id: principal.id, kind: principal.kind, credential });
    event
}
