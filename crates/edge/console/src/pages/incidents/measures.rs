//! Measures about people beside containment: who is watched more closely, and who has to take a course.

use incidents::case::{Case, What};

use super::tasks::due;
use crate::failure::Failure;
use crate::responding::Act;
use crate::wording::{self, Moment};

/// Somebody or something that is watched more closely.
pub(crate) struct WatchedRow {
    pub(crate) kind: String,
    /// The kind in words.
    pub(crate) what: String,
    pub(crate) target: String,
    pub(crate) until: Moment,
}

/// A course that somebody has to take.
pub(crate) struct TrainedRow {
    pub(crate) course: String,
    pub(crate) name: String,
    pub(crate) due: Moment,
}

/// What the room shows of measures.
pub(crate) struct Measures {
    pub(crate) watched: Vec<WatchedRow>,
    pub(crate) trained: Vec<TrainedRow>,
}

pub(crate) fn measures(case: &Case, now: i64) -> Measures {
    let clock = case.clock(now);
    let watched = case.watched_at(clock).map(|one| WatchedRow {
        kind: one.kind.clone(),
        what: one.kind.replace('_', " "),
        target: one.target.clone(),
        until: wording::moment(one.until, clock),
    });
    let trained = case.trained.iter().map(|one| TrainedRow {
        course: one.course.clone(),
        name: one.name.clone(),
        due: wording::moment(one.due_at, clock),
    });
    Measures { watched: watched.collect(), trained: trained.collect() }
}

/// What a form wants done.
pub(crate) fn said(what: &str, case: &Case, field: &impl Fn(&str) -> String) -> Result<Act, Failure> {
    let day = |name: &str, missing: &str| due(case, &field(name))?.ok_or_else(|| Failure::BadInput(missing.to_owned()));
    let (kind, target) = (field("kind"), field("target"));
    let (course, name) = (field("course"), field("name"));
    Ok(match what {
        "watch" => {
            Act::Watch { kind, target, until: Some(day("until", "Say until which day it is watched more closely.")?) }
        }
        "unwatch" => Act::Watch { kind, target, until: None },
        "train" => {
            Act::Train { course, name, due_at: Some(day("due", "Say by which day the course has to be taken.")?) }
        }
        _ => Act::Train { course, name, due_at: None },
    })
}

/// How an entry about a measure reads.
pub(crate) fn words(what: &What) -> String {
    let time = |at: Option<i64>| at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    match what {
        What::CloserWatch { kind, target, on, until, .. } => {
            let until = time(*until).map_or_else(String::new, |at| format!(" until {at:.0}"));
            let how = if *on { "watched more closely" } else { "no longer watched more closely" };
            format!("{} {target} {how}{until}", kind.replace('_', " "))
        }
        What::Training { course, name, on, due_at, .. } => {
            let due = time(*due_at).map_or_else(String::new, |at| format!(" by {at:.0}"));
            format!("{course}: {name}{due}{}", if *on { "" } else { ", taken back" })
        }
        _ => String::new(),
    }
}
