//! The fast engine: text in, resolved hits out.
//!
//! One pass finds where anything may begin ([`starts`]). What is known of the word or the shape that stands there
//! ([`words`], [`shapes`], [`beginnings`]) tells which patterns to walk ([`automaton`], [`here`]); what matches is judged by
//! its context ([`context`]) and its validator. Person names and terms are found over the same text, and overlaps are
//! resolved at the end.

mod automaton;
mod beginnings;
mod compile;
mod context;
mod explain;
mod groups;
mod here;
mod literals;
mod overlap;
mod shapes;
mod starts;
mod terms;
mod values;
mod words;

use beginnings::Beginnings;
pub use compile::EngineError;
use compile::{Brief, Recognizer};
use context::{Heard, Lexicon, Voice, Voters, boundary, floor_boundary};
use std::sync::OnceLock;

use model::IdentifierType;

use groups::{Memories, Search};
use here::Here;

use crate::content::RecognizerSpec;
use crate::embedded::Written;
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
    /// Made when the first text is searched: a start that finds nothing to read should not wait for it.
    search: OnceLock<Result<Search, EngineError>>,
    lexicon: Lexicon,
    terms: terms::Terms,
    term_lists: Vec<(String, IdentifierType)>,
    names: Names,
    tagger: OnceLock<names::tagger::Tagger>,
}

/// What one thread needs to run the engine, and what it has learned. Holds no text but beginnings of a few bytes.
pub struct Scratch {
    memories: Option<Box<Memories>>,
    beginnings: Beginnings,
    words: words::Words,
    shapes: shapes::Shapes,
    /// The ages of the automata whose states `words` knows.
    ages: [u32; words::SORTS],
    values: values::Memory,
    literals: Vec<(usize, usize)>,
    matches: Vec<automaton::Match>,
    heard: Heard,
    /// What matched and waits for its context, by where it begins.
    pending: Vec<(usize, here::Waits)>,
    voters: Voters,
    against: Voters,
    around: here::Around,
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
        compile::engine(Written::Json, crate::embedded::FILES.iter().copied())
    }

    /// From content files given as `(path below content/recognizers, text)`.
    ///
    /// # Errors
    /// As [`Engine::embedded`].
    pub fn from_files<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, EngineError> {
        let engine = compile::engine(Written::Toml, files)?;
        engine.ready()?;
        Ok(engine)
    }

    /// Makes everything ready that searching needs. Without it the first text that is searched waits for it.
    ///
    /// # Errors
    /// When a pattern does not compile.
    pub fn ready(&self) -> Result<(), EngineError> {
        self.search.get_or_init(|| Search::of(&self.recognizers)).as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// Memory for one thread.
    #[must_use]
    pub fn scratch(&self) -> Scratch {
        Scratch {
            memories: None,
            beginnings: Beginnings::new(),
            words: words::Words::new(),
            shapes: shapes::Shapes::new(),
            ages: [0; words::SORTS],
            values: values::Memory::new(),
            literals: Vec::new(),
            matches: Vec::new(),
            heard: Heard::default(),
            pending: Vec::new(),
            voters: Voters::none(self.recognizers.len()),
            against: Voters::none(self.recognizers.len()),
            around: here::Around { voters: Voters::none(self.recognizers.len()), in_context: false },
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
        self.lexicon.hear(name, (0, name.len()), Voice::For, &mut voters);
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
        let Ok(search) = self.search.get_or_init(|| Search::of(&self.recognizers)) else { return };
        let mut memories = scratch.memories.take().unwrap_or_else(|| search.groups.memories());
        self.patterns(search, &mut memories, text, hint, scratch, out);
        scratch.memories = Some(memories);
        if tier != NamesTier::Off {
            self.persons(text, tier, scratch, out);
        }
    }

    /// What the recognisers' patterns and the terms find.
    fn patterns(
        &self,
        search: &Search,
        memories: &mut Memories,
        text: &str,
        hint: Option<&Hint>,
        scratch: &mut Scratch,
        out: &mut Vec<Hit>,
    ) {
        scratch.heard.forget();
        let mut here = Here { engine: self, search, memories, text, hint, scratch, deaf: true };
        starts::for_each_start(text.as_bytes(), |start| here.start(start, out));
        here.judge_pending(out);
        here.around_literals(out);
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
}

/// Confidence of a term found by name alone, in percent.
const TERM_CONFIDENCE: u8 = 85;
/// Names below this are not reported, in percent.
const NAME_CONFIDENCE_MIN: u8 = 50;

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
