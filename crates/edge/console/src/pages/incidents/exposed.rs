//! Whose data was exposed: in the room in short, and each figure opened into the objects and entries of the record that it rests on.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use incidents::exposure::Grade;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::room::number;
use super::story::ListedRow;
use crate::drawing::flows::{Flows, flows};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::record::entry::Named;
use crate::responding::Figure;
use crate::session::Visitor;
use crate::{Console, Shared, address, wording};

/// Objects that a figure lists.
const OBJECTS_SHOWN: usize = 500;
/// Entries that a row of an object links to.
const ENTRIES_LINKED: usize = 8;

pub(super) struct PlaceBar {
    pub(super) place: String,
    pub(super) certain: String,
    pub(super) likely: String,
    pub(super) certain_width: String,
    pub(super) likely_width: String,
    pub(super) categories: String,
    /// Where the figures open.
    pub(super) certain_href: String,
    pub(super) likely_href: String,
    /// Objects and entries that they rest on; empty where that is not known.
    pub(super) rests: String,
}

pub(super) struct ObjectRow {
    pub(super) object: String,
    pub(super) study: String,
    pub(super) grade: String,
    pub(super) people: String,
    /// Which bytes of it left, in words.
    pub(super) left: String,
    pub(super) entries: Vec<u64>,
    pub(super) more: u64,
    pub(super) href: String,
    /// Why it is possible; empty where it is surer.
    pub(super) why: String,
}

/// An exposure in short.
pub(super) struct Exposed {
    pub(super) flows: Option<Flows>,
    pub(super) told_at: String,
    pub(super) places: Vec<PlaceBar>,
    pub(super) objects: Vec<ObjectRow>,
    pub(super) people_certain: String,
    pub(super) people_likely: String,
    /// With what is only possible; empty where nothing is.
    pub(super) people_possible: String,
    pub(super) certain_href: String,
    pub(super) likely_href: String,
    pub(super) possible_href: String,
    pub(super) notes: Vec<String>,
    pub(super) objects_count: u64,
    pub(super) actors: usize,
    pub(super) refused: u64,
    pub(super) uncounted: u64,
    /// In which form the gravest of them are, in words.
    pub(super) form: String,
    /// Of how many people there are copies in less grave forms only, in words.
    pub(super) only: Vec<String>,
}

/// Where a figure opens.
fn href(id: u32, place: &str, grade: Grade) -> String {
    format!("/incidents/{id}/exposure{}", address::query(&[("place", place), ("grade", grade.as_str())]))
}

/// A jurisdiction in words.
fn place_in_words(place: &str) -> String {
    place.parse().map_or_else(|_| place.to_owned(), |place| wording::place(&place))
}

/// Who took from which study, and whose data that was.
async fn flows_of(console: &Console, summary: &Value) -> Result<Option<Flows>, Failure> {
    let mut names = Named::default();
    let mut taken = BTreeMap::new();
    for flow in summary["flows"].as_array().into_iter().flatten() {
        let text = |name: &str| flow[name].as_str().unwrap_or_default().to_owned();
        let who = names.of(console, &text("principal")).await?;
        *taken.entry((who, text("study"))).or_insert(0) += flow["entries"].as_u64().unwrap_or(0);
    }
    let mut whose = BTreeMap::new();
    for (study, places) in summary["whom"].as_object().into_iter().flatten() {
        for (place, people) in places.as_object().into_iter().flatten() {
            *whose.entry((study.clone(), place_in_words(place))).or_insert(0) += people.as_u64().unwrap_or(0);
        }
    }
    whose.retain(|_, people| *people > 0);
    Ok(flows(taken, whose))
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// An exposure as the room shows it.
pub(super) async fn in_short(console: &Console, id: u32, summary: &Value) -> Result<Exposed, Failure> {
    let figures = |grade: usize| summary["figures"].get(grade);
    let count = |grade: usize, name: &str| figures(grade).and_then(|figure| figure[name].as_u64()).unwrap_or(0);
    let notes = texts(&summary["notes"]).map(str::to_owned).collect();
    let is_possible = count(2, "objects") > count(1, "objects");
    Ok(Exposed {
        flows: flows_of(console, summary).await?,
        told_at: summary["told_at"].as_str().unwrap_or_default().to_owned(),
        places: places(id, summary),
        objects: summary["gravest"].as_array().into_iter().flatten().map(|one| object_row(id, one)).collect(),
        people_certain: wording::count(count(0, "subjects")),
        people_likely: wording::count(count(1, "subjects")),
        people_possible: if is_possible { wording::count(count(2, "subjects")) } else { String::new() },
        certain_href: href(id, "", Grade::Certain),
        likely_href: href(id, "", Grade::Likely),
        possible_href: href(id, "", Grade::Possible),
        notes,
        objects_count: summary["objects"].as_u64().unwrap_or(0),
        actors: summary["principals"].as_object().map_or(0, Map::len),
        refused: summary["refused"].as_u64().unwrap_or(0),
        uncounted: summary["uncounted_subjects"].as_u64().unwrap_or(0),
        form: form_of(summary).to_owned(),
        only: only(summary),
    })
}

fn form_of(summary: &Value) -> &'static str {
    match summary.get("form").map(Value::as_str) {
        Some(Some("sealed")) => "sealed, all of them",
        Some(Some("deidentified")) => "de-identified, all of them",
        // What was told before forms were has this alone.
        None if summary["deidentified"] == true => "de-identified, all of them",
        None | Some(Some(_)) => "in clear",
        Some(None) => "none that left",
    }
}

