//! What is counted in a day, and the words for it.

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
    Admin,
    BreakGlass,
    Record,
}

/// How many there are.
pub const METRICS: usize = 19;
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
    /// How much its surprise counts.
    pub weight: f32,
    /// Before the number.
    pub verb: &'static str,
    /// After the number.
    pub unit: &'static str,
}

const fn row(metric: Metric, family: Family, weight: f32, verb: &'static str, unit: &'static str) -> Row {
    Row { metric, family, weight, verb, unit }
}

/// All of them, in order.
pub const TABLE: [Row; METRICS] = [
    row(Metric::Subjects, Family::Volume, 1.0, "read", "data subjects"),
    row(Metric::Bytes, Family::Volume, 0.8, "moved", "MiB"),
    row(Metric::Objects, Family::Volume, 1.0, "touched", "objects"),
    row(Metric::Exports, Family::Out, 1.2, "exported or shared", "objects"),
    row(Metric::ExportBytes, Family::Out, 1.0, "exported or shared", "MiB"),
    row(Metric::Archives, Family::Out, 1.0, "made", "archives"),
    row(Metric::Staged, Family::Out, 1.2, "exported after archiving", "objects"),
    row(Metric::Deletes, Family::Power, 0.7, "deleted", "objects"),
    row(Metric::Denied, Family::Reach, 1.0, "was refused", "times"),
    row(Metric::Failed, Family::Entry, 0.6, "failed", "times"),
    row(Metric::OddHours, Family::Entry, 0.8, "did", "things at hours that are unusual for the entity"),
    row(Metric::Places, Family::Reach, 1.0, "went for the first time to", "folders"),
    row(Metric::Studies, Family::Reach, 1.0, "went for the first time to", "studies"),
    row(Metric::Hosts, Family::Entry, 1.0, "came for the first time from", "hosts"),
    row(Metric::Labels, Family::Reach, 1.2, "opened for the first time data of", "labels"),
    row(Metric::Dormant, Family::Reach, 0.7, "went back to", "studies not touched for long"),
    row(Metric::Admin, Family::Power, 0.8, "made", "administrative changes"),
    row(Metric::BreakGlass, Family::Power, 1.0, "broke the glass", "times"),
    row(Metric::Record, Family::Power, 1.5, "acted on the record", "times"),
];

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
