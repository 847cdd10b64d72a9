//! The disks of this machine.
//!
//! What is large goes past the page cache where the system allows that (`O_DIRECT`): blobs are large, are written once and
//! mostly read from end to end, and keeping copies of them in memory costs several times what moving them does. Small blobs,
//! short ranges, and what is read again soon go through the cache as usual.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::Filled;
use super::disk::Disk;

/// From so many bytes at a time on, the page cache is passed by.
const LARGE_BYTES: usize = 512 << 10;
/// Places, lengths and memory of what passes the cache by are multiples of this: the largest block of the usual disks.
const BLOCK_BYTES: usize = 4096;
/// So many bytes are written past the cache at a time.
const STAGE_BYTES: usize = 1 << 20;
/// Stages that are kept for use again.
const STAGES_MAX: usize = 16;
/// Files that are remembered as read before.
const READ_BEFORE_MAX: usize = 256;

/// The disks of this machine.
#[derive(Debug, Clone, Default)]
pub struct Local(Arc<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Memory for what is written, used again: taking new memory costs more than filling it. It holds what is sealed.
    stages: Mutex<Vec<Vec<u8>>>,
    /// Files that were read at length lately, the last one at the end. Read again, they are worth a place in the cache.
    read_before: Mutex<VecDeque<PathBuf>>,
}

impl Kept {
    fn was_read_before(&self, path: &Path) -> bool {
        let mut known = locked(&self.read_before);
        if known.iter().any(|known| known == path) {
            return true;
        }
        if known.len() >= READ_BEFORE_MAX {
            known.pop_front();
        }
        known.push_back(path.to_owned());
        false
    }
}

/// An open file.
#[derive(Debug)]
pub struct LocalFile {
    cached: File,
    path: PathBuf,
    /// The same file past the cache, for reading; `None` where that cannot or should not be.
    direct: OnceLock<Option<File>>,
    writing: Mutex<Writing>,
    kept: Arc<Kept>,
}

/// How far a file is written.
#[derive(Debug, Default)]
struct Writing {
    /// Bytes that the file has.
    written: u64,
    /// What comes behind them, past the cache, once it is a whole stage.
    direct: Option<Direct>,
}

/// Writes past the page cache.
#[derive(Debug)]
struct Direct {
    file: File,
    stage: Vec<u8>,
    /// Where the stage's memory is a multiple of a block, and how many bytes wait there.
    at: usize,
    waiting: usize,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a file past the page cache, where system and file system know of that.
#[cfg(target_os = "linux")]
fn past_cache(path: &Path, for_writing: bool) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = File::options();
    options.read(!for_writing).write(for_writing).custom_flags(libc::O_DIRECT);
    options.open(path).ok()
}

#[cfg(not(target_os = "linux"))]
fn past_cache(_: &Path, _: bool) -> Option<File> {
    None
}

/// Where in `buffer` memory begins at a multiple of a block; `None` when not within a block.
fn aligned(buffer: &[u8]) -> Option<usize> {
    Some(buffer.as_ptr().align_offset(BLOCK_BYTES)).filter(|at| *at < BLOCK_BYTES)
}

impl Direct {
    fn new(path: &Path, kept: &Kept) -> Option<Self> {
        let file = past_cache(path, true)?;
        let stage = locked(&kept.stages).pop().unwrap_or_else(|| vec![0; STAGE_BYTES + BLOCK_BYTES]);
        let at = aligned(&stage)?;
        Some(Self { file, stage, at, waiting: 0 })
    }

    fn waiting(&self) -> &[u8] {
        self.stage.get(self.at..self.at + self.waiting).unwrap_or_default()
    }

    /// Takes as many of `bytes` as there is room for; how many.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let room = self.stage.get_mut(self.at + self.waiting..self.at + STAGE_BYTES).unwrap_or_default();
        let count = room.len().min(bytes.len());
        if let (Some(room), Some(bytes)) = (room.get_mut(..count), bytes.get(..count)) {
            room.copy_from_slice(bytes);
        }
        self.waiting += count;
        count
    }
}

