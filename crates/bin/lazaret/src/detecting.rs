//! `lazaret detect`: Sigma rules over logs, offline.

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use detect::correlate::{Bound, Correlator};
use detect::correlation::Correlation;
use detect::library::Library;
use detect::logsource::Logsources;
use detect::rule::{Level, Rule};
use detect::time::milliseconds;
use detect::{Engine, Ruleset};
use intake::{Family, Problem, Record};
use serde_json::{Value, json};

use crate::cli::{DetectArgs, Global, ListFormat};
use crate::failure::{Failure, Outcome};

/// Bytes of records that a worker takes at once.
const BATCH_BYTES: usize = 512 << 10;
/// Batches that wait for a worker or for being printed.
const WAITING_MAX: usize = 8;

/// Records of one log on their way to a worker.
#[derive(Default)]
struct Batch {
    number: usize,
    source: usize,
    bytes: Vec<u8>,
    /// Number of the record, its family, and where its bytes end.
    records: Vec<(u64, Family, usize)>,
    problems: Vec<Problem>,
}

/// What came of a batch.
struct Answer {
    number: usize,
    source: usize,
    matches: Vec<Found>,
    problems: Vec<Problem>,
    events: u64,
    /// Events of a log source that no rule is about, or of none that is known.
    unrouted: u64,
}

/// A match on its way to being printed.
struct Found {
    rule: usize,
    record: u64,
    time: Option<String>,
    matched: Vec<(String, String)>,
    /// Fields that correlations read.
    values: Vec<(String, String)>,
}

#[derive(Default)]
struct Totals {
    events: u64,
    matches: u64,
    unrouted: u64,
    problems: u64,
    untimed: u64,
    highest: Option<Level>,
}

pub(crate) fn run(global: &Global, arguments: &DetectArgs) -> Result<Outcome, Failure> {
    let started = Instant::now();
    let placeholders = match &arguments.placeholders {
        None => detect::test::Placeholders::new(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Failure::usage(format!("`{}` cannot be read: {error}", path.display())))?;
            toml::from_str(&text).map_err(|error| {
                Failure::usage(format!("`{}` is no table of placeholders: {error}", path.display()))
                    .hint("write one list a placeholder: admins = [\"ada\", \"root\"]")
            })?
        }
    };
    let library = Library::load(&arguments.rules, &placeholders).map_err(|error| {
        Failure::usage(error.to_string()).hint("`--rules` takes folders of Sigma rules (.yml) or single files")
    })?;
    let Library { rules, correlations, rejected, warnings } = library;
    let extra: Vec<&str> = correlations.iter().flat_map(fields_of).collect();
    if rules.is_empty() && correlations.is_empty() {
        let first = rejected
            .first()
            .map(|rejected| format!("; the first was `{}`: {}", rejected.path, rejected.why))
            .unwrap_or_default();
        return Err(Failure::usage(format!("no rule could be read{first}"))
            .hint("`--rules` takes folders of Sigma rules (.yml) or single files"));
    }
    let logsources = Logsources::shipped().map_err(|error| Failure::failed("log-sources", error))?;
    let set = Ruleset::new(rules, logsources, &extra).map_err(|why| Failure::failed("rules", anyhow::anyhow!(why)))?;
    for warning in &warnings {
        tracing::info!("{}: {}", warning.path, warning.why);
    }
    let load_seconds = started.elapsed().as_secs_f64();
    let (totals, failed, eval_seconds) = evaluate(global, arguments, &set, &correlations)?;
    let summary = json!({"summary": {
        "events": totals.events, "matches": totals.matches, "rules_loaded": set.rules().len() + correlations.len(), "rules_rejected": rejected, "rules_warned": warnings,
        "unrouted": totals.unrouted, "problems": totals.problems, "matches_without_time": totals.untimed, "unreadable": failed,
        "load_seconds": load_seconds, "eval_seconds": eval_seconds,
    }});
    match arguments.format {
        ListFormat::Json => print_line(&summary.to_string())?,
        ListFormat::Text => {
            print_line(&format!(
                "{} events, {} matches; {} rules, {} rejected; {} events of log sources without rules; {} records that could not be read",
                totals.events,
                totals.matches,
                set.rules().len() + correlations.len(),
                rejected.len(),
                totals.unrouted,
                totals.problems
            ))?;
            for rejected in &rejected {
                print_line(&format!("rejected {}: {}", rejected.path.escape_debug(), rejected.why))?;
            }
        }
    }
    if failed.len() == arguments.logs.len() {
        return Err(Failure::failed("logs", anyhow::anyhow!("no log could be read: {}", failed.join("; "))));
    }
    let wanted = arguments.fail_on.as_deref().map(|level| {
        Level::parse(level).ok_or_else(|| {
            Failure::usage(format!("`{level}` is no level; there are informational, low, medium, high, critical"))
        })
    });
    let found = wanted.transpose()?.is_some_and(|wanted| totals.highest.is_some_and(|highest| highest >= wanted));
    Ok(if found { Outcome::Found } else { Outcome::Done })
}

