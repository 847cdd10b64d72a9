//! `bench lake`: events of the guard's shape through the row path into a sealed lake; its size against the raw JSON, and questions.
//! `--events N` changes the number of events, `--keep DIR` leaves the lake there and measures questions alone when it is run again.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::lake::{Checkpoint, Lake, LakeKey, Opened, Snapshot, rows_of};
use anyhow::{Context as _, Result};
use hunt::{Answered, HuntError, Limits, Sink, Sources};
use model::event::{Activity, Actor, Outcome};
use model::{Action, Event, Label, ObjectId, PrincipalId, PrincipalKind, VersionId};
use rand::rngs::StdRng;
use rand::{Rng as _, RngCore as _, SeedableRng as _};
use verify::entry::{self, Header, Kind, Sealed};

use crate::cost::{Cost, measure};
use crate::table::{self, Line, Style};

/// Events unless told otherwise.
pub(crate) const EVENTS: u64 = 10_000_000;
/// Entries that the guard reads at a time.
const BATCH: u64 = 4096;
/// 2026-09-01T00:00:00Z, and a day.
const BEGIN_MS: i64 = 1_788_220_800_000;
const DAY_MS: i64 = 86_400_000;
/// The season that the events are spread over.
const DAYS: i64 = 90;
const PRINCIPALS: usize = 400;
const STUDIES: usize = 60;
const OBJECTS: usize = 100_000;
/// Downloads at a time.
const SENDING: usize = 200;
const SEED: u64 = 20_261_129;
/// Bytes of a sealed name of an object, as in the ledger.
const SEALED_NAME_BYTES: usize = 96;

/// What events are drawn from.
pub(crate) struct World {
    random: StdRng,
    principals: Vec<(PrincipalId, PrincipalKind, String)>,
    objects: Vec<(ObjectId, VersionId, usize, Vec<Label>, u64, String)>,
    /// Downloads that have not ended yet.
    sending: VecDeque<Event>,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut random = StdRng::seed_from_u64(SEED);
        let mut id = {
            let mut random = StdRng::seed_from_u64(SEED + 1);
            move || {
                let mut bytes = [0; 16];
                random.fill_bytes(&mut bytes);
                bytes
            }
        };
        let kinds = [PrincipalKind::Person, PrincipalKind::Person, PrincipalKind::Service, PrincipalKind::Partner];
        let principals = (0..PRINCIPALS)
            .zip(kinds.into_iter().cycle())
            .map(|(at, kind)| (PrincipalId::from_bytes(id()), kind, format!("LZAK{at:016}")))
            .collect();
        let labels = [
            vec![Label::PhiDirect, Label::SpecialHealth],
            vec![Label::TrialSubject],
            vec![Label::SpecialGenetic, Label::TrialSubject],
            vec![Label::IpCompound],
            vec![],
        ];
        let objects = (0..OBJECTS)
            .zip(labels.into_iter().cycle())
            .map(|(at, labels)| {
                let bytes = random.random_range(1_000..50_000_000);
                let (object, version) = (ObjectId::from_bytes(id()), VersionId::from_bytes(id()));
                (object, version, at % STUDIES, labels, bytes, format!("visits/site-{}/subject-{at:06}.csv", at % 97))
            })
            .collect();
        Self { random, principals, objects, sending: VecDeque::new() }
    }

    /// All objects: object, version, study and name.
    pub(crate) fn objects(&self) -> impl Iterator<Item = (ObjectId, VersionId, String, &str)> {
        self.objects.iter().map(|(object, version, study, .., name)| (*object, *version, study_name(*study), &**name))
    }

    /// The id of a principal, by number.
    pub(crate) fn principal(&self, at: usize) -> PrincipalId {
        self.principals[at].0
    }

    /// The next event, as the guard records them: a download and, some others later, its end; listings; uploads, which alone
    /// name their object; deletions. The name of the object where it is told.
    fn event(&mut self, time_ms: i64) -> (Event, Option<String>) {
        if (self.sending.len() >= SENDING || (!self.sending.is_empty() && self.random.random_range(0..5) < 2))
            && let Some(mut event) = self.sending.pop_front()
        {
            event.time_ms = time_ms;
            event.activity = Activity::Released;
            return (event, None);
        }
        let random = &mut self.random;
        let (who, what) = (random.random_range(0..PRINCIPALS), random.random_range(0..OBJECTS));
        let activity = match random.random_range(0..60) {
            0..40 => Activity::Download,
            40..54 => Activity::Look,
            54..59 => Activity::Upload,
            _ => Activity::Delete,
        };
        let mut event = Event::new(activity, time_ms, "s3");
        let mut request = [0; 16];
        random.fill_bytes(&mut request);
        event.origin.request = Some(request.iter().map(|byte| format!("{byte:02x}")).collect());
        event.origin.ip = format!("10.{}.{}.{}", who % 4, who / 20, who % 20 + 1).parse().ok();
        let (id, kind, credential) = &self.principals[who];
        event.actor = Some(Actor { id: *id, kind: *kind, credential: Some(credential.clone()) });
        let (object, version, study, labels, bytes, name) = &self.objects[what];
        event.resource.study = study_name(*study).parse().ok();
        event.policies = vec!["grant".to_owned()];
        let is_refused = random.random_range(0..50) == 0;
        if is_refused {
            event.outcome = Outcome::Failure { code: "policy:no-grant".into() };
        }
        if activity == Activity::Look {
            event.action = Some(Action::List);
            return (event, None);
        }
        event.action = Some(if activity == Activity::Upload { Action::Write } else { Action::Read });
        event.resource.object = Some(*object);
        event.resource.version = Some(*version);
        event.resource.labels.clone_from(labels);
        event.resource.bytes = Some(*bytes);
        event.resource.subjects = Some(*bytes % 900);
        if activity == Activity::Download && !is_refused {
            event.resource.range = Some((0, *bytes - 1));
            self.sending.push_back(event.clone());
        }
        (event, (activity == Activity::Upload).then(|| name.clone()))
    }
}

