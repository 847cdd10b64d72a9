//! An answer about exposure as lines, and the entries of the record that a figure of it rests on.

use std::collections::{BTreeSet, HashMap, HashSet};

use incidents::exposure::{Exposure, Form, Grade, Known, Proof, TELLING, proves};
use incidents::timeline::EntryLine;
use lake::Wanted;
use model::Jurisdiction;
use serde_json::{Map, Value, json};

use super::request::Shown;
use crate::Guarded;
use crate::lakeside::LakesideError;
use crate::ops::{OpsError, time};

/// Objects that are listed one by one.
const LISTED_MAX: usize = 10_000;
/// Bytes of the lines that list them: an answer has a limit.
const LISTED_BYTES_MAX: usize = 10 << 20;
/// Ranges of bytes that are listed of an object.
const RANGES_LISTED: usize = 64;
/// Entries that are listed at once.
pub(crate) const ENTRIES_PAGE: usize = 1_000;

impl Shown {
    /// What is shown of the objects of an answer, and how many people of the jurisdiction are in each.
    fn objects<'a>(
        &'a self,
        exposure: &'a Exposure,
        place: Option<&'a str>,
        grade: Grade,
    ) -> impl Iterator<Item = (&'a Known, u64)> {
        let is_shown = |known: &Known| self.object.as_ref().is_none_or(|object| *object == known.object);
        exposure.resting(place, grade).filter(move |(known, _)| is_shown(known))
    }

    /// The jurisdiction as it is written.
    pub(super) fn place(&self) -> Result<Option<String>, OpsError> {
        let Some(text) = &self.jurisdiction else { return Ok(None) };
        let unknown = Jurisdiction::unknown();
        let place = if *text == unknown.to_string() { Some(unknown) } else { text.parse().ok() };
        let why = || {
            OpsError::Wrong(format!(
                "`{text}` is no jurisdiction; write one as the answer does, such as `EU-DE`, `US-CA`, `JP` or `unknown`"
            ))
        };
        place.map(|place| Some(place.to_string())).ok_or_else(why)
    }
}

/// An answer as lines: one a jurisdiction, one an object, one an entry where those are asked for, and a summary.
pub(super) fn lines(
    exposure: &Exposure,
    is_cut: bool,
    shown: &Shown,
    place: Option<&str>,
    entries: Option<(Vec<EntryLine>, bool)>,
) -> Vec<Value> {
    let mut lines = Vec::new();
    let places: BTreeSet<&String> =
        exposure.figures.iter().flat_map(|figures| figures.by_jurisdiction.keys()).collect();
    for one in places.into_iter().filter(|one| place.is_none_or(|place| place == *one)) {
        lines.push(of_place(exposure, one));
    }
    let grade = shown.grade.unwrap_or(Grade::Possible);
    let (mut listed, mut bytes) = (0, 0);
    for (known, people) in shown.objects(exposure, place, grade).take(LISTED_MAX) {
        let mut line = of_object(exposure, known);
        if let (Some(_), Some(line)) = (place, line.as_object_mut()) {
            line.insert("people".to_owned(), json!(people));
        }
        bytes += line.to_string().len();
        if bytes > LISTED_BYTES_MAX {
            break;
        }
        listed += 1;
        lines.push(line);
    }
    let mut next = Value::Null;
    if let Some((entries, has_more)) = entries {
        next = entries.last().filter(|_| has_more).map_or(Value::Null, |last| json!(last.entry));
        lines.extend(entries.iter().map(of_entry));
    }
    let figures = exposure.figures.iter().map(|figures| {
        json!({
            "grade": figures.grade, "objects": figures.objects, "subjects": figures.subjects,
            "by_jurisdiction": figures.by_jurisdiction, "categories": figures.categories, "forms": figures.forms,
        })
    });
    lines.push(json!({ "summary": {
        "figures": figures.collect::<Vec<_>>(), "objects": exposure.objects.len(), "listed": listed, "next": next,
        "principals": exposure.principals, "flows": exposure.flows.iter().take(LISTED_MAX).collect::<Vec<_>>(), "whom": exposure.whom,
        "entries": exposure.entries, "refused": exposure.refused,
        "uncounted_objects": exposure.uncounted, "uncounted_subjects": exposure.uncounted_subjects,
        "deidentified": exposure.deidentified, "form": exposure.form(Grade::Likely), "reach_cut": is_cut, "notes": exposure.notes,
        "affected": exposure.affected(Grade::Likely),
    } }));
    lines
}

