//! The patterns of one sort as one automaton, determinised as far as texts lead and walked from a start.
//!
//! The regex crate determinises; what it finds is kept in a table of our own, whose rows are no wider than the
//! patterns tell bytes apart and whose states carry their matches. Wide rows of which a text touches a byte here and
//! there do not stay in the processor's cache, and a walk then costs ten times as much.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{NFA, WhichCaptures};
use regex_automata::util::look::Look;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

use super::context::Through;

/// No identifier is longer than this, in bytes: private keys in PEM are the longest.
const WALK_BYTES_MAX: usize = 8 * 1024;
/// Memory of one thread's determinised states in the regex crate.
const CACHE_BYTES: usize = 16 << 20;
/// Entries of one thread's table; it is begun anew when a text leads to more.
const ENTRIES_MAX: usize = 4 << 20;

/// How often a walk is begun.
const ATTEMPTS: usize = 2;

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
}

/// A pattern that matches from the start up to `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Match {
    pub pattern: u32,
    pub end: usize,
}

/// What one thread needs to walk an automaton.
pub(crate) struct Memory {
    cache: Cache,
    table: Table,
    /// By pattern: the walk that it was last seen in, and where it stands in that walk's matches.
    seen: Vec<(u32, u32)>,
    walk: u32,
}

/// The states found so far. Empty until the first walk.
#[derive(Default)]
struct Table {
    /// By state and class of byte; see [`Step`].
    steps: Vec<u32>,
    /// Classes of bytes, and the end of the text behind them.
    stride: usize,
    states: Vec<State>,
    known: HashMap<LazyStateID, u32, BuildHasherDefault<Through>>,
    found: Vec<u32>,
    start: u32,
    /// How often the regex crate had forgotten its states when these were found.
    clears: usize,
}

struct State {
    lazy: LazyStateID,
    /// What matches when it is entered, within `found`.
    matches: (u32, u32),
}

/// An entry of the table: not known yet, no way on, or the next row, with a mark when it reports matches.
struct Step;

impl Step {
    const UNKNOWN: u32 = 0;
    const DEAD: u32 = 1;
    /// Rows begin here, so that none is mistaken for one of the above.
    const FIRST: u32 = 2;
    const MATCH: u32 = 1 << 31;
}

impl Automaton {
    pub(crate) fn new(patterns: &[Hir]) -> Result<Self, AutomatonError> {
        let fail = |error: &dyn std::error::Error| AutomatonError { why: deepest(error) };
        let nfa = NFA::compiler()
            .configure(NFA::config().which_captures(WhichCaptures::None).shrink(false).nfa_size_limit(Some(256 << 20)))
            .build_many_from_hir(patterns)
            .map_err(|error| fail(&error))?;
        if !nfa.look_set_any().iter().all(|look| matches!(look, Look::End | Look::EndLF)) {
            let why = "a pattern looks at what stands before it; the engine sees to token boundaries itself".to_owned();
            return Err(AutomatonError { why });
        }
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .cache_capacity(CACHE_BYTES)
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(None);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).map_err(|error| fail(&error))?;
        Ok(Self { dfa, patterns: patterns.len() })
    }

    pub(crate) fn memory(&self) -> Memory {
        let seen = vec![(0, 0); self.patterns];
        Memory { cache: self.dfa.create_cache(), table: Table::default(), seen, walk: 0 }
    }

    /// Puts every pattern that matches from `at` into `matches`, with the end of its longest match. Returns after how
    /// many bytes nothing could match any more, the end of the text counting as one, or `None` when the walk was cut.
    pub(crate) fn walk(&self, memory: &mut Memory, bytes: &[u8], at: usize, matches: &mut Vec<Match>) -> Option<usize> {
        // The regex crate forgets its states when they fill its memory: once in gigabytes, and then the walk begins again.
        (0..ATTEMPTS).find_map(|_| self.attempt(memory, bytes, at, matches)).flatten()
    }

    /// As [`Self::walk`]; `None` when the states were forgotten on the way.
    fn attempt(&self, memory: &mut Memory, bytes: &[u8], at: usize, matches: &mut Vec<Match>) -> Option<Option<usize>> {
        matches.clear();
        memory.walk = memory.walk.wrapping_add(1);
        self.begin(memory)?;
        let classes = self.dfa.byte_classes();
        let rest = bytes.get(at..)?;
        let mut row = memory.table.start;
        for (i, &byte) in rest.iter().take(WALK_BYTES_MAX).enumerate() {
            let class = usize::from(classes.get(byte));
            let mut step = memory.table.step(row, class);
            if step == Step::UNKNOWN {
                step = self.explore(memory, row, class, Some(byte))?;
            }
            if step == Step::DEAD {
                return Some(Some(i + 1));
            }
            if step & Step::MATCH != 0 {
                // Matches are reported one byte late, so that look-ahead could be honoured.
                memory.report(step, at + i, matches);
                step &= !Step::MATCH;
            }
            row = step;
        }
        if rest.len() > WALK_BYTES_MAX {
            return Some(None);
        }
        let class = memory.table.stride - 1;
        let mut step = memory.table.step(row, class);
        if step == Step::UNKNOWN {
            step = self.explore(memory, row, class, None)?;
        }
        if step & Step::MATCH != 0 {
            memory.report(step, bytes.len(), matches);
        }
        Some(Some(rest.len() + 1))
    }

    /// Makes the table ready: at first, and when it has grown too large or the regex crate has forgotten its states.
    fn begin(&self, memory: &mut Memory) -> Option<()> {
        let table = &memory.table;
        if !table.states.is_empty() && table.steps.len() < ENTRIES_MAX && table.clears == memory.cache.clear_count() {
            return Some(());
        }
        if table.steps.len() >= ENTRIES_MAX {
            self.dfa.reset_cache(&mut memory.cache);
        }
        let start = self.dfa.start_state(&mut memory.cache, &start::Config::new().anchored(Anchored::Yes)).ok()?;
        memory.table = Table {
            stride: self.dfa.byte_classes().alphabet_len(),
            steps: vec![Step::UNKNOWN; Step::FIRST as usize],
            clears: memory.cache.clear_count(),
            ..Table::default()
        };
        memory.table.start = self.enter(memory, start)? & !Step::MATCH;
        Some(())
    }

    /// Works out one entry of the table. `None` when the regex crate forgot its states meanwhile.
    #[cold]
    #[inline(never)]
    fn explore(&self, memory: &mut Memory, row: u32, class: usize, byte: Option<u8>) -> Option<u32> {
        let lazy = memory.table.state(row)?.lazy;
        let next = match byte {
            Some(byte) => self.dfa.next_state(&mut memory.cache, lazy, byte),
            None => self.dfa.next_eoi_state(&mut memory.cache, lazy),
        };
        let next = next.ok()?;
        if memory.cache.clear_count() != memory.table.clears {
            return None;
        }
        let step = if next.is_dead() || next.is_quit() { Step::DEAD } else { self.enter(memory, next)? };
        if let Some(entry) = memory.table.steps.get_mut(row as usize + class) {
            *entry = step;
        }
        Some(step)
    }

    /// The step into a state, which gets a row when it is new.
    fn enter(&self, memory: &mut Memory, lazy: LazyStateID) -> Option<u32> {
        let table = &mut memory.table;
        if let Some(&step) = table.known.get(&lazy) {
            return Some(step);
        }
        let row = u32::try_from(table.steps.len()).ok()?;
        let first = u32::try_from(table.found.len()).ok()?;
        let mut step = row;
        if lazy.is_match() {
            step |= Step::MATCH;
            let count = self.dfa.match_len(&memory.cache, lazy);
            table.found.extend((0..count).map(|i| self.dfa.match_pattern(&memory.cache, lazy, i).as_u32()));
        }
        let last = u32::try_from(table.found.len()).ok()?;
        table.steps.resize(table.steps.len() + table.stride, Step::UNKNOWN);
        table.states.push(State { lazy, matches: (first, last) });
        table.known.insert(lazy, step);
        Some(step)
    }
}

