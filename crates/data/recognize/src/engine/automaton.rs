//! All patterns as one lazily determinised automaton, walked from a start.

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{NFA, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind, util::start};

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
    alive: Alive,
}

/// A pattern that matches from the start up to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Match {
    pub pattern: u32,
    pub end: usize,
}

impl Automaton {
    pub(crate) fn new(patterns: &[String]) -> Result<Self, AutomatonError> {
        let fail = |error: &dyn std::error::Error| AutomatonError { why: deepest(error) };
        let nfa = NFA::compiler()
            .configure(NFA::config().which_captures(WhichCaptures::None).shrink(false).nfa_size_limit(Some(256 << 20)))
            .build_many(patterns)
            .map_err(|error| fail(&error))?;
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .cache_capacity(CACHE_BYTES)
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(None);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).map_err(|error| fail(&error))?;
        let alive = Alive::of(&dfa);
        Ok(Self { dfa, alive })
    }

    pub(crate) fn cache(&self) -> Cache {
        self.dfa.create_cache()
    }

    /// Whether any pattern can match from `at`, judged by the first three bytes.
    #[inline]
    pub(crate) fn may_start(&self, bytes: &[u8], at: usize) -> bool {
        self.alive.may_start(bytes, at)
    }

    /// Every pattern that matches from `at`, with each end that `accept`s (the pattern's index and the end).
    /// Ends come in ascending order.
    pub(crate) fn walk(&self, cache: &mut Cache, bytes: &[u8], at: usize, mut each: impl FnMut(Match)) {
        let input = Input::new(bytes).range(at..).anchored(Anchored::Yes);
        let Ok(mut state) = self.dfa.start_state_forward(cache, &input) else { return };
        let limit = bytes.len().min(at + WALK_BYTES_MAX);
        let mut report = |cache: &Cache, state, end| {
            for i in 0..self.dfa.match_len(cache, state) {
                each(Match { pattern: self.dfa.match_pattern(cache, state, i).as_u32(), end });
            }
        };
        for (i, &byte) in bytes.iter().enumerate().take(limit).skip(at) {
            let Ok(next) = self.dfa.next_state(cache, state, byte) else { return };
            state = next;
            if state.is_tagged() {
                if state.is_match() {
                    // Matches are reported one byte late, so that look-ahead could be honoured.
                    report(cache, state, i);
                } else if state.is_dead() || state.is_quit() {
                    return;
                }
            }
        }
        if limit == bytes.len()
            && let Ok(state) = self.dfa.next_eoi_state(cache, state)
            && state.is_match()
        {
            report(cache, state, limit);
        }
    }
}

/// Which first three bytes any pattern survives: pairs exactly, triples hashed. A pair after which a match may
/// already be complete is `sure`, whatever comes third.
struct Alive {
    pairs: Box<[u64; 1024]>,
    sure: Box<[u64; 1024]>,
    triples: Box<[u64; 1024]>,
}

impl Alive {
    fn of(dfa: &DFA) -> Self {
        let empty = || Box::new([0; 1024]);
        let mut alive = Self { pairs: empty(), sure: empty(), triples: empty() };
        let mut cache = dfa.create_cache();
        let Ok(start) = dfa.start_state(&mut cache, &start::Config::new().anchored(Anchored::Yes)) else {
            let full = || Box::new([u64::MAX; 1024]);
            return Self { pairs: full(), sure: full(), triples: full() };
        };
        let classes = byte_classes(dfa);
        for (one, ones) in &classes {
            let after_one = match step(dfa, &mut cache, start, *one) {
                After::Dead => continue,
                After::Sure => {
                    for (one, two) in ones.iter().flat_map(|one| (0..=255).map(move |two| (*one, two))) {
                        alive.add(one, two, true, &[]);
                    }
                    continue;
                }
                After::Alive(state) => state,
            };
            for (two, twos) in &classes {
                let after_two = step(dfa, &mut cache, after_one, *two);
                let thirds: Vec<u8> = match after_two {
                    After::Dead => continue,
                    After::Sure => Vec::new(),
                    After::Alive(state) => classes
                        .iter()
                        .filter(|(three, _)| !matches!(step(dfa, &mut cache, state, *three), After::Dead))
                        .flat_map(|(_, threes)| threes.iter().copied())
                        .collect(),
                };
                let sure = matches!(after_two, After::Sure);
                for (one, two) in ones.iter().flat_map(|one| twos.iter().map(move |two| (*one, *two))) {
                    alive.add(one, two, sure, &thirds);
                }
            }
        }
        alive
    }

