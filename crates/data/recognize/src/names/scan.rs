//! The pass over a text: skips what cannot begin a name, reads capitalised words, joins those that stand together
//! into runs and hands each run to the rules.

use super::flags::WordFlags;
use super::gazetteer::{Gazetteer, WordHash};
use super::{DOUBT_CONFIDENCE, Doubt, HIT_CONFIDENCE, NameHit, SETTLED_CONFIDENCE, Scratch, Why, japanese, rules};

/// A capitalised word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    /// First byte.
    pub start: usize,
    /// One past the last letter (a possessive `'s` is outside).
    pub end: usize,
    /// Its hash, to know it again.
    pub hash: u64,
    /// What the word is.
    pub flags: WordFlags,
    /// How it is written.
    pub form: Form,
    /// What stands between the word before and this one.
    pub link: Link,
}

/// How a word is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One capital letter.
    Initial,
    /// `Smith`, `McDonald`, `O'Brien`.
    Title,
    /// `SMITH`.
    Capitals,
    /// Part of something that is no word: an address, a variable, a contraction.
    Bad,
}

/// What stands between two words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    /// Nothing that joins them: another sentence, other words.
    None,
    /// A blank.
    Space,
    /// A full stop and perhaps a blank, after an initial or abbreviation.
    Dot,
    /// A comma and perhaps a blank.
    Comma,
    /// A hyphen.
    Hyphen,
    /// Name particles in lower case: ` van der `.
    Particle,
    /// A colon, or the line break after a greeting or label.
    Colon,
}

/// Longest run that is judged as one; more capitalised words in a row are a heading or a list.
const RUN_TOKENS_MAX: usize = 12;
/// Longest gap between two words of a run, in bytes.
const GAP_BYTES_MAX: usize = 16;
/// Longest word that is looked up, in bytes.
const WORD_BYTES_MAX: usize = 48;
/// Names of one text that are remembered.
const KNOWN_MAX: usize = 256;

pub(super) fn find(gazetteer: &Gazetteer, text: &str, scratch: &mut Scratch, out: &mut Vec<NameHit>) {
    scratch.run.clear();
    scratch.known.clear();
    scratch.doubts.clear();
    let first = out.len();
    let mut scan = Scan { gazetteer, text, bytes: text.as_bytes(), scratch, out };
    scan.all();
    scan.settle_doubts(first);
}

/// One pass over one text.
pub(super) struct Scan<'a> {
    pub gazetteer: &'a Gazetteer,
    pub text: &'a str,
    pub bytes: &'a [u8],
    scratch: &'a mut Scratch,
    out: &'a mut Vec<NameHit>,
}

