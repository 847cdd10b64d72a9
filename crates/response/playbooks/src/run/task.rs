//! What is to be done: questions to people, and commands of Lazaret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::extension::Binding;
use crate::id::Id;
use crate::role::Role;
use crate::verb::Verb;

/// Something that was given out, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// What.
    pub work: Work,
    /// When it was given out.
    pub opened_at: i64,
    /// How it stands.
    pub state: TaskState,
    pub(super) frame: u32,
}

/// How a task stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// It is to be done.
    Open,
    /// It was done.
    Done {
        /// When.
        at: i64,
        /// By whom; none where Lazaret did it.
        who: Option<String>,
    },
    /// It failed.
    Failed {
        /// When.
        at: i64,
        /// Who says so; none where Lazaret does.
        who: Option<String>,
        /// Why.
        why: String,
    },
    /// It was not done in time.
    TimedOut {
        /// When that was noted.
        at: i64,
    },
    /// It is no longer to be done.
    Withdrawn {
        /// Since when.
        at: i64,
    },
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// By a person.
    Ask(Ask),
    /// By Lazaret.
    Act(Act),
}

/// What a person is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// The task's number, to be named in the answer.
    pub task: u32,
    /// The playbook.
    pub playbook: Id,
    /// The step.
    pub step: Id,
    /// The step's name.
    pub name: String,
    /// Why it is done.
    pub about: String,
    /// Whom; none where the playbook names no role of Lazaret's.
    pub role: Option<Role>,
    /// The agent's name in the playbook.
    pub agent: String,
    /// What they are asked to do, with the values of variables in it.
    pub text: String,
    /// The type of a command for another system, which a person has to run. Its text stands as it was written, without
    /// values, so that nobody's value becomes part of a command by being pasted.
    pub by_hand: Option<String>,
    /// On what.
    pub targets: Vec<String>,
    /// Values that they may need: variable and value.
    pub given: Vec<(String, String)>,
    /// What they have to fill in.
    pub fields: Vec<Field>,
    /// When it should be done, in milliseconds since 1970; then somebody is reminded, and it may still be answered.
    pub wanted_at: Option<i64>,
    /// When it is too late, in milliseconds since 1970.
    pub due_at: Option<i64>,
}

/// A variable that is filled in with the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The variable, as `__name__`.
    pub name: String,
    /// What it means.
    pub about: String,
    /// What may be written.
    pub hint: String,
    /// The only values, where there is a list.
    pub choices: Vec<String>,
    /// What it holds now.
    pub value: Option<String>,
    /// The fact of the incident that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fact: Option<Binding>,
}

/// What Lazaret is told to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// The task's number, to be named in the answer. Doing a task twice must be as doing it once.
    pub task: u32,
    /// The playbook.
    pub playbook: Id,
    /// The step.
    pub step: Id,
    /// The step's name.
    pub name: String,
    /// What.
    pub verb: Verb,
    /// With what; values of variables are in it, and it was checked.
    pub arguments: BTreeMap<String, String>,
    /// Variables that have to come back, as `__name__`.
    pub gives: Vec<String>,
    /// When it is too late, in milliseconds since 1970.
    pub due_at: Option<i64>,
}

/// Something to be done now, or no longer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Todo {
    /// Ask a person.
    Ask(Ask),
    /// Do it.
    Act(Act),
    /// Remind whoever was asked, and the commander, that it should have been done.
    Remind {
        /// The task's number.
        task: u32,
    },
    /// Take it back.
    Withdraw {
        /// The task's number.
        task: u32,
    },
}

impl Task {
    pub(super) fn todo(&self) -> Todo {
        match &self.work {
            Work::Ask(ask) => Todo::Ask(ask.clone()),
            Work::Act(act) => Todo::Act(act.clone()),
        }
    }

    /// The name of its step.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.work {
            Work::Ask(ask) => &ask.name,
            Work::Act(act) => &act.name,
        }
    }

    /// When it is too late.
    #[must_use]
    pub fn due_at(&self) -> Option<i64> {
        match &self.work {
            Work::Ask(ask) => ask.due_at,
            Work::Act(act) => act.due_at,
        }
    }
}
