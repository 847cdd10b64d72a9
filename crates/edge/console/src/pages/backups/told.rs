//! What reports say, as pages tell it. A report that lacks something says so; none is taken for granted.

use model::{RecoveryKind, RecoveryState};
use serde_json::Value;

use crate::recovering::RecoveryPlan;
use crate::wording;

/// One part of a proof.
pub(crate) struct Part {
    /// `yes`, `no`, or `open` where the report does not tell.
    pub(crate) mark: &'static str,
    /// The same in a word.
    pub(crate) word: &'static str,
    pub(crate) what: &'static str,
    pub(crate) detail: String,
}

impl Part {
    fn new(holds: Option<bool>, what: &'static str, detail: String) -> Self {
        let (mark, word) = match holds {
            Some(true) => ("yes", "holds"),
            Some(false) => ("no", "does not hold"),
            None => ("open", "not told"),
        };
        Self { mark, word, what, detail }
    }
}

/// Words and a class of the style sheet for how something came out.
pub(crate) const fn state(kind: RecoveryKind, state: RecoveryState) -> (&'static str, &'static str) {
    match (kind, state) {
        (_, RecoveryState::Running) => ("not ended", "cancelled"),
        (_, RecoveryState::Stopped) => ("stopped", "cancelled"),
        (_, RecoveryState::Failed) => ("failed", "failed"),
        (_, RecoveryState::Unproven) => ("made, not proven", "partly"),
        (RecoveryKind::Backup, RecoveryState::Holds) => ("proven", "good"),
        (RecoveryKind::Check, RecoveryState::Holds) => ("holds", "good"),
        (RecoveryKind::Drill, RecoveryState::Holds) => ("within its targets", "good"),
        (RecoveryKind::Look, RecoveryState::Holds) => ("nothing amiss", "good"),
        (RecoveryKind::Backup | RecoveryKind::Check, RecoveryState::Broken) => ("does not hold", "failed"),
        (RecoveryKind::Drill, RecoveryState::Broken) => ("not as it should be", "failed"),
        (RecoveryKind::Look, RecoveryState::Broken) => ("encrypted", "failed"),
    }
}

/// What it is called on pages.
pub(crate) const fn name(kind: RecoveryKind) -> &'static str {
    match kind {
        RecoveryKind::Backup => "Backup",
        RecoveryKind::Check => "Check",
        RecoveryKind::Drill => "Drill",
        RecoveryKind::Look => "Look at watched folders",
    }
}

/// The beginning of a snapshot's id, enough to name it.
pub(crate) fn short(id: &str) -> String {
    id.chars().take(8).collect()
}

/// A text in a report.
pub(crate) fn text<'r>(report: &'r Value, pointer: &str) -> &'r str {
    report.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A number in a report.
pub(crate) fn number(report: &Value, pointer: &str) -> Option<u64> {
    report.pointer(pointer).and_then(Value::as_u64)
}

/// Texts in a report.
pub(crate) fn texts(report: &Value, pointer: &str) -> Vec<String> {
    let all = report.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    all.map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect()
}

/// Something that is so, and what is missing about it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) what: String,
    pub(crate) missing: String,
}

/// What a backup's report says of its lock.
pub(crate) fn lock(report: &Value) -> Option<Told> {
    let lock = report.get("lock").filter(|lock| lock.is_object())?;
    let (mode, days) = (text(lock, "/mode"), number(lock, "/days").unwrap_or(0));
    let missing =
        [text(lock, "/fault"), text(lock, "/gap")].into_iter().find(|words| !words.is_empty()).unwrap_or_default();
    let what = match lock.get("until_ms").and_then(Value::as_i64) {
        Some(until) => {
            let files = wording::counted(number(lock, "/files").unwrap_or(0), "file", "files");
            format!("{files} until {}, {mode}", wording::moment(until, until).exact)
        }
        None if text(lock, "/fault").is_empty() => {
            format!(
                "by the bucket, for {days} days from when each file was stored, {mode}; later backups go on using older files"
            )
        }
        None => String::new(),
    };
    Some(Told { what, missing: missing.to_owned() })
}