/// The figures of a jurisdiction, each with what it rests on.
fn of_place(exposure: &Exposure, place: &str) -> Value {
    let mut line = Map::new();
    line.insert("jurisdiction".to_owned(), json!(place));
    let mut categories: BTreeSet<&String> = BTreeSet::new();
    for figures in &exposure.figures {
        let subjects = figures.by_jurisdiction.get(place).copied().unwrap_or(0);
        let Proof { objects, entries, entries_total } = figures.proof.get(place).cloned().unwrap_or_default();
        let only = |form: Form| {
            let of = figures.forms.get(&form).and_then(|of| of.by_jurisdiction.get(place));
            of.copied().unwrap_or(0)
        };
        let told = json!({
            "subjects": subjects, "objects": objects, "entries": entries, "entries_total": entries_total,
            "deidentified_only": only(Form::Deidentified), "sealed_only": only(Form::Sealed),
        });
        line.insert(figures.grade.as_str().to_owned(), told);
        categories.extend(figures.categories.get(place).into_iter().flatten());
    }
    line.insert("categories".to_owned(), json!(categories));
    Value::Object(line)
}

/// What is told of an object, in a summary too.
pub(crate) fn of_object(exposure: &Exposure, known: &Known) -> Value {
    let touch = &known.touch;
    let people: Map<String, Value> =
        exposure.people_of(known).map(|(place, people)| (place.to_owned(), json!(people))).collect();
    let at = |ms: i64| (touch.entries_total > 0).then(|| time(ms));
    json!({
        "object": known.object, "version": known.version, "study": known.study, "grade": known.grade,
        "form": known.form,
        "why": (!known.why.is_empty()).then_some(&known.why), "labels": known.labels, "subjects": known.subjects,
        "by_jurisdiction": people, "downloads": touch.downloads, "released": touch.released,
        "size": known.size, "bytes": touch.bytes, "left": touch.left_in_words(known.size),
        "whole": touch.is_whole(known.size), "bytes_distinct": touch.ranges.bytes(),
        "ranges": touch.ranges.each().take(RANGES_LISTED).collect::<Vec<_>>(), "ranges_total": touch.ranges.len(),
        "ranges_with_gaps": touch.ranges.has_gaps(), "bytes_unplaced": touch.bytes_unplaced,
        "bytes_unended": touch.bytes_unended,
        "ranges_unended": touch.ranges_unended.each().take(RANGES_LISTED).collect::<Vec<_>>(),
        "previews": touch.previews, "refused": touch.refused, "deidentified": touch.deidentified,
        "first": at(touch.first_ms), "last": at(touch.last_ms),
        "entries": touch.entries, "entries_total": touch.entries_total,
    })
}

/// An entry of the record as a line.
pub(crate) fn of_entry(entry: &EntryLine) -> Value {
    let mut line = serde_json::to_value(entry).unwrap_or_default();
    if let Some(line) = line.as_object_mut() {
        line.insert("time".to_owned(), json!(time(entry.time_ms)));
    }
    line
}

impl Guarded {
    /// Entries that say of the objects that are shown what was let, what left and what was looked at: by number, at most a page. Whether
    /// there are more.
    pub(super) async fn entries_of(
        &self,
        wanted: &Wanted,
        exposure: &Exposure,
        shown: &Shown,
        place: Option<&str>,
    ) -> Result<(Vec<EntryLine>, bool), OpsError> {
        let mut pairs: HashMap<String, HashSet<String>> = HashMap::new();
        // What is only possible is told from other entries, which stand with the object.
        let grade = shown.grade.unwrap_or(Grade::Likely).min(Grade::Likely);
        for (known, _) in shown.objects(exposure, place, grade) {
            pairs.entry(known.object.clone()).or_default().insert(known.version.clone());
        }
        if pairs.is_empty() {
            return Ok((Vec::new(), false));
        }
        let mut sought = wanted.sought();
        sought.all.retain(|(column, _)| *column != "object");
        sought.all.push(("object", pairs.keys().cloned().collect()));
        sought.all.push(("activity", TELLING.map(str::to_owned).into()));
        sought.first = shown.after.map_or(0, |after| after.saturating_add(1));
        let snapshot = self.lakeside.snapshot(&self.data_dir)?;
        let reading = tokio::task::spawn_blocking(move || {
            snapshot.page(&sought, ENTRIES_PAGE, |noted| {
                let touched = &noted.touched;
                let is_of = pairs.get(touched.object).is_some_and(|versions| versions.contains(touched.version));
                (is_of && proves(touched)).then(|| noted.into())
            })
        });
        let read = reading.await.map_err(|_ended: tokio::task::JoinError| LakesideError::Stopped)?;
        Ok(read.map_err(LakesideError::Lake)?)
    }
}
