//! Who may log in.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use store::users;

use crate::access::Role;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::invitation::InvitationError;
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Console, Shared, invitation};

struct Row {
    id: u32,
    name: String,
    role: String,
    created: Moment,
    disabled: Option<Moment>,
    is_self: bool,
}

struct RoleRow {
    name: &'static str,
    what: &'static str,
}

#[derive(Template)]
#[template(path = "users/users.html")]
struct Page {
    frame: Frame,
    users: Vec<Row>,
    roles: Vec<RoleRow>,
    /// Path of a new invitation, shown this once; empty when there is none.
    link: String,
    link_role: &'static str,
}

/// `GET /users`.
pub(crate) async fn show(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    page(&console, &visitor, String::new(), "").await
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    link: String,
    link_role: &'static str,
) -> Result<Response, Failure> {
    let now = console.now();
    let own = visitor.person.as_ref().map(|person| person.id);
    let row = |user: users::User| Row {
        id: user.id,
        is_self: Some(user.id) == own,
        name: user.name,
        role: user.role,
        created: wording::moment(user.created_at, now),
        disabled: user.disabled_at.map(|at| wording::moment(at, now)),
    };
    let role = |role: Role| RoleRow {
        name: role.as_str(),
        what: match role {
            Role::Reader => "sees everything, changes nothing",
            Role::Reviewer => "also corrects labels and undoes merges of people",
            Role::Administrator => "also scans, schedules, invites and shuts out",
        },
    };
    render(&Page {
        frame: visitor.frame("Users", Section::Users),
        users: users::all(console.catalogue.store()).await?.into_iter().map(row).collect(),
        roles: Role::ALL.map(role).into(),
        link,
        link_role,
    })
}

/// An invitation, as its form sends it.
#[derive(Debug, Deserialize)]
pub(crate) struct Invited {
    role: String,
}

/// `POST /users/invite`. The link is on the page that comes back and nowhere else.
pub(crate) async fn invite(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<Invited>,
) -> Result<Response, Failure> {
    let unknown =
        |_unknown: model::UnknownName| Failure::BadInput("There is no such role; choose one from the list.".to_owned());
    let role: Role = form.role.parse().map_err(unknown)?;
    let invited = invitation::invite(console.catalogue.store(), role, (console.random)()?, console.now()).await;
    let link = invited.map_err(|InvitationError::Store(error)| Failure::from(error))?;
    tracing::info!(by = visitor.name(), role = role.as_str(), "somebody was invited");
    page(&console, &visitor, link, role.as_str()).await
}

/// `POST /users/{id}/disable`. Nobody shuts themselves out, so that one administrator always remains.
pub(crate) async fn disable(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<u32>,
) -> Result<Response, Failure> {
    let store = console.catalogue.store();
    if visitor.person.as_ref().is_some_and(|person| person.id == id) {
        return Err(Failure::BadInput("You cannot shut yourself out; have another administrator do it.".to_owned()));
    }
    let user = users::by_id(store, id).await?;
    let user = user.ok_or_else(|| Failure::NotFound("There is no such user; reload the list.".to_owned()))?;
    users::disable(store, id, console.now()).await?;
    tracing::info!(by = visitor.name(), user = user.name, "a user was shut out");
    Ok(Redirect::to("/users").into_response())
}
