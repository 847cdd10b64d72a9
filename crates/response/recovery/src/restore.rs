//! Getting files back: into a folder, or compared as they stream by. Every file is held against the list that was written when
//! it was backed up.

mod ranks;

use std::collections::{HashMap, HashSet};
use std::fs::{DirBuilder, File, FileTimes, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use rustic_core::BlobId;
use rustic_core::repofile::{BlobType, Node};
use serde::{Deserialize, Serialize};

use ranks::Countdown;
pub use ranks::Reached;

use crate::manifest::Summing;
use crate::repository::{Opened, reading};
use crate::{Digest, Entry, Manifest, Progress, RecoveryError};

/// Lies in a folder until everything is restored into it. A folder that holds it must not be used.
pub const MARKER: &str = ".restoring";
/// Threads that read and write: beyond a few, a disk is no faster.
const THREADS_MAX: usize = 4;
/// What is read at a time from a disk.
const PIECE_BYTES: usize = 256 << 10;
/// Room that is left on a disk, for folders and names.
const SPARE_BYTES: u64 = 16 << 20;

/// What a folder is being restored from.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    snapshot: String,
}

/// A folder that is being restored into.
#[derive(Debug)]
pub struct Target {
    path: PathBuf,
    /// Whether an earlier try began.
    pub is_resumed: bool,
}

/// Whether a restore into `folder` did not end, and of which snapshot.
#[must_use]
pub fn is_unfinished(folder: &Path) -> Option<String> {
    let text = std::fs::read(folder.join(MARKER)).ok()?;
    Some(serde_json::from_slice::<Mark>(&text).map_or_else(|_cut| "unknown".to_owned(), |mark| mark.snapshot))
}

