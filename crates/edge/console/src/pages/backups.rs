//! Backups: whether there are some that hold, how old they are, what came of each, and whether watched folders were encrypted.

mod days;
mod encrypted;
pub(crate) mod history;
pub(crate) mod one;
pub(crate) mod running;
mod told;

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use model::{RecoveryKind, RecoveryState};
use serde_json::Value;
use store::recovery::{self as reports, Report};

use super::record::entry::Named;
use crate::drawing::calendar::{Calendar, calendar};
use crate::drawing::gauge::{Gauge, gauge};
use crate::failure::{Failure, render};
use crate::frame::{Frame, Section};
use crate::recovering::{Listing, RecoverFault, RecoveryPlan, SnapshotRow};
use crate::session::Visitor;
use crate::wording::{self, Moment};
use crate::{Console, Shared};
use encrypted::Watched;
use history::Line;
use running::Working;
use told::{Part, Told};

/// Reports that the page looks through: more than half a year of several a day.
const LOOKED_THROUGH: u32 = 1_000;
/// Backups whose listings of watched folders are put together.
const LISTINGS_MAX: u32 = 60;
/// The newest drills of which one tells how long it took.
const DRILLS_MAX: u32 = 10;
/// Reports and snapshots that the page shows.
const LINES_SHOWN: usize = 12;
const SNAPSHOTS_SHOWN: usize = 60;

/// Where there was a repository.
const GONE: &str =
    "there is none at one of the two places, though backups were made; check that the disk is mounted, and the address";

/// A target, and what was reached.
pub(crate) struct Target {
    pub(crate) title: &'static str,
    pub(crate) about: String,
    /// What was reached, in words; empty: nothing yet.
    pub(crate) reached: String,
    pub(crate) wanted: String,
    pub(crate) gauge: Gauge,
}

/// The newest backup, and its proof.
struct Newest {
    href: String,
    when: Moment,
    state: &'static str,
    class: &'static str,
    parts: Vec<Part>,
}

struct Snapshot {
    id: String,
    /// `main` or `keys`.
    of: &'static str,
    when: Moment,
    files: String,
    bytes: String,
    added: String,
    host: String,
    /// What a report says of it; empty where none does.
    state: &'static str,
    class: &'static str,
    href: String,
}

struct Snapshots {
    rows: Vec<Snapshot>,
    left_out: usize,
    read: Option<Moment>,
    is_first: bool,
    fault: String,
}

#[derive(Template)]
#[template(path = "backups/backups.html")]
struct Page {
    frame: Frame,
    plan: Option<RecoveryPlan>,
    due: Option<Moment>,
    working: Working,
    may_act: bool,
    newest: Option<Newest>,
    targets: Vec<Target>,
    calendar: Calendar,
    has_backups: bool,
    watched: Option<Watched>,
    snapshots: Snapshots,
    locked: Told,
    lines: Vec<Line>,
}

/// `GET /backups`.
pub(crate) async fn show(State(console): State<Shared>, visitor: Visitor) -> Result<Response, Failure> {
    console.guard()?;
    let (store, now) = (console.catalogue.store(), console.now());
    let plan = console.recover.as_ref().and_then(|recover| recover.plan());
    let listed = reports::listed(store, i64::MAX, LOOKED_THROUGH).await?;
    let backups = read(reports::texts(store, RecoveryKind::Backup, LISTINGS_MAX).await?);
    let drills = read(reports::texts(store, RecoveryKind::Drill, DRILLS_MAX).await?);
    let look = read(reports::texts(store, RecoveryKind::Look, DRILLS_MAX).await?);
    let look =
        look.into_iter().find(|(report, _)| matches!(report.state, RecoveryState::Holds | RecoveryState::Broken));
    let ended = listed.iter().filter_map(|report| report.ended_at).max().unwrap_or(i64::MIN);
    let listing = console.recover.as_ref().map(|recover| recover.listing(ended)).unwrap_or_default();
    let rule = plan.as_ref().and_then(|plan| plan.schedule.as_ref());
    let working = Working::now(&console, &visitor).await?;
    let lines = history::lines(&console, listed.get(..LINES_SHOWN).unwrap_or(&listed)).await?;
    render(&Page {
        frame: visitor.frame("Backups", Section::Backups),
        due: plan.as_ref().and_then(|plan| plan.due_at).map(|at| wording::moment(at, now)),
        may_act: visitor.administers() && console.recover.is_some(),
        newest: newest(&backups, now),
        targets: plan.as_ref().map_or_else(Vec::new, |plan| targets(plan, &listing, &listed, &drills, now)),
        calendar: calendar(&days::days(&listed, rule, now)),
        has_backups: listed.iter().any(|report| report.kind == RecoveryKind::Backup),
        watched: encrypted::watched(&backups, look.as_ref(), plan.as_ref(), now),
        snapshots: snapshots(&listing, &listed, now),
        locked: told::locked(
            backups.iter().find(|(report, _)| is_made(report.state)).map(|(_, value)| value),
            plan.as_ref(),
        ),
        plan,
        working,
        lines,
    })
}

/// Texts of reports as JSON.
fn read(all: Vec<(Report, String)>) -> Vec<(Report, Value)> {
    all.into_iter().map(|(report, text)| (report, serde_json::from_str(&text).unwrap_or_default())).collect()
}

/// Whether there is a snapshot, proven or not.
const fn is_made(state: RecoveryState) -> bool {
    matches!(state, RecoveryState::Holds | RecoveryState::Unproven | RecoveryState::Broken)
}