impl Scan<'_> {
    fn all(&mut self) {
        let mut at = 0;
        while let Some(next) = next_capital(self.bytes, at) {
            at = match self.bytes.get(next) {
                Some(b'A'..=b'Z') => self.word(next),
                Some(b':') => self.colon(next),
                Some(0x80..) => self.beyond_ascii(next),
                _ => next + 1,
            };
        }
        self.flush();
    }

    /// Reads the word that begins at `at` and returns where to go on.
    #[inline]
    fn word(&mut self, at: usize) -> usize {
        if at > 0 && is_glue(self.bytes[at - 1]) && !self.continues_initials(at) || self.is_path(at) {
            return skip_word(self.bytes, at);
        }
        let (word, flags) = match ShortWord::at(self.bytes, at) {
            Some(short) => short.read(self.gazetteer, self.scratch.words.get_mut(), self.bytes, at),
            None => {
                let word = read_word(self.text, at);
                if word.end - at > WORD_BYTES_MAX {
                    self.flush();
                    return word.resume;
                }
                let flags = self.gazetteer.by_hash(word.hash);
                (word, flags)
            }
        };
        let link = self.link(at);
        if link == Link::None {
            self.flush();
        }
        let starts = !self.scratch.run.is_empty() || may_start(flags, word.form);
        if starts {
            let token = Token { start: at, end: word.end, hash: word.hash.number(), flags, form: word.form, link };
            self.scratch.run.push(token);
            if self.scratch.run.len() >= RUN_TOKENS_MAX {
                self.flush();
            }
        }
        word.resume
    }

    /// What a word of the text is, whatever its case.
    pub fn flags(&self, word: &str) -> WordFlags {
        match ShortWord::whole(word) {
            Some(letters) => Known::of(letters, word.len(), self.gazetteer, &mut self.scratch.words.borrow_mut()).flags,
            None => self.gazetteer.word(word),
        }
    }

    /// `syn::Abi`: part of a path in source code.
    #[inline]
    fn is_path(&self, at: usize) -> bool {
        at > 1 && self.bytes[at - 1] == b':' && self.bytes[at - 2] == b':'
    }

    /// `J.R.Smith`, `Dr.Smith`: the full stop before belongs to the word before it.
    fn continues_initials(&self, at: usize) -> bool {
        self.bytes[at - 1] == b'.'
            && self.scratch.run.last().is_some_and(|last| {
                last.end + 1 == at && (last.form == Form::Initial || last.flags.any(WordFlags::TITLE))
            })
    }

    /// What stands between the run's last word and a word at `at`.
    #[inline]
    fn link(&self, at: usize) -> Link {
        let Some(last) = self.scratch.run.last() else { return Link::None };
        let gap = self.bytes.get(last.end..at).unwrap_or_default();
        match gap {
            b" " => Link::Space,
            _ if gap.len() > GAP_BYTES_MAX => Link::None,
            b"-" => Link::Hyphen,
            b", " | b"," => Link::Comma,
            b"." | b". " if abbreviates(last) => Link::Dot,
            b".," | b"., " => Link::Comma,
            b": " | b":" | b":  " | b":\t" | b" : " | b"=" | b" = " => Link::Colon,
            b"  " | b"\xC2\xA0" => Link::Space,
            _ => self.rare_link(last, gap),
        }
    }

    fn rare_link(&self, last: &Token, gap: &[u8]) -> Link {
        let opens = last.flags.any(WordFlags::GREETING | WordFlags::LABEL);
        if opens && gap.iter().all(|b| b" \t\r\n,:;_*|-".contains(b)) {
            let greeting = last.flags.any(WordFlags::GREETING);
            return if gap.contains(&b':') || greeting && gap.contains(&b',') { Link::Colon } else { Link::None };
        }
        let Some(inner) = std::str::from_utf8(gap).ok() else { return Link::None };
        if !inner.starts_with(' ') || inner.contains('\n') {
            return Link::None;
        }
        let mut words = inner.split([' ', '-', '\'']).filter(|word| !word.is_empty()).peekable();
        if words.peek().is_some() && words.all(rules::is_particle) { Link::Particle } else { Link::None }
    }

    /// A colon: a label in any case may stand before it and a name in lower case after it.
    #[inline]
    fn colon(&mut self, at: usize) -> usize {
        let after = match self.bytes.get(at + 1) {
            Some(b' ') => at + 2,
            _ => at + 1,
        };
        if self.bytes.get(after).is_some_and(u8::is_ascii_lowercase) && at > 0 {
            let word = rules::word_before(self.text, at);
            if self.flags(word).any(WordFlags::LABEL) {
                self.flush();
                return self.lower_case_name(after, Why::Label).unwrap_or(at + 1);
            }
        }
        at + 1
    }

    /// A name in lower case where a name is due.
    fn lower_case_name(&mut self, at: usize, why: Why) -> Option<usize> {
        let (end, confidence) = rules::lower_case_name(self.gazetteer, self.text, at)?;
        self.push(NameHit { start: at, end, confidence, why }, 0);
        Some(end)
    }

    /// Something outside ASCII: a capital letter, or Japanese writing.
    fn beyond_ascii(&mut self, at: usize) -> usize {
        let Some(c) = self.text.get(at..).and_then(|rest| rest.chars().next()) else { return at + 1 };
        if japanese::is_japanese(c) {
            self.flush();
            return japanese::run(self, at);
        }
        if c.is_uppercase() { self.word(at) } else { at + c.len_utf8() }
    }

    /// Judges the run and empties it.
    #[inline]
    fn flush(&mut self) {
        if self.scratch.run.is_empty() {
            return;
        }
        let run = std::mem::take(&mut self.scratch.run);
        rules::judge(self, &run);
        if let Some(last) = run.last().filter(|last| last.flags.any(WordFlags::GREETING | WordFlags::LABEL)) {
            let after = last.end + 1;
            if self.bytes.get(last.end) == Some(&b' ') && self.bytes.get(after).is_some_and(u8::is_ascii_lowercase) {
                let why = if last.flags.any(WordFlags::GREETING) { Why::Greeting } else { Why::Context };
                self.lower_case_name(after, why);
            }
        }
        self.scratch.run = run;
        self.scratch.run.clear();
    }

    /// Takes a candidate: a hit, a doubt, or nothing, by its confidence. `word` is the hash of its only word, or 0.
    pub fn push(&mut self, hit: NameHit, word: u64) {
        if self.out.last().is_some_and(|last| last.end > hit.start && last.start < hit.end) {
            return;
        }
        if hit.confidence >= HIT_CONFIDENCE {
            self.out.push(hit);
        } else if hit.confidence >= DOUBT_CONFIDENCE {
            self.scratch.doubts.push(Doubt { hit, word });
        }
    }

    /// The word with this hash stood in a clear name.
    pub fn remember(&mut self, word: u64) {
        if self.scratch.known.len() < KNOWN_MAX && !self.scratch.known.contains(&word) {
            self.scratch.known.push(word);
        }
    }

    /// Single words that stood in a clear name elsewhere in the text are that person.
    fn settle_doubts(&mut self, first: usize) {
        if self.scratch.known.is_empty() || self.scratch.doubts.is_empty() {
            return;
        }
        let known = &self.scratch.known;
        let bytes = self.bytes;
        let before = self.out.len();
        let out = &mut *self.out;
        self.scratch.doubts.retain(|doubt| {
            let seen = doubt.word != 0
                && doubt.hit.confidence >= SETTLED_CONFIDENCE
                && known.contains(&doubt.word)
                && !rules::is_code(bytes, doubt.hit.start, doubt.hit.end);
            if seen {
                let confidence = doubt.hit.confidence.saturating_add(30).clamp(HIT_CONFIDENCE, 90);
                out.push(NameHit { confidence, why: Why::SeenElsewhere, ..doubt.hit });
            }
            !seen
        });
        if out.len() > before
            && let Some(new) = out.get_mut(first..)
        {
            new.sort_unstable_by_key(|hit| hit.start);
        }
    }
}

