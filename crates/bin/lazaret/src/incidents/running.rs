//! `lazaret incidents run` and what follows: a playbook at work in an incident.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Subcommand;
use guard::IncidentRequest;
use playbooks::Input;
use serde_json::Value;

use crate::cli::ListFormat;
use crate::failure::Failure;

/// A playbook's file may be so long, in bytes.
const BOOK_BYTES_MAX: u64 = 4 << 20;

#[derive(Debug, Subcommand)]
pub(crate) enum RunCommand {
    /// Begin a playbook: one that comes with the program, or a file in OASIS CACAO 2.0.
    Run {
        /// The incident's number.
        id: u32,
        /// Its name in `lazaret playbooks list`, or a file that ends in `.json`.
        playbook: String,
        /// Values of its variables, such as `what=jane`.
        #[arg(value_name = "NAME=VALUE")]
        values: Vec<String>,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Say that what a playbook asked was done.
    Answer {
        /// The incident's number.
        id: u32,
        /// The run's number.
        run: u64,
        /// The task's number.
        task: u32,
        /// What the playbook asked to be filled in, such as `approved=true`.
        #[arg(value_name = "NAME=VALUE")]
        values: Vec<String>,
        /// Something about it; why you answer, where the role that is asked is somebody else's.
        #[arg(long, default_value = "")]
        note: String,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Say that what a playbook asked could not be done.
    Refuse {
        /// The incident's number.
        id: u32,
        /// The run's number.
        run: u64,
        /// The task's number.
        task: u32,
        /// Why.
        why: String,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Let a playbook wait, go on, or end.
    Turn {
        /// The incident's number.
        id: u32,
        /// The run's number.
        run: u64,
        /// Which.
        #[arg(value_enum)]
        to: Turn,
        /// Why.
        why: String,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Put the clock of an exercise forward.
    Forward {
        /// The incident's number.
        id: u32,
        /// By how many minutes.
        minutes: u32,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Show the questions of an assessment of risk with what is known already, or what follows from answers. It is signed in the console.
    Assess {
        /// The incident's number.
        id: u32,
        /// `hipaa-4-factors`, `gdpr-risk` or `appi-triggers`.
        form: String,
        /// Answers, such as `acquired=no`; without any, what is known already is shown.
        #[arg(value_name = "QUESTION=ANSWER")]
        answers: Vec<String>,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Write the report after the action, in Markdown.
    Report {
        /// The incident's number.
        id: u32,
        /// With privileged notes; that they are asked for is recorded.
        #[arg(long)]
        privileged: bool,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Turn {
    /// It waits; no time passes for it.
    Pause,
    /// It goes on.
    Resume,
    /// It ends.
    End,
}

impl RunCommand {
    pub(super) fn request(&self) -> Result<(IncidentRequest, ListFormat), Failure> {
        let step = |id: u32, run: u64, input| IncidentRequest::Step { id, run, input: Box::new(input) };
        Ok(match self {
            Self::Run { id, playbook, values, format } => {
                let values = pairs(values)?;
                let is_file = playbook.ends_with(".json");
                let brought = if is_file { Some(Box::new(read(&PathBuf::from(playbook))?)) } else { None };
                let playbook = if is_file { String::new() } else { playbook.clone() };
                (IncidentRequest::Run { id: *id, playbook, brought, values }, *format)
            }
            Self::Answer { id, run, task, values, note, format } => {
                let (values, note) = (pairs(values)?, note.clone());
                // Whether a person or Lazaret was asked is known to the incident alone.
                let (id, run, task) = (*id, *run, *task);
                (IncidentRequest::Answer { id, run, task, values, note, seen: BTreeMap::new() }, *format)
            }
            Self::Refuse { id, run, task, why, format } => {
                let input = Input::Refused { task: *task, who: String::new(), why: why.clone() };
                (step(*id, *run, input), *format)
            }
            Self::Turn { id, run, to, why, format } => {
                let (who, why) = (String::new(), why.clone());
                let input = match to {
                    Turn::Pause => Input::Pause { who, why },
                    Turn::Resume => Input::Resume { who, note: why },
                    Turn::End => Input::Cancel { who, why },
                };
                (step(*id, *run, input), *format)
            }
            Self::Forward { id, minutes, format } => {
                let what = Box::new(incidents::case::What::Forward { minutes: *minutes });
                (IncidentRequest::Add { id: *id, what }, *format)
            }
            Self::Assess { id, form, answers, format } => {
                let answers = if answers.is_empty() { None } else { Some(pairs(answers)?) };
                (IncidentRequest::Assess { id: *id, form: form.clone(), answers }, *format)
            }
            Self::Report { id, privileged, format } => {
                (IncidentRequest::Report { id: *id, privileged: *privileged }, *format)
            }
        })
    }
}

fn read(path: &PathBuf) -> Result<Value, Failure> {
    let wrong = |why: String| Failure::usage(format!("`{}` {why}", path.display()));
    let length = std::fs::metadata(path).map_err(|error| wrong(format!("cannot be read: {error}")))?.len();
    if length > BOOK_BYTES_MAX {
        return Err(wrong(format!("has {length} bytes; a playbook has at most {BOOK_BYTES_MAX}")));
    }
    let text = std::fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    serde_json::from_slice(&text).map_err(|error| {
        wrong(format!("is no JSON: {error}")).hint("`lazaret playbooks check FILE` tells what is wrong with a playbook")
    })
}

fn pairs(values: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |text: &String| {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Failure::usage(format!("`{text}` is no value")).hint("write NAME=VALUE, such as what=jane")
        })?;
        Ok((name.to_owned(), value.to_owned()))
    };
    values.iter().map(pair).collect()
}

/// An assessment as it is told.
pub(super) fn assessed(value: &Value, text: &dyn Fn(&Value) -> String) -> Vec<String> {
    let mut lines = vec![text(&value["title"])];
    for question in value["questions"].as_array().into_iter().flatten() {
        let needed = if question["needed"] == true { "" } else { " (if it helps)" };
        lines.push(format!("\n{}: {}{needed}", text(&question["question"]), text(&question["asks"])));
        lines.push(format!("    {} ({})", text(&question["help"]), text(&question["cites"])));
        for option in question["options"].as_array().into_iter().flatten() {
            let sign = if option["id"] == question["answer"] { "*" } else { " " };
            lines.push(format!("  {sign} {}: {}", text(&option["id"]), text(&option["text"])));
        }
        if question["options"].as_array().is_none_or(Vec::is_empty) && !question["answer"].is_null() {
            lines.push(format!("  * {}", text(&question["answer"])));
        }
    }
    lines.extend(value["faults"].as_array().into_iter().flatten().map(|fault| format!("! {}", text(fault))));
    if let Some(outcome) = value.get("outcome").filter(|outcome| !outcome.is_null()) {
        lines.push(format!("\n=> {} ({})", text(&outcome["title"]), text(&outcome["cites"])));
        lines.push(text(&outcome["text"]));
    }
    lines
}

/// Playbooks of an incident as they are told: how each stands, and what it asks.
pub(super) fn told(runs: &Value, text: &dyn Fn(&Value) -> String) -> Vec<String> {
    let mut lines = Vec::new();
    for run in runs.as_array().into_iter().flatten() {
        lines.push(format!("  playbook {} ({}): {}", run["run"], text(&run["state"]), text(&run["name"])));
        for ask in run["asks"].as_array().into_iter().flatten() {
            let role = if ask["role"].is_null() { &ask["agent"] } else { &ask["role"] };
            lines.push(format!("    task {} for {}: {}", ask["task"], text(role), text(&ask["name"])));
            lines.extend(text(&ask["text"]).lines().map(|line| format!("        {line}")));
            for field in ask["fields"].as_array().into_iter().flatten() {
                let name = text(&field["name"]);
                let choices = field["choices"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let choices: Vec<&str> = choices.collect();
                let may = if choices.is_empty() { text(&field["hint"]) } else { choices.join(", ") };
                let known = match (field.get("fact"), &field["value"]) {
                    (Some(fact), Value::String(known)) if !fact.is_null() => {
                        format!("; known: {}", text(&Value::from(known.as_str())))
                    }
                    _ => String::new(),
                };
                lines.push(format!("        {}= {} ({may}{known})", name.trim_matches('_'), text(&field["about"])));
            }
        }
        for act in run["acts"].as_array().into_iter().flatten() {
            lines.push(format!("    task {} of Lazaret: {} ({})", act["task"], text(&act["name"]), text(&act["verb"])));
        }
    }
    lines
}
