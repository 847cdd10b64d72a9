//! People: who lives where, which records were taken for one person, and undoing that.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use landscape::catalogue::PeopleOverview;
use model::{Jurisdiction, Label};
use serde::Deserialize;
use store::subjects::{MergeRow, SeparationRow};

use super::object::reason;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording::{self, Moment, Tag};
use crate::{Shared, address};

/// Merges on one page.
const PAGE: u32 = 50;
/// Separations shown, the newest.
const SEPARATIONS_SHOWN: usize = 50;

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    before: Option<u32>,
}

struct Cell {
    people: String,
    href: String,
    /// 0 to 4: how dark.
    heat: u8,
}

struct PlaceRow {
    name: String,
    code: String,
    total: String,
    cells: Vec<Cell>,
}

struct Merge {
    id: u32,
    evidence: &'static str,
    token: u32,
    first: u32,
    second: u32,
    when: Moment,
    ended: Option<Moment>,
}

struct Separation {
    id: u32,
    first: u32,
    second: u32,
    reason: String,
    person: String,
    when: Moment,
    withdrawn: Option<Moment>,
}

#[derive(Template)]
#[template(path = "people/people.html")]
struct Page {
    frame: Frame,
    total: String,
    tags: Vec<Tag>,
    rows: Vec<PlaceRow>,
    merges: Vec<Merge>,
    more: String,
    separations: Vec<Separation>,
    may_undo: bool,
}

/// `GET /people`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let overview = console.catalogue.people().await?;
    let merges = console.catalogue.merges(params.before, PAGE).await?;
    let separations = console.catalogue.separations().await?;
    let now = console.now();
    let labels: Vec<Label> = Label::ALL
        .iter()
        .copied()
        .filter(|label| overview.by_label.get(label.as_str()).is_some_and(|counts| counts.people > 0))
        .collect();
    let more = merges.last().filter(|_| merges.len() == PAGE as usize);
    render(&Page {
        frame: visitor.frame("People", Section::People),
        total: wording::counted(overview.total.people, "distinct person", "distinct people"),
        rows: rows(&overview, &labels),
        tags: labels.into_iter().map(wording::tag).collect(),
        more: more.map_or_else(String::new, |last| {
            format!("/people{}#merges", address::query(&[("before", &last.id.to_string())]))
        }),
        merges: merges.iter().map(|row| merge(row, now)).collect(),
        separations: separations.iter().rev().take(SEPARATIONS_SHOWN).map(|row| separation(row, now)).collect(),
        may_undo: visitor.reviews(),
    })
}

fn rows(overview: &PeopleOverview, labels: &[Label]) -> Vec<PlaceRow> {
    let mut places: Vec<(&Jurisdiction, u64)> =
        overview.total.jurisdictions.iter().map(|(place, people)| (place, *people)).collect();
    places.sort_by_key(|(place, people)| (std::cmp::Reverse(*people), place.as_str().to_owned()));
    let empty = BTreeMap::new();
    let largest = places.first().map_or(0, |(_, people)| *people);
    let cell = |place: &Jurisdiction, label: &Label| {
        let counts = overview.by_label.get(label.as_str()).map_or(&empty, |counts| &counts.jurisdictions);
        let people = counts.get(place).copied().unwrap_or(0);
        Cell {
            people: if people == 0 { String::new() } else { wording::count(people) },
            href: format!("/objects{}", address::query(&[("label", label.as_str()), ("jurisdiction", place.as_str())])),
            heat: heat(people, largest),
        }
    };
    let row = |(place, people): (&Jurisdiction, u64)| PlaceRow {
        name: wording::place(place),
        code: place.as_str().to_owned(),
        total: wording::count(people),
        cells: labels.iter().map(|label| cell(place, label)).collect(),
    };
    places.into_iter().map(row).collect()
}

/// How dark a cell is, 0 to 4: in equal steps of the logarithm, so that few people among many are still seen.
fn heat(people: u64, largest: u64) -> u8 {
    if people == 0 {
        return 0;
    }
    #[expect(clippy::cast_precision_loss, reason = "one of four steps")]
    let share = (1.0 + people as f64).ln() / (1.0 + largest.max(people) as f64).ln();
    match share {
        ..0.25 => 1,
        0.25..0.5 => 2,
        0.5..0.75 => 3,
        _ => 4,
    }
}

fn merge(row: &MergeRow, now: i64) -> Merge {
    Merge {
        id: row.id,
        evidence: if row.rule == "strong" {
            "the same strong identifier of one issuer"
        } else {
            "the same full name and birth date, and no strong identifier that disagrees"
        },
        token: row.token_id,
        first: row.first,
        second: row.second,
        when: wording::moment(row.merged_at, now),
        ended: row.ended_at.map(|at| wording::moment(at, now)),
    }
}

fn separation(row: &SeparationRow, now: i64) -> Separation {
    Separation {
        id: row.id,
        first: row.first,
        second: row.second,
        reason: row.reason.clone(),
        person: row.person.clone(),
        when: wording::moment(row.made_at, now),
        withdrawn: row.withdrawn_at.map(|at| wording::moment(at, now)),
    }
}

/// A decision with its reason, as its form sends it.
#[derive(Debug, Deserialize)]
pub(crate) struct Decision {
    #[serde(default)]
    reason: String,
}

/// `POST /people/merges/{id}/undo`.
pub(crate) async fn undo(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<u32>,
    Form(form): Form<Decision>,
) -> Result<Response, Failure> {
    console.catalogue.undo_merge(id, &reason(&form.reason)?, visitor.name(), console.now()).await?;
    Ok(Redirect::to("/people#separations").into_response())
}

/// `POST /people/separations/{id}/withdraw`.
pub(crate) async fn withdraw(State(console): State<Shared>, Path(id): Path<u32>) -> Result<Response, Failure> {
    console.catalogue.withdraw_separation(id, console.now()).await?;
    Ok(Redirect::to("/people#merges").into_response())
}
