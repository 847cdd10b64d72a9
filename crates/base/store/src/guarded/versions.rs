//! Versions of objects.

use super::id16;
use crate::batch::select_in_store;
use crate::{PAGE_ROWS_MAX, Row, Store, StoreError, Transaction, Value};

/// One version of an object, or a marker that it was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredVersion {
    /// The study it lies in.
    pub study: String,
    /// Its name: the key.
    pub name: String,
    /// Grows with every version of anything. Given by [`put`].
    pub sequence: i64,
    /// The version's id.
    pub version: [u8; 16],
    /// The object's id, which its versions share.
    pub object: [u8; 16],
    /// Whether it goes by the version id `null`.
    pub unversioned: bool,
    /// Whether it only says that the object was deleted.
    pub marker: bool,
    /// Whether it is the newest that can be seen.
    pub latest: bool,
    /// `visible`, `quarantined` or `refused`.
    pub state: String,
    /// Bytes of plaintext.
    pub bytes: i64,
    /// The entity tag, without quotes.
    pub etag: String,
    /// Milliseconds since 1970, UTC.
    pub modified_at: i64,
    /// Who stored it.
    pub created_by: [u8; 16],
    /// Headers, checksums and lengths of parts, as JSON.
    pub properties: String,
    /// Labels, parted by blanks.
    pub labels: String,
    /// Data subjects it is about.
    pub subjects: i64,
    /// Tags, as JSON.
    pub tags: String,
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub retention_mode: Option<String>,
    /// Milliseconds since 1970 until which it is kept.
    pub retain_until: Option<i64>,
    /// Whether a legal hold lies on it.
    pub legal_hold: bool,
    /// What the vault needs to open it.
    pub sealed: Vec<u8>,
}

const COLUMNS: &str = "study, name, sequence, version, object, unversioned, marker, latest, state, bytes, etag, \
                       modified_at, created_by, properties, labels, subjects, tags, retention_mode, retain_until, \
                       legal_hold, sealed";

fn version(row: &Row) -> Result<StoredVersion, StoreError> {
    Ok(StoredVersion {
        study: row.text(0)?,
        name: name(row, 1)?,
        sequence: row.int(2)?,
        version: id16(row, 3)?,
        object: id16(row, 4)?,
        unversioned: row.int(5)? != 0,
        marker: row.int(6)? != 0,
        latest: row.int(7)? != 0,
        state: row.text(8)?,
        bytes: row.int(9)?,
        etag: row.text(10)?,
        modified_at: row.int(11)?,
        created_by: id16(row, 12)?,
        properties: row.text(13)?,
        labels: row.text(14)?,
        subjects: row.int(15)?,
        tags: row.text(16)?,
        retention_mode: row.text_opt(17)?,
        retain_until: row.int_opt(18)?,
        legal_hold: row.int(19)? != 0,
        sealed: row.bytes(20)?,
    })
}

pub(super) fn name(row: &Row, column: usize) -> Result<String, StoreError> {
    let wrong = StoreError::Shape { column, found: "other bytes", wanted: "a name in UTF-8" };
    String::from_utf8(row.bytes(column)?).ok().ok_or(wrong)
}

/// What has to hold for a version to be put.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Condition {
    /// Nothing.
    #[default]
    Always,
    /// No object of that name can be seen (`If-None-Match: *`).
    Absent,
    /// The newest version has this entity tag (`If-Match`), or any, for `*`.
    Matches(String),
    /// The newest version, if one can be seen, has another entity tag (`If-None-Match`).
    Differs(String),
}

/// What came of putting a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// It is there. What it replaced, for the vault to remove.
    Done {
        /// The new version's sequence.
        sequence: i64,
        /// Sealed versions that nothing refers to any more.
        replaced: Vec<Vec<u8>>,
        /// Seals of all parts of the upload that ended with it.
        parts: Vec<Vec<u8>>,
    },
    /// The condition did not hold: an object is there that should not be, or has another tag.
    Conflict,
    /// `If-Match` named an object that is not there, or the upload ended meanwhile.
    Missing,
    /// What it would replace is kept by retention or a legal hold.
    Kept,
}

/// Whether a version may not be taken away at `now`.
#[must_use]
pub fn is_kept(version: &StoredVersion, now: i64, bypasses_governance: bool) -> bool {
    let by_retention = version.retain_until.is_some_and(|until| until > now)
        && !(bypasses_governance && version.retention_mode.as_deref() == Some("GOVERNANCE"));
    version.legal_hold || by_retention
}

