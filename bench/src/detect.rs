//! `bench detect`: Sigma rules over logs, correlations, behaviour.
//!
//! The rules and logs are the shared test data, read where they lie; a bench without them says so. Records reach the engine
//! as they do in `lazaret detect`, through `intake`, on one thread unless the name says otherwise.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail};
use behaviour::{Behaviour, parse_event};
use detect::correlate::{Bound, Correlator};
use detect::library::Library;
use detect::logsource::Logsources;
use detect::rule::{Document, parse};
use detect::test::Placeholders;
use detect::{Engine, Ruleset};
use intake::{Limits, Problem, Record, Sink};

use crate::cost::{Cost, measure};
use crate::table::{self, Line, Style};

const DISTINCT: i64 = 1_000_000;
const ENTITIES: u64 = 1_000_000;

pub fn run(arguments: &[String]) -> Result<()> {
    let (mut style, mut peers, mut data) = (Style::Text, false, PathBuf::from("../shared"));
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        match (option.as_str(), option.as_str() == "--peers") {
            (_, true) => peers = true,
            ("--format", _) => {
                style = if rest.next().is_some_and(|value| value == "json") { Style::Json } else { Style::Text }
            }
            ("--data", _) => data = rest.next().context("`--data` takes a folder")?.into(),
            (other, _) => bail!("`bench detect` takes `--data DIR`, `--peers` and `--format text|json`, not `{other}`"),
        }
    }
    let rules_folder = data.join("sigma/rules");
    let (library, loading) = measure(|| Ok(Library::load(std::slice::from_ref(&rules_folder), &Placeholders::new())?))?;
    let count = library.rules.len();
    let (set, compiling) = measure(|| ruleset(library))?;
    table::head(style)?;
    let both = Cost {
        cpu_seconds: loading.cpu_seconds + compiling.cpu_seconds,
        wall: loading.wall + compiling.wall,
        peak_bytes: compiling.peak_bytes,
    };
    table::line(
        style,
        &line(
            "detect-load",
            both.wall.as_secs_f64() * 1000.0,
            "ms",
            Some(500.0),
            &both,
            &format!("{count} rules read and made ready, wall time"),
        ),
    )?;
    let folder = tempfile::tempdir()?;
    let once = folder.path().join("once.ndjson");
    unpack(&data.join("logs/windows-20k.ndjson.zst"), &once)?;
    let five = folder.path().join("five.ndjson");
    let text = std::fs::read(&once)?;
    std::fs::write(&five, text.repeat(5))?;
    drop(text);
    ndjson(style, "detect-ndjson-20k", &set, &once, None, "every value is new once")?;
    ndjson(style, "detect-ndjson-100k", &set, &five, Some(200_000.0), "the same five times over")?;
    two_threads(style, &set, &five)?;
    evtx(style, &set, &data.join("logs/evtx"))?;
    value_count(style)?;
    behaviour(style)?;
    if peers {
        rsigma(style, &rules_folder, &five)?;
    }
    Ok(())
}

fn line(name: &str, value: f64, unit: &'static str, target: Option<f64>, cost: &Cost, note: &str) -> Line {
    Line {
        name: name.to_owned(),
        value,
        unit,
        target,
        cpu_seconds: cost.cpu_seconds,
        peak_bytes: cost.peak_bytes,
        note: note.to_owned(),
    }
}

fn ruleset(library: Library) -> Result<Ruleset> {
    Ruleset::new(library.rules, Logsources::shipped()?, &[]).map_err(|why| anyhow!(why))
}

fn unpack(from: &Path, to: &Path) -> Result<()> {
    let packed = std::fs::File::open(from)
        .with_context(|| format!("`{}` is missing; `--data` names the shared data", from.display()))?;
    zstd::stream::copy_decode(packed, std::fs::File::create(to)?)?;
    Ok(())
}

/// Tries rules on records; without an engine it only counts them.
struct Trying<'r> {
    engine: Option<Engine<'r>>,
    events: u64,
    matches: u64,
}

impl<'r> Trying<'r> {
    fn new(rules: Option<&'r Ruleset>) -> Self {
        Self { engine: rules.map(Engine::new), events: 0, matches: 0 }
    }

    fn read(mut self, path: &Path) -> Result<Self> {
        intake::read_file(path, &Limits::default(), &mut self)?;
        Ok(self)
    }
}

impl Sink for Trying<'_> {
    fn record(&mut self, record: Record<'_>) -> ControlFlow<()> {
        self.events += 1;
        if let Some(engine) = &mut self.engine {
            let matches = &mut self.matches;
            // What is no JSON object inside matches nothing, and is counted as an event all the same.
            let _tried = engine.evaluate("windows", record.json, &mut |_, _| *matches += 1);
        }
        ControlFlow::Continue(())
    }

    fn problem(&mut self, _: Problem) {}
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
fn ndjson(style: Style, name: &str, rules: &Ruleset, path: &Path, target: Option<f64>, note: &str) -> Result<()> {
    let (done, cost) = measure(|| Trying::new(Some(rules)).read(path))?;
    let note = format!("{} events, {} matches; {note}", done.events, done.matches);
    table::line(style, &line(name, done.events as f64 / cost.cpu_seconds, "events/CPU-s", target, &cost, &note))?;
    table::line(
        style,
        &line(&format!("{name}-memory"), cost.peak_bytes as f64 / 1e6, "MB", Some(120.0), &cost, "with the rules"),
    )
}

