//! How a run begins: the playbooks it may call are found, and the variables that it needs are there.

use std::collections::{BTreeMap, BTreeSet};

use super::flow::Flow;
use super::record::Event;
use super::{Frame, Moved, Phase, Run, Scope, State};
use crate::fault::shown;
use crate::id::Id;
use crate::limits::{BOOKS_MAX, CALL_DEPTH_MAX, WHO_BYTES_MAX};
use crate::playbook::Playbook;
use crate::run::clock;
use crate::step::{Kind, Step};
use crate::variable::plain;

/// Why a run does not begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Its author took the playbook back.
    #[error("the playbook `{0}` was revoked by its author; run another one")]
    Revoked(String),
    /// It is not valid at this time.
    #[error("the playbook `{name}` is valid only {when}; run another one, or get a newer version")]
    Invalid {
        /// Which.
        name: String,
        /// From or until when.
        when: String,
    },
    /// Values are missing.
    #[error("the playbook `{name}` needs {}; give each a value", .needs.join(", "))]
    Needs {
        /// Which.
        name: String,
        /// Variables, without their underscores.
        needs: Vec<String>,
    },
    /// A value is wrong.
    #[error("{0}")]
    Value(String),
    /// A playbook that is called is not there.
    #[error("{step} of `{name}` calls {called}, which is not there; add it, or run another playbook")]
    Missing {
        /// The step.
        step: String,
        /// The playbook.
        name: String,
        /// What it calls.
        called: String,
    },
    /// What is called does not fit.
    #[error("{step} of `{name}` calls `{called}`: {why}")]
    Unfit {
        /// The step.
        step: String,
        /// The playbook.
        name: String,
        /// What it calls.
        called: String,
        /// What does not fit, and what to do.
        why: String,
    },
    /// Too many playbooks call one another.
    #[error("the playbook `{0}` calls others that call others too deep, or too many of them; let it call fewer")]
    Deep(String),
}

impl Run {
    /// Begins a run at `now` (milliseconds since 1970) by `who`. `values` are for variables, whose names may be written with or
    /// without underscores; `others` are the playbooks that may be called.
    ///
    /// # Errors
    /// When something that the run would need is missing or wrong; then nothing begins.
    pub fn start(
        playbook: &Playbook,
        others: &[Playbook],
        values: &BTreeMap<String, String>,
        who: &str,
        now: i64,
    ) -> Result<(Self, Moved), StartError> {
        may_run(playbook, now)?;
        let mut books = vec![playbook.clone()];
        let mut search = Search { others, now, seen: BTreeSet::new() };
        search.gather(0, &mut books, 0)?;
        let variables = first_values(playbook, values)?;
        let mut who = who.to_owned();
        while who.len() > WHO_BYTES_MAX {
            who.pop();
        }
        let scope =
            Scope { book: 0, caller: None, called_from: None, variables, traces: BTreeMap::new(), is_excepted: false };
        let frame = Frame {
            scope: 0,
            parent: None,
            is_top: true,
            step: playbook.start.clone(),
            phase: Phase::Ready,
            due_at: None,
            remind: None,
            locals: BTreeMap::new(),
        };
        let mut run = Self {
            books,
            started_at: now,
            started_by: who.clone(),
            now,
            state: State::Running,
            paused_at: None,
            scopes: vec![scope],
            frames: BTreeMap::from([(1, frame)]),
            tasks: BTreeMap::new(),
            frames_made: 1,
            records_made: 0,
            moves: 0,
        };
        let mut flow = Flow::new(&mut run, now);
        flow.told(0, None, Event::Started, Some(who), None);
        flow.advance();
        let moved = flow.finish();
        Ok((run, moved))
    }
}

fn may_run(playbook: &Playbook, now: i64) -> Result<(), StartError> {
    let name = playbook.name.clone();
    if playbook.is_revoked {
        return Err(StartError::Revoked(name));
    }
    if let Some(from) = playbook.valid_from.as_ref().filter(|from| now < from.at) {
        return Err(StartError::Invalid { name, when: format!("from {}", clock(from.at)) });
    }
    if let Some(until) = playbook.valid_until.as_ref().filter(|until| now >= until.at) {
        return Err(StartError::Invalid { name, when: format!("until {}", clock(until.at)) });
    }
    Ok(())
}

/// Looks for playbooks that are called.
struct Search<'a> {
    others: &'a [Playbook],
    now: i64,
    /// Playbooks by their place, and how deep they were looked at.
    seen: BTreeSet<(usize, usize)>,
}

