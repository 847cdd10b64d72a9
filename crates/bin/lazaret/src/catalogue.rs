//! Commands over what is known: search, correct a label, schedules, invitations, recognisers.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use landscape::catalogue::{Action, Correction};
use landscape::inspect::{InspectOptions, Inspector};
use landscape::queries::Filter;
use landscape::scan::{Desk, ScanOptions, Scanner};
use recognize::engine::Engine;
use serde_json::json;

use crate::cli::{Global, InviteArgs, LabelArgs, ListFormat, RecognizersArgs, ScheduleCommand, SearchArgs};
use crate::config::Config;
use crate::data::{Data, clock, now, random_bytes, runtime};
use crate::failure::{Failure, Outcome};
use crate::scan::{printable, size, source};

/// Where the console listens when nothing else is said.
pub(crate) const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

pub(crate) fn search(global: &Global, arguments: &SearchArgs) -> Result<Outcome, Failure> {
    let config = Config::read(global.config.as_deref())?;
    runtime()?.block_on(async {
        let data = Data::open_existing(global, &config).await?;
        let filter = Filter {
            text: arguments.words.join(" "),
            label: arguments.label,
            law: arguments.law.clone(),
            format: arguments.of_format,
            study: arguments.study.clone(),
            jurisdiction: arguments.jurisdiction.clone(),
            identifier: arguments.identifier,
            ..Filter::default()
        };
        let page = data
            .catalogue
            .search(&filter, None, arguments.limit)
            .await
            .map_err(|error| Failure::failed("store", error))?;
        let mut out = std::io::stdout().lock();
        let mut lines = Vec::new();
        for object in &page.objects {
            let labels: Vec<&str> = object.labels.iter().map(|label| label.as_str()).collect();
            lines.push(match arguments.format {
                ListFormat::Json => json!({
                    "id": object.id, "object": object.path, "format": object.format, "bytes": object.bytes,
                    "labels": labels, "study": object.study, "subjects": object.subjects, "risk": object.risk,
                    "state": object.state,
                })
                .to_string(),
                ListFormat::Text => format!(
                    "{:>8}  {:>9}  {:>7} people  {:<36}  {}",
                    object.id,
                    size(object.bytes),
                    object.subjects,
                    labels.join(","),
                    printable(&object.path)
                ),
            });
        }
        if arguments.format == ListFormat::Text {
            lines.push(format!("{} of {} objects, those with most at stake first", page.objects.len(), page.matches));
        }
        print(&mut out, &lines)
    })
}

pub(crate) fn print(out: &mut dyn Write, lines: &[String]) -> Result<Outcome, Failure> {
    for line in lines {
        match writeln!(out, "{line}") {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Outcome::Done),
            other => other.map_err(|error| Failure::failed("output", error))?,
        }
    }
    Ok(Outcome::Done)
}

pub(crate) fn label(global: &Global, arguments: &LabelArgs) -> Result<Outcome, Failure> {
    let config = Config::read(global.config.as_deref())?;
    runtime()?.block_on(async {
        let data = Data::open_existing(global, &config).await?;
        let added = arguments.add.iter().map(|label| (*label, Action::Add));
        for (label, action) in added.chain(arguments.remove.iter().map(|label| (*label, Action::Remove))) {
            let correction = Correction {
                object_id: arguments.object,
                label,
                action,
                reason: arguments.reason.clone(),
                person: arguments.by.clone(),
            };
            data.catalogue.correct(&correction, now()).await.map_err(|error| Failure::failed("label", error))?;
        }
        Ok(Outcome::Done)
    })
}

pub(crate) fn schedule(global: &Global, command: &ScheduleCommand) -> Result<Outcome, Failure> {
    let config = Config::read(global.config.as_deref())?;
    runtime()?.block_on(async {
        let data = Data::open(global, &config).await?;
        let inspector = Inspector::embedded(InspectOptions::default(), data.key.clone())
            .map_err(|error| Failure::failed("content", error))?;
        let desk = Desk::new(Scanner::new(Arc::clone(&data.catalogue), inspector, ScanOptions::new(clock())));
        let mut out = std::io::stdout().lock();
        match command {
            ScheduleCommand::Add { source: typed, rule } => {
                let source = source(typed.as_ref())?;
                let id = desk.add(&source).await.map_err(|error| Failure::failed("schedule", error))?;
                let id = desk.schedule(id, rule).await.map_err(|error| Failure::usage(error.to_string()))?;
                print(&mut out, &[format!("schedule {id}: {source}, {rule}")])
            }
            ScheduleCommand::Remove { id } => {
                desk.unschedule(*id).await.map_err(|error| Failure::failed("schedule", error))?;
                Ok(Outcome::Done)
            }
            ScheduleCommand::List { format } => {
                let failed = |error| Failure::failed("schedule", error);
                let sources = data.catalogue.sources().await.map_err(failed)?;
                let mut lines = Vec::new();
                for schedule in desk.schedules().await.map_err(failed)? {
                    let known = sources.iter().find(|source| source.id == schedule.source_id);
                    let location = known.map_or("", |source| source.location.as_str());
                    lines.push(match format {
                        ListFormat::Json => json!({
                            "id": schedule.id, "source": location, "rule": schedule.rule,
                            "next_due_at": schedule.next_due_at.map(time), "last_run_at": schedule.last_run_at.map(time),
                        })
                        .to_string(),
                        ListFormat::Text => format!(
                            "{:>5}  {:<24}  next {}  {}",
                            schedule.id,
                            schedule.rule,
                            schedule.next_due_at.map_or_else(|| "-".to_owned(), time),
                            printable(location)
                        ),
                    });
                }
                print(&mut out, &lines)
            }
        }
    })
}

/// RFC 3339, UTC, to the second.
fn time(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds)
        .map_or_else(|_| "-".to_owned(), |t| t.strftime("%FT%TZ").to_string())
}

pub(crate) fn invite(global: &Global, arguments: &InviteArgs) -> Result<Outcome, Failure> {
    let config = Config::read(global.config.as_deref())?;
    runtime()?.block_on(async {
        let data = Data::open(global, &config).await?;
        let token = random_bytes().map_err(|error| Failure::failed("randomness", error))?;
        let path = console::invite(data.catalogue.store(), arguments.role, token, now())
            .await
            .map_err(|error| Failure::failed("store", error))?;
        let listen = arguments.listen.or(config.listen).unwrap_or(LISTEN);
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let line = format!("{scheme}://{listen}{path}");
        print(&mut std::io::stdout().lock(), &[line])
    })
}

pub(crate) fn recognizers(arguments: &RecognizersArgs) -> Result<Outcome, Failure> {
    let engine = Engine::embedded().map_err(|error| Failure::failed("content", error))?;
    let mut lines = Vec::new();
    for spec in engine.recognizers().filter(|spec| arguments.kind.is_none_or(|kind| kind == spec.kind)) {
        lines.push(match arguments.format {
            ListFormat::Json => json!({
                "id": spec.id, "type": spec.kind, "subtype": spec.subtype, "name": spec.name,
                "countries": spec.countries, "laws": spec.laws, "citation": spec.citation,
                "source_date": spec.source_date, "checked": spec.checked, "uncertain": spec.uncertain,
            })
            .to_string(),
            ListFormat::Text => {
                format!(
                    "{:<22} {:<34} {:<8} {} ({})",
                    spec.kind,
                    spec.id,
                    spec.countries.join(","),
                    spec.name,
                    spec.citation
                )
            }
        });
    }
    print(&mut std::io::stdout().lock(), &lines)
}
