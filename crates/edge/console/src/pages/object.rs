//! One object: what was found where, its labels, people and history.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use landscape::catalogue::{Action, Correction};
use landscape::queries::ObjectDetails;
use model::{IdentifierType, Jurisdiction, Label};
use serde::Deserialize;

use super::changes::Change;
use super::listed::{Listed, parted};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::knowledge::Source;
use crate::session::Visitor;
use crate::wording::{self, Moment, Tag};
use crate::{Console, Shared, address};

/// Members on one page.
const MEMBERS: u32 = 50;
/// Jurisdictions shown before the rest is folded away.
const PLACES_SHOWN: usize = 12;
/// The longest reason that is kept, in characters.
pub(super) const REASON_MAX: usize = 1_000;

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    members_after: u32,
}

struct Fact {
    name: &'static str,
    value: String,
}

struct Sample {
    masked: String,
    place: String,
    confidence: String,
    why: String,
    recognizer: String,
    /// Address of the recogniser's page; empty when it has none.
    href: String,
}

struct Finding {
    kind: String,
    name: String,
    what: String,
    occurrences: String,
    confidence: String,
    finer: Vec<(String, String)>,
    samples: Vec<Sample>,
}

struct LabelRow {
    tag: Tag,
    is_in_force: bool,
    is_corrected: bool,
    /// Why it is in force or not.
    why: String,
    source: Option<Source>,
}

struct Law {
    name: String,
    href: String,
    because: String,
    source: Option<Source>,
}

struct Made {
    tag: String,
    action: &'static str,
    person: String,
    reason: String,
    when: Moment,
    withdrawn: Option<Moment>,
}

struct Version {
    number: u64,
    when: Moment,
    format: String,
    bytes: String,
    people: String,
    identifiers: String,
    labels: String,
    digest: String,
}

#[derive(Template)]
#[template(path = "object/object.html")]
struct Page {
    frame: Frame,
    id: u32,
    folder: String,
    name: String,
    state: String,
    top: Option<Listed>,
    facts: Vec<Fact>,
    digest: String,
    risk: String,
    labels: Vec<LabelRow>,
    addable: Vec<Tag>,
    may_correct: bool,
    findings: Vec<Finding>,
    people: String,
    places: Vec<(String, String, String)>,
    places_more: Vec<(String, String, String)>,
    laws: Vec<Law>,
    problems: Vec<(String, String)>,
    members: Vec<Listed>,
    members_count: String,
    members_more: String,
    versions: Vec<Version>,
    corrections: Vec<Made>,
    changes: Vec<Change>,
}

/// `GET /objects/{id}`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<u32>,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let details = console.catalogue.object(id).await?;
    let now = console.now();
    let object = &details.object;
    let members = if object.members > 0 {
        console.catalogue.members(id, params.members_after, MEMBERS).await?
    } else {
        Default::default()
    };
    let (folder, name) = parted(&object.path);
    let labels = labels(&console, &details);
    let mut places = places(&details.people.jurisdictions);
    let places_more = places.split_off(PLACES_SHOWN.min(places.len()));
    render(&Page {
        frame: visitor.frame(&name, Section::Objects),
        id,
        state: object.state.clone(),
        top: details.top.as_ref().map(Listed::from),
        facts: facts(&details, now),
        digest: details.digest.clone().unwrap_or_default(),
        risk: object.risk_why.clone(),
        addable: Label::ALL
            .iter()
            .filter(|label| **label != Label::None && !labels.iter().any(|row| row.tag.name == label.as_str()))
            .map(|label| wording::tag(*label))
            .collect(),
        labels,
        may_correct: visitor.reviews(),
        findings: findings(&console, &details),
        people: wording::counted(details.people.people, "distinct person", "distinct people"),
        places,
        places_more,
        laws: laws(&console, &details),
        problems: details.findings.problems.iter().map(|row| (row.kind.clone(), row.message.clone())).collect(),
        members: members.members.iter().map(Listed::from).collect(),
        members_count: wording::count(object.members),
        members_more: members.next.map_or_else(String::new, |next| {
            format!("/objects/{id}{}#members", address::query(&[("members_after", &next.to_string())]))
        }),
        versions: versions(&details, now),
        corrections: corrections(&details, now),
        changes: details.changes.iter().map(|row| Change::new(row, now)).collect(),
        folder,
        name,
    })
}

