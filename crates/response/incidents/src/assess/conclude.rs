//! What follows from the answers, and what a person concludes.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::answers::{self, AnswerFault, Answers, Given, TextFault};
use super::{Form, Possible};

/// The shortest reason for a conclusion that is milder than the outcome of the answers, in characters, runs of blanks counted once.
pub const MILDER_REASON_CHARS_MIN: usize = 40;

/// What follows from the answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Which: the id of one of [`Form::outcomes`].
    pub id: String,
    /// Because of the answers to which questions, by id, in the form's order; a question in it that is not answered is one that has to be.
    pub because: Vec<String>,
}

/// What a person concludes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concluded {
    /// Which outcome, by id.
    pub outcome: String,
    /// Why, where it is not the outcome of the answers. Blank: no reason.
    #[serde(default)]
    pub reason: String,
}

/// How a conclusion stands to the outcome of the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Deviation {
    /// It is the same.
    Same,
    /// It is graver.
    Graver,
    /// It is another one, as grave.
    Other,
    /// It is milder: the record says so.
    Milder,
}

/// Why a conclusion does not stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConclusionFault {
    /// The answers are not complete. What is wrong comes with it.
    #[error("{} of the answers cannot be concluded from; the first is {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    Answers(Vec<AnswerFault>),
    /// The form has no such outcome.
    #[error("the form has no outcome `{given}`; conclude one of {known}")]
    NoOutcome {
        /// What was given, cut.
        given: String,
        /// What there is.
        known: String,
    },
    /// The answers rule it out, whatever the reason.
    #[error("`{outcome}` cannot be concluded from these answers; it needs {needs}")]
    RuledOut {
        /// The outcome, by id.
        outcome: String,
        /// What it needs.
        needs: String,
    },
    /// It is not the outcome of the answers, and no reason is given.
    #[error(
        "the answers lead to `{computed}`; give a reason for concluding `{concluded}`, or conclude as the answers do"
    )]
    NoReason {
        /// The outcome of the answers, by id.
        computed: String,
        /// What is concluded, by id.
        concluded: String,
    },
    /// It is milder than the outcome of the answers, and the reason is short.
    #[error(
        "`{concluded}` is milder than `{computed}`, to which the answers lead; its reason has {chars} characters, give at least {MILDER_REASON_CHARS_MIN}"
    )]
    ShortReason {
        /// The outcome of the answers, by id.
        computed: String,
        /// What is concluded, by id.
        concluded: String,
        /// How long the reason is.
        chars: usize,
    },
    /// The reason cannot be taken.
    #[error("reason: {0}")]
    Reason(#[source] TextFault),
}

/// A conclusion that stands.
pub(super) struct Standing<'a> {
    pub(super) concluded: &'a Possible,
    pub(super) computed: &'a Possible,
    pub(super) deviation: Deviation,
}

impl Form {
    /// What follows from the answers. Answers that are faulty or not asked count as not given. `None`: a question that has to be answered is
    /// not; where the law itself presumes an outcome until the contrary is shown, that outcome stands then.
    #[must_use]
    pub fn outcome(&self, answers: &Answers) -> Option<Outcome> {
        let given = self.given(answers);
        let (possible, because) = self.computed(&given)?;
        let because = because.iter().filter_map(|index| self.questions.get(*index)).map(|one| one.id.clone());
        Some(Outcome { id: possible.id.clone(), because: because.collect() })
    }

    fn computed(&self, given: &Given<'_>) -> Option<(&Possible, BTreeSet<usize>)> {
        let open = self.open(given);
        let holds = |possible: &&Possible| open.is_empty() || possible.presumed;
        self.outcomes.iter().filter(holds).find_map(|possible| match &possible.when {
            Some(when) => Some((possible, when.because(given)?)),
            None => Some((possible, open.union(&self.heaviest(&possible.looks_at, given)).copied().collect())),
        })
    }

