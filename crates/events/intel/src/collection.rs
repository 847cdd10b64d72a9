//! What was imported, kept in a folder: one file of JSON lines, and one of what sources said last.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::indicator::Indicator;

/// The file of indicators.
const INDICATORS: &str = "indicators.jsonl";
/// The file of what sources said.
const SOURCES: &str = "sources.json";
/// Held while somebody imports.
const LOCK: &str = "import.lock";
/// The longest line of the file, in bytes: a kept pattern has at most a megabyte, and escapes.
const LINE_MAX: u64 = 16 << 20;
/// The form of the files; another one is refused.
const FORM: u32 = 1;

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CollectionError {
    /// A file cannot be read or written.
    #[error("`{path}` cannot be {what}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("`{path}`, line {line}: {why}; move the file away and import the sources again")]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
}

/// An indicator with when it was imported first and last, in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was imported first.
    pub first_seen_ms: i64,
    /// When its source named it last.
    pub last_seen_ms: i64,
    /// What it is.
    #[serde(flatten)]
    pub indicator: Indicator,
}

/// What is remembered of a source from one import to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Where it was imported from.
    pub from: String,
    /// When it was imported last, in milliseconds since 1970.
    pub imported_ms: i64,
    /// The mark of a file that did not change (`ETag`, RFC 9110 section 8.8.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Where a collection of a TAXII server goes on (`added_after`, TAXII 2.1 section 3.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_after: Option<String>,
}

/// What an import changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Merged {
    /// Not known before.
    pub added: u64,
    /// Known, and taken in the new form.
    pub replaced: u64,
    /// Taken back by the source; kept as such, so that an older copy of the feed does not bring it back unseen.
    pub revoked: u64,
}

#[derive(Serialize, Deserialize)]
struct Head {
    lazaret_intel: u32,
}

/// Everything imported, by source and id.
#[derive(Debug, Default)]
pub struct Collection {
    entries: Vec<Entry>,
    places: HashMap<(String, String), usize>,
    sources: BTreeMap<String, Remembered>,
}