impl LocalFile {
    fn new(cached: File, path: &Path, kept: &Arc<Kept>) -> Self {
        let (path, kept) = (path.to_owned(), Arc::clone(kept));
        Self { cached, path, direct: OnceLock::new(), writing: Mutex::default(), kept }
    }

    fn write(&self, writing: &mut Writing, mut bytes: &[u8]) -> io::Result<()> {
        if writing.written == 0 && writing.direct.is_none() && bytes.len() >= LARGE_BYTES {
            writing.direct = Direct::new(&self.path, &self.kept);
        }
        while let Some(direct) = writing.direct.as_mut().filter(|_| !bytes.is_empty()) {
            let taken = direct.take(bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
            if direct.waiting == STAGE_BYTES {
                self.write_stage(writing, STAGE_BYTES)?;
            }
        }
        self.cached.write_all_at(bytes, writing.written)?;
        writing.written += bytes.len() as u64;
        Ok(())
    }

    /// Writes the first bytes of the stage, whole blocks, past the cache, and the rest of it through the cache.
    fn write_stage(&self, writing: &mut Writing, blocks: usize) -> io::Result<()> {
        let Some(mut direct) = writing.direct.take() else { return Ok(()) };
        let (whole, rest) = direct.waiting().split_at_checked(blocks).unwrap_or_default();
        let is_done = match direct.file.write_all_at(whole, writing.written) {
            Ok(()) => true,
            // The file system does not take it so, which some tell only now.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                self.cached.write_all_at(whole, writing.written)?;
                false
            }
            Err(error) => return Err(error),
        };
        self.cached.write_all_at(rest, writing.written + whole.len() as u64)?;
        writing.written += direct.waiting as u64;
        direct.waiting = 0;
        if is_done {
            writing.direct = Some(direct);
        } else {
            self.keep(direct);
        }
        Ok(())
    }

    /// Keeps a stage for the next file.
    fn keep(&self, direct: Direct) {
        let mut stages = locked(&self.kept.stages);
        if stages.len() < STAGES_MAX {
            stages.push(direct.stage);
        }
    }

    /// Reads past the cache; `None` where that cannot be.
    fn read_past_cache(&self, offset: u64, bytes: usize, buffer: &mut Vec<u8>) -> Option<std::ops::Range<usize>> {
        let open = || if self.kept.was_read_before(&self.path) { None } else { past_cache(&self.path, false) };
        let file = self.direct.get_or_init(open).as_ref()?;
        let block = BLOCK_BYTES as u64;
        let before = usize::try_from(offset % block).ok()?;
        let total = (before + bytes).next_multiple_of(BLOCK_BYTES);
        buffer.resize(total + BLOCK_BYTES, 0);
        let at = aligned(buffer)?;
        let mut done = 0;
        // A count that is no multiple of a block is the file's end.
        while done < total && done.is_multiple_of(BLOCK_BYTES) {
            let room = buffer.get_mut(at + done..at + total)?;
            match file.read_at(room, offset - before as u64 + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_not_so) => return None,
            }
        }
        let start = at + before;
        Some(start..(at + done).clamp(start, start + bytes))
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.cached.read_at(rest, offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }
}

impl Drop for LocalFile {
    fn drop(&mut self) {
        if let Some(direct) = locked(&self.writing).direct.take() {
            self.keep(direct);
        }
    }
}

