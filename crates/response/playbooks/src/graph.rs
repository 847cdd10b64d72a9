//! Whether steps lead somewhere: what is named exists, every way comes to an end, branches do not contain themselves.

use std::collections::{BTreeMap, BTreeSet};

use crate::command::What;
use crate::fault::{Log, shown};
use crate::id::Id;
use crate::limits::NESTING_MAX;
use crate::playbook::Playbook;
use crate::step::{Kind, Step};
use crate::variable::{Piece, pieces};

pub(crate) fn check(playbook: &Playbook, log: &mut Log) {
    begins(playbook, log);
    for step in playbook.steps.values() {
        named(playbook, step, log);
        variables(playbook, step, log);
    }
    if !log.faults.is_empty() {
        return;
    }
    ends(playbook, log);
    nesting(playbook, log);
}

/// The start step, and where failures go.
fn begins(playbook: &Playbook, log: &mut Log) {
    match playbook.steps.get(&playbook.start).map(|step| &step.kind) {
        Some(Kind::Start) => {}
        Some(_) => log.fault("the playbook", "`workflow_start` is no start step", "name the start step"),
        None => log.fault("the playbook", format!("its start step {} is missing", playbook.start), "add it"),
    }
    if playbook.steps.values().filter(|step| matches!(step.kind, Kind::Start)).count() > 1 {
        log.fault("the playbook", "it has more than one start step", "keep the one that `workflow_start` names");
    }
    let does_something =
        playbook.steps.values().any(|step| matches!(step.kind, Kind::Action { .. } | Kind::Call { .. }));
    if !does_something {
        log.fault("the playbook", "no step of it does anything", "add an action step");
    }
    if let Some(id) = &playbook.exception
        && !playbook.steps.contains_key(id)
    {
        log.fault("the playbook", format!("its `workflow_exception` {id} is missing"), "add that step");
    }
}

/// Every step and agent that a step names.
fn named(playbook: &Playbook, step: &Step, log: &mut Log) {
    let place = step.place();
    let onward = [&step.on_completion, &step.on_success, &step.on_failure].into_iter().flatten();
    for id in onward.chain(step.branches().into_iter().map(|(_, id)| id)) {
        match playbook.steps.get(id).map(|step| &step.kind) {
            None => log.fault(&place, format!("it leads to {id}, which is missing"), "add that step"),
            Some(Kind::Start) => log.fault(&place, "it leads back to the start step", "name the step after it"),
            Some(_) => {}
        }
    }
    if let Kind::Action { agent, targets, commands, gives, .. } = &step.kind {
        if !playbook.agents.contains_key(agent) {
            let why = format!("its agent `{}` is not defined", shown(agent));
            log.fault(&place, why, "add it to `agent_definitions`");
        }
        for target in targets.iter().filter(|target| !playbook.targets.contains_key(*target)) {
            let why = format!("its target `{}` is not defined", shown(target));
            log.fault(&place, why, "add it to `target_definitions`");
        }
        given(step, commands.iter().map(|command| &command.what), gives, log);
    }
}

/// What Lazaret's own commands give back has fixed names.
fn given<'a>(step: &Step, commands: impl Iterator<Item = &'a What>, gives: &[String], log: &mut Log) {
    let (mut known, mut is_own) = (Vec::new(), true);
    for what in commands {
        match what {
            What::Lazaret { verb, .. } => known.extend(verb.gives().iter().map(|given| given.name)),
            _ => is_own = false,
        }
    }
    for name in gives.iter().filter(|name| is_own && !known.contains(&crate::variable::plain(name))) {
        let why = format!("its commands give no `{}`", shown(name));
        let remedy = if known.is_empty() {
            "take it out of `out_args`".to_owned()
        } else {
            format!("they give `__{}__`", known.join("__`, `__"))
        };
        log.fault(&step.place(), why, remedy);
    }
}

