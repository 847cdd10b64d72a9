//! Events in, in the order of the record; sightings out.

use std::collections::{HashMap, HashSet, VecDeque};

use behaviour::{Behaviour, Options};
use detect::correlate::{Bound, Correlated, Correlator, EVENTS_MAX};
use detect::correlation::Correlation;
use detect::library::{Library, Rejected};
use detect::logsource::Logsources;
use detect::rule::Rule;
use detect::{Engine, Ruleset};
use model::{FoundBy, Label, PrincipalId, StudyId};

use crate::{Measure, Ranking, Sighting};

/// The rule id of findings of behaviour.
pub const BEHAVIOUR_RULE: &str = "lazaret-behaviour";
/// What events touched is remembered for so many of the last that matched a rule.
const TOUCHED_MAX: usize = 100_000;
/// Entries remembered of a day of an entity, for evidence: those about most data subjects, of equal ones the newest.
const EVIDENCE_MAX: usize = 100;
const DAY_SECONDS: i64 = 86_400;

/// Rules, ready to be tried.
pub struct Known {
    rules: Ruleset,
    correlations: Vec<Correlation>,
    /// Ids and names of rules that correlations speak for.
    silent: HashSet<String>,
    fields: Vec<String>,
    ranking: Ranking,
    rejected: Vec<Rejected>,
    time_fields: Vec<String>,
}

impl Known {
    /// Of a library.
    ///
    /// # Errors
    /// When the shipped tables or the rules' texts cannot be made ready; in words.
    pub fn of(library: Library) -> Result<Self, String> {
        let Library { rules, correlations, rejected, .. } = library;
        let mut fields: Vec<String> = Vec::new();
        for correlation in &correlations {
            let aliases = correlation.aliases.values().flat_map(std::collections::BTreeMap::values);
            for field in correlation.group_by.iter().chain(&correlation.fields).chain(aliases) {
                if !fields.contains(field) {
                    fields.push(field.clone());
                }
            }
        }
        let silent = correlations
            .iter()
            .filter(|correlation| !correlation.generate)
            .flat_map(|correlation| correlation.rules.iter().cloned())
            .collect();
        let logsources = Logsources::shipped().map_err(|error| error.to_string())?;
        let time_fields = logsources.time.clone();
        let extra: Vec<&str> = fields.iter().map(String::as_str).collect();
        let rules = Ruleset::new(rules, logsources, &extra)?;
        let ranking = Ranking::shipped().map_err(|error| error.to_string())?;
        Ok(Self { rules, correlations, silent, fields, ranking, rejected, time_fields })
    }

    /// Rules over single events.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        self.rules.rules()
    }

    /// Rules over several.
    #[must_use]
    pub fn correlations(&self) -> &[Correlation] {
        &self.correlations
    }

    /// How findings are ranked.
    #[must_use]
    pub fn ranking(&self) -> &Ranking {
        &self.ranking
    }

    /// What was not taken, and why.
    #[must_use]
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// Where events say when they happened.
    #[must_use]
    pub fn time_fields(&self) -> &[String] {
        &self.time_fields
    }

    fn is_silent(&self, rule: &Rule) -> bool {
        self.silent.contains(&rule.id) || rule.name.as_ref().is_some_and(|name| self.silent.contains(name))
    }
}

/// An event to be watched.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    /// Its number in the record.
    pub entry: u64,
    /// The form that its log was read as; `ocsf` for Lazaret's own.
    pub family: &'a str,
    /// What rules are tried on.
    pub json: &'a [u8],
    /// When, in milliseconds since 1970, UTC.
    pub time_ms: i64,
    /// Who, where it is a principal.
    pub principal: Option<PrincipalId>,
    /// Who or from where, otherwise.
    pub about: &'a str,
    /// In which study.
    pub study: Option<StudyId>,
    /// What was touched.
    pub labels: Vec<Label>,
    /// Data subjects of it.
    pub subjects: u64,
    /// The object's name.
    pub object: Option<String>,
    /// What the watch over behaviour counts.
    pub access: Option<behaviour::Event<'a>>,
}

/// What was watched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events.
    pub events: u64,
    /// Events that no rule is about.
    pub unrouted: u64,
    /// Events that are no JSON object.
    pub malformed: u64,
    /// Matches that correlations gave up for want of room.
    pub evicted_matches: u64,
    /// Entities that the watch over behaviour forgot for want of room.
    pub evicted_entities: u64,
    /// Events that came too late to be counted.
    pub late: u64,
}

/// What an entry touched.
#[derive(Debug, Clone, Copy)]
struct Touched {
    entry: u64,
    time_ms: i64,
    /// A bit a label.
    labels: u64,
    subjects: u64,
}

/// What is remembered of a day of an entity.
#[derive(Debug)]
struct Recent {
    day: i64,
    /// At most [`EVIDENCE_MAX`].
    kept: Vec<Touched>,
    /// Entries that gave way to those.
    left: u64,
}

