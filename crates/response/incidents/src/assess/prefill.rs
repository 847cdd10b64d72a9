//! Answers that facts and the summary of exposure suggest.
//!
//! The summary is what the incident room keeps of an exposure: `figures` by grade, each with all surer ones (`grade`, `objects`,
//! `by_jurisdiction`, `categories`), `form`, `uncounted_subjects`, `reach_cut`, `told_at`. What has another shape says nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::exposure::Form;

/// Where an answer is suggested from.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "from", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Prefill {
    /// A fact: its text, or the option for its value; while it is not known, the option for the gravest form in which something is exposed.
    Fact {
        name: String,
        #[serde(default)]
        options: BTreeMap<String, String>,
        #[serde(default)]
        forms: BTreeMap<Form, String>,
    },
    /// Whether there are more people of a place than so many.
    Number { place: String, over: u64, above: String, otherwise: String },
    /// Whether one of these categories is among the data of people of a place. That none is known says nothing.
    Categories { place: String, any: Vec<String>, then: String },
    /// How sure it is that something left.
    Grade { certain: String, likely: String },
    /// How many people of a place there are and which kinds of data, in words.
    People { place: String },
}

impl Prefill {
    /// The options that it can suggest. `None`: it suggests a text.
    pub(super) fn options(&self) -> Option<Vec<&str>> {
        match self {
            Self::Fact { options, .. } if options.is_empty() => None,
            Self::Fact { options, forms, .. } => {
                Some(options.values().chain(forms.values()).map(String::as_str).collect())
            }
            Self::Number { above, otherwise, .. } => Some(vec![above, otherwise]),
            Self::Categories { then, .. } => Some(vec![then]),
            Self::Grade { certain, likely } => Some(vec![certain, likely]),
            Self::People { .. } => None,
        }
    }

    pub(super) fn answer(&self, facts: &Map<String, Value>, exposure: Option<&Value>) -> Option<String> {
        match self {
            Self::Fact { name, options, forms } => {
                let value = match facts.get(name) {
                    Some(Value::Bool(is)) => is.to_string(),
                    Some(Value::String(text)) => text.clone(),
                    None | Some(Value::Null) => {
                        let form = Form::deserialize(&exposure?["form"]).ok()?;
                        return forms.get(&form).cloned();
                    }
                    Some(_) => return None,
                };
                if options.is_empty() { Some(value) } else { options.get(&value).cloned() }
            }
            Self::Number { place, over, above, otherwise } => {
                let counts: Vec<Count> =
                    [affected(facts, place), exposed(exposure, place)].into_iter().flatten().collect();
                if counts.iter().any(|count| count.people > *over) {
                    return Some(above.clone());
                }
                // Who may live there, or was not counted, can make it more.
                (!counts.is_empty() && counts.iter().all(|count| count.is_all)).then(|| otherwise.clone())
            }
            Self::Categories { place, any, then } => {
                let known = categories(facts, exposure, place);
                any.iter().any(|one| known.contains(one.as_str())).then(|| then.clone())
            }
            Self::Grade { certain, likely } => {
                let has = |grade: &str| figure(exposure, grade).is_some_and(|one| one["objects"].as_u64() > Some(0));
                if has("certain") { Some(certain.clone()) } else { has("likely").then(|| likely.clone()) }
            }
            Self::People { place } => people(facts, exposure, place),
        }
    }
}

/// People of a place.
struct Count {
    people: u64,
    /// Whether it is sure that there are not more.
    is_all: bool,
}

impl Count {
    /// Takes the people of a jurisdiction, if it lies in the place, or may.
    fn add(&mut self, jurisdiction: &str, subjects: Option<u64>, place: &str) {
        if lies_in(jurisdiction, place) {
            self.people = self.people.saturating_add(subjects.unwrap_or(0));
            self.is_all &= subjects.is_some();
        } else if jurisdiction == "unknown" && subjects != Some(0) {
            self.is_all = false;
        }
    }
}

/// Whether a jurisdiction is one of `JP` or `EU-*`.
fn lies_in(jurisdiction: &str, place: &str) -> bool {
    place.strip_suffix('*').map_or(jurisdiction == place, |start| jurisdiction.starts_with(start))
}

