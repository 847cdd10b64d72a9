//! Incidents, and what was done and said about them.

use model::{IncidentState, PrincipalId, Severity, StudyId};

use crate::nouns::{parsed, parsed_opt, principal};
use crate::{PAGE_ROWS_MAX, Row, Store, StoreError, Transaction};

/// One incident, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// Its number; 0 before it is kept.
    pub id: u32,
    /// The name under which it is in the record.
    pub uid: String,
    /// How many entries it has.
    pub version: u64,
    /// Where it stands.
    pub state: IncidentState,
    /// How grave it is.
    pub severity: Severity,
    /// The study it is about.
    pub study: Option<StudyId>,
    /// The finding it began with.
    pub finding: Option<u32>,
    /// Milliseconds since 1970, UTC.
    pub opened_at: i64,
    /// When the last entry came.
    pub changed_at: i64,
    /// When the next clock ends.
    pub due_at: Option<i64>,
    /// What it is called, sealed.
    pub title_sealed: Vec<u8>,
}

/// One thing that was done or said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the incident, from 1.
    pub number: u64,
    /// When, in milliseconds since 1970, UTC.
    pub at: i64,
    /// By whom.
    pub by: PrincipalId,
    /// The entry of the record that announced it.
    pub recorded: u64,
    /// What, as JSON, sealed.
    pub what_sealed: Vec<u8>,
}

/// Where an incident stands after an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Where it stands.
    pub state: IncidentState,
    /// How grave it is.
    pub severity: Severity,
    /// When the next clock ends.
    pub due_at: Option<i64>,
}

const COLUMNS: &str = "id, uid, version, state, severity, study, finding, opened_at, changed_at, due_at, title_sealed";

fn incident(row: &Row) -> Result<Incident, StoreError> {
    Ok(Incident {
        id: row.id(0)?,
        uid: row.text(1)?,
        version: row.unsigned(2)?,
        state: parsed(row, 3, "a state of incidents")?,
        severity: parsed(row, 4, "a severity")?,
        study: parsed_opt(row, 5, "the id of a study")?,
        finding: row.id_opt(6)?,
        opened_at: row.int(7)?,
        changed_at: row.int(8)?,
        due_at: row.int_opt(9)?,
        title_sealed: row.bytes(10)?,
    })
}

/// Keeps a new incident with its first entry; its number.
///
/// # Errors
/// When the engine refuses; nothing is kept then.
pub async fn open(store: &Store, new: &Incident, first: &Entry) -> Result<u32, StoreError> {
    let mut transaction = store.begin().await?;
    let id = u32::try_from(transaction.allocate("incidents", 1).await?).unwrap_or(u32::MAX);
    let sql = format!("INSERT INTO incidents ({COLUMNS}) VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10)");
    let values = [
        id.into(),
        new.uid.as_str().into(),
        new.state.as_str().into(),
        new.severity.as_str().into(),
        new.study.as_ref().into(),
        new.finding.into(),
        new.opened_at.into(),
        new.changed_at.into(),
        new.due_at.into(),
        new.title_sealed.as_slice().into(),
    ];
    transaction.execute(&sql, &values).await?;
    put(&mut transaction, id, &Entry { number: 1, ..first.clone() }).await?;
    transaction.commit().await?;
    Ok(id)
}

async fn put(transaction: &mut Transaction, incident: u32, entry: &Entry) -> Result<(), StoreError> {
    let sql = "INSERT INTO incident_entries (incident, number, at, by_principal, recorded, what_sealed) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let values = [
        incident.into(),
        whole(entry.number).into(),
        entry.at.into(),
        entry.by.into(),
        whole(entry.recorded).into(),
        entry.what_sealed.as_slice().into(),
    ];
    transaction.execute(sql, &values).await.map(|_rows| ())
}

/// Adds entries to an incident that has `version` of them; whether it still had. Their numbers are given here.
///
/// # Errors
/// When the engine refuses; nothing is kept then.
pub async fn add(
    store: &Store,
    incident: u32,
    version: u64,
    standing: &Standing,
    entries: &[Entry],
) -> Result<bool, StoreError> {
    let mut transaction = store.begin().await?;
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let sql = "UPDATE incidents SET version = $3, state = $4, severity = $5, due_at = $6, changed_at = $7 \
               WHERE id = $1 AND version = $2";
    let after = version.saturating_add(entries.len() as u64);
    let values = [
        incident.into(),
        whole(version).into(),
        whole(after).into(),
        standing.state.as_str().into(),
        standing.severity.as_str().into(),
        standing.due_at.into(),
        entries.last().map_or(0, |entry| entry.at).into(),
    ];
    if transaction.execute(sql, &values).await? == 0 {
        return Ok(false);
    }
    for (number, entry) in (version + 1..).zip(entries) {
        put(&mut transaction, incident, &Entry { number, ..entry.clone() }).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// The incident with `id`.
///
/// # Errors
/// When the engine refuses.
pub async fn by_id(store: &Store, id: u32) -> Result<Option<Incident>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM incidents WHERE id = $1");
    store.row(&sql, &[id.into()]).await?.map(|row| incident(&row)).transpose()
}

/// Incidents that are not closed, those whose clocks end first before all others; with `with_closed` also the closed ones, the newest
/// first. At most `limit` and a page.
///
/// # Errors
/// When the engine refuses.
pub async fn listed(store: &Store, with_closed: bool, limit: u32) -> Result<Vec<Incident>, StoreError> {
    let only = if with_closed { "" } else { "WHERE state <> 'closed' " };
    let sql = format!(
        "SELECT {COLUMNS} FROM incidents {only}ORDER BY CASE WHEN state = 'closed' THEN 1 ELSE 0 END, \
         CASE WHEN due_at IS NULL THEN 1 ELSE 0 END, due_at, id DESC LIMIT {}",
        limit.min(PAGE_ROWS_MAX)
    );
    store.rows(&sql, &[]).await?.iter().map(incident).collect()
}

/// Entries of an incident after the number `after`, in their order, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn entries(store: &Store, incident: u32, after: u64) -> Result<Vec<Entry>, StoreError> {
    let sql = format!(
        "SELECT number, at, by_principal, recorded, what_sealed FROM incident_entries WHERE incident = $1 AND number > $2 \
         ORDER BY number LIMIT {PAGE_ROWS_MAX}"
    );
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let rows = store.rows(&sql, &[incident.into(), after.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(Entry {
                number: row.unsigned(0)?,
                at: row.int(1)?,
                by: principal(row, 2)?,
                recorded: row.unsigned(3)?,
                what_sealed: row.bytes(4)?,
            })
        })
        .collect()
}
