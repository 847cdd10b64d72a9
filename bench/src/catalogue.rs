//! `bench catalogue`: what the console asks, over a million objects and a million people, on SQLite.
//!
//! The catalogue is filled through the same ingestion as by a scan. Every question is asked once cold and then five
//! times warm; the slowest of the warm ones counts.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use landscape::Catalogue;
use landscape::catalogue::{Batch, Inspected};
use landscape::queries::{Dimension, Filter};
use landscape::report::{IdentifierSummary, MaskedSample, ObjectReport, SubjectRecord, Token, TokenKind};
use model::{Format, IdentifierType, Jurisdiction, Label, LawId};

/// Objects of the catalogue.
const OBJECTS: u32 = 1_000_000;
/// People that they are about.
const PEOPLE: u32 = 1_000_000;
/// Objects written by one transaction.
const BATCH_OBJECTS: u32 = 10_000;
/// Objects over which distinct people are counted.
const COUNTED_OBJECTS: u32 = 10_000;
/// Each question is asked so often while warm.
const ROUNDS: u32 = 5;
/// What a page of the console may wait for one question.
const TARGET: Duration = Duration::from_millis(100);
/// What counting distinct people may take.
const PEOPLE_TARGET: Duration = Duration::from_millis(50);

/// Fills a catalogue in a temporary folder and asks it everything. `LAZARET_BENCH_OBJECTS` sets another number of
/// objects; `LAZARET_BENCH_FOLDER` names a folder that keeps the catalogue for the next run.
///
/// # Errors
/// When the store fails, or when an answer is wrong.
pub fn run() -> Result<()> {
    let objects = std::env::var("LAZARET_BENCH_OBJECTS").ok().map_or(Ok(OBJECTS), |count| count.parse())?;
    let kept = std::env::var_os("LAZARET_BENCH_FOLDER").map(PathBuf::from);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(objects, kept))
}

async fn measure(objects: u32, kept: Option<PathBuf>) -> Result<()> {
    let passing = tempfile::tempdir()?;
    let path = kept.unwrap_or_else(|| passing.path().to_owned()).join("lazaret.db");
    if !path.exists() {
        let catalogue = Catalogue::new(store::Store::sqlite(&path).await?);
        let started = Instant::now();
        populate(&catalogue, objects, PEOPLE).await?;
        let seconds = started.elapsed().as_secs_f64();
        say(&format!("filled: {objects} objects in {seconds:.0} s, {:.0} a second", f64::from(objects) / seconds));
        catalogue.store().close().await;
    }
    // Opened anew, as by a server that starts: nothing is cached but what the system caches.
    let catalogue = Catalogue::new(store::Store::sqlite(&path).await?);
    let mut slow = pages(&catalogue, objects).await?;
    slow.extend(searches(&catalogue).await?);
    slow.extend(people(&catalogue, objects).await?);
    ensure!(slow.is_empty(), "slower than promised: {}", slow.join(", "));
    Ok(())
}

async fn pages(catalogue: &Catalogue, objects: u32) -> Result<Vec<String>> {
    let mut slow = Vec::new();
    let totals = catalogue.totals().await?;
    ensure!(totals.all.objects == u64::from(objects), "{} objects instead of {objects}", totals.all.objects);
    slow.extend(time("totals", TARGET, async || catalogue.totals().await).await?);
    slow.extend(time("people overview", TARGET, async || catalogue.people().await).await?);
    let by_study = [Dimension::Study, Dimension::Label];
    slow.extend(time("treemap study, label", TARGET, async || catalogue.treemap(&by_study).await).await?);
    let by_format = [Dimension::Label, Dimension::Format, Dimension::Source];
    slow.extend(time("treemap label, format, source", TARGET, async || catalogue.treemap(&by_format).await).await?);
    slow.extend(time("riskiest", TARGET, async || catalogue.riskiest(None, 50).await).await?);
    slow.extend(time("object", TARGET, async || catalogue.object(objects / 2).await).await?);
    slow.extend(time("changes", TARGET, async || catalogue.changes(0, None, 50).await).await?);
    slow.extend(time("change counts", TARGET, async || catalogue.change_counts(0).await).await?);
    slow.extend(time("problems", TARGET, async || catalogue.problems(None, 50).await).await?);
    Ok(slow)
}