/// Puts a version. One that is `visible` becomes the newest of its name; `keeps_versions` says whether those before it
/// stay. `upload` is the upload in parts that ends with it, in the same step: a part never belongs to both.
///
/// # Errors
/// When the engine refuses; nothing is kept then.
pub async fn put(
    store: &Store,
    new: &StoredVersion,
    keeps_versions: bool,
    condition: &Condition,
    upload: Option<[u8; 16]>,
    now: i64,
) -> Result<Put, StoreError> {
    let mut transaction = store.begin().await?;
    let current = latest_in(&mut transaction, &new.study, &new.name).await?;
    let seen = current.as_ref().filter(|version| !version.marker);
    match (condition, seen) {
        (Condition::Always, _) | (Condition::Absent | Condition::Differs(_), None) => {}
        (Condition::Differs(tag), Some(version)) => {
            if *tag == version.etag {
                return Ok(Put::Conflict);
            }
        }
        (Condition::Absent, Some(_)) => return Ok(Put::Conflict),
        (Condition::Matches(_), None) => return Ok(Put::Missing),
        (Condition::Matches(tag), Some(version)) => {
            if tag != "*" && *tag != version.etag {
                return Ok(Put::Conflict);
            }
        }
    }
    let mut replaced = Vec::new();
    if new.state == "visible" {
        if !keeps_versions {
            let sql = format!(
                "SELECT {COLUMNS} FROM guarded_versions WHERE study = $1 AND name = $2 AND unversioned = 1 \
                 AND state = 'visible'"
            );
            for row in transaction.rows(&sql, &[new.study.as_str().into(), new.name.as_bytes().into()]).await? {
                let old = version(&row)?;
                if is_kept(&old, now, false) {
                    return Ok(Put::Kept);
                }
                erase(&mut transaction, &old).await?;
                if !old.sealed.is_empty() {
                    replaced.push(old.sealed);
                }
            }
        }
        let sql = "UPDATE guarded_versions SET latest = 0 WHERE study = $1 AND name = $2 AND latest = 1";
        transaction.execute(sql, &[new.study.as_str().into(), new.name.as_bytes().into()]).await?;
    }
    let sequence = transaction.allocate("guarded_versions", 1).await?;
    insert(&mut transaction, new, sequence).await?;
    let parts = match upload {
        Some(upload) => super::uploads::end_in(&mut transaction, upload).await?,
        None => Some(Vec::new()),
    };
    let Some(parts) = parts else { return Ok(Put::Missing) };
    transaction.commit().await?;
    Ok(Put::Done { sequence, replaced, parts })
}

async fn insert(transaction: &mut Transaction, new: &StoredVersion, sequence: i64) -> Result<(), StoreError> {
    let places: Vec<String> = (1..=21).map(|place| format!("${place}")).collect();
    let sql = format!("INSERT INTO guarded_versions ({COLUMNS}) VALUES ({})", places.join(", "));
    let null = || Value::Int(None);
    let values = [
        new.study.as_str().into(),
        new.name.as_bytes().into(),
        sequence.into(),
        new.version.as_slice().into(),
        new.object.as_slice().into(),
        i64::from(new.unversioned).into(),
        i64::from(new.marker).into(),
        i64::from(new.state == "visible").into(),
        new.state.as_str().into(),
        new.bytes.into(),
        new.etag.as_str().into(),
        new.modified_at.into(),
        new.created_by.as_slice().into(),
        new.properties.as_str().into(),
        new.labels.as_str().into(),
        new.subjects.into(),
        new.tags.as_str().into(),
        new.retention_mode.as_deref().map_or(Value::Text(None), Value::from),
        new.retain_until.map_or_else(null, Value::from),
        i64::from(new.legal_hold).into(),
        new.sealed.as_slice().into(),
    ];
    transaction.execute(&sql, &values).await.map(|_| ())
}

async fn erase(transaction: &mut Transaction, old: &StoredVersion) -> Result<(), StoreError> {
    let sql = "DELETE FROM guarded_versions WHERE study = $1 AND name = $2 AND sequence = $3";
    let values = [old.study.as_str().into(), old.name.as_bytes().into(), old.sequence.into()];
    transaction.execute(sql, &values).await.map(|_| ())
}

async fn latest_in(
    transaction: &mut Transaction,
    study: &str,
    name: &str,
) -> Result<Option<StoredVersion>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM guarded_versions WHERE study = $1 AND name = $2 AND latest = 1");
    transaction.row(&sql, &[study.into(), name.as_bytes().into()]).await?.map(|row| version(&row)).transpose()
}

