//! Kinds of insiders, written from what is published about them, in three groups: two that detection may be tuned on, and one that
//! it may not.
//!
//! - **Leaver staging.** The CERT Division's guide (Software Engineering Institute, "Common Sense Guide to Mitigating Insider
//!   Threats", 7th edition, 2022) finds that most thefts of intellectual property fall into the weeks around a resignation;
//!   the second scenario of the CERT data set r4.2 (Glasser and Lindauer, "Bridging the Gap", IEEE SPW 2013) is somebody who
//!   looks for a job at a competitor and, before leaving, copies far more than before. MITRE ATT&CK T1074 (data staged), T1560
//!   (archive collected data).
//! - **Slow trickle.** ATT&CK T1020 (automated exfiltration) and T1030 (data transfer size limits): small shares over weeks, each
//!   below what is looked at.
//! - **Account takeover.** ATT&CK T1078 (valid accounts): from elsewhere, at other hours, after failed guesses, looking round (T1083)
//!   and taking what can be had. The third scenario of r4.2 has somebody use the credentials of another person.
//! - **Curious colleague.** Verizon's Data Breach Investigations Report, pattern "privilege misuse", chapter on health care: looking at
//!   records of people without need, few at a time; no gain in money.
//! - **Partner overreach.** The guide's practice on business partners: access beyond what the agreement is about.
//! - **Administrator covering tracks.** The guide on watching privileged users, and the data set's third scenario, of a disgruntled
//!   administrator; ATT&CK T1098 (account manipulation), T1070 (indicator removal).
//!
//! A second group, in a stream only by [`Scenario::SECOND`]. They were written after the detector and held out until it had been
//! measured on them once; since then weights may be tuned on them too:
//!
//! - **Borrowed service account.** Insider Threat Matrix, IF025.001 "Service Account Sharing": the credential of a program in the
//!   hands of a person, so that nobody can tell who it was; such accounts have wide powers and are seldom watched. PV078 there asks
//!   that they be kept from interactive logins, because they are used for misuse of privileges, staging and exfiltration.
//! - **Mover.** Insider Threat Matrix, PR032 "Mover": after a transfer the old access remains beside the new, and is used for
//!   what neither job asks for. NIST SP 800-53 Rev. 5, PS-5 (personnel transfer), wants it reviewed and taken away for that reason.
//!
//! Held out, in a stream only by [`Scenario::HELD_OUT`]. They were written and committed before what was changed for the second
//! group, and are nothing to tune on:
//!
//! - **Saboteur.** Moore, Cappelli and Trzeciak, "The Big Picture of Insider IT Sabotage Across U.S. Critical Infrastructures"
//!   (CMU/SEI-2008-TR-009): technical people after a disappointment, who make themselves a way in and destroy, often after hours and
//!   from elsewhere. Claycomb and others, "Chronological Examination of Insider Threat Sabotage" (JoWUA 3(4), 2012): half of the
//!   attacks are over within a day. ATT&CK T1485 (data destruction), T1565.001 (stored data manipulation).
//! - **Recruited colleague.** Moore and others, "A Preliminary Model of Insider Theft of Intellectual Property"
//!   (CMU/SEI-2011-TN-013), on those whom an ambitious leader recruits: the whole of a product is wanted, more than one person's
//!   work asks for, and is gathered over weeks. ATT&CK T1213 (data from information repositories).
use crate::event::Event;
use crate::ordinary::{Day, Touch, World};
use crate::people::{AREAS, Person, Role};
use crate::rng::Rng;

mod held_out;

/// A kind of insider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scenario {
    /// Packs up before leaving.
    LeaverStaging,
    /// A little more each day.
    SlowTrickle,
    /// Somebody else behind the account.
    AccountTakeover,
    /// Looks at records of people without need.
    CuriousColleague,
    /// A partner beyond the agreement.
    PartnerOverreach,
    /// An administrator who takes data and tampers with the record.
    CoveringTracks,
    /// A person behind the account of a program.
    BorrowedService,
    /// Went to another study and goes on taking from the former one.
    Mover,
    /// Destroys. Held out.
    Saboteur,
    /// Gathers the whole of a product for somebody else. Held out.
    Recruited,
}

