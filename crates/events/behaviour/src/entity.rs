//! What is remembered of an entity, and of a day that is not closed yet.
use crate::event::{Action, Event, Outcome};
use crate::metric::{METRICS, MIB, Metric, SLOW, WINDOWS};
use crate::peers::{CIRCLES, DRIFTS, Group};
use crate::sketch::{Distinct, Pasts, Recent, hash};

/// Days after which an entity's own past counts half, in days of activity.
const OWN_HALF_LIFE: f32 = 30.0;
/// Days of activity before what is new to an entity says anything.
pub const SETTLED_DAYS: u16 = 5;
/// Seconds after an archive in which exports belong to it.
const STAGING_SECONDS: i64 = 48 * 3600;
/// A study is strange to an entity that used it on fewer days, and on fewer than one in [`STRANGE_SHARE`] of its own.
const STRANGE_DAYS: u16 = 5;
/// See [`STRANGE_DAYS`].
const STRANGE_SHARE: u16 = 20;

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
    /// Its peer groups: the short key and the number of each.
    pub circles: [(u32, u32); CIRCLES],
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
    pub own: Pasts,
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
        let counted = self.most.iter_mut().zip(&day.counts).zip(weights).enumerate();
        for (place, ((most, &value), &weight)) in counted.filter(|(_, (_, weight))| **weight > 0.0) {
            self.own.learn(place, factor, value, weight);
            *most = most.max(value);
        }
        self.own.tidy();
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
    /// The last day, where HR says it.
    pub leaves_on: Option<i32>,
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

    /// Sets what is only known of the whole day.
    pub fn put(&mut self, metric: Metric, value: f32) {
        if let Some(count) = self.counts.get_mut(metric as usize) {
            *count = value;
        }
    }

    fn new_thing(&mut self, entity: &Entity, metric: Metric, name: &str) {
        if entity.active_days < SETTLED_DAYS {
            return;
        }
        self.add(metric, 1.0);
        self.name(metric, name);
    }

    /// Remembers a name for the words, once and at most three of a kind.
    fn name(&mut self, metric: Metric, name: &str) {
        let mut of = self.novel.iter().filter(|(known, _)| *known == metric);
        if of.clone().count() < 3 && of.all(|(_, known)| **known != *name) {
            self.novel.push((metric, name.into()));
        }
    }

    /// Counts an event. `number` is the day as [`Recent`] counts it; `site` are those of the same job at the same site.
    pub fn count(
        &mut self,
        event: &Event<'_>,
        entity: &mut Entity,
        site: Option<&mut Group>,
        number: u16,
        options: &crate::Options,
    ) {
        let done = event.result == Outcome::Ok;
        let amount = event.bytes as f32 / MIB;
        let out = done && matches!(event.action, Action::Export | Action::Share);
        self.last_time = self.last_time.max(event.time);
        self.notice |= event.notice_of_leaving || event.leaves_on.is_some();
        if let Some(day) = event.leaves_on {
            self.leaves_on = Some(day.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32);
        }
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
        self.went(event, entity, site, number, options.weights.rare_folder);
    }

    /// What the event touches for the first time, or after long.
    fn reach(&mut self, event: &Event<'_>, entity: &mut Entity, number: u16, dormant_days: u16) {
        if !event.host.is_empty() && entity.hosts.touch(hash(&event.host), number).is_none() {
            self.new_thing(entity, Metric::Hosts, &event.host);
        }
        if !event.study.is_empty() {
            let known = entity.studies.touch(hash(&event.study), number);
            if known.is_none() {
                self.new_thing(entity, Metric::Studies, &event.study);
            }
            // Its own memory is short; the grant's is not, and stays until the use is noted.
            let idle = known.map_or(0, |known| u32::from(number.saturating_sub(known.last)));
            let begins = known.is_none_or(|known| known.last < number);
            let idle = if begins { idle.max(event.grant_idle_days) } else { 0 };
            if idle > u32::from(dormant_days) {
                self.add(Metric::Dormant, 1.0);
                self.name(Metric::Dormant, &format!("{}, {idle} days", event.study));
            }
            let days = known.map_or(0, |known| known.before(number));
            if entity.active_days >= SETTLED_DAYS && days < STRANGE_DAYS && days * STRANGE_SHARE < entity.active_days {
                self.add(Metric::Strange, 1.0);
            }
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

    /// The folder of the object: new to the entity, or rare for those of its job at its site.
    fn went(&mut self, event: &Event<'_>, entity: &mut Entity, site: Option<&mut Group>, number: u16, rare: f32) {
        let Some((folder, _)) = event.object.rsplit_once('/') else { return };
        let known = entity.places.touch(hash(folder), number);
        if known.is_none() {
            self.new_thing(entity, Metric::Places, folder);
        }
        let Some(site) = site else { return };
        // The same folder of every study is one: peers at a site need not work in the same studies.
        let inner = folder.strip_prefix(&*event.study).and_then(|rest| rest.strip_prefix('/')).unwrap_or(folder);
        let key = hash(inner) as u32;
        let counted = known.is_some_and(|known| known.last == number);
        if entity.active_days >= SETTLED_DAYS && site.is_rare_folder(key, counted, rare) {
            self.add(Metric::RareFolders, 1.0);
            self.name(Metric::RareFolders, folder);
        }
        if !counted {
            site.went_to(key);
        }
    }
}