/// The newest version of a name that can be seen; it may be a marker.
///
/// # Errors
/// When the engine refuses.
pub async fn latest(store: &Store, study: &str, name: &str) -> Result<Option<StoredVersion>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM guarded_versions WHERE study = $1 AND latest = 1 AND name = $2");
    store.row(&sql, &[study.into(), name.as_bytes().into()]).await?.map(|row| version(&row)).transpose()
}

/// One version by the id that clients use; `None` names the one called `null`.
///
/// # Errors
/// When the engine refuses.
pub async fn find(
    store: &Store,
    study: &str,
    name: &str,
    id: Option<[u8; 16]>,
) -> Result<Option<StoredVersion>, StoreError> {
    let row = match id {
        Some(id) => {
            let sql = format!(
                "SELECT {COLUMNS} FROM guarded_versions WHERE version = $3 AND study = $1 AND name = $2 \
                 AND unversioned = 0 AND state = 'visible'"
            );
            store.row(&sql, &[study.into(), name.as_bytes().into(), id.as_slice().into()]).await?
        }
        None => {
            let sql = format!(
                "SELECT {COLUMNS} FROM guarded_versions WHERE study = $1 AND name = $2 AND unversioned = 1 \
                 AND state = 'visible'"
            );
            store.row(&sql, &[study.into(), name.as_bytes().into()]).await?
        }
    };
    row.map(|row| version(&row)).transpose()
}

/// One version by its own id, whatever its state.
///
/// # Errors
/// When the engine refuses.
pub async fn by_id(store: &Store, id: [u8; 16]) -> Result<Option<StoredVersion>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM guarded_versions WHERE version = $1");
    store.row(&sql, &[id.as_slice().into()]).await?.map(|row| version(&row)).transpose()
}

/// What exposure asks of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The version's id.
    pub version: [u8; 16],
    /// The object's id.
    pub object: [u8; 16],
    /// The study.
    pub study: String,
    /// Its name: the key.
    pub name: String,
    /// Whether it is the newest that can be seen.
    pub latest: bool,
    /// Labels, parted by blanks.
    pub labels: String,
    /// Data subjects it is about.
    pub subjects: i64,
    /// Bytes of plaintext.
    pub bytes: i64,
}

impl Described {
    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        u64::try_from(self.bytes).ok()
    }
}

const DESCRIBED: &str = "version, object, study, name, latest, labels, subjects, bytes";

fn described(row: &Row) -> Result<Described, StoreError> {
    Ok(Described {
        version: id16(row, 0)?,
        object: id16(row, 1)?,
        study: row.text(2)?,
        name: name(row, 3)?,
        latest: row.int(4)? != 0,
        labels: row.text(5)?,
        subjects: row.int(6)?,
        bytes: row.int(7)?,
    })
}

/// Versions by their own ids, whatever their state, in no order; those that are gone are left out.
///
/// # Errors
/// When the engine refuses.
pub async fn describe(store: &Store, ids: &[[u8; 16]]) -> Result<Vec<Described>, StoreError> {
    let keys: Vec<Value> = ids.iter().map(|id| id.as_slice().into()).collect();
    let select = format!("SELECT {DESCRIBED} FROM guarded_versions WHERE version");
    select_in_store(store, &select, &keys).await?.iter().map(described).collect()
}

/// The newest versions of objects by the objects' ids, in no order.
///
/// # Errors
/// When the engine refuses.
pub async fn describe_objects(store: &Store, objects: &[[u8; 16]]) -> Result<Vec<Described>, StoreError> {
    let keys: Vec<Value> = objects.iter().map(|id| id.as_slice().into()).collect();
    let select = format!("SELECT {DESCRIBED} FROM guarded_versions WHERE latest = 1 AND marker = 0 AND object");
    select_in_store(store, &select, &keys).await?.iter().map(described).collect()
}

/// Newest versions of a study that are no markers, after the name `after`, by name, at most `limit` and a page.
///
/// # Errors
/// When the engine refuses.
pub async fn describe_study(
    store: &Store,
    study: &str,
    after: &[u8],
    limit: u32,
) -> Result<Vec<Described>, StoreError> {
    let sql = format!(
        "SELECT {DESCRIBED} FROM guarded_versions WHERE study = $1 AND latest = 1 AND marker = 0 AND name > $2 \
         ORDER BY name LIMIT {}",
        limit.min(PAGE_ROWS_MAX)
    );
    store.rows(&sql, &[study.into(), after.into()]).await?.iter().map(described).collect()
}

