//! Indicators and events in; matches out.

mod place;
mod scan;
mod tables;
pub(crate) mod texts;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Serialize;

use crate::DAY_MS;
use crate::indicator::{Atom, Context, Expression, Indicator, Kind, Network, Test, Until};
use crate::lifetimes::Lifetimes;
use scan::{Hit, Pass, Tables};
use tables::{Blocks, Digests, Words};

/// Fields that say when an event happened, the first that is there counts: those of content/detection/logsources.toml.
pub const TIME_FIELDS: [&str; 15] = [
    "TimeCreated_SystemTime",
    "eventTime",
    "@timestamp",
    "time",
    "ts",
    "published",
    "activityDateTime",
    "createdDateTime",
    "CreationTime",
    "requestReceivedTimestamp",
    "timestamp",
    "TimeCreated",
    "Timestamp",
    "UtcTime",
    "created_at",
];
/// Places that one match names, at most.
const SEEN_MAX: usize = 16;

/// The time that indicators are judged at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// This one, in milliseconds since 1970: only what is live then is looked for.
    At(i64),
    /// The time of each event, as it says itself, for logs of the past. An indicator counts until it ends; and already
    /// before its source knew it, for as long as content/intel/lifetimes.toml says (`back_days`). Events that say nothing
    /// are judged at `now_ms`.
    Back {
        /// The present, in milliseconds since 1970.
        now_ms: i64,
    },
}

/// Where something was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Seen {
    /// The path of the field.
    pub field: String,
    /// The value, as it stands there.
    pub value: String,
    /// What it is.
    pub kind: Kind,
    /// What was looked for.
    pub indicator: String,
}

/// An event that holds what an indicator looks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Match<'a> {
    /// The indicator.
    pub indicator: &'a Indicator,
    /// Where it was seen; several places where it needs several things or is seen several times.
    pub seen: Vec<Seen>,
    /// The time it was judged at, in milliseconds since 1970.
    pub at_ms: i64,
    /// Whether the event says that time itself.
    pub at_event: bool,
}

impl Match<'_> {
    /// Days from when the indicator began to hold to the event; negative where the event came first.
    pub fn age_days(&self) -> i64 {
        self.at_ms.saturating_sub(self.indicator.since_ms).div_euclid(DAY_MS)
    }

    /// The machine form: everything a reader needs to judge it.
    pub fn json(&self) -> serde_json::Value {
        let none = Context::default();
        let (of, context) = (self.indicator, self.indicator.context.as_deref().unwrap_or(&none));
        let until = match of.until {
            Until::Stated => "stated",
            Until::Default => "default",
            Until::Never => "never",
        };
        let mut matched = serde_json::Map::new();
        for seen in &self.seen {
            // Several values of one field stand beside one another.
            let value = match matched.get(&seen.field).and_then(serde_json::Value::as_str) {
                Some(other) => format!("{other}, {}", seen.value),
                None => seen.value.clone(),
            };
            matched.insert(seen.field.clone(), value.into());
        }
        let first = self.seen.first();
        serde_json::json!({
            "indicator": {"id": of.id, "source": of.source, "name": context.name, "value": first.map(|seen| &seen.indicator), "kind": first.map(|seen| seen.kind),
                "since": crate::time::shown(of.since_ms), "since_stated": of.since_stated, "age_days": self.age_days(),
                "expires": of.until_ms.map(crate::time::shown), "expiry": until, "confidence": of.confidence,
                "actors": context.actors, "malware": context.malware, "labels": context.labels, "phases": context.phases,
                "references": context.references, "exploited": context.exploited},
            "time": crate::time::shown(self.at_ms), "time_of_event": self.at_event, "matched": matched,
        })
    }
}

/// An indicator that is looked for.
#[derive(Debug)]
struct Wanted {
    /// Its place among those given.
    index: u32,
    /// Whether any of its atoms is enough.
    any: bool,
    /// How long before its beginning events count, in milliseconds.
    back_ms: i64,
}

/// What one matcher needs beside its tables, for one thread.
#[derive(Debug)]
pub struct Scratch(Pass);

/// Finds what indicators look for.
#[derive(Debug)]
pub struct Matcher<'a> {
    indicators: Vec<&'a Indicator>,
    wanted: Vec<Wanted>,
    atoms: Vec<(&'a Atom, Vec<u32>)>,
    tables: Tables,
    basis: Basis,
    time_fields: Vec<String>,
    left_out: u64,
}

