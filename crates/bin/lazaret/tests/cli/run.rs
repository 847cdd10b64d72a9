//! Running the program and reading what it prints.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// The program, apart from the environment of whoever runs the tests.
pub fn lazaret(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret"));
    command
        .current_dir(folder)
        .env_remove("LAZARET_DATA_DIR")
        .env_remove("LAZARET_CONFIG")
        .env_remove("LAZARET_LISTEN")
        .env_remove("LAZARET_PASSPHRASE")
        .env("LAZARET_S3_LISTEN", "127.0.0.1:0");
    command
}

/// Runs it to its end.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    lazaret(folder).args(arguments).output().expect("the program starts")
}

/// What `scan --format json` printed: a line an object, and the summary.
pub struct Scanned {
    pub objects: Vec<Value>,
    pub summary: Value,
}

impl Scanned {
    pub fn of(output: &Output) -> Self {
        let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let mut lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect();
        let summary = lines.pop().unwrap_or_else(|| panic!("nothing was printed; {stderr}"));
        assert!(summary.get("summary").is_some(), "the summary is last: {summary}; {stderr}");
        Self { objects: lines, summary: summary["summary"].clone() }
    }

    /// The object of that name.
    pub fn object(&self, name: &str) -> &Value {
        let found = self.objects.iter().find(|object| object["object"] == name);
        found.unwrap_or_else(|| panic!("no object `{name}`: {:#?}", self.names()))
    }

    pub fn names(&self) -> Vec<&str> {
        self.objects.iter().filter_map(|object| object["object"].as_str()).collect()
    }
}

/// Scans and keeps nothing.
pub fn scan(folder: &Path, arguments: &[&str]) -> Scanned {
    let all: Vec<&str> =
        ["scan", "--no-store", "--format", "json", "--quiet"].iter().chain(arguments).copied().collect();
    let output = run(folder, &all);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    Scanned::of(&output)
}

/// Scans into the data folder below `folder`.
pub fn scan_kept(folder: &Path, arguments: &[&str]) -> Scanned {
    let all: Vec<&str> = ["scan", "--format", "json", "--quiet"].iter().chain(arguments).copied().collect();
    let output = run(folder, &all);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    Scanned::of(&output)
}

/// The strings of an array.
pub fn strings(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
