//! Context words: what stands around a candidate speaks for or against it.
//!
//! All phrases of all recognisers live in one lexicon. A text is listened to once, while it is searched, and the phrases
//! found are kept with their places; a window yields the set of recognisers that a phrase in it speaks for. Words are
//! whole words; in scripts without spaces a phrase counts wherever it stands.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::content::{CONTEXT_AFTER_BYTES, CONTEXT_BEFORE_BYTES, NEGATIVE_BEFORE_BYTES};

/// Which recognisers something speaks for: one bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Voters(Box<[u64]>);

impl Voters {
    pub(crate) fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)].into())
    }

    pub(crate) fn of(count: usize, members: &[u16]) -> Self {
        let mut voters = Self::none(count);
        for &member in members {
            if let Some(bits) = voters.0.get_mut(usize::from(member) / 64) {
                *bits |= 1 << (member % 64);
            }
        }
        voters
    }

    pub(crate) fn meets(&self, others: &Self) -> bool {
        self.0.iter().zip(&others.0).any(|(some, others)| some & others != 0)
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

    #[inline]
    fn add(&mut self, few: &Few) {
        self.put(few.first);
        for &more in &few.others {
            self.put(more);
        }
    }

    #[inline]
    fn put(&mut self, (word, more): (u32, u64)) {
        if let Some(bits) = self.0.get_mut(word as usize) {
            *bits |= more;
        }
    }

    pub(crate) fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(to, from)| *to |= from);
    }
}

/// Some recognisers: 64 neighbours to a word, only the words in which there are any. Most are in one.
#[derive(Debug, Default)]
struct Few {
    first: (u32, u64),
    others: Vec<(u32, u64)>,
}

impl Few {
    fn add(&mut self, recognizer: usize) {
        #[expect(clippy::cast_possible_truncation, reason = "the compiler refuses more than 65,535 recognisers")]
        let (word, bit) = ((recognizer / 64) as u32, 1 << (recognizer % 64));
        if self.first.1 == 0 {
            self.first.0 = word;
        }
        if self.first.0 == word {
            self.first.1 |= bit;
            return;
        }
        match self.others.iter_mut().find(|(known, _)| *known == word) {
            Some((_, bits)) => *bits |= bit,
            None => self.others.push((word, bit)),
        }
    }

    #[inline]
    fn has(&self, recognizer: usize) -> bool {
        let has = |&(word, bits): &(u32, u64)| word as usize == recognizer / 64 && bits >> (recognizer % 64) & 1 == 1;
        has(&self.first) || self.others.iter().any(has)
    }
}

/// What a phrase says of a recogniser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// It speaks for it.
    For = 0,
    /// It speaks against it.
    Against = 1,
}

/// Phrases by their first word (or first character, where words are not separated).
pub(crate) struct Lexicon {
    /// Each whole, in lower case.
    phrases: Vec<Box<str>>,
    /// By [`Voice`], the recognisers that each phrase speaks for and against. Apart from the phrases: many are asked for
    /// at each candidate.
    votes: [Vec<Few>; 2],
    heads: Vec<HeadPhrases>,
    /// Places in `heads` by the hash of the first word.
    by_head: HashMap<u64, u32, BuildHasherDefault<Through>>,
    /// A cheap first look: bit set when a phrase may begin with a word of this hash.
    filter: Box<[u64; 1024]>,
    /// The bytes that phrases begin with, in either case.
    first: [bool; 256],
}

/// The phrases that begin with words of one hash.
#[derive(Default)]
struct HeadPhrases {
    /// Those of one word.
    single: Vec<u32>,
    /// Others, with what follows the first word there.
    longer: Vec<(Then, u32)>,
}

/// The phrases that were heard in a text, in its order. A text is listened to once, while it is searched.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    said: Vec<Said>,
    /// Heads that begin before this are known.
    to: usize,
    /// Where the window of the last question began in `said`, and at which byte of the text.
    window: (usize, usize),
    /// Where what was told last by [`Lexicon::around`] begins in `said`, and how much it is.
    told: Option<(usize, usize)>,
}

