//! What reports say, as pages tell it. A report that lacks something says so; none is taken for granted.

use model::{RecoveryKind, RecoveryState};
use serde_json::Value;

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

    use super::{parts, short};

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
