//! Grants: given, asked for, decided, narrowed, taken back.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use model::{Action, Label, PrincipalId};
use policy::{NewGrant, REQUEST_LIFE_MS_MAX, Rights, roles};
use serde::Deserialize;
use store::grants::{Grant, GrantState};
use store::studies;

use super::{DAY_MS, Tab, own_principal, study_of, tabs};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::record::entry::Named;
use crate::session::Visitor;
use crate::wording::{self, Moment, Tag};
use crate::{Console, Shared, address};

/// Days that a request asks for unless it says otherwise.
const REQUEST_DAYS: i64 = 30;

/// A grant as lists show it.
pub(crate) struct GrantRow {
    pub(crate) id: u32,
    pub(crate) who: String,
    pub(crate) who_href: String,
    pub(crate) study: String,
    pub(crate) study_href: String,
    pub(crate) role: String,
    pub(crate) actions: Vec<&'static str>,
    /// What it is limited to; empty for every object.
    pub(crate) tags: Vec<Tag>,
    pub(crate) is_limited: bool,
    pub(crate) state: &'static str,
    pub(crate) is_active: bool,
    pub(crate) is_requested: bool,
    pub(crate) from: Moment,
    pub(crate) until: Option<Moment>,
    pub(crate) asked_by: String,
    pub(crate) asked_at: Moment,
    pub(crate) approved_by: String,
    pub(crate) used: Option<Moment>,
    /// Whether it waits for a second person.
    pub(crate) waits: bool,
    /// Why the visitor cannot decide; empty when they can.
    pub(crate) obstacle: &'static str,
}

impl GrantRow {
    pub(super) async fn of(
        console: &Console,
        visitor: &Visitor,
        own: Option<PrincipalId>,
        names: &mut Named,
        grant: Grant,
    ) -> Result<Self, Failure> {
        const TWO_PEOPLE: [Action; 3] = [Action::Delete, Action::Export, Action::Administer];
        let now = console.now();
        let at = |time: i64| wording::moment(time, now);
        let is_over = grant.valid_until.is_some_and(|until| until <= now);
        let is_active = grant.state == GrantState::Active && !is_over;
        let is_requested = grant.state == GrantState::Requested && !is_over;
        let needs_two = grant.study.is_some() && grant.actions.iter().any(|action| TWO_PEOPLE.contains(action));
        let is_own = own.is_some_and(|own| own == grant.principal || own == grant.requested_by);
        let study = grant.study.as_ref().map(ToString::to_string).unwrap_or_default();
        let approved_by = match grant.approved_by {
            Some(by) => names.of(console, &by.to_string()).await?,
            None => String::new(),
        };
        Ok(Self {
            id: grant.id,
            who: names.of(console, &grant.principal.to_string()).await?,
            who_href: format!("/access/principals/{}", grant.principal),
            study_href: match &*study {
                "" => super::who::ORGANISATION.to_owned(),
                study => format!("/access/who{}", address::query(&[("study", study)])),
            },
            study: if study.is_empty() { "the organisation itself".to_owned() } else { study },
            actions: grant.actions.iter().map(|action| action.as_str()).collect(),
            is_limited: grant.labels.is_some(),
            tags: grant.labels.iter().flatten().copied().map(wording::tag).collect(),
            state: if is_over { "over" } else { grant.state.as_str() },
            is_active,
            is_requested,
            from: at(grant.valid_from),
            until: grant.valid_until.map(at),
            asked_by: names.of(console, &grant.requested_by.to_string()).await?,
            asked_at: at(grant.requested_at),
            waits: is_active && needs_two && grant.approved_by.is_none(),
            approved_by,
            used: grant.last_used_at.map(at),
            obstacle: match (visitor.reviews(), is_own) {
                (false, _) => "a reviewer decides",
                (true, true) => "you asked for it or gain by it; somebody else decides",
                (true, false) => "",
            },
            role: grant.role.unwrap_or_default(),
        })
    }
}

struct RoleChoice {
    id: &'static str,
    title: &'static str,
    actions: String,
}

struct LabelChoice {
    value: &'static str,
    tag: Tag,
}

#[derive(Template)]
#[template(path = "access/form.html")]
struct FormPage {
    frame: Frame,
    tabs: Vec<Tab>,
    is_request: bool,
    principal: String,
    /// Whether it may be for somebody else.
    may_name: bool,
    study: String,
    studies: Vec<String>,
    roles: Vec<RoleChoice>,
    actions: &'static [Action],
    labels: Vec<LabelChoice>,
    until: String,
    days_max: i64,
}

/// What the address of a form may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FormParams {
    principal: String,
    study: String,
}

/// `GET /access/give`.
pub(crate) async fn give_form(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<FormParams>,
) -> Result<Response, Failure> {
    form(&console, &visitor, params, false).await
}

