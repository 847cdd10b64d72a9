//! Recognisers sorted by how they can be found, one automaton for each sort.
//!
//! An automaton for everything would have a state for each combination of what its patterns have seen, and no cache
//! would hold it. Sorted, each sort's automaton is small where texts lead.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

use super::EngineError;
use super::automaton::{Automaton, AutomatonError, Memory};
use super::compile::{Recognizer, ascii_classes};
use super::context::Voters;
use super::literals::Literals;
use super::shapes::Gates;

/// Some recognisers in one automaton: pattern `i` is recogniser `members[i]`.
pub(super) struct Group {
    pub automaton: Automaton,
    pub members: Vec<u16>,
    /// The members once more.
    pub voters: Voters,
}

/// The sorts of recognisers with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Counts of digits and letters of which the pattern tells none apart (`[0-9]{9}`, `[A-Z]{2}[0-9]{7}`): few states.
    /// They mean something only where context speaks for one of them, and are tried only there.
    Shape,
    /// Others that may begin with a digit and need context: tried at digits where there is some.
    DigitInContext,
    /// Others that may begin with a digit, tried at digits.
    Digit,
    /// Others that begin like a word with a capital, such as places: many steps, few states.
    Title,
    /// Others that may begin with nearly any capital: codes.
    Code,
    /// All others: they begin with words and marks of their own.
    Sharp,
    /// May begin like any word; tried around their literals.
    Wide,
    /// May begin like any word and have no literals; tried at words that hold a digit.
    Numbered,
}

impl Sort {
    const ALL: [Self; 8] = [
        Self::Shape,
        Self::DigitInContext,
        Self::Digit,
        Self::Title,
        Self::Code,
        Self::Sharp,
        Self::Wide,
        Self::Numbered,
    ];
}

/// A set of sorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sorts(u8);

impl Sorts {
    pub(super) const NONE: Self = Self(0);
    /// What is tried where anything else stands.
    pub(super) const ELSEWHERE: Self = Self::of(&[Sort::Shape, Sort::Title, Sort::Code, Sort::Sharp]);

    pub(super) const fn of(sorts: &[Sort]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < sorts.len() {
            set |= 1 << sorts[at] as u8;
            at += 1;
        }
        Self(set)
    }

    #[inline]
    pub(super) fn add(&mut self, sort: Sort) {
        self.0 |= 1 << sort as u8;
    }

    #[inline]
    pub(super) const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    #[inline]
    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Iterator for Sorts {
    type Item = Sort;

    #[inline]
    fn next(&mut self) -> Option<Sort> {
        let sort = Sort::ALL.get(self.0.trailing_zeros() as usize).copied()?;
        self.0 &= self.0 - 1;
        Some(sort)
    }
}

/// Everything that patterns are searched with.
pub(super) struct Search {
    pub groups: Groups,
    /// Of the sort [`Sort::Wide`].
    pub literals: Literals,
}

impl Search {
    pub(super) fn of(recognizers: &[Recognizer]) -> Result<Self, EngineError> {
        let groups = Groups::of(recognizers)?;
        let literals = Literals::of(recognizers, groups.get(Sort::Wide));
        Ok(Self { groups, literals })
    }
}

/// All recognisers with a pattern, by their sort.
pub(super) struct Groups {
    sorts: [Group; Sort::ALL.len()],
    /// The patterns of [`Sort::Digit`] and of [`Sort::DigitInContext`], with every digit and letter as good as any other.
    gates: [Automaton; 2],
}

impl Groups {
    /// Sorts the recognisers and compiles each group.
    fn of(recognizers: &[Recognizer]) -> Result<Self, EngineError> {
        let mut members: [Members; Sort::ALL.len()] = Default::default();
        for (index, recognizer) in recognizers.iter().enumerate() {
            let spec = &recognizer.spec;
            if spec.pattern.is_empty() {
                continue;
            }
            let hir = regex_syntax::parse(&ascii_classes(&spec.pattern))
                .map_err(|error| EngineError::Pattern { id: spec.id.clone(), why: error.to_string() })?;
            #[expect(clippy::cast_possible_truncation, reason = "checked by the caller")]
            let index = index as u16;
            let needs_context = spec.context_required && !spec.open_end;
            for sort in sorts(&hir, !spec.literals.is_empty(), needs_context) {
                members[sort as usize].patterns.push(hir.clone());
                members[sort as usize].members.push(index);
            }
        }
        let gate = |sort: Sort| {
            let alike: Vec<Hir> = members[sort as usize].patterns.iter().map(alike).collect();
            Automaton::new(&alike)
        };
        let gates = [gate(Sort::Digit)?, gate(Sort::DigitInContext)?];
        let [a, b, c, d, e, f, g, h] = members.map(|members| members.compiled(recognizers.len()));
        Ok(Self { sorts: [a?, b?, c?, d?, e?, f?, g?, h?], gates })
    }

