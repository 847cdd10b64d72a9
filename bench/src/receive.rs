//! `bench receive`: records of other systems at a fixed rate, through TCP syslog and pushes, into a real ledger with the
//! vault's seals, in a process of its own; then the same with the process killed midway. What the ledger holds in the end is
//! counted record by record: the token of each record's text stands in its entry.

mod load;
mod serve;

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use guard::Guarded;
use ledger::verify::entry::{self, Body};

use crate::table::{self, Line, Style};
use load::{Load, Sent};
use serve::Server;
pub use serve::serve;

/// Records a second, unless told otherwise.
const RATE: u64 = 10_000;
/// Seconds at that rate, unless told otherwise.
const SECONDS: u64 = 180;
/// Seconds of load around the kill.
const KILL_SECONDS: u64 = 20;
/// How long the server may take for what waits.
const DRAIN_MAX: Duration = Duration::from_secs(300);

struct Options {
    seconds: u64,
    rate: u64,
    style: Style,
}

fn options(arguments: &[String]) -> Result<Options> {
    let mut options = Options { seconds: SECONDS, rate: RATE, style: Style::Text };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let value = rest.next().with_context(|| format!("`{argument}` wants a value"))?;
        match argument.as_str() {
            "--seconds" => options.seconds = value.parse()?,
            "--rate" => options.rate = value.parse()?,
            "--format" if value == "json" => options.style = Style::Json,
            _ => bail!("`bench receive` takes `--seconds N`, `--rate N` and `--format json`"),
        }
    }
    Ok(options)
}

pub fn run(arguments: &[String]) -> Result<()> {
    let Options { seconds, rate, style } = options(arguments)?;
    // Beside the build, on the disk that the program will run on: a folder in memory would know no sync.
    let folder = tempfile::tempdir_in("target").context("run it from the repository")?;
    table::head(style)?;
    let mut sent = Sent::default();
    let server = Server::start(folder.path())?;
    steady(style, &server, rate, seconds, &mut sent)?;
    let server = killed(folder.path(), server, rate, &mut sent)?;
    server.drain(DRAIN_MAX)?;
    drop(server);
    count(style, folder.path(), &sent)
}

/// The load at a fixed rate.
fn steady(style: Style, server: &Server, rate: u64, seconds: u64, sent: &mut Sent) -> Result<()> {
    let before = server.cost()?;
    let clock = Instant::now();
    let mut load = Load::start(server, rate)?;
    load.run(Duration::from_secs(seconds), sent)?;
    load.finish(sent)?;
    let sending = clock.elapsed();
    server.drain(DRAIN_MAX)?;
    let cost = server.cost()?.since(&before);
    #[expect(clippy::cast_precision_loss, reason = "numbers for people")]
    let (records, wall) = (sent.all() as f64, clock.elapsed().as_secs_f64());
    let drained = wall - sending.as_secs_f64();
    let print = |name: &str, value: f64, unit: &'static str, target: Option<f64>, note: &str| {
        let (name, note) = (name.to_owned(), note.to_owned());
        table::line(
            style,
            &Line { name, value, unit, target, cpu_seconds: cost.cpu_seconds, peak_bytes: cost.peak_bytes, note },
        )
    };
    #[expect(clippy::cast_precision_loss, reason = "numbers for people")]
    let wanted = rate as f64;
    let note = format!(
        "half TCP syslog, half pushes, for {:.1} s; all of it in the ledger {drained:.1} s later, 0.5 to 2 of them the count's",
        sending.as_secs_f64()
    );
    print("receive-rate", records / sending.as_secs_f64(), "records/s", Some(0.97 * wanted), &note)?;
    print("receive-cpu", cost.cpu_seconds / wall, "cores", None, "of the receiving process")?;
    print(
        "receive-memory",
        {
            #[expect(clippy::cast_precision_loss, reason = "numbers for people")]
            let megabytes = cost.peak_bytes as f64 / 1e6;
            megabytes
        },
        "MB",
        None,
        "",
    )?;
    print("push-durable-p50", sent.wait_ms(0.5), "ms", None, "from sending a batch until it is durable in the spool")?;
    print("push-durable-p99", sent.wait_ms(0.99), "ms", None, "")?;
    print("waiting-p50", server.waiting(0.5), "records", None, "in the spool and not in the ledger, once a second")?;
    print("waiting-max", server.waiting(1.0), "records", None, "")
}

/// The load with the server killed in the middle of it, and started again.
fn killed(folder: &Path, server: Server, rate: u64, sent: &mut Sent) -> Result<Server> {
    let mut load = Load::start(&server, rate)?;
    load.run(Duration::from_secs(KILL_SECONDS / 2), sent)?;
    load.until_killed(server, sent)?;
    let server = Server::start(folder)?;
    let mut load = Load::start(&server, rate)?;
    load.run(Duration::from_secs(KILL_SECONDS / 2), sent)?;
    load.finish(sent)?;
    Ok(server)
}

/// Holds the ledger against what was sent.
fn count(style: Style, folder: &Path, sent: &Sent) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let guarded: Guarded = runtime.block_on(serve::open(folder))?;
    runtime.block_on(guarded.ledger.publish())?;
    let mut held: HashMap<[u8; 32], u32> = HashMap::new();
    let (mut at, size) = (0, guarded.ledger.size());
    while at < size {
        let entries = guarded.ledger.read(at..size)?;
        let Some(last) = entries.last() else { break };
        at = last.index + 1;
        for stored in &entries {
            let Body::Event { details, .. } = entry::parse(&stored.bytes)?.body else { continue };
            for detail in details.iter().filter(|detail| detail.field == "raw") {
                *held.entry(detail.token).or_default() += 1;
            }
        }
    }
    let (mut lost, mut doubled, mut in_socket, mut unanswered) = (0_u64, 0_u64, 0_u64, 0_u64);
    sent.each(|text, must| {
        let times = held.get(&guarded.ledger.token("raw", text)).copied().unwrap_or_default();
        doubled += u64::from(times > 1);
        match (times, must) {
            (0, load::Must::Be) => lost += 1,
            (0, load::Must::Socket) => in_socket += 1,
            (0, load::Must::Unanswered) => unanswered += 1,
            _ => {}
        }
    })?;
    let print = |name: &str, value: u64, target: Option<f64>, note: String| {
        #[expect(clippy::cast_precision_loss, reason = "numbers for people")]
        let value = value as f64;
        table::line(
            style,
            &Line { name: name.to_owned(), value, unit: "records", target, cpu_seconds: 0.0, peak_bytes: 0, note },
        )
    };
    print("sent", sent.all(), None, format!("{} entries in the ledger", size))?;
    print("lost", lost, None, "of those acknowledged, or sent while nothing was killed".to_owned())?;
    print("doubled", doubled, None, "of all".to_owned())?;
    print("in-the-socket", in_socket, None, "TCP syslog on its way at the kill, which nobody acknowledges".to_owned())?;
    print("unanswered", unanswered, None, "pushes without an answer at the kill, and not durable".to_owned())?;
    if lost + doubled > 0 {
        bail!("{lost} records were lost and {doubled} doubled");
    }
    Ok(())
}
