//! The ledger as the rest of the program sees it.

use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use aws_lc_rs::hmac;
use model::{Envelope, Event};
use tokio::sync::{mpsc, oneshot};
use verify::entry::{self, Body, Kind};
use verify::merkle::Hash;
use verify::note::VerifierKey;
use verify::tile::{Tile, WIDTH, entries};
use verify::{names, proof};
use zeroize::Zeroizing;

use crate::backlog::{Backlog, Work};
use crate::disk::{Disk, Folder};
use crate::integrate::{self, Published};
use crate::recover::{self, OnDisk};
use crate::seal::Sealer;
use crate::writer::{Command, QUEUE_MAX, Writer};
use crate::{Clock, Keys, LedgerError, Random};

/// Entries that one call of [`Ledger::read`] gives.
pub const READ_ENTRIES_MAX: u64 = 4096;

/// How a ledger is opened.
pub struct Settings {
    /// Its folder, which is created if needed.
    pub folder: PathBuf,
    /// The keys that sign it.
    pub keys: Keys,
    /// What seals details.
    pub envelope: Arc<dyn Envelope>,
    /// The key under which details become tokens. Random, kept by the caller, the same at every start.
    pub token_key: Zeroizing<[u8; 32]>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// How long an entry may wait for a checkpoint that covers it. It is signed and durable before.
    pub publish_every: Duration,
}

/// What is known of an entry once it is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Its number.
    pub index: u64,
    /// Its time, in milliseconds since 1970.
    pub time_ms: i64,
    /// Its hash in the tree.
    pub leaf: Hash,
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its number.
    pub index: u64,
    /// Its bytes, for [`verify::entry::parse`].
    pub bytes: Vec<u8>,
}

/// A proof that an entry is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// Its number.
    pub index: u64,
    /// The size of the tree.
    pub size: u64,
    /// The hashes, for [`verify::proof::inclusion_holds`].
    pub proof: Vec<Hash>,
    /// The signed checkpoint of that size.
    pub checkpoint: String,
}

/// A detail, opened.
#[derive(Debug)]
pub struct Revealed {
    /// What it is.
    pub field: String,
    /// Whose key sealed it, as `model::Scope` prints.
    pub scope: String,
    /// In clear, unless its key was destroyed.
    pub value: Result<String, LedgerError>,
}

/// What opening found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Entries that were durable but not in the tree yet.
    pub replayed: u64,
    /// Bytes of a batch that was not finished, of which nobody was told.
    pub dropped_bytes: u64,
}

/// An open ledger. Dropping it publishes what it holds and ends its threads.
pub struct Ledger {
    pub(crate) disk: Arc<dyn Disk>,
    queue: Option<mpsc::Sender<Command>>,
    pub(crate) sealer: Sealer,
    backlog: Arc<Backlog>,
    pub(crate) stopped: Arc<OnceLock<Arc<str>>>,
    published: Arc<RwLock<Published>>,
    keys: Mutex<Keys>,
    key: RwLock<VerifierKey>,
    recovered: Recovered,
    threads: Vec<JoinHandle<()>>,
    _lock: Option<File>,
}

