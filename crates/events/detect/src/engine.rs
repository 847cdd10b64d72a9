//! Events in, matches out: the fast way.

use crate::index::{KeywordFilter, PredicateId};
use crate::oracle::{one, stands};
use crate::program::{Program, Ruleset, asks, reads, wakers};
use crate::rule::Rule;
use crate::scan::{FieldId, KEYWORD, Kind, Malformed, Scanner, Slot, text_of, unescape};
use std::borrow::Cow;
use std::collections::HashMap;

/// Values longer than this, in bytes, are not remembered.
const REMEMBERED_MAX: usize = 4_096;
/// Bytes of values remembered by one engine before it begins anew.
const MEMORY_MAX: usize = 24 << 20;
/// Routes remembered by one engine.
const ROUTES_MAX: usize = 4_096;
/// After so many events of a route, and again after a hundred times as many, what wakes its rules is chosen anew from what was seen.
const REPLAN_AFTER: [u64; 3] = [500, 5_000, 100_000];

type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// A rule that an event matched.
#[derive(Clone, Debug)]
pub struct Match<'r> {
    /// Its place among the rules.
    pub index: usize,
    /// The rule.
    pub rule: &'r Rule,
    /// The fields that made it match, and their values.
    pub matched: Vec<(String, String)>,
}

/// Tries rules on events. One for each thread; the rules are shared.
pub struct Engine<'r> {
    rules: &'r Ruleset,
    scanner: Scanner,
    epoch: u32,
    /// The epoch in which a question was last answered with yes.
    yes: Vec<u32>,
    /// The epochs in which a lazy question was asked.
    asked: Vec<u32>,
    woken: Vec<u32>,
    present: Vec<u32>,
    /// The first value of a field: epoch and slot.
    first: Vec<(u32, u32)>,
    routes: Vec<Route>,
    known_routes: Map<Box<[u8]>, usize>,
    by_sources: Map<Box<[u32]>, usize>,
    memory: Vec<Memory>,
    remembered: usize,
    candidates: Vec<u32>,
    key: Vec<u8>,
    text: String,
    folded: String,
    found: Vec<PredicateId>,
}

/// What the values of a field were found to answer.
#[derive(Default)]
struct Memory {
    answers: Map<Box<[u8]>, (u32, u32)>,
    /// The answers of all values, one after the other.
    all: Vec<PredicateId>,
    /// The value before and its answers.
    last: Vec<u8>,
    last_answers: Option<(u32, u32)>,
    asked: u32,
    missed: u32,
}

impl Memory {
    /// Whether remembering pays: the value is not too long, and values come again.
    fn worth(&mut self, value: &[u8]) -> bool {
        if self.asked > 1 << 20 {
            (self.asked, self.missed) = (self.asked / 2, self.missed / 2);
        }
        value.len() <= REMEMBERED_MAX && (self.asked < 1_000 || self.missed < self.asked / 4 * 3)
    }

    /// Where the answers of a value lie.
    fn recall(&mut self, value: &[u8]) -> Option<(u32, u32)> {
        self.asked += 1;
        if self.last_answers.is_some() && self.last == value {
            return self.last_answers;
        }
        let found = *self.answers.get(value)?;
        self.last.clear();
        self.last.extend_from_slice(value);
        self.last_answers = Some(found);
        Some(found)
    }

