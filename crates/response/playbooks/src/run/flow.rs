//! One movement of a run: steps are entered, done and left until everything waits for something outside.

mod commands;

use std::collections::BTreeMap;

use super::record::{Event, Record};
use super::task::{TaskState, Todo};
use super::{Frame, Mark, Moved, Phase, Run, Scope, State, Trace, clock};
use crate::id::Id;
use crate::limits::{CALL_DEPTH_MAX, MOVES_MAX, NESTING_MAX, TIMEOUT_MS_DEFAULT, VISITS_MAX};
use crate::step::{Kind, Step};

/// Lines that may wait for one another.
const FRAME_DEPTH_MAX: usize = (NESTING_MAX + 1) * (CALL_DEPTH_MAX + 1);

pub(super) struct Flow<'a> {
    pub(super) run: &'a mut Run,
    pub(super) now: i64,
    moved: Moved,
}

impl<'a> Flow<'a> {
    pub(super) fn new(run: &'a mut Run, now: i64) -> Self {
        Self { run, now, moved: Moved::default() }
    }

    pub(super) fn finish(mut self) -> Moved {
        self.moved.wake_at = self.run.wake_at();
        self.moved
    }

    /// Notes what happened.
    pub(super) fn told(
        &mut self,
        scope: usize,
        step: Option<&Id>,
        event: Event,
        who: Option<String>,
        note: Option<String>,
    ) {
        let Some(book) = self.run.book_of(scope) else { return };
        let name = step.and_then(|id| book.step(id)).map_or(book.name.as_str(), Step::title).to_owned();
        let playbook = book.id.clone();
        self.run.records_made += 1;
        self.moved.records.push(Record {
            number: self.run.records_made,
            at: self.now,
            playbook,
            step: step.cloned(),
            name,
            event,
            who,
            note: note.filter(|note| !note.is_empty()),
        });
    }

    /// Notes what happened at a line's step.
    fn at(&mut self, frame: u32, event: Event, who: Option<String>, note: Option<String>) {
        let Some(line) = self.run.frames.get(&frame) else { return };
        let (scope, step) = (line.scope, line.step.clone());
        self.told(scope, Some(&step), event, who, note);
    }

    fn trace(&mut self, frame: u32) -> Option<&mut Trace> {
        let line = self.run.frames.get(&frame)?;
        self.run.scopes.get_mut(line.scope)?.traces.get_mut(&line.step)
    }

    fn mark(&mut self, frame: u32, mark: Mark) {
        let now = self.now;
        if let Some(trace) = self.trace(frame) {
            trace.mark = mark;
            trace.left_at = (!matches!(mark, Mark::Open | Mark::Delayed)).then_some(now);
        }
    }

    fn step(&self, frame: u32) -> Option<Step> {
        self.run.step_of(self.run.frames.get(&frame)?).cloned()
    }

    /// Enters steps until every line waits.
    pub(super) fn advance(&mut self) {
        while self.run.state == State::Running {
            let ready =
                self.run.frames.iter().find(|(_, frame)| matches!(frame.phase, Phase::Ready | Phase::Begun { .. }));
            let Some((&frame, line)) = ready else { break };
            if line.phase == Phase::Ready {
                self.enter(frame);
            } else {
                self.command(frame);
            }
        }
    }

    /// Lets what is due happen, the earliest first.
    pub(super) fn fire(&mut self) {
        while self.run.state == State::Running {
            let due = self.run.frames.iter().filter_map(|(id, frame)| Some((frame.wakes_at()?, *id))).min();
            let Some((at, frame)) = due.filter(|(at, _)| *at <= self.now) else { break };
            let is_delay = self.run.frames.get(&frame).is_some_and(|line| matches!(line.phase, Phase::Delayed { .. }));
            let reminds =
                self.run.frames.get(&frame).and_then(|line| line.remind).is_some_and(|(remind, _)| remind == at);
            if is_delay {
                self.begin(frame);
            } else if reminds && self.run.frames.get(&frame).is_some_and(|line| line.due_at != Some(at)) {
                self.remind(frame);
            } else {
                self.time_out(frame, at);
            }
            self.advance();
        }
    }

    /// Reminds of a task, and again after twice as long as before.
    fn remind(&mut self, frame: u32) {
        let now = self.now;
        let Some(line) = self.run.frames.get_mut(&frame) else { return };
        line.remind = line.remind.map(|(_, after)| (now.saturating_add(after), after.saturating_mul(2)));
        if let Phase::Working { task, .. } = line.phase {
            self.moved.todo.push(Todo::Remind { task });
            self.at(frame, Event::Reminded { task }, None, None);
        }
    }

