//! Structured identifiers, everything but persons, in generated notes of held-out templates: recall and precision, any overlap
//! of the same type counts. And silence: noise of many kinds raises no alarm.

#![expect(clippy::print_stdout, reason = "the tables are what one reads")]

use std::collections::BTreeMap;

use model::IdentifierType as T;
use recognize::engine::{Engine, Hit, NamesTier};
use sample::notes::{LabelledText, Language, Split, generate, generate_in};

/// Types that the notes are not labelled with, or that stand there as ordinary words.
const UNLABELLED: [T; 6] = [T::Person, T::ConfidentialMark, T::Unblinding, T::Sequence, T::Biometric, T::FaceImage];

/// Words of the templates themselves that are identifiers of a type and bear no label.
const TRUE_WORDS: [&str; 4] = ["meningioma", "heparin", "warfarin", "46,XX,t(9;22)"];

/// Of one type: how many were found and how many finds were right.
#[derive(Debug, Default, Clone, Copy)]
struct Score {
    found: u32,
    missed: u32,
    right: u32,
    wrong: u32,
}

impl Score {
    fn recall(self) -> f64 {
        f64::from(self.found) / f64::from((self.found + self.missed).max(1))
    }

    fn precision(self) -> f64 {
        f64::from(self.right) / f64::from((self.right + self.wrong).max(1))
    }

    fn add(&mut self, other: Self) {
        self.found += other.found;
        self.missed += other.missed;
        self.right += other.right;
        self.wrong += other.wrong;
    }
}

/// Types that say the same where the label of a note is coarser or finer than what is found.
fn same(found: T, wanted: T) -> bool {
    // A French or German health-insurance number is a national number too.
    const NATIONAL: [T; 6] =
        [T::NationalId, T::HealthPlanId, T::UsSsn, T::JpMyNumber, T::JpHealthInsurance, T::Licence];
    const CALLS: [T; 2] = [T::Phone, T::Fax];
    found == wanted
        || (CALLS.contains(&found) && CALLS.contains(&wanted))
        || (NATIONAL.contains(&found) && NATIONAL.contains(&wanted))
}

fn measure(engine: &Engine, texts: &[LabelledText]) -> BTreeMap<T, Score> {
    let show = std::env::var("SHOW_ERRORS").is_ok();
    let mut scores: BTreeMap<T, Score> = BTreeMap::new();
    let mut scratch = engine.scratch();
    let mut hits: Vec<Hit> = Vec::new();
    for labelled in texts {
        hits.clear();
        engine.text(&labelled.text, NamesTier::Fast, None, &mut scratch, &mut hits);
        for (start, end, kind) in labelled.spans.iter().filter(|span| !UNLABELLED.contains(&span.2)) {
            let found = hits.iter().any(|hit| hit.start < *end && hit.end > *start && same(hit.kind, *kind));
            let score = scores.entry(*kind).or_default();
            score.found += u32::from(found);
            score.missed += u32::from(!found);
            if show && !found {
                let instead = hits.iter().find(|hit| hit.start < *end && hit.end > *start);
                let instead = instead.map(|hit| (hit.kind, who(engine, hit)));
                println!("missed {kind} {:?} instead {instead:?}", around(&labelled.text, *start, *end));
            }
        }
        for hit in hits.iter().filter(|hit| !UNLABELLED.contains(&hit.kind)) {
            let right = labelled
                .spans
                .iter()
                .any(|(start, end, kind)| hit.start < *end && hit.end > *start && same(hit.kind, *kind));
            let right = right
                || TRUE_WORDS.contains(&labelled.text[hit.start..hit.end].to_lowercase().as_str())
                || TRUE_WORDS.contains(&&labelled.text[hit.start..hit.end]);
            let score = scores.entry(hit.kind).or_default();
            score.right += u32::from(right);
            score.wrong += u32::from(!right);
            if show && !right {
                println!("wrong {} {} {:?}", hit.kind, who(engine, hit), around(&labelled.text, hit.start, hit.end));
            }
        }
    }
    scores
}

