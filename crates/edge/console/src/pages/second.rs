//! The second step of logging in: a one-time code or a passkey, or a recovery code when they are lost.

use std::net::IpAddr;

use askama::Template;
use axum::Extension;
use axum::extract::{ConnectInfo, Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use identity::IdentityError;
use model::event::{Actor, Origin};
use model::{By, PrincipalId, PrincipalKind};
use serde::Deserialize;

use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::passkey::{self, LATE, REFUSED, Way};
use crate::passkeys::{self, Offer};
use crate::server::Peer;
use crate::session::{self, Visitor};
use crate::wording;
use crate::{Console, Shared};

/// How long the second step may take, in milliseconds.
pub(crate) const LIFE_MS: i64 = 5 * 60_000;

/// Somebody whose password was right.
#[derive(Clone)]
pub(crate) struct Step {
    user_id: u32,
    principal: PrincipalId,
    next: String,
}

#[derive(Template)]
#[template(path = "login/second.html")]
struct Page {
    frame: Frame,
    /// Why the last attempt failed; empty at first.
    fault: String,
    /// Whether there are one-time codes; there are recovery codes in any case.
    has_codes: bool,
    passkeys: Offer,
}

/// Nobody, as long as it is not known who it is.
pub(crate) fn by_nobody(console: &Console, ip: Option<IpAddr>) -> By {
    let actor = Actor { id: PrincipalId::from_bytes([0; 16]), kind: PrincipalKind::Service, credential: None };
    By { actor, origin: Origin { ip, request: None, through: "console".into() }, now_ms: console.now() }
}

/// What somebody who is locked is told.
pub(crate) fn locked(wait_s: i64) -> String {
    /// Beyond this, only an administrator unlocks.
    const DAYS_MAX_S: i64 = 366 * 24 * 60 * 60;
    if wait_s > DAYS_MAX_S {
        return "Too many attempts. Ask an administrator to unlock you.".to_owned();
    }
    format!("Too many attempts. Wait {}, then try again.", wording::duration(wait_s))
}

/// Logs in whose password was right, or asks for the second step of who has one.
pub(crate) async fn after_password(
    console: &Console,
    user_id: u32,
    from: Option<IpAddr>,
    next: &str,
) -> Result<Response, Failure> {
    if let Some(guard) = &console.guard {
        let identity = &guard.view.identity;
        let by = by_nobody(console, from);
        if let Some(principal) = identity.known_user(user_id).await? {
            if identity.has_second_factor(principal.id).await? {
                let token = session::hex(&(console.random)()?);
                let step = Step { user_id, principal: principal.id, next: next.to_owned() };
                if !console.second.put(session::digest(&token), step, console.now()) {
                    return Err(Failure::Busy);
                }
                let cookie = session::login_cookie(console, &token)?;
                return Ok(session::with_cookie(Redirect::to("/login/second").into_response(), cookie));
            }
            let actor = Actor { id: principal.id, kind: principal.kind, credential: None };
            let by = By { actor, ..by };
            identity.unlock(principal.id, &by).await?;
            identity.logged_on(&principal, "password", false, &by).await?;
        } else {
            // Who never did anything that the guard knows of is made a principal now, and recorded as such.
            match identity.of_user(user_id, &by).await {
                Ok(principal) => identity.logged_on(&principal, "password", false, &by).await?,
                Err(IdentityError::Store(store::StoreError::Exists { .. })) => {
                    tracing::warn!("a user of the console has the name of another principal");
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    let cookie = session::begin(console, user_id, "password", false).await?;
    Ok(session::with_cookie(Redirect::to(next).into_response(), cookie))
}

fn begun(console: &Console, headers: &HeaderMap) -> Option<([u8; 32], Step)> {
    let key = session::digest(session::shown_login(console, headers)?);
    console.second.look(&key, console.now()).map(|step| (key, step))
}

async fn page(console: &Console, visitor: &Visitor, step: &Step, fault: String) -> Result<Response, Failure> {
    let identity = &console.guard()?.view.identity;
    let has_passkeys = !identity.passkeys_of(step.principal).await?.is_empty();
    render(&Page {
        frame: visitor.frame("Second step", Section::None),
        fault,
        has_codes: identity.has_codes(step.principal).await?,
        passkeys: if has_passkeys { console.passkeys.offer() } else { Offer::none() },
    })
}

/// The page again, with what was wrong.
async fn again(
    console: &Console,
    visitor: &Visitor,
    step: &Step,
    status: StatusCode,
    fault: String,
) -> Result<Response, Failure> {
    console.meter.logged_in(false);
    Ok((status, page(console, visitor, step, fault).await?).into_response())
}

/// `GET /login/second`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Some((_, step)) = begun(&console, &headers) else { return Ok(Redirect::to("/login").into_response()) };
    page(&console, &visitor, &step, String::new()).await
}

/// A code, as the form sends it.
#[derive(Deserialize)]
pub(crate) struct Shown {
    code: String,
}

/// `POST /login/second`.
pub(crate) async fn submit(
    State(console): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
    peer: Option<Extension<ConnectInfo<Peer>>>,
    Form(form): Form<Shown>,
) -> Result<Response, Failure> {
    let Some((key, step)) = begun(&console, &headers) else { return Ok(Redirect::to("/login").into_response()) };
    let again = |status, fault| again(&console, &visitor, &step, status, fault);
    let identity = &console.guard()?.view.identity;
    let principal = identity.by_id(step.principal).await?;
    let actor = Actor { id: principal.id, kind: principal.kind, credential: None };
    let by = By { actor, ..by_nobody(&console, peer.map(|Extension(ConnectInfo(peer))| peer.ip())) };
    let is_code = form.code.trim().chars().all(|c| c.is_ascii_digit());
    let checked = match is_code {
        true => identity.check_code(step.principal, &form.code, &by).await,
        false => identity.recover(step.principal, &form.code, &by).await,
    };
    match checked {
        Ok(true) => {}
        Ok(false) => {
            let told = "This code is not right, or was used before. Wait for the next one, or give a recovery code.";
            return again(StatusCode::UNAUTHORIZED, told.to_owned()).await;
        }
        Err(IdentityError::Locked { wait_s }) => return again(StatusCode::TOO_MANY_REQUESTS, locked(wait_s)).await,
        Err(error) => return Err(error.into()),
    }
    if console.second.take(&key, console.now()).is_none() {
        return Ok(Redirect::to("/login").into_response());
    }
    identity.logged_on(&principal, if is_code { "password+totp" } else { "password+recovery" }, true, &by).await?;
    let cookie = session::begin(&console, step.user_id, "password and code", true).await?;
    let response = session::with_cookie(Redirect::to(&step.next).into_response(), cookie);
    Ok(session::with_cookie(response, session::forget_login(&console)?))
}

/// `POST /login/second/passkey/ask`.
pub(crate) async fn ask_passkey(State(console): State<Shared>, headers: HeaderMap) -> Result<Response, Failure> {
    let identity = &console.guard()?.view.identity;
    let party = console.passkeys.party()?;
    let Some((key, step)) = begun(&console, &headers) else {
        return Ok(passkeys::fault(StatusCode::UNAUTHORIZED, "This took too long. Start again.".to_owned()));
    };
    match identity.ask_passkey(party, Some(step.principal)).await {
        Ok((options, asked)) => {
            if !console.passkeys.asked_known.put(key, asked, console.now()) {
                return Err(Failure::Busy);
            }
            Ok(passkeys::options(options))
        }
        Err(error) => passkeys::told(error).map(|(status, fault)| passkeys::fault(status, fault)),
    }
}

/// `POST /login/second/passkey`.
pub(crate) async fn submit_passkey(
    State(console): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<passkey::Shown>,
) -> Result<Response, Failure> {
    let identity = &console.guard()?.view.identity;
    let party = console.passkeys.party()?;
    let Some((key, step)) = begun(&console, &headers) else { return Ok(Redirect::to("/login").into_response()) };
    let again = |status, fault| again(&console, &visitor, &step, status, fault);
    let Some(asked) = console.passkeys.asked_known.take(&key, console.now()) else {
        return again(StatusCode::UNAUTHORIZED, LATE.to_owned()).await;
    };
    let by = by_nobody(&console, visitor.ip);
    match identity.check_passkey(party, asked, &form.credential, &by).await {
        Ok(Some(proven)) => {
            if console.second.take(&key, console.now()).is_none() {
                return Ok(Redirect::to("/login").into_response());
            }
            let entered = passkey::enter(&console, &proven, &step.next, Way::SECOND, &by).await?;
            Ok(entered.unwrap_or_else(|| Redirect::to("/login").into_response()))
        }
        Ok(None) => again(StatusCode::UNAUTHORIZED, REFUSED.to_owned()).await,
        Err(error) => {
            let (status, fault) = passkeys::told(error)?;
            again(status, fault).await
        }
    }
}
