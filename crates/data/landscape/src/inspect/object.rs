//! One object while it is read: what was found so far.

use std::collections::BTreeMap;

use formats::Problem;
use model::{Format, IdentifierType, Label};
use recognize::engine::{By, Hit};

use super::contact::{Contact, EachContact};
use super::link::Links;
use super::subject::{Places, Record, Subjects, TokenKey, distinct};
use super::{Inspector, mask, plan::TablePlan};
use crate::report::{IdentifierSummary, MaskedSample, ObjectReport, Span};

/// Problems kept word for word; further ones are counted in the last.
const PROBLEMS_MAX: usize = 20;

/// Who found something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finder {
    /// The engine.
    Engine(By),
    /// The structure entry of that index.
    Meaning(u32),
}

/// One occurrence, before it is counted.
pub(super) struct Found<'a> {
    pub kind: IdentifierType,
    pub confidence: u8,
    pub finder: Finder,
    /// The text it was found in, and where in it.
    pub text: &'a str,
    pub range: (usize, usize),
    pub raw: &'a formats::Raw<'a>,
    /// The engine's hit, for explanations.
    pub hit: Option<&'a Hit>,
}

#[derive(Default, Clone)]
struct Tally {
    count: u64,
    confidence: u64,
    samples: usize,
    finders: Vec<(Finder, u64)>,
}

pub(super) struct Object {
    pub name: String,
    pub format: Format,
    pub table: Option<TablePlan>,
    pub record: Record,
    /// How the subject of the record at hand is reached; nothing where nobody wants to know.
    pub contact: Contact,
    pub subjects: Subjects,
    links: Links,
    pub study: Option<String>,
    tallies: Vec<Tally>,
    spans: Vec<Span>,
    samples: Vec<MaskedSample>,
    errors: Vec<Problem>,
    problems: u64,
}

impl Object {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            format: Format::Binary,
            table: None,
            record: Record::default(),
            contact: Contact::default(),
            subjects: Subjects::default(),
            links: Links::default(),
            study: None,
            tallies: vec![Tally::default(); IdentifierType::ALL.len()],
            spans: Vec::new(),
            samples: Vec::new(),
            errors: Vec::new(),
            problems: 0,
        }
    }

    /// Ends the record at hand, and tells whoever wants to know how its subject is reached.
    pub(super) fn end_record(&mut self, key: &TokenKey, places: &mut Places, contacts: &mut Option<EachContact<'_>>) {
        let linked = self.record.take_links();
        let contact = contacts.is_some().then(|| std::mem::take(&mut self.contact));
        let Some(subject) = self.record.finish(key, places) else { return };
        if let (Some(contacts), Some(contact)) = (contacts, &contact) {
            (**contacts)(&subject, contact);
        }
        match linked {
            Some(linked) => self.links.add(linked, subject, &mut self.subjects),
            None => self.subjects.add(subject),
        }
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        self.problems += 1;
        if self.errors.len() < PROBLEMS_MAX {
            self.errors.push(problem);
        }
    }

    /// Counts an occurrence; keeps a masked sample of the first few, and its span when asked to.
    pub(super) fn add(&mut self, inspector: &Inspector, found: &Found<'_>, place: impl FnOnce() -> String) {
        let tally = &mut self.tallies[found.kind as usize];
        tally.count += 1;
        tally.confidence += u64::from(found.confidence);
        match tally.finders.iter_mut().find(|(finder, _)| *finder == found.finder) {
            Some((_, count)) => *count += 1,
            None => tally.finders.push((found.finder, 1)),
        }
        let wants_sample = tally.samples < inspector.options.samples_per_type;
        if !wants_sample && !inspector.options.spans {
            return;
        }
        let place = place();
        if wants_sample {
            tally.samples += 1;
            let value = found.text.get(found.range.0..found.range.1).unwrap_or("");
            self.samples.push(MaskedSample {
                kind: found.kind,
                masked: mask::mask(value),
                place: place.clone(),
                confidence: f32::from(found.confidence) / 100.0,
                recognizer: finder_id(inspector, found),
                why: why(inspector, found),
            });
        }
        if inspector.options.spans {
            self.span(inspector, found, place);
        }
    }

    fn span(&mut self, inspector: &Inspector, found: &Found<'_>, place: String) {
        let (subtype, country) = finer(inspector, found.finder);
        self.spans.push(Span {
            kind: found.kind,
            subtype,
            country,
            offsets: found.raw.locate(found.text, found.range.0, found.range.1),
            place,
            confidence: f32::from(found.confidence) / 100.0,
            recognizer: finder_id(inspector, found),
            why: inspector.options.explain.then(|| why(inspector, found)),
        });
    }

    /// Ends the object.
    pub(super) fn report(mut self, inspector: &Inspector, bytes: u64) -> ObjectReport {
        std::mem::take(&mut self.links).resolve(&mut self.subjects);
        let records = std::mem::take(&mut self.subjects).into_records();
        let (subjects, jurisdictions) = distinct(&records);
        let counts = self.tallies.iter().zip(IdentifierType::ALL).map(|(tally, kind)| (*kind, tally.count));
        let counts = counts.filter(|(_, count)| *count > 0);
        let (labels, laws) = inspector.labels.labels(counts, self.format, jurisdictions.keys());
        if self.problems > PROBLEMS_MAX as u64 {
            let more = self.problems - PROBLEMS_MAX as u64;
            self.errors.push(Problem::malformed(format!("and {more} further problems in this object")));
        }
        let study = self.study.or_else(|| super::study::of_path(&self.name));
        ObjectReport {
            object: self.name,
            format: self.format,
            bytes,
            digest: None,
            labels: if labels.is_empty() { vec![Label::None] } else { labels },
            laws,
            identifiers: summaries(inspector, &self.tallies),
            subject_records: records,
            subjects,
            jurisdictions,
            spans: self.spans,
            samples: self.samples,
            errors: self.errors,
            study,
        }
    }
}

