//! `lazaret exposure`: whose data was exposed.

use std::fmt::Write as _;

use clap::Args;
use guard::{ExposureRequest, Request};
use model::StudyId;
use serde_json::Value;

use crate::catalogue::print;
use crate::cli::{Global, ListFormat};
use crate::config::Config;
use crate::data::runtime;
use crate::failure::{Failure, Outcome};
use crate::guarding::{Counter, time, visible};

#[derive(Debug, Args)]
pub(crate) struct ExposureArgs {
    /// By this person, service, device or agent: a name or an id.
    #[arg(long, value_name = "NAME")]
    pub principal: Option<String>,
    /// By this device: a name or an id.
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// By everybody of this partner organisation.
    #[arg(long, value_name = "NAME")]
    pub partner: Option<String>,
    /// With this access key, by its public id.
    #[arg(long, value_name = "ID")]
    pub credential: Option<String>,
    /// From this network address.
    #[arg(long, value_name = "IP")]
    pub address: Option<String>,
    /// Of this object: an id, or STUDY/NAME.
    #[arg(long, value_name = "OBJECT")]
    pub object: Option<String>,
    /// Of this study.
    #[arg(long, value_name = "ID")]
    pub study: Option<StudyId>,
    /// By whom this finding is about, over the time of its evidence; where it names nobody who is known, by what its evidence names.
    #[arg(long, value_name = "N")]
    pub finding: Option<u32>,
    /// Not before this day or instant.
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Not after this day or instant.
    #[arg(long, value_name = "TIME")]
    pub to: Option<String>,
    /// As it was last asked for this incident, or by its finding.
    #[arg(long, value_name = "N")]
    pub incident: Option<u32>,
    /// Also what is within reach and was not touched: what would be exposed if a credential leaked today.
    #[arg(long)]
    pub reach: bool,
    /// How it is written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
}

pub(crate) fn run(global: &Global, arguments: &ExposureArgs) -> Result<Outcome, Failure> {
    let request = Request::Exposure(ExposureRequest {
        principal: arguments.principal.clone(),
        device: arguments.device.clone(),
        partner: arguments.partner.clone(),
        credential: arguments.credential.clone(),
        address: arguments.address.clone(),
        object: arguments.object.clone(),
        study: arguments.study.clone(),
        finding: arguments.finding,
        from: arguments.from.as_deref().map(beginning).transpose()?,
        to: arguments.to.as_deref().map(time).transpose()?,
        reach: arguments.reach,
        incident: arguments.incident,
    });
    let config = Config::read(global.config.as_deref())?;
    let answer = runtime()?.block_on(async {
        let counter = Counter::new(global, &config, false);
        let answer = counter.obey(request).await;
        counter.close().await;
        answer
    })?;
    let lines: Vec<String> = match arguments.format {
        ListFormat::Json => answer.iter().map(Value::to_string).collect(),
        ListFormat::Text => answer.iter().map(told).collect(),
    };
    print(&mut std::io::stdout().lock(), &lines)
}

/// As [`time`], where a day means its beginning.
pub(crate) fn beginning(text: &str) -> Result<i64, Failure> {
    let day: Result<jiff::civil::Date, _> = text.parse();
    match day.ok().filter(|_| text.len() == 10).and_then(|day| day.in_tz("UTC").ok()) {
        Some(begins) => Ok(begins.timestamp().as_millisecond()),
        None => time(text),
    }
}

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
        for note in summary["notes"].as_array().into_iter().flatten() {
            let _ = write!(told, "\n{}", text(note));
        }
        return told;
    }
    if line.get("object").is_some() {
        let why = if line["why"].is_null() { String::new() } else { format!("  {}", text(&line["why"])) };
        return format!(
            "{:<9} {}  {:>8} people  {:>14} bytes  {}  {}  ({} entries){why}",
            text(&line["grade"]),
            text(&line["object"]),
            number(&line["subjects"]),
            number(&line["bytes"]),
            text(&line["study"]),
            words(&line["labels"]),
            number(&line["entries_total"])
        );
    }
    let people = |grade: &str| number(&line[grade]["subjects"]);
    format!(
        "{:<9} {:>8} certain  {:>8} with likely  {:>8} with possible  {}",
        text(&line["jurisdiction"]),
        people("certain"),
        people("likely"),
        people("possible"),
        words(&line["categories"])
    )
}

fn up_to(grade: &Value) -> &'static str {
    match grade.as_str() {
        Some("certain") => "certainly",
        Some("likely") => "with what is likely",
        _ => "with what is within reach",
    }
}
