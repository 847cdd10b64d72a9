//! Search.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use landscape::queries::{Filter, Totals};
use landscape::subjects::Counts;
use model::{Format, IdentifierType, Jurisdiction, Label};
use serde::Deserialize;

use super::listed::{Choice, Listed};
use crate::failure::{Failure, render, sentence};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording;
use crate::{Console, Shared, address};

/// Objects on one page.
const PAGE: u32 = 50;
/// People are counted over at most this many objects, so that the page comes at once.
const COUNTED_OBJECTS_MAX: u64 = 20_000;
/// The longest text looked for, in characters.
const TEXT_MAX: usize = 200;

/// What the address may say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    text: String,
    label: String,
    law: String,
    format: String,
    study: String,
    jurisdiction: String,
    identifier: String,
    state: String,
    source: String,
    problems: String,
    after: String,
}

impl Params {
    fn query(&self, after: &str) -> String {
        address::query(&[
            ("text", &self.text),
            ("label", &self.label),
            ("law", &self.law),
            ("format", &self.format),
            ("study", &self.study),
            ("jurisdiction", &self.jurisdiction),
            ("identifier", &self.identifier),
            ("state", &self.state),
            ("source", &self.source),
            ("problems", &self.problems),
            ("after", after),
        ])
    }

    fn filter(&self) -> Result<Filter, Failure> {
        if self.text.chars().count() > TEXT_MAX {
            return Err(Failure::BadInput(format!("The text is too long; look for at most {TEXT_MAX} characters.")));
        }
        Ok(Filter {
            text: self.text.trim().to_owned(),
            label: parsed(&self.label)?,
            law: parsed(&self.law)?,
            format: parsed(&self.format)?,
            study: Some(self.study.clone()).filter(|study| !study.is_empty()),
            jurisdiction: parsed(&self.jurisdiction)?,
            identifier: parsed(&self.identifier)?,
            state: match self.state.as_str() {
                "" => None,
                known @ ("present" | "unreadable" | "gone") => Some(known.to_owned()),
                other => {
                    return Err(Failure::BadInput(format!("There is no state “{other}”; choose one from the list.")));
                }
            },
            source_id: parsed(&self.source)?,
            with_problems: !self.problems.is_empty(),
        })
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<Option<T>, Failure> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| Failure::BadInput(format!("{} Choose one from the list.", sentence(&error))))
}

/// A list to choose from.
struct Select {
    name: &'static str,
    title: &'static str,
    choices: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "objects/objects.html")]
struct Page {
    frame: Frame,
    text: String,
    selects: Vec<Select>,
    with_problems: bool,
    is_filtered: bool,
    objects: Vec<Listed>,
    /// `1,234 objects`, `about 1,234 objects`.
    matches: String,
    /// Distinct people in them, or why they were not counted.
    people: String,
    /// The largest jurisdictions among them.
    places: Vec<(String, String)>,
    is_continued: bool,
    first: String,
    /// Address of the next page; empty at the end.
    more: String,
}

/// `GET /objects`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let filter = params.filter()?;
    let after = params.after.split_once('-').and_then(|(risk, id)| Some((risk.parse().ok()?, id.parse().ok()?)));
    let page = console.catalogue.search(&filter, after, PAGE).await?;
    let totals = console.catalogue.totals().await?;
    let people = people(&console, &filter, &params, &totals).await?;
    let matches = wording::counted(page.matches, "object", "objects");
    let is_filtered = !params.query("").is_empty();
    render(&Page {
        frame: visitor.frame("Objects", Section::Objects),
        selects: selects(&console, &params, &totals).await?,
        with_problems: filter.with_problems,
        text: params.text.clone(),
        is_filtered,
        matches: if page.exact { matches } else { format!("at most {matches}") },
        objects: page.objects.iter().map(Listed::from).collect(),
        places: people.as_ref().map(largest).unwrap_or_default(),
        people: people.map_or_else(
            || format!("people not counted above {} objects", wording::count(COUNTED_OBJECTS_MAX)),
            |counts| wording::counted(counts.people, "distinct person", "distinct people"),
        ),
        is_continued: after.is_some(),
        first: format!("/objects{}", params.query("")),
        more: page
            .next
            .map_or_else(String::new, |(risk, id)| format!("/objects{}", params.query(&format!("{risk}-{id}")))),
    })
}

