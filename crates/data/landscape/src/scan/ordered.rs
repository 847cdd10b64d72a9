//! Results put back into the order in which their objects were found, as far as waiting for slow ones allows.

use std::collections::BTreeMap;

/// So many results wait for one that is late. After that, order yields to progress.
const WAITING_MAX: usize = 256;

/// Results by the number of their object.
pub(super) struct Ordered<T> {
    due: u64,
    waiting: BTreeMap<u64, T>,
}

impl<T> Ordered<T> {
    pub(super) fn new() -> Self {
        Self { due: 0, waiting: BTreeMap::new() }
    }

    pub(super) fn push(&mut self, number: u64, item: T) {
        self.waiting.insert(number, item);
    }

    /// The next result, if it need not wait for an earlier one. `all`: none waits any more.
    pub(super) fn pop(&mut self, all: bool) -> Option<T> {
        let (first, _) = self.waiting.first_key_value()?;
        if *first > self.due && self.waiting.len() <= WAITING_MAX && !all {
            return None;
        }
        let (number, item) = self.waiting.pop_first()?;
        self.due = self.due.max(number + 1);
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::{Ordered, WAITING_MAX};

    #[test]
    fn results_wait_for_late_ones_but_not_for_ever() {
        let mut ordered = Ordered::new();
        for number in [2, 1, 3] {
            ordered.push(number, number);
            assert_eq!(ordered.pop(false), None);
        }
        ordered.push(0, 0);
        let out: Vec<_> = std::iter::from_fn(|| ordered.pop(false)).collect();
        assert_eq!(out, [0, 1, 2, 3]);
        let many = 5..6 + WAITING_MAX as u64;
        many.clone().for_each(|number| ordered.push(number, number));
        assert_eq!(ordered.pop(false), Some(5), "number four is too late");
        ordered.push(4, 4);
        assert_eq!(ordered.pop(false), Some(4));
        let rest: Vec<_> = std::iter::from_fn(|| ordered.pop(true)).collect();
        assert_eq!(rest, many.skip(1).collect::<Vec<_>>());
    }
}
