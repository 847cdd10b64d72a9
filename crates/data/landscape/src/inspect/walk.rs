//! The sink that readers report to while one top-level object is inspected.

mod grids;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use formats::{Field, Halt, Member, Place, Problem, Raw, Row, Sink, Table, Text, Vocabulary};
use model::{Format, IdentifierType};
use recognize::content::{Meaning, Part, Role};
use recognize::engine::{By, Hint, Hit, Scratch};
use recognize::structure::Told;

use super::Inspector;
use super::contact::EachContact;
use super::object::{Finder, Found, Object};
use super::plan::{ColumnPlan, TablePlan};
use super::squeeze::Squeezed;
use super::subject::Places;
use crate::report::ObjectReport;
use grids::Ranges;

/// Confidence of a value whose place says what it is, in percent.
const STRUCTURE_CONFIDENCE: u8 = 97;
/// The same where a validator confirms it.
const CONFIRMED_CONFIDENCE: u8 = 99;
/// Distinct paths remembered before starting over.
const PATHS_MAX: usize = 100_000;
/// Distinct names of fields remembered before starting over.
const HINTS_MAX: usize = 4_096;
/// Identifiers in free text further apart than this, in bytes, are not one person's record.
const TEXT_RECORD_BYTES: usize = 4_000;

pub(super) struct Walk<'a> {
    inspector: &'a Inspector,
    scratch: &'a mut Scratch,
    each: &'a mut dyn FnMut(ObjectReport),
    stack: Vec<Object>,
    hits: Vec<Hit>,
    squeezed: Squeezed,
    /// What each path told, by hash of vocabulary, path and qualifiers.
    paths: HashMap<u64, Option<Told>>,
    /// What the names of fields say, by name.
    hints: HashMap<String, Rc<Hint>>,
    /// What labels and column names in running text say, by name.
    labels: HashMap<String, Option<Told>>,
    places: Places,
    /// Whoever wants to know how subjects are reached.
    contacts: Option<EachContact<'a>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        inspector: &'a Inspector,
        name: &str,
        scratch: &'a mut Scratch,
        each: &'a mut dyn FnMut(ObjectReport),
    ) -> Self {
        Self {
            inspector,
            scratch,
            each,
            stack: vec![Object::new(name.to_owned())],
            hits: Vec::new(),
            squeezed: Squeezed::default(),
            paths: HashMap::new(),
            hints: HashMap::new(),
            labels: HashMap::new(),
            places: Places::default(),
            contacts: None,
        }
    }

    /// Tells how the subject of each record is reached.
    pub(super) fn telling(mut self, contacts: EachContact<'a>) -> Self {
        self.contacts = Some(contacts);
        self
    }

    /// Ends the walk: whatever is still open was stopped, and is reported as far as it was read.
    pub(super) fn finish(mut self, bytes: Option<u64>) {
        while let Some(object) = self.stack.pop() {
            let bytes = if self.stack.is_empty() { bytes.unwrap_or(0) } else { 0 };
            self.close(object, bytes);
        }
    }

    fn close(&mut self, mut object: Object, bytes: u64) {
        object.end_record(&self.inspector.key, &mut self.places, &mut self.contacts);
        (self.each)(object.report(self.inspector, bytes));
    }

    fn end_record(&mut self) {
        let Some(object) = self.stack.last_mut() else { return };
        object.end_record(&self.inspector.key, &mut self.places, &mut self.contacts);
    }

    /// Searches `text`; what is found is counted, and its strong identifiers belong to the record at hand.
    fn search(
        &mut self,
        text: &str,
        raw: &Raw<'_>,
        hint: Option<&recognize::engine::Hint>,
        settled: &Ranges,
        place: &dyn Fn(&str, usize) -> String,
    ) {
        let mut hits = std::mem::take(&mut self.hits);
        hits.clear();
        let tier = self.inspector.options.names;
        if self.squeezed.fill(text, self.stack.last().map_or(Format::Binary, |object| object.format)) {
            self.inspector.engine.text(&self.squeezed.text, tier, hint, self.scratch, &mut hits);
            for hit in &mut hits {
                (hit.start, hit.end) = self.squeezed.original(hit.start, hit.end);
            }
        } else {
            self.inspector.engine.text(text, tier, hint, self.scratch, &mut hits);
        }
        hits.retain(|hit| !settled.meet(hit.start, hit.end));
        if let Some(object) = self.stack.last_mut() {
            for hit in &hits {
                let found = Found {
                    kind: hit.kind,
                    confidence: hit.confidence,
                    finder: Finder::Engine(hit.by),
                    text,
                    range: (hit.start, hit.end),
                    raw,
                    hit: Some(hit),
                };
                object.add(self.inspector, &found, || place(text, hit.start));
            }
        }
        self.hits = hits;
    }

    /// Joins the identifiers of running text to records: a second value of one kind, or a long gap, begins the next.
    /// Lines of tables and forms are records of their own.
    fn text_records(&mut self, text: &str, lines: &Ranges) {
        let hits = std::mem::take(&mut self.hits);
        let mut last_end = 0;
        for hit in hits.iter().filter(|hit| !lines.meet(hit.start, hit.end)) {
            let Some(value) = text.get(hit.start..hit.end) else { continue };
            if hit.start.saturating_sub(last_end) > TEXT_RECORD_BYTES {
                self.end_record();
            }
            last_end = hit.end;
            self.text_record(hit, value);
        }
        self.hits = hits;
    }

    fn text_record(&mut self, hit: &Hit, value: &str) {
        let key = &self.inspector.key;
        let spec = match hit.by {
            By::Recognizer(index) => self.inspector.engine.recognizer(index),
            By::Terms(_) | By::Names(_) => None,
        };
        let is_birth = hit.kind == IdentifierType::Date
            && spec.and_then(|spec| spec.subtype.as_deref()).is_some_and(|subtype| subtype == "birth");
        let Some(object) = self.stack.last_mut() else { return };
        let strong = spec
            .filter(|spec| spec.strong)
            .map(|spec| (spec, object.record.strong_of(key, spec.kind.as_str(), issuer(spec), value)));
        let contradicts = (is_birth && object.record.contradicts_birth(value))
            || strong.is_some_and(|(_, strong)| object.record.contradicts(strong));
        if contradicts {
            self.end_record();
        }
        let Some(object) = self.stack.last_mut() else { return };
        if let Some((spec, strong)) = strong {
            object.record.take(strong);
            if let [country] = spec.countries.as_slice() {
                object.record.issued_in(country);
            }
        } else if is_birth {
            object.record.birth(value);
        } else if hit.kind == IdentifierType::Person && !object.record.has_name() {
            object.record.name(value);
        }
    }

    fn told(&mut self, field: &Field<'_>) -> Option<Told> {
        let mut hasher = DefaultHasher::new();
        let q = field.qualifiers;
        (field.vocabulary, field.path, q.kind, q.issuer).hash(&mut hasher);
        let key = hasher.finish();
        if let Some(told) = self.paths.get(&key) {
            return *told;
        }
        let told = self.inspector.structure.path(vocabulary(field.vocabulary), field.path, q.kind, q.issuer);
        if self.paths.len() >= PATHS_MAX {
            self.paths.clear();
        }
        self.paths.insert(key, told);
        told
    }

    /// The context that a field's name gives to its value.
    fn hint(&mut self, name: &str) -> Rc<Hint> {
        if let Some(hint) = self.hints.get(name) {
            return Rc::clone(hint);
        }
        let words = recognize::content::structure::normal_header(name).replace('_', " ");
        let hint = Rc::new(self.inspector.engine.hint(&words));
        if self.hints.len() >= HINTS_MAX {
            self.hints.clear();
        }
        self.hints.insert(name.to_owned(), Rc::clone(&hint));
        hint
    }

    /// A value whose place tells what it is. Returns whether that settles it; otherwise it is to be searched.
    fn told_value(
        &mut self,
        told: Told,
        value: &str,
        raw: &Raw<'_>,
        issuer: &str,
        place: &dyn Fn(&str, usize) -> String,
    ) -> bool {
        match told {
            Told::Meaning(index) => self.meant_value(index, value, raw, issuer, place),
            Told::Recognizer(index) => self.field_value(index, value, raw, place),
            Told::Either { recognizer, meaning } => {
                let own = self.inspector.engine.passes(recognizer, value) == Some(true);
                own && self.field_value(recognizer, value, raw, place)
                    || self.meant_value(meaning, value, raw, issuer, place)
            }
        }
    }

    fn meant_value(
        &mut self,
        index: u32,
        value: &str,
        raw: &Raw<'_>,
        issuer: &str,
        place: &dyn Fn(&str, usize) -> String,
    ) -> bool {
        let inspector = self.inspector;
        let Some(meaning) = inspector.structure.meaning(index) else { return false };
        if is_null(value) {
            return true;
        }
        if self.contacts.is_some()
            && let Some(object) = self.stack.last_mut()
        {
            object.contact.take(meaning, value);
        }
        // A study and its sites are nobody's, and still the issuers of their subjects' numbers.
        let is_frame = |part: &Part| meaning.role == Role::Other && matches!(part, Part::Study | Part::Site);
        if let Some(part) = meaning.part.filter(|part| meaning.role == Role::Subject || is_frame(part)) {
            self.part(meaning, part, value, issuer);
        }
        let Some(kind) = meaning.identifier else { return !meaning.scan };
        let confirmed = match inspector.structure.validator(index) {
            Some(valid) if !valid(value) => return meaning.skip,
            Some(_) => true,
            None => false,
        };
        if !is_plausible(kind, value) {
            return meaning.skip;
        }
        let confidence = if confirmed { CONFIRMED_CONFIDENCE } else { STRUCTURE_CONFIDENCE };
        let found = Found {
            kind,
            confidence,
            finder: Finder::Meaning(index),
            text: value,
            range: (0, value.len()),
            raw,
            hit: None,
        };
        if let Some(object) = self.stack.last_mut() {
            object.add(inspector, &found, || place(value, 0));
        }
        // A type and `scan` together: the value is that, and more may stand in it.
        !meaning.scan
    }

    fn field_value(&mut self, index: u16, value: &str, raw: &Raw<'_>, place: &dyn Fn(&str, usize) -> String) -> bool {
        let inspector = self.inspector;
        let Some(spec) = inspector.engine.recognizer(index) else { return false };
        if is_null(value) {
            return true;
        }
        let passes = inspector.engine.passes(index, value);
        if passes == Some(false) || !is_plausible(spec.kind, value) {
            return false;
        }
        let Some(object) = self.stack.last_mut() else { return true };
        let confidence = if passes.is_some() { CONFIRMED_CONFIDENCE } else { STRUCTURE_CONFIDENCE };
        let finder = Finder::Engine(By::Recognizer(index));
        let found = Found { kind: spec.kind, confidence, finder, text: value, range: (0, value.len()), raw, hit: None };
        object.add(inspector, &found, || place(value, 0));
        if spec.strong {
            object.record.strong(&inspector.key, spec.kind.as_str(), self::issuer(spec), value);
            if let [country] = spec.countries.as_slice() {
                object.record.issued_in(country);
            }
        } else if spec.subtype.as_deref() == Some("birth") {
            object.record.birth(value);
        }
        true
    }

    /// Takes a part of the subject's record.
    fn part(&mut self, meaning: &Meaning, part: Part, value: &str, issuer: &str) {
        let key = &self.inspector.key;
        let Some(object) = self.stack.last_mut() else { return };
        let record = &mut object.record;
        match part {
            Part::Name => record.name(value),
            Part::Family => record.family(value),
            Part::Given => record.given(value),
            Part::BirthDate => {
                record.birth(value);
            }
            Part::Country => record.country(value),
            Part::State => record.state(value),
            Part::Postcode => record.postcode(value),
            Part::Study => {
                record.study(value);
                if object.study.is_none() {
                    object.study = Some(value.trim().chars().take(64).collect());
                }
            }
            Part::Site => record.site(value),
            Part::Key => record.key(value),
            Part::KeyOf => record.key_of(value),
            Part::Strong => match meaning.identifier {
                Some(IdentifierType::SubjectId) => {
                    record.trial_subject(value, meaning.subtype.as_deref() != Some("subjid"));
                }
                Some(kind) => {
                    // A national number's issuer is its country, whatever name the sender gives its system.
                    let national =
                        matches!(kind, IdentifierType::UsSsn | IdentifierType::UsMbi | IdentifierType::JpMyNumber);
                    record.strong(key, kind.as_str(), if national { "" } else { issuer }, value);
                    match kind {
                        IdentifierType::UsSsn | IdentifierType::UsMbi => record.issued_in("US"),
                        IdentifierType::JpMyNumber => record.issued_in("JP"),
                        _ => {}
                    }
                }
                None => {}
            },
        }
    }
}