/// How much faster two threads are than one, each over the whole log.
fn two_threads(style: Style, rules: &Ruleset, path: &Path) -> Result<()> {
    let (_, one) = measure(|| Trying::new(Some(rules)).read(path))?;
    let (done, two) = measure(|| {
        std::thread::scope(|scope| {
            let workers: Vec<_> =
                (0..2).map(|_| scope.spawn(|| Trying::new(Some(rules)).read(path).map(|done| done.events))).collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|_| Err(anyhow!("a thread gave up"))))
                .sum::<Result<u64>>()
        })
    })?;
    let speed_up = 2.0 * one.wall.as_secs_f64() / two.wall.as_secs_f64();
    table::line(
        style,
        &line("detect-two-threads", speed_up, "× of one", Some(1.8), &two, &format!("{done} events, wall time")),
    )
}

fn evtx(style: Style, rules: &Ruleset, folder: &Path) -> Result<()> {
    let mut logs = Vec::new();
    list(folder, &mut logs)?;
    let (records, alone) = measure(|| {
        let mut records = 0_u64;
        for _ in 0..20 {
            for log in &logs {
                let Ok(mut parser) = evtx::EvtxParser::from_path(log) else { continue };
                for record in parser.records_json() {
                    records += u64::from(record.is_ok());
                }
            }
        }
        Ok(records)
    })?;
    let (matches, ours) = measure(|| {
        let mut trying = Trying::new(Some(rules));
        for _ in 0..20 {
            for log in &logs {
                trying = trying.read(log)?;
            }
        }
        Ok(trying.matches)
    })?;
    let note = format!(
        "{} logs twenty times over, {records} records, {matches} matches; the parser alone takes {:.2} CPU s",
        logs.len(),
        alone.cpu_seconds
    );
    table::line(
        style,
        &line("detect-evtx", alone.cpu_seconds * 1.5 / ours.cpu_seconds, "of 1.5× the parser", Some(1.0), &ours, &note),
    )
}

fn list(folder: &Path, logs: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("`{}` is missing", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, logs)?;
        } else if path.extension().is_some_and(|extension| extension == "evtx") {
            logs.push(path);
        }
    }
    logs.sort();
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
fn value_count(style: Style) -> Result<()> {
    let text = "title: c\nid: c\ncorrelation:\n  type: value_count\n  rules: [r]\n  group-by: [user]\n  timespan: 1h\n  condition: {gte: 100000000, field: host}\n";
    let correlations: Vec<_> = parse(text, &Placeholders::new())
        .0
        .into_iter()
        .filter_map(
            |document| if let Document::Correlation(correlation) = document { Some(*correlation) } else { None },
        )
        .collect();
    let (kept, cost) = measure(|| {
        let mut correlator = Correlator::new(&correlations, Bound::default());
        for at in 0..DISTINCT {
            let value = |field: &str| Some(if field == "user" { "u".to_owned() } else { format!("host-{at}") });
            correlator.take("r", None, (0, at), &value);
        }
        Ok(correlator.kept())
    })?;
    table::line(
        style,
        &line(
            "value-count",
            DISTINCT as f64 / cost.cpu_seconds,
            "events/CPU-s",
            Some(300_000.0),
            &cost,
            &format!("{kept} distinct values in one window"),
        ),
    )
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
fn behaviour(style: Style) -> Result<()> {
    let (entities, cost) = measure(|| {
        let mut watch = Behaviour::new(behaviour::Options::default());
        for who in 0..ENTITIES {
            let second = who * 86_400 / ENTITIES;
            let time = format!("2026-01-05T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60);
            let event = format!(
                r#"{{"time":"{time}","principal":"u{who}","action":"read","object":"edc/{who}","study":"ST-1","host":"h{who}"}}"#
            );
            watch.update(&parse_event(event.as_bytes())?);
        }
        watch.finish();
        Ok(watch.ranking().len())
    })?;
    let note = format!("{ENTITIES} entities, one event each, parsed; {entities} ranked");
    table::line(
        style,
        &line("behaviour", ENTITIES as f64 / cost.cpu_seconds, "updates/CPU-s", Some(200_000.0), &cost, &note),
    )?;
    table::line(
        style,
        &line("behaviour-memory", cost.peak_bytes as f64 / 1e6, "MB", Some(2_000.0), &cost, "one day open"),
    )
}

/// The peer, where `cargo install rsigma` has put it on the path.
fn rsigma(style: Style, rules: &Path, log: &Path) -> Result<()> {
    let (status, cost) = measure(|| {
        let started = std::time::Instant::now();
        let status = Command::new("rsigma")
            .args(["engine", "eval", "--logsource-routing", "--rules"])
            .arg(rules)
            .arg("--event")
            .arg(format!("@{}", log.display()))
            .stdout(std::process::Stdio::null())
            .status()
            .context("`rsigma` is not on the path; `cargo install rsigma` brings it")?;
        Ok((status, started.elapsed()))
    })?;
    let note = format!(
        "exit {:?}, wall time with its start: it is another process, whose processor time is not counted here",
        status.0.code()
    );
    table::line(style, &line("rsigma", 100_000.0 / status.1.as_secs_f64(), "events/s", None, &cost, &note))
}
