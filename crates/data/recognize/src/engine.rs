//! The fast engine: text in, resolved hits out.
//!
//! One pass finds where anything may begin ([`starts`]); what is known to lead nowhere is passed over
//! ([`automaton`]); what matches is judged by its context ([`context`]) and its validator. Person names
//! and terms are found in passes of their own over the same text, and overlaps are resolved at the end.

mod automaton;
mod beginnings;
mod compile;
mod context;
mod explain;
mod groups;
mod literals;
mod overlap;
mod starts;
mod terms;
mod values;

use beginnings::Beginnings;
pub use compile::EngineError;
use compile::{Brief, Recognizer};
use context::{Lexicon, Listener, Voice, Voters, boundary, floor_boundary};
use model::IdentifierType;

use groups::{Groups, Memories, Sort, Sorts};
use literals::Literals;

use crate::content::RecognizerSpec;
use crate::names::{self, NameHit, Names};

/// Which tiers of person-name recognition run on free text. Structure (tier 1) always speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NamesTier {
    /// Structure alone.
    Off,
    /// Gazetteer, titles, triggers and forms.
    Fast,
    /// These, judged again by the trained tagger.
    Model,
}

/// Who found a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The recogniser of that index.
    Recognizer(u16),
    /// The term list of that index.
    Terms(u16),
    /// The person-name rules; the reason is theirs.
    Names(names::Why),
}

/// One identifier in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// First byte in the text.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it is.
    pub kind: IdentifierType,
    /// Percent.
    pub confidence: u8,
    /// Who found it.
    pub by: By,
    /// Whether a context word spoke for it.
    pub context: bool,
}

/// Everything that recognition knows, made ready. Shared by all threads.
pub struct Engine {
    recognizers: Vec<Recognizer>,
    brief: Vec<Brief>,
    groups: Groups,
    literals: Literals,
    lexicon: Lexicon,
    terms: terms::Terms,
    term_lists: Vec<(String, IdentifierType)>,
    names: Names,
    tagger: std::sync::OnceLock<names::tagger::Tagger>,
}

/// What one thread needs to run the engine, and what it has learned. Holds no text but beginnings of a few bytes.
pub struct Scratch {
    memories: Memories,
    beginnings: Beginnings,
    values: values::Memory,
    literals: Vec<(usize, usize)>,
    matches: Vec<automaton::Match>,
    listener: Listener,
    voters: Voters,
    against: Voters,
    names: names::Scratch,
    name_hits: Vec<NameHit>,
    /// Bytes that the tagger has read so far.
    pub model_bytes: u64,
}

/// Context that stands outside the text: a column's header, a field's name.
#[derive(Debug, Clone)]
pub struct Hint(Voters);

impl Hint {
    /// Whether it speaks for nothing.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.0.is_silent()
    }
}

impl Engine {
    /// From the content embedded in the program.
    ///
    /// # Errors
    /// When a content file is wrong: its name, the recogniser and the reason are told.
    pub fn embedded() -> Result<Self, EngineError> {
        compile::engine(crate::embedded::FILES.iter().copied())
    }

    /// From content files given as `(path below content/recognizers, text)`.
    ///
    /// # Errors
    /// As [`Engine::embedded`].
    pub fn from_files<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, EngineError> {
        compile::engine(files)
    }

