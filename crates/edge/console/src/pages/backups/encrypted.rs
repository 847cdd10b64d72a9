//! Watched folders over the snapshots: whether somebody encrypted them, and the last snapshot before it. What the backups told when
//! they were made, and what a look found since, in one series.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;
use store::recovery::Report;

use super::told::{number, short, text, texts};
use crate::drawing::bursts::{Bursts, Listed, bursts};
use crate::recovering::RecoveryPlan;
use crate::wording::{self, Moment};

/// Listings that are drawn.
const DRAWN_MAX: usize = 60;
/// Studies that the command names.
const STUDIES_MAX: usize = 12;

/// A folder in one listing.
#[derive(Debug, Clone, Default)]
struct Step {
    files: u64,
    random: u64,
    turned: u64,
    burst: Option<Burst>,
}

#[derive(Debug, Clone, Default)]
struct Burst {
    risen: u64,
    renamed: u64,
    usual: Option<u64>,
    ending: String,
    note: String,
    examples: Vec<String>,
}

/// One listing.
#[derive(Debug, Clone)]
struct Point {
    made_ms: i64,
    /// The snapshot that it was held against.
    before: String,
    folders: BTreeMap<String, Step>,
}

/// A folder with its picture.
pub(crate) struct Folder {
    pub(crate) name: String,
    pub(crate) picture: Bursts,
    pub(crate) first: String,
    pub(crate) last: String,
    /// The newest listing in words.
    pub(crate) now: String,
}

/// What happened to a folder.
pub(crate) struct Happened {
    pub(crate) folder: String,
    pub(crate) what: String,
    pub(crate) examples: Vec<String>,
}

/// That somebody encrypted something, and what to do.
pub(crate) struct Alarm {
    /// The snapshot that shows it first; empty: what lies there now does.
    pub(crate) first: String,
    pub(crate) seen: Moment,
    /// The last clean snapshot; empty: none is known.
    pub(crate) clean: String,
    pub(crate) made: Option<Moment>,
    pub(crate) happened: Vec<Happened>,
    pub(crate) command: Vec<String>,
    /// The order in which studies come back is not set.
    pub(crate) is_unordered: bool,
}

/// Everything that is told of watched folders.
pub(crate) struct Watched {
    pub(crate) folders: Vec<Folder>,
    pub(crate) alarm: Option<Alarm>,
    /// The last look, if there was one.
    pub(crate) looked: Option<Moment>,
}

fn step(told: &Value) -> (String, Step) {
    let of = |pointer: &str| number(told, pointer).unwrap_or(0);
    let burst = told.get("burst").filter(|burst| burst.is_object()).map(|burst| Burst {
        risen: number(burst, "/risen").unwrap_or(0),
        renamed: number(burst, "/renamed").unwrap_or(0),
        usual: number(burst, "/usual"),
        ending: text(burst, "/ending").to_owned(),
        note: text(burst, "/note").to_owned(),
        examples: texts(burst, "/examples"),
    });
    let turned = of("/risen").max(of("/renamed"));
    (text(told, "/folder").to_owned(), Step { files: of("/files"), random: of("/random"), turned, burst })
}

fn steps(told: &Value) -> BTreeMap<String, Step> {
    told.get("folders").and_then(Value::as_array).into_iter().flatten().map(step).collect()
}

/// The series: by when it was made, and by snapshot, each once. What lies there now is without snapshot.
fn series(backups: &[(Report, Value)], look: Option<&(Report, Value)>) -> Vec<(Option<String>, Point)> {
    let mut known: BTreeMap<String, Point> = BTreeMap::new();
    let mut now = None;
    let points = look.and_then(|(_, report)| report.get("points")).and_then(Value::as_array).into_iter().flatten();
    for told in points {
        let made_ms = told.get("made_ms").and_then(Value::as_i64).unwrap_or(0);
        let point = Point { made_ms, before: text(told, "/before").to_owned(), folders: steps(told) };
        match text(told, "/snapshot") {
            "" => now = Some(point),
            snapshot => drop(known.insert(snapshot.to_owned(), point)),
        }
    }
    for (backup, report) in backups {
        let (Some(snapshot), Some(told)) = (&backup.snapshot, report.get("watched").filter(|told| told.is_object()))
        else {
            continue;
        };
        known.entry(snapshot.clone()).or_insert_with(|| Point {
            made_ms: backup.began_at,
            before: text(told, "/before").to_owned(),
            folders: steps(told),
        });
    }
    let newest = known.values().map(|point| point.made_ms).max().unwrap_or(i64::MIN);
    let mut all: Vec<(Option<String>, Point)> = known.into_iter().map(|(id, point)| (Some(id), point)).collect();
    // A look of before the newest backup says nothing of now.
    all.extend(now.filter(|point| point.made_ms >= newest).map(|point| (None, point)));
    all.sort_by_key(|(_, point)| point.made_ms);
    all
}

