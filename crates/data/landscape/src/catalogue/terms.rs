//! Terms under which an object is found.

use std::collections::BTreeSet;

use store::objects::ObjectRow;

/// Families of terms. One letter each, so that a million paths stay small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Label,
    Law,
    Format,
    Study,
    Jurisdiction,
    Identifier,
    State,
    Problem,
    Source,
    Rank,
    Path,
}

impl Family {
    const fn letter(self) -> char {
        match self {
            Self::Label => 'l',
            Self::Law => 'w',
            Self::Format => 'f',
            Self::Study => 's',
            Self::Jurisdiction => 'j',
            Self::Identifier => 'i',
            Self::State => 't',
            Self::Problem => 'p',
            Self::Source => 'o',
            Self::Rank => 'r',
            Self::Path => 'g',
        }
    }

    /// The term of a value.
    pub(crate) fn term(self, value: &str) -> Vec<u8> {
        format!("{}:{value}", self.letter()).into_bytes()
    }

    /// The value of a term of this family.
    pub(crate) fn value(self, term: &[u8]) -> Option<String> {
        let rest = term.strip_prefix(format!("{}:", self.letter()).as_bytes())?;
        String::from_utf8(rest.to_vec()).ok()
    }
}

/// Ranks of risk in a row that share a term.
pub(crate) const RANKS_TOGETHER: i64 = 32;

/// The term of a rank of risk.
pub(crate) fn of_rank(risk: i64) -> Vec<u8> {
    // Leading zeros, so that terms are ordered as ranks are.
    Family::Rank.term(&format!("{:06}", risk.max(0) / RANKS_TOGETHER))
}

/// The lowest rank that a term of [`of_rank`] stands for.
pub(crate) fn lowest_rank(term: &[u8]) -> Option<i64> {
    Family::Rank.value(term)?.parse::<i64>().ok()?.checked_mul(RANKS_TOGETHER)
}

/// Letters in a row that are indexed.
pub(crate) const GRAM_CHARS: usize = 3;
/// Stands after the end of a path, so that its last one and two letters are found too.
const END: char = '\u{0}';

/// Everything an object is found under but its path.
pub(super) fn of_object(object: &ObjectRow, identifiers: impl IntoIterator<Item = String>) -> BTreeSet<Vec<u8>> {
    let mut terms = BTreeSet::new();
    for label in object.labels.split(',') {
        terms.insert(Family::Label.term(label));
    }
    for law in object.laws.split(',').filter(|law| !law.is_empty()) {
        terms.insert(Family::Law.term(law));
    }
    terms.insert(of_rank(object.risk));
    terms.insert(Family::Format.term(&object.format));
    terms.insert(Family::State.term(&object.state));
    terms.insert(Family::Source.term(&object.source_id.to_string()));
    if !object.study.is_empty() {
        terms.insert(Family::Study.term(&object.study));
    }
    if object.problems > 0 {
        terms.insert(Family::Problem.term(""));
    }
    let mix: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&object.jurisdictions).unwrap_or_default();
    for name in mix.keys() {
        terms.insert(Family::Jurisdiction.term(name));
        if let Ok(jurisdiction) = name.parse::<model::Jurisdiction>() {
            terms.insert(Family::Jurisdiction.term(jurisdiction.country_part()));
        }
    }
    terms.extend(identifiers.into_iter().map(|kind| Family::Identifier.term(&kind)));
    terms
}

/// The terms of a path: every three letters in a row, lower-cased.
pub(super) fn of_path(path: &str) -> BTreeSet<Vec<u8>> {
    let mut letters: Vec<char> = path.to_lowercase().chars().collect();
    letters.extend([END; GRAM_CHARS - 1]);
    letters.windows(GRAM_CHARS).map(|gram| Family::Path.term(&gram.iter().collect::<String>())).collect()
}

/// What a text looked for in paths must be found under: whole terms, or the beginning of one when it is short.
pub(crate) enum Wanted {
    All(BTreeSet<Vec<u8>>),
    Beginning(Vec<u8>),
}

/// The terms of a text looked for; `None` for an empty one.
pub(crate) fn of_query(text: &str) -> Option<Wanted> {
    let letters: Vec<char> = text.to_lowercase().chars().collect();
    match letters.len() {
        0 => None,
        1..GRAM_CHARS => Some(Wanted::Beginning(Family::Path.term(&letters.iter().collect::<String>()))),
        _ => {
            let grams = letters.windows(GRAM_CHARS);
            Some(Wanted::All(grams.map(|gram| Family::Path.term(&gram.iter().collect::<String>())).collect()))
        }
    }
}
