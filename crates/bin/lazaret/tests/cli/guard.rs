//! The guard as its users reach it: boto3 and the AWS command line over S3, an operator over the socket, kills.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::run::{lazaret, run};

/// The data folder, below the folder that commands run in.
const DATA: &str = "lazaret-data";

/// A Python with boto3 and awscli; `None` where there is none, which CI does not accept.
pub(crate) fn python() -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/test-venv/bin/python");
    let candidates = [std::env::var_os("LAZARET_TEST_PYTHON").map(PathBuf::from), Some(venv), Some("python3".into())];
    let found = candidates.into_iter().flatten().find(|python| {
        Command::new(python).args(["-c", "import boto3, awscli"]).output().is_ok_and(|output| output.status.success())
    });
    if found.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "boto3 is missing; the test set-up installs it");
        println!("skipped: no Python with boto3 and awscli; `cargo xtask setup` installs one");
    }
    found
}

pub(crate) fn script(name: &str) -> String {
    format!("{}/tests/guard/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) s3: String,
    /// The console's address.
    pub(crate) console: String,
    /// The link that sets up its first user.
    pub(crate) link: String,
}

impl Server {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::with(folder, &[])
    }

    /// Ends it in order: its record can be audited at once. Who drops it kills it instead, and what a kill leaves
    /// behind is for the next start.
    pub(crate) fn end(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap();
    }

    /// With further arguments.
    pub(crate) fn with(folder: &Path, arguments: &[&str]) -> Self {
        Self::at(folder, "127.0.0.1:0", arguments)
    }

    /// With its console at an address.
    pub(crate) fn at(folder: &Path, listen: &str, arguments: &[&str]) -> Self {
        let mut child = lazaret(folder)
            .args(["up", "--quiet", "--listen", listen, "--s3-listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut console, mut link) = (String::new(), String::new());
        let s3 = loop {
            let line = lines.next().expect("it says where S3 is").unwrap();
            if let Some(rest) = line.strip_prefix("S3 is at ") {
                break rest.split_whitespace().next().unwrap().trim_end_matches('/').to_owned();
            }
            if let Some(at) = line.find("http://") {
                link = line[at..].split_whitespace().next().unwrap().to_owned();
                console = line[at + "http://".len()..].split('/').next().unwrap().to_owned();
            }
        };
        Self { child, s3, console, link }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Runs a command and gives its answer, one JSON object.
pub(crate) fn told(folder: &Path, arguments: &[&str]) -> serde_json::Value {
    let output = run(folder, &[arguments, &["--quiet", "--format", "json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A user with a key.
pub(crate) fn user(folder: &Path, name: &str, grant: &[&str]) -> String {
    told(folder, &["user", "add", name]);
    told(folder, &[&["grant", name], grant].concat());
    told(folder, &["access-key", "create", name]).to_string()
}

pub(crate) fn verified(folder: &Path) -> String {
    let output = run(folder, &["verify"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    text
}

/// Files below `folder` that hold `needle`.
pub(crate) fn holding(folder: &Path, needle: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, needle));
        } else if let Ok(bytes) = std::fs::read(&path)
            && (needle.is_empty() || bytes.windows(needle.len()).any(|window| window == needle))
        {
            found.push(path);
        }
    }
    found
}

#[test]
fn clients_of_s3_are_served() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let key = user(folder.path(), "ada", &["--actions", "administer"]);
    let server = Server::start(folder.path());
    let output = Command::new(python).args([script("clients.py"), server.s3.clone(), key]).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("all served"), "{out}\n{err}");
    verified(folder.path());
}

/// What S3 clients rely on, behaviour by behaviour, against one server.
#[test]
fn s3_is_as_its_clients_know_it() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let [main, other] = ["ada", "ben"].map(|name| user(folder.path(), name, &["--actions", "administer"]));
    let server = Server::start(folder.path());
    let running: Vec<_> = ["buckets.py", "listings.py", "objects.py", "versions.py", "parts.py", "forms.py"]
        .map(|name| {
            let mut command = Command::new(&python);
            command.args([script(name), server.s3.clone(), main.clone(), other.clone()]);
            (name, command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
        })
        .into_iter()
        .collect();
    for (name, child) in running {
        let output = child.wait_with_output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && out.contains("as expected"), "{name}: {out}\n{err}");
    }
    verified(folder.path());
}

/// Asks a server for something with boto3 and gives what it says.
pub(crate) fn asked(python: &Path, server: &Server, key: &str, code: &str) -> String {
    let text = format!(
        "import sys, json, boto3\nfrom botocore.config import Config\nkey = json.loads(sys.argv[2])\n\
         s3 = boto3.client('s3', endpoint_url=sys.argv[1], aws_access_key_id=key['access_key_id'], \
         aws_secret_access_key=key['secret_access_key'], region_name='us-east-1', \
         config=Config(s3={{'addressing_style': 'path'}}, retries={{'max_attempts': 1}}))\n\
         try:\n    print({code})\nexcept Exception as error:\n    print('refused', error)\n"
    );
    let output = Command::new(python).args(["-c", &text, &server.s3, key]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn nobody_takes_more_than_the_limits_say_also_after_a_restart() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("limits.toml"), "[guard.limits]\nbytes_per_day = 1000\nrequests_per_minute = 40\n")
        .unwrap();
    let key = user(folder, "ada", &["--actions", "administer"]);
    let start = || Server::with(folder, &["--config", "limits.toml"]);
    let server = start();
    let steps =
        "[s3.create_bucket(Bucket='onc-9'), s3.put_object(Bucket='onc-9', Key='a', Body=b'x' * 600)] and 'stored'";
    assert!(asked(&python, &server, &key, steps).contains("stored"));
    let get = "len(s3.get_object(Bucket='onc-9', Key='a')['Body'].read())";
    assert!(asked(&python, &server, &key, get).contains("600"));
    let refused = asked(&python, &server, &key, get);
    assert!(refused.contains("policy:volume") && refused.contains("midnight UTC"), "{refused}");
    let part = "len(s3.get_object(Bucket='onc-9', Key='a', Range='bytes=0-99')['Body'].read())";
    assert!(asked(&python, &server, &key, part).contains("100"), "what is left may be taken");
    server.end();
    let server = start();
    assert!(asked(&python, &server, &key, get).contains("policy:volume"), "the day goes on");
    let many = "[s3.head_object(Bucket='onc-9', Key='a') for _ in range(100)]";
    let slowed = asked(&python, &server, &key, many);
    assert!(slowed.contains("503") || slowed.contains("SlowDown"), "{slowed}");
    server.end();
    verified(folder);
}

#[test]
fn content_that_nothing_names_is_swept_once_it_is_old() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = user(folder, "ada", &["--actions", "administer"]);
    let server = Server::start(folder);
    let steps = "[s3.create_bucket(Bucket='onc-9'), s3.put_object(Bucket='onc-9', Key='a', Body=b'kept'), \
                 s3.upload_part(Bucket='onc-9', Key='b', PartNumber=1, Body=b'part', \
                 UploadId=s3.create_multipart_upload(Bucket='onc-9', Key='b')['UploadId'])] and 'stored'";
    assert!(asked(&python, &server, &key, steps).contains("stored"));
    let objects = folder.join(DATA).join("objects");
    let two_days_ago = std::time::SystemTime::now() - Duration::from_secs(48 * 60 * 60);
    let age = |path: &Path| {
        std::fs::File::options().write(true).open(path).unwrap().set_modified(two_days_ago).unwrap();
    };
    // As a kill between sealing and the catalogue's commit leaves them, one long ago and one just now.
    let [old, young] = ["00", "01"].map(|first| objects.join(first).join(format!("{first}{}", "ab".repeat(15))));
    for path in [&old, &young] {
        std::fs::write(path, b"sealed and named by nothing").unwrap();
    }
    for entry in holding(&objects, b"") {
        if entry != young {
            age(&entry);
        }
    }
    let refused = run(folder, &["objects", "sweep", "--older-than", "0h"]);
    assert_eq!(refused.status.code(), Some(1), "what is being stored is never swept");
    let swept = told(folder, &["objects", "sweep"]);
    assert_eq!((&swept["removed"], &swept["young"]), (&1.into(), &1.into()), "{swept}");
    assert!(!old.exists() && young.exists());
    assert_eq!(told(folder, &["objects", "sweep", "--older-than", "7d"])["removed"], 0);
    let get = "s3.get_object(Bucket='onc-9', Key='a')['Body'].read()";
    assert!(asked(&python, &server, &key, get).contains("kept"));
    drop(server);
    age(&young);
    let _server = Server::start(folder);
    let is_gone = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        !young.exists()
    });
    assert!(is_gone, "a server that starts sweeps too");
    verified(folder);
}

