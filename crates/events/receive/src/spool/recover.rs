//! Opens what lies on the disk: checks every block, cuts off what a kill left unfinished, sets aside what was damaged.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::seal::Key;
use super::segment::{self, BLOCK_HEADER_BYTES, HEADER_BYTES, Header};
use super::{Place, Segment, Settings, SpoolError, UNIT, reader};
use crate::Payload;

/// Numbers of a spool that begins anew start at so many a millisecond since 1970: more than come in a millisecond, and
/// below 2^53 until the year 2255.
const NUMBERS_PER_MS: u64 = 1_000;

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Frames that wait.
    pub frames: u64,
    /// Bytes of a block that was not finished, of which nobody was told.
    pub cut_bytes: u64,
    /// What is not what was written.
    pub damaged: Vec<Damage>,
    /// Bytes that wait, by source.
    pub waiting: BTreeMap<String, u64>,
}

/// A part of a segment that cannot be read. The whole segment was set aside beside the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Where the segment was set aside.
    pub path: PathBuf,
    /// From which byte on.
    pub at: u64,
    /// How many bytes.
    pub bytes: u64,
}

pub(super) struct Opened {
    pub segments: VecDeque<Segment>,
    pub marks: BTreeMap<String, Vec<u8>>,
    pub place: Place,
    /// The number of the segment to begin.
    pub number: u64,
    /// The number of the next frame.
    pub next: u64,
    pub recovered: Recovered,
}

/// Keeps other processes out.
pub(super) fn lock(folder: &Path) -> Result<File, SpoolError> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(SpoolError::io("make the folder", folder))?;
    let path = folder.join("lock");
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = opened.map_err(SpoolError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(SpoolError::Locked { path }),
        Err(std::fs::TryLockError::Error(source)) => Err(SpoolError::io("lock", &path)(source)),
    }
}

/// A new file for its owner alone.
pub(super) fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

pub(super) fn sync_folder(folder: &Path) -> Result<(), SpoolError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(SpoolError::io("sync", folder))
}

pub(super) fn open(settings: &Settings) -> Result<Opened, SpoolError> {
    let folder = &settings.folder;
    let numbers = numbers(folder)?;
    let kept = Place::read(folder, &settings.key)?;
    let began = u64::try_from(settings.now_ms).unwrap_or(0).saturating_mul(NUMBERS_PER_MS);
    let is_new = kept.is_none() && numbers.is_empty();
    let mut place = kept.unwrap_or_default();
    if is_new {
        place.next = began;
    } else if place.ledger_from.is_none() && place.next == 0 {
        // The place was lost: everything in the ledger may be of this spool.
        place.ledger_from = Some(0);
    }
    let mut opened = Opened {
        segments: VecDeque::new(),
        marks: place.marks.clone(),
        place,
        number: numbers.last().map_or(0, |last| last + 1),
        next: 0,
        recovered: Recovered::default(),
    };
    opened.next = opened.place.next;
    for number in &numbers {
        take_in(settings, *number, numbers.last() == Some(number), &mut opened)?;
    }
    if is_new {
        opened.place.write(folder, &settings.key, &settings.random)?;
    }
    Ok(opened)
}

/// Numbers of the segments in the folder, in order.
fn numbers(folder: &Path) -> Result<Vec<u64>, SpoolError> {
    let listed = std::fs::read_dir(folder).map_err(SpoolError::io("list", folder))?;
    let mut numbers = Vec::new();
    for entry in listed {
        let entry = entry.map_err(SpoolError::io("list", folder))?;
        numbers.extend(entry.file_name().to_str().and_then(segment::number));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Checks a segment and takes in what it holds.
fn take_in(settings: &Settings, number: u64, is_last: bool, opened: &mut Opened) -> Result<(), SpoolError> {
    let path = segment::path(&settings.folder, number);
    let file = OpenOptions::new().read(true).write(true).open(&path).map_err(SpoolError::io("open", &path))?;
    let bytes = file.metadata().map_err(SpoolError::io("read", &path))?.len();
    let mut head = vec![0; HEADER_BYTES.min(usize::try_from(bytes).unwrap_or(HEADER_BYTES))];
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut head, 0).map_err(SpoolError::io("read", &path))?;
    let Some(header) = Header::decode(&head).filter(|header| header.number == number) else {
        // A segment that was never finished: nothing in it was acknowledged.
        if is_last && bytes <= HEADER_BYTES as u64 {
            opened.recovered.cut_bytes += bytes;
        } else {
            set_aside(&path, 0, bytes, opened)?;
        }
        std::fs::remove_file(&path).map_err(SpoolError::io("take away", &path))?;
        return sync_folder(&settings.folder);
    };
    let Some(key) = header.key(&settings.key)? else { return Err(SpoolError::Key { path }) };
    opened.next = opened.next.max(header.first);
    let mut segment = Segment { number, end: header.first, bytes: HEADER_BYTES as u64, units: 0 };
    let mut index = 0;
    while segment.bytes < bytes {
        let Some(read) = block(&file, &path, &key, &header, (index, segment.bytes, bytes), opened)? else {
            let left = bytes - segment.bytes;
            if is_last {
                opened.recovered.cut_bytes += left;
            } else {
                set_aside(&path, segment.bytes, left, opened)?;
            }
            file.set_len(segment.bytes).map_err(SpoolError::io("cut", &path))?;
            file.sync_all().map_err(SpoolError::io("sync", &path))?;
            break;
        };
        (segment.bytes, segment.end) = read;
        index += 1;
    }
    segment.units = segment.bytes.div_ceil(UNIT);
    opened.next = opened.next.max(segment.end);
    opened.segments.push_back(segment);
    Ok(())
}

/// Checks the block with number `index` at `at`: where it ends, and the number behind its last frame.
fn block(
    file: &File,
    path: &Path,
    key: &Key,
    header: &Header,
    (index, at, bytes): (u64, u64, u64),
    opened: &mut Opened,
) -> Result<Option<(u64, u64)>, SpoolError> {
    let read = reader::read(file, at, bytes).map_err(SpoolError::io("read", path))?;
    let Some((block, sealed)) = read else { return Ok(None) };
    let Some(plain) = key.open(index, &block.bound(header, index), &sealed) else { return Ok(None) };
    let Ok(frames) = segment::block(&plain, block.frames) else { return Ok(None) };
    for (number, frame) in (block.first..).zip(frames) {
        if number < opened.place.next {
            continue;
        }
        let bytes = frame.bytes() as u64;
        if let Payload::Mark { key, value } = frame.payload {
            if value.is_empty() {
                opened.marks.remove(&key)
            } else {
                opened.marks.insert(key, value)
            };
        } else {
            opened.recovered.frames += 1;
            *opened.recovered.waiting.entry(frame.source).or_default() += bytes;
        }
    }
    let end = at + (BLOCK_HEADER_BYTES + block.length) as u64;
    Ok(Some((end, block.first + u64::from(block.frames))))
}

/// Keeps a copy of a damaged segment beside it.
fn set_aside(path: &Path, at: u64, bytes: u64, opened: &mut Opened) -> Result<(), SpoolError> {
    let aside = path.with_extension("damaged");
    std::fs::copy(path, &aside).map_err(SpoolError::io("set aside", path))?;
    tracing::error!(path = %aside.display(), at, bytes, "a part of the spool is damaged and was set aside");
    opened.recovered.damaged.push(Damage { path: aside, at, bytes });
    Ok(())
}
