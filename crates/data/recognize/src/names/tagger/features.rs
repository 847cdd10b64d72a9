//! What the tagger sees of a candidate: the rules' opinion, what the lists say of its words and of three words on
//! either side, how they are written and what stands between. No feature depends on where in the text it stands.

use super::super::flags::WordFlags;
use super::super::gazetteer::{Gazetteer, WordHash};
use super::super::japanese::is_japanese;
use super::super::{NameHit, Why};

/// Bits of a feature's number.
pub const FEATURE_BITS: u32 = 17;
/// How far a window reaches to either side of a candidate, in bytes.
pub const WINDOW_BYTES: usize = 32;
/// Words looked at on either side.
const CONTEXT_WORDS: usize = 3;
/// Words of a candidate that are looked at.
const NAME_WORDS: usize = 6;
/// Characters looked at on either side of a Japanese candidate.
const CONTEXT_CHARS: usize = 3;

/// What a feature rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Forms, lists, punctuation: the same in every text.
    Form,
    /// Words and letters, which a small training text holds only some of.
    Lexical,
}

/// Where the features of one kind of evidence lie; the numbers keep them apart in the hash.
#[derive(Debug, Clone, Copy)]
enum Slot {
    Bias = 1,
    Confidence,
    Why,
    Shape,
    Classes,
    Pair,
    Flag,
    Unlisted,
    Length,
    Affix,
    Around,
    AroundFlag,
    AroundWord,
    Bag,
    Between,
    Edge,
    Neighbours,
    Char,
    Script,
}

/// The bytes of the text that decide about the candidate.
#[must_use]
pub fn window(text: &str, candidate: &NameHit) -> (usize, usize) {
    let mut from = candidate.start.saturating_sub(WINDOW_BYTES);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let mut to = candidate.end.saturating_add(WINDOW_BYTES).min(text.len());
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    (from, to)
}

/// Calls `emit` with the number of each feature of the candidate, below two to the power of [`FEATURE_BITS`].
pub fn each(gazetteer: &Gazetteer, text: &str, candidate: &NameHit, emit: &mut impl FnMut(Kind, usize)) {
    let (from, to) = window(text, candidate);
    let name = text.get(candidate.start..candidate.end).unwrap_or_default();
    let before = text.get(from..candidate.start).unwrap_or_default();
    let after = text.get(candidate.end..to).unwrap_or_default();
    let mut sink = Sink { emit };
    let japanese = name.chars().next().is_some_and(is_japanese);
    sink.form(Slot::Bias, u64::from(japanese));
    opinion(candidate, japanese, &mut sink);
    if japanese {
        japanese_features(gazetteer, name, before, after, &mut sink);
    } else {
        latin_features(gazetteer, name, before, after, candidate, &mut sink);
    }
}

struct Sink<'a, F> {
    emit: &'a mut F,
}

impl<F: FnMut(Kind, usize)> Sink<'_, F> {
    #[inline]
    fn form(&mut self, slot: Slot, value: u64) {
        (self.emit)(Kind::Form, number(slot, value));
    }

    #[inline]
    fn lexical(&mut self, slot: Slot, value: u64) {
        (self.emit)(Kind::Lexical, number(slot, value));
    }
}