impl Target {
    /// Takes a folder, which is made if need be. It must be empty, or a restore of the same snapshot must have begun there.
    ///
    /// # Errors
    /// When it holds something else, or cannot be written.
    pub fn claim(path: &Path, snapshot: &str) -> Result<Self, RecoveryError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(RecoveryError::file(path, "made"))?;
        let marker = path.join(MARKER);
        match std::fs::read(&marker) {
            Ok(text) => {
                // A marker that was cut off says that nothing was written after it.
                let other = serde_json::from_slice::<Mark>(&text).ok().map(|mark| mark.snapshot);
                if let Some(other) = other.filter(|other| other != snapshot) {
                    return Err(RecoveryError::OtherRestore { path: path.to_owned(), other });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut entries = std::fs::read_dir(path).map_err(RecoveryError::file(path, "read"))?;
                if entries.next().is_some() {
                    return Err(RecoveryError::NotEmpty { path: path.to_owned() });
                }
                let text = serde_json::to_vec(&Mark { snapshot: snapshot.to_owned() });
                let text = text.map_err(|error| RecoveryError::file(&marker, "written")(io::Error::other(error)))?;
                write_private(&marker, &text).map_err(RecoveryError::file(&marker, "written"))?;
                return Ok(Self { path: path.to_owned(), is_resumed: false });
            }
            Err(source) => return Err(RecoveryError::file(&marker, "read")(source)),
        }
        Ok(Self { path: path.to_owned(), is_resumed: true })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says that everything is there: it is made durable, then the marker goes.
    ///
    /// # Errors
    /// When the disk does not confirm it.
    pub fn finish(self) -> Result<(), RecoveryError> {
        let sync = || {
            let folder = File::open(&self.path)?;
            rustix::fs::syncfs(&folder)?;
            std::fs::remove_file(self.path.join(MARKER))?;
            folder.sync_all()
        };
        sync().map_err(RecoveryError::file(&self.path, "written"))
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// What is restored where.
pub struct Task<'a> {
    /// The snapshot: its id or the beginning of it, or `latest`.
    pub snapshot: &'a str,
    /// Beginnings of paths in the snapshot and what stands for them below the folder, such as `data/` and nothing. Other files
    /// are left.
    pub places: &'a [(&'a str, &'a str)],
    /// Which of these files; all of them for none.
    pub only: Option<&'a (dyn Fn(&str) -> bool + Sync)>,
    /// Files of a lower rank come first.
    pub rank: &'a (dyn Fn(&str) -> u32 + Sync),
}

/// What was restored or compared.
#[derive(Debug, Clone, Serialize)]
pub struct Restored {
    /// The snapshot's id.
    pub snapshot: String,
    /// The digest over all files, as they are now. Only where the whole snapshot was asked for is it the snapshot's own.
    pub root: Digest,
    /// Files that are there.
    pub files: u64,
    /// Their length.
    pub bytes: u64,
    /// Files that were there already from an earlier try.
    pub kept_files: u64,
    /// When the files of each rank were there, in the order of ranks.
    pub ranks: Vec<Reached>,
}

/// One file to be brought back.
struct Job<'a> {
    node: &'a Node,
    entry: &'a Entry,
    to: Option<PathBuf>,
    order: (u32, u64),
}

/// Restores into a folder. Stopped at any moment and started again, it goes on.
///
/// # Errors
/// When the repository is damaged, the disk is full, or a file is not what was backed up.
pub fn restore(opened: &Opened, target: &Target, task: &Task<'_>) -> Result<Restored, RecoveryError> {
    opened.faults.unless_stopped(&opened.at, work(opened, task, Some(target.path())))
}

/// Reads everything that `task` means and compares it, without writing it anywhere.
///
/// # Errors
/// When the repository is damaged, or a file is not what was backed up.
pub fn compare(opened: &Opened, task: &Task<'_>) -> Result<Restored, RecoveryError> {
    opened.faults.unless_stopped(&opened.at, work(opened, task, None))
}

fn work(opened: &Opened, task: &Task<'_>, into: Option<&Path>) -> Result<Restored, RecoveryError> {
    let found = opened.find(task.snapshot)?;
    let manifest = opened.manifest_of(&found)?;
    let nodes = opened.nodes(&found)?;
    let known = manifest.by_path();
    let is_wanted = |path: &str| {
        task.places.iter().any(|(from, _)| path.starts_with(from)) && task.only.is_none_or(|only| only(path))
    };
    let (mut jobs, mut folders) = (Vec::new(), Vec::new());
    let mut packs = HashMap::new();
    for (path, node) in &nodes {
        if node.is_dir() && is_wanted(&format!("{path}/")) {
            folders.push((path.as_str(), node));
        }
        if !node.is_file() || !is_wanted(path) {
            continue;
        }
        let Some(&entry) = known.get(path.as_str()) else {
            return Err(RecoveryError::Differs { count: 1, first: path.clone() });
        };
        let to = into.map(|into| place(into, path, task.places)).transpose()?;
        let order = (task.rank)(path);
        jobs.push(Job { node, entry, to, order: (order, lies(opened, node, &mut packs)?) });
    }
    let there: HashSet<&str> = jobs.iter().map(|job| job.entry.path.as_str()).collect();
    let missing: Vec<_> =
        manifest.files.iter().filter(|file| is_wanted(&file.path) && !there.contains(file.path.as_str())).collect();
    if let Some(first) = missing.first() {
        return Err(RecoveryError::Differs { count: missing.len(), first: first.path.clone() });
    }
    if let Some(into) = into {
        room(into, &jobs)?;
        for (path, _) in &folders {
            folder(&place(into, path, task.places)?)?;
        }
    }
    jobs.sort_by_key(|job| job.order);
    opened.faults.progress().begin("restoring files", jobs.iter().map(|job| job.entry.bytes).sum());
    let countdown = Countdown::of(jobs.iter().map(|job| (job.order.0, job.entry.bytes)));
    let kept_files = all(opened, &jobs, &countdown)?;
    let wanted = manifest.files.iter().filter(|file| there.contains(file.path.as_str()));
    let mut summing = Summing::new();
    let (mut files, mut bytes) = (0, 0);
    for file in wanted {
        summing.add(&file.path, file.bytes, &file.blake3);
        files += 1;
        bytes += file.bytes;
    }
    let (snapshot, root) = (found.id.to_hex().to_string(), summing.root());
    Ok(Restored { snapshot, root, files, bytes, kept_files, ranks: countdown.reached() })
}

/// A number that files of one pack share, and that grows from pack to pack: what lies together is read together.
fn lies(opened: &Opened, node: &Node, packs: &mut HashMap<String, u64>) -> Result<u64, RecoveryError> {
    let Some(first) = node.content.as_ref().and_then(|content| content.first()) else { return Ok(0) };
    let entry = reading(&opened.at, "looking up a file's place", || opened.inner.get_index_entry(first))?;
    let next = packs.len() as u64;
    let pack = *packs.entry(entry.pack.to_hex().to_string()).or_insert(next);
    Ok((pack << 32) | u64::from(entry.location.offset))
}

/// Where a file of the snapshot belongs below `into`. A path that leads elsewhere is refused.
fn place(into: &Path, path: &str, places: &[(&str, &str)]) -> Result<PathBuf, RecoveryError> {
    let fitting = places.iter().find_map(|(from, to)| {
        let rest = path.strip_prefix(from).or_else(|| (from.strip_suffix('/') == Some(path)).then_some(""))?;
        Some(format!("{to}{rest}"))
    });
    let relative = PathBuf::from(fitting.unwrap_or_else(|| path.to_owned()));
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        let why = format!("the path `{path}` leads out of the folder");
        return Err(RecoveryError::Damaged { at: into.display().to_string(), why });
    }
    Ok(into.join(relative))
}

