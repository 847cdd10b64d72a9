//! Notices, put together from what has to be said and the facts as they are known; and whether everything is said.
//!
//! A draft holds numbers, kinds of data and dates, and the texts that people wrote. It names no data subject: letters to people are
//! addressed elsewhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::OnceLock;

use obligations::Content;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::brief::Brief;

/// Languages that notices are drafted in.
pub const LANGUAGES: [&str; 5] = ["en", "de", "fr", "es", "ja"];

const FILES: [(&str, &str); 5] = [
    ("en", include_str!("../../../../content/notices/en.toml")),
    ("de", include_str!("../../../../content/notices/de.toml")),
    ("fr", include_str!("../../../../content/notices/fr.toml")),
    ("es", include_str!("../../../../content/notices/es.toml")),
    ("ja", include_str!("../../../../content/notices/ja.toml")),
];

/// Words of one language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    language: String,
    /// What the language calls itself.
    pub name: String,
    #[serde(rename = "checked")]
    _checked: toml::value::Datetime,
    subject: BTreeMap<String, String>,
    opening: BTreeMap<String, String>,
    closing: BTreeMap<String, String>,
    words: BTreeMap<String, String>,
    section: BTreeMap<String, String>,
    category: BTreeMap<String, String>,
}

/// Why there is no draft.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// No such language.
    #[error("there are no words in `{0}`; notices are drafted in en, de, fr, es and ja")]
    Language(String),
    /// The words that are shipped are broken, which a test excludes.
    #[error("content/notices/{language}.toml: {why}")]
    Words {
        /// Which.
        language: String,
        /// What is wrong.
        why: String,
    },
}

/// One thing that the law wants said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Its id.
    pub id: String,
    /// What has to be said.
    pub text: String,
    /// Where the law says so.
    pub cites: String,
    /// The facts say it.
    pub is_said: bool,
    /// What to answer, if not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
}

/// A draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// The text, plain.
    pub text: String,
    /// What the law wants said, and whether it is.
    pub checked: Vec<Checked>,
}

impl Draft {
    /// Whether everything that the law wants said is.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.checked.iter().all(|one| one.is_said)
    }
}

/// The words of a language.
///
/// # Errors
/// When there are none.
pub fn words(language: &str) -> Result<&'static Words, DraftError> {
    static WORDS: OnceLock<Vec<Result<Words, DraftError>>> = OnceLock::new();
    let all = WORDS.get_or_init(|| {
        FILES
            .iter()
            .map(|(language, text)| {
                let why = |error: toml::de::Error| DraftError::Words {
                    language: (*language).to_owned(),
                    why: error.to_string(),
                };
                toml::from_str::<Words>(text).map_err(why)
            })
            .collect()
    });
    let at = LANGUAGES.iter().position(|one| *one == language);
    let found = at.and_then(|at| all.get(at)).ok_or_else(|| DraftError::Language(language.to_owned()))?;
    found.as_ref().map_err(Clone::clone)
}

impl Words {
    fn word(&self, name: &str) -> &str {
        self.words.get(name).map_or("", String::as_str)
    }

    fn missing(&self, what: &str) -> String {
        self.word("missing").replace("{what}", what)
    }
}

/// Drafts a notice from the facts of an incident.
///
/// # Errors
/// When there are no words in that language.
pub fn draft(
    of: &Brief<'_>,
    facts: &Map<String, Value>,
    recipients: &[String],
    reference: &str,
    language: &str,
) -> Result<Draft, DraftError> {
    let words = words(language)?;
    let (audience, text_of) = (of.audience.as_str(), |name: &str| facts.get(name).and_then(Value::as_str));
    let mut text = String::new();
    let to = if recipients.is_empty() { of.recipient.to_owned() } else { recipients.join("; ") };
    let from = text_of("organisation").map_or_else(|| words.missing(&question("sender")), str::to_owned);
    let basis = of.citation.map(|citation| ("basis", citation.to_owned()));
    let head = [("to", to), ("from", from)].into_iter().chain(basis).chain([("reference", reference.to_owned())]);
    for (name, value) in head {
        let _ = writeln!(text, "{}: {value}", words.word(name));
    }
    let _ = writeln!(text, "\n{}\n", words.subject.get(audience).map_or("", String::as_str));
    let _ = writeln!(text, "{}", words.opening.get(audience).map_or("", String::as_str));
    let mut checked = Vec::new();
    for content in of.contents {
        let said = said(content, facts, words);
        let title = words.section.get(&content.id).unwrap_or(&content.text);
        let question = said.is_none().then(|| question(&content.id));
        let body = said.clone().unwrap_or_else(|| words.missing(question.as_deref().unwrap_or(&content.text)));
        let _ = write!(text, "\n{title}\n{body}\n");
        checked.push(Checked {
            id: content.id.clone(),
            text: content.text.clone(),
            cites: content.cites.clone(),
            is_said: said.is_some(),
            question,
        });
    }
    let _ = write!(text, "\n{}\n", words.closing.get(audience).map_or("", String::as_str));
    Ok(Draft { text, checked })
}