    fn enter(&mut self, frame: u32) {
        let Some(step) = self.step(frame) else {
            return self.finish_line(frame, Some("its step is missing".to_owned()));
        };
        self.run.moves += 1;
        let now = self.now;
        let Some(line) = self.run.frames.get_mut(&frame) else { return };
        line.locals = step.variables.iter().map(|(name, variable)| (name.clone(), variable.value.clone())).collect();
        line.due_at = None;
        line.remind = None;
        let Some(scope) = self.run.scopes.get_mut(line.scope) else { return };
        let trace = scope.traces.entry(step.id.clone()).or_insert_with(|| Trace {
            mark: Mark::Ahead,
            visits: 0,
            entered_at: now,
            left_at: None,
            who: None,
            note: None,
            branches: Vec::new(),
        });
        trace.visits += 1;
        trace.entered_at = now;
        trace.left_at = None;
        trace.mark = Mark::Open;
        if self.run.moves > MOVES_MAX || trace.visits > VISITS_MAX {
            let why =
                format!("it was entered more than {VISITS_MAX} times, or the run has more than {MOVES_MAX} steps");
            self.run.moves = self.run.moves.saturating_add(MOVES_MAX);
            return self.lose(frame, why);
        }
        if step.delay_ms > 0 {
            let until = now.saturating_add(step.delay_ms);
            line.phase = Phase::Delayed { until };
            self.mark(frame, Mark::Delayed);
            return self.at(frame, Event::Delayed { until }, None, None);
        }
        self.begin(frame);
    }

    /// Begins a step whose delay is over.
    fn begin(&mut self, frame: u32) {
        let Some(step) = self.step(frame) else { return };
        let is_action = matches!(step.kind, Kind::Action { .. });
        let timeout = step.timeout_ms.or(is_action.then_some(TIMEOUT_MS_DEFAULT));
        let due_at = timeout.map(|timeout| self.now.saturating_add(timeout));
        let remind = step.remind_ms.map(|after| (self.now.saturating_add(after), after));
        if let Some(line) = self.run.frames.get_mut(&frame) {
            line.due_at = due_at;
            line.remind = remind;
            line.phase = Phase::Begun { command: 0 };
        }
        self.mark(frame, Mark::Open);
        match &step.kind {
            Kind::Start => self.complete(frame),
            Kind::End => {
                self.mark(frame, Mark::Done);
                self.finish_line(frame, None);
            }
            Kind::Action { .. } => self.command(frame),
            Kind::Call { playbook, version, takes, .. } => self.call(frame, playbook, version.as_deref(), takes),
            Kind::Parallel(heads) => {
                let branches = u32::try_from(heads.len()).unwrap_or(u32::MAX);
                self.at(frame, Event::Forked { branches }, None, None);
                self.branch(frame, heads, 0);
                let names = (1..=heads.len()).map(|number| number.to_string()).collect();
                self.took(frame, names);
            }
            Kind::If { condition, yes, no } => {
                let holds = self.decide(
                    frame,
                    &condition.variables(),
                    |value_of| condition.holds(value_of),
                    |holds| Some(if holds { "yes" } else { "no" }.to_owned()),
                );
                let head = if holds { Some(yes) } else { no.as_ref() };
                self.branch_or_go_on(frame, head);
            }
            Kind::While { .. } => self.turn(frame, 0),
            Kind::Switch { variable, cases, default } => {
                let held = self.run.frames.get(&frame).and_then(|line| self.run.held(line, variable));
                let case = cases.iter().find(|(value, _)| Some(value) == held.as_ref());
                let taken = case.map(|(value, id)| (value.clone(), id));
                let taken = taken.or_else(|| default.as_ref().map(|id| ("default".to_owned(), id)));
                let name = taken.as_ref().map(|(name, _)| name.clone());
                self.decide(frame, &[variable.as_str()], |_| true, |_| name);
                self.branch_or_go_on(frame, taken.map(|(_, id)| id));
            }
        }
    }

    /// Decides, and notes what was looked at.
    fn decide(
        &mut self,
        frame: u32,
        variables: &[&str],
        test: impl Fn(&dyn Fn(&str) -> Option<String>) -> bool,
        name: impl FnOnce(bool) -> Option<String>,
    ) -> bool {
        let Some(line) = self.run.frames.get(&frame) else { return false };
        let value_of = |name: &str| self.run.held(line, name);
        let holds = test(&value_of);
        let because = variables.iter().map(|name| ((*name).to_owned(), value_of(name))).collect();
        let branch = name(holds);
        self.took(frame, branch.iter().cloned().collect());
        self.at(frame, Event::Branched { branch, because }, None, None);
        holds
    }

    fn took(&mut self, frame: u32, names: Vec<String>) {
        if let Some(trace) = self.trace(frame) {
            for name in names {
                if !trace.branches.contains(&name) {
                    trace.branches.push(name);
                }
            }
        }
    }