/// Refuses to begin what the disk has no room for.
fn room(into: &Path, jobs: &[Job<'_>]) -> Result<(), RecoveryError> {
    let missing = |job: &&Job<'_>| {
        let length = job.to.as_ref().and_then(|to| std::fs::metadata(to).ok()).map(|metadata| metadata.len());
        length != Some(job.entry.bytes)
    };
    let wanted: u64 = jobs.iter().filter(missing).map(|job| job.entry.bytes).sum();
    let Ok(disk) = rustix::fs::statvfs(into) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if wanted.saturating_add(SPARE_BYTES) > free && wanted > 0 {
        let wanted = format!(": {wanted} bytes are needed, {free} are free");
        return Err(RecoveryError::Full { at: into.display().to_string(), wanted });
    }
    Ok(())
}

fn folder(path: &Path) -> Result<(), RecoveryError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(RecoveryError::file(path, "made"))
}

/// Does every job; how many files were there already.
fn all(opened: &Opened, jobs: &[Job<'_>], countdown: &Countdown) -> Result<u64, RecoveryError> {
    let (next, kept, stop) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let (differing, failed) = (Mutex::new(Vec::<String>::new()), Mutex::new(None::<RecoveryError>));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                    if opened.faults.progress().is_stopped() {
                        let stopped = RecoveryError::Stopped { at: opened.at.clone() };
                        failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(stopped);
                        return;
                    }
                    match one(opened, job) {
                        Ok(Done::Written) => countdown.done(job.order.0),
                        Ok(Done::Kept) => {
                            kept.fetch_add(1, Ordering::Relaxed);
                            countdown.done(job.order.0);
                        }
                        Ok(Done::Differs) => push(&differing, job.entry.path.clone()),
                        Err(error) => {
                            stop.store(true, Ordering::Relaxed);
                            let mut failed = failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                            failed.get_or_insert(error);
                        }
                    }
                }
            });
        }
    });
    if let Some(error) = failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
        return Err(error);
    }
    let mut differing = differing.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    differing.sort();
    match differing.first() {
        Some(first) => Err(RecoveryError::Differs { count: differing.len(), first: first.clone() }),
        None => Ok(kept.into_inner() as u64),
    }
}

fn push(all: &Mutex<Vec<String>>, one: String) {
    all.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(one);
}

enum Done {
    Written,
    Kept,
    Differs,
}

