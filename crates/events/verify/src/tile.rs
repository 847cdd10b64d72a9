//! Tiles and bundles of entries (C2SP tlog-tiles): 256 hashes of one level, or 256 entries, to a file.

use crate::bytes::{Cursor, Short, decimal};
use crate::merkle::Hash;

/// Hashes in a full tile, and entries in a full bundle.
pub const WIDTH: u64 = 256;
/// Levels of tiles that a tree of up to 2⁶⁴ − 1 leaves can have.
pub const LEVELS_MAX: u8 = 8;
/// The longest entry, in bytes: bundles give lengths in 16 bits.
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// Which tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// Its level; `None` for a bundle of entries.
    pub level: Option<u8>,
    /// Its number within the level.
    pub index: u64,
    /// How many hashes or entries it has: 1 to 256.
    pub width: u16,
}

impl Tile {
    /// Tile `index` of `level` in a tree of `size` leaves, if it holds anything there.
    #[must_use]
    pub fn within(level: Option<u8>, index: u64, size: u64) -> Option<Self> {
        let hashes = size.checked_shr(u32::from(level.unwrap_or(0)) * 8).unwrap_or(0);
        let width = hashes.checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
        (width > 0).then_some(Self { level, index, width: u16::try_from(width).ok()? })
    }

    /// Whether it has all its 256 hashes or entries.
    #[must_use]
    pub fn is_full(&self) -> bool {
        u64::from(self.width) == WIDTH
    }

    /// Its path below the ledger, such as `tile/0/x001/234.p/5`.
    #[must_use]
    pub fn path(&self) -> String {
        let mut path = self.stem();
        if !self.is_full() {
            path.push_str(&format!(".p/{}", self.width));
        }
        path
    }

    /// Its path without the part for partial tiles.
    #[must_use]
    pub fn stem(&self) -> String {
        let mut number = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            number = format!("x{:03}/{number}", rest % 1000);
            rest /= 1000;
        }
        match self.level {
            Some(level) => format!("tile/{level}/{number}"),
            None => format!("tile/entries/{number}"),
        }
    }

    /// The tile that a path names, if it is written in the one way there is.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let level = if level == "entries" { None } else { Some(u8::try_from(decimal(level)?).ok()?) };
        if level.is_some_and(|level| level >= LEVELS_MAX) {
            return None;
        }
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => {
                (number, u16::try_from(decimal(width)?).ok().filter(|width| (1..256).contains(width))?)
            }
            None => (rest, 256),
        };
        let mut index: u64 = 0;
        for part in number.split('/') {
            let digits = part.strip_prefix('x').unwrap_or(part);
            if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let tile = Self { level, index, width };
        (tile.path() == path).then_some(tile)
    }
}

/// The hashes of a tile's bytes. `None` when they are not whole hashes.
#[must_use]
pub fn hashes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.to_vec())
}

/// Adds an entry to a bundle.
///
/// # Errors
/// When the entry is longer than [`ENTRY_BYTES_MAX`].
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), std::num::TryFromIntError> {
    bundle.extend_from_slice(&u16::try_from(entry.len())?.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle, each a slice of it.
///
/// # Errors
/// When the bytes end within an entry, or hold more than [`WIDTH`].
pub fn entries(bundle: &[u8]) -> Result<Vec<&[u8]>, Short> {
    let mut cursor = Cursor::new(bundle);
    let mut entries = Vec::new();
    while !cursor.rest().is_empty() {
        if entries.len() as u64 == WIDTH {
            return Err(Short { what: "more than 256 entries" });
        }
        let length = cursor.u16("the length of an entry")?;
        entries.push(cursor.take(usize::from(length), "the end of an entry")?);
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::{Tile, entries, push_entry};

    #[test]
    fn paths_are_those_of_the_specification() {
        // C2SP tlog-tiles, "Merkle Tree": index 1234067 is x001/x234/067.
        let tile = Tile { level: Some(0), index: 1_234_067, width: 256 };
        assert_eq!(tile.path(), "tile/0/x001/x234/067");
        let partial = Tile { level: None, index: 5, width: 7 };
        assert_eq!(partial.path(), "tile/entries/005.p/7");
        for tile in [tile, partial] {
            assert_eq!(Tile::parse(&tile.path()), Some(tile));
        }
        for wrong in [
            "tile/0/x000/001",
            "tile/0/1",
            "tile/8/000",
            "tile/00/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/x001",
            "tile/0/001/002",
            "tile/x/000",
            "tile/entries/000.p",
            "checkpoint",
        ] {
            assert_eq!(Tile::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_tree_of_70000_leaves_has_the_tiles_of_the_specification() {
        // C2SP tlog-tiles: 273 full tiles and one of 112 at level 0; one full and one of 17 at level 1; one of 1 at level 2.
        assert_eq!(Tile::within(Some(0), 273, 70_000).map(|tile| tile.width), Some(112));
        assert_eq!(Tile::within(Some(1), 1, 70_000).map(|tile| tile.width), Some(17));
        assert_eq!(Tile::within(Some(2), 0, 70_000).map(|tile| tile.width), Some(1));
        assert_eq!(Tile::within(Some(2), 1, 70_000), None);
        assert_eq!(Tile::within(Some(3), 0, 70_000), None);
    }

    #[test]
    fn bundles_are_read_as_written() {
        let mut bundle = Vec::new();
        for entry in [&b"a"[..], b"", b"long"] {
            push_entry(&mut bundle, entry).unwrap();
        }
        assert_eq!(entries(&bundle).unwrap(), [&b"a"[..], b"", b"long"]);
        assert!(entries(&bundle[..bundle.len() - 1]).is_err());
        assert!(push_entry(&mut bundle, &[0; 65_536]).is_err());
    }
}
