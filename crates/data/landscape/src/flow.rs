//! Objects that flow by: each is looked at once, on its way into the guard, with the same readers and recognisers as in a
//! scan. What was found goes into the catalogue before whoever stores the object lets anybody see it.

use std::collections::HashSet;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes};
use formats::{Limits, ProblemKind, ReadSeek, Source};
use recognize::engine::Scratch;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::catalogue::{Batch, Inspected};
use crate::inspect::{Contact, Inspector};
use crate::report::{ObjectReport, SubjectRecord};
use crate::scan::{Clock, Scanner};
use crate::sources::{Reading, gathered};
use crate::{Catalogue, CatalogueError};

/// Objects looked at at a time; others wait.
const FLOWS_MAX: usize = 32;
/// Bytes held before a thread is taken, so that a slow client with a small object holds up nobody.
const HELD_BYTES_MAX: usize = 1 << 20;
/// Pieces on their way to a reader.
const PIECES_MAX: usize = 8;
/// Room for readers that nest: archives in archives in documents.
const STACK_BYTES: usize = 16 << 20;
/// Objects written to the catalogue in one step.
const KEPT_TOGETHER_MAX: usize = 256;

/// Contacts that are taken out of one object.
pub const CONTACTS_MAX: usize = 500_000;

/// Why an object that flowed by could not be looked at or kept.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// The catalogue failed.
    #[error(transparent)]
    Catalogue(#[from] Arc<CatalogueError>),
    /// A thread cannot be started.
    #[error("a thread that looks at objects cannot be started; raise the limit on threads")]
    Thread(#[source] io::Error),
    /// Too many records say how their subjects are reached.
    #[error(
        "more than {CONTACTS_MAX} records of it say how people are reached; export the table from the system itself"
    )]
    Contacts,
    /// Looking ended before the object did.
    #[error("looking at the object was stopped")]
    Stopped,
}

struct Keep {
    inspected: Inspected,
    done: oneshot::Sender<Result<(), Arc<CatalogueError>>>,
}

/// Looks at objects that flow by, and keeps what is found of them under one source of the catalogue.
pub struct Flows {
    catalogue: Arc<Catalogue>,
    inspector: Inspector,
    limits: Limits,
    clock: Clock,
    scratches: Mutex<Vec<Scratch>>,
    places: Arc<Semaphore>,
    keep: mpsc::Sender<Keep>,
    source_id: u32,
}