impl Table {
    #[inline]
    fn step(&self, row: u32, class: usize) -> u32 {
        self.steps.get(row as usize + class).copied().unwrap_or(Step::DEAD)
    }

    fn state(&self, row: u32) -> Option<&State> {
        self.states.get((row - Step::FIRST) as usize / self.stride)
    }
}

impl Memory {
    fn report(&mut self, step: u32, end: usize, matches: &mut Vec<Match>) {
        let Some(&State { matches: (first, last), .. }) = self.table.state(step & !Step::MATCH) else { return };
        for &pattern in self.table.found.get(first as usize..last as usize).unwrap_or_default() {
            let Some(seen) = self.seen.get_mut(pattern as usize) else { continue };
            match matches.get_mut(seen.1 as usize) {
                Some(known) if seen.0 == self.walk => known.end = end,
                _ => {
                    #[expect(clippy::cast_possible_truncation, reason = "no more matches than patterns")]
                    let place = matches.len() as u32;
                    *seen = (self.walk, place);
                    matches.push(Match { pattern, end });
                }
            }
        }
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
    use super::{Automaton, AutomatonError, Match};

    fn automaton(patterns: &[&str]) -> Result<Automaton, AutomatonError> {
        let patterns: Vec<_> = patterns.iter().map(|pattern| regex_syntax::parse(pattern).unwrap()).collect();
        Automaton::new(&patterns)
    }

    #[test]
    fn every_pattern_is_reported_with_its_longest_match() {
        let automaton =
            automaton(&["[0-9]{3}-[0-9]{2}", "[0-9]{3}(-[0-9]{2}){1,2}", "x", "[0-9]{3}-[0-9]{2}$"]).unwrap();
        let mut memory = automaton.memory();
        let mut found = Vec::new();
        let m = |pattern, end| Match { pattern, end };
        for _ in 0..2 {
            // The full stop reports the match before it; only the end of the text says that no other follows.
            assert_eq!(automaton.walk(&mut memory, b"a 123-45-67.", 2, &mut found), Some(11));
            assert_eq!(found, [m(0, 8), m(1, 11)]);
            assert_eq!(automaton.walk(&mut memory, b"a 123-45", 2, &mut found), Some(7));
            assert_eq!(found, [m(0, 8), m(1, 8), m(3, 8)]);
            assert_eq!(automaton.walk(&mut memory, b"a 123-45", 0, &mut found), Some(1));
            assert_eq!(found, []);
        }
    }

    #[test]
    fn patterns_that_look_back_are_refused() {
        assert!(automaton(&["a", r"\bb"]).is_err());
        assert!(automaton(&["^a"]).is_err());
    }
}
