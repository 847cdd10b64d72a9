//! Keys: the hierarchy with ages, rotation, holds.

pub(crate) mod receipts;
pub(crate) mod shred;
pub(crate) mod study;

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use model::event::{Activity, Outcome};
use model::{By, Event, Scope};
use serde::Deserialize;
use vault::{KeyStatus, Turn, VaultError};

use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::guarded::Guarded;
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Console, Shared, address};

/// Studies on one page.
const PAGE: u32 = 50;
/// A key that wraps others is used for two years at most: NIST SP 800-57 part 1 rev. 5, section 5.3.6, table 1 (symmetric
/// key-wrapping key, originator usage period).
const AGE_MAX_MS: i64 = 2 * 365 * 24 * 60 * 60 * 1000;
/// Longest reference of a hold, in characters.
const REFERENCE_MAX: usize = 200;

/// One page of the section.
pub(crate) struct Tab {
    name: &'static str,
    href: &'static str,
    is_here: bool,
}

pub(crate) fn tabs(here: &str) -> Vec<Tab> {
    [("Hierarchy", "/keys"), ("Receipts", "/keys/receipts")]
        .into_iter()
        .map(|(name, href)| Tab { name, href, is_here: href == here })
        .collect()
}

/// One key of the tree.
pub(crate) struct Node {
    /// Steps from the root.
    depth: usize,
    name: String,
    /// Where more is told; empty for nowhere.
    href: String,
    kind: &'static str,
    version: i64,
    /// Whether a rotation goes on.
    is_turning: bool,
    since: Moment,
    /// Width of the bar of its age, of 100 for two years.
    age: u32,
    is_old: bool,
    under: String,
    holds: usize,
    destroyed: Option<Moment>,
    /// What to rotate; empty where it cannot be.
    turn: String,
    /// What to shred; empty where it cannot be.
    shred: String,
}

impl Node {
    pub(crate) fn of(key: KeyStatus, depth: usize, holds: &[vault::Hold], now: i64) -> Self {
        let scope = key.name.split('/').next().unwrap_or_default().to_owned();
        let study = key.name.strip_prefix("study:").unwrap_or_default().to_owned();
        let is_alive = key.destroyed_at.is_none();
        let shred = if is_alive && key.kind != "organisation" {
            format!("/keys/shred{}", address::query(&[("scope", &scope)]))
        } else {
            String::new()
        };
        Self {
            depth,
            href: if study.is_empty() { String::new() } else { format!("/keys/studies/{study}") },
            kind: match &*key.kind {
                "organisation" => "",
                "study" => "study",
                _ => "data subject",
            },
            version: key.version,
            is_turning: key.versions > 1,
            since: wording::moment(key.created_at, now),
            age: age(now - key.created_at),
            is_old: is_alive && now - key.created_at > AGE_MAX_MS,
            under: wording::counted(key.children, "key", "keys"),
            holds: holds.iter().filter(|hold| hold.scope == scope).count(),
            destroyed: key.destroyed_at.map(|at| wording::moment(at, now)),
            turn: match &*key.kind {
                "organisation" if is_alive => "organisation".to_owned(),
                "study" if is_alive => key.name.clone(),
                _ => String::new(),
            },
            shred,
            name: match &*key.kind {
                "study" => study,
                "organisation" => "Organisation".to_owned(),
                _ => scope.trim_start_matches("subject:").to_owned(),
            },
        }
    }
}

/// Of 100, for an age in milliseconds; at least 1, so that something is seen.
fn age(age_ms: i64) -> u32 {
    u32::try_from((age_ms.max(0).saturating_mul(100) / AGE_MAX_MS).clamp(1, 100)).unwrap_or(100)
}

pub(crate) struct HoldRow {
    scope: String,
    reference: String,
    since: Moment,
}

pub(crate) fn hold_rows(holds: Vec<vault::Hold>, now: i64) -> Vec<HoldRow> {
    let row = |hold: vault::Hold| HoldRow {
        since: wording::moment(hold.placed_at, now),
        scope: hold.scope,
        reference: hold.reference,
    };
    holds.into_iter().map(row).collect()
}

