//! Scans: what runs, what ran, what will run.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use store::scans::ScanRow;

use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Console, Shared};

/// Past runs shown.
const PAST_SHOWN: u32 = 30;

pub(crate) struct Run {
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

/// What runs.
pub(crate) struct Runs {
    pub(crate) runs: Vec<Run>,
}

impl Runs {
    pub(crate) async fn now(_console: &Console, _visitor: &Visitor) -> Result<Self, Failure> {
        Ok(Self { runs: Vec::new() })
    }
}

#[derive(Template)]
#[template(path = "scans/scans.html")]
struct Page {
    frame: Frame,
    past: Vec<Run>,
}

/// `GET /scans`.
pub(crate) async fn show(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let sources: BTreeMap<u32, String> =
        console.catalogue.sources().await?.into_iter().map(|source| (source.id, source.location)).collect();
    let past = console.catalogue.scans(None, PAST_SHOWN).await?;
    render(&Page {
        frame: visitor.frame("Scans", Section::Scans),
        past: past.iter().map(|row| run(row, &sources, console.now())).collect(),
    })
}

fn run(row: &ScanRow, sources: &BTreeMap<u32, String>, now: i64) -> Run {
    let progress = &row.progress;
    Run {
        location: sources.get(&row.source_id).cloned().unwrap_or_default(),
        state: row.state.clone(),
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
