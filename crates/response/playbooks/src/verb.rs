//! Lazaret's own automatic commands: a closed list, each with its arguments, what it gives back, and whether it can be undone.
//!
//! A command of type `lazaret` has a `verb` and `arguments`. This crate checks both and hands them out; whoever runs
//! playbooks carries them out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fault::shown;
use crate::limits::TEXT_BYTES_MAX;
use crate::role::Role;
use crate::variable::{Piece, pieces};

/// What Lazaret does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Refuses a principal everything, ends its sessions.
    ContainPrincipal,
    /// Revokes an access key at once.
    ContainAccessKey,
    /// Refuses every principal of a partner everything.
    ContainPartner,
    /// Refuses a device and what is authenticated by it everything.
    ContainDevice,
    /// Makes a study read-only, or closes it.
    ContainStudy,
    /// Takes a containment back.
    ReleaseContainment,
    /// Keeps the part of the record about something, with its proofs.
    SnapshotEvidence,
    /// Forbids deleting and shredding in a study.
    LegalHold,
    /// Has somebody or something watched more closely for a while.
    RaiseLogging,
    /// Begins a backup now.
    StartBackup,
    /// Asks a second person to agree.
    AskApproval,
    /// Counts whose data was in reach, where they live, and whether it was readable.
    ComputeExposure,
    /// Starts the clocks of the law for the incident.
    StartClocks,
    /// Drafts notices from what is known.
    DraftNotices,
    /// Sends a message to those who hold a role.
    NotifyRole,
    /// Opens a task that outlives the run.
    OpenTask,
    /// Assigns a course.
    AssignTraining,
}

/// What an argument may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// The id or name of something: not empty, no white space.
    Id,
    /// Text for people.
    Text,
    /// A role.
    Role,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A whole number from 1 to this.
    Whole(u32),
}

/// An argument of a verb.
#[derive(Debug, Clone, Copy)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub takes: Takes,
    /// Whether it must stand there.
    pub is_needed: bool,
    /// What it means, with its unit.
    pub about: &'static str,
}

/// What a verb gives back, as the variable of this name.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    /// The variable, without its underscores.
    pub name: &'static str,
    /// The type of CACAO that the variable must have.
    pub kind: &'static str,
    /// What it means.
    pub about: &'static str,
}