    /// Questions that are asked, have to be answered and are not.
    fn open(&self, given: &Given<'_>) -> BTreeSet<usize> {
        let all = self.questions.iter().enumerate();
        let open = all.filter(|(at, one)| one.needed && given.is_asked(*at) && given.answer(*at).is_none());
        open.map(|(at, _)| at).collect()
    }

    /// Those of these questions whose answers weigh most.
    fn heaviest(&self, of: &[usize], given: &Given<'_>) -> BTreeSet<usize> {
        let weight = |at: usize| self.questions.get(at)?.option(given.answer(at)?)?.weighs;
        let most = of.iter().filter_map(|at| weight(*at)).max();
        of.iter().copied().filter(|at| most.is_some() && weight(*at) == most).collect()
    }

    /// Whether a conclusion stands, and how it stands to the outcome of the answers.
    ///
    /// # Errors
    /// Why it does not stand.
    pub fn conclude(&self, answers: &Answers, concluded: &Concluded) -> Result<Deviation, ConclusionFault> {
        self.standing(answers, concluded).map(|standing| standing.deviation)
    }

    pub(super) fn standing(&self, answers: &Answers, of: &Concluded) -> Result<Standing<'_>, ConclusionFault> {
        self.check(answers).map_err(ConclusionFault::Answers)?;
        let given = self.given(answers);
        // Complete answers always lead to an outcome: the last one of a form holds without a condition.
        let (computed, _) = self.computed(&given).ok_or_else(|| ConclusionFault::Answers(Vec::new()))?;
        let concluded = self.possible(&of.outcome).ok_or_else(|| ConclusionFault::NoOutcome {
            given: answers::shown(&of.outcome),
            known: self.outcomes.iter().map(|one| one.id.as_str()).collect::<Vec<_>>().join(", "),
        })?;
        if let Some(only) = &concluded.only_when
            && only.because(&given).is_none()
        {
            let needs = concluded.needs.clone().unwrap_or_default();
            return Err(ConclusionFault::RuledOut { outcome: concluded.id.clone(), needs });
        }
        if let Some(fault) = answers::text_fault(&of.reason) {
            return Err(ConclusionFault::Reason(fault));
        }
        let names = || (computed.id.clone(), concluded.id.clone());
        let deviation = match concluded.gravity.cmp(&computed.gravity) {
            _ if concluded.id == computed.id => {
                return Ok(Standing { concluded, computed, deviation: Deviation::Same });
            }
            Ordering::Less => Deviation::Milder,
            Ordering::Equal => Deviation::Other,
            Ordering::Greater => Deviation::Graver,
        };
        if answers::is_blank(&of.reason) {
            let (computed, concluded) = names();
            return Err(ConclusionFault::NoReason { computed, concluded });
        }
        let words = of.reason.split_whitespace();
        let chars = words.map(|word| word.chars().count() + 1).sum::<usize>().saturating_sub(1);
        if deviation == Deviation::Milder && chars < MILDER_REASON_CHARS_MIN {
            let (computed, concluded) = names();
            return Err(ConclusionFault::ShortReason { computed, concluded, chars });
        }
        Ok(Standing { concluded, computed, deviation })
    }

    /// The facts that follow: names and values of `content/obligations/facts.toml`. Those of what is concluded go before those of single
    /// answers.
    ///
    /// # Errors
    /// Why the conclusion does not stand.
    pub fn facts(&self, answers: &Answers, concluded: &Concluded) -> Result<Map<String, Value>, ConclusionFault> {
        let standing = self.standing(answers, concluded)?;
        Ok(self.following(&self.given(answers), standing.concluded))
    }

    pub(super) fn following(&self, given: &Given<'_>, concluded: &Possible) -> Map<String, Value> {
        let chosen = self.questions.iter().enumerate().filter_map(|(at, one)| one.option(given.answer(at)?));
        let mut facts: Map<String, Value> = chosen.flat_map(|option| option.facts.clone()).collect();
        facts.extend(concluded.facts.clone());
        facts.sort_keys();
        facts
    }
}
