//! From content files to an engine.

use std::sync::OnceLock;

use model::IdentifierType;

use super::automaton::AutomatonError;
use super::context::{Lexicon, Voice};
use super::groups::{Groups, Sort};
use super::literals::Literals;
use super::values::{self, Value};
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
    value: Value,
    pattern: String,
}

impl Recognizer {
    /// The identifier's range within a match, where the pattern has a `value` group.
    pub(super) fn value(
        &self,
        text: &str,
        range: (usize, usize),
        memory: &mut values::Memory,
    ) -> Option<(usize, usize)> {
        self.value.find(&self.pattern, text, range, memory)
    }
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
    let groups = Groups::of(&recognizers)?;
    let literals = Literals::of(&recognizers, groups.get(Sort::Wide));
    let mut lexicon = Lexicon::new();
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
    let pattern = ascii_classes(&spec.pattern);
    Ok(Recognizer { spec, validator, value: Value::default(), pattern })
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
