//! One entry of the record: what it says, its details on request, and the proof that it is in the log.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use askama::Template;
use axum::extract::{Form, Path, State};
use axum::response::Response;
use ledger::verify::bytes::hex;
use ledger::verify::entry::{Body, parse};
use ledger::{Inclusion, Ledger, Stored};
use model::event::{Activity, Detail};
use model::{PrincipalId, PrincipalKind, Scope};
use serde::Deserialize;
use serde_json::{Value, json};
use store::principals::{self, Principal};

use super::download;
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::pages::access::own_principal;
use crate::pages::findings::pseudonym;
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Console, Shared};

/// Digits of a principal's id.
const ID_DIGITS: usize = 32;
/// The longest reason, in characters.
const REASON_MAX: usize = 1_000;

/// What an entry says, in short.
pub(crate) struct Told {
    pub(super) index: u64,
    pub(super) when: Moment,
    /// Id of who did it; empty for nobody.
    pub(super) actor: String,
    /// Its name where it is known; of a person the pseudonym, as long as nobody unmasked it.
    pub(super) who: String,
    pub(super) activity: String,
    pub(super) action: String,
    pub(super) study: String,
    pub(super) outcome: String,
    pub(super) is_failure: bool,
}

impl Told {
    /// Reads an entry, seen from `now`.
    pub(super) fn read(stored: &Stored, now: i64) -> Result<Self, Failure> {
        let entry = parse(&stored.bytes).map_err(|error| Failure::from(ledger::LedgerError::from(error)))?;
        let mut told = Self {
            index: stored.index,
            when: wording::moment(entry.header.time_ms, now),
            actor: String::new(),
            who: String::new(),
            activity: String::new(),
            action: String::new(),
            study: String::new(),
            outcome: "success".to_owned(),
            is_failure: false,
        };
        let json = match entry.body {
            Body::Event { json, .. } => json,
            Body::Rotation { .. } => return Ok(Self { activity: "signing key changed".to_owned(), ..told }),
            Body::Cosigned { .. } => return Ok(Self { activity: "witness cosigned".to_owned(), ..told }),
            Body::Anchor { .. } => return Ok(Self { activity: "time stamp".to_owned(), ..told }),
        };
        let event: Value = serde_json::from_str(json).unwrap_or_default();
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        told.actor = text("/actor/user/uid");
        told.activity = text("/activity_name");
        told.action = text("/unmapped/action");
        told.study = text("/unmapped/study");
        told.is_failure = event.pointer("/status_id").and_then(Value::as_u64) == Some(2);
        if told.is_failure {
            told.outcome = text("/status_code");
        }
        Ok(told)
    }
}

/// Names of principals, each asked for once a page.
#[derive(Default)]
pub(in crate::pages) struct Named(HashMap<String, Option<Principal>>);

impl Named {
    async fn principal(&mut self, console: &Console, id: &str) -> Result<Option<&Principal>, Failure> {
        if !self.0.contains_key(id) {
            let found = match id.parse() {
                Ok(id) => principals::by_id(console.catalogue.store(), id).await?,
                Err(_none) => None,
            };
            self.0.insert(id.to_owned(), found);
        }
        Ok(self.0.get(id).and_then(Option::as_ref))
    }

    /// The name of the principal with this id; the id where there is none.
    pub(in crate::pages) async fn of(&mut self, console: &Console, id: &str) -> Result<String, Failure> {
        Ok(self.principal(console, id).await?.map_or_else(|| id.to_owned(), |principal| principal.name.clone()))
    }

    /// What stands for somebody whom nobody unmasked: the pseudonym of a person, and the name of anything else. Whoever is
    /// `own` is known to themselves.
    pub(super) async fn called(
        &mut self,
        console: &Console,
        own: Option<PrincipalId>,
        id: &str,
    ) -> Result<String, Failure> {
        match self.principal(console, id).await? {
            Some(principal) if is_person(principal) && own != Some(principal.id) => pseudonym(console, principal.id),
            Some(principal) => Ok(principal.name.clone()),
            None => Ok(id.to_owned()),
        }
    }