impl<'a> Matcher<'a> {
    /// Builds the tables from the indicators that count.
    ///
    /// # Errors
    /// Only if the table of lifetimes that was built in is broken, which a test excludes.
    pub fn new(indicators: impl IntoIterator<Item = &'a Indicator>, basis: Basis) -> Result<Self, String> {
        let lifetimes = Lifetimes::shipped()?;
        let mut matcher = Self {
            indicators: Vec::new(),
            wanted: Vec::new(),
            atoms: Vec::new(),
            tables: Tables::default(),
            basis,
            time_fields: TIME_FIELDS.map(str::to_owned).to_vec(),
            left_out: 0,
        };
        let mut ids: HashMap<Key<'a>, u32, foldhash::fast::FixedState> = HashMap::default();
        for indicator in indicators {
            let counts = match basis {
                Basis::At(at_ms) => indicator.is_live(at_ms),
                Basis::Back { .. } => !indicator.revoked,
            };
            let Some(expression) = indicator.expression().filter(|_| counts) else { continue };
            let wanted = u32::try_from(matcher.wanted.len()).unwrap_or(u32::MAX);
            let index = u32::try_from(matcher.indicators.len()).unwrap_or(u32::MAX);
            matcher.indicators.push(indicator);
            matcher.wanted.push(Wanted { index, any: is_any(expression), back_ms: lifetimes.back_ms(expression) });
            expression.atoms(&mut |atom| {
                let id = match ids.entry(key_of(atom)) {
                    Entry::Occupied(there) => *there.get(),
                    Entry::Vacant(free) => {
                        matcher.atoms.push((atom, Vec::new()));
                        *free.insert(u32::try_from(matcher.atoms.len() - 1).unwrap_or(u32::MAX))
                    }
                };
                if let Some((_, users)) = matcher.atoms.get_mut(id as usize)
                    && users.last() != Some(&wanted)
                {
                    users.push(wanted);
                }
            });
        }
        matcher.tables();
        Ok(matcher)
    }

    /// Lets other fields than [`TIME_FIELDS`] say when an event happened.
    #[must_use]
    pub fn with_time_fields(mut self, fields: Vec<String>) -> Self {
        self.time_fields = fields;
        self
    }

    fn tables(&mut self) {
        let (mut v4, mut v6) = (Vec::<(Network, u32)>::new(), Vec::<(Network, u32)>::new());
        let words_of = Vec::<(&str, u32)>::new;
        let (mut digests, mut domains, mut urls) = (words_of(), words_of(), words_of());
        let (mut files, mut emails, mut flaws) = (words_of(), words_of(), words_of());
        let mut texts: HashMap<Kind, Vec<(u32, &Test)>> = HashMap::new();
        for ((atom, _), id) in self.atoms.iter().zip(0u32..) {
            match atom {
                Atom::Network(network) if network.address().is_ipv4() => v4.push((*network, id)),
                Atom::Network(network) => v6.push((*network, id)),
                Atom::Hash(_, digest) => digests.push((digest, id)),
                Atom::Domain(name) => domains.push((name, id)),
                Atom::Url(url) => urls.push((url, id)),
                Atom::FileName(name) => files.push((name, id)),
                Atom::Email(address) => emails.push((address, id)),
                Atom::Vulnerability(flaw) => flaws.push((flaw, id)),
                Atom::Text(kind, test) => texts.entry(*kind).or_default().push((id, test)),
            }
        }
        let mut tops: Vec<(&str, u32)> =
            domains.iter().map(|(name, _)| (name.rsplit('.').next().unwrap_or_default(), 0)).collect();
        tops.sort_unstable();
        tops.dedup();
        let words = |texts: &[(&str, u32)]| Words::new(texts.iter().copied());
        let mut tables = Tables {
            v4: Blocks::new(32, &v4),
            v6: Blocks::new(128, &v6),
            digests: Digests::new(digests.into_iter()),
            domains: words(&domains),
            tops: words(&tops),
            bare_urls: urls.iter().any(|(url, _)| !has_scheme(url)),
            urls: words(&urls),
            files: words(&files),
            emails: words(&emails),
            flaws: words(&flaws),
            ..Tables::default()
        };
        for (kind, tests) in &texts {
            let (built, left) = texts::Texts::new(tests);
            match scan::like(&mut tables, *kind) {
                Some(place) => {
                    *place = built;
                    self.left_out += left.len() as u64;
                }
                None => self.left_out += tests.len() as u64,
            }
        }
        self.tables = tables;
    }

