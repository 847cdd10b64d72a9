//! A day of ordinary work, with the mess that real work has.
use crate::event::Event;
use crate::people::{AREAS, Person, Role};
use crate::rng::Rng;
use std::sync::Arc;

/// 2026-01-05, a Monday, in days since 1970.
pub const FIRST_DAY: i64 = 20_458;
/// Days of the period that nobody has to work.
const HOLIDAYS: [u32; 4] = [14, 42, 88, 91];

/// What everybody shares: names of studies, bursts.
pub struct World {
    /// The seed.
    pub seed: u64,
    /// Names of studies.
    pub studies: Vec<Arc<str>>,
    /// The days of each study's database lock, from and to.
    pub locks: Vec<(u32, u32)>,
    /// No study.
    pub nowhere: Arc<str>,
}

impl World {
    /// A world of `studies` studies over `days` days.
    #[must_use]
    pub fn new(seed: u64, studies: usize, days: u32) -> Self {
        let mut rng = Rng::new(&[seed, 2]);
        let locks = (0..studies)
            .map(|_| {
                let from = rng.below(u64::from(days) * 2) as u32;
                (from, from + rng.between(3, 7) as u32)
            })
            .collect();
        let studies = (0..studies).map(|study| format!("ST-{study:03}").into()).collect();
        Self { seed, studies, locks, nowhere: "".into() }
    }
}

/// One touch of data, before it is an event.
pub struct Touch {
    /// Study.
    pub study: usize,
    /// Place in [`AREAS`].
    pub area: usize,
    /// Folder of the area.
    pub part: u64,
    /// Second of the local day.
    pub second: i64,
}

/// Collects the events of one person's local day.
pub struct Day<'a> {
    /// The world.
    pub world: &'a World,
    /// Who.
    pub person: &'a Person,
    /// Day of the period.
    pub day: u32,
    /// Hours before UTC.
    pub offset: i64,
    /// The machine.
    pub host: Arc<str>,
    /// What happened.
    pub out: Vec<Event>,
}

impl Day<'_> {
    /// Adds an event without an object's figures.
    pub fn push(&mut self, second: i64, action: &'static str, object: String, result: &'static str) -> &mut Event {
        let person = self.person;
        let event = Event {
            time: (FIRST_DAY + i64::from(self.day)) * 86_400 + second - self.offset * 3600,
            principal: Arc::clone(&person.id),
            action,
            object,
            study: Arc::clone(&self.world.nowhere),
            labels: &[],
            bytes: 0,
            subjects: 0,
            host: Arc::clone(&self.host),
            result,
            role: person.role.habits().name,
            site: format!("site-{:02}", person.site).into(),
            kind: person.role.kind(),
            notice_of_leaving: person.notice.is_some_and(|day| self.day >= day),
        };
        self.out.push(event);
        let last = self.out.len() - 1;
        &mut self.out[last]
    }

    /// Adds an event on an object that the touch names.
    pub fn touch(&mut self, rng: &mut Rng, action: &'static str, touch: &Touch, result: &'static str) {
        let area = &AREAS[touch.area];
        let study = Arc::clone(&self.world.studies[touch.study]);
        let number = rng.below(area.objects);
        let object = format!("{study}/{}/part-{:02}/{number:04}", area.name, touch.part % area.parts);
        let full = result == "ok" && !matches!(action, "list" | "delete");
        let bytes = if full { rng.spread(area.bytes, 0.8) as u64 } else { 0 };
        let subjects = if full { area.subjects.0 + (number * 37) % (area.subjects.1 - area.subjects.0 + 1) } else { 0 };
        let event = self.push(touch.second, action, object, result);
        event.study = study;
        event.labels = area.labels;
        event.bytes = bytes;
        event.subjects = subjects;
    }
}

