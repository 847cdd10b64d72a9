//! Every route with the roles that may use it. What does not stand here is not served.

mod guarding;

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::handler::Handler;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{self, MethodRouter};

use crate::access::{ADMINISTRATORS, Access, READERS, REVIEWERS, Role, admit};
use crate::{Shared, assets, intake_api, ops, pages, scim, session, shield};

/// The largest form that is read, in bytes.
const FORM_BYTES_MAX: usize = 64 * 1024;

struct Route {
    method: &'static str,
    path: &'static str,
    access: Access,
    handler: MethodRouter<Shared>,
}

/// What a handler gives, once it is done.
type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A handler of any shape as one type: axum makes a service of each type of handler, and a hundred of them cost minutes of compiling.
#[derive(Clone)]
struct Erased(Arc<dyn Fn(Request, Shared) -> Answering + Send + Sync>);

impl Erased {
    fn of<H: Handler<T, Shared>, T: 'static>(handler: H) -> Self {
        Self(Arc::new(move |request, console| Box::pin(handler.clone().call(request, console))))
    }
}

impl Handler<(), Shared> for Erased {
    type Future = Answering;

    fn call(self, request: Request, console: Shared) -> Answering {
        (self.0)(request, console)
    }
}

fn get<H: Handler<T, Shared>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { method: "GET", path, access, handler: routing::get(Erased::of(handler)) }
}

fn post<H: Handler<T, Shared>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { method: "POST", path, access, handler: routing::post(Erased::of(handler)) }
}

/// Routes of directories. Their handlers ask for a token before anything else.
fn directories() -> Vec<Route> {
    let user = "/scim/v2/Users/{id}";
    let other = |method, handler| Route { method, path: user, access: Access::Public, handler };
    vec![
        get("/scim/v2/ServiceProviderConfig", Access::Public, scim::provider),
        get("/scim/v2/ResourceTypes", Access::Public, scim::resource_types),
        get("/scim/v2/ResourceTypes/{id}", Access::Public, scim::resource_type),
        get("/scim/v2/Schemas", Access::Public, scim::schemas),
        get("/scim/v2/Schemas/{id}", Access::Public, scim::schema),
        get("/scim/v2/Users", Access::Public, scim::list),
        post("/scim/v2/Users", Access::Public, scim::create),
        get(user, Access::Public, scim::show),
        other("PUT", routing::put(scim::replace)),
        other("PATCH", routing::patch(scim::change)),
        other("DELETE", routing::delete(scim::remove)),
        get("/scim/v2/{*rest}", Access::Public, scim::nothing),
    ]
}

/// Routes of programs that send logs. The handler asks for a token before anything else.
fn programs() -> Vec<Route> {
    let body = DefaultBodyLimit::max(receive::push::BODY_BYTES_MAX);
    let handler = routing::post(intake_api::take).layer(body);
    vec![Route { method: "POST", path: "/api/v1/events", access: Access::Public, handler }]
}

fn table() -> Vec<Route> {
    let mut table = pages();
    table.extend(directories());
    table.extend(programs());
    table
}

