//! From the spool into the record, each frame once.
//!
//! A thread reads frames in order and tells what they mean; a task has them recorded, many at a time, and moves the spool's
//! place behind what is durable. The place also says from which entry of the ledger on frames behind it may be recorded:
//! after a kill these entries are read, and the numbers found there are passed over. A number is given once, so that no
//! record is lost or doubled, whenever the kill came.

mod prepare;

use std::collections::{HashSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesOrdered, StreamExt as _};
use model::record::Receipt;
use model::{Answer, EnvelopeError, Record, RecordError};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use crate::spool::{Place, SpoolError};
use crate::{Board, Counters, Mapper, Spool, ended};
use prepare::{Chunk, Prepared};
pub use prepare::{RAW_BYTES_MAX, event};

/// Records that are being recorded at a time.
const IN_FLIGHT_MAX: usize = 4_096;
/// Bytes of records that are being recorded at a time.
const IN_FLIGHT_BYTES_MAX: u64 = 32 << 20;
/// Prepared chunks that wait for the task.
const CHUNKS_MAX: usize = 8;
/// How often the place is kept.
const KEEP_EVERY: Duration = Duration::from_millis(500);
/// How long to wait after something failed.
const PAUSE: Duration = Duration::from_secs(2);

/// Why it cannot be told what is recorded already.
#[derive(Debug, thiserror::Error)]
#[error("it cannot be told what the ledger holds already: {0}; nothing is recorded until it can")]
pub struct JournalError(pub String);

/// What the ledger holds already.
pub trait Journal: Send + Sync + 'static {
    /// How many entries the ledger has at least.
    fn size(&self) -> Answer<'_, Result<u64, JournalError>>;

    /// The numbers ([`model::event::Outside::sequence`]) of `least` and above that entries from `from` on record, everything
    /// included that was acknowledged before the question.
    fn recorded(&self, from: u64, least: u64) -> Answer<'_, Result<HashSet<u64>, JournalError>>;
}

/// Why a round ended.
#[derive(Debug, thiserror::Error)]
enum RoundError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("the thread that reads the spool could not begin: {0}")]
    Thread(#[source] std::io::Error),
    #[error("a thread of the spool came to a bad end; restart the server")]
    Ended,
}

/// Records what waits in the spool.
pub struct Pump {
    /// Where it waits.
    pub spool: Arc<Spool>,
    /// Where it is counted.
    pub board: Arc<Board>,
    /// What it means.
    pub mapper: Arc<Mapper>,
    /// Where it is recorded.
    pub record: Arc<dyn Record>,
    /// What is recorded already.
    pub journal: Arc<dyn Journal>,
}

/// A frame on its way into the ledger.
struct Flight {
    sequence: u64,
    bytes: u64,
    counters: Arc<Counters>,
    is_unparsed: bool,
    mark: Option<(String, Vec<u8>)>,
    /// Whether the ledger takes it now, or has it already.
    is_new: bool,
    /// Entries of the ledger before this one are older than the frame's.
    ledger_from: u64,
}

type Recording<'a> = Pin<Box<dyn Future<Output = Result<Option<Receipt>, RecordError>> + Send + 'a>>;