impl Sink for Walk<'_> {
    fn format(&mut self, format: Format) -> Result<(), Halt> {
        if let Some(object) = self.stack.last_mut() {
            object.format = format;
        }
        Ok(())
    }

    fn enter(&mut self, member: &Member<'_>) -> Result<(), Halt> {
        let outer = self.stack.last().map_or("", |object| object.name.as_str());
        let name = format!("{outer}!{}", member.name);
        self.stack.push(Object::new(name));
        Ok(())
    }

    fn leave(&mut self, bytes: u64) -> Result<(), Halt> {
        if self.stack.len() > 1
            && let Some(object) = self.stack.pop()
        {
            self.close(object, bytes);
        }
        Ok(())
    }

    fn text(&mut self, text: &Text<'_>) -> Result<(), Halt> {
        let lines = LineCounter::new(text.place);
        let read = self.grids(text, &lines);
        self.search(text.text, &text.raw, None, &read.values, &|text, at| lines.place(text, at));
        self.text_records(text.text, &read.lines);
        if text.last {
            self.end_record();
        }
        Ok(())
    }

    fn table(&mut self, table: &Table<'_>) -> Result<(), Halt> {
        self.end_record();
        let plan = TablePlan::new(self.inspector, table);
        if let Some(object) = self.stack.last_mut() {
            object.table = Some(plan);
        }
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), Halt> {
        let Some(mut table) = self.stack.last_mut().and_then(|object| object.table.take()) else { return Ok(()) };
        let settled = if table.may_be_form { self.form_row(row, &mut table) } else { 0 };
        for (column, cell) in row.cells.iter().enumerate() {
            if cell.value.is_empty() || column < 64 && settled >> column & 1 == 1 {
                continue;
            }
            let place = |_: &str, _: usize| table.place(row.number, column);
            let hint = match table.columns.get(column) {
                Some(ColumnPlan::Told(told)) => {
                    if self.told_value(*told, cell.value, &cell.raw, "", &place) {
                        continue;
                    }
                    None
                }
                Some(ColumnPlan::Search(hint)) => Some(hint),
                None => None,
            };
            if !is_plain_number(cell.value) || hint.is_some_and(|hint| !hint.is_silent()) {
                self.search(cell.value, &cell.raw, hint, &Ranges::default(), &place);
                self.row_records(cell.value);
            }
        }
        let is_form = !table.labels.is_empty();
        if let Some(object) = self.stack.last_mut() {
            object.table = Some(table);
        }
        if !is_form {
            self.end_record();
        }
        Ok(())
    }

    fn field(&mut self, field: &Field<'_>) -> Result<(), Halt> {
        let lines = LineCounter::new(field.place);
        let place = |text: &str, at: usize| lines.place(text, at);
        let told = self.told(field);
        let settled =
            told.is_some_and(|told| self.told_value(told, field.value, &field.raw, field.qualifiers.issuer, &place));
        if !settled && !is_plain_number(field.value) {
            let by_words = matches!(field.vocabulary, Vocabulary::Keys | Vocabulary::Header);
            let hint = by_words.then(|| {
                let last = field.path.rsplit(['.', '/']).next().unwrap_or(field.path);
                self.hint(last)
            });
            self.search(field.value, &field.raw, hint.as_deref(), &Ranges::default(), &place);
            self.row_records(field.value);
        }
        Ok(())
    }

    fn record(&mut self) -> Result<(), Halt> {
        self.end_record();
        Ok(())
    }

    fn problem(&mut self, problem: Problem) -> Result<(), Halt> {
        if let Some(object) = self.stack.last_mut() {
            object.problem(problem);
        }
        Ok(())
    }
}

