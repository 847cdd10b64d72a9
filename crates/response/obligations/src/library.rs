//! Obligations as they stand in content: read, checked, ready to be asked.

use std::collections::HashMap;

use serde::Deserialize;

use crate::calendar::{Calendar, Written as WrittenCalendar};
use crate::condition::Condition;
use crate::contradiction::{File as ContradictionsFile, Rule};
use crate::facts::Value;
use crate::jurisdiction::{Places, Written as WrittenPlaces};
use crate::obligation::{Confidence, Obligation};

/// The most facts, so that they fit the bits of a word.
const FACTS_MAX: usize = 128;
/// The most roles and the most categories.
const BITS_MAX: usize = 64;
/// What to ask where nobody said which roles the organisation has.
const ROLES_QUESTION: &str =
    "Which roles does the organisation have under these laws (`roles`: controller, covered_entity and so on)?";

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
pub enum Shape {
    /// Yes or no.
    Flag,
    /// A time with offset.
    Instant,
    /// A day.
    Day,
    /// One of its words.
    Word,
    /// A text, which moves no clock.
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
    group: String,
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
    group: Vec<Group>,
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

/// What a delay by law enforcement does to the obligations of a regime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delaying {
    pub citation: String,
    pub says: String,
    pub oral_days_max: i64,
}

/// Facts that are asked for together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// What they are about, in plain words.
    pub title: String,
}

/// What usually triggers a clause of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// As a condition.
    pub when: String,
    /// In plain words.
    pub means: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TriggersFile {
    #[serde(rename = "checked")]
    _checked: toml::value::Datetime,
    trigger: Vec<Trigger>,
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
    /// What answers.
    pub shape: Shape,
    /// The group that it is asked in.
    pub group: &'v str,
}

impl Asked<'_> {
    /// Yes or no answers.
    #[must_use]
    pub fn is_flag(&self) -> bool {
        self.shape == Shape::Flag
    }

    /// A text answers, which moves no clock.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.shape == Shape::Text
    }
}

/// The words in which facts, roles, categories and obligations are named.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    facts: Vec<(String, Shape, String, Vec<String>)>,
    /// Facts that are asked for together, and for each fact the group that it is asked in.
    groups: Vec<Group>,
    group_of: Vec<usize>,
    fact_index: HashMap<String, usize>,
    presumed: Vec<Value>,
    /// Contents of notices, and the fact whose text answers each.
    fills: Vec<(String, String)>,
    /// Facts of which the first cannot lie after the day of the second.
    order: Vec<(usize, usize)>,
    roles: Vec<(String, String)>,
    categories: Vec<String>,
    ids: Vec<String>,
    places: Places,
}

