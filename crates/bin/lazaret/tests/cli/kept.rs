//! Scans that are kept: unchanged objects, corrections, kills, search.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::run::{lazaret, run, scan_kept};

fn write_notes(folder: &Path, count: usize) {
    std::fs::create_dir_all(folder).unwrap();
    for number in 0..count {
        let note = format!(
            "mrn,family_name,given_name,birth_date,country\nM{number:06},Huber,Maria{number},1961-03-12,US\n{}",
            format!("M{number:06},Huber,Maria{number},1961-03-12,US\n").repeat(200)
        );
        std::fs::write(folder.join(format!("{number:04}.csv")), note).unwrap();
    }
}

fn lines(objects: &[Value]) -> BTreeSet<String> {
    objects.iter().map(ToString::to_string).collect()
}

#[test]
fn what_did_not_change_is_told_without_being_opened() {
    let folder = tempfile::tempdir().unwrap();
    write_notes(&folder.path().join("notes"), 20);
    let first = scan_kept(folder.path(), &["notes"]);
    assert_eq!(first.objects.len(), 20);
    assert!(first.objects.iter().all(|object| object["subjects"] == 1), "{:#}", first.objects[0]);
    let second = scan_kept(folder.path(), &["notes"]);
    assert_eq!(lines(&first.objects), lines(&second.objects));
    std::fs::remove_file(folder.path().join("notes/0003.csv")).unwrap();
    std::fs::write(folder.path().join("notes/0004.csv"), "nothing here\n").unwrap();
    let third = scan_kept(folder.path(), &["notes"]);
    assert_eq!(third.objects.len(), 19);
    assert_eq!(third.object("notes/0004.csv")["labels"][0], "none");
}

#[test]
fn a_correction_stays_corrected() {
    let folder = tempfile::tempdir().unwrap();
    write_notes(&folder.path().join("notes"), 2);
    scan_kept(folder.path(), &["notes"]);
    let found = run(folder.path(), &["search", "0001", "--format", "json"]);
    let object: Value = serde_json::from_slice(&found.stdout).unwrap();
    let id = object["id"].to_string();
    let refused = run(folder.path(), &["label", &id, "--add", "secret", "--reason", " "]);
    assert_eq!(refused.status.code(), Some(1));
    let reason = ["label", &id, "--remove", "phi.direct", "--add", "secret", "--reason", "made up", "--by", "tester"];
    assert_eq!(run(folder.path(), &reason).status.code(), Some(0));
    std::fs::write(folder.path().join("notes/0001.csv"), "mrn,country\nM000001,US\n").unwrap();
    let again = scan_kept(folder.path(), &["--all", "notes"]);
    assert_eq!(again.objects.len(), 2);
    let found = run(folder.path(), &["search", "--label", "secret", "--format", "json"]);
    let object: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(object["id"].to_string(), id);
    assert!(!object["labels"].as_array().unwrap().iter().any(|label| label == "phi.direct"), "{object}");
}

#[cfg(unix)]
#[test]
fn a_killed_scan_is_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    write_notes(&folder.path().join("notes"), 1_500);
    let expected = {
        let other = tempfile::tempdir().unwrap();
        write_notes(&other.path().join("notes"), 1_500);
        lines(&scan_kept(other.path(), &["notes"]).objects)
    };
    for wait in [150, 300, 500] {
        let mut child = lazaret(folder.path())
            .args(["scan", "--quiet", "--format", "json", "--jobs", "1", "notes"])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let resumed = scan_kept(folder.path(), &["notes"]);
    assert_eq!(lines(&resumed.objects), expected);
}

#[test]
fn schedules_are_kept_and_rules_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    write_notes(&folder.path().join("notes"), 1);
    assert_eq!(run(folder.path(), &["schedule", "add", "notes", "daily 02:30"]).status.code(), Some(0));
    assert_eq!(run(folder.path(), &["schedule", "add", "notes", "now and then"]).status.code(), Some(2));
    let listed = run(folder.path(), &["schedule", "list", "--format", "json"]);
    let schedule: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert!(schedule["source"].as_str().unwrap().ends_with("notes"), "{schedule}");
    assert!(schedule["next_due_at"].as_str().unwrap().ends_with("T02:30:00Z"), "{schedule}");
    let id = schedule["id"].to_string();
    assert_eq!(run(folder.path(), &["schedule", "remove", &id]).status.code(), Some(0));
    assert!(run(folder.path(), &["schedule", "list"]).stdout.is_empty());
}

#[test]
fn the_data_folder_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    write_notes(&folder.path().join("notes"), 1);
    scan_kept(folder.path(), &["notes"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for path in ["lazaret-data", "lazaret-data/lazaret.db", "lazaret-data/keys/tokens.key"] {
            let mode = std::fs::metadata(folder.path().join(path)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{path}: {mode:o}");
        }
    }
    let database = std::fs::read(folder.path().join("lazaret-data/lazaret.db")).unwrap();
    for secret in ["Maria0", "M000000", "1961-03-12"] {
        let found = database.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "`{secret}` is in the database");
    }
}
