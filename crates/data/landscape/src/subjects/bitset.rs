//! The union of many roaring bitmaps, straight from their stored bytes into one dense set.

use roaring::RoaringBitmap;

/// A stored bitmap that does not follow the Roaring format specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored set of people is damaged; scan its source again to rebuild it")]
pub struct DamagedBitmap;

/// A dense set of profile numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accumulator {
    words: Vec<u64>,
}

/// Words of one 65,536-value container.
const CONTAINER_WORDS: usize = 1024;

/// Cookies of the Roaring format specification, section "Cookie header".
const COOKIE_PLAIN: u32 = 12_346;
const COOKIE_RUNS: u32 = 12_347;
/// With runs, offsets are only written from this many containers on.
const OFFSETS_FROM: usize = 4;
/// More values than this and a container is a bitmap.
const ARRAY_VALUES_MAX: usize = 4_096;

/// The stored form of a set: the portable Roaring serialisation, empty for the empty set.
#[must_use]
pub fn bitmap(ids: impl IntoIterator<Item = u32>) -> Vec<u8> {
    let mut set: RoaringBitmap = ids.into_iter().collect();
    if set.is_empty() {
        return Vec::new();
    }
    set.optimize();
    let mut bytes = Vec::with_capacity(set.serialized_size());
    // Writing to memory cannot fail.
    let _infallible = set.serialize_into(&mut bytes);
    bytes
}

impl Accumulator {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a stored bitmap.
    ///
    /// # Errors
    /// When its bytes do not follow the format; what came before the fault is in the set then.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), DamagedBitmap> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.add_containers(bytes).ok_or(DamagedBitmap)
    }

    fn add_containers(&mut self, bytes: &[u8]) -> Option<()> {
        let (cookie, rest) = split_u32(bytes)?;
        let (count, run_flags, rest) = if cookie & 0xFFFF == COOKIE_RUNS {
            let count = (cookie >> 16) as usize + 1;
            let (flags, rest) = rest.split_at_checked(count.div_ceil(8))?;
            (count, flags, rest)
        } else if cookie == COOKIE_PLAIN {
            let (count, rest) = split_u32(rest)?;
            (count as usize, &[][..], rest)
        } else {
            return None;
        };
        let (descriptions, mut rest) = rest.split_at_checked(count.checked_mul(4)?)?;
        if run_flags.is_empty() || count >= OFFSETS_FROM {
            rest = rest.get(count * 4..)?;
        }
        for (at, description) in descriptions.as_chunks::<4>().0.iter().enumerate() {
            let [k0, k1, c0, c1] = *description;
            let (key, values) = (u16::from_le_bytes([k0, k1]), usize::from(u16::from_le_bytes([c0, c1])) + 1);
            let is_run = run_flags.get(at / 8).is_some_and(|flags| flags & (1 << (at % 8)) != 0);
            rest = self.add_container(usize::from(key), values, is_run, rest)?;
        }
        Some(())
    }

    fn add_container<'b>(&mut self, key: usize, values: usize, is_run: bool, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let words = self.container(key)?;
        if is_run {
            let (runs, rest) = split_u16(bytes)?;
            let (runs, rest) = rest.split_at_checked(usize::from(runs) * 4)?;
            for run in runs.as_chunks::<4>().0 {
                let [s0, s1, l0, l1] = *run;
                let start = u32::from(u16::from_le_bytes([s0, s1]));
                let end = (start + u32::from(u16::from_le_bytes([l0, l1]))).min(0xFFFF);
                (start..=end).for_each(|value| set(words, value));
            }
            Some(rest)
        } else if values > ARRAY_VALUES_MAX {
            let (bits, rest) = bytes.split_at_checked(CONTAINER_WORDS * 8)?;
            for (word, eight) in words.iter_mut().zip(bits.as_chunks::<8>().0) {
                *word |= u64::from_le_bytes(*eight);
            }
            Some(rest)
        } else {
            let (array, rest) = bytes.split_at_checked(values * 2)?;
            for two in array.as_chunks::<2>().0 {
                set(words, u32::from(u16::from_le_bytes(*two)));
            }
            Some(rest)
        }
    }

    fn container(&mut self, key: usize) -> Option<&mut [u64; CONTAINER_WORDS]> {
        let start = key * CONTAINER_WORDS;
        if self.words.len() < start + CONTAINER_WORDS {
            self.words.resize(start + CONTAINER_WORDS, 0);
        }
        self.words.get_mut(start..start + CONTAINER_WORDS)?.first_chunk_mut()
    }

    /// Adds one number.
    pub fn insert(&mut self, id: u32) {
        if let Some(words) = self.container((id >> 16) as usize) {
            set(words, id & 0xFFFF);
        }
    }

    /// Takes one number out.
    pub fn remove(&mut self, id: u32) {
        if let Some(word) = self.words.get_mut(id as usize / 64) {
            *word &= !(1 << (id % 64));
        }
    }

    /// Whether it holds a number.
    #[must_use]
    pub fn contains(&self, id: u32) -> bool {
        self.words.get(id as usize / 64).is_some_and(|word| word & (1 << (id % 64)) != 0)
    }

    /// Adds what `other` holds.
    pub fn union(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// How many numbers it holds.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// How many numbers both hold.
    #[must_use]
    pub fn common(&self, other: &Self) -> u64 {
        self.words.iter().zip(&other.words).map(|(a, b)| u64::from((a & b).count_ones())).sum()
    }

    /// Numbers that both hold, rising.
    #[must_use]
    pub fn common_ids(&self, other: &Self) -> Vec<u32> {
        let mut ids = Vec::new();
        for (at, (a, b)) in (0_u32..).zip(self.words.iter().zip(&other.words)) {
            let mut both = a & b;
            while both != 0 {
                ids.push(at * 64 + both.trailing_zeros());
                both &= both - 1;
            }
        }
        ids
    }

    /// Its stored form.
    #[must_use]
    pub fn to_bitmap(&self) -> Vec<u8> {
        bitmap(self.common_ids(self))
    }
}