impl Scenario {
    /// The kinds that were written before the detector.
    pub const FIRST: [Self; 6] = [
        Self::LeaverStaging,
        Self::SlowTrickle,
        Self::AccountTakeover,
        Self::CuriousColleague,
        Self::PartnerOverreach,
        Self::CoveringTracks,
    ];
    /// The kinds that were held out once; weights may be tuned on them by now.
    pub const SECOND: [Self; 2] = [Self::BorrowedService, Self::Mover];
    /// The kinds that weights must not be tuned on.
    pub const HELD_OUT: [Self; 2] = [Self::Saboteur, Self::Recruited];

    /// The name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LeaverStaging => "leaver staging",
            Self::SlowTrickle => "slow trickle",
            Self::AccountTakeover => "account takeover",
            Self::CuriousColleague => "curious colleague",
            Self::PartnerOverreach => "partner overreach",
            Self::CoveringTracks => "covering tracks",
            Self::BorrowedService => "borrowed service",
            Self::Mover => "mover",
            Self::Saboteur => "saboteur",
            Self::Recruited => "recruited colleague",
        }
    }

    /// Shortest and longest duration in days.
    fn lasts(self) -> (u64, u64) {
        match self {
            Self::LeaverStaging => (4, 12),
            Self::SlowTrickle => (24, 34),
            Self::AccountTakeover => (1, 4),
            Self::CuriousColleague => (8, 20),
            Self::PartnerOverreach => (3, 10),
            Self::CoveringTracks => (1, 4),
            Self::BorrowedService => (3, 12),
            Self::Mover => (10, 24),
            Self::Saboteur => (1, 6),
            Self::Recruited => (8, 26),
        }
    }

    fn fits(self, role: Role) -> bool {
        match self {
            Self::PartnerOverreach => role == Role::Partner,
            Self::CoveringTracks => role == Role::Administrator,
            Self::CuriousColleague => {
                matches!(role, Role::SiteStaff | Role::Monitor | Role::DataManager | Role::Quality)
            }
            Self::SlowTrickle | Self::LeaverStaging => {
                matches!(role, Role::DataManager | Role::Biostatistician | Role::Bioinformatician | Role::Chemist)
            }
            Self::AccountTakeover => !matches!(role, Role::Service | Role::Administrator),
            Self::BorrowedService => role == Role::Service,
            Self::Mover => {
                matches!(
                    role,
                    Role::DataManager | Role::Biostatistician | Role::Bioinformatician | Role::Chemist | Role::Monitor
                )
            }
            Self::Saboteur => matches!(role, Role::Administrator | Role::Bioinformatician | Role::DataManager),
            Self::Recruited => {
                matches!(
                    role,
                    Role::Chemist | Role::Bioinformatician | Role::Biostatistician | Role::DataManager | Role::Quality
                )
            }
        }
    }
}

/// What is true: who did what, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Who.
    pub principal: std::sync::Arc<str>,
    /// Place in the list of people.
    pub index: usize,
    /// What.
    pub scenario: Scenario,
    /// First and last day of the period, both included.
    pub days: (u32, u32),
}

/// Picks the insiders, `each` of each of the kinds; gives the leavers among them their last day, and the movers their move.
#[must_use]
pub fn pick(seed: u64, people: &mut [Person], days: u32, each: u32, kinds: &[Scenario]) -> Vec<Truth> {
    let mut rng = Rng::new(&[seed, 4]);
    let mut truths: Vec<Truth> = Vec::new();
    for &scenario in kinds {
        for _ in 0..each {
            let (shortest, longest) = scenario.lasts();
            let length = rng.between(shortest, longest) as u32;
            let earliest = 25.min(days.saturating_sub(length + 1));
            let from = earliest + rng.below(u64::from(days.saturating_sub(earliest + length).max(1))) as u32;
            let until = from + length - 1;
            let found = (0..20 * people.len()).map(|_| rng.below(people.len() as u64) as usize).find(|&index| {
                let person = &people[index];
                let there = person.employed.0 + 20 < from && person.employed.1 > until;
                let away = person.away.0 <= until && person.away.1 >= from;
                scenario.fits(person.role) && there && !away && truths.iter().all(|truth| truth.index != index)
            });
            let Some(index) = found else { continue };
            if scenario == Scenario::LeaverStaging {
                people[index].employed.1 = until + 1;
                people[index].notice = rng.chance(0.7).then(|| from + length / 3);
            }
            if scenario == Scenario::Mover {
                let known = people.iter().flat_map(|person| &person.studies).max().copied().unwrap_or_default();
                let to = rng.below(known as u64 + 1) as usize;
                people[index].moves = Some((from - rng.between(2, 14).min(u64::from(from)) as u32, to));
            }
            truths.push(Truth { principal: people[index].id.clone(), index, scenario, days: (from, until) });
        }
    }
    truths
}

