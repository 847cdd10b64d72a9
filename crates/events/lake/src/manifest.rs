//! The list of segments, sealed like them and replaced as a whole.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::sealed::{self, SealedFile};
use crate::{LakeError, LakeKey};

/// The manifest's name in the lake's folder.
pub const MANIFEST: &str = "manifest";
/// The version of what stands in it and of the columns. A lake of another version is made anew from the ledger.
const VERSION: u32 = 2;
/// The most bytes that are read as a manifest.
const MANIFEST_BYTES_MAX: u64 = 256 << 20;

/// One segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its file's name.
    pub name: String,
    /// The first entry it covers.
    pub first: u64,
    /// The last one. Rows that were expired in between are covered too.
    pub last: u64,
    /// The least time, in milliseconds since 1970, UTC.
    pub first_ms: i64,
    /// The greatest.
    pub last_ms: i64,
    /// Rows in it.
    pub rows: u64,
    /// Bytes of the sealed file.
    pub bytes: u64,
    /// SHA-256 of the sealed file, in hexadecimal.
    pub sha256: String,
    /// Entries that its checkpoint covers.
    pub tree_size: u64,
    /// The checkpoint that it is bound to: a signed note.
    pub checkpoint: String,
    /// The least time of each class in it.
    pub classes: BTreeMap<u32, i64>,
    /// Whether a row in it has details that were sealed.
    pub has_details: bool,
}

impl Segment {
    /// Bytes of what is sealed in it.
    #[must_use]
    pub fn plain_bytes(&self) -> u64 {
        sealed::plain_bytes_of(self.bytes).unwrap_or(0)
    }
}

/// What a lake consists of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    version: u32,
    /// Counts changes.
    pub generation: u64,
    /// The entry that comes next.
    pub next_index: u64,
    /// Segments, by index; none overlap.
    pub segments: Vec<Segment>,
    /// Files that were merged into others and may still be read by who asked before, with the time they were left, in
    /// milliseconds since 1970.
    pub retired: Vec<(String, i64)>,
    /// Scopes whose keys are about to be destroyed.
    pub forgetting: Vec<String>,
}

impl Manifest {
    /// The manifest of a lake with nothing in it.
    pub(crate) fn empty() -> Self {
        Self { version: VERSION, ..Self::default() }
    }

    /// Reads the manifest in `folder`. A folder without one is an empty lake.
    pub(crate) fn read(folder: &Path, key: &LakeKey) -> Result<Self, LakeError> {
        let path = folder.join(MANIFEST);
        let file = match SealedFile::open(&path, key, MANIFEST) {
            Err(LakeError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::empty());
            }
            other => other?,
        };
        let wrong = |why: String| LakeError::Form { path: path.clone(), why };
        if file.plain_bytes() > MANIFEST_BYTES_MAX {
            return Err(wrong(format!("it has {} bytes, more than {MANIFEST_BYTES_MAX}", file.plain_bytes())));
        }
        let manifest: Self =
            serde_json::from_slice(&file.read(0..u64::MAX)?).map_err(|error| wrong(error.to_string()))?;
        if manifest.version != VERSION {
            return Err(wrong(format!("it has version {}", manifest.version)));
        }
        Ok(manifest)
    }

    /// Rows in all segments.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.segments.iter().map(|segment| segment.rows).sum()
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }
}
