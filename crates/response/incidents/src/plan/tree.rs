//! Who calls whom.

use std::collections::HashMap;

use playbooks::Role;

use super::{Person, Plan};

/// The most circles that are looked for: a few are enough to mend the rest.
const CYCLES_MAX: usize = 50;

/// One line of the contact tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeLine<'p> {
    /// How many calls it is away from a commander: 0 for commanders.
    pub depth: usize,
    /// Who is called.
    pub person: &'p Person,
    /// They stand further up already, with those whom they call.
    pub is_repeated: bool,
}

/// The first of each id.
fn index<'p>(people: impl Iterator<Item = &'p Person>) -> HashMap<&'p str, usize> {
    let mut index = HashMap::new();
    for (at, person) in people.enumerate() {
        index.entry(person.id.as_str()).or_insert(at);
    }
    index
}

pub(super) fn of(plan: &Plan) -> Vec<TreeLine<'_>> {
    let index = index(plan.people.iter());
    let mut listed = vec![false; plan.people.len()];
    let mut lines = Vec::new();
    for commander in plan.holders(Role::Commander) {
        let Some(root) = index.get(commander.id.as_str()) else { continue };
        // A deputy whom the first commander calls needs no tree of their own.
        if listed.get(*root).copied().unwrap_or(true) {
            continue;
        }
        let mut open = vec![(0, *root)];
        while let Some((depth, at)) = open.pop() {
            let (Some(person), Some(is_listed)) = (plan.people.get(at), listed.get_mut(at)) else { continue };
            lines.push(TreeLine { depth, person, is_repeated: *is_listed });
            if !*is_listed {
                *is_listed = true;
                let called = person.calls.iter().rev().filter_map(|id| index.get(id.as_str()));
                open.extend(called.map(|at| (depth + 1, *at)));
            }
        }
    }
    lines
}

/// Circles of calls, each as indices of people, none told twice.
pub(super) fn cycles(people: &[&Person]) -> Vec<Vec<usize>> {
    let index = index(people.iter().copied());
    let called = |at: usize| -> Vec<usize> {
        let calls = people.get(at).map_or(&[][..], |person| person.calls.as_slice());
        calls.iter().filter_map(|id| index.get(id.as_str()).copied()).collect()
    };
    let mut is_done = vec![false; people.len()];
    // Where on the path from the root somebody stands.
    let mut on_path: Vec<Option<usize>> = vec![None; people.len()];
    let mut found = Vec::new();
    for root in 0..people.len() {
        if is_done.get(root).copied().unwrap_or(true) {
            continue;
        }
        let mut path: Vec<(usize, Vec<usize>)> = Vec::new();
        let mut next = Some(root);
        loop {
            if let Some(at) = next.take() {
                if let Some(place) = on_path.get_mut(at) {
                    *place = Some(path.len());
                }
                path.push((at, called(at)));
            }
            let Some((at, rest)) = path.last_mut() else { break };
            let at = *at;
            match rest.pop() {
                Some(called) => match on_path.get(called).copied().flatten() {
                    Some(from) => {
                        found.push(path.iter().skip(from).map(|(at, _)| *at).collect());
                        if found.len() >= CYCLES_MAX {
                            return found;
                        }
                    }
                    None if is_done.get(called).copied().unwrap_or(true) => {}
                    None => next = Some(called),
                },
                None => {
                    if let (Some(done), Some(place)) = (is_done.get_mut(at), on_path.get_mut(at)) {
                        (*done, *place) = (true, None);
                    }
                    path.pop();
                }
            }
        }
    }
    found
}