/// What the insider does on the day besides ordinary work.
#[must_use]
pub fn day(world: &World, person: &Person, truth: &Truth, day: u32) -> Vec<Event> {
    let mut rng = Rng::new(&[world.seed, 5, person.index as u64, u64::from(day)]);
    let host = format!("pc-{:05}{}", person.index, if day >= person.computer { "b" } else { "a" });
    let mut out = Day { world, person, day, offset: person.offset, host: host.into(), out: Vec::new() };
    let off = day % 7 >= 5;
    let last = day == truth.days.1;
    let length = truth.days.1 - truth.days.0 + 1;
    // The intensity of a case: some are bold, some careful.
    let boldness = Rng::new(&[world.seed, 6, person.index as u64]).spread(1.0, 0.4);
    match truth.scenario {
        Scenario::LeaverStaging if !off || rng.chance(0.3) => {
            leave(&mut out, boldness, last || (day - truth.days.0) * 3 > length * 2, &mut rng)
        }
        Scenario::SlowTrickle if !off => trickle(&mut out, boldness, &mut rng),
        Scenario::AccountTakeover => take_over(&mut out, boldness, truth.days.0, &mut rng),
        Scenario::CuriousColleague if !off && rng.chance(0.7) => look(&mut out, boldness, &mut rng),
        Scenario::PartnerOverreach if !off || rng.chance(0.2) => overreach(&mut out, boldness, &mut rng),
        Scenario::CoveringTracks => cover(&mut out, boldness, last, &mut rng),
        Scenario::BorrowedService if !off && rng.chance(0.7) => borrow(&mut out, boldness, &mut rng),
        Scenario::Mover if (!off || rng.chance(0.15)) && rng.chance(0.7) => stay_behind(&mut out, boldness, &mut rng),
        Scenario::Saboteur => held_out::destroy(&mut out, boldness, last, &mut rng),
        Scenario::Recruited if (!off || rng.chance(0.1)) && rng.chance(0.65) => {
            held_out::collect(&mut out, boldness, day - truth.days.0, &mut rng);
        }
        _ => {}
    }
    out.out
}

fn seconds(from: f64, hours: f64, rng: &mut Rng) -> i64 {
    ((from + hours * rng.unit()) * 3600.0) as i64
}

fn main_area(person: &Person) -> usize {
    person.role.habits().areas[0].0
}

fn own_study(person: &Person, rng: &mut Rng) -> usize {
    person.studies[rng.below(person.studies.len() as u64) as usize]
}

/// Reads much of the own studies, and towards the end packs and carries it away.
fn leave(out: &mut Day<'_>, boldness: f64, carries: bool, rng: &mut Rng) {
    let (person, area) = (out.person, main_area(out.person));
    let evening = rng.chance(0.5);
    let from = if evening { person.starts + 9.0 } else { person.starts };
    let hours = if evening { 3.0 } else { 9.0 };
    let count = rng.spread(person.role.habits().objects * person.volume * 2.5 * boldness, 0.4) as u64 + 5;
    for _ in 0..count {
        let touch = Touch {
            study: own_study(person, rng),
            area,
            part: rng.below(AREAS[area].parts),
            second: seconds(from, hours, rng),
        };
        out.touch(rng, "read", &touch, "ok");
    }
    if carries || rng.chance(0.25) {
        let at = seconds(from + hours, 0.5, rng);
        let study = own_study(person, rng);
        for step in 0..rng.between(1, 3) {
            let touch = Touch { study, area, part: step, second: at + step as i64 * 60 };
            out.touch(rng, "archive", &touch, "ok");
        }
        for step in 0..(rng.spread(8.0 * boldness, 0.5) as u64 + 1) {
            let touch = Touch { study, area, part: rng.below(AREAS[area].parts), second: at + 600 + step as i64 * 30 };
            out.touch(rng, "export", &touch, "ok");
        }
    }
}