fn pages() -> Vec<Route> {
    vec![
        get("/", READERS, pages::landscape::show),
        get("/changes", READERS, pages::changes::show),
        get("/objects", READERS, pages::objects::show),
        get("/objects/{id}", READERS, pages::object::show),
        post("/objects/{id}/labels", REVIEWERS, pages::object::correct),
        get("/people", READERS, pages::people::show),
        post("/people/merges/{id}/undo", REVIEWERS, pages::people::undo),
        post("/people/separations/{id}/withdraw", REVIEWERS, pages::people::withdraw),
        get("/recognizers", READERS, pages::recognizers::show),
        get("/recognizers/{id}", READERS, pages::recognizer::show),
        get("/scans", READERS, pages::scans::show),
        get("/scans/running", READERS, pages::running::show),
        post("/scans/start", ADMINISTRATORS, pages::scans::start),
        post("/scans/{source_id}/cancel", ADMINISTRATORS, pages::scans::cancel),
        post("/scans/schedules", ADMINISTRATORS, pages::scans::schedule),
        post("/scans/schedules/{id}/remove", ADMINISTRATORS, pages::scans::unschedule),
        get("/problems", READERS, pages::problems::show),
        get("/quarantine", READERS, pages::quarantine::show),
        post("/quarantine/{id}", REVIEWERS, pages::quarantine::settle),
        get("/record", READERS, pages::record::show),
        get("/record/checkpoint", READERS, pages::record::checkpoint),
        get("/record/vkey", READERS, pages::record::vkey),
        post("/record/verify", ADMINISTRATORS, pages::record::verify),
        get("/record/{id}", READERS, pages::record::entry::show),
        get("/record/{id}/proof", READERS, pages::record::entry::proof),
        post("/record/{id}/details", ADMINISTRATORS, pages::record::entry::reveal),
        post("/record/{id}/actor", REVIEWERS, pages::record::entry::unmask),
        get("/users", ADMINISTRATORS, pages::users::show),
        post("/users/invite", ADMINISTRATORS, pages::users::invite),
        post("/users/{id}/disable", ADMINISTRATORS, pages::users::disable),
        get("/login", Access::Public, pages::login::show),
        post("/login", Access::Public, pages::login::submit),
        get("/login/with/{number}", Access::Public, pages::arrival::depart),
        get("/login/back", Access::Public, pages::arrival::arrive),
        get("/login/second", Access::Public, pages::second::show),
        post("/login/second", Access::Public, pages::second::submit),
        post("/login/second/passkey/ask", Access::Public, pages::second::ask_passkey),
        post("/login/second/passkey", Access::Public, pages::second::submit_passkey),
        post("/login/passkey/ask", Access::Public, pages::passkey::ask),
        post("/login/passkey", Access::Public, pages::passkey::submit),
        get("/security", READERS, pages::security::show),
        post("/security/again", READERS, pages::security::passkeys::ask_again),
        post("/security/passkeys/begin", READERS, pages::security::passkeys::begin),
        post("/security/passkeys", READERS, pages::security::passkeys::finish),
        get("/security/passkeys/{id}/remove", READERS, pages::security::passkeys::show_removal),
        post("/security/passkeys/{id}/remove", READERS, pages::security::passkeys::remove),
        post("/security/codes", READERS, pages::security::enrol),
        post("/security/codes/confirm", READERS, pages::security::confirm),
        post("/security/codes/remove", READERS, pages::security::remove),
        post("/security/sessions/{id}/end", READERS, pages::security::end),
        post("/security/sessions/end-others", READERS, pages::security::end_others),
        post("/logout", Access::Public, pages::login::leave),
        get("/setup", Access::Public, pages::setup::show),
        post("/setup", Access::Public, pages::setup::submit),
        post("/theme", Access::Public, pages::theme::choose),
        get("/assets/{name}", Access::Public, assets::serve),
        get("/healthz", Access::Public, ops::health),
        get("/readyz", Access::Public, ops::ready),
        get("/metrics", Access::Local, ops::metrics),
    ]
}

/// The console as a service. Serve it with [`crate::serve`], or with the addresses of clients as connect info.
pub fn router(console: Shared) -> Router {
    let mut router = Router::new();
    for route in table().into_iter().chain(guarding::table()) {
        let access = route.access;
        let guarded = route.handler.route_layer(from_fn(move |request, next| admit(access, request, next)));
        router = router.route(route.path, guarded);
    }
    router
        .fallback(shield::nowhere)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(from_fn_with_state(Shared::clone(&console), session::identify))
        .layer(from_fn_with_state(Shared::clone(&console), shield::guard))
        .with_state(console)
}

/// Method, path, and who is let in: `anyone` (not logged in) and each role, in the order of [`Role::ALL`].
#[must_use]
pub fn access_table() -> Vec<(&'static str, &'static str, [bool; 4])> {
    let admitted = |access: Access| {
        let [reader, reviewer, administrator] = Role::ALL.map(|role| access.admits(Some(role)));
        [access.admits(None), reader, reviewer, administrator]
    };
    let all = table().into_iter().chain(guarding::table());
    all.map(|route| (route.method, route.path, admitted(route.access))).collect()
}
