//! `lazaret intel`: what others know to be bad, imported, shown, and looked for in logs.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use intake::{Problem, Record, Sink};
use intel::fetch::{Credential, Fetched, Fetcher};
use intel::{Basis, Collection, Indicator, Looks, Matcher, Options, Remembered, Scratch, taxii};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::cli::{Global, ListFormat};
use crate::data;
use crate::failure::{Failure, Outcome};

#[derive(Debug, Subcommand)]
pub(crate) enum IntelCommand {
    /// Import indicators: STIX 2.1, MISP, the KEV catalogue, plain lists and tables; from a file, a web address or a TAXII server.
    Import(ImportArgs),
    /// Show what was imported.
    List(ListArgs),
    /// Look for what was imported in logs of the past.
    Match(MatchArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// A file, or an `https://` or `http://` address.
    #[arg(value_name = "FILE|URL")]
    pub from: String,
    /// What the source is called; the file's name or the server's by default. The same source replaces what it said before.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// The address is that of a TAXII 2.1 server: of its discovery, an API root, or its collections.
    #[arg(long)]
    pub taxii: bool,
    /// The collection, by its id, alias or title; needed where the server has several.
    #[arg(long, value_name = "ID", requires = "taxii")]
    pub collection: Option<String>,
    /// The user to ask as; the password comes from the variable.
    #[arg(long, value_name = "USER", requires = "password")]
    pub user: Option<String>,
    /// The password; give it by the variable, so that it is not seen among the processes.
    #[arg(long, env = "LAZARET_INTEL_PASSWORD", hide_env_values = true, value_name = "PASSWORD", value_parser = secret)]
    pub password: Option<SecretString>,
    /// A bearer token; give it by the variable, so that it is not seen among the processes.
    #[arg(long, env = "LAZARET_INTEL_TOKEN", hide_env_values = true, value_name = "TOKEN", conflicts_with = "user", value_parser = secret)]
    pub token: Option<SecretString>,
    /// Ask for everything again, not only for what is new.
    #[arg(long)]
    pub all: bool,
    /// Take from plain lists what is private, reserved or in everyday use, too.
    #[arg(long)]
    pub allow_benign: bool,
    /// How the result is written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those of this source.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Only those that name this value, or this CVE id.
    #[arg(long, value_name = "VALUE")]
    pub value: Option<String>,
    /// Those that ended or were taken back, too.
    #[arg(long)]
    pub all: bool,
    /// How they are written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct MatchArgs {
    /// Logs, as `lazaret detect` reads them; `-` is standard input.
    #[arg(required = true, value_name = "LOG")]
    pub logs: Vec<PathBuf>,
    /// Judge every event at this day or instant; without, at the time that it says itself.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// How matches are written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
    /// Exit with 3 where something matches.
    #[arg(long)]
    pub fail_on_match: bool,
}

/// Keeps what was typed out of logs.
fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(text.to_owned().into())
}

pub(crate) fn run(global: &Global, command: &IntelCommand) -> Result<Outcome, Failure> {
    match command {
        IntelCommand::Import(arguments) => import(global, arguments),
        IntelCommand::List(arguments) => list(global, arguments),
        IntelCommand::Match(arguments) => search(global, arguments),
    }
}

fn folder(global: &Global) -> PathBuf {
    global.data_dir.join("intel")
}

fn open(global: &Global) -> Result<Collection, Failure> {
    Collection::open(&folder(global)).map_err(|error| Failure::failed("intel", error))
}

/// What an import found, before it is read.
struct Found {
    content: Content,
    remembered: Remembered,
}

enum Content {
    Bytes(Vec<u8>),
    /// Objects of STIX.
    Envelope(Value),
}

