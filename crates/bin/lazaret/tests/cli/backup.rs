//! Backups of a whole data folder: made while a server runs or not, proven, restored, started from.

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::Instant;

use serde_json::Value;

use super::guard::Server;
use super::run::lazaret;

/// Objects of each study.
const OBJECTS: usize = 12;

pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = lazaret(folder);
    command.env("LAZARET_BACKUP_PASSWORD", "main words").env("LAZARET_BACKUP_KEY_PASSWORD", "key words");
    command.args(arguments).arg("--quiet").output().unwrap()
}

pub(crate) fn good(folder: &Path, arguments: &[&str]) -> Value {
    let output = command(folder, arguments);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {told}{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {told}"))
}

pub(crate) fn backup(folder: &Path, arguments: &[&str]) -> Value {
    good(folder, &with_places(arguments))
}

pub(crate) fn with_places<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let places = ["--repository", "backups/main", "--key-repository", "backups/keys", "--format", "json"];
    ["backup"].iter().chain(arguments).chain(&places).copied().collect()
}

/// Studies with objects in them, sealed.
pub(crate) fn fill(folder: &Path) {
    for study in ["onc-1", "cns-2"] {
        let from = folder.join(format!("from-{study}"));
        std::fs::create_dir(&from).unwrap();
        for number in 0..OBJECTS {
            std::fs::write(from.join(format!("{number}.txt")), format!("{study} {number}\n").repeat(20_000)).unwrap();
        }
        good(folder, &["study", "create", study, "--format", "json"]);
        let adopted =
            lazaret(folder).args(["study", "adopt", study, from.to_str().unwrap(), "--quiet"]).output().unwrap();
        assert!(adopted.status.success(), "{}", String::from_utf8_lossy(&adopted.stderr));
    }
}

pub(crate) fn verifies(folder: &Path, data_dir: &str) {
    let output = lazaret(folder).args(["verify", "--data-dir", data_dir]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_backup_is_proven_restored_and_keeps_what_was_shredded_erased() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fill(at);
    let made = backup(at, &["create"]);
    assert_eq!(made["holds"], true, "{made:#}");
    assert_eq!(made["proof"]["canary"], "erased");
    assert_eq!(made["proof"]["sample"]["opened"], 2 * OBJECTS, "{made:#}");
    assert_eq!(made["problems"], serde_json::json!([]));
    let old = made["snapshot"].as_str().unwrap().to_owned();
    // Nothing of the keys lies in the main repository, and the root key in neither.
    let listed = backup(at, &["list"]);
    assert_eq!((listed["main"].as_array().unwrap().len(), listed["keys"].as_array().unwrap().len()), (1, 1));
    let restored = backup(at, &["restore", "--into", "back"]);
    assert_eq!(restored["root"], restored["restored_root"]);
    assert_eq!(restored["root"], made["root"]);
    assert!(at.join("back/keys/keys.db").is_file() && !at.join("back/keys/root.json").exists());
    assert!(!at.join("lazaret-data/unfinished-backup").exists());
    verifies(at, "back");
    let again = command(at, &with_places(&["restore", "--into", "back"]));
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is not empty"));
    // What is shredded after a backup does not come back from it.
    good(at, &["keys", "shred", "study:onc-1", "--yes", "--format", "json"]);
    let after = backup(at, &["create"]);
    assert_eq!(after["holds"], true, "{after:#}");
    let drill = backup(at, &["drill", "--snapshot", &old]);
    assert_eq!(drill["holds"], true, "{drill:#}");
    assert_eq!(drill["proof"]["sample"]["opened"], OBJECTS);
    assert_eq!(drill["proof"]["sample"]["erased"], OBJECTS);
    assert!(drill["rpo_seconds"].as_u64().unwrap() < 600 && drill["rto_seconds"].as_f64().unwrap() < 600.0);
    let checked = backup(at, &["check", "--read-data"]);
    assert_eq!(checked["holds"], true);
    verifies(at, "lazaret-data");
}

#[test]
fn a_running_server_is_backed_up_and_its_record_tells() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fill(at);
    let server = Server::start(at);
    let made = backup(at, &["create"]);
    assert_eq!(made["holds"], true, "{made:#}");
    let drill = backup(at, &["drill"]);
    assert_eq!(drill["holds"], true, "{drill:#}");
    drop(server);
    let restored = backup(at, &["restore", "--into", "back", "--study", "cns-2"]);
    assert_eq!(restored["root"], restored["restored_root"]);
    verifies(at, "back");
}