impl Search<'_> {
    /// Finds every playbook that this one calls, and checks that it fits.
    fn gather(&mut self, of: usize, books: &mut Vec<Playbook>, depth: usize) -> Result<(), StartError> {
        if !self.seen.insert((of, depth)) {
            return Ok(());
        }
        let Some(book) = books.get(of).cloned() else { return Ok(()) };
        for step in book.steps.values() {
            let Kind::Call { playbook, version, .. } = &step.kind else { continue };
            if depth >= CALL_DEPTH_MAX {
                return Err(StartError::Deep(book.name.clone()));
            }
            let at = match find(books, playbook, version.as_deref()) {
                Some(at) => at,
                None => {
                    let missing = || StartError::Missing {
                        step: step.place(),
                        name: book.name.clone(),
                        called: version.as_ref().map_or_else(|| playbook.to_string(), |v| format!("{playbook} of {v}")),
                    };
                    let found = newest(self.others, playbook, version.as_deref()).ok_or_else(missing)?;
                    may_run(found, self.now)?;
                    if books.len() >= BOOKS_MAX {
                        return Err(StartError::Deep(book.name.clone()));
                    }
                    books.push(found.clone());
                    books.len() - 1
                }
            };
            if let Some(called) = books.get(at) {
                fits(&book, step, called)?;
            }
            self.gather(at, books, depth + 1)?;
        }
        Ok(())
    }
}

fn is_meant(book: &Playbook, id: &Id, version: Option<&str>) -> bool {
    book.id == *id && version.is_none_or(|version| book.modified.text == version)
}

/// The place of a playbook among those of a run.
pub(super) fn find(books: &[Playbook], id: &Id, version: Option<&str>) -> Option<usize> {
    books.iter().position(|book| is_meant(book, id, version))
}

fn newest<'a>(others: &'a [Playbook], id: &Id, version: Option<&str>) -> Option<&'a Playbook> {
    others.iter().filter(|book| is_meant(book, id, version)).max_by_key(|book| book.modified.at)
}

/// Whether what a step passes on and wants back is what the other playbook knows.
fn fits(book: &Playbook, step: &Step, called: &Playbook) -> Result<(), StartError> {
    let Kind::Call { takes, gives, .. } = &step.kind else { return Ok(()) };
    let unfit = |why: String| {
        let (step, name) = (step.place(), book.name.clone());
        Err(StartError::Unfit { step, name, called: called.name.clone(), why })
    };
    for name in takes.iter().chain(gives) {
        if !called.variables.contains_key(name) {
            return unfit(format!("it has no variable `{}`; take that out of the step's arguments", shown(name)));
        }
    }
    let missing: Vec<_> =
        called.asked().map(|(name, _)| name).filter(|name| !takes.iter().any(|t| t == name)).collect();
    if !missing.is_empty() {
        return unfit(format!("it needs `{}`; add that to `in_args`", missing.join("`, `")));
    }
    Ok(())
}

fn first_values(
    playbook: &Playbook,
    values: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Option<String>>, StartError> {
    let mut variables: BTreeMap<_, _> =
        playbook.variables.iter().map(|(name, variable)| (name.clone(), variable.value.clone())).collect();
    for (name, value) in values {
        let declared = playbook
            .variables
            .get_key_value(name)
            .or_else(|| playbook.variables.iter().find(|(declared, _)| plain(declared) == name));
        let Some((name, variable)) = declared else {
            let known: Vec<_> = playbook.variables.keys().map(|name| plain(name)).collect();
            let why = format!("the playbook has no variable `{}`; it has {}", shown(name), known.join(", "));
            return Err(StartError::Value(why));
        };
        if variable.is_constant || !variable.is_external {
            let why = format!("`{}` is not given from outside; leave it away", plain(name));
            return Err(StartError::Value(why));
        }
        variable.check(plain(name), value).map_err(StartError::Value)?;
        variables.insert(name.clone(), Some(value.clone()));
    }
    let is_missing = |name: &str| variables.get(name).is_none_or(|value| value.as_deref().is_none_or(str::is_empty));
    let needs: Vec<_> =
        playbook.asked().filter(|(name, _)| is_missing(name)).map(|(name, _)| plain(name).to_owned()).collect();
    if needs.is_empty() { Ok(variables) } else { Err(StartError::Needs { name: playbook.name.clone(), needs }) }
}
