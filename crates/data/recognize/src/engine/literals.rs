//! Where the literals of patterns stand that may begin like any word.
//!
//! Nothing is searched for by itself: the pass over a text's starts meets each literal where it is told apart from
//! words. One of letters stands in a word, and of most words it is known whether one does. One with digits or
//! underscores stands in a word that has some. Any other is looked for at its first mark or character beyond ASCII, or
//! where its first word ends, when nothing but blanks part its words.

use super::compile::Recognizer;
use super::groups::Group;
use super::is_word_byte;

/// All literals.
pub(super) struct Literals {
    /// Those of ASCII letters alone.
    of_letters: Option<aho_corasick::AhoCorasick>,
    /// These and those with digits and underscores.
    of_words: Option<aho_corasick::AhoCorasick>,
    /// There are some of digits alone.
    of_digits: bool,
    /// Marks that are literals by themselves.
    marks: [bool; 256],
    /// By the byte before their first mark and the mark.
    behind_words: Pairs,
    /// By their first two bytes, of which the first is the mark.
    at_marks: Pairs,
    spaced: Vec<Spaced>,
    /// The bytes that the first words of [`Self::spaced`] end with.
    spaced_ends: [bool; 256],
}

/// Literals by a pair of neighbouring bytes in them.
struct Pairs {
    /// A bit for each pair that there is.
    known: Box<[u64; 1024]>,
    /// In order.
    literals: Vec<(u16, Marked)>,
}

/// A literal with a mark in it.
struct Marked {
    text: Box<[u8]>,
    /// Bytes before the mark.
    before: usize,
}

/// A literal of words and blanks.
struct Spaced {
    text: Box<[u8]>,
    /// Where its first word lies.
    word: (usize, usize),
}

impl Literals {
    /// Of the recognisers of a group.
    pub(super) fn of(recognizers: &[Recognizer], group: &Group) -> Self {
        let specs = group.members.iter().filter_map(|&index| recognizers.get(usize::from(index)));
        let mut literals: Vec<&[u8]> =
            specs.flat_map(|recognizer| recognizer.spec.literals.iter().map(String::as_bytes)).collect();
        literals.sort_unstable();
        literals.dedup();
        Self::all(&literals)
    }

    fn all(literals: &[&[u8]]) -> Self {
        let (words, others): (Vec<&[u8]>, Vec<&[u8]>) =
            literals.iter().copied().partition(|literal| literal.iter().all(|b| is_word_byte(*b)));
        let letters = words.iter().filter(|word| word.iter().all(u8::is_ascii_alphabetic));
        let mut all = Self {
            of_letters: aho_corasick::AhoCorasick::new(letters).ok(),
            of_words: aho_corasick::AhoCorasick::new(&words).ok(),
            of_digits: words.iter().any(|word| word.iter().all(u8::is_ascii_digit)),
            marks: [false; 256],
            behind_words: Pairs::new(),
            at_marks: Pairs::new(),
            spaced: Vec::new(),
            spaced_ends: [false; 256],
        };
        for literal in others {
            all.add(literal);
        }
        all.behind_words.literals.sort_by_key(|(pair, _)| *pair);
        all.at_marks.literals.sort_by_key(|(pair, _)| *pair);
        all
    }

    fn add(&mut self, text: &[u8]) {
        let Some(mark) = text.iter().position(|b| !is_word_byte(*b) && is_start(*b)) else {
            let from = text.iter().position(|b| is_word_byte(*b)).unwrap_or(0);
            let to = text.iter().skip(from).position(|b| !is_word_byte(*b)).map_or(text.len(), |length| from + length);
            if let Some(last) = to.checked_sub(1).and_then(|last| text.get(last)) {
                self.spaced_ends[usize::from(*last)] = true;
            }
            self.spaced.push(Spaced { text: text.into(), word: (from, to) });
            return;
        };
        let marked = Marked { text: text.into(), before: mark };
        match (text.get(mark.wrapping_sub(1)), text.get(mark), text.get(mark + 1)) {
            (Some(&before), Some(&mark), _) => self.behind_words.add(pair(before, mark), marked),
            (None, Some(&mark), Some(&behind)) => self.at_marks.add(pair(mark, behind), marked),
            (None, Some(&mark), None) => self.marks[usize::from(mark)] = true,
            (_, None, _) => {}
        }
    }

    /// Whether a literal stands in a word of letters.
    pub(super) fn are_in(&self, letters: &[u8]) -> bool {
        self.of_letters.as_ref().is_some_and(|literals| literals.is_match(letters))
    }

    /// Whether a literal stands in a word of letters, digits and underscores.
    pub(super) fn are_in_mixed(&self, word: &[u8]) -> bool {
        (self.of_digits || !word.iter().all(u8::is_ascii_digit))
            && self.of_words.as_ref().is_some_and(|literals| literals.is_match(word))
    }

