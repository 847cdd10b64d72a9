//! What comes in: answers, outcomes, time, and people who stop or go on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::flow::Flow;
use super::record::Event;
use super::task::{TaskState, Work};
use super::{Frame, Moved, Phase, Run, State, clock};
use crate::command::What;
use crate::fault::shown;
use crate::limits::{NOTE_BYTES_MAX, WHO_BYTES_MAX};
use crate::step::Kind;
use crate::variable::plain;

/// What happened outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub enum Input {
    /// A person did what was asked.
    Answered {
        /// The task.
        task: u32,
        /// Who.
        who: String,
        /// What they write about it; may be empty.
        note: String,
        /// Variables, with or without underscores, and their values.
        values: BTreeMap<String, String>,
    },
    /// A person could not do what was asked.
    Refused {
        /// The task.
        task: u32,
        /// Who.
        who: String,
        /// Why.
        why: String,
    },
    /// Lazaret did what it was told.
    Acted {
        /// The task.
        task: u32,
        /// Variables and their values.
        values: BTreeMap<String, String>,
    },
    /// Lazaret could not do what it was told.
    ActFailed {
        /// The task.
        task: u32,
        /// Why.
        why: String,
    },
    /// Time passed.
    Time,
    /// Let it wait. What was given out may still be answered; nothing new is given out, and no time passes.
    Pause {
        /// Who.
        who: String,
        /// Why.
        why: String,
    },
    /// Let it go on.
    Resume {
        /// Who.
        who: String,
        /// What they write about it; may be empty.
        note: String,
    },
    /// End it.
    Cancel {
        /// Who.
        who: String,
        /// Why.
        why: String,
    },
}

/// Why an input changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The run is over.
    #[error("the run is over ({}); start another one", .0.as_str())]
    Over(State),
    /// There is no such task.
    #[error("the run has no task {0}; look at what is open")]
    NoTask(u32),
    /// The task is no longer open.
    #[error("task {task}, `{name}`, {how}; nothing was changed")]
    Closed {
        /// The task.
        task: u32,
        /// Its step.
        name: String,
        /// What became of it, by whom and when.
        how: String,
    },
    /// The answer came too late.
    #[error("task {task}, `{name}`, was due at {}; let the time pass, and look at what is asked now", clock_of(.due_at))]
    Late {
        /// The task.
        task: u32,
        /// Its step.
        name: String,
        /// When it was due.
        due_at: i64,
    },
    /// A person's task was answered by Lazaret, or the other way round.
    #[error("task {task}, `{name}`, is {whose}; nothing was changed")]
    Whose {
        /// The task.
        task: u32,
        /// Its step.
        name: String,
        /// Whose it is.
        whose: &'static str,
    },
    /// Values are missing.
    #[error("the answer to `{name}` lacks {}; add each", .lacks.join(", "))]
    Lacks {
        /// The step.
        name: String,
        /// Variables, without their underscores.
        lacks: Vec<String>,
    },
    /// A value does not fit.
    #[error("the answer to `{name}` was not taken: {why}")]
    Value {
        /// The step.
        name: String,
        /// Why not, and what to write.
        why: String,
    },
    /// Who or why is missing or too long.
    #[error("`{what}` is {how}; write something, and at most {most} bytes")]
    Words {
        /// Which.
        what: &'static str,
        /// What is wrong.
        how: &'static str,
        /// The most bytes.
        most: usize,
    },
    /// It waits already, or does not wait.
    #[error("the run is {}; nothing was changed", .0.as_str())]
    State(State),
}

impl Run {
    /// Takes one input at `now` (milliseconds since 1970; an earlier time than before counts as the one before).
    ///
    /// # Errors
    /// When the input does not fit; then nothing changed.
    pub fn step(&mut self, now: i64, input: Input) -> Result<Moved, StepError> {
        if self.state.is_over() {
            return Err(StepError::Over(self.state));
        }
        let now = now.max(self.now);
        let input = self.checked(now, input)?;
        self.now = now;
        let mut flow = Flow::new(self, now);
        match input {
            Input::Answered { task, who, note, values } => flow.answered(task, Some(who), Some(note), values),
            Input::Refused { task, who, why } => flow.refused(task, Some(who), why),
            Input::Acted { task, values } => flow.answered(task, None, None, values),
            Input::ActFailed { task, why } => flow.refused(task, None, why),
            Input::Time => {}
            Input::Pause { who, why } => flow.pause(who, why),
            Input::Resume { who, note } => flow.resume(who, note),
            Input::Cancel { who, why } => flow.cancel(who, why),
        }
        flow.advance();
        flow.fire();
        Ok(flow.finish())
    }