fn study_name(number: usize) -> String {
    format!("onc-{number:03}")
}

/// An entry as the ledger gives it, its detail opened, and the length of its JSON.
fn opened(world: &mut World, index: u64, time_ms: i64) -> Result<(Opened, u64)> {
    let (event, name) = world.event(time_ms);
    let json = serde_json::to_string(&event)?;
    let scope = event.resource.object.map(|object| model::Scope::Object(object).to_string()).unwrap_or_default();
    let sealed = [7; SEALED_NAME_BYTES];
    let detail = Sealed { field: "object.name", scope: &scope, token: [1; 32], commitment: [2; 32], sealed: &sealed };
    let body = entry::event(&json, &[detail])?;
    let header = Header { writer: [1; 16], sequence: index, time_ms, monotonic_ms: index, drift_ms: 0 };
    let bytes = entry::encode(&header, Kind::Event, &body)?;
    let detail = |name| ::lake::Detail { field: "object.name".to_owned(), scope: scope.clone(), value: Some(name) };
    let details = name.map(detail).into_iter().collect();
    Ok((Opened { index, bytes, details }, json.len() as u64))
}

fn random() -> ::lake::Random {
    Arc::new(|bytes: &mut [u8]| {
        rand::TryRngCore::try_fill_bytes(&mut rand::rngs::OsRng, bytes).map_err(std::io::Error::other)
    })
}

pub(crate) fn key() -> LakeKey {
    LakeKey::new([5; 32])
}

pub fn run(arguments: &[String]) -> Result<()> {
    let value = |name: &str| arguments.iter().skip_while(|one| *one != name).nth(1);
    let events = value("--events").map_or(Ok(EVENTS), |text| text.parse()).context("`--events` takes a number")?;
    // Beside the build, on the disk that the program will run on.
    let made = tempfile::tempdir_in("target").context("run it from the repository")?;
    let kept = value("--keep").map(PathBuf::from);
    let folder = kept.clone().unwrap_or_else(|| made.path().join("lake"));
    let style = Style::Text;
    table::head(style)?;
    if !folder.join(::lake::MANIFEST).exists() {
        fill(style, &folder, events)?;
    }
    questions(style, &folder)
}

/// Fills the lake as the guard does: batches that are appended, and merged as they come.
pub(crate) fn fill(style: Style, folder: &Path, events: u64) -> Result<()> {
    let mut world = World::new();
    let mut raw = 0;
    let mut making = Duration::ZERO;
    let ((), cost) = measure(|| {
        let mut lake = Lake::open(folder, key(), random())?;
        while lake.next_index() < events {
            let from = lake.next_index();
            let to = events.min(from + BATCH);
            let began = std::time::Instant::now();
            let entries: Vec<Opened> = (from..to)
                .map(|index| {
                    let time_ms = BEGIN_MS
                        + i64::try_from(
                            u128::from(index) * (DAYS * DAY_MS).unsigned_abs() as u128 / u128::from(events),
                        )?;
                    let (entry, bytes) = opened(&mut world, index, time_ms)?;
                    raw += bytes;
                    Ok(entry)
                })
                .collect::<Result<_>>()?;
            making += began.elapsed();
            lake.append(&rows_of(&entries), &Checkpoint { size: events, note: String::new() })?;
            lake.compact(::lake::Limits { grace_ms: 0, ..::lake::Limits::default() }, i64::MAX)?;
        }
        Ok(())
    })?;
    let snapshot = Snapshot::open(folder, key())?;
    let (bytes, segments) = (snapshot.manifest.bytes(), snapshot.manifest.segments.len());
    #[expect(clippy::cast_precision_loss, reason = "numbers for people")]
    let (share, rate, per_row) = (
        bytes as f64 / raw as f64 * 100.0,
        events as f64 / (cost.cpu_seconds - making.as_secs_f64()).max(0.001),
        bytes as f64 / events as f64,
    );
    let note = format!("of {raw} bytes of JSON; {per_row:.1} bytes a row, {segments} segments");
    print(style, "size-of-raw", share, "%", Some(10.0), cost, &note)?;
    let note = format!("{events} events, with merging, without making them ({:.0} s)", making.as_secs_f64());
    print(style, "appended", rate, "rows/s", None, cost, &note)
}

