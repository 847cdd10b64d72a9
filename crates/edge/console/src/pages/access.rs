//! Access at a glance: in each study, who may do what.

pub(crate) mod cells;
pub(crate) mod emergencies;
pub(crate) mod grants;
pub(crate) mod policies;
pub(crate) mod principal;
pub(crate) mod principals;
pub(crate) mod requests;
pub(crate) mod reviews;
pub(crate) mod who;

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use model::{PrincipalId, PrincipalKind, StudyId};
use policy::{Circumstances, Network};
use serde::Deserialize;
use store::principals::{self as table, Principal};
use store::{emergencies as glass, grants as granted, studies};

use super::listed::Choice;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::guarded::Guarded;
use crate::session::Visitor;
use crate::wording;
use crate::{Console, Shared, address};
use cells::{Cell, HEADS, Legend, label_sets};

/// Studies on one page.
const STUDIES: usize = 10;
/// Principals of each study where several are shown.
const PEOPLE: usize = 25;
/// Principals of a study that is shown alone.
const PEOPLE_ALONE: usize = 100;
/// Principals whose names match that a filter takes.
const MATCHED_MAX: u32 = 50;
/// A grant is unused after so many days, unless told otherwise.
pub(crate) const UNUSED_DAYS: u32 = 90;
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// One page of the section.
pub(crate) struct Tab {
    pub(crate) name: &'static str,
    pub(crate) href: &'static str,
    pub(crate) is_here: bool,
}

/// The pages of the section, `here` the one that is shown.
pub(crate) fn tabs(here: &str) -> Vec<Tab> {
    [
        ("Overview", "/access"),
        ("Who can reach it", "/access/who"),
        ("Principals", "/access/principals"),
        ("Requests", "/access/requests"),
        ("Reviews", "/access/reviews"),
        ("Emergencies", "/access/emergencies"),
        ("Policies", "/access/policies"),
    ]
    .into_iter()
    .map(|(name, href)| Tab { name, href, is_here: href == here })
    .collect()
}

/// The circumstances in which questions are asked: now, with a second factor.
pub(crate) fn asked(console: &Console) -> Circumstances {
    Circumstances { now_ms: console.now(), mfa: true, ..Circumstances::default() }
}

/// The circumstances of what a visitor does here.
pub(crate) fn of_visitor(console: &Console, visitor: &Visitor) -> Circumstances {
    let network = match visitor.ip {
        Some(ip) if ip.is_loopback() => Network::Local,
        _ => Network::Unknown,
    };
    Circumstances { now_ms: console.now(), mfa: visitor.has_second_factor(), network, ..Circumstances::default() }
}

/// The principal that a visitor is, if it was needed before.
pub(crate) async fn own_principal(console: &Console, visitor: &Visitor) -> Result<Option<PrincipalId>, Failure> {
    let Some(person) = &visitor.person else { return Ok(None) };
    Ok(table::of_user(console.catalogue.store(), person.id).await?.map(|principal| principal.id))
}

/// Choices of kinds of principals.
pub(crate) fn kinds(chosen: &str) -> Vec<Choice> {
    let mut kinds = vec![Choice::new("", "any kind".to_owned(), chosen)];
    kinds.extend(PrincipalKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), kind.as_str().to_owned(), chosen)));
    kinds
}

/// The kind of that name; any for nothing.
pub(crate) fn kind_of(text: &str) -> Result<Option<PrincipalKind>, Failure> {
    let unknown = || Failure::BadInput("There is no such kind of principal. Choose one from the list.".to_owned());
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).ok().ok_or_else(unknown) }
}

/// The study of that id.
pub(crate) fn study_of(text: &str) -> Result<StudyId, Failure> {
    let known = |error: model::BadStudyId| Failure::BadInput(crate::failure::sentence(&error));
    text.trim().parse().map_err(known)
}

/// The principal of that id, as an address gives it.
pub(crate) async fn principal_of(console: &Console, id: &str) -> Result<Principal, Failure> {
    let nobody = || Failure::NotFound("There is no such principal; look for it in the list.".to_owned());
    let id: PrincipalId = id.parse().ok().ok_or_else(nobody)?;
    table::by_id(console.catalogue.store(), id).await?.ok_or_else(nobody)
}