    /// Memory for one thread.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        Scratch {
            memories: self.groups.memories(),
            beginnings: Beginnings::new(),
            values: values::Memory::new(),
            literals: Vec::new(),
            matches: Vec::new(),
            listener: Listener::default(),
            voters: Voters::none(self.recognizers.len()),
            against: Voters::none(self.recognizers.len()),
            names: names::Scratch::default(),
            name_hits: Vec::new(),
            model_bytes: 0,
        }
    }

    /// The recognisers, in index order.
    pub fn recognizers(&self) -> impl ExactSizeIterator<Item = &RecognizerSpec> {
        self.recognizers.iter().map(|recognizer| &recognizer.spec)
    }

    /// The recogniser of that index.
    #[must_use]
    pub fn recognizer(&self, index: u16) -> Option<&RecognizerSpec> {
        self.recognizers.get(usize::from(index)).map(|recognizer| &recognizer.spec)
    }

    /// The term lists as `(file, type)`, in index order.
    #[must_use]
    pub fn term_lists(&self) -> &[(String, IdentifierType)] {
        &self.term_lists
    }

    /// The person-name rules, for values that stand alone.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Whether `value` passes the recogniser's check; nothing when it has none.
    #[must_use]
    pub fn passes(&self, index: u16, value: &str) -> Option<bool> {
        let recognizer = self.recognizers.get(usize::from(index))?;
        recognizer.validator.map(|valid| valid(value.trim()))
    }

    /// The context that a header or field name gives to the values below it.
    #[must_use]
    pub fn hint(&self, name: &str) -> Hint {
        let mut voters = Voters::none(self.recognizers.len());
        self.lexicon.hear(name, (0, name.len()), Voice::For, &mut Listener::default(), &mut voters);
        Hint(voters)
    }

    /// Finds every identifier in `text` and appends them to `out`, in order, without overlaps.
    pub fn text(&self, text: &str, tier: NamesTier, hint: Option<&Hint>, scratch: &mut Scratch, out: &mut Vec<Hit>) {
        let first = out.len();
        self.readings(text, tier, hint, scratch, out);
        overlap::resolve(out, first);
    }

    /// Every reading of `text` that any recogniser allows, overlapping ones included, in no order: what
    /// [`Engine::text`] chooses from.
    pub fn readings(
        &self,
        text: &str,
        tier: NamesTier,
        hint: Option<&Hint>,
        scratch: &mut Scratch,
        out: &mut Vec<Hit>,
    ) {
        let bytes = text.as_bytes();
        scratch.listener.forget();
        starts::for_each_start(bytes, |at, digit| {
            let mut sorts = match bytes.get(at) {
                Some(byte) if byte.is_ascii_digit() => Sorts::AT_DIGITS,
                _ => Sorts::ELSEWHERE,
            };
            if digit {
                sorts.add(Sort::Numbered);
            }
            for sort in scratch.beginnings.alive(bytes, at, sorts) {
                self.walk(sort, text, at, hint, scratch, out);
            }
            if self.terms.may_start(bytes, at) {
                self.term(text, at, out);
            }
        });
        self.around_literals(text, hint, scratch, out);
        if tier != NamesTier::Off {
            self.persons(text, tier, scratch, out);
        }
    }

    fn term(&self, text: &str, at: usize, out: &mut Vec<Hit>) {
        if !starts_token(text, at) {
            return;
        }
        let Some(found) = self.terms.find(text, at) else { return };
        let Some((_, kind)) = self.term_lists.get(usize::from(found.list)) else { return };
        let by = By::Terms(found.list);
        out.push(Hit { start: at, end: found.end, kind: *kind, confidence: TERM_CONFIDENCE, by, context: false });
    }

    fn persons(&self, text: &str, tier: NamesTier, scratch: &mut Scratch, out: &mut Vec<Hit>) {
        scratch.name_hits.clear();
        self.names.find(text, &mut scratch.names, &mut scratch.name_hits);
        if tier == NamesTier::Model {
            let tagger = self.tagger.get_or_init(names::tagger::Tagger::load);
            scratch.model_bytes += tagger.rescore(&self.names, text, &scratch.names, &mut scratch.name_hits) as u64;
        }
        out.extend(scratch.name_hits.iter().filter(|name| name.confidence >= NAME_CONFIDENCE_MIN).map(|name| Hit {
            start: name.start,
            end: name.end,
            kind: IdentifierType::Person,
            confidence: name.confidence,
            by: By::Names(name.why),
            context: false,
        }));
    }

    /// Tries the wide patterns at every token start of the unbroken run around each literal.
    fn around_literals(&self, text: &str, hint: Option<&Hint>, scratch: &mut Scratch, out: &mut Vec<Hit>) {
        let bytes = text.as_bytes();
        let mut literals = std::mem::take(&mut scratch.literals);
        self.literals.find(bytes, &mut literals);
        let mut tried = 0;
        for &(start, to) in &literals {
            let from = run_start(bytes, start).max(tried);
            tried = tried.max(to);
            let mut skip = 0;
            for at in from..to {
                if at < skip || !text.is_char_boundary(at) || !starts_token(text, at) || bytes[at] <= b' ' {
                    continue;
                }
                if !scratch.beginnings.alive(bytes, at, Sorts::of(&[Sort::Wide])).is_empty() {
                    let before = out.len();
                    self.walk(Sort::Wide, text, at, hint, scratch, out);
                    skip = out[before..].iter().map(|hit| hit.end).max().unwrap_or(skip);
                }
            }
        }
        scratch.literals = literals;
    }

    /// Tries the patterns of a group at `at` and judges what matches.
    fn walk(&self, sort: Sort, text: &str, at: usize, hint: Option<&Hint>, scratch: &mut Scratch, out: &mut Vec<Hit>) {
        let (group, memory) = (self.groups.get(sort), &mut scratch.memories[sort as usize]);
        let mut matches = std::mem::take(&mut scratch.matches);
        let bytes = text.as_bytes();
        let taken = group.automaton.walk(memory, bytes, at, &mut matches);
        if matches.is_empty() {
            if let Some(taken) = taken {
                scratch.beginnings.learn(bytes, at, sort, taken);
            }
        } else {
            // The longest match decides: one that runs into a word is none, whatever a shorter one would say.
            let mut known = (usize::MAX, false);
            matches.retain_mut(|found| {
                found.pattern = u32::from(group.members[found.pattern as usize]);
                if known.0 != found.end {
                    known = (found.end, ends_token(text, found.end));
                }
                known.1 || self.brief[found.pattern as usize].open_end
            });
            // Whether a token ends is decided by the byte behind the match and, behind a dot, by one more.
            if matches.is_empty()
                && let Some(taken) = taken
                && bytes.get(at..at + taken + 1).is_some_and(<[u8]>::is_ascii)
            {
                scratch.beginnings.learn(bytes, at, sort, taken + 1);
            }
            if !matches.is_empty() && starts_token(text, at) {
                self.judge(text, at, &matches, hint, scratch, out);
            }
        }
        scratch.matches = matches;
    }

    /// Puts what matched before its context, negative words and validators.
    fn judge(
        &self,
        text: &str,
        at: usize,
        matches: &[automaton::Match],
        hint: Option<&Hint>,
        scratch: &mut Scratch,
        out: &mut Vec<Hit>,
    ) {
        let mut heard = None;
        for found in matches {
            let index = found.pattern as usize;
            let brief = &self.brief[index];
            let (start, end) = if brief.group {
                let range = (at, found.end);
                let Some(value) = self.recognizers[index].value(text, range, &mut scratch.values) else { continue };
                value
            } else {
                (at, found.end)
            };
            if heard != Some((start, end)) {
                self.listen(text, at, start, end, hint, scratch);
                heard = Some((start, end));
            }
            let context = scratch.voters.has(index);
            if (brief.context_required && !context) || scratch.against.has(index) {
                continue;
            }
            let Some(value) = text.get(start..end) else { continue };
            if brief.validator.is_some_and(|valid| !valid(value)) {
                continue;
            }
            #[expect(clippy::cast_possible_truncation, reason = "the compiler refuses more than 65,535 recognisers")]
            out.push(Hit {
                start,
                end,
                kind: brief.kind,
                confidence: brief.confidence[usize::from(context)],
                by: By::Recognizer(index as u16),
                context,
            });
        }
    }

    fn listen(&self, text: &str, at: usize, start: usize, end: usize, hint: Option<&Hint>, scratch: &mut Scratch) {
        let Scratch { listener, voters, against, .. } = scratch;
        voters.clear();
        against.clear();
        self.lexicon.judge(text, (at, start, end), listener, (voters, against));
        if let Some(Hint(said)) = hint {
            voters.join(said);
        }
    }
}

