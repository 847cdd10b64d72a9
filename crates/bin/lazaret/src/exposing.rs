//! `lazaret exposure`: whose data was exposed.

mod asking;

use std::fmt::Write as _;

use clap::Args;
use guard::{Request, Shown};
use incidents::exposure::Grade;
use serde_json::Value;

use crate::catalogue::print;
use crate::cli::{Global, ListFormat};
use crate::config::Config;
use crate::data::runtime;
use crate::failure::{Failure, Outcome};
use crate::guarding::{done, visible};
pub(crate) use asking::{AskingArgs, beginning, listed};

#[derive(Debug, Args)]
pub(crate) struct ExposureArgs {
    #[command(flatten)]
    pub asking: AskingArgs,
    /// As it was last asked for this incident, or by its finding; what is given besides takes the place of the same part there.
    #[arg(long, value_name = "N")]
    pub incident: Option<u32>,
    /// Only objects in which people of this jurisdiction are, such as `EU-DE`, `US-CA` or `unknown`: what its figures rest on.
    #[arg(long, value_name = "PLACE")]
    pub jurisdiction: Option<String>,
    /// Only objects whose exposure is at least so sure: `certain`, `likely` or `possible`.
    #[arg(long, value_name = "GRADE")]
    pub grade: Option<String>,
    /// Also the entries of the record that say that those objects were let, left or were looked at, a thousand at a time.
    #[arg(long)]
    pub entries: bool,
    /// Entries after this one.
    #[arg(long, value_name = "ENTRY", requires = "entries")]
    pub after: Option<u64>,
    /// How it is written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
}

pub(crate) fn run(global: &Global, arguments: &ExposureArgs) -> Result<Outcome, Failure> {
    let mut of = Box::new(arguments.asking.request()?);
    of.incident = arguments.incident;
    let grade = |text: &String| {
        Grade::parse(text).ok_or_else(|| Failure::usage(format!("`{text}` is none of certain, likely, possible")))
    };
    let shown = Shown {
        jurisdiction: arguments.jurisdiction.clone(),
        grade: arguments.grade.as_ref().map(grade).transpose()?,
        object: None,
        entries: arguments.entries,
        after: arguments.after,
    };
    let request = Request::Exposure { of, shown };
    let config = Config::read(global.config.as_deref())?;
    let answer = runtime()?.block_on(done(global, &config, request))?;
    let lines: Vec<String> = match arguments.format {
        ListFormat::Json => answer.iter().map(Value::to_string).collect(),
        ListFormat::Text => answer.iter().map(told).collect(),
    };
    print(&mut std::io::stdout().lock(), &lines)
}

/// Forms that are less grave than in clear, and how they are told.
const ONLY: [(&str, &str); 2] = [("deidentified", "de-identified copies only"), ("sealed", "sealed copies only")];

fn told(line: &Value) -> String {
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let words = |value: &Value| {
        let all: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        all.join(",").chars().map(visible).collect::<String>()
    };
    let text = |value: &Value| value.as_str().unwrap_or("-").chars().map(visible).collect::<String>();
    if let Some(summary) = line.get("summary") {
        let figures = summary["figures"].as_array().into_iter().flatten();
        let grades: Vec<String> = figures
            .map(|one| {
                format!(
                    "{} people in {} objects {}",
                    number(&one["subjects"]),
                    number(&one["objects"]),
                    up_to(&one["grade"])
                )
            })
            .collect();
        let mut told = format!(
            "{}; {} entries, {} requests refused; {} people in objects that nobody has counted yet",
            grades.join("; "),
            number(&summary["entries"]),
            number(&summary["refused"]),
            number(&summary["uncounted_subjects"])
        );
        let all = summary["figures"].as_array().and_then(|figures| figures.last());
        for (form, words) in ONLY {
            let people = all.map_or(0, |figure| number(&figure["forms"][form]["subjects"]));
            if people > 0 {
                let _ = write!(told, "; of {people} people {words}");
            }
        }
        for note in summary["notes"].as_array().into_iter().flatten() {
            let _ = write!(told, "\n{}", text(note));
        }
        if let Some(next) = summary["next"].as_u64() {
            let _ = write!(told, "\nthere are more entries: go on with `--entries --after {next}`");
        }
        return told;
    }
    if line.get("entry").is_some() {
        let range = match (line["first_byte"].as_u64(), line["bytes"].as_u64()) {
            (Some(first), Some(bytes)) if bytes > 0 => format!("  bytes {first}–{}", first + bytes - 1),
            _ => String::new(),
        };
        return format!(
            "entry {:>9}  {}  {:<9} {}  by {}{range}",
            number(&line["entry"]),
            text(&line["time"]),
            text(&line["activity"]),
            text(&line["object"]),
            text(&line["principal"])
        );
    }
    if line.get("object").is_some() {
        let why = if line["why"].is_null() { String::new() } else { format!("  {}", text(&line["why"])) };
        let people = line.get("people").unwrap_or(&line["subjects"]);
        let left = match line["left"].as_str() {
            Some("") if line["form"] == "sealed" => "all of it".to_owned(),
            Some("") => "nothing left".to_owned(),
            _ => text(&line["left"]),
        };
        let form = match line["form"].as_str() {
            Some("deidentified") => ", de-identified",
            Some("sealed") => ", sealed",
            _ => "",
        };
        return format!(
            "{:<9} {}  {:>8} people  {left}{form}  {}  {}  ({} entries){why}",
            text(&line["grade"]),
            text(&line["object"]),
            number(people),
            text(&line["study"]),
            words(&line["labels"]),
            number(&line["entries_total"])
        );
    }
    let people = |grade: &str| number(&line[grade]["subjects"]);
    let mut only = String::new();
    for (form, words) in ONLY {
        let people = number(&line["possible"][format!("{form}_only")]);
        if people > 0 {
            let _ = write!(only, "; of {people} {words}");
        }
    }
    format!(
        "{:<9} {:>8} certain  {:>8} with likely  {:>8} with possible  {}  ({} objects, {} entries with likely{only})",
        text(&line["jurisdiction"]),
        people("certain"),
        people("likely"),
        people("possible"),
        words(&line["categories"]),
        number(&line["likely"]["objects"]),
        number(&line["likely"]["entries_total"])
    )
}

fn up_to(grade: &Value) -> &'static str {
    match grade.as_str() {
        Some("certain") => "certainly",
        Some("likely") => "with what is likely",
        _ => "with what is within reach",
    }
}