    #[inline]
    pub(super) fn get(&self, sort: Sort) -> &Group {
        &self.sorts[sort as usize]
    }

    /// Which patterns that tell digits apart may match from `at`, as far as [`GATE_BYTES`] tell.
    pub(super) fn gates(&self, memories: &mut Memories, bytes: &[u8], at: usize) -> Gates {
        let [free, in_context] = &mut memories.gates;
        Gates {
            free: self.gates[0].may_match(free, bytes, at, GATE_BYTES),
            in_context: self.gates[1].may_match(in_context, bytes, at, GATE_BYTES),
        }
    }

    pub(super) fn memories(&self) -> Box<Memories> {
        let sorts = Sort::ALL.map(|sort| self.get(sort).automaton.memory());
        let [free, in_context] = &self.gates;
        Box::new(Memories { sorts, gates: [free.memory(), in_context.memory()] })
    }
}

/// So many bytes decide whether patterns that tell digits apart are tried.
pub(super) const GATE_BYTES: usize = 12;

/// One thread's memory.
pub(super) struct Memories {
    /// By sort.
    pub sorts: [Memory; Sort::ALL.len()],
    gates: [Memory; 2],
}

#[derive(Default)]
struct Members {
    patterns: Vec<Hir>,
    members: Vec<u16>,
}

impl Members {
    fn compiled(self, recognizers: usize) -> Result<Group, AutomatonError> {
        let voters = Voters::of(recognizers, &self.members);
        Ok(Group { automaton: Automaton::new(&self.patterns)?, members: self.members, voters })
    }
}

/// Longest match of a pattern that is tried in context alone, in bytes: so far ahead context may stand that speaks for it.
pub(super) const IN_CONTEXT_BYTES_MAX: usize = 48;

/// The sorts that a pattern belongs to: one, or one for digits and one for other beginnings.
fn sorts(hir: &Hir, has_literals: bool, needs_context: bool) -> Vec<Sort> {
    let first = first_bytes(hir);
    if begins_like_a_word(&first) {
        return vec![if has_literals { Sort::Wide } else { Sort::Numbered }];
    }
    let needs_context =
        needs_context && hir.properties().maximum_len().is_some_and(|most| most <= IN_CONTEXT_BYTES_MAX);
    if needs_context && is_shape(hir) {
        return vec![Sort::Shape];
    }
    let digit = (b'0'..=b'9').any(|byte| first[usize::from(byte)]);
    let other = (0..=255_u8).any(|byte| first[usize::from(byte)] && !byte.is_ascii_digit());
    let other = match (many(&first, b'A'..=b'Z'), is_wordy(hir)) {
        _ if digit && !other => None,
        (true, true) => Some(Sort::Title),
        (true, false) => Some(Sort::Code),
        (false, _) => Some(Sort::Sharp),
    };
    digit.then_some(if needs_context { Sort::DigitInContext } else { Sort::Digit }).into_iter().chain(other).collect()
}

/// The pattern with every digit as good as any other, every capital, and every small letter. It matches wherever the
/// pattern does.
fn alike(hir: &Hir) -> Hir {
    const ALIKE: [(char, char); 3] = [('0', '9'), ('A', 'Z'), ('a', 'z')];
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => hir.clone(),
        HirKind::Literal(literal) => Hir::concat(
            literal
                .0
                .chunk_by(|a, b| !a.is_ascii_alphanumeric() && !b.is_ascii_alphanumeric())
                .map(|bytes| {
                    let kind = ALIKE.iter().find(|(first, last)| {
                        bytes.first().is_some_and(|b| (*first..=*last).contains(&char::from(*b)))
                    });
                    match kind {
                        Some(&(first, last)) => {
                            Hir::class(Class::Unicode(ClassUnicode::new([ClassUnicodeRange::new(first, last)])))
                        }
                        None => Hir::literal(bytes),
                    }
                })
                .collect(),
        ),
        HirKind::Class(class) => {
            let mut all = match class {
                Class::Unicode(class) => class.clone(),
                Class::Bytes(class) => match class.to_unicode_class() {
                    Some(class) => class,
                    None => return hir.clone(),
                },
            };
            for (first, last) in ALIKE {
                if all.iter().any(|range| range.start() <= last && range.end() >= first) {
                    all.push(ClassUnicodeRange::new(first, last));
                }
            }
            Hir::class(Class::Unicode(all))
        }
        HirKind::Repetition(repetition) => Hir::repetition(repetition.with(alike(&repetition.sub))),
        HirKind::Capture(capture) => alike(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(alike).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(alike).collect()),
    }
}