    /// Whether a literal of several words may begin where `word` ends.
    pub(super) fn may_go_on_behind(&self, word: &[u8]) -> bool {
        word.last().is_some_and(|last| self.spaced_ends[usize::from(*last)])
            && self.spaced.iter().any(|literal| literal.ends(word))
    }

    /// Adds the literals of several words whose first word ends the word at `start..end`.
    pub(super) fn behind_word(&self, text: &[u8], (start, end): (usize, usize), found: &mut Vec<(usize, usize)>) {
        let word = text.get(start..end).unwrap_or_default();
        for literal in self.spaced.iter().filter(|literal| literal.ends(word)) {
            let Some(from) = end.checked_sub(literal.word.1) else { continue };
            if text.get(from..).is_some_and(|rest| rest.starts_with(&literal.text)) {
                found.push((from, from + literal.text.len()));
            }
        }
    }

    /// Adds the literals of which the mark, or the character beyond ASCII, at `at` is the first.
    #[inline]
    pub(super) fn at_mark(&self, text: &[u8], at: usize, found: &mut Vec<(usize, usize)>) {
        let Some(&mark) = text.get(at) else { return };
        if self.marks[usize::from(mark)] {
            found.push((at, at + 1));
        }
        if let Some(&before) = at.checked_sub(1).and_then(|before| text.get(before)) {
            self.behind_words.find(pair(before, mark), text, at, found);
        }
        if let Some(&behind) = text.get(at + 1) {
            self.at_marks.find(pair(mark, behind), text, at, found);
        }
    }
}

impl Pairs {
    fn new() -> Self {
        Self { known: Box::new([0; 1024]), literals: Vec::new() }
    }

    fn add(&mut self, pair: u16, literal: Marked) {
        self.known[usize::from(pair) / 64] |= 1 << (pair % 64);
        self.literals.push((pair, literal));
    }

    #[inline]
    fn find(&self, pair: u16, text: &[u8], at: usize, found: &mut Vec<(usize, usize)>) {
        if self.known[usize::from(pair) / 64] >> (pair % 64) & 1 == 1 {
            self.compare(pair, text, at, found);
        }
    }

    #[inline(never)]
    fn compare(&self, pair: u16, text: &[u8], at: usize, found: &mut Vec<(usize, usize)>) {
        let first = self.literals.partition_point(|(known, _)| *known < pair);
        let alike = self.literals.iter().skip(first).take_while(|(known, _)| *known == pair);
        for (_, literal) in alike {
            let Some(from) = at.checked_sub(literal.before) else { continue };
            if text.get(from..).is_some_and(|rest| rest.starts_with(&literal.text)) {
                found.push((from, from + literal.text.len()));
            }
        }
    }
}

impl Spaced {
    /// Whether its first word ends `word`, and is all of it where a blank comes before.
    fn ends(&self, word: &[u8]) -> bool {
        let first = self.text.get(self.word.0..self.word.1).unwrap_or_default();
        if self.word.0 == 0 { word.ends_with(first) } else { word == first }
    }
}

fn pair(first: u8, second: u8) -> u16 {
    u16::from_le_bytes([first, second])
}

/// Whether something may begin with the byte, see [`super::starts`].
fn is_start(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte >= 0xC0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Literals;
    use crate::engine::starts::for_each_start;

    const ALL: [&str; 14] =
        [".", "sk-", "-us", "://", "ab", "a_b", "b1", "ab c", " b ", "né", "é", "B C D", ":$2a$", "c.a"];

    /// The literals that the pass over the starts of a text meets; words that hold some are told whole.
    fn met(literals: &Literals, text: &str) -> Vec<(usize, usize)> {
        let bytes = text.as_bytes();
        let mut found = Vec::new();
        for_each_start(bytes, |start| {
            if start.word == 0 {
                return literals.at_mark(bytes, start.at, &mut found);
            }
            let end = start.at + bytes[start.at..].iter().take_while(|b| super::is_word_byte(**b)).count();
            let word = &bytes[start.at..end];
            let letters = word.iter().all(u8::is_ascii_alphabetic);
            if if letters { literals.are_in(word) } else { literals.are_in_mixed(word) } {
                found.push((start.at, end));
            }
            if literals.may_go_on_behind(word) {
                literals.behind_word(bytes, (start.at, end), &mut found);
            }
        });
        found.sort_unstable();
        found
    }

    proptest! {
        #[test]
        fn every_literal_is_met(text in "[abcBCD1sku:/$2._é -]{0,24}") {
            let all: Vec<&[u8]> = ALL.iter().map(|literal| literal.as_bytes()).collect();
            let literals = Literals::all(&all);
            let found = met(&literals, &text);
            for literal in ALL {
                for (at, _) in text.match_indices(literal) {
                    let end = at + literal.len();
                    prop_assert!(found.iter().any(|range| range.0 <= at && end <= range.1), "{literal:?} in {text:?}");
                }
            }
            for (from, to) in found {
                prop_assert!(ALL.iter().any(|literal| text[from..to].contains(literal)), "{text:?}");
            }
        }
    }
}
