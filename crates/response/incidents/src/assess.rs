//! The assessments of risk that laws demand after a breach, guided: answers in, what follows from them out.
//!
//! A form is content (`content/assessments`): questions with their citations, which of them are asked after which answers, and what follows
//! from the answers, the first outcome that holds. A person concludes: with the outcome, or with another one and a reason. What is signed is
//! a plain text ([`Form::document`]) whose digest the signature names. This module must never read a clock, keep anything, or reckon an
//! answer that was not given as if it were harmless.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod answers;
mod conclude;
mod condition;
mod content;
mod document;
mod prefill;

pub use answers::{AnswerFault, Answers, FAULTS_MAX, TEXT_CHARS_MAX, TextFault, Wrong};
pub use conclude::{Concluded, ConclusionFault, Deviation, MILDER_REASON_CHARS_MIN, Outcome};
pub use content::FormError;
pub use document::{NAME_CHARS_MAX, Signature, SignatureFault, Signer, Subject, digest};

const FILES: [(&str, &str); 3] = [
    ("hipaa-4-factors.toml", include_str!("../../../../content/assessments/hipaa-4-factors.toml")),
    ("gdpr-risk.toml", include_str!("../../../../content/assessments/gdpr-risk.toml")),
    ("appi-triggers.toml", include_str!("../../../../content/assessments/appi-triggers.toml")),
];

/// How heavy an answer is for the people concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// It speaks against a risk.
    Low,
    /// It speaks for neither.
    Medium,
    /// It speaks for a risk.
    High,
}

impl Weight {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// How a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// By the id of one of its options.
    Choice,
    /// By a text of at most [`TEXT_CHARS_MAX`] characters.
    Text,
}

/// One answer that can be chosen.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Its id: what is answered.
    pub id: String,
    /// What it says.
    pub text: String,
    /// How heavy it is. `None`: it tells cases apart and weighs nothing.
    pub weighs: Option<Weight>,
    /// Facts of `content/obligations/facts.toml` that follow from it.
    #[serde(default)]
    pub facts: Map<String, Value>,
}

/// One question.
#[derive(Debug, Clone, Serialize)]
pub struct Question {
    /// Its id: what answers are kept under.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// What to think of when answering.
    pub help: String,
    /// Where the law or guidance asks for it.
    pub cites: String,
    /// How it is answered.
    pub kind: Kind,
    /// What can be chosen; empty for a text.
    pub options: Vec<Choice>,
    /// Whether it has to be answered, where it is asked.
    pub needed: bool,
    /// Whether something in it was not compared with its source; `note` says what.
    pub uncertain: bool,
    /// What else to know.
    pub note: Option<String>,
    #[serde(skip)]
    asked_when: Option<condition::Condition>,
    #[serde(skip)]
    prefill: Option<prefill::Prefill>,
}

impl Question {
    /// The option of that id.
    #[must_use]
    pub fn option(&self, id: &str) -> Option<&Choice> {
        self.options.iter().find(|option| option.id == id)
    }
}

/// What can follow from the answers.
#[derive(Debug, Clone, Serialize)]
pub struct Possible {
    /// Its id.
    pub id: String,
    /// In one line.
    pub title: String,
    /// What it means, and what is to be done.
    pub text: String,
    /// Where the law says so.
    pub cites: String,
    /// How grave it is: of two outcomes of a form, that with the smaller number is the milder one. The numbers of two forms have nothing to
    /// do with one another.
    pub gravity: u8,
    /// Facts of `content/obligations/facts.toml` that follow from it. They go before those that follow from single answers.
    pub facts: Map<String, Value>,
    /// What the answers have to hold before anybody can conclude so, whatever the reason. `None`: nothing.
    pub needs: Option<String>,
    /// Whether something in it was not compared with its source; `note` says what.
    pub uncertain: bool,
    /// What else to know.
    pub note: Option<String>,
    #[serde(skip)]
    when: Option<condition::Condition>,
    #[serde(skip)]
    only_when: Option<condition::Condition>,
    #[serde(skip)]
    looks_at: Vec<usize>,
    #[serde(skip)]
    presumed: bool,
}

/// What a signature can mean (21 CFR 11.50(a)(3)).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meaning {
    /// Its id.
    pub id: String,
    /// What whoever signs declares.
    pub text: String,
}

/// One form.
#[derive(Debug, Clone, Serialize)]
pub struct Form {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it is for, and how to go about it.
    pub about: String,
    /// The law that it follows.
    pub cites: Vec<String>,
    /// The day on which its content was last checked.
    pub checked: Date,
    /// What else to know.
    pub note: Option<String>,
    /// What signatures can mean.
    pub meanings: Vec<Meaning>,
    /// Questions, in order.
    pub questions: Vec<Question>,
    /// Outcomes, in order: the first that holds is the outcome of the answers.
    pub outcomes: Vec<Possible>,
}

/// The forms that come with the program.
///
/// # Errors
/// What is wrong with them, which a test excludes.
pub fn forms() -> Result<&'static [Form], FormError> {
    static FORMS: OnceLock<Result<Vec<Form>, FormError>> = OnceLock::new();
    let read = || FILES.iter().map(|(file, text)| Form::from_toml(file, text)).collect();
    FORMS.get_or_init(read).as_deref().map_err(Clone::clone)
}

/// The form of that id.
///
/// # Errors
/// When there is none.
pub fn form(id: &str) -> Result<&'static Form, FormError> {
    let all = forms()?;
    all.iter().find(|form| form.id == id).ok_or_else(|| FormError::None {
        given: answers::shown(id),
        known: all.iter().map(|form| form.id.as_str()).collect::<Vec<_>>().join(", "),
    })
}

impl Form {
    /// The question of that id.
    #[must_use]
    pub fn question(&self, id: &str) -> Option<&Question> {
        self.questions.iter().find(|question| question.id == id)
    }

    /// The possible outcome of that id.
    #[must_use]
    pub fn possible(&self, id: &str) -> Option<&Possible> {
        self.outcomes.iter().find(|outcome| outcome.id == id)
    }

    /// Answers that facts (`content/obligations/facts.toml`) and the summary of exposure of an incident suggest, by question; a person
    /// has to look at each. What is not known, or proves nothing by its absence, suggests nothing.
    #[must_use]
    pub fn prefilled(&self, facts: &Map<String, Value>, exposure: Option<&Value>) -> BTreeMap<String, String> {
        let suggested = |question: &Question| question.prefill.as_ref()?.answer(facts, exposure);
        let sound = |question: &Question| suggested(question).filter(|answer| answers::is_valid(question, answer));
        self.questions.iter().filter_map(|one| Some((one.id.clone(), sound(one)?))).collect()
    }
}
