//! The record, watched: entries as they become durable go through rules and the watch over behaviour, and what is seen there
//! becomes findings.
//!
//! Rules run on a thread of their own. Its state is told from the record: at a start the last entries are watched again,
//! without finding anything twice.

pub mod alert;
pub mod ask;
mod look;
mod places;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use detect::library::Library;
use detect::test::Placeholders;
use findings::{Board, Findings, FindingsError, PLACE, Strange};
use jiff::tz::TimeZone;
use ledger::Ledger;
use tokio::sync::{mpsc, oneshot};
use watch::document::{Recorded, document};
use watch::{Closers, Context, Counts, Known, Seen, Sighting, Watcher, own_access};

use crate::{Guarded, outside};
use look::Lookup;

/// A folder of the user's own rules, below the data folder.
pub const RULES: &str = "rules";
/// Where threat intelligence is kept, below the data folder.
pub const INTEL: &str = "intel";
/// Entries that are watched at once.
const BATCH: u64 = 2_048;
/// Batches that wait for the thread.
const WAITING_MAX: usize = 2;
/// Entries before the place that are watched again at a start, so that windows and baselines are what they were.
const AGAIN_MAX: u64 = 2_000_000;
/// How often the record is looked at when nothing is new. An alert is to come within two seconds of its event.
const TICK: Duration = Duration::from_millis(250);
/// How long to wait after something did not answer.
const PAUSE: Duration = Duration::from_secs(5);
/// How often it is looked whether there is new intelligence.
const INTEL_LOOKED: Duration = Duration::from_secs(5);
/// How long intelligence is taken to be as it was read, so that what ended is forgotten.
const INTEL_LIFE: Duration = Duration::from_secs(3_600);
/// How many of the strangest are shown.
const STRANGEST: usize = 100;

/// How the record is watched.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// Alerts of behaviour per 1,000 person-days.
    pub budget: f64,
    /// Where the organisation is, for its hours.
    pub zone: TimeZone,
    /// Who is told of findings.
    pub alerts: Vec<alert::Alerting>,
    /// Where people reach the console, for links.
    pub address: String,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            budget: behaviour::Options::default().budget_per_1000_person_days,
            zone: TimeZone::UTC,
            alerts: Vec::new(),
            address: String::new(),
        }
    }
}

/// Why watching could not begin.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The folder of rules cannot be listed.
    #[error(transparent)]
    Rules(#[from] detect::library::LibraryError),
    /// What is shipped cannot be made ready.
    #[error("rules could not be made ready: {0}")]
    Content(String),
    /// The thread could not begin.
    #[error("the thread that watches could not begin: {0}")]
    Thread(#[from] std::io::Error),
}

/// The watch, not begun yet.
pub struct Watching {
    /// Where findings are kept.
    pub findings: Arc<Findings>,
    /// What is known, and how it fares.
    pub board: Arc<Board>,
    known: Known,
    options: WatchOptions,
}

/// An entry on its way to the thread.
struct Passed {
    entry: u64,
    recorded: Recorded,
    context: Context,
    json: String,
    raw: Option<look::Raw>,
}

struct Job {
    batch: Vec<Passed>,
    reply: oneshot::Sender<Reply>,
}

struct Reply {
    sightings: Vec<Sighting>,
    counts: Counts,
    strangest: Vec<Strange>,
}

impl Guarded {
    /// Makes ready to watch: reads what is shipped and the folder of rules.
    ///
    /// # Errors
    /// When rules cannot be read at all. Single rules that are wrong are told on the board.
    pub fn watching(&self, options: WatchOptions) -> Result<Watching, WatchError> {
        let library = library(&self.data_dir.join(RULES))?;
        let known = Known::of(library).map_err(WatchError::Content)?;
        let findings = Findings::new(
            self.store.clone(),
            Arc::clone(&self.recorder),
            Arc::new(self.vault.clone()),
            known.ranking().clone(),
        );
        Ok(Watching { findings: Arc::new(findings), board: Arc::new(Board::of(&known)), known, options })
    }

    /// Watches the record until `stop` turns true.
    ///
    /// # Errors
    /// When the thread cannot begin. What does not answer later is told and tried again.
    pub async fn keep_watching(
        &self,
        watching: Watching,
        mut stop: tokio::sync::watch::Receiver<bool>,
    ) -> Result<(), WatchError> {
        let Watching { findings, board, known, options } = watching;
        let (jobs, thread) = begin(known, &options, self.data_dir.join(INTEL))?;
        let mut telling = tokio::task::JoinSet::new();
        for alerting in options.alerts {
            telling.spawn(alert::tell(Arc::clone(&findings), alerting, options.address.clone()));
        }
        let mut round = Round {
            ledger: Arc::clone(&self.ledger),
            lookup: Lookup::new(self.store.clone()),
            closers: Arc::clone(&self.closers),
            findings,
            board,
            zone: options.zone,
            jobs,
            place: 0,
            at: 0,
            recorded: HashSet::new(),
        };
        let ended = async move {
            let _sender_is_gone = stop.wait_for(|stop| *stop).await.map(drop);
        };
        tokio::select! {
            () = round.run() => {}
            () = ended => {}
        }
        drop(round);
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::error!("the thread that watches came to a bad end");
        }
        Ok(())
    }
}