    /// Checks an input against the run as it stands, and writes names of variables as they are declared.
    fn checked(&self, now: i64, mut input: Input) -> Result<Input, StepError> {
        match &mut input {
            Input::Answered { task, who, note, values } => {
                words("who", who, 1, WHO_BYTES_MAX)?;
                words("note", note, 0, NOTE_BYTES_MAX)?;
                self.task_for(*task, now, true)?;
                *values = self.values_for(*task, std::mem::take(values))?;
            }
            Input::Acted { task, values } => {
                self.task_for(*task, now, false)?;
                *values = self.values_for(*task, std::mem::take(values))?;
            }
            Input::Refused { task, who, why } => {
                words("who", who, 1, WHO_BYTES_MAX)?;
                words("why", why, 1, NOTE_BYTES_MAX)?;
                self.task_for(*task, now, true)?;
            }
            Input::ActFailed { task, why } => {
                words("why", why, 1, NOTE_BYTES_MAX)?;
                self.task_for(*task, now, false)?;
            }
            Input::Time => {}
            Input::Pause { who, why } | Input::Cancel { who, why } => {
                words("who", who, 1, WHO_BYTES_MAX)?;
                words("why", why, 1, NOTE_BYTES_MAX)?;
            }
            Input::Resume { who, note } => {
                words("who", who, 1, WHO_BYTES_MAX)?;
                words("note", note, 0, NOTE_BYTES_MAX)?;
            }
        }
        match (&input, self.state) {
            (Input::Pause { .. }, State::Paused) | (Input::Resume { .. }, State::Running) => {
                Err(StepError::State(self.state))
            }
            _ => Ok(input),
        }
    }

    /// Whether a task may be answered now, by a person or by Lazaret.
    fn task_for(&self, number: u32, now: i64, by_person: bool) -> Result<(), StepError> {
        let task = self.tasks.get(&number).ok_or(StepError::NoTask(number))?;
        let name = task.name().to_owned();
        let by = |who: &Option<String>| who.clone().unwrap_or_else(|| "Lazaret".to_owned());
        let how = match &task.state {
            TaskState::Open => None,
            TaskState::Done { at, who } => Some(format!("was already done by {} at {}", by(who), clock(*at))),
            TaskState::Failed { at, who, .. } => Some(format!("was already given up by {} at {}", by(who), clock(*at))),
            TaskState::TimedOut { at } => Some(format!("took too long, and was taken back at {}", clock(*at))),
            TaskState::Withdrawn { at } => Some(format!("is no longer to be done since {}", clock(*at))),
        };
        if let Some(how) = how {
            return Err(StepError::Closed { task: number, name, how });
        }
        if matches!(task.work, Work::Ask(_)) != by_person {
            let whose = if by_person { "Lazaret's own" } else { "for a person" };
            return Err(StepError::Whose { task: number, name, whose });
        }
        if self.state == State::Running
            && let Some(due_at) = self.earliest_due(task.frame).filter(|due| *due <= now)
        {
            return Err(StepError::Late { task: number, name, due_at });
        }
        Ok(())
    }

    /// When a line's step, or one around it, has taken too long.
    fn earliest_due(&self, frame: u32) -> Option<i64> {
        let (mut at, mut due) = (Some(frame), None::<i64>);
        while let Some(frame) = at.and_then(|at| self.frames.get(&at)) {
            due = match (due, frame.due_at) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            at = frame.parent;
        }
        due
    }