/// Everything of one day in the middle of the season.
pub(crate) fn a_day() -> ::lake::Wanted {
    let from = BEGIN_MS + DAYS / 2 * DAY_MS;
    ::lake::Wanted { from_ms: Some(from), to_ms: Some(from + DAY_MS), ..::lake::Wanted::default() }
}

fn questions(style: Style, folder: &Path) -> Result<()> {
    let world = World::new();
    let principal = world.principals[17].0;
    let object = world.objects[4321].0;
    let middle = jiff::Timestamp::from_millisecond(BEGIN_MS + DAYS / 2 * DAY_MS)?;
    let later = jiff::Timestamp::from_millisecond(BEGIN_MS + (DAYS / 2 + 1) * DAY_MS)?;
    let asked = [
        ("count", "SELECT count(*) FROM events".to_owned()),
        ("by-principal", format!("SELECT count(*), sum(bytes) FROM events WHERE principal = '{principal}'")),
        ("by-object", format!("SELECT index, time, principal, object_name FROM events WHERE object = '{object}'")),
        ("by-day", format!("SELECT count(*), sum(bytes) FROM events WHERE time >= '{middle}' AND time < '{later}'")),
        ("by-label", "SELECT count(*), max(subject_count) FROM events WHERE labels LIKE '%special.genetic%' AND status = 'failure'".to_owned()),
        ("by-name", "SELECT count(*) FROM events WHERE object_name LIKE '%subject-0123%'".to_owned()),
        ("all-of-filter", format!("SELECT * FROM events WHERE principal = '{principal}' AND activity = 'delete'")),
        ("newest", "SELECT time, principal, activity, study, object_name FROM events WHERE status = 'failure' ORDER BY time DESC LIMIT 100".to_owned()),
        ("group-by", "SELECT principal, count(*) AS n, sum(bytes) AS bytes FROM events WHERE activity = 'download' GROUP BY principal ORDER BY bytes DESC LIMIT 20".to_owned()),
        ("distinct", "SELECT principal, count(DISTINCT object) AS n FROM events WHERE activity = 'download' GROUP BY principal ORDER BY n DESC LIMIT 20".to_owned()),
    ];
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    let limits = Limits { threads, timeout: Duration::from_secs(600), ..Limits::default() };
    for (name, sql) in asked {
        // The first time brings the lake's file into the system's memory.
        let mut best: Option<(Answered, Cost)> = None;
        for _ in 0..3 {
            let (answered, cost) = measure(|| {
                let lake = Some(Snapshot::open(folder, key())?);
                let sources = Sources { lake, ..Sources::default() };
                Ok(runtime.block_on(hunt::answer(sources, &sql, &[], limits, &mut Nowhere))?)
            })?;
            if best.as_ref().is_none_or(|(_, known)| cost.wall < known.wall) {
                best = Some((answered, cost));
            }
        }
        let Some((answered, cost)) = best else { continue };
        let note = format!("{} rows; {:.2} CPU-seconds; {sql:.60}", answered.rows, cost.cpu_seconds);
        let target = name.starts_with("by-").then_some(1000.0);
        print(style, name, cost.wall.as_secs_f64() * 1000.0, "ms", target, cost, &note)?;
    }
    Ok(())
}

/// Takes an answer and keeps nothing of it.
struct Nowhere;

impl Sink for Nowhere {
    fn begin(&mut self, _schema: &arrow_schema::SchemaRef) -> Result<(), HuntError> {
        Ok(())
    }
    fn rows(&mut self, _batch: &arrow_array::RecordBatch) -> Result<(), HuntError> {
        Ok(())
    }
    fn end(&mut self) -> Result<(), HuntError> {
        Ok(())
    }
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