/// Every variable that a step names.
fn variables(playbook: &Playbook, step: &Step, log: &mut Log) {
    let place = step.place();
    let of = |name: &str| step.variables.get(name).or_else(|| playbook.variables.get(name));
    let missing = |name: &str| of(name).is_none();
    let mut used: Vec<&str> = Vec::new();
    match &step.kind {
        Kind::If { condition, .. } | Kind::While { condition, .. } => used.extend(condition.variables()),
        Kind::Switch { variable, .. } => used.push(variable),
        Kind::Action { takes, gives, commands, .. } => {
            used.extend(takes.iter().chain(gives).map(String::as_str));
            for command in commands {
                if let What::Lazaret { arguments, .. } = &command.what {
                    used.extend(arguments.values().flat_map(|value| names(value)));
                }
            }
        }
        Kind::Call { takes, gives, .. } => used.extend(takes.iter().chain(gives).map(String::as_str)),
        _ => {}
    }
    used.sort_unstable();
    used.dedup();
    for name in used.into_iter().filter(|name| missing(name)) {
        let why = format!("it uses the variable `{}`, which is not declared", shown(name));
        log.fault(&place, why, "declare it in `playbook_variables` or `step_variables`");
    }
    if let Kind::Action { gives, .. } | Kind::Call { gives, .. } = &step.kind {
        for name in gives.iter().filter(|name| of(name).is_some_and(|variable| variable.is_constant)) {
            log.fault(&place, format!("it gives `{}`, which is constant", shown(name)), "take `constant` away");
        }
    }
    if let Kind::Action { commands, .. } = &step.kind {
        let texts = commands.iter().filter_map(|c| if let What::Manual(text) = &c.what { Some(text) } else { None });
        for name in texts.flat_map(|text| names(text)).filter(|name| missing(name)) {
            log.depart(&place, format!("its text names `{}`, which is not declared", shown(name)));
        }
    }
}

fn names(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).into_iter().filter_map(|piece| if let Piece::Variable(name) = piece { Some(name) } else { None })
}

/// Steps that are reached, with the steps that follow each within its branch.
fn ends(playbook: &Playbook, log: &mut Log) {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Id> = std::iter::once(&playbook.start).chain(&playbook.exception).collect();
    while let Some(id) = open.pop() {
        if reached.insert(id)
            && let Some(step) = playbook.steps.get(id)
        {
            open.extend(flow(step));
            open.extend(step.branches().into_iter().map(|(_, id)| id));
        }
    }
    for step in playbook.steps.values().filter(|step| !reached.contains(&step.id)) {
        log.depart(&step.place(), "no other step leads to it");
    }
    // Backwards from where a branch may end.
    let mut before: BTreeMap<&Id, Vec<&Id>> = BTreeMap::new();
    let mut ending = Vec::new();
    for step in playbook.steps.values() {
        if step.next().is_none() {
            ending.push(&step.id);
        }
        for id in flow(step) {
            before.entry(id).or_default().push(&step.id);
        }
    }
    let mut ended = BTreeSet::new();
    while let Some(id) = ending.pop() {
        if ended.insert(id) {
            ending.extend(before.get(id).into_iter().flatten());
        }
    }
    for id in reached.into_iter().filter(|id| !ended.contains(id)) {
        if let Some(step) = playbook.steps.get(id) {
            log.fault(&step.place(), "no way from it comes to an end step", "lead one of its ways to an end step");
        }
    }
}

/// Steps that may follow within a branch.
fn flow(step: &Step) -> impl Iterator<Item = &Id> {
    [&step.on_completion, &step.on_success, &step.on_failure].into_iter().flatten()
}

/// How deep structures stand inside one another; none may contain itself.
fn nesting(playbook: &Playbook, log: &mut Log) {
    let mut inner: BTreeMap<&Id, BTreeSet<&Id>> = BTreeMap::new();
    for step in playbook.steps.values() {
        let heads: Vec<_> = step.branches().into_iter().map(|(_, id)| id).collect();
        if heads.is_empty() {
            continue;
        }
        let (mut seen, mut open) = (BTreeSet::new(), heads);
        while let Some(id) = open.pop() {
            if seen.insert(id)
                && let Some(step) = playbook.steps.get(id)
            {
                open.extend(flow(step));
            }
        }
        seen.retain(|id| playbook.steps.get(*id).is_some_and(|step| !step.branches().is_empty()));
        inner.insert(&step.id, seen);
    }
    // Taking away what contains nothing more, layer by layer, leaves what is too deep or contains itself.
    for _ in 0..NESTING_MAX {
        let leaves: BTreeSet<&Id> = inner.iter().filter(|(_, within)| within.is_empty()).map(|(id, _)| *id).collect();
        inner.retain(|id, _| !leaves.contains(id));
        for within in inner.values_mut() {
            within.retain(|id| !leaves.contains(id));
        }
    }
    if let Some(step) = inner.keys().next().and_then(|id| playbook.steps.get(*id)) {
        let why = format!("it contains itself, or more than {NESTING_MAX} steps with branches inside one another");
        log.fault(&step.place(), why, "let its branches come to end steps of their own");
    }
}
