//! One actor: what was found about it, and how strange its days are.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use model::PrincipalId;
use store::findings::{self as table, Wanted};

use super::{Row, row};
use crate::Shared;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording;

/// Findings shown.
const PAGE: u32 = 100;

#[derive(Template)]
#[template(path = "findings/person.html")]
struct Page {
    frame: Frame,
    who: String,
    kind: String,
    since: wording::Moment,
    organisation: String,
    score: String,
    day: String,
    place: String,
    open: String,
    all: String,
    /// Incidents because of which it is watched more closely, and until when.
    closer: Vec<(u32, wording::Moment)>,
    rows: Vec<Row>,
}

/// `GET /findings/actors/{id}`. Nothing here names the actor; who it is stays with the findings, for a reason.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let nobody = || Failure::NotFound("There is no such actor; look for it in the stream.".to_owned());
    let id: PrincipalId = id.parse().ok().ok_or_else(nobody)?;
    let store = console.catalogue.store();
    let principal = store::principals::by_id(store, id).await?.ok_or_else(nobody)?;
    let any = Wanted { principal: Some(id), any_state: true, ..Wanted::default() };
    let found = table::ranked(store, &any, None, PAGE).await?;
    let open = table::count(store, &Wanted { principal: Some(id), ..Wanted::default() }).await?;
    let all = table::count(store, &any).await?;
    let progress = guard.view.board.progress();
    let place = progress.strangest.iter().position(|one| one.entity == id.to_string());
    let strange = place.and_then(|place| progress.strangest.get(place));
    let mut rows = Vec::with_capacity(found.len());
    for finding in &found {
        rows.push(row(&console, finding)?);
    }
    let now = console.now();
    let mine = id.to_string();
    // Whoever belongs to a partner that is watched is watched as well.
    let is_meant = |one: &&watch::Closer| {
        let of = |kind: &str, target: &str| one.kind == kind && one.target == target;
        let partner = principal.organisation.as_deref().is_some_and(|partner| of("partner", partner));
        one.until_ms > now && (of("principal", &mine) || of("device", &mine) || partner)
    };
    let closers = guard.view.closers.all();
    let closer = closers.iter().filter(is_meant).map(|one| (one.incident, wording::moment(one.until_ms, now)));
    let closer = closer.collect();
    let who = super::one::called(&console, id)?;
    render(&Page {
        frame: visitor.frame(&who, Section::Findings),
        who,
        kind: principal.kind.to_string(),
        since: wording::moment(principal.created_at, now),
        organisation: principal.organisation.unwrap_or_default(),
        score: strange.map_or_else(|| "nothing strange".to_owned(), |one| format!("{:.1}", one.score)),
        day: strange.map(|one| one.day.clone()).unwrap_or_default(),
        place: place.map(|place| wording::count(place as u64 + 1)).unwrap_or_default(),
        open: wording::count(open),
        all: wording::count(all),
        closer,
        rows,
    })
}