/// Whether what a verb does can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// By another verb.
    By(Verb),
    /// By a person, in this way.
    ByHand(&'static str),
    /// It changes nothing that would have to be undone.
    NoNeed,
    /// It stays, for this reason.
    Never(&'static str),
}

/// What is about what: the things that can be contained, kept and counted.
pub const KINDS: &[&str] = &["principal", "access_key", "partner", "device", "study", "object", "finding"];
/// What can be contained.
const CONTAINED: &[&str] = &["principal", "access_key", "partner", "device", "study"];
/// Whether what was exposed could be read.
pub const READABLE: &[&str] = &["clear", "sealed", "unknown"];
/// For whom notices are drafted.
const AUDIENCES: &[&str] = &["authorities", "people", "partners", "sponsor", "ethics", "staff", "press", "insurer"];

const fn needed(name: &'static str, takes: Takes, about: &'static str) -> Argument {
    Argument { name, takes, is_needed: true, about }
}

const fn free(name: &'static str, takes: Takes, about: &'static str) -> Argument {
    Argument { name, takes, is_needed: false, about }
}

const fn given(name: &'static str, kind: &'static str, about: &'static str) -> Given {
    Given { name, kind, about }
}

const REASON: Argument = needed("reason", Takes::Text, "why; it is recorded");
const KIND: Argument = needed("kind", Takes::OneOf(KINDS), "what `what` is");
const WHAT: Argument = needed("what", Takes::Id, "the id of what it is about");

impl Verb {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::ContainPrincipal,
        Self::ContainAccessKey,
        Self::ContainPartner,
        Self::ContainDevice,
        Self::ContainStudy,
        Self::ReleaseContainment,
        Self::SnapshotEvidence,
        Self::LegalHold,
        Self::RaiseLogging,
        Self::StartBackup,
        Self::AskApproval,
        Self::ComputeExposure,
        Self::StartClocks,
        Self::DraftNotices,
        Self::NotifyRole,
        Self::OpenTask,
        Self::AssignTraining,
    ];

    /// Whether it holds somebody or something back: what has to be done before all else.
    #[must_use]
    pub const fn contains_somebody(self) -> bool {
        matches!(
            self,
            Self::ContainPrincipal
                | Self::ContainAccessKey
                | Self::ContainPartner
                | Self::ContainDevice
                | Self::ContainStudy
        )
    }

    /// As it is written in playbooks.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ContainPrincipal => "contain_principal",
            Self::ContainAccessKey => "contain_access_key",
            Self::ContainPartner => "contain_partner",
            Self::ContainDevice => "contain_device",
            Self::ContainStudy => "contain_study",
            Self::ReleaseContainment => "release_containment",
            Self::SnapshotEvidence => "snapshot_evidence",
            Self::LegalHold => "legal_hold",
            Self::RaiseLogging => "raise_logging",
            Self::StartBackup => "start_backup",
            Self::AskApproval => "ask_approval",
            Self::ComputeExposure => "compute_exposure",
            Self::StartClocks => "start_clocks",
            Self::DraftNotices => "draft_notices",
            Self::NotifyRole => "notify_role",
            Self::OpenTask => "open_task",
            Self::AssignTraining => "assign_training",
        }
    }

    /// What it does, in a sentence.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::ContainPrincipal => "refuses a principal everything and ends its sessions",
            Self::ContainAccessKey => "refuses an access key at once",
            Self::ContainPartner => "refuses every principal of a partner everything",
            Self::ContainDevice => "refuses a device, and what is authenticated by it, everything",
            Self::ContainStudy => "makes a study read-only, or closes it to all but its emergency access",
            Self::ReleaseContainment => "takes a containment back; what was granted before holds again",
            Self::SnapshotEvidence => "keeps the part of the record about something, with its proofs, apart",
            Self::LegalHold => "forbids deleting and shredding in a study",
            Self::RaiseLogging => {
                "watches somebody or something more closely for some hours: each thing they do is a finding"
            }
            Self::StartBackup => "begins a backup now",
            Self::AskApproval => "asks somebody else who holds a role to agree",
            Self::ComputeExposure => "counts whose data was in reach, where they live, and whether it was readable",
            Self::StartClocks => "starts the clocks of every law that the exposure concerns",
            Self::DraftNotices => "drafts notices from what is known; sends nothing",
            Self::NotifyRole => "sends a message to those who hold a role",
            Self::OpenTask => "opens a task for a role that outlives the run",
            Self::AssignTraining => {
                "assigns a course; from the day on which it is due, their training counts no longer"
            }
        }
    }

    /// What it is told.
    #[must_use]
    pub fn arguments(self) -> &'static [Argument] {
        const PRINCIPAL: Argument = needed("principal", Takes::Id, "the principal's id");
        const STUDY: Argument = needed("study", Takes::Id, "the study's id");
        const HOURS: Argument = free("hours", Takes::Whole(8_784), "for how many hours; until released if missing");
        const MODE: Argument = needed("mode", Takes::OneOf(&["read_only", "closed"]), "whether reading stays possible");
        const BACK: Argument = free("days", Takes::Whole(3_660), "how many days back from now; 90 if missing");
        const TEXT: Argument = needed("text", Takes::Text, "what they read");
        const WHO: Argument = needed("role", Takes::Role, "whom");
        match self {
            Self::ContainPrincipal => const { &[PRINCIPAL, HOURS, REASON] },
            Self::ContainAccessKey => {
                const { &[needed("access_key", Takes::Id, "the key's id, never its secret"), REASON] }
            }
            Self::ContainPartner => const { &[needed("partner", Takes::Id, "the partner's id"), HOURS, REASON] },
            Self::ContainDevice => const { &[needed("device", Takes::Id, "the device's id"), HOURS, REASON] },
            Self::ContainStudy => const { &[STUDY, MODE, HOURS, REASON] },
            Self::ReleaseContainment => {
                const { &[needed("kind", Takes::OneOf(CONTAINED), "what `what` is"), WHAT, REASON] }
            }
            Self::SnapshotEvidence => const { &[KIND, WHAT, BACK, REASON] },
            Self::LegalHold => const { &[STUDY, REASON] },
            Self::RaiseLogging => const { &[KIND, WHAT, needed("hours", Takes::Whole(8_784), "for how many hours")] },
            Self::StartBackup => {
                const { &[free("study", Takes::Id, "of one study; of everything if missing"), REASON] }
            }
            Self::AskApproval => const { &[WHO, TEXT] },
            Self::ComputeExposure => const { &[KIND, WHAT, BACK] },
            Self::StartClocks => const { &[needed("because", Takes::Text, "what makes the organisation aware")] },
            Self::DraftNotices => const { &[needed("audience", Takes::OneOf(AUDIENCES), "for whom")] },
            Self::NotifyRole => {
                const { &[WHO, TEXT, free("urgent", Takes::OneOf(&["yes", "no"]), "whether they are woken; no if missing")] }
            }
            Self::OpenTask => const { &[WHO, TEXT, needed("days", Takes::Whole(366), "in how many days it is due")] },
            Self::AssignTraining => {
                const {
                    &[
                        needed("course", Takes::Id, "the course's id"),
                        free("role", Takes::Role, "to those who hold a role"),
                        free("principal", Takes::Id, "to one principal"),
                        needed("days", Takes::Whole(366), "in how many days it is due"),
                    ]
                }
            }
        }
    }

    /// What it gives back.
    #[must_use]
    pub fn gives(self) -> &'static [Given] {
        match self {
            Self::SnapshotEvidence => const { &[given("evidence", "string", "the id of what was kept")] },
            Self::StartBackup => const { &[given("backup", "string", "the id of the backup")] },
            Self::AskApproval => const { &[given("approved", "bool", "whether they agreed")] },
            Self::ComputeExposure => {
                const {
                    &[
                        given("people", "integer", "distinct data subjects in reach"),
                        given("people_eu", "integer", "of them in the European Economic Area"),
                        given("people_us", "integer", "of them in the United States"),
                        given("people_jp", "integer", "of them in Japan"),
                        given("readable", "string", "`clear`, `sealed` or `unknown`"),
                    ]
                }
            }
            Self::StartClocks => {
                const {
                    &[
                        given("clocks", "integer", "how many clocks run"),
                        given("first_due", "string", "when the first ends, RFC 3339"),
                    ]
                }
            }
            Self::DraftNotices => const { &[given("drafts", "integer", "how many drafts were made")] },
            Self::OpenTask => const { &[given("task", "string", "the id of the task")] },
            _ => &[],
        }
    }

    /// Whether it can be undone.
    #[must_use]
    pub fn undo(self) -> Undo {
        match self {
            Self::ContainPrincipal | Self::ContainPartner | Self::ContainDevice | Self::ContainStudy => {
                Undo::By(Self::ReleaseContainment)
            }
            Self::ContainAccessKey => Undo::By(Self::ReleaseContainment),
            Self::ReleaseContainment => Undo::ByHand("contain it again"),
            Self::SnapshotEvidence | Self::StartBackup | Self::ComputeExposure | Self::DraftNotices => Undo::NoNeed,
            Self::LegalHold => Undo::ByHand("lift the hold with `lazaret keys`"),
            Self::RaiseLogging => {
                Undo::ByHand("it ends by itself after its hours, or with `lazaret incidents watch --end`")
            }
            Self::AskApproval | Self::NotifyRole => Undo::Never("what was read was read"),
            Self::StartClocks => Undo::Never("when one became aware is a fact; new facts correct the clocks"),
            Self::OpenTask => Undo::ByHand("close the task with a reason"),
            Self::AssignTraining => Undo::ByHand("take the assignment back with `lazaret incidents train --take-back`"),
        }
    }

    /// The verb of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.as_str() == text)
    }

    pub(crate) fn names() -> String {
        Self::ALL.map(|verb| format!("`{}`", verb.as_str())).join(", ")
    }

    /// What is wrong with these arguments. Where a value names a variable it is only checked once that has a value.
    ///
    /// # Errors
    /// The first thing that is wrong, and what to write.
    pub fn check(self, arguments: &BTreeMap<String, String>) -> Result<(), String> {
        let verb = self.as_str();
        for name in arguments.keys() {
            if !self.arguments().iter().any(|argument| argument.name == name) {
                let known: Vec<_> = self.arguments().iter().map(|a| format!("`{}`", a.name)).collect();
                return Err(format!("`{verb}` takes no `{}`; it takes {}", shown(name), known.join(", ")));
            }
        }
        for argument in self.arguments() {
            match arguments.get(argument.name) {
                None if argument.is_needed => {
                    return Err(format!("`{verb}` needs `{}`: {}", argument.name, argument.about));
                }
                Some(value) if !pieces(value).iter().any(|piece| matches!(piece, Piece::Variable(_))) => {
                    argument.check(verb, value)?;
                }
                _ => {}
            }
        }
        let is_for_nobody =
            self == Self::AssignTraining && !arguments.contains_key("role") && !arguments.contains_key("principal");
        if is_for_nobody {
            return Err(format!("`{verb}` needs `role` or `principal`: who learns"));
        }
        Ok(())
    }
}

