//! All patterns as one lazily determinised automaton, walked from a start.

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{NFA, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::Hir;

/// No identifier is longer than this, in bytes: private keys in PEM are the longest.
const WALK_BYTES_MAX: usize = 8 * 1024;
/// Memory of one thread's determinised states.
const CACHE_BYTES: usize = 32 << 20;

/// Why the automaton cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("the patterns do not make an automaton: {why}")]
pub struct AutomatonError {
    /// The regex crate's words.
    pub why: String,
}

/// Many patterns, all tried at once from one position.
pub(crate) struct Automaton {
    dfa: DFA,
    patterns: usize,
    /// Whether what stands before a start plays no part.
    plain: bool,
}

/// A pattern that matches from the start up to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Match {
    pub pattern: u32,
    pub end: usize,
}

/// What one thread needs to walk an automaton, and what it has learned of it.
pub(crate) struct Memory {
    cache: Cache,
    dead: Dead,
    /// By pattern: the walk that it was last seen in, and where it stands in that walk's matches.
    seen: Vec<(u32, u32)>,
    walk: u32,
}

impl Automaton {
    pub(crate) fn new(patterns: &[Hir]) -> Result<Self, AutomatonError> {
        let fail = |error: &dyn std::error::Error| AutomatonError { why: deepest(error) };
        let nfa = NFA::compiler()
            .configure(NFA::config().which_captures(WhichCaptures::None).shrink(false).nfa_size_limit(Some(256 << 20)))
            .build_many_from_hir(patterns)
            .map_err(|error| fail(&error))?;
        let plain = nfa.look_set_any().is_empty();
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .cache_capacity(CACHE_BYTES)
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(None);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).map_err(|error| fail(&error))?;
        Ok(Self { dfa, patterns: patterns.len(), plain })
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory { cache: self.dfa.create_cache(), dead: Dead::new(), seen: vec![(0, 0); self.patterns], walk: 0 }
    }

    /// Puts every pattern that matches from `at` into `matches`, with the end of its longest match.
    pub(crate) fn walk(&self, memory: &mut Memory, bytes: &[u8], at: usize, matches: &mut Vec<Match>) {
        matches.clear();
        memory.walk = memory.walk.wrapping_add(1);
        let input = Input::new(bytes).range(at..).anchored(Anchored::Yes);
        let Ok(mut state) = self.dfa.start_state_forward(&mut memory.cache, &input) else { return };
        let limit = bytes.len().min(at + WALK_BYTES_MAX);
        for (i, &byte) in bytes.get(at..limit).unwrap_or_default().iter().enumerate() {
            let Ok(next) = self.dfa.next_state(&mut memory.cache, state, byte) else { return };
            state = next;
            if state.is_tagged() {
                if state.is_match() {
                    // Matches are reported one byte late, so that look-ahead could be honoured.
                    self.report(memory, state, at + i, matches);
                } else if state.is_dead() || state.is_quit() {
                    if matches.is_empty() && self.plain && state.is_dead() {
                        memory.dead.learn(bytes, at, i + 1);
                    }
                    return;
                }
            }
        }
        if limit == bytes.len()
            && let Ok(state) = self.dfa.next_eoi_state(&mut memory.cache, state)
            && state.is_match()
        {
            self.report(memory, state, limit, matches);
        }
    }

    fn report(&self, memory: &mut Memory, state: LazyStateID, end: usize, matches: &mut Vec<Match>) {
        for i in 0..self.dfa.match_len(&memory.cache, state) {
            let pattern = self.dfa.match_pattern(&memory.cache, state, i).as_u32();
            let Some(seen) = memory.seen.get_mut(pattern as usize) else { continue };
            match matches.get_mut(seen.1 as usize) {
                Some(known) if seen.0 == memory.walk => known.end = end,
                _ => {
                    #[expect(clippy::cast_possible_truncation, reason = "no more matches than patterns")]
                    let place = matches.len() as u32;
                    *seen = (memory.walk, place);
                    matches.push(Match { pattern, end });
                }
            }
        }
    }
}

impl Memory {
    /// Whether a match may begin at `at`, as far as earlier walks have told.
    #[inline]
    pub(crate) fn may_start(&self, bytes: &[u8], at: usize) -> bool {
        !self.dead.holds(bytes, at)
    }
}

