//! Which bytes of an object left: the union of ranges, in whatever order they come.

use serde::ser::{Serialize, Serializer};

/// Ranges of one object that are kept apart. Of more, the first and the last byte are known, and that there are gaps.
pub const RANGES_MAX: usize = 100_000;
/// Ranges that words list.
const LISTED: usize = 3;

/// Ranges of bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges {
    /// First byte and the one after the last.
    pieces: Vec<(u64, u64)>,
    /// Up to here they rise and do not touch.
    settled: usize,
    /// There were more than are kept apart.
    has_gaps: bool,
}

impl Ranges {
    /// Adds so many bytes from the first one on.
    pub(super) fn add(&mut self, first: u64, bytes: u64) {
        let piece = (first, first.saturating_add(bytes));
        let is_in = |(from, to): &(u64, u64)| *from <= piece.0 && piece.1 <= *to;
        if bytes == 0 || self.pieces.last().is_some_and(is_in) {
            return;
        }
        self.pieces.push(piece);
        if self.pieces.len() > 2 * self.settled.max(16) {
            self.settle();
        }
    }

    /// Adds what another has.
    pub(super) fn merge(&mut self, other: Self) {
        self.has_gaps |= other.has_gaps;
        self.pieces.extend(other.pieces);
        self.settle();
    }

    /// Puts ranges in order, and together where they touch.
    pub(super) fn settle(&mut self) {
        self.pieces.sort_unstable();
        let mut whole: Vec<(u64, u64)> = Vec::with_capacity(self.pieces.len());
        for (from, to) in self.pieces.drain(..) {
            match whole.last_mut() {
                Some((_, end)) if from <= *end => *end = to.max(*end),
                _ => whole.push((from, to)),
            }
        }
        self.has_gaps |= whole.len() > RANGES_MAX;
        if self.has_gaps
            && let (Some((from, _)), Some((_, to))) = (whole.first().copied(), whole.last().copied())
        {
            whole = vec![(from, to)];
        }
        self.pieces = whole;
        self.settled = self.pieces.len();
    }

    /// What is in this and not in the other; both are settled.
    pub(super) fn without(&self, other: &Self) -> Self {
        let mut left = Self { has_gaps: self.has_gaps, ..Self::default() };
        let mut others = other.pieces.iter().copied().peekable();
        for (mut from, to) in self.pieces.iter().copied() {
            while let Some((taken, end)) = others.peek().copied() {
                if taken >= to {
                    break;
                }
                left.add(from, taken.saturating_sub(from));
                from = from.max(end);
                if end > to {
                    break;
                }
                others.next();
            }
            left.add(from, to.saturating_sub(from));
        }
        left.settle();
        left
    }

    /// Each as its first and its last byte, rising.
    pub fn each(&self) -> impl ExactSizeIterator<Item = (u64, u64)> + '_ {
        self.pieces.iter().map(|(from, to)| (*from, to - 1))
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether there were more than are kept apart, so that not every byte between first and last is in one.
    #[must_use]
    pub const fn has_gaps(&self) -> bool {
        self.has_gaps
    }

    /// Distinct bytes; where there are gaps that are not kept, at most so many.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.pieces.iter().map(|(from, to)| to - from).sum()
    }

    /// Whether they are all bytes of something of that size.
    #[must_use]
    pub fn are_all_of(&self, size: u64) -> bool {
        !self.has_gaps && self.pieces.first().is_some_and(|(from, to)| *from == 0 && *to >= size)
    }

    /// In words: `0–1,048,575`.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words: Vec<String> =
            self.each().take(LISTED).map(|(first, last)| format!("{}–{}", grouped(first), grouped(last))).collect();
        let more = self.len().saturating_sub(LISTED);
        if more > 0 {
            words.push(format!("{} more ranges", grouped(more as u64)));
        }
        if self.has_gaps {
            words.push("with gaps".to_owned());
        }
        words.join(", ")
    }
}

impl Serialize for Ranges {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.each())
    }
}

/// A number with its digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop, prop_assert_eq, proptest};

    use super::Ranges;

    fn of(pieces: &[(u64, u64)]) -> Ranges {
        let mut ranges = Ranges::default();
        pieces.iter().for_each(|(first, bytes)| ranges.add(*first, *bytes));
        ranges.settle();
        ranges
    }

    fn bytes(ranges: &Ranges) -> Vec<u64> {
        ranges.each().flat_map(|(first, last)| first..=last).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// As a set of single bytes has it.
        #[test]
        fn unions_and_differences_are_those_of_sets(
            one in prop::collection::vec((0_u64..200, 0_u64..40), 0..60),
            other in prop::collection::vec((0_u64..200, 0_u64..40), 0..60),
        ) {
            let set = |pieces: &[(u64, u64)]| -> std::collections::BTreeSet<u64> {
                pieces.iter().flat_map(|(first, bytes)| *first..first + bytes).collect()
            };
            let (a, b) = (of(&one), of(&other));
            prop_assert_eq!(bytes(&a), set(&one).into_iter().collect::<Vec<_>>());
            prop_assert_eq!(a.bytes(), set(&one).len() as u64);
            prop_assert_eq!(bytes(&a.without(&b)), set(&one).difference(&set(&other)).copied().collect::<Vec<_>>());
            let mut both = a.clone();
            both.merge(b);
            prop_assert_eq!(bytes(&both), set(&one).union(&set(&other)).copied().collect::<Vec<_>>());
            let mut reversed = one.clone();
            reversed.reverse();
            prop_assert_eq!(of(&reversed), a);
        }
    }

    #[test]
    fn words_list_a_few_and_say_how_many_more() {
        assert_eq!(of(&[(0, 1_048_576)]).words(), "0–1,048,575");
        let many: Vec<(u64, u64)> = (0..1_005).map(|at| (at * 1_000, 10)).collect();
        assert_eq!(of(&many).words(), "0–9, 1,000–1,009, 2,000–2,009, 1,002 more ranges");
        assert!(of(&[(0, 10)]).are_all_of(10) && !of(&[(1, 10)]).are_all_of(10) && !of(&[(0, 9)]).are_all_of(10));
    }

    #[test]
    fn of_too_many_ranges_the_first_and_the_last_byte_are_kept() {
        let many: Vec<(u64, u64)> = (0..super::RANGES_MAX as u64 + 50).map(|at| (at * 10, 1)).collect();
        let (ranges, last) = (of(&many), (super::RANGES_MAX as u64 + 49) * 10);
        assert_eq!((ranges.each().collect::<Vec<_>>(), ranges.has_gaps()), (vec![(0, last)], true));
        assert!(ranges.words().ends_with("with gaps") && !ranges.are_all_of(1));
    }
}