/// Versions of a study that are no markers and were stored by `until_ms`, whatever their state, after the place `(name, sequence)`: each
/// with its own sequence, by both, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn describe_stored(
    store: &Store,
    study: &str,
    until_ms: i64,
    (name, sequence): (&[u8], i64),
) -> Result<Vec<(Described, i64)>, StoreError> {
    let sql = format!(
        "SELECT {DESCRIBED}, sequence FROM guarded_versions WHERE study = $1 AND marker = 0 AND modified_at <= $2 \
         AND (name > $3 OR (name = $3 AND sequence > $4)) ORDER BY name, sequence LIMIT {PAGE_ROWS_MAX}"
    );
    let values = [study.into(), until_ms.into(), name.into(), sequence.into()];
    store.rows(&sql, &values).await?.iter().map(|row| Ok((described(row)?, row.int(8)?))).collect()
}

/// Objects that have or had a name which begins with `prefix`, or which it is (`is_whole`), after the place `(name, object)`: name and object,
/// each pair once, by both, at most a page. Whose last version is gone is not among them.
///
/// # Errors
/// When the engine refuses.
pub async fn objects_named(
    store: &Store,
    study: &str,
    (prefix, is_whole): (&str, bool),
    after: &(Vec<u8>, [u8; 16]),
) -> Result<Vec<(Vec<u8>, [u8; 16])>, StoreError> {
    let (below, end) = match is_whole {
        true => (" AND name = $5".to_owned(), Some(prefix.as_bytes().into())),
        false => bound(prefix, 5),
    };
    let sql = format!(
        "SELECT DISTINCT name, object FROM guarded_versions WHERE study = $1 AND marker = 0 \
         AND (name > $2 OR (name = $2 AND object > $3)) AND name >= $4{below} ORDER BY name, object LIMIT {PAGE_ROWS_MAX}"
    );
    let mut values: Vec<Value> =
        vec![study.into(), after.0.as_slice().into(), after.1.as_slice().into(), prefix.as_bytes().into()];
    values.extend(end);
    store.rows(&sql, &values).await?.iter().map(|row| Ok((row.bytes(0)?, id16(row, 1)?))).collect()
}

/// What came of taking a version away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// It is gone; what the vault shall remove.
    Done(Box<StoredVersion>),
    /// There was none.
    Missing,
    /// Retention or a legal hold keeps it.
    Kept,
}

/// Takes one version away; the one before it becomes the newest if it was.
///
/// # Errors
/// When the engine refuses; nothing changed then.
pub async fn remove(store: &Store, id: [u8; 16], bypasses_governance: bool, now: i64) -> Result<Removed, StoreError> {
    let mut transaction = store.begin().await?;
    let sql = format!("SELECT {COLUMNS} FROM guarded_versions WHERE version = $1");
    let Some(row) = transaction.row(&sql, &[id.as_slice().into()]).await? else { return Ok(Removed::Missing) };
    let old = version(&row)?;
    if is_kept(&old, now, bypasses_governance) {
        return Ok(Removed::Kept);
    }
    erase(&mut transaction, &old).await?;
    if old.latest {
        let sql = "UPDATE guarded_versions SET latest = 1 WHERE study = $1 AND name = $2 AND sequence = \
                   (SELECT MAX(sequence) FROM guarded_versions WHERE study = $1 AND name = $2 AND state = 'visible')";
        transaction.execute(sql, &[old.study.as_str().into(), old.name.as_bytes().into()]).await?;
    }
    transaction.commit().await?;
    Ok(Removed::Done(Box::new(old)))
}

/// Sets what may change in a version: tags, retention, hold.
///
/// # Errors
/// When the engine refuses.
pub async fn change(store: &Store, changed: &StoredVersion) -> Result<bool, StoreError> {
    let sql = "UPDATE guarded_versions SET tags = $2, retention_mode = $3, retain_until = $4, legal_hold = $5, \
               labels = $6 WHERE version = $1";
    let values = [
        changed.version.as_slice().into(),
        changed.tags.as_str().into(),
        changed.retention_mode.as_deref().map_or(Value::Text(None), Value::from),
        changed.retain_until.map_or(Value::Int(None), Value::from),
        i64::from(changed.legal_hold).into(),
        changed.labels.as_str().into(),
    ];
    Ok(store.execute(sql, &values).await? > 0)
}