impl Argument {
    fn check(&self, verb: &str, value: &str) -> Result<(), String> {
        let name = self.name;
        let wrong = |hint: String| Err(format!("`{name}` of `{verb}` cannot be `{}`; write {hint}", shown(value)));
        match self.takes {
            Takes::Id
                if value.is_empty()
                    || value.len() > 512
                    || value.chars().any(|c| c.is_whitespace() || c.is_control()) =>
            {
                wrong("an id without spaces".to_owned())
            }
            Takes::Text if value.trim().is_empty() || value.len() > TEXT_BYTES_MAX => wrong("a text".to_owned()),
            Takes::Role if Role::parse(value).is_none() => wrong(format!("one of {}", Role::names())),
            Takes::OneOf(choices) if !choices.contains(&value) => wrong(format!("one of `{}`", choices.join("`, `"))),
            Takes::Whole(most) if !value.parse::<u32>().is_ok_and(|number| (1..=most).contains(&number)) => {
                wrong(format!("a whole number from 1 to {most}"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn arguments_are_checked() {
        let verb = Verb::ContainStudy;
        let good = [("study", "ABC-1"), ("mode", "closed"), ("reason", "copied")];
        assert_eq!(verb.check(&arguments(&good)), Ok(()));
        assert!(verb.check(&arguments(&good[..2])).unwrap_err().contains("needs `reason`"));
        let wrong = [("study", "A B"), ("mode", "closed"), ("reason", "copied")];
        assert!(verb.check(&arguments(&wrong)).unwrap_err().contains("without spaces"));
        let wrong = [("study", "__study__:value"), ("mode", "shut"), ("reason", "copied")];
        assert!(verb.check(&arguments(&wrong)).unwrap_err().contains("`read_only`, `closed`"));
        let wrong = [("role", "king"), ("text", "x")];
        assert!(Verb::NotifyRole.check(&arguments(&wrong)).unwrap_err().contains("`commander`"));
        let wrong = [("course", "x"), ("days", "3")];
        assert!(Verb::AssignTraining.check(&arguments(&wrong)).unwrap_err().contains("who learns"));
        assert!(Verb::LegalHold.check(&arguments(&[("studies", "x")])).unwrap_err().contains("it takes `study`"));
    }

    #[test]
    fn names_are_read_back() {
        for verb in Verb::ALL {
            assert_eq!(Verb::parse(verb.as_str()), Some(verb));
            assert_eq!(serde_json::to_value(verb).unwrap(), verb.as_str());
            assert!(!verb.about().is_empty() && !verb.arguments().is_empty());
        }
    }
}
