//! The shared candidate scan: where may anything begin? One pass over the bytes, 64 at a time.
//!
//! A start is the first byte of an ASCII word, any other printable ASCII byte, or the lead byte of a character
//! beyond ASCII. Everything that recognition looks at begins at a start.

/// Bit masks of one block of 64 bytes; bit `i` speaks of byte `i`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    /// ASCII letters, digits and underscore.
    pub word: u64,
    /// ASCII digits.
    pub digit: u64,
    /// Bytes that are not white space, not control and not UTF-8 continuation.
    pub print: u64,
}

impl Block {
    /// Classifies 64 bytes. Written as plain loops over lanes, which the compiler turns into vector code, and a
    /// multiplication that gathers eight lanes into eight bits.
    #[inline]
    pub(crate) fn of(bytes: &[u8; 64]) -> Self {
        let mut word = [0u8; 64];
        let mut digit = [0u8; 64];
        let mut print = [0u8; 64];
        for i in 0..64 {
            let b = bytes[i];
            let is_digit = u8::from(b.wrapping_sub(b'0') < 10);
            let is_letter = u8::from((b | 0x20).wrapping_sub(b'a') < 26);
            digit[i] = is_digit;
            word[i] = is_digit | is_letter | u8::from(b == b'_');
            // 0x21..=0x7E, or a lead byte 0xC0..=0xFF.
            print[i] = u8::from(b.wrapping_sub(0x21) < 0x5E) | u8::from(b >= 0xC0);
        }
        Self { word: gather(&word), digit: gather(&digit), print: gather(&print) }
    }

    /// The word bytes alone.
    pub(crate) fn words(bytes: &[u8; 64]) -> u64 {
        let mut word = [0u8; 64];
        for i in 0..64 {
            let b = bytes[i];
            let is_letter = (b | 0x20).wrapping_sub(b'a') < 26;
            word[i] = u8::from(b.wrapping_sub(b'0') < 10) | u8::from(is_letter) | u8::from(b == b'_');
        }
        gather(&word)
    }

    /// The same, one byte at a time: the oracle of the fast way.
    #[cfg(test)]
    fn plain(bytes: &[u8; 64]) -> Self {
        let mut block = Self { word: 0, digit: 0, print: 0 };
        for (i, &b) in bytes.iter().enumerate() {
            block.word |= u64::from(b.is_ascii_alphanumeric() || b == b'_') << i;
            block.digit |= u64::from(b.is_ascii_digit()) << i;
            block.print |= u64::from(b > 0x20 && b != 0x7F && !(0x80..0xC0).contains(&b)) << i;
        }
        block
    }

    /// Bytes at which something may begin, given whether the byte before this block was a word byte.
    pub(crate) fn starts(&self, word_before: bool) -> u64 {
        let word_starts = self.word & !((self.word << 1) | u64::from(word_before));
        word_starts | (self.print & !self.word)
    }
}

/// Bit `i` is the lowest bit of lane `i`.
#[inline]
fn gather(lanes: &[u8; 64]) -> u64 {
    let (eights, _) = lanes.as_chunks::<8>();
    let mut bits = 0;
    for (i, eight) in eights.iter().enumerate() {
        // Each lane holds 0 or 1: the product's top byte collects lane k at bit k.
        let packed = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits |= packed << (8 * i);
    }
    bits
}

/// Calls `each` with the position of every start in `bytes`, in order, and whether the word that begins there
/// (if one does) holds a digit within this block.
#[inline]
pub(crate) fn for_each_start(bytes: &[u8], mut each: impl FnMut(usize, bool)) {
    let mut word_before = false;
    let (blocks, tail) = bytes.as_chunks::<64>();
    let mut base = 0;
    for block in blocks {
        let masks = Block::of(block);
        visit(masks, word_before, base, &mut each);
        word_before = masks.word >> 63 == 1;
        base += 64;
    }
    if !tail.is_empty() {
        let mut last = [0u8; 64];
        last.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
        visit(Block::of(&last), word_before, base, &mut each);
    }
}

#[inline]
fn visit(masks: Block, word_before: bool, base: usize, each: &mut impl FnMut(usize, bool)) {
    let mut starts = masks.starts(word_before);
    while starts != 0 {
        let bit = starts.trailing_zeros();
        starts &= starts - 1;
        // The run of word bits that begins here: carry propagates through it.
        let run = masks.word >> bit;
        let length = (!run).trailing_zeros();
        let digits = (masks.digit >> bit) & low_bits(length);
        // A word that touches the block's end may go on with digits: treat it as if it did.
        each(base + bit as usize, digits != 0 || (length > 0 && bit + length == 64));
    }
}

#[inline]
const fn low_bits(count: u32) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Block, for_each_start};

    proptest! {
        #[test]
        fn vector_and_plain_classification_agree(bytes in proptest::collection::vec(any::<u8>(), 64)) {
            let bytes: [u8; 64] = bytes.try_into().unwrap();
            prop_assert_eq!(Block::of(&bytes), Block::plain(&bytes));
            prop_assert_eq!(Block::words(&bytes), Block::plain(&bytes).word);
        }
    }

    #[test]
    fn every_byte_value_is_classified_alike() {
        for first in (0..=255u8).step_by(64) {
            let bytes: [u8; 64] = std::array::from_fn(|i| first.wrapping_add(i as u8));
            assert_eq!(Block::of(&bytes), Block::plain(&bytes));
        }
    }

    #[test]
    fn starts_are_words_marks_and_wide_characters() {
        let mut found = Vec::new();
        for_each_start("ab 12x,é 山c".as_bytes(), |at, digit| found.push((at, digit)));
        assert_eq!(found, [(0, false), (3, true), (6, false), (7, false), (10, false), (13, false)]);
    }
}
