//! One finding: what happened, when, to what, and what is usual.

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use findings::Change;
use model::event::{Activity, Resource};
use model::{By, Event, PrincipalId, Verdict};
use serde::Deserialize;
use store::findings::{self as table, Finding, Note};
use watch::Story;

use super::{Row, pseudonym, row};
use crate::drawing::usual::{Dot, Scale, WIDTH, dots, scale};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::guarded::Guarded;
use crate::pages::record::entry::Named;
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Console, Shared};

/// Entries shown of the evidence.
const ENTRIES: usize = 100;

struct MeasureRow {
    what: String,
    seen: String,
    usual: String,
    most: String,
    peers: String,
    scale: Scale,
}

struct NoteRow {
    who: String,
    what: String,
    words: String,
    when: Moment,
}

struct EntryRow {
    index: u64,
    when: Moment,
}

struct Technique {
    id: String,
    href: String,
}

#[derive(Template)]
#[template(path = "findings/one.html")]
struct Page {
    frame: Frame,
    id: u32,
    row: Row,
    found_by: &'static str,
    rule_href: String,
    description: String,
    /// Whether the key of what it told was destroyed.
    is_erased: bool,
    about: String,
    /// The actor's name, where this visitor unmasked it.
    name: String,
    techniques: Vec<Technique>,
    why: Vec<String>,
    measures: Vec<MeasureRow>,
    matched: Vec<(String, String)>,
    objects: Vec<String>,
    more_objects: u64,
    dots: Vec<Dot>,
    width: f64,
    first: Moment,
    last: Moment,
    entries: Vec<EntryRow>,
    more_entries: usize,
    notes: Vec<NoteRow>,
    owner: String,
    is_open: bool,
}

/// The finding of an address.
async fn finding_of(console: &Console, id: &str) -> Result<Finding, Failure> {
    let none = || Failure::NotFound("There is no such finding; look for it in the stream.".to_owned());
    let id: u32 = id.parse().ok().ok_or_else(none)?;
    table::by_id(console.catalogue.store(), id).await?.ok_or_else(none)
}

/// Records that somebody looks at what a finding tells.
async fn record_look(guard: &Guarded, finding: &Finding, by: &By) -> Result<(), Failure> {
    let mut event = Event::new(Activity::Look, by.now_ms, "console");
    event.actor = Some(by.actor.clone());
    event.origin = by.origin.clone();
    event.resource = Resource { entity: Some(format!("finding:{}", finding.uid)), ..Resource::default() };
    guard.view.recorder.record(event).await?;
    Ok(())
}

/// `GET /findings/{id}`. That it is looked at is recorded first.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let finding = finding_of(&console, &id).await?;
    let (guard, by) = console.acting(&visitor).await?;
    record_look(guard, &finding, &by).await?;
    let desk = &guard.view.findings;
    let story = desk.story(&finding).await?;
    let is_erased = story.is_none();
    let story = story.unwrap_or_default();
    let store = console.catalogue.store();
    let evidence = table::evidence(store, finding.id).await?;
    let kept = table::notes(store, finding.id).await?;
    let (mut names, now) = (Named::default(), console.now());
    let is_unmasked = kept.iter().any(|note| note.what == "unmask" && note.by == by.actor.id);
    let name = match finding.principal.filter(|_| is_unmasked) {
        Some(principal) => names.of(&console, &principal.to_string()).await?,
        None => String::new(),
    };
    let owner = match finding.owner {
        Some(owner) => names.of(&console, &owner.to_string()).await?,
        None => String::new(),
    };
    let notes = notes(&console, guard, &finding, kept, &mut names).await?;
    let times: Vec<i64> = evidence.iter().map(|(_, at)| *at).collect();
    render(&Page {
        frame: visitor.frame(&finding.title, Section::Findings),
        id: finding.id,
        row: row(&console, &finding)?,
        found_by: finding.found_by.as_str(),
        rule_href: format!("/findings/rules/{}", finding.rule),
        is_erased,
        about: story.about.clone(),
        name,
        techniques: techniques(&finding.tags),
        measures: measures(&story),
        description: story.description,
        why: story.why,
        matched: masked(&console, &finding, story.matched, is_unmasked)?,
        objects: story.objects,
        more_objects: story.more_objects,
        dots: dots(&times),
        width: WIDTH,
        first: wording::moment(finding.first_at, now),
        last: wording::moment(finding.last_at, now),
        more_entries: evidence.len().saturating_sub(ENTRIES),
        entries: evidence
            .iter()
            .take(ENTRIES)
            .map(|(index, at)| EntryRow { index: *index, when: wording::moment(*at, now) })
            .collect(),
        notes,
        owner,
        is_open: findings::is_open(finding.state),
    })
}

