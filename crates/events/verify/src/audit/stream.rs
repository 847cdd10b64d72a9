//! Bundles against tiles, up to the checkpoint.

use crate::entry::{self, Body};
use crate::merkle::{self, Edge, Hash};
use crate::proof::{ProofError, Tiles, edge_within};
use crate::tile::{ENTRY_BYTES_MAX, LEVELS_MAX, Tile, WIDTH, entries, hashes};

use super::Audit;
use super::evidence::Evidence;
use super::report::FaultKind;

/// The longest bundle: 256 entries behind their lengths.
const BUNDLE_BYTES_MAX: u64 = WIDTH * (ENTRY_BYTES_MAX as u64 + 2);
/// Bytes of a full tile.
pub(super) const TILE_BYTES_MAX: u64 = WIDTH * 32;

/// Tiles as they lie in the ledger.
pub(super) struct Stored<'a>(pub &'a dyn crate::Files);

impl Tiles for Stored<'_> {
    fn hashes(&self, tile: &Tile) -> Result<Vec<Hash>, ProofError> {
        let path = tile.path();
        let bytes = match self.0.read(&path, TILE_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(source) => return Err(ProofError::Read { path, source }),
        };
        match hashes(&bytes) {
            Some(hashes) if hashes.len() == usize::from(tile.width) => Ok(hashes),
            _ => Err(ProofError::Short { path }),
        }
    }
}

