//! A sealed queue on disk. Frames in; a number each once they are durable; the same frames out, in order, until they are
//! recorded.
//!
//! Producers hand batches to one thread, which seals what waits into one block, writes it, and syncs once for all of them
//! (group commit). A full spool makes producers wait. After a kill, what was acknowledged is there, and what was cut off
//! within a block was acknowledged to nobody. docs/reference/intake.md describes the folder byte by byte.

mod place;
mod reader;
mod recover;
mod seal;
mod segment;
mod writer;

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{Semaphore, mpsc, oneshot};
use zeroize::Zeroizing;

use crate::{Frame, Random};
pub use place::Place;
pub use reader::{Block, Reader};
pub use recover::{Damage, Recovered};
pub use segment::{BLOCK_HEADER_BYTES, HEADER_BYTES, block as fuzz_block};

/// Bytes of a segment after which the next one begins.
pub const SEGMENT_BYTES: u64 = 16 << 20;
/// The most that one [`Spool::append`] takes, in bytes of frames.
pub const APPEND_BYTES_MAX: usize = 20 << 20;
/// The least room a spool may be given, in bytes: what lies in the segment that is being written is never taken away.
pub const ROOM_BYTES_MIN: u64 = 64 << 20;
/// The room a spool is given unless the settings say otherwise, in bytes.
pub const ROOM_BYTES: u64 = 4 << 30;
/// Bytes of frames that one block seals, unless a single append is longer.
const BLOCK_BYTES: usize = 1 << 20;
/// Appends that wait for the thread.
const QUEUE_MAX: usize = 4_096;
/// Room is counted in units of so many bytes.
const UNIT: u64 = 64;

/// How a spool is opened.
pub struct Settings {
    /// Its folder, which is made if needed.
    pub folder: PathBuf,
    /// What seals it. Random, kept by the caller, the same at every start.
    pub key: Zeroizing<[u8; 32]>,
    /// The most it may take on disk, in bytes; at least [`ROOM_BYTES_MIN`].
    pub room_bytes: u64,
    /// Randomness, for the salts of segments.
    pub random: Random,
    /// The time, in milliseconds since 1970: a spool that begins anew numbers from here, so that no number is used twice.
    pub now_ms: i64,
}

/// Why a spool cannot be opened, written or read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SpoolError {
    /// The disk.
    #[error("cannot {what} `{path}` of the spool: {source}; check free space and the folder's owner")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// Another process.
    #[error("`{path}` is locked: another process uses this spool; stop it first")]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// Another key.
    #[error("`{path}` was sealed under another key; put the key of this spool back, or move the spool away")]
    Key {
        /// The segment.
        path: PathBuf,
    },
    /// Bytes that are not what was written.
    #[error(
        "`{path}` of the spool is damaged at byte {at}: {why}; what was read before is kept, restart to set it aside"
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where.
        at: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// An append that is too long.
    #[error("{bytes} bytes at once are more than the spool takes, which is {APPEND_BYTES_MAX}; send less at a time")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Too little room.
    #[error("a spool needs room for at least {ROOM_BYTES_MIN} bytes, not {bytes}; raise `spool_bytes`")]
    Room {
        /// What was given.
        bytes: u64,
    },
    /// The cryptographic library.
    #[error("AES-256-GCM failed in the cryptographic library")]
    Primitive,
    /// It takes nothing more.
    #[error("the spool takes nothing more because {why}; mend that and restart")]
    Stopped {
        /// Why.
        why: Arc<str>,
    },
}

impl SpoolError {
    fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, path: path.to_owned(), source: Arc::new(source) }
    }
}

/// A segment as the rest of the spool sees it.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub number: u64,
    /// The number behind its last durable frame.
    pub end: u64,
    /// Durable bytes.
    pub bytes: u64,
    /// Units of room that it takes.
    pub units: u64,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub segments: VecDeque<Segment>,
    /// How far listeners have read what is durable here.
    pub marks: BTreeMap<String, Vec<u8>>,
    /// It is being closed.
    pub closed: bool,
}

pub(crate) struct Shared {
    pub folder: PathBuf,
    pub key: Zeroizing<[u8; 32]>,
    pub random: Random,
    pub state: Mutex<State>,
    pub changed: Condvar,
    pub space: Semaphore,
    pub stopped: OnceLock<Arc<str>>,
    pub place: Mutex<Place>,
}

impl Shared {
    pub fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes nothing more from now on.
    pub fn stop(&self, error: &SpoolError) -> SpoolError {
        let why: Arc<str> = error.to_string().into();
        if self.stopped.set(Arc::clone(&why)).is_ok() {
            tracing::error!(%error, "the spool cannot be written; nothing more is taken");
        }
        self.space.close();
        self.changed.notify_all();
        SpoolError::Stopped { why }
    }

    fn ended(&self) -> SpoolError {
        let why = self.stopped.get().cloned().unwrap_or_else(|| "it was closed".into());
        SpoolError::Stopped { why }
    }
}

/// An open spool.
pub struct Spool {
    shared: Arc<Shared>,
    queue: Option<mpsc::Sender<writer::Append>>,
    thread: Option<JoinHandle<()>>,
    room_bytes: u64,
    recovered: Recovered,
    _lock: File,
}

