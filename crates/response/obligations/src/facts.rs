//! Facts as people know them.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::calendar::YEARS;
use crate::library::{Shape, Vocabulary};

/// The most entries of `affected`.
pub const AFFECTED_MAX: usize = 2_000;
/// The most entries of `notifications`.
pub const NOTIFICATIONS_MAX: usize = 1_000;
/// The most names of facts that nobody knows and that are told.
const STRANGE_MAX: usize = 20;

/// What is wrong with facts.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FactsError(#[from] pub(crate) serde_json::Error);

/// What is known of one fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Unknown,
    /// Whether it is so.
    Flag(bool),
    /// Which of its words, by index.
    Word(u8),
    /// When, to the second.
    Instant(Timestamp),
    /// On which day.
    Day(Date),
}

/// People of one jurisdiction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// Where they live: `EU-DE`, `US-CA`, `JP`.
    pub jurisdiction: Box<str>,
    /// How many. `None`: unknown.
    pub subjects: Option<u64>,
    /// Of what kind their data are, as bits of the vocabulary's categories. `None`: unknown.
    pub categories: Option<u64>,
}

/// How law enforcement asked for a delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DelayKind {
    /// In writing, for a time that it gives.
    Written,
    /// By word of mouth.
    Oral,
}

/// A delay that law enforcement asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// How. `None`: unknown.
    pub kind: Option<DelayKind>,
    /// When it was stated. `None`: unknown.
    pub stated_on: Option<Date>,
    /// Until when. `None`: unknown.
    pub until: Option<Date>,
}

/// A notice that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notification {
    /// The obligation that it fulfils, by its index among ids.
    pub obligation: usize,
    /// When. `None`: unknown.
    pub submitted_at: Option<Timestamp>,
}

/// The facts of one incident.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The organisation's roles, as bits of the vocabulary's.
    pub roles: u64,
    /// The organisation's time zone.
    pub zone: TimeZone,
    /// A delay by law enforcement.
    pub delay: Option<Delay>,
    /// Notices sent.
    pub notifications: Vec<Notification>,
    /// Names of facts, categories and obligations that mean nothing here, at most twenty. They play no part; whoever reads facts
    /// has to tell.
    pub strange: Vec<String>,
    values: Vec<Value>,
    /// Facts that are given, as bits by index; what is presumed of others is not among them.
    given: u128,
    has_roles: bool,
    has_zone: bool,
    affected: Option<Vec<Affected>>,
}

impl Facts {
    /// Reads them from JSON.
    ///
    /// # Errors
    ///
    /// What is wrong, and in which line and column.
    pub fn from_json(json: &[u8], vocabulary: &Vocabulary) -> Result<Self, FactsError> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let facts = Seed(vocabulary).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(facts)
    }

    pub(crate) fn value(&self, fact: usize) -> Value {
        self.values.get(fact).copied().unwrap_or(Value::Unknown)
    }

    /// Whether somebody said it, rather than that it is presumed.
    pub(crate) const fn is_given(&self, fact: usize) -> bool {
        self.given & 1 << fact != 0
    }

    /// Whether it is known which roles the organisation has.
    #[must_use]
    pub const fn has_roles(&self) -> bool {
        self.has_roles
    }

    /// Whether the organisation's time zone is known; `UTC` is taken where it is not.
    #[must_use]
    pub const fn has_zone(&self) -> bool {
        self.has_zone
    }

    /// People affected. `None`: unknown.
    #[must_use]
    pub fn affected(&self) -> Option<&[Affected]> {
        self.affected.as_deref()
    }

    /// The day on which an instant falls where the organisation is.
    pub(crate) fn day(&self, instant: Timestamp) -> Date {
        self.zone.to_datetime(instant).date()
    }

    /// When the notice of an obligation was first submitted.
    pub(crate) fn notice(&self, obligation: usize) -> Option<Option<Timestamp>> {
        let of = self.notifications.iter().filter(|notice| notice.obligation == obligation);
        of.map(|notice| notice.submitted_at).min_by_key(|at| at.unwrap_or(Timestamp::MAX))
    }
}