impl Pump {
    /// Records until `stop` turns true. What fails is told on the board and tried again.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        // Frames whose details cannot be sealed because the key was destroyed: what they held is erased.
        let mut erased = HashSet::new();
        loop {
            match self.round(&mut stop, &mut erased).await {
                Ok(()) => return,
                Err(error) => {
                    let words = whole(&error);
                    tracing::error!(error = %words, "records wait in the spool; it is tried again");
                    self.board.set_trouble(Some(words));
                }
            }
            tokio::select! {
                () = sleep(PAUSE) => {}
                () = ended(&mut stop) => return,
            }
        }
    }

    /// Where to go on, and what is recorded behind there.
    async fn begin(&self) -> Result<(Place, HashSet<u64>), RoundError> {
        let mut place = self.spool.place();
        match place.ledger_from {
            Some(from) => {
                let recorded = self.journal.recorded(from, place.next).await?;
                Ok((place, recorded))
            }
            None => {
                // Kept before the first record, so that no entry of this spool lies before it.
                place.ledger_from = Some(self.journal.size().await?);
                self.keep(place.clone()).await.map_err(|_ended| RoundError::Ended)??;
                Ok((place, HashSet::new()))
            }
        }
    }

    fn keep(&self, place: Place) -> JoinHandle<Result<(), SpoolError>> {
        let spool = Arc::clone(&self.spool);
        tokio::task::spawn_blocking(move || spool.keep(place))
    }

    async fn round(&self, stop: &mut watch::Receiver<bool>, erased: &mut HashSet<u64>) -> Result<(), RoundError> {
        let (place, recorded) = self.begin().await?;
        let mut chunks = self.read(place.next, recorded, erased.clone())?;
        self.board.set_trouble(None);
        let mut flights = Flights {
            recording: FuturesOrdered::new(),
            waiting: VecDeque::new(),
            bytes: 0,
            ledger_next: place.ledger_from.unwrap_or(0),
            place,
            is_changed: false,
        };
        let mut saving: Option<JoinHandle<Result<(), SpoolError>>> = None;
        let mut keep_at = Instant::now() + KEEP_EVERY;
        let round = loop {
            tokio::select! {
                biased;
                () = ended(stop) => break Ok(()),
                saved = async { match saving.as_mut() { Some(saving) => saving.await, None => std::future::pending().await } } => {
                    saving = None;
                    if let Err(error) = saved.map_err(|_ended| RoundError::Ended).and_then(|saved| Ok(saved?)) {
                        break Err(error);
                    }
                }
                () = sleep_until(keep_at) => {
                    keep_at = Instant::now() + KEEP_EVERY;
                    if saving.is_none() && std::mem::take(&mut flights.is_changed) {
                        saving = Some(self.keep(flights.place()));
                    }
                }
                Some(answer) = flights.recording.next() => {
                    if let Err(error) = flights.land(answer, erased) {
                        break Err(error.into());
                    }
                }
                chunk = chunks.recv(), if flights.has_room() => match chunk {
                    Some(Ok(chunk)) => chunk.into_iter().for_each(|prepared| flights.launch(&*self.record, prepared)),
                    Some(Err(error)) => break Err(error.into()),
                    None => break Err(RoundError::Ended),
                },
            }
        };
        drop(chunks);
        // What was handed to the ledger may still become durable: nothing is asked or begun anew before that is known.
        let mut round = round;
        while let Some(answer) = flights.recording.next().await {
            if round.is_ok()
                && let Err(error) = flights.land(answer, erased)
            {
                round = Err(error.into());
            }
        }
        if let Some(saving) = saving {
            saving.await.map_err(|_ended| RoundError::Ended)??;
        }
        self.keep(flights.place()).await.map_err(|_ended| RoundError::Ended)??;
        round
    }

    /// Begins the thread that reads frames from `next` on and prepares them.
    fn read(
        &self,
        next: u64,
        recorded: HashSet<u64>,
        erased: HashSet<u64>,
    ) -> Result<mpsc::Receiver<Result<Chunk, SpoolError>>, RoundError> {
        let (chunks, prepared) = mpsc::channel(CHUNKS_MAX);
        let reading = prepare::Reading {
            reader: self.spool.reader(next),
            next,
            mapper: Arc::clone(&self.mapper),
            board: Arc::clone(&self.board),
            recorded,
            erased,
        };
        let began = std::thread::Builder::new().name("receive-read".to_owned()).spawn(move || reading.run(&chunks));
        began.map_err(RoundError::Thread)?;
        Ok(prepared)
    }
}

/// Frames on their way into the ledger, in order.
struct Flights<'a> {
    recording: FuturesOrdered<Recording<'a>>,
    waiting: VecDeque<Flight>,
    bytes: u64,
    /// Entries before this one are durable and older than whatever is launched next.
    ledger_next: u64,
    place: Place,
    is_changed: bool,
}

impl<'a> Flights<'a> {
    fn has_room(&self) -> bool {
        self.waiting.len() < IN_FLIGHT_MAX && self.bytes < IN_FLIGHT_BYTES_MAX
    }

    fn launch(&mut self, record: &'a dyn Record, prepared: Prepared) {
        let Prepared { sequence, bytes, counters, is_unparsed, mark, event } = prepared;
        let (is_new, ledger_from) = (event.is_some(), self.ledger_next);
        self.bytes += bytes;
        self.waiting.push_back(Flight { sequence, bytes, counters, is_unparsed, mark, is_new, ledger_from });
        self.recording.push_back(Box::pin(async move {
            match event {
                Some(event) => record.record(*event).await.map(Some),
                None => Ok(None),
            }
        }));
    }

    /// Takes the answer for the first that waits.
    fn land(
        &mut self,
        answer: Result<Option<Receipt>, RecordError>,
        erased: &mut HashSet<u64>,
    ) -> Result<(), RecordError> {
        let Some(flight) = self.waiting.pop_front() else { return Ok(()) };
        self.bytes = self.bytes.saturating_sub(flight.bytes);
        match answer {
            Ok(receipt) => {
                if let Some(receipt) = receipt {
                    self.ledger_next = self.ledger_next.max(receipt.index + 1);
                }
                if let Some((key, value)) = flight.mark {
                    if value.is_empty() {
                        self.place.marks.remove(&key);
                    } else {
                        self.place.marks.insert(key, value);
                    }
                } else {
                    flight.counters.done(flight.bytes, flight.is_unparsed, flight.is_new);
                }
                self.place.next = flight.sequence + 1;
                self.is_changed = true;
                Ok(())
            }
            Err(error) => {
                if is_destroyed(&error) {
                    erased.insert(flight.sequence);
                }
                // The place stays before it.
                self.waiting.push_front(flight);
                Err(error)
            }
        }
    }

    /// Up to where everything is recorded now.
    fn place(&self) -> Place {
        let ledger_from = self.waiting.front().map_or(self.ledger_next, |flight| flight.ledger_from);
        Place { ledger_from: Some(ledger_from), ..self.place.clone() }
    }
}

/// Whether a detail cannot be sealed any more because its key was destroyed.
fn is_destroyed(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if matches!(error.downcast_ref(), Some(EnvelopeError::Destroyed { .. })) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// An error with what caused it.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}
