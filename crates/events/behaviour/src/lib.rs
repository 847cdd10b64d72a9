//! Events in, in order of time; alerts out, each with its reasons in words.
//!
//! For each principal and each peer group, fading histograms of what a day usually holds say how strange a day is. Scores of a
//! day are combined into one; a threshold that is learned from past scores keeps alerts within a budget. This crate must
//! never read a clock or draw randomness (the same events give the same bytes), keep more than a fixed amount for an
//! entity, or give a number without saying what was usual. docs/reference/behaviour.md describes fields, features and limits.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "sketches are approximate; `as` saturates between floats and integers"
)]

mod budget;
mod entity;
mod event;
pub mod metric;
mod peers;
mod score;
pub mod sketch;
pub mod time;

use budget::Budget;
use entity::{Day, Entity};
pub use event::{Action, Event, Outcome, ParseError, parse_event};
use metric::{METRICS, Metric, Weights};
use peers::{Index, PEER_METRICS, Peers, Today};
use score::Judged;
use sketch::hash;
use std::collections::BTreeMap;
use time::DAY_SECONDS;

/// How to watch.
#[derive(Clone, Debug)]
pub struct Options {
    /// Alerts per 1,000 person-days. A person-day is a day of an entity that was active in the 14 days before.
    pub budget_per_1000_person_days: f64,
    /// Days at the beginning without alerts.
    pub warm_up_days: u32,
    /// Entities that are remembered; whoever was not active for longest gives way.
    pub entities_max: usize,
    /// Seconds that an event may come after a later one; what comes later still is counted and left out.
    pub lateness_seconds: i64,
    /// Days after which a study is taken for dormant.
    pub dormant_days: u16,
    /// Objects whose name begins so are the record itself.
    pub record_prefix: String,
    /// Reasons of an alert.
    pub reasons_max: usize,
    /// How much each surprise counts.
    pub weights: Weights,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            budget_per_1000_person_days: 1.0,
            warm_up_days: 21,
            entities_max: 1_000_000,
            lateness_seconds: 6 * 3600,
            dormant_days: 30,
            record_prefix: "record/".to_owned(),
            reasons_max: 5,
            weights: Weights::default(),
        }
    }
}

/// Somebody should be looked at.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Alert {
    /// The principal.
    pub entity: String,
    /// Its last event of the day, RFC 3339 in UTC.
    pub time: String,
    /// The score, one digit after the point.
    pub score: f64,
    /// What was seen and what was usual.
    pub why: Vec<String>,
    /// The same in numbers, as far as it is one.
    #[serde(skip)]
    pub measures: Vec<Measure>,
}

/// A count of one day, and what is usual.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// What was counted, such as `data subjects`.
    pub what: &'static str,
    /// On the day.
    pub seen: f32,
    /// The entity's own median.
    pub usual: f32,
    /// The entity's own most.
    pub most: f32,
    /// Of its peers, nine days of ten have at most this.
    pub peers: f32,
}

/// A place in the list of entities.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Ranked {
    /// The principal.
    pub entity: String,
    /// Its highest score; half after 30 days.
    pub score: f64,
    /// The day of that score.
    pub day: String,
}

/// What was taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that were counted.
    pub events: u64,
    /// Events that came too late and were left out.
    pub late: u64,
    /// Entities that were forgotten for others.
    pub evicted: u64,
    /// Events left out because all entities were busy.
    pub crowded: u64,
}

/// Days without activity after which an entity does not count as person-days.
const ACTIVE_DAYS: i64 = 14;
/// Days in which an entity with an alert needs a higher score for another.
const QUIET_DAYS: i32 = 14;
/// How much higher.
const LOUDER: f32 = 1.5;
/// Entities looked at to find one that gives way.
const LOOKED_AT: usize = 64;

/// A day that is not closed.
#[derive(Default)]
struct Open {
    /// For each entity, its place in `days` plus one.
    slots: Vec<u32>,
    days: Vec<Day>,
}

