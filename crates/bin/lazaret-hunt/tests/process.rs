//! The process from outside: one request in, one answer out, and an end whatever happens.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lake::{Checkpoint, Lake, LakeKey, Row};
use serde_json::{Value, json};

const KEY: [u8; 32] = [0xAB; 32];

fn lake(folder: &Path) {
    let random: lake::Random = Arc::new(|bytes: &mut [u8]| {
        bytes.fill(6);
        Ok(())
    });
    let mut lake = Lake::open(folder, LakeKey::new(KEY), random).unwrap();
    let rows: Vec<Row> = (0..200).map(|index| Row { index, bytes: Some(1), ..Row::default() }).collect();
    lake.append(&rows, &Checkpoint { size: 200, note: String::new() }).unwrap();
}

fn request(folder: &Path, sql: &str) -> Value {
    json!({
        "lake": folder, "key": "ab".repeat(32), "catalogue": {}, "sql": sql, "format": "json",
        "timeout_s": 2, "memory_mib": 64, "rows_max": 150,
    })
}

/// Exit code, standard output and the last line of standard error.
fn asked(request: &str) -> (Option<i32>, String, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret-hunt"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert!(!complaints.contains("abab"), "the key is never told: {complaints}");
    let last = complaints.lines().last().map_or(Value::Null, |line| serde_json::from_str(line).unwrap());
    (output.status.code(), String::from_utf8(output.stdout).unwrap(), last)
}

#[test]
fn a_question_is_answered_refused_or_cut() {
    let folder = tempfile::tempdir().unwrap();
    lake(folder.path());
    let ask = |sql: &str| asked(&request(folder.path(), sql).to_string());
    assert_eq!(
        ask("SELECT sum(bytes) AS n FROM events"),
        (Some(0), "{\"n\":200}\n".to_owned(), json!({ "rows": 1, "is_cut": false }))
    );
    let (code, text, told) = ask("SELECT index FROM events");
    assert_eq!((code, text.lines().count(), told), (Some(0), 150, json!({ "rows": 150, "is_cut": true })));
    let (code, text, told) = ask("COPY events TO '/tmp/x'");
    assert_eq!((code, text.as_str(), told["code"].as_str()), (Some(2), "", Some("refused")));
    let mut wrong = request(folder.path(), "SELECT 1");
    wrong["key"] = "ab".repeat(31).into();
    assert_eq!(asked(&wrong.to_string()).0, Some(2));
    wrong["key"] = "cd".repeat(32).into();
    let (code, _, told) = asked(&wrong.to_string());
    assert_eq!((code, told["code"].as_str()), (Some(1), Some("lake")));
    for nonsense in ["", "{", "[]", "{\"key\":\"abababab\"}"] {
        assert_eq!(asked(nonsense).0, Some(2), "{nonsense}");
    }
}

#[test]
fn a_calculation_that_never_looks_up_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    lake(folder.path());
    let sql = "SELECT count(*) FROM events a, events b, events c, events d, events e WHERE a.bytes + b.bytes + c.bytes + d.bytes + e.bytes < 0";
    let began = Instant::now();
    let (code, _, told) = asked(&request(folder.path(), sql).to_string());
    assert_eq!(code, Some(1), "{told}");
    assert!(matches!(told["code"].as_str(), Some("timeout" | "memory")), "{told}");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}