impl Vocabulary {
    fn of(file: FactsFile) -> Result<Self, String> {
        if file.fact.len() > FACTS_MAX || file.role.len() > BITS_MAX || file.categories.known.len() > BITS_MAX {
            return Err(format!("there may be {FACTS_MAX} facts, and {BITS_MAX} roles and categories each"));
        }
        let mut vocabulary = Self {
            groups: file.group,
            roles: file.role.into_iter().map(|role| (role.name, role.means)).collect(),
            categories: file.categories.known,
            ..Self::default()
        };
        let mut order = Vec::new();
        for FactItem { name, shape, group, question, presumed, words, fills, not_after } in file.fact {
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
            let group = vocabulary.groups.iter().position(|known| known.id == group);
            vocabulary.group_of.push(group.ok_or_else(|| format!("fact `{name}`: there is no group of that name"))?);
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
        let grouped = self.facts.iter().zip(&self.group_of);
        grouped.map(|((name, shape, question, words), group)| Asked {
            name,
            question,
            words,
            shape: *shape,
            group: self.groups.get(*group).map_or("", |group| &group.id),
        })
    }

    /// Facts that are asked for together, in the order in which they are asked.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Contents of notices that a fact answers, each with its question.
    pub fn fillable(&self) -> impl Iterator<Item = (&str, &str)> {
        let asked = |fact: &str| self.fact(fact).map_or("", |fact| self.question(fact));
        self.fills.iter().map(move |(content, fact)| (content.as_str(), asked(fact)))
    }

    /// Jurisdictions that facts may name, but for parts of countries that no law here tells apart.
    #[must_use]
    pub fn places(&self) -> Vec<String> {
        self.places.all()
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

    /// The question that asks for the roles of the organisation. The same of every obligation, so that it is asked once.
    #[must_use]
    pub const fn roles_question(&self) -> &'static str {
        ROLES_QUESTION
    }

    /// The jurisdiction that counts for what is written: `US-PR` for `PR`, and most for themselves.
    ///
    /// # Errors
    ///
    /// What to write instead of what is no jurisdiction.
    pub fn jurisdiction<'p>(&'p self, written: &'p str) -> Result<&'p str, String> {
        self.places.named(written)
    }

    pub(crate) fn id(&self, id: &str) -> Option<usize> {
        self.ids.iter().position(|known| known == id)
    }

    pub(crate) fn add_id(&mut self, id: &str) {
        if self.id(id).is_none() {
            self.ids.push(id.to_owned());
        }
    }

    /// Facts that are instants or days, by index.
    fn timed(&self) -> Vec<usize> {
        let is_timed =
            |(_, shape, ..): &(String, Shape, String, Vec<String>)| matches!(shape, Shape::Instant | Shape::Day);
        self.facts.iter().enumerate().filter(|(_, fact)| is_timed(fact)).map(|(index, _)| index).collect()
    }
}

/// Obligations, with the words in which they are told.
#[derive(Debug, Clone)]
pub struct Library {
    pub(crate) vocabulary: Vocabulary,
    pub(crate) calendars: Vec<Calendar>,
    /// Versions of one id stand together, the older first.
    pub(crate) obligations: Vec<Obligation>,
    pub(crate) groups: Vec<std::ops::Range<usize>>,
    pub(crate) regimes: Vec<(String, String)>,
    pub(crate) delaying: HashMap<String, Delaying>,
    /// What cannot, or hardly, be so at once.
    pub(crate) contradictions: Vec<Rule>,
    /// Facts that are instants or days, by index.
    pub(crate) timed: Vec<usize>,
    triggers: Vec<Trigger>,
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
        let mut vocabulary = Vocabulary::of(facts).map_err(|why| wrong("facts.toml", "", why))?;
        let places: WrittenPlaces = read("jurisdictions.toml", text("jurisdictions.toml")?)?;
        vocabulary.places = Places::of(places).map_err(|why| wrong("jurisdictions.toml", "", why))?;
        let contradictions: ContradictionsFile = read("contradictions.toml", text("contradictions.toml")?)?;
        let contradictions = contradictions.rules(&vocabulary).map_err(|why| wrong("contradictions.toml", "", why))?;
        let calendars: CalendarsFile = read("calendars.toml", text("calendars.toml")?)?;
        let calendar = |written: &WrittenCalendar| {
            written.calendar().map_err(|why| wrong("calendars.toml", format!("calendar `{}`: ", written.id), why))
        };
        let calendars = calendars.calendar.iter().map(calendar).collect::<Result<Vec<_>, _>>()?;
        let triggers: TriggersFile = read("triggers.toml", text("triggers.toml")?)?;
        for Trigger { when, .. } in &triggers.trigger {
            Condition::parse(when, &vocabulary).map_err(|why| wrong("triggers.toml", format!("`{when}`: "), why))?;
        }
        let authorities: AuthoritiesFile = read("authorities.toml", text("authorities.toml")?)?;
        let mut library = Self {
            contradictions,
            timed: vocabulary.timed(),
            triggers: triggers.trigger,
            vocabulary,
            calendars,
            obligations: Vec::new(),
            groups: Vec::new(),
            regimes: Vec::new(),
            delaying: HashMap::new(),
            authorities: authorities.by_regime,
        };
        const APART: [&str; 6] = [
            "facts.toml",
            "calendars.toml",
            "authorities.toml",
            "jurisdictions.toml",
            "contradictions.toml",
            "triggers.toml",
        ];
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

    /// What usually triggers clauses of contracts.
    #[must_use]
    pub fn triggers(&self) -> &[Trigger] {
        &self.triggers
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

pub(crate) fn read<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T, LibraryError> {
    toml::from_str(text).map_err(|source| wrong(name, "", source.to_string()))
}

pub(crate) fn wrong(file: &str, at: impl Into<String>, why: impl Into<String>) -> LibraryError {
    LibraryError { file: file.to_owned(), at: at.into(), why: why.into() }
}
