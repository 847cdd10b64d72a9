//! `lazaret hunt`: questions in SQL over what was recorded. The guard records the question and opens the lake; a process of its own
//! answers (docs/adr/0013), so that the guard neither carries the engine nor falls with it.

use std::fs::File;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use guard::Request;
use lake::saved::{self, Kind, Parameter, SavedError};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cli::{Global, HuntArgs, HuntFormat};
use crate::config::Config;
use crate::data::{DATABASE, runtime};
use crate::failure::{Failure, Outcome};
use crate::guarding::Counter;

/// The program that answers, beside this one.
const HUNTER: &str = "lazaret-hunt";
/// The longest question on standard input, in bytes.
const SQL_BYTES_MAX: u64 = 64 << 10;
/// The most that the program may say of itself.
const COMPLAINT_BYTES_MAX: u64 = 1 << 20;

/// A question, ready to be asked.
struct Question {
    /// The saved hunt that it comes from.
    id: Option<String>,
    sql: String,
    parameters: Vec<Parameter>,
}

impl Question {
    /// As it is recorded: the question, and its values below it.
    fn recorded(&self) -> String {
        let values = self.parameters.iter().map(|one| format!("\n-- ${} = {}", one.name, one.value));
        std::iter::once(self.sql.trim().to_owned()).chain(values).collect()
    }
}

pub(crate) fn run(global: &Global, arguments: &HuntArgs) -> Result<Outcome, Failure> {
    if arguments.list {
        return list(global, arguments.format);
    }
    let config = Config::read(global.config.as_deref())?;
    if let Some(index) = arguments.prove {
        let proof = ask(global, &config, Request::HuntProve { index })?;
        return crate::catalogue::print(&mut std::io::stdout().lock(), &[format!("{proof:#}")]);
    }
    let question = question(global, arguments)?;
    if arguments.format == HuntFormat::Parquet && arguments.out.is_none() && std::io::stdout().is_terminal() {
        return Err(Failure::usage("Parquet is not for a terminal").hint("give a file with `--out`"));
    }
    let hunter = hunter()?;
    let begun = ask(global, &config, Request::HuntBegin { id: question.id.clone(), asked: question.recorded() })?;
    answer(global, &config, arguments, &question, &hunter, &begun)
}

fn library(global: &Global) -> Result<Vec<saved::Saved>, Failure> {
    saved::library(Some(&global.data_dir.join(guard::HUNTS))).map_err(|error| Failure::failed("hunts", error))
}

fn list(global: &Global, format: HuntFormat) -> Result<Outcome, Failure> {
    let hunts = library(global)?;
    let width = hunts.iter().map(|hunt| hunt.id.len()).max().unwrap_or(0);
    let line = |hunt: &saved::Saved| match format {
        HuntFormat::Text => {
            let names: Vec<&str> = hunt.parameters.keys().map(String::as_str).collect();
            let text = format!("{:<width$}  {}  [{}]", hunt.id, hunt.title, names.join(", "));
            Ok(crate::scan::printable(&text))
        }
        HuntFormat::Json => serde_json::to_string(hunt).map_err(|error| Failure::failed("output", error)),
        HuntFormat::Csv | HuntFormat::Parquet => {
            Err(Failure::usage("the list is written as text or JSON").hint("give `--format text` or `--format json`"))
        }
    };
    let lines: Vec<String> = hunts.iter().map(line).collect::<Result<_, _>>()?;
    crate::catalogue::print(&mut std::io::stdout().lock(), &lines)
}

/// What is asked, with values for its parameters.
fn question(global: &Global, arguments: &HuntArgs) -> Result<Question, Failure> {
    let given: Vec<(String, String)> = arguments
        .parameters
        .iter()
        .map(|one| {
            let pair = one.split_once('=').filter(|(name, _)| !name.is_empty());
            let wrong = || Failure::usage(format!("`{one}` is no parameter; give it as `--param NAME=VALUE`"));
            pair.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(wrong)
        })
        .collect::<Result<_, _>>()?;
    if let Some(id) = &arguments.saved {
        let wrong = |error: SavedError| Failure::usage(error.to_string());
        let hunts = library(global)?;
        let hunt = saved::find(&hunts, id).map_err(wrong)?;
        let parameters = hunt.parameters(&given, jiff::Timestamp::now()).map_err(wrong)?;
        return Ok(Question { id: Some(id.clone()), sql: hunt.sql.clone(), parameters });
    }
    let mut sql = arguments.sql.clone().unwrap_or_default();
    if sql == "-" {
        sql.clear();
        let read = std::io::stdin().take(SQL_BYTES_MAX + 1).read_to_string(&mut sql);
        read.map_err(|error| Failure::failed("input", error))?;
    }
    if sql.len() as u64 > SQL_BYTES_MAX {
        return Err(Failure::usage(format!("the question has more than {SQL_BYTES_MAX} bytes")));
    }
    let parameters = given.into_iter().map(|(name, value)| Parameter { name, value, kind: Kind::Text }).collect();
    Ok(Question { id: None, sql, parameters })
}