impl Spool {
    /// Opens a spool, or begins one. Blocks: what a kill left is mended first, and every block is checked.
    ///
    /// # Errors
    /// When another process has it open, the key is another, or the disk fails.
    pub fn open(settings: Settings) -> Result<Self, SpoolError> {
        if settings.room_bytes < ROOM_BYTES_MIN {
            return Err(SpoolError::Room { bytes: settings.room_bytes });
        }
        let lock = recover::lock(&settings.folder)?;
        let opened = recover::open(&settings)?;
        let used: u64 = opened.segments.iter().map(|segment| segment.units).sum();
        let room = usize::try_from((settings.room_bytes / UNIT).saturating_sub(used)).unwrap_or(usize::MAX);
        let shared = Arc::new(Shared {
            folder: settings.folder,
            key: settings.key,
            random: settings.random,
            state: Mutex::new(State { segments: opened.segments, marks: opened.marks, closed: false }),
            changed: Condvar::new(),
            space: Semaphore::new(room.min(Semaphore::MAX_PERMITS)),
            stopped: OnceLock::new(),
            place: Mutex::new(opened.place),
        });
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let mut writer = writer::Writer::begin(Arc::clone(&shared), opened.number, opened.next)?;
        let folder = shared.folder.clone();
        let thread = std::thread::Builder::new()
            .name("spool-writer".to_owned())
            .spawn(move || writer.run(waiting))
            .map_err(SpoolError::io("start the thread of", &folder))?;
        let (queue, thread) = (Some(queue), Some(thread));
        Ok(Self { shared, queue, thread, room_bytes: settings.room_bytes, recovered: opened.recovered, _lock: lock })
    }

    /// Adds frames, which get numbers one after the other. Answers once they are durable, all of them together; waits while
    /// the spool is full. When the caller stops waiting after they were queued, they are added all the same.
    ///
    /// # Errors
    /// When they are too many at once, or the disk failed: then nothing more is taken.
    pub async fn append(&self, frames: &[Frame]) -> Result<Range<u64>, SpoolError> {
        let mut bytes = Vec::with_capacity(frames.iter().map(Frame::bytes).sum());
        let mut marks = Vec::new();
        for frame in frames {
            frame.encode(&mut bytes);
            if let crate::Payload::Mark { key, value } = &frame.payload {
                marks.push((key.clone(), value.clone()));
            }
        }
        if bytes.len() > APPEND_BYTES_MAX {
            return Err(SpoolError::TooLong { bytes: bytes.len() });
        }
        // A block's head and tag are counted with each append.
        let units = (bytes.len() as u64).div_ceil(UNIT) + 1;
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let Ok(taken) = self.shared.space.acquire_many(units).await else { return Err(self.shared.ended()) };
        let queue = self.queue.as_ref().ok_or_else(|| self.shared.ended())?;
        let (reply, answer) = oneshot::channel();
        let frames = u32::try_from(frames.len()).unwrap_or(u32::MAX);
        let append = writer::Append { bytes, frames, units: u64::from(units), marks, reply };
        if queue.send(append).await.is_err() {
            return Err(self.shared.ended());
        }
        // It is the segment's from now on, and comes back when that is taken away.
        taken.forget();
        answer.await.unwrap_or_else(|_ended| Err(self.shared.ended()))
    }

    /// Reads frames from `sequence` on.
    #[must_use]
    pub fn reader(&self, sequence: u64) -> Reader {
        Reader::new(Arc::clone(&self.shared), sequence)
    }

    /// Up to where everything is recorded.
    #[must_use]
    pub fn place(&self) -> Place {
        self.shared.place.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps another place, and takes away segments that lie before it. Blocks on the disk.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn keep(&self, place: Place) -> Result<(), SpoolError> {
        place.write(&self.shared.folder, &self.shared.key, &self.shared.random)?;
        let next = place.next;
        *self.shared.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
        let over = {
            let mut state = self.shared.state();
            let mut over = Vec::new();
            while state.segments.len() > 1 && state.segments.front().is_some_and(|segment| segment.end <= next) {
                over.extend(state.segments.pop_front());
            }
            over
        };
        for segment in over {
            let path = segment::path(&self.shared.folder, segment.number);
            std::fs::remove_file(&path).map_err(SpoolError::io("take away", &path))?;
            self.shared.space.add_permits(usize::try_from(segment.units).unwrap_or(0));
        }
        Ok(())
    }

    /// How far listeners have read what is durable here.
    #[must_use]
    pub fn marks(&self) -> BTreeMap<String, Vec<u8>> {
        self.shared.state().marks.clone()
    }

    /// Bytes on disk, and the most that they may be.
    #[must_use]
    pub fn used(&self) -> (u64, u64) {
        let used = self.shared.state().segments.iter().map(|segment| segment.bytes).sum();
        (used, self.room_bytes)
    }

    /// The number that the next frame gets.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.shared.state().segments.back().map_or(0, |segment| segment.end)
    }

    /// What opening found.
    #[must_use]
    pub const fn recovered(&self) -> &Recovered {
        &self.recovered
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _its_fault_was_told = thread.join();
        }
        self.shared.state().closed = true;
        self.shared.changed.notify_all();
    }
}
