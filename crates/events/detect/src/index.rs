//! All questions about one field in; those that a value answers with yes, out.

use crate::pattern::{Part, Pattern, fold};
use crate::test::{Network, Number, Order, Test, TimePart};
use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton as _, StateID};
use aho_corasick::dfa::DFA;
use daachorse::DoubleArrayAhoCorasick;
use regex_automata::meta::Regex;
use std::collections::HashMap;

/// A question: one or more tests of one field, any of which may pass.
pub(crate) type PredicateId = u32;

/// What must hold beside a literal's having been found.
#[derive(Clone, Debug)]
enum Anchor {
    Anywhere,
    Start,
    End,
    /// The whole pattern with this index is tried, once for a value.
    Whole(usize),
}

/// Literals whose lengths add up to no more than this, in bytes, are walked by a table of all transitions, which is several
/// times faster than the double array where a text holds many beginnings of literals; beyond, the table would grow too large.
const TABLE_MAX: usize = 12_000;

/// Finds all literals in a text.
enum Automaton {
    Table(Box<DFA>),
    DoubleArray(DoubleArrayAhoCorasick<u32>),
}

impl Automaton {
    fn new(literals: Vec<(String, u32)>) -> Result<Self, String> {
        let told = |error: &dyn std::fmt::Display| format!("the texts of the rules make no automaton: {error}");
        if literals.iter().map(|(text, _)| text.len()).sum::<usize>() > TABLE_MAX {
            return DoubleArrayAhoCorasick::with_values(literals).map(Self::DoubleArray).map_err(|error| told(&error));
        }
        let mut texts: Vec<String> = Vec::new();
        texts.resize(literals.len(), String::new());
        for (text, at) in literals {
            if let Some(place) = texts.get_mut(at as usize) {
                *place = text;
            }
        }
        DFA::builder()
            .prefilter(false)
            .build(&texts)
            .map(|table| Self::Table(Box::new(table)))
            .map_err(|error| told(&error))
    }

    /// Hands over each literal found: which, and from where to where.
    fn find(&self, text: &str, mut each: impl FnMut(usize, usize, usize)) {
        match self {
            Self::DoubleArray(automaton) => {
                for hit in automaton.find_overlapping_iter(text.as_bytes()) {
                    each(hit.value() as usize, hit.start(), hit.end());
                }
            }
            Self::Table(table) => walk(table, text.as_bytes(), &mut each),
        }
    }
}

/// Texts at least this long, in bytes, are walked in four places at once: each step waits for the memory of the one before.
const LANES_FROM: usize = 512;

/// Walks a text through a table of transitions.
fn walk(table: &DFA, text: &[u8], each: &mut impl FnMut(usize, usize, usize)) {
    let Ok(start) = table.start_state(Anchored::No) else { return };
    let mut told = |state: StateID, end: usize, after: usize| {
        if table.is_match(state) && end > after {
            for which in 0..table.match_len(state) {
                let pattern = table.match_pattern(state, which);
                each(pattern.as_usize(), end - table.pattern_len(pattern), end);
            }
        }
    };
    let share = text.len() / 4;
    // A literal that ends in a lane begins no further before it than this.
    let overlap = table.max_pattern_len().saturating_sub(1);
    if text.len() < LANES_FROM || overlap >= share {
        let mut state = start;
        for (at, byte) in text.iter().enumerate() {
            state = table.next_state(Anchored::No, state, *byte);
            if table.is_special(state) {
                told(state, at + 1, 0);
            }
        }
        return;
    }
    let bounds = [0, share, 2 * share, 3 * share, text.len()];
    let lane = |which: usize| -> (usize, usize, &[u8]) {
        let from: usize = bounds.get(which).copied().unwrap_or(0);
        let to = bounds.get(which + 1).copied().unwrap_or(text.len());
        let begin = from.saturating_sub(overlap);
        (from, begin, text.get(begin..to).unwrap_or_default())
    };
    let lanes = [lane(0), lane(1), lane(2), lane(3)];
    let [(_, _, first), (_, _, second), (_, _, third), (_, _, fourth)] = lanes;
    let mut states = [start; 4];
    let mut together = 0;
    for (((a, b), c), d) in first.iter().zip(second).zip(third).zip(fourth) {
        together += 1;
        let [s, t, u, v] = states;
        states = [
            table.next_state(Anchored::No, s, *a),
            table.next_state(Anchored::No, t, *b),
            table.next_state(Anchored::No, u, *c),
            table.next_state(Anchored::No, v, *d),
        ];
        if states.iter().any(|state| table.is_special(*state)) {
            for (state, (from, begin, _)) in states.iter().zip(&lanes) {
                told(*state, begin + together, *from);
            }
        }
    }
    for (mut state, (from, begin, bytes)) in states.into_iter().zip(lanes) {
        for (at, byte) in bytes.iter().enumerate().skip(together) {
            state = table.next_state(Anchored::No, state, *byte);
            if table.is_special(state) {
                told(state, begin + at + 1, from);
            }
        }
    }
}

