//! The recognisers of identifiers under content/recognizers: they parse, they are cited, and every example holds
//! under the slow oracle.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use recognize::content::{RecognizerFile, RecognizerSpec};
use recognize::oracle::Oracle;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../content/recognizers")
}

fn recognizers() -> Vec<(String, RecognizerSpec)> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    paths.sort();
    let mut all = Vec::new();
    for path in paths.into_iter().filter(|path| path.extension().is_some_and(|e| e == "toml")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let file: RecognizerFile = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        all.extend(file.recognizer.into_iter().map(|spec| (name.clone(), spec)));
    }
    all
}

#[test]
fn every_recognizer_is_cited_dated_and_unique() {
    let mut seen = BTreeMap::new();
    for (file, spec) in recognizers() {
        let id = &spec.id;
        assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{id}");
        if let Some(other) = seen.insert(id.clone(), file.clone()) {
            panic!("`{id}` is in {other} and in {file}");
        }
        assert!(spec.citation.len() > 8 && spec.checked.len() == 10, "{id}: citation or date is missing");
        assert!(matches!(spec.source_date.len(), 4 | 10), "{id}: source_date `{}`", spec.source_date);
        assert!(spec.confidence.iter().all(|percent| (1..=100).contains(percent)), "{id}");
        assert!(spec.confidence[0] > 40 || spec.context_required || spec.pattern.is_empty(), "{id}: too weak alone");
        assert!(!spec.context_required || !spec.context.is_empty(), "{id}: context is required and none is given");
        assert!(spec.context.iter().chain(&spec.negative).all(|word| *word == word.to_lowercase()), "{id}");
        for field in &spec.fields {
            assert!(!field.contains([' ', '-']) && *field == field.to_lowercase(), "{id}: field `{field}`");
        }
        assert!(!spec.pattern.is_empty() || !spec.fields.is_empty(), "{id}: nothing can match");
    }
}

#[test]
fn every_example_holds() {
    let mut wrong = Vec::new();
    for (_, spec) in recognizers().into_iter().filter(|(_, spec)| !spec.pattern.is_empty()) {
        let oracle = Oracle::new(&spec).unwrap();
        let cases = &spec.cases;
        if cases.positive.len() < 3 || cases.near_miss.len() < 2 || cases.hostile.is_empty() {
            wrong.push(format!("{}: too few cases", spec.id));
        }
        for text in cases.positive.iter().chain(&cases.near_miss).chain(&cases.hostile) {
            let (plain, marked) = unmark(text);
            let found: Vec<(usize, usize)> = oracle.find(&plain).iter().map(|hit| (hit.start, hit.end)).collect();
            if found != marked {
                let shown: Vec<&str> = found.iter().map(|(start, end)| &plain[*start..*end]).collect();
                wrong.push(format!("{}: {text:?} found {shown:?}", spec.id));
            }
        }
        for text in &cases.positive {
            if !text.contains('«') {
                wrong.push(format!("{}: nothing is marked in {text:?}", spec.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cases do not hold:\n{}", wrong.len(), wrong.join("\n"));
}

/// The text without its marks, and the byte ranges that they enclosed.
fn unmark(text: &str) -> (String, Vec<(usize, usize)>) {
    let mut plain = String::new();
    let mut marked = Vec::new();
    let mut start = 0;
    for c in text.chars() {
        match c {
            '«' => start = plain.len(),
            '»' => marked.push((start, plain.len())),
            _ => plain.push(c),
        }
    }
    (plain, marked)
}