impl Disk for Local {
    type File = LocalFile;

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut builder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(path)
    }

    fn create(&self, path: &Path) -> io::Result<LocalFile> {
        let mut options = File::options();
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.write(true).create_new(true).open(path)?;
        Ok(LocalFile::new(file, path, &self.0))
    }

    fn write(&self, file: &LocalFile, bytes: &[u8]) -> io::Result<()> {
        file.write(&mut locked(&file.writing), bytes)
    }

    fn sync(&self, file: &LocalFile) -> io::Result<()> {
        let mut writing = locked(&file.writing);
        let waiting = writing.direct.as_ref().map_or(0, |direct| direct.waiting);
        file.write_stage(&mut writing, waiting / BLOCK_BYTES * BLOCK_BYTES)?;
        file.cached.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn open(&self, path: &Path) -> io::Result<(LocalFile, u64)> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok((LocalFile::new(file, path, &self.0), bytes))
    }

    fn read_at(&self, file: &LocalFile, offset: u64, bytes: usize, mut buffer: Vec<u8>) -> io::Result<Filled> {
        if bytes >= LARGE_BYTES
            && let Some(range) = file.read_past_cache(offset, bytes, &mut buffer)
        {
            return Ok(Filled { buffer, range });
        }
        buffer.resize(bytes, 0);
        let count = file.read(offset, &mut buffer)?;
        Ok(Filled { buffer, range: 0..count })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn modified_ms(&self, path: &Path) -> io::Result<i64> {
        let since = std::fs::metadata(path)?.modified()?.duration_since(std::time::UNIX_EPOCH);
        Ok(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        let names = std::fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        names.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::super::disk::Disk;
    use super::{BLOCK_BYTES, LARGE_BYTES, Local, STAGE_BYTES};

    fn pattern(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|at| (at % 251) as u8).collect()
    }

    /// Written in pieces of these sizes, a file holds just these bytes, and gives any range of them.
    fn round(folder: &std::path::Path, pieces: &[usize]) {
        let disk = Local::default();
        let whole = pattern(pieces.iter().sum());
        let path = folder.join(format!("{pieces:?}").replace(['[', ']', ' '], ""));
        let file = disk.create(&path).unwrap();
        let mut rest = whole.as_slice();
        for piece in pieces {
            let (now, later) = rest.split_at(*piece);
            disk.write(&file, now).unwrap();
            rest = later;
        }
        disk.sync(&file).unwrap();
        drop(file);
        assert!(std::fs::read(&path).unwrap() == whole, "{pieces:?}");
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        // The first time past the cache, then through it.
        for _ in 0..2 {
            ranges(&disk, &path, &whole);
        }
    }

    fn ranges(disk: &Local, path: &std::path::Path, whole: &[u8]) {
        let (file, bytes) = disk.open(path).unwrap();
        assert_eq!(bytes, whole.len() as u64);
        for (offset, length) in [
            (0, whole.len()),
            (1, LARGE_BYTES),
            (4095, LARGE_BYTES + 1),
            (8192, STAGE_BYTES),
            (100, 64),
            (whole.len().saturating_sub(LARGE_BYTES / 2), LARGE_BYTES),
            (whole.len() + 5, LARGE_BYTES),
        ] {
            let read = disk.read_at(&file, offset as u64, length, Vec::new()).unwrap();
            let expected = whole.get(offset..(offset + length).min(whole.len())).unwrap_or_default();
            assert!(read.bytes() == expected, "{path:?} {offset} {length}");
        }
    }

    #[test]
    fn what_was_written_is_read_whatever_its_size() {
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        for pieces in [
            &[0][..],
            &[10, 5000],
            &[LARGE_BYTES],
            &[LARGE_BYTES - 1, LARGE_BYTES],
            &[STAGE_BYTES + 96 + 256, STAGE_BYTES + 256, 17],
            &[STAGE_BYTES, STAGE_BYTES],
            &[STAGE_BYTES * 3 + BLOCK_BYTES, 0, 1],
        ] {
            round(folder.path(), pieces);
        }
    }

    #[test]
    fn a_file_system_without_direct_writes_is_served_too() {
        // Where /dev/shm is a file system in memory, which not every kernel lets pass its cache by.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_none| tempfile::tempdir()).unwrap();
        round(folder.path(), &[STAGE_BYTES + 96, STAGE_BYTES, 17]);
    }

    #[test]
    fn a_removed_file_is_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Local::default();
        let path = folder.path().join("a");
        std::fs::write(&path, pattern(2 * STAGE_BYTES)).unwrap();
        let (file, _) = disk.open(&path).unwrap();
        disk.remove(&path).unwrap();
        for _ in 0..2 {
            let read = disk.read_at(&file, 7, STAGE_BYTES, vec![1; 3]).unwrap();
            assert!(read.bytes() == &pattern(2 * STAGE_BYTES)[7..7 + STAGE_BYTES]);
        }
    }
}
