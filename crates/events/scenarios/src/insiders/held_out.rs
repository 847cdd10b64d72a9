//! The kinds that are held out. Written and committed before the detector was tried on them.
use super::{main_area, own_study, seconds};
use crate::ordinary::{Day, Touch};
use crate::people::{AREAS, Role};
use crate::rng::Rng;

/// Looks where it would hurt, makes a way back in, and on the last days overwrites and deletes.
pub fn destroy(out: &mut Day<'_>, boldness: f64, last: bool, rng: &mut Rng) {
    let (person, area) = (out.person, main_area(out.person));
    // The same study each day; half come from elsewhere, and half after hours.
    let mut whole = Rng::new(&[out.world.seed, 10, person.index as u64]);
    let study = person.studies[whole.below(person.studies.len() as u64) as usize];
    if whole.chance(0.5) {
        out.host = format!("roaming-{:03}", whole.below(400)).into();
    }
    let from = if whole.chance(0.5) { person.starts + 10.0 } else { person.starts + 1.0 };
    let area = if person.role == Role::Administrator { [0, 1, 2, 5][whole.below(4) as usize] } else { area };
    for _ in 0..rng.spread(5.0 * boldness, 0.5) as u64 + 1 {
        let touch = Touch { study, area, part: rng.below(AREAS[area].parts), second: seconds(from, 1.0, rng) };
        let action = if rng.chance(0.6) { "list" } else { "read" };
        out.touch(rng, action, &touch, "ok");
    }
    if person.role == Role::Administrator && rng.chance(0.5) {
        let object = format!("system/grants/{:05}", rng.below(3000));
        let at = seconds(from, 0.5, rng);
        out.push(at, "admin", object, "ok");
    }
    if !(last || rng.chance(0.2)) {
        return;
    }
    for _ in 0..rng.spread(20.0 * boldness, 0.6) as u64 + 3 {
        let touch = Touch { study, area, part: rng.below(AREAS[area].parts), second: seconds(from + 1.0, 1.5, rng) };
        let action = if rng.chance(0.6) { "delete" } else { "write" };
        let result = if rng.chance(0.1) { "denied" } else { "ok" };
        out.touch(rng, action, &touch, result);
    }
}

/// Goes through one study part by part, what it asks for and what it does not, and hands over from time to time.
pub fn collect(out: &mut Day<'_>, boldness: f64, passed: u32, rng: &mut Rng) {
    let (person, area) = (out.person, main_area(out.person));
    let mut whole = Rng::new(&[out.world.seed, 11, person.index as u64]);
    let own = whole.chance(0.6);
    let study = if own { own_study(person, &mut whole) } else { whole.below(out.world.studies.len() as u64) as usize };
    let late = rng.chance(0.25);
    let (from, hours) = if late { (person.starts + 9.0, 2.0) } else { (person.starts, 8.5) };
    for _ in 0..rng.spread(8.0 * boldness, 0.5) as u64 + 1 {
        let main = rng.chance(0.6);
        let area = if main { area } else { [1, 2, 3, 4][rng.below(4) as usize] };
        let part = u64::from(passed) + rng.below(2);
        let touch = Touch { study, area, part, second: seconds(from, hours, rng) };
        let result = if (own && main) || rng.chance(0.75) { "ok" } else { "denied" };
        let action = if rng.chance(0.2) { "list" } else { "read" };
        out.touch(rng, action, &touch, result);
    }
    if rng.chance(0.3) {
        for _ in 0..rng.between(1, 4) {
            let touch = Touch { study, area, part: u64::from(passed), second: seconds(from + hours, 0.5, rng) };
            let action = if rng.chance(0.3) { "share" } else { "export" };
            out.touch(rng, action, &touch, "ok");
        }
    }
}
