//! `lazaret playbooks`: those that come with the program, and whether others can be run.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use playbooks::Playbook;
use serde_json::json;

use crate::catalogue::print;
use crate::cli::ListFormat;
use crate::failure::{Failure, Outcome};
use crate::guarding::visible;

/// The longest file that is read.
const FILE_BYTES_MAX: u64 = 16 << 20;

#[derive(Debug, Subcommand)]
pub(crate) enum PlaybooksCommand {
    /// Show those that come with the program.
    List {
        /// How they are written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Print one as OASIS CACAO 2.0.
    Show {
        /// Its name in the list.
        name: String,
    },
    /// Read playbooks in OASIS CACAO 2.0 and tell what is wrong with them, by step.
    Check {
        /// The files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
}

pub(crate) fn run(command: &PlaybooksCommand) -> Result<Outcome, Failure> {
    let mut lines = Vec::new();
    match command {
        PlaybooksCommand::List { format } => {
            for ((file, _), one) in playbooks::files().iter().zip(playbooks::shipped()) {
                let name = file.strip_suffix(".json").unwrap_or(file);
                lines.push(match format {
                    ListFormat::Json => {
                        json!({"playbook": name, "id": one.id.as_str(), "title": one.name, "about": one.about, "steps": one.steps.len()}).to_string()
                    }
                    ListFormat::Text => format!("{name:<34} {:>3} steps  {}", one.steps.len(), one.name),
                });
            }
        }
        PlaybooksCommand::Show { name } => {
            let missing =
                || Failure::usage(format!("there is no playbook `{name}`")).hint("`lazaret playbooks list` shows them");
            let found = playbooks::named(name).ok_or_else(missing)?;
            lines.push(serde_json::to_string_pretty(found.source()).unwrap_or_default());
        }
        PlaybooksCommand::Check { files, format } => {
            let mut wrong = 0;
            for path in files {
                let checked = check(path);
                wrong += usize::from(checked.is_err());
                lines.extend(told(path, &checked, *format));
            }
            let printed = print(&mut std::io::stdout().lock(), &lines)?;
            return match wrong {
                0 => Ok(printed),
                wrong => Err(Failure::failed("playbooks", anyhow::anyhow!("{wrong} of {} cannot be run", files.len()))
                    .hint("each fault names its step and what to do")),
            };
        }
    }
    print(&mut std::io::stdout().lock(), &lines)
}

/// A playbook of a file, or all that is wrong with it.
fn check(path: &Path) -> Result<Playbook, Vec<String>> {
    let shown = path.display().to_string();
    let one = |why: String| vec![why];
    let size = std::fs::metadata(path).map_err(|error| one(format!("`{shown}` cannot be read: {error}")))?.len();
    if size > FILE_BYTES_MAX {
        return Err(one(format!("`{shown}` is longer than {} MiB", FILE_BYTES_MAX >> 20)));
    }
    let bytes = std::fs::read(path).map_err(|error| one(format!("`{shown}` cannot be read: {error}")))?;
    let library = obligations::in_force().map_err(|error| one(error.to_string()))?;
    let read = Playbook::parse(&bytes, &shown);
    let read = read.and_then(|book| incidents::case::check_facts(&book, &shown, library.vocabulary()).map(|()| book));
    read.map_err(|error| error.faults.iter().map(ToString::to_string).collect())
}

fn told(path: &Path, checked: &Result<Playbook, Vec<String>>, format: ListFormat) -> Vec<String> {
    let shown = path.display().to_string();
    match (checked, format) {
        (Ok(one), ListFormat::Json) => {
            vec![json!({"file": shown, "ok": true, "title": one.name, "steps": one.steps.len(), "departures": one.departures}).to_string()]
        }
        (Err(faults), ListFormat::Json) => vec![json!({"file": shown, "ok": false, "faults": faults}).to_string()],
        (Ok(one), ListFormat::Text) => {
            let title: String = one.name.chars().map(visible).collect();
            std::iter::once(format!("{shown}: {title}, {} steps", one.steps.len()))
                .chain(one.departures.iter().map(|departure| format!("  departs: {departure}")))
                .map(|line| line.chars().map(visible).collect())
                .collect()
        }
        (Err(faults), ListFormat::Text) => std::iter::once(format!("{shown}: cannot be run"))
            .chain(faults.iter().map(|fault| format!("  {fault}")))
            .map(|line| line.chars().map(visible).collect())
            .collect(),
    }
}
