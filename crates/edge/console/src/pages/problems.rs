//! What could not be read, and why.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use store::identifiers::ProblemOfObject;

use super::listed::parted;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording;
use crate::{Shared, address};

/// Problems on one page.
const PAGE: u32 = 100;

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    before: String,
}

struct Row {
    href: String,
    folder: String,
    name: String,
    format: String,
    kind: String,
    meaning: &'static str,
    message: String,
    is_unreadable: bool,
}

#[derive(Template)]
#[template(path = "problems/problems.html")]
struct Page {
    frame: Frame,
    unreadable: String,
    count: String,
    rows: Vec<Row>,
    more: String,
}

/// `GET /problems`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let before = params.before.split_once('-').and_then(|(id, at)| Some((id.parse().ok()?, at.parse().ok()?)));
    let found = console.catalogue.problems(before, PAGE).await?;
    let totals = console.catalogue.totals().await?;
    let more = found.last().filter(|_| found.len() == PAGE as usize).map_or_else(String::new, |last| {
        let before = format!("{}-{}", last.problem.object_id, last.ordinal);
        format!("/problems{}", address::query(&[("before", &before)]))
    });
    render(&Page {
        frame: visitor.frame("Problems", Section::Problems),
        unreadable: wording::counted(totals.unreadable, "object", "objects"),
        count: wording::counted(totals.problems, "problem", "problems"),
        rows: found.iter().map(row).collect(),
        more,
    })
}

fn row(found: &ProblemOfObject) -> Row {
    let (folder, name) = parted(&found.path);
    Row {
        href: format!("/objects/{}", found.problem.object_id),
        folder,
        name,
        format: found.format.clone(),
        kind: found.problem.kind.clone(),
        meaning: meaning(&found.problem.kind),
        message: found.problem.message.clone(),
        is_unreadable: found.state == "unreadable",
    }
}

/// What a kind of problem asks of a person.
pub(super) fn meaning(kind: &str) -> &'static str {
    match kind {
        "truncated" => "It ends too early: fetch it again from where it came.",
        "malformed" => "Its bytes contradict its format: check how it was written.",
        "encrypted" => "A password or key is needed: keep a decrypted copy where it may lie, and scan that.",
        "limit" => "A limit of size, depth, count or time was reached: scan it alone with a higher limit.",
        "unsupported" => "This version does not read it: convert it, or label it by hand.",
        "io" => "The system refused: check permissions and the network, then scan again.",
        _ => "",
    }
}
