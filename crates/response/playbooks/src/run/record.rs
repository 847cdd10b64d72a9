//! What happened in a run: one entry for every change, for the ledger and for a page.

use serde::{Deserialize, Serialize};

use crate::id::Id;
use crate::role::Role;
use crate::verb::Verb;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its place among those of the run, from 1.
    pub number: u32,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// In which playbook.
    pub playbook: Id,
    /// At which step; none where it concerns the whole run.
    pub step: Option<Id>,
    /// The step's name, or the playbook's.
    pub name: String,
    /// What.
    pub event: Event,
    /// Who did it; none where nobody did.
    pub who: Option<String>,
    /// What they wrote about it.
    pub note: Option<String>,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Event {
    /// The run began, or a playbook that was called.
    Started,
    /// A step waits before it begins.
    Delayed {
        /// Until when.
        until: i64,
    },
    /// A person was asked.
    Asked {
        /// The task.
        task: u32,
        /// Whom.
        role: Option<Role>,
        /// When it is too late.
        due_at: Option<i64>,
    },
    /// Lazaret was told to do something.
    Told {
        /// The task.
        task: u32,
        /// What.
        verb: Verb,
        /// When it is too late.
        due_at: Option<i64>,
    },
    /// A task was done.
    Answered {
        /// The task.
        task: u32,
        /// Variables that were given, with their values.
        values: Vec<(String, String)>,
    },
    /// A task failed.
    Refused {
        /// The task.
        task: u32,
        /// Why.
        why: String,
    },
    /// Somebody was reminded of a task.
    Reminded {
        /// The task.
        task: u32,
    },
    /// A task is no longer to be done.
    Withdrawn {
        /// The task.
        task: u32,
    },
    /// A condition decided.
    Branched {
        /// Which branch; none where no branch fits.
        branch: Option<String>,
        /// What was looked at: variables with their values.
        because: Vec<(String, Option<String>)>,
    },
    /// Branches began at once.
    Forked {
        /// How many.
        branches: u32,
    },
    /// Another playbook was called.
    Called {
        /// Which.
        playbook: Id,
    },
    /// A step succeeded.
    Done,
    /// A step failed.
    Failed {
        /// Why.
        why: String,
    },
    /// A step took too long.
    TimedOut {
        /// When it should have been done.
        due_at: i64,
    },
    /// A failure went to the playbook's steps for failures.
    Excepted {
        /// Why.
        why: String,
    },
    /// A playbook came to its end.
    Ended {
        /// Whether all went well.
        is_good: bool,
    },
    /// Somebody let the run wait.
    Paused,
    /// Somebody let it go on.
    Resumed,
    /// Somebody ended it.
    Cancelled,
}
