//! `lazaret obligations`: facts about incidents in, legal clocks out.

mod clause;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use obligations::{Answer, Clauses, Facts, Library, LibraryError, Options, Status};
use serde::Serialize;
use serde_json::json;

use crate::cli::{Global, ListFormat};
use crate::config::Config;
use crate::failure::{Failure, Outcome};

/// The longest line of facts, and the longest file of one incident.
const FACTS_BYTES_MAX: usize = 16 << 20;
/// Lines that are answered at once.
const BATCH_LINES: usize = 20_000;
/// What is said where there is nothing to say.
const NOBODYS_DUTY: &str =
    "none of the roles given has a duty to notify here; `lazaret obligations --list` shows whose duties there are";
/// Bytes of lines that are answered at once.
const BATCH_BYTES: usize = 32 << 20;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ObligationsArgs {
    #[command(subcommand)]
    pub command: Option<ObligationsCommand>,
    /// Facts as JSON: one incident, or one a line; `-` is standard input.
    #[arg(long, value_name = "FILE", required_unless_present = "list")]
    pub facts: Option<PathBuf>,
    /// What is due at this time; without it, the present plays no part.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// With what is only proposed in the place of the law.
    #[arg(long)]
    pub proposed: bool,
    /// Also these obligations, such as clauses of contracts, beside those of the settings and of the data folder.
    #[arg(long, value_name = "FILE")]
    pub contracts: Vec<PathBuf>,
    /// Show all obligations with their texts instead.
    #[arg(long, conflicts_with = "facts")]
    pub list: bool,
    /// How answers are written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ObligationsCommand {
    /// Clauses of contracts that people entered: list, enter, change, end.
    #[command(subcommand)]
    Clause(clause::ClauseCommand),
}

pub(crate) fn run(global: &Global, arguments: &ObligationsArgs) -> Result<Outcome, Failure> {
    if let Some(ObligationsCommand::Clause(command)) = &arguments.command {
        return clause::run(global, command);
    }
    let config = Config::read(global.config.as_deref())?;
    let mut contracts = config.obligations.contracts.clone();
    contracts.extend(arguments.contracts.iter().cloned());
    let library = clauses(global)?.within(&library(&contracts)?).map_err(|error| wrong_clauses(&error))?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if arguments.list {
        list(&library, arguments.format, &mut out)?;
        return flushed(out);
    }
    let at = arguments.at.as_deref().map(|text| {
        text.parse::<jiff::Timestamp>().map_err(|source| {
            Failure::usage(format!("`{text}` is no time with offset ({source})"))
                .hint("write `--at 2026-03-28T09:00:00+01:00`")
        })
    });
    let options = Options { at: at.transpose()?, with_proposed: arguments.proposed || config.obligations.proposed };
    let asked = Asked { library: &library, options, format: arguments.format };
    let path = arguments.facts.as_deref().unwrap_or(Path::new("-"));
    let wrong = answer_file(path, &asked, &mut out)?;
    flushed(out)?;
    match wrong {
        None => Ok(Outcome::Done),
        Some(Wrong { count: 1, first }) => Err(Failure::failed("facts", anyhow::anyhow!(first))),
        Some(Wrong { count, first }) => {
            let why = format!("{count} incidents could not be read; {first}");
            Err(Failure::failed("facts", anyhow::anyhow!(why)))
        }
    }
}

/// Puts the obligations in force that the settings name, and the clauses of the data folder, before incidents are looked at.
pub(crate) fn put_in_force(global: &Global, config: &Config) -> Result<(), Failure> {
    let settings = &config.obligations;
    if !settings.contracts.is_empty() || settings.proposed {
        obligations::put_in_force(library(&settings.contracts)?, settings.proposed);
    }
    obligations::put_clauses_in_force(&clauses(global)?).map_err(|error| wrong_clauses(&error))
}

/// The clauses that people entered.
fn clauses(global: &Global) -> Result<Clauses, Failure> {
    guard::read_clauses(&global.data_dir).map_err(|error| {
        let path = global.data_dir.join(guard::CLAUSES);
        Failure::failed("clauses", anyhow::anyhow!("`{}` cannot be read: {error}", path.display()))
            .hint("bring it back from a backup, or mend it by hand: it is written like a file of obligations")
    })
}

fn wrong_clauses(error: &LibraryError) -> Failure {
    Failure::usage(error.to_string())
        .hint("take it out of the settings' `contracts`, or end the clause and enter it with another id")
}

