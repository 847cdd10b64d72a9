//! What texts have shown to lead nowhere: after which first bytes no recogniser of a sort is left.
//!
//! Nothing is computed ahead. A walk that ends early without a match leaves the bytes it has seen here, and what a kind
//! of file begins its words with is soon known. Exact: only equal bytes are taken for known.

use super::groups::{Sort, Sorts};

/// Beginnings of four bytes that are remembered, as a power of two. All of them stay in the second cache.
const FOURS_BITS: u32 = 14;
/// Beginnings of eight bytes that are remembered, as a power of two.
const EIGHTS_BITS: u32 = 13;
/// Stands for the end of the text: no byte of UTF-8.
const END: u8 = 0xFF;

/// What one thread has learned.
pub(super) struct Beginnings {
    /// By first byte: the sorts that are dead.
    ones: [Sorts; 256],
    fours: Vec<(u32, Sorts)>,
    eights: Vec<(u64, Sorts)>,
}

impl Beginnings {
    pub(super) fn new() -> Self {
        let none = Sorts::NONE;
        Self { ones: [none; 256], fours: vec![(0, none); 1 << FOURS_BITS], eights: vec![(0, none); 1 << EIGHTS_BITS] }
    }

    /// Of `sorts`, those that may match from `at`.
    #[inline]
    pub(super) fn alive(&self, bytes: &[u8], at: usize, sorts: Sorts) -> Sorts {
        let Some(&first) = bytes.get(at) else { return Sorts::NONE };
        let mut alive = sorts.without(self.ones[usize::from(first)]);
        if alive.is_empty() {
            return alive;
        }
        let eight = eight(bytes, at);
        #[expect(clippy::cast_possible_truncation, reason = "its first four bytes")]
        let four = eight as u32;
        let (known, dead) = self.fours[slot_of_four(four)];
        if known == four {
            alive = alive.without(dead);
            if alive.is_empty() {
                return alive;
            }
        }
        let (known, dead) = self.eights[slot_of_eight(eight)];
        if known == eight { alive.without(dead) } else { alive }
    }

    /// From `at` the first `taken` bytes decide that nothing of `sort` is found; the end of the text counts as a byte.
    pub(super) fn learn(&mut self, bytes: &[u8], at: usize, sort: Sort, taken: usize) {
        let eight = eight(bytes, at);
        if taken == 1 {
            if let Some(&first) = bytes.get(at) {
                self.ones[usize::from(first)].add(sort);
            }
        } else if taken <= 4 {
            #[expect(clippy::cast_possible_truncation, reason = "its first four bytes")]
            let four = eight as u32;
            remember(&mut self.fours[slot_of_four(four)], four, sort);
        } else if taken <= 8 {
            remember(&mut self.eights[slot_of_eight(eight)], eight, sort);
        }
    }
}

fn remember<K: PartialEq>(entry: &mut (K, Sorts), key: K, sort: Sort) {
    if entry.0 != key {
        *entry = (key, Sorts::NONE);
    }
    entry.1.add(sort);
}

/// The next eight bytes of the text, filled up with [`END`].
#[inline]
fn eight(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first_chunk::<8>() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => {
            let mut eight = [END; 8];
            eight.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            u64::from_le_bytes(eight)
        }
    }
}

#[inline]
fn slot_of_four(four: u32) -> usize {
    (four.wrapping_mul(0x9E37_79B1) >> (32 - FOURS_BITS)) as usize
}

#[inline]
fn slot_of_eight(eight: u64) -> usize {
    (eight.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - EIGHTS_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::{Beginnings, Sort, Sorts};

    #[test]
    fn only_equal_bytes_are_known() {
        let mut known = Beginnings::new();
        let both = Sorts::of(&[Sort::Sharp, Sort::Title]);
        known.learn(b"patient", 0, Sort::Sharp, 4);
        known.learn(b"Patients", 0, Sort::Title, 8);
        known.learn(b"ab", 0, Sort::Title, 3);
        known.learn(b",", 0, Sort::Title, 1);
        known.learn(b",", 0, Sort::Sharp, 1);
        let alive = |text: &str| known.alive(text.as_bytes(), 0, both);
        assert_eq!(alive("path"), both);
        assert_eq!(alive("pati"), Sorts::of(&[Sort::Title]));
        assert_eq!(alive("Patients"), Sorts::of(&[Sort::Sharp]));
        assert_eq!(alive("Patient"), both);
        assert_eq!(alive("ab"), Sorts::of(&[Sort::Sharp]));
        assert_eq!(alive("abc"), both);
        assert_eq!(alive(", and"), Sorts::NONE);
    }
}
