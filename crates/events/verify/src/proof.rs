//! Proofs of inclusion and of consistency: made from tiles, and verified (RFC 9162 §2.1.3 and §2.1.4, whose trees are
//! those of RFC 6962).

use crate::merkle::{Edge, Hash, node};
use crate::tile::{Tile, WIDTH};

/// Hashes in the longest proof that is looked at: trees have at most 2⁶⁴ leaves.
pub const HASHES_MAX: usize = 64;

/// Why a proof could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The question is about leaves that the tree does not have.
    #[error("a tree of {size} entries cannot prove anything of {asked}; ask for less, or for a later checkpoint")]
    Beyond {
        /// What was asked for.
        asked: u64,
        /// Size of the tree.
        size: u64,
    },
    /// A tile could not be read.
    #[error("`{path}` cannot be read; verify the ledger")]
    Read {
        /// Of the tile.
        path: String,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
    /// A tile has fewer hashes than it should.
    #[error("`{path}` does not hold the hashes it should; verify the ledger")]
    Short {
        /// Of the tile.
        path: String,
    },
}

/// Where tiles come from.
pub trait Tiles {
    /// The hashes of a tile.
    ///
    /// # Errors
    /// When it cannot be read.
    fn hashes(&self, tile: &Tile) -> Result<Vec<Hash>, ProofError>;
}

/// The hash of the complete subtree `index` of height `height`, in a tree of `size` leaves.
fn subtree(tiles: &dyn Tiles, size: u64, height: u32, index: u64) -> Result<Hash, ProofError> {
    let (level, row) = (height / 8, height % 8);
    let first = index << row;
    let number = first / WIDTH;
    let level = u8::try_from(level).unwrap_or(u8::MAX);
    let beyond = || ProofError::Beyond { asked: index, size };
    let tile = Tile::within(Some(level), number, size).ok_or_else(beyond)?;
    let hashes = tiles.hashes(&tile)?;
    let from = usize::try_from(first % WIDTH).unwrap_or(usize::MAX);
    let part = hashes.get(from..from + (1 << row)).ok_or_else(|| ProofError::Short { path: tile.path() })?;
    Ok(crate::merkle::root(part))
}

/// The hash over the leaves `from..to`, where `from` is a multiple of the largest power of two that the range needs.
fn range(tiles: &dyn Tiles, size: u64, from: u64, to: u64) -> Result<Hash, ProofError> {
    let mut parts = Vec::new();
    let mut at = from;
    while at < to {
        let aligned = if at == 0 { 63 } else { at.trailing_zeros() };
        let height = aligned.min((to - at).ilog2());
        parts.push(subtree(tiles, size, height, at >> height)?);
        at += 1 << height;
    }
    Ok(parts.into_iter().rev().reduce(|right, left| node(&left, &right)).unwrap_or_else(crate::merkle::empty))
}

/// The edge of the tree over the first `size` leaves.
///
/// # Errors
/// When a tile cannot be read.
pub fn edge(tiles: &dyn Tiles, size: u64) -> Result<Edge, ProofError> {
    edge_within(tiles, size, size)
}

/// The edge that a tree had at `at` leaves, from the tiles of the tree when it has `size`.
///
/// # Errors
/// When a tile cannot be read, or `at` lies beyond `size`.
pub fn edge_within(tiles: &dyn Tiles, size: u64, at: u64) -> Result<Edge, ProofError> {
    let beyond = || ProofError::Beyond { asked: at, size };
    if at > size {
        return Err(beyond());
    }
    let mut hashes = Vec::new();
    let mut done = 0;
    for height in (0..64).rev().filter(|height| at >> height & 1 == 1) {
        hashes.push(subtree(tiles, size, height, done >> height)?);
        done += 1 << height;
    }
    Edge::from_parts(at, hashes).ok_or_else(beyond)
}

/// The largest power of two below `count`, which is at least 2.
const fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// The proof that leaf `index` is in the tree of `size` leaves, nearest hash first.
///
/// # Errors
/// When the tree has no such leaf, or a tile cannot be read.
pub fn inclusion(tiles: &dyn Tiles, index: u64, size: u64) -> Result<Vec<Hash>, ProofError> {
    if index >= size {
        return Err(ProofError::Beyond { asked: index, size });
    }
    let (mut from, mut to) = (0, size);
    let mut proof = Vec::new();
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            proof.push(range(tiles, size, middle, to)?);
            to = middle;
        } else {
            proof.push(range(tiles, size, from, middle)?);
            from = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of `size` leaves begins with that of `old`, nearest hash first. Empty when either is the other
/// or `old` is nothing.
///
/// # Errors
/// When `old` is larger, or a tile cannot be read.
pub fn consistency(tiles: &dyn Tiles, old: u64, size: u64) -> Result<Vec<Hash>, ProofError> {
    if old > size {
        return Err(ProofError::Beyond { asked: old, size });
    }
    let mut proof = Vec::new();
    if old == 0 || old == size {
        return Ok(proof);
    }
    let (mut from, mut to) = (0, size);
    // RFC 6962 §2.1.2: the hash of what is left is given unless the verifier knows it, which is when it is the old tree.
    while old != to {
        let middle = from + split(to - from);
        if old <= middle {
            proof.push(range(tiles, size, middle, to)?);
            to = middle;
        } else {
            proof.push(range(tiles, size, from, middle)?);
            from = middle;
        }
    }
    if from > 0 {
        proof.push(range(tiles, size, from, to)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Whether `proof` shows that a leaf with this hash is number `index` of the tree of `size` leaves under `root`
/// (RFC 9162 §2.1.3.2).
#[must_use]
pub fn inclusion_holds(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size || proof.len() > HASHES_MAX {
        return false;
    }
    let (mut position, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if position & 1 == 1 || position == last {
            hash = node(sibling, &hash);
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the tree of `size` leaves under `root` begins with that of `old` leaves under `old_root`
/// (RFC 9162 §2.1.4.2).
#[must_use]
pub fn consistency_holds(old: u64, old_root: &Hash, size: u64, root: &Hash, proof: &[Hash]) -> bool {
    if old > size || proof.len() > HASHES_MAX {
        return false;
    }
    if old == size {
        return proof.is_empty() && old_root == root;
    }
    if old == 0 {
        return proof.is_empty() && *old_root == crate::merkle::empty();
    }
    let mut path = proof.iter();
    let first = if old.is_power_of_two() { Some(old_root) } else { path.next() };
    let Some(first) = first else { return false };
    let skipped = (old - 1).trailing_ones();
    let (mut position, mut last) = ((old - 1) >> skipped, (size - 1) >> skipped);
    let (mut old_hash, mut hash) = (*first, *first);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if position & 1 == 1 || position == last {
            old_hash = node(sibling, &old_hash);
            hash = node(sibling, &hash);
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && hash == *root
}
