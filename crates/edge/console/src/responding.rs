//! What the console has done about incidents by whoever can: exposure, containment, drafts, sending. Who does it is not known here.

use std::collections::BTreeMap;

use incidents::exposure::Grade;
use incidents::timeline::{EntryLine, Listing, Timeline};
use model::{Answer, By};
use obligations::{ClauseChange, Clauses};
use playbooks::Input;

/// What is to be done about an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Tell whose data was exposed.
    Expose(Box<Asked>),
    /// Contain a `principal`, `partner` or `study`, or end that.
    Contain {
        /// What kind it is.
        kind: String,
        /// Which, by name.
        target: String,
        /// Whether it is contained from now on.
        on: bool,
    },
    /// Have somebody or something watched more closely, or end that.
    Watch {
        /// `principal`, `device`, `access_key`, `partner`, `study` or `object`.
        kind: String,
        /// Which, by name or id.
        target: String,
        /// Until when, in milliseconds since 1970; `None`: no longer.
        until: Option<i64>,
    },
    /// Assign a course, or take that back.
    Train {
        /// The course.
        course: String,
        /// Who, by name or id.
        name: String,
        /// By when, in milliseconds since 1970; `None`: it is taken back.
        due_at: Option<i64>,
    },
    /// Begin a playbook that comes with the program.
    Run {
        /// Its name.
        playbook: String,
        /// Values of its variables.
        values: BTreeMap<String, String>,
    },
    /// Say that what a playbook asked was done.
    Answer {
        /// The run.
        run: u64,
        /// The task.
        task: u32,
        /// Variables and their values.
        values: BTreeMap<String, String>,
        /// Something about it; may be empty, unless it is said in the place of who holds the role.
        note: String,
        /// Proposals that whoever answers had before them, by variable.
        seen: BTreeMap<String, String>,
    },
    /// Say something else about a run.
    Step {
        /// The run.
        run: u64,
        /// What.
        input: Input,
    },
    /// Draft a notice from the facts.
    Draft {
        /// For which obligation.
        obligation: String,
        /// In which language.
        language: String,
    },
    /// Ask for letters to the exposed people whom some objects say how to reach.
    AskLetters {
        /// The kind of letters.
        kind: String,
        /// Numbers of objects of the catalogue.
        objects: Vec<u32>,
    },
    /// Send an approved draft by e-mail.
    Send {
        /// For which obligation.
        obligation: String,
        /// In which language.
        language: String,
        /// To which address.
        to: String,
    },
}

/// Whose exposure a form asks for; what is empty is not asked about, and parts narrow each other. All empty: by whom the incident's
/// finding is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// By this principal, by name or id.
    pub principal: String,
    /// By this device.
    pub device: String,
    /// By everybody of this partner organisation.
    pub partner: String,
    /// With this access key, by its public id.
    pub credential: String,
    /// Of these objects, one a line: an id, `study/name`, or `study/beginning*`.
    pub objects: String,
    /// Not before this day, or instant.
    pub from: String,
    /// Not after it.
    pub to: String,
    /// With what is within reach and was not touched.
    pub reach: bool,
    /// By a copy of the store that was lost or taken, without the root key.
    pub sealed_copy: bool,
}

/// A figure of an exposure that is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Of people of this jurisdiction; `None`: of all.
    pub place: Option<String>,
    /// Up to this grade.
    pub grade: Grade,
    /// Of this object alone, by id.
    pub object: Option<String>,
    /// Entries after this one.
    pub after: Option<u64>,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum ActFault {
    /// It was asked wrongly.
    #[error("{0}")]
    Wrong(String),
    /// Something did not answer.
    #[error("{0}")]
    Failed(String),
}

/// Does it.
pub trait Respond: Send + Sync + 'static {
    /// Does it for an incident, on behalf of somebody.
    fn act<'a>(&'a self, incident: u32, act: Act, by: &'a By) -> Answer<'a, Result<(), ActFault>>;

    /// Clauses of contracts that people entered.
    ///
    /// # Errors
    /// When they cannot be read.
    fn clauses(&self) -> Result<Clauses, ActFault>;

    /// Changes a clause on behalf of somebody, who says why; the entry of the record.
    fn change_clause<'a>(&'a self, change: ClauseChange, why: String, by: &'a By) -> Answer<'a, Result<u64, ActFault>>;

    /// What a figure of the exposure that was told last rests on: a line a jurisdiction, an object, an entry, and a summary, as
    /// `lazaret exposure --entries --format json` writes them. That it is asked is recorded.
    fn figure<'a>(
        &'a self,
        incident: u32,
        figure: Figure,
        by: &'a By,
    ) -> Answer<'a, Result<Vec<serde_json::Value>, ActFault>>;

    /// Where it stands how the people are reached whose exposure was told last: a line an object, and a summary, as
    /// `lazaret incidents letters sources --format json` writes them. Nobody is named; that it is asked is recorded.
    fn reaching<'a>(&'a self, incident: u32, by: &'a By) -> Answer<'a, Result<Vec<serde_json::Value>, ActFault>>;

    /// What the record has about those whom an incident concerns, condensed where there are thousands of entries.
    fn timeline(&self, incident: u32) -> Answer<'_, Result<Timeline, ActFault>>;

    /// Entries of the timeline one by one, at most a page; whether there are more.
    fn timeline_entries(&self, incident: u32, listing: Listing)
    -> Answer<'_, Result<(Vec<EntryLine>, bool), ActFault>>;

    /// The text of the communication plan; `None`: there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    fn plan(&self) -> Result<Option<String>, ActFault>;
}
