//! Incidents: those that go on, the ones whose clocks end first before others.

pub(crate) mod assess;
pub(crate) mod clocks;
pub(crate) mod exercises;
pub(crate) mod exposed;
mod facts;
pub(crate) mod letters;
mod measures;
pub(crate) mod reaching;
pub(crate) mod room;
pub(crate) mod runs;
pub(crate) mod story;
pub(crate) mod tasks;

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use incidents::case::What;
use incidents::desk::NewIncident;
use model::{Severity, StudyId, UnknownName};
use obligations::Facts;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Shared;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording::{self, Moment};

/// Incidents on the page.
const SHOWN: u32 = 200;

struct Row {
    href: String,
    title: String,
    state: String,
    severity: String,
    study: String,
    opened: Moment,
    /// How long until the next clock ends; empty where none runs.
    left: String,
    is_late: bool,
}

#[derive(Template)]
#[template(path = "incidents/list.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
    with_closed: bool,
    finding: String,
    title: String,
    study: String,
}

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    closed: String,
    finding: String,
}

/// `GET /incidents`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let with_closed = !params.closed.is_empty();
    let now = console.now();
    let listed = guard.view.incidents.listed(with_closed, SHOWN).await?;
    let rows = listed.into_iter().map(|(row, title)| Row {
        href: format!("/incidents/{}", row.id),
        title,
        left: row.due_at.map_or_else(String::new, |due| clocks::left(due, now)),
        is_late: row.due_at.is_some_and(|due| due < now),
        state: row.state.to_string(),
        severity: row.severity.to_string(),
        study: row.study.map_or_else(String::new, |study| study.to_string()),
        opened: wording::moment(row.opened_at, now),
    });
    let rows = rows.collect();
    let finding = match params.finding.parse::<u32>() {
        Ok(id) => store::findings::by_id(console.catalogue.store(), id).await?,
        Err(_) => None,
    };
    let study = finding.as_ref().and_then(|found| found.study.as_ref()).map_or_else(String::new, ToString::to_string);
    render(&Page {
        frame: visitor.frame("Incidents", Section::Incidents),
        rows,
        with_closed,
        title: finding.as_ref().map_or_else(String::new, |found| found.title.clone()),
        study,
        finding: finding.map_or_else(String::new, |found| found.id.to_string()),
    })
}

/// Facts that an incident begins with: looked at before it is opened, so that none is opened without them.
fn beginning(text: &str) -> Result<Map<String, Value>, Failure> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    let facts: Map<String, Value> = serde_json::from_str(text)
        .map_err(|error| Failure::BadInput(format!("The facts are no object of JSON: {error}.")))?;
    let library = obligations::in_force().map_err(|_broken| Failure::Internal)?;
    let read = Facts::from_json(text.as_bytes(), library.vocabulary());
    match read.map(|read| read.strange) {
        Ok(strange) if strange.is_empty() => Ok(facts),
        Ok(strange) => {
            Err(Failure::BadInput(format!("No incident was opened: {} mean nothing here.", strange.join(", "))))
        }
        Err(error) => Err(Failure::BadInput(format!("No incident was opened: {error}."))),
    }
}

/// A new incident.
#[derive(Debug, Deserialize)]
pub(crate) struct New {
    title: String,
    severity: String,
    #[serde(default)]
    finding: String,
    #[serde(default)]
    study: String,
    #[serde(default)]
    exercise: String,
    /// Facts that it begins with, as JSON.
    #[serde(default)]
    facts: String,
}

/// `POST /incidents`: opens one.
pub(crate) async fn open(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<New>,
) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let severity: Severity =
        form.severity.parse().map_err(|error: UnknownName| Failure::BadInput(format!("{error}.")))?;
    let study = match form.study.trim() {
        "" => None,
        text => Some(text.parse::<StudyId>().map_err(|error| Failure::BadInput(error.to_string()))?),
    };
    let finding = match form.finding.trim() {
        "" => None,
        text => Some(text.parse().map_err(|error| Failure::BadInput(format!("`{text}` is no finding: {error}")))?),
    };
    let mut facts = beginning(&form.facts)?;
    let (roles, timezone) = console.organisation()?;
    if !roles.is_empty() {
        facts.entry("roles").or_insert_with(|| roles.into());
    }
    if let Some(timezone) = timezone {
        facts.entry("timezone").or_insert_with(|| timezone.into());
    }
    let drawn = (console.random)()?;
    let uid = *drawn.first_chunk::<16>().ok_or(Failure::Internal)?;
    let new = NewIncident { title: form.title, severity, finding, study, exercise: !form.exercise.is_empty(), uid };
    let id = guard.view.incidents.open(new, &by).await?;
    if !facts.is_empty() {
        guard.view.incidents.add(id, What::Facts { set: facts, was: Map::new() }, &by).await?;
    }
    Ok(Redirect::to(&format!("/incidents/{id}")).into_response())
}
