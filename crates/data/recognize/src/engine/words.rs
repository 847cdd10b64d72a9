//! What is known of a word, whatever stands around it: learned once for each word that texts use, and found in one probe
//! from then on.
//!
//! A few thousand words make up nearly all of any text. For each, the automata have been walked to its end, so that a
//! search at the word goes on behind it, or, nearly always, is over at once.

use super::automaton::After;
use super::context::HeadOf;
use super::starts::WORD_BYTES_MAX;

/// Words that are remembered, as a power of two.
const WORDS_BITS: u32 = 14;
/// Of so many words with more to say of them than that nothing begins with them. They are forgotten when more are met.
const FACTS_MAX: usize = 1 << 14;

/// The sorts of patterns that are tried at words of letters, in the order of [`Word::after`].
pub(super) const SORTS: usize = 4;

/// A word of up to sixteen ASCII letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Key([u64; 2]);

impl Key {
    /// The word of `length` letters at `at`.
    #[inline]
    pub(super) fn of(bytes: &[u8], at: usize, length: usize) -> Self {
        let rest = bytes.get(at..).unwrap_or_default();
        let all = match rest.first_chunk::<WORD_BYTES_MAX>() {
            Some(sixteen) => u128::from_le_bytes(*sixteen) & (u128::MAX >> (8 * (WORD_BYTES_MAX - length))),
            None => rest.iter().take(length).rev().fold(0, |all, b| all << 8 | u128::from(*b)),
        };
        #[expect(clippy::cast_possible_truncation, reason = "its halves")]
        Self([all as u64, (all >> 64) as u64])
    }

    #[inline]
    fn slot(self) -> usize {
        let mixed = (self.0[0] ^ self.0[1].rotate_left(23)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> (65 - WORDS_BITS)) as usize
    }
}

/// What is known of a word with which something may begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    /// Where the automata stand at its end.
    pub after: [After; SORTS],
    /// A term may begin with it.
    pub term: bool,
    /// A literal stands in it around which wide patterns are tried.
    pub literal: bool,
    /// One may stand at its end and go on behind it.
    pub literal_goes_on: bool,
    /// The phrases that begin with it.
    pub head: Option<HeadOf>,
    /// Nothing matches when this ASCII byte follows it: one bit each.
    pub(super) dead: u128,
    /// Nothing matches when a blank and this ASCII byte follow it.
    pub(super) dead_behind_blank: u128,
}

/// Where to find what is known of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    /// Nothing begins with the word.
    pub(super) const NOTHING: Self = Self(0);
}

impl Word {
    pub(super) const NOTHING: Self = Self {
        after: [After::DEAD; SORTS],
        term: false,
        literal: false,
        literal_goes_on: false,
        head: None,
        dead: 0,
        dead_behind_blank: 0,
    };

    /// Whether something may begin with it or stand in it.
    fn tells(&self) -> bool {
        self.term || self.literal || self.literal_goes_on || self.head.is_some() || self.after != [After::DEAD; SORTS]
    }

    /// Whether what follows the word is known to let nothing match.
    #[inline]
    pub(super) fn ends_here(&self, rest: Option<&[u8; 2]>) -> bool {
        let Some(&[first, second]) = rest else { return false };
        let has = |set: u128, byte: u8| byte < 0x80 && set >> byte & 1 == 1;
        has(self.dead, first) || first == b' ' && has(self.dead_behind_blank, second)
    }
}

/// What one thread has learned.
pub(super) struct Words {
    /// Each word at one of the two places that its hash allows.
    places: Box<[[(Key, Place); 2]]>,
    facts: Vec<Word>,
}

impl Words {
    pub(super) fn new() -> Self {
        let none = (Key::default(), Place::NOTHING);
        Self { places: vec![[none; 2]; 1 << (WORDS_BITS - 1)].into(), facts: Vec::new() }
    }

    #[inline]
    pub(super) fn find(&self, key: Key) -> Option<Place> {
        let [first, second] = self.places.get(key.slot())?;
        if first.0 == key {
            return Some(first.1);
        }
        (second.0 == key).then_some(second.1)
    }

    #[inline]
    pub(super) fn get(&self, place: Place) -> Option<&Word> {
        self.facts.get(place.0 as usize - 1)
    }

    pub(super) fn learn(&mut self, key: Key, word: Word) -> Place {
        let mut place = Place::NOTHING;
        if word.tells() {
            if self.facts.len() >= FACTS_MAX {
                self.forget();
            }
            self.facts.push(word);
            #[expect(clippy::cast_possible_truncation, reason = "at most FACTS_MAX")]
            let last = self.facts.len() as u32;
            place = Place(last);
        }
        if let Some(places) = self.places.get_mut(key.slot()) {
            // The word that was met last stays in reach.
            *places = [(key, place), places[0]];
        }
        place
    }

    /// After the word and so many bytes of `rest`, which follows it, nothing was left that might match.
    pub(super) fn learn_end(&mut self, place: Place, rest: Option<&[u8; 2]>, taken: usize) {
        let Some(word) = self.facts.get_mut(place.0 as usize - 1) else { return };
        match (taken, rest) {
            (..=1, Some(&[first, _])) if first < 0x80 => word.dead |= 1 << first,
            (2, Some(&[b' ', second])) if second < 0x80 => word.dead_behind_blank |= 1 << second,
            _ => {}
        }
    }

    /// Forgets everything: the automata number their states anew, or there is too much of it.
    pub(super) fn forget(&mut self) {
        *self = Self::new();
    }
}
