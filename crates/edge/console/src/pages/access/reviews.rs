//! Least privilege: grants that nobody uses, each narrowed or taken back with one click.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use model::Action;
use serde::Deserialize;

use super::grants::GrantRow;
use super::{Tab, UNUSED_DAYS, own_principal, tabs};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::listed::Choice;
use crate::pages::record::entry::Named;
use crate::session::Visitor;
use crate::wording;
use crate::{Shared, address};

/// Grants on one page.
const PAGE: usize = 50;
/// Days to choose from.
const DAYS: [u32; 5] = [7, 30, 90, 180, 365];
/// Days that are left to whoever has to get by without a grant.
const NOTICE_DAYS: u32 = 14;

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    days: String,
    after: String,
}

struct Row {
    grant: GrantRow,
    /// Whether something is left when only looking at names is.
    may_only_list: bool,
    /// Whether it lasts longer than the notice.
    may_end: bool,
}

#[derive(Template)]
#[template(path = "access/reviews.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    choices: Vec<Choice>,
    days: u32,
    notice: u32,
    rows: Vec<Row>,
    may_change: bool,
    here: String,
    more: String,
}

/// `GET /access/reviews`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let now = console.now();
    let days: u32 = params.days.parse().unwrap_or(UNUSED_DAYS).clamp(1, 3_650);
    let after: u32 = params.after.parse().unwrap_or(0);
    let mut unused = guard.view.access.unused(days, now, after).await?;
    let has_more = unused.len() > PAGE;
    unused.truncate(PAGE);
    let text = days.to_string();
    let last = unused.last().filter(|_| has_more);
    let more = last.map_or_else(String::new, |last| {
        format!("/access/reviews{}", address::query(&[("days", &text), ("after", &last.id.to_string())]))
    });
    let own = own_principal(&console, &visitor).await?;
    let notice_ends = now + i64::from(NOTICE_DAYS) * super::DAY_MS;
    let mut names = Named::default();
    let mut rows = Vec::with_capacity(unused.len());
    for grant in unused {
        let may_only_list = grant.actions.len() > 1 && grant.actions.contains(&Action::List);
        let may_end = grant.valid_until.is_none_or(|until| until > notice_ends);
        let grant = GrantRow::of(&console, &visitor, own, &mut names, grant).await?;
        if grant.is_active {
            rows.push(Row { grant, may_only_list, may_end });
        }
    }
    let choice = |days: u32| {
        let words = wording::counted(u64::from(days), "day", "days");
        Choice::new(&days.to_string(), words, &text)
    };
    render(&Page {
        frame: visitor.frame("Reviews", Section::Access),
        tabs: tabs("/access/reviews"),
        choices: DAYS.into_iter().map(choice).collect(),
        days,
        notice: NOTICE_DAYS,
        rows,
        may_change: visitor.administers(),
        here: format!("/access/reviews{}", address::query(&[("days", &text)])),
        more,
    })
}