fn one(opened: &Opened, job: &Job<'_>) -> Result<Done, RecoveryError> {
    let mut hasher = blake3::Hasher::new();
    let Some(to) = &job.to else {
        let bytes = each(opened, job.node, |data| {
            hasher.update(data);
            Ok(())
        })?;
        return Ok(if is_same(job.entry, bytes, &hasher) { Done::Written } else { Done::Differs });
    };
    if digest_of(to).is_ok_and(|(bytes, digest)| bytes == job.entry.bytes && digest == job.entry.blake3) {
        finish(to, job.node).map_err(RecoveryError::file(to, "written"))?;
        opened.faults.progress().add(job.entry.bytes);
        return Ok(Done::Kept);
    }
    if let Some(parent) = to.parent() {
        folder(parent)?;
    }
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(to);
    let mut file = file.map_err(RecoveryError::file(to, "written"))?;
    let bytes = each(opened, job.node, |data| {
        hasher.update(data);
        file.write_all(data).map_err(RecoveryError::file(to, "written"))
    })?;
    finish(to, job.node).map_err(RecoveryError::file(to, "written"))?;
    Ok(if is_same(job.entry, bytes, &hasher) { Done::Written } else { Done::Differs })
}

fn is_same(entry: &Entry, bytes: u64, hasher: &blake3::Hasher) -> bool {
    entry.bytes == bytes && entry.blake3.0 == *hasher.finalize().as_bytes()
}

/// Gives every piece of a file; its length.
fn each(
    opened: &Opened,
    node: &Node,
    mut give: impl FnMut(&[u8]) -> Result<(), RecoveryError>,
) -> Result<u64, RecoveryError> {
    let mut bytes = 0;
    for id in node.content.iter().flatten() {
        let data = reading(&opened.at, "reading a file", || {
            opened.inner.get_blob_cached(&BlobId::from(**id), BlobType::Data)
        })?;
        bytes += data.len() as u64;
        opened.faults.progress().add(data.len() as u64);
        give(&data)?;
    }
    Ok(bytes)
}

/// Permissions and time, as they were; but its owner can always read and write it, or a restore could not go on.
fn finish(path: &Path, node: &Node) -> io::Result<()> {
    let file = File::open(path)?;
    if let Some(mode) = node.meta.mode {
        file.set_permissions(Permissions::from_mode((mode & 0o777) | 0o600))?;
    }
    if let Some(modified) = node.meta.mtime {
        let since = modified.as_nanosecond();
        let time = u64::try_from(since).ok().map(|since| SystemTime::UNIX_EPOCH + Duration::from_nanos(since));
        if let Some(time) = time {
            file.set_times(FileTimes::new().set_modified(time))?;
        }
    }
    Ok(())
}

/// Length and digest of a file on a disk.
///
/// # Errors
/// When it cannot be read.
pub fn digest_of(path: &Path) -> io::Result<(u64, Digest)> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; PIECE_BYTES];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((bytes, Digest(*hasher.finalize().as_bytes()))),
            Ok(count) => {
                hasher.update(buffer.get(..count).unwrap_or_default());
                bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl Manifest {
    /// Reads what lies in a folder now and tells the digest over it, by the same places as it was restored by; what has no place there,
    /// such as a listing of other folders, counts as it was. The paths of files that are not what they were come with it.
    ///
    /// # Errors
    /// When a path leads out of the folder, or it was stopped.
    pub fn look(
        &self,
        folder: &Path,
        places: &[(&str, &str)],
        progress: &Progress,
    ) -> Result<(Digest, Vec<String>), RecoveryError> {
        let (mut summing, mut differing) = (Summing::new(), Vec::new());
        let is_wanted = |entry: &&Entry| places.iter().any(|(from, _)| entry.path.starts_with(from));
        let total = self.files.iter().filter(is_wanted).map(|entry| entry.bytes).sum();
        progress.begin("comparing what was restored", total);
        for entry in &self.files {
            if !is_wanted(&entry) {
                summing.add(&entry.path, entry.bytes, &entry.blake3);
                continue;
            }
            if progress.is_stopped() {
                return Err(RecoveryError::Stopped { at: folder.display().to_string() });
            }
            progress.add(entry.bytes);
            match digest_of(&place(folder, &entry.path, places)?) {
                Ok((bytes, digest)) => {
                    summing.add(&entry.path, bytes, &digest);
                    if bytes != entry.bytes || digest != entry.blake3 {
                        differing.push(entry.path.clone());
                    }
                }
                Err(_) => differing.push(entry.path.clone()),
            }
        }
        Ok((summing.root(), differing))
    }
}