/// Beginnings that walks have shown to lead nowhere: nothing is computed ahead, and what a kind of file begins its
/// words with is soon known. Exact: only equal bytes are taken for known.
struct Dead {
    /// Beginnings of one byte.
    ones: [bool; 256],
    /// Beginnings of four bytes, and of eight that are alive after four. Zero is an empty place, and no beginning.
    fours: Box<[u32; 1 << DEAD_BITS]>,
    eights: Box<[u64; 1 << DEAD_BITS]>,
}

/// Beginnings of each length that are remembered, as a power of two: the tables of all
/// automata together stay in the second cache.
const DEAD_BITS: u32 = 12;

impl Dead {
    fn new() -> Self {
        let fours = vec![0; 1 << DEAD_BITS].into_boxed_slice().try_into();
        let eights = vec![0; 1 << DEAD_BITS].into_boxed_slice().try_into();
        Self {
            ones: [false; 256],
            fours: fours.unwrap_or_else(|_| Box::new([0; 1 << DEAD_BITS])),
            eights: eights.unwrap_or_else(|_| Box::new([0; 1 << DEAD_BITS])),
        }
    }

    #[inline]
    fn holds(&self, bytes: &[u8], at: usize) -> bool {
        let Some(&eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) else { return false };
        if self.ones[usize::from(eight[0])] {
            return true;
        }
        let eight = u64::from_le_bytes(eight);
        #[expect(clippy::cast_possible_truncation, reason = "its first four bytes")]
        let four = eight as u32;
        self.fours[slot_of_four(four)] == four || self.eights[slot_of_eight(eight)] == eight
    }

    /// The walk from `at` ended after `taken` bytes without a match.
    fn learn(&mut self, bytes: &[u8], at: usize, taken: usize) {
        let Some(&eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) else { return };
        if taken == 1 {
            self.ones[usize::from(eight[0])] = true;
            return;
        }
        let eight = u64::from_le_bytes(eight);
        if taken <= 4 {
            #[expect(clippy::cast_possible_truncation, reason = "its first four bytes")]
            let four = eight as u32;
            self.fours[slot_of_four(four)] = four;
        } else if taken <= 8 {
            self.eights[slot_of_eight(eight)] = eight;
        }
    }
}

#[inline]
fn slot_of_four(four: u32) -> usize {
    (four.wrapping_mul(0x9E37_79B1) >> (32 - DEAD_BITS)) as usize
}

#[inline]
fn slot_of_eight(eight: u64) -> usize {
    (eight.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - DEAD_BITS)) as usize
}

fn deepest(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut error = error;
    while let Some(source) = error.source() {
        text = format!("{text}: {source}");
        error = source;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Automaton, Match};

    fn automaton(patterns: &[&str]) -> Automaton {
        let patterns: Vec<_> = patterns.iter().map(|pattern| regex_syntax::parse(pattern).unwrap()).collect();
        Automaton::new(&patterns).unwrap()
    }

    #[test]
    fn every_pattern_is_reported_with_its_longest_match() {
        let automaton = automaton(&["[0-9]{3}-[0-9]{2}", "[0-9]{3}(-[0-9]{2}){1,2}", "x"]);
        let mut memory = automaton.memory();
        let mut found = Vec::new();
        for _ in 0..2 {
            automaton.walk(&mut memory, b"a 123-45-67", 2, &mut found);
            assert_eq!(found, [Match { pattern: 0, end: 8 }, Match { pattern: 1, end: 11 }]);
        }
    }

    #[test]
    fn what_was_learned_never_hides_a_match() {
        let automaton = automaton(&["[A-Z]{2}[0-9]", "令和[0-9]", "é.", "ab", "q", "[a-z]{6}[0-9]"]);
        let mut memory = automaton.memory();
        let mut found = Vec::new();
        let texts =
            ["AB1 and on", "ABC and on", "令和8年です", "éx and so on", "abz and on", "zzzzzz1 on", "zzzzzz on", "ab"];
        let expected = [1, 0, 1, 1, 1, 1, 0, 1];
        for _ in 0..3 {
            for (text, expected) in texts.iter().zip(expected) {
                let tried = memory.may_start(text.as_bytes(), 0);
                found.clear();
                if tried {
                    automaton.walk(&mut memory, text.as_bytes(), 0, &mut found);
                }
                assert_eq!(found.len(), expected, "{text}");
            }
        }
        assert!(!memory.may_start(b"ABC and on", 0));
        assert!(!memory.may_start(b"zzzzzz on", 0));
    }
}
