//! `lazaret detect` as scripts use it.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::run::{lazaret, run};

const WHOAMI: &str = "title: Who am I\nid: 6f1f0d4e-0001\nname: whoami\nlevel: high\ntags: [attack.t1033]\nlogsource:\n  category: process_creation\n  product: windows\ndetection:\n  a:\n    CommandLine|contains: whoami\n  condition: a\n";
const MANY: &str = "title: Asked three times\nid: 6f1f0d4e-0002\nlevel: critical\ncorrelation:\n  type: event_count\n  rules: [whoami]\n  group-by: [Computer]\n  timespan: 5m\n  condition: {gte: 3}\n  generate: true\n";

/// A folder with rules and a log of four events: three that match, one of another source.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    std::fs::write(folder.path().join("rules/whoami.yml"), WHOAMI).unwrap();
    std::fs::write(folder.path().join("rules/broken.yml"), "title: Broken\nlogsource: {product: windows}\n").unwrap();
    let mut log = String::new();
    for minute in 0..3 {
        let event = json!({"Channel": "Security", "EventID": 4688, "Computer": "lab-7", "CommandLine": "whoami /all", "@timestamp": format!("2026-11-02T10:0{minute}:00Z")});
        log.push_str(&format!("{event}\n"));
    }
    log.push_str("{\"Channel\":\"Security\",\"EventID\":4624}\n{\"Channel\":\n");
    std::fs::write(folder.path().join("log.ndjson"), log).unwrap();
    folder
}

fn lines(output: &std::process::Output) -> Vec<Value> {
    String::from_utf8(output.stdout.clone())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect()
}

#[test]
fn matches_come_a_line_each_and_the_summary_last() {
    let folder = folder();
    let output = run(folder.path(), &["detect", "--rules", "rules", "log.ndjson", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = lines(&output);
    let (summary, matches) = lines.split_last().unwrap();
    assert_eq!(matches.len(), 3);
    assert_eq!(
        matches[1],
        json!({"rule": {"id": "6f1f0d4e-0001", "title": "Who am I", "level": "high", "tags": ["attack.t1033"]}, "source": "log.ndjson", "record": 2, "time": "2026-11-02T10:01:00Z", "matched": {"CommandLine": "whoami /all"}})
    );
    let summary = &summary["summary"];
    assert_eq!(
        (&summary["matches"], &summary["rules_loaded"], &summary["problems"]),
        (&json!(3), &json!(1), &json!(1)),
        "{summary}"
    );
    assert_eq!(
        summary["rules_rejected"],
        json!([{"path": "rules/broken.yml", "why": "line 1: `detection` is missing"}])
    );
    assert!(summary["load_seconds"].as_f64().is_some() && summary["eval_seconds"].as_f64().is_some());
}

#[test]
fn a_correlation_tells_what_its_matches_say_together() {
    let folder = folder();
    std::fs::write(folder.path().join("rules/many.yml"), MANY).unwrap();
    let output =
        run(folder.path(), &["detect", "--rules", "rules", "log.ndjson", "--format", "json", "--fail-on", "critical"]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let last = lines(&output).into_iter().rev().nth(1).unwrap();
    assert_eq!(
        (&last["rule"]["id"], &last["record"], &last["matched"]),
        (&json!("6f1f0d4e-0002"), &json!(3), &json!({"Computer": "lab-7", "count": "3"})),
        "{last}"
    );
}

#[test]
fn standard_input_is_a_log_too() {
    let folder = folder();
    let mut child = lazaret(folder.path())
        .args(["detect", "--rules", "rules", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&std::fs::read(folder.path().join("log.ndjson")).unwrap()).unwrap();
    assert_eq!(lines(&child.wait_with_output().unwrap()).len(), 4);
}

#[test]
fn what_a_log_injects_stays_harmless_on_a_terminal() {
    let folder = folder();
    std::fs::write(
        folder.path().join("log.ndjson"),
        "{\"Channel\":\"Security\",\"EventID\":4688,\"CommandLine\":\"whoami \\u001b[2J\\nhigh forged\"}\n",
    )
    .unwrap();
    let output = run(folder.path(), &["detect", "--rules", "rules", "log.ndjson"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains('\u{1b}') && !text.lines().any(|line| line.starts_with("high forged")), "{text:?}");
}

#[test]
fn no_rules_or_no_logs_is_said_plainly() {
    let folder = folder();
    let output = run(folder.path(), &["detect", "--rules", "nowhere", "log.ndjson"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`nowhere`"));
    let output = run(folder.path(), &["detect", "--rules", "rules", "missing.evtx"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("missing.evtx"));
}

/// Forty days of somebody who reads five objects a day, and one day on which four hundred people's records are exported.
#[test]
fn behaviour_that_is_not_usual_is_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let start: jiff::Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
    let mut log = String::new();
    for day in 0..40_i64 {
        for who in ["ada", "ben", "cy"] {
            for object in 0..5 {
                let time = start + jiff::SignedDuration::from_secs(day * 86_400 + object * 600);
                log.push_str(&json!({"time": time.to_string(), "principal": who, "action": "read", "object": format!("visit-{object}"), "study": "s1", "labels": ["phi.limited"], "bytes": 1_000, "subjects": 2, "host": "lab-1", "result": "ok"}).to_string());
                log.push('\n');
            }
        }
    }
    for object in 0..200 {
        let time = start + jiff::SignedDuration::from_secs(40 * 86_400 + 43_200 + object);
        log.push_str(&json!({"time": time.to_string(), "principal": "ben", "action": "export", "object": format!("genome-{object}"), "study": "s2", "labels": ["special.genetic"], "bytes": 9_000_000, "subjects": 400, "host": "home", "result": "ok"}).to_string());
        log.push('\n');
    }
    log.push_str("{\"time\":\"yesterday\"}\n");
    std::fs::write(folder.path().join("events.ndjson"), log).unwrap();
    let output = run(folder.path(), &["behave", "events.ndjson", "--format", "json", "--budget", "20"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = lines(&output);
    let (summary, alerts) = lines.split_last().unwrap();
    assert!(
        alerts
            .iter()
            .any(|alert| alert["entity"] == "ben" && alert["why"].as_array().is_some_and(|why| !why.is_empty())),
        "{lines:?}"
    );
    assert_eq!(
        (&summary["summary"]["events"], &summary["summary"]["problems"], &summary["summary"]["ranking"][0]["entity"]),
        (&json!(800), &json!(1), &json!("ben")),
        "{summary}"
    );
}
