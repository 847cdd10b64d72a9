//! A scan whose results are kept in the catalogue.

mod watched;

use std::collections::HashSet;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Instant;

use landscape::Catalogue;
use landscape::report::ObjectReport;
use landscape::scan::{Look, ScanError, ScanHandle, ScanOptions, ScanOutcome, Scanner, State};
use landscape::sources::{SampleRule, SourceError, SourceSpec};

use super::{Bar, Writer, collect, inspector, jobs, watch_progress};
use crate::cli::{Global, ScanArgs};
use crate::config::Config;
use crate::data::{Data, clock, now};
use crate::failure::{Failure, Outcome};

/// Objects whose kept reports are loaded at a time.
const PAGE: u32 = 1_000;

/// Scans `sources` into the data folder's catalogue and prints a line an object: inspected ones as they are written, and
/// those that did not change as they are known. `stay`: whether the catalogue outlives the run.
pub(super) async fn run(
    global: &Global,
    config: &Config,
    arguments: &ScanArgs,
    sources: &[SourceSpec],
    stay: bool,
) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let data = Data::open(global, config).await?;
    let inspector = inspector(arguments, data.key)?;
    let mut writer = Writer::new(arguments.format, &inspector);
    let options = options(global, config, arguments);
    let scanner = Scanner::new(Arc::clone(&data.catalogue), inspector, options);
    let bar = Bar::new(!global.quiet && std::io::stderr().is_terminal());
    let mut model_bytes = 0;
    for source in sources {
        if super::is_missing(source) {
            writer.object(&collect::missing(source));
            continue;
        }
        let (outcome, seen) = match one(&scanner, source, &bar, &mut writer).await {
            Ok(scanned) => scanned,
            // One source of several that is out of reach is told like an object that cannot be read.
            Err(Failure::Failed { code: "unreachable", error, .. }) if sources.len() > 1 => {
                writer.object(&collect::unreachable(source, &error.to_string()));
                continue;
            }
            Err(failure) => return Err(failure),
        };
        model_bytes += outcome.model_bytes;
        unchanged(&data.catalogue, source, &outcome, &seen, &mut writer).await?;
        if outcome.state == State::Cancelled {
            break;
        }
    }
    bar.clear();
    if arguments.watch && stay {
        writer.flush();
        watched::run(&scanner, sources, &mut writer).await?;
    }
    data.catalogue.store().close().await;
    writer.summary.finish(started.elapsed(), model_bytes);
    writer.end(arguments)
}

fn options(global: &Global, config: &Config, arguments: &ScanArgs) -> ScanOptions {
    let rows = arguments.sample_rows.or(config.scan.sample_rows);
    // Spans are not kept: to print them, every object has to be read.
    let everything =
        arguments.all || arguments.spans || arguments.explain || arguments.format == crate::cli::ScanFormat::Sarif;
    ScanOptions {
        limits: config.limits(arguments.object_timeout),
        jobs: jobs(config, arguments),
        sample: rows.map_or(SampleRule::All, SampleRule::Rows),
        look: if everything { Look::Everything } else { Look::Changed },
        excluded: vec![global.data_dir.clone()],
        ..ScanOptions::new(clock())
    }
}

/// Scans one source; returns how it ended and the names of the objects that were inspected.
async fn one(
    scanner: &Scanner,
    source: &SourceSpec,
    bar: &Bar,
    writer: &mut Writer,
) -> Result<(ScanOutcome, HashSet<String>), Failure> {
    let handle = ScanHandle::new(now());
    let mut seen = HashSet::new();
    let each = &mut |report: &ObjectReport| {
        seen.insert(report.object.clone());
        if !print(source, report, writer) {
            handle.cancel();
        }
    };
    let scan = scanner.run(source, &handle, Some(each));
    let outcome = tokio::select! {
        outcome = scan => outcome,
        () = watch_progress(bar, &handle) => return Err(Failure::failed("progress", anyhow::anyhow!("the progress ended"))),
        () = interrupted(&handle) => return Err(Failure::failed("interrupted", anyhow::anyhow!("interrupted twice; the next scan goes on from the last batch"))),
    };
    Ok((outcome.map_err(failed)?, seen))
}

fn print(source: &SourceSpec, report: &ObjectReport, writer: &mut Writer) -> bool {
    let named = ObjectReport { object: source.shown(&report.object), ..report.clone() };
    writer.object(&named)
}

/// Asks the scan to stop at the first interrupt; ends at the second.
async fn interrupted(handle: &Arc<ScanHandle>) {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    handle.cancel();
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Prints what is known of objects that were not opened, or that an earlier run which was killed had opened.
async fn unchanged(
    catalogue: &Catalogue,
    source: &SourceSpec,
    outcome: &ScanOutcome,
    seen: &HashSet<String>,
    writer: &mut Writer,
) -> Result<(), Failure> {
    let mut after = 0;
    loop {
        let page =
            catalogue.reports(outcome.source_id, after, PAGE).await.map_err(|error| Failure::failed("store", error))?;
        for report in page.reports.iter().filter(|report| !seen.contains(&report.object)) {
            if !print(source, report, writer) {
                return Ok(());
            }
        }
        match page.next {
            Some(next) => after = next,
            None => return Ok(()),
        }
    }
}

fn failed(error: ScanError) -> Failure {
    match error {
        // What is not reached now may be reached at the next try; nothing was asked wrongly.
        ScanError::Source(error @ SourceError::Unreachable { .. }) => Failure::failed("unreachable", error),
        ScanError::Source(error) => Failure::usage(error.to_string()),
        error => Failure::failed("scan", error),
    }
}