#[test]
fn the_schedule_makes_backups_and_settings_come_along() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let settings = at.join("lazaret.toml");
    std::fs::write(
        &settings,
        "[recovery]\nrepository = \"backups/main\"\nkey_repository = \"backups/keys\"\nschedule = \"every 6h\"\n",
    )
    .unwrap();
    let refused = command(at, &["backup", "list", "--config", "lazaret.toml"]);
    assert_eq!(refused.status.code(), Some(1), "{}", String::from_utf8_lossy(&refused.stderr));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("there is no backup repository"));
    good(at, &["study", "create", "onc-1", "--format", "json"]);
    let made = good(at, &["backup", "create", "--config", "lazaret.toml", "--format", "json"]);
    assert_eq!(made["holds"], true, "{made:#}");
    good(at, &["backup", "restore", "--into", "back", "--config", "lazaret.toml", "--format", "json"]);
    assert_eq!(
        std::fs::read(at.join("back/restored/settings/lazaret.toml")).unwrap(),
        std::fs::read(&settings).unwrap()
    );
}

#[test]
fn one_command_leads_from_a_backup_to_the_console() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fill(at);
    backup(at, &["create", "--unproven"]);
    std::fs::copy(at.join("lazaret-data/keys/root.json"), at.join("root.json")).unwrap();
    std::fs::remove_dir_all(at.join("lazaret-data")).unwrap();
    let clock = Instant::now();
    let mut server = started(at);
    let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let console = loop {
        let line = lines.next().expect("it says where the console is").unwrap();
        if let Some(at) = line.find("http://") {
            break line[at + "http://".len()..].split('/').next().unwrap().to_owned();
        }
    };
    let mut stream = TcpStream::connect(&console).unwrap();
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {console}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    println!("from backup to console: {:.1} s", clock.elapsed().as_secs_f64());
}

struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

fn started(at: &Path) -> Started {
    let arguments = ["restore", "--into", "back", "--root-key", "root.json", "--start", "--listen", "127.0.0.1:0"];
    let child = lazaret(at)
        .env("LAZARET_BACKUP_PASSWORD", "main words")
        .env("LAZARET_BACKUP_KEY_PASSWORD", "key words")
        .args(with_places(&arguments))
        .arg("--quiet")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    Started(child)
}

#[test]
fn a_folder_that_was_encrypted_is_told_with_the_last_clean_backup() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let watched = at.join("instruments");
    std::fs::create_dir(&watched).unwrap();
    for number in 0..30 {
        std::fs::write(watched.join(format!("scan-{number}.csv")), format!("{number},1.5,2.5\n").repeat(3_000))
            .unwrap();
    }
    std::fs::write(
        at.join("lazaret.toml"),
        format!(
            "[recovery]\nrepository = \"backups/main\"\nkey_repository = \"backups/keys\"\nwatch = [\"{}\"]\n",
            watched.display()
        ),
    )
    .unwrap();
    good(at, &["study", "create", "onc-1", "--format", "json"]);
    let settings = ["--config", "lazaret.toml", "--format", "json"];
    let with = |words: &[&'static str]| words.iter().chain(&settings).copied().collect::<Vec<_>>();
    let made = good(at, &with(&["backup", "create", "--unproven"]));
    let calm = good(at, &with(&["backup", "suspect"]));
    assert!(calm["suspicion"].is_null(), "{calm:#}");
    for number in 0..30 {
        let path = watched.join(format!("scan-{number}.csv"));
        let mut state = number + 1_u64;
        let noise: Vec<u8> = (0..40_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                u8::try_from(state >> 56).unwrap()
            })
            .collect();
        std::fs::write(watched.join(format!("scan-{number}.csv.locked")), noise).unwrap();
        std::fs::remove_file(path).unwrap();
    }
    let output = command(at, &with(&["backup", "suspect"]));
    assert_eq!(output.status.code(), Some(3));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["suspicion"]["clean"], made["snapshot"]);
    assert_eq!(told["suspicion"]["bursts"][0]["renamed"], 30);
    assert_eq!(told["suspicion"]["bursts"][0]["ending"], ".locked");
}