#[derive(Template)]
#[template(path = "keys/keys.html")]
struct Page {
    frame: Frame,
    tabs: Vec<Tab>,
    nodes: Vec<Node>,
    holds: Vec<HoldRow>,
    destroyed: usize,
    may_change: bool,
    /// Whether to say what was just done.
    done: String,
    more: String,
}

/// What the address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    after: String,
    rewrapped: String,
}

/// `GET /keys`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Query(params): Query<Params>,
) -> Result<Response, Failure> {
    let guard = console.guard()?;
    let (vault, now) = (&guard.view.vault, console.now());
    let holds = vault.holds().await?;
    let organisation = vault.keys_under("root", "", 1).await?.into_iter().next();
    let is_first = params.after.is_empty();
    let mut nodes = Vec::new();
    if let Some(organisation) = organisation.filter(|_| is_first) {
        nodes.push(root(vault.provider(), &organisation, now));
        nodes.push(Node::of(organisation, 1, &holds, now));
    }
    let studies = vault.keys_under("organisation", &params.after, PAGE).await?;
    let last = studies.last().filter(|_| studies.len() == PAGE as usize);
    let more = last.map_or_else(String::new, |last| format!("/keys{}", address::query(&[("after", &last.name)])));
    let destroyed = studies.iter().filter(|study| study.destroyed_at.is_some()).count();
    nodes.extend(studies.into_iter().map(|study| Node::of(study, 2, &holds, now)));
    let rewrapped: Option<u64> = params.rewrapped.parse().ok();
    render(&Page {
        frame: visitor.frame("Keys", Section::Keys),
        tabs: tabs("/keys"),
        nodes,
        holds: hold_rows(holds, now),
        destroyed,
        may_change: visitor.administers(),
        done: rewrapped.map_or_else(String::new, |keys| {
            format!("The key was rotated: {} wrapped anew.", wording::counted(keys, "key was", "keys were"))
        }),
        more,
    })
}

/// The root key, as far as it is known from what it wraps: it was last turned when the organisation's key was wrapped anew.
fn root(provider: String, organisation: &KeyStatus, now: i64) -> Node {
    let turned = organisation.rewrapped_at.unwrap_or(organisation.created_at).max(organisation.created_at);
    Node {
        depth: 0,
        name: format!("Root key in {provider}"),
        href: String::new(),
        kind: "root",
        version: 0,
        is_turning: false,
        since: wording::moment(turned, now),
        age: age(now - turned),
        is_old: now - turned > AGE_MAX_MS,
        under: wording::counted(1, "key", "keys"),
        holds: 0,
        destroyed: None,
        turn: "root".to_owned(),
        shred: String::new(),
    }
}

/// Records `event`, then lets it happen. When it does not, that is recorded as well.
async fn effect<T>(
    guard: &Guarded,
    event: Event,
    happen: impl Future<Output = Result<T, VaultError>>,
) -> Result<T, Failure> {
    let mut failure = event.clone();
    guard.view.recorder.record(event).await?;
    match happen.await {
        Ok(done) => Ok(done),
        Err(error) => {
            let code = if matches!(error, VaultError::Held { .. }) { "vault:held" } else { "vault:failed" };
            failure.outcome = Outcome::Failure { code: code.into() };
            guard.view.recorder.record(failure).await?;
            Err(error.into())
        }
    }
}

/// The event of doing something to a key.
fn told(activity: Activity, by: &By, key: &str) -> Event {
    let mut event = by.event(activity);
    event.resource.entity = Some(format!("key:{key}"));
    event.resource.study = key.strip_prefix("study:").and_then(|study| study.parse().ok());
    event
}

/// What a form names: a study or a data subject.
fn scope_of(text: &str) -> Result<Scope, Failure> {
    match text.trim().parse() {
        Ok(scope @ (Scope::Study(_) | Scope::Subject(_))) => Ok(scope),
        _ => {
            let what = "Name a study or a data subject: `study:ID` or `subject:ID`.";
            Err(Failure::BadInput(what.to_owned()))
        }
    }
}