/// Whether a text as it stands says what the law wants said: under the heading of each content something stands, and nothing in it is
/// still to be completed. Who writes it otherwise has to see for themselves.
///
/// # Errors
/// When there are no words in that language.
pub fn check(of: &Brief<'_>, text: &str, language: &str) -> Result<Vec<Checked>, DraftError> {
    let words = words(language)?;
    let open = words.word("missing").split("{what}").next().unwrap_or_default();
    let headings: Vec<&str> = of
        .contents
        .iter()
        .map(|content| words.section.get(&content.id).map_or(content.text.as_str(), String::as_str))
        .collect();
    let mut checked = Vec::with_capacity(of.contents.len());
    for (content, heading) in of.contents.iter().zip(&headings) {
        let mut lines = text.lines().skip_while(|line| line.trim() != *heading).skip(1);
        let body: Vec<&str> = lines.by_ref().take_while(|line| !headings.contains(&line.trim())).collect();
        let is_there = body.iter().any(|line| !line.trim().is_empty());
        let is_open = !open.is_empty() && body.iter().any(|line| line.contains(open));
        let is_said = is_there && !is_open;
        checked.push(Checked {
            id: content.id.clone(),
            text: content.text.clone(),
            cites: content.cites.clone(),
            is_said,
            question: (!is_said).then(|| question(&content.id)),
        });
    }
    Ok(checked)
}

/// The subject of a notice, on one line.
///
/// # Errors
/// When there are no words in that language.
pub fn subject(of: &Brief<'_>, reference: &str, language: &str) -> Result<String, DraftError> {
    let subject = words(language)?.subject.get(of.audience.as_str()).map_or("", String::as_str);
    Ok(format!("{subject} ({reference}, {})", of.id))
}

/// The fact whose text answers a content of notices, and the question that asks for it.
fn filling(content: &str) -> Option<(String, String)> {
    let library = obligations::in_force().ok()?;
    let vocabulary = library.vocabulary();
    let fact = vocabulary.filling(content)?;
    Some((fact.to_owned(), vocabulary.question_of(fact).unwrap_or(fact).to_owned()))
}

/// What to answer so that a content is said.
fn question(content: &str) -> String {
    match content {
        "data" | "people" => "How many people in which countries are affected, and which kinds of data?".to_owned(),
        other => filling(other).map_or_else(|| other.to_owned(), |(_, question)| question),
    }
}

/// What is said of a content, if the facts say it.
fn said(content: &Content, facts: &Map<String, Value>, words: &Words) -> Option<String> {
    let text_of = |name: &str| facts.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    match content.id.as_str() {
        "data" => kinds(facts, words),
        "people" => numbers(facts, words),
        "nature" => {
            // How it happened, when, and about how many: Art. 33(3)(a) GDPR and 164.404(c)(1)(A) ask for all of it.
            let mut text = text_of("what_happened")?.to_owned();
            for (name, word) in [("breached_on", "breached"), ("aware_at", "aware"), ("discovered_on", "discovered")] {
                if let Some(at) = text_of(name) {
                    let _ = write!(text, "\n{}: {at}", words.word(word));
                }
            }
            if let Some(numbers) = numbers(facts, words) {
                let _ = write!(text, "\n{}: {numbers}", words.word("number"));
            }
            if let Some(kinds) = kinds(facts, words) {
                let _ = write!(text, "\n{}: {kinds}", words.word("kinds"));
            }
            if facts.get("secured") == Some(&Value::Bool(true)) {
                let _ = write!(text, "\n{}", words.word("secured"));
            }
            Some(text)
        }
        other => text_of(&filling(other)?.0).map(str::to_owned),
    }
}

fn affected(facts: &Map<String, Value>) -> Option<&Vec<Value>> {
    facts.get("affected").and_then(Value::as_array).filter(|all| !all.is_empty())
}

fn kinds(facts: &Map<String, Value>, words: &Words) -> Option<String> {
    let mut named: Vec<&str> = Vec::new();
    for one in affected(facts)?.iter().filter_map(|one| one["categories"].as_array()).flatten() {
        if let Some(word) = one.as_str().and_then(|id| words.category.get(id))
            && !named.contains(&word.as_str())
        {
            named.push(word);
        }
    }
    (!named.is_empty()).then(|| named.join(if words.language == "ja" { "、" } else { ", " }))
}

fn numbers(facts: &Map<String, Value>, words: &Words) -> Option<String> {
    let mut named = Vec::new();
    for one in affected(facts)? {
        let place = one["jurisdiction"].as_str().unwrap_or("unknown");
        let count =
            one["subjects"].as_u64().map_or_else(|| words.word("unknown_number").to_owned(), |count| count.to_string());
        named.push(words.word("in_place").replace("{count}", &count).replace("{place}", place));
    }
    Some(named.join(if words.language == "ja" { "、" } else { "; " }))
}
