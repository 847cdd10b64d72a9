//! Every file of the shared corpora is read: as what it is, without a panic, and without a problem that it does not have.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use formats::{Budget, Field, Halt, Limits, Member, Problem, Row, Sink, Source, Table, Text};
use model::Format;

/// What was seen of one top-level object.
#[derive(Default)]
struct Seen {
    depth: usize,
    format: Option<Format>,
    inner: Vec<Format>,
    problems: Vec<String>,
    values: usize,
}

impl Sink for Seen {
    fn format(&mut self, format: Format) -> Result<(), Halt> {
        if self.depth == 0 {
            self.format = Some(format);
        } else {
            self.inner.push(format);
        }
        Ok(())
    }
    fn enter(&mut self, _: &Member<'_>) -> Result<(), Halt> {
        self.depth += 1;
        Ok(())
    }
    fn leave(&mut self, _: u64) -> Result<(), Halt> {
        self.depth -= 1;
        Ok(())
    }
    fn text(&mut self, _: &Text<'_>) -> Result<(), Halt> {
        self.values += 1;
        Ok(())
    }
    fn table(&mut self, _: &Table<'_>) -> Result<(), Halt> {
        Ok(())
    }
    fn row(&mut self, row: &Row<'_>) -> Result<(), Halt> {
        self.values += row.cells.len();
        Ok(())
    }
    fn field(&mut self, _: &Field<'_>) -> Result<(), Halt> {
        self.values += 1;
        Ok(())
    }
    fn record(&mut self) -> Result<(), Halt> {
        Ok(())
    }
    fn problem(&mut self, problem: Problem) -> Result<(), Halt> {
        self.problems.push(format!("{}: {problem}", problem.kind.code()));
        Ok(())
    }
}

fn read(path: &Path) -> Seen {
    let mut seen = Seen::default();
    let cancelled = AtomicBool::new(false);
    let elapsed = || Duration::ZERO;
    let mut budget = Budget::new(Limits::default(), &cancelled, &elapsed);
    formats::read(Source::seek(File::open(path).unwrap()).unwrap(), &mut seen, &mut budget).unwrap();
    seen
}

/// All files below the shared folder's `name`, or `None` (said aloud) where it is missing outside of CI.
fn files(name: &str) -> Option<Vec<PathBuf>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared").join(name);
    if !root.is_dir() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "the folder `shared/{name}` is missing");
        eprintln!("skipped: the folder `shared/{name}` is not here");
        return None;
    }
    let mut files = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Some(files)
}

#[test]
fn report() {
    for folder in ["corpora", "logs", "csaf-medical", "cloud-plans", "oscal", "playbooks", "prompts"] {
        let Some(files) = files(folder) else { return };
        let mut all: BTreeMap<String, usize> = BTreeMap::new();
        for path in files {
            let seen = read(&path);
            let ext = path.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default();
            let parent = path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
            let mut inner = seen.inner.clone();
            inner.dedup();
            *all.entry(format!("{parent} {ext} {:?} {inner:?}", seen.format)).or_default() += 1;
            for p in &seen.problems {
                println!("PROBLEM {} {p}", path.display());
            }
            if seen.values == 0 {
                println!("NOTHING {}", path.display());
            }
        }
        for (k, v) in all {
            println!("{v} {k}");
        }
    }
}
