//! `cargo xtask train-names`: learns the weights of the tagger of person names from generated text, chooses its threshold
//! on templates held out of training, and writes content/names/tagger.bin and tagger.md. The same lists, templates and
//! sentences give the same bytes. The test half of the templates is never read here.

mod learn;
mod sentences;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use model::IdentifierType;
use recognize::names::tagger::{self, SURE_CONFIDENCE, Thresholds, features};
use recognize::names::{HIT_CONFIDENCE, Names, Scratch};
use sample::notes::{Split, generate_numbered};

use learn::{Example, Feature};

/// Seed of the notes and sentences.
const SEED: u64 = 20_261_124;
/// Notes to learn from.
const NOTES: usize = 9000;
/// Bytes of each kind of file without persons.
const NOISE_BYTES: usize = 200_000;
/// One of so many templates and sentences is held out to choose the threshold on.
const FOLDS: usize = 5;

/// The share of persons among the doubts that become hits, on held-out texts.
const PROMOTED_PRECISION: f64 = 0.92;
/// The share of others among the hits that are dismissed, on held-out texts.
const DISMISSED_PRECISION: f64 = 0.65;

/// A text with the persons in it. Texts of one template have the same number.
pub struct Labelled {
    /// Number of its template.
    pub template: usize,
    /// The text.
    pub text: String,
    /// The persons, as byte ranges.
    pub persons: Vec<(usize, usize)>,
}

/// Learns, measures and writes.
///
/// # Errors
/// When the lists or sentences cannot be read or the results not be written.
pub fn run(root: &Path) -> anyhow::Result<()> {
    let folder = root.join("content/names");
    let texts = texts(&folder)?;
    let names = Names::load();
    let (mut held, mut train) = (Tally::default(), Tally::default());
    for text in &texts {
        let part = if text.template % FOLDS == 0 { &mut held } else { &mut train };
        part.add(&names, text);
    }
    println!("{} texts, {} candidates, {} held out", texts.len(), train.examples.len(), held.examples.len());
    let weights = learn::weights(&train.examples, SEED);
    let scored = scored(&held, &weights);
    let thresholds = Thresholds { promote: promote(&scored), dismiss: dismiss(&scored) };
    let report = report(&held, &scored, thresholds);
    println!("{report}");
    train.examples.append(&mut held.examples);
    let weights = learn::weights(&train.examples, SEED);
    write(&folder.join("tagger.bin"), &tagger::pack(&weights, thresholds))?;
    write(&folder.join("tagger.md"), report.as_bytes())
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

fn texts(folder: &Path) -> anyhow::Result<Vec<Labelled>> {
    let mut texts = sentences::generate(folder, SEED)?;
    let first = 1_000_000;
    texts.extend(
        generate_numbered(SEED, Split::Train, NOTES).into_iter().map(|(template, labelled)| Labelled {
            template: first + template,
            persons: labelled
                .spans
                .iter()
                .filter(|span| span.2 == IdentifierType::Person)
                .map(|span| (span.0, span.1))
                .collect(),
            text: labelled.text,
        }),
    );
    let noise = [
        sample::noise::source_code(SEED, NOISE_BYTES),
        sample::noise::vcf(SEED, NOISE_BYTES),
        sample::noise::fasta(SEED, NOISE_BYTES),
    ];
    texts.extend((1..).zip(noise).map(|(at, bytes)| Labelled {
        template: 2 * first + at,
        text: String::from_utf8_lossy(&bytes).into_owned(),
        persons: Vec::new(),
    }));
    Ok(texts)
}

/// Candidates to learn from, and what the rules alone made of the same texts.
#[derive(Default)]
struct Tally {
    examples: Vec<Example>,
    /// Persons in the texts.
    persons: usize,
    /// Finds of the rules alone: persons and others.
    rules: [usize; 2],
}

impl Tally {
    fn add(&mut self, names: &Names, labelled: &Labelled) {
        let (mut scratch, mut hits) = (Scratch::default(), Vec::new());
        names.find(&labelled.text, &mut scratch, &mut hits);
        tagger::candidates(&scratch, &mut hits);
        self.persons += labelled.persons.len();
        for hit in &hits {
            let person = labelled.persons.iter().any(|(start, end)| hit.start < *end && hit.end > *start);
            if hit.confidence >= HIT_CONFIDENCE {
                self.rules[usize::from(!person)] += 1;
            }
            if hit.confidence >= SURE_CONFIDENCE {
                continue;
            }
            let mut features = Vec::new();
            features::each(names.gazetteer(), &labelled.text, hit, &mut |kind, number| {
                features.push(Feature { number, lexical: kind == features::Kind::Lexical });
            });
            self.examples.push(Example {
                features,
                person,
                doubt: hit.confidence < HIT_CONFIDENCE,
                template: labelled.template,
            });
        }
    }
}

/// A held-out candidate as the tagger sees it.
struct Scored {
    logits: f32,
    person: bool,
    doubt: bool,
}

fn scored(held: &Tally, weights: &[f32]) -> Vec<Scored> {
    let score = |example: &Example| learn::score(&example.features, weights);
    held.examples.iter().map(|e| Scored { logits: score(e), person: e.person, doubt: e.doubt }).collect()
}

fn ratio(part: usize, whole: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap_or(u32::MAX)) / f64::from(u32::try_from(whole).unwrap_or(u32::MAX).max(1))
}

