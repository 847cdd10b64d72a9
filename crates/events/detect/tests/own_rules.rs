//! The rules of content/rules: each loads without a word of complaint, says all that a reviewer needs, and is held to the
//! test events beside it, by the fast engine and by the slow evaluator. content/rules/README.md tells the form of test events.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use detect::correlate::{Bound, Correlator};
use detect::library::Library;
use detect::logsource::Logsources;
use detect::rule::{Document, Logsource};
use detect::test::Placeholders;
use detect::{Engine, Ruleset, oracle, shipped, time, yaml};
use intake::{Family, Limits, Problem, Record, Sink};
use serde_json::Value;

/// Times of test events count from here: a Monday, 2026-11-30T00:00:00Z.
const BEGIN_MS: i64 = 1_795_996_800_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../content/rules")
}

/// Files below content/rules that end so, by their path from there.
fn files(end: &str) -> BTreeMap<String, String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let (root, mut found) = (folder(), Vec::new());
    walk(&root, &mut found);
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
    let named = found.iter().map(|path| (name(path), path)).filter(|(name, _)| name.ends_with(end));
    named.map(|(name, path)| (name, std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn what_is_embedded_is_what_lies_in_the_folder() {
    let embedded: BTreeMap<String, String> =
        shipped::files().iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    assert_eq!(embedded, files(".yml"));
    let (built_in, loaded) = (shipped::shipped(), Library::load(&[folder()], &Placeholders::new()).unwrap());
    let ids = |library: &Library| {
        let rules = library.rules.iter().map(|rule| rule.id.clone());
        rules.chain(library.correlations.iter().map(|one| one.head.id.clone())).collect::<BTreeSet<_>>()
    };
    assert_eq!(ids(&built_in), ids(&loaded));
}

#[test]
fn every_rule_is_taken_without_a_warning() {
    let library = shipped::shipped();
    assert_eq!(library.rejected, []);
    assert_eq!(library.warnings, []);
    assert!(shipped::files().len() >= 64, "{} files", shipped::files().len());
    assert!(library.rules.len() + library.correlations.len() >= 64);
    let names: BTreeSet<&str> = library
        .rules
        .iter()
        .map(|rule| (rule.id.as_str(), rule.name.as_deref()))
        .chain(library.correlations.iter().map(|one| (one.head.id.as_str(), one.head.name.as_deref())))
        .flat_map(|(id, name)| [Some(id), name])
        .flatten()
        .collect();
    for one in &library.correlations {
        for rule in &one.rules {
            assert!(names.contains(rule.as_str()), "`{}` is over `{rule}`, which does not exist", one.head.title);
        }
    }
}

#[test]
fn every_id_and_name_is_used_once() {
    let (mut ids, mut names) = (BTreeMap::new(), BTreeMap::new());
    for (file, text) in files(".yml") {
        for node in yaml::documents(&text).unwrap() {
            let id = node.at("id").and_then(yaml::Node::text).unwrap_or_default().to_owned();
            let groups: Vec<usize> = id.split('-').map(str::len).collect();
            let hexadecimal = id.bytes().all(|byte| byte == b'-' || matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            assert!(groups == [8, 4, 4, 4, 12] && hexadecimal, "{file}: `{id}` is no UUID");
            assert_eq!(id.as_bytes().get(14), Some(&b'4'), "{file}: `{id}` is not of version 4");
            if let Some(before) = ids.insert(id.clone(), file.clone()) {
                panic!("{file}: `{id}` is used by {before} too");
            }
            let Some(name) = node.at("name").and_then(yaml::Node::text) else { continue };
            if let Some(before) = names.insert(name.to_owned(), file.clone()) {
                panic!("{file}: the name `{name}` is used by {before} too");
            }
        }
    }
}

#[test]
fn every_rule_says_what_a_reviewer_needs() {
    for (file, text) in files(".yml") {
        let nodes = yaml::documents(&text).unwrap();
        let (head, bases) = nodes.split_first().unwrap();
        let said = |key: &str| head.at(key).and_then(yaml::Node::text).unwrap_or_default().trim().to_owned();
        let list = |key: &str| head.at(key).map(yaml::Node::texts).unwrap_or_default();
        assert_eq!(said("status"), "test", "{file}");
        assert_eq!(said("author"), "Lazaret", "{file}");
        assert_eq!(said("date").len(), 10, "{file}: date");
        assert!((12..=110).contains(&said("title").chars().count()), "{file}: title");
        assert!(said("description").chars().count() >= 60, "{file}: the description says too little");
        assert!(!list("references").is_empty(), "{file}: references");
        assert!(!list("falsepositives").is_empty(), "{file}: falsepositives");
        assert!(["low", "medium", "high", "critical"].contains(&said("level").as_str()), "{file}: level");
        let asks = head.at("lazaret").and_then(|own| own.at("asks")).and_then(yaml::Node::text);
        assert!(asks.is_some_and(|asks| asks.len() >= 20), "{file}: `lazaret.asks` says what to look at next");
        let tags = list("tags");
        let technique =
            |tag: &&&str| tag.strip_prefix("attack.t").is_some_and(|rest| rest.as_bytes()[0].is_ascii_digit());
        assert!(tags.iter().all(|tag| tag.starts_with("attack.")), "{file}: {tags:?}");
        assert!(tags.iter().any(|tag| technique(&tag)), "{file}: no technique");
        assert!(tags.iter().any(|tag| !technique(&tag)), "{file}: no tactic");
        assert_eq!(bases.is_empty(), head.at("correlation").is_none(), "{file}: a correlation brings its base rules");
        for base in bases {
            assert!(
                base.at("name").is_some(),
                "{file}: what comes after the first document is a base rule with a name"
            );
        }
    }
}

#[test]
fn every_log_source_is_one_that_is_told_apart() {
    let known = Logsources::shipped().unwrap();
    for rule in shipped::shipped().rules {
        let told = known.sources.iter().any(|source| rule.logsource.covers(&source.logsource));
        assert!(told, "`{}`: {:?} is in no line of the table of log sources", rule.title, rule.logsource);
    }
}

/// The name of a family in the table of log sources.
fn family(family: Family) -> &'static str {
    match family {
        Family::Windows => "windows",
        Family::CloudTrail => "cloudtrail",
        Family::Zeek => "zeek",
        Family::Syslog => "syslog",
        Family::Auditd => "auditd",
        Family::WebAccess => "web-access",
        Family::Postgres => "postgres",
        Family::Kubernetes => "kubernetes",
        Family::Okta => "okta",
        Family::GitHub => "github",
        Family::AzureActivity => "azure-activity",
        Family::EntraAudit => "entra-audit",
        Family::EntraSignIn => "entra-sign-in",
        Family::Microsoft365 => "microsoft365",
        Family::Gcp => "gcp",
        Family::Cef => "cef",
        Family::Leef => "leef",
        Family::Ocsf => "ocsf",
        Family::Json => "json",
    }
}

/// One case of a file of test events.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    case: String,
    about: String,
    log: Vec<Entry>,
}

/// One record of a log, or the same one several times.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// A record in JSON.
    event: Option<Value>,
    /// A line of a text log, in place of `event`.
    line: Option<String>,
    /// When, in seconds after [`BEGIN_MS`].
    #[serde(default)]
    at: i64,
    /// How many.
    #[serde(default = "once")]
    times: i64,
    /// How many seconds lie between them.
    #[serde(default = "once")]
    every: i64,
}