fn import(global: &Global, arguments: &ImportArgs) -> Result<Outcome, Failure> {
    let now_ms = data::now();
    let is_url = arguments.from.contains("://");
    if arguments.taxii && !is_url {
        return Err(Failure::usage(
            "`--taxii` takes the address of a server, such as https://taxii.example.org/taxii2/",
        ));
    }
    let source = match &arguments.source {
        Some(name) if !name.trim().is_empty() => name.trim().to_owned(),
        Some(_) => return Err(Failure::usage("`--source` is empty; give it a name")),
        None => name_of(&arguments.from, is_url, arguments.collection.as_deref()),
    };
    data::create_private(&global.data_dir)?;
    // Two imports at once would each lose what the other brought.
    let _lock = Collection::lock(&folder(global)).map_err(|error| Failure::failed("intel", error))?;
    let mut collection = open(global)?;
    let before =
        collection.remembered(&source).filter(|before| before.from == arguments.from && !arguments.all).cloned();
    let found = if arguments.taxii {
        Some(data::runtime()?.block_on(poll(arguments, before, now_ms))?)
    } else if is_url {
        data::runtime()?.block_on(fetch(arguments, before, now_ms))?
    } else {
        Some(read(arguments, now_ms)?)
    };
    let Some(found) = found else {
        return tell(
            arguments.format,
            &json!({"source": source, "unchanged": true}),
            &format!("{source}: nothing changed since the last import"),
        );
    };
    let options = Options { source: &source, now_ms, allow_benign: arguments.allow_benign };
    let parsed = match &found.content {
        Content::Bytes(bytes) => intel::parse(bytes, &options),
        Content::Envelope(envelope) => intel::parse_stix(envelope, &options),
    };
    for problem in &parsed.problems {
        let kind = if problem.left_out { "left out" } else { "taken" };
        tracing::warn!("{} ({kind}): {}", problem.place.escape_debug(), problem.why.escape_debug());
    }
    let left_out = parsed.problems.iter().filter(|problem| problem.left_out).count();
    let is_nothing = parsed.indicators.is_empty() && left_out > 0;
    let kept = parsed.indicators.iter().filter(|indicator| matches!(indicator.looks, Looks::Kept { .. })).count();
    let live = parsed.indicators.iter().filter(|indicator| indicator.is_live(now_ms)).count();
    let count = parsed.indicators.len();
    let first =
        parsed.problems.first().map(|problem| format!("{}: {}", problem.place, problem.why)).unwrap_or_default();
    if is_nothing {
        return Err(Failure::failed(
            "feed",
            anyhow::anyhow!(
                "`{}` holds no indicator that can be taken; {first}",
                arguments.from.split(['?', '#']).next().unwrap_or_default()
            ),
        )
        .hint("docs/reference/intel.md lists the forms that are read"));
    }
    let merged = collection.merge(parsed.indicators, now_ms);
    collection.remember(&source, found.remembered);
    collection.save(&folder(global)).map_err(|error| Failure::failed("intel", error))?;
    let line = json!({"source": source, "form": parsed.form, "indicators": count, "live": live, "not_matchable": kept, "added": merged.added, "replaced": merged.replaced, "revoked": merged.revoked,
        "left_out": left_out, "problems": parsed.problems});
    let text = format!(
        "{source}: {count} indicators, {live} of them live, {kept} that events cannot be matched with; {} new, {} replaced, {} taken back; {left_out} problems left something out",
        merged.added, merged.replaced, merged.revoked
    );
    tell(arguments.format, &line, &text)
}

/// The name of a file or server, where none was given.
fn name_of(from: &str, is_url: bool, collection: Option<&str>) -> String {
    let name = if is_url {
        let host = from.split("://").nth(1).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or(from);
        let path = from.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        match collection {
            Some(collection) => format!("{host}/{collection}"),
            None if path.is_empty() || path == host => host.to_owned(),
            None => format!("{host}/{path}"),
        }
    } else {
        Path::new(from).file_name().map_or_else(|| from.to_owned(), |name| name.to_string_lossy().into_owned())
    };
    // `user@host`, which the fetcher refuses, is no name either.
    name.rsplit('@').next().unwrap_or_default().to_owned()
}

fn credential(arguments: &ImportArgs) -> Credential {
    match (&arguments.user, &arguments.password, &arguments.token) {
        (Some(user), Some(password), _) => Credential::Basic(user.clone(), password.clone()),
        (_, _, Some(token)) => Credential::Bearer(token.clone()),
        _ => Credential::None,
    }
}

fn read(arguments: &ImportArgs, now_ms: i64) -> Result<Found, Failure> {
    use std::io::Read as _;
    let failed = |error: std::io::Error| {
        Failure::failed("feed", anyhow::anyhow!("`{}` cannot be read: {error}", arguments.from.escape_debug()))
            .hint("give a file, or an address that begins with https://")
    };
    let mut bytes = Vec::new();
    let limit = intel::BYTES_MAX as u64 + 1;
    let file: Box<dyn std::io::Read> = match arguments.from.as_str() {
        "-" => Box::new(std::io::stdin().lock()),
        path => Box::new(std::fs::File::open(path).map_err(failed)?),
    };
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Found {
        content: Content::Bytes(bytes),
        remembered: Remembered { from: arguments.from.clone(), imported_ms: now_ms, ..Remembered::default() },
    })
}