impl Walk<'_> {
    /// What a search found in a row or field belongs to the row's or resource's subject as far as it is strong, or is a
    /// name alone.
    fn row_records(&mut self, text: &str) {
        let inspector = self.inspector;
        let Some(object) = self.stack.last_mut() else { return };
        for hit in &self.hits {
            let whole = hit.start == 0 && text.get(hit.end..).is_some_and(|rest| rest.trim().is_empty());
            if hit.kind == IdentifierType::Person && whole && text.trim().contains([' ', '　', ',']) {
                object.record.unlabelled_name(text);
            }
            let By::Recognizer(index) = hit.by else { continue };
            let Some(spec) = inspector.engine.recognizer(index).filter(|spec| spec.strong) else { continue };
            let Some(value) = text.get(hit.start..hit.end) else { continue };
            object.record.strong(&inspector.key, spec.kind.as_str(), issuer(spec), value);
            if let [country] = spec.countries.as_slice() {
                object.record.issued_in(country);
            }
        }
    }
}

/// The issuer of a strong identifier that no qualifier names: the country, for national numbers.
fn issuer(spec: &recognize::content::RecognizerSpec) -> &str {
    match spec.kind {
        IdentifierType::NationalId | IdentifierType::Passport | IdentifierType::Licence => &spec.id,
        _ => "",
    }
}

