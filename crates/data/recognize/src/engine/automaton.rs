//! The patterns of one sort as one automaton, determinised as far as texts lead and walked from a start.
//!
//! The regex crate determinises; what it finds is kept in a table of our own, whose rows are no wider than the
//! patterns tell ASCII bytes apart and whose states carry their matches. Wide rows of which a text touches a byte here
//! and there do not stay in the processor's cache, and a walk then costs ten times as much. Bytes beyond ASCII lie in rows
//! of their own, for the states that meet some.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{NFA, WhichCaptures};
use regex_automata::util::alphabet::ByteClasses;
use regex_automata::util::look::Look;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

use super::context::Through;

/// No identifier is longer than this, in bytes: private keys in PEM are the longest.
const WALK_BYTES_MAX: usize = 8 * 1024;
/// Memory of one thread's determinised states in the regex crate.
const CACHE_BYTES: usize = 16 << 20;
/// States of one thread's table; it is begun anew when a text leads to more.
const STATES_MAX: usize = 1 << 14;

/// How often a walk is begun.
const ATTEMPTS: usize = 2;

/// Why the automaton cannot be built.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the patterns do not make an automaton: {why}")]
pub struct AutomatonError {
    /// The regex crate's words.
    pub why: String,
}

/// Many patterns, all tried at once from one position.
pub(crate) struct Automaton {
    dfa: DFA,
    patterns: usize,
    columns: Columns,
}

/// The columns of a table: one for each class of bytes that the patterns tell apart.
struct Columns {
    /// By byte: its column, among those for ASCII bytes or among those for others.
    of: [u8; 256],
    /// How many there are for ASCII bytes, and the end of the text behind them.
    near: usize,
    /// How many there are for other bytes.
    far: usize,
}

impl Columns {
    fn new(classes: &ByteClasses) -> Self {
        let mut of = [0; 256];
        let (mut near, mut far) = (Vec::new(), Vec::new());
        for byte in 0..=255_u8 {
            let known = if byte.is_ascii() { &mut near } else { &mut far };
            let class = classes.get(byte);
            let column = known.iter().position(|seen| *seen == class).unwrap_or_else(|| {
                known.push(class);
                known.len() - 1
            });
            #[expect(clippy::cast_possible_truncation, reason = "at most 128 columns")]
            let column = column as u8;
            of[usize::from(byte)] = column;
        }
        Self { of, near: near.len() + 1, far: far.len() }
    }
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
    /// How often the table was begun anew: states of another age mean nothing.
    age: u32,
}

/// Where an automaton stands after a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct After(u16);

impl After {
    /// Nothing matches that begins like this.
    pub(crate) const DEAD: Self = Self(Step::DEAD);
    /// It has to be walked.
    pub(crate) const UNKNOWN: Self = Self(Step::UNKNOWN);
}

/// The states found so far. Empty until the first walk.
#[derive(Default)]
struct Table {
    /// By state and column of an ASCII byte; see [`Step`].
    near: Vec<u16>,
    /// By [`State::far`] and column of another byte.
    far: Vec<u16>,
    states: Vec<State>,
    known: HashMap<LazyStateID, u16, BuildHasherDefault<Through>>,
    found: Vec<u32>,
    start: u16,
    /// How often the regex crate had forgotten its states when these were found.
    clears: usize,
}

struct State {
    lazy: LazyStateID,
    /// What matches when it is entered, within `found`.
    matches: (u32, u32),
    /// Where its row for bytes beyond ASCII begins, once it has one.
    far: Option<u32>,
}

/// An entry of the table: not known yet, no way on, or the number of the next state, with a mark when it reports matches.
struct Step;

