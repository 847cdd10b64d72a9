//! What the record has about those whom an incident concerns, as lines of a timeline: each entry by itself where they are few, condensed
//! where there are thousands. However many entries come, no more than so many lines are kept.

use std::collections::HashMap;

use model::event::Activity;
use model::{Noted, Touched};
use serde::Serialize;

/// Lines that are kept; beyond, they are condensed.
pub const LINES_MAX: usize = 400;
/// What entries of other systems' logs are called, whatever those call it.
const OBSERVED: &str = "observed";

const HOUR_MS: i64 = 60 * 60_000;
/// How much is put together at each step of condensing: entries within so many milliseconds; then whatever the study, whoever it was, and
/// why it was refused.
const STEPS: [Step; 9] = [
    Step { span_ms: 0, ..Step::BY_ALL },
    Step { span_ms: HOUR_MS / 6, ..Step::BY_ALL },
    Step { span_ms: HOUR_MS, ..Step::BY_ALL },
    Step { span_ms: 24 * HOUR_MS, ..Step::BY_ALL },
    Step { span_ms: 30 * 24 * HOUR_MS, ..Step::BY_ALL },
    Step { span_ms: i64::MAX, ..Step::BY_ALL },
    Step { span_ms: i64::MAX, by_study: false, ..Step::BY_ALL },
    Step { span_ms: i64::MAX, by_study: false, by_principal: false, ..Step::BY_ALL },
    Step { span_ms: i64::MAX, by_study: false, by_principal: false, by_code: false },
];

#[derive(Clone, Copy)]
struct Step {
    /// 0: each entry by itself.
    span_ms: i64,
    by_study: bool,
    by_principal: bool,
    by_code: bool,
}

impl Step {
    const BY_ALL: Self = Self { span_ms: 0, by_study: true, by_principal: true, by_code: true };
}

/// What entries of one line have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    activity: Box<str>,
    principal: Box<str>,
    study: Box<str>,
    code: Box<str>,
    is_failure: bool,
    /// Which span of time, or which entry.
    slot: i64,
}

/// One line: an entry, or several of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What was done: `download`, `grant` and so on; `observed` for what another system logged.
    pub activity: String,
    /// Whether it was refused or failed.
    pub is_failure: bool,
    /// Why, as a code; empty where it was not, or for several reasons.
    pub code: String,
    /// Who, by id; empty for nobody, or several.
    pub principal: String,
    /// The study; empty for none, or several.
    pub study: String,
    /// The object, where it is one entry.
    pub object: String,
    /// Another thing that it was done to, where it is one entry.
    pub entity: String,
    /// How often; the end of a download is no download of its own.
    pub times: u64,
    /// Entries of the record.
    pub entries: u64,
    /// Bytes that left or came in.
    pub bytes: u64,
    /// The first of the entries.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// The time of the first, in milliseconds since 1970, UTC.
    pub first_ms: i64,
    /// Of the last.
    pub last_ms: i64,
    /// Whether entries of several studies are in it.
    pub of_several_studies: bool,
    /// Whether entries by several principals are in it.
    pub by_several: bool,
}

impl Line {
    fn of(noted: &Noted<'_>) -> Self {
        let Touched { entry, time_ms, activity, principal, study, object, bytes, .. } = noted.touched;
        let is_end = noted.is_own && activity == Activity::Released.as_str();
        // Of a download that was let, its end says how much left.
        let is_let = noted.is_own && activity == Activity::Download.as_str();
        Self {
            activity: if noted.is_own { activity } else { OBSERVED }.to_owned(),
            is_failure: noted.is_failure,
            code: noted.code.to_owned(),
            principal: principal.to_owned(),
            study: study.to_owned(),
            object: object.to_owned(),
            entity: noted.entity.to_owned(),
            times: u64::from(!is_end),
            entries: 1,
            bytes: if is_let { 0 } else { bytes.unwrap_or(0) },
            first: entry,
            last: entry,
            first_ms: time_ms,
            last_ms: time_ms,
            of_several_studies: false,
            by_several: false,
        }
    }

    /// Whether it stands for one entry.
    #[must_use]
    pub const fn is_one(&self) -> bool {
        self.entries == 1
    }

    fn take(&mut self, other: Self) {
        let clear = |mine: &mut String, other: &str| {
            let differs = *mine != other;
            if differs {
                mine.clear();
            }
            differs
        };
        self.of_several_studies |= clear(&mut self.study, &other.study) || other.of_several_studies;
        self.by_several |= clear(&mut self.principal, &other.principal) || other.by_several;
        clear(&mut self.code, &other.code);
        clear(&mut self.object, &other.object);
        clear(&mut self.entity, &other.entity);
        self.times += other.times;
        self.entries += other.entries;
        self.bytes = self.bytes.saturating_add(other.bytes);
        if other.first < self.first {
            (self.first, self.first_ms) = (other.first, other.first_ms);
        }
        if other.last > self.last {
            (self.last, self.last_ms) = (other.last, other.last_ms);
        }
    }

    fn key(&self, step: Step) -> Key {
        let by = |is_by: bool, text: &str| Box::from(if is_by { text } else { "" });
        let is_one = step.span_ms == 0;
        // A download and its end are one thing once they are not listed one by one; one that broke off was still let.
        let is_end = !is_one && self.activity == Activity::Released.as_str();
        Key {
            activity: Box::from(if is_end { Activity::Download.as_str() } else { &self.activity }),
            principal: by(step.by_principal, &self.principal),
            study: by(step.by_study, &self.study),
            code: by(step.by_code && !is_end, &self.code),
            is_failure: self.is_failure && !is_end,
            slot: match step.span_ms {
                0 => i64::try_from(self.first).unwrap_or(i64::MAX),
                i64::MAX => 0,
                span => self.first_ms.div_euclid(span),
            },
        }
    }
}