/// The obligations that come with the program, and those of files.
fn library(contracts: &[PathBuf]) -> Result<Library, Failure> {
    let shipped = obligations::shipped().map_err(|error| Failure::failed("obligations", error.clone()))?;
    let mut files = Vec::with_capacity(contracts.len());
    let mut seen: Vec<PathBuf> = Vec::new();
    for path in contracts {
        // The settings and the command line may name the same file.
        let whole = path.canonicalize().unwrap_or_else(|_missing| path.clone());
        if seen.contains(&whole) {
            continue;
        }
        seen.push(whole);
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("`{}` cannot be read: {error}", path.display())))?;
        files.push((path.display().to_string(), text));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    shipped.with(&files).map_err(|error| {
        Failure::usage(error.to_string()).hint("docs/reference/obligations.md shows how an obligation is written")
    })
}

struct Asked<'l> {
    library: &'l Library,
    options: Options,
    format: ListFormat,
}

/// Incidents that could not be read.
struct Wrong {
    count: u64,
    first: String,
}

/// One answer with the incident's number, where there are several.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<u64>,
    #[serde(flatten)]
    answer: &'a Answer<'a>,
}

impl Asked<'_> {
    /// What is printed of one incident; what is wrong with it.
    fn one(&self, json: &[u8], incident: Option<u64>, out: &mut Vec<u8>) -> Result<(), String> {
        let place = || incident.map_or_else(String::new, |number| format!("incident {number}: "));
        let facts = Facts::from_json(json, self.library.vocabulary()).map_err(|error| format!("{}{error}", place()))?;
        for strange in &facts.strange {
            tracing::warn!("{}{} means nothing here and plays no part", place(), strange.escape_debug());
        }
        let answers = self.library.answers(&facts, self.options);
        match self.format {
            ListFormat::Json => {
                if answers.is_empty() && incident.is_none() {
                    tracing::warn!("{NOBODYS_DUTY}");
                }
                for answer in &answers {
                    // Writing into memory does not fail.
                    let _ = serde_json::to_writer(&mut *out, &Line { incident, answer });
                    out.push(b'\n');
                }
            }
            ListFormat::Text => {
                if let Some(number) = incident {
                    let _ = writeln!(out, "incident {number}");
                }
                if answers.is_empty() {
                    let _ = writeln!(out, "{NOBODYS_DUTY}");
                }
                if !facts.has_roles() {
                    // The same question of every answer is asked once.
                    let _ = writeln!(out, "? {}", self.library.vocabulary().roles_question());
                }
                answers.iter().for_each(|answer| tell(answer, facts.has_roles(), out));
            }
        }
        Ok(())
    }

    /// Answers lines on all processors, in their order.
    fn batch(
        &self,
        first: u64,
        lines: &[Vec<u8>],
        out: &mut impl Write,
        wrong: &mut Option<Wrong>,
    ) -> Result<(), Failure> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let part = lines.len().div_ceil(workers).max(1);
        let answered: Vec<(Vec<u8>, Vec<String>)> = std::thread::scope(|scope| {
            let mut handles = Vec::with_capacity(workers);
            for (index, lines) in lines.chunks(part).enumerate() {
                handles.push(scope.spawn(move || {
                    let (mut text, mut complaints) = (Vec::new(), Vec::new());
                    for (offset, line) in lines.iter().enumerate() {
                        let number = first + (index * part + offset) as u64;
                        if let Err(why) = self.one(line, Some(number), &mut text) {
                            if matches!(self.format, ListFormat::Json) {
                                let _ = writeln!(text, "{}", json!({"incident": number, "error": why}));
                            }
                            complaints.push(why);
                        }
                    }
                    (text, complaints)
                }));
            }
            handles.into_iter().map(|handle| handle.join().unwrap_or_default()).collect()
        });
        for (text, complaints) in answered {
            out.write_all(&text).map_err(|error| Failure::failed("output", error))?;
            for why in complaints {
                let wrong = wrong.get_or_insert(Wrong { count: 0, first: why });
                wrong.count += 1;
            }
        }
        Ok(())
    }
}

fn answer_file(path: &Path, asked: &Asked<'_>, out: &mut impl Write) -> Result<Option<Wrong>, Failure> {
    let reader: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let file = File::open(path);
        Box::new(file.map_err(|error| Failure::usage(format!("`{}` cannot be opened: {error}", path.display())))?)
    };
    let mut reader = BufReader::with_capacity(1 << 20, reader);
    let unreadable = |error: std::io::Error| Failure::failed("facts", error);
    let Some(first) = line(&mut reader).map_err(unreadable)? else {
        return Err(Failure::usage(format!("`{}` holds no facts", path.display())));
    };
    if serde_json::from_slice::<serde::de::IgnoredAny>(&first).is_err() {
        // One incident over several lines, or something that is no JSON.
        let mut whole = first;
        whole.push(b'\n');
        let limit = FACTS_BYTES_MAX.saturating_sub(whole.len()) as u64 + 1;
        reader.take(limit).read_to_end(&mut whole).map_err(unreadable)?;
        return alone(&whole, asked, out);
    }
    let Some(second) = line(&mut reader).map_err(unreadable)? else { return alone(&first, asked, out) };
    let (mut number, mut bytes, mut wrong) = (1, first.len() + second.len(), None);
    let mut lines = vec![first, second];
    while let Some(next) = line(&mut reader).map_err(unreadable)? {
        bytes += next.len();
        lines.push(next);
        if lines.len() >= BATCH_LINES || bytes >= BATCH_BYTES {
            asked.batch(number, &lines, out, &mut wrong)?;
            number += lines.len() as u64;
            (lines, bytes) = (Vec::new(), 0);
        }
    }
    asked.batch(number, &lines, out, &mut wrong)?;
    Ok(wrong)
}