/// A phrase at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    start: usize,
    end: usize,
    phrase: u32,
}

/// The phrases that begin with a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeadOf {
    /// The one that is this word.
    single: Option<u32>,
    /// The place in [`Lexicon::heads`] of those that go on.
    longer: Option<u32>,
}

/// A candidate: where its match begins, and its value's range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asks {
    pub at: usize,
    pub start: usize,
    pub end: usize,
}

impl Heard {
    /// Another text begins.
    pub(crate) fn forget(&mut self) {
        *self = Self { said: std::mem::take(&mut self.said), to: 0, window: (0, 0), told: None };
        self.said.clear();
    }

    /// What was said near a candidate, from the first byte that may count.
    fn near(&mut self, from: usize) -> &[Said] {
        let (mut first, before) = self.window;
        if from < before {
            first = self.said.partition_point(|said| said.start < from);
        } else {
            while self.said.get(first).is_some_and(|said| said.start < from) {
                first += 1;
            }
        }
        self.window = (first, from);
        self.said.get(first..).unwrap_or_default()
    }
}

impl Lexicon {
    /// Without a phrase.
    pub(crate) fn new() -> Self {
        Self {
            phrases: Vec::new(),
            votes: Default::default(),
            heads: Vec::new(),
            by_head: HashMap::default(),
            filter: Box::new([0; 1024]),
            first: [false; 256],
        }
    }

    /// Takes `phrases` that speak for or against `recognizer`.
    pub(crate) fn add(&mut self, recognizer: usize, voice: Voice, phrases: &[String]) {
        for phrase in phrases {
            self.add_phrase(&phrase.to_lowercase(), recognizer, voice);
        }
    }

    fn add_phrase(&mut self, phrase: &str, recognizer: usize, voice: Voice) {
        let Some(head) = head_from(phrase, 0) else { return };
        let text = phrase.get(head.start..).unwrap_or(phrase);
        for slot in filter_slots(head.hash) {
            self.filter[slot / 64] |= 1 << (slot % 64);
        }
        if let Some(&first) = text.as_bytes().first() {
            self.first[usize::from(first)] = true;
            self.first[usize::from(first.to_ascii_uppercase())] = true;
            // Case is folded beyond ASCII too, where a letter's cases may begin with different bytes.
            self.first[0x80..].fill(true);
        }
        #[expect(clippy::cast_possible_truncation, reason = "some thousands of phrases")]
        let place = *self.by_head.entry(head.hash).or_insert(self.heads.len() as u32) as usize;
        if place == self.heads.len() {
            self.heads.push(HeadPhrases::default());
        }
        let Some(known) = self.heads.get_mut(place) else { return };
        let same = |at: u32| self.phrases.get(at as usize).is_some_and(|phrase| **phrase == *text);
        let at = known.single.iter().copied().chain(known.longer.iter().map(|(_, at)| *at)).find(|&at| same(at));
        let at = at.unwrap_or_else(|| {
            #[expect(clippy::cast_possible_truncation, reason = "some thousands of phrases")]
            let at = self.phrases.len() as u32;
            if head.end - head.start == text.len() {
                known.single.push(at);
            } else {
                known.longer.push((Then::after(text, head.end - head.start), at));
            }
            self.phrases.push(text.into());
            self.votes.iter_mut().for_each(|votes| votes.push(Few::default()));
            at
        });
        if let Some(votes) = self.votes[voice as usize].get_mut(at as usize) {
            votes.add(recognizer);
        }
    }

    /// Adds to `voters` every recogniser that a phrase within `text[from..to]` speaks for, or against. A phrase counts
    /// where it stands as whole words of the whole text.
    pub(crate) fn hear(&self, text: &str, (from, to): (usize, usize), voice: Voice, voters: &mut Voters) {
        let (from, to) = (floor_boundary(text, from), floor_boundary(text, to));
        let mut at = from;
        if cuts_word(text, from) {
            let cut = text.get(from..).unwrap_or_default().chars();
            at += cut.take_while(|&c| is_word(c) && !is_unspaced(c)).map(char::len_utf8).sum::<usize>();
        }
        let mut said = Vec::new();
        while let Some(head) = head_from(text, at).filter(|head| head.start < to) {
            at = head.end;
            self.speak(text, &head, &mut said);
        }
        for said in said.iter().filter(|said| said.end <= to) {
            self.vote(said.phrase, voice, voters);
        }
    }

