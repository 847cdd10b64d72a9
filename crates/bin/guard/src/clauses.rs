//! Clauses of contracts that people entered: a file in the data folder, changed here alone, each change recorded before it holds.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use model::event::{Activity, Detail};
use model::{By, Scope};
use obligations::{Clause, ClauseChange, Clauses};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Guarded;
use crate::ops::{Operator, OpsError};

/// The file's name in the data folder.
pub const CLAUSES: &str = obligations::CLAUSES_FILE;
/// The longest file that is read.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// The shortest and longest reason for a change, in characters.
const WHY_CHARACTERS: std::ops::RangeInclusive<usize> = 3..=1_000;

/// What is asked about clauses of contracts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClauseRequest {
    /// All versions of all clauses.
    List,
    /// Changes one.
    Change {
        /// How.
        change: ClauseChange,
        /// Why.
        why: String,
    },
}

/// The clauses of a data folder; none where there is no file.
///
/// # Errors
/// When the file cannot be read, or is none.
pub fn read_clauses(data_dir: &Path) -> io::Result<Clauses> {
    let mut text = String::new();
    match File::open(data_dir.join(CLAUSES)) {
        Ok(file) => file.take(FILE_BYTES_MAX).read_to_string(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Clauses::default()),
        Err(error) => return Err(error),
    };
    Clauses::parse(&text).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Puts a file in the place of the one before, or leaves that.
fn write(data_dir: &Path, text: &str) -> io::Result<()> {
    let (path, new) = (data_dir.join(CLAUSES), data_dir.join(format!("{CLAUSES}.new")));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, &path)?;
    File::open(data_dir)?.sync_all()
}

/// A version without what could name somebody.
fn in_short(clause: &Clause) -> String {
    let to = clause.to.map_or_else(|| "-".to_owned(), |to| to.to_string());
    format!("period={} from={} to={to}", clause.period, clause.from)
}

impl Guarded {
    /// Answers an operator about clauses of contracts.
    ///
    /// # Errors
    /// When it cannot be done as it was asked, or something does not answer.
    pub async fn about_clauses(&self, operator: &Operator, request: ClauseRequest) -> Result<Vec<Value>, OpsError> {
        match request {
            ClauseRequest::List => {
                let clauses = self.clauses()?;
                let told = |clause: &Clause| {
                    let mut value = json!(clause);
                    value["recorded"] = json!(clauses.recorded(&clause.id));
                    value
                };
                Ok(clauses.versions().iter().map(told).collect())
            }
            ClauseRequest::Change { change, why } => {
                let by = self.by(operator).await?;
                let entry = self.change_clauses(&change, &why, &by).await?;
                let newest = self.clauses()?.newest(change.id()).map(|clause| json!(clause));
                Ok(vec![json!({ "clause": newest, "recorded": entry })])
            }
        }
    }

    /// The clauses as they are kept.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn clauses(&self) -> Result<Clauses, OpsError> {
        read_clauses(&self.data_dir).map_err(|error| failed("read", &error))
    }

    /// Changes a clause: recorded with the old and the new and why, then kept, then in force for incidents to come, and clocks of those that
    /// are open are issued anew. Gives the entry of the record.
    ///
    /// # Errors
    /// When it cannot be done as it was asked, or something does not answer; nothing changes then.
    pub async fn change_clauses(&self, change: &ClauseChange, why: &str, by: &By) -> Result<u64, OpsError> {
        let why = why.trim();
        if !WHY_CHARACTERS.contains(&why.chars().count()) {
            let (least, most) = (WHY_CHARACTERS.start(), WHY_CHARACTERS.end());
            return Err(OpsError::Wrong(format!("say why, in {least} to {most} characters; it is recorded, sealed")));
        }
        let entry = {
            let _one_at_a_time = self.changing_clauses.lock().await;
            let before = self.clauses()?;
            let base = obligations::base().map_err(|error| OpsError::Wrong(error.to_string()))?;
            let wrong = |error: obligations::ClauseError| OpsError::Wrong(error.to_string());
            let mut after = before.changed(change, &base).map_err(wrong)?;
            let entry =
                self.record_clause(change, before.newest(change.id()), after.newest(change.id()), why, by).await?;
            after.note_recorded(change.id(), entry);
            let text = after.to_toml().map_err(|error| OpsError::Wrong(error.to_string()))?;
            write(&self.data_dir, &text).map_err(|error| failed("written", &error))?;
            obligations::put_clauses_in_force(&after).map_err(|error| OpsError::Wrong(error.to_string()))?;
            entry
        };
        for (row, _) in self.incidents.listed(false, store::PAGE_ROWS_MAX).await? {
            // One that cannot be looked at is looked at again as time passes.
            if let Err(error) = self.incidents.look_at_clocks(row.id, by).await {
                let error = crate::whole(&error);
                tracing::warn!(incident = row.id, %error, "its clocks were not issued anew after a clause changed");
            }
        }
        Ok(entry)
    }

    async fn record_clause(
        &self,
        change: &ClauseChange,
        old: Option<&Clause>,
        new: Option<&Clause>,
        why: &str,
        by: &By,
    ) -> Result<u64, OpsError> {
        let (activity, reason) = match change {
            ClauseChange::Add(_) => (Activity::Create, "clause-entered"),
            ClauseChange::Change { .. } => (Activity::Change, "clause-changed"),
            ClauseChange::End { .. } => (Activity::Change, "clause-ended"),
        };
        let mut event = by.event(activity);
        event.resource.entity = Some(format!("clause:{}", change.id()));
        event.reason = Some(reason.to_owned());
        (event.old, event.new) = (old.map(in_short), new.map(in_short));
        let details = [("clause.old", old.map(|old| json!(old))), ("clause.new", new.map(|new| json!(new)))];
        let why = ("reason", Some(Value::String(why.to_owned())));
        for (field, value) in details.into_iter().chain([why]) {
            let Some(value) = value else { continue };
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            event.details.push(Detail { field: field.into(), scope: Scope::Organisation, value });
        }
        Ok(self.recorder.record(event).await?.index)
    }
}

fn failed(what: &str, error: &io::Error) -> OpsError {
    OpsError::Wrong(format!("`{CLAUSES}` in the data folder cannot be {what}: {error}; mend that, then try again"))
}