/// What the rule saw, with the actor under its pseudonym as long as nobody unmasked it.
fn masked(
    console: &Console,
    finding: &Finding,
    matched: Vec<(String, String)>,
    is_unmasked: bool,
) -> Result<Vec<(String, String)>, Failure> {
    let Some(principal) = finding.principal.filter(|_| !is_unmasked) else { return Ok(matched) };
    let (id, called) = (principal.to_string(), pseudonym(console, principal)?);
    Ok(matched.into_iter().map(|(field, value)| (field, value.replace(&id, &called))).collect())
}

fn measures(story: &Story) -> Vec<MeasureRow> {
    let number = |value: f64| if value >= 10.0 { format!("{value:.0}") } else { format!("{value:.1}") };
    let measure = |one: &watch::Measure| MeasureRow {
        what: one.what.clone(),
        seen: number(one.seen),
        usual: number(one.usual),
        most: number(one.most),
        peers: number(one.peers),
        scale: scale(one.seen, one.usual, one.most, one.peers),
    };
    story.measures.iter().map(measure).collect()
}

/// Techniques of ATT&CK among the tags.
fn techniques(tags: &[String]) -> Vec<Technique> {
    let number = |tag: &String| tag.strip_prefix("attack.t").map(|number| format!("T{}", number.to_uppercase()));
    let technique =
        |id: String| Technique { href: format!("https://attack.mitre.org/techniques/{}/", id.replace('.', "/")), id };
    tags.iter().filter_map(number).map(technique).collect()
}

async fn notes(
    console: &Console,
    guard: &Guarded,
    finding: &Finding,
    kept: Vec<Note>,
    names: &mut Named,
) -> Result<Vec<NoteRow>, Failure> {
    let mut rows = Vec::with_capacity(kept.len());
    for note in kept {
        let words = guard.view.findings.words(&finding.uid, note.at, &note.text_sealed).await?;
        rows.push(NoteRow {
            who: names.of(console, &note.by.to_string()).await?,
            what: note.what,
            words: words.unwrap_or_else(|| "erased".to_owned()),
            when: wording::moment(note.at, console.now()),
        });
    }
    Ok(rows)
}

/// What somebody does, as its form sends it.
#[derive(Debug, Deserialize)]
pub(crate) struct Deed {
    what: String,
    #[serde(default)]
    reason: String,
}

/// `POST /findings/{id}`. Recorded, with its reason, before it takes effect.
pub(crate) async fn change(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<Deed>,
) -> Result<Response, Failure> {
    let finding = finding_of(&console, &id).await?;
    let change = match form.what.as_str() {
        "take-up" => Change::TakeUp,
        "reopen" => Change::Reopen,
        "note" => Change::Note,
        "unmask" => Change::Unmask,
        verdict => {
            let unknown = || Failure::BadInput("Choose what to do with the finding.".to_owned());
            Change::Resolve(verdict.parse::<Verdict>().ok().ok_or_else(unknown)?)
        }
    };
    let (guard, by) = console.acting(&visitor).await?;
    guard.view.findings.change(finding.id, change, &form.reason, &by).await?;
    Ok(Redirect::to(&format!("/findings/{}", finding.id)).into_response())
}

/// The actor of an address, by its pseudonym.
pub(super) fn called(console: &Console, principal: PrincipalId) -> Result<String, Failure> {
    pseudonym(console, principal)
}