/// What is shipped, and the user's own.
fn library(own: &Path) -> Result<Library, WatchError> {
    let mut library = detect::shipped::shipped();
    if own.is_dir() {
        let paths: [PathBuf; 1] = [own.to_owned()];
        let Library { rules, correlations, rejected, warnings } = Library::load(&paths, &Placeholders::new())?;
        library.rules.extend(rules);
        library.correlations.extend(correlations);
        library.rejected.extend(rejected);
        library.warnings.extend(warnings);
    }
    Ok(library)
}

fn begin(known: Known, options: &WatchOptions, intel: PathBuf) -> std::io::Result<(mpsc::Sender<Job>, JoinHandle<()>)> {
    let (jobs, mut waiting) = mpsc::channel::<Job>(WAITING_MAX);
    let behaviour = behaviour::Options { budget_per_1000_person_days: options.budget, ..behaviour::Options::default() };
    let thread = std::thread::Builder::new().name("watch".to_owned()).spawn(move || {
        let mut watcher = Watcher::new(&known, behaviour);
        // Each round has the intelligence of its time.
        while round(&mut watcher, &known, &intel, &mut waiting) {}
    })?;
    Ok((jobs, thread))
}

/// Watches until there is new intelligence; whether anything more is to be watched.
fn round(watcher: &mut Watcher<'_>, known: &Known, intel: &Path, waiting: &mut mpsc::Receiver<Job>) -> bool {
    let stamp = stamp(intel);
    let begun = Instant::now();
    let collection = intel::Collection::open(intel).unwrap_or_else(|error| {
        tracing::error!(%error, "threat intelligence cannot be read and is not looked for");
        intel::Collection::default()
    });
    let basis = intel::Basis::Back { now_ms: outside::now() };
    let matcher = match intel::Matcher::new(collection.indicators(), basis) {
        Ok(matcher) => matcher.with_time_fields(known.time_fields().to_vec()),
        Err(why) => {
            tracing::error!(why, "threat intelligence cannot be looked for");
            return false;
        }
    };
    let mut scratch = matcher.scratch();
    while let Some(job) = waiting.blocking_recv() {
        let mut sightings = Vec::new();
        for passed in &job.batch {
            let seen = seen(passed);
            if !matcher.is_empty() {
                matcher.each(seen.json, &mut scratch, &mut |matched| {
                    sightings.push(watch::indicated(&matched, &seen, known.ranking()));
                });
            }
            sightings.extend(watcher.see(&seen));
        }
        let strangest = watcher.strangest().into_iter().take(STRANGEST);
        let strangest = strangest.map(|one| Strange { entity: one.entity, score: one.score, day: one.day }).collect();
        let _nobody_waits = job.reply.send(Reply { sightings, counts: watcher.counts(), strangest });
        if begun.elapsed() > INTEL_LIFE || (begun.elapsed() > INTEL_LOOKED && self::stamp(intel) != stamp) {
            return true;
        }
    }
    false
}

/// Tells one state of the intelligence from another.
fn stamp(intel: &Path) -> Option<(std::time::SystemTime, u64)> {
    let about = std::fs::metadata(intel.join("indicators.jsonl")).ok()?;
    Some((about.modified().ok()?, about.len()))
}

/// What those do who are watched more closely: one sighting an event, whoever watches them.
fn closer(closers: &[watch::Closer], batch: &[Passed]) -> Vec<Sighting> {
    if closers.is_empty() {
        return Vec::new();
    }
    let sighting = |passed: &Passed| {
        let closer = closers.iter().find(|closer| closer.sees(&passed.recorded, &passed.context))?;
        Some(watch::watched(closer, &passed.recorded, &seen(passed)))
    };
    batch.iter().filter_map(sighting).collect()
}

fn seen(passed: &Passed) -> Seen<'_> {
    let recorded = &passed.recorded;
    if let Some(raw) = &passed.raw {
        return Seen {
            entry: passed.entry,
            family: &raw.family,
            json: raw.json.as_bytes(),
            time_ms: raw.time_ms,
            principal: None,
            about: &raw.about,
            study: raw.study.clone(),
            labels: raw.labels.clone(),
            subjects: raw.subjects,
            object: raw.object.clone(),
            access: raw.access(),
        };
    }
    Seen {
        entry: passed.entry,
        family: "ocsf",
        json: passed.json.as_bytes(),
        time_ms: recorded.time,
        principal: recorded.principal(),
        about: recorded.src_endpoint.as_ref().map_or("", |endpoint| endpoint.ip.as_str()),
        study: recorded.study(),
        labels: recorded.labels(),
        subjects: recorded.unmapped.subject_count.unwrap_or_default(),
        object: passed.context.object_name.clone(),
        access: own_access(recorded, &passed.context),
    }
}

