//! Terms: diagnoses and medications by name, found as whole words in running text.

use std::collections::HashMap;

use model::IdentifierType;

use super::context::{boundary, lower_eq};

/// A term list: one lower-case term a line under content/recognizers/terms, `#` begins a comment.
pub(crate) struct Terms {
    /// By hash of the first four bytes, ASCII case folded.
    by_head: HashMap<u32, Vec<Term>>,
    filter: Box<[u64; 1024]>,
}

struct Term {
    text: Box<str>,
    list: u16,
}

/// A found term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TermHit {
    pub end: usize,
    pub list: u16,
}

/// Which type and confidence a term list stands for, by its file name.
pub(crate) fn list_type(file: &str) -> Option<IdentifierType> {
    let name = file.rsplit('/').next().unwrap_or(file);
    if name.starts_with("diagnos") {
        Some(IdentifierType::Diagnosis)
    } else if name.starts_with("medication") {
        Some(IdentifierType::Medication)
    } else {
        None
    }
}

impl Terms {
    /// From `(list, file text)`.
    pub(crate) fn new<'a>(lists: impl Iterator<Item = (u16, &'a str)>) -> Self {
        let mut terms = Self { by_head: HashMap::new(), filter: Box::new([0; 1024]) };
        for (list, text) in lists {
            for line in text.lines() {
                let term = line.split('#').next().unwrap_or("").trim();
                // Shorter ones are abbreviations that mean too many other things.
                if term.len() >= 4 {
                    terms.add(list, &term.to_lowercase());
                }
            }
        }
        terms
    }

    fn add(&mut self, list: u16, term: &str) {
        let Some(head) = head(term.as_bytes(), 0) else { return };
        let slot = slot(head);
        self.filter[slot / 64] |= 1 << (slot % 64);
        let terms = self.by_head.entry(head).or_default();
        if !terms.iter().any(|known| &*known.text == term) {
            terms.push(Term { text: term.into(), list });
        }
        // Longest first, so that the first match is the longest.
        terms.sort_by_key(|known| std::cmp::Reverse(known.text.len()));
    }

    /// Whether a term may begin at `at`.
    #[inline]
    pub(crate) fn may_start(&self, bytes: &[u8], at: usize) -> bool {
        head(bytes, at).is_some_and(|head| {
            let slot = slot(head);
            self.filter[slot / 64] >> (slot % 64) & 1 == 1
        })
    }

    /// The longest term at `at`, which is a token's start. A plural or genitive `s` may follow.
    pub(crate) fn find(&self, text: &str, at: usize) -> Option<TermHit> {
        let terms = self.by_head.get(&head(text.as_bytes(), at)?)?;
        terms.iter().find_map(|term| {
            let end = at + lower_eq(text.get(at..)?, &term.text)?;
            let before = text.get(..end)?.chars().next_back();
            let mut rest = text.get(end..)?.chars();
            let next = rest.next();
            let whole = boundary(before, next) || (next == Some('s') && boundary(next, rest.next()));
            whole.then_some(TermHit { end, list: term.list })
        })
    }
}

#[inline]
fn head(bytes: &[u8], at: usize) -> Option<u32> {
    let four: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    let word = u32::from_le_bytes(four);
    // Folds ASCII capitals and leaves bytes beyond ASCII alone; other ASCII bytes may collide, which is harmless.
    let ascii = !word & 0x8080_8080;
    Some(word | (ascii >> 2))
}

#[inline]
fn slot(head: u32) -> usize {
    (head.wrapping_mul(0x9E37_79B1) >> 16) as usize
}

#[cfg(test)]
mod tests {
    use super::Terms;

    #[test]
    fn the_longest_whole_term_is_found_in_any_case() {
        let terms = Terms::new([(0, "diabetes\ndiabetes mellitus # common\nasthma"), (1, "糖尿病")].into_iter());
        let text = "Diabetes Mellitus, ASTHMA attacks; asthmatic 糖尿病の";
        assert!(terms.may_start(text.as_bytes(), 0));
        assert_eq!(terms.find(text, 0).map(|hit| hit.end), Some(17));
        assert_eq!(terms.find(text, 19).map(|hit| hit.end), Some(25));
        let at = text.find("asthmatic").unwrap();
        assert_eq!(terms.find(text, at), None);
        let at = text.find('糖').unwrap();
        assert_eq!(terms.find(text, at).map(|hit| (hit.end - at, hit.list)), Some((9, 1)));
    }
}
