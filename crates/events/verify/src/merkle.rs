//! The Merkle tree of RFC 6962 §2.1: hashes of leaves and nodes, and the tree's edge while it grows.

use aws_lc_rs::digest;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// SHA-256 of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// The hash of an empty tree: that of no bytes.
#[must_use]
pub fn empty() -> Hash {
    sha256(b"")
}

/// The hash of a leaf: `SHA-256(0x00 ‖ entry)`.
#[must_use]
pub fn leaf(entry: &[u8]) -> Hash {
    let mut bytes = Vec::with_capacity(entry.len() + 1);
    bytes.push(0);
    bytes.extend_from_slice(entry);
    sha256(&bytes)
}

/// The hash of an inner node: `SHA-256(0x01 ‖ left ‖ right)`.
#[must_use]
pub fn node(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    for (to, from) in bytes.iter_mut().skip(1).zip(left.iter().chain(right)) {
        *to = *from;
    }
    sha256(&bytes)
}

/// The hash over hashes of equal height, as RFC 6962 splits them: at the largest power of two below their number.
#[must_use]
pub fn root(hashes: &[Hash]) -> Hash {
    let mut edge = Edge::default();
    hashes.iter().for_each(|hash| edge.push(*hash));
    edge.root()
}

/// The right edge of a growing tree: one hash for every one in the binary form of its size, largest subtree first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    hashes: Vec<Hash>,
}

impl Edge {
    /// The edge of a tree of `size` leaves with these complete subtrees, largest first. `None` when their number does not
    /// fit the size.
    #[must_use]
    pub fn from_parts(size: u64, hashes: Vec<Hash>) -> Option<Self> {
        (hashes.len() == size.count_ones() as usize).then_some(Self { size, hashes })
    }

    /// How many leaves it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.hashes.pop() else { break };
            hash = node(&left, &hash);
        }
        self.hashes.push(hash);
        self.size += 1;
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.hashes.iter().rev().copied().reduce(|right, left| node(&left, &right)).unwrap_or_else(empty)
    }
}
