//! Clauses of contracts that people enter: checked like any obligation, kept in a file that is read like any other.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::condition::Condition;
use crate::library::{Library, LibraryError, wrong};
use crate::obligation::{Audience, Content};
use crate::regime::{well_formed, written_id};
use crate::within::Within;

/// The most clauses with all their versions.
pub const CLAUSES_MAX: usize = 1_000;
/// The regime that clauses belong to.
const REGIME: (&str, &str) = ("contract", "Contracts");
/// The longest text of a clause, in characters.
const TEXT_MAX: usize = 2_000;
/// The longest name, title or citation, in characters.
const LINE_MAX: usize = 300;
/// The most contents that a notice of one clause has.
const CONTENTS_MAX: usize = 40;
/// What the file is called in messages.
pub const CLAUSES_FILE: &str = "clauses.toml";

/// One version of one clause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// Its id, such as `MSA-7.2`. Versions share it.
    pub id: String,
    /// With whom the contract is.
    pub partner: String,
    /// What is to be done, in a few words.
    pub title: String,
    /// Where it stands: contract and clause.
    pub citation: String,
    /// What it says, in our words.
    pub says: String,
    /// The roles of the organisation under which it is owed.
    pub roles: Vec<String>,
    /// What triggers it, as a condition over facts.
    pub when: String,
    /// From when its period runs: the first of these that is known.
    pub start: Vec<String>,
    /// How long it may take.
    pub period: Within,
    /// Who is to be told.
    pub recipient: String,
    /// What kind of reader that is.
    #[serde(default = "partner")]
    pub audience: Audience,
    /// What else to know.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The first day on which this version is in force.
    pub from: Date,
    /// The last one; `None`: it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
    /// The day on which it was entered or last looked at.
    pub checked: Date,
    /// What the notice has to say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contents: Vec<Content>,
}

const fn partner() -> Audience {
    Audience::Partner
}

/// What is wrong with a clause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {why}")]
pub struct ClauseFault {
    /// Which of its fields.
    pub field: &'static str,
    /// What, and what to write instead.
    pub why: String,
}

/// Why clauses were not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClauseError {
    /// Something is wrong with the clause itself.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Faults(Vec<ClauseFault>),
    /// There is none of that id.
    #[error("there is no clause `{0}`; `lazaret obligations clause list` shows them")]
    Missing(String),
    /// There is one already.
    #[error("there is a clause `{0}` already; change that one, or give this one another id")]
    Taken(String),
    /// Somebody else was faster.
    #[error("somebody else changed clause `{0}` meanwhile; look at it again")]
    Changed(String),
    /// It cannot be done as it was asked.
    #[error("{0}")]
    Wrong(String),
}

/// A change of clauses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClauseChange {
    /// One that is new.
    Add(Box<Clause>),
    /// Another version of one, in the place of the newest where both begin on the same day.
    Change {
        /// As it is to be.
        clause: Box<Clause>,
        /// The newest version as whoever changes it has seen it.
        was: Box<Clause>,
    },
    /// The end of one. What it said before stays.
    End {
        /// Which.
        id: String,
        /// The last day on which it is in force.
        last: Date,
    },
}

impl ClauseChange {
    /// The clause that it is about.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Add(clause) | Self::Change { clause, .. } => &clause.id,
            Self::End { id, .. } => id,
        }
    }
}

