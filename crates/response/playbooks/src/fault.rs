//! Why a text is no playbook that can be run.

use std::fmt;

use crate::limits::FAULTS_MAX;

/// One thing that is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `the playbook`, or a step with its name and id.
    pub place: String,
    /// What is wrong.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.why, self.remedy)
    }
}

/// A text that is no playbook that can be run, with all that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{origin}` cannot be run as a playbook: {}", told(faults))]
pub struct ParseError {
    /// Where the text came from.
    pub origin: String,
    /// What is wrong; never empty.
    pub faults: Vec<Fault>,
}

fn told(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  ")
}

/// Collects faults, and departures from the standard that do no harm.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) faults: Vec<Fault>,
    pub(crate) departures: Vec<String>,
}

impl Log {
    pub(crate) fn fault(&mut self, place: &str, why: impl Into<String>, remedy: impl Into<String>) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { place: place.to_owned(), why: why.into(), remedy: remedy.into() });
        }
    }

    pub(crate) fn depart(&mut self, place: &str, what: impl fmt::Display) {
        if self.departures.len() < FAULTS_MAX {
            self.departures.push(format!("{place}: {what}"));
        }
    }
}

/// A text as it may stand in a message: on one line, not too long.
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(80).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
