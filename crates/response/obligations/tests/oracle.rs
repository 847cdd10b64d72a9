//! The engine against an oracle in another language that shares no table with it (tests/oracles/obligations).

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use obligations::{Facts, Options};
use serde_json::{Value, json};

/// Random incidents that are held against the oracle. `cargo xtask bench obligations` holds a million.
const INCIDENTS: u64 = 10_000;

fn oracle(arguments: &[&str], input: Option<&Path>, output: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/oracles/obligations/oracle.py");
    let out = std::fs::File::create(output).expect("a file for what the oracle says");
    let input = input.map_or_else(Stdio::null, |path| std::fs::File::open(path).expect("facts").into());
    let status = Command::new("python3").arg(script).args(arguments).stdin(input).stdout(out).status();
    assert!(
        status.expect("python3 runs the oracle").success(),
        "{arguments:?}: {}",
        std::fs::read_to_string(output).unwrap_or_default()
    );
}

/// What both say of an answer.
const FIELDS: &str = include_str!("../../../../tests/oracles/obligations/fields.txt");

/// What the engine answers, in the oracle's form.
fn engine(facts: &str, at: Option<jiff::Timestamp>, out: &mut impl std::io::Write) {
    let library = obligations::shipped().expect("the library that is shipped");
    for (number, line) in (1_u64..).zip(facts.lines()) {
        let facts =
            Facts::from_json(line.as_bytes(), library.vocabulary()).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(facts.strange.is_empty(), "{:?}", facts.strange);
        for answer in library.answers(&facts, Options { at, with_proposed: false }) {
            let mut value = serde_json::to_value(&answer).expect("an answer is JSON");
            let object = value.as_object_mut().expect("an object");
            object.retain(|name, _| FIELDS.lines().any(|field| field == name));
            object.insert("incident".to_owned(), json!(number));
            writeln!(out, "{value}").expect("a file for the answers");
        }
    }
}

#[test]
fn an_oracle_in_another_language_agrees() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    for (seed, at) in [("1", None), ("2", Some("2026-03-01T00:00:00Z"))] {
        oracle(&["generate", "--seed", seed, "--count", &INCIDENTS.to_string()], None, &file("facts"));
        let mut arguments = vec!["answer"];
        arguments.extend(at.iter().flat_map(|at| ["--at", at]));
        oracle(&arguments, Some(&file("facts")), &file("theirs"));
        let facts = std::fs::read_to_string(file("facts")).expect("facts");
        assert_eq!(facts.lines().count() as u64, INCIDENTS);
        let mut ours = std::io::BufWriter::new(std::fs::File::create(file("ours")).expect("a file"));
        engine(&facts, at.and_then(|at| at.parse().ok()), &mut ours);
        ours.flush().expect("it is written");
        let (ours, theirs) = (file("ours"), file("theirs"));
        oracle(&["compare", &ours.to_string_lossy(), &theirs.to_string_lossy()], None, &file("differences"));
        let lines = std::fs::read_to_string(&theirs).expect("answers");
        let decided = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        assert!(
            decided.filter(|answer| answer["status"] == "due").count() > 1_000,
            "the incidents are worth comparing"
        );
    }
}
