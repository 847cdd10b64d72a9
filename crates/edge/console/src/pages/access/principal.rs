//! One principal: what it is, what it reaches, its grants and its access keys.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use identity::Attributes;
use model::{Action, Label};
use policy::Thing;
use serde::Deserialize;
use store::grants as table;
use store::principals::Principal;

use super::cells::{self, Cell, HEADS, Legend, label_sets};
use super::grants::{GrantRow, time_of};
use super::who::Line;
use super::{asked, own_principal, principal_of, state_of};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::guarded::Guarded;
use crate::pages::record::entry::Named;
use crate::session::Visitor;
use crate::wording::{self, Moment, Tag};
use crate::{Console, Shared, address};

/// Places that are drawn.
const PLACES: usize = 30;

struct Place {
    name: String,
    who: String,
    rows: Vec<Held>,
}

/// Objects of a place that hold the same.
struct Held {
    /// Empty for the study itself.
    tags: Vec<Tag>,
    is_place: bool,
    cells: Vec<Cell>,
    refused: Vec<Line>,
}

struct KeyRow {
    id: String,
    since: Moment,
    until: Option<Moment>,
    used: Option<Moment>,
    state: &'static str,
}

struct PasskeyRow {
    id: String,
    name: String,
    since: Moment,
    used: Option<Moment>,
    is_suspected: bool,
}

#[derive(Template)]
#[template(path = "access/principal.html")]
struct Page {
    frame: Frame,
    id: String,
    name: String,
    kind: &'static str,
    organisation: String,
    state: &'static str,
    is_disabled: bool,
    is_contained: bool,
    since: Moment,
    training: Option<Moment>,
    agreement: Option<Moment>,
    training_day: String,
    agreement_day: String,
    /// The last day of whoever leaves; empty where there is no notice, and for all but administrators.
    last_day: String,
    is_last_day_from_directory: bool,
    heads: &'static [&'static str],
    legend: Vec<Legend>,
    places: Vec<Place>,
    places_more: usize,
    grants: Vec<GrantRow>,
    keys: Vec<KeyRow>,
    passkeys: Vec<PasskeyRow>,
    may_change: bool,
    is_self: bool,
    give: String,
    ask: String,
    /// A new access key, shown this once: its id and secret; empty otherwise.
    new_key: (String, String),
}

/// `GET /access/principals/{id}`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    console.guard()?;
    let principal = principal_of(&console, &id).await?;
    page(&console, &visitor, principal, <(String, String)>::default()).await
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    principal: Principal,
    new_key: (String, String),
) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let now = console.now();
    let at = |time: Option<i64>| time.map(|time| wording::moment(time, now));
    let day = |time: Option<i64>| wording_day(time);
    let own = own_principal(console, visitor).await?;
    let mut names = Named::default();
    let mut grants = Vec::new();
    for grant in table::of(console.catalogue.store(), principal.id, 0).await? {
        grants.push(GrantRow::of(console, visitor, own, &mut names, grant).await?);
    }
    // What is in force first.
    grants.sort_by_key(|row| (!row.is_active, !row.is_requested, std::cmp::Reverse(row.id)));
    let keys = guard.view.identity.keys_of(principal.id).await?;
    let key = |key: store::credentials::AccessKey| KeyRow {
        since: wording::moment(key.created_at, now),
        until: at(key.expires_at),
        used: at(key.last_used_at),
        state: match (key.disabled_at, key.expires_at) {
            (Some(_), _) => "revoked",
            (None, Some(end)) if end <= now => "over",
            _ => "",
        },
        id: key.id,
    };
    let passkey = |passkey: store::passkeys::Passkey| PasskeyRow {
        since: wording::moment(passkey.created_at, now),
        used: at(passkey.last_used_at),
        is_suspected: passkey.suspected_at.is_some(),
        id: passkey.id,
        name: passkey.name,
    };
    let passkeys = guard.view.identity.passkeys_of(principal.id).await?;
    let (places, places_more) = places(console, guard, &principal).await?;
    let last_day = match visitor.administers() {
        true => guard.view.identity.last_day_of(principal.id).await?,
        false => None,
    };
    render(&Page {
        frame: visitor.frame(&principal.name, Section::Access),
        id: principal.id.to_string(),
        kind: principal.kind.as_str(),
        state: state_of(&principal, now),
        is_disabled: principal.disabled_at.is_some(),
        is_contained: principal.contained_at.is_some(),
        since: wording::moment(principal.created_at, now),
        training: at(principal.training_until),
        agreement: at(principal.agreement_until),
        training_day: day(principal.training_until),
        agreement_day: day(principal.agreement_until),
        is_last_day_from_directory: last_day.as_ref().is_some_and(|last_day| last_day.from_directory),
        last_day: last_day.map(|last_day| last_day.date).unwrap_or_default(),
        heads: &HEADS,
        legend: Legend::all(),
        places,
        places_more,
        grants,
        keys: keys.into_iter().map(key).collect(),
        passkeys: passkeys.into_iter().map(passkey).collect(),
        may_change: visitor.administers(),
        is_self: own == Some(principal.id),
        give: format!("/access/give{}", address::query(&[("principal", &principal.name)])),
        ask: format!("/access/ask{}", address::query(&[("principal", &principal.name)])),
        organisation: principal.organisation.unwrap_or_default(),
        name: principal.name,
        new_key,
    })
}

