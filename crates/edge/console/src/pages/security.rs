//! One's own credentials: passkeys, one-time codes, recovery codes, sessions.

pub(crate) mod passkeys;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use identity::IdentityError;
use model::event::Activity;
use model::{Action, By, StudyId};
use policy::Circumstances;
use qrcode::{Color, QrCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use store::passkeys::Passkey;
use store::sessions;

use crate::failure::{Failure, render, sentence};
use crate::frame::{Frame, Section};
use crate::pages::second::locked;
use crate::passkeys::Offer;
use crate::session::{self, Person, Visitor};
use crate::wording::{self, Moment};
use crate::{Console, Shared};

/// White modules around a code (ISO/IEC 18004 section 6.3.8).
const QUIET_ZONE: usize = 4;

/// A session of one's own.
struct Row {
    id: String,
    through: String,
    began: Moment,
    seen: Moment,
    is_this: bool,
}

/// A passkey of one's own.
struct PasskeyRow {
    id: String,
    name: String,
    made: Moment,
    used: Option<Moment>,
    /// When its counter went back.
    suspected: Option<Moment>,
}

/// A generator to be confirmed.
struct Fresh {
    /// Side of the drawing, in modules.
    side: usize,
    /// The dark modules as a path.
    path: String,
    /// The secret, for who cannot read the drawing.
    secret: String,
}

#[derive(Template)]
#[template(path = "security/security.html")]
struct Page {
    frame: Frame,
    passkeys: Offer,
    rows: Vec<PasskeyRow>,
    /// Whether making a passkey takes the password.
    asks_password: bool,
    /// Whether making a passkey takes a new log-in, for who has no password.
    asks_log_in: bool,
    has_codes: bool,
    /// Whether a second factor was shown in this session.
    is_strong: bool,
    codes_left: u64,
    fresh: Option<Fresh>,
    /// Recovery codes, told once.
    recovery: Vec<String>,
    fault: String,
    sessions: Vec<Row>,
}

/// What a page shows besides.
#[derive(Default)]
struct Besides {
    fresh: Option<Fresh>,
    recovery: Vec<String>,
    fault: String,
}

fn person(visitor: &Visitor) -> Result<&Person, Failure> {
    visitor.person.as_ref().ok_or(Failure::Forbidden)
}

async fn page(console: &Console, visitor: &Visitor, besides: Besides) -> Result<Response, Failure> {
    let (guard, by) = console.acting(visitor).await?;
    let person = person(visitor)?;
    let now = console.now();
    let identity = &guard.view.identity;
    let found = sessions::of_user(console.catalogue.store(), person.id, now, now - console.idle_ms).await?;
    let row = |(digest, session): (Vec<u8>, sessions::Session)| Row {
        is_this: digest.as_slice() == person.session,
        id: session::hex(&digest),
        through: session.through,
        began: wording::moment(session.created_at, now),
        seen: wording::moment(session.last_seen_at, now),
    };
    render(&Page {
        frame: visitor.frame("Security", Section::None),
        passkeys: console.passkeys.offer(),
        rows: identity.passkeys_of(by.actor.id).await?.into_iter().map(|known| passkey_row(known, now)).collect(),
        asks_password: person.has_password && !person.is_fresh(now),
        asks_log_in: !person.has_password && !person.is_fresh(now),
        has_codes: identity.has_codes(by.actor.id).await?,
        is_strong: visitor.has_second_factor(),
        codes_left: identity.recovery_codes_left(by.actor.id).await?,
        fresh: besides.fresh,
        recovery: besides.recovery,
        fault: besides.fault,
        sessions: found.into_iter().map(row).collect(),
    })
}

fn passkey_row(known: Passkey, now: i64) -> PasskeyRow {
    let at = |time: Option<i64>| time.map(|time| wording::moment(time, now));
    PasskeyRow {
        made: wording::moment(known.created_at, now),
        used: at(known.last_used_at),
        suspected: at(known.suspected_at),
        id: known.id,
        name: known.name,
    }
}

/// What somebody is told whose last second factor has to stay.
pub(super) const NEEDED: &str =
    "What you may do needs a second factor. Set another one up first, then remove this one.";

/// Whether policy refuses something to somebody without a second factor that it allows with one.
pub(super) async fn is_needed(console: &Console, by: &By) -> Result<bool, Failure> {
    let view = &console.guard()?.view;
    let principal = view.identity.by_id(by.actor.id).await?;
    let with = Circumstances { now_ms: by.now_ms, mfa: true, ..Circumstances::default() };
    let without = Circumstances { mfa: false, ..with.clone() };
    let differs = |place: &Option<StudyId>| {
        let allowed = |circumstances: &Circumstances| -> Vec<bool> {
            let told = view.access.tell(&principal, Action::ALL, place.as_ref(), None, circumstances);
            told.iter().map(|told| told.decision.allowed).collect()
        };
        allowed(&with) != allowed(&without)
    };
    Ok(view.access.places(principal.id).iter().any(differs))
}

/// `GET /security`.
pub(crate) async fn show(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    page(&console, &visitor, Besides::default()).await
}

/// `POST /security/codes`. The secret is on the page that comes back and nowhere else.
pub(crate) async fn enrol(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    // A session alone must not put another generator in the place of one that counts.
    if guard.view.identity.has_codes(by.actor.id).await? {
        let told = "You have one-time codes already. Remove them first, with a code.";
        return Err(Failure::BadInput(told.to_owned()));
    }
    let enrolment = guard.view.identity.enrol(by.actor.id, &by).await?;
    let fresh = Some(drawn(enrolment.address.expose_secret())?);
    page(&console, &visitor, Besides { fresh, ..Besides::default() }).await
}

fn drawn(address: &str) -> Result<Fresh, Failure> {
    use std::fmt::Write as _;
    let code = QrCode::new(address.as_bytes()).map_err(|error| {
        tracing::error!(%error, "an address does not fit into a drawing");
        Failure::Internal
    })?;
    let width = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (at % width + QUIET_ZONE, at / width + QUIET_ZONE);
            let _infallible = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    let secret = address.split_once("secret=").and_then(|(_, rest)| rest.split('&').next()).unwrap_or_default();
    Ok(Fresh { side: width + 2 * QUIET_ZONE, path, secret: secret.to_owned() })
}

/// A code, as its form sends it.
#[derive(Deserialize)]
pub(crate) struct Shown {
    code: String,
}

async fn refused(console: &Console, visitor: &Visitor, error: IdentityError) -> Result<Response, Failure> {
    let (status, fault) = match error {
        IdentityError::Locked { wait_s } => (StatusCode::TOO_MANY_REQUESTS, locked(wait_s)),
        error @ IdentityError::Wrong { .. } => (StatusCode::UNPROCESSABLE_ENTITY, sentence(&error)),
        error => return Err(error.into()),
    };
    let page = page(console, visitor, Besides { fault, ..Besides::default() }).await?;
    Ok((status, page).into_response())
}

/// `POST /security/codes/confirm`. Recovery codes are on the page that comes back and nowhere else.
pub(crate) async fn confirm(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<Shown>,
) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    match guard.view.identity.confirm(by.actor.id, &form.code, &by).await {
        Ok(codes) => page(&console, &visitor, Besides { recovery: recovery_codes(&codes), ..Besides::default() }).await,
        Err(error) => refused(&console, &visitor, error).await,
    }
}

