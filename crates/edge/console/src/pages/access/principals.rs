//! People, services, partners' people, devices and agents.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use identity::NewPrincipal;
use serde::Deserialize;
use store::principals as table;

use super::{Tab, kind_of, kinds, state_of, tabs};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::listed::Choice;
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Shared, address};

/// Principals on one page.
const PAGE: u32 = 100;

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    text: String,
    kind: String,
    skip: String,
}

struct Row {
    name: String,
    href: String,
    kind: &'static str,
    organisation: String,
    state: &'static str,
    since: Moment,
    places: usize,
}

#[derive(Template)]
#[template(path = "access/principals.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    text: String,
    kinds: Vec<Choice>,
    new_kinds: Vec<Choice>,
    rows: Vec<Row>,
    may_change: bool,
    more: String,
}

/// `GET /access/principals`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let skip: u32 = params.skip.parse().unwrap_or(0).min(10_000_000);
    let kind = kind_of(&params.kind)?;
    let found = table::named_like(console.catalogue.store(), params.text.trim(), kind, skip, PAGE).await?;
    let more = if found.len() == PAGE as usize {
        let skip = (skip + PAGE).to_string();
        let pairs = [("text", &*params.text), ("kind", &params.kind), ("skip", &skip)];
        format!("/access/principals{}", address::query(&pairs))
    } else {
        String::new()
    };
    let now = console.now();
    let row = |principal: table::Principal| Row {
        href: format!("/access/principals/{}", principal.id),
        kind: principal.kind.as_str(),
        state: state_of(&principal, now),
        since: wording::moment(principal.created_at, now),
        places: guard.view.access.places(principal.id).iter().flatten().count(),
        organisation: principal.organisation.unwrap_or_default(),
        name: principal.name,
    };
    render(&Page {
        frame: visitor.frame("Principals", Section::Access),
        tabs: tabs("/access/principals"),
        kinds: kinds(&params.kind),
        new_kinds: kinds("service").split_off(1),
        text: params.text,
        rows: found.into_iter().map(row).collect(),
        may_change: visitor.administers(),
        more,
    })
}

/// A new principal, as its form sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct New {
    name: String,
    kind: String,
    organisation: String,
}

/// `POST /access/principals`.
pub(crate) async fn create(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<New>,
) -> Result<Response, Failure> {
    let kind = kind_of(&form.kind)?.ok_or_else(|| Failure::BadInput("Choose a kind of principal.".to_owned()))?;
    let organisation = Some(form.organisation.trim().to_owned()).filter(|text| !text.is_empty());
    let (guard, by) = console.acting(&visitor).await?;
    let new = NewPrincipal { kind, name: form.name, organisation };
    let created = guard.view.identity.create(new, &by).await?;
    Ok(Redirect::to(&format!("/access/principals/{}", created.id)).into_response())
}
