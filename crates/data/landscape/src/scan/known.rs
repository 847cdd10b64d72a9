//! What the catalogue knows of a source when a scan begins, in little memory: a million objects take some 80 MB.

use std::collections::HashMap;

use store::objects::{self, KnownObject};
use store::{Store, StoreError};

use super::Scope;
use crate::sources::of_path;

/// Objects loaded at a time.
const PAGE: u32 = 20_000;

/// Known objects by a digest of their path.
#[derive(Default)]
pub(super) struct Known {
    entries: HashMap<[u8; 16], Entry>,
    id_max: u32,
}

/// One known object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub id: u32,
    stamp: u64,
    pub scan_id: u32,
}

impl Entry {
    /// Whether it still looks as it did when it was inspected.
    pub(super) fn is_unchanged(&self, stamp: Option<&str>) -> bool {
        stamp.is_some_and(|stamp| self.stamp == stamp_digest(stamp))
    }
}

/// Cut to 64 bits: two stamps of one object share it once in 10^19 changes. Zero is kept for no stamp.
fn stamp_digest(stamp: &str) -> u64 {
    let mut first = [0; 8];
    blake3::hash(stamp.as_bytes()).as_bytes().iter().zip(&mut first).for_each(|(from, to)| *to = *from);
    u64::from_le_bytes(first) | 1
}

/// Cut to 128 bits: that two of a million paths share it does not happen.
fn path_digest(path: &str) -> [u8; 16] {
    let mut first = [0; 16];
    blake3::hash(path.as_bytes()).as_bytes().iter().zip(&mut first).for_each(|(from, to)| *to = *from);
    first
}

impl Known {
    /// Loads what is known within `scope`.
    pub(super) async fn load(store: &Store, source_id: u32, scope: &Scope) -> Result<Self, StoreError> {
        let mut known = Self::default();
        each_known(store, source_id, scope, |object| {
            let stamp = object.stamp.as_deref().map_or(0, stamp_digest);
            let entry = Entry { id: object.id, stamp, scan_id: object.scan_id };
            known.id_max = known.id_max.max(object.id);
            known.entries.insert(path_digest(&object.path), entry);
        })
        .await?;
        Ok(known)
    }

    pub(super) fn of(&self, path: &str) -> Option<Entry> {
        self.entries.get(&path_digest(path)).copied()
    }

    pub(super) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Objects with a greater id have come since.
    pub(super) fn id_max(&self) -> u32 {
        self.id_max
    }
}

/// Calls `each` for every known top-level object within `scope` that is not gone.
pub(super) async fn each_known(
    store: &Store,
    source_id: u32,
    scope: &Scope,
    mut each: impl FnMut(KnownObject),
) -> Result<(), StoreError> {
    let below: Vec<Option<String>> = match scope {
        Scope::Whole => vec![None],
        Scope::Parts(parts) => parts.iter().map(|part| Some(of_path(part))).collect(),
    };
    for below in below {
        let mut after = 0;
        loop {
            let page = match &below {
                None => objects::known(store, source_id, after, PAGE).await?,
                Some(path) => objects::known_below(store, source_id, path, after, PAGE).await?,
            };
            let Some(last) = page.last() else { break };
            after = last.id;
            page.into_iter().for_each(&mut each);
        }
    }
    Ok(())
}