/// The watch as it goes on.
struct Round {
    ledger: Arc<Ledger>,
    lookup: Lookup,
    /// Who is watched more closely.
    closers: Arc<Closers>,
    findings: Arc<Findings>,
    board: Arc<Board>,
    zone: TimeZone,
    jobs: mpsc::Sender<Job>,
    /// Up to where findings were kept, exclusive.
    place: u64,
    /// Up to where the thread has seen entries, exclusive.
    at: u64,
    /// Findings that were recorded before a crash and perhaps not kept.
    recorded: HashSet<String>,
}

impl Round {
    async fn run(&mut self) {
        while let Err(error) = self.start().await {
            self.trouble(&error);
            tokio::time::sleep(PAUSE).await;
        }
        loop {
            match self.step().await {
                Ok(true) => {}
                Ok(false) => tokio::time::sleep(TICK).await,
                Err(error) => {
                    self.trouble(&error);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn trouble(&self, error: &StepError) {
        let words = crate::whole(error);
        tracing::error!(error = %words, "the record could not be watched; it is tried again");
        self.board.tell(|progress| progress.trouble = Some(words));
    }

    /// Finds the place, and what was recorded after it.
    async fn start(&mut self) -> Result<(), StepError> {
        self.place = store::findings::place(self.findings.store(), PLACE).await?;
        self.at = self.place.saturating_sub(AGAIN_MAX);
        self.recorded.clear();
        let (mut from, size) = (self.place, self.ledger.size());
        while from < size {
            let entries = self.read(from, size).await?;
            let Some(last) = entries.last() else { break };
            from = last.index + 1;
            for entry in &entries {
                let Some(recorded) = look::recorded(&entry.bytes) else { continue };
                let uid = recorded.unmapped.entity.as_deref().and_then(|entity| entity.strip_prefix("finding:"));
                if let (true, Some(uid)) = (recorded.is_finding(), uid) {
                    self.recorded.insert(uid.to_owned());
                }
            }
        }
        Ok(())
    }

    async fn read(&self, from: u64, until: u64) -> Result<Vec<ledger::Stored>, StepError> {
        let (ledger, end) = (Arc::clone(&self.ledger), until.min(from + BATCH));
        let read = tokio::task::spawn_blocking(move || ledger.read(from..end)).await;
        Ok(read.map_err(|_ended: tokio::task::JoinError| StepError::Ended)??)
    }

    /// Watches the next entries; whether there were any.
    async fn step(&mut self) -> Result<bool, StepError> {
        let size = self.ledger.size();
        if self.at >= size {
            return Ok(false);
        }
        // What was watched before is not mixed with what is new.
        let until = if self.at < self.place { self.place.min(size) } else { size };
        let entries = self.read(self.at, until).await?;
        let Some(end) = entries.last().map(|last| last.index + 1) else { return Ok(false) };
        let now = outside::now();
        let mut batch = Vec::with_capacity(entries.len());
        for entry in &entries {
            let Some(recorded) = look::recorded(&entry.bytes).filter(|recorded| !recorded.is_finding()) else {
                continue;
            };
            let revealed = self.ledger.reveal(&entry.bytes).await?;
            let context = self.lookup.context(&recorded, &revealed, now).await?;
            let mut raw = look::raw(&recorded, &revealed);
            if let Some(raw) = &mut raw {
                self.lookup.join(raw, now).await?;
            }
            let json = match (&raw, look::json(&entry.bytes)) {
                (None, Some(json)) => document(json, recorded.time, &context, &self.zone),
                _ => String::new(),
            };
            batch.push(Passed { entry: entry.index, recorded, context, json, raw });
        }
        let closer = closer(&self.closers.all(), &batch);
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job { batch, reply }).await.map_err(|_closed| StepError::Ended)?;
        let Reply { mut sightings, counts, strangest } = answer.await.map_err(|_closed| StepError::Ended)?;
        sightings.extend(closer);
        self.at = end;
        if end > self.place {
            self.keep(&sightings, end).await;
            self.place = end;
        }
        let (place, size) = (self.at, self.ledger.size());
        self.board.tell(|progress| {
            (progress.counts, progress.place, progress.size) = (counts, place, size);
            (progress.strangest, progress.trouble) = (strangest, None);
        });
        Ok(true)
    }

    /// Keeps what was seen; the thread saw it already, so this is tried until it is done.
    async fn keep(&self, sightings: &[Sighting], place: u64) {
        loop {
            match self.findings.take(sightings, place, &self.recorded, outside::now()).await {
                Ok(taken) => {
                    if !taken.new.is_empty() {
                        tracing::info!(new = taken.new.len(), further = taken.further, "findings");
                    }
                    return;
                }
                Err(error) => {
                    self.trouble(&StepError::Findings(error));
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Findings(#[from] FindingsError),
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error(transparent)]
    Ledger(#[from] ledger::LedgerError),
    #[error("the thread that watches came to an end; restart the server")]
    Ended,
}
