//! Where the identifier lies in a match of which it is only a part.

use std::sync::OnceLock;

use regex_automata::dfa::onepass;
use regex_automata::nfa::thompson::NFA;
use regex_automata::nfa::thompson::backtrack::{self, BoundedBacktracker};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input};

/// The group of a pattern that holds the identifier.
const GROUP: &str = "value";

/// A pattern with a `value` group, compiled when first needed.
#[derive(Default)]
pub(super) struct Value(OnceLock<Option<Finder>>);

/// What one thread needs to find values.
pub(super) struct Memory {
    onepass: Option<onepass::Cache>,
    backtrack: Option<backtrack::Cache>,
    slots: Vec<Option<NonMaxUsize>>,
}

struct Finder {
    search: Search,
    /// The first of the group's two slots.
    slot: usize,
    slots: usize,
}

enum Search {
    /// For patterns of which each byte allows one way on.
    OnePass(Box<onepass::DFA>),
    Backtrack(BoundedBacktracker),
}

impl Memory {
    pub(super) const fn new() -> Self {
        Self { onepass: None, backtrack: None, slots: Vec::new() }
    }
}

impl Value {
    /// The group's range in the match of `pattern` at `at..end`. No match is longer than that, so that nothing is
    /// lost by ending there.
    pub(super) fn find(
        &self,
        pattern: &str,
        text: &str,
        (at, end): (usize, usize),
        memory: &mut Memory,
    ) -> Option<(usize, usize)> {
        let finder = self.0.get_or_init(|| Finder::new(pattern)).as_ref()?;
        let input = Input::new(text).range(at..end).anchored(Anchored::Yes);
        memory.slots.clear();
        memory.slots.resize(finder.slots, None);
        match &finder.search {
            Search::OnePass(dfa) => {
                let cache = memory.onepass.get_or_insert_with(|| dfa.create_cache());
                cache.reset(dfa);
                dfa.try_search_slots(cache, &input, &mut memory.slots).ok()?;
            }
            Search::Backtrack(search) => {
                let cache = memory.backtrack.get_or_insert_with(|| search.create_cache());
                cache.reset(search);
                search.try_search_slots(cache, &input, &mut memory.slots).ok()?;
            }
        }
        let slot = |at: usize| memory.slots.get(at).copied().flatten().map(NonMaxUsize::get);
        Some((slot(finder.slot)?, slot(finder.slot + 1)?))
    }
}

impl Finder {
    fn new(pattern: &str) -> Option<Self> {
        let nfa = NFA::new(pattern).ok()?;
        let info = nfa.group_info();
        let group = info.to_index(regex_automata::PatternID::ZERO, GROUP)?;
        let (slot, slots) = (group * 2, info.slot_len());
        let search = match onepass::DFA::new_from_nfa(nfa.clone()) {
            Ok(dfa) => Search::OnePass(Box::new(dfa)),
            Err(_several_ways) => Search::Backtrack(BoundedBacktracker::new_from_nfa(nfa).ok()?),
        };
        Some(Self { search, slot, slots })
    }
}

#[cfg(test)]
mod tests {
    use super::{Memory, Value};

    #[test]
    fn the_group_is_found_one_way_or_several() {
        let (once, several) = (Value::default(), Value::default());
        let mut memory = Memory::new();
        for _ in 0..2 {
            let found = once.find("id: (?P<value>[0-9]+)", "an id: 123 ", (3, 10), &mut memory);
            assert_eq!(found, Some((7, 10)));
            // What comes first takes as much as it can.
            let found = several.find("[a-z ]*(?P<value>[a-z]{2,4}[0-9]+)", "name abcd12", (0, 11), &mut memory);
            assert_eq!(found, Some((7, 11)));
        }
    }
}
