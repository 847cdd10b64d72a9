//! A small seeded generator, so that the bytes made from a seed never depend on a dependency's version.

use std::ops::RangeInclusive;

/// `SplitMix64` (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014).
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A stream of its own for a named purpose, so that a change in one part does not shift the others.
    pub fn stream(seed: u64, name: &str) -> Self {
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut random = Self { state: seed ^ hash };
        random.word();
        random
    }

    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let wide = u128::from(self.word()) * end as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number in the range.
    pub fn within(&mut self, range: RangeInclusive<u32>) -> u32 {
        let (start, end) = (*range.start(), *range.end());
        let span = end.saturating_sub(start) as usize + 1;
        start + u32::try_from(self.below(span)).unwrap_or(0)
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.within(0..=99) < percent
    }

    /// One of the items; the default when there are none.
    pub fn pick<T: Copy + Default>(&mut self, items: &[T]) -> T {
        let at = self.below(items.len());
        items.get(at).copied().unwrap_or_default()
    }

    /// One character of an ASCII alphabet.
    pub fn letter(&mut self, alphabet: &str) -> char {
        let at = self.below(alphabet.len());
        alphabet.as_bytes().get(at).copied().map_or('A', char::from)
    }

    /// `count` digits.
    pub fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| self.letter("0123456789")).collect()
    }

    /// `count` digits of which the first is not 0.
    pub fn number(&mut self, count: usize) -> String {
        let mut digits = String::with_capacity(count);
        digits.push(self.letter("123456789"));
        digits.push_str(&self.digits(count.saturating_sub(1)));
        digits
    }

    /// `count` characters of an ASCII alphabet.
    pub fn letters(&mut self, alphabet: &str, count: usize) -> String {
        (0..count).map(|_| self.letter(alphabet)).collect()
    }
}