async fn searches(catalogue: &Catalogue) -> Result<Vec<String>> {
    let text = |text: &str| Filter { text: text.to_owned(), ..Filter::default() };
    let us = Some(Jurisdiction::country("US"));
    let filters = [
        ("search everything", Filter::default()),
        ("search label", Filter { label: Some(Label::PhiDirect), ..Filter::default() }),
        (
            "search label, place",
            Filter { label: Some(Label::PhiDirect), jurisdiction: us.clone(), ..Filter::default() },
        ),
        (
            "search label, place, type, format, study",
            Filter {
                label: Some(Label::PhiDirect),
                jurisdiction: us,
                identifier: Some(IdentifierType::Person),
                format: Some(Format::Csv),
                study: Some("STUDY-007".to_owned()),
                ..Filter::default()
            },
        ),
        ("search gone", Filter { state: Some("gone".to_owned()), ..Filter::default() }),
        ("search one letter", text("e")),
        ("search two letters", text("vi")),
        ("search common word", text("visit")),
        ("search two parts of a path", text("site-03/patients")),
        ("search one object", text("visits-0123456")),
        ("search nothing found", text("no such path at all")),
        ("search letters of a word in another order", text("stivisit")),
        ("search word, label", Filter { label: Some(Label::Secret), ..text("visits") }),
    ];
    let mut slow = Vec::new();
    for (name, filter) in &filters {
        slow.extend(time(name, TARGET, async || catalogue.search(filter, None, 50).await).await?);
    }
    let first = catalogue.search(&filters[1].1, None, 50).await?;
    slow.extend(
        time("search label, next page", TARGET, async || catalogue.search(&filters[1].1, first.next, 50).await).await?,
    );
    Ok(slow)
}

async fn people(catalogue: &Catalogue, objects: u32) -> Result<Vec<String>> {
    let step = (objects / COUNTED_OBJECTS).max(1);
    let ids: Vec<u32> = (1..=objects).step_by(step as usize).collect();
    let expected: HashSet<u32> = ids.iter().flat_map(|id| members(id - 1, PEOPLE)).map(person_of).collect();
    let counts = catalogue.people_in(&ids).await?;
    ensure!(counts.people == expected.len() as u64, "{} people instead of {}", counts.people, expected.len());
    let name = format!("people in {} objects, from the store", ids.len());
    let mut slow: Vec<String> =
        time(&name, TARGET, async || catalogue.people_in(&ids).await).await?.into_iter().collect();
    let sets = store::subjects::people(catalogue.store(), &ids).await?;
    say(&format!("{} of them hold {} people", sets.len(), expected.len()));
    let people = landscape::subjects::People::load(catalogue.store()).await?;
    let name = format!("people in {} objects, counting alone", ids.len());
    let count = async || landscape::subjects::count(&people, sets.iter().map(|(_, bytes)| bytes.as_slice()));
    slow.extend(time(&name, PEOPLE_TARGET, count).await?);
    Ok(slow)
}

/// Asks cold and warm; the name, if the slowest warm answer took longer than `target`.
async fn time<T, E: Into<anyhow::Error>>(
    name: &str,
    target: Duration,
    ask: impl AsyncFn() -> Result<T, E>,
) -> Result<Option<String>> {
    let once = async || {
        let started = Instant::now();
        ask().await.map(|_answer| started.elapsed()).map_err(Into::into)
    };
    let cold: Duration = once().await?;
    let mut slowest = Duration::ZERO;
    for _ in 0..ROUNDS {
        slowest = slowest.max(once().await?);
    }
    let (cold, warm) = (cold.as_secs_f64() * 1e3, slowest.as_secs_f64() * 1e3);
    say(&format!("{name:45} {cold:9.1} ms cold {warm:9.1} ms warm"));
    Ok((slowest > target).then(|| format!("{name} ({warm:.0} ms)")))
}

#[expect(clippy::print_stdout, reason = "what a bench is for")]
fn say(line: &str) {
    println!("{line}");
}

/// Fills a catalogue with `objects` made-up objects about `people` people, through ingestion as a scan does it. The
/// same numbers give the same catalogue.
///
/// # Errors
/// When the store fails.
pub async fn populate(catalogue: &Catalogue, objects: u32, people: u32) -> Result<()> {
    let folders = ["/data/trials", "/data/hospital", "/data/research"].map(|name| ("folder", name));
    populate_named(catalogue, &folders, (objects, people), |_| None).await
}

/// As [`populate`], from sources of other kinds, the objects by number at paths of their own.
///
/// # Errors
/// As there.
pub async fn populate_named(
    catalogue: &Catalogue,
    names: &[(&str, &str)],
    (objects, people): (u32, u32),
    path: impl Fn(u32) -> Option<String>,
) -> Result<()> {
    let mut sources = Vec::new();
    for (kind, name) in names {
        sources.push(store::sources::ensure(catalogue.store(), kind, name, 1).await?.id);
    }
    let laws = [vec!["gdpr".parse::<LawId>()?], vec!["gdpr".parse()?, "hipaa".parse()?], vec!["appi".parse()?]];
    for (round, first) in (0..objects).step_by(BATCH_OBJECTS as usize).enumerate() {
        let last = first.saturating_add(BATCH_OBJECTS).min(objects);
        let named = |at| {
            let mut one = object(at, people, &laws);
            if let Some(path) = path(at) {
                one.reports.iter_mut().for_each(|report| report.object.clone_from(&path));
                one.path = path;
            }
            one
        };
        let inspected = (first..last).map(named).collect();
        let source_id = sources[round % sources.len()];
        catalogue.ingest(&Batch { source_id, inspected, ..Batch::default() }, 1_000 + i64::from(first)).await?;
    }
    Ok(())
}

