//! From content files to an engine.

use std::sync::OnceLock;

use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::automaton::{Automaton, AutomatonError};
use super::context::Lexicon;
use super::{Engine, terms};
use crate::content::{RecognizerFile, RecognizerSpec};
use crate::names::Names;
use crate::validate::{self, Validator};

/// Why the engine cannot be made: a content file is wrong.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The file does not have the shape that `recognize::content` describes.
    #[error("content file `{file}` cannot be read: {why}")]
    File {
        /// Path below content/recognizers.
        file: String,
        /// The parser's words, with line and column.
        why: String,
    },
    /// A recogniser's pattern does not compile.
    #[error("recognizer `{id}`: its pattern does not compile: {why}")]
    Pattern {
        /// Which recogniser.
        id: String,
        /// The regex crate's words.
        why: String,
    },
    /// A recogniser asks for a check that does not exist.
    #[error("recognizer `{id}`: there is no validator `{name}`; see docs/reference/recognizers.md for those there are")]
    Validator {
        /// Which recogniser.
        id: String,
        /// What it asked for.
        name: String,
    },
    /// The patterns together cannot be compiled.
    #[error(transparent)]
    Automaton(#[from] AutomatonError),
}

/// A recogniser made ready.
pub(super) struct Recognizer {
    pub spec: RecognizerSpec,
    pub validator: Option<Validator>,
    /// Only for patterns with a `value` group, compiled when first needed.
    groups: OnceLock<Option<Regex>>,
}

impl Recognizer {
    /// The identifier's range within a match at `at..end`.
    pub(super) fn value(&self, text: &str, at: usize, end: usize) -> Option<(usize, usize)> {
        if !self.spec.group {
            return Some((at, end));
        }
        let regex = self.groups.get_or_init(|| Regex::new(&ascii_classes(&self.spec.pattern)).ok()).as_ref()?;
        let mut captures = regex.create_captures();
        regex.search_captures(&Input::new(text).range(at..).anchored(Anchored::Yes), &mut captures);
        let span = captures.get_group_by_name("value")?;
        Some((span.start, span.end))
    }
}

/// Some recognisers in one automaton: pattern `i` is recogniser `members[i]`.
pub(super) struct Group {
    pub automaton: Automaton,
    pub members: Vec<u16>,
}

pub(super) fn engine<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Engine, EngineError> {
    let mut recognizers = Vec::new();
    let mut term_texts = Vec::new();
    let mut term_lists = Vec::new();
    for (file, text) in files {
        if file.starts_with("terms/") {
            if let Some(kind) = terms::list_type(file) {
                #[expect(clippy::cast_possible_truncation, reason = "a handful of lists")]
                term_texts.push((term_lists.len() as u16, text));
                term_lists.push((file.to_owned(), kind));
            }
        } else if file.ends_with(".toml") && is_recognizer_file(file) {
            let parsed: RecognizerFile = toml::from_str(text)
                .map_err(|error| EngineError::File { file: file.to_owned(), why: error.to_string() })?;
            for spec in parsed.recognizer {
                recognizers.push(ready(spec)?);
            }
        }
    }
    if recognizers.len() > usize::from(u16::MAX) {
        return Err(EngineError::File { file: "recognizers".into(), why: "more than 65,535 recognisers".into() });
    }
    let [sharp, wide, numbered] = groups(&recognizers)?;
    let literals = literals(&recognizers, &wide);
    let count = recognizers.len();
    let context = Lexicon::new(count, recognizers.iter().enumerate().map(|(i, r)| (i, r.spec.context.as_slice())));
    let negative = Lexicon::new(count, recognizers.iter().enumerate().map(|(i, r)| (i, r.spec.negative.as_slice())));
    Ok(Engine {
        sharp,
        wide,
        numbered,
        literals,
        context,
        negative,
        terms: terms::Terms::new(term_texts.into_iter()),
        term_lists,
        names: Names::load(),
        tagger: OnceLock::new(),
        recognizers,
    })
}

/// Files that hold recognisers, as against structure maps, labels and term lists.
pub(crate) fn is_recognizer_file(file: &str) -> bool {
    !file.contains('/') && file != "types.toml" && file != "labels.toml"
}

fn ready(spec: RecognizerSpec) -> Result<Recognizer, EngineError> {
    let validator = match &spec.validator {
        None => None,
        Some(name) => {
            let found = validate::by_name(name);
            Some(found.ok_or_else(|| EngineError::Validator { id: spec.id.clone(), name: name.clone() })?)
        }
    };
    Ok(Recognizer { spec, validator, groups: OnceLock::new() })
}

