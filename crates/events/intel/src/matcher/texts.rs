//! `LIKE` and `MATCHES`: all patterns of a kind in one automaton, so that a value is walked once.

use regex_automata::meta::{Cache, Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternSet};

use crate::indicator::Test;

/// The largest automaton of one pattern, in bytes.
const PATTERN_SIZE_MAX: usize = 1 << 20;
/// The largest automaton of all patterns of a kind, in bytes.
const SET_SIZE_MAX: usize = 64 << 20;
/// The longest `LIKE` or `MATCHES` text, in bytes.
const TEXT_MAX: usize = 4096;
/// Groups inside one another in a regular expression.
const NEST_MAX: u32 = 50;

/// Whether a test can be tried at all.
pub(crate) fn check(test: &Test) -> Result<(), String> {
    let text = match test {
        Test::Like(text) | Test::Matches(text) => text,
    };
    if text.len() > TEXT_MAX {
        return Err(format!("a text to compare with has more than {TEXT_MAX} bytes"));
    }
    build(&[expression(test)], PATTERN_SIZE_MAX)
        .map(|_automaton| ())
        .map_err(|why| format!("the regular expression is refused: {why}"))
}

/// The regular expression of a test. `LIKE` is about the whole text, `MATCHES` about any part of it.
fn expression(test: &Test) -> String {
    match test {
        Test::Matches(text) => text.clone(),
        Test::Like(text) => {
            let mut out = String::from("^(?s:");
            for c in text.chars() {
                match c {
                    '%' => out.push_str(".*"),
                    '_' => out.push('.'),
                    c => out.push_str(&regex_syntax::escape(c.encode_utf8(&mut [0; 4]))),
                }
            }
            out.push_str(")$");
            out
        }
    }
}

fn build(expressions: &[String], size_max: usize) -> Result<Regex, String> {
    let config = Config::new()
        .match_kind(MatchKind::All)
        .nfa_size_limit(Some(size_max))
        .onepass_size_limit(Some(1 << 20))
        .hybrid_cache_capacity(4 << 20);
    // Names and addresses do not mind capitals; and web addresses that differ in nothing else are the same page mostly.
    let syntax = syntax::Config::new().nest_limit(NEST_MAX).case_insensitive(true).utf8(false);
    Regex::builder().configure(config).syntax(syntax).build_many(expressions).map_err(|error| {
        match error.syntax_error() {
            Some(error) => error.to_string().lines().last().unwrap_or_default().to_owned(),
            None => error.to_string(),
        }
    })
}

/// The patterns of one kind.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    regex: Option<Regex>,
    atoms: Vec<u32>,
}

/// What trying them needs.
#[derive(Debug)]
pub(crate) struct TextsScratch {
    cache: Option<Cache>,
    found: PatternSet,
}

impl Texts {
    /// Builds the automaton; those of `tests` that make it too large are given back.
    pub(crate) fn new(tests: &[(u32, &Test)]) -> (Self, Vec<u32>) {
        let mut taken: Vec<(u32, String)> = tests
            .iter()
            .filter(|(_, test)| check(test).is_ok())
            .map(|(atom, test)| (*atom, expression(test)))
            .collect();
        loop {
            if taken.is_empty() {
                break;
            }
            let expressions: Vec<String> = taken.iter().map(|(_, expression)| expression.clone()).collect();
            if let Ok(regex) = build(&expressions, SET_SIZE_MAX) {
                let atoms: Vec<u32> = taken.iter().map(|(atom, _)| *atom).collect();
                let left = tests.iter().map(|(atom, _)| *atom).filter(|atom| !atoms.contains(atom)).collect();
                return (Self { regex: Some(regex), atoms }, left);
            }
            // Too large together: the later half goes without.
            taken.truncate(taken.len() / 2);
        }
        (Self::default(), tests.iter().map(|(atom, _)| *atom).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.regex.is_none()
    }

    pub(crate) fn scratch(&self) -> TextsScratch {
        TextsScratch { cache: self.regex.as_ref().map(Regex::create_cache), found: PatternSet::new(self.atoms.len()) }
    }

    /// Calls for each pattern that holds for a text.
    pub(crate) fn each(&self, text: &[u8], scratch: &mut TextsScratch, take: &mut dyn FnMut(u32)) {
        let (Some(regex), Some(cache)) = (&self.regex, &mut scratch.cache) else { return };
        let input = Input::new(text);
        if regex.search_half_with(cache, &input.clone().earliest(true)).is_none() {
            return;
        }
        scratch.found.clear();
        regex.which_overlapping_matches_with(cache, &input, &mut scratch.found);
        for pattern in scratch.found.iter() {
            if let Some(atom) = self.atoms.get(pattern.as_usize()) {
                take(*atom);
            }
        }
    }
}

/// The slow way: one test, one text.
pub(crate) fn holds(test: &Test, text: &str) -> bool {
    build(&[expression(test)], PATTERN_SIZE_MAX).is_ok_and(|regex| regex.is_match(text))
}
