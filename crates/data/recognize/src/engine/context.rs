//! Context words: what stands around a candidate speaks for or against it.
//!
//! All phrases of all recognisers live in one lexicon. A window around a candidate is read once, word by word, and
//! yields the set of recognisers that any phrase in it speaks for. Words are whole words; in scripts without spaces
//! a phrase counts wherever it stands.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Which recognisers something speaks for: one bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Voters(Box<[u64]>);

impl Voters {
    pub(crate) fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)].into())
    }

    pub(crate) fn clear(&mut self) {
        self.0.fill(0);
    }

    pub(crate) fn has(&self, recognizer: usize) -> bool {
        self.0.get(recognizer / 64).is_some_and(|bits| bits >> (recognizer % 64) & 1 == 1)
    }

    pub(crate) fn is_silent(&self) -> bool {
        self.0.iter().all(|bits| *bits == 0)
    }

    fn add(&mut self, recognizer: usize) {
        if let Some(bits) = self.0.get_mut(recognizer / 64) {
            *bits |= 1 << (recognizer % 64);
        }
    }

    pub(crate) fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(to, from)| *to |= from);
    }
}

/// A phrase after its first word, and the recognisers it speaks for.
struct Phrase {
    /// Lower case; the whole phrase.
    text: Box<str>,
    voters: Voters,
}

/// Phrases by the hash of their first word (or first character, where words are not separated).
pub(crate) struct Lexicon {
    phrases: HashMap<u64, Vec<Phrase>, BuildHasherDefault<Through>>,
    /// A cheap first look: bit set when a phrase may begin with these two bytes (lower-cased).
    first: Box<[u64; 1024]>,
    count: usize,
}

impl Lexicon {
    /// From `(recognizer, phrases)` for `count` recognisers.
    pub(crate) fn new<'a>(count: usize, entries: impl Iterator<Item = (usize, &'a [String])>) -> Self {
        let mut lexicon = Self { phrases: HashMap::default(), first: Box::new([0; 1024]), count };
        for (recognizer, phrases) in entries {
            for phrase in phrases {
                lexicon.add(&phrase.to_lowercase(), recognizer);
            }
        }
        lexicon
    }

    fn add(&mut self, phrase: &str, recognizer: usize) {
        let Some(head) = heads(phrase).next() else { return };
        let text = phrase.get(head.start..).unwrap_or(phrase);
        let slot = pair(text.as_bytes(), 0);
        self.first[slot / 64] |= 1 << (slot % 64);
        let list = self.phrases.entry(head.hash).or_default();
        let at = list.iter().position(|known| &*known.text == text).unwrap_or_else(|| {
            list.push(Phrase { text: text.into(), voters: Voters::none(self.count) });
            list.len() - 1
        });
        list[at].voters.add(recognizer);
    }

    /// Adds to `voters` every recogniser that a phrase in `window` speaks for. `whole_text` decides word boundaries
    /// at the window's edges: `window` is `whole_text[from..to]`.
    pub(crate) fn hear(&self, whole_text: &str, from: usize, to: usize, voters: &mut Voters) {
        let (from, to) = (floor_boundary(whole_text, from), floor_boundary(whole_text, to));
        let Some(window) = whole_text.get(from..to) else { return };
        for head in heads(window) {
            let slot = pair_folded(window.as_bytes(), head.start);
            if self.first[slot / 64] >> (slot % 64) & 1 == 0 && window.as_bytes()[head.start] < 0x80 {
                continue;
            }
            // A word cut by the window's left edge is not whole.
            if head.start == 0 && cuts_word(whole_text, from) {
                continue;
            }
            let Some(phrases) = self.phrases.get(&head.hash) else { continue };
            for phrase in phrases {
                if says(whole_text, from + head.start, to, &phrase.text) {
                    voters.join(&phrase.voters);
                }
            }
        }
    }
}

/// Whether `text[at..]` says `phrase` (lower case), as whole words, ending at or before `limit`. A run of white
/// space in the text stands for one space in the phrase.
fn says(text: &str, at: usize, limit: usize, phrase: &str) -> bool {
    let Some(rest) = text.get(at..limit) else { return false };
    let mut said = rest.char_indices().peekable();
    let mut last = None;
    for wanted in phrase.chars() {
        let Some((_, c)) = said.next() else { return false };
        if wanted == ' ' {
            if !c.is_whitespace() {
                return false;
            }
            while said.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        } else if c != wanted && !c.to_lowercase().eq(std::iter::once(wanted)) {
            return false;
        }
        last = Some(c);
    }
    let next = match said.peek() {
        Some(&(_, c)) => Some(c),
        None => text.get(limit..).and_then(|after| after.chars().next()),
    };
    boundary(last, next)
}

/// A word, or a character of a script without spaces, at which a phrase may begin.
struct Head {
    start: usize,
    hash: u64,
}

