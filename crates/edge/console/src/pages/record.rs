//! The record: what happened, newest first, and whether it holds.

pub(crate) mod entry;

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use ledger::verify::{Folder, Mode, Pins, Report, audit};
use model::PrincipalId;
use model::event::Activity;
use serde::Deserialize;

use super::access::own_principal;
use super::listed::Choice;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::guarded::{Audit, Guarded};
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Console, Shared, address};
use entry::{Named, Told};

/// Entries on one page.
const PAGE: usize = 100;
/// Entries that one page looks through when it filters.
const LOOKED_THROUGH_MAX: u64 = 2_000;
/// How long whoever asked waits for an audit; it goes on behind.
const AUDIT_WAIT: Duration = Duration::from_secs(10);
/// Faults that are listed.
const FAULTS_SHOWN: usize = 20;

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    activity: String,
    outcome: String,
    study: String,
    before: String,
}

impl Params {
    fn filters(&self) -> bool {
        !(self.activity.is_empty() && self.outcome.is_empty() && self.study.is_empty())
    }

    fn takes(&self, told: &Told) -> bool {
        (self.activity.is_empty() || told.activity == self.activity)
            && (self.outcome.is_empty() || (self.outcome == "failure") == told.is_failure)
            && (self.study.is_empty() || told.study.contains(&self.study))
    }
}

struct Verdict {
    when: Moment,
    is_running: bool,
    holds: bool,
    words: String,
    faults: Vec<String>,
    counts: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "record/record.html")]
struct Page {
    frame: Frame,
    size: String,
    stopped: String,
    may_verify: bool,
    verdict: Option<Verdict>,
    activities: Vec<Choice>,
    outcomes: Vec<Choice>,
    study: String,
    /// Which entries were looked through.
    span: String,
    rows: Vec<Told>,
    more: String,
}

/// `GET /record`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let ledger = &guard.view.ledger;
    let size = ledger.size();
    let before = params.before.parse().unwrap_or(size).min(size);
    let own = own_principal(&console, &visitor).await?;
    let (rows, looked_to) = rows(&console, guard, &params, before, own).await?;
    let more = if looked_to == 0 {
        String::new()
    } else {
        let Params { activity, outcome, study, .. } = &params;
        let looked_to = looked_to.to_string();
        let pairs = [("activity", &**activity), ("outcome", outcome), ("study", study), ("before", &looked_to)];
        format!("/record{}", address::query(&pairs))
    };
    let any = |text: &str, chosen: &str| Choice::new("", text.to_owned(), chosen);
    let mut activities = vec![any("any activity", &params.activity)];
    activities
        .extend(Activity::ALL.iter().map(|one| Choice::new(one.as_str(), one.as_str().to_owned(), &params.activity)));
    let mut outcomes = vec![any("any outcome", &params.outcome)];
    outcomes.extend(["success", "failure"].map(|one| Choice::new(one, one.to_owned(), &params.outcome)));
    render(&Page {
        frame: visitor.frame("Record", Section::Record),
        size: wording::counted(size, "entry", "entries"),
        stopped: ledger.stopped().map_or_else(String::new, |why| why.to_string()),
        may_verify: visitor.administers(),
        verdict: verdict(&guard.audit(), console.now()),
        activities,
        outcomes,
        span: if before == looked_to { String::new() } else { format!("{looked_to} to {}", before - 1) },
        study: params.study,
        rows,
        more,
    })
}

/// Rows below `before`, newest first, and down to which entry was looked.
async fn rows(
    console: &Console,
    guard: &Arc<Guarded>,
    params: &Params,
    before: u64,
    own: Option<PrincipalId>,
) -> Result<(Vec<Told>, u64), Failure> {
    let span = if params.filters() { LOOKED_THROUGH_MAX } else { PAGE as u64 };
    let from = before.saturating_sub(span);
    let ledger = Arc::clone(&guard.view.ledger);
    let stored = tokio::task::spawn_blocking(move || ledger.read(from..before)).await;
    let stored = stored.map_err(|error| entry::stopped(&error))??;
    let mut names = Named::default();
    let (mut rows, mut looked_to) = (Vec::new(), before);
    for stored in stored.iter().rev() {
        if rows.len() == PAGE {
            break;
        }
        looked_to = stored.index;
        let mut told = Told::read(stored, console.now())?;
        if params.takes(&told) {
            told.who = names.called(console, own, &told.actor).await?;
            rows.push(told);
        }
    }
    Ok((rows, looked_to))
}

fn verdict(audit: &Audit, now: i64) -> Option<Verdict> {
    let blank = |at: i64, words: String| Verdict {
        when: wording::moment(at, now),
        is_running: false,
        holds: false,
        words,
        faults: Vec::new(),
        counts: Vec::new(),
    };
    match audit {
        Audit::None => None,
        Audit::Running(since) => Some(Verdict { is_running: true, ..blank(*since, String::new()) }),
        Audit::Ended(at, ended) => match &**ended {
            Err(why) => Some(blank(*at, format!("The record could not be read: {why}."))),
            Ok(report) => Some(Verdict {
                holds: report.holds(),
                faults: report.faults.iter().take(FAULTS_SHOWN).map(ToString::to_string).collect(),
                counts: counts(report),
                ..blank(*at, wording::counted(report.total, "fault", "faults"))
            }),
        },
    }
}

fn counts(report: &Report) -> Vec<(&'static str, String)> {
    vec![
        ("entries", wording::count(report.size)),
        ("events", wording::count(report.events)),
        ("bytes", wording::bytes(report.entry_bytes)),
        ("key rotations", wording::count(report.rotations)),
        ("cosignatures", wording::count(report.cosignatures)),
        ("time stamps", wording::count(report.anchors)),
    ]
}

/// `POST /record/verify`. One audit at a time; a long one goes on after the page is back.
pub(crate) async fn verify(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let mut event = by.event(Activity::Look);
    event.resource.entity = Some("record:audit".to_owned());
    guard.view.recorder.record(event).await?;
    if guard.begin_audit(console.now()) {
        let (guard, shared) = (Arc::clone(guard), Shared::clone(&console));
        let auditing = tokio::task::spawn_blocking(move || {
            let view = &guard.view;
            let pins =
                Pins { key: Some(view.ledger.verifier_key()), checkpoint: Some(view.ledger.checkpoint().into_bytes()) };
            let found = audit(&Folder::new(&view.ledger_dir), Mode::Live, &pins);
            let found = found.map_err(|error| error.to_string());
            guard.end_audit(Audit::Ended(shared.now(), Arc::new(found)));
        });
        if let Ok(Err(error)) = tokio::time::timeout(AUDIT_WAIT, auditing).await {
            let guard = console.guard()?;
            guard.end_audit(Audit::None);
            return Err(entry::stopped(&error));
        }
    }
    Ok(Redirect::to("/record").into_response())
}

/// `GET /record/checkpoint`.
pub(crate) async fn checkpoint(State(console): State<Shared>) -> Result<Response, Failure> {
    Ok(download("text/plain; charset=utf-8", "checkpoint", console.guard()?.view.ledger.checkpoint()))
}

/// `GET /record/vkey`.
pub(crate) async fn vkey(State(console): State<Shared>) -> Result<Response, Failure> {
    let key = console.guard()?.view.ledger.verifier_key();
    Ok(download("text/plain; charset=utf-8", "log.vkey", format!("{key}\n")))
}

/// A file for the browser to keep. `name` holds nothing that a header could trip over.
pub(in crate::pages) fn download(kind: &'static str, name: &str, text: String) -> Response {
    let headers = [(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""))];
    (headers, text).into_response()
}
