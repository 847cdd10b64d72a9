//! One object of a store as something that reads and seeks: fetched in ranges that grow while it is read in order, the
//! next one while the present one is worked on.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};
use tokio::task::JoinHandle;

use super::bucket::{Bucket, Interrupted, problem};

/// The first range, and the one after a jump.
const RANGE_BYTES_MIN: u64 = 128 * 1024;
/// The largest range. A worker holds [`WINDOWS`] of them and the one ahead.
const RANGE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Ranges kept, so that a format's directory at the end and its parts elsewhere are not fetched in turns.
const WINDOWS: usize = 3;

/// One object, read at the state in which it was listed.
pub(crate) struct Ranged<'a> {
    bucket: &'a Bucket,
    key: Path,
    len: u64,
    tag: Option<String>,
    stop: &'a AtomicBool,
    at: u64,
    /// The one used last is the first.
    windows: Vec<Window>,
    ahead: Option<Ahead>,
    range_bytes: u64,
    fetched_bytes: u64,
}

struct Window {
    start: u64,
    bytes: Bytes,
}

impl Window {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

struct Ahead {
    start: u64,
    task: JoinHandle<object_store::Result<Bytes>>,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<'a> Ranged<'a> {
    /// The object at `key`, `len` bytes long. Given its tag, a change while it is read is an error instead of a mixture.
    pub(crate) fn new(bucket: &'a Bucket, key: Path, len: u64, tag: Option<String>, stop: &'a AtomicBool) -> Self {
        Self {
            bucket,
            key,
            len,
            tag,
            stop,
            at: 0,
            windows: Vec::new(),
            ahead: None,
            range_bytes: RANGE_BYTES_MIN,
            fetched_bytes: 0,
        }
    }

    /// Puts the window that holds the present position first.
    fn load(&mut self) -> io::Result<()> {
        if let Some(held) = self.windows.iter().position(|window| window.start <= self.at && self.at < window.end()) {
            self.windows.get_mut(..=held).unwrap_or_default().rotate_right(1);
            return Ok(());
        }
        let in_order = self.windows.first().is_none_or(|window| window.end() == self.at);
        self.range_bytes = if in_order && !self.windows.is_empty() {
            (self.range_bytes * 2).min(RANGE_BYTES_MAX)
        } else {
            RANGE_BYTES_MIN
        };
        let bytes = match self.ahead.take().filter(|ahead| ahead.start == self.at) {
            Some(mut ahead) => self.wait(async { (&mut ahead.task).await? }),
            None => self.wait(fetch(Arc::clone(&self.bucket.store), self.key.clone(), self.options(self.at))),
        }?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.fetched_bytes += bytes.len() as u64;
        self.windows.insert(0, Window { start: self.at, bytes });
        self.windows.truncate(WINDOWS);
        if in_order {
            self.look_ahead();
        }
        Ok(())
    }

    /// Has the range after the first window fetched.
    fn look_ahead(&mut self) {
        let Some(start) = self.windows.first().map(Window::end).filter(|end| *end < self.len) else { return };
        self.range_bytes = (self.range_bytes * 2).min(RANGE_BYTES_MAX);
        let work = fetch(Arc::clone(&self.bucket.store), self.key.clone(), self.options(start));
        self.ahead = Some(Ahead { start, task: self.bucket.runtime().spawn(work) });
    }

    fn options(&self, start: u64) -> GetOptions {
        let end = start.saturating_add(self.range_bytes).min(self.len);
        GetOptions { range: Some(GetRange::Bounded(start..end)), if_match: self.tag.clone(), ..GetOptions::default() }
    }

    fn wait(&self, work: impl Future<Output = object_store::Result<Bytes>>) -> io::Result<Bytes> {
        self.bucket.wait(self.stop, work).map_err(|interrupted| match interrupted {
            Interrupted::Stopped => formats::ReadError::from(formats::Halt).into(),
            Interrupted::Store(error) => formats::ReadError::from(problem(&error)).into(),
        })
    }
}

async fn fetch(store: Arc<dyn ObjectStore>, key: Path, options: GetOptions) -> object_store::Result<Bytes> {
    store.get_opts(&key, options).await?.bytes().await
}

impl Read for Ranged<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.at >= self.len {
            return Ok(0);
        }
        self.load()?;
        let Some(window) = self.windows.first() else { return Ok(0) };
        let from = usize::try_from(self.at - window.start).unwrap_or(usize::MAX);
        let rest = window.bytes.get(from..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(bytes)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(bytes);
        }
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Ranged<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::{RANGE_BYTES_MAX, Ranged, WINDOWS};
    use crate::sources::bucket::Bucket;
    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{ObjectStore, ObjectStoreExt};
    use std::io::{Read, Seek, SeekFrom};
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap()).collect()
    }

    #[test]
    fn an_object_reads_and_seeks_like_a_file() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let memory = InMemory::new();
        let whole = bytes(12 << 20);
        let key = Path::from("a/b");
        let put = runtime.block_on(memory.put(&key, whole.clone().into())).unwrap();
        let store: Arc<dyn ObjectStore> = Arc::new(memory);
        let bucket = Bucket::over(Arc::clone(&store), Path::default(), "m".into(), runtime.handle().clone());
        let stop = AtomicBool::new(false);
        let mut object = Ranged::new(&bucket, key.clone(), whole.len() as u64, put.e_tag.clone(), &stop);
        let mut read = Vec::new();
        object.read_to_end(&mut read).unwrap();
        assert!(read == whole);
        assert_eq!(object.fetched_bytes, whole.len() as u64, "in order, nothing is fetched twice");

        let mut object = Ranged::new(&bucket, key.clone(), whole.len() as u64, put.e_tag, &stop);
        let mut part = [0_u8; 100];
        for _ in 0..50 {
            for at in [whole.len() - 200, 5_000_000, 17] {
                object.seek(SeekFrom::Start(at as u64)).unwrap();
                object.read_exact(&mut part).unwrap();
                assert_eq!(part, whole[at..at + 100]);
            }
        }
        assert!(object.fetched_bytes < 2 << 20, "{} bytes for three places", object.fetched_bytes);
        assert!(object.windows.len() <= WINDOWS && RANGE_BYTES_MAX * (WINDOWS as u64 + 1) <= 16 << 20);
        object.seek(SeekFrom::End(10)).unwrap();
        assert_eq!(object.read(&mut part).unwrap(), 0);
    }

    #[test]
    fn a_change_while_it_is_read_is_an_error() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let memory = InMemory::new();
        let key = Path::from("a");
        let whole = bytes(6 << 20);
        let put = runtime.block_on(memory.put(&key, whole.clone().into())).unwrap();
        let store: Arc<dyn ObjectStore> = Arc::new(memory);
        let bucket = Bucket::over(Arc::clone(&store), Path::default(), "m".into(), runtime.handle().clone());
        let stop = AtomicBool::new(false);
        let mut object = Ranged::new(&bucket, key.clone(), whole.len() as u64, put.e_tag, &stop);
        let mut part = [0_u8; 10];
        object.read_exact(&mut part).unwrap();
        runtime.block_on(store.put(&key, vec![0_u8; 6 << 20].into())).unwrap();
        let mut rest = Vec::new();
        let error = object.read_to_end(&mut rest).unwrap_err();
        assert!(error.to_string().contains("changed while it was read"), "{error}");
    }
}
