//! `bench ledger`: durable appends, their latency, the audit, and a proof among a hundred million entries.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ::ledger::verify::merkle::{Hash, sha256};
use ::ledger::verify::proof::{ProofError, Tiles, inclusion};
use ::ledger::verify::tile::Tile;
use ::ledger::verify::{Folder, Mode, Pins, audit};
use ::ledger::{Clock, Keys, Ledger, Random, Settings};
use anyhow::{Context as _, Result, bail};
use model::event::{Activity, Actor, Detail};
use model::{Answer, Envelope, EnvelopeError, Event, ObjectId, PrincipalId, PrincipalKind, Scope};

use crate::cost::{Cost, measure};
use crate::table::{self, Line, Style};

/// Appends that wait at any time.
const IN_FLIGHT: u64 = 4096;
/// Appends that are measured.
const ENTRIES: u64 = 400_000;
/// Appends one after the other.
const ALONE: u32 = 200;
/// Entries of the tree that a proof is made in.
const LARGE: u64 = 100_000_000;
const PROOFS: u64 = 200;

/// Adds what a seal adds in length; its cost is the vault's bench.
struct NoSeal;

impl Envelope for NoSeal {
    fn seal<'a>(&'a self, _: &'a Scope, _: &'a [u8], plain: &'a [u8]) -> Answer<'a, Result<Vec<u8>, EnvelopeError>> {
        Box::pin(async move { Ok([&[0; 60], plain].concat()) })
    }

    fn open<'a>(&'a self, _: &'a Scope, _: &'a [u8], sealed: &'a [u8]) -> Answer<'a, Result<Vec<u8>, EnvelopeError>> {
        Box::pin(async move { Ok(sealed.to_vec()) })
    }
}

struct System(Instant);

impl Clock for System {
    fn wall_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn random() -> Arc<dyn Random> {
    Arc::new(|bytes: &mut [u8]| -> io::Result<()> {
        rand::TryRngCore::try_fill_bytes(&mut rand::rngs::OsRng, bytes).map_err(io::Error::other)
    })
}

pub fn run() -> Result<()> {
    // Beside the build, on the disk that the program will run on: a folder in memory would know no sync.
    let root = tempfile::tempdir_in("target").context("run it from the repository")?;
    let style = Style::Text;
    table::head(style)?;
    let sync_ms = sync_ms(root.path())?;
    print(
        style,
        "one-fsync",
        sync_ms,
        "ms",
        None,
        Cost { cpu_seconds: 0.0, wall: Duration::ZERO, peak_bytes: 0 },
        "append 1 KB, fdatasync; median",
    )?;
    let folder = root.path().join("ledger");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ledger = Arc::new(Ledger::open(settings(&folder, root.path())?)?);
    runtime.block_on(many(&ledger, IN_FLIGHT * 4))?;
    let ((seconds, mut waits), cost) = measure(|| runtime.block_on(many(&ledger, ENTRIES)))?;
    waits.sort_unstable();
    let at = |share: f64| waits.get(index(waits.len(), share)).copied().unwrap_or_default().as_secs_f64() * 1000.0;
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = ENTRIES as f64 / seconds;
    print(
        style,
        "durable-appends",
        rate,
        "entries/s",
        Some(50_000.0),
        cost,
        "4,096 in flight, one detail each, wall time",
    )?;
    print(style, "acknowledged-p50", at(0.5), "ms", None, cost, "")?;
    print(style, "acknowledged-p99", at(0.99), "ms", Some(100.0), cost, "")?;
    let (mut alone, cost) = measure(|| runtime.block_on(one_by_one(&ledger)))?;
    alone.sort_unstable();
    let median = alone.get(index(alone.len(), 0.5)).copied().unwrap_or_default().as_secs_f64() * 1000.0;
    let note = format!("{:.1} fsyncs, at most 2 wanted", median / sync_ms);
    print(style, "alone-p50", median, "ms", Some(2.0 * sync_ms), cost, &note)?;
    runtime.block_on(ledger.publish())?;
    drop(ledger);
    let (report, cost) = measure(|| Ok(audit(&Folder::new(&folder), Mode::Closed, &Pins::default())?))?;
    if !report.holds() {
        bail!("the ledger does not hold: {report}");
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = report.durable as f64 / cost.cpu_seconds;
    let note = format!(
        "{} entries of {} bytes, one thread, per CPU-second",
        report.durable,
        report.entry_bytes / report.durable.max(1)
    );
    print(style, "verified", rate, "entries/s", Some(500_000.0), cost, &note)?;
    proofs(style)
}

fn print(
    style: Style,
    name: &str,
    value: f64,
    unit: &'static str,
    target: Option<f64>,
    cost: Cost,
    note: &str,
) -> Result<()> {
    let Cost { cpu_seconds, peak_bytes, .. } = cost;
    table::line(
        style,
        &Line { name: name.to_owned(), value, unit, target, cpu_seconds, peak_bytes, note: note.to_owned() },
    )
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
fn index(count: usize, share: f64) -> usize {
    (count as f64 * share) as usize
}

fn settings(folder: &Path, root: &Path) -> Result<Settings> {
    let random = random();
    Ok(Settings {
        folder: folder.to_path_buf(),
        keys: Keys::open(&root.join("ledger.key"), "bench.example/ledger", &*random)?,
        envelope: Arc::new(NoSeal),
        token_key: [1; 32].into(),
        clock: Arc::new(System(Instant::now())),
        random,
        publish_every: Duration::from_secs(1),
    })
}

fn event(number: u64) -> Event {
    let mut event = Event::new(Activity::Download, 1_790_000_000_000, "s3");
    let id = PrincipalId::from_bytes([1; 16]);
    event.actor = Some(Actor { id, kind: PrincipalKind::Person, credential: Some("LZ0123456789ABCDEF".to_owned()) });
    let object = ObjectId::from_bytes(u128::from(number).to_be_bytes());
    event.resource.object = Some(object);
    event.resource.bytes = Some(number);
    event.details =
        vec![Detail { field: "object.name".into(), scope: Scope::Object(object), value: format!("scan-{number}.dcm") }];
    event
}

/// Appends with [`IN_FLIGHT`] waiting at any time. Gives the seconds and how long each waited.
async fn many(ledger: &Arc<Ledger>, count: u64) -> Result<(f64, Vec<Duration>)> {
    let next = Arc::new(AtomicU64::new(0));
    let clock = Instant::now();
    let tasks: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            let (ledger, next) = (Arc::clone(ledger), Arc::clone(&next));
            tokio::spawn(async move {
                let mut waits = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return Ok::<_, ::ledger::LedgerError>(waits);
                    }
                    let clock = Instant::now();
                    ledger.append(event(number)).await?;
                    waits.push(clock.elapsed());
                }
            })
        })
        .collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await??);
    }
    Ok((clock.elapsed().as_secs_f64(), waits))
}

