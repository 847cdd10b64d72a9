//! Folders in which other programs leave logs.
//!
//! Every second, files that are new or have grown are read on. How far each was read becomes durable together with what was
//! read, as a mark in the spool, so that a kill neither loses nor doubles a line. A file is known by its inode and its first
//! bytes: it may be renamed, and one that was emptied or put in its place is read from its start. Lines of text, NDJSON,
//! Zeek and PostgreSQL's csvlog are read as they grow; EVTX, JSON in one piece and compressed files once they have not changed for a while.

mod mark;
mod take;

use std::collections::{BTreeMap, HashSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::{Frame, Inlet, ended};
use mark::Mark;

/// How often a folder is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long to wait after something could not be taken.
const PAUSE: Duration = Duration::from_secs(5);
/// Files of one folder that are watched; further ones are told and left.
pub const FILES_MAX: usize = 10_000;
/// Folders below folders that are looked into.
const DEPTH_MAX: usize = 8;
/// Batches that wait for the spool.
const BATCHES_MAX: usize = 4;
/// How long a file that is gone is remembered, in looks: it may come back under another name, or compressed.
const GONE_LOOKS_MAX: u32 = 24 * 60 * 60;

/// A folder to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Its name, which tells the source of what comes from there.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// A file as it was found.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    path: PathBuf,
    device: u64,
    inode: u64,
    bytes: u64,
    changed_ms: i64,
}

