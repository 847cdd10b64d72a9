//! The people of the made-up organisation, and what happens to each of them in the period.
use crate::rng::Rng;
use std::sync::Arc;

/// A job, which decides what a day looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Cleans case report data.
    DataManager,
    /// Analyses data sets.
    Biostatistician,
    /// Works on genomes.
    Bioinformatician,
    /// Works on compounds; sees no patients.
    Chemist,
    /// Visits sites and compares records.
    Monitor,
    /// Enters patients at a hospital.
    SiteStaff,
    /// Reads documents of every study.
    Quality,
    /// Runs the systems.
    Administrator,
    /// A program with an account.
    Service,
    /// A person of another organisation.
    Partner,
}

/// What a day of a role looks like.
pub struct Habits {
    /// Name in events.
    pub name: &'static str,
    /// Objects touched on a usual day, median.
    pub objects: f64,
    /// Spread of that from day to day, natural logarithm.
    pub sigma: f64,
    /// Areas of a study and their weights.
    pub areas: &'static [(usize, f64)],
    /// Share of touches that write.
    pub writes: f64,
    /// Probability of exports in a day.
    pub exports: f64,
    /// Probability of an archive made in a day.
    pub archives: f64,
    /// Probability of tidying up in a day.
    pub tidies: f64,
    /// Probability of a late evening.
    pub evenings: f64,
    /// Probability of working on a day off.
    pub weekends: f64,
    /// Probability of looking into a study that is not one's own.
    pub strays: f64,
}

impl Role {
    /// The habits of the role.
    #[must_use]
    pub fn habits(self) -> &'static Habits {
        const TABLE: [Habits; 10] = [
            habits(
                "clinical data manager",
                [34.0, 0.5],
                &[(0, 0.7), (1, 0.3)],
                [0.25, 0.10, 0.02, 0.01, 0.12, 0.05, 0.02],
            ),
            habits("biostatistician", [22.0, 0.7], &[(1, 0.8), (4, 0.2)], [0.3, 0.18, 0.05, 0.03, 0.18, 0.08, 0.03]),
            habits("bioinformatician", [28.0, 0.9], &[(2, 0.85), (1, 0.15)], [0.4, 0.10, 0.06, 0.12, 0.3, 0.12, 0.03]),
            habits("medicinal chemist", [18.0, 0.6], &[(3, 0.9), (4, 0.1)], [0.35, 0.06, 0.02, 0.03, 0.1, 0.05, 0.05]),
            habits("monitor", [26.0, 0.7], &[(0, 0.6), (5, 0.3), (4, 0.1)], [0.05, 0.05, 0.01, 0.005, 0.2, 0.05, 0.02]),
            habits("site staff", [14.0, 0.6], &[(0, 0.5), (5, 0.5)], [0.4, 0.01, 0.002, 0.005, 0.15, 0.12, 0.005]),
            habits(
                "quality assurance",
                [20.0, 0.8],
                &[(4, 0.8), (0, 0.2)],
                [0.05, 0.06, 0.03, 0.003, 0.06, 0.02, 0.25],
            ),
            habits("it administrator", [10.0, 0.8], &[(4, 1.0)], [0.2, 0.01, 0.03, 0.04, 0.25, 0.15, 0.1]),
            habits("service", [120.0, 0.25], &[(0, 0.3), (1, 0.5), (2, 0.2)], [0.5, 0.3, 0.1, 0.1, 1.0, 1.0, 0.0]),
            habits("partner", [9.0, 0.7], &[(1, 0.7), (4, 0.3)], [0.05, 0.3, 0.03, 0.002, 0.2, 0.05, 0.0]),
        ];
        &TABLE[self as usize]
    }

    /// The kind of principal.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Partner => "partner",
            _ => "person",
        }
    }
}

const fn habits(name: &'static str, volume: [f64; 2], areas: &'static [(usize, f64)], odds: [f64; 7]) -> Habits {
    let [objects, sigma] = volume;
    let [writes, exports, archives, tidies, evenings, weekends, strays] = odds;
    Habits { name, objects, sigma, areas, writes, exports, archives, tidies, evenings, weekends, strays }
}

/// A part of a study's data.
pub struct Area {
    /// Folder.
    pub name: &'static str,
    /// Folders below it.
    pub parts: u64,
    /// Objects in each.
    pub objects: u64,
    /// Labels.
    pub labels: &'static [&'static str],
    /// Median bytes of an object.
    pub bytes: f64,
    /// Data subjects of an object, from and to.
    pub subjects: (u64, u64),
}

/// The areas; [`Habits::areas`] counts through them.
pub const AREAS: [Area; 6] = [
    Area { name: "edc", parts: 12, objects: 60, labels: &["phi.coded"], bytes: 40e3, subjects: (1, 1) },
    Area { name: "datasets", parts: 6, objects: 40, labels: &["phi.coded"], bytes: 8e6, subjects: (40, 400) },
    Area { name: "genomes", parts: 8, objects: 90, labels: &["genomic", "phi.coded"], bytes: 400e6, subjects: (1, 1) },
    Area { name: "compounds", parts: 10, objects: 80, labels: &["ip.compound"], bytes: 900e3, subjects: (0, 0) },
    Area { name: "documents", parts: 10, objects: 60, labels: &["document"], bytes: 700e3, subjects: (0, 0) },
    Area { name: "source", parts: 12, objects: 60, labels: &["phi.direct"], bytes: 300e3, subjects: (1, 3) },
];

