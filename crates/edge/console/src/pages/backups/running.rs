//! What is being done about backups: a part of the page that renews itself, and the deeds that begin and stop it.

use askama::Template;
use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use model::{RecoveryKind, UnknownName};
use serde::Deserialize;

use super::super::record::entry::Named;
use super::told;
use crate::failure::{Failure, render};
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Console, Shared};

/// What is being done.
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) who: String,
    pub(crate) began: Moment,
    pub(crate) stage: &'static str,
    /// 0 to 1000; empty as long as it is not known how much there is.
    pub(crate) done: String,
    pub(crate) amount: String,
    pub(crate) is_stopping: bool,
}

/// What is being done, and whether the visitor may stop it.
pub(crate) struct Working {
    pub(crate) work: Option<Work>,
    pub(crate) may_stop: bool,
}

impl Working {
    /// As of now.
    pub(crate) async fn now(console: &Console, visitor: &Visitor) -> Result<Self, Failure> {
        let running = console.recover.as_ref().and_then(|recover| recover.running());
        let work = match running {
            None => None,
            Some(work) => {
                let who = match work.by {
                    Some(by) => Named::default().of(console, &by.to_string()).await?,
                    None => format!("the {}", work.through),
                };
                let amount = match (work.done_bytes, work.total_bytes) {
                    (0, 0) => String::new(),
                    (done, 0) => wording::bytes(done),
                    (done, total) => format!("{} of {}", wording::bytes(done.min(total)), wording::bytes(total)),
                };
                Some(Work {
                    name: told::name(work.kind),
                    who,
                    began: wording::moment(work.began_at, console.now()),
                    stage: if work.stage.is_empty() { "beginning" } else { work.stage },
                    done: match work.total_bytes {
                        0 => String::new(),
                        total => (u128::from(work.done_bytes) * 1_000 / u128::from(total)).min(1_000).to_string(),
                    },
                    amount,
                    is_stopping: work.is_stopping,
                })
            }
        };
        Ok(Self { work, may_stop: visitor.administers() })
    }
}

#[derive(Template)]
#[template(path = "backups/running.html")]
struct Part {
    working: Working,
}

/// `GET /backups/running`. Once nothing is being done any more, the page is read again: it tells what came of it.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    console.guard()?;
    let working = Working::now(&console, &visitor).await?;
    let has_ended = working.work.is_none() && headers.contains_key("hx-request");
    let part = render(&Part { working })?;
    Ok(if has_ended { ([("hx-refresh", "true")], part).into_response() } else { part })
}

/// What is to be begun.
#[derive(Debug, Deserialize)]
pub(crate) struct Begun {
    what: String,
    #[serde(default)]
    read_data: String,
}

/// `POST /backups/begin`.
pub(crate) async fn begin(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<Begun>,
) -> Result<Response, Failure> {
    let (_, by) = console.acting(&visitor).await?;
    let kind: RecoveryKind = form.what.parse().map_err(|error: UnknownName| Failure::BadInput(format!("{error}.")))?;
    maker(&console)?.begin(kind, !form.read_data.is_empty(), &by)?;
    tracing::info!(by = visitor.name(), %kind, "something was begun about backups");
    Ok(Redirect::to("/backups").into_response())
}

/// `POST /backups/stop`. What ended meanwhile is no fault.
pub(crate) async fn stop(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    let (_, by) = console.acting(&visitor).await?;
    if maker(&console)?.stop(&by) {
        tracing::info!(by = visitor.name(), "what was being done about backups was stopped");
    }
    Ok(Redirect::to("/backups").into_response())
}

/// Whoever does it, or the page that says that nobody does.
fn maker(console: &Console) -> Result<&dyn crate::recovering::Recover, Failure> {
    console.recover.as_deref().ok_or_else(|| Failure::NotFound("This server makes no backups.".to_owned()))
}
