//! What is remembered of an entity, of a peer group, and of a day that is not closed yet.
use crate::event::{Action, Event, Outcome};
use crate::metric::{METRICS, MIB, Metric, SLOW, WINDOWS};
use crate::sketch::{Distinct, Histogram, Recent, hash};
use std::collections::BTreeMap;

/// Days after which an entity's own past counts half, in days of activity.
const OWN_HALF_LIFE: f32 = 30.0;
/// Days of activity before what is new to an entity says anything.
pub const SETTLED_DAYS: u16 = 5;
/// Seconds after an archive in which exports belong to it.
const STAGING_SECONDS: i64 = 48 * 3600;
/// Accumulated surprise: of volume, of what was carried away, of places.
pub const DRIFTS: usize = 3;
/// Member-days before a label can be rare in a group.
const RARE_DAYS_MIN: f32 = 100.0;
/// Labels that are told apart in a group.
const GROUP_LABELS_MAX: usize = 256;
/// Metrics of a peer group: those of an entity, windows of the slow quantities, drifts.
pub const PEER_METRICS: usize = METRICS + SLOW.len() * WINDOWS.len() + DRIFTS;

/// A slow quantity.
#[derive(Clone, Copy, Debug, Default)]
pub struct Slow {
    /// Sums that fade with each of [`WINDOWS`].
    pub sums: [f32; WINDOWS.len()],
    /// What is usual in a day, following the longer window late.
    pub usual: f32,
}

/// Somebody or something. [`crate::Behaviour::entity_bytes`] says how large.
#[derive(Clone, Debug, Default)]
pub struct Entity {
    /// Name.
    pub name: Box<str>,
    /// Its key in the index.
    pub key: u64,
    /// Its peer group.
    pub group: u32,
    /// Key of the group.
    pub group_key: u64,
    /// The study that it touches most, by a vote that costs two fields (Boyer and Moore, 1981).
    pub study: u64,
    /// Votes for that study.
    pub votes: u8,
    /// First day seen.
    pub first_day: i64,
    /// Last day seen.
    pub last_day: i64,
    /// Last day that was closed.
    pub closed_day: i64,
    /// Days with activity.
    pub active_days: u16,
    /// Own past.
    pub own: [Histogram<u16>; METRICS],
    /// The most in a day, ever.
    pub most: [f32; METRICS],
    /// Studies used.
    pub studies: Recent<12>,
    /// Folders used.
    pub places: Recent<40>,
    /// Hosts used.
    pub hosts: Recent<8>,
    /// Labels used.
    pub labels: Recent<12>,
    /// Hours of workdays and of weekends.
    pub hours: [[u16; 24]; 2],
    /// Slow quantities.
    pub slow: [Slow; SLOW.len()],
    /// Accumulated surprise.
    pub drift: [f32; DRIFTS],
    /// Mean of the daily scores.
    pub score_mean: f32,
    /// Score of the days before, fading.
    pub carried: f32,
    /// Time of the latest archive.
    pub archived: i64,
    /// Day and score of the latest alert.
    pub alerted: Option<(i32, f32)>,
    /// Highest score and its day.
    pub peak: (f32, i32),
}

impl Entity {
    /// What is remembered of somebody who is seen for the first time.
    #[must_use]
    pub fn new(name: &str, key: u64, day: i64) -> Self {
        Self {
            name: name.into(),
            key,
            first_day: day,
            last_day: day,
            closed_day: day - 1,
            archived: i64::MIN / 2,
            ..Self::default()
        }
    }

    /// Things done in the day at hours at which the entity is hardly ever there.
    #[must_use]
    pub fn odd_hours(&self, day: &Day, class: usize) -> f32 {
        let all: f32 = self.hours.iter().flatten().map(|&count| f32::from(count)).sum();
        if self.active_days < 10 || all == 0.0 {
            return 0.0;
        }
        let Some(known) = self.hours.get(class) else { return 0.0 };
        let around = |hour: usize| -> f32 {
            [23, 0, 1].iter().filter_map(|step| known.get((hour + step) % 24)).map(|&count| f32::from(count)).sum()
        };
        let odd = day.hours.iter().enumerate().filter(|&(hour, _)| around(hour) < all * 0.01);
        odd.map(|(_, &count)| f32::from(count)).sum()
    }

    /// Makes the day part of the past. `weights` say how many days each metric counts.
    pub fn learn(&mut self, day: &Day, class: usize, weights: &[f32; METRICS]) {
        let factor = (-1.0 / OWN_HALF_LIFE).exp2();
        for (((own, most), &value), &weight) in
            self.own.iter_mut().zip(&mut self.most).zip(&day.counts).zip(weights).filter(|(_, weight)| **weight > 0.0)
        {
            own.fade(factor);
            own.add(value, weight);
            *most = most.max(value);
        }
        for hours in &mut self.hours {
            for hour in hours {
                *hour = (f32::from(*hour) * 0.97) as u16;
            }
        }
        let all: f32 = day.hours.iter().map(|&count| f32::from(count)).sum();
        if let Some(hours) = self.hours.get_mut(class) {
            for (hour, &count) in hours.iter_mut().zip(&day.hours) {
                *hour = hour.saturating_add((f32::from(count) / all.max(1.0) * 1000.0) as u16);
            }
        }
        self.active_days = self.active_days.saturating_add(1);
    }
}

/// A peer group's past: the days of all of its members.
#[derive(Clone, Debug)]
pub struct Group {
    /// For each metric.
    pub past: [Histogram<f32>; PEER_METRICS],
    /// Days in which a member opened a label, fading as the past does.
    pub labels: BTreeMap<u32, f32>,
    /// Days of all members, fading alike.
    pub days: f32,
}