/// Somebody, or a program.
#[derive(Clone, Debug)]
pub struct Person {
    /// Place in the list.
    pub index: usize,
    /// Name in events.
    pub id: Arc<str>,
    /// Job.
    pub role: Role,
    /// Site, a number from 0.
    pub site: usize,
    /// Hours before UTC.
    pub offset: i64,
    /// Own studies.
    pub studies: Vec<usize>,
    /// How much more than others in the job.
    pub volume: f64,
    /// The usual start of work, local hour.
    pub starts: f64,
    /// Works at night in every second week.
    pub night: bool,
    /// First and last day of work; `u32::MAX` where it goes on.
    pub employed: (u32, u32),
    /// From when HR knows that the person leaves.
    pub notice: Option<u32>,
    /// From this day on the first own study is another one.
    pub moves: Option<(u32, usize)>,
    /// Days away.
    pub away: (u32, u32),
    /// A side project: from, to, factor on volume, study.
    pub project: (u32, u32, f64, usize),
    /// A journey: from, to, hours of shift. Another machine.
    pub travel: (u32, u32, i64),
    /// From this day on there is a new computer.
    pub computer: u32,
}

/// Offsets of the sites' time zones.
const OFFSETS: [i64; 8] = [0, 1, 1, 2, -5, -8, 8, 9];

/// Draws `count` people who work on `studies` studies for `days` days.
#[must_use]
pub fn draw(seed: u64, count: usize, studies: usize, days: u32) -> Vec<Person> {
    (0..count).map(|index| person(seed, index, studies, days)).collect()
}

fn person(seed: u64, index: usize, studies: usize, days: u32) -> Person {
    let mut rng = Rng::new(&[seed, 1, index as u64]);
    let role = match index % 50 {
        0..=7 => Role::DataManager,
        8..=13 => Role::Biostatistician,
        14..=18 => Role::Bioinformatician,
        19..=24 => Role::Chemist,
        25..=30 => Role::Monitor,
        31..=39 => Role::SiteStaff,
        40..=41 => Role::Quality,
        42..=44 => Role::Administrator,
        45 => Role::Service,
        _ => Role::Partner,
    };
    let site = rng.below(OFFSETS.len() as u64) as usize;
    let first = rng.below(studies as u64) as usize;
    let mut own = vec![first];
    let more = match role {
        Role::SiteStaff | Role::Partner => u64::from(rng.chance(0.15)),
        Role::Quality | Role::Administrator | Role::Service => 3,
        _ => rng.below(3),
    };
    for _ in 0..more {
        own.push(rng.below(studies as u64) as usize);
    }
    let day = |rng: &mut Rng| rng.below(u64::from(days)) as u32;
    let stays = matches!(role, Role::Service);
    let joins = if !stays && rng.chance(0.06) { day(&mut rng) } else { 0 };
    // Most leavers do nothing but hand over.
    let leaves = if !stays && joins == 0 && rng.chance(0.04) { 25 + day(&mut rng) } else { u32::MAX };
    let notice = (leaves != u32::MAX && rng.chance(0.85)).then(|| leaves.saturating_sub(rng.between(10, 30) as u32));
    let moves = (!stays && rng.chance(0.08)).then(|| (day(&mut rng), rng.below(studies as u64) as usize));
    let away = if !stays && rng.chance(0.5) { span(&mut rng, days, 3, 14) } else { (u32::MAX, 0) };
    let project = match span(&mut rng, days, 2, 8) {
        (from, to) if !stays && rng.chance(0.22) => {
            (from, to, 2.0 + 5.0 * rng.unit(), rng.below(studies as u64) as usize)
        }
        _ => (u32::MAX, 0, 1.0, first),
    };
    let travel = match span(&mut rng, days, 2, 6) {
        (from, to) if !stays && rng.chance(0.2) => (from, to, rng.between(0, 16) as i64 - 8),
        _ => (u32::MAX, 0, 0),
    };
    Person {
        index,
        id: format!("p{index:05}").into(),
        role,
        site,
        offset: OFFSETS[site],
        studies: own,
        volume: rng.spread(1.0, 0.45),
        starts: 7.0 + 2.5 * rng.unit(),
        night: role == Role::SiteStaff && rng.chance(0.2),
        employed: (joins, leaves),
        notice,
        moves,
        away,
        project,
        travel,
        computer: if rng.chance(0.15) { day(&mut rng) } else { u32::MAX },
    }
}

fn span(rng: &mut Rng, days: u32, shortest: u64, longest: u64) -> (u32, u32) {
    let from = rng.below(u64::from(days)) as u32;
    (from, from + rng.between(shortest, longest) as u32 - 1)
}
