//! Who can reach this study or object, and why?

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use model::{Action, Label, ObjectId, PrincipalId, StudyId};
use policy::{Thing, Told};
use serde::Deserialize;
use store::guarded::versions;
use store::principals::{self as table, Principal};
use store::studies;

use super::cells::label_sets;
use super::{Tab, asked, state_of, study_of, tabs};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::guarded::Guarded;
use crate::session::Visitor;
use crate::wording::{self, Tag};
use crate::{Console, Shared, address};

/// The question about the organisation itself.
pub(super) const ORGANISATION: &str = "/access/who?study=*";
/// Principals on one page.
const PEOPLE: usize = 50;

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    study: String,
    object: String,
    principal: String,
    after: String,
}

/// Actions of one principal that were decided alike, with what decided.
pub(super) struct Line {
    pub(super) actions: Vec<&'static str>,
    /// What the objects hold that it is about; empty for all of them.
    pub(super) tags: Vec<Tag>,
    pub(super) is_allowed: bool,
    /// A stable code; empty where it is allowed.
    code: String,
    /// The policies that decided.
    pub(super) policies: Vec<String>,
    pub(super) because: String,
    /// What to do about a refusal.
    pub(super) hint: String,
    pub(super) grants: Vec<u32>,
}

impl Line {
    /// One line for all that was decided alike.
    pub(super) fn of<'a>(told: impl IntoIterator<Item = &'a Told>, labels: &[Label]) -> Vec<Self> {
        let mut lines: Vec<Self> = Vec::new();
        for told in told {
            let decision = &told.decision;
            let is_alike = |line: &&mut Self| line.code == decision.code && line.grants == decision.grants;
            match lines.iter_mut().find(is_alike) {
                Some(line) => {
                    line.actions.push(told.action.as_str());
                    if decision.policies.is_empty() {
                        // The reason names one action.
                        "no grant in force allows it here".clone_into(&mut line.because);
                    }
                }
                None => lines.push(Self::one(told, labels)),
            }
        }
        lines
    }

    fn one(told: &Told, labels: &[Label]) -> Self {
        let decision = &told.decision;
        Self {
            actions: vec![told.action.as_str()],
            tags: labels.iter().copied().map(wording::tag).collect(),
            is_allowed: decision.allowed,
            code: decision.code.clone(),
            policies: decision.policies.clone(),
            because: decision.because.clone(),
            hint: decision.hint.clone(),
            grants: decision.grants.clone(),
        }
    }
}

struct Row {
    name: String,
    href: String,
    kind: &'static str,
    state: &'static str,
    allowed: Vec<Line>,
    refused: Vec<Line>,
}

#[derive(Template)]
#[template(path = "access/who.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    study: String,
    object: String,
    principal: String,
    studies: Vec<String>,
    /// What was asked about; empty as long as nothing was.
    about: String,
    tags: Vec<Tag>,
    total: String,
    rows: Vec<Row>,
    ask: String,
    more: String,
}

/// `GET /access/who`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let all = studies::page(console.catalogue.store(), "").await?;
    let mut page = Page {
        frame: visitor.frame("Who can reach it", Section::Access),
        tabs: tabs("/access/who"),
        studies: all.into_iter().map(|study| study.id.to_string()).collect(),
        about: String::new(),
        tags: Vec::new(),
        total: String::new(),
        rows: Vec::new(),
        ask: format!("/access/ask{}", address::query(&[("study", params.study.trim_matches('*'))])),
        more: String::new(),
        study: params.study.clone(),
        object: params.object.clone(),
        principal: params.principal.clone(),
    };
    if !params.study.is_empty() {
        answer(&console, guard, &params, &mut page).await?;
    }
    render(&page)
}