#[test]
fn rules_hold_through_s3_and_changes_of_them_hold_at_once() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = Server::start(folder);
    told(folder, &["study", "create", "onc-9"]);
    let writer = user(folder, "wes", &["--study", "onc-9", "--actions", "list,read,write"]);
    let reader = user(folder, "rita", &["--study", "onc-9", "--role", "reader"]);
    told(folder, &["user", "add", "nobody"]);
    let nobody = told(folder, &["access-key", "create", "nobody"]).to_string();
    let body = "Patient: Hannah Meyer, born 1961-04-12, MRN 4471920, diagnosed with type 2 diabetes (E11.9).";
    let secret =
        "aws_access_key_id = AKIAQYLPMN5HHHFPZAM2\naws_secret_access_key = 9drTJvcXLB89EXAMPLELB8923FB892xMF1CTkEY2\n";
    let steps = |key: &str, code: &str| asked(&python, &server, key, code);
    let put = |key: &str, name: &str, body: &str| {
        steps(key, &format!("s3.put_object(Bucket='onc-9', Key='{name}', Body={body:?})['ETag']"))
    };
    let get = |key: &str, name: &str| {
        steps(key, &format!("s3.get_object(Bucket='onc-9', Key='{name}')['Body'].read().decode()"))
    };

    assert!(!put(&writer, "note.txt", body).contains("refused"));
    assert!(put(&reader, "other.txt", "x").contains("policy:"), "a reader does not write");
    let refused = get(&nobody, "note.txt");
    assert!(refused.contains("AccessDenied") && refused.contains("ask for a grant"), "{refused}");
    let untrained = get(&reader, "note.txt");
    assert!(untrained.contains("policy:training"), "labels found in the flow decide: {untrained}");
    told(folder, &["user", "set", "rita", "--training-until", "2999-12-31"]);
    assert!(get(&reader, "note.txt").contains("Hannah Meyer"));
    told(folder, &["user", "disable", "rita"]);
    assert!(get(&reader, "note.txt").contains("refused"), "whoever is disabled is out at once");

    let held = put(&writer, "env.txt", secret);
    assert!(held.contains("quarantine"), "{held}");
    assert!(get(&writer, "env.txt").contains("NoSuchKey"));
    let waiting = told(folder, &["quarantine", "list"]);
    assert_eq!(waiting["name"], "env.txt");
    let version = waiting["version"].as_str().unwrap();
    told(folder, &["quarantine", "release", version, "--reason", "a made-up key of a course"]);
    let released = get(&writer, "env.txt");
    assert!(released.contains("policy:secret"), "visible, and for stewards alone: {released}");

    let rows = run(folder, &["search", "note", "--format", "json", "--quiet"]);
    let rows = String::from_utf8_lossy(&rows.stdout).into_owned();
    assert!(rows.contains("onc-9/note.txt") && rows.contains("phi.direct"), "uploads are in the landscape: {rows}");
    assert!(holding(&folder.join(DATA), b"Hannah Meyer").is_empty(), "no plaintext on the disk");
    let shredded = told(folder, &["keys", "shred", "study:onc-9", "--yes"]);
    assert!(shredded.to_string().contains("signature"), "{shredded}");
    assert!(get(&writer, "note.txt").contains("refused"), "what was shredded is gone for everybody");
    verified(folder);
}

