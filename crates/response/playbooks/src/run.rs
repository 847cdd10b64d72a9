//! A run of a playbook: where it stands, what happened, what is to be done next.
//!
//! A run is a value. [`Run::step`] takes the time and one input and changes it; the same inputs at the same times give the
//! same run. A failed input changes nothing. A run holds the playbooks that it began with, so that it goes on after a
//! restart, and after an update of the program, as it began.

mod flow;
mod input;
mod record;
mod start;
mod task;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::extension::Binding;
use crate::id::Id;
use crate::playbook::Playbook;
use crate::step::{Kind, Step};
use crate::variable::{Held, Variable};

pub use input::{Input, StepError};
pub use record::{Event, Record};
pub use start::StartError;
pub use task::{Act, Ask, Field, Task, TaskState, Todo, Work};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It goes on.
    Running,
    /// It waits until somebody lets it go on; no time passes for it.
    Paused,
    /// It came to its end.
    Completed,
    /// It ended by its steps for failures.
    Handled,
    /// A failure that nothing took care of ended it.
    Failed,
    /// Somebody ended it.
    Cancelled,
}

impl State {
    /// Whether nothing happens any more.
    #[must_use]
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Running | Self::Paused)
    }

    /// As people read it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Handled => "ended after a failure that was handled",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The playbook, and then those that it calls.
    books: Vec<Playbook>,
    started_at: i64,
    started_by: String,
    /// The latest time it was told.
    now: i64,
    state: State,
    paused_at: Option<i64>,
    scopes: Vec<Scope>,
    frames: BTreeMap<u32, Frame>,
    tasks: BTreeMap<u32, Task>,
    frames_made: u32,
    records_made: u32,
    moves: u32,
}

/// One running of one playbook: the run's own, and one for each call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scope {
    pub(crate) book: usize,
    /// The frame whose step called it.
    caller: Option<u32>,
    /// That frame's scope and step, for the drawing.
    pub(crate) called_from: Option<(usize, Id)>,
    variables: BTreeMap<String, Held>,
    pub(crate) traces: BTreeMap<Id, Trace>,
    /// Whether it went to its steps for failures.
    is_excepted: bool,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trace {
    pub(crate) mark: Mark,
    pub(crate) visits: u32,
    pub(crate) entered_at: i64,
    pub(crate) left_at: Option<i64>,
    pub(crate) who: Option<String>,
    pub(crate) note: Option<String>,
    /// Branches that were taken, by name, each once.
    pub(crate) branches: Vec<String>,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It was not reached yet.
    Ahead,
    /// Its delay runs.
    Delayed,
    /// It is being done.
    Open,
    /// It succeeded.
    Done,
    /// It failed.
    Failed,
    /// It took too long.
    TimedOut,
    /// It was broken off.
    Withdrawn,
}

/// One line of steps that runs: of a playbook, or of a branch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Frame {
    scope: usize,
    /// The frame that waits for this one.
    parent: Option<u32>,
    /// Whether it is a playbook's own line, no branch.
    is_top: bool,
    step: Id,
    phase: Phase,
    /// When its step has taken too long.
    due_at: Option<i64>,
    /// When somebody is reminded of its step, and after how long again.
    remind: Option<(i64, i64)>,
    /// Variables of its step.
    locals: BTreeMap<String, Held>,
}

/// Where a line stands within its step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// Its step is to be entered.
    Ready,
    /// Its step waits before it begins.
    Delayed { until: i64 },
    /// Its step has begun, and its next command is to be given out.
    Begun { command: usize },
    /// A command is being done.
    Working { task: u32, command: usize },
    /// Branches or a playbook run.
    Waiting { open: u32, failed: Option<String>, turns: u32 },
}

/// What an input brought about.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Moved {
    /// What is to be done now, and what is no longer to be done.
    pub todo: Vec<Todo>,
    /// What happened, in order; to be kept.
    pub records: Vec<Record>,
    /// When to call again with [`Input::Time`] if nothing else happens; milliseconds since 1970.
    pub wake_at: Option<i64>,
}

