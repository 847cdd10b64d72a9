//! The catalogue of recognisers.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use model::IdentifierType;
use recognize::content::RecognizerSpec;
use serde::Deserialize;

use super::listed::Choice;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording;
use crate::{Console, Shared, address};

/// Recognisers on one page.
const PAGE: usize = 100;

/// What the address may say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    text: String,
    #[serde(rename = "type")]
    kind: String,
    country: String,
    after: usize,
}

struct Row {
    href: String,
    name: String,
    id: String,
    country: String,
    has_check: bool,
    needs_context: bool,
    citation: String,
    checked: String,
}

struct Group {
    name: String,
    what: String,
    kind: &'static str,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "recognizers/recognizers.html")]
struct Page {
    frame: Frame,
    text: String,
    kinds: Vec<Choice>,
    countries: Vec<Choice>,
    count: String,
    groups: Vec<Group>,
    more: String,
}

/// `GET /recognizers`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let found: Vec<&RecognizerSpec> =
        console.knowledge.recognizers().iter().filter(|spec| is_wanted(spec, &params)).collect();
    let shown = found.iter().skip(params.after).take(PAGE);
    let mut groups: Vec<Group> = Vec::new();
    for spec in shown {
        if groups.last().is_none_or(|group| group.kind != spec.kind.as_str()) {
            groups.push(group(&console, spec.kind));
        }
        if let Some(group) = groups.last_mut() {
            group.rows.push(row(spec));
        }
    }
    let next = params.after.saturating_add(PAGE);
    let more = if next < found.len() {
        let next = next.to_string();
        let pairs = [("text", &*params.text), ("type", &params.kind), ("country", &params.country), ("after", &next)];
        format!("/recognizers{}", address::query(&pairs))
    } else {
        String::new()
    };
    render(&Page {
        frame: visitor.frame("Recognisers", Section::Recognizers),
        kinds: kinds(&console, &params),
        countries: countries(&console, &params),
        count: wording::counted(found.len() as u64, "recogniser", "recognisers"),
        text: params.text,
        groups,
        more,
    })
}

fn is_wanted(spec: &RecognizerSpec, params: &Params) -> bool {
    let text = params.text.trim().to_lowercase();
    let holds = |field: &str| field.to_lowercase().contains(&text);
    (params.kind.is_empty() || spec.kind.as_str() == params.kind)
        && (params.country.is_empty() || spec.countries.contains(&params.country))
        && (text.is_empty() || holds(&spec.id) || holds(&spec.name) || holds(&spec.citation))
}

fn group(console: &Console, kind: IdentifierType) -> Group {
    Group {
        name: console.knowledge.type_name(kind),
        what: console.knowledge.of_type(kind).map_or_else(String::new, |spec| spec.what.clone()),
        kind: kind.as_str(),
        rows: Vec::new(),
    }
}

fn row(spec: &RecognizerSpec) -> Row {
    let countries: Vec<String> = spec.countries.iter().map(|code| wording::country(code)).collect();
    Row {
        href: format!("/recognizers/{}", spec.id),
        name: spec.name.clone(),
        id: spec.id.clone(),
        country: countries.join(", "),
        has_check: spec.validator.is_some(),
        needs_context: spec.context_required,
        citation: spec.citation.clone(),
        checked: spec.checked.clone(),
    }
}

fn kinds(console: &Console, params: &Params) -> Vec<Choice> {
    let mut counts: BTreeMap<IdentifierType, u64> = BTreeMap::new();
    for spec in console.knowledge.recognizers() {
        *counts.entry(spec.kind).or_default() += 1;
    }
    let text = |kind: IdentifierType, count: u64| format!("{} ({})", console.knowledge.type_name(kind), count);
    let mut choices: Vec<Choice> =
        counts.iter().map(|(kind, count)| Choice::new(kind.as_str(), text(*kind, *count), &params.kind)).collect();
    choices.sort_by_key(|choice| choice.text.to_lowercase());
    choices
}

fn countries(console: &Console, params: &Params) -> Vec<Choice> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for code in console.knowledge.recognizers().iter().flat_map(|spec| &spec.countries) {
        *counts.entry(code).or_default() += 1;
    }
    let text = |code: &str, count: u64| format!("{} ({count})", wording::country(code));
    let mut choices: Vec<Choice> =
        counts.iter().map(|(code, count)| Choice::new(code, text(code, *count), &params.country)).collect();
    choices.sort_by_key(|choice| choice.text.to_lowercase());
    choices
}