/// Whether the pattern somewhere takes nearly any small letter.
fn is_wordy(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) => false,
        HirKind::Class(_) => begins_like_a_word(&first_bytes(hir)),
        HirKind::Repetition(repetition) => is_wordy(&repetition.sub),
        HirKind::Capture(capture) => is_wordy(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(is_wordy),
    }
}

/// Whether the pattern treats all digits alike, all capitals and all small letters, and names none of them.
fn is_shape(hir: &Hir) -> bool {
    const ALIKE: [(u32, u32); 3] = [(0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A)];
    let range_is_shape = |from: u32, to: u32| {
        ALIKE.iter().all(|&(first, last)| to < first || from > last || (from <= first && to >= last))
    };
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.iter().all(|b| b.is_ascii() && !b.is_ascii_alphanumeric()),
        HirKind::Class(Class::Unicode(class)) => {
            class.iter().all(|range| range.end().is_ascii() && range_is_shape(range.start().into(), range.end().into()))
        }
        HirKind::Class(Class::Bytes(class)) => {
            class.iter().all(|range| range.end().is_ascii() && range_is_shape(range.start().into(), range.end().into()))
        }
        HirKind::Repetition(repetition) => is_shape(&repetition.sub),
        HirKind::Capture(capture) => is_shape(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(is_shape),
    }
}

/// Whether a match may begin with nearly any lower-case letter, so that its first bytes tell nothing.
fn begins_like_a_word(first: &[bool; 256]) -> bool {
    many(first, b'a'..=b'z')
}

/// Whether nearly all letters of a range are among `first`.
fn many(first: &[bool; 256], mut letters: std::ops::RangeInclusive<u8>) -> bool {
    const MANY: usize = 20;
    letters.by_ref().filter(|&letter| first[usize::from(letter)]).count() >= MANY
}

