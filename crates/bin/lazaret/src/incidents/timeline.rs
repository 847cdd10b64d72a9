//! `lazaret incidents timeline`: what the record has about those whom an incident concerns.

use clap::Args;
use guard::{IncidentRequest, Request};
use incidents::timeline::Listing;
use serde_json::Value;

use crate::catalogue::print;
use crate::cli::{Global, ListFormat};
use crate::config::Config;
use crate::data::runtime;
use crate::failure::{Failure, Outcome};
use crate::guarding::{done, visible};

#[derive(Debug, Args)]
pub(crate) struct TimelineArgs {
    /// The incident's number.
    id: u32,
    /// Show entries one by one, a thousand at a time, instead of lines.
    #[arg(long)]
    entries: bool,
    /// Entries of this activity, such as `download`, `grant`, `finding`; `observed` for logs of other systems.
    #[arg(long, value_name = "NAME", requires = "entries")]
    activity: Option<String>,
    /// Entries that were refused or failed (`failure`), or were not (`success`).
    #[arg(long, value_name = "OUTCOME", requires = "entries", value_parser = ["success", "failure"])]
    outcome: Option<String>,
    /// Entries by this principal, by id.
    #[arg(long, value_name = "ID", requires = "entries")]
    principal: Option<String>,
    /// Entries in this study.
    #[arg(long, value_name = "ID", requires = "entries")]
    study: Option<String>,
    /// Entries about this object, by id.
    #[arg(long, value_name = "ID", requires = "entries")]
    object: Option<String>,
    /// From this entry on.
    #[arg(long, value_name = "ENTRY", requires = "entries")]
    first: Option<u64>,
    /// Up to this entry.
    #[arg(long, value_name = "ENTRY", requires = "entries")]
    last: Option<u64>,
    /// How it is written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    format: ListFormat,
}

pub(super) fn run(global: &Global, arguments: &TimelineArgs) -> Result<Outcome, Failure> {
    let listing = arguments.entries.then(|| {
        Box::new(Listing {
            activity: arguments.activity.clone().unwrap_or_default(),
            outcome: arguments.outcome.clone().unwrap_or_default(),
            code: String::new(),
            principal: arguments.principal.clone(),
            study: arguments.study.clone(),
            object: arguments.object.clone().unwrap_or_default(),
            first: arguments.first.unwrap_or(0),
            last: arguments.last,
        })
    });
    let request = Request::Incidents(IncidentRequest::Timeline { id: arguments.id, listing });
    let config = Config::read(global.config.as_deref())?;
    crate::clocks::put_in_force(global, &config)?;
    let answer = runtime()?.block_on(done(global, &config, request))?;
    let lines: Vec<String> = match arguments.format {
        ListFormat::Json => answer.iter().map(Value::to_string).collect(),
        ListFormat::Text => answer.iter().map(told).collect(),
    };
    print(&mut std::io::stdout().lock(), &lines)
}

fn told(line: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().chars().map(visible).collect::<String>();
    let number = |name: &str| line[name].as_u64().unwrap_or(0);
    if let Some(summary) = line.get("summary") {
        let mut told: Vec<String> = summary["notes"].as_array().into_iter().flatten().map(text).collect();
        if let Some(entries) = summary["entries"].as_u64() {
            told.push(format!("{entries} entries of the record; `--entries` shows them one by one"));
        }
        match summary["next"].as_u64() {
            Some(next) => told.push(format!("there are more: go on with `--first {next}`")),
            None if told.is_empty() => told.push("that is all".to_owned()),
            None => {}
        }
        return told.join("\n");
    }
    let about: Vec<String> = ["study", "object", "entity", "code"]
        .iter()
        .map(|name| text(&line[*name]))
        .filter(|text| !text.is_empty())
        .collect();
    let who = if line["name"].is_null() { text(&line["principal"]) } else { text(&line["name"]) };
    let who = if line["by_several"] == true { "several".to_owned() } else { who };
    let who = if who.is_empty() { String::new() } else { format!("  by {who}") };
    let about = about.join("  ");
    if line.get("entry").is_some() {
        return format!(
            "{}  {:<18} {about}{who}  (entry {})",
            text(&line["time"]),
            text(&line["activity"]),
            number("entry")
        );
    }
    let refused = if line["is_failure"] == true { " refused" } else { "" };
    let activity = format!("{}{refused}", text(&line["activity"]));
    if number("entries") == 1 {
        return format!("{}  {activity:<18} {about}{who}  (entry {})", text(&line["from"]), number("first"));
    }
    format!(
        "{} to {}  {} × {activity}  {about}{who}  {} bytes  ({} entries, {} to {})",
        text(&line["from"]),
        text(&line["to"]),
        number("times"),
        number("bytes"),
        number("entries"),
        number("first"),
        number("last")
    )
}