    fn learn(&mut self, value: &[u8], found: &[PredicateId]) -> (u32, u32) {
        self.missed += 1;
        let from = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.extend_from_slice(found);
        let range = (from, u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.answers.insert(value.into(), range);
        range
    }
}

#[derive(Default)]
struct Route {
    rules: Vec<u32>,
    reads: Vec<bool>,
    /// Some rule looks for keywords.
    keyword: bool,
    /// What tells that there is none.
    filter: Option<KeywordFilter>,
    /// A field, and the one that stands for it where it is missing.
    aliases: Vec<(FieldId, FieldId)>,
    /// For each question where its rules begin in `wake`.
    wake_from: Vec<u32>,
    wake: Vec<u32>,
    always: Vec<u32>,
    events: u64,
    counts: Vec<u32>,
}

impl<'r> Engine<'r> {
    /// An engine over rules.
    pub fn new(rules: &'r Ruleset) -> Self {
        let (questions, fields) = (rules.questions.len(), rules.fields.names.len());
        let mut memory = Vec::new();
        memory.resize_with(fields, Memory::default);
        Self {
            rules,
            scanner: Scanner::new(),
            epoch: 0,
            yes: vec![0; questions],
            asked: vec![0; questions],
            woken: vec![0; rules.rules.len()],
            present: vec![0; fields],
            first: vec![(0, 0); fields],
            routes: Vec::new(),
            known_routes: Map::default(),
            by_sources: Map::default(),
            memory,
            remembered: 0,
            candidates: Vec::new(),
            key: Vec::new(),
            text: String::new(),
            folded: String::new(),
            found: Vec::new(),
        }
    }

    /// Tries the rules of the event's log sources on it and says how many there are; `family` is the form that the log was
    /// read as.
    ///
    /// # Errors
    /// The record is no JSON object.
    pub fn evaluate(
        &mut self,
        family: &str,
        json: &[u8],
        each: &mut dyn FnMut(Match<'r>, &Event<'_>),
    ) -> Result<usize, Malformed> {
        let rules = self.rules;
        self.scanner.read(json, &rules.fields, false)?;
        self.begin();
        let at = self.route(family, json);
        let keyword = self.routes.get(at).is_some_and(|route| route.may_hold_keyword(json));
        if keyword {
            self.scanner.read(json, &rules.fields, true)?;
            self.begin();
        }
        let Some(mut route) = self.routes.get_mut(at).map(std::mem::take) else { return Ok(0) };
        self.stand_in(&route);
        self.ask(&mut route, json);
        self.candidates.extend_from_slice(&route.always);
        let candidates = std::mem::take(&mut self.candidates);
        for candidate in &candidates {
            let index = *candidate as usize;
            if let (Some(program), Some(rule)) = (rules.programs.get(index), rules.rules.get(index))
                && self.holds(program, json)
            {
                let mut matched = Vec::new();
                self.evidence(program, json, &mut matched);
                each(Match { index, rule, matched }, &Event { engine: self, json });
            }
        }
        self.candidates = candidates;
        self.candidates.clear();
        let tried = route.rules.len();
        if REPLAN_AFTER.contains(&route.events) {
            route.plan(rules);
        }
        if let Some(place) = self.routes.get_mut(at) {
            *place = route;
        }
        Ok(tried)
    }

    /// Notes which fields the event has.
    fn begin(&mut self) {
        if self.epoch == u32::MAX {
            self.epoch = 0;
            for marks in [&mut self.yes, &mut self.asked, &mut self.woken, &mut self.present] {
                marks.fill(0);
            }
            self.first.fill((0, 0));
        }
        self.epoch += 1;
        for (at, slot) in self.scanner.slots.iter().enumerate() {
            mark(&mut self.present, &mut self.first, self.epoch, slot, at);
        }
    }

    /// The route of the event.
    fn route(&mut self, family: &str, json: &[u8]) -> usize {
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        key.extend_from_slice(family.as_bytes());
        for (of, field) in &self.rules.keys {
            if of.as_ref().is_none_or(|of| of == family)
                && let Some(slot) = self.slot(*field)
            {
                key.push(0);
                key.extend_from_slice(&field.to_le_bytes());
                key.extend_from_slice(raw(json, slot));
            }
        }
        let found = self.known_routes.get(key.as_slice()).copied().unwrap_or_else(|| {
            let found = self.find_route(family, json);
            if self.known_routes.len() >= ROUTES_MAX {
                self.known_routes.clear();
            }
            self.known_routes.insert(key.as_slice().into(), found);
            found
        });
        self.key = key;
        found
    }

