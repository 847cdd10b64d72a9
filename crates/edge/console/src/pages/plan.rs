//! The communication plan: who calls whom, who holds which role, which authority is told of what, and what is left open.

use askama::Template;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use incidents::plan::{Authority, Channel, Person, Plan};
use playbooks::Role;

use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::{Console, Shared};

struct Called {
    /// How far to the right it stands, as a style class from 0 to 6.
    depth: usize,
    name: String,
    roles: String,
    ways: Vec<String>,
    is_repeated: bool,
}

struct RoleRow {
    title: &'static str,
    holders: Vec<String>,
}

struct AuthorityRow {
    name: String,
    of: String,
    how: &'static str,
    place: String,
    hours: String,
    note: String,
}

struct Other {
    kind: &'static str,
    name: String,
    study: String,
    within: String,
    contacts: Vec<String>,
}

#[derive(Template)]
#[template(path = "plan.html")]
struct Page {
    frame: Frame,
    organisation: String,
    is_there: bool,
    faults: Vec<String>,
    gaps: Vec<(String, String, String)>,
    tree: Vec<Called>,
    roles: Vec<RoleRow>,
    authorities: Vec<AuthorityRow>,
    others: Vec<Other>,
}

impl Console {
    /// The plan, if there is one that can be read; otherwise what is wrong with it.
    pub(crate) fn plan(&self) -> Result<Option<Result<Plan, Vec<String>>>, Failure> {
        let Some(respond) = &self.respond else { return Ok(None) };
        let Some(text) = respond.plan()? else { return Ok(None) };
        Ok(Some(Plan::parse(&text).map_err(|faults| faults.iter().map(ToString::to_string).collect())))
    }
}

impl Console {
    /// The roles and the time zone of the organisation, as its plan says.
    pub(crate) fn organisation(&self) -> Result<(Vec<String>, Option<String>), Failure> {
        let Some(Ok(plan)) = self.plan()? else { return Ok((Vec::new(), None)) };
        let library = obligations::in_force().map_err(|_broken| Failure::Internal)?;
        let is_role = |role: &String| library.vocabulary().roles().any(|(name, _)| name == role);
        let roles = plan.organisation.legal_roles.into_iter().filter(is_role).collect();
        Ok((roles, plan.organisation.timezone))
    }
}

fn ways(person: &Person) -> Vec<String> {
    let all = [&person.mobile, &person.phone, &person.email, &person.email_outside];
    all.into_iter().flatten().cloned().collect()
}

/// How to reach an authority in the way that it wants.
fn place(authority: &Authority) -> String {
    let known = match authority.how {
        Channel::Portal => authority.url.clone(),
        Channel::Email => authority.email.clone(),
        Channel::Phone => authority.phone.clone(),
        Channel::Post => Some(authority.address.join(", ")).filter(|address| !address.is_empty()),
    };
    known.unwrap_or_else(|| "address missing".to_owned())
}

/// `GET /plan`.
pub(crate) async fn show(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let mut page = Page {
        frame: visitor.frame("Communication plan", Section::Plan),
        organisation: String::new(),
        is_there: true,
        faults: Vec::new(),
        gaps: Vec::new(),
        tree: Vec::new(),
        roles: Vec::new(),
        authorities: Vec::new(),
        others: Vec::new(),
    };
    match console.plan()? {
        None => page.is_there = false,
        Some(Err(faults)) => page.faults = faults,
        Some(Ok(plan)) => fill(&mut page, &plan),
    }
    render(&page)
}

fn fill(page: &mut Page, plan: &Plan) {
    page.organisation.clone_from(&plan.organisation.name);
    if let Ok(library) = obligations::in_force() {
        let gaps = plan.gaps(&library);
        page.gaps = gaps.into_iter().map(|gap| (gap.about, gap.why, gap.remedy)).collect();
    }
    let tree = plan.tree();
    page.tree = tree
        .iter()
        .map(|line| Called {
            depth: line.depth.min(6),
            name: line.person.name.clone(),
            roles: line.person.roles.iter().map(|held| held.role.title()).collect::<Vec<_>>().join(", "),
            ways: ways(line.person),
            is_repeated: line.is_repeated,
        })
        .collect();
    let held = |role: &Role| RoleRow {
        title: role.title(),
        holders: plan.holders(*role).into_iter().map(|person| person.name.clone()).collect(),
    };
    page.roles = Role::ALL.iter().map(held).collect();
    page.authorities = plan
        .authorities
        .iter()
        .map(|one| AuthorityRow {
            name: one.name.clone(),
            of: one.obligations.join(", "),
            how: one.how.as_str(),
            place: place(one),
            hours: one.hours.clone().unwrap_or_default(),
            note: one.note.clone().unwrap_or_default(),
        })
        .collect();
    page.others = plan
        .stakeholders
        .iter()
        .map(|one| Other {
            kind: one.kind.as_str(),
            name: one.name.clone(),
            study: one.study.clone().unwrap_or_default(),
            within: one.hours_to_tell.map_or_else(String::new, |hours| format!("{hours} h")),
            contacts: one
                .contacts
                .iter()
                .map(|contact| {
                    let parts = [Some(&contact.name), contact.phone.as_ref(), contact.email.as_ref()];
                    parts.into_iter().flatten().cloned().collect::<Vec<_>>().join(", ")
                })
                .collect(),
        })
        .collect();
}

/// `GET /plan/sheet.html` and `/plan/sheet.txt`: the plan for the wall.
async fn sheet(console: Shared, kind: &'static str, name: &str, of: fn(&Plan) -> String) -> Result<Response, Failure> {
    let plan = match console.plan()? {
        Some(Ok(plan)) => plan,
        _ => return Err(Failure::NotFound("There is no plan that can be read; the page Plan says why.".to_owned())),
    };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, of(&plan)).into_response())
}

/// `GET /plan/sheet.html`.
pub(crate) async fn html(State(console): State<Shared>, _visitor: Visitor) -> Result<Response, Failure> {
    sheet(console, "text/html; charset=utf-8", "plan.html", Plan::to_html).await
}

/// `GET /plan/sheet.txt`.
pub(crate) async fn text(State(console): State<Shared>, _visitor: Visitor) -> Result<Response, Failure> {
    sheet(console, "text/plain; charset=utf-8", "plan.txt", Plan::to_text).await
}
