//! `lazaret incidents`: what people do when it happens.

mod letters;
mod mailing;
mod progress;
mod running;
mod timeline;

use clap::Subcommand;
use guard::{IncidentRequest, Request};
use model::StudyId;
use serde_json::{Map, Value, json};

use crate::catalogue::print;
use crate::cli::{Global, ListFormat};
use crate::config::Config;
use crate::data::runtime;
use crate::exposing::AskingArgs;
use crate::failure::{Failure, Outcome};
use crate::guarding::{Counter, tell, time, visible};
use running::RunCommand;
use timeline::TimelineArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum IncidentsCommand {
    /// Open one, by hand or from a finding.
    Open {
        /// What it is called; the finding's title where it is left out.
        #[arg(long, default_value = "")]
        title: String,
        /// The finding that it begins with.
        #[arg(long, value_name = "N", required_unless_present = "title")]
        finding: Option<u32>,
        /// `low`, `medium`, `high` or `critical`.
        #[arg(long, default_value = "high")]
        severity: String,
        /// The study it is about.
        #[arg(long, value_name = "ID")]
        study: Option<StudyId>,
        /// It is practised: nobody is contained, nothing is sent, and its clock may be put forward.
        #[arg(long)]
        exercise: bool,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Show incidents, those whose clocks end first before others.
    List {
        /// With those that are closed.
        #[arg(long)]
        all: bool,
        /// How they are written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Show one: its clocks, who is contained, what was done and said.
    Show {
        /// Its number.
        id: u32,
        /// With the text of privileged notes; that it is asked for is recorded.
        #[arg(long)]
        privileged: bool,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Tell facts, as `lazaret obligations` takes them; clocks that they move are issued anew.
    Facts {
        /// Its number.
        id: u32,
        /// Facts, such as `risk=high`, `aware_at=2026-11-02T09:00:00+01:00`, `roles=["controller"]`; `NAME=` makes one unknown.
        #[arg(required = true, value_name = "NAME=VALUE")]
        facts: Vec<String>,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Tell from the record whose data was exposed; the people affected become facts.
    Expose {
        /// Its number.
        id: u32,
        /// Whose; without any part, by whom the incident's finding is about.
        #[command(flatten)]
        of: Box<AskingArgs>,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Show what the record has about those whom it concerns, by time; where there are thousands of entries, condensed.
    Timeline(TimelineArgs),
    /// Let a principal, a device, an access key, a partner or a study reach nothing and be reached by nobody, at once.
    Contain {
        /// The incident's number.
        id: u32,
        /// `principal`, `device`, `access_key`, `partner`, `study`, or `study_writes` for a study that may only be read.
        kind: String,
        /// Which, by name or id.
        target: String,
        /// Until then, and released by itself.
        #[arg(long, value_name = "TIME", conflicts_with = "release")]
        until: Option<String>,
        /// End it instead.
        #[arg(long)]
        release: bool,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Watch somebody or something more closely for a time: each thing they do is a finding.
    Watch {
        /// The incident's number.
        id: u32,
        /// `principal`, `device`, `access_key`, `partner`, `study`, `object`, or `finding` for whom it is about.
        kind: String,
        /// Which, by name or id.
        target: String,
        /// Until then.
        #[arg(long, value_name = "TIME", required_unless_present = "end")]
        until: Option<String>,
        /// End it instead.
        #[arg(long, conflicts_with = "until")]
        end: bool,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Assign a course: from the day on which it is due, the training of whoever has to take it no longer counts.
    Train {
        /// The incident's number.
        id: u32,
        /// The course.
        course: String,
        /// Who, by name or id.
        name: String,
        /// By then.
        #[arg(long, value_name = "TIME", required_unless_present = "take_back")]
        due: Option<String>,
        /// Take it back instead.
        #[arg(long, conflicts_with = "due")]
        take_back: bool,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Add an entry as JSON, such as `{"what":"note","text":"…","privileged":false}`; docs/reference/incidents.md lists them.
    Add {
        /// Its number.
        id: u32,
        /// The entry.
        entry: String,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Playbooks at work.
    #[command(flatten)]
    Playbook(RunCommand),
    /// Letters to those concerned, from a table of the systems that know their names.
    #[command(subcommand)]
    Letters(letters::LettersCommand),
    /// What the laws and contracts in force by now would say of every incident, closed ones too, where it differs; nothing changes.
    Replay {
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Draft the notice that an obligation asks for, and say what is still missing.
    Draft {
        /// Its number.
        id: u32,
        /// The obligation, such as `GDPR-33-1`.
        obligation: String,
        /// `en`, `de`, `fr`, `es` or `ja`.
        #[arg(long, default_value = "en")]
        language: String,
        /// In the place of a text that somebody wrote.
        #[arg(long)]
        again: bool,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Send an approved draft by e-mail, as it stands, to whom the plan names. It is recorded before, and what became of it after.
    Send {
        /// The incident's number.
        id: u32,
        /// The obligation, such as `GDPR-33-1`.
        obligation: String,
        /// The draft's language; that of the only one that is approved when not given.
        #[arg(long)]
        language: Option<String>,
        /// To this address instead.
        #[arg(long, value_name = "ADDRESS")]
        to: Option<String>,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
}

pub(crate) fn run(global: &Global, command: &IncidentsCommand) -> Result<Outcome, Failure> {
    const LISTED: &[&str] = &["incident", "severity", "state", "due", "opened", "title", "study", "finding"];
    let (request, format) = match command {
        IncidentsCommand::List { all, format } => {
            return tell(global, Request::Incidents(IncidentRequest::List { closed: *all }), *format, LISTED);
        }
        IncidentsCommand::Open { title, finding, severity, study, exercise, format } => {
            let severity = serde_json::from_value(json!(severity))
                .map_err(|_unknown| Failure::usage(format!("`{severity}` is none of low, medium, high, critical")))?;
            let (title, study, exercise) = (title.clone(), study.clone(), *exercise);
            (IncidentRequest::Open { title, severity, finding: *finding, study, exercise }, *format)
        }
        IncidentsCommand::Replay { format } => {
            let columns = &["incident", "obligation", "is", "was", "state", "title"];
            return tell(global, Request::Incidents(IncidentRequest::Replay), *format, columns);
        }
        IncidentsCommand::Show { id, privileged, format } => {
            (IncidentRequest::Show { id: *id, privileged: *privileged }, *format)
        }
        IncidentsCommand::Facts { id, facts, format } => {
            (IncidentRequest::Facts { id: *id, set: parsed(facts)?, was: None }, *format)
        }
        IncidentsCommand::Expose { id, of, format } => {
            (IncidentRequest::Expose { id: *id, of: Box::new(of.request()?) }, *format)
        }
        IncidentsCommand::Timeline(arguments) => return timeline::run(global, arguments),
        IncidentsCommand::Letters(command) => return letters::run(global, command),
        IncidentsCommand::Playbook(command) => command.request()?,
        IncidentsCommand::Contain { id, kind, target, until, release, format } => {
            let (kind, target) = (kind.clone(), target.clone());
            let until = until.as_deref().map(time).transpose()?;
            (IncidentRequest::Contain { id: *id, kind, target, until, on: !release }, *format)
        }
        IncidentsCommand::Watch { id, kind, target, until, end: _, format } => {
            let (kind, target) = (kind.clone(), target.clone());
            let until = until.as_deref().map(time).transpose()?;
            (IncidentRequest::Watch { id: *id, kind, target, until }, *format)
        }
        IncidentsCommand::Train { id, course, name, due, take_back: _, format } => {
            let (course, name) = (course.clone(), name.clone());
            let due_at = due.as_deref().map(time).transpose()?;
            (IncidentRequest::Train { id: *id, course, name, due_at }, *format)
        }
        IncidentsCommand::Add { id, entry, format } => {
            let what = serde_json::from_str(entry).map_err(|error| {
                Failure::usage(format!("that is no entry: {error}"))
                    .hint("write one such as {\"what\":\"note\",\"text\":\"…\",\"privileged\":false}; docs/reference/incidents.md lists them")
            })?;
            (IncidentRequest::Add { id: *id, what }, *format)
        }
        IncidentsCommand::Draft { id, obligation, language, again, format } => {
            let (obligation, language) = (obligation.clone(), language.clone());
            (IncidentRequest::Draft { id: *id, obligation, language, again: *again }, *format)
        }
        IncidentsCommand::Send { id, obligation, language, to, format } => {
            let (obligation, language, to) = (obligation.clone(), language.clone(), to.clone());
            (IncidentRequest::Send { id: *id, obligation, language, to }, *format)
        }
    };
    let config = Config::read(global.config.as_deref())?;
    crate::clocks::put_in_force(global, &config)?;
    let answer = runtime()?.block_on(async {
        let counter = Counter::new(global, &config, false);
        let answer = counter.obey(Request::Incidents(request)).await;
        counter.close().await;
        answer
    })?;
    let lines: Vec<String> = match format {
        ListFormat::Json => answer.iter().map(Value::to_string).collect(),
        ListFormat::Text => answer.iter().map(told).collect(),
    };
    print(&mut std::io::stdout().lock(), &lines)
}

/// `NAME=VALUE`: JSON where it is, a text otherwise.
fn parsed(facts: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut set = Map::new();
    for fact in facts {
        let (name, value) = fact.split_once('=').ok_or_else(|| {
            Failure::usage(format!("`{fact}` is no fact")).hint("write `risk=high`, or `risk=` to make it unknown")
        })?;
        let value = match value {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
        };
        // A text of digits is still a text where a day or a word is meant: only what is JSON by intention is taken as such.
        let value = if value.is_number() { Value::String(value.to_string()) } else { value };
        set.insert(name.to_owned(), value);
    }
    Ok(set)
}

fn told(value: &Value) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.chars().map(|c| if c == '\n' { c } else { visible(c) }).collect::<String>(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    if let Some(report) = value.get("report") {
        return text(report);
    }
    if value.get("message_id").is_some() {
        return format!(
            "sent to {} at {} as {}; the mail server answered `{}`; the clock of {}: {}",
            text(&value["to"]),
            text(&value["sent"]),
            text(&value["message_id"]),
            text(&value["answer"]),
            text(&value["obligation"]),
            text(&value["clock"])
        );
    }
    if value.get("questions").is_some() {
        return running::assessed(value, &text).join("\n");
    }
    if let Some(draft) = value.get("text") {
        let mut lines = vec![text(draft)];
        for one in value["checked"].as_array().into_iter().flatten() {
            let sign = if one["is_said"] == true { "✓" } else { "✗" };
            lines.push(format!("{sign} {} ({})", text(&one["text"]), text(&one["cites"])));
        }
        return lines.join("\n");
    }
    let mut lines = vec![format!(
        "incident {}: {} ({}, {}), opened {}",
        value["incident"],
        text(&value["title"]),
        text(&value["severity"]),
        text(&value["state"]),
        text(&value["opened"])
    )];
    for clock in value["clocks"].as_object().into_iter().flat_map(Map::values) {
        if clock["status"] == "not_triggered" {
            continue;
        }
        let due = if clock["due_at"].is_null() { &clock["due_on"] } else { &clock["due_at"] };
        lines.push(format!(
            "  {:<13} {:<9} {:<26} {}",
            text(&clock["obligation"]),
            text(&clock["status"]),
            text(due),
            text(&clock["recipient"])
        ));
        for question in clock["questions"].as_array().into_iter().flatten() {
            lines.push(format!("      ? {}", text(question)));
        }
    }
    for one in value["contained"].as_array().into_iter().flatten() {
        lines.push(format!("  contained: {} {}", text(&one[0]), text(&one[1])));
    }
    let at = |value: &Value| value.as_i64().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    let at = |value: &Value| at(value).map_or_else(|| "-".to_owned(), |at| at.to_string());
    for one in value["watched"].as_array().into_iter().flatten() {
        let (kind, target) = (text(&one["kind"]), text(&one["target"]));
        lines.push(format!("  watched more closely: {kind} {target} until {}", at(&one["until"])));
    }
    for one in value["trained"].as_array().into_iter().flatten() {
        let (course, name) = (text(&one["course"]), text(&one["name"]));
        lines.push(format!("  course {course}: {name} by {}", at(&one["due_at"])));
    }
    lines.extend(running::told(&value["runs"], &text));
    for entry in value["entries"].as_array().into_iter().flatten() {
        let at = entry["at"].as_i64().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        let at = at.map_or_else(String::new, |at| at.to_string());
        let words =
            ["text", "title", "reason", "target", "obligation", "name"].iter().find_map(|name| entry.get(*name));
        let hidden = Value::String("(a privileged note)".to_owned());
        let words = if entry["privileged"] == true { words.or(Some(&hidden)) } else { words };
        lines.push(format!(
            "  {at}  #{:<4} {:<12} {}  (entry {} of the record)",
            entry["number"],
            text(&entry["what"]),
            words.map_or_else(String::new, text),
            entry["recorded"]
        ));
    }
    lines.join("\n")
}