/// Lines as they come together, in any order; parts gathered apart are merged.
#[derive(Debug, Default)]
pub struct Condensing {
    lines: HashMap<Key, Line>,
    step: usize,
    entries: u64,
}

impl Condensing {
    /// Takes one entry.
    pub fn take(&mut self, noted: &Noted<'_>) {
        self.entries += 1;
        self.put(Line::of(noted));
        self.condense();
    }

    /// Takes what was gathered apart.
    pub fn merge(&mut self, other: Self) {
        self.entries += other.entries;
        if other.step > self.step {
            self.step = other.step;
            self.again();
        }
        other.lines.into_values().for_each(|line| self.put(line));
        self.condense();
    }

    fn put(&mut self, line: Line) {
        let step = STEPS.get(self.step).copied().unwrap_or(Step::BY_ALL);
        let key = line.key(step);
        let is_end = *key.activity != *line.activity;
        match self.lines.get_mut(&key) {
            Some(there) => there.take(line),
            None => {
                let line = match is_end {
                    true => Line { activity: key.activity.to_string(), is_failure: false, code: String::new(), ..line },
                    false => line,
                };
                self.lines.insert(key, line);
            }
        }
    }

    fn again(&mut self) {
        let lines: Vec<Line> = std::mem::take(&mut self.lines).into_values().collect();
        lines.into_iter().for_each(|line| self.put(line));
    }

    fn condense(&mut self) {
        while self.lines.len() > LINES_MAX && self.step + 1 < STEPS.len() {
            self.step += 1;
            self.again();
        }
    }

    /// The lines by time, and how many entries they stand for.
    #[must_use]
    pub fn lines(self) -> (Vec<Line>, u64) {
        let mut lines: Vec<Line> = self.lines.into_values().collect();
        lines.sort_unstable_by_key(|line| (line.first_ms, line.first));
        (lines, self.entries)
    }
}

/// What the record has about those whom an incident concerns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// By time.
    pub lines: Vec<Line>,
    /// Entries that they stand for.
    pub entries: u64,
    /// What else has to be known, in words.
    pub notes: Vec<String>,
}

/// One entry as a list of them shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryLine {
    /// Its number in the record.
    pub entry: u64,
    /// When, in milliseconds since 1970, UTC.
    #[serde(skip)]
    pub time_ms: i64,
    /// What was done.
    pub activity: String,
    /// Whether it was refused or failed, and why.
    pub code: String,
    /// Who, by id.
    pub principal: String,
    /// The study.
    pub study: String,
    /// The object, by id.
    pub object: String,
    /// The version, by id.
    pub version: String,
    /// Another thing, as `kind:id`.
    pub entity: String,
    /// Bytes, where they are told.
    pub bytes: Option<u64>,
    /// The first of them within the object.
    pub first_byte: Option<u64>,
}

impl From<Noted<'_>> for EntryLine {
    fn from(noted: Noted<'_>) -> Self {
        let Touched { entry, time_ms, activity, principal, study, object, version, bytes, first_byte, .. } =
            noted.touched;
        Self {
            entry,
            time_ms,
            activity: activity.to_owned(),
            code: noted.code.to_owned(),
            principal: principal.to_owned(),
            study: study.to_owned(),
            object: object.to_owned(),
            version: version.to_owned(),
            entity: noted.entity.to_owned(),
            bytes,
            first_byte,
        }
    }
}

/// Which entries of a timeline are listed one by one: those of a line. What is empty is not asked about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Listing {
    /// Of this activity; `download` has the ends of downloads with it.
    pub activity: String,
    /// Refused or failed (`failure`), or not (`success`).
    pub outcome: String,
    /// For this reason.
    pub code: String,
    /// By this principal, by id; an empty one is nobody's.
    pub principal: Option<String>,
    /// In this study; an empty one is none.
    pub study: Option<String>,
    /// To this object, by id.
    pub object: String,
    /// From this entry on.
    pub first: u64,
    /// Up to this entry.
    pub last: Option<u64>,
}

impl Listing {
    /// That of a line.
    #[must_use]
    pub fn of(line: &Line) -> Self {
        let outcome = if line.is_failure { "failure" } else { "success" };
        // A download that broke off is one that was let.
        let is_both = line.activity == Activity::Download.as_str() && !line.is_failure;
        Self {
            activity: line.activity.clone(),
            outcome: if is_both { String::new() } else { outcome.to_owned() },
            code: line.code.clone(),
            principal: (!line.by_several).then(|| line.principal.clone()),
            study: (!line.of_several_studies).then(|| line.study.clone()),
            object: String::new(),
            first: line.first,
            last: Some(line.last),
        }
    }

    /// Whether an entry is one of those.
    #[must_use]
    pub fn takes(&self, noted: &Noted<'_>) -> bool {
        let Touched { entry, activity, principal, study, object, .. } = noted.touched;
        let is = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
        let same = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
        let is_end = noted.is_own && activity == Activity::Released.as_str();
        let activity = if noted.is_own { activity } else { OBSERVED };
        let downloads = self.activity == Activity::Download.as_str();
        let is_activity = match downloads && self.outcome != "failure" {
            // Those that were refused are another line.
            true => is_end || activity == self.activity && !noted.is_failure,
            false => is(&self.activity, activity),
        };
        is_activity
            && (downloads && is_end || is(&self.outcome, if noted.is_failure { "failure" } else { "success" }))
            && is(&self.code, noted.code)
            && same(&self.principal, principal)
            && same(&self.study, study)
            && is(&self.object, object)
            && entry >= self.first
            && self.last.is_none_or(|last| entry <= last)
    }
}
