//! Who may use a route.

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use crate::address;
use crate::failure::Failure;
use crate::server::Peer;
use crate::session::Visitor;

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees everything, changes nothing.
    Reader,
    /// Also corrects labels and undoes merges of people.
    Reviewer,
    /// Also scans, schedules, invites and shuts out.
    Administrator,
}

impl Role {
    /// Every role, from the least mighty on.
    pub const ALL: [Self; 3] = [Self::Reader, Self::Reviewer, Self::Administrator];

    /// The name that the store keeps.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Reviewer => "reviewer",
            Self::Administrator => "administrator",
        }
    }
}

impl std::str::FromStr for Role {
    type Err = model::UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == name);
        found.ok_or_else(|| model::UnknownName { name: name.to_owned(), set: "role" })
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody who reaches the server.
    Public,
    /// Programs on the same machine, and whoever is logged in.
    Local,
    /// Whoever is logged in with one of these roles.
    Roles(&'static [Role]),
}

/// Everybody who is logged in.
pub(crate) const READERS: Access = Access::Roles(&[Role::Reader, Role::Reviewer, Role::Administrator]);
/// Those who correct.
pub(crate) const REVIEWERS: Access = Access::Roles(&[Role::Reviewer, Role::Administrator]);
/// Those who run the place.
pub(crate) const ADMINISTRATORS: Access = Access::Roles(&[Role::Administrator]);

impl Access {
    /// Whether somebody of this role (`None`: not logged in) is let in, from another machine.
    pub(crate) fn admits(self, role: Option<Role>) -> bool {
        match self {
            Self::Public => true,
            Self::Local => role.is_some(),
            Self::Roles(roles) => role.is_some_and(|role| roles.contains(&role)),
        }
    }
}

/// Lets a request through to its handler, or answers in its stead.
pub(crate) async fn admit(access: Access, request: Request, next: Next) -> Response {
    let visitor = request.extensions().get::<Visitor>();
    let role = visitor.and_then(Visitor::role);
    if access.admits(role) || (access == Access::Local && is_local(&request)) {
        return next.run(request).await;
    }
    if role.is_some() {
        return Failure::Forbidden.into_response();
    }
    if access == Access::Local {
        return Failure::Unauthorized.into_response();
    }
    to_login(&request)
}

fn is_local(request: &Request) -> bool {
    request.extensions().get::<ConnectInfo<Peer>>().is_some_and(|ConnectInfo(peer)| peer.ip().is_loopback())
}

/// Sends a browser to the login page, from which it comes back to the page it wanted.
fn to_login(request: &Request) -> Response {
    let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
    let login = match request.method() {
        &Method::GET if wanted != "/" => format!("/login{}", address::query(&[("next", wanted)])),
        _ => "/login".to_owned(),
    };
    if request.headers().contains_key("hx-request")
        && let Ok(login) = HeaderValue::from_str("/login")
    {
        return (StatusCode::UNAUTHORIZED, [("hx-redirect", login)]).into_response();
    }
    Redirect::to(&login).into_response()
}