/// A feature's number: the finaliser of SplitMix64 over both, upper bits.
#[inline]
fn number(slot: Slot, value: u64) -> usize {
    let mixed = (value ^ (slot as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from(mixed >> (64 - FEATURE_BITS)).unwrap_or(0)
}

/// What the rules thought.
fn opinion(candidate: &NameHit, japanese: bool, sink: &mut Sink<'_, impl FnMut(Kind, usize)>) {
    let why = match candidate.why {
        Why::Title => 1,
        Why::Label => 2,
        Why::Greeting => 3,
        Why::Context => 4,
        Why::FamilyFirst => 5,
        Why::FullName => 6,
        Why::SingleName => 7,
        Why::SeenElsewhere => 8,
        Why::Model => 9,
    };
    let why = why * 2 + u64::from(japanese);
    let confidence = u64::from(candidate.confidence);
    sink.form(Slot::Why, why);
    sink.form(Slot::Confidence, confidence / 5);
    sink.form(Slot::Confidence, (confidence / 10) << 8 | why << 16);
}

/// One word with what the lists say of it.
#[derive(Clone, Copy, Default)]
struct Word<'t> {
    text: &'t str,
    hash: u64,
    flags: WordFlags,
    shape: u8,
}

impl<'t> Word<'t> {
    fn of(gazetteer: &Gazetteer, text: &'t str) -> Self {
        let hash = WordHash::of(text);
        Self { text, hash: hash.number(), flags: gazetteer.by_hash(hash), shape: shape(text) }
    }

    /// Classes as given name, family name and ordinary word.
    fn classes(&self) -> u64 {
        u64::from(self.flags.0 & 0x3F)
    }

    /// The other flags.
    fn kinds(&self) -> u64 {
        u64::from(self.flags.0 >> 6 & 0x3_FFFF)
    }

    fn is_listed_name(&self) -> bool {
        self.flags.given() > 0 || self.flags.surname() > 0
    }
}

/// 0 nothing, 1 lower case, 2 one capital letter, 3 `Smith`, 4 `SMITH`, 5 digits, 6 anything else.
fn shape(word: &str) -> u8 {
    let mut chars = word.chars();
    let Some(first) = chars.next() else { return 0 };
    if first.is_numeric() {
        return 5;
    }
    if !first.is_alphabetic() {
        return 6;
    }
    if !first.is_uppercase() {
        return 1;
    }
    let (mut more, mut capitals) = (false, true);
    for c in chars.filter(|c| c.is_alphabetic()) {
        more = true;
        capitals &= c.is_uppercase();
    }
    match (more, capitals) {
        (false, _) => 2,
        (true, true) => 4,
        (true, false) => 3,
    }
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '\'' || c == '\u{2019}'
}

fn latin_features(
    gazetteer: &Gazetteer,
    name: &str,
    before: &str,
    after: &str,
    candidate: &NameHit,
    sink: &mut Sink<'_, impl FnMut(Kind, usize)>,
) {
    let mut words = [Word::default(); NAME_WORDS];
    let mut count = 0;
    let parts = name.split(|c: char| !is_word_char(c)).filter(|part| !part.is_empty());
    for (place, part) in words.iter_mut().zip(parts) {
        *place = Word::of(gazetteer, part);
        count += 1;
    }
    let words = words.get(..count).unwrap_or_default();
    own_words(words, name, sink);
    let single = u64::from(count == 1);
    let left = side(gazetteer, before.split(|c: char| !is_word_char(c)).rev());
    let right = side(gazetteer, after.split(|c: char| !is_word_char(c)));
    for (at, word) in (0..).zip(left.iter()) {
        around(word, at, single, sink);
    }
    for (at, word) in (8..).zip(right.iter()) {
        around(word, at, single, sink);
    }
    neighbours(words, &left, &right, single, sink);
    let gap_before = edge(before.chars().rev());
    let gap_after = edge(after.chars());
    let [near_left, ..] = left;
    let [near_right, ..] = right;
    sink.form(Slot::Edge, gap_before << 1);
    sink.form(Slot::Edge, gap_after << 1 | 1);
    sink.form(Slot::Between, gap_before << 32 | gap_after << 2 | single);
    sink.form(Slot::Between, gap_before << 16 | u64::from(near_left.shape) << 2 | single << 1 | 1 << 56);
    sink.form(Slot::Between, gap_after << 16 | u64::from(near_right.shape) << 2 | single << 1 | 1 << 57);
    sink.form(Slot::Between, (u64::from(candidate.confidence) / 10) << 40 | gap_before << 2 | single | 1 << 58);
}

/// The nearest words of one side; missing ones are empty.
fn side<'t>(gazetteer: &Gazetteer, parts: impl Iterator<Item = &'t str>) -> [Word<'t>; CONTEXT_WORDS] {
    let mut words = [Word::default(); CONTEXT_WORDS];
    for (place, part) in words.iter_mut().zip(parts.filter(|part| !part.is_empty())) {
        *place = Word::of(gazetteer, part);
    }
    words
}