/// Whether somebody who has the server's access can take backups away: as the newest one was told, or by where they lie.
pub(crate) fn locked(newest: Option<&Value>, plan: Option<&RecoveryPlan>) -> Told {
    if let Some(told) = newest.and_then(lock) {
        return told;
    }
    let Some(plan) = plan else { return Told::default() };
    let missing = match plan.lock_days {
        Some(days) => return Told { what: format!("the next backup is, for {days} days"), missing: String::new() },
        None if plan.repository.starts_with("s3://") => {
            "not: whoever has the access key can delete every backup. Use a bucket with object lock, and set lock_days"
        }
        None => {
            "not: whoever can write into this folder can delete every backup. A bucket with object lock and lock_days keeps them"
        }
    };
    Told { what: String::new(), missing: missing.to_owned() }
}

/// What came back when, in one line; empty where the report does not tell.
pub(crate) fn stages(report: &Value) -> String {
    let of = ["/stages", "/restore/stages", "/proof/restore/stages"];
    let found = of.into_iter().find_map(|pointer| report.pointer(pointer).and_then(Value::as_array));
    let one = |stage: &Value| {
        let (what, seconds) = (text(stage, "/what"), stage.get("seconds").and_then(Value::as_f64).unwrap_or(0.0));
        match number(stage, "/files") {
            Some(0) | None => format!("{what}: nothing of it was there"),
            Some(_) => format!("{what} after {seconds:.1} s"),
        }
    };
    found.into_iter().flatten().map(one).collect::<Vec<String>>().join(", then ")
}

/// The proof in a report, and what was restored for it.
fn proof(report: &Value) -> Option<(&Value, &Value)> {
    let found = report.get("proof").filter(|proof| proof.is_object())?;
    // A check keeps both beside each other, a drill and a backup keep the proof alone.
    match found.get("proof") {
        Some(inner) => Some((inner, found.get("restore").unwrap_or(&Value::Null))),
        None => Some((found, report.get("restore").unwrap_or(report))),
    }
}

/// The parts of a report's proof; none: it has no proof.
pub(crate) fn parts(report: &Value) -> Vec<Part> {
    let Some((proof, restored)) = proof(report) else { return Vec::new() };
    let is_empty = |pointer: &str| proof.pointer(pointer).and_then(Value::as_array).map(Vec::is_empty);
    let joined = |pointer: &str| texts(proof, pointer).join("; ");
    let (root, back) = (text(restored, "/root"), text(restored, "/restored_root"));
    let compared = (!root.is_empty() && !back.is_empty()).then(|| root == back);
    let entries = number(proof, "/entries").unwrap_or(0);
    let record = match joined("/record_faults") {
        faults if faults.is_empty() => wording::counted(entries, "entry", "entries"),
        faults => faults,
    };
    let databases = match joined("/database_faults") {
        faults if faults.is_empty() => "page by page".to_owned(),
        faults => faults,
    };
    let canary = text(proof, "/canary");
    let told = match canary {
        "erased" => "its key was destroyed before the backup, and it does not open".to_owned(),
        "opens" => "it opens: a key that was destroyed is in the backup. Shred again what the receipts say, and find out how it came there".to_owned(),
        other => other.to_owned(),
    };
    vec![
        Part::new(
            compared,
            "Everything restored, read again and compared",
            if root.is_empty() { String::new() } else { format!("root digest {}", short(root)) },
        ),
        Part::new(is_empty("/record_faults"), "Record verified", record),
        Part::new(is_empty("/database_faults"), "Databases checked", databases),
        Part::new(opened(proof), "Objects opened with the restored keys", sample(proof)),
        Part::new((!canary.is_empty()).then(|| canary == "erased"), "Canary failed to open, as it must", told),
    ]
}

fn opened(proof: &Value) -> Option<bool> {
    let has_failed = proof.pointer("/sample/failed").and_then(Value::as_array).map(|all| !all.is_empty())?;
    Some(!has_failed && proof["has_keys"] == true)
}

