//! The recogniser files under content/ parse, have unique ids and citations, and every example in them holds under
//! the slow recogniser that is their meaning.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use recognize::content::{RecognizerFile, RecognizerSpec};
use recognize::oracle::Oracle;

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../content/recognizers");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter(|path| !matches!(path.file_stem().and_then(|stem| stem.to_str()), Some("types" | "labels")))
        .collect();
    files.sort();
    files
}

fn specs() -> Vec<(String, RecognizerSpec)> {
    let mut specs = Vec::new();
    for path in files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let file: RecognizerFile = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        specs.extend(file.recognizer.into_iter().map(|spec| (name.clone(), spec)));
    }
    specs
}

/// Writes `⟦AB×3⟧` out as `ABABAB`.
fn expanded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('⟦') {
        let Some((inside, tail)) = after.split_once('⟧') else { break };
        let Some((unit, times)) = inside.rsplit_once('×') else { break };
        out.push_str(before);
        out.push_str(&unit.repeat(times.parse().unwrap()));
        rest = tail;
    }
    out + rest
}

/// The text without its marks, and the marked ranges.
fn marked(case: &str) -> (String, Vec<(usize, usize)>) {
    let (mut text, mut ranges, mut start) = (String::new(), Vec::new(), 0);
    for c in expanded(case).chars() {
        match c {
            '«' => start = text.len(),
            '»' => ranges.push((start, text.len())),
            c => text.push(c),
        }
    }
    (text, ranges)
}

#[test]
fn every_example_holds() {
    let mut wrong = Vec::new();
    for (file, spec) in specs() {
        let oracle = match Oracle::new(&spec) {
            Ok(oracle) => oracle,
            Err(error) => {
                wrong.push(format!("{file}: {error}"));
                continue;
            }
        };
        let cases = &spec.cases;
        for (kind, case) in
            cases.positive.iter().map(|c| ("positive", c)).chain(cases.hostile.iter().map(|c| ("hostile", c)))
        {
            let (text, ranges) = marked(case);
            let found: Vec<(usize, usize)> = oracle.find(&text).iter().map(|found| (found.start, found.end)).collect();
            for range in ranges.iter().filter(|range| !found.contains(range)) {
                wrong.push(format!("{file} {}: {kind} `{case}`: {range:?} not in {found:?}", spec.id));
            }
            if kind == "positive" && ranges.is_empty() && !spec.pattern.is_empty() {
                wrong.push(format!("{file} {}: `{case}` marks nothing", spec.id));
            }
        }
        for case in &cases.near_miss {
            let (text, _) = marked(case);
            for found in oracle.find(&text) {
                wrong.push(format!("{file} {}: near miss `{case}`: {:?}", spec.id, text.get(found.start..found.end)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{} examples do not hold", wrong.join("\n"), wrong.len());
}

#[test]
fn every_recognizer_is_whole() {
    let mut ids = HashSet::new();
    let mut wrong = Vec::new();
    for (file, spec) in specs() {
        let mut demand = |holds: bool, what: &str| {
            if !holds {
                wrong.push(format!("{file} {}: {what}", spec.id));
            }
        };
        demand(ids.insert(spec.id.clone()), "its id is taken");
        demand(
            spec.citation.len() >= 5 && spec.source_date.len() >= 4 && spec.checked.len() == 10,
            "not cited or dated",
        );
        demand(spec.confidence.iter().all(|percent| (1..=100).contains(percent)), "confidence is not in percent");
        demand(
            spec.context.iter().chain(&spec.negative).all(|word| *word == word.to_lowercase()),
            "context not in lower case",
        );
        if spec.kind == model::IdentifierType::Secret {
            demand(spec.id.starts_with("secret-") && spec.subtype.is_some(), "a secret without its kind");
            demand(!spec.literals.is_empty(), "a secret without literals");
            let hits = spec.cases.positive.iter().all(|case| {
                let (text, _) = marked(case);
                spec.literals.iter().any(|literal| text.contains(literal.as_str()))
            });
            demand(hits, "an example without any of its literals");
        }
        if !spec.pattern.is_empty() {
            demand(!spec.cases.positive.is_empty() && !spec.cases.near_miss.is_empty(), "too few examples");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_are_more_than_two_hundred_kinds_of_secrets() {
    let kinds: HashSet<_> = specs()
        .into_iter()
        .filter_map(|(_, spec)| (spec.kind == model::IdentifierType::Secret).then_some(spec.subtype))
        .collect();
    assert!(kinds.len() >= 200, "{}", kinds.len());
}