fn set(words: &mut [u64; CONTAINER_WORDS], value: u32) {
    if let Some(word) = words.get_mut((value as usize & 0xFFFF) / 64) {
        *word |= 1 << (value % 64);
    }
}

fn split_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (four, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*four), rest))
}

fn split_u16(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (two, rest) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_le_bytes(*two), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use roaring::RoaringBitmap;

    use super::{Accumulator, DamagedBitmap, bitmap};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn union_equals_roaring(sets in prop::collection::vec(
            (0_u32..400_000, 1_u32..9, 0_usize..9_000), 1..6)) {
            let mut dense = Accumulator::new();
            let mut oracle = RoaringBitmap::new();
            for (start, step, count) in sets {
                let ids = (start..).step_by(step as usize).take(count);
                oracle.extend(ids.clone());
                dense.add(&bitmap(ids)).unwrap();
                // Without runs too: both layouts of the header are read.
                let mut plain = Vec::new();
                RoaringBitmap::from_iter((start..).step_by(7).take(5)).serialize_into(&mut plain).unwrap();
                oracle.extend((start..).step_by(7).take(5));
                dense.add(&plain).unwrap();
            }
            prop_assert_eq!(dense.len(), oracle.len());
            prop_assert_eq!(dense.common_ids(&dense), oracle.iter().collect::<Vec<_>>());
        }

        #[test]
        fn damaged_bytes_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 1..64)) {
            let _any_answer = Accumulator::new().add(&bytes);
        }
    }

    #[test]
    fn a_cut_bitmap_is_refused() {
        let whole = bitmap((0..100).map(|id| id * 3));
        for end in 1..whole.len() {
            assert_eq!(Accumulator::new().add(&whole[..end]), Err(DamagedBitmap), "cut at {end}");
        }
    }
}