fn only(summary: &Value) -> Vec<String> {
    let forms = summary["figures"].as_array().and_then(|figures| figures.last()).map(|figure| &figure["forms"]);
    let words = [("deidentified", "de-identified copies only"), ("sealed", "sealed copies only, without the root key")];
    let of = |(form, words): (&str, &str)| {
        let people = forms.and_then(|forms| forms[form]["subjects"].as_u64()).filter(|people| *people > 0)?;
        Some(format!("Of {} {words}", wording::counted(people, "person", "people")))
    };
    words.into_iter().filter_map(of).collect()
}

fn places(id: u32, summary: &Value) -> Vec<PlaceBar> {
    let figures = |grade: usize| summary["figures"].get(grade);
    let by_place = |grade: usize| figures(grade).and_then(|figure| figure["by_jurisdiction"].as_object());
    let most = by_place(1).into_iter().flat_map(Map::values).filter_map(Value::as_u64).max().unwrap_or(1).max(1);
    let width = |people: u64| format!("{}%", (people * 100).div_ceil(most).min(100));
    let bar = |(place, likely): (&String, &Value)| {
        let likely = likely.as_u64().unwrap_or(0);
        let certain = by_place(0).and_then(|places| places.get(place)).and_then(Value::as_u64).unwrap_or(0);
        let categories = figures(1).map(|figure| texts(&figure["categories"][place]).collect::<Vec<_>>().join(", "));
        let proof = figures(1).and_then(|figure| figure["proof"].get(place));
        let rests = |proof: &Value| {
            format!(
                "{}, {}",
                wording::counted(proof["objects"].as_u64().unwrap_or(0), "object", "objects"),
                wording::counted(proof["entries_total"].as_u64().unwrap_or(0), "entry", "entries")
            )
        };
        PlaceBar {
            place: place_in_words(place),
            certain: wording::count(certain),
            likely: wording::count(likely),
            certain_width: width(certain),
            likely_width: width(likely),
            categories: categories.unwrap_or_default(),
            certain_href: href(id, place, Grade::Certain),
            likely_href: href(id, place, Grade::Likely),
            rests: proof.map(rests).unwrap_or_default(),
        }
    };
    by_place(1).into_iter().flatten().map(bar).collect()
}

fn object_row(id: u32, one: &Value) -> ObjectRow {
    let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let entries: Vec<u64> = one["entries"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    let people = one.get("people").unwrap_or(&one["subjects"]);
    // What was told before ranges were has the sum alone.
    let left = match one["left"].as_str() {
        Some(left) if one["form"] == "sealed" && left.is_empty() => "all of it, sealed".to_owned(),
        Some(left) => left.to_owned(),
        None => wording::bytes(one["bytes"].as_u64().unwrap_or(0)),
    };
    let object = text("object");
    ObjectRow {
        study: text("study"),
        grade: text("grade"),
        people: wording::count(people.as_u64().unwrap_or(0)),
        left,
        why: text("why"),
        more: one["entries_total"].as_u64().unwrap_or(0).saturating_sub(entries.len().min(ENTRIES_LINKED) as u64),
        href: format!("/incidents/{id}/exposure{}", address::query(&[("object", &object)])),
        entries: entries.into_iter().take(ENTRIES_LINKED).collect(),
        object,
    }
}

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    place: String,
    grade: String,
    object: String,
    after: String,
}