/// Whether a run of words may begin with such a word.
#[inline]
fn may_start(flags: WordFlags, form: Form) -> bool {
    if form == Form::Bad {
        return flags.any(WordFlags::LABEL);
    }
    if flags == WordFlags::NONE {
        return form != Form::Capitals;
    }
    flags.any(WordFlags::TITLE | WordFlags::LABEL | WordFlags::GREETING)
        || !flags.any(WordFlags::STOP) && rules::is_nameable(flags) && rules::name_points(flags) > 0
        || form == Form::Initial
        || flags.any(WordFlags::PARTICLE)
}

fn abbreviates(token: &Token) -> bool {
    token.form == Form::Initial || token.flags.any(WordFlags::TITLE | WordFlags::SUFFIX) || token.end - token.start <= 2
}

/// Position of the next byte at or after `at` that is an ASCII capital (or one of `:;<=>?@`) or outside ASCII.
#[inline]
pub(super) fn next_capital(bytes: &[u8], at: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * ONES;
    let mut at = at;
    while let Some(Ok(chunk)) = bytes.get(at..at + 8).map(<[u8; 8]>::try_from) {
        let word = u64::from_le_bytes(chunk);
        let low = word & !HIGH;
        // The high bit of each byte: set in the first sum from `:` on, in the second from `[` on.
        let from_colon = low + (0x80 - 0x3A) * ONES;
        let from_bracket = low + (0x80 - 0x5B) * ONES;
        let found = (from_colon & !from_bracket | word) & HIGH;
        if found != 0 {
            return Some(at + (found.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let rest = bytes.get(at..)?;
    rest.iter().position(|b| matches!(b, 0x3A..=0x5A | 0x80..)).map(|found| at + found)
}

/// A word that begins right after such a byte is part of something longer.
#[inline]
fn is_glue(before: u8) -> bool {
    before.is_ascii_alphanumeric()
        || matches!(before, b'_' | b'@' | b'\\' | b'/' | b'<' | b'.' | b'$' | b'#' | b'%' | b'&')
}

fn skip_word(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'_').unwrap_or(rest.len()).max(1)
}

/// A word as read.
struct Word {
    end: usize,
    /// Where the pass goes on: behind a possessive.
    resume: usize,
    hash: WordHash,
    form: Form,
}

#[inline]
fn read_word(text: &str, start: usize) -> Word {
    let bytes = text.as_bytes();
    let mut hash = WordHash::default();
    let (mut at, mut letters, mut capitals, mut digits) = (start, 0_usize, 0_usize, false);
    let mut resume = None;
    let mut contraction = false;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'a'..=b'z' => hash.push(byte),
            b'A'..=b'Z' => {
                hash.push(byte | 0x20);
                capitals += 1;
            }
            b'0'..=b'9' | b'_' => digits = true,
            b'\'' | 0x80.. => match beyond_letters(text, at, start) {
                Beyond::Letter(c) => {
                    hash.push_char(c);
                    capitals += usize::from(c.is_uppercase());
                    letters += 1;
                    at += c.len_utf8();
                    continue;
                }
                Beyond::Mark(bytes) => {
                    at += bytes;
                    continue;
                }
                Beyond::Possessive(after) => {
                    resume = Some(after);
                    break;
                }
                Beyond::Contraction => {
                    contraction = true;
                    break;
                }
                Beyond::End => break,
            },
            _ => break,
        }
        letters += 1;
        at += 1;
    }
    let syllable = second_syllable(bytes, at);
    let form = if digits || contraction || syllable == 0 && glued_after(bytes, at) {
        Form::Bad
    } else {
        form(bytes.get(start..at).unwrap_or_default(), letters, capitals)
    };
    Word { end: at + syllable, resume: resume.unwrap_or(at + syllable), hash, form }
}

/// How a word of so many letters and capitals among them is written.
#[inline]
fn form(word: &[u8], letters: usize, capitals: usize) -> Form {
    if letters == 1 {
        Form::Initial
    } else if capitals == letters {
        Form::Capitals
    } else if capitals > 1 && !is_mixed_name(word) {
        Form::Bad
    } else {
        Form::Title
    }
}

/// A word of up to sixteen ASCII letters with nothing behind it that might belong to it: most words. What they are is
/// found in a small memory of the words met last, sooner than by reading them byte by byte.
struct ShortWord {
    letters: u128,
    length: usize,
    capitals: usize,
}

/// Short words that are remembered, as a power of two.
const SHORT_WORDS_BITS: u32 = 12;

/// A short word that was met.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    letters: u128,
    hash: WordHash,
    flags: WordFlags,
}

