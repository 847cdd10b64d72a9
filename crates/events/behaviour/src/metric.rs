//! What is counted in a day, and the words for it.
use crate::peers::CIRCLES;

/// Something that is counted for an entity and a day. The order is that of the counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "`TABLE` says what each is")]
pub enum Metric {
    Subjects,
    Bytes,
    Objects,
    Exports,
    ExportBytes,
    Archives,
    Staged,
    Deletes,
    Denied,
    Failed,
    OddHours,
    Places,
    Studies,
    Hosts,
    Labels,
    Dormant,
    RareLabels,
    Admin,
    BreakGlass,
    Record,
    RareFolders,
    Strange,
}

/// How many there are.
pub const METRICS: usize = 22;
/// A unit of the counters of bytes.
pub const MIB: f32 = 1_048_576.0;

/// What belongs together: of a family, the strangest counts in full and the others a little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// How much.
    Volume,
    /// What was carried away.
    Out,
    /// What was reached for.
    Reach,
    /// Whence and when.
    Entry,
    /// Powers that few have.
    Power,
    /// Over weeks.
    Slow,
}

/// How many families there are.
pub const FAMILIES: usize = 6;

/// A metric's description.
pub struct Row {
    /// Which.
    pub metric: Metric,
    /// Where it belongs.
    pub family: Family,
    /// Before the number.
    pub verb: &'static str,
    /// After the number.
    pub unit: &'static str,
}

const fn row(metric: Metric, family: Family, verb: &'static str, unit: &'static str) -> Row {
    Row { metric, family, verb, unit }
}

/// All of them, in order.
pub const TABLE: [Row; METRICS] = [
    row(Metric::Subjects, Family::Volume, "read", "data subjects"),
    row(Metric::Bytes, Family::Volume, "moved", "MiB"),
    row(Metric::Objects, Family::Volume, "touched", "objects"),
    row(Metric::Exports, Family::Out, "exported or shared", "objects"),
    row(Metric::ExportBytes, Family::Out, "exported or shared", "MiB"),
    row(Metric::Archives, Family::Out, "made", "archives"),
    row(Metric::Staged, Family::Out, "exported after archiving", "objects"),
    row(Metric::Deletes, Family::Power, "deleted", "objects"),
    row(Metric::Denied, Family::Reach, "was refused", "times"),
    row(Metric::Failed, Family::Entry, "failed", "times"),
    row(Metric::OddHours, Family::Entry, "did", "things at hours that are unusual for the entity"),
    row(Metric::Places, Family::Reach, "went for the first time to", "folders"),
    row(Metric::Studies, Family::Reach, "went for the first time to", "studies"),
    row(Metric::Hosts, Family::Entry, "came for the first time from", "hosts"),
    row(Metric::Labels, Family::Reach, "opened for the first time data of", "labels"),
    row(Metric::Dormant, Family::Reach, "went back to", "studies, or used grants, not used for long"),
    row(Metric::RareLabels, Family::Reach, "opened", "objects with labels that its peers hardly ever open"),
    row(Metric::Admin, Family::Power, "made", "administrative changes"),
    row(Metric::BreakGlass, Family::Power, "broke the glass", "times"),
    row(Metric::Record, Family::Power, "acted on the record", "times"),
    row(
        Metric::RareFolders,
        Family::Reach,
        "went",
        "times to folders where those of its job at its site hardly ever go",
    ),
    row(Metric::Strange, Family::Reach, "did", "things in studies in which it hardly ever works"),
];

/// Whether what is counted at `place` says nothing before an entity is known for some days.
#[must_use]
pub fn is_novelty(place: usize) -> bool {
    let first_times = Metric::OddHours as usize..=Metric::Dormant as usize;
    first_times.contains(&place) || place == Metric::RareFolders as usize || place == Metric::Strange as usize
}

/// Whether what is counted at `place` was reached for.
#[must_use]
pub fn is_reach(place: usize) -> bool {
    TABLE.get(place).is_some_and(|row| row.family == Family::Reach)
}

/// Quantities that are also watched over weeks.
pub const SLOW: [Metric; 4] = [Metric::Subjects, Metric::Exports, Metric::Places, Metric::Objects];
/// Windows of the slow quantities, in days.
pub const WINDOWS: [f32; 2] = [7.0, 30.0];

/// A number as people write it.
#[must_use]
pub fn number(value: f32) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// How much each surprise counts. The defaults were tuned on seeds 1 to 3 of the generator `scenarios`.
#[derive(Clone, Debug)]
pub struct Weights {
    /// Of the metrics, in their order.
    pub metrics: [f32; METRICS],
    /// Of the windows of the slow quantities.
    pub windows: [f32; SLOW.len()],
    /// Of accumulated surprise: amount, what was carried away, reach.
    pub drifts: [f32; 3],
    /// What the others of a family count beside the strangest.
    pub beside: f32,
    /// What is carried over from the days before.
    pub carried: f32,
    /// How much of its usual score is taken off an entity's score.
    pub usual: f32,
    /// What peers count, in days of an entity's own: those of the job, of the study, of the job at the site.
    pub peers: [f32; CIRCLES],
    /// As what part of a day something strange enters an entity's own past: what was reached for, and all else.
    pub learned: [f32; 2],
    /// Of the days of those of the same job at the same site, what a folder is rare below.
    pub rare_folder: f32,
    /// How much of the surprise that half of a study or a site has on the same day is taken off.
    pub shared: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            metrics: [
                1.0, 0.45, 0.4, 1.2, 1.0, 1.65, 1.6, 0.4, 1.2, 0.6, 1.05, 1.0, 1.2, 1.0, 2.3, 1.2, 2.2, 0.8, 1.5, 1.5,
                1.8, 0.5,
            ],
            windows: [0.5, 1.2, 0.95, 0.15],
            drifts: [0.5, 2.6, 0.85],
            beside: 0.3,
            carried: 0.4,
            usual: 0.5,
            peers: [2.0, 0.5, 1.0],
            learned: [0.05, 0.15],
            rare_folder: 0.03,
            shared: 0.5,
        }
    }
}
