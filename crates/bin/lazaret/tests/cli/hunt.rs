//! `lazaret hunt`: on a stopped server and through the socket of a running one.

use std::path::Path;

use serde_json::Value;

use super::guard::Server;
use super::run::run;

/// Whether the program that answers was built beside this one, as a test of the whole workspace does.
fn has_hunter() -> bool {
    let own = Path::new(env!("CARGO_BIN_EXE_lazaret"));
    let found = own.with_file_name("lazaret-hunt").is_file();
    assert!(
        found || std::env::var("CI").as_deref() != Ok("true"),
        "`lazaret-hunt` is missing; test the whole workspace"
    );
    if !found {
        println!("skipped: no `lazaret-hunt`; `cargo build -p lazaret-hunt` makes it");
    }
    found
}

fn lines(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = run(folder, &[&["hunt", "--quiet", "--format", "json"], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn refused(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(folder, &[&["hunt", "--quiet"], arguments].concat());
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn questions(folder: &Path) {
    let created = "SELECT e.activity, p.name FROM events e JOIN principals p ON e.entity = 'principal:' || p.id \
                   WHERE e.activity = 'account-create' AND p.name = 'rita'";
    let found = lines(folder, &[created]);
    assert_eq!((found.len(), found[0]["name"].as_str()), (1, Some("rita")));
    let hunts = "SELECT entity, details FROM events WHERE entity LIKE 'hunt:%' ORDER BY index DESC LIMIT 1";
    let own = lines(folder, &[hunts]);
    assert_eq!(own[0]["entity"], "hunt:sql", "a hunt is recorded before it is answered");
    assert!(own[0]["details"].as_str().unwrap().contains("ORDER BY index DESC"));
    let stops = lines(folder, &["--saved", "stops", "--param", "from=-1d"]);
    assert!(stops.iter().any(|line| line["activity"] == "start"));
    let saved = lines(folder, &["SELECT details FROM events WHERE entity = 'hunt:stops' ORDER BY index DESC LIMIT 1"]);
    assert!(saved[0]["details"].as_str().unwrap().contains("-- $from = "));
    assert!(lines(folder, &["SELECT * FROM subjects"]).is_empty());
    let (code, words) = refused(folder, &["DELETE FROM events"]);
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("only reads"), "{words}");
    let (code, words) = refused(folder, &["SELECT nothing FROM events"]);
    assert_eq!(code, Some(2), "{words}");
    let (code, words) = refused(folder, &["--saved", "nothing"]);
    assert_eq!(code, Some(2), "{words}");
    let output = run(folder, &["hunt", "--quiet", "--prove", "0"]);
    let proof: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((proof["format"].as_str(), proof["index"].as_u64()), (Some("lazaret-inclusion/1"), Some(0)));
}

#[test]
fn the_record_is_hunted_in_whether_a_server_runs_or_not() {
    if !has_hunter() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), &["user", "add", "rita", "--quiet"]).status.success());
    questions(folder.path());
    let out = folder.path().join("answer.csv");
    let path = out.to_str().unwrap();
    let written = run(
        folder.path(),
        &["hunt", "--quiet", "--format", "csv", "--out", path, "SELECT index FROM events WHERE index < 2"],
    );
    assert!(written.status.success() && written.stdout.is_empty());
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "index\n0\n1\n");
    let (code, words) = refused(folder.path(), &["--out", path, "SELECT 1"]);
    assert_eq!(code, Some(1), "what is there is not overwritten: {words}");
    let _server = Server::start(folder.path());
    questions(folder.path());
}

#[test]
fn saved_hunts_are_listed_and_an_organisation_adds_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let listed = run(folder.path(), &["hunt", "--list", "--format", "json"]);
    let before = String::from_utf8(listed.stdout).unwrap().lines().count();
    assert!(before >= 12, "{before}");
    let hunts = folder.path().join("lazaret-data/hunts");
    std::fs::create_dir_all(&hunts).unwrap();
    let own = "[[hunt]]\nid = \"ours\"\ntitle = \"T\"\nwhy = \"w\"\nsource = \"s\"\nchecked = \"2026-11-29\"\nsql = \"SELECT 1\"\n";
    std::fs::write(hunts.join("ours.toml"), own).unwrap();
    let listed = String::from_utf8(run(folder.path(), &["hunt", "--list"]).stdout).unwrap();
    assert_eq!(listed.lines().count(), before + 1);
    assert!(listed.lines().any(|line| line.starts_with("ours ")), "{listed}");
    assert_eq!(run(folder.path(), &["hunt"]).status.code(), Some(2));
    assert_eq!(run(folder.path(), &["hunt", "--saved", "x", "SELECT 1"]).status.code(), Some(2));
}
