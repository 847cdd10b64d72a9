//! The workloads, each with the number that is promised of it.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use formats::{Budget, Limits, Source};
use landscape::inspect::{InspectOptions, Inspector, TokenKey};
use recognize::engine::{Engine, NamesTier};

use super::corpora::{self, Kind};
use super::{Options, dicom, large, start};
use crate::cost::{Cost, measure};
use crate::table::Line;

/// A thing to measure.
pub(super) struct Workload {
    pub name: &'static str,
    /// What is promised, see the table of numbers.
    target: Option<f64>,
    what: What,
}

enum What {
    /// A generated file through the whole inspection: formats, structure, engine, subjects.
    Scan(Kind, NamesTier),
    /// The engine alone over text in memory.
    Engine(Kind, NamesTier),
    /// A folder of small DICOM files through the inspection.
    Dicom,
    /// Peak memory on a large archive or image.
    Large(large::Shape),
    /// From nothing to an inspected empty object.
    Start,
}

pub(super) const ALL: &[Workload] = &[
    Workload { name: "notes", target: Some(300.0), what: What::Scan(Kind::Notes, NamesTier::Fast) },
    Workload { name: "notes-engine", target: None, what: What::Engine(Kind::Notes, NamesTier::Fast) },
    Workload { name: "notes-engine-no-names", target: None, what: What::Engine(Kind::Notes, NamesTier::Off) },
    Workload { name: "notes-names-model", target: Some(10.0), what: What::Scan(Kind::Notes, NamesTier::Model) },
    Workload { name: "csv", target: Some(200.0), what: What::Scan(Kind::Csv, NamesTier::Fast) },
    Workload { name: "csv-engine", target: None, what: What::Engine(Kind::Csv, NamesTier::Fast) },
    Workload { name: "fasta", target: Some(1000.0), what: What::Scan(Kind::Fasta, NamesTier::Fast) },
    Workload { name: "binary", target: Some(1000.0), what: What::Scan(Kind::Binary, NamesTier::Fast) },
    Workload { name: "vcf", target: None, what: What::Scan(Kind::Vcf, NamesTier::Fast) },
    Workload { name: "source-code", target: None, what: What::Scan(Kind::SourceCode, NamesTier::Fast) },
    Workload { name: "numbers", target: None, what: What::Scan(Kind::Numbers, NamesTier::Fast) },
    Workload { name: "dicom", target: Some(4000.0), what: What::Dicom },
    Workload { name: "memory-zip", target: Some(250.0), what: What::Large(large::Shape::Zip) },
    Workload { name: "memory-tar-gz", target: Some(250.0), what: What::Large(large::Shape::TarGzip) },
    Workload { name: "memory-multi-frame", target: Some(250.0), what: What::Large(large::Shape::MultiFrame) },
    Workload { name: "start", target: Some(50.0), what: What::Start },
];

pub(super) fn find(name: &str) -> Option<&'static Workload> {
    ALL.iter().find(|workload| workload.name == name)
}