/// Confidence of a term found by name alone, in percent.
const TERM_CONFIDENCE: u8 = 85;
/// Names below this are not reported, in percent.
const NAME_CONFIDENCE_MIN: u8 = 50;
/// How far a wide pattern may begin before its literal, in bytes.
const RUN_BYTES_MAX: usize = 320;

/// The start of the run without white space or quotes that holds `at`.
fn run_start(bytes: &[u8], at: usize) -> usize {
    let floor = at.saturating_sub(RUN_BYTES_MAX);
    let run = bytes.get(floor..at).unwrap_or_default();
    run.iter()
        .rposition(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'<' | b'>' | b',' | b';'))
        .map_or(floor, |last| floor + last + 1)
}

/// Whether a token starts at `at`.
#[inline]
pub(crate) fn starts_token(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    match (at.checked_sub(1).and_then(|i| bytes.get(i)), bytes.get(at)) {
        (None, _) => true,
        (Some(before), Some(here)) if before.is_ascii() && here.is_ascii() => {
            !(is_word_byte(*before) && is_word_byte(*here) || *before == b'.' && is_decimal_point(bytes, at - 1))
        }
        _ => {
            let before = text.get(..at).and_then(|s| s.chars().next_back());
            boundary(before, text.get(at..).and_then(|s| s.chars().next()))
        }
    }
}

/// Whether a token ends before `end`.
#[inline]
pub(crate) fn ends_token(text: &str, end: usize) -> bool {
    let bytes = text.as_bytes();
    match (end.checked_sub(1).and_then(|i| bytes.get(i)), bytes.get(end)) {
        (_, None) => true,
        (Some(before), Some(here)) if before.is_ascii() && here.is_ascii() => {
            !(is_word_byte(*before) && is_word_byte(*here) || *here == b'.' && is_decimal_point(bytes, end))
        }
        _ => {
            if !text.is_char_boundary(end) {
                return false;
            }
            let before = text.get(..end).and_then(|s| s.chars().next_back());
            boundary(before, text.get(floor_boundary(text, end)..).and_then(|s| s.chars().next()))
        }
    }
}

/// A dot with an ASCII digit on either side joins them: fractions, versions and object identifiers do not fall into
/// pieces that look like numbers of persons.
fn is_decimal_point(bytes: &[u8], dot: usize) -> bool {
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    digit(dot.checked_sub(1)) && digit(dot.checked_add(1))
}

#[inline]
const fn is_word_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}