async fn fetch(arguments: &ImportArgs, before: Option<Remembered>, now_ms: i64) -> Result<Option<Found>, Failure> {
    let failed = |error: intel::fetch::FetchError| Failure::failed("feed", error);
    let fetcher = Fetcher::new(credential(arguments), intel::BYTES_MAX).map_err(failed)?;
    let etag = before.and_then(|before| before.etag);
    match fetcher.file(&arguments.from, etag.as_deref()).await.map_err(failed)? {
        Fetched::Unchanged => Ok(None),
        Fetched::New { bytes, etag } => {
            let remembered = Remembered { from: arguments.from.clone(), imported_ms: now_ms, etag, added_after: None };
            Ok(Some(Found { content: Content::Bytes(bytes), remembered }))
        }
    }
}

async fn poll(arguments: &ImportArgs, before: Option<Remembered>, now_ms: i64) -> Result<Found, Failure> {
    let failed = |error: taxii::TaxiiError| Failure::failed("taxii", error);
    let client = taxii::Client::new(credential(arguments)).map_err(failed)?;
    let there = client.collections(&arguments.from).await.map_err(failed)?;
    let chosen = taxii::choose(there, arguments.collection.as_deref())
        .map_err(|error| Failure::usage(error.to_string()).hint("name one with `--collection ID`"))?;
    let after = before.and_then(|before| before.added_after);
    let polled = client.poll(&chosen, after.as_deref()).await.map_err(failed)?;
    let remembered =
        Remembered { from: arguments.from.clone(), imported_ms: now_ms, etag: None, added_after: polled.added_after };
    Ok(Found { content: Content::Envelope(polled.envelope), remembered })
}

fn list(global: &Global, arguments: &ListArgs) -> Result<Outcome, Failure> {
    let collection = open(global)?;
    let now_ms = data::now();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let failed = |error| Failure::failed("output", error);
    let (mut shown, mut over) = (0u64, 0u64);
    for entry in collection.entries() {
        let indicator = &entry.indicator;
        if arguments.source.as_ref().is_some_and(|source| *source != indicator.source)
            || !names(indicator, arguments.value.as_deref())
        {
            continue;
        }
        if !arguments.all && !indicator.is_live(now_ms) {
            over += 1;
            continue;
        }
        shown += 1;
        let line = match arguments.format {
            ListFormat::Json => {
                let mut line = json!(entry);
                if let Value::Object(members) = &mut line {
                    members.insert("live".to_owned(), indicator.is_live(now_ms).into());
                }
                line.to_string()
            }
            ListFormat::Text => told(indicator, now_ms),
        };
        writeln!(out, "{line}").map_err(failed)?;
    }
    if arguments.format == ListFormat::Text {
        writeln!(
            out,
            "{shown} indicators of {} sources; {over} more that ended or were taken back",
            collection.sources().len()
        )
        .map_err(failed)?;
    }
    out.flush().map_err(failed)?;
    Ok(Outcome::Done)
}

/// Whether an indicator names a value, where one is asked for.
fn names(indicator: &Indicator, value: Option<&str>) -> bool {
    let Some(value) = value else { return true };
    let wanted =
        intel::normal::guess(&intel::normal::refang(value)).map_or_else(|_| value.to_owned(), |atom| atom.to_string());
    let mut is_named = indicator.id == value;
    if let Some(expression) = indicator.expression() {
        expression.atoms(&mut |atom| is_named |= atom.to_string().eq_ignore_ascii_case(&wanted));
    }
    is_named
}

fn told(indicator: &Indicator, now_ms: i64) -> String {
    let mut values = Vec::new();
    if let Some(expression) = indicator.expression() {
        expression.atoms(&mut |atom| values.push(atom.to_string()));
    }
    let what = match &indicator.looks {
        Looks::For(_) => shortened(&values.join(" ")),
        Looks::Kept { pattern, why } => format!("{} (not matched: {})", shortened(pattern), shortened(why)),
    };
    let age = now_ms.saturating_sub(indicator.since_ms) / intel::DAY_MS;
    let end = match (indicator.revoked, indicator.until_ms) {
        (true, _) => "taken back".to_owned(),
        (false, Some(until)) => format!("{} days left", until.saturating_sub(now_ms) / intel::DAY_MS),
        (false, None) => "no end".to_owned(),
    };
    let context = indicator.context.as_deref();
    let who =
        context.map(|context| [context.actors.join(", "), context.malware.join(", ")].join(" ")).unwrap_or_default();
    format!("{what}  {}  {age} days old, {end}  {}", shortened(&indicator.source), shortened(who.trim()))
}

/// Looks through the logs and tells what it finds as it goes.
struct Search<'a, W> {
    matcher: &'a Matcher<'a>,
    scratch: Scratch,
    out: W,
    format: ListFormat,
    log: String,
    events: u64,
    matches: u64,
    problems: u64,
    failed: Option<std::io::Error>,
}