    fn find_route(&mut self, family: &str, json: &[u8]) -> usize {
        let rules = self.rules;
        let value = |name: &str| {
            let slot = self.slot(rules.fields.known(name)?)?;
            Some(Cow::Owned::<str>(text_of(raw(json, slot), slot.kind == Kind::Escaped)))
        };
        let sources: Vec<u32> = (0u32..)
            .zip(&rules.logsources.sources)
            .filter(|(_, source)| source.tells(family, value))
            .map(|(at, _)| at)
            .collect();
        if let Some(known) = self.by_sources.get(sources.as_slice()) {
            return *known;
        }
        let route = Route::new(rules, &sources);
        self.routes.push(route);
        let at = self.routes.len() - 1;
        self.by_sources.insert(sources.into(), at);
        at
    }

    /// The first value of a field.
    fn slot(&self, field: FieldId) -> Option<Slot> {
        let (epoch, at) = *self.first.get(field as usize)?;
        if epoch == self.epoch { self.scanner.slots.get(at as usize).copied() } else { None }
    }

    /// Fields that the log calls otherwise.
    fn stand_in(&mut self, route: &Route) {
        for (field, other) in &route.aliases {
            let is = |id: FieldId| self.present.get(id as usize) == Some(&self.epoch);
            if is(*field) || !is(*other) {
                continue;
            }
            for at in 0..self.scanner.slots.len() {
                let Some(slot) = self.scanner.slots.get(at).copied().filter(|slot| slot.field == *other) else {
                    continue;
                };
                let slot = Slot { field: *field, ..slot };
                mark(&mut self.present, &mut self.first, self.epoch, &slot, self.scanner.slots.len());
                self.scanner.slots.push(slot);
            }
        }
    }

    /// Asks the questions of every value that the route reads, and wakes rules.
    fn ask(&mut self, route: &mut Route, json: &[u8]) {
        route.events += 1;
        let counting = route.events <= REPLAN_AFTER.last().copied().unwrap_or(0);
        for at in 0..self.scanner.slots.len() {
            let Some(slot) = self.scanner.slots.get(at).copied() else { break };
            if slot.kind == Kind::Null || route.reads.get(slot.field as usize) != Some(&true) {
                continue;
            }
            let value = raw(json, slot);
            let (Some(index), Some(memory)) =
                (self.rules.indexes.get(slot.field as usize), self.memory.get_mut(slot.field as usize))
            else {
                continue;
            };
            if index.questions == 0 {
                continue;
            }
            let answers = if memory.worth(value) {
                let (from, to) = memory.recall(value).unwrap_or_else(|| {
                    text_into(value, slot, &mut self.text);
                    index.find(&self.text, &mut self.folded, &mut self.found);
                    self.remembered += value.len() + 64 + self.found.len() * 4;
                    memory.learn(value, &self.found)
                });
                memory.all.get(from as usize..to as usize).unwrap_or_default()
            } else {
                text_into(value, slot, &mut self.text);
                index.find(&self.text, &mut self.folded, &mut self.found);
                &self.found
            };
            for answer in answers {
                let id = *answer as usize;
                let Some(yes) = self.yes.get_mut(id) else { continue };
                if *yes == self.epoch {
                    continue;
                }
                *yes = self.epoch;
                let (from, to) = match (route.wake_from.get(id), route.wake_from.get(id + 1)) {
                    (Some(from), Some(to)) => (*from as usize, *to as usize),
                    _ => continue,
                };
                if counting && let Some(count) = route.counts.get_mut(id) {
                    *count += 1;
                }
                for rule in route.wake.get(from..to).unwrap_or_default() {
                    if let Some(woken) = self.woken.get_mut(*rule as usize)
                        && *woken != self.epoch
                    {
                        *woken = self.epoch;
                        self.candidates.push(*rule);
                    }
                }
            }
        }
        if self.remembered > MEMORY_MAX {
            self.remembered = 0;
            self.memory.iter_mut().for_each(|memory| {
                *memory = Memory { asked: memory.asked, missed: memory.missed, ..Memory::default() }
            });
        }
    }