/// Versions in quarantine or refused, newest first, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn in_state(store: &Store, state: &str, before: i64, limit: u32) -> Result<Vec<StoredVersion>, StoreError> {
    let limit = limit.min(PAGE_ROWS_MAX);
    let sql = format!(
        "SELECT {COLUMNS} FROM guarded_versions WHERE state = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT {limit}"
    );
    store.rows(&sql, &[state.into(), before.into()]).await?.iter().map(version).collect()
}

/// Makes a version in quarantine visible as the newest of its name, or refused.
///
/// # Errors
/// When the engine refuses.
pub async fn settle(store: &Store, id: [u8; 16], is_released: bool) -> Result<bool, StoreError> {
    let mut transaction = store.begin().await?;
    let sql = format!("SELECT {COLUMNS} FROM guarded_versions WHERE version = $1 AND state = 'quarantined'");
    let Some(row) = transaction.row(&sql, &[id.as_slice().into()]).await? else { return Ok(false) };
    let held = version(&row)?;
    if is_released {
        let values = [held.study.as_str().into(), held.name.as_bytes().into()];
        let sql = "UPDATE guarded_versions SET latest = 0 WHERE study = $1 AND name = $2 AND latest = 1";
        transaction.execute(sql, &values).await?;
        // A released version goes by its own id, so that it replaces nothing.
        let sql = "UPDATE guarded_versions SET state = 'visible', latest = 1, unversioned = 0, sequence = $2 \
                   WHERE version = $1";
        let sequence = transaction.allocate("guarded_versions", 1).await?;
        transaction.execute(sql, &[id.as_slice().into(), sequence.into()]).await?;
    } else {
        let sql = "UPDATE guarded_versions SET state = 'refused' WHERE version = $1";
        transaction.execute(sql, &[id.as_slice().into()]).await?;
    }
    transaction.commit().await?;
    Ok(true)
}

/// Newest versions of a study that are no markers, with names after `after` (or from it on, if `from_it`), in the order
/// of their bytes, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn listed(
    store: &Store,
    study: &str,
    prefix: &str,
    after: &[u8],
    from_it: bool,
    limit: u32,
) -> Result<Vec<StoredVersion>, StoreError> {
    let limit = limit.min(PAGE_ROWS_MAX);
    let than = if from_it { ">=" } else { ">" };
    let (below, end) = bound(prefix, 4);
    let sql = format!(
        "SELECT {COLUMNS} FROM guarded_versions WHERE study = $1 AND latest = 1 AND marker = 0 AND name {than} $2 \
         AND name >= $3{below} ORDER BY name LIMIT {limit}"
    );
    let mut values: Vec<Value> = vec![study.into(), after.into(), prefix.as_bytes().into()];
    values.extend(end);
    store.rows(&sql, &values).await?.iter().map(version).collect()
}

/// Every visible version and marker of a study after the place `(name, sequence)`, by name and newest first, at most a
/// page.
///
/// # Errors
/// When the engine refuses.
pub async fn history(
    store: &Store,
    study: &str,
    prefix: &str,
    after: (&[u8], i64),
    limit: u32,
) -> Result<Vec<StoredVersion>, StoreError> {
    let limit = limit.min(PAGE_ROWS_MAX);
    let (below, end) = bound(prefix, 5);
    let sql = format!(
        "SELECT {COLUMNS} FROM guarded_versions WHERE study = $1 AND state = 'visible' \
         AND (name > $2 OR (name = $2 AND sequence < $3)) AND name >= $4{below} \
         ORDER BY name, sequence DESC LIMIT {limit}"
    );
    let mut values: Vec<Value> = vec![study.into(), after.0.into(), after.1.into(), prefix.as_bytes().into()];
    values.extend(end);
    store.rows(&sql, &values).await?.iter().map(version).collect()
}

/// The condition that ends a prefix, and its value: names below the first that the prefix cannot begin.
fn bound(prefix: &str, place: usize) -> (String, Option<Value>) {
    match successor(prefix.as_bytes()) {
        Some(end) => (format!(" AND name < ${place}"), Some(end.into())),
        None => (String::new(), None),
    }
}

/// The first bytes after everything that begins with `prefix`; `None` when nothing comes after.
#[must_use]
pub fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xFF {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

/// How many versions in each state a study holds, and bytes of those that can be seen.
///
/// # Errors
/// When the engine refuses.
pub async fn totals(store: &Store, study: &str) -> Result<Vec<(String, i64, i64)>, StoreError> {
    let sql = "SELECT state, COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM guarded_versions \
               WHERE study = $1 GROUP BY state ORDER BY state";
    let rows = store.rows(sql, &[study.into()]).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.int(1)?, row.int(2)?))).collect()
}
