//! `lazaret scan`: shapes, exit codes, offsets.

use super::run::{lazaret, run, scan, strings};

const NOTE: &str = "Discharge summary\nPatient: Maria Huber\nDOB: 12.03.1961\nMRN: 00482913\nPhone: (415) 555-0137\n\
                    Dr. John Whitfield saw the patient on 2024-05-02.\n";

#[test]
fn a_line_an_object_and_the_summary_last() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("note.txt"), NOTE).unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    let scanned = scan(folder.path(), &["--spans", "."]);
    assert_eq!(scanned.objects.len(), 2);
    assert_eq!(scanned.summary["objects"], 2);
    assert_eq!(scanned.summary["unreadable"], 0);
    let note = scanned.object("./note.txt");
    assert_eq!(note["format"], "text");
    assert_eq!(note["bytes"], NOTE.len());
    assert!(strings(&note["labels"]).contains(&"phi.direct"), "{note:#}");
    assert!(strings(&note["laws"]).contains(&"hipaa"), "{note:#}");
    let empty = scanned.object("./empty");
    assert_eq!(strings(&empty["labels"]), ["none"]);
    assert_eq!(empty["identifiers"].as_array().map(Vec::len), Some(0));
    for span in note["spans"].as_array().unwrap() {
        let (start, end) = (span["start"].as_u64().unwrap() as usize, span["end"].as_u64().unwrap() as usize);
        assert!(NOTE.get(start..end).is_some_and(|value| !value.trim().is_empty()), "{span}");
        assert!(span["where"].as_str().unwrap().starts_with("line "), "{span}");
    }
    let found = |kind: &str, value: &str| {
        note["spans"].as_array().unwrap().iter().any(|span| {
            span["type"] == kind
                && NOTE.get(span["start"].as_u64().unwrap() as usize..span["end"].as_u64().unwrap() as usize)
                    == Some(value)
        })
    };
    assert!(found("PERSON", "Maria Huber"), "{note:#}");
    assert!(found("MRN", "00482913"), "{note:#}");
    assert!(!folder.path().join("lazaret-data").exists(), "nothing is kept");
}

#[test]
fn spans_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "SSN 477-27-8661\n").unwrap();
    let scanned = scan(folder.path(), &["--explain", "a.txt"]);
    let why = scanned.object("a.txt")["spans"][0]["why"].as_str().unwrap_or_default().to_owned();
    assert!(!why.is_empty(), "{:#}", scanned.object("a.txt"));
}

#[test]
fn exit_codes_tell_findings_from_faults() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("note.txt"), NOTE).unwrap();
    let code = |arguments: &[&str]| run(folder.path(), arguments).status.code();
    assert_eq!(code(&["scan", "--no-store", "--fail-on", "phi.direct", "note.txt"]), Some(3));
    assert_eq!(code(&["scan", "--no-store", "--fail-on", "secret", "note.txt"]), Some(0));
    assert_eq!(code(&["scan", "--no-store", "missing.txt"]), Some(2));
    assert_eq!(code(&["scan", "--no-store", "--fail-on", "no-such-label", "note.txt"]), Some(2));
    assert_eq!(code(&["scan"]), Some(2));
    assert_eq!(code(&["--help"]), Some(0));
    let output = run(folder.path(), &["scan", "--no-store", "missing.txt"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("`missing.txt`") && told.contains("hint: "), "{told}");
    std::fs::write(folder.path().join("wrong.toml"), "[scan]\njobs = \"many\"\n").unwrap();
    let output = run(folder.path(), &["--config", "wrong.toml", "scan", "--no-store", "note.txt"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 2"));
}

#[test]
fn one_missing_path_among_others_is_an_unreadable_object() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("note.txt"), NOTE).unwrap();
    for kept in [false, true] {
        let mut arguments = vec!["scan", "--format", "json", "--quiet", "missing.txt", "note.txt"];
        if !kept {
            arguments.push("--no-store");
        }
        let output = run(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let scanned = super::run::Scanned::of(&output);
        assert_eq!(scanned.object("missing.txt")["errors"].as_array().map(Vec::len), Some(1), "kept: {kept}");
        assert_eq!(scanned.summary["unreadable"], 1, "kept: {kept}");
        assert!(strings(&scanned.object("note.txt")["labels"]).contains(&"phi.direct"), "kept: {kept}");
    }
}

#[test]
fn a_store_that_is_out_of_reach_failed_and_was_not_asked_wrongly() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing listens on the discard port of this machine.
    let output = lazaret(folder.path())
        .args(["scan", "--no-store", "--quiet", "s3://bucket/prefix"])
        .env("AWS_ENDPOINT", "http://127.0.0.1:9")
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_REGION", "eu-central-1")
        .env("AWS_ACCESS_KEY_ID", "none")
        .env("AWS_SECRET_ACCESS_KEY", "none")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn text_and_sarif_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("note.txt"), NOTE).unwrap();
    let text = run(folder.path(), &["scan", "--no-store", "--quiet", "note.txt"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("phi.direct") && text.contains("note.txt") && text.contains("1 objects"), "{text}");
    let sarif = run(folder.path(), &["scan", "--no-store", "--quiet", "--format", "sarif", "note.txt"]);
    let sarif: serde_json::Value = serde_json::from_slice(&sarif.stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(results.len() > 3, "{sarif:#}");
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"]), "{result}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..2_000 {
        std::fs::write(folder.path().join(format!("{number}.txt")), NOTE).unwrap();
    }
    let mut child = lazaret(folder.path())
        .args(["scan", "--no-store", "--quiet", "--format", "json", "."])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn names_in_tiers() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "The patient Johanna Meier was seen by Dr. Paul Brown.\n").unwrap();
    let people = |tier: &str| {
        let scanned = scan(folder.path(), &["--names", tier, "a.txt"]);
        let found =
            scanned.object("a.txt")["identifiers"].as_array().unwrap().iter().find(|i| i["type"] == "PERSON").cloned();
        found.map_or(0, |person| person["count"].as_u64().unwrap())
    };
    assert_eq!(people("off"), 0);
    assert_eq!(people("fast"), 2);
    assert_eq!(people("model"), 2);
}
