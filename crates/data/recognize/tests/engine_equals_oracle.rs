//! The fast engine finds what the slow oracle finds: every recogniser on the examples of all recognisers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use recognize::content::{RecognizerFile, RecognizerSpec};
use recognize::engine::{By, Engine, Hit, NamesTier};
use recognize::oracle::Oracle;

fn specs() -> Vec<RecognizerSpec> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../content/recognizers");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let recognizers = paths.iter().filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.ends_with(".toml") && name != "types.toml" && name != "labels.toml"
    });
    recognizers
        .flat_map(|path| toml::from_str::<RecognizerFile>(&std::fs::read_to_string(path).unwrap()).unwrap().recognizer)
        .collect()
}

/// Writes out `⟦AB×18⟧` and takes the marks away.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('⟦') {
        let (body, after) = after.split_once('⟧').unwrap();
        let (what, times) = body.rsplit_once('×').unwrap();
        out.push_str(before);
        out.push_str(&what.repeat(times.parse().unwrap()));
        rest = after;
    }
    out.push_str(rest);
    out.replace(['«', '»'], "")
}

/// Of one recogniser's readings, the first of those that overlap, as the oracle reports them.
fn first_ones(mut hits: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    hits.sort_unstable();
    hits.dedup();
    let mut kept: Vec<(usize, usize)> = Vec::new();
    for hit in hits {
        if kept.last().is_none_or(|last| hit.0 >= last.1) {
            kept.push(hit);
        }
    }
    kept
}

#[test]
fn the_fast_engine_finds_what_the_oracle_finds() {
    let specs = specs();
    let engine = Engine::embedded().unwrap();
    let mut scratch = engine.scratch();
    let oracles: Vec<Option<Oracle>> =
        specs.iter().map(|spec| (!spec.pattern.is_empty()).then(|| Oracle::new(spec).unwrap())).collect();
    let ids: Vec<&str> = engine.recognizers().map(|spec| spec.id.as_str()).collect();
    let mut wrong = Vec::new();
    for spec in &specs {
        let cases = spec.cases.positive.iter().chain(&spec.cases.near_miss).chain(&spec.cases.hostile);
        for text in cases.map(|text| plain(text)) {
            let mut hits: Vec<Hit> = Vec::new();
            engine.readings(&text, NamesTier::Off, None, &mut scratch, &mut hits);
            for (other, oracle) in specs.iter().zip(&oracles) {
                let Some(oracle) = oracle else { continue };
                let index = ids.iter().position(|id| *id == other.id).unwrap() as u16;
                let fast = first_ones(
                    hits.iter().filter(|hit| hit.by == By::Recognizer(index)).map(|h| (h.start, h.end)).collect(),
                );
                let slow: Vec<(usize, usize)> = oracle.find(&text).iter().map(|f| (f.start, f.end)).collect();
                if fast != slow {
                    wrong.push(format!("{}: engine {fast:?} oracle {slow:?} in {text:?}", other.id));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}
