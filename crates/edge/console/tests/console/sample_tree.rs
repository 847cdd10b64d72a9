//! The made-up organisation, inspected for real: its small files, so that a test stays quick.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use formats::{Budget, Limits, Source};
use landscape::catalogue::Inspected;

use crate::site::{Site, inspector};

/// Larger files of the sample are left out.
const FILE_BYTES_MAX: u64 = 150_000;

/// Writes the sample, inspects it and ingests what was found, as a source called `location`. Returns the folder.
pub async fn ingest(site: &Site, location: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    sample::organisation::write(folder.path(), 1, 1, &mut |_| {}).unwrap();
    let mut files = Vec::new();
    walk(folder.path(), &mut files);
    files.sort();
    let inspected: Vec<Inspected> = std::thread::scope(|scope| {
        let parts = files.chunks(files.len().div_ceil(2).max(1));
        let workers: Vec<_> = parts.map(|part| scope.spawn(|| inspect(folder.path(), part))).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let source = site.source(location).await;
    for part in inspected.chunks(500) {
        site.ingest(source, part.to_vec()).await;
    }
    folder
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            walk(&entry.path(), files);
        } else if kind.is_file() && entry.metadata().unwrap().len() <= FILE_BYTES_MAX {
            files.push(entry.path());
        }
    }
}

fn inspect(root: &Path, files: &[PathBuf]) -> Vec<Inspected> {
    let inspector = inspector();
    let mut scratch = inspector.scratch();
    let mut inspected = Vec::new();
    for file in files {
        let path = file.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        let source = Source::seek(std::fs::File::open(file).unwrap()).unwrap();
        let bytes = std::fs::metadata(file).unwrap().len();
        let (started, cancelled) = (Instant::now(), AtomicBool::new(false));
        let elapsed = || started.elapsed();
        let mut budget = Budget::new(Limits::default(), &cancelled, &elapsed);
        let mut reports = Vec::new();
        inspector.inspect(&path, source, &mut budget, &mut scratch, &mut |report| reports.push(report)).unwrap();
        let stamp = Some("1".to_owned());
        inspected.push(Inspected {
            path,
            stamp,
            bytes,
            modified_at: None,
            owner: String::new(),
            reports,
            version: None,
        });
    }
    inspected
}