/// The candidate's own words.
fn own_words(words: &[Word<'_>], name: &str, sink: &mut Sink<'_, impl FnMut(Kind, usize)>) {
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
    let shapes = words.iter().fold(1, |shapes, word| shapes << 3 | u64::from(word.shape));
    let comma = u64::from(name.contains(','));
    let hyphen = u64::from(name.contains('-'));
    sink.form(Slot::Shape, shapes << 2 | comma << 1 | hyphen);
    let unlisted = words.iter().filter(|word| word.flags == WordFlags::NONE).count() as u64;
    let count = words.len() as u64;
    sink.form(Slot::Unlisted, unlisted << 4 | count);
    sink.form(Slot::Classes, first.classes() << 2);
    sink.form(Slot::Classes, last.classes() << 2 | 1);
    sink.form(Slot::Classes, u64::from(words.len() == 1) << 32 | first.classes() << 2 | 2);
    let names = |word: &Word<'_>| u64::from(word.flags.0 & 0xF);
    sink.form(Slot::Pair, names(first) << 8 | names(last) << 1 | u64::from(count == 1) << 32);
    sink.form(Slot::Pair, first.classes() << 16 | last.classes() << 2 | u64::from(count == 1) << 33 | 1);
    for (at, word) in (0_u64..).zip(words) {
        let place = if at == 0 { 0 } else { 1 + u64::from(at + 1 == count) };
        each_bit(word.kinds(), |bit| sink.form(Slot::Flag, place << 8 | bit));
        if !word.is_listed_name() {
            affixes(word.text, place, sink);
            sink.form(Slot::Length, (word.text.chars().count() as u64).min(14) << 2 | place);
        }
        if word.flags != WordFlags::NONE {
            sink.lexical(Slot::Bag, word.hash ^ 0x55);
        }
    }
}

/// Beginning, end and inner letters of a word that no list of names holds.
fn affixes(word: &str, place: u64, sink: &mut Sink<'_, impl FnMut(Kind, usize)>) {
    let mut letters = ['\0'; 24];
    let mut count = 0;
    for (slot, c) in letters.iter_mut().zip(word.chars().flat_map(char::to_lowercase)) {
        *slot = c;
        count += 1;
    }
    let letters = letters.get(..count).unwrap_or_default();
    let code = |part: &[char]| {
        part.iter().fold(0_u64, |code, c| code.wrapping_mul(0x0100_0000_01b3) ^ u64::from(u32::from(*c)))
    };
    for length in 2..=4 {
        if let (Some(head), Some(tail)) =
            (letters.get(..length), count.checked_sub(length).and_then(|from| letters.get(from..)))
        {
            sink.lexical(Slot::Affix, code(head) << 8 | place << 2 | 1);
            sink.lexical(Slot::Affix, code(tail) << 8 | place << 2 | 2);
        }
    }
    for three in letters.windows(3) {
        sink.lexical(Slot::Affix, code(three) << 8 | 3);
    }
    sink.form(Slot::Affix, u64::from(!word.is_ascii()) << 60);
}

/// A word beside the candidate. `at` tells the side and the distance.
fn around(word: &Word<'_>, at: u64, single: u64, sink: &mut Sink<'_, impl FnMut(Kind, usize)>) {
    sink.form(Slot::Around, at << 32 | u64::from(word.shape) << 2 | single);
    if word.text.is_empty() {
        return;
    }
    sink.form(Slot::Around, at << 32 | word.classes() << 8 | 1 << 48);
    each_bit(word.kinds(), |bit| sink.form(Slot::AroundFlag, at << 16 | bit << 2 | single));
    sink.lexical(Slot::Bag, word.hash.wrapping_mul(2) ^ (at >> 3));
    if at & 7 < 2 {
        sink.lexical(Slot::AroundWord, word.hash.wrapping_mul(31) ^ at);
    }
}

/// The candidate's outer words together with their neighbours.
fn neighbours(
    words: &[Word<'_>],
    left: &[Word<'_>; CONTEXT_WORDS],
    right: &[Word<'_>; CONTEXT_WORDS],
    single: u64,
    sink: &mut Sink<'_, impl FnMut(Kind, usize)>,
) {
    let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
    let ([near_left, far_left, _], [near_right, far_right, _]) = (left, right);
    sink.form(Slot::Neighbours, near_left.kinds() << 8 | first.classes() << 40 | 1);
    sink.form(Slot::Neighbours, near_right.kinds() << 8 | last.classes() << 40 | 2);
    sink.form(Slot::Neighbours, u64::from(near_left.shape) << 8 | u64::from(near_right.shape) << 4 | single << 16 | 3);
    sink.form(Slot::Neighbours, first.kinds() << 8 | u64::from(near_right.shape) << 40 | 4);
    sink.lexical(Slot::Neighbours, near_left.hash.wrapping_mul(31).wrapping_add(far_left.hash) << 4 | 5);
    sink.lexical(Slot::Neighbours, near_right.hash.wrapping_mul(31).wrapping_add(far_right.hash) << 4 | 6);
}

fn each_bit(mut bits: u64, mut call: impl FnMut(u64)) {
    while bits != 0 {
        call(u64::from(bits.trailing_zeros()));
        bits &= bits - 1;
    }
}

/// What stands between a candidate and its neighbour: up to three characters, digits and letters as classes.
fn edge(chars: impl Iterator<Item = char>) -> u64 {
    let mut code = 1_u64;
    for c in chars.take(3) {
        let class = if c.is_ascii_digit() {
            u64::from(b'0')
        } else if c.is_alphabetic() {
            u64::from(b'a')
        } else if matches!(c, '\n' | '\r') {
            u64::from(b'\n')
        } else {
            u64::from(u32::from(c)) & 0xFF
        };
        code = code << 8 | class;
        if is_word_char(c) {
            break;
        }
    }
    code
}

fn japanese_features(
    gazetteer: &Gazetteer,
    name: &str,
    before: &str,
    after: &str,
    sink: &mut Sink<'_, impl FnMut(Kind, usize)>,
) {
    let flags = gazetteer.word(name);
    let word = u64::from(flags.any(WordFlags::JAPANESE_WORD));
    let parts = name.split([' ', '\u{3000}', '・', '･']).filter(|part| !part.is_empty());
    let (mut count, mut classes) = (0_u64, 0_u64);
    for part in parts.take(3) {
        let flags = gazetteer.word(part);
        classes = classes << 4 | u64::from(flags.0 >> 24 & 0xF);
        count += 1;
    }
    let chars = (name.chars().count() as u64).min(12);
    let class = u64::from(flags.0 >> 24 & 0xF);
    sink.form(Slot::Classes, class << 8 | word << 4 | 3 << 40);
    sink.form(Slot::Pair, classes << 8 | count << 4 | 3 << 40);
    sink.form(Slot::Length, chars << 8 | count << 4 | word | 3 << 40);
    let left = chars_of(before.chars().rev(), 0, sink);
    let right = chars_of(after.chars(), 16, sink);
    sink.form(Slot::Script, left << 8 | right << 4 | word | 1 << 40);
    sink.form(Slot::Script, left << 16 | right << 8 | chars | 2 << 40);
    sink.form(Slot::Script, left << 32 | right << 24 | class << 8 | word | 3 << 41);
}

/// The nearest characters of one side; returns what kind the nearest is.
fn chars_of(chars: impl Iterator<Item = char>, side: u64, sink: &mut Sink<'_, impl FnMut(Kind, usize)>) -> u64 {
    let mut nearest = 0;
    let mut together = 0_u64;
    for (at, c) in (0_u64..).zip(chars.take(CONTEXT_CHARS)) {
        let kind = script(c);
        if at == 0 {
            nearest = kind;
        }
        sink.form(Slot::Script, (side + at) << 8 | kind);
        together = together << 21 | u64::from(u32::from(c));
        sink.lexical(Slot::Char, together.wrapping_mul(37) ^ (side + at));
    }
    nearest
}

/// 1 kanji, 2 hiragana, 3 katakana, 4 Latin, 5 digits, 6 line break, 7 blank, 8 closing, 9 opening, 10 colon, 11 others.
fn script(c: char) -> u64 {
    match c {
        '\u{3041}'..='\u{3096}' => 2,
        '\u{30A1}'..='\u{30FC}' | '\u{FF66}'..='\u{FF9F}' => 3,
        _ if is_japanese(c) => 1,
        _ if c.is_numeric() => 5,
        '\n' | '\r' => 6,
        ' ' | '\u{3000}' | '\t' => 7,
        '。' | '、' | '）' | ')' | '」' | '】' | ',' | '.' | '，' | '．' => 8,
        '（' | '(' | '「' | '【' => 9,
        ':' | '：' | '／' | '/' => 10,
        _ if c.is_alphabetic() => 4,
        _ => 11,
    }
}