/// Sorts the recognisers by how they can be found and compiles each group.
fn groups(recognizers: &[Recognizer]) -> Result<[Group; 3], EngineError> {
    let mut patterns: [(Vec<String>, Vec<u16>); 3] = Default::default();
    for (index, recognizer) in recognizers.iter().enumerate() {
        let spec = &recognizer.spec;
        if spec.pattern.is_empty() {
            continue;
        }
        let pattern = ascii_classes(&spec.pattern);
        let hir = regex_syntax::parse(&pattern)
            .map_err(|error| EngineError::Pattern { id: spec.id.clone(), why: error.to_string() })?;
        let group = match (begins_like_a_word(&hir), spec.literals.is_empty()) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => 2,
        };
        patterns[group].0.push(pattern);
        #[expect(clippy::cast_possible_truncation, reason = "checked by the caller")]
        patterns[group].1.push(index as u16);
    }
    let mut groups = Vec::with_capacity(3);
    for (patterns, members) in patterns {
        groups.push(Group { automaton: Automaton::new(&patterns)?, members });
    }
    match <[Group; 3]>::try_from(groups) {
        Ok(groups) => Ok(groups),
        Err(_) => Err(AutomatonError { why: "three groups were expected".into() }.into()),
    }
}

fn literals(recognizers: &[Recognizer], wide: &Group) -> Option<aho_corasick::AhoCorasick> {
    let literals: Vec<&str> = wide
        .members
        .iter()
        .filter_map(|&index| recognizers.get(usize::from(index)))
        .flat_map(|recognizer| recognizer.spec.literals.iter().map(String::as_str))
        .collect();
    if literals.is_empty() { None } else { aho_corasick::AhoCorasick::new(literals).ok() }
}

/// `\d`, `\w` and `\s` mean ASCII in content files; everything else keeps its Unicode meaning.
pub(crate) fn ascii_classes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('w') => out.push_str("[0-9A-Za-z_]"),
            Some('s') => out.push_str("[\\t\\n\\r ]"),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}

/// Whether a match may begin with nearly any lower-case letter, so that its first bytes tell nothing.
fn begins_like_a_word(hir: &Hir) -> bool {
    const MANY: usize = 20;
    first_letters(hir).iter().filter(|&&set| set).count() >= MANY
}

/// Which lower-case ASCII letters a match may begin with.
fn first_letters(hir: &Hir) -> [bool; 26] {
    let mut letters = [false; 26];
    let mut add = |from: u32, to: u32| {
        for code in from.max(u32::from(b'a'))..=to.min(u32::from(b'z')) {
            letters[(code - u32::from(b'a')) as usize] = true;
        }
    };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => {
            if let Some(&b) = literal.0.first() {
                add(u32::from(b), u32::from(b));
            }
        }
        HirKind::Class(Class::Unicode(class)) => {
            class.iter().for_each(|range| add(u32::from(range.start()), u32::from(range.end())));
        }
        HirKind::Class(Class::Bytes(class)) => {
            class.iter().for_each(|range| add(u32::from(range.start()), u32::from(range.end())));
        }
        HirKind::Repetition(repetition) => return first_letters(&repetition.sub),
        HirKind::Capture(capture) => return first_letters(&capture.sub),
        HirKind::Alternation(branches) => branches.iter().for_each(|branch| join(&mut letters, branch)),
        HirKind::Concat(parts) => {
            for part in parts {
                join(&mut letters, part);
                if part.properties().minimum_len() != Some(0) {
                    break;
                }
            }
        }
    }
    letters
}

fn join(letters: &mut [bool; 26], hir: &Hir) {
    letters.iter_mut().zip(first_letters(hir)).for_each(|(to, from)| *to |= from);
}

#[cfg(test)]
mod tests {
    use super::{ascii_classes, begins_like_a_word};

    fn wide(pattern: &str) -> bool {
        begins_like_a_word(&regex_syntax::parse(&ascii_classes(pattern)).unwrap())
    }

    #[test]
    fn patterns_that_begin_like_any_word_are_told_apart() {
        assert!(wide(r"[\w.%+-]+@[a-z]+"));
        assert!(wide(r"(?:[a-z]{2}|\d)\d{5}"));
        assert!(!wide(r"\d{3}-\d{2}-\d{4}"));
        assert!(!wide("(?i:password|secret)=.{8}"));
        assert!(!wide("[A-Z0-9]{9}"));
    }
}
