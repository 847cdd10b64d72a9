//! A lake in a folder: appended to, compacted, expired, and made to forget; one process writes it.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;

use crate::manifest::{MANIFEST, Manifest, Segment};
use crate::retention::{Holds, Retention};
use crate::row::Row;
use crate::sealed::{SealedFile, seal};
use crate::segment::{Batches, Writer};
use crate::{LakeError, LakeKey, Random, columns, disk, segment};

/// Bytes of a sealed segment, which is opened whole when it is merged or made to forget.
pub const SEGMENT_BYTES_MAX: usize = 64 << 20;
/// Bytes after which a segment takes no more rows; what is being worked on still fits.
const FULL_BYTES: usize = 52 << 20;
/// Rows of a segment.
pub const SEGMENT_ROWS_MAX: usize = 1 << 20;
/// The lock's name in the folder.
const LOCK: &str = "lock";
/// What names of segments begin with.
const SEGMENT_PREFIX: &str = "segment-";
/// Rows that outlived their time may stay so much longer, so that a segment is not written anew every day for a few of them.
const EXPIRY_SLACK_MS: i64 = 7 * 24 * 60 * 60_000;

/// A published checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Entries that it covers.
    pub size: u64,
    /// The signed note.
    pub note: String,
}

/// How small segments are merged.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// So many neighbours of about one size become one.
    pub fan_in: usize,
    /// A merged segment has at most so many rows.
    pub rows_max: usize,
    /// Merged files stay so long for those who began to read before, in milliseconds.
    pub grace_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fan_in: 8, rows_max: SEGMENT_ROWS_MAX, grace_ms: 60 * 60_000 }
    }
}

/// Whose details are to vanish.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Scopes whose keys were destroyed.
    pub scopes: BTreeSet<String>,
    /// Studies whose keys were destroyed, and with them the keys of their objects.
    pub studies: BTreeSet<String>,
}

impl Forgotten {
    /// A scope as `model::Scope` prints it; a study takes its objects with it.
    #[must_use]
    pub fn of<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forgotten = Self::default();
        for scope in scopes {
            forgotten.scopes.insert(scope.to_owned());
            forgotten.studies.extend(scope.strip_prefix("study:").map(str::to_owned));
        }
        forgotten
    }

    fn names(&self, row: &Row) -> bool {
        let of_study = row.study.as_ref().is_some_and(|study| self.studies.contains(study));
        let of_object = |scope: &str| scope.starts_with("object:") || scope.starts_with("subject:");
        row.scopes().any(|scope| self.scopes.contains(scope.as_ref()) || of_study && of_object(&scope))
    }
}

/// A lake as it is at a moment, to be read.
#[derive(Debug, Clone)]
pub struct Snapshot {
    folder: PathBuf,
    key: LakeKey,
    /// What it consists of.
    pub manifest: Manifest,
}

impl Snapshot {
    /// Reads what the lake in `folder` consists of. Takes no lock and changes nothing.
    ///
    /// # Errors
    /// When the manifest was altered or cannot be read.
    pub fn open(folder: &Path, key: LakeKey) -> Result<Self, LakeError> {
        let manifest = Manifest::read(folder, &key)?;
        Ok(Self { folder: folder.to_owned(), key, manifest })
    }

    /// Opens a segment.
    ///
    /// # Errors
    /// When it is gone or altered.
    pub fn segment(&self, name: &str) -> Result<SealedFile, LakeError> {
        match SealedFile::open(&self.folder.join(name), &self.key, name) {
            Err(LakeError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Err(LakeError::Missing { name: name.to_owned() })
            }
            other => other,
        }
    }

    /// A segment's rows as columns, some at a time.
    fn batches(&self, segment: &Segment) -> Result<Batches, LakeError> {
        Batches::of(self.segment(&segment.name)?.read(0..u64::MAX)?)
    }

    /// All rows of a segment, in memory.
    ///
    /// # Errors
    /// When it is gone, altered, or not what this version writes.
    pub fn rows(&self, segment: &Segment) -> Result<Vec<Row>, LakeError> {
        let mut rows = Vec::new();
        for batch in self.batches(segment)? {
            rows.append(&mut columns::to_rows(&batch?)?);
        }
        if rows.len() as u64 != segment.rows {
            return Err(LakeError::Altered { path: self.folder.join(&segment.name) });
        }
        Ok(rows)
    }
}

/// An open lake.
pub struct Lake {
    at: Snapshot,
    random: Random,
    _lock: File,
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lake").field("folder", &self.at.folder).field("next_index", &self.next_index()).finish()
    }
}

