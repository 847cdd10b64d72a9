//! `lazaret scan`: what files, stores and databases hold, as a table, JSON lines or SARIF.

mod collect;
mod json;
mod kept;
mod progress;
mod sarif;
mod summary;
mod table;

use std::ffi::OsStr;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use landscape::inspect::{InspectOptions, Inspector, TokenKey};
use landscape::report::ObjectReport;
use landscape::sources::SourceSpec;
use landscape::subjects::passing_key;
use model::Label;

use crate::cli::{Global, ScanArgs, ScanFormat};
use crate::config::Config;
use crate::data;
use crate::failure::{Failure, Outcome};
use summary::Summary;

pub(crate) use progress::{Bar, watch_progress};
pub(crate) use table::{printable, size};

/// Where results go while they come in.
trait Output: Send {
    fn object(&mut self, report: &ObjectReport, out: &mut dyn Write) -> std::io::Result<()>;
    fn end(&mut self, summary: &Summary, out: &mut dyn Write) -> std::io::Result<()>;
}

/// Writes reports to standard output and counts them.
struct Writer {
    output: Box<dyn Output>,
    out: std::io::BufWriter<std::io::Stdout>,
    summary: Summary,
    written: std::io::Result<()>,
}

impl Writer {
    fn new(format: ScanFormat, inspector: &Inspector) -> Self {
        let output: Box<dyn Output> = match format {
            ScanFormat::Json => Box::new(json::Lines),
            ScanFormat::Text => Box::new(table::Table::default()),
            ScanFormat::Sarif => Box::new(sarif::Sarif::new(inspector)),
        };
        Self {
            output,
            out: std::io::BufWriter::with_capacity(1 << 16, std::io::stdout()),
            summary: Summary::default(),
            written: Ok(()),
        }
    }

    /// Whether anybody still reads what is written.
    fn object(&mut self, report: &ObjectReport) -> bool {
        self.summary.add(report);
        if self.written.is_ok() {
            self.written = self.output.object(report, &mut self.out);
        }
        self.written.is_ok()
    }

    fn flush(&mut self) {
        if self.written.is_ok() {
            self.written = self.out.flush();
        }
    }

    fn end(mut self, arguments: &ScanArgs) -> Result<Outcome, Failure> {
        let ended =
            self.written.and_then(|()| self.output.end(&self.summary, &mut self.out)).and_then(|()| self.out.flush());
        match ended {
            Ok(()) => {}
            // The reader went away, as `head` does: nothing is wrong.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Outcome::Done),
            Err(error) => return Err(Failure::failed("output", error)),
        }
        let found = |label: &Label| self.summary.by_label.contains_key(label);
        Ok(if arguments.fail_on.iter().any(found) { Outcome::Found } else { Outcome::Done })
    }
}

pub(crate) fn run(global: &Global, arguments: &ScanArgs) -> Result<Outcome, Failure> {
    let config = Config::read(global.config.as_deref())?;
    let sources = arguments.paths.iter().map(|path| typed(path)).collect::<Result<Vec<_>, _>>()?;
    if sources.iter().all(is_missing)
        && let Some(first) = arguments.paths.first()
    {
        source(first)?;
    }
    if !arguments.no_store {
        return data::runtime()?.block_on(kept::run(global, &config, arguments, &sources, true));
    }
    let folders: Option<Vec<PathBuf>> = sources.iter().map(as_folder).collect();
    match folders {
        Some(folders) => passing(global, &config, arguments, &folders),
        None => {
            // Stores and databases are scanned through a catalogue, which is thrown away afterwards.
            let folder = tempfile::tempdir().map_err(|error| Failure::failed("temporary-folder", error))?;
            let global = Global { data_dir: folder.path().to_owned(), ..global.clone() };
            let config = Config { database: None, ..config };
            data::runtime()?.block_on(kept::run(&global, &config, arguments, &sources, false))
        }
    }
}

/// What a person typed, as a source that is there.
pub(crate) fn source(path: &OsStr) -> Result<SourceSpec, Failure> {
    let spec = typed(path)?;
    if is_missing(&spec) {
        return Err(Failure::usage(format!("`{}` does not exist or cannot be reached", path.display()))
            .hint("give the path of a file or folder that you may read"));
    }
    Ok(spec)
}

fn typed(path: &OsStr) -> Result<SourceSpec, Failure> {
    match path.to_str() {
        Some(text) => text.parse().map_err(|error: landscape::sources::SourceError| Failure::usage(error.to_string())),
        None => Ok(SourceSpec::Folder(path.into())),
    }
}

fn is_missing(source: &SourceSpec) -> bool {
    matches!(source, SourceSpec::Folder(path) | SourceSpec::Sqlite(path) if std::fs::symlink_metadata(path).is_err())
}

fn as_folder(source: &SourceSpec) -> Option<PathBuf> {
    if let SourceSpec::Folder(path) = source { Some(path.clone()) } else { None }
}

fn inspector(arguments: &ScanArgs, key: TokenKey) -> Result<Inspector, Failure> {
    let options = InspectOptions {
        names: arguments.names.into(),
        spans: arguments.spans || arguments.explain || arguments.format == ScanFormat::Sarif,
        explain: arguments.explain,
        samples_per_type: if arguments.no_store { 0 } else { InspectOptions::default().samples_per_type },
    };
    Inspector::embedded(options, key).map_err(|error| Failure::failed("content", error))
}

fn jobs(config: &Config, arguments: &ScanArgs) -> usize {
    let own = || std::thread::available_parallelism().map_or(1, usize::from);
    arguments.jobs.or(config.scan.jobs).unwrap_or_else(own).max(1)
}

/// Scans folders and keeps nothing.
fn passing(global: &Global, config: &Config, arguments: &ScanArgs, folders: &[PathBuf]) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let key = passing_key().map_err(|error| Failure::failed("randomness", error))?;
    let inspector = inspector(arguments, key)?;
    let mut writer = Writer::new(arguments.format, &inspector);
    let bar = Bar::new(!global.quiet && std::io::stderr().is_terminal());
    let cancelled = AtomicBool::new(false);
    let limits = config.limits(arguments.object_timeout);
    let jobs = jobs(config, arguments);
    let model_bytes = collect::run(folders, &inspector, &limits, jobs, &cancelled, &mut |report| {
        let is_top = !report.object.contains('!');
        if !writer.object(&report) {
            cancelled.store(true, Ordering::Relaxed);
        }
        bar.passed(u64::from(is_top), if is_top { report.bytes } else { 0 });
    });
    bar.clear();
    writer.summary.finish(started.elapsed(), model_bytes);
    writer.end(arguments)
}