/// The thresholds that are tried, in logits.
fn steps() -> impl DoubleEndedIterator<Item = f32> {
    (-16_i16..=16).map(|step| f32::from(step) / 4.0)
}

/// Persons and others among the doubts from a threshold on.
fn promoted(scored: &[Scored], threshold: f32) -> [usize; 2] {
    [true, false]
        .map(|person| scored.iter().filter(|one| one.doubt && one.logits >= threshold && one.person == person).count())
}

/// Persons and others among the hits below a threshold.
fn dismissed(scored: &[Scored], threshold: f32) -> [usize; 2] {
    [true, false]
        .map(|person| scored.iter().filter(|one| !one.doubt && one.logits < threshold && one.person == person).count())
}

/// The lowest threshold from which on enough doubts are persons.
fn promote(scored: &[Scored]) -> f32 {
    let enough = |threshold: &f32| {
        let [right, wrong] = promoted(scored, *threshold);
        ratio(right, right + wrong) >= PROMOTED_PRECISION
    };
    steps().find(enough).unwrap_or(f32::from(i8::MAX))
}

/// The highest threshold below which enough hits are no persons.
fn dismiss(scored: &[Scored]) -> f32 {
    let enough = |threshold: &f32| {
        let [lost, right] = dismissed(scored, *threshold);
        ratio(right, lost + right) >= DISMISSED_PRECISION
    };
    steps().rev().find(enough).unwrap_or(f32::from(i8::MIN))
}

fn report(held: &Tally, scored: &[Scored], chosen: Thresholds) -> String {
    let mut text = String::from(
        "# What the tagger of person names was measured at\n\n\
         Written by `cargo xtask train-names`. Measured on training templates and sentences held out of training, every\n\
         find that overlaps a name counted; the test half of the templates plays no part.\n\n",
    );
    let [right, wrong] = held.rules;
    let [more, false_more] = promoted(scored, chosen.promote);
    let [lost, mended] = dismissed(scored, chosen.dismiss);
    let (both, false_both) = (right + more - lost, wrong + false_more - mended);
    let _ = writeln!(text, "| tiers | recall | precision |\n| --- | --- | --- |");
    for (tiers, right, wrong) in [("rules alone", right, wrong), ("rules and tagger", both, false_both)] {
        let (recall, precision) = (ratio(right, held.persons), ratio(right, right + wrong));
        let _ = writeln!(text, "| {tiers} | {recall:.3} | {precision:.3} |");
    }
    let _ = writeln!(
        text,
        "\nDoubts become hits from {:.2} logits on, hits are dismissed below {:.2}: the thresholds at which {:.0} % of the\n\
         doubts taken are persons and {:.0} % of the hits dismissed are none.\n\n\
         | logits | doubts from here on: persons | others | hits below: persons | others |\n\
         | --- | --- | --- | --- | --- |",
        chosen.promote,
        chosen.dismiss,
        PROMOTED_PRECISION * 100.0,
        DISMISSED_PRECISION * 100.0
    );
    for threshold in steps() {
        let ([taken, wrong], [lost, mended]) = (promoted(scored, threshold), dismissed(scored, threshold));
        let _ = writeln!(text, "| {threshold:.2} | {taken} | {wrong} | {lost} | {mended} |");
    }
    text
}