    /// A text with pseudonyms in place of the ids of people, but for `shown`.
    async fn masked(&mut self, console: &Console, shown: &[&str], text: String) -> Result<String, Failure> {
        let words = text.split(|letter: char| !letter.is_ascii_hexdigit());
        let ids: BTreeSet<String> = words.filter(|word| word.len() == ID_DIGITS).map(str::to_owned).collect();
        let mut masked = text;
        for id in ids.iter().filter(|id| !shown.contains(&id.as_str())) {
            if let Some(person) = self.principal(console, id).await?.filter(|principal| is_person(principal)) {
                masked = masked.replace(id, &pseudonym(console, person.id)?);
            }
        }
        Ok(masked)
    }
}

/// Whether a principal is a person, whose work a pseudonym stands for.
fn is_person(principal: &Principal) -> bool {
    matches!(principal.kind, PrincipalKind::Person | PrincipalKind::Partner)
}

struct DetailRow {
    field: String,
    scope: String,
    /// In clear; empty as long as it is closed.
    value: String,
    /// Why it cannot be opened; empty otherwise.
    fault: String,
}

#[derive(Template)]
#[template(path = "record/entry.html")]
struct Page {
    frame: Frame,
    told: Told,
    json: String,
    writer: String,
    sequence: u64,
    drift_ms: i32,
    details: Vec<DetailRow>,
    may_open: bool,
    is_open: bool,
    /// Whether the actor stands here under a pseudonym, and this visitor may learn who it is.
    may_unmask: bool,
    size: u64,
    proof: Vec<String>,
    checkpoint: String,
}

/// `GET /record/{id}`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(index): Path<u64>,
) -> Result<Response, Failure> {
    let stored = stored(&console.guard()?.view.ledger, index).await?;
    page(&console, &visitor, &stored, None, false).await
}

/// Why somebody wants to know who it was, as the form sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Unmask {
    reason: String,
}

/// `POST /record/{id}/actor`: who it was, this once. That it is learned is recorded first, with its reason.
pub(crate) async fn unmask(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(index): Path<u64>,
    Form(form): Form<Unmask>,
) -> Result<Response, Failure> {
    let reason = form.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        let what = format!("Say in 1 to {REASON_MAX} characters why you have to know who it was; it is recorded.");
        return Err(Failure::BadInput(what));
    }
    let (guard, by) = console.acting(&visitor).await?;
    let stored = stored(&guard.view.ledger, index).await?;
    let mut event = by.event(Activity::Preview);
    event.resource.entity = Some(format!("record:{index}"));
    event.reason = Some("unmask".to_owned());
    let scope = Scope::Principal(by.actor.id);
    event.details.push(Detail { field: "reason".into(), scope, value: reason.to_owned() });
    guard.view.recorder.record(event).await?;
    page(&console, &visitor, &stored, None, true).await
}

/// `POST /record/{id}/details`. That somebody looks is recorded before anything is opened.
pub(crate) async fn reveal(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(index): Path<u64>,
) -> Result<Response, Failure> {
    let (guard, by) = console.acting(&visitor).await?;
    let stored = stored(&guard.view.ledger, index).await?;
    let mut event = by.event(Activity::Preview);
    event.resource.entity = Some(format!("record:{index}"));
    event.reason = Some("details opened".to_owned());
    guard.view.recorder.record(event).await?;
    let revealed = guard.view.ledger.reveal(&stored.bytes).await?;
    let row = |revealed: ledger::Revealed| {
        let (value, fault) = match revealed.value {
            Ok(value) => (value, String::new()),
            Err(error) => (String::new(), why(&error)),
        };
        DetailRow { field: revealed.field, scope: revealed.scope, value, fault }
    };
    page(&console, &visitor, &stored, Some(revealed.into_iter().map(row).collect()), false).await
}