impl Clause {
    /// What is wrong with it, all of it.
    #[must_use]
    pub fn faults(&self, library: &Library) -> Vec<ClauseFault> {
        let mut faults = Vec::new();
        let mut say = |field: &'static str, why: String| faults.push(ClauseFault { field, why });
        if !well_formed(&self.id) {
            say("id", written_id().to_owned());
        }
        let lines = [("partner", &self.partner), ("title", &self.title), ("citation", &self.citation)];
        for (field, text) in lines.into_iter().chain([("recipient", &self.recipient)]) {
            if text.trim().is_empty() {
                say(field, "it is empty".to_owned());
            }
            if text.chars().count() > LINE_MAX {
                say(field, format!("it has more than {LINE_MAX} characters"));
            }
        }
        for (field, text) in [("says", &self.says), ("note", &self.note), ("when", &self.when)] {
            if text.chars().count() > TEXT_MAX {
                say(field, format!("it has more than {TEXT_MAX} characters"));
            }
        }
        let vocabulary = library.vocabulary();
        match self.roles.iter().find(|role| vocabulary.role(role).is_none()) {
            Some(role) => say("roles", vocabulary.no_role(role)),
            None if self.roles.is_empty() => {
                say("roles", "it is nobody's duty; say in which roles the organisation owes it".to_owned());
            }
            None => {}
        }
        if let Err(why) = Condition::parse(&self.when, vocabulary) {
            say("when", why);
        }
        if let Err(why) = library.starts(&self.start) {
            say("start", why);
        }
        if let Err(why) = library.within(&self.period) {
            say("period", why);
        }
        if self.to.is_some_and(|to| to < self.from) {
            say("to", format!("it ends before it begins on {}", self.from));
        }
        if self.contents.len() > CONTENTS_MAX {
            say("contents", format!("there are more than {CONTENTS_MAX}"));
        }
        for (index, one) in self.contents.iter().enumerate() {
            if !well_formed(&one.id) {
                say("contents", format!("`{}`: {}", one.id, written_id()));
            } else if self.contents.iter().take(index).any(|other| other.id == one.id) {
                say("contents", format!("`{}` stands there twice", one.id));
            }
            if one.text.trim().is_empty() || one.text.chars().count() > LINE_MAX {
                say(
                    "contents",
                    format!("`{}` says what the notice has to say, in at most {LINE_MAX} characters", one.id),
                );
            }
        }
        faults
    }
}

/// Clauses with all their versions, the older of an id first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Clauses {
    versions: Vec<Clause>,
    /// Entries of the record that changed a clause, by its id.
    recorded: BTreeMap<String, Vec<u64>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    regime: String,
    name: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    recorded: BTreeMap<String, Vec<u64>>,
    #[serde(default)]
    obligation: Vec<toml::Table>,
}

/// Fields that are days, which a file has as such.
const DAYS: [&str; 3] = ["from", "to", "checked"];

