//! Backups in a bucket with object lock, deleted by somebody with the access key and had back; restores and drills that are killed.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::backup::{backup, command, fill, good, verifies, with_places};
use super::run::lazaret;
use super::s3::S3;

/// A command with the bucket's address and key in its environment.
fn in_bucket(s3: &S3, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = lazaret(folder);
    command.env("LAZARET_BACKUP_PASSWORD", "main words").env("LAZARET_BACKUP_KEY_PASSWORD", "key words");
    command.env("AWS_ENDPOINT", &s3.address).env("AWS_ALLOW_HTTP", "true").env("AWS_REGION", "us-east-1");
    command.env("AWS_ACCESS_KEY_ID", "tester").env("AWS_SECRET_ACCESS_KEY", "tester");
    command.arg("backup").args(arguments).args(["--config", "lazaret.toml", "--quiet"]);
    command
}

fn answer(s3: &S3, folder: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = in_bucket(s3, folder, &[arguments, &["--format", "json"]].concat()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {told}"));
    (output.status.code(), value)
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn settings(folder: &Path, bucket: &str) {
    let text = format!(
        "[recovery]\nrepository = \"s3://{bucket}/main\"\nkey_repository = \"s3://keystore/keys\"\nlock_days = 6\n\
         schedule = \"weekly mon 02:30\"\nstudy_order = [\"cns-2\"]\n"
    );
    std::fs::write(folder.join("lazaret.toml"), text).unwrap();
}

#[test]
fn a_locked_backup_comes_back_after_everything_was_deleted() {
    let Some(mut s3) = S3::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    s3.obey(&json!(["make", "vault", true, 0]));
    s3.obey(&json!(["make", "plain", false, 0]));
    s3.obey(&json!(["make", "keystore", false, 0]));
    fill(at);
    // A bucket that cannot lock is told before anything is written there.
    settings(at, "plain");
    let told = refused(&in_bucket(&s3, at, &["create"]).output().unwrap());
    assert!(told.contains("has no object lock") && told.contains("[bucket]"), "{told}");
    assert_eq!(
        (s3.obey(&json!(["versions", "plain"])), s3.obey(&json!(["versions", "keystore"]))),
        (json!([]), json!([]))
    );
    settings(at, "vault");
    let (code, made) = answer(&s3, at, &["create"]);
    assert_eq!(
        (code, &made["holds"], &made["lock"]["mode"]),
        (Some(0), &json!(true), &json!("compliance")),
        "{made:#}"
    );
    assert!(made["lock"]["gap"].as_str().unwrap().contains("`lock_days` is 6 days"), "{made:#}");
    assert!(made["lock"]["files"].as_u64().unwrap() >= 5 && made["lock"]["until_ms"].is_i64(), "{made:#}");
    let (code, calm) = answer(&s3, at, &["versions"]);
    assert_eq!((code, &calm["as_of"], calm["main"]["moments"].as_array().unwrap().len()), (Some(0), &Value::Null, 0));
    std::thread::sleep(Duration::from_millis(1_100));
    s3.obey(&json!(["delete", "vault", ""]));
    let told = refused(&in_bucket(&s3, at, &["list"]).output().unwrap());
    assert!(told.contains("there is no backup repository") && told.contains("lazaret backup versions"), "{told}");
    let told = refused(&in_bucket(&s3, at, &["create"]).output().unwrap());
    assert!(told.contains("was deleted") && told.contains("another prefix"), "{told}");
    let (code, found) = answer(&s3, at, &["versions"]);
    assert_eq!(code, Some(3), "{found:#}");
    let as_of = found["as_of"].as_str().unwrap().to_owned();
    let (code, back) = answer(&s3, at, &["restore", "--into", "back", "--as-of", &as_of]);
    assert_eq!((code, &back["root"], &back["restored_root"]), (Some(0), &made["root"], &made["root"]), "{back:#}");
    verifies(at, "back");
    let stages: Vec<&str> =
        back["stages"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert_eq!(stages, ["keys, database and record", "cns-2", "everything else"], "{back:#}");
    // A folder is only as it is.
    let output = command(at, &with_places(&["list", "--as-of", &as_of]));
    assert!(String::from_utf8_lossy(&output.stderr).contains("keeps no old versions"));
    let output = command(at, &with_places(&["create", "--as-of", &as_of]));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_order_of_studies_comes_along_to_a_machine_without_settings() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fill(at);
    let text = "[recovery]\nrepository = \"backups/main\"\nkey_repository = \"backups/keys\"\nstudy_order = [\"onc-1\", \"typo-9\"]\n";
    std::fs::write(at.join("lazaret.toml"), text).unwrap();
    good(at, &["backup", "create", "--unproven", "--config", "lazaret.toml", "--format", "json"]);
    let back = backup(at, &["restore", "--into", "back"]);
    let stages: Vec<(&str, u64)> = back["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["what"].as_str().unwrap(), one["files"].as_u64().unwrap()))
        .collect();
    assert_eq!(stages[1..3].iter().map(|one| one.0).collect::<Vec<_>>(), ["onc-1", "typo-9"], "{back:#}");
    assert!(stages[1].1 > 0 && stages[2].1 == 0 && stages[3].1 > 0, "{back:#}");
    let first = |at: usize| back["stages"][at]["seconds"].as_f64().unwrap();
    assert!(first(0) <= first(1) && first(1) <= first(3), "{back:#}");
}

/// Runs a command until `is_time` and kills it then; whether it was killed before its end.
fn killed(at: &Path, arguments: &[&str], is_time: &dyn Fn() -> bool) -> bool {
    let mut child = lazaret(at)
        .env("LAZARET_BACKUP_PASSWORD", "main words")
        .env("LAZARET_BACKUP_KEY_PASSWORD", "key words")
        .args(with_places(arguments))
        .arg("--quiet")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !is_time() && child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(240), "it neither came that far nor ended");
        std::thread::sleep(Duration::from_millis(1));
    }
    let was_running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    was_running
}

/// More to restore than a moment's work.
fn fill_more(at: &Path) {
    fill(at);
    let more = at.join("more");
    std::fs::create_dir(&more).unwrap();
    let mut state = 1_u64;
    for number in 0..24 {
        let mut bytes = Vec::with_capacity(1 << 20);
        while bytes.len() < 1 << 20 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bytes.extend(state.to_be_bytes());
        }
        std::fs::write(more.join(format!("{number}.bin")), bytes).unwrap();
    }
    let adopted = lazaret(at).args(["study", "adopt", "onc-1", more.to_str().unwrap(), "--quiet"]).output().unwrap();
    assert!(adopted.status.success(), "{}", String::from_utf8_lossy(&adopted.stderr));
}

#[test]
fn a_restore_that_is_killed_says_so_and_the_same_command_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fill_more(at);
    let made = backup(at, &["create", "--unproven"]);
    let back = at.join("back");
    let count = || std::fs::read_dir(back.join("objects")).map_or(0, Iterator::count);
    let mut kills = 0;
    for shelves in [0, 1, 4] {
        let is_time = || back.join(".restoring").exists() && count() >= shelves;
        kills += usize::from(killed(at, &["restore", "--into", "back"], &is_time));
        if !back.join(".restoring").exists() {
            break;
        }
        // Nothing else takes a folder that is not whole for one that is.
        let output = command(at, &["user", "list", "--data-dir", "back"]);
        assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("restore"),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert!(kills > 0, "it was never killed");
    if back.join(".restoring").exists() {
        let restored = backup(at, &["restore", "--into", "back"]);
        assert_eq!(restored["restored_root"], made["root"], "{restored:#}");
    }
    assert!(!back.join(".restoring").exists());
    verifies(at, "back");
}

#[test]
fn a_drill_that_is_killed_leaves_nothing_behind_and_the_next_one_tells() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fill_more(at);
    std::fs::create_dir(at.join("scratch")).unwrap();
    std::fs::write(at.join("lazaret.toml"), "[recovery]\nscratch = \"scratch\"\n").unwrap();
    backup(at, &["create", "--unproven"]);
    let begun = || -> Vec<std::path::PathBuf> {
        let all = std::fs::read_dir(at.join("scratch")).unwrap();
        all.map(|entry| entry.unwrap().path()).filter(|path| path.join("data/.restoring").exists()).collect()
    };
    let is_killed = killed(at, &["drill", "--config", "lazaret.toml"], &|| !begun().is_empty());
    assert!(is_killed, "the drill was faster than a look");
    let left = begun();
    assert_eq!(left.len(), 1, "what a killed drill restored lies there");
    let drill = backup(at, &["drill", "--config", "lazaret.toml"]);
    assert_eq!(drill["holds"], true, "{drill:#}");
    let all: Vec<_> = std::fs::read_dir(at.join("scratch")).unwrap().collect();
    assert!(all.is_empty(), "the next one takes it away: {all:?}");
    verifies(at, "lazaret-data");
    assert_eq!(backup(at, &["check", "--read-data"])["holds"], true);
}