impl Audit<'_> {
    /// Reads everything below the checkpoint.
    pub(super) fn stream(&mut self, size: u64) {
        // Hashes of each level that do not fill a tile yet.
        let mut levels: Vec<Vec<Hash>> = vec![Vec::new(); usize::from(LEVELS_MAX) + 1];
        for index in 0..size.div_ceil(WIDTH) {
            let Some(tile) = Tile::within(Some(0), index, size) else { break };
            if !self.bundle(tile, &mut levels) {
                // A checkpoint may claim any size: one missing bundle behind another ends the search.
                return;
            }
        }
        for (level, pending) in (0..LEVELS_MAX).zip(&levels) {
            if level > 0 && !pending.is_empty() {
                self.tile(level, (size >> (8 * u32::from(level))) / WIDTH, size, pending);
            }
        }
        self.edge = edge_of(size, &levels).unwrap_or_default();
    }

    /// Reads one bundle and its tile. Whether either was there.
    fn bundle(&mut self, tile: Tile, levels: &mut [Vec<Hash>]) -> bool {
        let first = tile.index * WIDTH;
        let path = Tile { level: None, ..tile }.path();
        let stored = match Stored(self.files).hashes(&tile) {
            Ok(hashes) => Some(hashes),
            Err(error) => {
                let kind =
                    if matches!(error, ProofError::Read { .. }) { FaultKind::Missing } else { FaultKind::Damaged };
                self.report.fault(kind, Some(first), &tile.path(), chain_of(&error));
                None
            }
        };
        let bytes = match self.files.read(&path, BUNDLE_BYTES_MAX) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.report.fault(FaultKind::Missing, Some(first), &path, error.to_string());
                None
            }
        };
        if bytes.is_none() && stored.is_none() {
            return false;
        }
        let computed = bytes.as_deref().and_then(|bytes| self.entries(first, tile, &path, bytes, stored.as_deref()));
        let Some(leaves) = stored.or(computed) else { return true };
        self.climb(tile, leaves, levels);
        true
    }

    /// Reads the entries of a bundle against the hashes of its tile, and gives their hashes.
    fn entries(
        &mut self,
        first: u64,
        tile: Tile,
        path: &str,
        bytes: &[u8],
        stored: Option<&[Hash]>,
    ) -> Option<Vec<Hash>> {
        let entries = match entries(bytes) {
            Ok(entries) => entries,
            Err(error) => {
                self.report.fault(FaultKind::Damaged, Some(first), path, error.to_string());
                return None;
            }
        };
        let computed: Vec<Hash> = entries.iter().map(|entry| merkle::leaf(entry)).collect();
        if let Some(stored) = stored {
            let differ = computed.iter().zip(stored).position(|(a, b)| a != b).map(|at| first + at as u64);
            if let Some(index) = differ {
                let text = format!("it is not the entry that `{}` was built from", tile.path());
                self.report.fault(FaultKind::Changed, Some(index), path, text);
            }
        }
        if entries.len() != usize::from(tile.width) {
            let text = format!("it holds {} entries where {} should be", entries.len(), tile.width);
            let at = entries.len().min(usize::from(tile.width)) as u64;
            self.report.fault(FaultKind::Changed, Some(first + at), path, text);
        }
        for (index, bytes) in (first..).zip(entries) {
            self.entry(index, bytes, path);
        }
        (computed.len() == usize::from(tile.width)).then_some(computed)
    }

    /// Looks at one entry.
    pub(super) fn entry(&mut self, index: u64, bytes: &[u8], path: &str) {
        self.report.entry_bytes += bytes.len() as u64;
        let entry = match entry::parse(bytes) {
            Ok(entry) => entry,
            Err(error) => return self.report.fault(FaultKind::Damaged, Some(index), path, error.to_string()),
        };
        self.order.take(index, &entry.header, path, &mut self.report);
        match entry.body {
            Body::Event { .. } => self.report.events += 1,
            Body::Rotation { key, signature } => {
                let Some(old) = self.chain.key(u64::MAX) else { return };
                let text = entry::rotation_text(old.name(), index, &key);
                let fits = old.verify_bare(text.as_bytes(), signature).is_ok();
                if !fits || key.name() != old.name() || key.is_cosigner() {
                    let text = "the key before it did not name it".to_owned();
                    return self.report.fault(FaultKind::Signature, Some(index), path, text);
                }
                self.report.rotations += 1;
                self.chain.rotate(index, key);
            }
            Body::Cosigned { .. } | Body::Anchor { .. } => {
                if !Evidence::keep(&mut self.evidence, index, entry.header.time_ms, bytes) {
                    let text = "more cosignatures and time stamps than are looked at".to_owned();
                    self.report.fault(FaultKind::Damaged, Some(index), path, text);
                }
            }
        }
    }

    /// Adds a bundle's hashes to the tree and holds every tile that this fills against the one stored.
    fn climb(&mut self, tile: Tile, leaves: Vec<Hash>, levels: &mut [Vec<Hash>]) {
        if let Some(pending) = levels.first_mut() {
            *pending = leaves;
        }
        let (mut index, mut level) = (tile.index, 0_u8);
        while let Some(pending) = levels.get_mut(usize::from(level)).filter(|pending| pending.len() as u64 == WIDTH) {
            let full = std::mem::take(pending);
            if level > 0 {
                let size = (index + 1).saturating_mul(WIDTH.saturating_pow(u32::from(level) + 1));
                self.tile(level, index, size, &full);
            }
            level += 1;
            index /= WIDTH;
            match levels.get_mut(usize::from(level)) {
                Some(above) => above.push(merkle::root(&full)),
                None => break,
            }
        }
    }

    /// Holds a tile of hashes against what it must be.
    fn tile(&mut self, level: u8, index: u64, size: u64, expected: &[Hash]) {
        let Some(tile) = Tile::within(Some(level), index, size) else { return };
        let span = 1_u64.checked_shl(8 * u32::from(level)).unwrap_or(u64::MAX);
        let first = index.saturating_mul(WIDTH);
        match Stored(self.files).hashes(&tile) {
            Ok(found) if found == expected => {}
            Ok(found) => {
                let at = found.iter().zip(expected).position(|(a, b)| a != b).unwrap_or(0) as u64;
                let text = "it is not built from the tiles below it".to_owned();
                let entry = (first + at).saturating_mul(span);
                self.report.fault(FaultKind::Changed, Some(entry), &tile.path(), text);
            }
            Err(error) => {
                let kind =
                    if matches!(error, ProofError::Read { .. }) { FaultKind::Missing } else { FaultKind::Damaged };
                self.report.fault(kind, Some(first.saturating_mul(span)), &tile.path(), chain_of(&error));
            }
        }
    }

    /// The root that the tree had at `size` entries.
    pub(super) fn root_at(&mut self, size: u64, path: &str) -> Option<Hash> {
        match edge_within(&Stored(self.files), self.report.size.max(size), size) {
            Ok(edge) => Some(edge.root()),
            Err(error) => {
                let text = format!("the tree of {size} entries cannot be computed: {}", chain_of(&error));
                self.report.fault(FaultKind::Missing, None, path, text);
                None
            }
        }
    }
}

/// The edge of a tree whose levels hold these hashes that fill no tile.
fn edge_of(size: u64, levels: &[Vec<Hash>]) -> Option<Edge> {
    let mut parts = Vec::new();
    for pending in levels.iter().rev() {
        let mut rest = pending.as_slice();
        while !rest.is_empty() {
            let (head, tail) = rest.split_at_checked(1 << rest.len().ilog2())?;
            parts.push(merkle::root(head));
            rest = tail;
        }
    }
    Edge::from_parts(size, parts)
}

/// An error with what caused it.
pub(super) fn chain_of(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
