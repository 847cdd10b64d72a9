//! Trees and proofs against published vectors and against the slow, obvious tree of RFC 6962 §2.1.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use proptest::prelude::*;
use verify::bytes::hex;
use verify::merkle::{self, Edge, Hash, leaf, node};
use verify::proof::{ProofError, Tiles, consistency, consistency_holds, edge_within, inclusion, inclusion_holds};
use verify::tile::Tile;

/// RFC 6962 §2.1, word by word.
fn obvious(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => merkle::empty(),
        [only] => *only,
        _ => {
            let split = (leaves.len() - 1).ilog2();
            let (left, right) = leaves.split_at(1 << split);
            node(&obvious(left), &obvious(right))
        }
    }
}

/// Tiles of a tree that lies in memory.
struct Leaves(Vec<Hash>);

impl Tiles for Leaves {
    fn hashes(&self, tile: &Tile) -> Result<Vec<Hash>, ProofError> {
        let mut hashes = self.0.clone();
        for _ in 0..tile.level.unwrap() {
            hashes = hashes.chunks_exact(256).map(obvious).collect();
        }
        let from = usize::try_from(tile.index).unwrap() * 256;
        Ok(hashes[from..from + usize::from(tile.width)].to_vec())
    }
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|number| leaf(&number.to_be_bytes())).collect()
}

#[test]
fn the_roots_are_those_of_the_reference_vectors() {
    // The eight leaves and roots of Certificate Transparency's reference tests (merkle_tree_test.cc).
    let entries: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut edge = Edge::default();
    assert_eq!(hex(&edge.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (entry, root) in entries.iter().zip(roots) {
        edge.push(leaf(entry));
        assert_eq!(hex(&edge.root()), root);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn proofs_verify_and_changed_ones_do_not(
        size in 1_u64..1500, index in any::<u64>(), old in any::<u64>(), flip in any::<(usize, usize, u8)>(),
    ) {
        let (index, old) = (index % size, old % (size + 1));
        let tree = Leaves(leaves(size));
        let root = obvious(&tree.0);
        prop_assert_eq!(merkle::root(&tree.0), root);
        let old_root = obvious(&tree.0[..usize::try_from(old).unwrap()]);
        prop_assert_eq!(edge_within(&tree, size, old).unwrap().root(), old_root);

        let proof = inclusion(&tree, index, size).unwrap();
        let hash = leaf(&index.to_be_bytes());
        prop_assert!(inclusion_holds(&hash, index, size, &proof, &root));
        prop_assert!(!inclusion_holds(&leaf(b"other"), index, size, &proof, &root));
        prop_assert!(size == 1 || !inclusion_holds(&hash, (index + 1) % size, size, &proof, &root));
        for changed in changes(&proof, flip) {
            prop_assert!(!inclusion_holds(&hash, index, size, &changed, &root));
        }

        let proof = consistency(&tree, old, size).unwrap();
        prop_assert!(consistency_holds(old, &old_root, size, &root, &proof));
        prop_assert!(!consistency_holds(old, &[0; 32], size, &root, &proof));
        if old > 0 {
            prop_assert!(!consistency_holds(old, &old_root, size, &[0; 32], &proof));
        }
        for changed in changes(&proof, flip) {
            prop_assert!(!consistency_holds(old, &old_root, size, &root, &changed));
        }
    }

    #[test]
    fn no_parser_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _entry = verify::entry::parse(&bytes);
        let _note = verify::note::Note::parse(&bytes);
        let _bundle = verify::tile::entries(&bytes);
        let _stamp = verify::timestamp::parse(&bytes);
        let _request = verify::witness::Request::parse(&bytes);
        let _batch = verify::wal::take(&mut verify::bytes::Cursor::new(&bytes));
        let text = String::from_utf8_lossy(&bytes);
        let _checkpoint = verify::note::Checkpoint::parse(&text);
        let _key = text.parse::<verify::note::VerifierKey>();
        let _tile = Tile::parse(&text);
    }
}

/// A proof with a bit flipped, one hash too few, one too many.
fn changes(proof: &[Hash], (at, byte, bit): (usize, usize, u8)) -> Vec<Vec<Hash>> {
    let mut all = vec![[proof, &[[7; 32]]].concat()];
    if !proof.is_empty() {
        let mut flipped = proof.to_vec();
        flipped[at % proof.len()][byte % 32] ^= 1 << (bit % 8);
        all.push(flipped);
        all.push(proof[1..].to_vec());
    }
    all
}