impl Lake {
    /// Opens the lake in `folder`, or begins one. What a kill left over is taken away.
    ///
    /// # Errors
    /// When another process has it open, the disk fails, or what lies there was altered.
    pub fn open(folder: &Path, key: LakeKey, random: Random) -> Result<Self, LakeError> {
        disk::private(folder)?;
        let path = folder.join(LOCK);
        let mut options = File::options();
        let lock = options.create(true).append(true).open(&path).map_err(LakeError::io("opened", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(LakeError::Locked { path }),
            Err(std::fs::TryLockError::Error(source)) => return Err(LakeError::io("locked", &path)(source)),
        }
        let lake = Self { at: Snapshot::open(folder, key)?, random, _lock: lock };
        lake.sweep()?;
        Ok(lake)
    }

    /// Takes away files that the manifest does not name.
    fn sweep(&self) -> Result<(), LakeError> {
        let folder = &self.at.folder;
        let manifest = &self.at.manifest;
        let known: BTreeSet<&str> = (manifest.segments.iter().map(|segment| segment.name.as_str()))
            .chain(manifest.retired.iter().map(|(name, _)| name.as_str()))
            .collect();
        for entry in std::fs::read_dir(folder).map_err(LakeError::io("listed", folder))? {
            let name = entry.map_err(LakeError::io("listed", folder))?.file_name();
            let Some(name) = name.to_str() else { continue };
            let is_left = name.starts_with(SEGMENT_PREFIX) && !known.contains(name);
            if is_left || name.ends_with(disk::UNFINISHED) {
                disk::remove(folder, name)?;
            }
        }
        Ok(())
    }

    /// The entry that comes next.
    #[must_use]
    pub const fn next_index(&self) -> u64 {
        self.at.manifest.next_index
    }

    /// What it consists of now.
    #[must_use]
    pub const fn snapshot(&self) -> &Snapshot {
        &self.at
    }

    /// Adds rows, which go on at [`Lake::next_index`], bound to a checkpoint that covers them. All of them are there, or none.
    ///
    /// # Errors
    /// When they do not go on there, the checkpoint does not cover them, or the disk fails.
    pub fn append(&mut self, rows: &[Row], checkpoint: &Checkpoint) -> Result<(), LakeError> {
        let mut expected = self.next_index();
        for row in rows {
            if row.index != expected {
                return Err(LakeError::Order { expected, found: row.index });
            }
            if row.index >= checkpoint.size {
                return Err(LakeError::Beyond { index: row.index, size: checkpoint.size });
            }
            expected += 1;
        }
        if rows.is_empty() {
            return Ok(());
        }
        let (first, last) = (self.next_index(), expected - 1);
        let written = self.write(segment::batches_of(rows), (first, last), checkpoint)?;
        let mut manifest = self.at.manifest.clone();
        manifest.segments.extend(written);
        manifest.next_index = expected;
        self.replace(manifest)
    }

    /// Writes rows as one segment, or as several where one would be too large. `covers` are the first and last entries that the
    /// segments stand for, also those whose rows are gone.
    fn write(
        &self,
        batches: impl Iterator<Item = Result<RecordBatch, LakeError>>,
        covers: (u64, u64),
        checkpoint: &Checkpoint,
    ) -> Result<Vec<Segment>, LakeError> {
        let (mut written, mut first) = (Vec::new(), covers.0);
        let mut writer = Writer::new()?;
        for batch in batches {
            let batch = batch?;
            let is_full =
                writer.bytes() > FULL_BYTES || writer.rows() + batch.num_rows() as u64 > SEGMENT_ROWS_MAX as u64;
            if let Some(next) = segment::first_index(&batch).filter(|_| is_full && writer.rows() > 0) {
                let full = std::mem::replace(&mut writer, Writer::new()?);
                written.push(self.put(full, (first, next.saturating_sub(1)), checkpoint)?);
                first = next;
            }
            writer.push(&batch, checkpoint.size)?;
        }
        if writer.rows() > 0 {
            written.push(self.put(writer, (first, covers.1), checkpoint)?);
        }
        Ok(written)
    }

    /// Seals a segment and puts it into the folder.
    fn put(&self, writer: Writer, covers: (u64, u64), checkpoint: &Checkpoint) -> Result<Segment, LakeError> {
        let mut id = [0; 8];
        (self.random)(&mut id).map_err(LakeError::Random)?;
        let name = format!("{SEGMENT_PREFIX}{:020}-{:020}-{:016x}", covers.0, covers.1, u64::from_be_bytes(id));
        let (plain, facts) = writer.finish()?;
        let sealed = seal(&self.at.key, &self.random, &name, &plain)?;
        if sealed.len() > SEGMENT_BYTES_MAX {
            return Err(LakeError::TooLarge { index: covers.0, bytes: sealed.len(), limit: SEGMENT_BYTES_MAX });
        }
        disk::put(&self.at.folder, &name, &sealed)?;
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &sealed);
        Ok(Segment {
            name,
            first: covers.0,
            last: covers.1,
            first_ms: facts.first_ms,
            last_ms: facts.last_ms,
            rows: facts.rows,
            bytes: sealed.len() as u64,
            sha256: hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
            tree_size: checkpoint.size,
            checkpoint: checkpoint.note.clone(),
            classes: facts.classes,
            has_details: facts.has_details,
        })
    }