fn who(engine: &Engine, hit: &Hit) -> String {
    match hit.by {
        recognize::engine::By::Recognizer(index) => engine.recognizer(index).map_or_else(String::new, |s| s.id.clone()),
        other => format!("{other:?}"),
    }
}

fn around(text: &str, start: usize, end: usize) -> String {
    let from = text[..start].char_indices().rev().nth(40).map_or(0, |(at, _)| at);
    let to = text[end..].char_indices().nth(24).map_or(text.len(), |(at, _)| end + at);
    format!("{}«{}»{}", &text[from..start], &text[start..end], &text[end..to])
}

fn total(scores: &BTreeMap<T, Score>) -> Score {
    let mut sum = Score::default();
    for score in scores.values() {
        sum.add(*score);
    }
    sum
}

fn table(title: &str, scores: &BTreeMap<T, Score>) {
    println!("{title}");
    for (kind, score) in scores {
        println!("  {:20} recall {:.3} precision {:.3} {score:?}", kind.as_str(), score.recall(), score.precision());
    }
    let sum = total(scores);
    println!("  {:20} recall {:.3} precision {:.3} {sum:?}", "all", sum.recall(), sum.precision());
}

/// What to improve on is looked for in the training templates: `cargo test … -- --ignored --nocapture` with `SHOW_ERRORS=1`.
#[test]
#[ignore = "prints a table to work with and demands nothing"]
fn training_templates_are_measured() {
    let engine = Engine::embedded().unwrap();
    table("training templates", &measure(&engine, &generate(5, Split::Train, 2000)));
}

#[test]
fn structured_identifiers_are_found_in_held_out_notes() {
    let engine = Engine::embedded().unwrap();
    let scores = measure(&engine, &generate(7, Split::Test, 2000));
    table("all languages", &scores);
    let sum = total(&scores);
    assert!(sum.recall() >= 0.98, "{sum:?}");
    assert!(sum.precision() >= 0.98, "{sum:?}");
}

#[test]
fn every_language_is_found() {
    let engine = Engine::embedded().unwrap();
    for language in [Language::En, Language::De, Language::Fr, Language::Es, Language::Ja] {
        let scores = measure(&engine, &generate_in(11, Split::Test, language, 300));
        let sum = total(&scores);
        println!("{language:?}: recall {:.3} precision {:.3} {sum:?}", sum.recall(), sum.precision());
        assert!(sum.recall() >= 0.96, "{language:?} {sum:?}");
        assert!(sum.precision() >= 0.97, "{language:?} {sum:?}");
    }
}

#[test]
fn noise_raises_no_alarm() {
    let engine = Engine::embedded().unwrap();
    let mut scratch = engine.scratch();
    for (what, bytes) in [
        ("vcf", sample::noise::vcf(3, 1 << 20)),
        ("fasta", sample::noise::fasta(3, 1 << 20)),
        ("source code", sample::noise::source_code(3, 1 << 20)),
        ("numeric table", sample::noise::numeric_table(3, 1 << 20)),
    ] {
        let text = String::from_utf8(bytes).unwrap();
        let mut hits = Vec::new();
        engine.text(&text, NamesTier::Fast, None, &mut scratch, &mut hits);
        // What genomic files hold is no false alarm in them.
        let genomic = matches!(what, "vcf" | "fasta");
        hits.retain(|hit| !(genomic && matches!(hit.kind, T::Sequence | T::GeneticVariant | T::SampleId)));
        let shown: Vec<_> =
            hits.iter().take(10).map(|hit| (hit.kind, who(&engine, hit), around(&text, hit.start, hit.end))).collect();
        assert!(hits.is_empty(), "{what}: {} alarms {shown:?}", hits.len());
    }
}