fn sample(proof: &Value) -> String {
    let of = |pointer: &str| number(proof, pointer).unwrap_or(0);
    if proof["has_keys"] != true {
        return "there were no keys to open anything with".to_owned();
    }
    let mut told = format!(
        "{} of {}, {}",
        wording::count(of("/sample/opened")),
        wording::counted(of("/sample/of"), "version", "versions"),
        wording::bytes(of("/sample/bytes"))
    );
    if of("/sample/erased") > 0 {
        told += &format!("; {} whose key was destroyed", wording::count(of("/sample/erased")));
    }
    for failed in texts(proof, "/sample/failed").iter().take(3) {
        told += "; ";
        told += failed;
    }
    told
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{lock, locked, parts, short, stages};

    #[test]
    fn locks_are_told_as_the_report_says_them_and_what_is_missing_stands_apart() {
        let told = |lock_of: serde_json::Value| lock(&json!({ "lock": lock_of })).map(|told| (told.what, told.missing));
        assert_eq!(told(serde_json::Value::Null), None);
        let (what, missing) = told(
            json!({ "mode": "compliance", "days": 9, "files": 120, "until_ms": 1_790_000_000_000_i64, "gap": null }),
        )
        .unwrap();
        assert!(what.starts_with("120 files until ") && what.ends_with(", compliance") && missing.is_empty(), "{what}");
        let (what, missing) =
            told(json!({ "mode": "governance", "days": 3, "is_renewed": false, "gap": "too short" })).unwrap();
        assert!(what.starts_with("by the bucket") && missing == "too short", "{what} {missing}");
        let (what, missing) = told(json!({ "mode": "compliance", "days": 9, "fault": "denied" })).unwrap();
        assert_eq!((what.as_str(), missing.as_str()), ("", "denied"));
        let (what, _) = told(json!({ "mode": "governance", "days": 3, "gap": null })).unwrap();
        assert!(what.starts_with("by the bucket, for 3 days"), "{what}");
        assert_eq!(locked(None, None), super::Told::default());
    }

    #[test]
    fn what_came_back_when_is_one_line() {
        let all = json!([{ "what": "keys, database and record", "files": 3, "seconds": 0.52 }, { "what": "onc-1", "files": 9, "seconds": 2.0 },
            { "what": "typo", "files": 0, "seconds": 0.5 }]);
        let line = "keys, database and record after 0.5 s, then onc-1 after 2.0 s, then typo: nothing of it was there";
        for report in [
            json!({ "stages": all }),
            json!({ "restore": { "stages": all } }),
            json!({ "proof": { "restore": { "stages": all } } }),
        ] {
            assert_eq!(stages(&report), line);
        }
        assert_eq!(stages(&json!({})), "");
    }

    #[test]
    fn the_parts_of_a_proof_are_told_wherever_it_stands() {
        let proof = json!({ "holds": true, "entries": 1_200, "record_faults": [], "database_faults": [], "has_keys": true,
            "sample": { "of": 90, "opened": 60, "bytes": 5_000, "erased": 4, "failed": [] }, "canary": "erased" });
        let roots = json!({ "root": "ab12cd34ef", "restored_root": "ab12cd34ef" });
        let mut backup = roots.clone();
        backup["proof"] = proof.clone();
        let drill = json!({ "root": "zz", "restore": roots.clone(), "proof": proof.clone() });
        let check = json!({ "proof": { "proof": proof.clone(), "restore": roots, "seconds": 1.0 } });
        for report in [&backup, &drill, &check] {
            let told = parts(report);
            assert!(told.len() == 5 && told.iter().all(|part| part.mark == "yes"), "{report}");
            assert_eq!(told[0].detail, "root digest ab12cd34");
            assert_eq!(told[3].detail, "60 of 90 versions, 5.0 kB; 4 whose key was destroyed");
        }
        backup["restored_root"] = json!("other");
        backup["proof"]["canary"] = json!("opens");
        backup["proof"]["record_faults"] = json!(["entry 7 is not what was signed"]);
        backup["proof"]["sample"]["failed"] = json!(["object 9: its bytes were changed"]);
        let marks: Vec<&str> = parts(&backup).iter().map(|part| part.mark).collect();
        assert_eq!(marks, ["no", "no", "yes", "no", "no"]);
        assert!(parts(&json!({ "holds": null, "proof": null })).is_empty());
        assert!(parts(&json!({ "proof": {} })).iter().all(|part| part.mark != "yes"), "nothing is taken for granted");
        assert_eq!(short("é"), "é");
    }
}