async fn one_by_one(ledger: &Ledger) -> Result<Vec<Duration>> {
    let mut waits = Vec::new();
    for number in 0..ALONE {
        let clock = Instant::now();
        ledger.append(event(u64::from(number))).await?;
        waits.push(clock.elapsed());
    }
    Ok(waits)
}

fn sync_ms(folder: &Path) -> Result<f64> {
    use std::io::Write as _;
    let mut file = std::fs::File::create(folder.join("sync"))?;
    let mut waits = Vec::new();
    for _ in 0..ALONE {
        let clock = Instant::now();
        file.write_all(&[1; 1024])?;
        file.sync_data()?;
        waits.push(clock.elapsed());
    }
    waits.sort_unstable();
    Ok(waits.get(waits.len() / 2).copied().unwrap_or_default().as_secs_f64() * 1000.0)
}

/// Tiles made up when they are asked for, as large as the real ones.
struct MadeUp;

impl Tiles for MadeUp {
    fn hashes(&self, tile: &Tile) -> Result<Vec<Hash>, ProofError> {
        let base = [tile.index.to_be_bytes(), u64::from(tile.level.unwrap_or(255)).to_be_bytes()].concat();
        Ok(vec![sha256(&base); usize::from(tile.width)])
    }
}

fn proofs(style: Style) -> Result<()> {
    let (length, cost) = measure(|| {
        let mut length = 0;
        for number in 0..PROOFS {
            length += inclusion(&MadeUp, number * 499_979 % LARGE, LARGE)?.len();
        }
        Ok(length)
    })?;
    #[expect(clippy::cast_precision_loss, reason = "milliseconds for people")]
    let ms = cost.wall.as_secs_f64() * 1000.0 / PROOFS as f64;
    let note = format!("100 million entries, made-up tiles, {} hashes", length as u64 / PROOFS);
    print(style, "inclusion-proof", ms, "ms", None, cost, &note)
}