/// The watch.
pub struct Behaviour {
    options: Options,
    index: Index,
    entities: Vec<Entity>,
    hand: usize,
    peers: Peers,
    open: BTreeMap<i64, Open>,
    clock: i64,
    /// Days up to here are closed.
    closed: i64,
    first_day: Option<i64>,
    budget: Budget,
    counts: Counts,
}

impl Behaviour {
    /// Knows nobody yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let budget = Budget::new(options.budget_per_1000_person_days);
        Self {
            options,
            index: Index::default(),
            entities: Vec::new(),
            hand: 0,
            peers: Peers::default(),
            open: BTreeMap::new(),
            clock: i64::MIN,
            closed: i64::MIN,
            first_day: None,
            budget,
            counts: Counts::default(),
        }
    }

    /// Takes an event in; returns the alerts of days that its time closes.
    pub fn update(&mut self, event: &Event<'_>) -> Vec<Alert> {
        let day = event.time.div_euclid(DAY_SECONDS);
        let first_day = *self.first_day.get_or_insert(day);
        let mut alerts = Vec::new();
        if event.time > self.clock {
            self.clock = event.time;
            let closed = event.time.saturating_sub(self.options.lateness_seconds).div_euclid(DAY_SECONDS) - 1;
            if closed > self.closed {
                alerts = self.close(closed);
            }
        }
        if day <= self.closed {
            self.counts.late += 1;
            return alerts;
        }
        let Some(place) = self.entity(&event.principal, day) else {
            self.counts.crowded += 1;
            return alerts;
        };
        self.counts.events += 1;
        let Some(entity) = self.entities.get_mut(place as usize) else { return alerts };
        self.peers.join(event, entity);
        entity.last_day = entity.last_day.max(day);
        let open = self.open.entry(day).or_default();
        if open.slots.len() <= place as usize {
            open.slots.resize(place as usize + 1, 0);
        }
        let Some(slot) = open.slots.get_mut(place as usize) else { return alerts };
        if *slot == 0 {
            open.days.push(Day { entity: place, last_time: event.time, ..Day::default() });
            *slot = open.days.len() as u32;
        }
        if let Some(counted) = open.days.get_mut(*slot as usize - 1) {
            let number = (day - first_day + 1).clamp(1, i64::from(u16::MAX)) as u16;
            let site = self.peers.site_mut(entity);
            counted.count(event, entity, site, number, &self.options);
        }
        alerts
    }

    /// Closes every day; returns its alerts.
    pub fn finish(&mut self) -> Vec<Alert> {
        let last = self.open.keys().next_back().copied();
        last.map_or_else(Vec::new, |last| self.close(last))
    }

    /// Entities by their highest score, half after 30 days.
    #[must_use]
    pub fn ranking(&self) -> Vec<Ranked> {
        let today = self.clock.div_euclid(DAY_SECONDS);
        let mut ranked: Vec<(f32, &Entity)> = self
            .entities
            .iter()
            .filter(|entity| entity.peak.0 > 0.0)
            .map(|entity| (entity.peak.0 * (-((today - i64::from(entity.peak.1)) as f32) / 30.0).exp2(), entity))
            .collect();
        ranked.sort_by(|(a, left), (b, right)| b.total_cmp(a).then_with(|| left.name.cmp(&right.name)));
        let row = |(score, entity): (f32, &Entity)| Ranked {
            entity: entity.name.to_string(),
            score: tenth(score),
            day: time::date(i64::from(entity.peak.1)),
        };
        ranked.into_iter().map(row).collect()
    }

    /// Entities that were forgotten for others.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.counts.evicted
    }

    /// What was taken in and what was not.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Bytes kept for one entity that is seen for the first time: its past and two open days, without its name and 24 bytes in
    /// the index. [`Behaviour::past_bytes`] says what comes with its days.
    #[must_use]
    pub fn entity_bytes() -> usize {
        size_of::<Entity>() + 2 * (size_of::<Day>() + size_of::<u32>())
    }

    /// Bytes that the pasts of all entities take beside [`Behaviour::entity_bytes`] of each.
    #[must_use]
    pub fn past_bytes(&self) -> usize {
        self.entities.iter().map(|entity| entity.own.heap_bytes()).sum()
    }

    /// The place of an entity; makes room for one that is new. None where nobody can give way.
    fn entity(&mut self, name: &str, day: i64) -> Option<u32> {
        let mut key = hash(name);
        while let Some(&place) = self.index.get(&key) {
            if self.entities.get(place as usize).is_some_and(|entity| *entity.name == *name) {
                return Some(place);
            }
            key = key.wrapping_add(1);
        }
        if self.entities.len() < self.options.entities_max.min(u32::MAX as usize - 1) {
            let place = self.entities.len() as u32;
            self.entities.push(Entity::new(name, key, day));
            self.index.insert(key, place);
            return Some(place);
        }
        let place = self.giving_way()?;
        let entity = self.entities.get_mut(place as usize)?;
        self.index.remove(&entity.key);
        *entity = Entity::new(name, key, day);
        self.index.insert(key, place);
        self.counts.evicted += 1;
        Some(place)
    }

    /// Of the next entities round the hand, the one that was not active for longest and has no open day.
    fn giving_way(&mut self) -> Option<u32> {
        let mut oldest: Option<(i64, usize)> = None;
        for _ in 0..LOOKED_AT.min(self.entities.len()) {
            self.hand = (self.hand + 1) % self.entities.len();
            let busy = self.open.values().any(|open| open.slots.get(self.hand).is_some_and(|&slot| slot != 0));
            let last = self.entities.get(self.hand)?.last_day;
            if !busy && oldest.is_none_or(|(day, _)| last < day) {
                oldest = Some((last, self.hand));
            }
        }
        oldest.map(|(_, place)| place as u32)
    }

    fn close(&mut self, until: i64) -> Vec<Alert> {
        let mut alerts = Vec::new();
        while let Some(entry) = self.open.first_entry() {
            if *entry.key() > until {
                break;
            }
            let (day, open) = entry.remove_entry();
            alerts.extend(self.close_day(day, open.days));
        }
        self.closed = self.closed.max(until);
        alerts
    }

    /// Judges a day before anything is learned from it, then learns.
    fn close_day(&mut self, day: i64, mut days: Vec<Day>) -> Vec<Alert> {
        // 1970-01-01 was a Thursday.
        let class = usize::from((day + 3).rem_euclid(7) >= 5);
        let today = self.compare(class, &mut days);
        let spends = self.first_day.is_some_and(|first| day - first >= i64::from(self.options.warm_up_days));
        let threshold = self.budget.threshold();
        let mut judged = Judged::default();
        let mut kept: Vec<Kept> = Vec::with_capacity(days.len());
        let mut scores: Vec<(f32, u32)> = Vec::new();
        for (at, counted) in days.iter().enumerate() {
            kept.push(Kept::default());
            let (Some(entity), Some(keeping)) = (self.entities.get_mut(counted.entity as usize), kept.last_mut())
            else {
                continue;
            };
            let Some(circles) = self.peers.of(entity) else { continue };
            let weights = &self.options.weights;
            score::judge(entity, &circles, &today, counted, day, weights, &mut judged);
            let score = case(entity, judged.score, day, weights);
            let quiet =
                entity.alerted.is_some_and(|(on, before)| day as i32 - on < QUIET_DAYS && score < before * LOUDER);
            if !quiet {
                scores.push((score, at as u32));
            }
            keeping.strange = judged.strange;
            keeping.slow = judged.slow.map(|value| sketch::bucket(value) as u8);
            if spends && !quiet && score >= threshold && score > 0.0 {
                keeping.judged = Some(Box::new(judged.clone()));
            }
        }
        scores.sort_by(|(a, left), (b, right)| b.total_cmp(a).then(left.cmp(right)));
        let plain: Vec<f32> = scores.iter().map(|&(score, _)| score).collect();
        let person_days = self.entities.iter().filter(|entity| entity.last_day > day - ACTIVE_DAYS).count();
        let count = self.budget.day(&plain, person_days as f64, spends);
        let mut alerts = Vec::with_capacity(count);
        for &(score, at) in scores.iter().take(count) {
            let (Some(counted), Some(keeping)) = (days.get(at as usize), kept.get(at as usize)) else { continue };
            let Some(verdict) = &keeping.judged else { continue };
            let Some(entity) = self.entities.get_mut(counted.entity as usize) else { continue };
            entity.alerted = Some((day as i32, score));
            let Some(circles) = self.peers.of(entity) else { continue };
            let most = self.options.reasons_max;
            alerts.push(Alert {
                entity: entity.name.to_string(),
                time: time::rfc3339(counted.last_time),
                score: tenth(score),
                why: score::words(verdict, entity, &circles, counted, day, most),
                measures: score::measures(verdict, entity, circles.role, counted, most),
            });
        }
        self.learn(day, class, &days, &kept);
        alerts
    }

    /// Fills in what only the whole day says, and how strange the day was for whole groups.
    fn compare(&self, class: usize, days: &mut [Day]) -> Today {
        let mut today = Today::default();
        for counted in days {
            let Some(entity) = self.entities.get(counted.entity as usize) else { continue };
            let Some(circles) = self.peers.of(entity) else { continue };
            let (odd, rare) = (entity.odd_hours(counted, class), circles.role.rare_labels(counted));
            counted.put(Metric::OddHours, odd);
            counted.put(Metric::RareLabels, rare);
            if self.options.weights.shared > 0.0 {
                today.add(entity, &score::points(entity, &circles, counted, &self.options.weights));
            }
        }
        today
    }

    fn learn(&mut self, day: i64, class: usize, days: &[Day], kept: &[Kept]) {
        self.peers.fade();
        for (counted, keeping) in days.iter().zip(kept) {
            let Some(entity) = self.entities.get_mut(counted.entity as usize) else { continue };
            let settled = entity.active_days >= entity::SETTLED_DAYS;
            let [reach, other] = self.options.weights.learned;
            let mut weights = [1.0; METRICS];
            let mut buckets = [None; PEER_METRICS];
            for ((place, weight), (bucket, &value)) in
                weights.iter_mut().enumerate().zip(buckets.iter_mut().zip(&counted.counts))
            {
                let novelty = metric::is_novelty(place);
                // What is strange becomes usual only slowly.
                *weight = match keeping.strange >> place & 1 {
                    _ if novelty && !settled => 0.0,
                    0 => 1.0,
                    _ if metric::is_reach(place) => reach,
                    _ => other,
                };
                *bucket = (*weight > 0.0).then(|| sketch::bucket(value) as u8);
            }
            for (bucket, &slow) in buckets.iter_mut().skip(METRICS).zip(&keeping.slow) {
                *bucket = settled.then_some(slow);
            }
            self.peers.learn(entity, counted, &buckets);
            entity.learn(counted, class, &weights);
            entity.closed_day = entity.closed_day.max(day);
        }
    }
}

/// What is kept of a judged day until all of that day are.
#[derive(Default)]
struct Kept {
    /// As in [`Judged`].
    strange: u32,
    /// Buckets of the values for the peers' past beyond the metrics.
    slow: [u8; PEER_METRICS - METRICS],
    /// The whole, where it may become an alert.
    judged: Option<Box<Judged>>,
}

/// The score of a day with what is carried over from the days before, less what is usual for the entity.
fn case(entity: &mut Entity, score: f32, day: i64, weights: &Weights) -> f32 {
    let passed = (day - entity.closed_day).clamp(1, 365) as f32;
    let strange = (score - weights.usual * entity.score_mean).max(0.0);
    let carried = entity.carried * (-passed / 4.0).exp2();
    let case = strange + weights.carried * carried;
    entity.carried = carried + strange;
    entity.score_mean += (score.min(3.0 * entity.score_mean + 2.0) - entity.score_mean) * 0.05;
    let age = (day - i64::from(entity.peak.1)).max(0) as f32;
    if case >= entity.peak.0 * (-age / 30.0).exp2() {
        entity.peak = (case, day as i32);
    }
    case
}

fn tenth(score: f32) -> f64 {
    (f64::from(score) * 10.0).round() / 10.0
}
