//! Commands of an action step: given out one after another, and what came of them.

use std::collections::BTreeMap;

use super::super::Phase;
use super::super::record::Event;
use super::super::task::{Act, Ask, Field, Task, TaskState, Work};
use super::Flow;
use crate::command::{Command, Foreign, What};
use crate::step::{Kind, Step};
use crate::variable::{filled, plain};
use crate::verb::Verb;

impl Flow<'_> {
    /// Gives the next command of a step out.
    pub(super) fn command(&mut self, frame: u32) {
        let phase = self.run.frames.get(&frame).map(|line| line.phase.clone());
        let (Some(step), Some(Phase::Begun { command: number })) = (self.step(frame), phase) else {
            return self.finish_line(frame, Some("its step is missing".to_owned()));
        };
        let Kind::Action { commands, agent, targets, takes, gives } = &step.kind else {
            return self.lose(frame, "it has no commands".to_owned());
        };
        let Some(command) = commands.get(number) else { return self.complete(frame) };
        let task = u32::try_from(self.run.tasks.len()).unwrap_or(u32::MAX).saturating_add(1);
        let work = match &command.what {
            What::Lazaret { verb, arguments } => match self.act(frame, task, &step, *verb, arguments, gives) {
                Ok(act) => Work::Act(act),
                Err(why) => return self.lose(frame, why),
            },
            What::Manual(text) => {
                let filled = self.filled(frame, text);
                Work::Ask(self.ask(frame, task, &step, command, (agent, targets, takes, gives), filled, None))
            }
            What::Foreign(foreign) => {
                let text = by_hand(foreign);
                let kind = Some(foreign.kind.clone());
                Work::Ask(self.ask(frame, task, &step, command, (agent, targets, takes, gives), text, kind))
            }
        };
        let event = match &work {
            Work::Ask(ask) => Event::Asked { task, role: ask.role, due_at: ask.due_at },
            Work::Act(act) => Event::Told { task, verb: act.verb, due_at: act.due_at },
        };
        let made = Task { work, opened_at: self.now, state: TaskState::Open, frame };
        self.moved.todo.push(made.todo());
        self.run.tasks.insert(task, made);
        if let Some(line) = self.run.frames.get_mut(&frame) {
            line.phase = Phase::Working { task, command: number };
        }
        self.at(frame, event, None, None);
    }

    fn filled(&self, frame: u32, text: &str) -> String {
        let Some(line) = self.run.frames.get(&frame) else { return text.to_owned() };
        filled(text, &|name| self.run.held(line, name))
    }

    /// A command of Lazaret with the values of variables, checked.
    fn act(
        &self,
        frame: u32,
        task: u32,
        step: &Step,
        verb: Verb,
        arguments: &BTreeMap<String, String>,
        gives: &[String],
    ) -> Result<Act, String> {
        // What was written without need and is empty now is left away.
        let is_needed =
            |name: &str| verb.arguments().iter().any(|argument| argument.name == name && argument.is_needed);
        let arguments: BTreeMap<_, _> = arguments
            .iter()
            .map(|(name, value)| (name.clone(), self.filled(frame, value)))
            .filter(|(name, value)| is_needed(name) || !value.is_empty())
            .collect();
        verb.check(&arguments)?;
        let line = self.run.frames.get(&frame);
        let playbook = line.and_then(|line| self.run.book_of(line.scope)).map(|book| book.id.clone());
        Ok(Act {
            task,
            playbook: playbook.unwrap_or_else(|| step.id.clone()),
            step: step.id.clone(),
            name: step.title().to_owned(),
            verb,
            arguments,
            gives: gives.iter().filter(|give| verb.gives().iter().any(|g| g.name == plain(give))).cloned().collect(),
            due_at: line.and_then(|line| line.due_at),
        })
    }

    #[expect(clippy::too_many_arguments, reason = "all of it stands in the question")]
    fn ask(
        &self,
        frame: u32,
        task: u32,
        step: &Step,
        command: &Command,
        (agent, targets, takes, gives): (&String, &[String], &[String], &[String]),
        text: String,
        by_hand: Option<String>,
    ) -> Ask {
        let line = self.run.frames.get(&frame);
        let book = line.and_then(|line| self.run.book_of(line.scope));
        let held = |name: &str| line.and_then(|line| self.run.held(line, name));
        let fields = gives.iter().map(|name| {
            let variable = line.and_then(|line| self.run.declared(line, name));
            Field {
                name: name.clone(),
                about: variable.map(|variable| variable.about.clone()).unwrap_or_default(),
                hint: variable.map_or("a text", |variable| variable.kind.hint()).to_owned(),
                choices: variable.map(|variable| variable.choices.clone()).unwrap_or_default(),
                value: held(name),
                fact: variable.and_then(|variable| variable.fact.clone()),
            }
        });
        let who = book.and_then(|book| book.agents.get(agent));
        let target_name = |id: &String| book.and_then(|book| book.targets.get(id)).map(|target| target.name.clone());
        let about = if command.about.is_empty() { &step.about } else { &command.about };
        Ask {
            task,
            playbook: book.map_or_else(|| step.id.clone(), |book| book.id.clone()),
            step: step.id.clone(),
            name: step.title().to_owned(),
            about: about.clone(),
            role: who.and_then(|agent| agent.role),
            agent: who.map_or_else(|| agent.clone(), |agent| self.filled(frame, &agent.name)),
            text,
            by_hand,
            targets: targets.iter().filter_map(target_name).map(|name| self.filled(frame, &name)).collect(),
            given: takes.iter().filter_map(|name| Some((name.clone(), held(name)?))).collect(),
            fields: fields.collect(),
            wanted_at: line.and_then(|line| line.remind).map(|(at, _)| at),
            due_at: line.and_then(|line| line.due_at),
        }
    }

    /// A command was done.
    pub(in super::super) fn answered(
        &mut self,
        number: u32,
        who: Option<String>,
        note: Option<String>,
        values: BTreeMap<String, String>,
    ) {
        let now = self.now;
        let Some(task) = self.run.tasks.get_mut(&number) else { return };
        task.state = TaskState::Done { at: now, who: who.clone() };
        let frame = task.frame;
        for (name, value) in &values {
            self.run.set(frame, name, Some(value.clone()));
        }
        let values = values.into_iter().collect();
        self.credit(frame, who.clone(), note.clone());
        self.at(frame, Event::Answered { task: number, values }, who, note);
        let Some(line) = self.run.frames.get_mut(&frame) else { return };
        if let Phase::Working { command, .. } = line.phase {
            line.phase = Phase::Begun { command: command + 1 };
        }
    }

    /// A command failed.
    pub(in super::super) fn refused(&mut self, number: u32, who: Option<String>, why: String) {
        let now = self.now;
        let Some(task) = self.run.tasks.get_mut(&number) else { return };
        task.state = TaskState::Failed { at: now, who: who.clone(), why: why.clone() };
        let frame = task.frame;
        self.credit(frame, who.clone(), Some(why.clone()));
        self.at(frame, Event::Refused { task: number, why: why.clone() }, who, None);
        self.lose(frame, why);
    }

    /// Notes at a step who answered.
    fn credit(&mut self, frame: u32, who: Option<String>, note: Option<String>) {
        if let Some(trace) = self.trace(frame) {
            trace.who = who.or_else(|| Some("Lazaret".to_owned()));
            trace.note = note.filter(|note| !note.is_empty());
        }
    }
}

/// A command for another system as a person is shown it: as it was written.
fn by_hand(foreign: &Foreign) -> String {
    let mut text = foreign.command.clone();
    for (name, values) in &foreign.headers {
        text.push_str(&format!("\n{name}: {}", values.join(", ")));
    }
    if let Some(content) = &foreign.content {
        text.push_str("\n\n");
        text.push_str(content);
    }
    text
}