    /// The phrases that begin with a word of ASCII letters, digits and underscores; none when no phrase does.
    pub(crate) fn head(&self, word: &[u8]) -> Option<HeadOf> {
        let place = *self.by_head.get(&ascii_hash(word, word.len()))?;
        let known = self.heads.get(place as usize)?;
        let is_word = |at: &&u32| {
            let phrase = self.phrases.get(**at as usize);
            phrase.is_some_and(|phrase| phrase.as_bytes().eq_ignore_ascii_case(word))
        };
        let single = known.single.iter().find(is_word).copied();
        let longer = (!known.longer.is_empty()).then_some(place);
        (single.is_some() || longer.is_some()).then_some(HeadOf { single, longer })
    }

    /// Listens at a word, of which `head` tells what may begin there, unless a word that was heard goes on there. The word
    /// is whole.
    #[inline]
    pub(crate) fn listen_word(&self, text: &str, (start, end): (usize, usize), head: HeadOf, heard: &mut Heard) {
        if start < heard.to {
            return;
        }
        heard.to = end;
        heard.said.extend(head.single.map(|phrase| Said { start, end, phrase }));
        if let Some(known) = head.longer.and_then(|place| self.heads.get(place as usize)) {
            self.speak_longer(text, (start, end), known, &mut heard.said);
        }
    }

    /// Listens at any start.
    #[inline]
    pub(crate) fn listen(&self, text: &str, at: usize, heard: &mut Heard) {
        if at < heard.to || !text.as_bytes().get(at).is_some_and(|&b| self.first[usize::from(b)]) {
            return;
        }
        let Some(head) = head_from(text, at).filter(|head| head.start == at) else { return };
        heard.to = head.end;
        if filter_slots(head.hash).iter().all(|slot| self.filter[slot / 64] >> (slot % 64) & 1 == 1) {
            self.speak(text, &head, &mut heard.said);
        }
    }

    /// What was said for and against a candidate.
    pub(crate) fn judge(&self, asks: Asks, heard: &mut Heard, (voters, against): (&mut Voters, &mut Voters)) {
        let Asks { at, start, end } = asks;
        let (before, negative, after) = windows(asks);
        for said in heard.near(before.min(negative)).iter().take_while(|said| said.start <= after) {
            if (said.start >= before && said.end <= start) || (said.start >= end && said.end <= after) {
                self.vote(said.phrase, Voice::For, voters);
            }
            if said.start >= negative && said.end <= at {
                self.vote(said.phrase, Voice::Against, against);
            }
        }
    }

    /// Everything that is said for a candidate that begins at `at` and takes up to `most` bytes. False when it is the same
    /// as was told last, and `voters` are left as they are: candidates stand close together.
    pub(crate) fn around(&self, at: usize, most: usize, heard: &mut Heard, voters: &mut Voters) -> bool {
        let (before, _, after) = windows(Asks { at, start: at, end: at + most });
        let said = heard.near(before);
        let count = said.iter().take_while(|said| said.start <= after).count();
        let told = (heard.window.0, count);
        if heard.told.replace(told) == Some(told) {
            return false;
        }
        voters.clear();
        for said in heard.said.iter().skip(told.0).take(count) {
            self.vote(said.phrase, Voice::For, voters);
        }
        true
    }

    /// Whether something may be said for a recogniser whose value lies anywhere in a match.
    pub(crate) fn may_speak_for(&self, recognizer: usize, (at, end): (usize, usize), heard: &mut Heard) -> bool {
        let (before, _, after) = windows(Asks { at, start: at, end });
        heard.near(before).iter().take_while(|said| said.start <= after).any(|said| {
            self.votes[Voice::For as usize].get(said.phrase as usize).is_some_and(|votes| votes.has(recognizer))
        })
    }