impl Ledger {
    /// Opens a ledger, or begins one. Blocks: what a crash left is mended first.
    ///
    /// # Errors
    /// When another process has it open, the key file belongs to another, the disk fails, or what lies there was changed.
    pub fn open(settings: Settings) -> Result<Self, LedgerError> {
        let name = settings.folder.display().to_string();
        let disk = Arc::new(Folder::open(&settings.folder).map_err(LedgerError::io("open", &name))?);
        let path = settings.folder.join(names::LOCK);
        disk.write(names::LOCK, b"").map_err(LedgerError::io("write", names::LOCK))?;
        let lock = File::open(&path).map_err(LedgerError::io("open", names::LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(LedgerError::Locked { path }),
            Err(std::fs::TryLockError::Error(source)) => return Err(LedgerError::io("lock", names::LOCK)(source)),
        }
        let mut ledger = Self::open_on(disk, settings)?;
        ledger._lock = Some(lock);
        Ok(ledger)
    }

    /// Opens the ledger that lies on `disk`, without a lock. [`Settings::folder`] plays no part.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_on(disk: Arc<dyn Disk>, settings: Settings) -> Result<Self, LedgerError> {
        let opened = recover::open(&disk, &settings.keys)?;
        let recovered = Recovered { replayed: opened.replayed, dropped_bytes: opened.dropped_bytes };
        let (queue, commands) = mpsc::channel(QUEUE_MAX);
        let (backlog, stopped) = (Backlog::new(), Arc::new(OnceLock::new()));
        let published = Arc::clone(&opened.tree.published);
        let mut id = [0; 16];
        settings.random.fill(&mut id).map_err(LedgerError::Random)?;
        let key = opened.key.verifier().clone();
        let writer = Writer {
            disk: Arc::clone(&disk),
            began: (settings.clock.wall_ms(), settings.clock.monotonic_ms()),
            clock: settings.clock,
            key: opened.key,
            edge: opened.edge,
            backlog: Arc::clone(&backlog),
            stopped: Arc::clone(&stopped),
            id,
            sequence: 0,
            last_ms: opened.last_ms,
            segment: None,
        };
        let (tree, every) = (opened.tree, settings.publish_every);
        let (for_tree, ends) = (Arc::clone(&backlog), Arc::clone(&stopped));
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
            thread.map_err(LedgerError::io("start", name))
        };
        let threads = vec![
            spawn("ledger-tree", Box::new(move || integrate::run(tree, &for_tree, every, &ends)))?,
            spawn("ledger-writer", Box::new(move || writer.run(commands)))?,
        ];
        let token_key = hmac::Key::new(hmac::HMAC_SHA256, settings.token_key.as_slice());
        let sealer = Sealer { envelope: settings.envelope, random: settings.random, token_key };
        let (queue, keys, key) = (Some(queue), Mutex::new(settings.keys), RwLock::new(key));
        Ok(Self { disk, queue, sealer, backlog, stopped, published, keys, key, recovered, threads, _lock: None })
    }

    /// Adds an event. Answers once it is durable. When the caller stops waiting after it was queued, it is added all the
    /// same.
    ///
    /// # Errors
    /// When it does not fit into an entry, a detail cannot be sealed, or the disk fails: then nothing may be released, and
    /// everything after it fails too.
    pub async fn append(&self, event: Event) -> Result<Receipt, LedgerError> {
        let body = self.sealer.body(&event).await?;
        self.append_body(Kind::Event, body).await
    }

    pub(crate) async fn append_body(&self, kind: Kind, body: Vec<u8>) -> Result<Receipt, LedgerError> {
        self.ask(|reply| Command::Append { kind, body, reply }).await
    }

    async fn ask(&self, command: impl FnOnce(crate::writer::Reply) -> Command) -> Result<Receipt, LedgerError> {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(|| self.ended())?;
        if queue.send(command(reply)).await.is_err() {
            return Err(self.ended());
        }
        answer.await.unwrap_or_else(|_ended| Err(self.ended()))
    }

    fn ended(&self) -> LedgerError {
        let why = self.stopped.get().cloned().unwrap_or_else(|| "it was closed".into());
        LedgerError::Stopped { why }
    }

    /// Draws another key, adds it to the key file, and lets the log name it under the present one. From the next
    /// checkpoint on it signs.
    ///
    /// # Errors
    /// When the key file or the log cannot be written.
    pub async fn rotate_key(&self) -> Result<Receipt, LedgerError> {
        let key = {
            let origin = self.verifier_key().name().to_owned();
            let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            keys.draw(&origin, &*self.sealer.random)?
        };
        let verifier = key.verifier().clone();
        let receipt = self.ask(|reply| Command::Rotate { key, reply }).await?;
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = verifier;
        Ok(receipt)
    }

    /// The key that signs now.
    #[must_use]
    pub fn verifier_key(&self) -> VerifierKey {
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What opening found.
    #[must_use]
    pub const fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// Why it takes nothing more, if it does not.
    #[must_use]
    pub fn stopped(&self) -> Option<Arc<str>> {
        self.stopped.get().cloned()
    }

    /// The published checkpoint, a signed note.
    #[must_use]
    pub fn checkpoint(&self) -> String {
        self.published.read().unwrap_or_else(PoisonError::into_inner).note.clone()
    }

    /// Entries below the published checkpoint.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.published.read().unwrap_or_else(PoisonError::into_inner).size
    }

    /// Publishes a checkpoint over everything acknowledged so far, and gives it.
    ///
    /// # Errors
    /// When the disk fails.
    pub async fn publish(&self) -> Result<String, LedgerError> {
        let (reply, answer) = oneshot::channel();
        self.backlog.push(Work::Publish(reply));
        answer.await.unwrap_or_else(|_ended| Err(self.ended()))?;
        Ok(self.checkpoint())
    }

    /// The entries in `range`, at most [`READ_ENTRIES_MAX`] of them. Blocks on the disk.
    ///
    /// # Errors
    /// When there are fewer below the published checkpoint, or the disk fails.
    pub fn read(&self, range: Range<u64>) -> Result<Vec<Stored>, LedgerError> {
        let mut found = Vec::new();
        let end = range.end.min(range.start.saturating_add(READ_ENTRIES_MAX));
        let mut at = range.start;
        while at < end {
            let (index, bundle) = self.bundle(at)?;
            let first = index * WIDTH;
            let bundle = entries(&bundle).map_err(|error| LedgerError::damaged(names::TILE, error))?;
            let known = first + bundle.len() as u64;
            if at >= known {
                return Err(LedgerError::Beyond { asked: at, size: known });
            }
            let wanted = (first..).zip(bundle).filter(|(index, _)| (at..end).contains(index));
            found.extend(wanted.map(|(index, bytes)| Stored { index, bytes: bytes.to_vec() }));
            at = known;
        }
        Ok(found)
    }

    /// The bundle with entry `at`. The tree may grow under a reader: a partial bundle that is gone is looked for anew.
    fn bundle(&self, at: u64) -> Result<(u64, Vec<u8>), LedgerError> {
        let mut attempts = 0;
        loop {
            let size = self.size();
            let tile = Tile::within(None, at / WIDTH, size).filter(|_| at < size);
            let tile = tile.ok_or(LedgerError::Beyond { asked: at, size })?;
            match self.disk.read(&tile.path()) {
                Ok(bytes) => return Ok((tile.index, bytes)),
                Err(_) if self.size() != size && attempts < 100 => attempts += 1,
                Err(source) => return Err(LedgerError::io("read", &tile.path())(source)),
            }
        }
    }

    /// Proves that entry `index` is in the log, against a published checkpoint. Publishes one if none covers it yet.
    ///
    /// # Errors
    /// When there is no such entry, or the disk fails.
    pub async fn prove_inclusion(&self, index: u64) -> Result<Inclusion, LedgerError> {
        if index >= self.size() {
            self.publish().await?;
        }
        self.steady(|size, tiles| proof::inclusion(tiles, index, size)).map(|(published, proof)| Inclusion {
            index,
            size: published.size,
            proof,
            checkpoint: published.note,
        })
    }

    /// Proves that the tree of `size` entries begins with that of `old`; for [`verify::proof::consistency_holds`].
    ///
    /// # Errors
    /// When `size` is not published yet or less than `old`, or the disk fails.
    pub fn prove_consistency(&self, old: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        let within = |published: u64, tiles: &dyn proof::Tiles| {
            if size > published {
                return Err(proof::ProofError::Beyond { asked: size, size: published });
            }
            proof::consistency(&Grown { tiles, size: published }, old, size)
        };
        Ok(self.steady(within)?.1)
    }

    /// Asks the tiles of one published checkpoint; asks again when a new one took its place meanwhile.
    fn steady<T>(
        &self,
        ask: impl Fn(u64, &dyn proof::Tiles) -> Result<T, proof::ProofError>,
    ) -> Result<(Published, T), LedgerError> {
        let mut attempts = 0;
        loop {
            let published = self.published.read().unwrap_or_else(PoisonError::into_inner).clone();
            match ask(published.size, &OnDisk(&*self.disk)) {
                Ok(answer) => return Ok((published, answer)),
                Err(proof::ProofError::Read { .. }) if self.size() != published.size && attempts < 100 => attempts += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The token of a value: those of entries with the same value in the same field are equal.
    #[must_use]
    pub fn token(&self, field: &str, value: &str) -> Hash {
        self.sealer.token(field, value)
    }

    /// Opens the details of an entry, as far as their keys are there. Whoever asks must have recorded that before.
    ///
    /// # Errors
    /// When the bytes are no entry.
    pub async fn reveal(&self, bytes: &[u8]) -> Result<Vec<Revealed>, LedgerError> {
        let Body::Event { json, details } = entry::parse(bytes)?.body else { return Ok(Vec::new()) };
        let mut revealed = Vec::with_capacity(details.len());
        for detail in &details {
            let value = self.sealer.open(json, detail).await;
            revealed.push(Revealed { field: detail.field.to_owned(), scope: detail.scope.to_owned(), value });
        }
        Ok(revealed)
    }
}

/// The tiles of an earlier, smaller tree, cut from those of the present one.
struct Grown<'a> {
    tiles: &'a dyn proof::Tiles,
    size: u64,
}

impl proof::Tiles for Grown<'_> {
    fn hashes(&self, tile: &Tile) -> Result<Vec<Hash>, proof::ProofError> {
        let whole = Tile::within(tile.level, tile.index, self.size).unwrap_or(*tile);
        let mut hashes = self.tiles.hashes(&whole)?;
        hashes.truncate(usize::from(tile.width));
        Ok(hashes)
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        drop(self.queue.take());
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
    }
}
