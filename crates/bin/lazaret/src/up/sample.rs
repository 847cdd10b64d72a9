//! The made-up organisation of `up --sample`: written once into the data folder, then scanned like any other folder.

mod access;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use landscape::scan::Desk;
use landscape::sources::SourceSpec;
use tokio::sync::watch;

use crate::cli::Global;
use crate::failure::Failure;
use crate::scan::{Bar, size, watch_progress};

/// The folder below the data folder.
const FOLDER: &str = "sample";
/// Written last: the folder is whole.
const WHOLE: &str = "sample.complete";
/// The same organisation every time.
const SEED: u64 = 2026;
/// About a thousand people.
const SCALE: usize = 1;

/// What scans leave out: the data folder's own files, and not the organisation in it.
pub(super) fn excluded(global: &Global) -> Vec<PathBuf> {
    ["lazaret.db", "lazaret.db-wal", "lazaret.db-shm", "keys", "up.lock"]
        .iter()
        .map(|name| global.data_dir.join(name))
        .collect()
}

/// Writes the organisation if it is not there yet, fills the guard (`s3` is where S3 is served in clear, if it is), and scans.
pub(super) async fn load(
    global: Global,
    desk: Arc<Desk>,
    guarded: Arc<guard::Guarded>,
    s3: Option<SocketAddr>,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let folder = global.data_dir.join(FOLDER);
    let bar = Bar::new(!global.quiet && std::io::stderr().is_terminal());
    if !global.data_dir.join(WHOLE).exists() {
        let (to, shown) = (folder.clone(), bar.clone());
        let written = tokio::task::spawn_blocking(move || write(&to, &shown)).await;
        written.map_err(|error| Failure::failed("sample", error))??;
        std::fs::write(global.data_dir.join(WHOLE), b"").map_err(|error| Failure::failed("sample", error))?;
    }
    tokio::select! {
        filled = access::fill(&guarded, &folder, s3) => filled?,
        _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
    }
    let failed = |error| Failure::failed("sample", error);
    let source = desk.add(&SourceSpec::Folder(folder)).await.map_err(failed)?;
    let scan = desk.start(source).await.map_err(failed)?;
    let ended = async {
        while !scan.is_finished() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = ended => {}
        () = watch_progress(&bar, &scan) => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
    bar.clear();
    let progress = scan.progress();
    tracing::info!(objects = progress.found, bytes = progress.bytes, "the sample is scanned");
    Ok(())
}

fn write(folder: &Path, bar: &Bar) -> Result<(), Failure> {
    sample::organisation::write(folder, SEED, SCALE, &mut |written| {
        bar.message(format!("writing a made-up organisation: {} files, {}", written.files, size(written.bytes)));
    })
    .map(|_truth| ())
    .map_err(|error| Failure::failed("sample", error))
}