/// Counts lines within a text, so that `where` names the line of each hit.
struct LineCounter<'a> {
    place: Place<'a>,
    /// Lines counted so far: up to which byte, and the line there.
    counted: std::cell::Cell<(usize, u64)>,
}

impl<'a> LineCounter<'a> {
    fn new(place: Place<'a>) -> Self {
        let line = if let Place::Line(line) = place { line } else { 0 };
        Self { place, counted: std::cell::Cell::new((0, line)) }
    }

    fn place(&self, text: &str, at: usize) -> String {
        match self.place {
            Place::Path(path) => path.to_owned(),
            Place::Line(first) => {
                let (from, line) = self.counted.get();
                let (from, line) = if from <= at { (from, line) } else { (0, first) };
                let between = text.as_bytes().get(from..at).unwrap_or_default();
                let line = line + memchr::memchr_iter(b'\n', between).count() as u64;
                self.counted.set((at, line));
                format!("line {line}")
            }
        }
    }
}

/// The name under which content files know a vocabulary.
const fn vocabulary(vocabulary: Vocabulary) -> &'static str {
    match vocabulary {
        Vocabulary::Fhir => "fhir",
        Vocabulary::Hl7 => "hl7",
        Vocabulary::Cda => "cda",
        Vocabulary::Dicom => "dicom",
        Vocabulary::Cdisc => "cdisc",
        Vocabulary::Odm => "odm",
        Vocabulary::Genomics => "genomics",
        Vocabulary::Chemistry => "chemistry",
        Vocabulary::Email => "email",
        Vocabulary::Document => "document",
        Vocabulary::Keys => "keys",
        Vocabulary::Header => "header",
    }
}

/// Values that say that there is none.
fn is_null(value: &str) -> bool {
    let value = value.trim();
    value.len() <= 12
        && (value.is_empty()
            || [
                "na", "n/a", "null", "none", "nan", "unknown", "unk", "-", ".", "--", "?", "nil", "not done", "missing",
            ]
            .iter()
            .any(|null| value.eq_ignore_ascii_case(null)))
}

/// Whether a value can be of the type that its place claims.
fn is_plausible(kind: IdentifierType, value: &str) -> bool {
    use IdentifierType as T;
    let digits = || value.bytes().filter(u8::is_ascii_digit).count();
    match kind {
        T::Person => value.chars().any(char::is_alphabetic),
        T::Date => digits() >= 4 || value.contains('年') || value.chars().any(|c| ('０'..='９').contains(&c)),
        T::Phone | T::Fax => digits() >= 5 || value.chars().any(|c| ('０'..='９').contains(&c)),
        T::Email => value.contains('@'),
        _ => value.chars().any(char::is_alphanumeric),
    }
}

/// Short numbers and measurements: nothing to search in without context.
fn is_plain_number(value: &str) -> bool {
    value.len() <= 7 && value.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'%' | b' '))
}
