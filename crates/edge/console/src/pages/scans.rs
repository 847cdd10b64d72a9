//! Scans: what runs, what ran, what will run, and where.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use landscape::scan::{ScanError, Schedule};
use landscape::sources::{SourceError, SourceSpec};
use serde::Deserialize;
use store::scans::ScanRow;
use store::sources::SourceRow;

use super::running::Runs;
use crate::failure::{Failure, render, sentence};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Shared, address};

/// Past runs shown.
const PAST_SHOWN: u32 = 30;
/// The longest address or rule that is read, in bytes.
const TEXT_BYTES_MAX: usize = 4_096;

struct Past {
    location: String,
    state: String,
    started: Moment,
    took: String,
    inspected: String,
    unchanged: String,
    unreadable: String,
    gone: String,
    bytes: String,
    message: String,
}

struct Place {
    id: u32,
    kind: String,
    location: String,
    objects_href: String,
    objects: String,
    scanned: Option<Moment>,
}

struct Planned {
    id: u32,
    location: String,
    rule: String,
    next: Option<Moment>,
    last: Option<Moment>,
}

#[derive(Template)]
#[template(path = "scans/scans.html")]
struct Page {
    frame: Frame,
    runs: Runs,
    may_scan: bool,
    places: Vec<Place>,
    planned: Vec<Planned>,
    past: Vec<Past>,
}

/// `GET /scans`.
pub(crate) async fn show(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let now = console.now();
    let sources = console.catalogue.sources().await?;
    let totals = console.catalogue.totals().await?;
    let locations: BTreeMap<u32, &str> = sources.iter().map(|source| (source.id, source.location.as_str())).collect();
    let place = |source: &SourceRow| Place {
        id: source.id,
        kind: source.kind.clone(),
        location: source.location.clone(),
        objects_href: format!("/objects{}", address::query(&[("source", &source.id.to_string())])),
        objects: wording::count(totals.by_source.get(&source.id).map_or(0, |sum| sum.objects)),
        scanned: source.scanned_at.map(|at| wording::moment(at, now)),
    };
    let planned = |schedule: Schedule| Planned {
        id: schedule.id,
        location: located(&locations, schedule.source_id),
        rule: schedule.rule,
        next: schedule.next_due_at.map(|at| wording::moment(at, now)),
        last: schedule.last_run_at.map(|at| wording::moment(at, now)),
    };
    let past = console.catalogue.scans(None, PAST_SHOWN).await?;
    let running: Vec<u32> = console.desk.running().iter().map(|running| running.source_id).collect();
    let is_past = |row: &&ScanRow| row.state != "running" || !running.contains(&row.source_id);
    render(&Page {
        frame: visitor.frame("Scans", Section::Scans),
        runs: Runs::now(&console, &visitor),
        may_scan: visitor.administers(),
        places: sources.iter().map(place).collect(),
        planned: console.desk.schedules().await?.into_iter().map(planned).collect(),
        past: past.iter().filter(is_past).map(|row| ran(row, &locations, now)).collect(),
    })
}

fn located(locations: &BTreeMap<u32, &str>, source_id: u32) -> String {
    locations.get(&source_id).map_or_else(|| format!("source {source_id}"), |location| (*location).to_owned())
}

fn ran(row: &ScanRow, locations: &BTreeMap<u32, &str>, now: i64) -> Past {
    let progress = &row.progress;
    Past {
        location: located(locations, row.source_id),
        // What nobody runs and never ended was killed; the next scan of its source takes it up.
        state: if row.state == "running" { "interrupted".to_owned() } else { row.state.clone() },
        started: wording::moment(row.started_at, now),
        took: row.finished_at.map_or_else(String::new, |at| wording::duration((at - row.started_at) / 1_000)),
        inspected: wording::count(progress.inspected),
        unchanged: wording::count(progress.unchanged),
        unreadable: wording::count(progress.unreadable),
        gone: wording::count(progress.gone),
        bytes: wording::bytes(progress.bytes),
        message: row.message.clone().unwrap_or_default(),
    }
}

fn failure(error: ScanError) -> Failure {
    match error {
        ScanError::Catalogue(error) => error.into(),
        ScanError::Source(error @ SourceError::NoSource { .. }) => Failure::NotFound(sentence(&error)),
        error => Failure::BadInput(sentence(&error)),
    }
}

fn limited(text: &str) -> Result<&str, Failure> {
    let text = text.trim();
    if text.is_empty() || text.len() > TEXT_BYTES_MAX {
        return Err(Failure::BadInput(format!("Give a text of 1 to {TEXT_BYTES_MAX} bytes.")));
    }
    Ok(text)
}

/// What to scan: a source of the catalogue, or a new place.
#[derive(Deserialize)]
pub(crate) struct Started {
    #[serde(default)]
    source_id: Option<u32>,
    #[serde(default)]
    place: String,
}

/// `POST /scans/start`.
pub(crate) async fn start(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<Started>,
) -> Result<Response, Failure> {
    let source_id = match form.source_id {
        Some(id) => id,
        None => {
            let place = limited(&form.place)?.parse::<SourceSpec>();
            let place = place.map_err(|error| failure(error.into()))?;
            console.desk.add(&place).await.map_err(failure)?
        }
    };
    console.desk.start(source_id).await.map_err(failure)?;
    tracing::info!(by = visitor.name(), source_id, "a scan was started");
    Ok(Redirect::to("/scans").into_response())
}

/// `POST /scans/{source_id}/cancel`. One that ended meanwhile is no fault.
pub(crate) async fn cancel(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(source_id): Path<u32>,
) -> Result<Response, Failure> {
    if console.desk.cancel(source_id) {
        tracing::info!(by = visitor.name(), source_id, "a scan was stopped");
    }
    Ok(Redirect::to("/scans").into_response())
}

/// When to scan which source.
#[derive(Deserialize)]
pub(crate) struct Scheduled {
    source_id: u32,
    rule: String,
}

/// `POST /scans/schedules`.
pub(crate) async fn schedule(State(console): State<Shared>, Form(form): Form<Scheduled>) -> Result<Response, Failure> {
    console.desk.schedule(form.source_id, limited(&form.rule)?).await.map_err(failure)?;
    Ok(Redirect::to("/scans#schedules").into_response())
}

/// `POST /scans/schedules/{id}/remove`.
pub(crate) async fn unschedule(State(console): State<Shared>, Path(id): Path<u32>) -> Result<Response, Failure> {
    console.desk.unschedule(id).await?;
    Ok(Redirect::to("/scans#schedules").into_response())
}
