//! Sentences of another hand than the generator's and the trainer's (`names_held_out.txt`): discharge summaries, letters,
//! lists of attendees, e-mails, names of many origins, and what is called after people.

#![expect(clippy::print_stdout, reason = "tests report what they measured")]

use recognize::names::tagger::Tagger;
use recognize::names::{NameHit, Names, Scratch};

const SENTENCES: &str = include_str!("names_held_out.txt");

fn marked(line: &str) -> (String, Vec<(usize, usize)>) {
    let (mut text, mut persons, mut open) = (String::new(), Vec::new(), 0);
    for c in line.chars() {
        match c {
            '«' => open = text.len(),
            '»' => persons.push((open, text.len())),
            '¶' => text.push('\n'),
            other => text.push(other),
        }
    }
    (text, persons)
}

#[derive(Debug, Default)]
struct Score {
    found: u32,
    persons: u32,
    right: u32,
    wrong: u32,
}

fn measure(tier: &str, find: impl Fn(&str, &mut Vec<NameHit>)) -> (f64, f64) {
    let mut score = Score::default();
    let mut hits = Vec::new();
    for line in SENTENCES.lines().filter(|line| !line.starts_with("# ")) {
        let (text, persons) = marked(line);
        hits.clear();
        find(&text, &mut hits);
        for (start, end) in &persons {
            let found = hits.iter().any(|hit| hit.start < *end && hit.end > *start);
            score.persons += 1;
            score.found += u32::from(found);
            if !found {
                println!("{tier} missed `{}` in {line}", &text[*start..*end]);
            }
        }
        for hit in &hits {
            let right = persons.iter().any(|(start, end)| hit.start < *end && hit.end > *start);
            score.right += u32::from(right);
            score.wrong += u32::from(!right);
            if !right {
                println!("{tier} wrong {} {:?} `{}` in {line}", hit.confidence, hit.why, &text[hit.start..hit.end]);
            }
        }
    }
    let recall = f64::from(score.found) / f64::from(score.persons);
    let precision = f64::from(score.right) / f64::from(score.right + score.wrong);
    println!("{tier}: recall {recall:.3} precision {precision:.3} {score:?}");
    (recall, precision)
}

#[test]
fn sentences_of_another_hand_are_read() {
    assert!(SENTENCES.lines().filter(|line| !line.starts_with("# ")).count() >= 150);
    let (names, tagger) = (Names::load(), Tagger::load());
    let fast = measure("fast", |text, hits| names.find(text, &mut Scratch::default(), hits));
    let model = measure("model", |text, hits| {
        let mut scratch = Scratch::default();
        names.find(text, &mut scratch, hits);
        let read = tagger.rescore(&names, text, &scratch, hits);
        assert!(read <= text.len());
    });
    for (recall, precision) in [fast, model] {
        assert!(recall >= 0.90, "recall {recall:.3}");
        assert!(precision >= 0.88, "precision {precision:.3}");
    }
}

#[test]
fn the_tagger_reads_windows_alone_and_nothing_of_plain_numbers() {
    let (names, tagger) = (Names::load(), Tagger::load());
    let text = format!("{}We met Quillon today.{}", "blood pressure 120/80. ".repeat(50), " no change.".repeat(50));
    let (mut scratch, mut hits) = (Scratch::default(), Vec::new());
    names.find(&text, &mut scratch, &mut hits);
    let read = tagger.rescore(&names, &text, &scratch, &mut hits);
    assert!(read > 0 && read < 300, "{read}");
    names.find("12 34 56", &mut scratch, &mut hits);
    hits.clear();
    assert_eq!(tagger.rescore(&names, "12 34 56", &scratch, &mut hits), 0);
    assert!(hits.pop().is_none());
}

/// Ordinary code has no persons: what the machine's own crates hold of it is measured, not what their licences say.
#[test]
fn noise_has_no_persons() {
    let (names, tagger) = (Names::load(), Tagger::load());
    let kinds = [
        ("source code", sample::noise::source_code(5, 1_000_000)),
        ("fasta", sample::noise::fasta(5, 1_000_000)),
        ("vcf", sample::noise::vcf(5, 1_000_000)),
    ];
    for (kind, bytes) in kinds {
        let text = String::from_utf8(bytes).unwrap();
        let (mut scratch, mut hits) = (Scratch::default(), Vec::new());
        names.find(&text, &mut scratch, &mut hits);
        assert_eq!(hits.len(), 0, "fast, {kind}");
        tagger.rescore(&names, &text, &scratch, &mut hits);
        assert_eq!(hits.len(), 0, "model, {kind}");
    }
}

#[test]
fn the_tagger_keeps_up() {
    let (names, tagger) = (Names::load(), Tagger::load());
    let text = sample::notes::corpus(3, 4_000_000);
    let (mut scratch, mut hits, mut read) = (Scratch::default(), Vec::new(), 0);
    let megabytes = |start: std::time::Instant| 4.0 / start.elapsed().as_secs_f64();
    let start = std::time::Instant::now();
    for note in text.split("\n\n") {
        hits.clear();
        names.find(note, &mut scratch, &mut hits);
    }
    let fast = megabytes(start);
    let start = std::time::Instant::now();
    for note in text.split("\n\n") {
        hits.clear();
        names.find(note, &mut scratch, &mut hits);
        read += tagger.rescore(&names, note, &scratch, &mut hits);
    }
    let model = megabytes(start);
    println!("fast {fast:.0} MB/s, model {model:.0} MB/s, which read {read} of {} bytes", text.len());
    assert!(read < text.len() * 3 / 5, "{read}");
    // The goal of 10 MB/s is for optimised builds; this holds on a busy machine too.
    assert!(model > 3.0, "{model:.1} MB/s");
}