    fn add(&mut self, one: u8, two: u8, sure: bool, thirds: &[u8]) {
        let pair = usize::from(one) << 8 | usize::from(two);
        set(&mut self.pairs, pair);
        if sure {
            set(&mut self.sure, pair);
        }
        for &three in thirds {
            set(&mut self.triples, triple(one, two, three));
        }
    }

    #[inline]
    fn may_start(&self, bytes: &[u8], at: usize) -> bool {
        match bytes.get(at..at + 3) {
            Some(&[one, two, three]) => {
                let pair = usize::from(one) << 8 | usize::from(two);
                test(&self.pairs, pair) && (test(&self.triples, triple(one, two, three)) || test(&self.sure, pair))
            }
            // The last two bytes of a text: too few to judge by three, and too rare to matter.
            _ => true,
        }
    }
}

#[inline]
fn set(bits: &mut [u64; 1024], at: usize) {
    bits[at / 64] |= 1 << (at % 64);
}

#[inline]
fn test(bits: &[u64; 1024], at: usize) -> bool {
    bits[at / 64] >> (at % 64) & 1 == 1
}

#[inline]
fn triple(one: u8, two: u8, three: u8) -> usize {
    let bytes = u32::from(one) << 16 | u32::from(two) << 8 | u32::from(three);
    (bytes.wrapping_mul(0x9E37_79B1) >> 16) as usize
}

/// One byte of each class of bytes that no pattern tells apart, with the bytes of that class.
fn byte_classes(dfa: &DFA) -> Vec<(u8, Vec<u8>)> {
    let mut classes: Vec<(u8, Vec<u8>)> = Vec::new();
    let mut of_class = std::collections::HashMap::new();
    for byte in 0..=255u8 {
        let class = dfa.byte_classes().get(byte);
        let index = *of_class.entry(class).or_insert_with(|| {
            classes.push((byte, Vec::new()));
            classes.len() - 1
        });
        classes[index].1.push(byte);
    }
    classes
}

/// What is left of the patterns after one more byte.
enum After {
    Dead,
    Alive(LazyStateID),
    /// A match is complete, or the automaton cannot tell: always worth a walk.
    Sure,
}

fn step(dfa: &DFA, cache: &mut Cache, state: LazyStateID, byte: u8) -> After {
    match dfa.next_state(cache, state, byte) {
        Ok(next) if next.is_dead() => After::Dead,
        // A match shows one byte late: `next` matches when `state` had completed a pattern.
        Ok(next) if !next.is_match() && !next.is_quit() => {
            let completes = dfa.next_eoi_state(cache, next).is_ok_and(|last| last.is_match());
            if completes { After::Sure } else { After::Alive(next) }
        }
        _ => After::Sure,
    }
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

    fn matches(patterns: &[&str], text: &str, at: usize) -> Vec<Match> {
        let patterns: Vec<String> = patterns.iter().map(|&p| p.to_owned()).collect();
        let automaton = Automaton::new(&patterns).unwrap();
        let mut cache = automaton.cache();
        let mut found = Vec::new();
        automaton.walk(&mut cache, text.as_bytes(), at, |m| found.push(m));
        found
    }

    #[test]
    fn all_patterns_and_all_ends_are_reported() {
        let found = matches(&["[0-9]{3}-[0-9]{2}", "[0-9]{3}(-[0-9]{2}){1,2}", "x"], "a 123-45-67", 2);
        assert_eq!(found, [Match { pattern: 0, end: 8 }, Match { pattern: 1, end: 8 }, Match { pattern: 1, end: 11 }]);
    }

    #[test]
    fn the_filter_never_hides_a_match() {
        let patterns = ["[A-Z]{2}[0-9]", "令和[0-9]", "é.", "ab", "q"];
        let owned: Vec<String> = patterns.iter().map(|&p| p.to_owned()).collect();
        let automaton = Automaton::new(&owned).unwrap();
        for text in ["AB1", "令和8年", "éx", "ab", "abz"] {
            assert!(automaton.may_start(text.as_bytes(), 0), "{text}");
        }
        assert!(!automaton.may_start(b"zzz", 0));
        assert!(!automaton.may_start(b"Abc", 0));
    }
}