fn facts(details: &ObjectDetails, now: i64) -> Vec<Fact> {
    let object = &details.object;
    let mut facts = Vec::new();
    let mut fact = |name, value: String| {
        if !value.is_empty() {
            facts.push(Fact { name, value });
        }
    };
    let told = |at: i64| {
        let moment = wording::moment(at, now);
        format!("{} ({})", moment.exact, moment.ago)
    };
    fact("Source", details.source.as_ref().map_or_else(String::new, |s| format!("{} {}", s.kind, s.location)));
    fact("Format", object.format.to_string());
    fact("Size", format!("{} ({} bytes)", wording::bytes(object.bytes), wording::count(object.bytes)));
    fact("Study", object.study.clone());
    fact("Owner", object.owner.clone());
    fact("Modified", object.modified_at.map(told).unwrap_or_default());
    fact("First seen", told(object.first_seen_at));
    fact("Last seen", told(details.last_seen_at));
    fact("Changed", told(object.changed_at));
    fact("Version", object.version.to_string());
    facts
}

fn findings(console: &Console, details: &ObjectDetails) -> Vec<Finding> {
    let mut samples: BTreeMap<&str, Vec<Sample>> = BTreeMap::new();
    for row in &details.findings.samples {
        samples.entry(&row.kind).or_default().push(Sample {
            masked: row.masked.clone(),
            place: row.place.clone(),
            confidence: wording::percent(row.confidence),
            why: row.why.clone(),
            recognizer: row.recognizer.clone(),
            href: match console.knowledge.recognizer(&row.recognizer) {
                Some(_) => format!("/recognizers/{}", row.recognizer),
                None => String::new(),
            },
        });
    }
    let mut rows: Vec<_> = details.findings.identifiers.iter().collect();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.occurrences), row.kind.clone()));
    rows.into_iter()
        .map(|row| {
            let kind = row.kind.parse::<IdentifierType>().ok();
            let spec = kind.and_then(|kind| console.knowledge.of_type(kind));
            let finer: BTreeMap<String, u64> = serde_json::from_str(&row.finer).unwrap_or_default();
            Finding {
                name: spec.map_or_else(|| row.kind.clone(), |spec| spec.name.clone()),
                what: spec.map_or_else(String::new, |spec| spec.what.clone()),
                kind: row.kind.clone(),
                occurrences: wording::count(row.occurrences),
                confidence: wording::percent(row.confidence),
                finer: finer.into_iter().map(|(name, count)| (name, wording::count(count))).collect(),
                samples: samples.remove(row.kind.as_str()).unwrap_or_default(),
            }
        })
        .collect()
}

fn labels(console: &Console, details: &ObjectDetails) -> Vec<LabelRow> {
    let in_force = &details.object.labels;
    let row = |label: &Label| {
        let correction =
            details.corrections.iter().find(|row| row.label == label.as_str() && row.withdrawn_at.is_none());
        let is_found = details.found.contains(label);
        if !is_found && !in_force.contains(label) && correction.is_none() {
            return None;
        }
        let why = match correction {
            Some(row) if row.action == "add" => format!("added by {}: {}", row.person, row.reason),
            Some(row) => format!("removed by {}: {}", row.person, row.reason),
            None => "found by recognition".to_owned(),
        };
        Some(LabelRow {
            tag: wording::tag(*label),
            is_in_force: in_force.contains(label),
            is_corrected: correction.is_some(),
            why,
            source: console.knowledge.label(*label).cloned(),
        })
    };
    Label::ALL.iter().filter_map(row).filter(|row| row.tag.name != "none").collect()
}