impl Step {
    const UNKNOWN: u16 = 0;
    const DEAD: u16 = 1;
    /// States are numbered from here, so that none is mistaken for one of the above. The rows before it stay empty.
    const FIRST: u16 = 2;
    const MATCH: u16 = 1 << 15;
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
        let columns = Columns::new(dfa.byte_classes());
        Ok(Self { dfa, patterns: patterns.len(), columns })
    }

    pub(crate) fn memory(&self) -> Memory {
        let seen = vec![(0, 0); self.patterns];
        Memory { cache: self.dfa.create_cache(), table: Table::default(), seen, walk: 0, age: 0 }
    }

    /// Puts every pattern that matches from `at` into `matches`, with the end of its longest match. Returns after how
    /// many bytes nothing could match any more, the end of the text counting as one, or `None` when the walk was cut.
    pub(crate) fn walk(&self, memory: &mut Memory, bytes: &[u8], at: usize, matches: &mut Vec<Match>) -> Option<usize> {
        // The regex crate forgets its states when they fill its memory: once in gigabytes, and then the walk begins again.
        (0..ATTEMPTS).find_map(|_| self.attempt(memory, bytes, at, matches)).flatten()
    }

    /// As [`Self::walk`]; `None` when the states were forgotten on the way.
    fn attempt(&self, memory: &mut Memory, bytes: &[u8], at: usize, matches: &mut Vec<Match>) -> Option<Option<usize>> {
        self.begin(memory)?;
        let start = memory.table.start;
        self.go_on(memory, bytes, (at, 0), start, matches)
    }

    /// Where a walk over `word` leads. What would match before the word's end is left out unless `stays_open` says of
    /// its pattern that it may end inside of a word: then the walk has to be made.
    pub(crate) fn after(&self, memory: &mut Memory, word: &[u8], stays_open: impl Fn(u32) -> bool) -> After {
        self.follow(memory, word, stays_open).unwrap_or(After::UNKNOWN)
    }

    fn follow(&self, memory: &mut Memory, word: &[u8], stays_open: impl Fn(u32) -> bool) -> Option<After> {
        self.begin(memory)?;
        let mut row = memory.table.start;
        for &byte in word {
            let mut step = self.next(memory, row, Some(byte))?;
            if step == Step::DEAD {
                return Some(After::DEAD);
            }
            if step & Step::MATCH != 0 {
                step &= !Step::MATCH;
                if memory.table.matches(step).iter().any(|&pattern| stays_open(pattern)) {
                    return Some(After::UNKNOWN);
                }
            }
            row = step;
        }
        Some(After(row))
    }

    /// As [`Self::walk`] from `at`, of which the first `taken` bytes are known to lead to `after`. None when that is not
    /// known any more.
    pub(crate) fn resume(
        &self,
        memory: &mut Memory,
        bytes: &[u8],
        (at, taken): (usize, usize),
        after: After,
        matches: &mut Vec<Match>,
    ) -> Option<Option<usize>> {
        if memory.table.clears != memory.cache.clear_count() {
            return None;
        }
        self.go_on(memory, bytes, (at, taken), after.0, matches)
    }

    /// Whether something may match from `at`, as far as `most` bytes tell.
    pub(crate) fn may_match(&self, memory: &mut Memory, bytes: &[u8], at: usize, most: usize) -> bool {
        self.look(memory, bytes.get(at..).unwrap_or_default(), most).unwrap_or(true)
    }

    fn look(&self, memory: &mut Memory, rest: &[u8], most: usize) -> Option<bool> {
        self.begin(memory)?;
        let mut row = memory.table.start;
        for &byte in rest.iter().take(most) {
            let step = self.next(memory, row, Some(byte))?;
            if step == Step::DEAD || step & Step::MATCH != 0 {
                return Some(step != Step::DEAD);
            }
            row = step;
        }
        if rest.len() > most {
            return Some(true);
        }
        let step = self.next(memory, row, None)?;
        Some(step & Step::MATCH != 0)
    }

    /// How often the states were numbered anew.
    pub(crate) fn age(memory: &Memory) -> u32 {
        memory.age
    }

    #[inline]
    fn go_on(
        &self,
        memory: &mut Memory,
        bytes: &[u8],
        (at, taken): (usize, usize),
        mut row: u16,
        matches: &mut Vec<Match>,
    ) -> Option<Option<usize>> {
        matches.clear();
        memory.walk = memory.walk.wrapping_add(1);
        let rest = bytes.get(at + taken..)?;
        for (i, &byte) in rest.iter().take(WALK_BYTES_MAX).enumerate() {
            let mut step = self.next(memory, row, Some(byte))?;
            if step == Step::DEAD {
                return Some(Some(taken + i + 1));
            }
            if step & Step::MATCH != 0 {
                // Matches are reported one byte late, so that look-ahead could be honoured.
                memory.report(step, at + taken + i, matches);
                step &= !Step::MATCH;
            }
            row = step;
        }
        if rest.len() > WALK_BYTES_MAX {
            return Some(None);
        }
        let step = self.next(memory, row, None)?;
        if step & Step::MATCH != 0 {
            memory.report(step, bytes.len(), matches);
        }
        Some(Some(taken + rest.len() + 1))
    }

    /// Makes the table ready: at first, and when it has grown too large or the regex crate has forgotten its states.
    fn begin(&self, memory: &mut Memory) -> Option<()> {
        let table = &memory.table;
        if !table.states.is_empty() && table.states.len() < STATES_MAX && table.clears == memory.cache.clear_count() {
            return Some(());
        }
        if table.states.len() >= STATES_MAX {
            self.dfa.reset_cache(&mut memory.cache);
        }
        let start = self.dfa.start_state(&mut memory.cache, &start::Config::new().anchored(Anchored::Yes)).ok()?;
        memory.age = memory.age.wrapping_add(1);
        memory.table = Table {
            near: vec![Step::UNKNOWN; usize::from(Step::FIRST) * self.columns.near],
            clears: memory.cache.clear_count(),
            ..Table::default()
        };
        memory.table.start = self.enter(memory, start)? & !Step::MATCH;
        Some(())
    }

    /// The step from a state at a byte, or at the end of the text.
    #[inline]
    fn next(&self, memory: &mut Memory, row: u16, byte: Option<u8>) -> Option<u16> {
        let step = match byte {
            Some(byte) => memory.table.step(&self.columns, row, byte),
            None => memory.table.last_step(&self.columns, row),
        };
        if step == Step::UNKNOWN { self.explore(memory, row, byte) } else { Some(step) }
    }

    /// Works out one entry of the table. `None` when the regex crate forgot its states meanwhile.
    #[cold]
    #[inline(never)]
    fn explore(&self, memory: &mut Memory, row: u16, byte: Option<u8>) -> Option<u16> {
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
        if let Some(entry) = memory.table.entry(&self.columns, row, byte) {
            *entry = step;
        }
        Some(step)
    }

    /// The step into a state, which gets a row when it is new.
    fn enter(&self, memory: &mut Memory, lazy: LazyStateID) -> Option<u16> {
        let table = &mut memory.table;
        if let Some(&step) = table.known.get(&lazy) {
            return Some(step);
        }
        let row =
            u16::try_from(table.states.len()).ok()?.checked_add(Step::FIRST).filter(|row| row & Step::MATCH == 0)?;
        let first = u32::try_from(table.found.len()).ok()?;
        let mut step = row;
        if lazy.is_match() {
            step |= Step::MATCH;
            let count = self.dfa.match_len(&memory.cache, lazy);
            table.found.extend((0..count).map(|i| self.dfa.match_pattern(&memory.cache, lazy, i).as_u32()));
        }
        let last = u32::try_from(table.found.len()).ok()?;
        table.near.resize(table.near.len() + self.columns.near, Step::UNKNOWN);
        table.states.push(State { lazy, matches: (first, last), far: None });
        table.known.insert(lazy, step);
        Some(step)
    }
}