fn search(global: &Global, arguments: &MatchArgs) -> Result<Outcome, Failure> {
    let collection = open(global)?;
    let now_ms = data::now();
    let basis = match &arguments.at {
        None => Basis::Back { now_ms },
        Some(text) => Basis::At(intel::milliseconds(text).ok_or_else(|| {
            Failure::usage(format!(
                "`{}` is no time; write a day or an instant, such as 2026-05-01 or 2026-05-01T10:00:00Z",
                text.escape_debug()
            ))
        })?),
    };
    let fields = detect::logsource::Logsources::shipped().map_err(|error| Failure::failed("log-sources", error))?.time;
    let matcher = Matcher::new(collection.indicators(), basis)
        .map_err(|why| Failure::failed("intel", anyhow::anyhow!(why)))?
        .with_time_fields(fields);
    if collection.entries().is_empty() {
        return Err(Failure::usage("there is no indicator to look for")
            .hint("import some with `lazaret intel import FILE|URL`"));
    }
    if matcher.left_out() > 0 {
        tracing::error!("{} LIKE and MATCHES tests are too large together and are not tried", matcher.left_out());
    }
    let out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut search = Search {
        matcher: &matcher,
        scratch: matcher.scratch(),
        out,
        format: arguments.format,
        log: String::new(),
        events: 0,
        matches: 0,
        problems: 0,
        failed: None,
    };
    let limits = intake::Limits::default();
    let mut unreadable = Vec::new();
    for path in &arguments.logs {
        search.log = path.display().to_string();
        let read = if path == Path::new("-") {
            intake::read_stream("-", Box::new(std::io::stdin().lock()), &limits, &mut search)
        } else {
            intake::read_file(path, &limits, &mut search)
        };
        if let Err(error) = read {
            tracing::error!("{error}");
            unreadable.push(error.to_string());
        }
    }
    let (events, matches, problems) = (search.events, search.matches, search.problems);
    let summary = match arguments.format {
        ListFormat::Json => json!({"summary": {"events": events, "matches": matches, "indicators": matcher.len(), "problems": problems, "unreadable": unreadable}}).to_string(),
        ListFormat::Text => format!("{events} events, {matches} matches; {} indicators; {problems} records that could not be read", matcher.len()),
    };
    search.line(&summary);
    let flushed = search.failed.map_or_else(|| search.out.flush(), Err);
    flushed.map_err(|error| Failure::failed("output", error))?;
    if unreadable.len() == arguments.logs.len() {
        return Err(Failure::failed("logs", anyhow::anyhow!("no log could be read: {}", unreadable.join("; "))));
    }
    Ok(if arguments.fail_on_match && matches > 0 { Outcome::Found } else { Outcome::Done })
}

impl<W: Write> Search<'_, W> {
    fn line(&mut self, line: &str) {
        if let Err(error) = writeln!(self.out, "{line}") {
            self.failed.get_or_insert(error);
        }
    }
}

impl<W: Write> Sink for Search<'_, W> {
    fn record(&mut self, record: Record<'_>) -> ControlFlow<()> {
        self.events += 1;
        let mut lines = Vec::new();
        self.matcher.each(record.json, &mut self.scratch, &mut |found| {
            lines.push(match self.format {
                ListFormat::Json => {
                    let mut line = found.json();
                    if let Value::Object(members) = &mut line {
                        members.insert("source".to_owned(), self.log.clone().into());
                        members.insert("record".to_owned(), record.number.into());
                    }
                    line.to_string()
                }
                ListFormat::Text => {
                    let seen: Vec<String> = found
                        .seen
                        .iter()
                        .map(|seen| format!("{}={}", shortened(&seen.field), shortened(&seen.value)))
                        .collect();
                    format!(
                        "{}  {} ({}, record {}; {} days old)",
                        seen.join(" "),
                        told(found.indicator, found.at_ms),
                        self.log.escape_debug(),
                        record.number,
                        found.age_days()
                    )
                }
            });
        });
        for line in lines {
            self.matches += 1;
            self.line(&line);
        }
        if self.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn problem(&mut self, problem: Problem) {
        self.problems += 1;
        tracing::warn!("`{}`, record {}: {}", self.log.escape_debug(), problem.number, problem.why.escape_debug());
    }
}

/// A text for a terminal: no control characters, at most 120 characters.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(120).flat_map(char::escape_debug).collect();
    if text.chars().nth(120).is_some() {
        short.push('…');
    }
    short
}

fn tell(format: ListFormat, line: &Value, text: &str) -> Result<Outcome, Failure> {
    let written = match format {
        ListFormat::Json => writeln!(std::io::stdout().lock(), "{line}"),
        ListFormat::Text => writeln!(std::io::stdout().lock(), "{}", shortened_line(text)),
    };
    written.map_err(|error| Failure::failed("output", error))?;
    Ok(Outcome::Done)
}

fn shortened_line(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] }).collect()
}