/// What is unusual about a principal; empty for nothing.
pub(crate) fn state_of(principal: &Principal, now: i64) -> &'static str {
    let lasts = |until: Option<i64>| until.is_some_and(|until| now < until);
    match principal {
        Principal { disabled_at: Some(_), .. } => "disabled",
        Principal { contained_at: Some(_), .. } => "contained",
        Principal { kind: PrincipalKind::Partner, agreement_until, .. } if !lasts(*agreement_until) => "no agreement",
        Principal { kind: PrincipalKind::Person | PrincipalKind::Partner | PrincipalKind::Agent, .. }
            if !lasts(principal.training_until) =>
        {
            "no training"
        }
        _ => "",
    }
}

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    study: String,
    principal: String,
    kind: String,
    after: String,
}

struct Figure {
    name: &'static str,
    value: String,
    detail: String,
    href: &'static str,
    is_warning: bool,
}

struct Row {
    name: String,
    href: String,
    kind: &'static str,
    state: &'static str,
    cells: Vec<Cell>,
}

struct Card {
    id: String,
    title: String,
    who: String,
    states: Vec<&'static str>,
    people: String,
    rows: Vec<Row>,
    /// Where the rest is; empty when all are shown.
    more: String,
}

#[derive(Template)]
#[template(path = "access/overview.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    figures: Vec<Figure>,
    study: String,
    studies: Vec<String>,
    principal: String,
    kinds: Vec<Choice>,
    heads: &'static [&'static str],
    legend: Vec<Legend>,
    cards: Vec<Card>,
    is_filtered: bool,
    may_give: bool,
    more: String,
}

/// `GET /access`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let store = console.catalogue.store();
    let only = only(&console, &params).await?;
    let (places, more) = places(&console, guard, &params, only.as_ref()).await?;
    let is_alone = !params.study.is_empty();
    let mut cards = Vec::with_capacity(places.len());
    for place in places {
        let card = card(&console, guard, place, &params, only.as_ref(), is_alone).await?;
        if only.is_none() || !card.rows.is_empty() || is_alone {
            cards.push(card);
        }
    }
    render(&Page {
        frame: visitor.frame("Access", Section::Access),
        tabs: tabs("/access"),
        figures: figures(&console, guard).await?,
        studies: studies::page(store, "").await?.into_iter().map(|study| study.id.to_string()).collect(),
        is_filtered: is_alone || only.is_some(),
        study: params.study,
        principal: params.principal,
        kinds: kinds(&params.kind),
        heads: &HEADS,
        legend: Legend::all(),
        cards,
        may_give: visitor.administers(),
        more,
    })
}

/// The principals that the filter leaves, by id; `None` where it does not ask.
async fn only(console: &Console, params: &Params) -> Result<Option<BTreeSet<PrincipalId>>, Failure> {
    let kind = kind_of(&params.kind)?;
    let name = params.principal.trim();
    if name.is_empty() && kind.is_none() {
        return Ok(None);
    }
    let limit = if name.is_empty() { store::PAGE_ROWS_MAX } else { MATCHED_MAX };
    let found = table::named_like(console.catalogue.store(), name, kind, 0, limit).await?;
    Ok(Some(found.into_iter().map(|principal| principal.id).collect()))
}

/// The places of this page: the organisation first, then studies by id; and where the next page is.
async fn places(
    console: &Console,
    guard: &Guarded,
    params: &Params,
    only: Option<&BTreeSet<PrincipalId>>,
) -> Result<(Vec<Option<StudyId>>, String), Failure> {
    if !params.study.is_empty() {
        return Ok((vec![Some(study_of(&params.study)?)], String::new()));
    }
    let all: BTreeSet<Option<StudyId>> = match only {
        Some(only) => only.iter().flat_map(|id| guard.view.access.places(*id)).collect(),
        None => {
            let page = studies::page(console.catalogue.store(), &params.after).await?;
            let first = params.after.is_empty().then_some(None);
            first.into_iter().chain(page.into_iter().map(|study| Some(study.id))).collect()
        }
    };
    let is_later = |place: &Option<StudyId>| match place {
        None => params.after.is_empty(),
        Some(study) => study.as_str() > params.after.as_str(),
    };
    let mut places: Vec<Option<StudyId>> = all.into_iter().filter(is_later).collect();
    let has_more = places.len() > STUDIES;
    places.truncate(STUDIES);
    let last = places.last().and_then(Option::as_ref).filter(|_| has_more);
    let more = last.map_or_else(String::new, |last| {
        let pairs = [("principal", &*params.principal), ("kind", &params.kind), ("after", last.as_str())];
        format!("/access{}", address::query(&pairs))
    });
    Ok((places, more))
}