struct Seed<'v>(&'v Vocabulary);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Facts;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Facts, D::Error> {
        deserializer.deserialize_map(self)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAffected<'a> {
    #[serde(borrow)]
    jurisdiction: Cow<'a, str>,
    #[serde(default)]
    subjects: Count,
    #[serde(borrow, default)]
    categories: Option<Vec<Cow<'a, str>>>,
}

/// A number of people, or none given.
#[derive(Default)]
struct Count(Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

struct CountVisitor;

impl CountVisitor {
    fn refused<T, E: serde::de::Error>(is: impl fmt::Display) -> Result<T, E> {
        Err(E::custom(format!("`affected`: `subjects` is {is}; write a whole number of people from 0 on, or `null`")))
    }
}

impl Visitor<'_> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`subjects` as a whole number of people from 0 on, or `null`")
    }

    fn visit_u64<E: serde::de::Error>(self, count: u64) -> Result<Count, E> {
        Ok(Count(Some(count)))
    }

    fn visit_i64<E: serde::de::Error>(self, count: i64) -> Result<Count, E> {
        Self::refused(count)
    }

    fn visit_f64<E: serde::de::Error>(self, count: f64) -> Result<Count, E> {
        Self::refused(count)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Count, E> {
        Ok(Count(None))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDelay<'a> {
    kind: Option<DelayKind>,
    #[serde(borrow)]
    stated_on: Option<Cow<'a, str>>,
    #[serde(borrow)]
    until: Option<Cow<'a, str>>,
    /// Who said it, as 45 CFR 164.412(b) has it documented: no clock depends on it.
    #[serde(borrow)]
    stated_by: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenNotification<'a> {
    #[serde(borrow)]
    obligation: Cow<'a, str>,
    #[serde(borrow)]
    submitted_at: Option<Cow<'a, str>>,
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Facts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of facts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Facts, A::Error> {
        let vocabulary = self.0;
        let mut facts = Facts {
            roles: 0,
            zone: TimeZone::UTC,
            delay: None,
            notifications: Vec::new(),
            strange: Vec::new(),
            values: vocabulary.presumed().to_vec(),
            given: 0,
            has_roles: false,
            has_zone: false,
            affected: None,
        };
        let mut seen_own = 0_u8;
        let mut seen = 0_u128;
        let mut once = |bit: u8, name: &str| {
            let is_again = seen_own & 1 << bit != 0;
            seen_own |= 1 << bit;
            if is_again { Err(A::Error::custom(format!("`{name}` is given twice"))) } else { Ok(()) }
        };
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "roles" => {
                    once(0, &key)?;
                    let roles = map.next_value::<Option<Vec<Cow<'de, str>>>>()?;
                    facts.has_roles = roles.is_some();
                    for role in roles.unwrap_or_default() {
                        let index =
                            vocabulary.role(&role).ok_or_else(|| A::Error::custom(vocabulary.no_role(&role)))?;
                        facts.roles |= 1 << index;
                    }
                }
                "timezone" => {
                    once(1, &key)?;
                    if let Some(name) = map.next_value::<Option<Cow<'de, str>>>()? {
                        facts.zone = zone(&name)?;
                        facts.has_zone = true;
                    }
                }
                "affected" => {
                    once(2, &key)?;
                    let written = map.next_value::<Option<Vec<WrittenAffected<'de>>>>()?;
                    facts.affected = written.map(|all| affected(&all, vocabulary, &mut facts.strange)).transpose()?;
                }
                "law_enforcement_delay" => {
                    once(3, &key)?;
                    let written = map.next_value::<Option<WrittenDelay<'de>>>()?;
                    facts.delay = written.map(|delay| self::delay(&delay)).transpose()?;
                }
                "notifications" => {
                    once(4, &key)?;
                    let written = map.next_value::<Option<Vec<WrittenNotification<'de>>>>()?.unwrap_or_default();
                    facts.notifications = notifications(&written, vocabulary, &mut facts.strange)?;
                }
                name => match vocabulary.fact(name) {
                    Some(fact) => {
                        let bit = 1_u128 << fact;
                        if seen & bit != 0 {
                            return Err(A::Error::custom(format!("`{name}` is given twice")));
                        }
                        seen |= bit;
                        let value = map.next_value::<Option<Scalar<'de>>>()?;
                        if let (Some(value), Some(slot)) = (value, facts.values.get_mut(fact)) {
                            *slot = value.of(name, fact, vocabulary)?;
                            facts.given |= bit;
                        }
                    }
                    None => {
                        map.next_value::<IgnoredAny>()?;
                        strange(&mut facts.strange, "fact", name);
                    }
                },
            }
        }
        in_order(&facts, vocabulary)?;
        Ok(facts)
    }
}

