//! The command line.

use std::io::Write;
use std::path::PathBuf;

use verify::command::{HOLDS, Request};

use crate::witness::Options;

const HELP: &str = "usage: lazaret-verify LEDGER [--checkpoint FILE] [--key VKEY] [--format text|json]
       lazaret-verify witness --listen ADDRESS --key-file FILE --state FILE LOG_VKEY...

Audits the folder of a ledger: every byte below it but `derived/`. Tells the first entry that is wrong.
  --checkpoint FILE  a signed checkpoint seen before, which the ledger must go on from
  --key VKEY         a key that must be the log's; without it the ledger's own `log.vkey` is believed
`witness` remembers the last checkpoint of each log and cosigns only what goes on from there (C2SP tlog-witness).
exit: 0 everything holds, 4 a fault was found, 1 the audit could not be done, 2 wrong usage";

/// What is asked.
pub(crate) enum Asked {
    Audit(Request),
    Witness(Options),
    Help,
}

pub(crate) fn parse(arguments: &[String]) -> Result<Asked, String> {
    match arguments.first().map(String::as_str) {
        Some("--help" | "-h") => Ok(Asked::Help),
        Some("witness") => witness(arguments.get(1..).unwrap_or_default()),
        _ => audit(arguments),
    }
}

fn audit(arguments: &[String]) -> Result<Asked, String> {
    let mut request = Request::default();
    let mut ledger = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().cloned().ok_or_else(|| format!("`{argument}` wants a value"));
        match argument.as_str() {
            "--checkpoint" => request.checkpoint = Some(PathBuf::from(value()?)),
            "--key" => request.key = Some(value()?),
            "--format" => request.json = format(&value()?)?,
            option if option.starts_with('-') => return Err(format!("there is no option `{option}`")),
            path if ledger.is_none() => ledger = Some(PathBuf::from(path)),
            path => return Err(format!("`{path}` is one ledger too many")),
        }
    }
    request.ledger = ledger.ok_or("name the folder of a ledger")?;
    Ok(Asked::Audit(request))
}

fn format(name: &str) -> Result<bool, String> {
    match name {
        "text" => Ok(false),
        "json" => Ok(true),
        other => Err(format!("there is no format `{other}`; text and json are")),
    }
}

fn witness(arguments: &[String]) -> Result<Asked, String> {
    let (mut listen, mut key_file, mut state, mut logs) = (None, None, None, Vec::new());
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().cloned().ok_or_else(|| format!("`{argument}` wants a value"));
        match argument.as_str() {
            "--listen" => listen = Some(value()?),
            "--key-file" => key_file = Some(PathBuf::from(value()?)),
            "--state" => state = Some(PathBuf::from(value()?)),
            option if option.starts_with('-') => return Err(format!("`witness` has no option `{option}`")),
            key => logs.push(key.parse().map_err(|error| format!("`{key}`: {error}"))?),
        }
    }
    let missing = |what| format!("`witness` wants {what}");
    if logs.is_empty() {
        return Err(missing("the verifier key of a log"));
    }
    Ok(Asked::Witness(Options {
        listen: listen.ok_or_else(|| missing("--listen ADDRESS"))?,
        key_file: key_file.ok_or_else(|| missing("--key-file FILE"))?,
        state: state.ok_or_else(|| missing("--state FILE"))?,
        logs,
    }))
}

pub(crate) fn help(out: &mut dyn Write) -> u8 {
    let _closed = writeln!(out, "{HELP}");
    HOLDS
}

pub(crate) fn complain(complaints: &mut dyn Write, message: &str, code: u8) -> u8 {
    let _closed = writeln!(complaints, "lazaret-verify: {message}\n\n{HELP}");
    code
}