/// The newest backup that came to an end.
fn newest(backups: &[(Report, Value)], now: i64) -> Option<Newest> {
    let (report, value) = backups.iter().find(|(report, _)| is_made(report.state))?;
    let (state, class) = told::state(report.kind, report.state);
    Some(Newest {
        href: format!("/backups/{}", report.id),
        when: wording::moment(report.began_at, now),
        state,
        class,
        parts: told::parts(value),
    })
}

/// How old the newest snapshot is, and how long the last drill took, against what they may.
fn targets(
    plan: &RecoveryPlan,
    listing: &Listing,
    listed: &[Report],
    drills: &[(Report, Value)],
    now: i64,
) -> Vec<Target> {
    let made = |report: &&Report| report.kind == RecoveryKind::Backup && report.snapshot.is_some();
    let told = listed.iter().find(made).map(|report| report.began_at);
    let newest = listing.main.last().map(|snapshot| snapshot.made_ms).max(told);
    #[expect(clippy::cast_precision_loss, reason = "seconds in a picture")]
    let age = newest.map(|at| (now.saturating_sub(at).max(0) / 1_000) as f64);
    let drill = drills.iter().find_map(|(report, value)| {
        Some((report, value.get("rto_seconds")?.as_f64()?, value.get("rto_target_seconds")?.as_f64()?))
    });
    let rpo = target(
        "Age of the newest snapshot",
        newest.map_or_else(
            || "There is no snapshot yet.".to_owned(),
            |at| format!("Made {}. What came after it would be lost.", wording::moment(at, now).exact),
        ),
        age,
        plan.rpo_seconds,
    );
    let rto = target(
        "Time until everything is back",
        drill.map_or_else(
            || "No drill has told yet.".to_owned(),
            |(report, ..)| format!("The last drill, {}.", wording::moment(report.began_at, now).ago),
        ),
        drill.map(|(_, took, _)| took),
        plan.rto_seconds,
    );
    vec![rpo, rto]
}

/// A target of `wanted` seconds.
pub(crate) fn target(title: &'static str, about: String, reached: Option<f64>, wanted: u64) -> Target {
    #[expect(clippy::cast_precision_loss, reason = "seconds in a picture")]
    let gauge = gauge(reached.unwrap_or(0.0), wanted as f64);
    #[expect(clippy::cast_possible_truncation, reason = "whole seconds are shown")]
    let words = |seconds: f64| wording::duration(seconds.round() as i64);
    Target {
        title,
        about,
        reached: reached.map_or_else(String::new, words),
        wanted: wording::duration(i64::try_from(wanted).unwrap_or(i64::MAX)),
        gauge,
    }
}

/// Snapshots with what reports say of each.
fn snapshots(listing: &Listing, listed: &[Report], now: i64) -> Snapshots {
    // A proof that holds outweighs whatever came before or after it: the snapshot did come back.
    let mut known: BTreeMap<&str, &Report> = BTreeMap::new();
    for report in listed.iter().filter(|report| matches!(report.kind, RecoveryKind::Backup | RecoveryKind::Drill)) {
        let Some(snapshot) = report.snapshot.as_deref() else { continue };
        let tells = report.state == RecoveryState::Holds || report.kind == RecoveryKind::Backup;
        if tells && known.get(snapshot).is_none_or(|other| other.state != RecoveryState::Holds) {
            known.insert(snapshot, report);
        }
    }
    let row = |snapshot: &SnapshotRow, of: &'static str| {
        let report = known.get(snapshot.id.as_str());
        let (state, class) = report.map_or(("", ""), |report| told::state(RecoveryKind::Backup, report.state));
        Snapshot {
            id: told::short(&snapshot.id),
            of,
            when: wording::moment(snapshot.made_ms, now),
            files: wording::count(snapshot.files),
            bytes: wording::bytes(snapshot.bytes),
            added: wording::bytes(snapshot.added_bytes),
            host: snapshot.host.clone(),
            state,
            class,
            href: report.map_or_else(String::new, |report| format!("/backups/{}", report.id)),
        }
    };
    let both = listing.main.iter().map(|one| (one, "main")).chain(listing.keys.iter().map(|one| (one, "keys")));
    let mut all: Vec<(&SnapshotRow, &'static str)> = both.collect();
    all.sort_by_key(|(snapshot, of)| (std::cmp::Reverse(snapshot.made_ms), *of));
    Snapshots {
        rows: all.iter().take(SNAPSHOTS_SHOWN).map(|(snapshot, of)| row(snapshot, of)).collect(),
        left_out: all.len().saturating_sub(SNAPSHOTS_SHOWN),
        read: listing.read_at.map(|at| wording::moment(at, now)),
        is_first: listing.read_at.is_none() && listing.is_being_read,
        fault: match &listing.fault {
            Some(fault) => fault.clone(),
            None if listing.is_missing && listed.iter().any(|report| report.snapshot.is_some()) => GONE.to_owned(),
            None => String::new(),
        },
    }
}

/// Names of who asked for reports.
async fn names(console: &Console, listed: &[Report]) -> Result<BTreeMap<String, String>, Failure> {
    let mut named = Named::default();
    let mut names = BTreeMap::new();
    let ids: BTreeSet<String> = listed.iter().map(|report| report.by.to_string()).collect();
    for id in ids {
        let name = named.of(console, &id).await?;
        names.insert(id, name);
    }
    Ok(names)
}

impl From<RecoverFault> for Failure {
    fn from(fault: RecoverFault) -> Self {
        Self::BadInput(crate::failure::sentence(&fault))
    }
}
