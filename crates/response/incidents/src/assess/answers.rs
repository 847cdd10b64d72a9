//! Answers: which questions are asked because of them, and what is wrong with them.

use std::collections::BTreeMap;

use super::{Form, Kind, Question};

/// The longest text, in characters.
pub const TEXT_CHARS_MAX: usize = 4_000;
/// The most faults that are told at once.
pub const FAULTS_MAX: usize = 50;
/// How much of what is not known is shown, in characters.
const SHOWN_CHARS: usize = 60;

/// Answers by question: the id of an option, or a text. One without a letter or a digit is none.
pub type Answers = BTreeMap<String, String>;

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{question}`: {wrong}")]
pub struct AnswerFault {
    /// The question, by id.
    pub question: String,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What can be wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The form has no such question.
    #[error("the form has no such question; leave the answer out")]
    NoQuestion,
    /// The other answers do not call for it.
    #[error("it is not asked after the answers before it; leave the answer out, or change those")]
    NotAsked,
    /// It has to be answered.
    #[error("has to be answered: {0}")]
    Unanswered(String),
    /// It has no such option.
    #[error("has no option `{given}`; choose one of {known}")]
    NoOption {
        /// What was given, cut.
        given: String,
        /// What there is.
        known: String,
    },
    /// The text cannot be taken.
    #[error(transparent)]
    Text(#[from] TextFault),
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// It is too long.
    #[error("the text has {chars} characters; shorten it to {max}, and file the rest with the incident")]
    Long {
        /// How many it has.
        chars: usize,
        /// How many it may have.
        max: usize,
    },
    /// It has a character that does not show, or that changes how others show.
    #[error("character {at} is `U+{code:04X}`, which cannot be read on paper; take it out")]
    Unreadable {
        /// Which character, from 1.
        at: usize,
        /// Its code point.
        code: u32,
    },
}

/// What was given that is neither unasked nor faulty.
pub(super) struct Given<'a> {
    answers: Vec<Option<&'a str>>,
    asked: Vec<bool>,
}

impl<'a> Given<'a> {
    pub(super) fn answer(&self, question: usize) -> Option<&'a str> {
        self.answers.get(question).copied().flatten()
    }

    pub(super) fn is_asked(&self, question: usize) -> bool {
        self.asked.get(question).copied().unwrap_or(false)
    }
}

/// A text cut to what can be shown in a message.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(SHOWN_CHARS).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        short.push('…');
    }
    short
}

/// Whether a character shows, and leaves others as they are. Format characters that hide, or turn the direction of writing, could make a
/// record read otherwise than it was signed. Those that join letters of Indic and Arabic scripts (U+200C, U+200D) stay.
pub(super) fn is_readable(character: char) -> bool {
    let hides =
        matches!(character, '\u{AD}' | '\u{200B}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{E0000}'..='\u{E007F}');
    let turns =
        matches!(character, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{206F}');
    !character.is_control() && !hides && !turns
}

/// What is wrong with a text of one line, at most so long.
pub(super) fn line_fault(text: &str, max: usize) -> Option<TextFault> {
    let chars = text.chars().count();
    if chars > max {
        return Some(TextFault::Long { chars, max });
    }
    let unreadable = text.chars().enumerate().find(|(_, character)| !is_readable(*character));
    unreadable.map(|(at, character)| TextFault::Unreadable { at: at + 1, code: u32::from(character) })
}

/// What is wrong with a text. Lines may end as browsers send them.
pub(super) fn text_fault(text: &str) -> Option<TextFault> {
    let chars = text.chars().count();
    if chars > TEXT_CHARS_MAX {
        return Some(TextFault::Long { chars, max: TEXT_CHARS_MAX });
    }
    let mut all = text.chars().enumerate().peekable();
    while let Some((at, character)) = all.next() {
        let is_end = character == '\r' && all.peek().is_some_and(|(_, next)| *next == '\n');
        if !is_end && !matches!(character, '\n' | '\t') && !is_readable(character) {
            return Some(TextFault::Unreadable { at: at + 1, code: u32::from(character) });
        }
    }
    None
}

/// Whether it says nothing: dashes and blanks are no reason.
pub(super) fn is_blank(text: &str) -> bool {
    !text.chars().any(char::is_alphanumeric)
}

fn wrong(question: &Question, answer: &str) -> Option<Wrong> {
    match question.kind {
        Kind::Text => text_fault(answer).map(Wrong::Text),
        Kind::Choice if question.option(answer).is_some() => None,
        Kind::Choice => {
            let known: Vec<&str> = question.options.iter().map(|option| option.id.as_str()).collect();
            Some(Wrong::NoOption { given: shown(answer), known: known.join(", ") })
        }
    }
}

/// Whether it answers the question.
pub(super) fn is_valid(question: &Question, answer: &str) -> bool {
    !is_blank(answer) && wrong(question, answer).is_none()
}

impl Form {
    pub(super) fn given<'a>(&self, answers: &'a Answers) -> Given<'a> {
        let count = self.questions.len();
        let mut given = Given { answers: Vec::with_capacity(count), asked: Vec::with_capacity(count) };
        for question in &self.questions {
            let is_asked = question.asked_when.as_ref().is_none_or(|when| when.because(&given).is_some());
            let answer = answers.get(&question.id).map(String::as_str);
            given.asked.push(is_asked);
            given.answers.push(answer.filter(|answer| is_asked && is_valid(question, answer)));
        }
        given
    }

    /// The questions that are asked now, in order. What an answer calls for is asked once that answer is given.
    #[must_use]
    pub fn asked(&self, answers: &Answers) -> Vec<&Question> {
        let given = self.given(answers);
        self.questions.iter().enumerate().filter(|(index, _)| given.is_asked(*index)).map(|(_, one)| one).collect()
    }

    /// The answers without those to questions that are not asked now: what a page keeps when an earlier answer was changed.
    #[must_use]
    pub fn applying(&self, answers: &Answers) -> Answers {
        let asked = self.asked(answers);
        answers
            .iter()
            .filter(|(id, _)| asked.iter().any(|one| one.id == **id))
            .map(|(id, one)| (id.clone(), one.clone()))
            .collect()
    }

    /// Whether the answers are complete and can be concluded from.
    ///
    /// # Errors
    /// What is wrong with them, in the order of the questions, at most [`FAULTS_MAX`]; questions that the form does not have come first.
    pub fn check(&self, answers: &Answers) -> Result<(), Vec<AnswerFault>> {
        let given = self.given(answers);
        let unknown = answers.keys().filter(|id| self.question(id).is_none());
        let unknown = unknown.map(|id| AnswerFault { question: shown(id), wrong: Wrong::NoQuestion });
        let faults = self.questions.iter().enumerate().filter_map(|(index, question)| {
            let answer = answers.get(&question.id).filter(|answer| !is_blank(answer));
            let wrong = match answer {
                None if question.needed && given.is_asked(index) => Some(Wrong::Unanswered(question.text.clone())),
                None => None,
                Some(_) if !given.is_asked(index) => Some(Wrong::NotAsked),
                Some(answer) => wrong(question, answer),
            };
            Some(AnswerFault { question: question.id.clone(), wrong: wrong? })
        });
        let faults: Vec<AnswerFault> = unknown.chain(faults).take(FAULTS_MAX).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}
