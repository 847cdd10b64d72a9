//! The thread that makes frames durable.

use std::fs::File;
use std::io::Write as _;
use std::ops::Range;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::seal::{Key, SALT_BYTES};
use super::segment::{self, BLOCK_HEADER_BYTES, BlockHeader, Header};
use super::{BLOCK_BYTES, SEGMENT_BYTES, Segment, Shared, SpoolError};

/// Answers with the numbers of frames that are durable.
pub(super) type Reply = oneshot::Sender<Result<Range<u64>, SpoolError>>;

/// Frames on their way, and whom to answer.
pub(super) struct Append {
    pub bytes: Vec<u8>,
    pub frames: u32,
    pub units: u64,
    pub marks: Vec<(String, Vec<u8>)>,
    pub reply: Reply,
}

/// Appends that are made durable together.
struct Batch {
    /// Room for a block's header, then frames.
    bytes: Vec<u8>,
    frames: u32,
    units: u64,
    marks: Vec<(String, Vec<u8>)>,
    replies: Vec<(Range<u64>, Reply)>,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    file: File,
    header: Header,
    key: Key,
    /// Blocks of this segment so far.
    blocks: u64,
    bytes: u64,
    /// The number of the next frame.
    next: u64,
}

impl Writer {
    /// Begins segment `number`, whose first frame is `next`. A segment is written by one process alone, so that no nonce is
    /// used twice under its key.
    pub fn begin(shared: Arc<Shared>, number: u64, next: u64) -> Result<Self, SpoolError> {
        let (file, header, key) = create(&shared, number, next)?;
        Ok(Self { shared, file, header, key, blocks: 0, bytes: segment::HEADER_BYTES as u64, next })
    }

    pub fn run(&mut self, mut queue: mpsc::Receiver<Append>) {
        let mut left = None;
        while let Some(first) = left.take().or_else(|| queue.blocking_recv()) {
            let mut batch = Batch {
                bytes: vec![0; BLOCK_HEADER_BYTES],
                frames: 0,
                units: 0,
                marks: Vec::new(),
                replies: Vec::new(),
            };
            let mut next = Some(first);
            while let Some(append) = next.take() {
                // An append of full length gets a block of its own.
                if batch.frames > 0 && batch.bytes.len() + append.bytes.len() > BLOCK_BYTES {
                    left = Some(append);
                    break;
                }
                self.add(&mut batch, append);
                next = if batch.bytes.len() < BLOCK_BYTES { queue.try_recv().ok() } else { None };
            }
            self.commit(batch);
        }
    }

    fn add(&self, batch: &mut Batch, append: Append) {
        let first = self.next + u64::from(batch.frames);
        batch.bytes.extend_from_slice(&append.bytes);
        batch.frames += append.frames;
        batch.units += append.units;
        batch.marks.extend(append.marks);
        batch.replies.push((first..first + u64::from(append.frames), append.reply));
    }

    fn commit(&mut self, mut batch: Batch) {
        let written = match self.shared.stopped.get() {
            Some(_) => Err(self.shared.ended()),
            None => self.write(&mut batch.bytes, batch.frames).map_err(|error| self.shared.stop(&error)),
        };
        if let Err(error) = written {
            for (_, reply) in batch.replies {
                let _gone = reply.send(Err(error.clone()));
            }
            return;
        }
        self.next += u64::from(batch.frames);
        {
            let mut state = self.shared.state();
            for (key, value) in batch.marks {
                if value.is_empty() {
                    state.marks.remove(&key)
                } else {
                    state.marks.insert(key, value)
                };
            }
            if let Some(segment) = state.segments.back_mut() {
                (segment.end, segment.bytes) = (self.next, self.bytes);
                segment.units += batch.units;
            }
        }
        self.shared.changed.notify_all();
        for (numbers, reply) in batch.replies {
            let _gone = reply.send(Ok(numbers));
        }
    }

    fn write(&mut self, bytes: &mut Vec<u8>, frames: u32) -> Result<(), SpoolError> {
        if self.bytes >= SEGMENT_BYTES {
            let (file, header, key) = create(&self.shared, self.header.number + 1, self.next)?;
            (self.file, self.header, self.key) = (file, header, key);
            (self.blocks, self.bytes) = (0, segment::HEADER_BYTES as u64);
        }
        let length = bytes.len() - BLOCK_HEADER_BYTES + super::seal::TAG_BYTES;
        let block = BlockHeader { length, first: self.next, frames };
        let bound = block.bound(&self.header, self.blocks);
        self.key.seal(self.blocks, &bound, BLOCK_HEADER_BYTES, bytes)?;
        if let Some(head) = bytes.get_mut(..BLOCK_HEADER_BYTES) {
            head.copy_from_slice(&block.encode());
        }
        let path = segment::path(&self.shared.folder, self.header.number);
        self.file.write_all(bytes).map_err(SpoolError::io("write", &path))?;
        self.file.sync_data().map_err(SpoolError::io("sync", &path))?;
        self.blocks += 1;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// Makes the file of a segment, durably, and tells the rest of the spool of it.
fn create(shared: &Shared, number: u64, first: u64) -> Result<(File, Header, Key), SpoolError> {
    let path = segment::path(&shared.folder, number);
    let mut salt = [0; SALT_BYTES];
    (shared.random)(&mut salt).map_err(SpoolError::io("draw the salt of", &path))?;
    let key = Key::derive(&shared.key, &salt, b"segment")?;
    let header = Header { number, first, salt, commitment: key.commitment };
    let mut file = super::recover::private(&path).map_err(SpoolError::io("make", &path))?;
    file.write_all(&header.encode()).map_err(SpoolError::io("write", &path))?;
    file.sync_all().map_err(SpoolError::io("sync", &path))?;
    super::recover::sync_folder(&shared.folder)?;
    let bytes = segment::HEADER_BYTES as u64;
    shared.state().segments.push_back(Segment { number, end: first, bytes, units: 0 });
    Ok((file, header, key))
}