impl Flows {
    /// Looks with what `scanner` looks with. The source is called `location` and made if it is not there. Needs a tokio
    /// runtime.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn open(scanner: &Scanner, location: &str) -> Result<Arc<Self>, CatalogueError> {
        let catalogue = Arc::clone(scanner.catalogue());
        let clock = Arc::clone(&scanner.options().clock);
        let source = store::sources::ensure(catalogue.store(), "guard", location, clock()).await?;
        let (keep, kept) = mpsc::channel(KEPT_TOGETHER_MAX);
        tokio::spawn(keeper(Arc::clone(&catalogue), source.id, Arc::clone(&clock), kept));
        Ok(Arc::new(Self {
            catalogue,
            inspector: scanner.inspector().clone(),
            limits: scanner.options().limits.clone(),
            clock,
            scratches: Mutex::default(),
            places: Arc::new(Semaphore::new(FLOWS_MAX)),
            keep,
            source_id: source.id,
        }))
    }

    /// Where it is kept what was found.
    #[must_use]
    pub const fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// Begins to look at an object called `name`.
    #[must_use]
    pub fn begin(self: &Arc<Self>, name: &str) -> Flow {
        Flow {
            flows: Arc::clone(self),
            name: name.to_owned(),
            held: Vec::new(),
            held_bytes: 0,
            bytes: 0,
            running: None,
        }
    }

    /// Looks at an object that lies where it can be read from any place.
    ///
    /// # Errors
    /// When no thread can be started.
    pub async fn read(
        self: &Arc<Self>,
        name: &str,
        file: Box<dyn ReadSeek + Send>,
    ) -> Result<Vec<ObjectReport>, FlowError> {
        let running = self.start(name, |reading, name| reading.bytes_of(name, file)).await?;
        running.reports().await
    }

    /// How the subjects of an object's records are reached, as far as its structure says so: each record with its contact, in their order.
    /// Nothing of it is kept.
    ///
    /// # Errors
    /// When no thread can be started, or more records say it than [`CONTACTS_MAX`].
    pub async fn contacts(
        self: &Arc<Self>,
        name: &str,
        file: Box<dyn ReadSeek + Send>,
    ) -> Result<Vec<(SubjectRecord, Contact)>, FlowError> {
        let found = Arc::new(Mutex::new((Vec::new(), false)));
        let into = Arc::clone(&found);
        let running = self.start(name, move |reading, name| {
            let (mut told, mut is_cut) = (Vec::new(), false);
            let outcome = reading.contacts_of(name, file, &mut |record, contact| {
                let has_room = told.len() < CONTACTS_MAX;
                is_cut |= !has_room && contact.is_reachable();
                if has_room && contact.is_reachable() {
                    told.push((record.clone(), contact.clone()));
                }
            });
            *into.lock().unwrap_or_else(PoisonError::into_inner) = (told, is_cut);
            outcome
        });
        running.await?.reports().await?;
        let (told, is_cut) = std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner));
        if is_cut { Err(FlowError::Contacts) } else { Ok(told) }
    }

    /// Keeps what was found of an object of `bytes` bytes in the catalogue, as part of `study`. Who is in the version of this id stays
    /// known when a newer one takes its place.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn keep(
        &self,
        name: &str,
        (study, version): (&str, [u8; 16]),
        bytes: u64,
        mut reports: Vec<ObjectReport>,
    ) -> Result<(), FlowError> {
        for report in &mut reports {
            report.study = Some(study.to_owned());
        }
        let mut inspected = gathered(name, bytes, (self.clock)(), reports);
        inspected.version = Some(version);
        let (done, answer) = oneshot::channel();
        let sent = self.keep.send(Keep { inspected, done }).await;
        if sent.is_err() {
            return Err(FlowError::Stopped);
        }
        match answer.await {
            Ok(kept) => Ok(kept?),
            Err(_keeper_is_gone) => Err(FlowError::Stopped),
        }
    }

    /// Marks an object as gone from the catalogue.
    ///
    /// # Errors
    /// When the catalogue fails.
    pub async fn forget(&self, name: &str) -> Result<(), FlowError> {
        let found = store::objects::by_path(self.catalogue.store(), self.source_id, name).await;
        let found = found.map_err(|error| Arc::new(CatalogueError::from(error)))?;
        if let Some(row) = found {
            let batch = Batch { source_id: self.source_id, gone: vec![row.id], ..Batch::default() };
            self.catalogue.ingest(&batch, (self.clock)()).await.map_err(Arc::new)?;
        }
        Ok(())
    }

    /// Starts a thread that looks.
    async fn start(
        self: &Arc<Self>,
        name: &str,
        look: impl FnOnce(&mut Reading<'_>, &str) -> Result<Vec<ObjectReport>, formats::Halt> + Send + 'static,
    ) -> Result<Running, FlowError> {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|_closed: tokio::sync::AcquireError| FlowError::Stopped)?;
        let stop = Arc::new(AtomicBool::new(false));
        let (done, reports) = oneshot::channel();
        let (flows, name, stopped) = (Arc::clone(self), name.to_owned(), Arc::clone(&stop));
        let run = move || {
            let _place: OwnedSemaphorePermit = place;
            let bytes = AtomicU64::new(0);
            let mut reading = Reading {
                inspector: &flows.inspector,
                scratch: flows.scratch(),
                limits: &flows.limits,
                stop: &stopped,
                bytes: &bytes,
                clock: &flows.clock,
            };
            let looked = look(&mut reading, &name);
            flows.scratches.lock().unwrap_or_else(PoisonError::into_inner).push(reading.scratch);
            let _nobody_waits = done.send(looked);
        };
        let thread = std::thread::Builder::new().name("flow-inspect".to_owned()).stack_size(STACK_BYTES);
        thread.spawn(run).map_err(FlowError::Thread)?;
        Ok(Running { reports, stop: Stop(stop) })
    }

    /// Memory for one thread, with what others learned.
    fn scratch(&self) -> Scratch {
        let used = self.scratches.lock().unwrap_or_else(PoisonError::into_inner).pop();
        used.unwrap_or_else(|| self.inspector.scratch())
    }
}

/// Writes what comes in, as much as waits together.
async fn keeper(catalogue: Arc<Catalogue>, source_id: u32, clock: Clock, mut kept: mpsc::Receiver<Keep>) {
    let mut waiting = Vec::new();
    while kept.recv_many(&mut waiting, KEPT_TOGETHER_MAX).await > 0 {
        for together in apart(waiting.drain(..)) {
            let (inspected, answers): (Vec<_>, Vec<_>) =
                together.into_iter().map(|keep| (keep.inspected, keep.done)).unzip();
            let batch = Batch { source_id, inspected, ..Batch::default() };
            let ingested = catalogue.ingest(&batch, clock()).await.map_err(Arc::new);
            for answer in answers {
                let _nobody_waits = answer.send(ingested.clone());
            }
        }
    }
}

