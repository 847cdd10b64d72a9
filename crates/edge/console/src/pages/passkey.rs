//! Logging in with a passkey alone: nobody types a name, and both factors are shown at once.

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use identity::Proven;
use model::By;
use serde::Deserialize;
use store::users;

use crate::failure::Failure;
use crate::pages::{login, second};
use crate::session::{self, Visitor};
use crate::{Console, Shared, address, passkeys};

/// What somebody is told whose passkey is not right.
pub(super) const REFUSED: &str = "This passkey was not accepted. Try again, or log in another way.";
/// What somebody is told who took too long, or whose form was sent before.
pub(super) const LATE: &str = "This took too long. Try again.";

/// `POST /login/passkey/ask`.
pub(crate) async fn ask(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let identity = &console.guard()?.view.identity;
    let party = console.passkeys.party()?;
    if !console.passkeys.rate.admits(visitor.ip, console.now()) {
        let told = "Too many attempts. Wait a minute, then try again.";
        return Ok(passkeys::fault(StatusCode::TOO_MANY_REQUESTS, told.to_owned()));
    }
    let (options, asked) = identity.ask_passkey(party, None).await?;
    let token = session::hex(&(console.random)()?);
    if !console.passkeys.asked.put(session::digest(&token), asked, console.now()) {
        return Err(Failure::Busy);
    }
    Ok(session::with_cookie(passkeys::options(options), session::login_cookie(&console, &token)?))
}

/// A passkey, as the script puts it into the form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Shown {
    pub(super) credential: String,
    next: String,
}

/// `POST /login/passkey`.
pub(crate) async fn submit(
    State(console): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(form): Form<Shown>,
) -> Result<Response, Failure> {
    let identity = &console.guard()?.view.identity;
    let party = console.passkeys.party()?;
    let again = |status: StatusCode, fault: String| login::again(&console, &visitor, &form.next, status, fault);
    let key = session::shown_login(&console, &headers).map(session::digest);
    let Some(asked) = key.and_then(|key| console.passkeys.asked.take(&key, console.now())) else {
        return again(StatusCode::UNAUTHORIZED, LATE.to_owned());
    };
    let by = second::by_nobody(&console, visitor.ip);
    match identity.check_passkey(party, asked, &form.credential, &by).await {
        Ok(Some(proven)) => match enter(&console, &proven, address::within(&form.next), Way::ALONE, &by).await? {
            Some(response) => Ok(response),
            None => again(StatusCode::UNAUTHORIZED, "You have no account of the console any more.".to_owned()),
        },
        Ok(None) => again(StatusCode::UNAUTHORIZED, REFUSED.to_owned()),
        Err(error) => passkeys::told(error).and_then(|(status, fault)| again(status, fault)),
    }
}

/// How somebody came in.
pub(super) struct Way {
    /// As it is recorded.
    recorded: &'static str,
    /// As one's sessions are listed.
    shown: &'static str,
}

impl Way {
    /// With nothing else.
    const ALONE: Self = Self { recorded: "passkey", shown: "passkey" };
    /// After a password.
    pub(super) const SECOND: Self = Self { recorded: "password+passkey", shown: "password and passkey" };
}

/// Begins the session of who showed a passkey, if it has an account of the console.
pub(super) async fn enter(
    console: &Console,
    proven: &Proven,
    next: &str,
    way: Way,
    by: &By,
) -> Result<Option<Response>, Failure> {
    let identity = &console.guard()?.view.identity;
    let by = proven.by(by);
    let user = match proven.principal.user_id {
        Some(id) => users::by_id(console.catalogue.store(), id).await?.filter(|user| user.disabled_at.is_none()),
        None => None,
    };
    let Some(user) = user else {
        identity.refused_logon(Some(&proven.principal), "identity:no-account", &by).await?;
        return Ok(None);
    };
    identity.logged_on(&proven.principal, way.recorded, true, &by).await?;
    let cookie = session::begin(console, user.id, way.shown, true).await?;
    console.meter.logged_in(true);
    tracing::info!(user = user.name, "logged in");
    let response = session::with_cookie(Redirect::to(next).into_response(), cookie);
    Ok(Some(session::with_cookie(response, session::forget_login(console)?)))
}