fn once() -> i64 {
    1
}

impl Entry {
    /// The records as they would stand in a log.
    fn written(&self) -> Vec<String> {
        let one = |number: i64| {
            let ms = BEGIN_MS + (self.at + (number - 1) * self.every) * 1_000;
            match (&self.event, &self.line) {
                (Some(event), None) => filled(event, number, ms).to_string(),
                (None, Some(line)) => line.replace("$n", &number.to_string()),
                _ => panic!("a record has either `event` or `line`"),
            }
        };
        (1..=self.times).map(one).collect()
    }
}

/// `$n` is the number of the record, `$time`, `$ms` and `$s` its time.
fn filled(value: &Value, number: i64, ms: i64) -> Value {
    match value {
        Value::String(text) if text == "$ms" => Value::from(ms),
        Value::String(text) if text == "$s" => Value::from(ms / 1_000),
        Value::String(text) if text.contains('$') => {
            let time = jiff::Timestamp::from_millisecond(ms).unwrap().to_string();
            Value::from(text.replace("$time", &time).replace("$n", &number.to_string()))
        }
        Value::Array(items) => items.iter().map(|item| filled(item, number, ms)).collect(),
        Value::Object(members) => {
            members.iter().map(|(key, member)| (key.clone(), filled(member, number, ms))).collect()
        }
        other => other.clone(),
    }
}

/// What intake makes of one record that stands alone.
#[derive(Default)]
struct Read {
    records: Vec<(Family, Vec<u8>)>,
    problems: Vec<String>,
}

impl Sink for Read {
    fn record(&mut self, record: Record<'_>) -> ControlFlow<()> {
        self.records.push((record.family, record.json.to_vec()));
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) {
        self.problems.push(problem.why);
    }
}

fn read(text: &str) -> (Family, Vec<u8>) {
    let mut read = Read::default();
    let input = format!("{text}\n").into_bytes();
    intake::read_stream("test", Box::new(std::io::Cursor::new(input)), &Limits::default(), &mut read).unwrap();
    assert!(read.problems.is_empty() && read.records.len() == 1, "one record of `{text}`: {:?}", read.problems);
    read.records.pop().unwrap()
}

/// A rule file with what its test events are tried on.
struct Tried {
    set: Ruleset,
    library: Library,
    /// The id of its first document.
    head: String,
}

