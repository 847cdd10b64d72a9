//! Obligations as they stand in content: read, checked, ready to be asked.

use std::collections::HashMap;

use jiff::civil::Date;
use serde::Deserialize;

use crate::calendar::{Calendar, Written as WrittenCalendar};
use crate::condition::{Condition, Pattern};
use crate::facts::Value;
use crate::obligation::{Audience, Confidence, Content, Guidance, LaterStage, LawStatus, Obligation};
use crate::period::{Period, Start};

/// The most facts, so that they fit the bits of a word.
const FACTS_MAX: usize = 128;
/// The most roles and the most categories.
const BITS_MAX: usize = 64;

/// What is wrong with obligations as data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{file}`: {at}{why}")]
pub struct LibraryError {
    /// Which file.
    pub file: String,
    /// Which item, with a colon, or nothing.
    pub at: String,
    /// What is wrong.
    pub why: String,
}

/// The shape of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Shape {
    Flag,
    Instant,
    Day,
    Word,
    Text,
}

impl Shape {
    pub(crate) const fn as_words(self) -> &'static str {
        match self {
            Self::Flag => "`true`, `false` or `null`",
            Self::Instant => "a time with offset such as `2026-03-27T22:30:00+01:00`, or `null`",
            Self::Day => "a day such as `2026-01-15`, or `null`",
            Self::Word => "one of its words, or `null`",
            Self::Text => "a text, or `null`",
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FactItem {
    name: String,
    shape: Shape,
    question: String,
    presumed: Option<bool>,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    fills: Vec<String>,
    #[serde(default)]
    not_after: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleItem {
    name: String,
    means: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Categories {
    known: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FactsFile {
    #[serde(rename = "checked")]
    _checked: toml::value::Datetime,
    fact: Vec<FactItem>,
    role: Vec<RoleItem>,
    categories: Categories,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CalendarsFile {
    #[serde(rename = "checked")]
    _checked: toml::value::Datetime,
    calendar: Vec<WrittenCalendar>,
}

#[derive(Debug, Deserialize)]
struct AuthoritiesFile {
    #[serde(rename = "checked")]
    _checked: toml::value::Datetime,
    #[serde(rename = "confidence")]
    _confidence: Confidence,
    #[serde(flatten)]
    by_regime: HashMap<String, HashMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DelayRule {
    citation: String,
    says: String,
    oral_days_max: i64,
    #[serde(rename = "checked")]
    _checked: toml::value::Datetime,
    #[serde(rename = "confidence")]
    _confidence: Confidence,
}

/// What a delay by law enforcement does to the obligations of a regime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delaying {
    pub citation: String,
    pub says: String,
    pub oral_days_max: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegimeFile {
    regime: String,
    name: String,
    #[serde(default, rename = "people")]
    _people: Option<String>,
    #[serde(default)]
    define: HashMap<String, String>,
    delay: Option<DelayRule>,
    obligation: Vec<WrittenObligation>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLength {
    hours: Option<i64>,
    days: Option<i64>,
    months: Option<i64>,
    business_days: Option<i64>,
    calendar: Option<String>,
    #[serde(default)]
    first_day_counts: bool,
    after: Option<String>,
    cites: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum WrittenPeriod {
    Word(String),
    Length(WrittenLength),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OtherPeriod {
    when: String,
    period: WrittenPeriod,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenStage {
    name: String,
    start: Vec<String>,
    period: WrittenPeriod,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenObligation {
    id: String,
    #[serde(default)]
    status: LawStatus,
    title: String,
    citation: String,
    says: String,
    roles: Vec<String>,
    when: String,
    start: Vec<String>,
    period: WrittenPeriod,
    #[serde(default)]
    other_periods: Vec<OtherPeriod>,
    #[serde(default)]
    stages: Vec<WrittenStage>,
    rolls: Option<String>,
    target_days: Option<i64>,
    guidance: Option<WrittenLength>,
    #[serde(default)]
    starts_on_request: bool,
    #[serde(default)]
    delayable: bool,
    recipient: String,
    #[serde(default)]
    audience: Audience,
    recipients_for: Option<String>,
    #[serde(default)]
    note: String,
    from: toml::value::Datetime,
    to: Option<toml::value::Datetime>,
    text_version: toml::value::Datetime,
    checked: toml::value::Datetime,
    confidence: Confidence,
    #[serde(default)]
    contents: Vec<Content>,
}

/// A fact that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked<'v> {
    /// What it is called.
    pub name: &'v str,
    /// The question.
    pub question: &'v str,
    /// Words that answer, if it is such.
    pub words: &'v [String],
    /// Yes or no answers.
    pub is_flag: bool,
    /// A text answers, which moves no clock.
    pub is_text: bool,
}

/// The words in which facts, roles, categories and obligations are named.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    facts: Vec<(String, Shape, String, Vec<String>)>,
    fact_index: HashMap<String, usize>,
    presumed: Vec<Value>,
    /// Contents of notices, and the fact whose text answers each.
    fills: Vec<(String, String)>,
    /// Facts of which the first cannot lie after the day of the second.
    order: Vec<(usize, usize)>,
    roles: Vec<(String, String)>,
    categories: Vec<String>,
    ids: Vec<String>,
}

impl Vocabulary {
    fn of(file: FactsFile) -> Result<Self, String> {
        if file.fact.len() > FACTS_MAX || file.role.len() > BITS_MAX || file.categories.known.len() > BITS_MAX {
            return Err(format!("there may be {FACTS_MAX} facts, and {BITS_MAX} roles and categories each"));
        }
        let mut vocabulary = Self {
            roles: file.role.into_iter().map(|role| (role.name, role.means)).collect(),
            categories: file.categories.known,
            ..Self::default()
        };
        let mut order = Vec::new();
        for FactItem { name, shape, question, presumed, words, fills, not_after } in file.fact {
            if (shape == Shape::Word) == words.is_empty() || words.len() > usize::from(u8::MAX) {
                return Err(format!("fact `{name}`: `words` belong to the shape `word`, at most 255"));
            }
            if presumed.is_some() && shape != Shape::Flag {
                return Err(format!("fact `{name}`: only a flag can be presumed"));
            }
            let index = vocabulary.facts.len();
            if vocabulary.fact_index.insert(name.clone(), index).is_some() {
                return Err(format!("fact `{name}` stands there twice"));
            }
            if !fills.is_empty() && shape != Shape::Text {
                return Err(format!("fact `{name}`: only a text fills contents"));
            }
            order.extend(not_after.into_iter().map(|other| (name.clone(), other)));
            vocabulary.fills.extend(fills.into_iter().map(|content| (content, name.clone())));
            vocabulary.presumed.push(presumed.map_or(Value::Unknown, Value::Flag));
            vocabulary.facts.push((name, shape, question, words));
        }
        for (one, other) in &order {
            let timed = |name: &str| {
                let fact = vocabulary
                    .fact(name)
                    .filter(|fact| matches!(vocabulary.shape(*fact), Some(Shape::Instant | Shape::Day)));
                fact.ok_or_else(|| format!("fact `{one}`: `not_after` needs days or instants, and `{name}` is none"))
            };
            let pair = (timed(one)?, timed(other)?);
            vocabulary.order.push(pair);
        }
        Ok(vocabulary)
    }

    /// Facts of which the first cannot lie after the day of the second.
    pub(crate) fn order(&self) -> &[(usize, usize)] {
        &self.order
    }

    pub(crate) fn fact(&self, name: &str) -> Option<usize> {
        self.fact_index.get(name).copied()
    }

    pub(crate) fn fact_name(&self, fact: usize) -> &str {
        self.facts.get(fact).map_or("", |(name, ..)| name)
    }

    pub(crate) fn question(&self, fact: usize) -> &str {
        self.facts.get(fact).map_or("", |(_, _, question, _)| question)
    }

    pub(crate) fn shape(&self, fact: usize) -> Option<Shape> {
        self.facts.get(fact).map(|(_, shape, ..)| *shape)
    }

    pub(crate) fn words(&self, fact: usize) -> &[String] {
        self.facts.get(fact).map_or(&[], |(.., words)| words)
    }

    pub(crate) fn word(&self, fact: usize, word: u8) -> &str {
        self.words(fact).get(usize::from(word)).map_or("", String::as_str)
    }

    pub(crate) fn word_index(&self, fact: usize, word: &str) -> Option<u8> {
        self.words(fact).iter().position(|known| known == word).and_then(|at| u8::try_from(at).ok())
    }

    pub(crate) fn is_flag(&self, fact: usize) -> bool {
        self.shape(fact) == Some(Shape::Flag)
    }

    pub(crate) fn is_text(&self, fact: usize) -> bool {
        self.shape(fact) == Some(Shape::Text)
    }

    pub(crate) fn presumed(&self) -> &[Value] {
        &self.presumed
    }

    pub(crate) fn role(&self, name: &str) -> Option<usize> {
        self.roles.iter().position(|(role, _)| role == name)
    }

    pub(crate) fn no_role(&self, name: &str) -> String {
        let known: Vec<&str> = self.roles.iter().map(|(role, _)| role.as_str()).collect();
        format!("`roles`: there is no role `{name}`; known are {}", known.join(", "))
    }

    /// Names of roles, from their bits.
    pub fn role_names(&self, bits: u64) -> impl Iterator<Item = &str> {
        let has = move |index: &usize| bits & 1 << index != 0;
        self.roles.iter().enumerate().filter(move |(index, _)| has(index)).map(|(_, (name, _))| name.as_str())
    }

    pub(crate) fn category(&self, name: &str) -> Option<usize> {
        self.categories.iter().position(|category| category == name)
    }

    /// The kinds of data that are told apart.
    #[must_use]
    pub fn categories(&self) -> &[String] {
        &self.categories
    }

    /// Roles by name, and what each means.
    pub fn roles(&self) -> impl Iterator<Item = (&str, &str)> {
        self.roles.iter().map(|(name, means)| (name.as_str(), means.as_str()))
    }

    /// Facts that are asked for.
    pub fn facts(&self) -> impl Iterator<Item = Asked<'_>> {
        self.facts.iter().map(|(name, shape, question, words)| Asked {
            name,
            question,
            words,
            is_flag: *shape == Shape::Flag,
            is_text: *shape == Shape::Text,
        })
    }

    /// The fact whose text answers a content of notices.
    #[must_use]
    pub fn filling(&self, content: &str) -> Option<&str> {
        self.fills.iter().find(|(one, _)| one == content).map(|(_, fact)| fact.as_str())
    }

    /// The question that asks for a fact.
    #[must_use]
    pub fn question_of(&self, fact: &str) -> Option<&str> {
        self.fact(fact).map(|fact| self.question(fact))
    }

    pub(crate) fn id(&self, id: &str) -> Option<usize> {
        self.ids.iter().position(|known| known == id)
    }
}

/// Obligations, with the words in which they are told.
#[derive(Debug, Clone)]
pub struct Library {
    vocabulary: Vocabulary,
    calendars: Vec<Calendar>,
    /// Versions of one id stand together, the older first.
    obligations: Vec<Obligation>,
    pub(crate) groups: Vec<std::ops::Range<usize>>,
    regimes: Vec<(String, String)>,
    delaying: HashMap<String, Delaying>,
    authorities: HashMap<String, HashMap<String, String>>,
}

impl Library {
    /// From files of content/obligations: names and texts.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with file and item.
    pub fn of(files: &[(&str, &str)]) -> Result<Self, LibraryError> {
        let text = |name: &str| {
            let found = files.iter().find(|(file, _)| *file == name).map(|(_, text)| *text);
            found.ok_or_else(|| wrong(name, "", "it is missing"))
        };
        let facts: FactsFile = read("facts.toml", text("facts.toml")?)?;
        let vocabulary = Vocabulary::of(facts).map_err(|why| wrong("facts.toml", "", why))?;
        let calendars: CalendarsFile = read("calendars.toml", text("calendars.toml")?)?;
        let calendar = |written: &WrittenCalendar| {
            written.calendar().map_err(|why| wrong("calendars.toml", format!("calendar `{}`: ", written.id), why))
        };
        let calendars = calendars.calendar.iter().map(calendar).collect::<Result<Vec<_>, _>>()?;
        let authorities: AuthoritiesFile = read("authorities.toml", text("authorities.toml")?)?;
        let mut library = Self {
            vocabulary,
            calendars,
            obligations: Vec::new(),
            groups: Vec::new(),
            regimes: Vec::new(),
            delaying: HashMap::new(),
            authorities: authorities.by_regime,
        };
        const APART: [&str; 3] = ["facts.toml", "calendars.toml", "authorities.toml"];
        let regimes: Vec<(&str, &str)> = files.iter().copied().filter(|(name, _)| !APART.contains(name)).collect();
        library.add(&regimes)?;
        Ok(library)
    }

    /// This library with more obligations, such as those of contracts, in the same form.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with file and item.
    pub fn with(&self, files: &[(&str, &str)]) -> Result<Self, LibraryError> {
        let mut library = self.clone();
        library.add(files)?;
        Ok(library)
    }

    fn add(&mut self, files: &[(&str, &str)]) -> Result<(), LibraryError> {
        let mut read_files = Vec::with_capacity(files.len());
        for (name, text) in files {
            let file: RegimeFile = read(name, text)?;
            for obligation in &file.obligation {
                if !well_formed(&obligation.id) {
                    let why = "an id is 1 to 64 letters, digits, `-`, `.` and `_`";
                    return Err(wrong(name, format!("obligation `{}`: ", obligation.id), why));
                }
                if self.vocabulary.id(&obligation.id).is_none() {
                    self.vocabulary.ids.push(obligation.id.clone());
                }
            }
            read_files.push((*name, file));
        }
        for (name, file) in read_files {
            if !self.regimes.iter().any(|(regime, _)| *regime == file.regime) {
                self.regimes.push((file.regime.clone(), file.name.clone()));
            }
            if let Some(DelayRule { citation, says, oral_days_max, .. }) = &file.delay {
                let rule = Delaying { citation: citation.clone(), says: says.clone(), oral_days_max: *oral_days_max };
                self.delaying.insert(file.regime.clone(), rule);
            }
            for written in &file.obligation {
                let made = self.obligation(written, &file);
                let made = made.map_err(|why| wrong(name, format!("obligation `{}`: ", written.id), why))?;
                self.obligations.push(made);
            }
        }
        self.group().map_err(|(id, why)| wrong("obligations", format!("obligation `{id}`: "), why))
    }

    fn group(&mut self) -> Result<(), (String, String)> {
        let rank = |of: &Obligation| self.vocabulary.id(&of.id).unwrap_or(usize::MAX);
        let mut obligations = std::mem::take(&mut self.obligations);
        obligations.sort_by_key(|of| (rank(of), of.status == LawStatus::Proposed, of.from));
        self.groups.clear();
        let mut begins = 0;
        for group in obligations.chunk_by(|one, next| one.id == next.id) {
            for pair in group.windows(2) {
                if let [one, next] = pair
                    && one.status == next.status
                    && one.to.is_none_or(|to| to >= next.from)
                {
                    return Err((one.id.clone(), format!("two versions hold on {}", next.from)));
                }
            }
            self.groups.push(begins..begins + group.len());
            begins += group.len();
        }
        self.obligations = obligations;
        Ok(())
    }

    fn obligation(&self, written: &WrittenObligation, file: &RegimeFile) -> Result<Obligation, String> {
        let vocabulary = &self.vocabulary;
        let mut roles = 0;
        for role in &written.roles {
            roles |= 1 << vocabulary.role(role).ok_or_else(|| vocabulary.no_role(role))?;
        }
        if roles == 0 {
            return Err("it is nobody's duty: `roles` is empty".to_owned());
        }
        if written.delayable && file.delay.is_none() {
            return Err("`delayable` needs the regime's `[delay]`".to_owned());
        }
        let condition = |text: &str| {
            let text = defined(text, &file.define)?;
            Condition::parse(&text, vocabulary).map_err(|why| format!("condition `{text}`: {why}"))
        };
        let mut other_periods = Vec::new();
        for other in &written.other_periods {
            other_periods.push((condition(&other.when)?, self.period(&other.period)?));
        }
        let mut stages = Vec::new();
        for stage in &written.stages {
            let (start, period) = (self.starts(&stage.start)?, self.period(&stage.period)?);
            stages.push(LaterStage { name: stage.name.clone(), start, period });
        }
        let guidance = written.guidance.as_ref().map(|length| {
            let cites = length.cites.clone().ok_or("`guidance` says who gives it, in `cites`")?;
            Ok::<_, String>(Guidance { period: self.length(length)?, cites })
        });
        Ok(Obligation {
            id: written.id.clone(),
            regime: file.regime.clone(),
            title: written.title.clone(),
            citation: written.citation.clone(),
            says: written.says.clone(),
            roles,
            when: condition(&written.when)?,
            start: self.starts(&written.start)?,
            period: self.period(&written.period)?,
            other_periods,
            rolls: written.rolls.as_deref().map(|id| self.calendar_index(id)).transpose()?,
            target_days: written.target_days,
            guidance: guidance.transpose()?,
            stages,
            starts_on_request: written.starts_on_request,
            delayable: written.delayable,
            recipient: written.recipient.clone(),
            audience: written.audience,
            recipients_for: written.recipients_for.as_deref().map(recipients_for).transpose()?,
            note: written.note.clone(),
            status: written.status,
            from: day(&written.from)?,
            to: written.to.as_ref().map(day).transpose()?,
            text_version: day(&written.text_version)?,
            checked: day(&written.checked)?,
            confidence: written.confidence,
            contents: written.contents.clone(),
        })
    }

    fn calendar_index(&self, id: &str) -> Result<usize, String> {
        let found = self.calendars.iter().position(|calendar| calendar.id == id);
        found.ok_or_else(|| format!("there is no calendar `{id}`"))
    }

    fn starts(&self, written: &[String]) -> Result<Vec<Start>, String> {
        let one = |text: &String| {
            let fact = |name: &str| self.vocabulary.fact(name).ok_or_else(|| format!("there is no fact `{name}`"));
            let timed = |fact: usize| match self.vocabulary.shape(fact) {
                Some(Shape::Instant | Shape::Day) => Ok(fact),
                _ => Err(format!("`{}` is no time", self.vocabulary.fact_name(fact))),
            };
            match text.split_once(' ') {
                Some(("day", name)) => timed(fact(name)?).map(Start::DayOf),
                Some(("notice", id)) => {
                    let id = self.vocabulary.id(id).ok_or_else(|| format!("there is no obligation `{id}`"))?;
                    Ok(Start::Notice(id))
                }
                None => timed(fact(text)?).map(Start::Fact),
                Some(_) => Err(format!("`{text}` is no start; write a fact, `day FACT` or `notice ID`")),
            }
        };
        if written.is_empty() {
            return Err("`start` is empty: say from when the period runs".to_owned());
        }
        written.iter().map(one).collect()
    }

    fn period(&self, written: &WrittenPeriod) -> Result<Period, String> {
        match written {
            WrittenPeriod::Word(word) if word == "promptly" => Ok(Period::Promptly),
            WrittenPeriod::Word(word) => Err(format!("`{word}` is no period; write `promptly` or `{{ hours = 72 }}`")),
            WrittenPeriod::Length(length) => self.length(length),
        }
    }

    fn length(&self, length: &WrittenLength) -> Result<Period, String> {
        let after_year_end = match length.after.as_deref() {
            None => false,
            Some("year-end") => true,
            Some(other) => return Err(format!("`after = \"{other}\"` means nothing; write `year-end`")),
        };
        let plain = !length.first_day_counts && !after_year_end;
        let period = match (length.hours, length.days, length.months, length.business_days, &length.calendar) {
            (Some(hours), None, None, None, None) if plain => Period::Hours(hours),
            (None, Some(days), None, None, None) => {
                Period::Days { days, first_day_counts: length.first_day_counts, after_year_end }
            }
            (None, None, Some(months), None, None) if plain => Period::Months(months),
            (None, None, None, Some(days), Some(calendar)) if plain => {
                Period::BusinessDays { days, calendar: self.calendar_index(calendar)? }
            }
            _ => {
                return Err(
                    "a period has one of `hours`, `days`, `months`, or `business_days` with `calendar`".to_owned()
                );
            }
        };
        let number = length.hours.or(length.days).or(length.months).or(length.business_days).unwrap_or(0);
        if (1..=8_784).contains(&number) {
            Ok(period)
        } else {
            Err(format!("{number} is no length of a period; from 1 to 8,784 can be"))
        }
    }

    /// The words in which facts are told.
    #[must_use]
    pub const fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// All versions of all obligations.
    #[must_use]
    pub fn obligations(&self) -> &[Obligation] {
        &self.obligations
    }

    /// Regimes: id and name.
    #[must_use]
    pub fn regimes(&self) -> &[(String, String)] {
        &self.regimes
    }

    /// The calendars.
    #[must_use]
    pub fn calendars(&self) -> &[Calendar] {
        &self.calendars
    }

    pub(crate) fn delaying(&self, regime: &str) -> Option<&Delaying> {
        self.delaying.get(regime)
    }

    /// Who receives notices of a regime for a jurisdiction, where that is known by name.
    #[must_use]
    pub fn authority(&self, regime: &str, jurisdiction: &str) -> Option<&str> {
        self.authorities.get(regime)?.get(jurisdiction).map(String::as_str)
    }
}

/// Puts what is defined in the place of `@name`. Definitions hold no others.
fn defined(text: &str, define: &HashMap<String, String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        let length = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
        let (name, tail) = after.split_at_checked(length).unwrap_or((after, ""));
        let meaning = define.get(name).ok_or_else(|| format!("`@{name}` is not defined in the file"))?;
        out.push_str(before);
        out.push('(');
        out.push_str(meaning);
        out.push(')');
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

fn recipients_for(text: &str) -> Result<(Pattern, u64), String> {
    match text.split_once(" > ") {
        None => Pattern::parse(text).map(|pattern| (pattern, 0)),
        Some((pattern, number)) => {
            let limit = number.parse().map_err(|source| format!("`{number}` is no number: {source}"))?;
            Pattern::parse(pattern).map(|pattern| (pattern, limit))
        }
    }
}

fn well_formed(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

fn day(written: &toml::value::Datetime) -> Result<Date, String> {
    let text = written.to_string();
    text.parse().map_err(|source| format!("`{text}` is no day: {source}"))
}

fn read<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T, LibraryError> {
    toml::from_str(text).map_err(|source| wrong(name, "", source.to_string()))
}

fn wrong(file: &str, at: impl Into<String>, why: impl Into<String>) -> LibraryError {
    LibraryError { file: file.to_owned(), at: at.into(), why: why.into() }
}