impl Known {
    /// What is known of a word of so many ASCII letters.
    #[inline]
    fn of(letters: u128, length: usize, gazetteer: &Gazetteer, words: &mut Vec<Self>) -> Self {
        if words.is_empty() {
            words.resize(1 << SHORT_WORDS_BITS, Self::default());
        }
        #[expect(clippy::cast_possible_truncation, reason = "both halves are mixed")]
        let mixed = (letters as u64 ^ ((letters >> 64) as u64).rotate_left(23)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let known = &mut words[(mixed >> (64 - SHORT_WORDS_BITS)) as usize];
        if known.letters != letters {
            let mut hash = WordHash::default();
            letters.to_le_bytes().iter().take(length).for_each(|b| hash.push(b.to_ascii_lowercase()));
            *known = Self { letters, hash, flags: gazetteer.by_hash(hash) };
        }
        *known
    }
}

impl ShortWord {
    /// The letters of a word that is short and of ASCII letters alone.
    #[inline]
    fn whole(word: &str) -> Option<u128> {
        let bytes = word.as_bytes();
        let mut sixteen = [0; 16];
        sixteen.get_mut(..bytes.len())?.copy_from_slice(bytes);
        (!bytes.is_empty() && bytes.iter().all(u8::is_ascii_alphabetic)).then(|| u128::from_le_bytes(sixteen))
    }

    #[inline]
    fn at(bytes: &[u8], at: usize) -> Option<Self> {
        let sixteen = bytes.get(at..)?.first_chunk::<16>()?;
        let (mut letter, mut capital) = ([0_u8; 16], [0_u8; 16]);
        for i in 0..16 {
            let b = sixteen[i];
            letter[i] = u8::from((b | 0x20).wrapping_sub(b'a') < 26);
            capital[i] = u8::from(b.wrapping_sub(b'A') < 26);
        }
        let (letter, capital) = (u128::from_le_bytes(letter), u128::from_le_bytes(capital));
        let length = ((!letter & (u128::MAX / 0xFF)).trailing_zeros() / 8).min(16);
        let next = bytes.get(at + length as usize)?;
        if length == 0 || !next.is_ascii() || next.is_ascii_alphanumeric() || matches!(next, b'_' | b'\'') {
            return None;
        }
        let mask = u128::MAX >> (128 - 8 * length);
        Some(Self {
            letters: u128::from_le_bytes(*sixteen) & mask,
            length: length as usize,
            capitals: (capital & mask).count_ones() as usize,
        })
    }