/// Tells quickly that no keyword of some questions can be in an event, from its bytes as they lie.
pub(crate) struct KeywordFilter {
    table: DFA,
    grams: Option<Grams>,
}

/// Four bytes at a time, by a hash of 16 bits: which ones stand in a literal.
struct Grams {
    bits: Box<[u64; 1024]>,
    /// Every literal holds all of its four bytes at one of any so many neighbouring places.
    stride: usize,
    /// The longest literal, in bytes.
    longest: usize,
}

impl Grams {
    /// Only where the shortest literal lets steps be worth their while.
    fn new(literals: &std::collections::BTreeSet<String>) -> Option<Self> {
        let shortest = literals.iter().map(String::len).min()?;
        let stride = shortest.checked_sub(3).filter(|stride| *stride >= 3)?;
        let mut bits = Box::new([0_u64; 1024]);
        for gram in literals.iter().flat_map(|text| text.as_bytes().windows(4)) {
            let hash = Self::hash(gram);
            if let Some(word) = bits.get_mut(usize::from(hash / 64)) {
                *word |= 1 << (hash % 64);
            }
        }
        Some(Self { bits, stride, longest: literals.iter().map(String::len).max()? })
    }

    /// Letters of both cases come to the same.
    fn hash(gram: &[u8]) -> u16 {
        let [a, b, c, d] = *gram else { return 0 };
        let folded = u32::from_le_bytes([a, b, c, d]) | 0x2020_2020;
        let [low, high, ..] = (folded.wrapping_mul(0x9e37_79b1) >> 16).to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    /// Whether `is` holds for a part of the bytes in which a literal may stand.
    fn any(&self, bytes: &[u8], mut is: impl FnMut(&[u8]) -> bool) -> bool {
        bytes.windows(4).step_by(self.stride).zip((0..).step_by(self.stride)).any(|(gram, at): (&[u8], usize)| {
            let hash = Self::hash(gram);
            let there = self.bits.get(usize::from(hash / 64)).is_some_and(|word| word >> (hash % 64) & 1 == 1);
            let end = bytes.len().min(at + self.longest);
            there && is(bytes.get(at.saturating_sub(self.longest)..end).unwrap_or_default())
        })
    }
}

/// Literals of a filter together, in bytes; with more it is left out.
const FILTER_MAX: usize = 20_000;
/// A shorter literal is in too many events to tell anything.
const FILTER_LITERAL_MIN: usize = 3;

impl KeywordFilter {
    /// A filter for all these tests; `None` where one of them has no text that JSON cannot write in another way.
    pub(crate) fn new<'t>(tests: impl Iterator<Item = &'t Test>) -> Option<Self> {
        let mut literals = std::collections::BTreeSet::new();
        for test in tests {
            let Test::Text(pattern) = test else { return None };
            let runs =
                pattern.parts.iter().filter_map(|part| if let Part::Literal(text) = part { Some(text) } else { None });
            let longest =
                runs.flat_map(|text| text.split(|c: char| !written_one_way(c))).max_by_key(|run| run.len())?;
            if longest.len() < FILTER_LITERAL_MIN {
                return None;
            }
            literals.insert(longest.to_owned());
        }
        if literals.iter().map(String::len).sum::<usize>() > FILTER_MAX {
            return None;
        }
        let table = DFA::builder().ascii_case_insensitive(true).prefilter(false).build(&literals).ok()?;
        Some(Self { table, grams: Grams::new(&literals) })
    }

    /// Whether a keyword may be in the event.
    pub(crate) fn may_hold(&self, json: &[u8]) -> bool {
        let stands = |bytes: &[u8]| {
            let mut found = false;
            walk(&self.table, bytes, &mut |_, _, _| found = true);
            found
        };
        let found = self.grams.as_ref().map_or_else(|| stands(json), |grams| grams.any(json, stands));
        // Letters that are written as escapes, and the two letters beyond ASCII whose lower case is within it: the Kelvin
        // sign and the capital I with a dot.
        let escapes: [&[u8]; 3] = [b"\\u00", b"\\u212", b"\\u013"];
        let letters: [&[u8]; 2] = ["\u{212a}".as_bytes(), "\u{130}".as_bytes()];
        let holds = |needle: &[u8]| memchr::memmem::find(json, needle).is_some();
        found
            || (holds(b"\\u") && escapes.into_iter().any(holds))
            || (!json.is_ascii() && letters.into_iter().any(holds))
    }
}

/// Whether JSON writes a character as itself unless it is written as `\u00XX`.
fn written_one_way(c: char) -> bool {
    (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '\\' | '/')
}

#[derive(Debug)]
enum Other {
    Pattern(Pattern),
    Regex(Box<Regex>),
    Cidr(Network),
    Compare(Order, Number),
    Time(TimePart, i64),
}

/// The texts of one case rule.
#[derive(Default)]
struct Texts {
    exact: HashMap<Box<str>, Vec<PredicateId>, foldhash::fast::RandomState>,
    automaton: Option<Automaton>,
    /// What each literal of the automaton may stand for.
    entries: Vec<Vec<(Anchor, PredicateId)>>,
    /// Patterns with wildcards in their midst.
    wholes: Vec<Pattern>,
    literals: HashMap<String, u32>,
}

