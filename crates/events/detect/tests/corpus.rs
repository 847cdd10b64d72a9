//! The published rules and logs: all rules load, every regression case fires, and the fast engine finds what the slow
//! evaluator finds.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed, and says what it skipped"
)]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use detect::library::Library;
use detect::logsource::Logsources;
use detect::test::Placeholders;
use detect::{Engine, Ruleset, oracle};
use intake::{Family, Limits, Problem, Record, Sink};

fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "the shared data is missing");
    println!("skipped: no shared data");
    None
}

fn rules(shared: &Path) -> Library {
    let folders = ["rules", "rules-compliance", "rules-emerging-threats", "rules-threat-hunting"]
        .map(|folder| shared.join("sigma").join(folder));
    Library::load(&folders, &Placeholders::new()).unwrap()
}

fn set(library: Library) -> Ruleset {
    Ruleset::new(library.rules, Logsources::shipped().unwrap(), &[]).unwrap()
}

/// The name of a family in the table of log sources, for the logs tested here.
fn name(family: Family) -> &'static str {
    match family {
        Family::Windows => "windows",
        Family::CloudTrail => "cloudtrail",
        Family::Zeek => "zeek",
        Family::Syslog => "syslog",
        _ => "json",
    }
}

/// Tries both evaluators on every record.
struct Both<'r> {
    engine: Engine<'r>,
    rules: &'r Ruleset,
    logsources: Logsources,
    /// Ids of the rules that fired.
    fired: Vec<String>,
    records: u64,
}

impl Sink for Both<'_> {
    fn record(&mut self, record: Record<'_>) -> ControlFlow<()> {
        self.records += 1;
        let mut found = Vec::new();
        self.engine.evaluate(name(record.family), record.json, &mut |one, _| found.push(one.index)).unwrap();
        found.sort_unstable();
        self.fired.extend(found.iter().map(|index| self.rules.rules()[*index].id.clone()));
        let json = serde_json::from_slice(record.json).unwrap();
        let slow = oracle::matches(self.rules.rules(), &self.logsources, name(record.family), &json);
        assert_eq!(found, slow, "record {}: {}", record.number, String::from_utf8_lossy(record.json));
        ControlFlow::Continue(())
    }

    fn problem(&mut self, _: Problem) {}
}

fn both(rules: &Ruleset) -> Both<'_> {
    Both {
        engine: Engine::new(rules),
        rules,
        logsources: Logsources::shipped().unwrap(),
        fired: Vec::new(),
        records: 0,
    }
}

fn files(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extensions, found);
        } else if path.extension().is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted)) {
            found.push(path);
        }
    }
    found.sort();
}

#[test]
fn every_published_rule_loads() {
    let Some(shared) = shared() else { return };
    let library = rules(&shared);
    assert_eq!(library.rejected, []);
    assert_eq!(library.rules.len(), 3_757);
    set(library);
}

#[test]
fn every_regression_case_fires_its_rule() {
    let Some(shared) = shared() else { return };
    let set = set(rules(&shared));
    let mut cases = Vec::new();
    files(&shared.join("sigma/regression_data"), &["evtx", "raw", "json"], &mut cases);
    assert!(cases.len() >= 246, "{} cases", cases.len());
    let mut silent = Vec::new();
    for path in cases {
        let mut both = both(&set);
        intake::read_file(&path, &Limits::default(), &mut both).unwrap();
        let id = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(both.records > 0, "{}", path.display());
        if !both.fired.contains(&id) {
            silent.push(path.strip_prefix(&shared).unwrap().display().to_string());
        }
    }
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn the_fast_engine_finds_what_the_slow_evaluator_finds_on_every_log() {
    let Some(shared) = shared() else { return };
    let set = set(rules(&shared));
    let mut logs = Vec::new();
    files(&shared.join("logs"), &["evtx", "json", "gz", "zst"], &mut logs);
    let mut records = 0;
    for path in logs {
        let mut both = both(&set);
        intake::read_file(&path, &Limits::default(), &mut both).unwrap();
        records += both.records;
    }
    assert!(records > 30_000, "{records} records");
}