const FORMATS: [Format; 6] = [Format::Csv, Format::Text, Format::Dicom, Format::Pdf, Format::Json, Format::Vcf];
const PLACES: [&str; 5] = ["US", "DE", "JP", "US-CA", "FR"];

fn object(at: u32, people: u32, laws: &[Vec<LawId>]) -> Inspected {
    let (label, name) = match at % 10 {
        0..=2 => (Label::PhiDirect, "patients"),
        3 => (Label::TrialSubject, "visits"),
        4 => (Label::Secret, "settings"),
        5 => (Label::IpCompound, "compounds"),
        _ => (Label::None, "measurements"),
    };
    let place = PLACES[(at / 10 % 5) as usize];
    let records: Vec<SubjectRecord> = members(at, people).map(|profile| record(profile, place)).collect();
    let path = format!("study-{:03}/site-{:02}/{name}-{at:07}", at / 100 % 40, at / 7 % 60);
    let subjects = records.len() as u64;
    let kinds = if label == Label::None { &[][..] } else { &[IdentifierType::Person, IdentifierType::Date][..] };
    let report = ObjectReport {
        object: path.clone(),
        format: FORMATS[(at / 3 % 6) as usize],
        bytes: u64::from(at % 10_007) * 100,
        digest: Some(std::array::from_fn(|byte| at.to_le_bytes()[byte % 4])),
        labels: if at.is_multiple_of(50) { vec![label, Label::IpConfidential] } else { vec![label] },
        laws: if subjects > 0 { laws[(at / 10 % 3) as usize].clone() } else { Vec::new() },
        identifiers: kinds.iter().map(|kind| summary(*kind, subjects + 1)).collect(),
        subject_records: records,
        subjects,
        jurisdictions: if subjects > 0 { BTreeMap::from([(place_of(place), subjects)]) } else { BTreeMap::new() },
        spans: Vec::new(),
        samples: kinds.iter().map(|kind| sample(*kind)).collect(),
        errors: Vec::new(),
        study: (at % 10 < 6).then(|| format!("STUDY-{:03}", at / 100 % 40)),
    };
    Inspected {
        path,
        stamp: Some(at.to_string()),
        bytes: report.bytes,
        modified_at: Some(i64::from(at)),
        owner: format!("user{}", at % 20),
        reports: vec![report],
        version: None,
    }
}

fn place_of(name: &str) -> Jurisdiction {
    name.parse().unwrap_or_else(|_unknown| Jurisdiction::unknown())
}

fn summary(kind: IdentifierType, count: u64) -> IdentifierSummary {
    IdentifierSummary { kind, count, confidence: 0.9, finer: BTreeMap::new() }
}

fn sample(kind: IdentifierType) -> MaskedSample {
    MaskedSample {
        kind,
        masked: "J*** D**".to_owned(),
        place: "line 2".to_owned(),
        confidence: 0.9,
        recognizer: "header.name".to_owned(),
        why: "the column is called `name`".to_owned(),
    }
}

/// Records that an object holds, as numbers of people from 0: in four of ten objects, up to two hundred.
fn members(at: u32, people: u32) -> impl Iterator<Item = u32> {
    let count = if at % 10 < 4 { at.wrapping_mul(2_654_435_761) % 16 * (at % 13 + 1) } else { 0 };
    let first = at.wrapping_mul(2_246_822_519) % people;
    (0..count).map(move |step| (first + step * (1 + at % 3)) % people)
}

/// The person whom a number describes: every tenth number belongs to the one before it, which name and birth date tell.
fn person_of(number: u32) -> u32 {
    if number % 10 == 9 { number - 1 } else { number }
}

fn record(number: u32, place: &str) -> SubjectRecord {
    let token = |class: u8, number: u32| {
        let mut bytes = [class; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        Token(bytes)
    };
    // Even and odd numbers are of two hospitals: within one, another number would speak against one person.
    let strong = (TokenKind::Strong { domain: 1 + number % 2 }, token(1, number));
    let name = (TokenKind::NameAndBirth, token(2, person_of(number)));
    SubjectRecord { tokens: vec![strong, name], jurisdiction: place_of(place) }
}