/// The questions about one field.
#[derive(Default)]
pub(crate) struct Index {
    folded: Texts,
    cased: Texts,
    others: Vec<(Other, PredicateId)>,
    pub questions: usize,
}

impl Texts {
    fn add(&mut self, pattern: &Pattern, id: PredicateId) -> bool {
        if let Some(text) = pattern.plain() {
            self.exact.entry(text.into()).or_default().push(id);
            return true;
        }
        let anchor = match pattern.parts.as_slice() {
            [Part::Many, Part::Literal(_), Part::Many] => Anchor::Anywhere,
            [Part::Literal(_), Part::Many] => Anchor::Start,
            [Part::Many, Part::Literal(_)] => Anchor::End,
            _ => Anchor::Whole(self.wholes.len()),
        };
        let longest = pattern
            .parts
            .iter()
            .filter_map(|part| if let Part::Literal(text) = part { Some(text) } else { None })
            .max_by_key(|text| text.len());
        let Some(literal) = longest else { return false };
        if let Anchor::Whole(_) = anchor {
            self.wholes.push(pattern.clone());
        }
        let fresh = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let at = *self.literals.entry(literal.clone()).or_insert(fresh);
        if at == fresh {
            self.entries.push(Vec::new());
        }
        if let Some(entry) = self.entries.get_mut(at as usize) {
            entry.push((anchor, id));
        }
        true
    }

    fn finish(&mut self) -> Result<(), String> {
        if !self.literals.is_empty() {
            let mut literals: Vec<(String, u32)> = std::mem::take(&mut self.literals).into_iter().collect();
            literals.sort();
            self.automaton = Some(Automaton::new(literals)?);
        }
        Ok(())
    }

    fn find(&self, value: &str, found: &mut Vec<PredicateId>) {
        if !self.exact.is_empty()
            && let Some(ids) = self.exact.get(value)
        {
            found.extend_from_slice(ids);
        }
        let Some(automaton) = &self.automaton else { return };
        let mut wholes: Vec<(usize, PredicateId)> = Vec::new();
        automaton.find(value, |literal, start, end| {
            for (anchor, id) in self.entries.get(literal).into_iter().flatten() {
                let holds = match anchor {
                    Anchor::Anywhere => true,
                    Anchor::Start => start == 0,
                    Anchor::End => end == value.len(),
                    Anchor::Whole(whole) => {
                        wholes.push((*whole, *id));
                        false
                    }
                };
                if holds {
                    found.push(*id);
                }
            }
        });
        wholes.sort_unstable();
        wholes.dedup();
        found.extend(
            wholes
                .into_iter()
                .filter(|(whole, _)| self.wholes.get(*whole).is_some_and(|pattern| pattern.fits(value)))
                .map(|(_, id)| id),
        );
    }

    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.automaton.is_none()
    }
}

impl Index {
    pub(crate) fn add(&mut self, test: &Test, id: PredicateId) {
        self.questions += 1;
        let other = match test {
            Test::Text(pattern) => {
                let texts = if pattern.cased { &mut self.cased } else { &mut self.folded };
                if texts.add(pattern, id) {
                    return;
                }
                Other::Pattern(pattern.clone())
            }
            Test::Regex(expression) => Other::Regex(Box::new(expression.regex().clone())),
            Test::Cidr(network) => Other::Cidr(*network),
            Test::Compare(order, number) => Other::Compare(*order, *number),
            Test::TimePart(part, number) => Other::Time(*part, *number),
            Test::Null | Test::Exists(_) | Test::FieldRef(..) | Test::Never => return,
        };
        self.others.push((other, id));
    }

    pub(crate) fn finish(&mut self) -> Result<(), String> {
        self.folded.finish()?;
        self.cased.finish()
    }

    /// Puts the questions that the value answers with yes into `found`, each once, in order.
    pub(crate) fn find(&self, value: &str, scratch: &mut String, found: &mut Vec<PredicateId>) {
        found.clear();
        if !self.folded.is_empty() || !self.others.is_empty() {
            scratch.clear();
            if value.is_ascii() {
                scratch.push_str(value);
                scratch.make_ascii_lowercase();
            } else {
                scratch.push_str(&fold(value));
            }
            self.folded.find(scratch, found);
        }
        self.cased.find(value, found);
        for (other, id) in &self.others {
            let holds = match other {
                Other::Pattern(pattern) => pattern.fits(if pattern.cased { value } else { scratch.as_str() }),
                Other::Regex(regex) => regex.is_match(value),
                Other::Cidr(network) => network.holds(value),
                Other::Compare(order, number) => order.holds(value, *number),
                Other::Time(part, number) => part.of(value) == Some(*number),
            };
            if holds {
                found.push(*id);
            }
        }
        if found.len() > 1 {
            found.sort_unstable();
            found.dedup();
        }
    }
}
