//! What a snapshot holds, file by file, and the one digest over all of it. It is the last file of every snapshot and is made
//! while the others are read, so that what is compared later is what was read then.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::RecoveryError;

/// The manifest's name in a snapshot. Every other name at the top of a snapshot must sort before it.
pub const SUMMARY: &str = "summary.jsonl";
/// The first line's `format`.
const FORMAT: &str = "lazaret-backup/1";
/// Names what the root digest is of: BLAKE3 in its key-derivation mode.
const ROOT_CONTEXT: &str = "lazaret 2026-11-29 backup root 1";

/// A BLAKE3 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hash = blake3::Hash::from_hex(text).map_err(serde::de::Error::custom)?;
        Ok(Self(*hash.as_bytes()))
    }
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its path in the snapshot.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// When it was changed, in nanoseconds since 1970, UTC.
    pub modified_ns: i64,
    /// Of its content.
    pub blake3: Digest,
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    made_ms: i64,
    about: Value,
}

#[derive(Serialize, Deserialize)]
struct Foot {
    files: u64,
    bytes: u64,
    root: Digest,
}

/// What a snapshot holds.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// When it was made, in milliseconds since 1970, UTC.
    pub made_ms: i64,
    /// What the caller keeps with it.
    pub about: Value,
    /// Every file, in the order of the tree.
    pub files: Vec<Entry>,
    /// The digest over all of them.
    pub root: Digest,
}

/// Adds files up to the root digest.
pub(crate) struct Summing {
    hasher: blake3::Hasher,
    files: u64,
    bytes: u64,
}

impl Summing {
    pub(crate) fn new() -> Self {
        Self { hasher: blake3::Hasher::new_derive_key(ROOT_CONTEXT), files: 0, bytes: 0 }
    }

    pub(crate) fn add(&mut self, path: &str, bytes: u64, content: &Digest) {
        self.hasher.update(&(path.len() as u64).to_be_bytes());
        self.hasher.update(path.as_bytes());
        self.hasher.update(&bytes.to_be_bytes());
        self.hasher.update(&content.0);
        self.files += 1;
        self.bytes += bytes;
    }

    pub(crate) fn root(&self) -> Digest {
        Digest(*self.hasher.finalize().as_bytes())
    }
}

/// Writes a manifest; entries come in the order of the tree.
pub(crate) fn write<'a>(
    made_ms: i64,
    about: &Value,
    entries: impl Iterator<Item = (&'a str, u64, i64, Digest)>,
) -> Result<(Vec<u8>, Digest, u64, u64), serde_json::Error> {
    let mut text = Vec::new();
    let mut summing = Summing::new();
    serde_json::to_writer(&mut text, &Head { format: FORMAT.to_owned(), made_ms, about: about.clone() })?;
    text.push(b'\n');
    for (path, bytes, modified_ns, blake3) in entries {
        summing.add(path, bytes, &blake3);
        serde_json::to_writer(&mut text, &Entry { path: path.to_owned(), bytes, modified_ns, blake3 })?;
        text.push(b'\n');
    }
    let root = summing.root();
    serde_json::to_writer(&mut text, &Foot { files: summing.files, bytes: summing.bytes, root })?;
    text.push(b'\n');
    Ok((text, root, summing.files, summing.bytes))
}

impl Manifest {
    /// Reads a manifest and computes its digest anew.
    pub(crate) fn read(text: &[u8], at: &str) -> Result<Self, RecoveryError> {
        let damaged =
            |why: String| RecoveryError::Damaged { at: at.to_owned(), why: format!("the list of files {why}") };
        let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let first = lines.next().ok_or_else(|| damaged("is empty".to_owned()))?;
        let head: Head = serde_json::from_slice(first).map_err(|error| damaged(format!("cannot be read: {error}")))?;
        if head.format != FORMAT {
            return Err(damaged(format!("is of the form `{}`, which this program does not know", head.format)));
        }
        let (mut files, mut summing, mut foot) = (Vec::new(), Summing::new(), None);
        for line in lines {
            if foot.is_some() {
                return Err(damaged("goes on behind its end".to_owned()));
            }
            if let Ok(entry) = serde_json::from_slice::<Entry>(line) {
                summing.add(&entry.path, entry.bytes, &entry.blake3);
                files.push(entry);
            } else {
                let read = serde_json::from_slice::<Foot>(line);
                foot = Some(read.map_err(|error| damaged(format!("cannot be read: {error}")))?);
            }
        }
        let foot = foot.ok_or_else(|| damaged("is cut off".to_owned()))?;
        if foot.root != summing.root() {
            return Err(damaged("is not the one that its digest is of".to_owned()));
        }
        Ok(Self { made_ms: head.made_ms, about: head.about, files, root: foot.root })
    }

    /// Length of all files together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Files by path.
    pub(crate) fn by_path(&self) -> HashMap<&str, &Entry> {
        self.files.iter().map(|file| (file.path.as_str(), file)).collect()
    }
}
