//! Logging in and out.

use std::net::IpAddr;

use askama::Template;
use axum::Extension;
use axum::extract::{ConnectInfo, Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use identity::IdentityError;
use model::By;
use serde::Deserialize;
use store::principals::Principal;
use store::users::{self, User};

use crate::failure::{Failure, render, sentence};
use crate::federated::Federated;
use crate::frame::{Frame, Section};
use crate::pages::second;
use crate::passkeys::Offer;
use crate::server::Peer;
use crate::session::{self, Visitor};
use crate::wording;
use crate::{Console, Shared, address};

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    next: String,
}

#[derive(Template)]
#[template(path = "login/login.html")]
struct Page {
    frame: Frame,
    name: String,
    next: String,
    /// Why the last attempt failed; empty at first.
    fault: String,
    /// Names of identity providers.
    ways: Vec<String>,
    /// What their addresses end with.
    query: String,
    passkeys: Offer,
}

fn page(console: &Console, visitor: &Visitor, name: String, next: &str, fault: String) -> Page {
    let next = address::within(next).to_owned();
    let ways = console.federated.as_ref().map(Federated::ways).unwrap_or_default();
    let query = address::query(&[("next", next.as_str())]);
    let passkeys = if console.guard.is_some() { console.passkeys.offer() } else { Offer::none() };
    Page { frame: visitor.frame("Log in", Section::None), name, next, fault, ways, query, passkeys }
}

/// The page again, with what was wrong, for who tried it without a password.
pub(super) fn again(
    console: &Console,
    visitor: &Visitor,
    next: &str,
    status: StatusCode,
    fault: String,
) -> Result<Response, Failure> {
    console.meter.logged_in(false);
    Ok((status, render(&page(console, visitor, String::new(), next, fault))?).into_response())
}

/// `GET /login`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    if visitor.person.is_some() {
        return Ok(Redirect::to(address::within(&params.next)).into_response());
    }
    render(&page(&console, &visitor, String::new(), &params.next, String::new()))
}

/// Name and password, as the form sends them.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// `POST /login`. Whether the name or the password is wrong is not told, and takes as long.
pub(crate) async fn submit(
    State(console): State<Shared>,
    visitor: Visitor,
    peer: Option<Extension<ConnectInfo<Peer>>>,
    Form(form): Form<Credentials>,
) -> Result<Response, Failure> {
    let from = peer.map(|Extension(ConnectInfo(peer))| peer.ip());
    let again = |status: StatusCode, fault: String| {
        let page = page(&console, &visitor, form.name.clone(), &form.next, fault);
        Ok((status, render(&page)?).into_response())
    };
    if let Some(left) = console.throttle.locked_for(&form.name, from, console.now()) {
        console.meter.logged_in(false);
        let wait = wording::duration(left / 1_000 + 1);
        return again(StatusCode::TOO_MANY_REQUESTS, format!("Too many attempts. Wait {wait}, then try again."));
    }
    match check(&console, &form, from).await? {
        Checked::Right(user_id) => {
            console.meter.logged_in(true);
            second::after_password(&console, user_id, from, address::within(&form.next)).await
        }
        Checked::Wrong => {
            console.meter.logged_in(false);
            again(StatusCode::UNAUTHORIZED, "Name or password is wrong. Check both and try again.".to_owned())
        }
        Checked::Later(fault) => again(StatusCode::SERVICE_UNAVAILABLE, fault),
    }
}

enum Checked {
    Right(u32),
    Wrong,
    Later(String),
}

/// The principal that a user is, and by whom and when something is tried in its name.
async fn suspect(
    console: &Console,
    user: Option<&User>,
    from: Option<IpAddr>,
) -> Result<Option<(Option<Principal>, By)>, Failure> {
    let Some(guard) = &console.guard else { return Ok(None) };
    let known = match user {
        Some(user) => guard.view.identity.known_user(user.id).await?,
        None => None,
    };
    Ok(Some((known, second::by_nobody(console, from))))
}

async fn check(console: &Console, form: &Credentials, from: Option<IpAddr>) -> Result<Checked, Failure> {
    let user = users::by_name(console.catalogue.store(), form.name.trim()).await?;
    let user = user.filter(|user| user.disabled_at.is_none());
    let suspect = suspect(console, user.as_ref(), from).await?;
    if let (Some(guard), Some((Some(principal), by))) = (&console.guard, &suspect)
        && let Err(IdentityError::Locked { wait_s }) = guard.view.identity.check_lock(principal.id, by.now_ms).await
    {
        return Ok(Checked::Later(second::locked(wait_s)));
    }
    let hash = user.as_ref().map(|user| user.password_hash.clone()).filter(|hash| hash != users::NO_PASSWORD);
    // Counted before the password is looked at, so that attempts sent at once do not pass together.
    console.throttle.failed(&form.name, from, console.now());
    let is_right = match console.passwords.verify(form.password.clone(), hash).await {
        Ok(is_right) => is_right,
        Err(error) => return Ok(Checked::Later(sentence(&error))),
    };
    match user {
        Some(user) if is_right => {
            console.throttle.succeeded(&form.name, from);
            tracing::info!(user = user.name, "logged in");
            Ok(Checked::Right(user.id))
        }
        _ => {
            tracing::warn!("a login was refused");
            match (&console.guard, &suspect) {
                (Some(guard), Some((Some(principal), by))) => guard.view.identity.failed(principal, by).await?,
                (Some(guard), Some((None, by))) => {
                    guard.view.identity.refused_logon(None, "identity:wrong-proof", by).await?;
                }
                _ => {}
            }
            Ok(Checked::Wrong)
        }
    }
}

/// `POST /logout`.
pub(crate) async fn leave(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let cookie = session::end(&console, &visitor).await?;
    Ok(session::with_cookie(Redirect::to("/login").into_response(), cookie))
}