    #[inline]
    fn vote(&self, phrase: u32, voice: Voice, voters: &mut Voters) {
        if let Some(votes) = self.votes[voice as usize].get(phrase as usize) {
            voters.add(votes);
        }
    }

    fn speak(&self, text: &str, head: &Head, said: &mut Vec<Said>) {
        let Some(known) = self.by_head.get(&head.hash).and_then(|place| self.heads.get(*place as usize)) else {
            return;
        };
        let (start, end) = (head.start, head.end);
        let is_head = |at: u32| self.phrases.get(at as usize).and_then(|phrase| says(text, start, phrase));
        said.extend(known.single.iter().filter_map(|&phrase| is_head(phrase).map(|end| Said { start, end, phrase })));
        self.speak_longer(text, (start, end), known, said);
    }

    #[inline(never)]
    fn speak_longer(&self, text: &str, (start, end): (usize, usize), known: &HeadPhrases, said: &mut Vec<Said>) {
        if known.longer.is_empty() {
            return;
        }
        let then = Then::after(text, end);
        for &(_, phrase) in known.longer.iter().filter(|(goes_on, _)| goes_on.may_be(then)) {
            let Some(whole) = self.phrases.get(phrase as usize) else { continue };
            if let Some(end) = says(text, start, whole) {
                said.push(Said { start, end, phrase });
            }
        }
    }
}

/// Where a candidate's context begins, where what speaks against it does, and where its context ends.
#[inline]
fn windows(asks: Asks) -> (usize, usize, usize) {
    let before = asks.start.saturating_sub(CONTEXT_BEFORE_BYTES);
    (before, asks.at.saturating_sub(NEGATIVE_BEFORE_BYTES), asks.end + CONTEXT_AFTER_BYTES)
}

#[inline]
fn filter_slots(hash: u64) -> [usize; 2] {
    [(hash >> 48) as usize, (hash >> 32) as usize & 0xFFFF]
}

/// What follows a phrase's first word, as far as a byte tells: most phrases that begin with a common word differ there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Nothing, or something beyond ASCII.
    Anything,
    /// White space, and a next word that begins with this byte, or with one beyond ASCII.
    Word(Option<u8>),
    /// This mark.
    Mark(u8),
}

impl Then {
    fn after(text: &str, end: usize) -> Self {
        let rest = text.as_bytes().get(end..).unwrap_or_default();
        match rest.first() {
            Some(byte) if byte.is_ascii_whitespace() => {
                let next = rest.iter().find(|byte| !byte.is_ascii_whitespace());
                Self::Word(next.filter(|byte| byte.is_ascii()).map(u8::to_ascii_lowercase))
            }
            Some(byte) if byte.is_ascii() => Self::Mark(byte.to_ascii_lowercase()),
            _ => Self::Anything,
        }
    }

    /// Whether a phrase that goes on like this may stand where the text goes on like that.
    fn may_be(self, text: Self) -> bool {
        match (self, text) {
            (Self::Anything, _) | (_, Self::Anything) | (Self::Word(None), Self::Word(_)) => true,
            (Self::Word(Some(_)), Self::Word(None)) => true,
            (phrase, text) => phrase == text,
        }
    }
}

/// Where `phrase` (lower case) ends if `text[at..]` says it, as whole words. A run of white space in the text stands for
/// one space in the phrase.
fn says(text: &str, at: usize, phrase: &str) -> Option<usize> {
    let mut said = text.get(at..)?.char_indices().peekable();
    let mut last = None;
    for wanted in phrase.chars() {
        let (_, c) = said.next()?;
        if wanted == ' ' {
            if !c.is_whitespace() {
                return None;
            }
            while said.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        } else if c != wanted && !c.to_lowercase().eq(std::iter::once(wanted)) {
            return None;
        }
        last = Some(c);
    }
    let (end, next) = said.peek().map_or((text.len(), None), |&(i, c)| (at + i, Some(c)));
    boundary(last, next).then_some(end)
}

