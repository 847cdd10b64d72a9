//! Rules: what they look for, how often they fire, how often they are wrong.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use findings::{NewSuppression, RuleCard};
use model::PrincipalId;
use serde::Deserialize;
use store::findings::{self as table, Hits, Wanted};

use super::{Row, Tab, row, tabs};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::access::DAY_MS;
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Shared, address};

/// Rules on one page.
const PAGE: usize = 100;

struct RuleRow {
    href: String,
    title: String,
    level: &'static str,
    logsource: String,
    matches: String,
    findings: String,
    noise: String,
    last: Option<Moment>,
}

#[derive(Template)]
#[template(path = "findings/rules.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    text: String,
    rows: Vec<RuleRow>,
    number: String,
    rejected: Vec<(String, String)>,
    more: String,
}

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    text: String,
    after: usize,
}

/// `GET /findings/rules`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let board = &console.guard()?.view.board;
    let mut hits: HashMap<String, Hits> = HashMap::new();
    let mut after = String::new();
    loop {
        let page = table::hits(console.catalogue.store(), &after).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.rule);
        hits.extend(page.into_iter().map(|one| (one.rule.clone(), one)));
    }
    let text = params.text.to_lowercase();
    let fits = |rule: &&RuleCard| {
        [&rule.title, &rule.logsource, &rule.id].iter().any(|part| part.to_lowercase().contains(&text))
            || rule.tags.iter().any(|tag| tag.contains(&text))
    };
    let mut found: Vec<&RuleCard> = board.rules().iter().filter(fits).collect();
    // Those that fired stand first.
    found.sort_by_key(|rule| std::cmp::Reverse(hits.get(&rule.id).map_or(0, |hits| hits.matches)));
    let now = console.now();
    let rows: Vec<RuleRow> =
        found.iter().skip(params.after).take(PAGE).map(|rule| rule_row(rule, hits.get(&rule.id), now)).collect();
    let next = params.after + rows.len();
    render(&Page {
        frame: visitor.frame("Rules", Section::Findings),
        tabs: tabs("/findings/rules"),
        number: wording::counted(found.len() as u64, "rule", "rules"),
        more: if next < found.len() {
            let query = address::query(&[("text", &params.text), ("after", &next.to_string())]);
            format!("/findings/rules{query}")
        } else {
            String::new()
        },
        text: params.text,
        rows,
        rejected: board.rejected().iter().map(|one| (one.path.clone(), one.why.clone())).collect(),
    })
}

fn rule_row(rule: &RuleCard, hits: Option<&Hits>, now: i64) -> RuleRow {
    let settled = hits.map_or(0, |hits| hits.confirmed + hits.dismissed);
    #[expect(clippy::cast_precision_loss, reason = "numbers of findings that people settled")]
    let noise = hits.filter(|_| settled > 0).map(|hits| wording::percent(hits.dismissed as f64 / settled as f64));
    RuleRow {
        href: format!("/findings/rules/{}", rule.id),
        title: rule.title.clone(),
        level: rule.level.as_str(),
        logsource: if rule.is_correlation { "several events".to_owned() } else { rule.logsource.clone() },
        matches: wording::count(hits.map_or(0, |hits| hits.matches)),
        findings: wording::count(hits.map_or(0, |hits| hits.findings)),
        noise: noise.unwrap_or_default(),
        last: hits.filter(|hits| hits.matches > 0).map(|hits| wording::moment(hits.last_at, now)),
    }
}

#[derive(Template)]
#[template(path = "findings/rule.html")]
struct One {
    frame: Frame,
    id: String,
    title: String,
    description: String,
    tags: Vec<String>,
    row: RuleRow,
    confirmed: String,
    dismissed: String,
    rows: Vec<Row>,
}

/// `GET /findings/rules/{id}`.
pub(crate) async fn one(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let board = &console.guard()?.view.board;
    let store = console.catalogue.store();
    let behaviour = RuleCard {
        id: watch::BEHAVIOUR_RULE.to_owned(),
        title: "Unusual for this actor".to_owned(),
        description: "Baselines of each actor and its peers: what a day holds against what is usual.".to_owned(),
        level: detect::rule::Level::Medium,
        tags: Vec::new(),
        logsource: "every access".to_owned(),
        is_correlation: false,
    };
    let none = || Failure::NotFound("There is no such rule; look for it in the list.".to_owned());
    let is_behaviour = id == watch::BEHAVIOUR_RULE;
    let rule = if is_behaviour { &behaviour } else { board.rule(&id).ok_or_else(none)? };
    let hits = table::hits_of(store, &rule.id).await?;
    let wanted = Wanted { rule: Some(rule.id.clone()), any_state: true, ..Wanted::default() };
    let mut rows = Vec::new();
    for finding in &table::ranked(store, &wanted, None, 50).await? {
        rows.push(row(&console, finding)?);
    }
    render(&One {
        frame: visitor.frame(&rule.title, Section::Findings),
        id: rule.id.clone(),
        title: rule.title.clone(),
        description: rule.description.clone(),
        tags: rule.tags.clone(),
        confirmed: wording::count(hits.as_ref().map_or(0, |hits| hits.confirmed)),
        dismissed: wording::count(hits.as_ref().map_or(0, |hits| hits.dismissed)),
        row: rule_row(rule, hits.as_ref(), console.now()),
        rows,
    })
}

/// A suppression, as its form sends it.
#[derive(Debug, Deserialize)]
pub(crate) struct NewForm {
    days: i64,
    #[serde(default)]
    study: String,
    #[serde(default)]
    principal: String,
    reason: String,
}

/// `POST /findings/rules/{id}/suppress`. Recorded, with its reason, before it takes effect.
pub(crate) async fn suppress(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<NewForm>,
) -> Result<Response, Failure> {
    let study = match form.study.trim() {
        "" => None,
        text => Some(crate::pages::access::study_of(text)?),
    };
    let nobody = || Failure::BadInput("There is no such actor; leave the field empty for any.".to_owned());
    let principal = match form.principal.trim() {
        "" => None,
        text => Some(text.parse::<PrincipalId>().ok().ok_or_else(nobody)?),
    };
    let (guard, by) = console.acting(&visitor).await?;
    let until = by.now_ms.saturating_add(form.days.saturating_mul(DAY_MS));
    guard.view.findings.suppress(NewSuppression { rule: id, principal, study, until }, &form.reason, &by).await?;
    Ok(Redirect::to("/findings/suppressions").into_response())
}