fn laws(console: &Console, details: &ObjectDetails) -> Vec<Law> {
    let found: Vec<IdentifierType> =
        details.findings.identifiers.iter().filter_map(|row| row.kind.parse().ok()).collect();
    let law = |law: &model::LawId| {
        let source = console.knowledge.law(law).cloned();
        let governs =
            |kind: &&IdentifierType| console.knowledge.of_type(**kind).is_some_and(|spec| spec.laws.contains(law));
        let kinds: Vec<String> = found.iter().filter(governs).map(|kind| console.knowledge.type_name(*kind)).collect();
        let because = match (kinds.is_empty(), source.is_some()) {
            (false, _) => format!("it governs what was found here: {}", kinds.join(", ")),
            (true, true) => "the labels found here and where the people live".to_owned(),
            (true, false) => "a recogniser of what was found here names it".to_owned(),
        };
        Law {
            name: wording::law(law),
            href: format!("/objects{}", address::query(&[("law", law.as_str())])),
            because,
            source,
        }
    };
    details.object.laws.iter().map(law).collect()
}

/// Name, people, bar length in percent.
fn places(jurisdictions: &BTreeMap<Jurisdiction, u64>) -> Vec<(String, String, String)> {
    let mut places: Vec<_> = jurisdictions.iter().collect();
    places.sort_by_key(|(place, people)| (std::cmp::Reverse(**people), place.as_str().to_owned()));
    let largest = places.first().map_or(1, |(_, people)| **people).max(1);
    #[expect(clippy::cast_precision_loss, reason = "a bar is some hundred pixels long")]
    let width = |people: u64| format!("{:.1}%", (people as f64 / largest as f64 * 100.0).max(0.5));
    places.iter().map(|(place, n)| (wording::place(place), wording::count(**n), width(**n))).collect()
}

fn versions(details: &ObjectDetails, now: i64) -> Vec<Version> {
    let version = |row: &store::objects::VersionRow| Version {
        number: row.version,
        when: wording::moment(row.seen_at, now),
        format: row.format.clone(),
        bytes: wording::bytes(row.bytes),
        people: wording::count(row.subjects),
        identifiers: wording::count(row.identifiers),
        labels: row.labels.replace(',', ", "),
        digest: row.digest.as_ref().map_or_else(String::new, |bytes| {
            let digits: String = bytes.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
            format!("{digits}…")
        }),
    };
    details.versions.iter().map(version).collect()
}

fn corrections(details: &ObjectDetails, now: i64) -> Vec<Made> {
    let made = |row: &store::corrections::CorrectionRow| Made {
        tag: row.label.clone(),
        action: if row.action == "add" { "added" } else { "removed" },
        person: row.person.clone(),
        reason: row.reason.clone(),
        when: wording::moment(row.made_at, now),
        withdrawn: row.withdrawn_at.map(|at| wording::moment(at, now)),
    };
    details.corrections.iter().map(made).collect()
}

/// A correction, as its form sends it.
#[derive(Debug, Deserialize)]
pub(crate) struct Corrected {
    label: String,
    action: String,
    #[serde(default)]
    reason: String,
}

/// `POST /objects/{id}/labels`.
pub(crate) async fn correct(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<u32>,
    Form(form): Form<Corrected>,
) -> Result<Response, Failure> {
    let unknown = |what: &str| Failure::BadInput(format!("There is no such {what}; choose one on the object's page."));
    let label: Label = form.label.parse().map_err(|_unknown: model::UnknownName| unknown("label"))?;
    if label == Label::None {
        return Err(unknown("label"));
    }
    let action = match form.action.as_str() {
        "add" => Action::Add,
        "remove" => Action::Remove,
        "withdraw" => Action::Withdraw,
        _ => return Err(unknown("action")),
    };
    let reason = reason(&form.reason)?;
    let correction = Correction { object_id: id, label, action, reason, person: visitor.name().to_owned() };
    console.catalogue.correct(&correction, console.now()).await?;
    Ok(Redirect::to(&format!("/objects/{id}#labels")).into_response())
}

/// A reason that is there and not too long.
pub(super) fn reason(text: &str) -> Result<String, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::BadInput("A reason is needed; go back and say in a few words why.".to_owned()));
    }
    if text.chars().count() > REASON_MAX {
        return Err(Failure::BadInput(format!("The reason is too long; say it in at most {REASON_MAX} characters.")));
    }
    Ok(text.to_owned())
}