/// `GET /access/ask`.
pub(crate) async fn ask_form(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<FormParams>,
) -> Result<Response, Failure> {
    form(&console, &visitor, params, true).await
}

async fn form(console: &Console, visitor: &Visitor, params: FormParams, is_request: bool) -> Result<Response, Failure> {
    console.guard()?;
    let may_name = !is_request || visitor.reviews();
    let role = |role: &'static policy::Role| RoleChoice {
        id: &role.id,
        title: &role.title,
        actions: role.actions.iter().map(|action| action.as_str()).collect::<Vec<_>>().join(", "),
    };
    let label = |label: &Label| LabelChoice { value: label.as_str(), tag: wording::tag(*label) };
    let title = if is_request { "Ask for access" } else { "Give access" };
    let day = jiff::Timestamp::from_millisecond(console.now() + REQUEST_DAYS * DAY_MS);
    render(&FormPage {
        frame: visitor.frame(title, Section::Access),
        tabs: tabs(if is_request { "/access/requests" } else { "" }),
        is_request,
        principal: if may_name && !params.principal.is_empty() {
            params.principal
        } else if is_request {
            visitor.name().to_owned()
        } else {
            String::new()
        },
        may_name,
        study: params.study,
        studies: studies::page(console.catalogue.store(), "")
            .await?
            .into_iter()
            .map(|one| one.id.to_string())
            .collect(),
        roles: roles().iter().map(role).collect(),
        actions: Action::ALL,
        labels: Label::ALL.iter().map(label).collect(),
        until: day.map_or_else(|_never| String::new(), |day| day.strftime("%Y-%m-%d").to_string()),
        days_max: REQUEST_LIFE_MS_MAX / DAY_MS,
    })
}

/// What a form with fields that repeat sends.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.trim())
    }

    fn all<T: std::str::FromStr>(&self, name: &str, wrong: &str) -> Result<Vec<T>, Failure> {
        let of = self.0.iter().filter(|(field, _)| field == name);
        of.map(|(_, value)| value.parse().map_err(|_unknown| Failure::BadInput(wrong.to_owned()))).collect()
    }

    fn actions(&self) -> Result<Vec<Action>, Failure> {
        self.all("action", "There is no such action. Choose from the list.")
    }

    fn labels(&self) -> Result<Option<Vec<Label>>, Failure> {
        let labels = self.all("label", "There is no such label. Choose from the list.")?;
        Ok(Some(labels).filter(|labels| !labels.is_empty()))
    }
}

/// The end of a day as a form gives it, in milliseconds since 1970, UTC; `None` for nothing.
pub(crate) fn time_of(text: &str) -> Result<Option<i64>, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let day: Option<jiff::civil::Date> = text.parse().ok();
    let end = day.and_then(|day| day.tomorrow().ok()).and_then(|next| next.in_tz("UTC").ok());
    let wrong = || Failure::BadInput(format!("`{text}` is no day; give one such as 2027-03-31."));
    end.map(|end| Some(end.timestamp().as_millisecond())).ok_or_else(wrong)
}

/// The grant that a form describes.
async fn new_grant(console: &Console, fields: &Fields, of: PrincipalId) -> Result<NewGrant, Failure> {
    let study = match fields.text("study") {
        "" => None,
        text => Some(study_of(text)?),
    };
    let guard = console.guard()?;
    if let Some(id) = study.as_ref().filter(|id| guard.view.access.study(id).is_none()) {
        return Err(Failure::BadInput(format!("There is no study `{id}`; choose one from the list.")));
    }
    let rights = match fields.text("role") {
        "" => Rights::Actions(fields.actions()?),
        role => Rights::Role(role.to_owned()),
    };
    let until = time_of(fields.text("until"))?;
    Ok(NewGrant { principal: of, study, rights, labels: fields.labels()?, from: None, until })
}

async fn named(console: &Console, name: &str) -> Result<PrincipalId, Failure> {
    if name.is_empty() {
        return Err(Failure::BadInput("Say for whom: give the principal's name.".to_owned()));
    }
    Ok(console.guard()?.view.identity.by_name(name).await?.id)
}

/// `POST /access/give`. Nobody gives anything to themselves.
pub(crate) async fn give(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let fields = Fields(fields);
    let (guard, by) = console.acting(&visitor).await?;
    let of = named(&console, fields.text("principal")).await?;
    if of == by.actor.id {
        let what = "You cannot give yourself access. Ask for it, and have somebody else approve it.";
        return Err(Failure::BadInput(what.to_owned()));
    }
    let new = new_grant(&console, &fields, of).await?;
    let grant = guard.view.access.give(new, &by).await?;
    Ok(Redirect::to(&format!("/access/grants/{}", grant.id)).into_response())
}

