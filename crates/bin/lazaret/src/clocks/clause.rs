//! `lazaret obligations clause`: clauses of contracts, entered, changed and ended as the console does it.

use clap::{Args, Subcommand};
use guard::{ClauseRequest, Request};
use jiff::civil::Date;
use obligations::{Audience, Clause, ClauseChange, Content, Within};
use serde_json::Value;

use crate::catalogue::print;
use crate::cli::{Global, ListFormat};
use crate::config::Config;
use crate::data::runtime;
use crate::failure::{Failure, Outcome};
use crate::guarding::{Counter, visible};

#[derive(Debug, Subcommand)]
pub(crate) enum ClauseCommand {
    /// All versions of all clauses.
    List {
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Enter one. It holds for incidents to come and those that are open.
    Add {
        /// Its id, such as `MSA-7.2`: letters, digits, `-`, `.` and `_`.
        id: String,
        #[command(flatten)]
        fields: Fields,
        #[command(flatten)]
        told: Told,
    },
    /// Change one from a day on; the day on which its newest version began corrects that version. What is left out stays.
    Change {
        /// Its id.
        id: String,
        #[command(flatten)]
        fields: Fields,
        #[command(flatten)]
        told: Told,
    },
    /// End one. Incidents until then stay under it.
    End {
        /// Its id.
        id: String,
        /// The last day on which it is in force.
        #[arg(long, value_name = "DAY")]
        last: String,
        #[command(flatten)]
        told: Told,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Told {
    /// Why. It is recorded, sealed.
    #[arg(long)]
    pub why: String,
    /// How the clause is written to standard output.
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
}

#[derive(Debug, Args)]
pub(crate) struct Fields {
    /// With whom the contract is.
    #[arg(long)]
    pub partner: Option<String>,
    /// Contract and clause, such as `Master services agreement 7.2`.
    #[arg(long)]
    pub citation: Option<String>,
    /// How long it may take: `24 hours`, `3 days`, `1 month`, `2 business days CALENDAR`, `promptly`.
    #[arg(long, value_name = "PERIOD")]
    pub within: Option<String>,
    /// Who is to be told.
    #[arg(long)]
    pub recipient: Option<String>,
    /// A role of the organisation under which it is owed, such as `processor`. Can be given again.
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// What triggers it: a condition over facts; `always` when a new one has none.
    #[arg(long, value_name = "CONDITION")]
    pub when: Option<String>,
    /// From which fact the period runs; `aware_at` when a new one has none. Can be given again: the first that is known counts.
    #[arg(long, value_name = "FACT")]
    pub start: Vec<String>,
    /// Something that the notice has to say, such as `nature=what happened`. Can be given again.
    #[arg(long = "content", value_name = "ID=TEXT")]
    pub contents: Vec<String>,
    /// What is to be done, in a few words.
    #[arg(long)]
    pub title: Option<String>,
    /// What the clause says, in your words.
    #[arg(long)]
    pub says: Option<String>,
    /// What else to know.
    #[arg(long)]
    pub note: Option<String>,
    /// The first day on which it is in force.
    #[arg(long, value_name = "DAY")]
    pub from: String,
    /// The last day, if one is known.
    #[arg(long, value_name = "DAY")]
    pub to: Option<String>,
}

fn day(text: &str) -> Result<Date, Failure> {
    text.parse().map_err(|error| {
        Failure::usage(format!("`{text}` is no day ({error})")).hint("write a day such as `2026-12-01`")
    })
}

impl Fields {
    /// What is given, in the place of what was.
    fn over(&self, was: Clause) -> Result<Clause, Failure> {
        let text = |given: &Option<String>, was: String| given.as_ref().map_or(was, |given| given.trim().to_owned());
        let some = |given: &[String], was: Vec<String>| if given.is_empty() { was } else { given.to_vec() };
        let citation = text(&self.citation, was.citation);
        let content = |given: &String| {
            let (id, text) = given.split_once('=').ok_or_else(|| {
                Failure::usage(format!("`{given}` is no content")).hint("write `nature=what happened`")
            })?;
            Ok(Content { id: id.trim().to_owned(), text: text.trim().to_owned(), cites: citation.clone() })
        };
        let contents = match self.contents.as_slice() {
            [] => was.contents,
            given => given.iter().map(content).collect::<Result<_, Failure>>()?,
        };
        let period = match &self.within {
            None => was.period,
            Some(text) => text.parse::<Within>().map_err(|error| Failure::usage(error.to_string()))?,
        };
        let recipient = text(&self.recipient, was.recipient);
        let title = match (&self.title, was.title) {
            (Some(title), _) => title.trim().to_owned(),
            (None, title) if title.is_empty() => format!("Tell {recipient}"),
            (None, title) => title,
        };
        Ok(Clause {
            partner: text(&self.partner, was.partner),
            says: text(&self.says, was.says),
            note: text(&self.note, was.note),
            roles: some(&self.roles, was.roles),
            when: text(&self.when, was.when),
            start: some(&self.start, was.start),
            from: day(&self.from)?,
            to: self.to.as_deref().map(day).transpose()?,
            checked: today(),
            id: was.id,
            audience: was.audience,
            title,
            citation,
            contents,
            period,
            recipient,
        })
    }
}

fn today() -> Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// What nobody has entered yet.
fn blank(id: &str) -> Clause {
    Clause {
        id: id.to_owned(),
        partner: String::new(),
        title: String::new(),
        citation: String::new(),
        says: String::new(),
        roles: Vec::new(),
        when: "always".to_owned(),
        start: vec!["aware_at".to_owned()],
        period: Within::Promptly,
        recipient: String::new(),
        audience: Audience::Partner,
        note: String::new(),
        from: today(),
        to: None,
        checked: today(),
        contents: Vec::new(),
    }
}

pub(crate) fn run(global: &Global, command: &ClauseCommand) -> Result<Outcome, Failure> {
    let config = Config::read(global.config.as_deref())?;
    super::put_in_force(global, &config)?;
    let (answer, format) = runtime()?.block_on(async {
        let counter = Counter::new(global, &config, false);
        let answer = Box::pin(answered(&counter, command)).await;
        counter.close().await;
        answer
    })?;
    let lines: Vec<String> = match format {
        ListFormat::Json => answer.iter().map(Value::to_string).collect(),
        ListFormat::Text if answer.is_empty() => vec!["nobody has entered a clause yet".to_owned()],
        ListFormat::Text => answer.iter().map(|value| told(value.get("clause").unwrap_or(value))).collect(),
    };
    print(&mut std::io::stdout().lock(), &lines)
}

async fn answered(counter: &Counter, command: &ClauseCommand) -> Result<(Vec<Value>, ListFormat), Failure> {
    let (change, told) = match command {
        ClauseCommand::List { format } => {
            return Ok((counter.obey(Request::Clauses(ClauseRequest::List)).await?, *format));
        }
        ClauseCommand::Add { id, fields, told } => {
            if fields.within.is_none() {
                return Err(Failure::usage("it is not said how long it may take")
                    .hint("give `--within \"24 hours\"`, or `--within promptly`"));
            }
            (ClauseChange::Add(Box::new(fields.over(blank(id))?)), told)
        }
        ClauseCommand::Change { id, fields, told } => {
            let listed = counter.obey(Request::Clauses(ClauseRequest::List)).await?;
            let newest = listed.into_iter().rfind(|one| one["id"] == id.as_str()).ok_or_else(|| {
                Failure::usage(format!("there is no clause `{id}`"))
                    .hint("`lazaret obligations clause list` shows them")
            })?;
            let was = clause(newest)?;
            (ClauseChange::Change { clause: Box::new(fields.over(was.clone())?), was: Box::new(was) }, told)
        }
        ClauseCommand::End { id, last, told } => (ClauseChange::End { id: id.clone(), last: day(last)? }, told),
    };
    let request = ClauseRequest::Change { change, why: told.why.clone() };
    Ok((counter.obey(Request::Clauses(request)).await?, told.format))
}

/// A clause as it is listed.
fn clause(mut listed: Value) -> Result<Clause, Failure> {
    if let Some(listed) = listed.as_object_mut() {
        listed.remove("recorded");
    }
    serde_json::from_value(listed).map_err(|error| Failure::failed("clauses", error))
}

fn told(value: &Value) -> String {
    let text = |name: &str| value[name].as_str().unwrap_or_default().chars().map(visible).collect::<String>();
    let period = serde_json::from_value::<Within>(value["period"].clone());
    let period = period.map_or_else(|_| String::new(), |period| period.to_string());
    let until = value["to"].as_str().map_or_else(|| "on".to_owned(), |to| format!("to {to}"));
    format!(
        "{:<13} {period}, to {}, from {} {until}\n              {}, {}\n              when {}",
        text("id"),
        text("recipient"),
        text("from"),
        text("partner"),
        text("citation"),
        text("when")
    )
}
