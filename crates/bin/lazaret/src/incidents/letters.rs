//! `lazaret incidents letters`: letters to those concerned, from a table of the systems that know their names.
//!
//! The table stays where it is, or is drawn from objects into memory: what the record and the incident hold of it is its digest and counts. Two people decide that names are put to
//! what happened: one asks, another agrees; then letters are made from that very table.

use std::fs::File;
use std::io::{BufReader, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use guard::{IncidentRequest, Request};
use incidents::case::What;
use incidents::letters::{self, Common, How, Kind, Limits, Merged, Prepared};
use serde_json::{Map, Value, json};

use super::mailing;
use crate::catalogue::print;
use crate::cli::{Global, ListFormat};
use crate::config::Config;
use crate::data::runtime;
use crate::failure::{Failure, Outcome};
use crate::guarding::Counter;

#[derive(Debug, Subcommand)]
pub(crate) enum LettersCommand {
    /// Show what a letter says, and what the law wants said and is missing.
    Show {
        /// The incident's number.
        id: u32,
        /// `gdpr-34`, `hipaa-404`, `appi-26-principals`, `partner`, `staff`, `press` or `substitute`.
        kind: String,
        /// `en`, `de`, `fr`, `es` or `ja`.
        #[arg(long, default_value = "en")]
        language: String,
        /// When the breach happened, in words or as a day, where the fact `breached_on` does not say it.
        #[arg(long, value_name = "WHEN")]
        breached_on: Option<String>,
    },
    /// List objects that say how the exposed people are called and where they live, by how many of them; nobody is named.
    Sources {
        /// The incident's number.
        id: u32,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Ask for letters to everybody in a table; somebody else agrees in the incident's room.
    Ask {
        /// The incident's number.
        id: u32,
        /// The kind of letter.
        kind: String,
        /// CSV with a first line of `id,name,address1,…,postcode,city,country,email,language`, and `deceased,next_of_kin` where people have died.
        #[arg(long, value_name = "FILE", required_unless_present = "from_object")]
        recipients: Option<PathBuf>,
        /// Draw the table from this object of the catalogue instead, by its number; may be given several times.
        #[arg(long, value_name = "N", conflicts_with = "recipients")]
        from_object: Vec<u32>,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Make the letters that somebody asked for and somebody else agreed to.
    Make {
        /// The incident's number.
        id: u32,
        /// The number under which they were asked for.
        letters: u64,
        /// The same table; left out where they were asked for with `--from-object`.
        #[arg(long, value_name = "FILE")]
        recipients: Option<PathBuf>,
        /// A new folder for them, for its owner alone.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// When the breach happened, in words or as a day, where the fact `breached_on` does not say it.
        #[arg(long, value_name = "WHEN")]
        breached_on: Option<String>,
        /// Make them though something that the law wants said is missing.
        #[arg(long)]
        incomplete: bool,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
    /// Send the letters that go by e-mail; run again, it goes on where it was stopped.
    Send(mailing::SendLetters),
    /// Show how far letters are, and the notices that stand in their place.
    Status {
        /// The incident's number.
        id: u32,
        /// How it is written to standard output.
        #[arg(long, value_enum, default_value = "text")]
        format: ListFormat,
    },
}

fn kind(text: &str) -> Result<Kind, Failure> {
    let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    Kind::parse(text).ok_or_else(|| Failure::usage(format!("`{text}` is none of {}", known.join(", "))))
}

pub(super) fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::failed("letters", anyhow::anyhow!("{error}"))
}

/// Letters ready but for names, with the facts of the incident.
fn prepared(
    global: &Global,
    id: u32,
    case: &Value,
    kind: Kind,
    breached_on: Option<&str>,
) -> Result<Prepared, Failure> {
    let plan = crate::planning::read(global)?;
    let none = Map::new();
    let facts = case["facts"].as_object().unwrap_or(&none);
    let date = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let reference = format!("INC-{id}");
    letters::prepare(kind, &Common { facts, plan: &plan, reference: &reference, date, breached_on }).map_err(failed)
}

/// A table of recipients: somebody's file, or drawn from objects and in memory alone.
#[derive(Clone, Copy)]
pub(super) enum Table<'a> {
    File(&'a Path),
    Drawn(&'a str),
}

impl<'a> Table<'a> {
    fn open(self) -> Result<Box<dyn Read + 'a>, Failure> {
        match self {
            Self::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(BufReader::new(file))),
                Err(error) => Err(Failure::usage(format!("`{}` cannot be read: {error}", path.display()))),
            },
            Self::Drawn(text) => Ok(Box::new(text.as_bytes())),
        }
    }
}

impl std::fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => write!(f, "`{}`", path.display()),
            Self::Drawn(_) => f.write_str("what the objects say"),
        }
    }
}