    /// Values of an answer under declared names, each checked, none missing where its step ends with it.
    fn values_for(&self, task: u32, values: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, StepError> {
        let Some(task) = self.tasks.get(&task) else { return Err(StepError::NoTask(task)) };
        let name = task.name().to_owned();
        let Some(frame) = self.frames.get(&task.frame) else { return Ok(BTreeMap::new()) };
        let gives: &[String] = match self.step_of(frame).map(|step| &step.kind) {
            Some(Kind::Action { gives, .. }) => gives,
            _ => &[],
        };
        let mut out = BTreeMap::new();
        for (written, value) in values {
            let Some(declared) = gives.iter().find(|give| **give == written || plain(give) == written) else {
                let known: Vec<_> = gives.iter().map(|give| plain(give)).collect();
                let hint = if known.is_empty() {
                    "it gives none".to_owned()
                } else {
                    format!("it gives {}", known.join(", "))
                };
                let why = format!("`{}` is no variable that it gives; {hint}", shown(&written));
                return Err(StepError::Value { name, why });
            };
            if let Some(variable) = self.declared(frame, declared) {
                let checked = variable.check(plain(declared), &value);
                checked.map_err(|why| StepError::Value { name: name.clone(), why })?;
            }
            out.insert(declared.clone(), value);
        }
        let needed = match &task.work {
            Work::Act(act) => act.gives.clone(),
            Work::Ask(_) => self.needed(frame),
        };
        let lacks: Vec<_> =
            needed.iter().filter(|give| !out.contains_key(*give)).map(|give| plain(give).to_owned()).collect();
        if lacks.is_empty() { Ok(out) } else { Err(StepError::Lacks { name, lacks }) }
    }

    /// What a person has to fill in: with the last question of a step, all that no command of Lazaret's gives.
    fn needed(&self, frame: &Frame) -> Vec<String> {
        let Some(Kind::Action { commands, gives, .. }) = self.step_of(frame).map(|step| &step.kind) else {
            return Vec::new();
        };
        let Phase::Working { command, .. } = frame.phase else { return Vec::new() };
        let is_own = |what: &What| matches!(what, What::Lazaret { .. });
        if commands.iter().skip(command + 1).any(|later| !is_own(&later.what)) {
            return Vec::new();
        }
        let own = |name: &str| {
            commands.iter().any(|command| match &command.what {
                What::Lazaret { verb, .. } => verb.gives().iter().any(|given| given.name == plain(name)),
                _ => false,
            })
        };
        let is_asked_once = commands.iter().filter(|command| !is_own(&command.what)).count() == 1;
        gives.iter().filter(|give| !own(give) && (is_asked_once || self.held(frame, give).is_none())).cloned().collect()
    }
}

fn clock_of(at: &i64) -> String {
    clock(*at)
}

fn words(what: &'static str, text: &str, least: usize, most: usize) -> Result<(), StepError> {
    if text.len() > most {
        return Err(StepError::Words { what, how: "too long", most });
    }
    if text.trim().len() < least {
        return Err(StepError::Words { what, how: "empty", most });
    }
    Ok(())
}

impl Flow<'_> {
    fn pause(&mut self, who: String, why: String) {
        self.run.state = State::Paused;
        self.run.paused_at = Some(self.now);
        self.told(0, None, Event::Paused, Some(who), Some(why));
    }

    /// All that is due comes later by as long as it waited.
    fn resume(&mut self, who: String, note: String) {
        let waited = self.now - self.run.paused_at.take().unwrap_or(self.now);
        self.run.state = State::Running;
        let mut moved = Vec::new();
        for frame in self.run.frames.values_mut() {
            if let Phase::Delayed { until } = &mut frame.phase {
                *until = until.saturating_add(waited);
            }
            if let Some(due) = &mut frame.due_at {
                *due = due.saturating_add(waited);
            }
            if let Some((at, _)) = &mut frame.remind {
                *at = at.saturating_add(waited);
            }
            if let Phase::Working { task, .. } = frame.phase {
                moved.push((task, frame.due_at, frame.remind));
            }
        }
        for (task, due, remind) in moved {
            match self.run.tasks.get_mut(&task).map(|task| &mut task.work) {
                Some(Work::Ask(ask)) => {
                    ask.due_at = due;
                    ask.wanted_at = remind.map(|(at, _)| at);
                }
                Some(Work::Act(act)) => act.due_at = due,
                None => {}
            }
        }
        self.told(0, None, Event::Resumed, Some(who), Some(note));
    }

    fn cancel(&mut self, who: String, why: String) {
        self.withdraw_all();
        self.run.state = State::Cancelled;
        self.told(0, None, Event::Cancelled, Some(who), Some(why));
    }
}
