//! The slow obvious recogniser: every pattern tried at every token start. It is the meaning of the content files
//! and the test oracle of the fast engine; nothing but tests should run it.

use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};

use crate::content::{CONTEXT_AFTER_BYTES, CONTEXT_BEFORE_BYTES, NEGATIVE_BEFORE_BYTES, RecognizerSpec};
use crate::validate::{self, Validator};

/// One recogniser made ready.
pub struct Oracle {
    spec: RecognizerSpec,
    regex: Regex,
    validator: Option<Validator>,
}

/// What was found: byte range and confidence in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Percent.
    pub confidence: u8,
}

/// Why a recogniser cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// The pattern does not compile.
    #[error("recognizer `{id}`: pattern does not compile: {why}")]
    Pattern {
        /// Which recogniser.
        id: String,
        /// The regex crate's words.
        why: String,
    },
    /// The validator does not exist.
    #[error("recognizer `{id}`: no validator is called `{name}`")]
    Validator {
        /// Which recogniser.
        id: String,
        /// What it asked for.
        name: String,
    },
}

impl Oracle {
    /// Makes one recogniser ready.
    ///
    /// # Errors
    /// When its pattern or validator is wrong.
    pub fn new(spec: &RecognizerSpec) -> Result<Self, SpecError> {
        let regex = Regex::new(&spec.pattern)
            .map_err(|error| SpecError::Pattern { id: spec.id.clone(), why: error.to_string() })?;
        let validator = match &spec.validator {
            None => None,
            Some(name) => Some(
                validate::by_name(name)
                    .ok_or_else(|| SpecError::Validator { id: spec.id.clone(), name: name.clone() })?,
            ),
        };
        Ok(Self { spec: spec.clone(), regex, validator })
    }

    /// Everything this recogniser finds in `text`, left to right, without overlaps.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Found> {
        let mut found = Vec::new();
        let mut from = 0;
        if self.spec.pattern.is_empty() {
            return found;
        }
        for (at, c) in text.char_indices() {
            if at < from || c.is_whitespace() || !starts_token(text, at) {
                continue;
            }
            if let Some(hit) = self.at(text, at) {
                from = hit.end;
                found.push(hit);
            }
        }
        found
    }

    fn at(&self, text: &str, at: usize) -> Option<Found> {
        let input = Input::new(text).range(at..).anchored(Anchored::Yes);
        let (start, end, all) = if self.spec.group {
            let mut captures = self.regex.create_captures();
            self.regex.search_captures(&input, &mut captures);
            let span = captures.get_group_by_name("value")?;
            (span.start, span.end, captures.get_match()?.end())
        } else {
            let matched = self.regex.search(&input)?;
            (matched.start(), matched.end(), matched.end())
        };
        let value = text.get(start..end)?;
        if !self.spec.open_end && !ends_token(text, all) {
            return None;
        }
        if self.validator.is_some_and(|valid| !valid(value)) || self.has_negative(text, at) {
            return None;
        }
        let context = self.has_context(text, start, end);
        if self.spec.context_required && !context {
            return None;
        }
        Some(Found { start, end, confidence: self.spec.confidence[usize::from(context)] })
    }

    fn has_context(&self, text: &str, start: usize, end: usize) -> bool {
        let before = window(text, start.saturating_sub(CONTEXT_BEFORE_BYTES), start);
        let after = window(text, end, end + CONTEXT_AFTER_BYTES);
        self.spec.context.iter().any(|word| has_word(before, word) || has_word(after, word))
    }

    fn has_negative(&self, text: &str, start: usize) -> bool {
        let before = window(text, start.saturating_sub(NEGATIVE_BEFORE_BYTES), start);
        self.spec.negative.iter().any(|word| has_word(before, word))
    }
}

/// `text[start..end]`, moved inward to character boundaries and cut at the text's end.
fn window(text: &str, start: usize, end: usize) -> &str {
    let mut start = start.min(text.len());
    let mut end = end.min(text.len());
    while !text.is_char_boundary(start) {
        start += 1;
    }
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(start..end).unwrap_or("")
}

/// Whether `word` (lower case, may hold spaces) stands in `text` as whole words, without regard to case.
fn has_word(text: &str, word: &str) -> bool {
    let text = text.to_lowercase();
    text.match_indices(word).any(|(at, found)| {
        let free = |c: Option<char>| c.is_none_or(|c| !is_word(c) || is_cjk(c));
        let cjk = word.chars().any(is_cjk);
        cjk || (free(text.get(..at).and_then(|s| s.chars().next_back()))
            && free(text.get(at + found.len()..).and_then(|s| s.chars().next())))
    })
}

/// Letters, digits and underscore in any script.
fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Scripts written without spaces between words: kana, han, hangul and full-width forms.
fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{FF00}'..='\u{FFEF}')
}

/// A token starts here: the character before is no word character, or the script changes to or from one without spaces.
/// A dot between digits joins them, so that fractions, versions and object identifiers do not fall into pieces that
/// look like numbers of persons.
fn starts_token(text: &str, at: usize) -> bool {
    let here = text.get(at..).and_then(|s| s.chars().next());
    let before = text.get(..at).and_then(|s| s.chars().next_back());
    boundary(before, here) && !(before == Some('.') && at >= 1 && is_decimal_point(text, at - 1))
}

/// A token ends before `end`.
fn ends_token(text: &str, end: usize) -> bool {
    let before = text.get(..end).and_then(|s| s.chars().next_back());
    let here = text.get(end..).and_then(|s| s.chars().next());
    boundary(before, here) && !(here == Some('.') && is_decimal_point(text, end))
}

/// The byte at `dot` is a dot with an ASCII digit on either side.
fn is_decimal_point(text: &str, dot: usize) -> bool {
    let digit = |at: Option<usize>| at.and_then(|at| text.as_bytes().get(at)).is_some_and(u8::is_ascii_digit);
    text.as_bytes().get(dot) == Some(&b'.') && digit(dot.checked_sub(1)) && digit(dot.checked_add(1))
}

fn boundary(left: Option<char>, right: Option<char>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => !is_word(left) || !is_word(right) || is_cjk(left) || is_cjk(right),
        _ => true,
    }
}
