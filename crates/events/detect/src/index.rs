//! All questions about one field in; those that a value answers with yes, out.

use crate::pattern::{Part, Pattern, fold};
use crate::test::{Network, Number, Order, Test, TimePart};
use aho_corasick::Anchored;
use aho_corasick::automaton::Automaton as _;
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
    Table(Box<aho_corasick::dfa::DFA>),
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
        aho_corasick::dfa::DFA::builder()
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
            Self::Table(table) => {
                let Ok(mut state) = table.start_state(Anchored::No) else { return };
                for (at, byte) in text.bytes().enumerate() {
                    state = table.next_state(Anchored::No, state, byte);
                    if table.is_special(state) && table.is_match(state) {
                        for which in 0..table.match_len(state) {
                            let pattern = table.match_pattern(state, which);
                            each(pattern.as_usize(), at + 1 - table.pattern_len(pattern), at + 1);
                        }
                    }
                }
            }
        }
    }
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
    pub(crate) fn add(&mut self, test: &Test, id: PredicateId) -> Result<(), String> {
        self.questions += 1;
        let other = match test {
            Test::Text(pattern) => {
                let texts = if pattern.cased { &mut self.cased } else { &mut self.folded };
                if texts.add(pattern, id) {
                    return Ok(());
                }
                Other::Pattern(pattern.clone())
            }
            Test::Regex(expression) => Other::Regex(Box::new(expression.compile()?)),
            Test::Cidr(network) => Other::Cidr(*network),
            Test::Compare(order, number) => Other::Compare(*order, *number),
            Test::TimePart(part, number) => Other::Time(*part, *number),
            Test::Null | Test::Exists(_) | Test::FieldRef(..) | Test::Never => return Ok(()),
        };
        self.others.push((other, id));
        Ok(())
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
