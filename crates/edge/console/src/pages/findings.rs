//! What detection found, the most urgent first.

pub(crate) mod coverage;
pub(crate) mod one;
pub(crate) mod person;
pub(crate) mod rules;
pub(crate) mod suppressions;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use findings::Progress;
use model::{FindingState, PrincipalId};
use serde::Deserialize;
use store::findings::{self as table, Finding, Wanted};

use super::access::Tab;
use super::listed::Choice;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording::{self, Moment, Tag};
use crate::{Console, Shared, address};

/// Findings on one page.
const PAGE: u32 = 50;
/// How many of the strangest are shown beside the stream.
const STRANGEST: usize = 8;
/// Characters of a pseudonym.
const PSEUDONYM: usize = 6;

/// The pages of the section, `here` the one that is shown.
pub(crate) fn tabs(here: &str) -> Vec<Tab> {
    [
        ("Stream", "/findings"),
        ("Rules", "/findings/rules"),
        ("Coverage", "/findings/coverage"),
        ("Suppressions", "/findings/suppressions"),
        ("Logs", "/findings/logs"),
    ]
    .into_iter()
    .map(|(name, href)| Tab { name, href, is_here: href == here })
    .collect()
}

/// What an actor is called as long as nobody unmasked it: always the same, and nobody's name.
pub(crate) fn pseudonym(console: &Console, principal: PrincipalId) -> Result<String, Failure> {
    let token = console.guard()?.view.ledger.token("pseudonym", &principal.to_string());
    let digits: String = token.iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(format!("Actor {}", digits.get(..PSEUDONYM).unwrap_or_default()))
}

/// A finding in a list.
pub(crate) struct Row {
    pub(crate) href: String,
    pub(crate) title: String,
    pub(crate) level: String,
    pub(crate) rank: u32,
    pub(crate) who: String,
    pub(crate) who_href: String,
    pub(crate) study: String,
    pub(crate) tags: Vec<Tag>,
    pub(crate) people: String,
    pub(crate) matches: String,
    pub(crate) state: &'static str,
    pub(crate) verdict: &'static str,
    pub(crate) when: Moment,
}

/// A finding as a list shows it.
pub(crate) fn row(console: &Console, finding: &Finding) -> Result<Row, Failure> {
    let (who, who_href) = match finding.principal {
        Some(principal) => (pseudonym(console, principal)?, format!("/findings/actors/{principal}")),
        None => (String::new(), String::new()),
    };
    Ok(Row {
        href: format!("/findings/{}", finding.id),
        title: finding.title.clone(),
        level: finding.level.clone(),
        rank: finding.rank,
        who,
        who_href,
        study: finding.study.as_ref().map(ToString::to_string).unwrap_or_default(),
        tags: finding.labels.iter().map(|label| wording::tag(*label)).collect(),
        people: if finding.subjects > 0 {
            wording::counted(finding.subjects, "person", "people")
        } else {
            String::new()
        },
        matches: wording::counted(finding.matches, "match", "matches"),
        state: finding.state.as_str(),
        verdict: finding.verdict.map_or("", model::Verdict::as_str),
        when: wording::moment(finding.last_at, console.now()),
    })
}

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    state: String,
    after: String,
}

struct StrangeRow {
    who: String,
    href: String,
    score: String,
    width: String,
    day: String,
}

#[derive(Template)]
#[template(path = "findings/stream.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    states: Vec<Choice>,
    rows: Vec<Row>,
    strangest: Vec<StrangeRow>,
    rules: String,
    watched: String,
    behind: String,
    trouble: String,
    warnings: Vec<String>,
    more: String,
}

/// `GET /findings`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let store = console.catalogue.store();
    let (state, any_state) = match params.state.as_str() {
        "" => (None, false),
        "any" => (None, true),
        name => {
            let unknown = || Failure::BadInput("There is no such state. Choose one from the list.".to_owned());
            (Some(name.parse::<FindingState>().ok().ok_or_else(unknown)?), false)
        }
    };
    let after = params.after.split_once('.').and_then(|(rank, id)| Some((rank.parse().ok()?, id.parse().ok()?)));
    let wanted = Wanted { state, any_state, ..Wanted::default() };
    let found = table::ranked(store, &wanted, after, PAGE).await?;
    let more = found.last().filter(|_| found.len() == PAGE as usize).map_or_else(String::new, |last| {
        let after = format!("{}.{}", last.rank, last.id);
        format!("/findings{}", address::query(&[("state", &params.state), ("after", &after)]))
    });
    let progress = guard.view.board.progress();
    let mut rows = Vec::with_capacity(found.len());
    for finding in &found {
        rows.push(row(&console, finding)?);
    }
    render(&Page {
        frame: visitor.frame("Findings", Section::Findings),
        tabs: tabs("/findings"),
        states: states(&params.state),
        rows,
        strangest: strangest(&console, &progress)?,
        rules: wording::counted(guard.view.board.rules().len() as u64, "rule", "rules"),
        watched: wording::counted(progress.counts.events, "event", "events"),
        behind: wording::count(progress.size.saturating_sub(progress.place)),
        trouble: progress.trouble.clone().unwrap_or_default(),
        warnings: warnings(&progress, guard.view.board.rejected().len()),
        more,
    })
}

fn states(chosen: &str) -> Vec<Choice> {
    let mut states = vec![Choice::new("", "new and in progress".to_owned(), chosen)];
    states.extend(FindingState::ALL.iter().map(|state| Choice::new(state.as_str(), state.as_str().to_owned(), chosen)));
    states.push(Choice::new("any", "any state".to_owned(), chosen));
    states
}

fn strangest(console: &Console, progress: &Progress) -> Result<Vec<StrangeRow>, Failure> {
    let most = progress.strangest.first().map_or(1.0, |one| one.score).max(1.0);
    let mut rows = Vec::new();
    for one in progress.strangest.iter().take(STRANGEST) {
        let (who, href) = match one.entity.parse::<PrincipalId>() {
            Ok(principal) => (pseudonym(console, principal)?, format!("/findings/actors/{principal}")),
            Err(_outside) => (one.entity.clone(), String::new()),
        };
        rows.push(StrangeRow {
            who,
            href,
            score: format!("{:.1}", one.score),
            width: format!("{:.0}%", (one.score / most * 100.0).clamp(1.0, 100.0)),
            day: one.day.clone(),
        });
    }
    Ok(rows)
}

/// What those who rely on the watch should know.
fn warnings(progress: &Progress, rejected: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if rejected > 0 {
        let rules = wording::counted(rejected as u64, "rule was", "rules were");
        warnings.push(format!("{rules} not taken; the page of rules says why."));
    }
    if progress.counts.evicted_matches > 0 {
        let matches = wording::counted(progress.counts.evicted_matches, "match was", "matches were");
        warnings.push(format!("{matches} given up for want of room: correlations over them may be missing."));
    }
    if progress.counts.evicted_entities > 0 {
        let entities = wording::counted(progress.counts.evicted_entities, "actor was", "actors were");
        warnings.push(format!("{entities} forgotten for want of room: what is usual for them is learned anew."));
    }
    if progress.counts.late > 0 {
        let events = wording::counted(progress.counts.late, "event", "events");
        warnings.push(format!("{events} came too late to count in the day they belong to."));
    }
    warnings
}