fn summaries(inspector: &Inspector, tallies: &[Tally]) -> Vec<IdentifierSummary> {
    let found = tallies.iter().zip(IdentifierType::ALL).filter(|(tally, _)| tally.count > 0);
    found
        .map(|(tally, kind)| {
            let mut finer_counts = BTreeMap::new();
            for (finder, count) in &tally.finders {
                let (subtype, country) = finer(inspector, *finder);
                if let Some(name) = subtype.or(country) {
                    *finer_counts.entry(name).or_insert(0) += count;
                }
            }
            #[expect(clippy::cast_precision_loss, reason = "a mean of percents needs no 24 bits")]
            let confidence = tally.confidence as f32 / tally.count as f32 / 100.0;
            IdentifierSummary { kind: *kind, count: tally.count, confidence, finer: finer_counts }
        })
        .collect()
}

/// Subtype and country that the finder stands for.
fn finer(inspector: &Inspector, finder: Finder) -> (Option<String>, Option<String>) {
    match finder {
        Finder::Meaning(index) => {
            (inspector.structure.meaning(index).and_then(|meaning| meaning.subtype.clone()), None)
        }
        Finder::Engine(By::Recognizer(index)) => match inspector.engine.recognizer(index) {
            Some(spec) => {
                let country = if let [country] = spec.countries.as_slice() { Some(country.clone()) } else { None };
                (spec.subtype.clone(), country)
            }
            None => (None, None),
        },
        Finder::Engine(_) => (None, None),
    }
}

fn finder_id(inspector: &Inspector, found: &Found<'_>) -> String {
    match found.finder {
        Finder::Meaning(index) => inspector.structure.id(index),
        Finder::Engine(By::Recognizer(index)) => {
            inspector.engine.recognizer(index).map_or_else(String::new, |spec| spec.id.clone())
        }
        Finder::Engine(_) => found.hit.map_or_else(String::new, |hit| inspector.engine.finder(hit).to_owned()),
    }
}

fn why(inspector: &Inspector, found: &Found<'_>) -> String {
    match (found.finder, found.hit) {
        (Finder::Meaning(index), _) => format!("its place says so (`{}`)", inspector.structure.id(index)),
        (Finder::Engine(By::Recognizer(index)), None) => {
            let name = inspector.engine.recognizer(index).map_or("", |spec| spec.name.as_str());
            format!("its column or field name says so: {name}")
        }
        (Finder::Engine(_), Some(hit)) => inspector.engine.explain(found.text, hit),
        (Finder::Engine(_), None) => String::new(),
    }
}