impl Workload {
    pub(super) fn run(&self, options: &Options) -> Result<Line> {
        match self.what {
            What::Scan(kind, tier) => {
                let path = corpora::file(kind, options)?;
                let inspector = inspector(tier)?;
                inspector.engine().ready()?;
                let (found, cost) = measure(|| inspect(&inspector, &path))?;
                Ok(self.rate(std::fs::metadata(&path)?.len(), cost, format!("{found} identifiers")))
            }
            What::Engine(kind, tier) => {
                let text = std::fs::read_to_string(corpora::file(kind, options)?)?;
                let engine = Engine::embedded()?;
                engine.ready()?;
                let (found, cost) = measure(|| Ok(recognize_all(&engine, &text, tier)))?;
                Ok(self.rate(text.len() as u64, cost, format!("{found} identifiers")))
            }
            What::Dicom => {
                let folder = dicom::folder(options)?;
                let inspector = inspector(NamesTier::Fast)?;
                let ((files, found), cost) = measure(|| dicom::inspect_all(&inspector, &folder))?;
                let value = files / cost.cpu_seconds.max(0.01);
                Ok(self.line(value, "files/s", cost, format!("{found} identifiers")))
            }
            What::Large(shape) => {
                let path = large::file(shape, options)?;
                let inspector = inspector(NamesTier::Fast)?;
                let (found, cost) = measure(|| inspect(&inspector, &path))?;
                let size = megabytes(std::fs::metadata(&path)?.len());
                let note = format!("{size:.0} MB on disk, {found} identifiers");
                Ok(self.line(megabytes(cost.peak_bytes), "MB", cost, note))
            }
            What::Start => {
                let (_, cost) = measure(start::once)?;
                Ok(self.line(cost.wall.as_secs_f64() * 1000.0, "ms", cost, "wall time, one thread".to_owned()))
            }
        }
    }

    fn rate(&self, bytes: u64, cost: Cost, note: String) -> Line {
        self.line(megabytes(bytes) / cost.cpu_seconds.max(0.01), "MB/s", cost, note)
    }

    fn line(&self, value: f64, unit: &'static str, cost: Cost, note: String) -> Line {
        let Cost { cpu_seconds, peak_bytes, .. } = cost;
        Line { name: self.name.to_owned(), value, unit, target: self.target, cpu_seconds, peak_bytes, note }
    }
}

#[expect(clippy::cast_precision_loss, reason = "megabytes for people")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// An inspector with the embedded content, as `scan --no-store` makes it.
pub(super) fn inspector(names: NamesTier) -> Result<Inspector> {
    let options = InspectOptions { names, ..InspectOptions::default() };
    Ok(Inspector::embedded(options, TokenKey::new([7; 32]))?)
}

/// Inspects a file and tells how many identifiers were counted in it.
pub(super) fn inspect(inspector: &Inspector, path: &Path) -> Result<u64> {
    let mut scratch = inspector.scratch();
    inspect_with(inspector, path, &mut scratch)
}

/// As [`inspect`], with one thread's memory given.
pub(super) fn inspect_with(
    inspector: &Inspector,
    path: &Path,
    scratch: &mut recognize::engine::Scratch,
) -> Result<u64> {
    let file = File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
    inspect_source(inspector, Source::seek(file)?, scratch)
}

/// Inspects one object.
pub(super) fn inspect_source(
    inspector: &Inspector,
    source: Source<'_>,
    scratch: &mut recognize::engine::Scratch,
) -> Result<u64> {
    let cancelled = AtomicBool::new(false);
    let clock = Instant::now();
    let elapsed = || clock.elapsed();
    let limits = Limits { time_max: Duration::from_secs(24 * 3600), ..Limits::default() };
    let mut budget = Budget::new(limits, &cancelled, &elapsed);
    let mut found = 0;
    let mut problems = Vec::new();
    inspector.inspect("bench", source, &mut budget, scratch, &mut |report| {
        found += report.identifiers.iter().map(|summary| summary.count).sum::<u64>();
        problems.extend(report.errors);
    })?;
    match problems.first() {
        Some(problem) => anyhow::bail!("the corpus cannot be read: {problem:?}"),
        None => Ok(found),
    }
}

/// The engine over pieces of text of the size that readers hand on.
fn recognize_all(engine: &Engine, text: &str, tier: NamesTier) -> u64 {
    const PIECE_BYTES: usize = 1 << 20;
    let mut scratch = engine.scratch();
    let mut hits = Vec::new();
    let (mut found, mut at) = (0, 0);
    while at < text.len() {
        let end = text.ceil_char_boundary(at + PIECE_BYTES);
        hits.clear();
        engine.text(text.get(at..end).unwrap_or_default(), tier, None, &mut scratch, &mut hits);
        found += hits.len() as u64;
        at = end;
    }
    found
}
