//! One's own passkeys: made, and taken away again.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{Besides, person, recovery_codes};
use crate::again::{self, Again, Proof};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::passkeys::{self, Offer};
use crate::session::Visitor;
use crate::{Console, Shared};

/// A passkey to be made, as its form sends it.
#[derive(Deserialize)]
pub(crate) struct New {
    name: String,
    #[serde(flatten)]
    proof: Proof,
}

/// `POST /security/passkeys/begin`. A session that was left open is not enough.
pub(crate) async fn begin(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<New>,
) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let person = person(&visitor)?;
    let party = console.passkeys.party()?;
    if !person.is_fresh(by.now_ms)
        && let Again::Refused(status, fault) = console.prove_again(&visitor, &form.proof).await?
    {
        return Ok(passkeys::fault(status, fault));
    }
    match guard.view.identity.begin_passkey(party, by.actor.id, &form.name).await {
        Ok((options, registering)) => {
            if !console.passkeys.registering.put(again::key(person, "new"), registering, by.now_ms) {
                return Err(Failure::Busy);
            }
            Ok(passkeys::options(options))
        }
        Err(error) => passkeys::told(error).map(|(status, fault)| passkeys::fault(status, fault)),
    }
}

/// A passkey, as the script puts it into the form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Made {
    credential: String,
}

/// `POST /security/passkeys`. Recovery codes, if they come with it, are on the page that comes back and nowhere else.
pub(crate) async fn finish(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<Made>,
) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let party = console.passkeys.party()?;
    let key = again::key(person(&visitor)?, "new");
    let Some(begun) = console.passkeys.registering.take(&key, by.now_ms) else {
        let told = (StatusCode::UNPROCESSABLE_ENTITY, "This took too long. Add the passkey again.".to_owned());
        return refused(&console, &visitor, told).await;
    };
    match guard.view.identity.finish_passkey(party, &begun, &form.credential, &by).await {
        Ok((_, codes)) if codes.is_empty() => Ok(Redirect::to("/security").into_response()),
        Ok((_, codes)) => {
            super::page(&console, &visitor, Besides { recovery: recovery_codes(&codes), ..Besides::default() }).await
        }
        Err(error) => refused(&console, &visitor, passkeys::told(error)?).await,
    }
}

async fn refused(
    console: &Console,
    visitor: &Visitor,
    (status, fault): (StatusCode, String),
) -> Result<Response, Failure> {
    let page = super::page(console, visitor, Besides { fault, ..Besides::default() }).await?;
    Ok((status, page).into_response())
}

/// `POST /security/again`: asks for a passkey to prove with who one is.
pub(crate) async fn ask_again(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    console.ask_again(&visitor).await
}

#[derive(Template)]
#[template(path = "security/remove.html")]
struct Page {
    frame: Frame,
    passkeys: Offer,
    id: String,
    name: String,
    has_password: bool,
    /// Whether there are recovery codes that go with it.
    is_last: bool,
    fault: String,
}

async fn page(console: &Console, visitor: &Visitor, id: &str, fault: String) -> Result<Response, Failure> {
    let (guard, by) = console.acting(visitor).await?;
    let identity = &guard.view.identity;
    let known = identity.passkeys_of(by.actor.id).await?;
    let count = known.len();
    let found = known.into_iter().find(|passkey| passkey.id == id).ok_or_else(gone)?;
    render(&Page {
        frame: visitor.frame("Remove a passkey", Section::None),
        passkeys: console.passkeys.offer(),
        id: found.id,
        name: found.name,
        has_password: person(visitor)?.has_password,
        is_last: count == 1 && !identity.has_codes(by.actor.id).await?,
        fault,
    })
}

fn gone() -> Failure {
    Failure::NotFound("There is no such passkey of yours; reload the page Security.".to_owned())
}

/// `GET /security/passkeys/{id}/remove`.
pub(crate) async fn show_removal(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    page(&console, &visitor, &id, String::new()).await
}

/// `POST /security/passkeys/{id}/remove`.
pub(crate) async fn remove(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(proof): Form<Proof>,
) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let identity = &guard.view.identity;
    let known = identity.passkeys_of(by.actor.id).await?;
    if !known.iter().any(|passkey| passkey.id == id) {
        return Err(gone());
    }
    let is_last = known.len() == 1 && !identity.has_codes(by.actor.id).await?;
    if is_last && super::is_needed(&console, &by).await? {
        let page = page(&console, &visitor, &id, super::NEEDED.to_owned()).await?;
        return Ok((StatusCode::CONFLICT, page).into_response());
    }
    if let Again::Refused(status, fault) = console.prove_again(&visitor, &proof).await? {
        return Ok((status, page(&console, &visitor, &id, fault).await?).into_response());
    }
    identity.remove_passkey(by.actor.id, &id, &by).await?;
    Ok(Redirect::to("/security").into_response())
}
