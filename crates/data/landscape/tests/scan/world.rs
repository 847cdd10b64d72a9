//! A folder, a catalogue and a scanner.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use landscape::Catalogue;
use landscape::inspect::{InspectOptions, Inspector, TokenKey};
use landscape::report::ObjectReport;
use landscape::scan::{Clock, ScanHandle, ScanOptions, ScanOutcome, Scanner};
use landscape::sources::SourceSpec;
use recognize::engine::NamesTier;
use store::Store;
use tempfile::TempDir;

pub fn inspector() -> Inspector {
    static INSPECTOR: OnceLock<Inspector> = OnceLock::new();
    let make = || {
        let options = InspectOptions { names: NamesTier::Fast, ..InspectOptions::default() };
        Inspector::embedded(options, TokenKey::new([7; 32])).unwrap()
    };
    INSPECTOR.get_or_init(make).clone()
}

/// A clock that goes on by one at each look.
pub fn clock() -> Clock {
    let time = AtomicI64::new(1_000);
    Arc::new(move || time.fetch_add(1, Ordering::Relaxed))
}

pub struct World {
    pub folder: TempDir,
    _data: TempDir,
    pub database: PathBuf,
    pub catalogue: Arc<Catalogue>,
    pub options: ScanOptions,
}

impl World {
    pub async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let database = data.path().join("lazaret.db");
        let catalogue = Arc::new(Catalogue::new(Store::sqlite(&database).await.unwrap()));
        let options = ScanOptions { jobs: 3, ..ScanOptions::new(clock()) };
        Self { folder: tempfile::tempdir().unwrap(), _data: data, database, catalogue, options }
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub fn write(&self, relative: &str, text: impl AsRef<[u8]>) {
        let path = self.path(relative);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn source(&self) -> SourceSpec {
        SourceSpec::Folder(self.folder.path().to_owned())
    }

    pub fn scanner(&self) -> Scanner {
        Scanner::new(Arc::clone(&self.catalogue), inspector(), self.options.clone())
    }

    pub async fn scan(&self) -> ScanOutcome {
        self.scan_reporting().await.0
    }

    /// Scans, and also gives the names of inspected objects as they came.
    pub async fn scan_reporting(&self) -> (ScanOutcome, Vec<String>) {
        let mut names = Vec::new();
        let each = &mut |report: &ObjectReport| names.push(report.object.clone());
        let outcome = self.scanner().run(&self.source(), &ScanHandle::new(0), Some(each)).await.unwrap();
        (outcome, names)
    }

    /// Every object of the catalogue that is not gone, with its state and format.
    pub async fn objects(&self) -> BTreeMap<String, (String, String)> {
        objects(&self.catalogue).await
    }
}

pub async fn objects(catalogue: &Catalogue) -> BTreeMap<String, (String, String)> {
    let mut objects = BTreeMap::new();
    for source in catalogue.sources().await.unwrap() {
        let rows = store::objects::of_source(catalogue.store(), source.id, 0, 1_000).await.unwrap();
        objects.extend(rows.into_iter().map(|row| (row.path, (row.state, row.format))));
    }
    objects
}

/// The first problem of an object.
pub async fn problem(catalogue: &Catalogue, path: &str) -> String {
    let problems = catalogue.problems(None, 1_000).await.unwrap();
    problems.into_iter().find(|found| found.path == path).map(|found| found.problem.message).unwrap_or_default()
}

/// Waits for `condition`, at most half a minute.
pub async fn until<F: std::future::Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let began = Instant::now();
    while !condition().await {
        assert!(began.elapsed() < Duration::from_secs(30), "{what} did not come about");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// This test program again, to run only the ignored test `name` with other variables in its environment.
pub fn child(name: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]).envs(variables.iter().copied());
    command
}

/// A variable that [`child`] sets; without it, an ignored test has nothing to do.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

pub fn table_of(patients: std::ops::Range<u32>) -> String {
    let row = |n: u32| format!("{},Anna{n},Example,1961-02-{:02},anna{n}@example.org\n", 70_000_000 + n, 1 + n % 28);
    format!("mrn,given_name,family_name,birth_date,email\n{}", patients.map(row).collect::<String>())
}

pub fn is_root() -> bool {
    std::fs::read_dir("/root").is_ok() && Path::new("/root").exists()
}