#[derive(Template)]
#[template(path = "incidents/exposed.html")]
struct Page {
    frame: Frame,
    id: u32,
    title: String,
    heading: String,
    /// How many people the figure is; empty where an object alone is looked at.
    people: String,
    told_at: String,
    objects: Vec<ObjectRow>,
    /// Objects that are not listed.
    further: String,
    notes: Vec<String>,
    rows: Vec<ListedRow>,
    more: String,
    is_possible: bool,
}

/// `GET /incidents/{id}/exposure`: what a figure rests on.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let id = number(&id)?;
    let (guard, by) = console.acting(&visitor).await?;
    let (_, case) = guard.view.incidents.case(id).await?;
    let none =
        || Failure::NotFound("Nobody has told the exposure of this incident yet; do that in its room.".to_owned());
    let summary = case.exposure.as_ref().ok_or_else(none)?;
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let grade = match params.grade.as_str() {
        "" => Grade::Possible,
        text => Grade::parse(text)
            .ok_or_else(|| Failure::BadInput(format!("`{text}` is none of certain, likely, possible.")))?,
    };
    let after = match params.after.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_wrong: std::num::ParseIntError| {
            Failure::BadInput(format!("`{text}` is no number of an entry."))
        })?),
    };
    let figure = Figure { place: given(&params.place), grade, object: given(&params.object), after };
    let unable = || Failure::BadInput("This server can only keep incidents, not tell exposure.".to_owned());
    let respond = console.respond.as_ref().ok_or_else(unable)?;
    let lines = respond.figure(id, figure, &by).await?;
    let summed = lines.last().map(|line| &line["summary"]);
    let objects: Vec<&Value> =
        lines.iter().filter(|line| line.get("grade").is_some() && line.get("object").is_some()).collect();
    let further = objects.len().saturating_sub(OBJECTS_SHOWN) as u64;
    let mut names = Named::default();
    let mut rows = Vec::new();
    for line in lines.iter().filter(|line| line.get("entry").is_some()) {
        rows.push(ListedRow::of_json(&console, line, &mut names).await?);
    }
    let heading = match (params.object.is_empty(), params.place.is_empty()) {
        (false, _) => format!("Object {}", params.object),
        (true, false) => format!("{}, {}", place_in_words(&params.place), words_of(grade)),
        (true, true) => format!("Everybody, {}", words_of(grade)),
    };
    let next = summed.and_then(|summed| summed["next"].as_u64()).map(|next| next.to_string());
    let Params { place, grade: asked, object, .. } = &params;
    let pairs = |next: &str| {
        format!(
            "/incidents/{id}/exposure{}",
            address::query(&[("place", place), ("grade", asked), ("object", object), ("after", next)])
        )
    };
    render(&Page {
        frame: visitor.frame(&heading, Section::Incidents),
        id,
        title: case.title.clone(),
        people: if object.is_empty() { people(&lines, place, grade) } else { String::new() },
        heading,
        told_at: summary["told_at"].as_str().unwrap_or_default().to_owned(),
        objects: objects.iter().take(OBJECTS_SHOWN).map(|line| object_row(id, line)).collect(),
        further: if further > 0 { wording::count(further) } else { String::new() },
        notes: summed.map(|summed| texts(&summed["notes"]).map(str::to_owned).collect()).unwrap_or_default(),
        rows,
        more: next.map(|next| pairs(&next)).unwrap_or_default(),
        is_possible: grade == Grade::Possible,
    })
}

const fn words_of(grade: Grade) -> &'static str {
    match grade {
        Grade::Certain => "certain",
        Grade::Likely => "certain and likely",
        Grade::Possible => "with what is only possible",
    }
}

/// People of the figure.
fn people(lines: &[Value], place: &str, grade: Grade) -> String {
    let of_all = || {
        let figures = lines.last()?["summary"]["figures"].as_array()?;
        figures.iter().find(|figure| figure["grade"] == grade.as_str())?["subjects"].as_u64()
    };
    let of_place = || lines.iter().find(|line| line["jurisdiction"] == place)?[grade.as_str()]["subjects"].as_u64();
    let people = if place.is_empty() { of_all() } else { of_place() };
    wording::counted(people.unwrap_or(0), "person", "people")
}