impl Tried {
    fn new(text: &str) -> Self {
        let library = Library::of(&[("rules", text)], &Placeholders::new());
        let (documents, _) = detect::rule::parse(text, &Placeholders::new());
        let head = match documents.first().unwrap() {
            Document::Rule(rule) => rule.id.clone(),
            Document::Correlation(one) => one.head.id.clone(),
            Document::Filter(_) => panic!("a filter"),
        };
        let fields: Vec<&str> = library
            .correlations
            .iter()
            .flat_map(|one| {
                let aliased = one.aliases.values().flat_map(BTreeMap::values);
                one.group_by.iter().chain(&one.fields).chain(aliased).map(String::as_str)
            })
            .collect();
        let set = Ruleset::new(library.rules.clone(), Logsources::shipped().unwrap(), &fields).unwrap();
        Self { set, library, head }
    }

    /// How often the rule or correlation that the file is about fires, and how often a rule was tried and matched.
    fn run(&self, case: &Case, whole: &Ruleset) -> Fired {
        let logsources = Logsources::shipped().unwrap();
        let (mut engine, mut all) = (Engine::new(&self.set), Engine::new(whole));
        let mut correlator = Correlator::new(&self.library.correlations, Bound::default());
        let mut fired = Fired::default();
        for text in case.log.iter().flat_map(Entry::written) {
            let (kind, json) = read(&text);
            let mut found = Vec::new();
            let tried = engine.evaluate(family(kind), &json, &mut |one, event| {
                fired.matched += 1;
                let rule = &self.set.rules()[one.index];
                fired.head += u32::from(rule.id == self.head);
                found.push(one.index);
                if self.library.correlations.is_empty() {
                    return;
                }
                let at = event.time().and_then(|time| time::milliseconds(&time));
                let at = at.unwrap_or_else(|| panic!("an event of a correlation says no time: {text}"));
                let held = correlator.take(&rule.id, rule.name.as_deref(), (0, at), &|field| event.value(field));
                let heads = held.iter().map(|one| &self.library.correlations[one.index].head.id);
                fired.head += u32::try_from(heads.filter(|id| **id == self.head).count()).unwrap();
            });
            fired.tried += tried.unwrap();
            let parsed = serde_json::from_slice(&json).unwrap();
            let slow = |set: &Ruleset| oracle::matches(set.rules(), &logsources, family(kind), &parsed);
            found.sort_unstable();
            assert_eq!(found, slow(&self.set), "the fast engine and the slow evaluator differ on {text}");
            let mut everything = Vec::new();
            all.evaluate(family(kind), &json, &mut |one, _| everything.push(one.index)).unwrap();
            everything.sort_unstable();
            assert_eq!(everything, slow(whole), "they differ over all rules on {text}");
        }
        fired
    }
}

#[derive(Default)]
struct Fired {
    /// Times the file's first document fired.
    head: u32,
    /// Matches of its rules.
    matched: u32,
    /// Rules that the log source led to.
    tried: usize,
}

#[test]
fn every_rule_fires_on_what_it_must_and_on_nothing_near() {
    let whole = Ruleset::new(shipped::shipped().rules, Logsources::shipped().unwrap(), &[]).unwrap();
    let mut tests = files(".test.ndjson");
    let mut wrong = Vec::new();
    for (file, text) in files(".yml") {
        let Some(cases) = tests.remove(&file.replace(".yml", ".test.ndjson")) else {
            wrong.push(format!("{file}: no test events"));
            continue;
        };
        let tried = Tried::new(&text);
        let mut kinds = BTreeSet::new();
        for (line, text) in cases.lines().enumerate() {
            let case: Case =
                serde_json::from_str(text).unwrap_or_else(|why| panic!("{file}: line {}: {why}", line + 1));
            let fired = tried.run(&case, &whole);
            let bad = match case.case.as_str() {
                "must" if fired.head == 0 => Some("does not fire, but must"),
                "nearly" if fired.tried == 0 => Some("comes from another log source, which is not near"),
                "nearly" if !tried.library.correlations.is_empty() && fired.matched == 0 => {
                    Some("matches no base rule, which is not near")
                }
                "nearly" | "not" if fired.head > 0 => Some("fires, but must not"),
                "must" | "nearly" | "not" => None,
                _ => Some("is neither must, nearly nor not"),
            };
            wrong.extend(bad.map(|bad| format!("{file}: `{}` ({}) {bad}", case.about, case.case)));
            kinds.insert(case.case);
        }
        if kinds.len() < 3 {
            wrong.push(format!("{file}: has only cases of {kinds:?}"));
        }
    }
    wrong.extend(tests.keys().map(|left| format!("{left}: no rule of this name")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_log_sources_of_the_rules_are_various() {
    let sources: BTreeSet<Logsource> = shipped::shipped().rules.into_iter().map(|rule| rule.logsource).collect();
    assert!(sources.len() >= 20, "{} log sources", sources.len());
}