/// Recovery codes as they are shown, once.
pub(super) fn recovery_codes(codes: &[SecretString]) -> Vec<String> {
    codes.iter().map(|code| grouped(code.expose_secret())).collect()
}

/// Four groups that can be read and typed; the dashes mean nothing.
fn grouped(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    letters.chunks(6).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// `POST /security/codes/remove`. It takes a code: a session that was left open is not enough.
pub(crate) async fn remove(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<Shown>,
) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let identity = &guard.view.identity;
    if identity.passkeys_of(by.actor.id).await?.is_empty() && is_needed(&console, &by).await? {
        let page = page(&console, &visitor, Besides { fault: NEEDED.to_owned(), ..Besides::default() }).await?;
        return Ok((StatusCode::CONFLICT, page).into_response());
    }
    let is_code = form.code.trim().chars().all(|c| c.is_ascii_digit());
    let checked = match is_code {
        true => identity.check_code(by.actor.id, &form.code, &by).await,
        false => identity.recover(by.actor.id, &form.code, &by).await,
    };
    match checked {
        Ok(true) => {}
        Ok(false) => {
            let what = "this code is not right, or was used before; wait for the next one".to_owned();
            return refused(&console, &visitor, IdentityError::Wrong { what }).await;
        }
        Err(error) => return refused(&console, &visitor, error).await,
    }
    identity.remove_second_factor(by.actor.id, &by).await?;
    Ok(Redirect::to("/security").into_response())
}

/// `POST /security/sessions/{id}/end`.
pub(crate) async fn end(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let person = person(&visitor)?;
    let now = console.now();
    let found = sessions::of_user(console.catalogue.store(), person.id, now, i64::MIN).await?;
    let known = found.into_iter().find(|(digest, _)| session::hex(digest) == id);
    let none = || Failure::NotFound("This session has ended already; reload the page.".to_owned());
    let (digest, _) = known.ok_or_else(none)?;
    guard.view.recorder.record(by.event(Activity::Logoff)).await?;
    sessions::end_of(console.catalogue.store(), person.id, &digest).await?;
    Ok(Redirect::to("/security").into_response())
}

/// `POST /security/sessions/end-others`.
pub(crate) async fn end_others(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let person = person(&visitor)?;
    let mut event = by.event(Activity::Logoff);
    event.new = Some("all other sessions".to_owned());
    guard.view.recorder.record(event).await?;
    sessions::end_others(console.catalogue.store(), person.id, &person.session).await?;
    Ok(Redirect::to("/security").into_response())
}