impl Clauses {
    /// Reads the file that keeps them.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, LibraryError> {
        let file: File = crate::library::read(CLAUSES_FILE, text)?;
        let mut versions = Vec::with_capacity(file.obligation.len());
        for mut table in file.obligation {
            let id = table.get("id").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
            for day in DAYS {
                if let Some(toml::Value::Datetime(day_of)) = table.get(day) {
                    let plain = day_of.to_string();
                    table.insert(day.to_owned(), plain.into());
                }
            }
            // What every clause has alike is written for whoever reads the file.
            table.remove("confidence");
            table.remove("text_version");
            let clause = table.try_into();
            versions.push(clause.map_err(|error: toml::de::Error| {
                wrong(CLAUSES_FILE, format!("obligation `{id}`: "), error.message().to_owned())
            })?);
        }
        Ok(Self { versions, recorded: file.recorded })
    }

    /// The file that keeps them.
    ///
    /// # Errors
    /// When a text cannot be written, which no text is known to bring about.
    pub fn to_toml(&self) -> Result<String, LibraryError> {
        self.written(self.recorded.clone())
    }

    fn written(&self, recorded: BTreeMap<String, Vec<u64>>) -> Result<String, LibraryError> {
        let failed = |why: String| wrong(CLAUSES_FILE, "", why);
        let mut obligation = Vec::with_capacity(self.versions.len());
        for clause in &self.versions {
            let mut table = toml::Table::try_from(clause).map_err(|error| failed(error.to_string()))?;
            table.insert("confidence".to_owned(), "user".into());
            table.insert("text_version".to_owned(), clause.from.to_string().into());
            for day in DAYS.into_iter().chain(["text_version"]) {
                let Some(text) = table.get(day).and_then(toml::Value::as_str) else { continue };
                let parsed = text.parse::<toml::value::Datetime>().map_err(|error| failed(error.to_string()))?;
                table.insert(day.to_owned(), parsed.into());
            }
            obligation.push(table);
        }
        let file = File { regime: REGIME.0.to_owned(), name: REGIME.1.to_owned(), recorded, obligation };
        toml::to_string(&file).map_err(|error| failed(error.to_string()))
    }

    /// A library with them in it, as if they stood in a file of obligations.
    ///
    /// # Errors
    /// The first thing that is wrong, such as an id that a law or another contract has.
    pub fn within(&self, base: &Library) -> Result<Library, LibraryError> {
        if self.versions.is_empty() {
            return Ok(base.clone());
        }
        let taken = self.versions.iter().find_map(|clause| {
            let other = base.obligations().iter().find(|of| of.id == clause.id)?;
            Some((clause, other))
        });
        if let Some((clause, other)) = taken {
            let why = format!("`{}` has that id already ({}); give the clause another", other.regime, other.citation);
            return Err(wrong(CLAUSES_FILE, format!("obligation `{}`: ", clause.id), why));
        }
        base.with(&[(CLAUSES_FILE, &self.written(BTreeMap::new())?)])
    }

    /// All versions, the older of an id first.
    #[must_use]
    pub fn versions(&self) -> &[Clause] {
        &self.versions
    }

    /// The newest version of a clause.
    #[must_use]
    pub fn newest(&self, id: &str) -> Option<&Clause> {
        self.versions.iter().rfind(|clause| clause.id == id)
    }

    /// Entries of the record that changed a clause, oldest first.
    #[must_use]
    pub fn recorded(&self, id: &str) -> &[u64] {
        self.recorded.get(id).map_or(&[], Vec::as_slice)
    }

    /// Notes the entry of the record that changed a clause.
    pub fn note_recorded(&mut self, id: &str, entry: u64) {
        self.recorded.entry(id.to_owned()).or_default().push(entry);
    }

    /// The clauses as a change leaves them. Nothing is taken away: what was in force on a day stays readable, but for a version that is
    /// corrected, which the record keeps.
    ///
    /// # Errors
    /// When it cannot be done as it was asked, or what comes of it is no library together with `base`.
    pub fn changed(&self, change: &ClauseChange, base: &Library) -> Result<Self, ClauseError> {
        let mut changed = self.clone();
        match change {
            ClauseChange::Add(clause) => {
                faultless(clause, base)?;
                if self.newest(&clause.id).is_some() {
                    return Err(ClauseError::Taken(clause.id.clone()));
                }
                changed.versions.push((**clause).clone());
            }
            ClauseChange::Change { clause, was } => {
                faultless(clause, base)?;
                let newest = self.newest(&clause.id).ok_or_else(|| ClauseError::Missing(clause.id.clone()))?;
                if *newest != **was {
                    return Err(ClauseError::Changed(clause.id.clone()));
                }
                changed.follow(newest, clause)?;
            }
            ClauseChange::End { id, last } => {
                let newest = changed.versions.iter_mut().rfind(|clause| clause.id == *id);
                let newest = newest.ok_or_else(|| ClauseError::Missing(id.clone()))?;
                if *last < newest.from {
                    let why = format!(
                        "clause `{id}` cannot end on {last}: its newest version begins on {}; end it then or later",
                        newest.from
                    );
                    return Err(ClauseError::Wrong(why));
                }
                if newest.to == Some(*last) {
                    return Err(ClauseError::Wrong(format!("clause `{id}` ends on {last} as it is")));
                }
                newest.to = Some(*last);
            }
        }
        if changed.versions.len() > CLAUSES_MAX {
            return Err(ClauseError::Wrong(format!("there are {CLAUSES_MAX} versions of clauses, as many as may be")));
        }
        changed.within(base).map_err(|error| ClauseError::Wrong(error.to_string()))?;
        Ok(changed)
    }

    /// Puts a version behind, or in the place of, the newest.
    fn follow(&mut self, newest: &Clause, next: &Clause) -> Result<(), ClauseError> {
        if next == newest {
            return Err(ClauseError::Wrong(format!("nothing of clause `{}` changes", next.id)));
        }
        if next.from < newest.from {
            let why = format!(
                "the version of {} cannot stand behind that of {}; say from when the change holds, or {} to correct it",
                next.from, newest.from, newest.from
            );
            return Err(ClauseError::Faults(vec![ClauseFault { field: "from", why }]));
        }
        let Some(at) = self.versions.iter().rposition(|clause| clause.id == next.id) else { return Ok(()) };
        if next.from == newest.from {
            if let Some(slot) = self.versions.get_mut(at) {
                *slot = next.clone();
            }
            return Ok(());
        }
        if let (Some(before), Ok(eve)) = (self.versions.get_mut(at), next.from.yesterday()) {
            before.to = Some(before.to.map_or(eve, |to| to.min(eve)));
        }
        self.versions.insert(at + 1, next.clone());
        Ok(())
    }
}

fn faultless(clause: &Clause, library: &Library) -> Result<(), ClauseError> {
    let faults = clause.faults(library);
    if faults.is_empty() { Ok(()) } else { Err(ClauseError::Faults(faults)) }
}
