//! Forms as they stand in files: read, and checked so that nothing in them can point nowhere.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::condition::{Condition, Reader, Written};
use super::prefill::Prefill;
use super::{Choice, Form, Kind, Meaning, Possible, Question};

/// Why there is no form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// There is none of that id.
    #[error("there is no assessment `{given}`; there are {known}")]
    None {
        /// What was given, cut.
        given: String,
        /// What there is.
        known: String,
    },
    /// A file is broken.
    #[error("content/assessments/{file}: {why}")]
    Content {
        /// Which.
        file: String,
        /// What is wrong.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormFile {
    id: String,
    title: String,
    about: String,
    cites: Vec<String>,
    checked: toml::value::Datetime,
    note: Option<String>,
    #[serde(default)]
    define: BTreeMap<String, Written>,
    meaning: Vec<Meaning>,
    question: Vec<QuestionItem>,
    outcome: Vec<OutcomeItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionItem {
    id: String,
    text: String,
    help: String,
    cites: String,
    kind: Kind,
    #[serde(default)]
    options: Vec<Choice>,
    needed: bool,
    #[serde(default)]
    uncertain: bool,
    note: Option<String>,
    asked_when: Option<Written>,
    prefill: Option<Prefill>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeItem {
    id: String,
    gravity: u8,
    title: String,
    text: String,
    cites: String,
    #[serde(default)]
    facts: Map<String, Value>,
    when: Option<Written>,
    only_when: Option<Written>,
    needs: Option<String>,
    #[serde(default)]
    looks_at: Vec<String>,
    #[serde(default)]
    presumed: bool,
    #[serde(default)]
    uncertain: bool,
    note: Option<String>,
}

impl Form {
    /// Reads a form in the shape of `content/assessments`. `file` is named in errors.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn from_toml(file: &str, text: &str) -> Result<Self, FormError> {
        let content = |why: String| FormError::Content { file: file.to_owned(), why };
        let written: FormFile = toml::from_str(text).map_err(|error| content(error.to_string()))?;
        read(written).map_err(content)
    }
}

fn read(file: FormFile) -> Result<Form, String> {
    let checked = file.checked.to_string();
    let checked: Date = checked.parse().map_err(|_other| format!("checked: `{checked}` is no day"))?;
    let mut questions: Vec<Question> = Vec::new();
    for item in file.question {
        let id = item.id.clone();
        // Only questions that are read already can be named: conditions are about earlier answers.
        let reader = Reader { questions: &questions, define: &file.define };
        let question = question(item, reader).map_err(|why| format!("question `{id}`: {why}"))?;
        questions.push(question);
    }
    let reader = Reader { questions: &questions, define: &file.define };
    for (name, written) in &file.define {
        reader.read(written).map_err(|why| format!("definition `{name}`: {why}"))?;
    }
    let last = file.outcome.len().saturating_sub(1);
    let mut outcomes: Vec<Possible> = Vec::new();
    for (at, item) in file.outcome.into_iter().enumerate() {
        let id = item.id.clone();
        outcomes.push(outcome(item, at == last, reader).map_err(|why| format!("outcome `{id}`: {why}"))?);
    }
    unique("meaning", file.meaning.iter().map(|one| one.id.as_str()))?;
    unique("question", questions.iter().map(|one| one.id.as_str()))?;
    unique("outcome", outcomes.iter().map(|one| one.id.as_str()))?;
    Ok(Form {
        id: file.id,
        title: file.title,
        about: file.about,
        cites: file.cites,
        checked,
        note: file.note,
        meanings: file.meaning,
        questions,
        outcomes,
    })
}

fn unique<'a>(what: &str, mut ids: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    if let Some(again) = ids.find(|id| id.is_empty() || !seen.insert(*id)) {
        return Err(format!("{what} `{again}` is there twice, or has no id"));
    }
    if seen.is_empty() { Err(format!("there is no {what}")) } else { Ok(()) }
}

fn question(item: QuestionItem, earlier: Reader<'_>) -> Result<Question, String> {
    match item.kind {
        Kind::Choice => unique("option", item.options.iter().map(|one| one.id.as_str()))?,
        Kind::Text if !item.options.is_empty() => return Err("a text has no options".to_owned()),
        Kind::Text => {}
    }
    if item.uncertain && item.note.is_none() {
        return Err("say in a note what is uncertain".to_owned());
    }
    let asked_when = item.asked_when.as_ref().map(|when| earlier.read(when)).transpose()?;
    let question = Question {
        id: item.id,
        text: item.text,
        help: item.help,
        cites: item.cites,
        kind: item.kind,
        options: item.options,
        needed: item.needed,
        uncertain: item.uncertain,
        note: item.note,
        asked_when,
        prefill: item.prefill,
    };
    match question.prefill.as_ref().map(Prefill::options).unwrap_or_default() {
        Some(named) if question.kind == Kind::Choice => match named.iter().find(|id| question.option(id).is_none()) {
            Some(unknown) => Err(format!("prefill: there is no option `{unknown}`")),
            None => Ok(question),
        },
        None if question.kind == Kind::Choice && question.prefill.is_some() => {
            Err("prefill: a text for a choice".to_owned())
        }
        Some(_) => Err("prefill: an option for a text".to_owned()),
        None => Ok(question),
    }
}

fn outcome(item: OutcomeItem, is_last: bool, reader: Reader<'_>) -> Result<Possible, String> {
    let condition = |written: &Option<Written>| -> Result<Option<Condition>, String> {
        written.as_ref().map(|written| reader.read(written)).transpose()
    };
    if item.when.is_none() != is_last || (item.presumed && !is_last) {
        return Err("the last outcome, and it alone, holds without a condition and can be presumed".to_owned());
    }
    if item.only_when.is_some() != item.needs.is_some() {
        return Err("`only_when` goes with `needs`, which says it in words".to_owned());
    }
    if item.uncertain && item.note.is_none() {
        return Err("say in a note what is uncertain".to_owned());
    }
    let index = |id: &String| {
        let found = reader.questions.iter().position(|question| question.id == *id);
        found.ok_or_else(|| format!("looks_at: there is no question `{id}`"))
    };
    Ok(Possible {
        when: condition(&item.when)?,
        only_when: condition(&item.only_when)?,
        looks_at: item.looks_at.iter().map(index).collect::<Result<_, _>>()?,
        id: item.id,
        title: item.title,
        text: item.text,
        cites: item.cites,
        gravity: item.gravity,
        facts: item.facts,
        needs: item.needs,
        uncertain: item.uncertain,
        note: item.note,
        presumed: item.presumed,
    })
}
