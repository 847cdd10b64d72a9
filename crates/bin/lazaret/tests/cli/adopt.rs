//! Folders and buckets that lie in clear, sealed into a study.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::guard::{Server, holding, told, user, verified};
use super::run::{lazaret, run};

const NOTE: &str = "Patient: Hannah Meyer, born 1961-04-12, MRN 4471920, diagnosed with type 2 diabetes (E11.9).";

/// What `study adopt --format json` printed: a line an object by its name, and the summary.
fn lines(output: &Output) -> (Vec<Value>, Value) {
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    lines.sort_by_key(|line| line["object"].as_str().unwrap_or_default().to_owned());
    (lines, summary["summary"].clone())
}

fn adopt(folder: &Path, more: &[&str]) -> (Option<i32>, Vec<Value>, Value) {
    let output = run(folder, &[&["study", "adopt", "onc-9"], more, &["--quiet", "--format", "json"]].concat());
    let (lines, summary) = lines(&output);
    (output.status.code(), lines, summary)
}

fn source(folder: &Path) -> std::path::PathBuf {
    let source = folder.join("share");
    std::fs::create_dir_all(source.join("notes")).unwrap();
    std::fs::write(source.join("notes/visit 1.txt"), NOTE).unwrap();
    std::fs::write(source.join("empty"), "").unwrap();
    let big: Vec<u8> = (0..3_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(source.join("reads.bin"), big).unwrap();
    std::os::unix::fs::symlink("/etc", source.join("out")).unwrap();
    source
}

#[test]
fn a_folder_is_sealed_in_place_and_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let source = source(folder);
    told(folder, &["study", "create", "onc-9"]);
    let (code, lines, summary) = adopt(folder, &["share", "--prefix", "old/"]);
    assert_eq!((code, &summary["sealed"], &summary["left"]), (Some(0), &3.into(), &1.into()), "{lines:?}");
    let note = lines.iter().find(|line| line["object"] == "old/notes/visit 1.txt").unwrap();
    assert!(note["labels"].to_string().contains("phi.direct") && note["subjects"] == 1, "{note}");
    let left = lines.iter().find(|line| line["state"] == "left").unwrap();
    assert!(left["why"].as_str().unwrap().contains("link out of this source"), "{left}");
    assert!(holding(&folder.join("lazaret-data"), b"Hannah Meyer").is_empty(), "no plaintext on the disk");

    // Again: nothing is sealed twice; what was changed is not mistaken for what is sealed.
    let changed = format!("{NOTE} Later.");
    std::fs::write(source.join("notes/visit 1.txt"), &changed).unwrap();
    std::fs::write(source.join("notes/visit 2.txt"), NOTE).unwrap();
    let (code, lines, summary) = adopt(folder, &["share", "--prefix", "old/", "--remove"]);
    assert_eq!(code, Some(1), "one has the name of another");
    assert_eq!((&summary["sealed"], &summary["already"], &summary["removed"]), (&1.into(), &2.into(), &3.into()));
    assert_eq!(summary["failed"], 1);
    let failed = lines.iter().find(|line| line["state"] == "failed").unwrap();
    assert!(failed["why"].as_str().unwrap().contains("another object of that name"), "{failed}");
    assert_eq!(std::fs::read_to_string(source.join("notes/visit 1.txt")).unwrap(), changed, "it stays");
    assert!(!source.join("reads.bin").exists() && !source.join("notes/visit 2.txt").exists());
    verified(folder);
}

#[test]
fn a_bucket_is_adopted_through_a_running_server() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // The bucket to adopt is a study of another server.
    source(old.path());
    told(old.path(), &["study", "create", "onc-9"]);
    let (code, ..) = adopt(old.path(), &["share"]);
    assert_eq!(code, Some(0));
    told(old.path(), &["study", "create", "onc-1"]);
    let key = user(old.path(), "ada", &["--study", "onc-9", "--actions", "list,read"]);
    told(old.path(), &["user", "set", "ada", "--training-until", "2999-12-31"]);
    let key: Value = serde_json::from_str(&key).unwrap();
    let old = Server::start(old.path());
    let folder = new.path();
    told(folder, &["study", "create", "onc-9"]);
    let mut command = lazaret(folder);
    command
        .args(["study", "adopt", "onc-9", "s3://onc-9/notes", "--quiet", "--format", "json"])
        .env_remove("AWS_CA_BUNDLE")
        .env("AWS_ENDPOINT", &old.s3)
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", key["access_key_id"].as_str().unwrap())
        .env("AWS_SECRET_ACCESS_KEY", key["secret_access_key"].as_str().unwrap());
    let (lines, summary) = lines(&command.output().unwrap());
    assert_eq!((lines.len(), &summary["sealed"]), (1, &1.into()), "{lines:?}");
    assert_eq!(lines[0]["object"], "visit 1.txt");
    let (lines, summary) = self::lines(&command.output().unwrap());
    assert_eq!((lines.len(), &summary["already"]), (1, &1.into()), "{lines:?}");
    verified(folder);

    // Through the socket of a running server.
    source(folder);
    let server = Server::start(folder);
    let (code, lines, summary) = adopt(folder, &["share", "--prefix", "share/"]);
    assert_eq!((code, &summary["sealed"]), (Some(0), &3.into()), "{lines:?}");
    server.end();
    verified(folder);
}

#[test]
fn what_cannot_be_adopted_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    source(folder);
    let words = |arguments: &[&str]| {
        let output = run(folder, &[arguments, &["--quiet"]].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, told_of) = words(&["study", "adopt", "onc-9", "nowhere"]);
    assert!(code == Some(2) && told_of.contains("nowhere"), "{told_of}");
    let (code, told_of) = words(&["study", "adopt", "onc-9", "sqlite:a.db"]);
    assert!(code == Some(1) && told_of.contains("holds rows"), "{told_of}");
    let output = run(folder, &["study", "adopt", "onc-9", "share", "--quiet", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "there is no such study");
    assert!(String::from_utf8_lossy(&output.stdout).contains("there is no study"), "{output:?}");
    assert!(folder.join("share/reads.bin").exists());
}