/// Watches a folder until `stop` turns true.
pub async fn watch(inlet: Inlet, watched: Watched, mut stop: watch::Receiver<bool>) {
    let source = format!("folder/{}", watched.name);
    let mut known = Known::of(&inlet, &source);
    let mut told = String::new();
    loop {
        let (batches, mut waiting) = mpsc::channel::<Vec<Frame>>(BATCHES_MAX);
        let (of, folder, reading) = (source.clone(), watched.path.clone(), inlet.clone());
        let looking = tokio::task::spawn_blocking(move || {
            let looked = known.look(&reading, &of, &folder, &batches);
            (known, looked)
        });
        let mut failed = false;
        while let Some(batch) = waiting.recv().await {
            if let Err(error) = inlet.put(&source, &batch).await {
                tracing::error!(%error, folder = %watched.path.display(), "records of a folder could not be taken");
                failed = true;
                break;
            }
        }
        drop(waiting);
        let Ok((again, looked)) = looking.await else {
            tracing::error!(folder = %watched.path.display(), "a folder could not be read to its end");
            return;
        };
        known = again;
        if failed {
            // What was read and not taken is read again: the marks say from where.
            known = Known::of(&inlet, &source);
        }
        let words = looked.err().map(|error| error.to_string()).unwrap_or_default();
        if words != told && !words.is_empty() {
            tracing::warn!(folder = %watched.path.display(), "{words}");
        }
        told = words;
        let pause = if failed { PAUSE } else { LOOK_EVERY };
        tokio::select! {
            () = ended(&mut stop) => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Why a folder cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookError {
    #[error("`{path}` cannot be read: {source}; check that it is there and may be read")]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("there are more than {FILES_MAX} files; only so many are watched: move old ones away")]
    TooMany,
    #[error("records cannot be taken at present")]
    Stopped,
}

/// What is known of the files of a folder.
pub(crate) struct Known {
    marks: BTreeMap<String, Mark>,
    /// Files that were gone at so many looks in a row.
    gone: BTreeMap<String, u32>,
    /// When a file was found to have changed, by its key: size, time, and the time of the look.
    seen: BTreeMap<String, (u64, i64, i64)>,
}

impl Known {
    /// As the spool's marks say.
    fn of(inlet: &Inlet, source: &str) -> Self {
        let prefix = format!("{source}\n");
        let marks = inlet.spool().marks();
        let own = marks.iter().filter_map(|(key, value)| {
            let key = key.strip_prefix(&prefix)?;
            Some((key.to_owned(), Mark::decode(value)?))
        });
        Self { marks: own.collect(), gone: BTreeMap::new(), seen: BTreeMap::new() }
    }

    /// Looks at every file once.
    fn look(
        &mut self,
        inlet: &Inlet,
        source: &str,
        folder: &Path,
        batches: &mpsc::Sender<Vec<Frame>>,
    ) -> Result<(), LookError> {
        let mut files = Vec::new();
        let listed = list(folder, 0, &mut files);
        files.sort_by(|one, other| (one.changed_ms, &one.path).cmp(&(other.changed_ms, &other.path)));
        let here: HashSet<String> = files.iter().map(Found::key).collect();
        let mut out = take::Out::new(inlet, source, batches);
        for file in &files {
            match self.file(&mut out, file) {
                // A file that went meanwhile, or may not be read, is looked at again next time.
                Err(LookError::Io { path, source }) => {
                    tracing::debug!(path = %path.display(), error = %source, "a file could not be read");
                }
                other => other?,
            }
        }
        // A folder that could not be listed has lost none of its files.
        if listed.is_ok() {
            self.forget(&here, &mut out)?;
        }
        listed
    }

    /// Forgets files that have been gone for long.
    fn forget(&mut self, here: &HashSet<String>, out: &mut take::Out<'_>) -> Result<(), LookError> {
        self.gone.retain(|key, _| !here.contains(key));
        self.seen.retain(|key, _| here.contains(key));
        let gone: Vec<String> = self.marks.keys().filter(|key| !here.contains(*key)).cloned().collect();
        for key in gone {
            let looks = self.gone.entry(key.clone()).or_default();
            *looks += 1;
            if *looks > GONE_LOOKS_MAX || self.marks.len() > 2 * FILES_MAX {
                self.gone.remove(&key);
                self.marks.remove(&key);
                out.mark(&key, None)?;
            }
        }
        Ok(())
    }

    /// Reads on in a file, where there is something new.
    fn file(&mut self, out: &mut take::Out<'_>, file: &Found) -> Result<(), LookError> {
        let (key, now) = (file.key(), out.now_ms());
        let seen = self.seen.entry(key.clone()).or_insert((file.bytes, file.changed_ms, now));
        if (seen.0, seen.1) != (file.bytes, file.changed_ms) {
            *seen = (file.bytes, file.changed_ms, now);
        }
        let quiet_ms = now.saturating_sub(seen.2);
        let known = self.marks.get(&key);
        if known.is_some_and(|mark| mark.is_at(file)) {
            return Ok(());
        }
        // A compressed file may be one that was read before it was compressed.
        let others = &self.marks;
        let read = take::file(out, file, known, quiet_ms, |head| mark::of_head(others, head))?;
        if let Some(mark) = read {
            self.marks.insert(key, mark);
        }
        Ok(())
    }
}

impl Found {
    /// What a file is known by, whatever its name.
    fn key(&self) -> String {
        format!("{:x}:{:x}", self.device, self.inode)
    }
}

/// Finds files below `folder`. Links are not followed, hidden files left.
fn list(folder: &Path, depth: usize, files: &mut Vec<Found>) -> Result<(), LookError> {
    let failed = |source| LookError::Io { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // A file that went meanwhile is none.
        let Ok(found) = entry.metadata() else { continue };
        if found.is_dir() && depth < DEPTH_MAX {
            list(&entry.path(), depth + 1, files)?;
        }
        if found.is_file() {
            if files.len() >= FILES_MAX {
                return Err(LookError::TooMany);
            }
            files.push(Found {
                path: entry.path(),
                device: found.dev(),
                inode: found.ino(),
                bytes: found.len(),
                changed_ms: found.mtime().saturating_mul(1_000).saturating_add(found.mtime_nsec() / 1_000_000),
            });
        }
    }
    Ok(())
}
