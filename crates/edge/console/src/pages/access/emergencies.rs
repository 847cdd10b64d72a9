//! Breaking the glass, and the review of it.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use model::Action;
use policy::EMERGENCY_MS_MAX;
use serde::Deserialize;
use store::emergencies::{self as table, Emergency, Review};
use store::principals;

use super::{Tab, of_visitor, own_principal, study_of, tabs};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::guarded::Guarded;
use crate::pages::record::entry::Named;
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Console, Shared, address};

/// Emergencies on one page.
const PAGE: u32 = 50;
const HOUR_MS: i64 = 3_600_000;
/// Studies that somebody may open, at most.
const DOORS_MAX: usize = 50;

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    before: String,
}

struct Row {
    id: u32,
    who: String,
    who_href: String,
    study: String,
    began: Moment,
    until: Moment,
    runs: bool,
    /// For reviewers alone.
    reason: String,
    review: &'static str,
    reviewed_by: String,
    /// Why the visitor cannot review it; empty when they can.
    obstacle: &'static str,
}

/// A study that the visitor may open in an emergency, or what keeps them from it.
struct Door {
    study: String,
    is_open: bool,
    because: String,
    hint: String,
}

#[derive(Template)]
#[template(path = "access/emergencies.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    doors: Vec<Door>,
    may_open: bool,
    hours_max: i64,
    pending: Vec<Row>,
    past: Vec<Row>,
    more: String,
}

/// `GET /access/emergencies`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let store = console.catalogue.store();
    let before: u32 = params.before.parse().unwrap_or(u32::MAX >> 1);
    let mut names = Named::default();
    let (mut pending, mut past) = (Vec::new(), Vec::new());
    let own = own_principal(&console, &visitor).await?;
    let is_first = params.before.is_empty();
    if is_first {
        for emergency in table::pending(store, 0).await?.into_iter().take(PAGE as usize) {
            pending.push(row(&console, guard, &visitor, own, &mut names, emergency).await?);
        }
    }
    let newest = table::newest(store, before, PAGE).await?;
    let last = newest.last().filter(|_| newest.len() == PAGE as usize);
    let more = last.map_or_else(String::new, |last| {
        format!("/access/emergencies{}", address::query(&[("before", &last.id.to_string())]))
    });
    for emergency in newest {
        if emergency.review != Review::Pending {
            past.push(row(&console, guard, &visitor, own, &mut names, emergency).await?);
        }
    }
    let doors = if is_first { doors(&console, guard, &visitor).await? } else { Vec::new() };
    render(&Page {
        frame: visitor.frame("Emergencies", Section::Access),
        tabs: tabs("/access/emergencies"),
        may_open: doors.iter().any(|door| door.is_open),
        doors,
        hours_max: EMERGENCY_MS_MAX / HOUR_MS,
        pending,
        past,
        more,
    })
}

async fn row(
    console: &Console,
    guard: &Guarded,
    visitor: &Visitor,
    own: Option<model::PrincipalId>,
    names: &mut Named,
    emergency: Emergency,
) -> Result<Row, Failure> {
    let now = console.now();
    let reason = if visitor.reviews() {
        guard.view.access.reason_for(&emergency).await.unwrap_or_else(|error| {
            tracing::warn!(emergency = emergency.id, error = %error, "the reason cannot be opened");
            "(the reason cannot be opened: its key does not answer or was destroyed)".to_owned()
        })
    } else {
        String::new()
    };
    let reviewed_by = match emergency.reviewed_by {
        Some(by) => names.of(console, &by.to_string()).await?,
        None => String::new(),
    };
    Ok(Row {
        id: emergency.id,
        who: names.of(console, &emergency.principal.to_string()).await?,
        who_href: format!("/access/principals/{}", emergency.principal),
        study: emergency.study.to_string(),
        began: wording::moment(emergency.began_at, now),
        until: wording::moment(emergency.until, now),
        runs: now < emergency.until,
        reason,
        review: emergency.review.as_str(),
        reviewed_by,
        obstacle: match (visitor.reviews(), own == Some(emergency.principal)) {
            (false, _) => "a reviewer decides",
            (true, true) => "you broke the glass; somebody else reviews it",
            (true, false) => "",
        },
    })
}

/// The studies where the visitor has a grant to break the glass, and what policy says to it now.
async fn doors(console: &Console, guard: &Guarded, visitor: &Visitor) -> Result<Vec<Door>, Failure> {
    let Some(person) = &visitor.person else { return Ok(Vec::new()) };
    let Some(principal) = principals::of_user(console.catalogue.store(), person.id).await? else {
        return Ok(Vec::new());
    };
    let access = &guard.view.access;
    let circumstances = of_visitor(console, visitor);
    let mut doors = Vec::new();
    for study in access.places(principal.id).into_iter().flatten() {
        let told = access.tell(&principal, &[Action::BreakGlass], Some(&study), None, &circumstances);
        for told in told.into_iter().filter(|told| told.granted) {
            doors.push(Door {
                study: study.to_string(),
                is_open: told.decision.allowed,
                because: told.decision.because,
                hint: told.decision.hint,
            });
        }
        if doors.len() == DOORS_MAX {
            break;
        }
    }
    Ok(doors)
}

/// An emergency, as its form sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct New {
    study: String,
    reason: String,
    hours: String,
}

/// `POST /access/emergencies`.
pub(crate) async fn open(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<New>,
) -> Result<Response, Failure> {
    let study = study_of(&form.study)?;
    let hours: i64 =
        form.hours.parse().map_err(|_wrong| Failure::BadInput("Give a whole number of hours.".to_owned()))?;
    let (guard, by) = console.acting(&visitor).await?;
    let access = &guard.view.access;
    let principal = guard.view.identity.by_id(by.actor.id).await?;
    let circumstances = of_visitor(&console, &visitor);
    let for_ms = hours.clamp(0, 1_000) * HOUR_MS;
    access.break_glass(&principal, &study, &form.reason, for_ms, &circumstances, &by).await?;
    Ok(Redirect::to("/access/emergencies").into_response())
}

/// A review, as its form sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Verdict {
    verdict: String,
}

/// `POST /access/emergencies/{id}/review`.
pub(crate) async fn review(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<u32>,
    Form(form): Form<Verdict>,
) -> Result<Response, Failure> {
    let is_justified = match &*form.verdict {
        "justified" => true,
        "unjustified" => false,
        _ => return Err(Failure::BadInput("Say whether it was justified.".to_owned())),
    };
    let (guard, by) = console.acting(&visitor).await?;
    guard.view.access.review(id, is_justified, &by).await?;
    Ok(Redirect::to("/access/emergencies").into_response())
}
