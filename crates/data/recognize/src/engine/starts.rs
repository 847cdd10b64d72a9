//! The shared candidate scan: where may anything begin? One pass over the bytes, 64 at a time.
//!
//! A start is the first byte of an ASCII word, any other printable ASCII byte, or the lead byte of a character
//! beyond ASCII. Everything that recognition looks at begins at a start.

/// Where something may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    /// Its first byte.
    pub at: usize,
    /// Length of the ASCII word that begins there; 0 when none does. Words longer than [`WORD_BYTES_MAX`] may be told
    /// shorter than they are, but not as short as that.
    pub word: usize,
    /// Whether the word is of letters alone.
    pub letters: bool,
}

/// Words up to this length are told exactly.
pub(crate) const WORD_BYTES_MAX: usize = 16;

/// Bit masks of one block of 64 bytes; bit `i` speaks of byte `i`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    /// ASCII letters, digits and underscore.
    pub word: u64,
    /// ASCII letters.
    pub letter: u64,
    /// Bytes that are not white space, not control and not UTF-8 continuation.
    pub print: u64,
}

impl Block {
    /// Classifies 64 bytes. Written as plain loops over lanes, which the compiler turns into vector code, and a
    /// multiplication that gathers eight lanes into eight bits.
    #[inline]
    pub(crate) fn of(bytes: &[u8; 64]) -> Self {
        let mut word = [0u8; 64];
        let mut letter = [0u8; 64];
        let mut print = [0u8; 64];
        for i in 0..64 {
            let b = bytes[i];
            let is_digit = u8::from(b.wrapping_sub(b'0') < 10);
            let is_letter = u8::from((b | 0x20).wrapping_sub(b'a') < 26);
            letter[i] = is_letter;
            word[i] = is_digit | is_letter | u8::from(b == b'_');
            // 0x21..=0x7E, or a lead byte 0xC0..=0xFF.
            print[i] = u8::from(b.wrapping_sub(0x21) < 0x5E) | u8::from(b >= 0xC0);
        }
        Self { word: gather(&word), letter: gather(&letter), print: gather(&print) }
    }

    /// The same, one byte at a time: the oracle of the fast way.
    #[cfg(test)]
    fn plain(bytes: &[u8; 64]) -> Self {
        let mut block = Self { word: 0, letter: 0, print: 0 };
        for (i, &b) in bytes.iter().enumerate() {
            block.word |= u64::from(b.is_ascii_alphanumeric() || b == b'_') << i;
            block.letter |= u64::from(b.is_ascii_alphabetic()) << i;
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

/// Calls `each` with every start in `bytes`, in order.
#[inline]
pub(crate) fn for_each_start(bytes: &[u8], mut each: impl FnMut(Start)) {
    let mut word_before = false;
    let (blocks, tail) = bytes.as_chunks::<64>();
    let mut base = 0;
    for block in blocks {
        let masks = Block::of(block);
        visit(masks, word_before, bytes, base, &mut each);
        word_before = masks.word >> 63 == 1;
        base += 64;
    }
    if !tail.is_empty() {
        let mut last = [0u8; 64];
        last.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
        visit(Block::of(&last), word_before, bytes, base, &mut each);
    }
}

#[inline]
fn visit(masks: Block, word_before: bool, bytes: &[u8], base: usize, each: &mut impl FnMut(Start)) {
    let mut starts = masks.starts(word_before);
    while starts != 0 {
        let bit = starts.trailing_zeros();
        starts &= starts - 1;
        let at = base + bit as usize;
        let length = (masks.word >> bit).trailing_ones();
        let letters = (masks.letter >> bit).trailing_ones();
        let start = Start { at, word: length as usize, letters: letters >= length };
        each(if bit + length == 64 { gone_on(start, bytes) } else { start });
    }
}

/// A word that touches its block's end, with what follows there.
fn gone_on(start: Start, bytes: &[u8]) -> Start {
    let rest = bytes.get(start.at + start.word..).unwrap_or_default();
    let more = rest.iter().take(WORD_BYTES_MAX + 1).take_while(|b| b.is_ascii_alphanumeric() || **b == b'_');
    let (count, letters) =
        more.fold((0, start.letters), |(count, letters), b| (count + 1, letters && b.is_ascii_alphabetic()));
    Start { word: start.word + count, letters, ..start }
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
        for_each_start("ab 12x,é 山c".as_bytes(), |start| found.push((start.at, start.word, start.letters)));
        assert_eq!(found, [(0, 2, true), (3, 3, false), (6, 0, true), (7, 0, true), (10, 0, true), (13, 1, true)]);
    }

    #[test]
    fn words_across_blocks_are_whole() {
        let text = format!("{} Patient {}x9 {}", "-".repeat(58), "a".repeat(50), "b".repeat(200));
        let mut words = Vec::new();
        for_each_start(text.as_bytes(), |start| words.extend((start.word > 0).then_some((start.word, start.letters))));
        assert_eq!(words[..2], [(7, true), (52, false)]);
        assert!(words.len() == 3 && words[2].0 > super::WORD_BYTES_MAX && words[2].1);
    }
}