/// Whether the person works on the day, and how much compared with an ordinary one.
fn workload(world: &World, person: &Person, day: u32, rng: &mut Rng) -> f64 {
    let habits = person.role.habits();
    if day < person.employed.0 || day > person.employed.1 || (person.away.0..=person.away.1).contains(&day) {
        return 0.0;
    }
    let lock = person.studies.iter().any(|&study| (world.locks[study].0..=world.locks[study].1).contains(&day));
    let locks_matter =
        matches!(person.role, Role::DataManager | Role::Biostatistician | Role::Monitor | Role::SiteStaff);
    let mut load = 1.0;
    let off = day % 7 >= 5 || HOLIDAYS.contains(&day);
    if off && !rng.chance(if lock && locks_matter { 0.4 } else { habits.weekends }) {
        return 0.0;
    }
    if off && person.role != Role::Service {
        load *= 0.4;
    }
    if lock && locks_matter {
        load *= 2.5;
    }
    // The quarter ends on day 85; reports are made from day 80 on.
    if (80..=86).contains(&day) && matches!(person.role, Role::DataManager | Role::Quality | Role::Partner) {
        load *= 1.8;
    }
    if day == person.away.1 + 1 || day < person.employed.0 + 5 && person.employed.0 > 0 {
        load *= 1.7;
    }
    if (person.project.0..=person.project.1).contains(&day) {
        load *= person.project.2;
    }
    if person.role == Role::Service && day % 7 == 6 {
        load *= 4.0;
    }
    // Sick, at a conference, in meetings all day.
    if person.role != Role::Service && rng.chance(0.07) { 0.0 } else { load }
}

/// The study of a touch.
fn study(world: &World, person: &Person, day: u32, rng: &mut Rng) -> usize {
    if (person.project.0..=person.project.1).contains(&day) && rng.chance(0.6) {
        return person.project.3;
    }
    if let Some((_, moved)) = person.moves.filter(|&(from, _)| day >= from)
        && rng.chance(0.85)
    {
        return moved;
    }
    let place = (rng.unit().powi(2) * person.studies.len() as f64) as usize;
    person.studies.get(place).copied().unwrap_or_else(|| rng.below(world.studies.len() as u64) as usize)
}

/// The folder of a touch: people have their corner of a study and look around now and then.
fn part(person: &Person, area: usize, day: u32, rng: &mut Rng) -> u64 {
    let corner = person.index as u64 * 7 + u64::from(day / 30);
    match person.role {
        Role::SiteStaff if rng.chance(0.98) => person.site as u64,
        Role::Service => rng.below(AREAS[area].parts),
        _ if rng.chance(0.12) => rng.below(AREAS[area].parts),
        _ => corner + rng.below(3),
    }
}

/// All that one person does on one local day.
#[must_use]
pub fn day(world: &World, person: &Person, day: u32) -> Vec<Event> {
    let mut rng = Rng::new(&[world.seed, 3, person.index as u64, u64::from(day)]);
    let load = workload(world, person, day, &mut rng);
    if load == 0.0 {
        return Vec::new();
    }
    let travels = (person.travel.0..=person.travel.1).contains(&day);
    let host = if travels {
        format!("roaming-{:03}", rng.below(400))
    } else if rng.chance(0.04) && person.role != Role::Service {
        format!("terminal-{:02}-{}", person.site, rng.below(5))
    } else {
        format!("pc-{:05}{}", person.index, if day >= person.computer { "b" } else { "a" })
    };
    let offset = person.offset + if travels { person.travel.2 } else { 0 };
    let mut out = Day { world, person, day, offset, host: host.into(), out: Vec::new() };
    let habits = person.role.habits();
    let at_night = (person.night && (day / 7).is_multiple_of(2)) || person.role == Role::Service;
    let starts = if at_night { 21.0 } else { person.starts + 0.4 * rng.normal() };
    let late = if rng.chance(habits.evenings) { 4.0 * rng.unit() } else { 0.0 };
    let length = 8.5 + late;
    let second = |rng: &mut Rng| ((starts + length * rng.unit()) * 3600.0) as i64;
    log_in(&mut out, (starts * 3600.0) as i64 - 60, &mut rng);
    let count = rng.spread(habits.objects * person.volume * load, habits.sigma).clamp(1.0, 4000.0) as u64;
    for _ in 0..count {
        let area = area(person.role, &mut rng);
        let touch = Touch {
            study: study(world, person, day, &mut rng),
            area,
            part: part(person, area, day, &mut rng),
            second: second(&mut rng),
        };
        let action = if rng.chance(habits.writes) {
            "write"
        } else if rng.chance(0.12) {
            "list"
        } else {
            "read"
        };
        let result = if rng.chance(0.006) {
            "denied"
        } else if rng.chance(0.004) {
            "failed"
        } else {
            "ok"
        };
        out.touch(&mut rng, action, &touch, result);
    }
    extras(&mut out, load, &second, &mut rng);
    out.out
}