impl Run {
    /// How it stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// When it began, in milliseconds since 1970.
    #[must_use]
    pub fn started_at(&self) -> i64 {
        self.started_at
    }

    /// Who began it.
    #[must_use]
    pub fn started_by(&self) -> &str {
        &self.started_by
    }

    /// The playbook that runs.
    #[must_use]
    pub fn playbook(&self) -> Option<&Playbook> {
        self.books.first()
    }

    /// The playbooks that it holds: its own, and those it may call.
    #[must_use]
    pub fn books(&self) -> &[Playbook] {
        &self.books
    }

    /// Variables of the playbook that runs, as they stand.
    pub fn variables(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.scopes.first().into_iter().flat_map(|scope| &scope.variables).map(|(n, v)| (n.as_str(), v.as_deref()))
    }

    /// Variables that come with the answer to a task and are facts of the incident.
    #[must_use]
    pub fn facts_of(&self, task: u32) -> Vec<(&str, &Binding)> {
        let Some(frame) = self.tasks.get(&task).and_then(|task| self.frames.get(&task.frame)) else {
            return Vec::new();
        };
        let gives = match self.step_of(frame).map(|step| &step.kind) {
            Some(Kind::Action { gives, .. }) => gives.as_slice(),
            _ => &[],
        };
        let fact = |name: &'_ String| self.declared(frame, name).and_then(|variable| variable.fact.as_ref());
        gives.iter().filter_map(|name| Some((name.as_str(), fact(name)?))).collect()
    }

    /// Every task, with its number.
    pub fn tasks(&self) -> impl Iterator<Item = (u32, &Task)> {
        self.tasks.iter().map(|(number, task)| (*number, task))
    }

    /// What is to be done now: after a restart it is given out again under the same numbers.
    #[must_use]
    pub fn open(&self) -> Vec<Todo> {
        self.tasks.values().filter(|task| task.state == TaskState::Open).map(|task| task.todo()).collect()
    }

    /// When to call again with [`Input::Time`] if nothing else happens.
    #[must_use]
    pub fn wake_at(&self) -> Option<i64> {
        if self.state != State::Running {
            return None;
        }
        self.frames.values().filter_map(Frame::wakes_at).min()
    }

    pub(crate) fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    fn book_of(&self, scope: usize) -> Option<&Playbook> {
        self.books.get(self.scopes.get(scope)?.book)
    }

    fn step_of(&self, frame: &Frame) -> Option<&Step> {
        self.book_of(frame.scope)?.step(&frame.step)
    }

    /// What a variable holds for a step: its own before the playbook's.
    fn held(&self, frame: &Frame, name: &str) -> Held {
        if let Some(held) = frame.locals.get(name) {
            return held.clone();
        }
        self.scopes.get(frame.scope).and_then(|scope| scope.variables.get(name)).cloned().flatten()
    }

    fn declared<'a>(&'a self, frame: &Frame, name: &str) -> Option<&'a Variable> {
        let own = self.step_of(frame).and_then(|step| step.variables.get(name));
        own.or_else(|| self.book_of(frame.scope)?.variables.get(name))
    }

    /// Sets a variable where it is declared. Constants are never given; that was checked when the playbook was read.
    fn set(&mut self, frame: u32, name: &str, value: Held) {
        let Some(line) = self.frames.get_mut(&frame) else { return };
        if let Some(held) = line.locals.get_mut(name) {
            *held = value;
        } else if let Some(scope) = self.scopes.get_mut(line.scope) {
            scope.variables.insert(name.to_owned(), value);
        }
    }
}

impl Frame {
    fn wakes_at(&self) -> Option<i64> {
        match self.phase {
            Phase::Delayed { until } => Some(until),
            Phase::Ready => None,
            Phase::Working { .. } => {
                let remind_at = self.remind.map(|(at, _)| at);
                self.due_at.into_iter().chain(remind_at).min()
            }
            _ => self.due_at,
        }
    }
}

/// A time for people.
pub(crate) fn clock(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| format!("{at} ms"), |time| time.to_string())
}