/// Fields that a correlation reads.
fn fields_of(correlation: &Correlation) -> impl Iterator<Item = &str> {
    let aliases = correlation.aliases.values().flat_map(BTreeMap::values);
    correlation.group_by.iter().chain(&correlation.fields).chain(aliases).map(String::as_str)
}

/// Reads the logs, tries the rules on all processors, and prints in the order of the logs.
fn evaluate(
    global: &Global,
    arguments: &DetectArgs,
    set: &Ruleset,
    correlations: &[Correlation],
) -> Result<(Totals, Vec<String>, f64), Failure> {
    let started = Instant::now();
    let jobs = arguments
        .jobs
        .map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), |jobs| usize::from(jobs.get()));
    let fields: Vec<&str> = correlations.iter().flat_map(fields_of).collect();
    let (to_workers, batches) = sync_channel::<Batch>(WAITING_MAX);
    let (to_printer, answers) = sync_channel::<Answer>(WAITING_MAX);
    let batches = Arc::new(Mutex::new(batches));
    let names: &[String] = &arguments.logs.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    let (printed, failed) = std::thread::scope(|scope| {
        for _ in 0..jobs {
            let (batches, to_printer, fields) = (Arc::clone(&batches), to_printer.clone(), &fields);
            scope.spawn(move || work(set, fields, &batches, &to_printer));
        }
        drop((to_printer, batches));
        let printer = scope.spawn(move || print(arguments, set, correlations, names, answers));
        let failed = read(global, &arguments.logs, to_workers);
        (printer.join(), failed)
    });
    let totals = printed
        .map_err(|_panic| Failure::failed("detect", anyhow::anyhow!("the printing thread came to an end")))??;
    Ok((totals, failed, started.elapsed().as_secs_f64()))
}

/// Reads every log and hands its records over in batches; returns the logs that could not be read, and why.
fn read(global: &Global, logs: &[PathBuf], to_workers: SyncSender<Batch>) -> Vec<String> {
    let mut feeder = Feeder { batch: Batch::default(), to_workers };
    let mut failed = Vec::new();
    let limits = intake::Limits::default();
    for (source, path) in logs.iter().enumerate() {
        feeder.batch.source = source;
        let read = if path == Path::new("-") {
            intake::read_stream("-", Box::new(std::io::stdin().lock()), &limits, &mut feeder)
        } else {
            intake::read_file(path, &limits, &mut feeder)
        };
        if let Err(error) = read {
            if !global.quiet {
                tracing::error!("{error}");
            }
            failed.push(error.to_string());
        }
        if feeder.send().is_break() {
            break;
        }
    }
    failed
}

struct Feeder {
    batch: Batch,
    to_workers: SyncSender<Batch>,
}