/// Which bytes a match may begin with. Characters beyond ASCII count as every byte that such characters begin with.
fn first_bytes(hir: &Hir) -> [bool; 256] {
    let mut bytes = [false; 256];
    let mut add = |from: u32, to: u32| {
        for code in from..=to.min(0x7F) {
            bytes[code as usize & 0x7F] = true;
        }
        if to > 0x7F {
            bytes[0xC2..0xF5].fill(true);
        }
    };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => {
            if let Some(&b) = literal.0.first() {
                bytes[usize::from(b)] = true;
            }
        }
        HirKind::Class(Class::Unicode(class)) => {
            class.iter().for_each(|range| add(u32::from(range.start()), u32::from(range.end())));
        }
        HirKind::Class(Class::Bytes(class)) => {
            class.iter().for_each(|range| add(u32::from(range.start()), u32::from(range.end())));
        }
        HirKind::Repetition(repetition) => return first_bytes(&repetition.sub),
        HirKind::Capture(capture) => return first_bytes(&capture.sub),
        HirKind::Alternation(branches) => branches.iter().for_each(|branch| join(&mut bytes, branch)),
        HirKind::Concat(parts) => {
            for part in parts {
                join(&mut bytes, part);
                if part.properties().minimum_len() != Some(0) {
                    break;
                }
            }
        }
    }
    bytes
}

fn join(bytes: &mut [bool; 256], hir: &Hir) {
    bytes.iter_mut().zip(first_bytes(hir)).for_each(|(to, from)| *to |= from);
}

#[cfg(test)]
mod tests {
    use super::{Sort, alike, ascii_classes, begins_like_a_word, first_bytes, sorts};

    fn wide(pattern: &str) -> bool {
        begins_like_a_word(&first_bytes(&regex_syntax::parse(&ascii_classes(pattern)).unwrap()))
    }

    #[test]
    fn patterns_that_begin_like_any_word_are_told_apart() {
        assert!(wide(r"[\w.%+-]+@[a-z]+"));
        assert!(wide(r"(?:[a-z]{2}|\d)\d{5}"));
        assert!(!wide(r"\d{3}-\d{2}-\d{4}"));
        assert!(!wide("(?i:password|secret)=.{8}"));
        assert!(!wide("[A-Z0-9]{9}"));
    }
    #[test]
    fn patterns_alike_match_wherever_the_patterns_do() {
        let alike = |pattern: &str| alike(&regex_syntax::parse(&ascii_classes(pattern)).unwrap()).to_string();
        let whole = |pattern: &str| regex_syntax::parse(pattern).unwrap().to_string();
        assert_eq!(alike("[1-3]a(b|C.)-x?"), whole("[0-9][a-z](?:[a-z]|[A-Z].)-[a-z]?"));
        assert_eq!(alike("5é-[é5]"), whole("[0-9]é-[é0-9]"));
    }

    #[test]
    fn patterns_are_sorted_by_what_they_tell_apart() {
        let hir = |pattern: &str| regex_syntax::parse(&ascii_classes(pattern)).unwrap();
        let in_context = |pattern: &str| sorts(&hir(pattern), false, true);
        assert_eq!(in_context(r"\d{3}-\d{2}|[A-Z]{2}\d{7}"), [Sort::Shape]);
        assert_eq!(in_context(r"\d{3}-\d{2}|[A-Z]{2}\d{70}"), [Sort::Digit, Sort::Code]);
        assert_eq!(in_context("[1-9][0-9]{3}"), [Sort::DigitInContext]);
        assert_eq!(in_context("[A-C0-9]{3}"), [Sort::DigitInContext, Sort::Sharp]);
        let sorts = |pattern: &str| sorts(&hir(pattern), false, false);
        assert_eq!(sorts(r"\d{3}-\d{2}|[A-Z]{2}\d{7}"), [Sort::Digit, Sort::Code]);
        assert_eq!(sorts("[1-9][0-9]{3}"), [Sort::Digit]);
        assert_eq!(sorts("[A-CE][0-9]{3}"), [Sort::Sharp]);
        assert_eq!(sorts("[A-C0-9]{3}"), [Sort::Digit, Sort::Sharp]);
        assert_eq!(sorts("[A-Z0-8]{3}"), [Sort::Digit, Sort::Code]);
        assert_eq!(sorts("[A-Z][a-z]{2,20}, (CA|NY)"), [Sort::Title]);
    }
}
