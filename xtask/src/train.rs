//! `cargo xtask train-names`: learns the weights of the tagger of person names from generated text, chooses its threshold
//! on templates held out of training, and writes content/names/tagger.bin and tagger.md. The same lists, templates and
//! sentences give the same bytes. The test half of the templates is never read here.

mod learn;
mod sentences;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use model::IdentifierType;
use recognize::names::tagger::{self, SURE_CONFIDENCE, features};
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
    let table = thresholds(&held, &weights);
    let best = table
        .iter()
        .max_by(|a, b| a.f1().total_cmp(&b.f1()))
        .context("there is no candidate to choose a threshold on")?;
    let report = report(&held, &table, best);
    println!("{report}");
    let threshold = best.threshold;
    train.examples.append(&mut held.examples);
    let weights = learn::weights(&train.examples, SEED);
    write(&folder.join("tagger.bin"), &tagger::pack(&weights, threshold))?;
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
    /// Finds that the rules are sure of: persons and others.
    sure: [usize; 2],
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
                self.sure[usize::from(!person)] += 1;
                continue;
            }
            let mut features = Vec::new();
            features::each(names.gazetteer(), &labelled.text, hit, &mut |kind, number| {
                features.push(Feature { number, lexical: kind == features::Kind::Lexical });
            });
            self.examples.push(Example { features, person, template: labelled.template });
        }
    }
}

/// What a threshold gives on the held-out texts, the finds that the rules are sure of included.
struct Row {
    threshold: f32,
    recall: f64,
    precision: f64,
}

impl Row {
    /// Harmonic mean of recall and precision (van Rijsbergen: Information Retrieval, 1979).
    fn f1(&self) -> f64 {
        2.0 * self.recall * self.precision / (self.recall + self.precision).max(f64::MIN_POSITIVE)
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap_or(u32::MAX)) / f64::from(u32::try_from(whole).unwrap_or(u32::MAX).max(1))
}

fn thresholds(held: &Tally, weights: &[f32]) -> Vec<Row> {
    let scored: Vec<(f32, bool)> =
        held.examples.iter().map(|example| (learn::score(&example.features, weights), example.person)).collect();
    (-12_i16..=12)
        .map(|step| {
            let threshold = f32::from(step) / 4.0;
            let taken = |person| scored.iter().filter(|(score, is)| *score >= threshold && *is == person).count();
            let (right, wrong) = (held.sure[0] + taken(true), held.sure[1] + taken(false));
            Row { threshold, recall: ratio(right, held.persons), precision: ratio(right, right + wrong) }
        })
        .collect()
}

fn report(held: &Tally, table: &[Row], best: &Row) -> String {
    let mut text = String::from(
        "# What the tagger of person names was measured at\n\n\
         Written by `cargo xtask train-names`. Measured on training templates and sentences held out of training, every\n\
         find that overlaps a name counted; the test half of the templates plays no part. Finds that the rules are sure\n\
         of are included.\n\n| threshold (logits) | recall | precision |\n| --- | --- | --- |\n",
    );
    let [right, wrong] = held.rules;
    let _ = writeln!(text, "| rules alone | {:.3} | {:.3} |", ratio(right, held.persons), ratio(right, right + wrong));
    for row in table {
        let chosen = if row.threshold.total_cmp(&best.threshold).is_eq() { " (chosen)" } else { "" };
        let _ = writeln!(text, "| {:.2}{chosen} | {:.3} | {:.3} |", row.threshold, row.recall, row.precision);
    }
    text
}
