//! The record is watched while the server runs: a finding comes within seconds, once, and survives kills.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::guard::{Server, told, verified};
use super::run::run;

const TITLE: &str = "Keys were to be destroyed although a legal hold lies on them";

/// Findings of that title in whatever state. Many starts in an hour are found, too.
fn findings(folder: &Path) -> Vec<Value> {
    let output = run(folder, &["findings", "list", "--state", "any", "--quiet", "--format", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|found: &Value| found["title"] == TITLE)
        .collect()
}

/// Waits until there are so many.
fn wait_for(folder: &Path, number: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let found = findings(folder);
        if found.len() >= number {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{} of {number} findings after half a minute", found.len());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Messages about it.
fn messages(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().filter(|line| line.contains(TITLE)).count())
}

fn tried(folder: &Path) {
    let output = run(folder, &["keys", "shred", "study:onc-201", "--yes", "--quiet"]);
    assert!(!output.status.success(), "the hold wins");
}

#[test]
fn misuse_becomes_a_finding_once_and_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let told_to = folder.join("alerts.ndjson");
    let settings = format!(
        "[watch]\ntime_zone = \"Europe/Berlin\"\n[[alerts]]\nname = \"file\"\nby = \"file\"\npath = {:?}\nrank_min = 1\n",
        told_to.display().to_string()
    );
    let config = folder.join("lazaret.toml");
    std::fs::write(&config, settings).unwrap();
    told(folder, &["study", "create", "onc-201"]);
    told(folder, &["keys", "hold", "study:onc-201", "--reference", "case-7"]);
    let arguments = ["--config", config.to_str().unwrap()];
    let mut server = Server::with(folder, &arguments);
    tried(folder);
    let found = wait_for(folder, 1);
    assert_eq!((found[0]["state"].as_str(), found[0]["matches"].as_u64()), (Some("new"), Some(1)));
    let begun = Instant::now();
    while !messages(&told_to) == 1 {
        assert!(begun.elapsed() < Duration::from_secs(30), "nobody was told");
        std::thread::sleep(Duration::from_millis(100));
    }
    // Killed, and tried again by a new server.
    for matches in 2..=3 {
        drop(server);
        server = Server::with(folder, &arguments);
        tried(folder);
        let begun = Instant::now();
        while findings(folder)[0]["matches"].as_u64() != Some(matches) {
            assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", findings(folder));
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    assert_eq!(findings(folder).len(), 1, "one finding, however often it was begun anew");
    assert_eq!(messages(&told_to), 1, "and one message about it");
    let id = findings(folder)[0]["finding"].to_string();
    let shown = told(folder, &["findings", "show", &id]);
    assert_eq!(shown["entries"].as_array().unwrap().len(), 3);
    let refused = run(folder, &["findings", "change", &id, "false-positive", "--quiet"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("a reason is missing"));
    told(folder, &["findings", "change", &id, "false-positive", "--reason", "a drill"]);
    assert_eq!(findings(folder)[0]["state"], "resolved");
    server.end();
    // The same works where no server runs.
    assert_eq!(findings(folder)[0]["verdict"], "false-positive");
    verified(folder);
}

/// Sends a log with a token; the status and the body of the answer.
fn sent(address: &str, token: &str, log: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: application/x-ndjson\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        log.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(log.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().to_owned(), body.to_owned())
}

#[test]
fn what_another_system_logged_becomes_a_finding() {
    const RULE: &str = "AWS KMS";
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let token = told(folder, &["intake", "token", "create", "cloud"])["token"].as_str().unwrap().to_owned();
    let mut server = Server::start(folder);
    assert_eq!(sent(&server.console, "wrong", "{}").0, "401");
    let event = "{\"eventVersion\":\"1.10\",\"userIdentity\":{\"type\":\"AssumedRole\",\"arn\":\"arn:aws:sts::111122223333:assumed-role/analyst/ada\",\"accountId\":\"111122223333\"},\"eventTime\":\"2026-11-29T10:00:00Z\",\"eventSource\":\"kms.amazonaws.com\",\"eventName\":\"ScheduleKeyDeletion\",\"awsRegion\":\"eu-central-1\",\"sourceIPAddress\":\"203.0.113.7\",\"requestParameters\":{\"keyId\":\"1a2b\",\"pendingWindowInDays\":7},\"eventType\":\"AwsApiCall\"}\n";
    let (status, body) = sent(&server.console, &token, event);
    assert!(status == "200" && body.contains("\"records\":1"), "{status} {body}");
    let begun = Instant::now();
    let found = loop {
        let output = run(folder, &["findings", "list", "--quiet", "--format", "json"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if let Some(line) = text.lines().find(|line| line.contains(RULE)) {
            break serde_json::from_str::<Value>(line).unwrap();
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{text}");
        std::thread::sleep(Duration::from_millis(100));
    };
    // Killed, and nothing comes twice.
    drop(server);
    server = Server::start(folder);
    let shown = told(folder, &["findings", "show", &found["finding"].to_string()]);
    assert_eq!(shown["matches"], 1, "{shown}");
    assert_eq!(sent(&server.console, &token, "not a log that anybody knows\n").0, "200", "what cannot be read is kept");
    server.end();
    verified(folder);
}

#[test]
fn an_object_that_another_system_names_has_labels_and_people() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let studies = folder.join("Studies/ONC-101");
    std::fs::create_dir_all(&studies).unwrap();
    let rows: String = (0..9).map(|at| format!("ONC-101-01-00{at},Anna Keller-{at},1961-03-1{at},C50.9\n")).collect();
    std::fs::write(studies.join("dm.csv"), format!("USUBJID,PatientName,BirthDate,Diagnosis\n{rows}")).unwrap();
    let scanned = run(folder, &["scan", "Studies", "--quiet", "--format", "json"]);
    assert!(scanned.status.success(), "{}", String::from_utf8_lossy(&scanned.stderr));
    let token = told(folder, &["intake", "token", "create", "files01"])["token"].as_str().unwrap().to_owned();
    let server = Server::start(folder);
    let event = r##"{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Security-Auditing"}},"EventID":4663,"Task":12800,"TimeCreated":{"#attributes":{"SystemTime":"2026-11-29T10:00:00Z"}},"Channel":"Security","Computer":"files01.example.org"},"EventData":{"SubjectUserName":"ada","SubjectDomainName":"EXAMPLE","ObjectServer":"Security","ObjectType":"File","ObjectName":"D:\\Shares\\Studies\\ONC-101\\dm.csv","AccessList":"%%4416","AccessMask":"0x1","ProcessId":"0x1f4","ProcessName":"C:\\Tools\\rclone.exe"}}}"##;
    let (status, body) = sent(&server.console, &token, &format!("{event}\n"));
    assert!(status == "200" && body.contains("\"records\":1"), "{status} {body}");
    let begun = Instant::now();
    let found = loop {
        let output = run(folder, &["findings", "list", "--quiet", "--format", "json"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if let Some(line) = text.lines().find(|line| line.contains("tool for copying")) {
            break serde_json::from_str::<Value>(line).unwrap();
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{text}");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert_eq!(found["subjects"], 9, "{found}");
    assert!(found["labels"].as_array().unwrap().iter().any(|label| label == "phi.direct"), "{found}");
    let shown = told(folder, &["findings", "show", &found["finding"].to_string()]);
    assert_eq!(shown["story"]["objects"][0], "D:\\Shares\\Studies\\ONC-101\\dm.csv", "{shown}");
}
