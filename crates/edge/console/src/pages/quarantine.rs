//! Quarantine: what waits for somebody's decision.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use model::{PrincipalId, VersionId};
use serde::Deserialize;
use store::guarded::versions::{self, StoredVersion};

use super::record::entry::Named;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording::{self, Moment, Tag};
use crate::{Shared, address};

/// Versions on one page.
const PAGE: u32 = 100;

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    before: String,
}

struct Row {
    id: String,
    study: String,
    name: String,
    tags: Vec<Tag>,
    bytes: String,
    who: String,
    when: Moment,
}

#[derive(Template)]
#[template(path = "quarantine/quarantine.html")]
struct Page {
    frame: Frame,
    rows: Vec<Row>,
    may_settle: bool,
    more: String,
}

/// `GET /quarantine`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    console.guard()?;
    let before = params.before.parse().unwrap_or(i64::MAX);
    let held = versions::in_state(console.catalogue.store(), "quarantined", before, PAGE).await?;
    let more = held.last().filter(|_| held.len() == PAGE as usize).map_or_else(String::new, |last| {
        format!("/quarantine{}", address::query(&[("before", &last.sequence.to_string())]))
    });
    let mut names = Named::default();
    let mut rows = Vec::with_capacity(held.len());
    for version in held {
        let who = names.of(&console, &PrincipalId::from_bytes(version.created_by).to_string()).await?;
        rows.push(row(version, who, console.now()));
    }
    render(&Page { frame: visitor.frame("Quarantine", Section::Quarantine), rows, may_settle: visitor.reviews(), more })
}

fn row(version: StoredVersion, who: String, now: i64) -> Row {
    let labels = version.labels.split_ascii_whitespace().filter_map(|label| label.parse().ok());
    Row {
        id: VersionId::from_bytes(version.version).to_string(),
        tags: labels.map(wording::tag).collect(),
        bytes: wording::bytes(u64::try_from(version.bytes).unwrap_or(0)),
        when: wording::moment(version.modified_at, now),
        study: version.study,
        name: version.name,
        who,
    }
}

/// A decision, as its form sends it.
#[derive(Debug, Deserialize)]
pub(crate) struct Decision {
    decision: String,
    reason: String,
}

/// `POST /quarantine/{id}`. Recorded, with its reason, before it takes effect.
pub(crate) async fn settle(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<Decision>,
) -> Result<Response, Failure> {
    let none = || Failure::NotFound("There is no such version in quarantine; reload the list.".to_owned());
    let id: VersionId = id.parse().ok().ok_or_else(none)?;
    let is_released = match form.decision.as_str() {
        "release" => true,
        "refuse" => false,
        _ => return Err(Failure::BadInput("Choose whether to release it or to refuse it.".to_owned())),
    };
    let (guard, by) = console.acting(&visitor).await?;
    guard.view.gateway.settle(&by, id, is_released, &form.reason).await?;
    Ok(Redirect::to("/quarantine").into_response())
}
