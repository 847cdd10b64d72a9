//! What is looked for, in tables that answer most questions with one bit.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::net::IpAddr;

use crate::indicator::Network;

/// Bits of a filter for each entry; about one question in sixteen is let through in vain.
const BITS_FOR_EACH: usize = 16;
/// An odd number without pattern: the golden ratio as a fraction of 2^64.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hashes a text from its end to its beginning, so that every name above a name in the DNS is hashed on the way. Capitals
/// count as small letters.
pub(crate) fn step(hash: u64, byte: u8) -> u64 {
    (hash.rotate_left(7) ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(SPREAD)
}

pub(crate) fn hash_of(text: &[u8]) -> u64 {
    text.iter().rev().fold(0, |hash, byte| step(hash, *byte))
}

/// A bit for every entry, where its hash says.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    bits: Vec<u64>,
    shift: u32,
}

impl Filter {
    fn new(entries: usize) -> Self {
        if entries == 0 {
            return Self::default();
        }
        let bits = (entries * BITS_FOR_EACH).next_power_of_two().max(64);
        Self { bits: vec![0; bits / 64], shift: 64 - bits.trailing_zeros() }
    }

    fn place(&self, hash: u64) -> (usize, u64) {
        let place = hash.wrapping_mul(SPREAD) >> self.shift;
        (usize::try_from(place / 64).unwrap_or(usize::MAX), 1 << (place % 64))
    }

    fn set(&mut self, hash: u64) {
        let (word, bit) = self.place(hash);
        if let Some(word) = self.bits.get_mut(word) {
            *word |= bit;
        }
    }

    pub(crate) fn may(&self, hash: u64) -> bool {
        if self.bits.is_empty() {
            return false;
        }
        let (word, bit) = self.place(hash);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }
}

/// A hash that was made before is its own hash.
#[derive(Default)]
pub(crate) struct Made(u64);

impl Hasher for Made {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash_of(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        // The table takes its bits from both ends.
        self.0 = hash.wrapping_mul(SPREAD) ^ (hash >> 29);
    }
}

const NONE: u32 = u32::MAX;

/// Texts by their hash.
#[derive(Debug, Default)]
pub(crate) struct Words {
    filter: Filter,
    first: HashMap<u64, u32, BuildHasherDefault<Made>>,
    /// A text, what it stands for, and the next with the same hash.
    entries: Vec<(Box<str>, u32, u32)>,
    /// Lengths that occur, and last bytes.
    lengths: [u64; 4],
    ends: [u64; 4],
}

impl Words {
    pub(crate) fn new<'a>(texts: impl ExactSizeIterator<Item = (&'a str, u32)>) -> Self {
        let mut words = Self { filter: Filter::new(texts.len()), ..Self::default() };
        for (text, atom) in texts {
            let hash = hash_of(text.as_bytes());
            words.filter.set(hash);
            let next = words.first.get(&hash).copied().unwrap_or(NONE);
            let at = u32::try_from(words.entries.len()).unwrap_or(NONE);
            words.first.insert(hash, at);
            words.entries.push((text.into(), atom, next));
            mark(&mut words.lengths, u8::try_from(text.len()).unwrap_or(u8::MAX));
            mark(&mut words.ends, text.bytes().next_back().unwrap_or_default().to_ascii_lowercase());
        }
        words
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a text of this length and end may be among them.
    pub(crate) fn fits(&self, text: &[u8]) -> bool {
        let (Ok(length), Some(last)) = (u8::try_from(text.len()), text.last()) else { return false };
        is_marked(&self.lengths, length) && is_marked(&self.ends, last.to_ascii_lowercase())
    }

    /// Calls for the text that is exactly this one.
    pub(crate) fn find_exact(&self, text: &[u8], take: &mut dyn FnMut(u32)) {
        let mut at = match hash_of(text) {
            hash if self.filter.may(hash) => self.first.get(&hash).copied().unwrap_or(NONE),
            _ => NONE,
        };
        while let Some((entry, atom, next)) = self.entries.get(at as usize) {
            if entry.as_bytes() == text {
                take(*atom);
            }
            at = *next;
        }
    }

    /// Calls for each text that is this one, but for capitals.
    pub(crate) fn find(&self, hash: u64, text: &[u8], take: &mut dyn FnMut(u32)) {
        if !self.filter.may(hash) {
            return;
        }
        let mut at = self.first.get(&hash).copied().unwrap_or(NONE);
        while let Some((entry, atom, next)) = self.entries.get(at as usize) {
            if entry.as_bytes().eq_ignore_ascii_case(text) {
                take(*atom);
            }
            at = *next;
        }
    }
}

