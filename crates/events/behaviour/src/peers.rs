//! Who an entity is compared with: those of the same job, those who work in the same study, those of the same job at the same
//! site. Of each group the past is kept, and on the day that is judged how strange it was for half of them.
use crate::entity::{Day, Entity};
use crate::event::Event;
use crate::metric::{METRICS, Metric, SLOW, WINDOWS, Weights};
use crate::sketch::{Frequencies, Histogram, hash};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

/// Kinds of peer groups; an entity is in one of each.
pub const CIRCLES: usize = 3;
/// Those of the same job, or where no job is given, of the same study.
pub const ROLE: usize = 0;
/// Those who touch the same study most.
pub const STUDY: usize = 1;
/// Those of the same job at the same site.
pub const SITE: usize = 2;
/// Metrics of a peer group: those of an entity, windows of the slow quantities, drifts.
pub const PEER_METRICS: usize = METRICS + SLOW.len() * WINDOWS.len() + DRIFTS;
/// Accumulated surprise: of volume, of what was carried away, of places.
pub const DRIFTS: usize = 3;
/// Peer groups that are told apart. Further ones of a job share the first; studies and sites beyond are not compared.
const GROUPS_MAX: usize = 4096;
/// Days after which a peer group's past counts half.
const HALF_LIFE_DAYS: f32 = 60.0;
/// Member-days before a label or a folder can be rare in a group.
const RARE_DAYS_MIN: f32 = 100.0;
/// Of the days of a group, what is done in fewer is rare.
const RARE: f32 = 0.01;
/// Labels that are told apart in a group.
const LABELS_MAX: usize = 256;
/// Member-days before those of the same study or site are compared with.
const KNOWN_DAYS: f32 = 50.0;
/// Members who are there on a day before half of them say something.
const MEMBERS_MIN: u32 = 5;
/// A day's surprise that is nothing, for half of a group.
const CALM: f32 = 0.5;

/// Keys are hashes already.
#[derive(Clone, Copy, Default)]
pub struct Given(u64);

impl Hasher for Given {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _bytes: &[u8]) {}
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

/// Places by hashes.
pub type Index = HashMap<u64, u32, BuildHasherDefault<Given>>;

/// A peer group's past: the days of all of its members.
#[derive(Clone, Debug)]
pub struct Group {
    /// For each metric.
    pub past: [Histogram<f32>; PEER_METRICS],
    /// Days in which a member opened a label, fading as the past does.
    labels: BTreeMap<u32, f32>,
    /// Days in which a member went to a folder of a study, whichever study, fading alike.
    folders: Frequencies,
    /// Days of all members, fading alike.
    pub days: f32,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            past: std::array::from_fn(|_| Histogram::default()),
            labels: BTreeMap::new(),
            folders: Frequencies::default(),
            days: 0.0,
        }
    }
}

impl Group {
    /// Events of the day on labels that members open in less than one day of a hundred.
    #[must_use]
    pub fn rare_labels(&self, day: &Day) -> f32 {
        if self.days < RARE_DAYS_MIN {
            return 0.0;
        }
        let rare = |key: &u32| self.labels.get(key).copied().unwrap_or(0.0) < self.days * RARE;
        day.labels.iter().filter(|(key, _)| rare(key)).map(|&(_, count)| f32::from(count)).sum()
    }

    /// Whether members go to a folder in less than a share of their days. `counted` says that this day is among them already.
    #[must_use]
    pub fn is_rare_folder(&self, key: u32, counted: bool, share: f32) -> bool {
        let seen = self.folders.of(key) - if counted { 1.0 } else { 0.0 };
        self.days >= RARE_DAYS_MIN && seen < self.days * share
    }

    /// A member went to a folder, for the first time in the day.
    pub fn went_to(&mut self, key: u32) {
        self.folders.add(key);
    }

