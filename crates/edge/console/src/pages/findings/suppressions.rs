//! What nobody needs to look at, until a day.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use store::suppressions as table;

use super::{Tab, pseudonym, tabs};
use crate::Shared;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::record::entry::Named;
use crate::session::Visitor;
use crate::wording::{self, Moment};

struct Row {
    id: u32,
    title: String,
    rule_href: String,
    whom: String,
    study: String,
    reason: String,
    by: String,
    hits: String,
    until: Moment,
}

#[derive(Template)]
#[template(path = "findings/suppressions.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
}

/// `GET /findings/suppressions`.
pub(crate) async fn show(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let now = console.now();
    let mut names = Named::default();
    let mut rows = Vec::new();
    for one in table::holding(console.catalogue.store(), now).await? {
        let words = guard.view.findings.words(&one.rule, one.created_at, &one.reason_sealed).await?;
        rows.push(Row {
            id: one.id,
            title: guard.view.board.rule(&one.rule).map_or_else(|| one.rule.clone(), |rule| rule.title.clone()),
            rule_href: format!("/findings/rules/{}", one.rule),
            whom: match one.principal {
                Some(principal) => pseudonym(&console, principal)?,
                None => "anybody".to_owned(),
            },
            study: one.study.map_or_else(|| "any study".to_owned(), |study| study.to_string()),
            reason: words.unwrap_or_else(|| "erased".to_owned()),
            by: names.of(&console, &one.by.to_string()).await?,
            hits: wording::counted(one.hits, "match", "matches"),
            until: wording::moment(one.until, now),
        });
    }
    render(&Page {
        frame: visitor.frame("Suppressions", Section::Findings),
        tabs: tabs("/findings/suppressions"),
        rows,
    })
}

/// Why one is ended.
#[derive(Debug, Deserialize)]
pub(crate) struct End {
    reason: String,
}

/// `POST /findings/suppressions/{id}/end`. Recorded before it takes effect.
pub(crate) async fn end(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<End>,
) -> Result<Response, Failure> {
    let none = || Failure::NotFound("There is no such suppression; reload the list.".to_owned());
    let id: u32 = id.parse().ok().ok_or_else(none)?;
    let (guard, by) = console.acting(&visitor).await?;
    guard.view.findings.end_suppression(id, &form.reason, &by).await?;
    Ok(Redirect::to("/findings/suppressions").into_response())
}
