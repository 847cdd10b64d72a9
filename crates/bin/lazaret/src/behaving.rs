//! `lazaret behave`: who behaves otherwise than usual, over logs, offline.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use behaviour::{Alert, Behaviour, Options, parse_event};
use intake::{Problem, Record, Sink};
use serde_json::json;

use crate::cli::{BehaveArgs, ListFormat};
use crate::failure::{Failure, Outcome};

/// Takes events in the order of the logs and prints alerts as they come.
struct Watch<W> {
    behaviour: Behaviour,
    out: W,
    format: ListFormat,
    source: String,
    alerts: u64,
    problems: u64,
    failed: Option<std::io::Error>,
}

pub(crate) fn run(arguments: &BehaveArgs) -> Result<Outcome, Failure> {
    if !(arguments.budget.is_finite() && arguments.budget > 0.0) {
        return Err(Failure::usage("`--budget` is a number of alerts above 0"));
    }
    let options = Options { budget_per_1000_person_days: arguments.budget, ..Options::default() };
    let out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut watch = Watch {
        behaviour: Behaviour::new(options),
        out,
        format: arguments.format,
        source: String::new(),
        alerts: 0,
        problems: 0,
        failed: None,
    };
    let limits = intake::Limits::default();
    for path in &arguments.logs {
        watch.source = path.display().to_string();
        if path == Path::new("-") {
            intake::read_stream("-", Box::new(std::io::stdin().lock()), &limits, &mut watch)
        } else {
            intake::read_file(path, &limits, &mut watch)
        }
        .map_err(|error| Failure::failed("logs", error))?;
    }
    let last = watch.behaviour.finish();
    watch.tell(&last);
    let counts = watch.behaviour.counts();
    let ranking: Vec<_> = watch.behaviour.ranking().into_iter().take(arguments.top).collect();
    let summary = match arguments.format {
        ListFormat::Json => {
            let numbers = json!({"events": counts.events, "alerts": watch.alerts, "problems": watch.problems, "late": counts.late, "evicted": counts.evicted, "crowded": counts.crowded, "ranking": ranking});
            json!({ "summary": numbers }).to_string()
        }
        ListFormat::Text => {
            let mut text = format!(
                "{} events, {} alerts; {} records that are no events, {} that came too late",
                counts.events, watch.alerts, watch.problems, counts.late
            );
            for ranked in &ranking {
                text.push_str(&format!("\n{:>6.1}  {}  {}", ranked.score, ranked.day, ranked.entity.escape_debug()));
            }
            text
        }
    };
    watch.line(&summary);
    let flushed = watch.failed.map_or_else(|| watch.out.flush(), Err);
    flushed.map_err(|error| Failure::failed("output", error))?;
    if counts.events == 0 && watch.problems > 0 {
        return Err(Failure::failed("events", anyhow::anyhow!("no record of the logs is an event"))
            .hint("docs/reference/behaviour.md lists the fields"));
    }
    Ok(Outcome::Done)
}

impl<W: Write> Watch<W> {
    fn tell(&mut self, alerts: &[Alert]) {
        for alert in alerts {
            self.alerts += 1;
            let line = match self.format {
                ListFormat::Json => json!(alert).to_string(),
                ListFormat::Text => format!(
                    "{:>6.1}  {}  {}\n        {}",
                    alert.score,
                    alert.time,
                    alert.entity.escape_debug(),
                    alert.why.join("\n        ")
                ),
            };
            self.line(&line);
        }
    }

    fn line(&mut self, line: &str) {
        if let Err(error) = writeln!(self.out, "{line}") {
            self.failed.get_or_insert(error);
        }
    }
}

impl<W: Write> Sink for Watch<W> {
    fn record(&mut self, record: Record<'_>) -> ControlFlow<()> {
        match parse_event(record.json) {
            Ok(event) => {
                let alerts = self.behaviour.update(&event);
                self.tell(&alerts);
            }
            Err(error) => self.problem(Problem { number: record.number, why: error.to_string() }),
        }
        if self.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn problem(&mut self, problem: Problem) {
        self.problems += 1;
        tracing::warn!("`{}`, record {}: {}", self.source.escape_debug(), problem.number, problem.why.escape_debug());
    }
}