    fn branch_or_go_on(&mut self, frame: u32, head: Option<&Id>) {
        match head {
            Some(head) => self.branch(frame, std::slice::from_ref(head), 0),
            None => self.complete(frame),
        }
    }

    /// Begins branches of a step, which waits for all of them.
    fn branch(&mut self, frame: u32, heads: &[Id], turns: u32) {
        let Some(line) = self.run.frames.get_mut(&frame) else { return };
        let scope = line.scope;
        line.phase = Phase::Waiting { open: u32::try_from(heads.len()).unwrap_or(u32::MAX), failed: None, turns };
        if self.depth(frame) >= FRAME_DEPTH_MAX {
            return self.lose(frame, "steps with branches stand too deep inside one another".to_owned());
        }
        for head in heads {
            self.line(scope, Some(frame), false, head.clone());
        }
    }

    fn depth(&self, frame: u32) -> usize {
        let mut depth = 0;
        let mut at = Some(frame);
        while let Some(line) = at.and_then(|at| self.run.frames.get(&at)) {
            depth += 1;
            at = line.parent;
        }
        depth
    }

    fn line(&mut self, scope: usize, parent: Option<u32>, is_top: bool, step: Id) {
        self.run.frames_made += 1;
        let frame = Frame {
            scope,
            parent,
            is_top,
            step,
            phase: Phase::Ready,
            due_at: None,
            remind: None,
            locals: BTreeMap::new(),
        };
        self.run.frames.insert(self.run.frames_made, frame);
    }

    /// Decides whether a loop turns once more.
    fn turn(&mut self, frame: u32, turns: u32) {
        let Some(Kind::While { condition, body, most }) = self.step(frame).map(|step| step.kind) else { return };
        let holds = self.decide(
            frame,
            &condition.variables(),
            |value_of| condition.holds(value_of),
            |holds| Some(if holds { "again" } else { "out" }.to_owned()),
        );
        if !holds {
            self.complete(frame);
        } else if turns >= most {
            self.lose(frame, format!("its condition still holds after {most} turns"));
        } else {
            self.branch(frame, &[body], turns + 1);
        }
    }

    fn call(&mut self, frame: u32, playbook: &Id, version: Option<&str>, takes: &[String]) {
        let found = super::start::find(&self.run.books, playbook, version);
        let Some((at, book)) = found.and_then(|at| Some((at, self.run.books.get(at)?))) else {
            return self.lose(frame, format!("{playbook} is not there"));
        };
        let Some(line) = self.run.frames.get(&frame) else { return };
        let mut variables: BTreeMap<_, _> =
            book.variables.iter().map(|(name, variable)| (name.clone(), variable.value.clone())).collect();
        for name in takes {
            let value = self.run.held(line, name);
            let declared = book.variables.get(name);
            if let (Some(declared), Some(value)) = (declared, &value)
                && let Err(why) = declared.check(name, value)
            {
                return self.lose(frame, why);
            }
            if declared.is_some_and(|declared| !declared.is_constant) {
                variables.insert(name.clone(), value);
            }
        }
        let (start, id) = (book.start.clone(), book.id.clone());
        let called_from = Some((line.scope, line.step.clone()));
        let scope = self.run.scopes.len();
        self.run.scopes.push(Scope {
            book: at,
            caller: Some(frame),
            called_from,
            variables,
            traces: BTreeMap::new(),
            is_excepted: false,
        });
        if let Some(line) = self.run.frames.get_mut(&frame) {
            line.phase = Phase::Waiting { open: 1, failed: None, turns: 0 };
        }
        self.at(frame, Event::Called { playbook: id }, None, None);
        if self.depth(frame) >= FRAME_DEPTH_MAX {
            return self.lose(frame, "playbooks call one another too deep".to_owned());
        }
        self.told(scope, None, Event::Started, None, None);
        self.line(scope, Some(frame), true, start);
    }

    /// A step succeeded.
    fn complete(&mut self, frame: u32) {
        self.mark(frame, Mark::Done);
        let Some(step) = self.step(frame) else { return };
        if !matches!(step.kind, Kind::Start) {
            self.at(frame, Event::Done, None, None);
        }
        match step.next() {
            Some(next) => self.go(frame, next.clone()),
            None => self.finish_line(frame, None),
        }
    }

    /// A step failed: it goes on where its failure leads, or what is around it fails.
    fn lose(&mut self, frame: u32, why: String) {
        self.withdraw_below(frame);
        self.mark(frame, Mark::Failed);
        self.at(frame, Event::Failed { why: why.clone() }, None, None);
        self.after_failure(frame, why);
    }

    fn after_failure(&mut self, frame: u32, why: String) {
        let Some(step) = self.step(frame) else { return };
        let is_spent = self.run.moves > MOVES_MAX;
        match step.on_failure {
            Some(next) if !is_spent => self.go(frame, next),
            _ => self.finish_line(frame, Some(format!("`{}`: {why}", step.title()))),
        }
    }