/// The SHA-256 of a table, in hexadecimal digits.
fn digest(table: Table<'_>) -> Result<String, Failure> {
    let wrong = |error: std::io::Error| Failure::usage(format!("{table} cannot be read: {error}"));
    let mut file = table.open()?;
    let mut sum = incidents::Sha256::default();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer).map_err(wrong)? {
            0 => return Ok(sum.hex()),
            read => sum.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

/// Merges a table, and hands each letter out with the number of its row.
pub(super) fn merged(
    table: Table<'_>,
    prepared: &Prepared,
    each: &mut dyn FnMut(u64, &letters::Letter) -> Result<(), Failure>,
) -> Result<Merged, Failure> {
    let mut merge = letters::merge(prepared, table.open()?, Limits::default()).map_err(failed)?;
    while let Some(letter) = merge.next() {
        each(merge.merged().rows, &letter.map_err(failed)?)?;
    }
    Ok(merge.into_merged())
}

fn counts(merged: &Merged, kind: Kind) -> Result<Value, Failure> {
    let mut told = json!(merged);
    let substitute = letters::substitute(kind, merged.unreachable).map_err(failed)?;
    if let Some(told) = told.as_object_mut() {
        told.insert("kind".to_owned(), json!(kind));
        told.insert("substitute".to_owned(), json!(substitute));
    }
    Ok(told)
}

pub(super) fn run(global: &Global, command: &LettersCommand) -> Result<Outcome, Failure> {
    let config = Config::read(global.config.as_deref())?;
    crate::clocks::put_in_force(global, &config)?;
    runtime()?.block_on(async {
        let counter = Counter::new(global, &config, false);
        let done = Box::pin(obeyed(global, &config, &counter, command)).await;
        counter.close().await;
        done
    })
}

pub(super) async fn asked(counter: &Counter, request: IncidentRequest) -> Result<Value, Failure> {
    let mut answer = counter.obey(Request::Incidents(request)).await?;
    Ok(if answer.is_empty() { Value::Null } else { answer.remove(0) })
}

async fn obeyed(
    global: &Global,
    config: &Config,
    counter: &Counter,
    command: &LettersCommand,
) -> Result<Outcome, Failure> {
    match command {
        LettersCommand::Show { id, kind: of, language, breached_on } => {
            let case = asked(counter, IncidentRequest::Show { id: *id, privileged: false }).await?;
            let prepared = prepared(global, *id, &case, kind(of)?, breached_on.as_deref())?;
            let text = prepared.text(language, "…").ok_or_else(|| {
                Failure::usage(format!("there are no letters in `{language}`")).hint("give en, de, fr, es or ja")
            })?;
            let mut lines = vec![text.subject, String::new()];
            lines.extend(text.text.lines().map(str::to_owned));
            for one in prepared.checked() {
                lines.push(format!("{} {} ({})", if one.is_said { "✓" } else { "✗" }, one.text, one.cites));
            }
            lines.extend(prepared.unfilled().iter().map(|field| format!("✗ `{field}` is not known")));
            print(&mut std::io::stdout().lock(), &lines)
        }
        LettersCommand::Sources { id, format } => {
            let lines = counter.obey(Request::Incidents(IncidentRequest::Reaching { id: *id })).await?;
            let lines: Vec<String> = match format {
                ListFormat::Json => lines.iter().map(Value::to_string).collect(),
                ListFormat::Text => lines.iter().map(reached).collect(),
            };
            print(&mut std::io::stdout().lock(), &lines)
        }
        LettersCommand::Ask { id, kind: of, recipients, from_object, format } => {
            let of = kind(of)?;
            let Some(recipients) = recipients else {
                let (kind, objects) = (of.as_str().to_owned(), from_object.clone());
                let told = asked(counter, IncidentRequest::AskLetters { id: *id, kind, objects }).await?;
                return tell(&told, *format);
            };
            let recipients = Table::File(recipients);
            let case = asked(counter, IncidentRequest::Show { id: *id, privileged: false }).await?;
            let prepared = prepared(global, *id, &case, of, None)?;
            let sha256 = digest(recipients)?;
            let merged = merged(recipients, &prepared, &mut |_row, _letter| Ok(()))?;
            let what = What::Letters {
                kind: of.as_str().to_owned(),
                sha256,
                recipients: merged.rows,
                by_post: merged.by_post,
                by_email: merged.by_email,
                unreachable: merged.unreachable,
                faults: merged.faults,
                kin: merged.kin,
                kin_unreached: merged.kin_unreached,
                objects: Vec::new(),
            };
            let case = asked(counter, IncidentRequest::Add { id: *id, what: Box::new(what) }).await?;
            let number = case["version"].clone();
            let mut told = counts(&merged, of)?;
            if let Some(told) = told.as_object_mut() {
                told.insert("letters".to_owned(), number);
            }
            tell(&told, *format)
        }
        LettersCommand::Make { id, letters: number, recipients, out, breached_on, incomplete, format } => {
            let case = asked(counter, IncidentRequest::Show { id: *id, privileged: false }).await?;
            let drawn = match recipients {
                Some(_) => zeroize::Zeroizing::default(),
                None => {
                    let drawn = asked(counter, IncidentRequest::DrawLetters { id: *id, letters: *number }).await?;
                    zeroize::Zeroizing::new(drawn["table"].as_str().unwrap_or_default().to_owned())
                }
            };
            let table = recipients.as_deref().map_or(Table::Drawn(&drawn), Table::File);
            let (prepared, _) = agreed(global, &case, (*id, *number), table, breached_on.as_deref(), *incomplete)?;
            let of = prepared.kind();
            let merged = written(table, &prepared, out)?;
            let what = What::LettersMade { letters: *number, made: merged.made };
            asked(counter, IncidentRequest::Add { id: *id, what: Box::new(what) }).await?;
            tell(&counts(&merged, of)?, *format)
        }
        LettersCommand::Send(arguments) => Box::pin(mailing::send(global, config, counter, arguments)).await,
        LettersCommand::Status { id, format } => {
            let standing = asked(counter, IncidentRequest::Letters { id: *id }).await?;
            let lines = match format {
                ListFormat::Json => vec![standing.to_string()],
                ListFormat::Text => stands(&standing),
            };
            print(&mut std::io::stdout().lock(), &lines)
        }
    }
}

/// Letters ready but for names, if somebody asked for them, somebody else agreed, and the table is the very one; with the table's digest.
pub(super) fn agreed(
    global: &Global,
    case: &Value,
    (id, number): (u32, u64),
    recipients: Table<'_>,
    breached_on: Option<&str>,
    incomplete: bool,
) -> Result<(Prepared, String), Failure> {
    let letters = &case["letters"][number.to_string()];
    if letters.is_null() {
        return Err(Failure::usage(format!("nobody asked for letters under {number} in incident {id}")));
    }
    if letters["agreed_by"].is_null() {
        return Err(Failure::usage("nobody else has agreed yet")
            .hint("somebody else than who asked agrees in the incident's room, or with `lazaret incidents add`"));
    }
    let sha256 = digest(recipients)?;
    if letters["sha256"].as_str() != Some(sha256.as_str()) {
        return Err(Failure::usage(format!("{recipients} is not the table that was agreed to"))
            .hint("ask for letters to this table anew, or give the other one"));
    }
    let of = kind(letters["kind"].as_str().unwrap_or_default())?;
    let prepared = prepared(global, id, case, of, breached_on)?;
    if !prepared.is_complete() && !incomplete {
        return Err(Failure::usage("the letters do not say everything that the law wants said")
            .hint("`lazaret incidents letters show` tells what is missing; `--incomplete` goes on all the same"));
    }
    Ok((prepared, sha256))
}

/// How far letters are, in words.
fn stands(standing: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for one in standing["letters"].as_array().into_iter().flatten() {
        let number = |name: &str| one[name].as_u64().unwrap_or(0);
        let title = Kind::parse(one["kind"].as_str().unwrap_or_default()).map_or("letters", Kind::title);
        lines.push(format!(
            "letters {}: {title}, {} people, {} made",
            one["letters"],
            number("recipients"),
            number("made")
        ));
        lines.push(format!(
            "  {} by post: {} posted, {} to be posted, {} came back",
            number("by_post"),
            number("posted"),
            number("post_left"),
            number("returned")
        ));
        lines.push(format!(
            "  {} by e-mail: {} sent, {} refused, {} left",
            number("by_email"),
            number("emailed"),
            number("refused"),
            number("email_left")
        ));
        lines.push(format!("  {} whom no letter reached", number("unreachable")));
        if number("kin") + number("kin_unreached") > 0 {
            lines.push(format!(
                "  of people who have died: {} letters to their next of kin, {} of whose next of kin none reached",
                number("kin"),
                number("kin_unreached")
            ));
        }
        let substitute = &one["substitute"];
        if substitute["form"] != "none" {
            let text = |name: &str| substitute[name].as_str().unwrap_or_default();
            lines.push(format!("  substitute notice: {} ({})", text("says"), text("cites")));
        }
        for demand in one["demands"].as_array().into_iter().flatten() {
            let text = |name: &str| demand[name].as_str().unwrap_or_default().to_owned();
            lines.push(format!("    {}: {}", text("title"), text("says")));
        }
    }
    for bar in standing["postings"].as_array().into_iter().flatten() {
        let text = |name: &str| bar[name].as_str().map_or_else(|| "-".to_owned(), plain);
        let far = match (bar["count"].as_u64(), bar["days_min"].as_u64()) {
            (Some(count), _) => format!("{count}"),
            (None, Some(days)) => format!("{} of {days} days", bar["days_stood"]),
            (None, None) => format!("{} days", bar["days_stood"]),
        };
        lines.push(format!(
            "posting {}: {}, {}, {far}, from {} until {}",
            bar["posting"],
            text("channel"),
            text("where"),
            text("at"),
            text("ends")
        ));
    }
    if lines.is_empty() {
        lines.push("nobody asked for letters in this incident".to_owned());
    }
    lines
}

/// An object that says how people are reached, or the summary, in words.
fn reached(line: &Value) -> String {
    let text = |name: &str| line[name].as_str().map_or_else(|| "-".to_owned(), plain);
    let summary = &line["summary"];
    if summary.is_null() {
        let by_hand = if line["drawn"] == true { "" } else { " (export it by hand)" };
        return format!(
            "object {}: {} of the people, {} more than those above; {} {} {}{by_hand}",
            line["object"],
            line["people"],
            line["more"],
            text("source"),
            text("location"),
            text("path")
        );
    }
    format!(
        "{} people were certainly or likely exposed; {} are in none of these objects; {} further objects add nobody",
        summary["people"], summary["missing"], summary["others"]
    )
}

fn plain(text: &str) -> String {
    text.chars().map(crate::guarding::visible).collect()
}

fn tell(value: &Value, format: ListFormat) -> Result<Outcome, Failure> {
    let lines = match format {
        ListFormat::Json => vec![value.to_string()],
        ListFormat::Text => {
            let number = |name: &str| value[name].as_u64().unwrap_or(0);
            let mut lines = Vec::new();
            if !value["missing"].is_null() {
                lines.push(format!(
                    "drawn from objects: {} people; {} exposed people are in none of them",
                    number("people"),
                    number("missing")
                ));
            }
            if !value["letters"].is_null() {
                lines.push(format!("asked for under {}; somebody else has to agree", value["letters"]));
            }
            lines.push(format!(
                "{} rows: {} letters by post, {} by e-mail, {} people whom nothing reaches, {} twice, {} wrong rows",
                number("rows"),
                number("by_post"),
                number("by_email"),
                number("unreachable"),
                number("duplicates"),
                number("faults")
            ));
            if number("kin") + number("kin_unreached") + number("deceased") > 0 {
                lines.push(format!(
                    "of people who have died: {} letters to their next of kin, {} without an address of theirs, {} whom this law leaves out",
                    number("kin"),
                    number("kin_unreached"),
                    number("deceased")
                ));
            }
            for fault in value["told"].as_array().into_iter().flatten().take(20) {
                lines.push(format!("  line {}: {}", fault["line"], fault["why"].as_str().unwrap_or_default()));
            }
            let substitute = &value["substitute"];
            if substitute["form"] != "none" {
                let text = |name: &str| substitute[name].as_str().unwrap_or_default().to_owned();
                lines.push(format!("substitute notice: {} ({})", text("says"), text("cites")));
            }
            lines
        }
    };
    print(&mut std::io::stdout().lock(), &lines)
}

/// Letters on pages for print, and e-mails as files, in a new folder; taken away again if something fails.
fn written(recipients: Table<'_>, prepared: &Prepared, out: &Path) -> Result<Merged, Failure> {
    let place = |error: std::io::Error| Failure::failed("letters", anyhow::anyhow!("`{}`: {error}", out.display()));
    std::fs::DirBuilder::new().mode(0o700).create(out).map_err(|error| {
        Failure::usage(format!("`{}` cannot be made: {error}", out.display()))
            .hint("give a folder that is not there yet")
    })?;
    let new = |path: PathBuf| {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600).open(path).map_err(place)
    };
    let done = (|| {
        let mut pages = std::io::BufWriter::new(new(out.join("letters.html"))?);
        pages.write_all(letters::page_begin(prepared.kind().title()).as_bytes()).map_err(place)?;
        let mut mails = std::io::BufWriter::new(new(out.join("emails.ndjson"))?);
        let mut lost = std::io::BufWriter::new(new(out.join("unreachable.txt"))?);
        let merged = merged(recipients, prepared, &mut |_row, letter| match (letter.how, letters::to_email(letter)) {
            (How::Email, Some(mail)) => {
                let line = json!({ "to": mail.to, "subject": mail.subject, "text": mail.body });
                writeln!(mails, "{line}").map_err(place)
            }
            (How::None, _) => writeln!(lost, "{}", letter.recipient_id).map_err(place),
            _ => pages.write_all(letters::to_html(letter).as_bytes()).map_err(place),
        })?;
        pages.write_all(letters::PAGE_END.as_bytes()).map_err(place)?;
        for mut writer in [pages, mails, lost] {
            writer.flush().and_then(|()| writer.get_ref().sync_all()).map_err(place)?;
        }
        Ok(merged)
    })();
    if done.is_err() {
        // What was begun names people: nothing of it stays.
        let _ = std::fs::remove_dir_all(out);
    }
    done
}