impl Feeder {
    fn send(&mut self) -> ControlFlow<()> {
        let next = Batch { number: self.batch.number + 1, source: self.batch.source, ..Batch::default() };
        match self.to_workers.send(std::mem::replace(&mut self.batch, next)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

impl intake::Sink for Feeder {
    fn record(&mut self, record: Record<'_>) -> ControlFlow<()> {
        self.batch.bytes.extend_from_slice(record.json);
        self.batch.records.push((record.number, record.family, self.batch.bytes.len()));
        if self.batch.bytes.len() < BATCH_BYTES { ControlFlow::Continue(()) } else { self.send() }
    }

    fn problem(&mut self, problem: Problem) {
        self.batch.problems.push(problem);
    }
}

/// Takes batches until there are no more.
fn work(set: &Ruleset, fields: &[&str], batches: &Mutex<Receiver<Batch>>, to_printer: &SyncSender<Answer>) {
    let mut engine = Engine::new(set);
    loop {
        let Ok(Ok(batch)) = batches.lock().map(|batches| batches.recv()) else { return };
        let mut answer = Answer {
            number: batch.number,
            source: batch.source,
            matches: Vec::new(),
            problems: batch.problems,
            events: batch.records.len() as u64,
            unrouted: 0,
        };
        let mut from = 0;
        for (record, family, to) in batch.records {
            let bytes = batch.bytes.get(from..to).unwrap_or_default();
            from = to;
            let matches = &mut answer.matches;
            let tried = engine.evaluate(family.as_str(), bytes, &mut |found, event| {
                let values =
                    fields.iter().filter_map(|field| Some(((*field).to_owned(), event.value(field)?))).collect();
                matches.push(Found { rule: found.index, record, time: event.time(), matched: found.matched, values });
            });
            match tried {
                Ok(0) => answer.unrouted += 1,
                Ok(_) => {}
                Err(error) => answer.problems.push(Problem { number: record, why: error.to_string() }),
            }
        }
        answer.problems.sort_by_key(|problem| problem.number);
        if to_printer.send(answer).is_err() {
            return;
        }
    }
}

/// Prints what came of the batches, in their order, and puts matches together.
fn print(
    arguments: &DetectArgs,
    set: &Ruleset,
    correlations: &[Correlation],
    names: &[String],
    answers: Receiver<Answer>,
) -> Result<Totals, Failure> {
    let mut totals = Totals::default();
    let mut correlator = Correlator::new(correlations, Bound::default());
    let (mut waiting, mut next) = (BTreeMap::new(), 0);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for answer in answers {
        waiting.insert(answer.number, answer);
        while let Some(answer) = waiting.remove(&next) {
            next += 1;
            totals.events += answer.events;
            totals.unrouted += answer.unrouted;
            totals.problems += answer.problems.len() as u64;
            let source = names.get(answer.source).map_or("", String::as_str);
            for problem in &answer.problems {
                tracing::warn!("`{}`, record {}: {}", source.escape_debug(), problem.number, problem.why);
            }
            for found in answer.matches {
                let Some(rule) = set.rules().get(found.rule) else { continue };
                let held = if correlations.is_empty() {
                    Vec::new()
                } else {
                    correlate(&mut correlator, rule, &found, &mut totals)
                };
                if !is_silent(correlations, rule) {
                    totals.tell(
                        &mut out,
                        arguments.format,
                        rule,
                        source,
                        found.record,
                        found.time.as_deref(),
                        &found.matched,
                    )?;
                }
                for one in held {
                    let Some(correlation) = correlations.get(one.index) else { continue };
                    if is_silent(correlations, &correlation.head) {
                        continue;
                    }
                    let mut matched = one.group.clone();
                    matched.push(("count".to_owned(), one.number.to_string()));
                    totals.tell(
                        &mut out,
                        arguments.format,
                        &correlation.head,
                        source,
                        found.record,
                        found.time.as_deref(),
                        &matched,
                    )?;
                }
            }
        }
    }
    if correlator.evicted() > 0 {
        tracing::error!(
            "{} matches were given up for want of room while rules were correlated: what they belong to may be missing",
            correlator.evicted()
        );
    }
    out.flush().map_err(|error| Failure::failed("output", error))?;
    Ok(totals)
}

/// Whether a correlation speaks for this rule or correlation.
fn is_silent(correlations: &[Correlation], of: &Rule) -> bool {
    correlations.iter().any(|correlation| {
        !correlation.generate && correlation.rules.iter().any(|name| *name == of.id || Some(name) == of.name.as_ref())
    })
}

fn correlate(
    correlator: &mut Correlator<'_>,
    rule: &Rule,
    found: &Found,
    totals: &mut Totals,
) -> Vec<detect::correlate::Correlated> {
    let Some(time) = found.time.as_deref().and_then(milliseconds) else {
        totals.untimed += 1;
        return Vec::new();
    };
    let value = |field: &str| found.values.iter().find(|(name, _)| name == field).map(|(_, value)| value.clone());
    correlator.take(&rule.id, rule.name.as_deref(), (found.record, time), &value)
}

impl Totals {
    #[expect(clippy::too_many_arguments, reason = "the parts of a line")]
    fn tell(
        &mut self,
        out: &mut impl Write,
        format: ListFormat,
        rule: &Rule,
        source: &str,
        record: u64,
        time: Option<&str>,
        matched: &[(String, String)],
    ) -> Result<(), Failure> {
        self.matches += 1;
        self.highest = self.highest.max(Some(rule.level));
        let line = match format {
            ListFormat::Json => {
                let matched: serde_json::Map<String, Value> =
                    matched.iter().map(|(field, value)| (field.clone(), Value::String(value.clone()))).collect();
                json!({"rule": {"id": rule.id, "title": rule.title, "level": rule.level.as_str(), "tags": rule.tags}, "source": source, "record": record, "time": time, "matched": matched}).to_string()
            }
            ListFormat::Text => {
                let matched: Vec<String> =
                    matched.iter().map(|(field, value)| format!("{field}={}", shortened(value))).collect();
                format!(
                    "{:<13} {}  {} ({}, record {record})  {}",
                    rule.level.as_str(),
                    time.unwrap_or("-").escape_debug(),
                    rule.title.escape_debug(),
                    source.escape_debug(),
                    matched.join(" ")
                )
            }
        };
        writeln!(out, "{line}").map_err(|error| Failure::failed("output", error))
    }
}

/// A value for a terminal: no control characters, at most 120 characters.
fn shortened(value: &str) -> String {
    let mut short: String = value.chars().take(120).flat_map(char::escape_debug).collect();
    if value.chars().nth(120).is_some() {
        short.push('…');
    }
    short
}

fn print_line(line: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout().lock(), "{line}").map_err(|error| Failure::failed("output", error))
}
