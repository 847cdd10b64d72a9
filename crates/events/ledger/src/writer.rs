//! The thread that makes entries durable: it takes what waits, writes it as one batch under one signed checkpoint, syncs,
//! and only then answers.

use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot};
use verify::entry::{self, Header, Kind};
use verify::merkle::{self, Edge, Hash};
use verify::note::{Checkpoint, SigningKey};
use verify::tile::{ENTRY_BYTES_MAX, push_entry};
use verify::wal::{self, BATCH_BYTES_MAX, BATCH_ENTRIES_MAX};

use crate::backlog::{Backlog, Durable, Work};
use crate::disk::Disk;
use crate::handle::Receipt;
use crate::{Clock, LedgerError};

/// Requests that wait for the writer. Who brings one more waits until there is room.
pub(crate) const QUEUE_MAX: usize = 8192;
/// A segment that has grown to so many bytes is followed by another.
const SEGMENT_BYTES: u64 = 32 << 20;

/// Where the answer goes.
pub(crate) type Reply = oneshot::Sender<Result<Receipt, LedgerError>>;

/// What the writer is asked.
pub(crate) enum Command {
    /// To add an entry.
    Append { kind: Kind, body: Vec<u8>, reply: Reply },
    /// To add an entry that names another key, and to sign with that from then on.
    Rotate { key: Arc<SigningKey>, reply: Reply },
}

/// The writer.
pub(crate) struct Writer {
    pub disk: Arc<dyn Disk>,
    pub clock: Arc<dyn Clock>,
    pub key: Arc<SigningKey>,
    pub edge: Edge,
    pub backlog: Arc<Backlog>,
    pub stopped: Arc<OnceLock<Arc<str>>>,
    /// Random id of this writer.
    pub id: [u8; 16],
    pub sequence: u64,
    /// Wall and monotonic time when it began.
    pub began: (i64, u64),
    /// Time of the last entry.
    pub last_ms: i64,
    /// First entry of the segment and its bytes.
    pub segment: Option<(u64, u64)>,
}

/// One batch while it is made.
#[derive(Default)]
struct Batch {
    bundle: Vec<u8>,
    leaves: Vec<Hash>,
    replies: Vec<(Reply, Receipt)>,
}

/// An error in one line, with its cause.
pub(crate) fn reason(error: &LedgerError) -> Arc<str> {
    use std::error::Error as _;
    match (error, error.source()) {
        (LedgerError::Stopped { why }, _) => Arc::clone(why),
        (_, Some(source)) => format!("{error}: {source}").into(),
        (_, None) => error.to_string().into(),
    }
}

impl Writer {
    /// Works until nobody can ask any more.
    pub fn run(mut self, mut queue: mpsc::Receiver<Command>) {
        let mut next = queue.blocking_recv();
        while let Some(command) = next.take() {
            next = self.batch(command, &mut queue);
            if next.is_none() {
                next = queue.blocking_recv();
            }
        }
        self.backlog.push(Work::End);
    }

    /// Makes one batch of `first` and of what waits behind it. Gives back what did not fit.
    fn batch(&mut self, first: Command, queue: &mut mpsc::Receiver<Command>) -> Option<Command> {
        let mut batch = Batch::default();
        let mut edge = self.edge.clone();
        let now = self.now();
        let mut command = Some(first);
        let mut left = None;
        while let Some(next) = command.take() {
            match next {
                Command::Append { kind, body, reply } => {
                    self.add(&mut batch, &mut edge, now, kind, &body, reply);
                    let room = batch.leaves.len() < BATCH_ENTRIES_MAX
                        && batch.bundle.len() + ENTRY_BYTES_MAX + 2 <= BATCH_BYTES_MAX;
                    command = if room { queue.try_recv().ok() } else { None };
                }
                // The entry that names a key is alone in its batch: its checkpoint is the old key's last.
                rotate @ Command::Rotate { .. } if !batch.leaves.is_empty() => left = Some(rotate),
                Command::Rotate { key, reply } => {
                    self.rotate(now, &key, reply);
                    return None;
                }
            }
        }
        self.commit(batch, edge);
        left
    }