async fn answer(console: &Console, guard: &Guarded, params: &Params, page: &mut Page) -> Result<(), Failure> {
    let access = &guard.view.access;
    let study = if params.study == "*" { None } else { Some(study_of(&params.study)?) };
    if let Some(id) = study.as_ref().filter(|id| access.study(id).is_none()) {
        return Err(Failure::NotFound(format!("There is no study `{id}`; choose one from the list.")));
    }
    let object = object(console, study.as_ref(), params.object.trim()).await?;
    let (labels, thing_id) = object.clone().map_or((Vec::new(), None), |(labels, id)| (labels, Some(id)));
    let thing = thing_id.map(|id| Thing { id: Some(id), labels: &labels });
    page.about = match (&study, &object) {
        (None, _) => "the organisation itself".to_owned(),
        (Some(study), None) => format!("the study {study}"),
        (Some(study), Some(_)) => format!("{} in {study}", params.object.trim()),
    };
    page.tags = labels.iter().copied().map(wording::tag).collect();
    let (people, total) = people(console, guard, study.as_ref(), params).await?;
    page.total = wording::counted(total as u64, "principal has", "principals have");
    let circumstances = asked(console);
    // Of a study as a whole, it is told too which of its objects are refused.
    let sets = if object.is_none() { label_sets(console, study.as_ref()).await? } else { Vec::new() };
    if let Some(last) = people.last().filter(|_| people.len() == PEOPLE && total > PEOPLE) {
        let pairs = [("study", &*params.study), ("object", &params.object), ("after", &last.id.to_string())];
        page.more = format!("/access/who{}", address::query(&pairs));
    }
    for principal in people {
        let told = access.tell(&principal, Action::ALL, study.as_ref(), thing, &circumstances);
        // Who is asked about by name is told everything; of the others what a grant names.
        let is_told = |told: &&Told| told.granted || told.decision.allowed || !params.principal.is_empty();
        let (allowed, refused): (Vec<&Told>, Vec<&Told>) =
            told.iter().filter(is_told).partition(|told| told.decision.allowed);
        let mut refused = Line::of(refused, &[]);
        let actions: Vec<Action> = allowed.iter().map(|told| told.action).collect();
        for labels in &sets {
            let thing = Some(Thing { id: None, labels });
            let told = access.tell(&principal, &actions, study.as_ref(), thing, &circumstances);
            refused.extend(Line::of(told.iter().filter(|told| !told.decision.allowed), labels));
        }
        page.rows.push(Row {
            href: format!("/access/principals/{}", principal.id),
            kind: principal.kind.as_str(),
            state: state_of(&principal, console.now()),
            allowed: Line::of(allowed, &[]),
            refused,
            name: principal.name,
        });
    }
    page.rows.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(())
}

/// Labels and id of the newest version of an object; `None` where the study itself is asked about.
async fn object(
    console: &Console,
    study: Option<&StudyId>,
    name: &str,
) -> Result<Option<(Vec<Label>, ObjectId)>, Failure> {
    let Some(study) = study.filter(|_| !name.is_empty()) else { return Ok(None) };
    let found = versions::latest(console.catalogue.store(), study.as_str(), name).await?;
    let none = || Failure::NotFound(format!("There is no object `{name}` in {study}; give its name as S3 lists it."));
    let version = found.filter(|version| !version.marker).ok_or_else(none)?;
    let labels = version.labels.split_ascii_whitespace().filter_map(|label| label.parse().ok());
    Ok(Some((labels.collect(), ObjectId::from_bytes(version.object))))
}

/// Who is told about, and how many there are: those with a grant or an emergency here, or whoever is named.
async fn people(
    console: &Console,
    guard: &Guarded,
    study: Option<&StudyId>,
    params: &Params,
) -> Result<(Vec<Principal>, usize), Failure> {
    let store = console.catalogue.store();
    let name = params.principal.trim();
    if !name.is_empty() {
        let found = table::by_name(store, name).await?;
        let nobody = || Failure::NotFound(format!("There is no principal `{name}`; look for it in the list."));
        return Ok((vec![found.ok_or_else(nobody)?], 1));
    }
    let after: Option<PrincipalId> = params.after.parse().ok();
    let (ids, total) = guard.view.access.candidates(study, after, PEOPLE);
    let mut people = Vec::with_capacity(ids.len());
    for id in ids {
        people.extend(table::by_id(store, id).await?);
    }
    Ok((people, total))
}