/// What is told of watched folders, seen from `now`; none: nothing was ever listed. `backups` and the last `look` with their reports.
pub(crate) fn watched(
    backups: &[(Report, Value)],
    look: Option<&(Report, Value)>,
    plan: Option<&RecoveryPlan>,
    now: i64,
) -> Option<Watched> {
    let all = series(backups, look);
    let drawn = all.get(all.len().saturating_sub(DRAWN_MAX)..).unwrap_or_default();
    if drawn.is_empty() {
        return None;
    }
    let burst = drawn.iter().find(|(_, point)| point.folders.values().any(|step| step.burst.is_some()));
    let clean = burst.map(|(_, point)| point.before.as_str()).unwrap_or_default();
    let made = all.iter().find(|(id, _)| id.as_deref() == Some(clean)).map(|(_, point)| point.made_ms);
    let names: BTreeSet<&String> = drawn.iter().flat_map(|(_, point)| point.folders.keys()).collect();
    Some(Watched {
        folders: names.into_iter().map(|name| folder(name, drawn, clean)).collect(),
        alarm: burst.map(|(first, point)| alarm(first.as_deref(), point, made, plan, now)),
        looked: look.and_then(|(report, _)| report.ended_at).map(|at| wording::moment(at, now)),
    })
}

fn time(at: i64) -> String {
    Timestamp::from_millisecond(at).map_or_else(|_| String::new(), |time| time.strftime("%Y-%m-%d %H:%M").to_string())
}

fn folder(name: &str, drawn: &[(Option<String>, Point)], clean: &str) -> Folder {
    let listed: Vec<Listed> = drawn
        .iter()
        .map(|(snapshot, point)| {
            let step = point.folders.get(name).cloned().unwrap_or_default();
            let of = snapshot.as_deref().map_or_else(|| "now".to_owned(), short);
            Listed {
                files: step.files,
                random: step.random,
                turned: step.turned,
                is_burst: step.burst.is_some(),
                is_clean: !clean.is_empty() && snapshot.as_deref() == Some(clean),
                title: format!("{} UTC, {of}: {}", time(point.made_ms), told(&step)),
            }
        })
        .collect();
    let newest = drawn.last().and_then(|(_, point)| point.folders.get(name)).cloned().unwrap_or_default();
    let edge =
        |point: Option<&(Option<String>, Point)>| point.map_or_else(String::new, |(_, point)| time(point.made_ms));
    Folder {
        name: name.to_owned(),
        picture: bursts(&listed),
        first: edge(drawn.first()),
        last: edge(drawn.last()),
        now: told(&newest),
    }
}

fn told(step: &Step) -> String {
    let files = wording::counted(step.files, "file", "files");
    let mut words = format!("{files}, {} look encrypted or compressed", wording::count(step.random));
    if step.turned > 0 {
        words += &format!(", {} turned so or were renamed since the listing before", wording::count(step.turned));
    }
    words
}

fn alarm(first: Option<&str>, point: &Point, made: Option<i64>, plan: Option<&RecoveryPlan>, now: i64) -> Alarm {
    let happened = point.folders.iter().filter_map(|(name, step)| {
        let burst = step.burst.as_ref()?;
        let mut what = format!("{} of its files look encrypted and did not before", wording::count(burst.risen));
        if burst.renamed > 0 {
            what += &format!(", {} were renamed", wording::count(burst.renamed));
        }
        if !burst.ending.is_empty() {
            what += &format!(" to end with {}", burst.ending);
        }
        if let Some(usual) = burst.usual {
            what += &format!("; before, never more than {} at once", wording::count(usual));
        }
        if !burst.note.is_empty() {
            what += &format!("; many folders hold a new {}", burst.note);
        }
        Some(Happened { folder: name.clone(), what, examples: burst.examples.clone() })
    });
    let studies = plan.map(|plan| plan.studies.clone()).unwrap_or_default();
    Alarm {
        first: first.map_or_else(String::new, short),
        seen: wording::moment(point.made_ms, now),
        clean: short(&point.before),
        made: made.map(|at| wording::moment(at, now)),
        happened: happened.collect(),
        command: command(&point.before, &studies),
        is_unordered: studies.is_empty(),
    }
}