fn mark(bits: &mut [u64; 4], value: u8) {
    if let Some(word) = bits.get_mut(usize::from(value / 64)) {
        *word |= 1 << (value % 64);
    }
}

fn is_marked(bits: &[u64; 4], value: u8) -> bool {
    bits.get(usize::from(value / 64)).is_some_and(|word| word & (1 << (value % 64)) != 0)
}

/// Blocks of addresses of one family, by the length of their prefix.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    filter: Filter,
    /// Lengths that occur, the longest first.
    lengths: Vec<u8>,
    atoms: HashMap<(u8, u128), u32, foldhash::fast::FixedState>,
    /// Bits of an address.
    width: u32,
}

impl Blocks {
    pub(crate) fn new(width: u32, blocks: &[(Network, u32)]) -> Self {
        let mut out = Self { filter: Filter::new(blocks.len()), width, ..Self::default() };
        for (network, atom) in blocks {
            let bits = bits_of(network.address());
            out.filter.set(mixed(network.prefix(), bits));
            out.atoms.insert((network.prefix(), bits), *atom);
            if !out.lengths.contains(&network.prefix()) {
                out.lengths.push(network.prefix());
            }
        }
        out.lengths.sort_unstable_by(|a, b| b.cmp(a));
        out
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Calls for each block that the address lies in, the narrowest first.
    pub(crate) fn find(&self, bits: u128, take: &mut dyn FnMut(u32)) {
        for length in &self.lengths {
            let zeros = self.width - u32::from(*length);
            let masked = bits.checked_shr(zeros).and_then(|bits| bits.checked_shl(zeros)).unwrap_or(0);
            if self.filter.may(mixed(*length, masked))
                && let Some(atom) = self.atoms.get(&(*length, masked))
            {
                take(*atom);
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "both halves are mixed in")]
fn mixed(length: u8, bits: u128) -> u64 {
    (bits as u64 ^ ((bits >> 64) as u64).wrapping_mul(SPREAD).rotate_left(31)).wrapping_mul(SPREAD).rotate_left(29)
        ^ u64::from(length)
}

pub(crate) fn bits_of(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Digests by their bytes.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    atoms: HashMap<Box<[u8]>, u32, foldhash::fast::FixedState>,
}

/// Bytes of the longest digest.
const DIGEST_MAX: usize = 64;

impl Digests {
    pub(crate) fn new<'a>(digests: impl Iterator<Item = (&'a str, u32)>) -> Self {
        let mut out = Self::default();
        for (digest, atom) in digests {
            let mut bytes = [0; DIGEST_MAX];
            if let Some(bytes) = decode(digest.as_bytes(), &mut bytes) {
                out.atoms.insert(bytes.into(), atom);
            }
        }
        out
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.atoms.is_empty()
    }

    pub(crate) fn find(&self, digits: &[u8]) -> Option<u32> {
        let mut bytes = [0; DIGEST_MAX];
        self.atoms.get(decode(digits, &mut bytes)?).copied()
    }
}

fn decode<'a>(digits: &[u8], into: &'a mut [u8; DIGEST_MAX]) -> Option<&'a [u8]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for (pair, byte) in digits.chunks_exact(2).zip(into.iter_mut()) {
        let [high, low] = *pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    into.get(..digits.len() / 2)
}
