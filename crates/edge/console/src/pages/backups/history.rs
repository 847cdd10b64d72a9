//! Every report, newest first.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use model::RecoveryState;
use serde::Deserialize;
use store::recovery::{self as reports, Report};

use super::{names, told};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Console, Shared, address};

/// Reports on one page.
const PAGE: u32 = 100;

/// One report in a list.
pub(crate) struct Line {
    pub(crate) href: String,
    pub(crate) name: &'static str,
    pub(crate) state: &'static str,
    pub(crate) class: &'static str,
    pub(crate) began: Moment,
    pub(crate) took: String,
    pub(crate) who: String,
    pub(crate) through: String,
    pub(crate) snapshot: String,
}

/// Reports as lines.
pub(crate) async fn lines(console: &Console, listed: &[Report]) -> Result<Vec<Line>, Failure> {
    let (names, now) = (names(console, listed).await?, console.now());
    let running = console.recover.as_ref().and_then(|recover| recover.running());
    let line = |report: &Report| {
        let goes_on =
            running.as_ref().is_some_and(|work| work.kind == report.kind && work.began_at.to_string() == report.name);
        let (state, class) = match report.state {
            RecoveryState::Running if goes_on => ("under way", ""),
            state => told::state(report.kind, state),
        };
        Line {
            href: format!("/backups/{}", report.id),
            name: told::name(report.kind),
            state,
            class,
            began: wording::moment(report.began_at, now),
            took: report.ended_at.map_or_else(String::new, |at| wording::duration((at - report.began_at) / 1_000)),
            who: names.get(&report.by.to_string()).cloned().unwrap_or_default(),
            through: report.through.clone(),
            snapshot: report.snapshot.as_deref().map_or_else(String::new, told::short),
        }
    };
    Ok(listed.iter().map(line).collect())
}

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    before: String,
}

#[derive(Template)]
#[template(path = "backups/history.html")]
struct Page {
    frame: Frame,
    lines: Vec<Line>,
    kept: u32,
    more: String,
}

/// `GET /backups/history`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    console.guard()?;
    let before = params.before.parse().unwrap_or(i64::MAX);
    let listed = reports::listed(console.catalogue.store(), before, PAGE).await?;
    let more = listed.last().filter(|_| listed.len() == PAGE as usize).map_or_else(String::new, |last| {
        format!("/backups/history{}", address::query(&[("before", &last.began_at.to_string())]))
    });
    render(&Page {
        frame: visitor.frame("Reports about backups", Section::Backups),
        lines: lines(&console, &listed).await?,
        kept: reports::KEPT_MAX,
        more,
    })
}
