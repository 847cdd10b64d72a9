//! What changed: new, changed, gone, relabelled.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use landscape::queries::ChangeRow;
use serde::Deserialize;

use super::listed::parted;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording::{self, Moment, Tag};
use crate::{Shared, address};

/// Changes on one page.
const PAGE: u32 = 100;
const DAY_MS: i64 = 24 * 60 * 60_000;

/// From when on changes are told.
#[derive(Debug, Clone)]
pub(crate) struct Since {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    /// Milliseconds since 1970, UTC.
    pub(crate) at: i64,
    pub(crate) choices: Vec<(&'static str, &'static str, bool)>,
}

const SINCE: [(&str, &str, i64); 4] = [
    ("day", "in the last 24 hours", DAY_MS),
    ("week", "in the last 7 days", 7 * DAY_MS),
    ("month", "in the last 30 days", 30 * DAY_MS),
    ("ever", "ever", i64::MAX),
];

impl Since {
    /// The span of that name before `now`; a week by default.
    pub(crate) fn named(name: &str, now: i64) -> Self {
        let (name, text, span) = SINCE.into_iter().find(|(known, ..)| *known == name).unwrap_or(SINCE[1]);
        let choices = SINCE.map(|(value, text, _)| (value, text, value == name)).to_vec();
        Self { name, text, at: now.saturating_sub(span).max(0), choices }
    }
}

/// How many changes of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) count: String,
    pub(crate) is_zero: bool,
}

impl Kind {
    /// Every kind that there is or that people look for.
    pub(crate) fn all(counts: &BTreeMap<String, u64>) -> Vec<Self> {
        let known = ["new", "changed", "gone", "returned", "relabelled", "unreadable"];
        let kind = |name: &'static str| {
            let count = counts.get(name).copied().unwrap_or(0);
            Self { name, count: wording::count(count), is_zero: count == 0 }
        };
        known.map(kind).to_vec()
    }
}

/// One change.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) kind: String,
    pub(crate) when: Moment,
    pub(crate) href: String,
    pub(crate) folder: String,
    pub(crate) name: String,
    pub(crate) detail: String,
    pub(crate) tags: Vec<Tag>,
}

impl Change {
    /// A change seen from `now`.
    pub(crate) fn new(row: &ChangeRow, now: i64) -> Self {
        let (folder, name) = parted(&row.path);
        Self {
            kind: row.kind.clone(),
            when: wording::moment(row.happened_at, now),
            href: format!("/objects/{}", row.object_id),
            folder,
            name,
            // Of what is new, the detail is its labels, which stand beside it.
            detail: if row.kind == "new" { String::new() } else { row.detail.replace(',', ", ") },
            tags: row.labels.split(',').filter_map(|label| label.parse().ok()).map(wording::tag).collect(),
        }
    }
}

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    since: String,
    before: String,
}

#[derive(Template)]
#[template(path = "changes/changes.html")]
struct Page {
    frame: Frame,
    since: Since,
    kinds: Vec<Kind>,
    changes: Vec<Change>,
    /// Address of the next page; empty at the end.
    more: String,
}

/// `GET /changes`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let since = Since::named(&params.since, console.now());
    let before = params.before.split_once('-').and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    let rows = console.catalogue.changes(since.at, before, PAGE).await?;
    let more = rows.last().filter(|_| rows.len() == PAGE as usize).map_or_else(String::new, |last| {
        let before = format!("{}-{}", last.happened_at, last.id);
        format!("/changes{}", address::query(&[("since", since.name), ("before", &before)]))
    });
    let counts = console.catalogue.change_counts(since.at).await?;
    render(&Page {
        frame: visitor.frame("What changed", Section::Landscape),
        kinds: Kind::all(&counts),
        changes: rows.iter().map(|row| Change::new(row, console.now())).collect(),
        since,
        more,
    })
}
