//! Playbooks in an incident: a run is what its entries make of it, so that it goes on after a restart as if nothing had been.

use std::collections::BTreeMap;

use playbooks::{Act, Ask, Input, Playbook, Run, State, Todo};
use serde_json::{Value, json};

use super::{Card, Case, CaseError, Entry, wrong};

impl Case {
    /// The clock of the incident at a time, in milliseconds since 1970: that of an exercise may be ahead.
    #[must_use]
    pub const fn clock(&self, at: i64) -> i64 {
        at.saturating_add(self.ahead_ms)
    }

    /// The day in the organisation's time zone at a time, in milliseconds since 1970, by the incident's clock.
    #[must_use]
    pub fn day(&self, at: i64) -> jiff::civil::Date {
        let now = jiff::Timestamp::from_millisecond(self.clock(at)).unwrap_or_default();
        let zone = self.facts.get("timezone").and_then(Value::as_str).unwrap_or("UTC");
        now.in_tz(zone).map_or_else(|_| now.to_zoned(jiff::tz::TimeZone::UTC).date(), |zoned| zoned.date())
    }

    pub(super) fn begin_run(
        &mut self,
        entry: &Entry,
        books: &[Value],
        values: &BTreeMap<String, String>,
    ) -> Result<(), CaseError> {
        let mut read = Vec::with_capacity(books.len());
        for book in books {
            let text = book.to_string();
            read.push(Playbook::parse(text.as_bytes(), "playbook").map_err(|error| CaseError(error.to_string()))?);
        }
        let Some((first, others)) = read.split_first() else { return wrong("there is no playbook to run") };
        let started = Run::start(first, others, values, &entry.by, self.clock(entry.at));
        let (run, _) = started.map_err(|error| CaseError(error.to_string()))?;
        self.runs.insert(entry.number, run);
        Ok(())
    }

    pub(super) fn step_run(&mut self, at: i64, run: u64, input: &Input) -> Result<(), CaseError> {
        let (now, number) = (self.clock(at), run);
        let none = || CaseError(format!("no playbook runs under the number {run} in this incident"));
        let run = self.runs.get_mut(&run).ok_or_else(none)?;
        let moved = run.step(now, input.clone()).map_err(|error| CaseError(error.to_string()))?;
        for todo in moved.todo {
            if let Todo::Remind { task } = todo {
                *self.reminded.entry((number, task)).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Cards of which their holders were not told yet: that they are asked, or that it should have been done by now.
    #[must_use]
    pub fn untold(&self) -> Vec<(Card, Ask)> {
        let card = |(run, ask): (u64, Ask)| {
            let reminder = self.reminded.get(&(run, ask.task)).copied().unwrap_or(0);
            (Card { run, task: ask.task, reminder }, ask)
        };
        self.asked().into_iter().map(card).filter(|(card, _)| !self.told.contains(card)).collect()
    }

    /// What people are asked now, with the number of the run; what is due first before others.
    #[must_use]
    pub fn asked(&self) -> Vec<(u64, Ask)> {
        let mut asked: Vec<(u64, Ask)> =
            self.open().filter_map(|(run, todo)| ask(run, self.with_proposals(todo))).collect();
        let due = |ask: &Ask| ask.due_at.or(ask.wanted_at).unwrap_or(i64::MAX);
        asked.sort_by_key(|(run, ask)| (due(ask), *run, ask.task));
        asked
    }

    /// What Lazaret is to do now, with the number of the run.
    #[must_use]
    pub fn acts(&self) -> Vec<(u64, Act)> {
        let act = |(run, todo)| match todo {
            Todo::Act(act) => Some((run, act)),
            _ => None,
        };
        self.open().filter_map(act).collect()
    }

    /// What is to be done, with facts that are known as the values of its fields.
    fn with_proposals(&self, mut todo: Todo) -> Todo {
        if let Todo::Ask(ask) = &mut todo {
            for field in &mut ask.fields {
                let known = field.fact.as_ref().and_then(|fact| self.proposed(fact));
                let may_be = |value: &String| field.choices.is_empty() || field.choices.contains(value);
                field.value = known.filter(may_be).or(field.value.take());
            }
        }
        todo
    }

    fn open(&self) -> impl Iterator<Item = (u64, Todo)> {
        let running = self.runs.iter().filter(|(_, run)| run.state() == State::Running);
        running.flat_map(|(number, run)| run.open().into_iter().map(|todo| (*number, todo)))
    }

    /// Runs for which time has passed at `now`.
    #[must_use]
    pub fn late_runs(&self, now: i64) -> Vec<u64> {
        let clock = self.clock(now);
        self.runs.iter().filter(|(_, run)| run.wake_at().is_some_and(|at| at <= clock)).map(|(n, _)| *n).collect()
    }

    /// When something happens by itself, if nothing else does before: a run goes on, a containment ends, a delay is over.
    #[must_use]
    pub fn wake_at(&self) -> Option<i64> {
        let runs = self.runs.values().filter_map(Run::wake_at);
        let others = self.until.values().copied().chain(self.delay_ends_at());
        runs.chain(others).min().map(|at| at.saturating_sub(self.ahead_ms))
    }

    /// Runs as they are told: how each stands, what it asks people, what it waits for Lazaret to do.
    #[must_use]
    pub fn told_runs(&self) -> Vec<Value> {
        let told = |(number, run): (&u64, &Run)| {
            let (mut asks, mut acts) = (Vec::new(), Vec::new());
            for todo in if run.state() == State::Running { run.open() } else { Vec::new() } {
                match self.with_proposals(todo) {
                    Todo::Ask(ask) => asks.push(ask),
                    Todo::Act(act) => acts.push(act),
                    Todo::Remind { .. } | Todo::Withdraw { .. } => {}
                }
            }
            let variables: BTreeMap<&str, Option<&str>> = run.variables().collect();
            json!({
                "run": number, "name": run.playbook().map(|book| book.name.as_str()), "state": run.state(),
                "started": run.started_at(), "variables": variables, "asks": asks, "acts": acts,
            })
        };
        self.runs.iter().map(told).collect()
    }
}

fn ask(run: u64, todo: Todo) -> Option<(u64, Ask)> {
    match todo {
        Todo::Ask(ask) => Some((run, ask)),
        _ => None,
    }
}