    /// Wall time, monotonic time since the writer began, and the drift between them.
    fn now(&self) -> (i64, u64, i32) {
        let (wall, monotonic) = (self.clock.wall_ms(), self.clock.monotonic_ms().saturating_sub(self.began.1));
        let expected = self.began.0.saturating_add_unsigned(monotonic);
        let drift = wall.saturating_sub(expected);
        (wall, monotonic, i32::try_from(drift).unwrap_or(if drift < 0 { i32::MIN } else { i32::MAX }))
    }

    fn add(
        &mut self,
        batch: &mut Batch,
        edge: &mut Edge,
        (wall, monotonic_ms, drift_ms): (i64, u64, i32),
        kind: Kind,
        body: &[u8],
        reply: Reply,
    ) {
        let time_ms = wall.max(self.last_ms);
        let header = Header { writer: self.id, sequence: self.sequence, time_ms, monotonic_ms, drift_ms };
        let entry = match entry::encode(&header, kind, body) {
            Ok(entry) => entry,
            Err(error) => return drop(reply.send(Err(error.into()))),
        };
        if push_entry(&mut batch.bundle, &entry).is_err() {
            let error = entry::EntryError::TooLong { what: "entry", length: entry.len(), limit: ENTRY_BYTES_MAX };
            return drop(reply.send(Err(error.into())));
        }
        let leaf = merkle::leaf(&entry);
        batch.replies.push((reply, Receipt { index: edge.size(), time_ms, leaf }));
        batch.leaves.push(leaf);
        edge.push(leaf);
        self.sequence += 1;
        self.last_ms = time_ms;
    }

    fn rotate(&mut self, now: (i64, u64, i32), key: &Arc<SigningKey>, reply: Reply) {
        let (mut batch, mut edge) = (Batch::default(), self.edge.clone());
        match entry::rotation(edge.size(), &self.key, key.verifier()) {
            Ok(body) => self.add(&mut batch, &mut edge, now, Kind::Rotation, &body, reply),
            Err(error) => return drop(reply.send(Err(error.into()))),
        }
        if self.commit(batch, edge) {
            self.key = Arc::clone(key);
        }
    }

    /// Makes a batch durable and answers. Whether it is.
    fn commit(&mut self, batch: Batch, edge: Edge) -> bool {
        if batch.leaves.is_empty() {
            return true;
        }
        let written = self.write(&batch, &edge);
        match written {
            Ok((note, segment)) => {
                self.edge = edge;
                let Batch { bundle, leaves, replies } = batch;
                self.backlog.push(Work::Batch(Durable { bundle, leaves, note, segment }));
                for (reply, receipt) in replies {
                    let _gone = reply.send(Ok(receipt));
                }
                true
            }
            Err(error) => {
                let why = reason(&error);
                if self.stopped.set(Arc::clone(&why)).is_ok() {
                    tracing::error!(%error, "the ledger cannot be written; nothing more is taken");
                }
                for (reply, _) in batch.replies {
                    let _gone = reply.send(Err(LedgerError::Stopped { why: Arc::clone(&why) }));
                }
                false
            }
        }
    }

    fn write(&mut self, batch: &Batch, edge: &Edge) -> Result<(String, u64), LedgerError> {
        if let Some(why) = self.stopped.get() {
            return Err(LedgerError::Stopped { why: Arc::clone(why) });
        }
        let first = self.edge.size();
        let origin = self.key.verifier().name().to_owned();
        let note = Checkpoint { origin, size: edge.size(), root: edge.root() }.signed(&self.key);
        let mut frame = Vec::with_capacity(wal::HEADER_BYTES + batch.bundle.len() + note.len());
        wal::push(&mut frame, first, batch.leaves.len(), &batch.bundle, &note)
            .map_err(|_long| LedgerError::damaged("wal", "a batch is too long"))?;
        let (segment, bytes) = self.segment.filter(|(_, bytes)| *bytes < SEGMENT_BYTES).unwrap_or((first, 0));
        let path = wal::path(segment);
        self.disk.append(&path, &frame).map_err(LedgerError::io("write", &path))?;
        self.disk.sync(&path).map_err(LedgerError::io("sync", &path))?;
        if bytes == 0 {
            self.disk.sync_folder("wal").map_err(LedgerError::io("sync", "wal"))?;
        }
        self.segment = Some((segment, bytes + frame.len() as u64));
        Ok((note, segment))
    }
}
