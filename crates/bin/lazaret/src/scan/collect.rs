//! Walking paths and inspecting files on several threads, with reports in a stable order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use formats::{Budget, Limits, Problem, ProblemKind, Source};
use landscape::inspect::Inspector;
use landscape::report::ObjectReport;
use landscape::sources::SourceSpec;
use model::{Format, Label};

/// Reports waiting to be written.
const QUEUE: usize = 256;

/// Inspects everything below `paths`; `each` gets the reports in path order. Returns the bytes that the name tagger
/// read.
pub(super) fn run(
    paths: &[PathBuf],
    inspector: &Inspector,
    limits: &Limits,
    jobs: usize,
    cancelled: &AtomicBool,
    each: &mut dyn FnMut(ObjectReport),
) -> u64 {
    let mut files = Vec::new();
    for path in paths {
        walk(path, path, &mut files);
    }
    let next = AtomicUsize::new(0);
    let model_bytes = AtomicU64::new(0);
    let (send, receive) = sync_channel(QUEUE);
    let send = Mutex::new(Some(send));
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(files.len().max(1)) {
            let sender = send.lock().ok().and_then(|send| send.clone());
            let (files, next, model_bytes) = (&files, &next, &model_bytes);
            scope.spawn(move || {
                let Some(sender) = sender else { return };
                let read = work(files, next, inspector, limits, cancelled, &sender);
                model_bytes.fetch_add(read, Ordering::Relaxed);
            });
        }
        if let Ok(mut send) = send.lock() {
            *send = None;
        }
        in_order(&receive, each);
    });
    model_bytes.load(Ordering::Relaxed)
}

type Reports = (usize, Vec<ObjectReport>);

fn in_order(receive: &Receiver<Reports>, each: &mut dyn FnMut(ObjectReport)) {
    let mut due = 0;
    let mut early: BTreeMap<usize, Vec<ObjectReport>> = BTreeMap::new();
    for (index, reports) in receive {
        early.insert(index, reports);
        while let Some(reports) = early.remove(&due) {
            reports.into_iter().for_each(&mut *each);
            due += 1;
        }
    }
    early.into_values().flatten().for_each(each);
}

fn work(
    files: &[Found],
    next: &AtomicUsize,
    inspector: &Inspector,
    limits: &Limits,
    cancelled: &AtomicBool,
    sender: &SyncSender<Reports>,
) -> u64 {
    let mut scratch = inspector.scratch();
    while !cancelled.load(Ordering::Relaxed) {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(file) = files.get(index) else { break };
        let mut reports = Vec::new();
        match file {
            Found::Unreadable(path, why) => reports.push(unreadable(path, why)),
            Found::Other(path, what) => {
                reports.push(report(path.to_string_lossy().into_owned(), Problem::unsupported(*what)));
            }
            Found::File(path) => {
                let name = path.to_string_lossy();
                match std::fs::File::open(path).and_then(Source::seek) {
                    Err(error) => reports.push(unreadable(path, &error.to_string())),
                    Ok(source) => {
                        let started = Instant::now();
                        let elapsed = || started.elapsed();
                        let mut budget = Budget::new(limits.clone(), cancelled, &elapsed);
                        let each = &mut |report| reports.push(report);
                        let _ = inspector.inspect(&name, source, &mut budget, &mut scratch, each);
                    }
                }
            }
        }
        if sender.send((index, reports)).is_err() {
            break;
        }
    }
    scratch.model_bytes
}

enum Found {
    File(PathBuf),
    Unreadable(PathBuf, String),
    /// It is no object, and this is what it is.
    Other(PathBuf, &'static str),
}

/// Files below `path` in name order. Symbolic links are followed only where they are given by name.
fn walk(path: &Path, root: &Path, files: &mut Vec<Found>) {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return files.push(Found::Unreadable(path.to_owned(), error.to_string())),
    };
    if metadata.is_file() {
        return files.push(Found::File(path.to_owned()));
    }
    if !metadata.is_dir() {
        let why = "neither a file nor a folder; special files are not read";
        return files.push(Found::Unreadable(path.to_owned(), why.into()));
    }
    match std::fs::read_dir(path) {
        Err(error) => files.push(Found::Unreadable(path.to_owned(), error.to_string())),
        Ok(entries) => {
            let mut entries: Vec<_> = entries.filter_map(Result::ok).collect();
            entries.sort_by_key(std::fs::DirEntry::file_name);
            for entry in entries {
                match entry.file_type() {
                    Ok(kind) if kind.is_symlink() => link(&entry.path(), root, files),
                    _ => walk(&entry.path(), root, files),
                }
            }
        }
    }
}

/// A link below a given path, as the catalogue's scan treats it: one that leads to what is scanned anyway says nothing.
fn link(path: &Path, root: &Path, files: &mut Vec<Found>) {
    let what = match path.canonicalize() {
        Ok(target) if root.canonicalize().is_ok_and(|root| target.starts_with(root)) => return,
        Ok(_) => "is a link out of this source and not followed; add its target as a source of its own",
        Err(_) => "is a link that leads nowhere",
    };
    files.push(Found::Other(path.to_owned(), what));
}

/// The report on a path that is not there.
pub(super) fn missing(source: &SourceSpec) -> ObjectReport {
    unreachable(source, "it does not exist or cannot be reached")
}

/// The report on a source that cannot be reached, among others that can.
pub(super) fn unreachable(source: &SourceSpec, why: &str) -> ObjectReport {
    let name = match source {
        SourceSpec::Folder(path) | SourceSpec::Sqlite(path) => path.to_string_lossy().into_owned(),
        SourceSpec::Store(_) | SourceSpec::Postgres(_) => source.to_string(),
    };
    report(name, Problem::new(ProblemKind::Io, format!("cannot be scanned: {why}")))
}

fn unreadable(path: &Path, why: &str) -> ObjectReport {
    report(path.to_string_lossy().into_owned(), Problem::new(ProblemKind::Io, format!("cannot be opened: {why}")))
}

fn report(object: String, problem: Problem) -> ObjectReport {
    ObjectReport {
        object,
        format: Format::Binary,
        bytes: 0,
        digest: None,
        labels: vec![Label::None],
        laws: Vec::new(),
        identifiers: Vec::new(),
        subject_records: Vec::new(),
        subjects: 0,
        jurisdictions: BTreeMap::new(),
        spans: Vec::new(),
        samples: Vec::new(),
        errors: vec![problem],
        study: None,
    }
}