    fn holds(&mut self, program: &Program, json: &[u8]) -> bool {
        match program {
            Program::All(parts) => parts.iter().all(|part| self.holds(part, json)),
            Program::Any(parts) => parts.iter().any(|part| self.holds(part, json)),
            Program::Not(part) => !self.holds(part, json),
            Program::Question(id) => self.answer(*id, json),
            Program::Null(field) => self.slot(*field).is_none(),
            Program::Exists(field, wanted) => (self.present.get(*field as usize) == Some(&self.epoch)) == *wanted,
            Program::FieldRef(field, place, other) => self
                .texts(*field, json)
                .iter()
                .any(|value| self.texts(*other, json).iter().any(|other| stands(*place, value, other))),
        }
    }

    fn answer(&mut self, id: PredicateId, json: &[u8]) -> bool {
        let at = id as usize;
        let Some(question) = self.rules.questions.get(at) else { return false };
        if let Some(regex) = &question.lazy
            && self.asked.get(at) != Some(&self.epoch)
        {
            let held = self.texts(question.field, json).iter().any(|text| regex.is_match(text));
            if let Some(asked) = self.asked.get_mut(at) {
                *asked = self.epoch;
            }
            if held && let Some(yes) = self.yes.get_mut(at) {
                *yes = self.epoch;
            }
        }
        self.yes.get(at) == Some(&self.epoch)
    }

    fn texts(&self, field: FieldId, json: &[u8]) -> Vec<String> {
        self.scanner
            .slots
            .iter()
            .filter(|slot| slot.field == field && slot.kind != Kind::Null)
            .map(|slot| text_of(raw(json, *slot), slot.kind == Kind::Escaped))
            .collect()
    }

    /// The fields and values that made a program hold.
    fn evidence(&mut self, program: &Program, json: &[u8], out: &mut Vec<(String, String)>) {
        match program {
            Program::All(parts) => parts.iter().for_each(|part| self.evidence(part, json, out)),
            Program::Any(parts) => {
                for part in parts {
                    if self.holds(part, json) {
                        self.evidence(part, json, out);
                    }
                }
            }
            Program::Question(id) if self.answer(*id, json) => {
                let Some(question) = self.rules.questions.get(*id as usize) else { return };
                let value = self
                    .texts(question.field, json)
                    .into_iter()
                    .find(|text| question.tests.iter().any(|test| one(test, text)));
                if let (Some(value), Some(name)) = (value, self.rules.fields.names.get(question.field as usize)) {
                    let name = if question.field == KEYWORD { "keywords" } else { name };
                    if !out.iter().any(|(known, other)| known == name && *other == value) {
                        out.push((name.to_owned(), value));
                    }
                }
            }
            Program::FieldRef(field, ..) => {
                if let (Some(name), Some(value)) =
                    (self.rules.fields.names.get(*field as usize), self.texts(*field, json).into_iter().next())
                {
                    out.push((name.clone(), value));
                }
            }
            Program::Question(_) | Program::Not(_) | Program::Null(_) | Program::Exists(..) => {}
        }
    }
}

/// The event that was just tried.
pub struct Event<'e> {
    engine: &'e Engine<'e>,
    json: &'e [u8],
}

impl Event<'_> {
    /// The first value of a field that rules, correlations or log sources name.
    pub fn value(&self, field: &str) -> Option<String> {
        self.at(self.engine.rules.fields.known(field)?)
    }

    /// When it happened, as it says itself.
    pub fn time(&self) -> Option<String> {
        self.engine.rules.time.iter().find_map(|field| self.at(*field))
    }

    fn at(&self, field: FieldId) -> Option<String> {
        self.engine.slot(field).map(|slot| text_of(raw(self.json, slot), slot.kind == Kind::Escaped))
    }
}

