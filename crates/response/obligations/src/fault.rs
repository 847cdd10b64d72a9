//! What is wrong with facts: all of it, each beside the fact that it is about.

use serde_json::{Map, Value};

use crate::facts::{Facts, FactsError};
use crate::library::Vocabulary;

/// Something that is wrong with facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The facts that it is about, by name.
    pub facts: Vec<String>,
    /// Which entry of the fact, where it is a list.
    pub entry: Option<usize>,
    /// What is wrong, and what to write instead.
    pub says: String,
}

/// What [`Facts::from_json`] would refuse: every fact that is wrong by itself, or else facts that do not fit together.
#[must_use]
pub fn faults(facts: &Map<String, Value>, vocabulary: &Vocabulary) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, value) in facts {
        // Each entry of a list is asked about by itself, so that one that is wrong hides no other.
        let parts: Vec<(Option<usize>, Value)> = match value {
            Value::Array(all) if all.iter().all(Value::is_object) => {
                all.iter().enumerate().map(|(index, one)| (Some(index), Value::Array(vec![one.clone()]))).collect()
            }
            other => vec![(None, other.clone())],
        };
        for (entry, part) in parts {
            let alone = Map::from_iter([(name.clone(), part)]);
            if let Err(error) = read(&alone, vocabulary) {
                let mut says = plain(&error);
                if let Some(entry) = entry {
                    says = says.replace(&format!("`{name}[0]"), &format!("`{name}[{entry}]"));
                }
                faults.push(Fault { facts: vec![name.clone()], entry, says });
            }
        }
    }
    if faults.is_empty()
        && let Err(error) = read(facts, vocabulary)
    {
        let says = plain(&error);
        // The message names the facts that it is about.
        let named = facts.keys().filter(|name| says.contains(&format!("`{name}`"))).cloned().collect();
        faults.push(Fault { facts: named, entry: None, says });
    }
    faults
}

fn read(facts: &Map<String, Value>, vocabulary: &Vocabulary) -> Result<(), FactsError> {
    Facts::from_json(Value::Object(facts.clone()).to_string().as_bytes(), vocabulary).map(drop)
}

/// The message without its place in a text that nobody has seen.
fn plain(error: &FactsError) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.0.line(), error.0.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}
