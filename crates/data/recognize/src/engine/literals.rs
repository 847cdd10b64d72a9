//! Where the literals of patterns stand that may begin like any word.

use aho_corasick::packed::{self, Searcher};

use super::compile::Recognizer;
use super::groups::Group;

/// All literals, found many bytes at a time.
pub(super) struct Literals {
    /// Those of one byte.
    bytes: Vec<u8>,
    searchers: Vec<Searcher>,
    /// Those for which the processor has no instructions, or that are too many for them.
    others: Option<aho_corasick::AhoCorasick>,
}

/// Patterns that one vector search can take without its buckets filling up.
const SEARCHER_LITERALS: usize = 24;

impl Literals {
    /// Of the recognisers of a group.
    pub(super) fn of(recognizers: &[Recognizer], group: &Group) -> Self {
        let specs = group.members.iter().filter_map(|&index| recognizers.get(usize::from(index)));
        let mut literals: Vec<&str> = specs.flat_map(|r| r.spec.literals.iter().map(String::as_str)).collect();
        literals.sort_unstable();
        literals.dedup();
        let bytes = literals.iter().filter(|literal| literal.len() == 1).flat_map(|literal| literal.bytes()).collect();
        literals.retain(|literal| literal.len() > 1);
        let build = |some: &[&str]| {
            packed::Config::new().match_kind(packed::MatchKind::LeftmostFirst).builder().extend(some).build()
        };
        let built: Option<Vec<Searcher>> = literals.chunks(SEARCHER_LITERALS).map(build).collect();
        match built {
            Some(searchers) => Self { bytes, searchers, others: None },
            None => Self { bytes, searchers: Vec::new(), others: aho_corasick::AhoCorasick::new(literals).ok() },
        }
    }

    /// Puts where literals begin and end into `found`, in order.
    pub(super) fn find(&self, text: &[u8], found: &mut Vec<(usize, usize)>) {
        found.clear();
        for &byte in &self.bytes {
            found.extend(memchr::memchr_iter(byte, text).map(|at| (at, at + 1)));
        }
        for searcher in &self.searchers {
            found.extend(searcher.find_iter(text).map(|literal| (literal.start(), literal.end())));
        }
        if let Some(others) = &self.others {
            found.extend(others.find_iter(text).map(|literal| (literal.start(), literal.end())));
        }
        found.sort_unstable();
    }
}
