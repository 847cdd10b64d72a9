//! `lazaret-verify LEDGER …` and `lazaret verify [LEDGER] …`: the same question, asked by two programs.

use std::io::Write;
use std::path::PathBuf;

use crate::note::{NOTE_BYTES_MAX, VerifierKey};
use crate::{Files as _, Folder, Mode, Pins, audit, names};

/// Everything holds.
pub const HOLDS: u8 = 0;
/// The audit could not be done.
pub const FAILED: u8 = 1;
/// The arguments make no sense.
pub const USAGE: u8 = 2;
/// A fault was found.
pub const FAULT: u8 = 4;

/// What to audit, and how to tell.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The ledger's folder.
    pub ledger: PathBuf,
    /// A file with a checkpoint that was seen before.
    pub checkpoint: Option<PathBuf>,
    /// The verifier key that must be among the log's.
    pub key: Option<String>,
    /// One JSON object rather than text.
    pub json: bool,
}

/// Audits and tells on `out`. Answers the exit code: [`HOLDS`], [`FAULT`], or [`FAILED`] or [`USAGE`] with a message on
/// `complaints`.
pub fn run(request: &Request, out: &mut dyn Write, complaints: &mut dyn Write) -> u8 {
    let pins = match pins(request) {
        Ok(pins) => pins,
        Err((code, message)) => return complain(complaints, code, &message),
    };
    if !request.ledger.is_dir() {
        return complain(
            complaints,
            FAILED,
            &format!("`{}` is no folder; name that of a ledger", request.ledger.display()),
        );
    }
    let mode = if is_open(request) { Mode::Live } else { Mode::Closed };
    let report = match audit(&Folder::new(&request.ledger), mode, &pins) {
        Ok(report) => report,
        Err(error) => {
            return complain(complaints, FAILED, &format!("`{}` cannot be read: {error}", request.ledger.display()));
        }
    };
    let written = if request.json { writeln!(out, "{}", report.json()) } else { write!(out, "{report}") };
    match written {
        Ok(()) if report.holds() => HOLDS,
        Ok(()) => FAULT,
        Err(error) => complain(complaints, FAILED, &format!("the report cannot be written: {error}")),
    }
}

fn pins(request: &Request) -> Result<Pins, (u8, String)> {
    let key = request.key.as_ref().map(|text| text.trim().parse::<VerifierKey>()).transpose();
    let key = key.map_err(|error| (USAGE, format!("the argument of --key is none: {error}")))?;
    let checkpoint = match &request.checkpoint {
        None => None,
        Some(path) => {
            let folder = path.parent().map_or_else(PathBuf::new, PathBuf::from);
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let read = Folder::new(&folder).read(&name, NOTE_BYTES_MAX as u64);
            Some(read.map_err(|error| (FAILED, format!("`{}` cannot be read: {error}", path.display())))?)
        }
    };
    Ok(Pins { key, checkpoint })
}

/// Whether a process has the ledger open: it holds the lock as long as it runs.
fn is_open(request: &Request) -> bool {
    std::fs::File::open(request.ledger.join(names::LOCK))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
}

fn complain(complaints: &mut dyn Write, code: u8, message: &str) -> u8 {
    let _closed = writeln!(complaints, "lazaret-verify: {message}");
    code
}