impl Collection {
    /// Waits until nobody else imports into a folder, which is made if need be; holds as long as the file is kept.
    ///
    /// # Errors
    /// The folder cannot be made, or its file not be locked.
    pub fn lock(folder: &Path) -> Result<std::fs::File, CollectionError> {
        let path = folder.join(LOCK);
        let attempt = || -> std::io::Result<std::fs::File> {
            private(folder)?;
            let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        attempt().map_err(|source| CollectionError::Io { path: path.clone(), what: "locked", source })
    }

    /// Reads a folder; one that is not there is empty.
    ///
    /// # Errors
    /// A file cannot be read, or does not hold what it should.
    pub fn open(folder: &Path) -> Result<Self, CollectionError> {
        let mut collection = Self::default();
        let path = folder.join(INDICATORS);
        if let Some(file) = opened(&path)? {
            collection.read(&path, BufReader::new(file))?;
        }
        let path = folder.join(SOURCES);
        if let Some(file) = opened(&path)? {
            let broken = |why: String| CollectionError::Broken { path: path.clone(), line: 1, why };
            collection.sources =
                serde_json::from_reader(BufReader::new(file)).map_err(|error| broken(error.to_string()))?;
        }
        Ok(collection)
    }

    fn read(&mut self, path: &Path, mut lines: impl BufRead) -> Result<(), CollectionError> {
        let (mut line, mut number) = (Vec::new(), 0);
        loop {
            line.clear();
            number += 1;
            let broken = |why: String| CollectionError::Broken { path: path.to_owned(), line: number, why };
            let read = (&mut lines).take(LINE_MAX).read_until(b'\n', &mut line);
            if read.map_err(|source| CollectionError::Io { path: path.to_owned(), what: "read", source })? == 0 {
                return if number == 1 { Err(broken("the file is empty".to_owned())) } else { Ok(()) };
            }
            if number == 1 {
                let head: Head = serde_json::from_slice(&line).map_err(|error| broken(error.to_string()))?;
                if head.lazaret_intel != FORM {
                    return Err(broken(format!("form {} is not known, only {FORM}", head.lazaret_intel)));
                }
                continue;
            }
            let entry: Entry = serde_json::from_slice(&line).map_err(|error| broken(error.to_string()))?;
            let key = (entry.indicator.source.clone(), entry.indicator.id.clone());
            if self.places.insert(key, self.entries.len()).is_some() {
                return Err(broken(format!("`{}` is there twice", entry.indicator.id.escape_debug())));
            }
            self.entries.push(entry);
        }
    }

    /// Everything, in the order in which it was imported first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Everything without the times of import.
    pub fn indicators(&self) -> impl Iterator<Item = &Indicator> {
        self.entries.iter().map(|entry| &entry.indicator)
    }

    /// What is known of a vulnerability: the entries of all sources that name it.
    pub fn vulnerability<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| {
            let mut is_named = false;
            if let Some(expression) = entry.indicator.expression() {
                expression.atoms(&mut |atom| {
                    is_named |= matches!(atom, crate::Atom::Vulnerability(own) if own.eq_ignore_ascii_case(id));
                });
            }
            is_named
        })
    }

    /// Takes an import in: the same id of the same source replaces, a revocation stays until the source says otherwise, and
    /// the time of the first import is kept.
    pub fn merge(&mut self, indicators: Vec<Indicator>, now_ms: i64) -> Merged {
        let mut merged = Merged::default();
        for mut indicator in indicators {
            let key = (indicator.source.clone(), indicator.id.clone());
            let Some(old) = self.places.get(&key).and_then(|place| self.entries.get_mut(*place)) else {
                let count = if indicator.revoked { &mut merged.revoked } else { &mut merged.added };
                *count += 1;
                self.places.insert(key, self.entries.len());
                self.entries.push(Entry { first_seen_ms: now_ms, last_seen_ms: now_ms, indicator });
                continue;
            };
            if indicator.revoked {
                merged.revoked += u64::from(!old.indicator.revoked);
            } else {
                merged.replaced += 1;
            }
            // A source that gives no date has known it since the first import.
            if !indicator.since_stated {
                indicator.since_ms = if old.indicator.since_stated {
                    indicator.since_ms
                } else {
                    old.indicator.since_ms.min(indicator.since_ms)
                };
            }
            old.last_seen_ms = old.last_seen_ms.max(now_ms);
            old.indicator = indicator;
        }
        merged
    }

    /// What is remembered of a source.
    pub fn remembered(&self, source: &str) -> Option<&Remembered> {
        self.sources.get(source)
    }

    /// Remembers something of a source.
    pub fn remember(&mut self, source: &str, what: Remembered) {
        self.sources.insert(source.to_owned(), what);
    }

    /// The sources, with what is remembered of them.
    pub fn sources(&self) -> &BTreeMap<String, Remembered> {
        &self.sources
    }

    /// Writes the folder, for its owner alone. A kill at any moment leaves the old or the new indicators, never parts; what
    /// sources said is written last, so that nothing is asked for too little.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), CollectionError> {
        let failed = |source| CollectionError::Io { path: folder.to_owned(), what: "written", source };
        private(folder).map_err(failed)?;
        write(folder, INDICATORS, |out| {
            serde_json::to_writer(&mut *out, &Head { lazaret_intel: FORM })?;
            out.write_all(b"\n")?;
            for entry in &self.entries {
                serde_json::to_writer(&mut *out, entry)?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })?;
        write(folder, SOURCES, |out| {
            serde_json::to_writer_pretty(&mut *out, &self.sources)?;
            out.write_all(b"\n")
        })
    }
}

/// Makes a folder for its owner alone.
fn private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

fn opened(path: &Path) -> Result<Option<std::fs::File>, CollectionError> {
    match std::fs::File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(CollectionError::Io { path: path.to_owned(), what: "read", source }),
    }
}

/// Writes a file beside its place and moves it there once it is on the disk.
fn write(
    folder: &Path,
    name: &str,
    fill: impl FnOnce(&mut BufWriter<&mut std::fs::File>) -> std::io::Result<()>,
) -> Result<(), CollectionError> {
    let path = folder.join(name);
    let attempt = || -> std::io::Result<()> {
        // Made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        let mut out = BufWriter::new(file.as_file_mut());
        fill(&mut out)?;
        out.flush()?;
        drop(out);
        file.as_file().sync_all()?;
        file.persist(&path)?;
        std::fs::File::open(folder)?.sync_all()
    };
    attempt().map_err(|source| CollectionError::Io { path: path.clone(), what: "written", source })
}
