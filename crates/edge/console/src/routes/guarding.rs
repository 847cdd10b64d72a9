//! The routes of access and keys.

use super::{Route, get, post};
use crate::access::{ADMINISTRATORS, READERS, REVIEWERS};
use crate::pages::access::{emergencies, grants, policies, principal, principals, requests, reviews, who};
use crate::pages::{access, findings, hunts, incidents, keys, logs, obligations, playbooks};

pub(super) fn table() -> Vec<Route> {
    vec![
        // Findings are about people who work here: those who review see them.
        get("/findings", REVIEWERS, findings::show),
        get("/findings/rules", REVIEWERS, findings::rules::show),
        get("/findings/rules/{id}", REVIEWERS, findings::rules::one),
        post("/findings/rules/{id}/suppress", REVIEWERS, findings::rules::suppress),
        get("/findings/coverage", REVIEWERS, findings::coverage::show),
        get("/findings/suppressions", REVIEWERS, findings::suppressions::show),
        post("/findings/suppressions/{id}/end", REVIEWERS, findings::suppressions::end),
        get("/findings/logs", REVIEWERS, logs::show),
        get("/findings/actors/{id}", REVIEWERS, findings::person::show),
        get("/findings/{id}", REVIEWERS, findings::one::show),
        post("/findings/{id}", REVIEWERS, findings::one::change),
        get("/incidents", REVIEWERS, incidents::show),
        post("/incidents", REVIEWERS, incidents::open),
        get("/incidents/{id}", REVIEWERS, incidents::room::show),
        post("/incidents/{id}", REVIEWERS, incidents::room::act),
        get("/incidents/{id}/clocks", REVIEWERS, incidents::clocks::show),
        get("/incidents/{id}/begin", REVIEWERS, incidents::runs::begin),
        get("/incidents/{id}/runs/{run}", REVIEWERS, incidents::runs::one),
        get("/incidents/{id}/report", REVIEWERS, incidents::runs::report),
        get("/incidents/{id}/report.md", REVIEWERS, incidents::runs::report_text),
        get("/obligations", READERS, obligations::show),
        get("/playbooks", READERS, playbooks::show),
        get("/playbooks/{name}", READERS, playbooks::one),
        get("/access", READERS, access::show),
        get("/access/who", READERS, who::show),
        get("/access/principals", READERS, principals::show),
        post("/access/principals", ADMINISTRATORS, principals::create),
        get("/access/principals/{id}", READERS, principal::show),
        post("/access/principals/{id}/attributes", ADMINISTRATORS, principal::set_attributes),
        post("/access/principals/{id}/state", ADMINISTRATORS, principal::set_state),
        post("/access/principals/{id}/keys", ADMINISTRATORS, principal::create_key),
        post("/access/principals/{id}/keys/revoke", ADMINISTRATORS, principal::revoke_key),
        post("/access/principals/{id}/passkeys/remove", ADMINISTRATORS, principal::remove_passkey),
        get("/access/give", ADMINISTRATORS, grants::give_form),
        post("/access/give", ADMINISTRATORS, grants::give),
        get("/access/ask", READERS, grants::ask_form),
        // A reader asks for herself alone; the handler says so.
        post("/access/ask", READERS, grants::ask),
        get("/access/grants/{id}", READERS, grants::show),
        post("/access/grants/{id}/approve", REVIEWERS, grants::approve),
        post("/access/grants/{id}/refuse", REVIEWERS, grants::refuse),
        post("/access/grants/{id}/revoke", ADMINISTRATORS, grants::revoke),
        post("/access/grants/{id}/narrow", ADMINISTRATORS, grants::narrow),
        get("/access/requests", READERS, requests::show),
        get("/access/reviews", READERS, reviews::show),
        get("/access/emergencies", READERS, emergencies::show),
        // Policy decides who may break the glass.
        post("/access/emergencies", READERS, emergencies::open),
        post("/access/emergencies/{id}/review", REVIEWERS, emergencies::review),
        get("/access/policies", READERS, policies::show),
        get("/access/policies/{id}", READERS, policies::one),
        post("/access/policies/preview", ADMINISTRATORS, policies::preview),
        post("/access/policies/apply", ADMINISTRATORS, policies::apply),
        // Answers name everybody.
        get("/hunts", ADMINISTRATORS, hunts::show),
        post("/hunts", ADMINISTRATORS, hunts::ask),
        get("/keys", READERS, keys::show),
        get("/keys/studies/{id}", READERS, keys::study::show),
        post("/keys/rotate", ADMINISTRATORS, keys::rotate),
        post("/keys/holds", ADMINISTRATORS, keys::hold),
        post("/keys/holds/release", ADMINISTRATORS, keys::release),
        get("/keys/shred", ADMINISTRATORS, keys::shred::preview),
        post("/keys/shred", ADMINISTRATORS, keys::shred::destroy),
        get("/keys/receipts", READERS, keys::receipts::show),
        get("/keys/receipts/{id}", READERS, keys::receipts::one),
        get("/keys/receipts/{id}/download", READERS, keys::receipts::download),
    ]
}