impl Recent {
    fn add(&mut self, touched: Touched) {
        if self.kept.len() < EVIDENCE_MAX {
            self.kept.push(touched);
            return;
        }
        self.left += 1;
        let least = self.kept.iter().enumerate().min_by_key(|(_, kept)| kept.subjects);
        if let Some((place, _)) = least.filter(|(_, kept)| kept.subjects <= touched.subjects) {
            self.kept.remove(place);
            self.kept.push(touched);
        }
    }
}

/// Watches.
pub struct Watcher<'k> {
    known: &'k Known,
    engine: Engine<'k>,
    correlator: Correlator<'k>,
    behaviour: Behaviour,
    /// What events that matched touched, in the order of the record.
    touched: VecDeque<Touched>,
    /// Of entities, the entries of their last days.
    recent: HashMap<String, VecDeque<Recent>>,
    day: i64,
    counts: Counts,
}

impl<'k> Watcher<'k> {
    /// One that saw nothing yet.
    #[must_use]
    pub fn new(known: &'k Known, options: Options) -> Self {
        Self {
            known,
            engine: Engine::new(&known.rules),
            correlator: Correlator::new(&known.correlations, Bound::default()),
            behaviour: Behaviour::new(options),
            touched: VecDeque::new(),
            recent: HashMap::new(),
            day: i64::MIN,
            counts: Counts::default(),
        }
    }

    /// What was watched.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let behaviour = self.behaviour.counts();
        Counts {
            evicted_matches: self.correlator.evicted(),
            evicted_entities: behaviour.evicted,
            late: behaviour.late,
            ..self.counts
        }
    }

    /// People and devices, the strangest first.
    #[must_use]
    pub fn strangest(&self) -> Vec<behaviour::Ranked> {
        self.behaviour.ranking()
    }

    /// Takes an event in; what was seen with it.
    pub fn see(&mut self, seen: &Seen<'_>) -> Vec<Sighting> {
        self.counts.events += 1;
        let mut sightings = Vec::new();
        self.try_rules(seen, &mut sightings);
        if let Some(access) = &seen.access {
            self.remember(seen, access);
            for alert in self.behaviour.update(access) {
                sightings.extend(self.alerted(&alert));
            }
        }
        sightings
    }

    fn try_rules(&mut self, seen: &Seen<'_>, sightings: &mut Vec<Sighting>) {
        let known = self.known;
        let mut found = Vec::new();
        let tried = self.engine.evaluate(seen.family, seen.json, &mut |one, event| {
            let values: Vec<(&str, String)> =
                known.fields.iter().filter_map(|field| Some((field.as_str(), event.value(field)?))).collect();
            found.push((one.rule, one.matched, values));
        });
        match tried {
            Ok(0) => self.counts.unrouted += 1,
            Ok(_) => {}
            Err(_malformed) => self.counts.malformed += 1,
        }
        if found.is_empty() {
            return;
        }
        if self.touched.len() >= TOUCHED_MAX {
            self.touched.pop_front();
        }
        self.touched.push_back(touched(seen));
        for (rule, matched, values) in found {
            let value = |field: &str| values.iter().find(|(name, _)| *name == field).map(|(_, value)| value.clone());
            let at = (seen.entry, seen.time_ms);
            for held in self.correlator.take(&rule.id, rule.name.as_deref(), at, &value) {
                sightings.extend(self.correlated(&held, seen));
            }
            if !known.is_silent(rule) {
                sightings.push(Sighting {
                    found: FoundBy::Rule,
                    entries: vec![(seen.entry, seen.time_ms)],
                    time_ms: seen.time_ms,
                    principal: seen.principal,
                    about: seen.about.to_owned(),
                    study: seen.study.clone(),
                    labels: seen.labels.clone(),
                    subjects: seen.subjects,
                    matched,
                    why: Vec::new(),
                    measures: Vec::new(),
                    object: seen.object.clone(),
                    ..headed(rule)
                });
            }
        }
    }

    fn correlated(&self, held: &Correlated, seen: &Seen<'_>) -> Option<Sighting> {
        let correlation = self.known.correlations.get(held.index)?;
        if self.known.is_silent(&correlation.head) {
            return None;
        }
        let by_actor =
            seen.principal.filter(|principal| held.group.iter().any(|(_, value)| *value == principal.to_string()));
        let mut entries = held.events.clone();
        entries.sort_unstable();
        entries.dedup();
        if entries.is_empty() {
            entries.push(seen.entry);
        }
        let (mut labels, mut subjects) = (bits(&seen.labels), seen.subjects);
        let mut timed = Vec::with_capacity(entries.len());
        for entry in entries {
            let known = self.touched.binary_search_by_key(&entry, |touched| touched.entry);
            let touched = known.ok().and_then(|at| self.touched.get(at));
            labels |= touched.map_or(0, |touched| touched.labels);
            subjects = subjects.max(touched.map_or(0, |touched| touched.subjects));
            timed.push((entry, touched.map_or(held.time_ms, |touched| touched.time_ms)));
        }
        let mut matched = held.group.clone();
        matched.push(("count".to_owned(), held.number.to_string()));
        let mut why = Vec::new();
        if held.events_left > 0 {
            let all = held.events_left + held.events.len();
            matched.push(("events".to_owned(), all.to_string()));
            why.push(format!("{all} events are in the window; the evidence is the newest {EVENTS_MAX} of them"));
        }
        let about: Vec<String> = held.group.iter().map(|(field, value)| format!("{field}={value}")).collect();
        Some(Sighting {
            found: FoundBy::Correlation,
            time_ms: held.time_ms,
            entries: timed,
            principal: by_actor,
            about: if by_actor.is_some() { String::new() } else { about.join(", ") },
            study: seen.study.clone(),
            labels: set(labels),
            subjects,
            matched,
            why,
            measures: Vec::new(),
            object: seen.object.clone(),
            ..headed(&correlation.head)
        })
    }

    /// Remembers the entry as one of its entity's, for evidence.
    fn remember(&mut self, seen: &Seen<'_>, access: &behaviour::Event<'_>) {
        let day = access.time.div_euclid(DAY_SECONDS);
        if day > self.day {
            self.day = day;
            // Days are closed within two.
            self.recent.retain(|_, recent| {
                while recent.front().is_some_and(|known| known.day < day - 2) {
                    recent.pop_front();
                }
                !recent.is_empty()
            });
        }
        if !self.recent.contains_key(access.principal.as_ref()) {
            self.recent.insert(access.principal.clone().into_owned(), VecDeque::new());
        }
        let Some(recent) = self.recent.get_mut(access.principal.as_ref()) else { return };
        match recent.iter_mut().find(|known| known.day == day) {
            Some(known) => known.add(touched(seen)),
            None => recent.push_back(Recent { day, kept: vec![touched(seen)], left: 0 }),
        }
    }

    fn alerted(&self, alert: &behaviour::Alert) -> Option<Sighting> {
        let time = alert.time.parse::<jiff::Timestamp>().ok()?;
        let day = time.as_second().div_euclid(DAY_SECONDS);
        let recent = self.recent.get(&alert.entity).and_then(|recent| recent.iter().find(|known| known.day == day));
        let (entries, left) = recent.map_or((&[][..], 0), |recent| (&*recent.kept, recent.left));
        let mut why = alert.why.clone();
        if left > 0 {
            let all = left + entries.len() as u64;
            why.push(format!(
                "{all} entries are of that day; the evidence is the {EVIDENCE_MAX} of them about most data subjects"
            ));
        }
        let labels = entries.iter().fold(0, |labels, touched| labels | touched.labels);
        let subjects = entries.iter().map(|touched| touched.subjects).max().unwrap_or_default();
        let mut entries: Vec<(u64, i64)> = entries.iter().map(|touched| (touched.entry, touched.time_ms)).collect();
        entries.sort_unstable();
        let principal: Option<PrincipalId> = alert.entity.parse().ok();
        Some(Sighting {
            found: FoundBy::Behaviour,
            rule: BEHAVIOUR_RULE.to_owned(),
            title: "Unusual for this actor".to_owned(),
            description: "What this actor did in a day differs from what it and its peers usually do.".to_owned(),
            level: self.known.ranking.grade(alert.score),
            tags: Vec::new(),
            time_ms: time.as_millisecond(),
            entries,
            principal,
            about: if principal.is_some() { String::new() } else { alert.entity.clone() },
            study: None,
            labels: set(labels),
            subjects,
            matched: vec![("score".to_owned(), alert.score.to_string())],
            why,
            measures: alert.measures.iter().map(measure).collect(),
            object: None,
        })
    }
}