impl Group {
    /// Events of the day on labels that members open in less than one day of a hundred.
    #[must_use]
    pub fn rare_labels(&self, day: &Day) -> f32 {
        if self.days < RARE_DAYS_MIN {
            return 0.0;
        }
        let rare = |key: &u32| self.labels.get(key).copied().unwrap_or(0.0) < self.days * 0.01;
        day.labels.iter().filter(|(key, _)| rare(key)).map(|&(_, count)| f32::from(count)).sum()
    }

    /// Makes the labels of a day part of the past.
    pub fn learn_labels(&mut self, day: &Day) {
        self.days += 1.0;
        for &(key, count) in &day.labels {
            if count > 0 && (self.labels.len() < GROUP_LABELS_MAX || self.labels.contains_key(&key)) {
                *self.labels.entry(key).or_default() += 1.0;
            }
        }
    }
}

impl Default for Group {
    fn default() -> Self {
        Self { past: std::array::from_fn(|_| Histogram::default()), labels: BTreeMap::new(), days: 0.0 }
    }
}

/// A day of one entity as it goes on. Of fixed size but for the names of new things.
#[derive(Clone, Debug, Default)]
pub struct Day {
    /// Which entity.
    pub entity: u32,
    /// Counters.
    pub counts: [f32; METRICS],
    /// Events in each hour, UTC.
    pub hours: [u16; 24],
    /// Latest event.
    pub last_time: i64,
    /// HR says that the person leaves.
    pub notice: bool,
    /// Names of new things, three of each kind.
    pub novel: Vec<(Metric, Box<str>)>,
    /// Events on each of the first labels of the day; a count of 0 is no label.
    pub labels: [(u32, u16); 6],
    /// Objects seen in the day.
    pub objects: Distinct,
}

impl Day {
    fn add(&mut self, metric: Metric, value: f32) {
        if let Some(count) = self.counts.get_mut(metric as usize) {
            *count += value;
        }
    }

    fn new_thing(&mut self, entity: &Entity, metric: Metric, name: &str) {
        if entity.active_days < SETTLED_DAYS {
            return;
        }
        self.add(metric, 1.0);
        if self.novel.iter().filter(|(known, _)| *known == metric).count() < 3 {
            self.novel.push((metric, name.into()));
        }
    }

    /// Counts an event. `number` is the day as [`Recent`] counts it.
    pub fn count(&mut self, event: &Event<'_>, entity: &mut Entity, number: u16, options: &crate::Options) {
        let done = event.result == Outcome::Ok;
        let amount = event.bytes as f32 / MIB;
        let out = done && matches!(event.action, Action::Export | Action::Share);
        self.last_time = self.last_time.max(event.time);
        self.notice |= event.notice_of_leaving;
        if let Some(hour) = self.hours.get_mut((event.time.rem_euclid(86_400) / 3600) as usize) {
            *hour = hour.saturating_add(1);
        }
        match event.result {
            Outcome::Ok => {}
            Outcome::Denied => self.add(Metric::Denied, 1.0),
            Outcome::Failed => self.add(Metric::Failed, 1.0),
        }
        if done && !event.object.is_empty() && event.action != Action::Admin {
            let weight = self.objects.weight(hash(&event.object));
            self.add(Metric::Objects, weight);
            self.add(Metric::Bytes, amount);
            if !matches!(event.action, Action::Write | Action::Delete) {
                self.add(Metric::Subjects, weight * event.subjects as f32);
            }
        }
        if out {
            self.add(Metric::Exports, 1.0);
            self.add(Metric::ExportBytes, amount);
            if event.time - entity.archived <= STAGING_SECONDS {
                self.add(Metric::Staged, 1.0);
            }
        }
        match event.action {
            Action::Archive if done => {
                self.add(Metric::Archives, 1.0);
                entity.archived = event.time;
            }
            Action::Delete => self.add(Metric::Deletes, 1.0),
            Action::Admin => self.add(Metric::Admin, 1.0),
            Action::BreakGlass => self.add(Metric::BreakGlass, 1.0),
            _ => {}
        }
        let changes = matches!(event.action, Action::Admin | Action::Delete | Action::Write);
        if changes && !options.record_prefix.is_empty() && event.object.starts_with(&*options.record_prefix) {
            self.add(Metric::Record, 1.0);
        }
        self.reach(event, entity, number, options.dormant_days);
    }

    /// What the event touches for the first time, or after long.
    fn reach(&mut self, event: &Event<'_>, entity: &mut Entity, number: u16, dormant_days: u16) {
        if !event.host.is_empty() && entity.hosts.touch(hash(&event.host), number).is_none() {
            self.new_thing(entity, Metric::Hosts, &event.host);
        }
        if !event.study.is_empty() {
            match entity.studies.touch(hash(&event.study), number) {
                None => self.new_thing(entity, Metric::Studies, &event.study),
                Some(before) if number.saturating_sub(before) > dormant_days => {
                    self.add(Metric::Dormant, 1.0);
                    self.novel.push((Metric::Dormant, event.study.as_ref().into()));
                }
                Some(_) => {}
            }
        }
        if let Some((folder, _)) = event.object.rsplit_once('/')
            && entity.places.touch(hash(folder), number).is_none()
        {
            self.new_thing(entity, Metric::Places, folder);
        }
        if event.result == Outcome::Ok {
            for label in &event.labels {
                let key = hash(label) as u32;
                if let Some(slot) = self.labels.iter_mut().find(|slot| slot.1 == 0 || slot.0 == key) {
                    *slot = (key, slot.1.saturating_add(1));
                }
                if entity.labels.touch(hash(label), number).is_none() {
                    self.new_thing(entity, Metric::Labels, label);
                }
            }
        }
    }
}
