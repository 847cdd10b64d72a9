//! `lazaret scan`: what files hold, as a table, JSON lines or SARIF.

mod collect;
mod json;
mod sarif;
mod summary;
mod table;

use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use formats::Limits;
use landscape::inspect::{InspectOptions, Inspector, TokenKey};
use landscape::report::ObjectReport;
use model::Label;

use crate::cli::{Global, ScanArgs, ScanFormat};
use crate::failure::{Failure, Outcome};
use summary::Summary;

/// A key that lives as long as this run: tokens are compared within it and never kept.
fn random_key() -> Result<[u8; 32], Failure> {
    use rand::TryRngCore;
    let mut key = [0; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut key).map_err(|error| Failure::failed("randomness", error))?;
    Ok(key)
}

/// Where results go while they come in.
trait Output {
    fn object(&mut self, report: &ObjectReport, out: &mut dyn Write) -> std::io::Result<()>;
    fn end(&mut self, summary: &Summary, out: &mut dyn Write) -> std::io::Result<()>;
}

pub(crate) fn run(global: &Global, arguments: &ScanArgs) -> Result<Outcome, Failure> {
    let started = Instant::now();
    for path in &arguments.paths {
        if std::fs::symlink_metadata(path).is_err() {
            return Err(Failure::usage(format!("`{}` does not exist or cannot be reached", path.display()))
                .hint("give the path of a file or folder that you may read"));
        }
    }
    let options = InspectOptions {
        names: arguments.names.into(),
        spans: arguments.spans || arguments.explain || arguments.format == ScanFormat::Sarif,
        explain: arguments.explain,
        samples_per_type: if arguments.no_store { 0 } else { InspectOptions::default().samples_per_type },
    };
    let inspector = Inspector::embedded(options, TokenKey::new(random_key()?))
        .map_err(|error| Failure::failed("content", error))?;
    let limits = Limits { time_max: Duration::from_secs(arguments.object_timeout), ..Limits::default() };
    let mut output: Box<dyn Output> = match arguments.format {
        ScanFormat::Json => Box::new(json::Lines),
        ScanFormat::Text => Box::new(table::Table::default()),
        ScanFormat::Sarif => Box::new(sarif::Sarif::new(&inspector)),
    };
    let jobs = arguments.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)).max(1);
    let mut summary = Summary::default();
    let mut out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut written = Ok(());
    let cancelled = AtomicBool::new(false);
    let model_bytes = collect::run(&arguments.paths, &inspector, &limits, jobs, &cancelled, &mut |report| {
        summary.add(&report);
        if written.is_ok() {
            written = output.object(&report, &mut out);
        }
        if written.is_err() {
            cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
    summary.finish(started.elapsed(), model_bytes);
    let _ = global;
    let ended = written.and_then(|()| output.end(&summary, &mut out)).and_then(|()| out.flush());
    match ended {
        Ok(()) => {}
        // The reader went away, as `head` does: nothing is wrong.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Outcome::Done),
        Err(error) => return Err(Failure::failed("output", error)),
    }
    let found = |label: &Label| summary.by_label.contains_key(label);
    Ok(if arguments.fail_on.iter().any(found) { Outcome::Found } else { Outcome::Done })
}