fn area(role: Role, rng: &mut Rng) -> usize {
    let mut at = rng.unit();
    for &(area, weight) in role.habits().areas {
        if at < weight {
            return area;
        }
        at -= weight;
    }
    role.habits().areas[0].0
}

/// Logins with slips; a forgotten password now and then.
fn log_in(out: &mut Day<'_>, second: i64, rng: &mut Rng) {
    let slips = if rng.chance(0.01) { rng.between(3, 9) } else { u64::from(rng.chance(0.06)) };
    for slip in 0..slips {
        out.push(second - 20 * (slip as i64 + 1), "login", String::new(), "failed");
    }
    out.push(second, "login", String::new(), "ok");
}

/// What does not happen every day.
fn extras(out: &mut Day<'_>, load: f64, second: &dyn Fn(&mut Rng) -> i64, rng: &mut Rng) {
    let (world, person, day) = (out.world, out.person, out.day);
    let habits = person.role.habits();
    let own = |rng: &mut Rng| {
        let area = area(person.role, rng);
        Touch { study: study(world, person, day, rng), area, part: part(person, area, day, rng), second: second(rng) }
    };
    let leaving = person.notice.is_some_and(|from| day >= from);
    if rng.chance(habits.strays) {
        // A colleague asked, or a link led there; often there is no grant.
        let study = rng.below(world.studies.len() as u64) as usize;
        for _ in 0..rng.between(1, 8) {
            let touch = Touch { study, ..own(rng) };
            let result = if rng.chance(0.3) { "denied" } else { "ok" };
            out.touch(rng, "read", &touch, result);
        }
    }
    if rng.chance((habits.exports * load.sqrt()).min(0.9)) {
        for _ in 0..rng.spread(3.0, 0.8) as u64 + 1 {
            let touch = own(rng);
            let action = if rng.chance(0.25) { "share" } else { "export" };
            out.touch(rng, action, &touch, "ok");
        }
    }
    // Whoever leaves hands over: packs up, shares, tidies.
    if rng.chance(habits.archives + if leaving { 0.12 } else { 0.0 }) {
        for _ in 0..rng.spread(10.0, 0.8) as u64 {
            let touch = own(rng);
            out.touch(rng, "read", &touch, "ok");
        }
        let touch = own(rng);
        out.touch(rng, "archive", &touch, "ok");
        if rng.chance(0.5) {
            let action = if leaving { "share" } else { "export" };
            out.touch(rng, action, &touch, "ok");
        }
    }
    if rng.chance(habits.tidies + if leaving { 0.08 } else { 0.0 }) {
        for _ in 0..rng.spread(25.0, 1.0) as u64 {
            let touch = own(rng);
            out.touch(rng, "delete", &touch, "ok");
        }
    }
    // A script with a wrong path, or a grant that ran out.
    if rng.chance(0.008) {
        for _ in 0..rng.spread(20.0, 0.8) as u64 {
            let touch = own(rng);
            out.touch(rng, "read", &touch, "denied");
        }
    }
    if person.role == Role::SiteStaff && rng.chance(0.025) {
        for _ in 0..rng.between(1, 3) {
            let touch = Touch { area: 5, part: rng.below(12), ..own(rng) };
            out.touch(rng, "break_glass", &touch, "ok");
        }
    }
    if person.role == Role::Administrator {
        administer(out, second, rng);
    }
}

/// Grants, patches, the record's upkeep on the first days of a month, incidents.
fn administer(out: &mut Day<'_>, second: &dyn Fn(&mut Rng) -> i64, rng: &mut Rng) {
    let burst = if out.day % 14 == 8 || rng.chance(0.03) { 4.0 } else { 1.0 };
    for _ in 0..rng.spread(6.0 * burst, 0.6) as u64 {
        let object = format!("system/grants/{:05}", rng.below(3000));
        let at = second(rng);
        out.push(at, "admin", object, "ok");
    }
    if out.day % 30 < 2 && rng.chance(0.5) {
        for _ in 0..rng.between(1, 6) {
            let object = format!("record/retention/{:04}", rng.below(50));
            let at = second(rng);
            out.push(at, "admin", object, "ok");
        }
    }
    if rng.chance(0.02) {
        for _ in 0..rng.between(1, 3) {
            let object = format!("record/settings/{:04}", rng.below(10));
            let at = second(rng);
            let result = if rng.chance(0.2) { "failed" } else { "ok" };
            out.push(at, "admin", object, result);
        }
    }
}