    /// Indicators that are looked for.
    pub fn len(&self) -> usize {
        self.wanted.len()
    }

    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// `LIKE` and `MATCHES` tests that together were too large, and are not tried.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// What one thread needs.
    pub fn scratch(&self) -> Scratch {
        Scratch(Pass::new(&self.tables))
    }

    /// Calls for each indicator that an event, one JSON object, holds. The order is that of the indicators.
    pub fn each(&self, event: &[u8], scratch: &mut Scratch, take: &mut dyn FnMut(Match<'a>)) {
        let pass = &mut scratch.0;
        pass.event(&self.tables, event);
        if !pass.hits.is_empty() {
            self.judge(event, &pass.hits, take);
        }
    }

    fn judge(&self, event: &[u8], hits: &[Hit], take: &mut dyn FnMut(Match<'a>)) {
        let mut found: Vec<u32> = hits
            .iter()
            .filter_map(|hit| self.atoms.get(hit.atom as usize))
            .flat_map(|(_, users)| users)
            .copied()
            .collect();
        found.sort_unstable();
        found.dedup();
        let own_ms = match self.basis {
            Basis::At(_) => None,
            Basis::Back { .. } => place::time_of(event, &self.time_fields),
        };
        let mut paths: HashMap<usize, String> = HashMap::new();
        for wanted in found {
            let Some(wanted) = self.wanted.get(wanted as usize) else { continue };
            let Some(indicator) = self.indicators.get(wanted.index as usize) else { continue };
            let at_ms = match self.basis {
                Basis::At(at_ms) => at_ms,
                Basis::Back { now_ms } => own_ms.unwrap_or(now_ms),
            };
            let counts = indicator.until_ms.is_none_or(|until| at_ms < until)
                && at_ms >= indicator.since_ms.saturating_sub(wanted.back_ms);
            let Some(expression) = indicator.expression().filter(|_| counts) else { continue };
            let own = |hit: &&Hit| self.atoms.get(hit.atom as usize).is_some_and(|(atom, _)| has(expression, atom));
            let there: Vec<&Hit> = hits.iter().filter(own).collect();
            let is_there = |atom: &Atom| {
                there.iter().any(|hit| {
                    self.atoms.get(hit.atom as usize).is_some_and(|(other, _)| key_of(other) == key_of(atom))
                })
            };
            if !wanted.any && !holds(expression, &is_there) {
                continue;
            }
            let seen = there
                .iter()
                .take(SEEN_MAX)
                .filter_map(|hit| {
                    let (atom, _) = self.atoms.get(hit.atom as usize)?;
                    let field = paths.entry(hit.at).or_insert_with(|| place::path_of(event, hit.at)).clone();
                    Some(Seen { field, value: hit.value.clone(), kind: atom.kind(), indicator: atom.to_string() })
                })
                .collect();
            let at_event = own_ms.is_some();
            take(Match { indicator, seen, at_ms, at_event });
        }
    }
}

/// Atoms that are found in the same way are one: digests of one length, whatever their algorithm.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Digest(&'a str),
    Other(&'a Atom),
}

fn key_of(atom: &Atom) -> Key<'_> {
    match atom {
        Atom::Hash(_, digest) => Key::Digest(digest),
        other => Key::Other(other),
    }
}

pub(crate) fn has_scheme(url: &str) -> bool {
    url.find("://").is_some_and(|at| {
        url.bytes().take(at).all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

fn is_any(expression: &Expression) -> bool {
    match expression {
        Expression::One(_) => true,
        Expression::Any(parts) => parts.iter().all(is_any),
        Expression::All(_) => false,
    }
}

fn has(expression: &Expression, wanted: &Atom) -> bool {
    match expression {
        Expression::One(atom) => key_of(atom) == key_of(wanted),
        Expression::All(parts) | Expression::Any(parts) => parts.iter().any(|part| has(part, wanted)),
    }
}

/// Whether an expression holds where these atoms are there.
pub(crate) fn holds(expression: &Expression, is_there: &dyn Fn(&Atom) -> bool) -> bool {
    match expression {
        Expression::One(atom) => is_there(atom),
        Expression::All(parts) => parts.iter().all(|part| holds(part, is_there)),
        Expression::Any(parts) => parts.iter().any(|part| holds(part, is_there)),
    }
}
