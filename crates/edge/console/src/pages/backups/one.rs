//! One report: what came of a backup, check, drill or look, with its proof and the entries of the record that say so.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use model::{RecoveryKind, RecoveryState};
use serde_json::Value;
use store::recovery::{self as reports, Report};

use super::super::record::download;
use super::told::{self, Part, number, short, text, texts};
use super::{Target, encrypted, names, target};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Console, Shared};

/// Lines of a list that the page shows.
const SHOWN: usize = 50;

/// A list of what is wrong, or left out.
struct Faults {
    title: &'static str,
    lines: Vec<String>,
    left_out: usize,
}

#[derive(Template)]
#[template(path = "backups/one.html")]
struct Page {
    frame: Frame,
    id: u32,
    name: &'static str,
    state: &'static str,
    class: &'static str,
    began: Moment,
    who: String,
    through: String,
    /// Why it was not done, and what to do.
    error: String,
    hint: String,
    facts: Vec<(&'static str, String)>,
    parts: Vec<Part>,
    targets: Vec<Target>,
    faults: Vec<Faults>,
    entries: Vec<(&'static str, u64)>,
    /// The command that brings it back; empty where there is nothing to bring.
    command: Vec<String>,
    json: String,
}

async fn found(console: &Console, id: &str) -> Result<(Report, Value), Failure> {
    console.guard()?;
    let none = || Failure::NotFound("There is no such report; look for it in the list.".to_owned());
    let id = id.parse().map_err(|_unread| none())?;
    let (report, text) = reports::by_id(console.catalogue.store(), id).await?.ok_or_else(none)?;
    Ok((report, serde_json::from_str(&text).unwrap_or_default()))
}

/// `GET /backups/{id}`.
pub(crate) async fn show(
    State(console): State<Shared>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (report, value) = found(&console, &id).await?;
    let names = names(&console, std::slice::from_ref(&report)).await?;
    let (state, class) = told::state(report.kind, report.state);
    let name = told::name(report.kind);
    let studies =
        console.recover.as_ref().and_then(|recover| recover.plan()).map_or_else(Vec::new, |plan| plan.studies);
    let is_made = report.kind == RecoveryKind::Backup && report.state != RecoveryState::Running;
    let began = wording::moment(report.began_at, console.now());
    let steps = [("It began", report.began_entry), ("It ended", report.ended_entry)];
    render(&Page {
        frame: visitor.frame(&format!("{name}, {}", began.exact), Section::Backups),
        id: report.id,
        name,
        state,
        class,
        who: names.get(&report.by.to_string()).cloned().unwrap_or_default(),
        through: report.through.clone(),
        error: text(&value, "/error").to_owned(),
        hint: text(&value, "/hint").to_owned(),
        facts: facts(&report, &value),
        parts: told::parts(&value),
        targets: if report.kind == RecoveryKind::Drill { targets(&value) } else { Vec::new() },
        faults: faults(&value),
        entries: steps.into_iter().filter_map(|(what, entry)| Some((what, entry?))).collect(),
        command: match report.snapshot.as_deref().filter(|_| is_made) {
            Some(snapshot) => encrypted::command(snapshot, &studies),
            None => Vec::new(),
        },
        json: serde_json::to_string_pretty(&value).unwrap_or_default(),
        began,
    })
}

/// `GET /backups/{id}/report.json`.
pub(crate) async fn json(State(console): State<Shared>, Path(id): Path<String>) -> Result<Response, Failure> {
    let (report, value) = found(&console, &id).await?;
    Ok(download("application/json", &format!("{}-{}.json", report.kind, report.name), format!("{value:#}\n")))
}

fn facts(report: &Report, value: &Value) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let mut add = |name: &'static str, what: Option<String>| {
        if let Some(what) = what.filter(|what| !what.is_empty()) {
            facts.push((name, what));
        }
    };
    let count = |pointer: &str| number(value, pointer).map(wording::count);
    let bytes = |pointer: &str| number(value, pointer).map(wording::bytes);
    let list =
        |pointer: &str| value.pointer(pointer).and_then(Value::as_array).map(|all| wording::count(all.len() as u64));
    add("Called in the record", Some(format!("{}:{}", report.kind, report.name)));
    add("Took", report.ended_at.map(|at| wording::duration((at - report.began_at) / 1_000)));
    add("Snapshot", report.snapshot.clone());
    add("Snapshot of the keys", Some(text(value, "/keys_snapshot").to_owned()));
    add("Root digest", Some(text(value, "/root").to_owned()));
    add("Files", count("/files").filter(|_| report.kind == RecoveryKind::Backup));
    add("Their length", bytes("/bytes"));
    add("Added to the repository", bytes("/added_bytes"));
    add("Not read again, unchanged", count("/unchanged_files"));
    add("Entries of the record in it", count("/entries"));
    add("Old snapshots taken away", list("/expired/main"));
    add("Old snapshots of keys taken away", list("/expired/keys"));
    add("Restored files", count("/restore/files"));
    add("Came back", Some(told::stages(value)));
    let lock = told::lock(value).unwrap_or_default();
    add("Locked", Some(lock.what));
    add("Not locked as it should be", Some(lock.missing));
    add("Listings looked through", count("/listings"));
    add(
        "Every byte read",
        value.get("read_data").and_then(Value::as_bool).map(|yes| if yes { "yes" } else { "no" }.to_owned()),
    );
    add("Last clean snapshot", Some(short(text(value, "/suspicion/clean"))));
    add("Main repository", Some(text(value, "/repository").to_owned()));
    add("Key repository", Some(text(value, "/key_repository").to_owned()));
    facts
}

fn targets(value: &Value) -> Vec<Target> {
    let of = |name: &str| value.get(name).and_then(Value::as_f64);
    let wanted = |name: &str| number(value, name);
    let both = [
        (
            "Age of what was restored",
            "From its newest entry to the drill.",
            of("rpo_seconds"),
            wanted("/rpo_target_seconds"),
        ),
        ("Time until everything was back", "Restored and proven.", of("rto_seconds"), wanted("/rto_target_seconds")),
    ];
    let made = both
        .into_iter()
        .filter_map(|(title, about, reached, wanted)| Some(target(title, about.to_owned(), Some(reached?), wanted?)));
    made.collect()
}

fn faults(value: &Value) -> Vec<Faults> {
    let problem = |one: &Value| format!("{}: {}", text(one, "/path"), text(one, "/why"));
    let problems = value.get("problems").and_then(Value::as_array).into_iter().flatten().map(problem).collect();
    let bursts = value.pointer("/suspicion/bursts").and_then(Value::as_array).into_iter().flatten();
    let bursts = bursts.map(|one| {
        let of = |pointer: &str| number(one, pointer).unwrap_or(0);
        let examples = texts(one, "/examples").join(", ");
        format!(
            "{}: of {} files {} look encrypted, {} were renamed; such as {examples}",
            text(one, "/folder"),
            of("/files"),
            of("/risen"),
            of("/renamed")
        )
    });
    let all = [
        ("Encrypted", bursts.collect()),
        ("Faults of the main repository", texts(value, "/main/faults")),
        ("Faults of the key repository", texts(value, "/keys/faults")),
        ("Left out, because it could not be read", problems),
    ];
    all.into_iter()
        .filter(|(_, lines): &(&'static str, Vec<String>)| !lines.is_empty())
        .map(|(title, mut lines)| {
            let left_out = lines.len().saturating_sub(SHOWN);
            lines.truncate(SHOWN);
            Faults { title, lines, left_out }
        })
        .collect()
}