/// A time as the value of a field for days.
fn wording_day(time: Option<i64>) -> String {
    let stamp = time.and_then(|time| jiff::Timestamp::from_millisecond(time - 1).ok());
    stamp.map_or_else(String::new, |stamp| stamp.strftime("%Y-%m-%d").to_string())
}

/// What it reaches: every place where it has a grant, and there the study itself and what its objects hold.
async fn places(console: &Console, guard: &Guarded, principal: &Principal) -> Result<(Vec<Place>, usize), Failure> {
    let access = &guard.view.access;
    let circumstances = asked(console);
    let all = access.places(principal.id);
    let more = all.len().saturating_sub(PLACES);
    let mut places = Vec::new();
    for place in all.into_iter().take(PLACES) {
        let study = place.as_ref();
        let sets: Vec<Vec<Label>> = label_sets(console, study).await?;
        let held = |labels: Option<&Vec<Label>>| {
            let thing = labels.map(|labels| Thing { id: None, labels });
            let told = access.tell(principal, Action::ALL, study, thing, &circumstances);
            let refused = told.iter().filter(|told| told.granted && !told.decision.allowed);
            Held {
                tags: labels.map(|labels| labels.iter().copied().map(wording::tag).collect()).unwrap_or_default(),
                is_place: labels.is_none(),
                cells: told.iter().map(|told| cells::cell(told, None)).collect(),
                refused: Line::of(refused, &[]),
            }
        };
        let name = study.map_or_else(|| "*".to_owned(), ToString::to_string);
        places.push(Place {
            who: format!("/access/who{}", address::query(&[("study", &name), ("principal", &principal.name)])),
            name: if name == "*" { "The organisation itself".to_owned() } else { name },
            rows: std::iter::once(None).chain(sets.iter().map(Some)).map(held).collect(),
        });
    }
    Ok((places, more))
}

/// Attributes, as their form sends them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Set {
    training: String,
    agreement: String,
}

/// `POST /access/principals/{id}/attributes`.
pub(crate) async fn set_attributes(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<Set>,
) -> Result<Response, Failure> {
    let attributes =
        Attributes { training_until: time_of(&form.training)?, agreement_until: time_of(&form.agreement)? };
    let (guard, by) = console.acting(&visitor).await?;
    let principal = principal_of(&console, &id).await?;
    guard.view.identity.set_attributes(principal.id, &attributes, &by).await?;
    Ok(back(&principal))
}

/// Notice of leaving, as its form sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Leaving {
    last_day: String,
}

/// `POST /access/principals/{id}/leaving`. An empty day takes the notice back.
pub(crate) async fn note_leaving(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<Leaving>,
) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let principal = principal_of(&console, &id).await?;
    let last_day = Some(form.last_day.trim()).filter(|day| !day.is_empty());
    guard.view.identity.note_leaving(principal.id, last_day, &by).await?;
    Ok(back(&principal))
}

fn back(principal: &Principal) -> Response {
    Redirect::to(&format!("/access/principals/{}", principal.id)).into_response()
}

/// A change of state, as its form sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Change {
    to: String,
}

/// `POST /access/principals/{id}/state`. Nobody shuts themselves out.
pub(crate) async fn set_state(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<Change>,
) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let principal = principal_of(&console, &id).await?;
    if principal.id == by.actor.id {
        let what = "You cannot change your own state; have another administrator do it.";
        return Err(Failure::BadInput(what.to_owned()));
    }
    let identity = &guard.view.identity;
    match &*form.to {
        "disabled" => identity.disable(principal.id, &by).await?,
        "enabled" => identity.enable(principal.id, &by).await?,
        "contained" => identity.contain(principal.id, true, &by).await?,
        "released" => identity.contain(principal.id, false, &by).await?,
        _ => return Err(Failure::BadInput("Choose what is to become of it.".to_owned())),
    };
    Ok(back(&principal))
}

/// An access key to be made, as its form sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NewKey {
    until: String,
}

/// `POST /access/principals/{id}/keys`. The secret is on the page that comes back and nowhere else.
pub(crate) async fn create_key(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<NewKey>,
) -> Result<Response, Failure> {
    let until = time_of(&form.until)?;
    let (guard, by) = console.acting(&visitor).await?;
    let principal = principal_of(&console, &id).await?;
    let key = guard.view.identity.create_key(principal.id, until, &by).await?;
    let secret = secrecy::ExposeSecret::expose_secret(&key.secret).to_owned();
    page(&console, &visitor, principal, (key.id, secret)).await
}

/// An access key to be revoked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OldKey {
    key: String,
}

/// `POST /access/principals/{id}/keys/revoke`.
pub(crate) async fn revoke_key(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<OldKey>,
) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let principal = principal_of(&console, &id).await?;
    let own = guard.view.identity.keys_of(principal.id).await?;
    if !own.iter().any(|key| key.id == form.key) {
        return Err(Failure::NotFound("There is no such access key of this principal; reload the page.".to_owned()));
    }
    guard.view.identity.revoke_key(&form.key, &by).await?;
    Ok(back(&principal))
}

/// A passkey to be taken away.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OldPasskey {
    passkey: String,
}

/// `POST /access/principals/{id}/passkeys/remove`. One's own are removed with a proof of who one is, elsewhere.
pub(crate) async fn remove_passkey(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<OldPasskey>,
) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let principal = principal_of(&console, &id).await?;
    if principal.id == by.actor.id {
        return Err(Failure::BadInput("Remove your own passkeys on the page Security.".to_owned()));
    }
    guard.view.identity.remove_passkey(principal.id, &form.passkey, &by).await?;
    Ok(back(&principal))
}