    /// Whether enough is known to compare with.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.days >= KNOWN_DAYS
    }

    /// The share of days with at least `value` of the metric at `place`; never nothing.
    #[must_use]
    pub fn share(&self, place: usize, value: f32) -> f32 {
        self.past.get(place).map_or(1.0, |past| (past.tail(value) + 0.5) / (past.total() + 1.0)).min(1.0)
    }

    fn fade(&mut self, factor: f32) {
        for past in &mut self.past {
            past.fade(factor);
        }
        self.labels.values_mut().for_each(|days| *days *= factor);
        self.folders.fade(factor);
        self.days *= factor;
    }

    fn learn(&mut self, day: &Day, buckets: &[Option<u8>; PEER_METRICS]) {
        self.days += 1.0;
        for (past, bucket) in self.past.iter_mut().zip(buckets) {
            if let Some(bucket) = bucket {
                past.count(*bucket);
            }
        }
        for &(key, count) in &day.labels {
            if count > 0 && (self.labels.len() < LABELS_MAX || self.labels.contains_key(&key)) {
                *self.labels.entry(key).or_default() += 1.0;
            }
        }
    }
}

/// The groups of one entity.
#[derive(Clone, Copy, Debug)]
pub struct Circles<'a> {
    /// Those of the same job.
    pub role: &'a Group,
    /// Those who work in the same study, if enough is known of them.
    pub study: Option<&'a Group>,
    /// Those of the same job at the same site, if enough is known of them.
    pub site: Option<&'a Group>,
}

impl Circles<'_> {
    /// How many days of an entity's own the peers count, and the days among them with at least `value`.
    #[must_use]
    pub fn days(&self, place: usize, value: f32, weights: &Weights) -> (f32, f32) {
        let [role, study, site] = weights.peers;
        let groups = [(Some(self.role), role), (self.study, study), (self.site, site)];
        let known = groups.iter().filter_map(|(group, weight)| Some(((*group)?, *weight)));
        known.fold((0.0, 0.0), |(all, tail), (group, weight)| (all + weight, tail + weight * group.share(place, value)))
    }
}

/// All peer groups.
pub struct Peers {
    groups: Vec<Group>,
    index: Index,
}

impl Default for Peers {
    fn default() -> Self {
        Self { groups: vec![Group::default()], index: Index::default() }
    }
}

impl Peers {
    /// Puts the entity into the groups that an event names.
    pub fn join(&mut self, event: &Event<'_>, entity: &mut Entity) {
        if !event.study.is_empty() {
            let study = hash(&event.study);
            match entity.votes {
                _ if study == entity.study => entity.votes = entity.votes.saturating_add(1),
                0 => (entity.study, entity.votes) = (study, 1),
                _ => entity.votes -= 1,
            }
        }
        let kind = hash(&event.kind).rotate_left(17);
        let role = if event.role.is_empty() { None } else { Some(hash(&event.role) ^ 1) };
        self.put(entity, ROLE, role.unwrap_or(entity.study) ^ kind);
        if role.is_some() && entity.votes > 0 {
            self.put(entity, STUDY, entity.study.rotate_left(7) ^ kind ^ 2);
        }
        if !event.site.is_empty() {
            let site = hash(&event.site).rotate_left(31) ^ 3;
            self.put(entity, SITE, site ^ role.unwrap_or(0) ^ kind);
        }
    }

    fn put(&mut self, entity: &mut Entity, circle: usize, key: u64) {
        let Some((known, number)) = entity.circles.get_mut(circle) else { return };
        // A key of 0 is that of no group yet.
        let short = (key ^ (key >> 32)) as u32 | 1;
        if *known == short {
            return;
        }
        *known = short;
        *number = match self.index.get(&key) {
            Some(&group) => group,
            None if self.groups.len() >= GROUPS_MAX => 0,
            None => {
                let group = self.groups.len() as u32;
                self.groups.push(Group::default());
                self.index.insert(key, group);
                group
            }
        };
    }

    /// The groups of an entity.
    #[must_use]
    pub fn of(&self, entity: &Entity) -> Option<Circles<'_>> {
        let [role, study, site] = entity.circles.map(|(_, number)| number);
        let other = |number: u32| self.groups.get(number as usize).filter(|group| number > 0 && group.is_known());
        Some(Circles { role: self.groups.get(role as usize)?, study: other(study), site: other(site) })
    }

    /// The group of those of the same job at the same site, known well or not.
    pub fn site_mut(&mut self, entity: &Entity) -> Option<&mut Group> {
        let (_, number) = *entity.circles.get(SITE)?;
        if number == 0 { None } else { self.groups.get_mut(number as usize) }
    }

    /// A day passes.
    pub fn fade(&mut self) {
        let factor = (-1.0 / HALF_LIFE_DAYS).exp2();
        self.groups.iter_mut().for_each(|group| group.fade(factor));
    }

    /// Makes a day of an entity part of the past of its groups.
    pub fn learn(&mut self, entity: &Entity, day: &Day, buckets: &[Option<u8>; PEER_METRICS]) {
        for (circle, (_, number)) in entity.circles.iter().enumerate() {
            if (circle == ROLE || *number > 0)
                && let Some(group) = self.groups.get_mut(*number as usize)
            {
                group.learn(day, buckets);
            }
        }
    }
}