/// Has the guard do something; it answers with one object.
fn ask(global: &Global, config: &Config, request: Request) -> Result<Value, Failure> {
    let answer = runtime()?.block_on(async {
        let counter = Counter::new(global, config, false);
        let answer = counter.obey(request).await;
        counter.close().await;
        answer
    })?;
    Ok(answer.into_iter().next().unwrap_or(Value::Null))
}

/// Where the program lies that answers.
pub(crate) fn hunter() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe().map_err(|error| Failure::failed("hunt", error))?;
    // Tests run from a folder below that of the programs.
    let folders = own.parent().into_iter().flat_map(|folder| [Some(folder), folder.parent()]).flatten();
    let found = folders.map(|folder| folder.join(HUNTER)).find(|path| path.is_file());
    found.ok_or_else(|| {
        let place = own.parent().unwrap_or(Path::new(".")).join(HUNTER);
        Failure::failed("hunt", anyhow::anyhow!("the program that answers, `{}`, is not there", place.display()))
            .hint("build it with `cargo build --release`, or install it beside `lazaret`")
    })
}

/// Where the catalogue lies, as the program is told.
pub(crate) fn catalogue(global: &Global, config: &Config) -> Value {
    match &config.database {
        Some(url) => json!({ "postgres": url }),
        None => json!({ "sqlite": global.data_dir.join(DATABASE) }),
    }
}

/// The request as the program reads it on its standard input; nothing of it is in arguments or environment.
fn request(global: &Global, config: &Config, arguments: &HuntArgs, question: &Question, begun: &Value) -> Value {
    let catalogue = catalogue(global, config);
    json!({
        "lake": begun.get("lake"),
        "key": begun.get("key"),
        "catalogue": catalogue,
        "sql": question.sql,
        "parameters": question.parameters,
        "format": arguments.format,
        "timeout_s": arguments.timeout,
        "memory_mib": arguments.memory,
        "rows_max": arguments.rows,
    })
}

fn answer(
    global: &Global,
    config: &Config,
    arguments: &HuntArgs,
    question: &Question,
    hunter: &Path,
    begun: &Value,
) -> Result<Outcome, Failure> {
    let failed = |error: std::io::Error| Failure::failed("hunt", error);
    let out = match &arguments.out {
        Some(path) => Stdio::from(created(path)?),
        None => Stdio::inherit(),
    };
    let mut command = Command::new(hunter);
    let mut child =
        command.env_clear().stdin(Stdio::piped()).stdout(out).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let request = Zeroizing::new(request(global, config, arguments, question, begun).to_string());
    if let Some(mut input) = child.stdin.take() {
        // Where it ended already, it says why itself.
        let _ended_early = input.write_all(request.as_bytes());
    }
    let mut told = String::new();
    if let Some(complaints) = child.stderr.take() {
        complaints.take(COMPLAINT_BYTES_MAX).read_to_string(&mut told).map_err(failed)?;
    }
    let status = child.wait().map_err(failed)?;
    let last: Value = told.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or(Value::Null);
    if status.success() {
        if last.get("is_cut") == Some(&Value::Bool(true)) && !global.quiet {
            tracing::warn!("there is more: the answer ends after {} rows; see `--rows`", arguments.rows);
        }
        return Ok(Outcome::Done);
    }
    if let Some(path) = &arguments.out {
        let _it_may_be_gone = std::fs::remove_file(path);
    }
    let why = last.get("error").and_then(Value::as_str).map(str::to_owned);
    let why = why.unwrap_or_else(|| format!("the program that answers ended with {status}"));
    let why = crate::scan::printable(&why);
    match status.code() {
        Some(2) => Err(Failure::usage(why)),
        _ => Err(Failure::failed("hunt", anyhow::anyhow!(why))),
    }
}

/// A file for its owner alone. One that is there already is not overwritten.
fn created(path: &Path) -> Result<File, Failure> {
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600).open(path).map_err(|error| {
        Failure::failed("output", anyhow::anyhow!("`{}` cannot be made: {error}", path.display()))
            .hint("give a file that is not there yet, in a folder that you may write to")
    })
}