/// Cut where a name comes again: of one name a batch keeps the last alone, and who is in each version has to be kept.
fn apart(waiting: impl Iterator<Item = Keep>) -> Vec<Vec<Keep>> {
    let mut batches: Vec<Vec<Keep>> = Vec::new();
    let mut names: HashSet<String> = HashSet::new();
    for keep in waiting {
        let is_again = !names.insert(keep.inspected.path.clone());
        if is_again {
            names = HashSet::from([keep.inspected.path.clone()]);
        }
        match batches.last_mut().filter(|_| !is_again) {
            Some(batch) => batch.push(keep),
            None => batches.push(vec![keep]),
        }
    }
    batches
}

/// Whether some of an object could not be read because it flowed by and has to be read from any place.
#[must_use]
pub fn wants_seek(reports: &[ObjectReport]) -> bool {
    reports
        .iter()
        .flat_map(|report| &report.errors)
        .any(|problem| problem.kind == ProblemKind::Limit && problem.message.contains("needs random access"))
}

/// Stops a thread when nobody wants its answer any more.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Running {
    reports: oneshot::Receiver<Result<Vec<ObjectReport>, formats::Halt>>,
    stop: Stop,
}

impl Running {
    async fn reports(self) -> Result<Vec<ObjectReport>, FlowError> {
        let _stops_at_the_end = self.stop;
        match self.reports.await {
            Ok(Ok(reports)) => Ok(reports),
            Ok(Err(formats::Halt)) | Err(_) => Err(FlowError::Stopped),
        }
    }
}

/// One object while it flows by. Dropped before [`Flow::finish`], nothing is found.
pub struct Flow {
    flows: Arc<Flows>,
    name: String,
    held: Vec<Bytes>,
    held_bytes: usize,
    bytes: u64,
    running: Option<(mpsc::Sender<Bytes>, Running)>,
}

impl Flow {
    /// Shows the next bytes; waits when looking is slower than the flow.
    ///
    /// # Errors
    /// When no thread can be started.
    pub async fn feed(&mut self, piece: Bytes) -> Result<(), FlowError> {
        self.bytes += piece.len() as u64;
        if let Some((send, _)) = &self.running {
            // A reader that has seen enough goes away; the rest need not be shown.
            let _reader_is_gone = send.send(piece).await;
            return Ok(());
        }
        self.held_bytes += piece.len();
        self.held.push(piece);
        if self.held_bytes >= HELD_BYTES_MAX {
            self.open().await?;
        }
        Ok(())
    }

    async fn open(&mut self) -> Result<(), FlowError> {
        let (send, receive) = mpsc::channel(PIECES_MAX);
        let held = std::mem::take(&mut self.held);
        let stream = Pieces { held: held.into_iter(), piece: Bytes::new(), receive: Some(receive) };
        let running = self
            .flows
            .start(&self.name, move |reading, name| {
                reading.source_of(name, |stream| Source::stream(stream, None), stream)
            })
            .await?;
        self.running = Some((send, running));
        Ok(())
    }

    /// After the last byte: what the object holds.
    ///
    /// # Errors
    /// When looking was stopped or no thread can be started.
    pub async fn finish(mut self) -> Result<Vec<ObjectReport>, FlowError> {
        match self.running.take() {
            Some((send, running)) => {
                drop(send);
                let mut reports = running.reports().await?;
                // A stream does not know its length beforehand.
                if let Some(own) = reports.iter_mut().find(|report| report.object == self.name) {
                    own.bytes = self.bytes;
                }
                Ok(reports)
            }
            None => {
                let mut whole = Vec::with_capacity(self.held_bytes);
                self.held.iter().for_each(|piece| whole.extend_from_slice(piece));
                self.flows.read(&self.name, Box::new(io::Cursor::new(whole))).await
            }
        }
    }

    /// Bytes shown so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Pieces as a reader sees them.
struct Pieces {
    held: std::vec::IntoIter<Bytes>,
    piece: Bytes,
    receive: Option<mpsc::Receiver<Bytes>>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let next = match self.held.next() {
                Some(piece) => Some(piece),
                None => self.receive.as_mut().and_then(mpsc::Receiver::blocking_recv),
            };
            match next {
                Some(piece) => self.piece = piece,
                None => {
                    self.receive = None;
                    return Ok(0);
                }
            }
        }
        let count = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