/// Steps of surprise that are told apart for half of a group.
const STEPS: usize = 16;
/// Steps to one.
const FINENESS: f32 = 4.0;

/// How strange a day was for the members of a group, metric by metric.
#[derive(Clone, Debug)]
struct Spread {
    members: u32,
    /// Members whose surprise falls into a step; those with none are not counted.
    steps: [[u32; STEPS]; METRICS],
}

/// The day that is judged, as it was for whole groups.
#[derive(Default)]
pub struct Today {
    groups: BTreeMap<u32, Box<Spread>>,
}

impl Today {
    /// Takes in how strange the day was for an entity.
    pub fn add(&mut self, entity: &Entity, points: &[f32; METRICS]) {
        for (_, number) in entity.circles.iter().skip(STUDY).filter(|(_, number)| *number > 0) {
            let spread = self
                .groups
                .entry(*number)
                .or_insert_with(|| Box::new(Spread { members: 0, steps: [[0; STEPS]; METRICS] }));
            spread.members += 1;
            for (steps, &points) in spread.steps.iter_mut().zip(points).filter(|(_, points)| **points > 0.0) {
                if let Some(step) = steps.get_mut(((points * FINENESS) as usize).min(STEPS - 1)) {
                    *step += 1;
                }
            }
        }
    }

    /// The surprise that half of the entity's study, or of those of its job at its site, had at least, above what is calm.
    #[must_use]
    pub fn shared(&self, entity: &Entity, metric: Metric) -> f32 {
        let of = |(_, number): &(u32, u32)| {
            let spread = self.groups.get(number).filter(|spread| spread.members >= MEMBERS_MIN)?;
            let mut above = 0;
            for (step, count) in spread.steps.get(metric as usize)?.iter().enumerate().rev() {
                above += count;
                if above * 2 >= spread.members {
                    return Some(step as f32 / FINENESS - CALM);
                }
            }
            None
        };
        entity.circles.iter().skip(STUDY).filter_map(of).fold(0.0, f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(study: u32) -> Entity {
        Entity { circles: [(1, 1), (1, study), (0, 0)], ..Entity::default() }
    }

    #[test]
    fn what_half_of_a_study_has_is_shared_and_what_fewer_have_is_not() {
        let mut today = Today::default();
        let mut points = [0.0; METRICS];
        for member in 0..10 {
            points[Metric::Objects as usize] = if member < 6 { 2.0 } else { 0.0 };
            points[Metric::Exports as usize] = if member < 4 { 3.0 } else { 0.0 };
            today.add(&entity(5), &points);
        }
        assert_eq!(today.shared(&entity(5), Metric::Objects), 1.5);
        assert_eq!(today.shared(&entity(5), Metric::Exports), 0.0);
        assert_eq!(today.shared(&entity(6), Metric::Objects), 0.0);
    }

    #[test]
    fn few_members_say_nothing_of_a_day() {
        let mut today = Today::default();
        for _ in 0..MEMBERS_MIN - 1 {
            today.add(&entity(5), &[4.0; METRICS]);
        }
        assert_eq!(today.shared(&entity(5), Metric::Objects), 0.0);
        today.add(&entity(5), &[4.0; METRICS]);
        assert!(today.shared(&entity(5), Metric::Objects) > 3.0);
    }

    #[test]
    fn groups_have_a_bound() {
        let mut peers = Peers::default();
        for number in 0..2 * GROUPS_MAX {
            let line = format!(
                r#"{{"time":0,"principal":"a","action":"read","role":"r{number}","study":"s{number}","site":"p{number}"}}"#
            );
            let event = crate::parse_event(line.as_bytes()).unwrap();
            let mut entity = Entity::default();
            peers.join(&event, &mut entity);
        }
        assert_eq!(peers.groups.len(), GROUPS_MAX);
    }
}