/// What began after it was discovered was not: one of the two facts is wrong.
fn in_order<E: serde::de::Error>(facts: &Facts, vocabulary: &Vocabulary) -> Result<(), E> {
    let day = |fact: usize| match facts.value(fact) {
        Value::Instant(at) => Some(facts.day(at)),
        Value::Day(day) => Some(day),
        Value::Unknown | Value::Flag(_) | Value::Word(_) => None,
    };
    for (one, other) in vocabulary.order() {
        if let (Some(first), Some(second)) = (day(*one), day(*other))
            && first > second
        {
            let (one, other) = (vocabulary.fact_name(*one), vocabulary.fact_name(*other));
            return Err(E::custom(format!(
                "`{one}` ({first}) lies after `{other}` ({second}), which cannot be; correct one of them"
            )));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar<'a> {
    Flag(bool),
    #[serde(borrow)]
    Text(Cow<'a, str>),
    /// Numbers, lists, objects: no fact has them.
    Other(IgnoredAny),
}

impl Scalar<'_> {
    fn of<E: serde::de::Error>(&self, name: &str, fact: usize, vocabulary: &Vocabulary) -> Result<Value, E> {
        match (vocabulary.shape(fact), self) {
            (Some(Shape::Flag), Self::Flag(is)) => Ok(Value::Flag(*is)),
            (Some(Shape::Instant), Self::Text(text)) => instant(text, name).map(Value::Instant),
            (Some(Shape::Day), Self::Text(text)) => day(text, name).map(Value::Day),
            (Some(Shape::Word), Self::Text(text)) => {
                vocabulary.word_index(fact, text).map(Value::Word).ok_or_else(|| {
                    E::custom(format!("`{name}` is never `{text}`; it is one of {}", vocabulary.words(fact).join(", ")))
                })
            }
            (Some(Shape::Text), Self::Text(_)) => Ok(Value::Unknown),
            (shape, _) => Err(E::custom(format!("`{name}` has to be {}", shape.map_or("known", Shape::as_words)))),
        }
    }
}

/// The time zone of that IANA name.
fn zone<E: serde::de::Error>(name: &str) -> Result<TimeZone, E> {
    TimeZone::get(name).map_err(|source| {
        E::custom(format!(
            "`timezone`: `{name}` is no time zone of the IANA database ({source}); write `Europe/Berlin` or `UTC`"
        ))
    })
}

/// An RFC 3339 time with offset, within the years that calendars are reckoned for.
fn instant<E: serde::de::Error>(text: &str, name: &str) -> Result<Timestamp, E> {
    let parsed: Timestamp = text.parse().map_err(|source| {
        E::custom(format!("`{name}`: `{text}` is no time with offset ({source}); write `2026-03-27T22:30:00+01:00`"))
    })?;
    let year = parsed.to_zoned(TimeZone::UTC).year();
    in_years(year, text, name).map(|()| parsed)
}

fn day<E: serde::de::Error>(text: &str, name: &str) -> Result<Date, E> {
    let is_plain = text.len() == 10;
    let parsed = is_plain.then(|| text.parse::<Date>().ok()).flatten();
    let parsed = parsed.ok_or_else(|| E::custom(format!("`{name}`: `{text}` is no day; write `2026-01-15`")))?;
    in_years(parsed.year(), text, name).map(|()| parsed)
}

fn in_years<E: serde::de::Error>(year: i16, text: &str, name: &str) -> Result<(), E> {
    // Two years of room, so that no period leads out of the calendars.
    let (first, last) = (*YEARS.start(), *YEARS.end() - 2);
    if (first..=last).contains(&year) {
        Ok(())
    } else {
        Err(E::custom(format!("`{name}`: `{text}` lies outside the years {first} to {last}")))
    }
}

/// Notes a name that means nothing here.
fn strange(all: &mut Vec<String>, what: &str, name: &str) {
    if all.len() < STRANGE_MAX {
        let name: String = name.chars().take(100).collect();
        all.push(format!("{what} `{name}`"));
    }
}

fn affected<E: serde::de::Error>(
    all: &[WrittenAffected<'_>],
    vocabulary: &Vocabulary,
    unknown: &mut Vec<String>,
) -> Result<Vec<Affected>, E> {
    if all.len() > AFFECTED_MAX {
        return Err(E::custom(format!(
            "`affected` has {} entries, more than {AFFECTED_MAX}; add them up by jurisdiction",
            all.len()
        )));
    }
    let entry = |(index, one): (usize, &WrittenAffected<'_>)| {
        let jurisdiction = vocabulary.jurisdiction(&one.jurisdiction);
        let jurisdiction = jurisdiction.map_err(|why| E::custom(format!("`affected[{index}].jurisdiction`: {why}")))?;
        let mut categories = one.categories.as_ref().map(|_| 0_u64);
        for name in one.categories.iter().flatten() {
            match (vocabulary.category(name), &mut categories) {
                (Some(index), Some(bits)) => *bits |= 1 << index,
                _ => strange(unknown, "category", name),
            }
        }
        Ok(Affected { jurisdiction: jurisdiction.into(), subjects: one.subjects.0, categories })
    };
    all.iter().enumerate().map(entry).collect()
}

/// Characters that say who asked for a delay.
const STATED_BY_MAX: usize = 500;

fn delay<E: serde::de::Error>(written: &WrittenDelay<'_>) -> Result<Delay, E> {
    let of = |text: &Option<Cow<'_, str>>, name| text.as_ref().map(|text| day(text, name)).transpose();
    let stated_on = of(&written.stated_on, "law_enforcement_delay.stated_on")?;
    let until = of(&written.until, "law_enforcement_delay.until")?;
    if let Some(by) = &written.stated_by
        && !(1..=STATED_BY_MAX).contains(&by.trim().chars().count())
    {
        return Err(E::custom(format!(
            "`law_enforcement_delay.stated_by` has 1 to {STATED_BY_MAX} characters: who of which agency said it"
        )));
    }
    if until.zip(stated_on).is_some_and(|(until, stated_on)| until < stated_on) {
        return Err(E::custom("`law_enforcement_delay` ends before it was stated; check `until` and `stated_on`"));
    }
    Ok(Delay { kind: written.kind, stated_on, until })
}

fn notifications<E: serde::de::Error>(
    all: &[WrittenNotification<'_>],
    vocabulary: &Vocabulary,
    unknown: &mut Vec<String>,
) -> Result<Vec<Notification>, E> {
    if all.len() > NOTIFICATIONS_MAX {
        return Err(E::custom(format!("`notifications` has {} entries, more than {NOTIFICATIONS_MAX}", all.len())));
    }
    let mut known = Vec::with_capacity(all.len());
    for one in all {
        let submitted_at =
            one.submitted_at.as_ref().map(|text| instant(text, "notifications.submitted_at")).transpose()?;
        match vocabulary.id(&one.obligation) {
            Some(obligation) => known.push(Notification { obligation, submitted_at }),
            None => strange(unknown, "obligation", &one.obligation),
        }
    }
    Ok(known)
}
