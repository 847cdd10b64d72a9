//! The keys of one study.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use model::{Scope, StudyId};
use serde::Deserialize;
use store::guarded::sums;

use super::receipts::{ReceiptRow, row};
use super::{HoldRow, Node, PAGE, hold_rows};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording;
use crate::{Shared, address};

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    after: String,
}

#[derive(Template)]
#[template(path = "keys/study.html")]
struct Page {
    frame: Frame,
    id: String,
    scope: String,
    is_destroyed: bool,
    figures: Vec<(&'static str, String)>,
    nodes: Vec<Node>,
    holds: Vec<HoldRow>,
    receipts: Vec<ReceiptRow>,
    may_change: bool,
    more: String,
}

/// `GET /keys/studies/{id}`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let (vault, now) = (&guard.view.vault, console.now());
    let none = || Failure::NotFound("There is no such study; choose one from the list.".to_owned());
    let study: StudyId = id.parse().ok().ok_or_else(none)?;
    let scope = Scope::Study(study.clone());
    let name = format!("study:{study}");
    let all = vault.keys_under("organisation", "", store::PAGE_ROWS_MAX).await?;
    let own = all.into_iter().find(|key| key.name == name);
    if own.is_none() && guard.view.access.study(&study).is_none() {
        return Err(none());
    }
    let doom = vault.doom(&scope).await?;
    let holds: Vec<vault::Hold> = vault.holds().await?;
    let subjects = vault.keys_under(&name, &params.after, PAGE).await?;
    let last = subjects.last().filter(|_| subjects.len() == PAGE as usize);
    let more = last
        .map_or_else(String::new, |last| format!("/keys/studies/{study}{}", address::query(&[("after", &last.name)])));
    let is_destroyed = own.as_ref().is_some_and(|key| key.destroyed_at.is_some());
    let mut nodes: Vec<Node> = Vec::new();
    if params.after.is_empty() {
        nodes.extend(own.map(|key| Node::of(key, 0, &holds, now)));
    }
    nodes.extend(subjects.into_iter().map(|key| Node::of(key, 1, &holds, now)));
    let sum = sums::of_study(console.catalogue.store(), study.as_str(), now).await?;
    let keys = |kind: &str| doom.keys.iter().find(|(of, _)| of == kind).map_or(0, |(_, keys)| *keys);
    render(&Page {
        frame: visitor.frame(&format!("Keys of {study}"), Section::Keys),
        scope: scope.to_string(),
        is_destroyed,
        figures: vec![
            ("objects", wording::count(sum.objects)),
            ("versions", wording::count(sum.versions)),
            ("sealed", wording::bytes(sum.bytes)),
            ("keys of objects", wording::count(keys("data"))),
            ("keys of data subjects", wording::count(keys("subject"))),
            ("keys of details", wording::count(keys("detail"))),
        ],
        nodes,
        holds: hold_rows(doom.holds, now),
        receipts: vault.receipts(Some(&scope)).await?.iter().take(PAGE as usize).map(|one| row(one, now)).collect(),
        may_change: visitor.administers(),
        more,
        id: study.to_string(),
    })
}
