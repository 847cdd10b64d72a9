//! From content files to an engine.

use std::sync::OnceLock;

use model::IdentifierType;
use regex_automata::meta::Regex;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::automaton::{Automaton, AutomatonError};
use super::context::{Lexicon, Voice};
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
    /// The identifier's range within a match at `at..end`, where the pattern has a `value` group.
    pub(super) fn value(&self, text: &str, at: usize, end: usize) -> Option<(usize, usize)> {
        let regex = self.groups.get_or_init(|| Regex::new(&ascii_classes(&self.spec.pattern)).ok()).as_ref()?;
        let mut captures = regex.create_captures();
        // No match is longer than the longest one, so that nothing is lost by ending there.
        regex.search_captures(&Input::new(text).range(at..end).anchored(Anchored::Yes), &mut captures);
        let span = captures.get_group_by_name("value")?;
        Some((span.start, span.end))
    }
}

/// Some recognisers in one automaton: pattern `i` is recogniser `members[i]`.
pub(super) struct Group {
    pub automaton: Automaton,
    pub members: Vec<u16>,
}

/// All recognisers with a pattern, by how they can be found.
pub(super) struct Groups {
    /// Those that may begin with a digit, tried at digits.
    pub digits: Group,
    /// Those that may begin with something else and are told apart by their first bytes, tried at everything else.
    pub sharp: Group,
    /// Those that may begin like any word, tried around their literals.
    pub wide: Group,
    /// Those that may begin like any word and have no literal, tried at words that hold a digit.
    pub numbered: Group,
}

/// What judging a match asks of its recogniser, close together in memory.
#[derive(Clone, Copy)]
pub(super) struct Brief {
    pub validator: Option<Validator>,
    pub kind: IdentifierType,
    pub confidence: [u8; 2],
    pub context_required: bool,
    pub open_end: bool,
    /// The identifier is only a part of the match.
    pub group: bool,
}

impl Brief {
    fn of(recognizer: &Recognizer) -> Self {
        let spec = &recognizer.spec;
        Self {
            validator: recognizer.validator,
            kind: spec.kind,
            confidence: spec.confidence,
            context_required: spec.context_required,
            open_end: spec.open_end,
            group: spec.group,
        }
    }
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
    let groups = groups(&recognizers)?;
    let literals = literals(&recognizers, &groups.wide);
    let mut lexicon = Lexicon::new(recognizers.len());
    for (index, recognizer) in recognizers.iter().enumerate() {
        lexicon.add(index, Voice::For, &recognizer.spec.context);
        lexicon.add(index, Voice::Against, &recognizer.spec.negative);
    }
    Ok(Engine {
        brief: recognizers.iter().map(Brief::of).collect(),
        groups,
        literals,
        lexicon,
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
fn groups(recognizers: &[Recognizer]) -> Result<Groups, EngineError> {
    let mut digits = Members::default();
    let mut sharp = Members::default();
    let mut wide = Members::default();
    let mut numbered = Members::default();
    for (index, recognizer) in recognizers.iter().enumerate() {
        let spec = &recognizer.spec;
        if spec.pattern.is_empty() {
            continue;
        }
        let hir = regex_syntax::parse(&ascii_classes(&spec.pattern))
            .map_err(|error| EngineError::Pattern { id: spec.id.clone(), why: error.to_string() })?;
        #[expect(clippy::cast_possible_truncation, reason = "checked by the caller")]
        let index = index as u16;
        let first = first_bytes(&hir);
        if begins_like_a_word(&first) {
            let group = if spec.literals.is_empty() { &mut numbered } else { &mut wide };
            group.add(hir, index);
            continue;
        }
        let is_digit = |byte: &u8| byte.is_ascii_digit();
        let begins = |wanted: bool| (0..=255_u8).any(|byte| first[usize::from(byte)] && is_digit(&byte) == wanted);
        match (begins(true), begins(false)) {
            (true, true) => {
                digits.add(hir.clone(), index);
                sharp.add(hir, index);
            }
            (true, false) => digits.add(hir, index),
            (false, _) => sharp.add(hir, index),
        }
    }
    Ok(Groups {
        digits: digits.compiled()?,
        sharp: sharp.compiled()?,
        wide: wide.compiled()?,
        numbered: numbered.compiled()?,
    })
}

#[derive(Default)]
struct Members {
    patterns: Vec<Hir>,
    members: Vec<u16>,
}

impl Members {
    fn add(&mut self, pattern: Hir, member: u16) {
        self.patterns.push(pattern);
        self.members.push(member);
    }

    fn compiled(self) -> Result<Group, AutomatonError> {
        Ok(Group { automaton: Automaton::new(&self.patterns)?, members: self.members })
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
fn begins_like_a_word(first: &[bool; 256]) -> bool {
    const MANY: usize = 20;
    (b'a'..=b'z').filter(|&letter| first[usize::from(letter)]).count() >= MANY
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
    use super::{ascii_classes, begins_like_a_word, first_bytes};

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
}