/// A word, or a character of a script without spaces, at which a phrase may begin.
struct Head {
    start: usize,
    end: usize,
    hash: u64,
}

/// The first head at or after `at`, hashed without regard to case. `at` is not inside a word.
#[inline]
fn head_from(text: &str, at: usize) -> Option<Head> {
    let bytes = text.as_bytes();
    let rest = bytes.get(at..)?;
    let start = at + rest.iter().position(|&b| is_head_byte(b))?;
    let word = bytes.get(start..)?;
    let length = word.iter().position(|&b| !is_ascii_word_byte(b)).unwrap_or(word.len());
    if word.get(length).is_none_or(u8::is_ascii) {
        return Some(Head { start, end: start + length, hash: ascii_hash(word, length) });
    }
    head_beyond_ascii(text, start)
}

/// Of a word of ASCII letters, digits and underscores: its first eight bytes, case folded, and its length.
#[inline]
fn ascii_hash(word: &[u8], length: usize) -> u64 {
    let first = match word.first_chunk::<8>() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => word.iter().rev().fold(0, |all, &b| all << 8 | u64::from(b)),
    };
    let mask = if length >= 8 { u64::MAX } else { (1 << (8 * length)) - 1 };
    let folded = (first | 0x2020_2020_2020_2020) & mask;
    mixed(folded ^ (length as u64) << 59)
}

#[inline]
fn mixed(value: u64) -> u64 {
    let product = value.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (product ^ product >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

fn head_beyond_ascii(text: &str, start: usize) -> Option<Head> {
    let first = text.get(start..)?.chars().next()?;
    if is_unspaced(first) {
        return Some(Head { start, end: start + first.len_utf8(), hash: mixed(fold(SEED, u32::from(first))) });
    }
    let (mut hash, mut end) = (SEED, start);
    for c in text.get(start..)?.chars() {
        if !is_word(c) || is_unspaced(c) {
            break;
        }
        hash = fold(hash, lower(c));
        end += c.len_utf8();
    }
    if text.get(start..end).is_some_and(str::is_ascii) && end > start {
        return Some(Head { start, end, hash: ascii_hash(text.as_bytes().get(start..)?, end - start) });
    }
    // A lone symbol beyond ASCII is no word: step over it.
    Some(Head { start, end: end.max(start + first.len_utf8()), hash: mixed(hash) })
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
fn is_ascii_word_byte(b: u8) -> bool {
    CLASSES[b as usize] & WORD != 0
}

#[inline]
fn is_head_byte(b: u8) -> bool {
    CLASSES[b as usize] != 0
}

/// ASCII letters, digits and underscore.
const WORD: u8 = 1;
/// What begins a character beyond ASCII.
const LEAD: u8 = 2;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let b = byte as u8;
        classes[byte] = if b.is_ascii_alphanumeric() || b == b'_' {
            WORD
        } else if b >= 0xC0 {
            LEAD
        } else {
            0
        };
        byte += 1;
    }
    classes
};

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
pub(crate) struct Through(u64);

impl Hasher for Through {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = fold(self.0, u32::from(b));
        }
    }
    fn write_u32(&mut self, key: u32) {
        self.0 = mixed(u64::from(key));
    }
    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    use super::{Lexicon, Voice, Voters};

    fn heard(text: &str, from: usize, to: usize) -> Vec<usize> {
        let phrases: [&[&str]; 5] = [&["mrn", "medical record"], &["dob"], &["患者番号"], &["numéro de sécu"], &["id"]];
        let mut lexicon = Lexicon::new();
        for (i, phrases) in phrases.iter().enumerate() {
            let owned: Vec<String> = phrases.iter().map(|&phrase| phrase.to_owned()).collect();
            lexicon.add(i, Voice::For, &owned);
        }
        let mut voters = Voters::none(5);
        lexicon.hear(text, (from, to), Voice::For, &mut voters);
        let once: Vec<usize> = (0..5).filter(|&i| voters.has(i)).collect();
        once
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