fn mark(present: &mut [u32], first: &mut [(u32, u32)], epoch: u32, slot: &Slot, at: usize) {
    let field = slot.field as usize;
    if let Some(present) = present.get_mut(field) {
        *present = epoch;
    }
    if slot.kind != Kind::Null
        && let Some(first) = first.get_mut(field).filter(|first| first.0 != epoch)
    {
        *first = (epoch, u32::try_from(at).unwrap_or(u32::MAX));
    }
}

fn raw(json: &[u8], slot: Slot) -> &[u8] {
    json.get(slot.start as usize..slot.end as usize).unwrap_or_default()
}

fn text_into(value: &[u8], slot: Slot, out: &mut String) {
    unescape(value, slot.kind == Kind::Escaped, out);
}

impl Route {
    fn new(rules: &Ruleset, sources: &[u32]) -> Self {
        let mut route = Self {
            reads: vec![false; rules.fields.names.len()],
            counts: vec![0; rules.questions.len()],
            ..Self::default()
        };
        let sources: Vec<_> = sources.iter().filter_map(|at| rules.logsources.sources.get(*at as usize)).collect();
        for (index, (rule, program)) in (0u32..).zip(rules.rules.iter().zip(&rules.programs)) {
            if sources.iter().any(|source| rule.logsource.covers(&source.logsource)) {
                route.rules.push(index);
                reads(program, &rules.questions, &mut |field| {
                    if let Some(read) = route.reads.get_mut(field as usize) {
                        *read = true;
                    }
                });
            }
        }
        route.keyword = route.reads.get(KEYWORD as usize) == Some(&true);
        if route.keyword {
            let programs = route.rules.iter().filter_map(|rule| rules.programs.get(*rule as usize));
            let mut asked = std::collections::BTreeSet::new();
            for program in programs {
                asks(program, &mut |id| {
                    asked.insert(id);
                    false
                });
            }
            let questions = asked.into_iter().filter_map(|id| rules.questions.get(id as usize));
            let keywords = questions.filter(|question| question.field == KEYWORD).flat_map(|question| &question.tests);
            route.filter = KeywordFilter::new(keywords);
        }
        for source in sources {
            for (name, others) in &source.fields {
                for other in others {
                    if let (Some(field), Some(other)) = (rules.fields.known(name), rules.fields.known(other))
                        && !route.aliases.contains(&(field, other))
                    {
                        route.aliases.push((field, other));
                    }
                }
            }
        }
        route.plan(rules);
        route
    }

    /// Whether the event must be read for keywords.
    fn may_hold_keyword(&self, json: &[u8]) -> bool {
        self.keyword && self.filter.as_ref().is_none_or(|filter| filter.may_hold(json))
    }

    /// Chooses for each rule the rarest questions that must wake it.
    fn plan(&mut self, rules: &Ruleset) {
        let seen = self.events.max(1);
        #[expect(clippy::cast_precision_loss, reason = "counts of events, for an estimate")]
        let often: Vec<f64> = rules
            .questions
            .iter()
            .zip(&self.counts)
            .map(|(question, count)| {
                if self.events == 0 { question.guess } else { f64::from(*count) / seen as f64 + question.guess * 0.001 }
            })
            .map(|often| if often.is_finite() { often } else { 1.0 })
            .collect();
        let mut pairs: Vec<(PredicateId, u32)> = Vec::new();
        self.always.clear();
        for rule in &self.rules {
            let Some(program) = rules.programs.get(*rule as usize) else { continue };
            match wakers(program, &often) {
                Some((_, questions))
                    if questions.iter().all(|id| {
                        rules.questions.get(*id as usize).is_some_and(|question| question.lazy.is_none())
                    }) =>
                {
                    pairs.extend(questions.into_iter().map(|question| (question, *rule)));
                }
                _ => self.always.push(*rule),
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        self.wake_from = vec![0; rules.questions.len() + 1];
        for (question, _) in &pairs {
            if let Some(count) = self.wake_from.get_mut(*question as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for from in &mut self.wake_from {
            sum += *from;
            *from = sum;
        }
        self.wake = pairs.into_iter().map(|(_, rule)| rule).collect();
    }
}
