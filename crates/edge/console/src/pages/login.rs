//! Logging in and out.

use std::net::IpAddr;

use askama::Template;
use axum::Extension;
use axum::extract::{ConnectInfo, Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use store::users;

use crate::failure::{Failure, render, sentence};
use crate::frame::{Frame, Section};
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
}

/// `GET /login`.
pub(crate) async fn show(visitor: Visitor, Query(params): Query<Params>) -> Result<Response, Failure> {
    let next = address::within(&params.next).to_owned();
    if visitor.person.is_some() {
        return Ok(Redirect::to(&next).into_response());
    }
    render(&Page { frame: visitor.frame("Log in", Section::None), name: String::new(), next, fault: String::new() })
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
        let page = Page {
            frame: visitor.frame("Log in", Section::None),
            name: form.name.clone(),
            next: address::within(&form.next).to_owned(),
            fault,
        };
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
            let cookie = session::begin(&console, user_id).await?;
            Ok(session::with_cookie(Redirect::to(address::within(&form.next)).into_response(), cookie))
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

async fn check(console: &Console, form: &Credentials, from: Option<IpAddr>) -> Result<Checked, Failure> {
    let user = users::by_name(console.catalogue.store(), form.name.trim()).await?;
    let user = user.filter(|user| user.disabled_at.is_none());
    let hash = user.as_ref().map(|user| user.password_hash.clone());
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
            Ok(Checked::Wrong)
        }
    }
}

/// `POST /logout`.
pub(crate) async fn leave(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let cookie = session::end(&console, &visitor).await?;
    Ok(session::with_cookie(Redirect::to("/login").into_response(), cookie))
}
