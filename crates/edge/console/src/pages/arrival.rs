//! Logging in through an identity provider: away to it, and back.

use askama::Template;
use axum::Extension;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use identity::{Arrived, Judged, LoginError};
use model::event::{Actor, Origin};
use model::{By, PrincipalId, PrincipalKind};
use policy::Vouched;
use serde::Deserialize;
use store::principals::Principal;
use store::users;

use crate::failure::{Failure, render, sentence};
use crate::federated::{Federated, Waiting};
use crate::frame::{Frame, Section};
use crate::guarded::Guarded;
use crate::server::Peer;
use crate::session::{self, Visitor};
use crate::{Console, Shared, address};

/// Where people come back to.
pub(crate) const BACK: &str = "/login/back";
/// The standing rule that gives what visas open.
const VISA_RULE: &str = "rule:visas";

/// What the address may say on the way out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Out {
    next: String,
}

/// What a provider may say on the way back (RFC 6749 section 4.1.2, RFC 9207).
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Back {
    state: String,
    code: String,
    error: String,
    iss: Option<String>,
}

/// Sends the browser on from a page of our own: a redirect from the provider would come without our cookie.
#[derive(Template)]
#[template(path = "login/arrived.html")]
struct Page {
    frame: Frame,
    next: String,
}

#[derive(Template)]
#[template(path = "login/stranger.html")]
struct Stranger {
    frame: Frame,
    issuer: String,
    subject: String,
    why: &'static str,
}

impl Console {
    fn providers(&self) -> Result<(&Federated, &Guarded), Failure> {
        let none = || Failure::NotFound("Nobody logs in through an identity provider here.".to_owned());
        Ok((self.federated.as_ref().ok_or_else(none)?, self.guard.as_ref().ok_or_else(none)?))
    }
}

/// `GET /login/with/{number}`. A link and not a form: our pages' forms lead nowhere else.
pub(crate) async fn depart(
    State(console): State<Shared>,
    Path(number): Path<usize>,
    Query(params): Query<Out>,
) -> Result<Response, Failure> {
    let (federated, _) = console.providers()?;
    let issuer = federated.issuer(number).ok_or_else(|| {
        Failure::NotFound("There is no such identity provider; log in from the page of log-in.".to_owned())
    })?;
    let (back, now) = (federated.back(BACK), console.now());
    let begun = federated.view.federation.begin(&issuer, &back, &console.random, now).await;
    let (away, begun) = begun.map_err(|error| unavailable(&error))?;
    let browser = session::hex(&(console.random)()?);
    let waiting = Waiting { begun, browser: session::digest(&browser), next: address::within(&params.next).to_owned() };
    if !federated.waiting.put(session::digest(&waiting.begun.state), waiting.clone(), now) {
        return Err(Failure::Busy);
    }
    let cookie = session::login_cookie(&console, &browser)?;
    Ok(session::with_cookie(Redirect::to(&away).into_response(), cookie))
}

fn unavailable(error: &LoginError) -> Failure {
    tracing::warn!(%error, "a log-in through an identity provider failed");
    match error {
        LoginError::Identity(_) => Failure::Internal,
        error => Failure::BadInput(sentence(error)),
    }
}