impl Table {
    #[inline]
    fn step(&self, columns: &Columns, row: u16, byte: u8) -> u16 {
        let column = usize::from(columns.of[usize::from(byte)]);
        if byte.is_ascii() {
            return self.near.get(usize::from(row) * columns.near + column).copied().unwrap_or(Step::DEAD);
        }
        let Some(far) = self.state(row).and_then(|state| state.far) else { return Step::UNKNOWN };
        self.far.get(far as usize + column).copied().unwrap_or(Step::DEAD)
    }

    /// The step at the end of the text.
    fn last_step(&self, columns: &Columns, row: u16) -> u16 {
        self.near.get((usize::from(row) + 1) * columns.near - 1).copied().unwrap_or(Step::DEAD)
    }

    /// Where the step at a byte, or at the end of the text, is kept.
    fn entry(&mut self, columns: &Columns, row: u16, byte: Option<u8>) -> Option<&mut u16> {
        let column = byte.map_or(columns.near - 1, |byte| usize::from(columns.of[usize::from(byte)]));
        if byte.is_none_or(|byte| byte.is_ascii()) {
            return self.near.get_mut(usize::from(row) * columns.near + column);
        }
        let state = self.states.get_mut(usize::from(row.checked_sub(Step::FIRST)?))?;
        let far = match state.far {
            Some(far) => far,
            None => {
                let far = u32::try_from(self.far.len()).ok()?;
                self.far.resize(self.far.len() + columns.far, Step::UNKNOWN);
                *state.far.insert(far)
            }
        };
        self.far.get_mut(far as usize + column)
    }

    /// The patterns that match when the state of `row` is entered.
    fn matches(&self, row: u16) -> &[u32] {
        let Some(&State { matches: (first, last), .. }) = self.state(row) else { return &[] };
        self.found.get(first as usize..last as usize).unwrap_or_default()
    }

    fn state(&self, row: u16) -> Option<&State> {
        self.states.get(usize::from(row.checked_sub(Step::FIRST)?))
    }
}

impl Memory {
    fn report(&mut self, step: u16, end: usize, matches: &mut Vec<Match>) {
        for &pattern in self.table.matches(step & !Step::MATCH) {
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
