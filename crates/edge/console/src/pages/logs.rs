//! Logs of other systems: what comes from where, and what became of it.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::Shared;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::access::Tab;
use crate::pages::findings::tabs;
use crate::session::Visitor;
use crate::wording::{self, Moment};

struct Row {
    name: String,
    received: String,
    recorded: String,
    unparsed: u64,
    dropped: u64,
    waiting: String,
    last: Option<Moment>,
}

#[derive(Template)]
#[template(path = "findings/logs.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    trouble: String,
    addresses: Vec<(String, String)>,
}

/// `GET /findings/logs`.
pub(crate) async fn show(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let none = || Failure::NotFound("This server takes no logs.".to_owned());
    let intake = guard.view.intake.as_ref().ok_or_else(none)?;
    let now = console.now();
    let sources = intake.board.sources();
    render(&Page {
        frame: visitor.frame("Logs", Section::Findings),
        tabs: tabs("/findings/logs"),
        rows: sources
            .into_iter()
            .map(|one| Row {
                received: wording::count(one.received),
                recorded: wording::count(one.recorded),
                unparsed: one.unparsed,
                dropped: one.dropped,
                waiting: wording::bytes(one.waiting_bytes),
                last: (one.last_arrival_ms > 0).then(|| wording::moment(one.last_arrival_ms, now)),
                name: one.name,
            })
            .collect(),
        trouble: intake.board.trouble().unwrap_or_default(),
        addresses: intake.addresses.iter().map(|(name, at)| ((*name).to_owned(), at.to_string())).collect(),
    })
}