async fn card(
    console: &Console,
    guard: &Guarded,
    place: Option<StudyId>,
    params: &Params,
    only: Option<&BTreeSet<PrincipalId>>,
    is_alone: bool,
) -> Result<Card, Failure> {
    let (access, now) = (&guard.view.access, console.now());
    let study = place.as_ref();
    let found = match study {
        Some(id) => Some(
            access
                .study(id)
                .ok_or_else(|| Failure::NotFound(format!("There is no study `{id}`; choose one from the list.")))?,
        ),
        None => None,
    };
    let (limit, after) = if is_alone { (PEOPLE_ALONE, params.after.parse().ok()) } else { (PEOPLE, None) };
    let (ids, total) = match only {
        Some(only) => {
            let (all, _) = access.candidates(study, after, usize::MAX);
            let kept: Vec<PrincipalId> = all.into_iter().filter(|id| only.contains(id)).collect();
            (kept.iter().copied().take(limit).collect::<Vec<_>>(), kept.len())
        }
        None => access.candidates(study, after, limit),
    };
    let has_more = ids.len() == limit && total > limit;
    let last = ids.last().copied();
    let circumstances = asked(console);
    let sets = label_sets(console, study).await?;
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(principal) = table::by_id(console.catalogue.store(), id).await? else { continue };
        rows.push(Row {
            href: format!("/access/principals/{}", principal.id),
            kind: principal.kind.as_str(),
            state: state_of(&principal, now),
            cells: cells::row(access, &principal, study, &sets, &circumstances),
            name: principal.name,
        });
    }
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    let name = study.map(ToString::to_string).unwrap_or_default();
    let more = match (has_more, is_alone, last) {
        (false, ..) | (_, _, None) => String::new(),
        (true, true, Some(last)) => {
            let pairs = [("study", &*name), ("kind", &params.kind), ("after", &last.to_string())];
            format!("/access{}", address::query(&pairs))
        }
        (true, false, _) if name.is_empty() => who::ORGANISATION.to_owned(),
        (true, false, _) => format!("/access{}", address::query(&[("study", &name), ("kind", &params.kind)])),
    };
    let states = found.iter().flat_map(|study| {
        [study.contained_at.map(|_| "contained"), study.closed_at.map(|_| "closed")].into_iter().flatten()
    });
    Ok(Card {
        title: match &found {
            Some(study) if study.title != study.id.as_str() => study.title.clone(),
            Some(_) => String::new(),
            None => "creating studies and what concerns all of them; no data".to_owned(),
        },
        who: match &*name {
            "" => who::ORGANISATION.to_owned(),
            name => format!("/access/who{}", address::query(&[("study", name)])),
        },
        states: states.collect(),
        people: wording::counted(total as u64, "principal", "principals"),
        id: if name.is_empty() { "The organisation itself".to_owned() } else { name },
        rows,
        more,
    })
}

async fn figures(console: &Console, guard: &Guarded) -> Result<Vec<Figure>, Failure> {
    let store = console.catalogue.store();
    let (requests, unused) = granted::waiting(store, console.now() - i64::from(UNUSED_DAYS) * DAY_MS).await?;
    let unsigned = granted::countersignable(store, console.now(), 0).await?.len() as u64;
    let emergencies = glass::pending(store, 0).await?.len() as u64;
    let rules = guard.view.access.engine().rules();
    let figure = |name, number: u64, detail: String, href, is_warning| Figure {
        name,
        value: wording::count(number),
        detail,
        href,
        is_warning,
    };
    Ok(vec![
        figure(
            "Principals",
            table::count(store).await?,
            format!("in {}", wording::counted(studies::count(store).await?, "study", "studies")),
            "/access/principals",
            false,
        ),
        figure(
            "Requests to decide",
            requests + unsigned,
            if unsigned == 0 { "wait for another person".to_owned() } else { format!("{unsigned} to countersign") },
            "/access/requests",
            requests + unsigned > 0,
        ),
        figure("Unused grants", unused, format!("for {UNUSED_DAYS} days"), "/access/reviews", unused > 0),
        figure("Emergencies", emergencies, "wait for their review".to_owned(), "/access/emergencies", emergencies > 0),
        figure("Policies", rules.len() as u64, "in force".to_owned(), "/access/policies", false),
    ])
}