    /// Puts another manifest into place; from then on the lake is what it says.
    fn replace(&mut self, mut manifest: Manifest) -> Result<(), LakeError> {
        manifest.generation += 1;
        let form = |error: serde_json::Error| LakeError::Form { path: MANIFEST.into(), why: error.to_string() };
        let sealed = seal(&self.at.key, &self.random, MANIFEST, &serde_json::to_vec(&manifest).map_err(form)?)?;
        disk::put(&self.at.folder, MANIFEST, &sealed)?;
        self.at.manifest = manifest;
        Ok(())
    }

    /// Merges neighbours of about one size, and takes files away that were merged long enough ago. Gives how many segments
    /// became part of another.
    ///
    /// # Errors
    /// When a segment is gone or altered, or the disk fails. What was there before is there still.
    pub fn compact(&mut self, limits: Limits, now_ms: i64) -> Result<usize, LakeError> {
        let mut merged = 0;
        while let Some(run) = mergeable(&self.at.manifest.segments, limits) {
            let parts: Vec<Segment> = self.at.manifest.segments.get(run.clone()).unwrap_or_default().to_vec();
            let (Some(first), Some(last)) = (parts.first(), parts.last()) else { break };
            let checkpoint = Checkpoint { size: last.tree_size, note: last.checkpoint.clone() };
            // One part at a time is opened.
            let batches = parts.iter().flat_map(|part| match self.at.batches(part) {
                Ok(batches) => Either::Batches(batches),
                Err(error) => Either::Failed(Some(error)),
            });
            let written = self.write(batches, (first.first, last.last), &checkpoint)?;
            let (before, after) = (count(&parts), count(&written));
            if before != after {
                return Err(LakeError::Altered { path: self.at.folder.join(&first.name) });
            }
            let is_progress = written.len() < parts.len();
            let mut manifest = self.at.manifest.clone();
            manifest.segments.splice(run, written);
            manifest.retired.extend(parts.iter().map(|part| (part.name.clone(), now_ms)));
            self.replace(manifest)?;
            merged += parts.len();
            if !is_progress {
                break;
            }
        }
        self.remove_retired(|left_ms| left_ms <= now_ms.saturating_sub(limits.grace_ms))?;
        Ok(merged)
    }

    /// Takes merged files away whose time of leaving passes.
    fn remove_retired(&mut self, is_over: impl Fn(i64) -> bool) -> Result<(), LakeError> {
        let (over, kept): (Vec<_>, Vec<_>) =
            self.at.manifest.retired.iter().cloned().partition(|(_, left_ms)| is_over(*left_ms));
        if over.is_empty() {
            return Ok(());
        }
        // The files go first: a kill in between leaves names of files that are gone, which are taken out next time.
        for (name, _) in &over {
            disk::remove(&self.at.folder, name)?;
        }
        let mut manifest = self.at.manifest.clone();
        manifest.retired = kept;
        self.replace(manifest)
    }

    /// Takes rows out whose time is over, unless a hold lies on them; at most seven days after their time. Gives how many.
    ///
    /// # Errors
    /// When a segment is gone or altered, or the disk fails.
    pub fn expire(&mut self, retention: &Retention, holds: &Holds, now_ms: i64) -> Result<u64, LakeError> {
        let is_over = |class: u32, time_ms: i64, slack: i64| time_ms < retention.cutoff_ms(class, now_ms) - slack;
        let has_due = |segment: &Segment| {
            segment.classes.iter().any(|(class, first_ms)| is_over(*class, *first_ms, EXPIRY_SLACK_MS))
        };
        self.rewrite(has_due, |row| match is_over(row.class_uid, row.time_ms, 0) && !holds.hold(row) {
            true => Fate::Gone,
            false => Fate::Same,
        })
    }