    fn time_out(&mut self, frame: u32, due_at: i64) {
        if let Some(Phase::Working { task, .. }) = self.run.frames.get(&frame).map(|line| line.phase.clone()) {
            self.close(task, TaskState::TimedOut { at: self.now });
        }
        self.withdraw_below(frame);
        self.mark(frame, Mark::TimedOut);
        self.at(frame, Event::TimedOut { due_at }, None, None);
        self.after_failure(frame, format!("it was due at {}", clock(due_at)));
    }

    fn go(&mut self, frame: u32, next: Id) {
        if let Some(line) = self.run.frames.get_mut(&frame) {
            line.step = next;
            line.phase = Phase::Ready;
            line.due_at = None;
        }
    }

    /// A line came to its end, with what failed if something did.
    fn finish_line(&mut self, frame: u32, failed: Option<String>) {
        let Some(line) = self.run.frames.remove(&frame) else { return };
        if line.is_top {
            return self.finish_book(&line, failed);
        }
        let Some(parent) = line.parent else { return };
        let Some(waiting) = self.run.frames.get_mut(&parent) else { return };
        let Phase::Waiting { open, failed: before, turns } = &mut waiting.phase else { return };
        *open = open.saturating_sub(1);
        if before.is_none() {
            *before = failed;
        }
        let (open, failed, turns) = (*open, before.clone(), *turns);
        if open > 0 {
            return;
        }
        match failed {
            Some(why) => self.lose(parent, why),
            None if self.step(parent).is_some_and(|step| matches!(step.kind, Kind::While { .. })) => {
                self.turn(parent, turns);
            }
            None => self.complete(parent),
        }
    }

    /// A playbook's own line came to its end.
    fn finish_book(&mut self, line: &Frame, failed: Option<String>) {
        let exception = self.run.book_of(line.scope).and_then(|book| book.exception.clone());
        let Some(scope) = self.run.scopes.get_mut(line.scope) else { return };
        let is_spent = self.run.moves > MOVES_MAX;
        if let (Some(why), Some(step), false, false) = (&failed, exception, scope.is_excepted, is_spent) {
            scope.is_excepted = true;
            self.told(line.scope, None, Event::Excepted { why: why.clone() }, None, None);
            return self.line(line.scope, line.parent, true, step);
        }
        let (is_excepted, caller) = (scope.is_excepted, scope.caller);
        let is_good = failed.is_none() && !is_excepted;
        self.told(line.scope, None, Event::Ended { is_good }, None, failed.clone());
        let Some(caller) = caller else {
            self.run.state = match failed {
                Some(_) => State::Failed,
                None if is_excepted => State::Handled,
                None => State::Completed,
            };
            return;
        };
        if is_good {
            self.give_back(line.scope, caller);
            self.complete(caller);
        } else {
            let why =
                failed.unwrap_or_else(|| "the playbook that was called ended by its steps for failures".to_owned());
            self.lose(caller, why);
        }
    }

    /// Variables that a called playbook gives back.
    fn give_back(&mut self, scope: usize, caller: u32) {
        let Some(Kind::Call { gives, .. }) = self.step(caller).map(|step| step.kind) else { return };
        for name in gives {
            let value = self.run.scopes.get(scope).and_then(|scope| scope.variables.get(&name)).cloned().flatten();
            self.run.set(caller, &name, value);
        }
    }

    /// Breaks off all that a step waits for.
    fn withdraw_below(&mut self, frame: u32) {
        let mut gone = vec![frame];
        let mut at = 0;
        while let Some(parent) = gone.get(at).copied() {
            let children = self.run.frames.iter().filter(|(_, line)| line.parent == Some(parent)).map(|(id, _)| *id);
            let children: Vec<u32> = children.collect();
            gone.extend(children);
            at += 1;
        }
        for id in gone.into_iter().skip(1) {
            self.withdraw(id);
        }
    }

    pub(super) fn withdraw_all(&mut self) {
        let all: Vec<u32> = self.run.frames.keys().copied().collect();
        for id in all {
            self.withdraw(id);
        }
    }

    fn withdraw(&mut self, frame: u32) {
        if let Some(Phase::Working { task, .. }) = self.run.frames.get(&frame).map(|line| line.phase.clone()) {
            self.close(task, TaskState::Withdrawn { at: self.now });
            self.at(frame, Event::Withdrawn { task }, None, None);
        }
        self.mark(frame, Mark::Withdrawn);
        self.run.frames.remove(&frame);
    }

    /// Closes a task that nobody answered.
    fn close(&mut self, number: u32, state: TaskState) {
        if let Some(task) = self.run.tasks.get_mut(&number) {
            task.state = state;
            self.moved.todo.push(Todo::Withdraw { task: number });
        }
    }
}