    /// The word as [`read_word`] reads it, and what it is.
    #[inline]
    fn read(&self, gazetteer: &Gazetteer, words: &mut Vec<Known>, bytes: &[u8], at: usize) -> (Word, WordFlags) {
        let known = Known::of(self.letters, self.length, gazetteer, words);
        let end = at + self.length;
        let syllable = second_syllable(bytes, end);
        let form = if syllable == 0 && glued_after(bytes, end) {
            Form::Bad
        } else {
            form(bytes.get(at..end).unwrap_or_default(), self.length, self.capitals)
        };
        (Word { end: end + syllable, resume: end + syllable, hash: known.hash, form }, known.flags)
    }
}

/// What follows the letters of a word.
enum Beyond {
    Letter(char),
    /// A combining accent, or an apostrophe inside a name, of so many bytes.
    Mark(usize),
    /// `'s`, ending at this byte.
    Possessive(usize),
    Contraction,
    End,
}

fn beyond_letters(text: &str, at: usize, start: usize) -> Beyond {
    let Some(rest) = text.get(at..) else { return Beyond::End };
    let mut chars = rest.chars();
    let Some(c) = chars.next() else { return Beyond::End };
    if c == '\'' || c == '\u{2019}' {
        let after = at + c.len_utf8();
        let next = chars.next();
        let then = chars.next();
        return match next {
            Some('s' | 'S') if !then.is_some_and(char::is_alphabetic) => Beyond::Possessive(after + 1),
            Some(next) if next.is_uppercase() && at - start <= 2 => Beyond::Letter(c),
            Some(next) if next.is_lowercase() => Beyond::Contraction,
            _ => Beyond::End,
        };
    }
    if ('\u{300}'..='\u{36F}').contains(&c) {
        return Beyond::Mark(c.len_utf8());
    }
    if c.is_alphabetic() && !japanese::is_japanese(c) { Beyond::Letter(c) } else { Beyond::End }
}

/// Whether what follows a word shows that it is part of code, an address or a compound.
#[inline]
fn glued_after(bytes: &[u8], end: usize) -> bool {
    let next = bytes.get(end + 1).copied().unwrap_or(b' ');
    match bytes.get(end) {
        Some(b'(' | b'[' | b'@' | b'_' | b'\\' | b'=' | b'{' | b'<') => true,
        Some(b'.') => next.is_ascii_lowercase() || next.is_ascii_digit(),
        Some(b':') => next == b':',
        Some(b'-') => {
            next.is_ascii_lowercase() && !is_honorific(bytes.get(end + 1..).unwrap_or_default())
                || next.is_ascii_digit()
        }
        _ => false,
    }
}

/// Length of `-ho` in `Seung-ho Kim`: a short second syllable in lower case before another capital. 0 when there is none.
fn second_syllable(bytes: &[u8], end: usize) -> usize {
    if bytes.get(end) != Some(&b'-') {
        return 0;
    }
    let rest = bytes.get(end + 1..).unwrap_or_default();
    let letters = rest.iter().take(6).take_while(|b| b.is_ascii_lowercase()).count();
    let capital = rest.get(letters) == Some(&b' ') && rest.get(letters + 1).is_some_and(u8::is_ascii_uppercase);
    if (2..=5).contains(&letters) && capital { letters + 1 } else { 0 }
}

/// `-san`, `-sama`, `-sensei` after a Japanese name in Latin letters.
fn is_honorific(rest: &[u8]) -> bool {
    [&b"san"[..], b"sama", b"sensei", b"kun", b"chan"]
        .iter()
        .any(|word| rest.strip_prefix(*word).is_some_and(|after| !after.first().is_some_and(u8::is_ascii_alphanumeric)))
}

/// Capitals inside a word that names have: `McDonald`, `MacLeod`, `DeSilva`, `O'Brien`, `LaRue`, `VanDyke`.
fn is_mixed_name(word: &[u8]) -> bool {
    const HEADS: [&[u8]; 12] =
        [b"Mc", b"Mac", b"De", b"Di", b"Du", b"La", b"Le", b"Van", b"Von", b"O'", b"D'", b"Fitz"];
    let inner = |head: &[u8]| {
        word.strip_prefix(head).is_some_and(|rest| {
            rest.first().is_some_and(u8::is_ascii_uppercase) && !rest.iter().skip(1).any(u8::is_ascii_uppercase)
        })
    };
    HEADS.iter().any(|head| inner(head)) || word.iter().any(|b| matches!(b, 0x80.. | b'\''))
}
