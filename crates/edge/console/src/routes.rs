//! Every route with the roles that may use it. What does not stand here is not served.

mod guarding;

use axum::handler::Handler;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{self, MethodRouter};
use axum::{Router, extract::DefaultBodyLimit};

use crate::access::{ADMINISTRATORS, Access, READERS, REVIEWERS, Role, admit};
use crate::{Shared, assets, ops, pages, session, shield};

/// The largest form that is read, in bytes.
const FORM_BYTES_MAX: usize = 64 * 1024;

struct Route {
    method: &'static str,
    path: &'static str,
    access: Access,
    handler: MethodRouter<Shared>,
}

fn get<H: Handler<T, Shared>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { method: "GET", path, access, handler: routing::get(handler) }
}

fn post<H: Handler<T, Shared>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { method: "POST", path, access, handler: routing::post(handler) }
}

fn table() -> Vec<Route> {
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
        get("/users", ADMINISTRATORS, pages::users::show),
        post("/users/invite", ADMINISTRATORS, pages::users::invite),
        post("/users/{id}/disable", ADMINISTRATORS, pages::users::disable),
        get("/login", Access::Public, pages::login::show),
        post("/login", Access::Public, pages::login::submit),
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
