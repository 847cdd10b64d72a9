//! Terms: diagnoses and medications by name, found as whole words in running text.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

use model::IdentifierType;

use super::context::{Through, boundary, lower_eq};

/// A term list: one lower-case term a line under content/recognizers/terms, `#` begins a comment.
pub(crate) struct Terms {
    /// By hash of the first four bytes, ASCII case folded.
    by_head: HashMap<u32, Vec<Term>, BuildHasherDefault<Through>>,
    filter: Box<[u64; 1024]>,
    /// The bytes that terms begin with, in either case.
    first: [bool; 256],
    /// First words that are shorter than a head, and these with a plural `s`.
    short: HashSet<Vec<u8>>,
}

struct Term {
    /// Its first bytes as far as they are ASCII, up to eight, and which of eight they are: most rivals differ there.
    prefix: u64,
    mask: u64,
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
        let mut terms = Self {
            by_head: HashMap::default(),
            filter: Box::new([0; 1024]),
            first: [false; 256],
            short: HashSet::new(),
        };
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
        if let Some(&first) = term.as_bytes().first() {
            self.first[usize::from(first)] = true;
            self.first[usize::from(first.to_ascii_uppercase())] = true;
        }
        let first: Vec<u8> = term.bytes().take_while(u8::is_ascii_alphabetic).collect();
        if first.len() < HEAD_BYTES {
            self.short.insert([&first, &b"s"[..]].concat());
            self.short.insert(first);
        }
        let terms = self.by_head.entry(head).or_default();
        if !terms.iter().any(|known| &*known.text == term) {
            let ascii = term.bytes().take(8).take_while(u8::is_ascii).count();
            let mask = if ascii == 8 { u64::MAX } else { (1 << (8 * ascii)) - 1 };
            terms.push(Term { prefix: eight(term.as_bytes(), 0) & mask, mask, text: term.into(), list });
        }
        // Longest first, so that the first match is the longest.
        terms.sort_by_key(|known| std::cmp::Reverse(known.text.len()));
    }

    /// Whether a term may begin at `at`.
    #[inline]
    pub(crate) fn may_start(&self, bytes: &[u8], at: usize) -> bool {
        bytes.get(at).is_some_and(|&b| self.first[usize::from(b)] || !b.is_ascii())
            && head(bytes, at).is_some_and(|head| {
                let slot = slot(head);
                self.filter[slot / 64] >> (slot % 64) & 1 == 1
            })
    }

    /// Whether a term may begin with `word`, which is of ASCII letters and followed by none.
    pub(crate) fn may_start_with(&self, word: &[u8]) -> bool {
        // A word that is shorter than a head is none: what follows it belongs to it.
        let Some(head) = head(word, 0) else { return self.short.contains(&word.to_ascii_lowercase()) };
        let single = word.strip_suffix(b"s").or(word.strip_suffix(b"S")).unwrap_or(word);
        let begins = |term: &Term| {
            let term = term.text.as_bytes();
            let letters = term.iter().position(|b| !b.is_ascii_alphabetic()).unwrap_or(term.len());
            let first = term.get(..letters).unwrap_or_default();
            first.eq_ignore_ascii_case(word) || first.eq_ignore_ascii_case(single)
        };
        self.short.contains(&word.to_ascii_lowercase())
            || self.by_head.get(&head).is_some_and(|terms| terms.iter().any(begins))
    }

    /// The longest term at `at`, which is a token's start. A plural or genitive `s` may follow.
    pub(crate) fn find(&self, text: &str, at: usize) -> Option<TermHit> {
        let terms = self.by_head.get(&head(text.as_bytes(), at)?)?;
        let eight = eight(text.as_bytes(), at);
        terms.iter().filter(|term| eight & term.mask == term.prefix).find_map(|term| {
            let end = at + lower_eq(text.get(at..)?, &term.text)?;
            let before = text.get(..end)?.chars().next_back();
            let mut rest = text.get(end..)?.chars();
            let next = rest.next();
            let whole = boundary(before, next) || (next == Some('s') && boundary(next, rest.next()));
            whole.then_some(TermHit { end, list: term.list })
        })
    }
}

/// Bytes of a term that [`Terms::by_head`] tells apart.
const HEAD_BYTES: usize = 4;

#[inline]
fn head(bytes: &[u8], at: usize) -> Option<u32> {
    let four: [u8; 4] = bytes.get(at..at + HEAD_BYTES)?.try_into().ok()?;
    let word = u32::from_le_bytes(four);
    // Folds ASCII capitals and leaves bytes beyond ASCII alone; other ASCII bytes may collide, which is harmless.
    let ascii = !word & 0x8080_8080;
    Some(word | (ascii >> 2))
}

/// The next eight bytes, ASCII case folded; zeros beyond the text's end.
#[inline]
fn eight(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    let word = match rest.first_chunk::<8>() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => rest.iter().rev().fold(0, |all, &b| all << 8 | u64::from(b)),
    };
    word | (!word & 0x8080_8080_8080_8080) >> 2
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
