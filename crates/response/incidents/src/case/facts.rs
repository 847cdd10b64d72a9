//! Facts that playbooks ask for: an answer becomes the fact that its variable is, and a known fact is proposed as the answer.

use std::collections::BTreeMap;

use obligations::Vocabulary;
use playbooks::variable::{Kind, Variable, plain};
use playbooks::{Binding, Fault, Input, ParseError, Playbook};
use serde_json::{Map, Value};

use super::{Case, CaseError, What, wrong};
use crate::exposure::{counted_in, with_counted};

/// The fact that counts people by where they live.
const AFFECTED: &str = "affected";
/// What stands for all places.
const EVERYWHERE: &str = "*";
/// The answer that says nothing, where a day or a time is asked for.
const UNKNOWN: &str = "unknown";

/// Whether the facts that a playbook's variables are can be had, and from such answers.
///
/// # Errors
/// With all that do not fit, each with the step that asks for it.
pub fn check_facts(book: &Playbook, origin: &str, vocabulary: &Vocabulary) -> Result<(), ParseError> {
    let mut faults = Vec::new();
    for bound in book.facts() {
        if let Err((why, remedy)) = fits(bound.fact, bound.variable, vocabulary) {
            let why = format!("`{}` cannot be the fact `{}`: {why}", plain(bound.name), bound.fact.fact);
            faults.push(Fault { place: bound.place, why, remedy });
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(ParseError { origin: origin.to_owned(), faults }) }
}

fn fits(binding: &Binding, variable: &Variable, vocabulary: &Vocabulary) -> Result<(), (String, String)> {
    let no = |why: String, remedy: &str| Err((why, remedy.to_owned()));
    if binding.fact == AFFECTED {
        let Some(place) = &binding.jurisdiction else {
            return no(
                "it does not say where those live whom it counts".to_owned(),
                "add `jurisdiction`, or `*` there",
            );
        };
        if place != EVERYWHERE
            && let Err(why) = vocabulary.jurisdiction(place)
        {
            return no(why, "correct `jurisdiction`");
        }
        let is_count = variable.kind == Kind::Whole && binding.values.is_empty();
        return if is_count {
            Ok(())
        } else {
            no("people are counted in whole numbers".to_owned(), "make it an `integer` without `values`")
        };
    }
    let Some(asked) = vocabulary.facts().find(|asked| asked.name == binding.fact) else {
        let near: Vec<&str> = vocabulary.facts().map(|asked| asked.name).collect();
        return no("there is no such fact".to_owned(), &format!("write one of {}", near.join(", ")));
    };
    if binding.jurisdiction.is_some() {
        return no("it counts nobody".to_owned(), "take `jurisdiction` away");
    }
    let is_word = |word: &str| asked.words.iter().any(|known| known == word);
    if !binding.values.is_empty() {
        let strange = binding.values.values().find(|says| match says {
            Value::Bool(_) => !asked.is_flag(),
            Value::String(word) => !is_word(word),
            _ => true,
        });
        return match strange {
            None => Ok(()),
            Some(says) => no(format!("it is never {says}"), &may_be(asked.is_flag(), asked.words)),
        };
    }
    let is_fit = match (asked.is_flag(), asked.words.is_empty()) {
        (true, _) => variable.kind == Kind::Bool,
        (false, false) => {
            variable.kind == Kind::Text
                && !variable.choices.is_empty()
                && variable.choices.iter().all(|word| is_word(word))
        }
        (false, true) => variable.kind == Kind::Text && variable.choices.is_empty(),
    };
    if is_fit { Ok(()) } else { no("its values are of another kind".to_owned(), &may_be(asked.is_flag(), asked.words)) }
}

fn may_be(is_flag: bool, words: &[String]) -> String {
    if is_flag {
        "the fact is true or false: make it a `bool`, or say with `values` what each of its values means".to_owned()
    } else if words.is_empty() {
        "the fact is a text, a day or a time: make it a `string` without choices or `values`".to_owned()
    } else {
        format!(
            "the fact is one of {}: let it take these, or say with `values` what each of its values means",
            words.join(", ")
        )
    }
}

/// What an answer says of the fact that it is; `None`: nothing.
fn said(binding: &Binding, value: &str, vocabulary: &Vocabulary) -> Option<Value> {
    if !binding.values.is_empty() {
        return binding.values.get(value).cloned();
    }
    let asked = vocabulary.facts().find(|asked| asked.name == binding.fact)?;
    match value {
        "true" | "false" if asked.is_flag() => Some(Value::Bool(value == "true")),
        "" | UNKNOWN if asked.words.is_empty() => None,
        value => Some(Value::String(value.to_owned())),
    }
}

impl Case {
    /// What is known already of the fact that a variable is, as its value; `None`: nothing, or several values would say the same.
    #[must_use]
    pub fn proposed(&self, binding: &Binding) -> Option<String> {
        let is = self.facts.get(&binding.fact)?;
        if let Some(place) = &binding.jurisdiction {
            return counted_in(is, Some(place.as_str()).filter(|place| *place != EVERYWHERE))
                .map(|count| count.to_string());
        }
        if !binding.values.is_empty() {
            let mut same = binding.values.iter().filter(|(_, says)| *says == is).map(|(value, _)| value);
            return same.next().filter(|_| same.next().is_none()).cloned();
        }
        match is {
            Value::Bool(is) => Some(is.to_string()),
            Value::String(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// Values for the variables that whoever starts a playbook gives, as far as they are facts that are known.
    #[must_use]
    pub fn proposed_for(&self, book: &Playbook) -> BTreeMap<String, String> {
        let given = book.variables.iter().filter(|(_, variable)| variable.is_external && !variable.is_constant);
        let known = |(name, variable): (&String, &Variable)| {
            let value = self.proposed(variable.fact.as_ref()?)?;
            variable.check(name, &value).ok().map(|()| (plain(name).to_owned(), value))
        };
        given.filter_map(known).collect()
    }

    /// What is proposed for the answer to a task of a run, by variable: facts as they are known now.
    #[must_use]
    pub fn proposed_in(&self, run: u64, task: u32) -> BTreeMap<String, String> {
        let facts = self.runs.get(&run).map(|run| run.facts_of(task)).unwrap_or_default();
        facts.into_iter().filter_map(|(name, fact)| Some((plain(name).to_owned(), self.proposed(fact)?))).collect()
    }

    /// The facts that follow from what is said to a playbook, or from the values with which it begins: those that are not so already.
    ///
    /// What Lazaret finds out by itself makes known what was unknown; only people say that something else is so.
    ///
    /// # Errors
    /// When fewer people would be affected than are known to be.
    pub fn facts_said(&self, what: &What) -> Result<Map<String, Value>, CaseError> {
        let library = obligations::in_force().map_err(|error| CaseError(error.to_string()))?;
        let vocabulary = library.vocabulary();
        let pairs: Vec<(Binding, String)> = match what {
            What::Run { books, values, .. } => begun(books, values),
            What::Step { run, input: Input::Answered { task, values, .. } | Input::Acted { task, values }, .. } => {
                let facts = self.runs.get(run).map(|run| run.facts_of(*task)).unwrap_or_default();
                let value = |name: &str| values.get(name).or_else(|| values.get(plain(name))).cloned();
                facts.into_iter().filter_map(|(name, fact)| Some((fact.clone(), value(name)?))).collect()
            }
            _ => return Ok(Map::new()),
        };
        // What the record tells of people is put to the facts with the exposure itself.
        let by_lazaret = matches!(what, What::Step { input: Input::Acted { .. }, .. }) && !self.is_exercise;
        let (mut set, mut counts) = (Map::new(), Vec::new());
        for (binding, value) in pairs {
            match &binding.jurisdiction {
                // Where people live is told by the others.
                Some(place) if place == EVERYWHERE || by_lazaret => {}
                Some(place) => counts.extend(value.parse::<u64>().ok().map(|count| (place.clone(), count))),
                None => {
                    let is_open = !by_lazaret || !self.facts.contains_key(&binding.fact);
                    if let Some(says) = said(&binding, &value, vocabulary).filter(|_| is_open) {
                        set.insert(binding.fact, says);
                    }
                }
            }
        }
        match with_counted(self.facts.get(AFFECTED), &counts) {
            Ok(Some(affected)) => drop(set.insert(AFFECTED.to_owned(), affected)),
            Ok(None) => {}
            Err(why) => return wrong(format!("{why}; change `affected` among the facts first, then answer")),
        }
        set.retain(|name, value| self.facts.get(name) != Some(value));
        Ok(set)
    }
}

/// Values with which a playbook begins that are facts.
fn begun(books: &[Value], values: &BTreeMap<String, String>) -> Vec<(Binding, String)> {
    let Some(book) = books.first() else { return Vec::new() };
    // What is no playbook does not begin.
    let Ok(book) = Playbook::parse(book.to_string().as_bytes(), "the playbook") else { return Vec::new() };
    let value = |name: &str| values.get(name).or_else(|| values.get(plain(name))).cloned();
    book.variables.iter().filter_map(|(name, variable)| Some((variable.fact.clone()?, value(name)?))).collect()
}