/// A sighting with the head of a rule and nothing else.
fn headed(rule: &Rule) -> Sighting {
    Sighting {
        found: FoundBy::Rule,
        rule: rule.id.clone(),
        title: rule.title.clone(),
        description: rule.description.clone(),
        level: rule.level,
        tags: rule.tags.clone(),
        time_ms: 0,
        entries: Vec::new(),
        principal: None,
        about: String::new(),
        study: None,
        labels: Vec::new(),
        subjects: 0,
        matched: Vec::new(),
        why: Vec::new(),
        measures: Vec::new(),
        object: None,
    }
}

fn measure(one: &behaviour::Measure) -> Measure {
    Measure {
        what: one.what.to_owned(),
        seen: one.seen.into(),
        usual: one.usual.into(),
        most: one.most.into(),
        peers: one.peers.into(),
    }
}

fn touched(seen: &Seen<'_>) -> Touched {
    Touched { entry: seen.entry, time_ms: seen.time_ms, labels: bits(&seen.labels), subjects: seen.subjects }
}

fn bits(labels: &[Label]) -> u64 {
    labels.iter().fold(0, |bits, label| bits | 1_u64.checked_shl(*label as u32).unwrap_or_default())
}

fn set(bits: u64) -> Vec<Label> {
    Label::ALL
        .iter()
        .copied()
        .filter(|label| bits & 1_u64.checked_shl(*label as u32).unwrap_or_default() != 0)
        .collect()
}