/// Some objects more than needed, some exports every day, within working hours.
fn trickle(out: &mut Day<'_>, boldness: f64, rng: &mut Rng) {
    let (person, area) = (out.person, main_area(out.person));
    let count = rng.spread(person.role.habits().objects * person.volume * 0.5 * boldness, 0.3) as u64 + 2;
    for step in 0..count {
        let touch = Touch {
            study: own_study(person, rng),
            area,
            part: rng.below(AREAS[area].parts),
            second: seconds(person.starts, 8.0, rng),
        };
        out.touch(rng, "read", &touch, "ok");
        if step % 4 == 0 {
            let exported = Touch { second: touch.second + 120, ..touch };
            out.touch(rng, "export", &exported, "ok");
        }
    }
}

/// Guesses, then another machine at other hours, looks round and takes.
fn take_over(out: &mut Day<'_>, boldness: f64, first: u32, rng: &mut Rng) {
    let person = out.person;
    let mut whole = Rng::new(&[out.world.seed, 7, person.index as u64]);
    out.host = format!("ext-{:06}", whole.below(1_000_000)).into();
    let from = 24.0 * whole.unit();
    if out.day == first && rng.chance(0.7) {
        for guess in 0..rng.between(2, 12) {
            out.push((from * 3600.0) as i64 - 600 + guess as i64 * 30, "login", String::new(), "failed");
        }
    }
    out.push((from * 3600.0) as i64, "login", String::new(), "ok");
    for _ in 0..rng.spread(25.0 * boldness, 0.5) as u64 + 3 {
        let own = rng.chance(0.5);
        let study = if own { own_study(person, rng) } else { rng.below(out.world.studies.len() as u64) as usize };
        let area = if own { main_area(person) } else { rng.below(6) as usize };
        let touch = Touch { study, area, part: rng.below(12), second: seconds(from, 1.0, rng) };
        let result = if own || rng.chance(0.3) { "ok" } else { "denied" };
        let action = if rng.chance(0.5) { "list" } else { "read" };
        out.touch(rng, action, &touch, result);
    }
    for _ in 0..rng.spread(15.0 * boldness, 0.7) as u64 + 2 {
        let touch = Touch {
            study: own_study(person, rng),
            area: main_area(person),
            part: rng.below(12),
            second: seconds(from + 1.0, 1.5, rng),
        };
        let action = if rng.chance(0.5) { "export" } else { "read" };
        out.touch(rng, action, &touch, "ok");
    }
}

/// A few records a day of people who are none of the person's business.
fn look(out: &mut Day<'_>, boldness: f64, rng: &mut Rng) {
    let person = out.person;
    let mut whole = Rng::new(&[out.world.seed, 8, person.index as u64]);
    let elsewhere = whole.below(out.world.studies.len() as u64) as usize;
    for _ in 0..rng.spread(6.0 * boldness, 0.5) as u64 + 1 {
        let study = if rng.chance(0.5) { own_study(person, rng) } else { elsewhere };
        let touch = Touch { study, area: 5, part: rng.below(12), second: seconds(person.starts, 10.0, rng) };
        if person.role == Role::SiteStaff && rng.chance(0.15) {
            out.touch(rng, "break_glass", &touch, "ok");
        }
        let result = if study == elsewhere && rng.chance(0.25) { "denied" } else { "ok" };
        out.touch(rng, "read", &touch, result);
    }
}

/// More of the own study than agreed, other areas, other studies.
fn overreach(out: &mut Day<'_>, boldness: f64, rng: &mut Rng) {
    let person = out.person;
    for _ in 0..rng.spread(22.0 * boldness, 0.5) as u64 + 3 {
        let own = rng.chance(0.65);
        let study = if own { own_study(person, rng) } else { rng.below(out.world.studies.len() as u64) as usize };
        let area = if rng.chance(0.6) { 1 } else { rng.below(6) as usize };
        let touch = Touch { study, area, part: rng.below(12), second: seconds(person.starts, 9.0, rng) };
        let result = if own && rng.chance(0.9) || rng.chance(0.2) { "ok" } else { "denied" };
        let action = if rng.chance(0.2) {
            "list"
        } else if rng.chance(0.15) {
            "export"
        } else {
            "read"
        };
        out.touch(rng, action, &touch, result);
    }
}