/// Distinct people of the result. What the overview already knows is not counted again.
async fn people(
    console: &Console,
    filter: &Filter,
    params: &Params,
    totals: &Totals,
) -> Result<Option<Counts>, Failure> {
    let overview = &totals.people;
    let none = Counts::default;
    let only = |kept: Params| Params { after: String::new(), ..params.clone() }.query("") == kept.query("");
    if only(Params::default()) {
        return Ok(Some(overview.total.clone()));
    }
    if only(Params { label: params.label.clone(), ..Params::default() }) {
        return Ok(Some(overview.by_label.get(&params.label).cloned().unwrap_or_else(none)));
    }
    if only(Params { study: params.study.clone(), ..Params::default() }) {
        return Ok(Some(overview.by_study.get(&params.study).cloned().unwrap_or_else(none)));
    }
    if only(Params { study: params.study.clone(), label: params.label.clone(), ..Params::default() }) {
        let key = (params.study.clone(), params.label.clone());
        return Ok(Some(overview.by_study_and_label.get(&key).cloned().unwrap_or_else(none)));
    }
    Ok(console.catalogue.people_found(filter, COUNTED_OBJECTS_MAX).await?)
}

fn largest(counts: &Counts) -> Vec<(String, String)> {
    let mut places: Vec<(&Jurisdiction, u64)> = counts.jurisdictions.iter().map(|(place, n)| (place, *n)).collect();
    places.sort_by_key(|(place, people)| (std::cmp::Reverse(*people), place.as_str().to_owned()));
    places.iter().take(5).map(|(place, people)| (wording::place(place), wording::count(*people))).collect()
}

async fn selects(console: &Console, params: &Params, totals: &Totals) -> Result<Vec<Select>, Failure> {
    let with = |name: String, objects: u64| format!("{name} ({})", wording::count(objects));
    let label = |label: &Label| {
        let objects = totals.by_label.get(label).map_or(0, |sum| sum.objects);
        Choice::new(label.as_str(), with(label.to_string(), objects), &params.label)
    };
    let format = |(format, sum): (&Format, &landscape::queries::Sum)| {
        Choice::new(format.as_str(), with(format.to_string(), sum.objects), &params.format)
    };
    let identifier =
        |kind: &IdentifierType| Choice::new(kind.as_str(), console.knowledge.type_name(*kind), &params.identifier);
    let mut identifiers: Vec<Choice> = IdentifierType::ALL.iter().map(identifier).collect();
    identifiers.sort_by_key(|choice| choice.text.to_lowercase());
    let study = |(study, sum): (&String, &landscape::queries::Sum)| {
        Choice::new(study, with(wording::shortened(study, 60), sum.objects), &params.study)
    };
    let source = |source: &store::sources::SourceRow| {
        Choice::new(&source.id.to_string(), wording::shortened(&source.location, 60), &params.source)
    };
    let mut laws: Vec<Choice> = totals
        .by_law
        .iter()
        .map(|(law, objects)| Choice::new(law.as_str(), with(wording::law(law), *objects), &params.law))
        .collect();
    laws.sort_by_key(|choice| choice.text.to_lowercase());
    let place = |place: &Jurisdiction| Choice::new(place.as_str(), wording::place(place), &params.jurisdiction);
    let mut places: Vec<Choice> = totals.people.total.jurisdictions.keys().map(place).collect();
    places.sort_by_key(|choice| choice.text.to_lowercase());
    let states = [("present", "Present"), ("unreadable", "Unreadable"), ("gone", "Gone")];
    let selects = vec![
        select("label", "Label", Label::ALL.iter().map(label).collect(), &params.label),
        select("law", "Law", laws, &params.law),
        select(
            "study",
            "Study",
            totals.by_study.iter().filter(|(s, _)| !s.is_empty()).map(study).collect(),
            &params.study,
        ),
        select("jurisdiction", "People from", places, &params.jurisdiction),
        select("identifier", "Identifier", identifiers, &params.identifier),
        select("format", "Format", totals.by_format.iter().map(format).collect(), &params.format),
        select("source", "Source", console.catalogue.sources().await?.iter().map(source).collect(), &params.source),
        select(
            "state",
            "State",
            states.map(|(value, text)| Choice::new(value, text.to_owned(), &params.state)).to_vec(),
            &params.state,
        ),
    ];
    Ok(selects)
}

/// A list to choose from. What the address asks for is always among its choices, so that a form sent again keeps it.
fn select(name: &'static str, title: &'static str, mut choices: Vec<Choice>, chosen: &str) -> Select {
    if !chosen.is_empty() && !choices.iter().any(|choice| choice.is_chosen) {
        choices.push(Choice::new(chosen, chosen.to_owned(), chosen));
    }
    Select { name, title, choices }
}