/// An error with its cause, which says whether a key was destroyed.
fn why(error: &ledger::LedgerError) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    cause.unwrap_or_else(|| error.to_string())
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    stored: &Stored,
    opened: Option<Vec<DetailRow>>,
    is_unmasked: bool,
) -> Result<Response, Failure> {
    let entry = parse(&stored.bytes).map_err(|error| Failure::from(ledger::LedgerError::from(error)))?;
    let mut told = Told::read(stored, console.now())?;
    let mut names = Named::default();
    let own = own_principal(console, visitor).await?;
    let name = names.of(console, &told.actor).await?;
    let called = names.called(console, own, &told.actor).await?;
    let is_masked = !is_unmasked && called != name;
    told.who = if is_masked { called } else { name };
    let is_open = opened.is_some();
    let (json, closed) = match &entry.body {
        Body::Event { json, details } => {
            let event: Value = serde_json::from_str(json).unwrap_or_default();
            let closed = details.iter().map(|detail| DetailRow {
                field: detail.field.to_owned(),
                scope: detail.scope.to_owned(),
                value: String::new(),
                fault: String::new(),
            });
            (serde_json::to_string_pretty(&event).unwrap_or_else(|_never| (*json).to_owned()), closed.collect())
        }
        _ => (String::new(), Vec::new()),
    };
    let own = own.map(|own| own.to_string()).unwrap_or_default();
    let mut shown = vec![own.as_str()];
    if is_unmasked {
        shown.push(&told.actor);
    }
    let json = names.masked(console, &shown, json).await?;
    let inclusion = console.guard()?.view.ledger.prove_inclusion(stored.index).await?;
    render(&Page {
        frame: visitor.frame(&format!("Entry {}", stored.index), Section::Record),
        told,
        json,
        writer: hex(&entry.header.writer),
        sequence: entry.header.sequence,
        drift_ms: entry.header.drift_ms,
        details: opened.unwrap_or(closed),
        may_open: visitor.administers(),
        is_open,
        may_unmask: is_masked && visitor.reviews(),
        size: inclusion.size,
        proof: inclusion.proof.iter().map(|hash| hex(hash.as_ref())).collect(),
        checkpoint: inclusion.checkpoint,
    })
}

/// `GET /record/{id}/proof`.
pub(crate) async fn proof(State(console): State<Shared>, Path(index): Path<u64>) -> Result<Response, Failure> {
    let ledger = &console.guard()?.view.ledger;
    let stored = stored(ledger, index).await?;
    let Inclusion { index, size, proof, checkpoint } = ledger.prove_inclusion(index).await?;
    let proof: Vec<String> = proof.iter().map(|hash| hex(hash.as_ref())).collect();
    let entry = hex(&stored.bytes);
    let key = ledger.verifier_key().to_string();
    let text = json!({
        "format": "lazaret-inclusion/1",
        "index": index,
        "size": size,
        "entry": entry,
        "proof": proof,
        "checkpoint": checkpoint,
        "key": key,
    });
    Ok(download("application/json", &format!("entry-{index}-proof.json"), format!("{text:#}\n")))
}

async fn stored(ledger: &Arc<Ledger>, index: u64) -> Result<Stored, Failure> {
    let nothing = || Failure::NotFound(format!("There is no entry {index} in the record."));
    let end = index.checked_add(1).ok_or_else(nothing)?;
    let ledger = Arc::clone(ledger);
    let read = tokio::task::spawn_blocking(move || ledger.read(index..end)).await;
    read.map_err(|error| stopped(&error))??.pop().ok_or_else(nothing)
}

/// Work on another thread did not end.
pub(super) fn stopped(error: &tokio::task::JoinError) -> Failure {
    tracing::error!(error = %error, "reading the record was cut off");
    Failure::Internal
}
