//! Where it stands how exposed people are reached, and letters that are asked for from there. Nobody is named.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use incidents::letters::Kind;
use serde_json::Value;

use super::room::number;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::responding::Act;
use crate::session::Visitor;
use crate::{Shared, wording};

/// Objects that are listed: those that say most come first.
const OBJECTS_SHOWN: usize = 200;

struct ObjectRow {
    number: u64,
    path: String,
    /// Where it lies, in words.
    lies: String,
    study: String,
    people: String,
    /// Of those how many no object before it tells.
    more: String,
    /// A table can be drawn from it.
    is_drawn: bool,
    /// It tells of somebody whom none before it does.
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "incidents/reaching.html")]
struct Page {
    frame: Frame,
    id: u32,
    title: String,
    people: String,
    missing: String,
    objects: Vec<ObjectRow>,
    /// Objects that are not listed.
    further: String,
    kinds: Vec<(&'static str, &'static str)>,
    is_open: bool,
}

/// Kinds of letters that go to people one by one, and their names.
fn kinds() -> Vec<(&'static str, &'static str)> {
    let named = |kind: Kind| match kind {
        Kind::Gdpr34 => Some((kind.as_str(), "to people concerned, Article 34 GDPR")),
        Kind::Hipaa404 => Some((kind.as_str(), "to individuals, 45 CFR 164.404")),
        Kind::Appi26Principals => Some((kind.as_str(), "to principals, Article 26(2) APPI")),
        Kind::Staff => Some((kind.as_str(), "to the organisation's own staff")),
        Kind::Partner | Kind::Press | Kind::Substitute => None,
    };
    Kind::ALL.into_iter().filter_map(named).collect()
}

/// `GET /incidents/{id}/letters`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = number(&id)?;
    let (guard, by) = console.acting(&visitor).await?;
    let (_, case) = guard.view.incidents.case(id).await?;
    if case.exposure.is_none() {
        let why = "Nobody has told the exposure of this incident yet, so nobody is known who would be written to; tell it in the room.";
        return Err(Failure::NotFound(why.to_owned()));
    }
    let unable = || Failure::BadInput("This server can only keep incidents, not tell who is exposed.".to_owned());
    let lines = console.respond.as_ref().ok_or_else(unable)?.reaching(id, &by).await?;
    let summary = lines.last().map(|line| &line["summary"]);
    let count = |name: &str| summary.and_then(|summary| summary[name].as_u64()).unwrap_or(0);
    let objects: Vec<&Value> = lines.iter().filter(|line| line.get("object").is_some()).collect();
    let further = objects.len().saturating_sub(OBJECTS_SHOWN) as u64;
    render(&Page {
        frame: visitor.frame("Letters to those concerned", Section::Incidents),
        id,
        title: case.title.clone(),
        people: wording::counted(count("people"), "person", "people"),
        missing: if count("missing") > 0 { wording::count(count("missing")) } else { String::new() },
        objects: objects.into_iter().take(OBJECTS_SHOWN).map(row).collect(),
        further: if further > 0 { wording::count(further) } else { String::new() },
        kinds: kinds(),
        is_open: case.state != model::IncidentState::Closed,
    })
}

fn row(line: &Value) -> ObjectRow {
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let count = |name: &str| line[name].as_u64().unwrap_or(0);
    let is_drawn = line["drawn"] == true;
    ObjectRow {
        number: count("object"),
        path: text("path"),
        lies: if text("source") == "guard" { "behind the guard".to_owned() } else { text("location") },
        study: text("study"),
        people: wording::count(count("people")),
        more: wording::count(count("more")),
        is_chosen: is_drawn && count("more") > 0,
        is_drawn,
    }
}

/// Letters that are asked for from objects.
pub(super) fn asked(form: &[(String, String)]) -> Result<Act, Failure> {
    let kind = of(form, "kind").next().unwrap_or_default();
    let number = |text: String| {
        text.parse::<u32>()
            .map_err(|_wrong| Failure::BadInput(format!("`{text}` is no number of an object; choose from the list.")))
    };
    let objects = of(form, "object").map(number).collect::<Result<Vec<u32>, Failure>>()?;
    if objects.is_empty() {
        return Err(Failure::BadInput("Choose at least one object that says how people are reached.".to_owned()));
    }
    Ok(Act::AskLetters { kind, objects })
}

/// What a form has of a field.
fn of<'f>(form: &'f [(String, String)], name: &'f str) -> impl Iterator<Item = String> + 'f {
    form.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.trim().to_owned())
}