fn alone(json: &[u8], asked: &Asked<'_>, out: &mut impl Write) -> Result<Option<Wrong>, Failure> {
    if json.len() > FACTS_BYTES_MAX {
        return Err(Failure::usage(format!("facts of one incident are longer than {} MiB", FACTS_BYTES_MAX >> 20)));
    }
    let mut text = Vec::new();
    if let Err(why) = asked.one(json, None, &mut text) {
        return Ok(Some(Wrong { count: 1, first: why }));
    }
    out.write_all(&text).map_err(|error| Failure::failed("output", error))?;
    Ok(None)
}

/// The next line that is not blank, without its end.
fn line(reader: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    loop {
        let mut line = Vec::new();
        let read = reader.by_ref().take(FACTS_BYTES_MAX as u64 + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        if line.len() > FACTS_BYTES_MAX {
            return Err(std::io::Error::other(format!("a line is longer than {} MiB", FACTS_BYTES_MAX >> 20)));
        }
        if line.iter().any(|byte| !byte.is_ascii_whitespace()) {
            return Ok(Some(line));
        }
    }
}

fn tell(answer: &Answer<'_>, asks: bool, out: &mut Vec<u8>) {
    let due = match (answer.due_at, answer.due_on) {
        (Some(at), _) => at.to_string(),
        (None, Some(on)) => on.to_string(),
        (None, None) if answer.status == Status::Promptly => "promptly".to_owned(),
        (None, None) => "-".to_owned(),
    };
    let late = if answer.overdue == Some(true) { "  OVERDUE" } else { "" };
    let _ = writeln!(
        out,
        "{:<13} {:<13} {:<26} {}{late}",
        answer.obligation,
        answer.status.as_str(),
        due,
        answer.recipient
    );
    let _ = writeln!(out, "              {}", answer.because);
    for text in answer.recipients.iter().filter(|_| answer.recipients.len() > 1) {
        let _ = writeln!(out, "              to {text}");
    }
    for stage in &answer.stages {
        let due = stage.due_at.map(|at| at.to_string()).or_else(|| stage.due_on.map(|on| on.to_string()));
        let due = due.unwrap_or_else(|| "-".to_owned());
        let _ =
            writeln!(out, "              then {}, {}: {} {due}", stage.obligation, stage.name, stage.status.as_str());
    }
    if answer.is_on_request() {
        let _ = writeln!(out, "              owed once it is asked for");
    }
    for text in answer.questions.iter().filter(|_| asks) {
        let _ = writeln!(out, "              ? {text}");
    }
    for text in &answer.notes {
        let _ = writeln!(out, "              ! {text}");
    }
}

fn list(library: &Library, format: ListFormat, out: &mut impl Write) -> Result<(), Failure> {
    for one in library.obligations() {
        let written = match format {
            ListFormat::Json => {
                let line = json!({
                    "obligation": one.id, "regime": one.regime, "jurisdiction": one.jurisdiction, "partner": one.partner, "title": one.title,
                    "citation": one.citation, "source_url": one.source_url, "says": one.says, "extensions": one.extensions,
                    "recipient": one.recipient, "law": one.status, "from": one.from, "to": one.to, "text_version": one.text_version,
                    "checked": one.checked, "confidence": one.confidence, "contents": one.contents, "note": one.note,
                });
                writeln!(out, "{line}")
            }
            ListFormat::Text => {
                let proposed = if one.status == obligations::LawStatus::Proposed { " (proposed)" } else { "" };
                let place = one.jurisdiction.as_ref().or(one.partner.as_ref());
                let place = place.map_or_else(String::new, |place| format!(" [{place}]"));
                let url = one.source_url.as_deref().map_or_else(String::new, |url| format!("\n              {url}"));
                let longer = one.extensions.iter().map(|way| format!("\n              {}: {}", way.cites, way.says));
                writeln!(
                    out,
                    "{:<13} {}{place}{proposed}\n              {}: {}{}{url}",
                    one.id,
                    one.title,
                    one.citation,
                    one.says,
                    longer.collect::<String>()
                )
            }
        };
        written.map_err(|error| Failure::failed("output", error))?;
    }
    Ok(())
}

fn flushed(mut out: impl Write) -> Result<Outcome, Failure> {
    match out.flush() {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::failed("output", error)),
        _ => Ok(Outcome::Done),
    }
}
