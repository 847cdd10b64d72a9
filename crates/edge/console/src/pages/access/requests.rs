//! Requests that wait for a decision, and grants that wait for a second person.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use store::grants::{self as table, GrantState};

use super::grants::{GrantRow, reason_of};
use super::{Tab, own_principal, tabs};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::record::entry::Named;
use crate::session::Visitor;
use crate::{Shared, address};

/// Requests on one page.
const PAGE: usize = 50;

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    after: String,
}

struct Row {
    grant: GrantRow,
    /// For those who decide and whoever asked; empty for others.
    reason: String,
}

#[derive(Template)]
#[template(path = "access/requests.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    unsigned: Vec<GrantRow>,
    more: String,
}

/// `GET /access/requests`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    console.guard()?;
    let (store, now) = (console.catalogue.store(), console.now());
    let after: u32 = params.after.parse().unwrap_or(0);
    let own = own_principal(&console, &visitor).await?;
    let mut waiting = table::in_state(store, GrantState::Requested, after).await?;
    waiting.retain(|grant| grant.valid_until.is_none_or(|until| now < until));
    let has_more = waiting.len() > PAGE;
    waiting.truncate(PAGE);
    let last = waiting.last().filter(|_| has_more);
    let more = last.map_or_else(String::new, |last| {
        format!("/access/requests{}", address::query(&[("after", &last.id.to_string())]))
    });
    let mut names = Named::default();
    let mut rows = Vec::with_capacity(waiting.len());
    for grant in waiting {
        let sees = visitor.reviews() || own.is_some_and(|own| own == grant.requested_by);
        let reason = if sees { reason_of(&console, &grant).await } else { String::new() };
        rows.push(Row { grant: GrantRow::of(&console, &visitor, own, &mut names, grant).await?, reason });
    }
    let mut unsigned = Vec::new();
    if after == 0 {
        for grant in table::countersignable(store, now, 0).await?.into_iter().take(PAGE) {
            let row = GrantRow::of(&console, &visitor, own, &mut names, grant).await?;
            if row.waits {
                unsigned.push(row);
            }
        }
    }
    let frame = visitor.frame("Requests", Section::Access);
    render(&Page { frame, tabs: tabs("/access/requests"), rows, unsigned, more })
}