fn entries(facts: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    facts.get("affected").and_then(Value::as_array).into_iter().flatten()
}

fn figure<'a>(exposure: Option<&'a Value>, grade: &str) -> Option<&'a Value> {
    exposure?.get("figures")?.as_array()?.iter().find(|one| one["grade"] == grade)
}

fn affected(facts: &Map<String, Value>, place: &str) -> Option<Count> {
    facts.get("affected")?.as_array().filter(|all| !all.is_empty())?;
    let mut count = Count { people: 0, is_all: true };
    for entry in entries(facts) {
        let jurisdiction = entry["jurisdiction"].as_str().unwrap_or("unknown");
        count.add(jurisdiction, entry["subjects"].as_u64(), place);
    }
    Some(count)
}

/// With all that was within reach: a possibility counts.
fn exposed(exposure: Option<&Value>, place: &str) -> Option<Count> {
    let figures = figure(exposure, "possible")?;
    let summary = exposure?;
    let is_told = summary["uncounted_subjects"] == 0 && summary["reach_cut"] == false;
    let mut count = Count { people: 0, is_all: is_told };
    for (jurisdiction, subjects) in figures["by_jurisdiction"].as_object()? {
        count.add(jurisdiction, subjects.as_u64(), place);
    }
    Some(count)
}

/// Categories of data of people of a place, or of people of whom nobody knows where they live.
fn categories<'a>(facts: &'a Map<String, Value>, exposure: Option<&'a Value>, place: &str) -> BTreeSet<&'a str> {
    let is_meant = |jurisdiction: &str| jurisdiction == "unknown" || lies_in(jurisdiction, place);
    let told = entries(facts).filter(|entry| is_meant(entry["jurisdiction"].as_str().unwrap_or("unknown")));
    let told = told.filter_map(|entry| entry["categories"].as_array());
    let figures = figure(exposure, "possible").and_then(|figures| figures["categories"].as_object());
    let seen = figures.into_iter().flatten().filter(|(jurisdiction, _)| is_meant(jurisdiction));
    let seen = seen.filter_map(|(_, categories)| categories.as_array());
    told.chain(seen).flatten().filter_map(Value::as_str).collect()
}

fn people(facts: &Map<String, Value>, exposure: Option<&Value>, place: &str) -> Option<String> {
    let mut text = String::new();
    let is_meant = |jurisdiction: &str| jurisdiction == "unknown" || lies_in(jurisdiction, place);
    let named: Vec<String> = entries(facts)
        .filter_map(|entry| Some((entry["jurisdiction"].as_str()?, entry["subjects"].as_u64())))
        .filter(|(jurisdiction, _)| is_meant(jurisdiction))
        .map(|(jurisdiction, subjects)| {
            format!(
                "{jurisdiction} {}",
                subjects.map_or_else(|| "number unknown".to_owned(), |number| number.to_string())
            )
        })
        .collect();
    if !named.is_empty() {
        let _ = writeln!(text, "People entered as affected: {}.", named.join(", "));
    }
    let grades = [("certain", "certain"), ("likely", "certain or likely"), ("possible", "certain, likely or possible")];
    for (grade, says) in grades {
        let counts = figure(exposure, grade).and_then(|one| one["by_jurisdiction"].as_object());
        let counts = counts.into_iter().flatten().filter(|(jurisdiction, _)| is_meant(jurisdiction));
        let counts =
            counts.filter_map(|(jurisdiction, number)| Some((jurisdiction, number.as_u64().filter(|one| *one > 0)?)));
        let named: Vec<String> = counts.map(|(jurisdiction, number)| format!("{jurisdiction} {number}")).collect();
        if !named.is_empty() {
            let _ = writeln!(text, "People whose data are exposed, {says}: {}.", named.join(", "));
        }
    }
    if let Some(uncounted) = exposure.and_then(|one| one["uncounted_subjects"].as_u64()).filter(|one| *one > 0) {
        let _ = writeln!(text, "Objects of which nobody counted the people are said to be about {uncounted} more.");
    }
    let kinds = categories(facts, exposure, place);
    if !kinds.is_empty() {
        let kinds: Vec<&str> = kinds.into_iter().collect();
        let _ = writeln!(text, "Kinds of data: {}.", kinds.join(", "));
    }
    let text = text.trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}
