//! Where the literals of patterns stand that may begin like any word.

use aho_corasick::packed::{self, Searcher};

use super::compile::Recognizer;
use super::groups::Group;

/// All literals. Those of letters are found word by word, of which most are known; the others many bytes at a time.
pub(super) struct Literals {
    /// Those of ASCII letters alone.
    in_words: Option<aho_corasick::AhoCorasick>,
    /// Those of one byte.
    bytes: Vec<u8>,
    searchers: Vec<Searcher>,
    /// Those for which the processor has no instructions, or that are too many for them.
    others: Option<aho_corasick::AhoCorasick>,
    /// Which pairs of bytes those of several bytes begin with: enough to pass over most short texts, for which setting up
    /// the searchers would cost more than the search.
    pairs: Box<[u64; 1024]>,
}

/// Shorter texts are looked through for `pairs` first.
const SHORT_BYTES: usize = 64;

/// A searcher looks at up to so many bytes of a literal before it compares the whole.
const SEARCHED_BYTES: usize = 4;
/// Patterns that one vector search can take without its buckets filling up.
const SEARCHER_LITERALS: usize = 24;

impl Literals {
    /// Of the recognisers of a group.
    pub(super) fn of(recognizers: &[Recognizer], group: &Group) -> Self {
        let specs = group.members.iter().filter_map(|&index| recognizers.get(usize::from(index)));
        let literals: Vec<&str> = specs.flat_map(|r| r.spec.literals.iter().map(String::as_str)).collect();
        let (in_words, mut literals): (Vec<&str>, Vec<&str>) =
            literals.into_iter().partition(|literal| literal.bytes().all(|b| b.is_ascii_alphabetic()));
        let in_words = aho_corasick::AhoCorasick::new(in_words).ok();
        // By length: a searcher looks at no more bytes than its shortest literal has.
        literals.sort_unstable_by_key(|literal| (literal.len().min(SEARCHED_BYTES), *literal));
        literals.dedup();
        let bytes = literals.iter().filter(|literal| literal.len() == 1).flat_map(|literal| literal.bytes()).collect();
        literals.retain(|literal| literal.len() > 1);
        let mut pairs = Box::new([0; 1024]);
        for pair in literals.iter().filter_map(|literal| literal.as_bytes().first_chunk::<2>()) {
            let pair = usize::from(u16::from_le_bytes(*pair));
            pairs[pair / 64] |= 1 << (pair % 64);
        }
        let build = |some: &[&str]| {
            packed::Config::new().match_kind(packed::MatchKind::LeftmostFirst).builder().extend(some).build()
        };
        let alike = literals.chunk_by(|a, b| a.len().min(SEARCHED_BYTES) == b.len().min(SEARCHED_BYTES));
        let built: Option<Vec<Searcher>> =
            alike.flat_map(|literals| literals.chunks(SEARCHER_LITERALS)).map(build).collect();
        match built {
            Some(searchers) => Self { in_words, bytes, searchers, others: None, pairs },
            None => Self {
                in_words,
                bytes,
                searchers: Vec::new(),
                others: aho_corasick::AhoCorasick::new(literals).ok(),
                pairs,
            },
        }
    }

    /// Whether a literal of letters stands in a word.
    pub(super) fn are_in(&self, word: &[u8]) -> bool {
        self.in_words.as_ref().is_some_and(|literals| literals.is_match(word))
    }

    /// Adds where the literals that are not of letters alone begin and end to `found`, and puts it in order.
    pub(super) fn find(&self, text: &[u8], found: &mut Vec<(usize, usize)>) {
        for &byte in &self.bytes {
            found.extend(memchr::memchr_iter(byte, text).map(|at| (at, at + 1)));
        }
        if text.len() >= SHORT_BYTES || self.may_hold(text) {
            for searcher in &self.searchers {
                found.extend(searcher.find_iter(text).map(|literal| (literal.start(), literal.end())));
            }
            if let Some(others) = &self.others {
                found.extend(others.find_iter(text).map(|literal| (literal.start(), literal.end())));
            }
        }
        found.sort_unstable();
    }

    fn may_hold(&self, text: &[u8]) -> bool {
        text.array_windows::<2>().any(|pair| {
            let pair = usize::from(u16::from_le_bytes(*pair));
            self.pairs[pair / 64] >> (pair % 64) & 1 == 1
        })
    }
}