/// `GET /login/back`.
pub(crate) async fn arrive(
    State(console): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
    peer: Option<Extension<ConnectInfo<Peer>>>,
    Query(said): Query<Back>,
) -> Result<Response, Failure> {
    let (federated, guard) = console.providers()?;
    let now = console.now();
    let lost = || {
        Failure::BadInput(
            "This log-in was not begun in this browser, was used already, or took too long. Log in again.".to_owned(),
        )
    };
    let waiting = federated.waiting.take(&session::digest(&said.state), now).ok_or_else(lost)?;
    // Somebody else's link would log the victim in as somebody else (RFC 6749 section 10.12).
    let is_same =
        session::shown_login(&console, &headers).is_some_and(|shown| session::digest(shown) == waiting.browser);
    if !is_same || said.iss.as_ref().is_some_and(|iss| *iss != waiting.begun.issuer) {
        return Err(lost());
    }
    if said.code.is_empty() {
        tracing::info!(error = said.error, "an identity provider sent somebody back without a code");
        let told = "The identity provider did not log you in. Log in again, or ask its administrator.";
        return Err(Failure::BadInput(told.to_owned()));
    }
    let ip = peer.map(|Extension(ConnectInfo(peer))| peer.ip());
    let nobody = Actor { id: PrincipalId::from_bytes([0; 16]), kind: PrincipalKind::Service, credential: None };
    let by = By { actor: nobody, origin: Origin { ip, request: None, through: "console".into() }, now_ms: now };
    let finished = federated.view.federation.finish(&waiting.begun, &said.code, &federated.back(BACK), now).await;
    let arrived = match finished {
        Ok(arrived) => arrived,
        Err(error) => {
            guard.view.identity.refused_logon(None, "identity:token", &by).await?;
            return Err(unavailable(&error));
        }
    };
    let known = guard.view.identity.of_external(&arrived.claims.issuer, &arrived.claims.subject).await?;
    let stranger = |why: &'static str| {
        let frame = visitor.frame("Not known here", Section::None);
        let (issuer, subject) = (arrived.claims.issuer.clone(), arrived.claims.subject.clone());
        Ok((StatusCode::FORBIDDEN, render(&Stranger { frame, issuer, subject, why })?).into_response())
    };
    let Some(principal) = known.filter(|known| known.contained_at.is_none()) else {
        guard.view.identity.refused_logon(None, "identity:unknown", &by).await?;
        return stranger("nobody here is tied to this name");
    };
    let actor = Actor { id: principal.id, kind: principal.kind, credential: None };
    let by = By { actor, ..by };
    keep_visas(federated, guard, &principal, &arrived, &by).await?;
    let role = federated.role(&waiting.begun.issuer);
    let Some(user_id) = user(&console, guard, &principal, role, &by).await? else {
        guard.view.identity.refused_logon(Some(&principal), "identity:no-account", &by).await?;
        return stranger("you have no account for the console");
    };
    let with_second_factor = arrived.with_second_factor();
    guard.view.identity.logged_on(&principal, "oidc", with_second_factor, &by).await?;
    let cookie = session::begin(&console, user_id, "oidc", with_second_factor).await?;
    console.meter.logged_in(true);
    let page = Page { frame: visitor.frame("Logged in", Section::None), next: waiting.next };
    let response = session::with_cookie(render(&page)?, cookie);
    Ok(session::with_cookie(response, session::forget_login(&console)?))
}

/// The user of the console that a principal is; made for it where the settings give a role.
async fn user(
    console: &Console,
    guard: &Guarded,
    principal: &Principal,
    role: Option<&str>,
    by: &By,
) -> Result<Option<u32>, Failure> {
    let store = console.catalogue.store();
    if let Some(id) = principal.user_id {
        return Ok(users::by_id(store, id).await?.filter(|user| user.disabled_at.is_none()).map(|user| user.id));
    }
    let Some(role) = role else { return Ok(None) };
    // No password has this hash: such a user logs in through the provider alone.
    let id = users::create(store, &principal.name, users::NO_PASSWORD, role, by.now_ms).await?;
    guard.view.identity.give_user(principal.id, id, by).await?;
    Ok(Some(id))
}

/// Gives what the visas of a passport open, and takes back what none opens any more.
async fn keep_visas(
    federated: &Federated,
    guard: &Guarded,
    principal: &Principal,
    arrived: &Arrived,
    by: &By,
) -> Result<(), Failure> {
    let Some(visas) = &arrived.visas else { return Ok(()) };
    let links = guard.view.identity.links_of(principal.id).await?;
    let known: Vec<(String, String)> = links.into_iter().map(|link| (link.issuer, link.subject)).collect();
    let mut vouched = Vec::new();
    for visa in visas {
        match federated.view.federation.judge(visa, &known, &federated.view.visas, by.now_ms).await {
            Judged::Opens(open) => {
                vouched.push(Vouched { study: open.study, role: open.role, until_ms: open.until_ms });
            }
            Judged::Nothing(why) => tracing::info!(why, "a visa opens nothing"),
            Judged::Wrong(error) => tracing::warn!(%error, "a visa is not believed"),
        }
    }
    let rule = guard.view.identity.standing(VISA_RULE, by).await?;
    let actor = Actor { id: rule.id, kind: rule.kind, credential: None };
    let kept = guard.view.access.keep_vouched(principal.id, &vouched, &By { actor, ..by.clone() }).await?;
    tracing::info!(given = kept.given, revoked = kept.revoked, "a passport was looked at");
    Ok(())
}
