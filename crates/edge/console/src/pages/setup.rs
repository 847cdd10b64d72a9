//! Accepting an invitation: the first administrator's, or anybody's.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use store::{StoreError, users};

use crate::failure::{Failure, render, sentence};
use crate::frame::{Frame, Section};
use crate::password::LENGTH_MIN_CHARACTERS;
use crate::session::{self, Visitor};
use crate::{Console, Shared};

/// The longest user name, in characters.
const NAME_MAX: usize = 60;

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    token: String,
}

#[derive(Template)]
#[template(path = "setup/setup.html")]
struct Page {
    frame: Frame,
    token: String,
    role: String,
    name: String,
    length_min: usize,
    name_max: usize,
    /// What was wrong with the last attempt; empty at first.
    fault: String,
}

/// `GET /setup`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let role = role(&console, &params.token).await?;
    render(&page(&visitor, params.token, role, String::new(), String::new()))
}

fn page(visitor: &Visitor, token: String, role: String, name: String, fault: String) -> Page {
    let frame = visitor.frame("Create your account", Section::None);
    Page { frame, token, role, name, length_min: LENGTH_MIN_CHARACTERS, name_max: NAME_MAX, fault }
}

/// The role that the invitation grants.
async fn role(console: &Console, token: &str) -> Result<String, Failure> {
    let role = users::invitation(console.catalogue.store(), &session::digest(token), console.now()).await?;
    role.ok_or_else(used_up)
}

fn used_up() -> Failure {
    Failure::NotFound(
        "This invitation was used, has expired or was mistyped. If you have an account, log in; else ask an administrator \
         for a new link. For the very first account, restart the server: it prints a new one."
            .to_owned(),
    )
}

/// The new user, as the form sends it.
#[derive(Deserialize)]
pub(crate) struct NewUser {
    token: String,
    name: String,
    password: String,
    again: String,
}

/// `POST /setup`.
pub(crate) async fn submit(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<NewUser>,
) -> Result<Response, Failure> {
    // Whoever has no invitation makes nobody hash.
    let role = role(&console, &form.token).await?;
    let name = form.name.trim().to_owned();
    let again = |fault: String| {
        let page = page(&visitor, form.token.clone(), role.clone(), name.clone(), fault);
        Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response())
    };
    if let Some(fault) = fault(&name, &form) {
        return again(fault);
    }
    let salt = (console.random)()?;
    let hash = match console.passwords.hash(form.password.clone(), name.clone(), salt).await {
        Ok(hash) => hash,
        Err(error) => return again(sentence(&error)),
    };
    let digest = session::digest(&form.token);
    match users::accept(console.catalogue.store(), &digest, &name, &hash, console.now()).await {
        Ok(Some(id)) => {
            tracing::info!(user = name, role, "an invitation was accepted");
            let cookie = session::begin(&console, id, "password", false).await?;
            Ok(session::with_cookie(Redirect::to("/").into_response(), cookie))
        }
        Ok(None) => Err(used_up()),
        Err(error @ StoreError::Exists { .. }) => again(sentence(&error)),
        Err(error) => Err(error.into()),
    }
}

/// What is wrong with the form, before any password is hashed.
fn fault(name: &str, form: &NewUser) -> Option<String> {
    if name.is_empty() || name.chars().count() > NAME_MAX || name.chars().any(char::is_control) {
        return Some(format!("Give a name of 1 to {NAME_MAX} characters."));
    }
    if form.password != form.again {
        return Some("The two passwords differ. Type both again.".to_owned());
    }
    None
}