#[test]
fn a_ledger_that_cannot_be_written_releases_nothing() {
    let folder = tempfile::tempdir().unwrap();
    told(folder.path(), &["study", "create", "onc-9"]);
    let checkpoint = folder.path().join(DATA).join("ledger/checkpoint");
    let mut bytes = std::fs::read(&checkpoint).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    std::fs::write(&checkpoint, bytes).unwrap();
    let output = run(folder.path(), &["verify"]);
    assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stdout));
    let output = run(folder.path(), &["up", "--quiet", "--listen", "127.0.0.1:0", "--s3-listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1), "a changed ledger is not gone on with");
}

/// Kills while four clients upload. `LAZARET_KILLS` sets how often; CI does 50.
#[test]
fn nothing_acknowledged_is_lost_in_kills() {
    let Some(python) = python() else { return };
    let kills: u64 = std::env::var("LAZARET_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(50);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    told(folder, &["study", "create", "onc-9"]);
    let key = user(folder, "wes", &["--study", "onc-9", "--actions", "list,read,write"]);
    let mut acknowledged: BTreeMap<String, String> = BTreeMap::new();
    for round in 0..kills {
        let mut server = Server::start(folder);
        let mut load = Command::new(&python)
            .args([script("load.py"), server.s3.clone(), key.clone(), round.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (begun, first) = std::sync::mpsc::channel();
        let lines = BufReader::new(load.stdout.take().unwrap()).lines();
        let reading = std::thread::spawn(move || {
            let told = lines.map_while(Result::ok).inspect(|line| {
                if line.starts_with("begun ") {
                    let _nobody_waits_any_more = begun.send(());
                }
            });
            told.filter(|line| line.starts_with("done ")).collect::<Vec<String>>()
        });
        // However long the interpreter takes to begin: kills fall anywhere in what follows.
        first.recv_timeout(Duration::from_secs(60)).expect("the load begins");
        std::thread::sleep(Duration::from_millis(round * 37 % 700));
        server.child.kill().unwrap();
        server.child.wait().unwrap();
        load.wait().unwrap();
        for line in reading.join().unwrap() {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["done", name, length] = words.as_slice() {
                acknowledged.insert((*name).to_owned(), (*length).to_owned());
            }
        }
    }
    println!("{} uploads acknowledged in {kills} kills", acknowledged.len());
    assert!(acknowledged.len() as u64 > kills, "the load was a load");
    // What the last kill left half done is mended at the next start.
    let server = Server::start(folder);
    verified(folder);
    assert!(holding(&folder.join(DATA).join("objects"), b"PLAINTEXT-MARK-").is_empty(), "no plaintext on the disk");
    assert!(holding(&folder.join(DATA).join("ledger"), b"PLAINTEXT-MARK-").is_empty());
    let mut check = Command::new(&python)
        .args([script("check.py"), server.s3.clone(), key])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut names = check.stdin.take().unwrap();
    for (name, length) in &acknowledged {
        writeln!(names, "{name} {length}").unwrap();
    }
    drop(names);
    let output = check.wait_with_output().unwrap();
    assert!(output.status.success(), "an acknowledged upload is missing or changed");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), acknowledged.len().to_string());
}
