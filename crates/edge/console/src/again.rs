//! Proving once more who one is, now: a session that was left open is not enough for everything.

use axum::http::StatusCode;
use axum::response::Response;
use identity::IdentityError;
use serde::Deserialize;
use store::users;

use crate::failure::{Failure, sentence};
use crate::passkeys;
use crate::session::{self, Person, Visitor};
use crate::{Console, wording};

/// Who logged in so short a time ago has just proved who it is.
const FRESH_MS: i64 = 10 * 60_000;

/// A password, or a passkey that [`Console::ask_again`] asked for. Part of the form of what it is shown for, so that it is good
/// for that alone.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Proof {
    password: String,
    credential: String,
}

impl Proof {
    /// From the fields of a form that holds other things too.
    pub(crate) fn of(fields: &[(String, String)]) -> Self {
        let field =
            |name: &str| fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value).to_owned();
        Self { password: field("password"), credential: field("credential") }
    }
}

/// Whether somebody is who the session says.
pub(crate) enum Again {
    /// It is, and that is recorded.
    Proved,
    /// It is not, and what to tell.
    Refused(StatusCode, String),
}

impl Person {
    /// Whether it logged in just now.
    pub(crate) fn is_fresh(&self, now: i64) -> bool {
        now - self.since <= FRESH_MS
    }
}

/// What waits for the session's own browser, for `purpose`.
pub(crate) fn key(person: &Person, purpose: &str) -> [u8; 32] {
    session::digest(&format!("{purpose}:{}", session::hex(&person.session)))
}

impl Console {
    /// Asks whoever is logged in for a passkey of theirs, to be shown with a form that takes a [`Proof`].
    pub(crate) async fn ask_again(&self, visitor: &Visitor) -> Result<Response, Failure> {
        let (guard, by) = self.acting(visitor).await?;
        let person = visitor.person.as_ref().ok_or(Failure::Forbidden)?;
        let party = self.passkeys.party()?;
        match guard.view.identity.ask_passkey(party, Some(by.actor.id)).await {
            Ok((options, asked)) => {
                if !self.passkeys.asked_known.put(key(person, "again"), asked, by.now_ms) {
                    return Err(Failure::Busy);
                }
                Ok(passkeys::options(options))
            }
            Err(error) => passkeys::told(error).map(|(status, fault)| passkeys::fault(status, fault)),
        }
    }

    /// Whether whoever is logged in proves now who they are. Failures are counted and recorded as those of a log-in.
    pub(crate) async fn prove_again(&self, visitor: &Visitor, proof: &Proof) -> Result<Again, Failure> {
        let (guard, by) = self.acting(visitor).await?;
        let person = visitor.person.as_ref().ok_or(Failure::Forbidden)?;
        let identity = &guard.view.identity;
        let through = if proof.credential.is_empty() { "password" } else { "passkey" };
        let checked = match through {
            "passkey" => self.shows_passkey(person, &proof.credential, &by).await,
            _ => self.knows_password(person, visitor, proof, &by).await,
        };
        match checked {
            Ok(Ok(by)) => {
                let principal = identity.by_id(by.actor.id).await?;
                identity.proved_again(&principal, through, &by).await?;
                Ok(Again::Proved)
            }
            Ok(Err((status, fault))) => Ok(Again::Refused(status, fault)),
            Err(error) => passkeys::told(error).map(|(status, fault)| Again::Refused(status, fault)),
        }
    }

    async fn shows_passkey(&self, person: &Person, credential: &str, by: &model::By) -> Checked {
        let (Ok(guard), Ok(party)) = (self.guard(), self.passkeys.party()) else { return Ok(Err(nothing())) };
        let Some(asked) = self.passkeys.asked_known.take(&key(person, "again"), by.now_ms) else {
            return Ok(Err((StatusCode::UNAUTHORIZED, "This took too long. Try again.".to_owned())));
        };
        let proven = guard.view.identity.check_passkey(party, asked, credential, by).await?;
        let told =
            || (StatusCode::UNAUTHORIZED, "This passkey was not accepted. Try again, or take another.".to_owned());
        Ok(proven.map(|proven| proven.by(by)).ok_or_else(told))
    }

    async fn knows_password(&self, person: &Person, visitor: &Visitor, proof: &Proof, by: &model::By) -> Checked {
        let Ok(guard) = self.guard() else { return Ok(Err(nothing())) };
        let identity = &guard.view.identity;
        identity.check_lock(by.actor.id, by.now_ms).await?;
        if let Some(left) = self.throttle.locked_for(&person.name, visitor.ip, by.now_ms) {
            let wait = wording::duration(left / 1_000 + 1);
            return Ok(Err((
                StatusCode::TOO_MANY_REQUESTS,
                format!("Too many attempts. Wait {wait}, then try again."),
            )));
        }
        let user = users::by_id(self.catalogue.store(), person.id).await?;
        let hash = user.map(|user| user.password_hash).filter(|hash| hash != users::NO_PASSWORD);
        // Counted before the password is looked at, as at log-in.
        self.throttle.failed(&person.name, visitor.ip, by.now_ms);
        match self.passwords.verify(proof.password.clone(), hash).await {
            Ok(true) => {
                self.throttle.succeeded(&person.name, visitor.ip);
                identity.unlock(by.actor.id, by).await?;
                Ok(Ok(by.clone()))
            }
            Ok(false) => {
                identity.failed(&identity.by_id(by.actor.id).await?, by).await?;
                Ok(Err((StatusCode::UNPROCESSABLE_ENTITY, "The password is wrong. Type it again.".to_owned())))
            }
            Err(error) => Ok(Err((StatusCode::SERVICE_UNAVAILABLE, sentence(&error)))),
        }
    }
}

/// By whom it is done then, or what to tell.
type Checked = Result<Result<model::By, (StatusCode, String)>, IdentityError>;

fn nothing() -> (StatusCode, String) {
    (StatusCode::NOT_FOUND, "There are no passkeys on this server.".to_owned())
}