/// The heads of a text, hashed without regard to ASCII and Latin case.
fn heads(text: &str) -> impl Iterator<Item = Head> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let bytes = text.as_bytes();
        while at < bytes.len() && !is_word_byte(bytes[at]) {
            at += 1;
        }
        let start = at;
        let first = text.get(start..)?.chars().next()?;
        if is_unspaced(first) {
            at += first.len_utf8();
            return Some(Head { start, hash: fold(SEED, u32::from(first)) });
        }
        let mut hash = SEED;
        for c in text.get(start..)?.chars() {
            if !is_word(c) || is_unspaced(c) {
                break;
            }
            hash = fold(hash, lower(c));
            at += c.len_utf8();
        }
        // A lone symbol beyond ASCII is no word: step over it.
        at = at.max(start + first.len_utf8());
        Some(Head { start, hash })
    })
}

const SEED: u64 = 0xCBF2_9CE4_8422_2325;

fn fold(hash: u64, c: u32) -> u64 {
    (hash ^ u64::from(c)).wrapping_mul(0x0100_0000_01B3).rotate_left(7)
}

#[inline]
fn lower(c: char) -> u32 {
    if c.is_ascii() { u32::from(c.to_ascii_lowercase()) } else { c.to_lowercase().next().map_or(0, u32::from) }
}

#[inline]
fn is_word_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b >= 0xC0
}

fn pair(bytes: &[u8], at: usize) -> usize {
    usize::from(*bytes.get(at).unwrap_or(&0)) << 8 | usize::from(*bytes.get(at + 1).unwrap_or(&0))
}

fn pair_folded(bytes: &[u8], at: usize) -> usize {
    let get = |i: usize| usize::from(bytes.get(i).unwrap_or(&0).to_ascii_lowercase());
    get(at) << 8 | get(at + 1)
}

fn cuts_word(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|s| s.chars().next_back());
    let here = text.get(at..).and_then(|s| s.chars().next());
    !boundary(before, here)
}

/// Letters, digits and underscore in any script.
pub(crate) fn is_word(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { c.is_alphanumeric() }
}

/// Scripts written without spaces between words: kana, han, hangul and full-width forms.
pub(crate) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{FF00}'..='\u{FFEF}')
}

/// Whether a token may begin or end between these two characters.
pub(crate) fn boundary(left: Option<char>, right: Option<char>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => !is_word(left) || !is_word(right) || is_unspaced(left) || is_unspaced(right),
        _ => true,
    }
}

/// If `text` begins with `lower` (which is lower case) without regard to case: how many bytes of it that takes.
pub(crate) fn lower_eq(text: &str, lower: &str) -> Option<usize> {
    let mut said = text.chars();
    let mut taken = 0;
    for wanted in lower.chars() {
        let c = said.next()?;
        let equal = c == wanted || c.to_ascii_lowercase() == wanted || c.to_lowercase().eq(std::iter::once(wanted));
        if !equal {
            return None;
        }
        taken += c.len_utf8();
    }
    Some(taken)
}

/// The nearest character boundary at or before `at`.
pub(crate) fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Keys are hashes already.
#[derive(Default)]
struct Through(u64);

impl Hasher for Through {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = fold(self.0, u32::from(b));
        }
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    use super::{Lexicon, Voters};

    fn heard(text: &str, from: usize, to: usize) -> Vec<usize> {
        let phrases: [&[&str]; 5] = [&["mrn", "medical record"], &["dob"], &["患者番号"], &["numéro de sécu"], &["id"]];
        let owned: Vec<Vec<String>> = phrases.iter().map(|p| p.iter().map(|&s| s.to_owned()).collect()).collect();
        let lexicon = Lexicon::new(5, owned.iter().enumerate().map(|(i, p)| (i, p.as_slice())));
        let mut voters = Voters::none(5);
        lexicon.hear(text, from, to, &mut voters);
        (0..5).filter(|&i| voters.has(i)).collect()
    }

    #[test]
    fn whole_words_and_phrases_in_any_case() {
        assert_eq!(heard("The Medical  Record no", 0, 22), [0]);
        assert_eq!(heard("dobby identifies mrns", 0, 21), [] as [usize; 0]);
        assert_eq!(heard("DOB: MRN", 0, 8), [0, 1]);
        assert_eq!(heard("NUMÉRO de Sécu 1", 0, 18), [3]);
    }

    #[test]
    fn unspaced_scripts_match_anywhere() {
        let text = "この患者番号は12345です";
        assert_eq!(heard(text, 0, text.len()), [2]);
    }

    #[test]
    fn words_cut_by_the_window_do_not_count() {
        assert_eq!(heard("void 12", 2, 7), [] as [usize; 0]);
        assert_eq!(heard("id", 0, 1), [] as [usize; 0]);
        assert_eq!(heard("my idea", 0, 5), [] as [usize; 0]);
    }
}
