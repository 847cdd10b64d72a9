//! Measures about people beside containment: who is watched more closely, and who has to take a course. Both end by themselves, and both can
//! be taken back.

use serde::Serialize;

use super::{Case, CaseError, What, wrong};

/// What can be watched more closely.
pub const WATCHED: [&str; 6] = ["principal", "device", "access_key", "partner", "study", "object"];

/// Somebody or something that is watched more closely.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Watched {
    /// What kind it is.
    pub kind: String,
    /// Which, by name.
    pub target: String,
    /// By id, where there is one beside the name.
    pub member: Option<String>,
    /// From when on, in milliseconds since 1970, UTC.
    pub since: i64,
    /// Until when.
    pub until: i64,
}

/// A course that somebody has to take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assigned {
    /// The course.
    pub course: String,
    /// Who, by name.
    pub name: String,
    /// By id.
    pub member: String,
    /// By when, in milliseconds since 1970, UTC.
    pub due_at: i64,
    /// Until when their training counted before it was assigned.
    pub until_before: Option<i64>,
}

impl Case {
    /// Who is watched more closely at a time, in milliseconds since 1970, UTC.
    pub fn watched_at(&self, now: i64) -> impl Iterator<Item = &Watched> {
        self.watched.iter().filter(move |one| one.until > now)
    }

    pub(super) fn check_measure(&self, what: &What) -> Result<(), CaseError> {
        match what {
            What::CloserWatch { kind, .. } if !WATCHED.contains(&kind.as_str()) => {
                wrong(format!("`{kind}` cannot be watched more closely; there are {}", WATCHED.join(", ")))
            }
            What::CloserWatch { on: true, until: None, .. } => wrong("say until when it is watched more closely"),
            What::CloserWatch { kind, target, on: false, .. } => {
                match self.watched.iter().any(|one| one.kind == *kind && one.target == *target) {
                    true => Ok(()),
                    false => wrong(format!("{kind} `{target}` is not watched more closely because of this incident")),
                }
            }
            What::Training { on: true, due_at: None, .. } => wrong("say by when the course has to be taken"),
            What::Training { course, member, on, name, .. } => {
                match (self.trained.iter().any(|one| one.course == *course && one.member == *member), on) {
                    (true, true) => wrong(format!("`{name}` has to take the course `{course}` already")),
                    (false, false) => {
                        wrong(format!("`{name}` was not assigned the course `{course}` in this incident"))
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    pub(super) fn apply_measure(&mut self, what: &What, at: i64) {
        match what {
            What::CloserWatch { kind, target, on, until, member } => {
                let before = self.watched.iter().position(|one| one.kind == *kind && one.target == *target);
                // A later end takes the place of an earlier one; it was watched since it was.
                let since = before.map(|place| self.watched.remove(place).since);
                if let (true, Some(until)) = (*on, *until) {
                    let (kind, target, member) = (kind.clone(), target.clone(), member.clone());
                    self.watched.push(Watched { kind, target, member, since: since.unwrap_or(at), until });
                }
            }
            What::Training { course, name, member, on, due_at, until_before } => {
                self.trained.retain(|one| one.course != *course || one.member != *member);
                if let (true, Some(due_at)) = (*on, *due_at) {
                    let (course, name, member) = (course.clone(), name.clone(), member.clone());
                    self.trained.push(Assigned { course, name, member, due_at, until_before: *until_before });
                }
            }
            _ => {}
        }
    }
}