/// A rotation, as its form sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Rotation {
    key: String,
}

/// `POST /keys/rotate`.
pub(crate) async fn rotate(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<Rotation>,
) -> Result<Response, Failure> {
    let wrong = || Failure::BadInput("Choose the root key, the organisation's, or a study's.".to_owned());
    let turn = match &*form.key {
        "root" => Turn::Root,
        "organisation" => Turn::Organisation,
        study => {
            let study: model::StudyId =
                study.strip_prefix("study:").and_then(|id| id.parse().ok()).ok_or_else(wrong)?;
            Turn::Study(study)
        }
    };
    let (guard, by) = console.acting(&visitor).await?;
    let vault = guard.view.vault.clone();
    let event = told(Activity::KeyRotate, &by, &form.key);
    let rotated = effect(guard, event, async { vault.rotate(&turn).await }).await?;
    let to = format!("/keys{}", address::query(&[("rewrapped", &rotated.rewrapped.to_string())]));
    Ok(Redirect::to(&to).into_response())
}

/// A hold, as its form sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct HoldForm {
    scope: String,
    reference: String,
}

impl HoldForm {
    fn read(&self) -> Result<(Scope, String), Failure> {
        let scope = scope_of(&self.scope)?;
        let reference = self.reference.trim();
        let is_good =
            (1..=REFERENCE_MAX).contains(&reference.chars().count()) && !reference.chars().any(char::is_control);
        if !is_good {
            let what =
                format!("A hold has a reference of 1 to {REFERENCE_MAX} characters: the case's number, no name.");
            return Err(Failure::BadInput(what));
        }
        Ok((scope, reference.to_owned()))
    }
}

/// `POST /keys/holds`.
pub(crate) async fn hold(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<HoldForm>,
) -> Result<Response, Failure> {
    let (scope, reference) = form.read()?;
    known(&console, &scope).await?;
    let (guard, by) = console.acting(&visitor).await?;
    let mut event = told(Activity::Lock, &by, &scope.to_string());
    event.reason = Some("legal hold".to_owned());
    event.new = Some(format!("reference={reference}"));
    let vault = &guard.view.vault;
    effect(guard, event, async { vault.hold(&scope, &reference).await }).await?;
    Ok(back(&scope))
}

/// `POST /keys/holds/release`.
pub(crate) async fn release(
    State(console): State<Shared>,
    visitor: Visitor,
    Form(form): Form<HoldForm>,
) -> Result<Response, Failure> {
    let (scope, reference) = form.read()?;
    let (guard, by) = console.acting(&visitor).await?;
    let vault = &guard.view.vault;
    let text = scope.to_string();
    if !vault.holds().await?.iter().any(|hold| hold.scope == text && hold.reference == reference) {
        return Err(Failure::NotFound("There is no such hold; reload the page.".to_owned()));
    }
    let mut event = told(Activity::Unlock, &by, &text);
    event.reason = Some("legal hold".to_owned());
    event.old = Some(format!("reference={reference}"));
    effect(guard, event, async { vault.release_hold(&scope, &reference).await }).await?;
    Ok(back(&scope))
}

fn back(scope: &Scope) -> Response {
    let to = match scope {
        Scope::Study(study) => format!("/keys/studies/{study}"),
        _ => "/keys".to_owned(),
    };
    Redirect::to(&to).into_response()
}

/// A study that there is, or a data subject with a key. A hold or a shredding of what was mistyped would look as if it were
/// done.
async fn known(console: &Console, scope: &Scope) -> Result<(), Failure> {
    let guard = console.guard()?;
    let is_known = match scope {
        Scope::Study(study) => {
            guard.view.access.study(study).is_some() || guard.view.vault.doom(scope).await?.total() > 0
        }
        _ => guard.view.vault.doom(scope).await?.total() > 0,
    };
    let nothing = || Failure::NotFound(format!("Nothing is kept of `{scope}`; check its name."));
    if is_known { Ok(()) } else { Err(nothing()) }
}