/// Grants for oneself, data, and then the record.
fn cover(out: &mut Day<'_>, boldness: f64, last: bool, rng: &mut Rng) {
    let person = out.person;
    let from = if rng.chance(0.6) { person.starts + 10.0 } else { person.starts };
    for _ in 0..rng.between(1, 4) {
        let object = format!("system/grants/{:05}", rng.below(3000));
        let at = seconds(from, 0.3, rng);
        out.push(at, "admin", object, "ok");
    }
    let study = rng.below(out.world.studies.len() as u64) as usize;
    for _ in 0..rng.spread(18.0 * boldness, 0.5) as u64 + 2 {
        let touch = Touch {
            study,
            area: [0, 1, 5][rng.below(3) as usize],
            part: rng.below(12),
            second: seconds(from + 0.4, 1.5, rng),
        };
        let action = if rng.chance(0.25) { "export" } else { "read" };
        out.touch(rng, action, &touch, "ok");
    }
    if last || rng.chance(0.4) {
        for _ in 0..rng.between(2, 8) {
            let object =
                format!("record/{}/{:04}", ["settings", "retention", "segments"][rng.below(3) as usize], rng.below(50));
            let at = seconds(from + 2.0, 0.5, rng);
            let action = if rng.chance(0.5) { "delete" } else { "admin" };
            let result = if rng.chance(0.4) { "denied" } else { "ok" };
            out.push(at, action, object, result);
        }
    }
}

/// A person's hours and curiosity under a program's name: looks round by hand, then takes some of what is there.
fn borrow(out: &mut Day<'_>, boldness: f64, rng: &mut Rng) {
    let person = out.person;
    // The same person each time. Most sit at their own machine; some go by way of the program's.
    let mut whole = Rng::new(&[out.world.seed, 9, person.index as u64]);
    if whole.chance(0.65) {
        out.host = format!("pc-{:05}a", whole.below(1000)).into();
    }
    let sought = whole.below(out.world.studies.len() as u64) as usize;
    let from = 8.0 + 8.0 * rng.unit();
    if rng.chance(0.25) {
        out.push((from * 3600.0) as i64 - 90, "login", String::new(), "failed");
    }
    out.push((from * 3600.0) as i64 - 60, "login", String::new(), "ok");
    for _ in 0..rng.spread(14.0 * boldness, 0.5) as u64 + 2 {
        let own = rng.chance(0.6);
        let study = if own { own_study(person, rng) } else { sought };
        let area = [0, 1, 1, 2, 5][rng.below(5) as usize];
        let touch = Touch { study, area, part: rng.below(12), second: seconds(from, 1.5, rng) };
        // A program's grants are wide; they end somewhere all the same.
        let result = if !own && rng.chance(0.3) { "denied" } else { "ok" };
        let action = if rng.chance(0.35) { "list" } else { "read" };
        out.touch(rng, action, &touch, result);
    }
    if rng.chance(0.5) {
        for _ in 0..rng.spread(4.0 * boldness, 0.6) as u64 + 1 {
            let touch = Touch {
                study: own_study(person, rng),
                area: 1,
                part: rng.below(6),
                second: seconds(from + 1.5, 0.5, rng),
            };
            out.touch(rng, "export", &touch, "ok");
        }
    }
}

/// What the former job let the person see, and now and then something of the new one that it does not ask for.
fn stay_behind(out: &mut Day<'_>, boldness: f64, rng: &mut Rng) {
    let (person, area) = (out.person, main_area(out.person));
    let moved = person.moves.map_or(0, |(_, study)| study);
    let late = rng.chance(0.3);
    let (from, hours) = if late { (person.starts + 9.0, 2.5) } else { (person.starts, 8.5) };
    for _ in 0..rng.spread(9.0 * boldness, 0.5) as u64 + 1 {
        let old = rng.chance(0.8);
        let touch = Touch {
            study: if old { own_study(person, rng) } else { moved },
            area: if old { area } else { [0, 1, 5][rng.below(3) as usize] },
            part: rng.below(12),
            second: seconds(from, hours, rng),
        };
        let action = if rng.chance(0.15) { "list" } else { "read" };
        out.touch(rng, action, &touch, "ok");
    }
    if rng.chance(0.25) {
        for _ in 0..rng.between(1, 4) {
            let touch = Touch {
                study: own_study(person, rng),
                area,
                part: rng.below(AREAS[area].parts),
                second: seconds(from + hours, 0.5, rng),
            };
            out.touch(rng, "export", &touch, "ok");
        }
    }
}