/// `POST /access/ask`. A reader asks for herself; reviewers and administrators for others too.
pub(crate) async fn ask(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let fields = Fields(fields);
    let (guard, by) = console.acting(&visitor).await?;
    let name = fields.text("principal");
    let of = if name.is_empty() || name == visitor.name() { by.actor.id } else { named(&console, name).await? };
    if of != by.actor.id && !visitor.reviews() {
        let what = "You can ask for yourself only. Have a reviewer or an administrator ask for somebody else.";
        return Err(Failure::BadInput(what.to_owned()));
    }
    let new = new_grant(&console, &fields, of).await?;
    let grant = guard.view.access.request(new, fields.text("reason"), &by).await?;
    Ok(Redirect::to(&format!("/access/grants/{}", grant.id)).into_response())
}

#[derive(Template)]
#[template(path = "access/grant.html")]
struct Page {
    frame: Frame,
    grant: GrantRow,
    /// Why it was asked for, for those who decide and whoever asked.
    reason: String,
    labels: Vec<LabelChoice>,
    until: String,
    may_change: bool,
}

/// `GET /access/grants/{id}`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<u32>,
) -> Result<Response, Failure> {
    let access = &console.guard()?.view.access;
    let grant = access.grant(id).await?;
    let own = own_principal(&console, &visitor).await?;
    let sees_reason = visitor.reviews() || own.is_some_and(|own| own == grant.requested_by);
    let reason = if sees_reason { reason_of(&console, &grant).await } else { String::new() };
    let granted = grant.labels.clone().unwrap_or_else(|| Label::ALL.to_vec());
    render(&Page {
        frame: visitor.frame(&format!("Grant {id}"), Section::Access),
        grant: GrantRow::of(&console, &visitor, own, &mut Named::default(), grant).await?,
        reason,
        labels: granted.iter().map(|label| LabelChoice { value: label.as_str(), tag: wording::tag(*label) }).collect(),
        until: String::new(),
        may_change: visitor.administers(),
    })
}

/// Why a grant was asked for; what keeps it from being opened otherwise.
pub(super) async fn reason_of(console: &Console, grant: &Grant) -> String {
    let Ok(guard) = console.guard() else { return String::new() };
    match guard.view.access.reason_of(grant).await {
        Ok(reason) => reason.unwrap_or_default(),
        Err(error) => {
            tracing::warn!(grant = grant.id, error = %error, "the reason of a request cannot be opened");
            "(the reason cannot be opened: its key does not answer or was destroyed)".to_owned()
        }
    }
}

/// Where a form wants to come back to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Next {
    next: String,
}

fn next(form: &Next, grant: &Grant) -> Response {
    let own = format!("/access/grants/{}", grant.id);
    let to = if form.next.is_empty() { &*own } else { address::within(&form.next) };
    Redirect::to(to).into_response()
}

/// `POST /access/grants/{id}/approve`: a request, or a grant that one person gave.
pub(crate) async fn approve(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<u32>,
    Form(form): Form<Next>,
) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let grant = guard.view.access.approve(id, &by).await?;
    Ok(next(&form, &grant))
}

/// `POST /access/grants/{id}/refuse`.
pub(crate) async fn refuse(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<u32>,
    Form(form): Form<Next>,
) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let grant = guard.view.access.refuse(id, &by).await?;
    Ok(next(&form, &grant))
}

/// `POST /access/grants/{id}/revoke`.
pub(crate) async fn revoke(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<u32>,
    Form(form): Form<Next>,
) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let grant = guard.view.access.revoke(id, &by).await?;
    Ok(next(&form, &grant))
}

/// `POST /access/grants/{id}/narrow`: the actions that are left, the labels that are left if any is said, an earlier end if
/// one is said (`until`, a day, or `days` from now).
pub(crate) async fn narrow(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<u32>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let fields = Fields(fields);
    let (guard, by) = console.acting(&visitor).await?;
    let days: Option<i64> = match fields.text("days") {
        "" => None,
        text => Some(text.parse().map_err(|_wrong| Failure::BadInput("Give a number of days.".to_owned()))?),
    };
    let until = match days {
        Some(days) => Some(by.now_ms.saturating_add(days.clamp(0, 36_500) * DAY_MS)),
        None => time_of(fields.text("until"))?,
    };
    let had = guard.view.access.grant(id).await?;
    let mut actions = fields.actions()?;
    if actions.is_empty() && days.is_some() {
        actions = had.actions;
    }
    let grant = guard.view.access.narrow(id, &actions, fields.labels()?, until, &by).await?;
    Ok(next(&Next { next: fields.text("next").to_owned() }, &grant))
}