/// The command that brings a snapshot back by the order of studies, in parts that are not broken.
pub(crate) fn command(snapshot: &str, studies: &[String]) -> Vec<String> {
    let mut command = vec![format!("lazaret backup restore {}", short(snapshot)), "--into /srv/restored".to_owned()];
    command.extend(studies.iter().take(STUDIES_MAX).map(|study| format!("--study {study}")));
    command.push("--root-key /path/to/root.json".to_owned());
    command
}

#[cfg(test)]
mod tests {
    use model::{PrincipalId, RecoveryKind, RecoveryState};
    use serde_json::{Value, json};
    use store::recovery::Report;

    use super::watched;

    fn report(kind: RecoveryKind, at: i64, snapshot: Option<&str>) -> Report {
        Report {
            id: 1,
            kind,
            name: at.to_string(),
            state: RecoveryState::Holds,
            began_at: at,
            ended_at: Some(at + 5),
            by: PrincipalId::from_bytes([0; 16]),
            through: "schedule".to_owned(),
            snapshot: snapshot.map(str::to_owned),
            began_entry: None,
            ended_entry: None,
        }
    }

    fn folders(random: u64, burst: Value) -> Value {
        let risen = if burst.is_null() { 0 } else { random };
        json!([{ "folder": "/inst", "files": 100, "measured": 100, "random": random, "risen": risen, "renamed": 0, "burst": burst }])
    }

    fn burst() -> Value {
        json!({ "folder": "/inst", "files": 100, "risen": 90, "renamed": 90, "ending": ".locked", "note": "READ_ME.txt",
            "examples": ["a.dcm"] })
    }

    fn backup(at: i64, name: &str, before: Option<&str>, random: u64, burst: Value) -> (Report, Value) {
        let told = json!({ "watched": { "before": before, "folders": folders(random, burst) } });
        (report(RecoveryKind::Backup, at, Some(name)), told)
    }

    #[test]
    fn the_clean_point_is_the_snapshot_that_the_first_burst_was_held_against() {
        let calm = [
            backup(10, "aaaaaaaaaa", None, 1, Value::Null),
            backup(20, "bbbbbbbbbb", Some("aaaaaaaaaa"), 2, Value::Null),
        ];
        let told = watched(&calm, None, None, 100).unwrap();
        assert!(told.alarm.is_none() && told.folders.len() == 1 && told.folders[0].picture.columns.len() == 2);
        let mut bad = calm.to_vec();
        bad.push(backup(30, "cccccccccc", Some("bbbbbbbbbb"), 90, burst()));
        bad.push(backup(40, "dddddddddd", Some("cccccccccc"), 90, Value::Null));
        // The order in which they come does not matter.
        bad.reverse();
        let told = watched(&bad, None, None, 100).unwrap();
        let alarm = told.alarm.unwrap();
        assert_eq!((alarm.first.as_str(), alarm.clean.as_str()), ("cccccccc", "bbbbbbbb"));
        assert!(alarm.command[0].ends_with("restore bbbbbbbb") && alarm.is_unordered);
        assert!(alarm.happened[0].what.contains("90 were renamed to end with .locked"), "{}", alarm.happened[0].what);
        let classes: Vec<_> = told.folders[0].picture.columns.iter().map(|column| column.class).collect();
        assert_eq!(classes, ["", "clean", "burst", ""]);
        assert!(watched(&[], None, None, 100).is_none());
    }

    #[test]
    fn a_look_tells_of_now_unless_a_backup_is_newer() {
        let calm = [backup(10, "aaaaaaaaaa", None, 1, Value::Null)];
        let points = json!({ "points": [
            { "snapshot": "aaaaaaaaaa", "before": null, "made_ms": 10, "folders": folders(1, Value::Null) },
            { "snapshot": null, "before": "aaaaaaaaaa", "made_ms": 50, "folders": folders(90, burst()) },
        ] });
        let look = (report(RecoveryKind::Look, 50, None), points);
        let told = watched(&calm, Some(&look), None, 100).unwrap();
        let alarm = told.alarm.unwrap();
        assert_eq!((alarm.first.as_str(), alarm.clean.as_str()), ("", "aaaaaaaa"));
        let mut later = calm.to_vec();
        later.push(backup(60, "bbbbbbbbbb", Some("aaaaaaaaaa"), 1, Value::Null));
        let told = watched(&later, Some(&look), None, 100).unwrap();
        assert!(told.alarm.is_none() && told.folders[0].picture.columns.len() == 2);
    }
}
