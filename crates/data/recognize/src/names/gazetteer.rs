//! The word table: what a word is, in one probe. Built ahead by `cargo xtask names` from the lists under
//! content/names and carried in the program, so that loading costs nothing.

use super::flags::WordFlags;

/// The packed table as built by [`super::pack::pack`].
static PACKED: &[u8] = include_bytes!("../../../../../content/names/gazetteer.bin");

/// First bytes of a packed table: its name and the version of its layout.
pub(super) const MAGIC: [u8; 8] = *b"LZNAMES1";
/// Bits of a slot that number its set of flags; 0 is an empty slot.
pub(super) const SET_BITS: u32 = 10;

/// What words are. Words are compared without case.
#[derive(Debug, Clone)]
pub struct Gazetteer {
    slots: &'static [u8],
    mask: usize,
    sets: Box<[WordFlags]>,
}

impl Default for Gazetteer {
    fn default() -> Self {
        Self::load()
    }
}

impl Gazetteer {
    /// The table that the program carries. Costs microseconds.
    #[must_use]
    pub fn load() -> Self {
        Self::from_packed(PACKED).unwrap_or(Self { slots: &[], mask: 0, sets: Box::default() })
    }

    /// A table from its packed form: [`MAGIC`], number of flag sets and of slots (`u32`, little endian), the sets,
    /// the slots. None when it is no such table.
    #[must_use]
    pub fn from_packed(packed: &'static [u8]) -> Option<Self> {
        let rest = packed.strip_prefix(&MAGIC)?;
        let set_count = usize::try_from(u32_at(rest, 0)?).ok()?;
        let slot_count = usize::try_from(u32_at(rest, 1)?).ok()?;
        let body = rest.get(8..)?;
        let (sets, slots) = body.split_at_checked(set_count.checked_mul(4)?)?;
        if !slot_count.is_power_of_two() || slots.len() != slot_count.checked_mul(4)? {
            return None;
        }
        let sets = (0..set_count).filter_map(|at| u32_at(sets, at).map(WordFlags)).collect();
        Some(Self { slots, mask: slot_count - 1, sets })
    }

    /// What `word` is, whatever its case; [`WordFlags::NONE`] when it is not listed.
    #[must_use]
    pub fn word(&self, word: &str) -> WordFlags {
        self.by_hash(WordHash::of(word))
    }

    /// What the word with this hash is.
    #[must_use]
    #[inline]
    pub fn by_hash(&self, hash: WordHash) -> WordFlags {
        if self.slots.is_empty() {
            return WordFlags::NONE;
        }
        let (mut at, print) = hash.place(self.mask);
        loop {
            let Some(slot) = u32_at(self.slots, at) else { return WordFlags::NONE };
            if slot == 0 {
                return WordFlags::NONE;
            }
            if slot >> SET_BITS == print {
                return self.sets.get((slot & ((1 << SET_BITS) - 1)) as usize).copied().unwrap_or_default();
            }
            at = (at + 1) & self.mask;
        }
    }
}

#[inline]
fn u32_at(bytes: &[u8], index: usize) -> Option<u32> {
    let start = index * 4;
    bytes.get(start..start + 4)?.try_into().ok().map(u32::from_le_bytes)
}

/// A word's hash, grown byte by byte while the word is read. Letters must come in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordHash(u64);

impl Default for WordHash {
    fn default() -> Self {
        // The offset basis of FNV-1a, 64 bits.
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl WordHash {
    /// The hash of a word, after lower-casing it.
    #[must_use]
    pub fn of(word: &str) -> Self {
        let mut hash = Self::default();
        for c in word.chars() {
            hash.push_char(c);
        }
        hash
    }

    /// The word goes on with this byte, already in lower case.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        // The prime of FNV-1a, 64 bits.
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }

    /// The word goes on with this character, of any case. A typographic apostrophe counts as a plain one.
    pub fn push_char(&mut self, c: char) {
        if c.is_ascii() {
            self.push(c.to_ascii_lowercase() as u8);
        } else if c == '\u{2019}' {
            self.push(b'\'');
        } else {
            let mut buffer = [0; 4];
            for lower in c.to_lowercase() {
                for byte in lower.encode_utf8(&mut buffer).bytes() {
                    self.push(byte);
                }
            }
        }
    }

    /// A number that stands for the word in a set of seen words.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// First slot and fingerprint in a table of `mask + 1` slots.
    #[inline]
    pub(super) fn place(self, mask: usize) -> (usize, u32) {
        // The finaliser of SplitMix64, first half: spreads FNV's weak high bits.
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let slot = usize::try_from(mixed >> 34).unwrap_or(usize::MAX) & mask;
        (slot, (mixed >> 8 & 0x3F_FFFF) as u32)
    }
}