    /// Notes that keys are about to be destroyed, so that a kill between their end and [`Lake::forget`] is made up for.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn begin_forgetting(&mut self, scopes: &[String]) -> Result<(), LakeError> {
        let mut manifest = self.at.manifest.clone();
        let new = scopes.iter().filter(|scope| !self.at.manifest.forgetting.contains(scope));
        manifest.forgetting.extend(new.cloned());
        self.replace(manifest)
    }

    /// Scopes of which [`Lake::begin_forgetting`] was told and [`Lake::end_forgetting`] not.
    #[must_use]
    pub fn forgetting(&self) -> &[String] {
        &self.at.manifest.forgetting
    }

    /// Notes that nothing of this is left to be forgotten.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn end_forgetting(&mut self, scopes: &[String]) -> Result<(), LakeError> {
        let mut manifest = self.at.manifest.clone();
        manifest.forgetting.retain(|scope| !scopes.contains(scope));
        self.replace(manifest)
    }

    /// Takes the details out that destroyed keys had sealed; a row with one such detail loses all of them. Files in which they lay
    /// are gone afterwards. Gives how many rows changed.
    ///
    /// # Errors
    /// When a segment is gone or altered, or the disk fails: ask again then.
    pub fn forget(&mut self, forgotten: &Forgotten) -> Result<u64, LakeError> {
        let has_named = |segment: &Segment| segment.has_details;
        let changed = self.rewrite(has_named, |row| {
            let holds_some = row.object_name.is_some() || row.raw.is_some() || row.details.is_some();
            if !(holds_some && forgotten.names(row)) {
                return Fate::Same;
            }
            row.forget();
            Fate::Changed
        })?;
        self.remove_retired(|_| true)?;
        Ok(changed)
    }

    /// Writes segments anew in which a row changes or goes; their old files are taken away.
    fn rewrite(
        &mut self,
        concerns: impl Fn(&Segment) -> bool,
        mut judge: impl FnMut(&mut Row) -> Fate,
    ) -> Result<u64, LakeError> {
        let mut changed = 0;
        let names: Vec<String> =
            self.at.manifest.segments.iter().filter(|one| concerns(one)).map(|one| one.name.clone()).collect();
        for name in names {
            let Some(at) = self.at.manifest.segments.iter().position(|segment| segment.name == name) else { continue };
            let Some(old) = self.at.manifest.segments.get(at).cloned() else { continue };
            // Looked at first: most segments hold nothing of it.
            let mut concerns_some = false;
            for batch in self.at.batches(&old)? {
                let mut rows = columns::to_rows(&batch?)?;
                concerns_some = rows.iter_mut().any(|row| judge(row) != Fate::Same);
                if concerns_some {
                    break;
                }
            }
            if !concerns_some {
                continue;
            }
            let mut count = 0;
            let checkpoint = Checkpoint { size: old.tree_size, note: old.checkpoint.clone() };
            let judged = self.at.batches(&old)?.map(|batch| {
                let mut rows = columns::to_rows(&batch?)?;
                rows.retain_mut(|row| {
                    let fate = judge(row);
                    count += u64::from(fate != Fate::Same);
                    fate != Fate::Gone
                });
                Ok(columns::to_batch(&rows)?)
            });
            let written = self.write(judged, (old.first, old.last), &checkpoint)?;
            let mut manifest = self.at.manifest.clone();
            manifest.segments.splice(at..=at, written);
            self.replace(manifest)?;
            disk::remove(&self.at.folder, &old.name)?;
            changed += count;
        }
        Ok(changed)
    }
}

/// What becomes of a row.
#[derive(PartialEq, Eq)]
enum Fate {
    Same,
    Changed,
    Gone,
}

/// Rows in some segments.
fn count(segments: &[Segment]) -> u64 {
    segments.iter().map(|segment| segment.rows).sum()
}

/// Batches of a segment, or why there are none.
enum Either {
    Batches(Batches),
    Failed(Option<LakeError>),
}

impl Iterator for Either {
    type Item = Result<RecordBatch, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Batches(batches) => batches.next(),
            Self::Failed(error) => error.take().map(Err),
        }
    }
}

/// The first run of neighbours of one tier that is long enough, from the smallest tier up. A tier is a factor of the fan-in in rows.
fn mergeable(segments: &[Segment], limits: Limits) -> Option<std::ops::Range<usize>> {
    let fan_in = limits.fan_in.max(2);
    let tier = |segment: &Segment| segment.rows.max(1).ilog(fan_in as u64);
    let tiers: BTreeSet<u32> = segments.iter().map(tier).collect();
    for most in tiers {
        let mut from = 0;
        while from < segments.len() {
            let mut rows = 0;
            let run = segments.get(from..).unwrap_or_default().iter().take_while(|segment| {
                rows += segment.rows;
                tier(segment) <= most && rows <= limits.rows_max as u64
            });
            let length = run.count();
            if length >= fan_in {
                return Some(from..from + length);
            }
            from += 1;
        }
    }
    None
}
