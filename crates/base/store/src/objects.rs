//! Objects and their versions.

use crate::batch::select_in_store;
use crate::{Insert, Row, Store, StoreError, Transaction, Value, select_in};

/// One object: a file, an archive member, a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectRow {
    /// Its id, dense and never reused.
    pub id: u32,
    /// The place it lies in.
    pub source_id: u32,
    /// The top-level object it is a member of; `None` for a top-level object.
    pub top_id: Option<u32>,
    /// Its path within the source: `a/b.zip!c.csv` for a member.
    pub path: String,
    /// The format's name.
    pub format: String,
    /// Its size; expanded for members.
    pub bytes: u64,
    /// When it was last written to, milliseconds since 1970, UTC, where the source says.
    pub modified_at: Option<i64>,
    /// Equal stamps mean that it need not be opened again; `None` forces a look.
    pub stamp: Option<String>,
    /// BLAKE3 of its bytes.
    pub digest: Option<Vec<u8>>,
    /// Counts from 1, up by one whenever its content changed.
    pub version: u64,
    /// `present`, `gone` or `unreadable`.
    pub state: String,
    /// Operating-system user or bucket owner; empty when unknown.
    pub owner: String,
    /// Study; empty when unknown.
    pub study: String,
    /// Labels found by recognition, sorted, joined by commas.
    pub found: String,
    /// Labels in force after corrections, sorted, joined by commas.
    pub labels: String,
    /// Laws, sorted, joined by commas.
    pub laws: String,
    /// People by jurisdiction as this object alone tells: a JSON object.
    pub jurisdictions: String,
    /// Distinct people in it.
    pub subjects: u64,
    /// Rank by risk; 0 is none.
    pub risk: i64,
    /// How many problems reading it met.
    pub problems: u64,
    /// How many objects lie in it, at any depth.
    pub members: u64,
    /// First seen, milliseconds since 1970, UTC.
    pub first_seen_at: i64,
    /// Last inspected; a scan of the source that found it unchanged is later than this.
    pub last_seen_at: i64,
    /// When its content, labels or state last changed.
    pub changed_at: i64,
    /// The run that last inspected it.
    pub scan_id: u32,
}

/// What an incremental rescan needs to know of a top-level object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownObject {
    /// Its id.
    pub id: u32,
    /// Its path within the source.
    pub path: String,
    /// See [`ObjectRow::stamp`].
    pub stamp: Option<String>,
    /// See [`ObjectRow::scan_id`].
    pub scan_id: u32,
}

/// An earlier or present version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// The object.
    pub object_id: u32,
    /// Counts from 1.
    pub version: u64,
    /// When it was first seen so, milliseconds since 1970, UTC.
    pub seen_at: i64,
    /// The format's name.
    pub format: String,
    /// Its size.
    pub bytes: u64,
    /// When it was written.
    pub modified_at: Option<i64>,
    /// BLAKE3 of its bytes.
    pub digest: Option<Vec<u8>>,
    /// Labels found, sorted, joined by commas.
    pub labels: String,
    /// Distinct people in it.
    pub subjects: u64,
    /// Occurrences of identifiers.
    pub identifiers: u64,
}

const COLUMNS: &str = "id, source_id, top_id, path, format, bytes, modified_at, stamp, digest, version, state, owner, \
                       study, found, labels, laws, jurisdictions, subjects, risk, problems, members, first_seen_at, \
                       last_seen_at, changed_at, scan_id";

const NAMES: &[&str] = &[
    "id",
    "source_id",
    "top_id",
    "path",
    "format",
    "bytes",
    "modified_at",
    "stamp",
    "digest",
    "version",
    "state",
    "owner",
    "study",
    "found",
    "labels",
    "laws",
    "jurisdictions",
    "subjects",
    "risk",
    "problems",
    "members",
    "first_seen_at",
    "last_seen_at",
    "changed_at",
    "scan_id",
];

fn object(row: &Row) -> Result<ObjectRow, StoreError> {
    Ok(ObjectRow {
        id: row.id(0)?,
        source_id: row.id(1)?,
        top_id: row.id_opt(2)?,
        path: row.text(3)?,
        format: row.text(4)?,
        bytes: row.unsigned(5)?,
        modified_at: row.int_opt(6)?,
        stamp: row.text_opt(7)?,
        digest: row.bytes_opt(8)?,
        version: row.unsigned(9)?,
        state: row.text(10)?,
        owner: row.text(11)?,
        study: row.text(12)?,
        found: row.text(13)?,
        labels: row.text(14)?,
        laws: row.text(15)?,
        jurisdictions: row.text(16)?,
        subjects: row.unsigned(17)?,
        risk: row.int(18)?,
        problems: row.unsigned(19)?,
        members: row.unsigned(20)?,
        first_seen_at: row.int(21)?,
        last_seen_at: row.int(22)?,
        changed_at: row.int(23)?,
        scan_id: row.id(24)?,
    })
}

/// Writes objects, new or known by id.
///
/// # Errors
/// When the engine refuses.
pub async fn put(transaction: &mut Transaction, objects: &[ObjectRow]) -> Result<(), StoreError> {
    let mut insert = Insert::or_replace("objects", NAMES, "id");
    for o in objects {
        insert.row([
            o.id.into(),
            o.source_id.into(),
            o.top_id.into(),
            o.path.clone().into(),
            o.format.clone().into(),
            o.bytes.into(),
            o.modified_at.into(),
            o.stamp.clone().into(),
            o.digest.clone().into(),
            o.version.into(),
            o.state.clone().into(),
            o.owner.clone().into(),
            o.study.clone().into(),
            o.found.clone().into(),
            o.labels.clone().into(),
            o.laws.clone().into(),
            o.jurisdictions.clone().into(),
            o.subjects.into(),
            o.risk.into(),
            o.problems.into(),
            o.members.into(),
            o.first_seen_at.into(),
            o.last_seen_at.into(),
            o.changed_at.into(),
            o.scan_id.into(),
        ]);
    }
    insert.run(transaction).await
}

/// Writes versions; one that is there already is overwritten.
///
/// # Errors
/// When the engine refuses.
pub async fn put_versions(transaction: &mut Transaction, versions: &[VersionRow]) -> Result<(), StoreError> {
    let columns = &[
        "object_id",
        "version",
        "seen_at",
        "format",
        "bytes",
        "modified_at",
        "digest",
        "labels",
        "subjects",
        "identifiers",
    ];
    let mut insert = Insert::or_replace("versions", columns, "object_id, version");
    for v in versions {
        insert.row([
            v.object_id.into(),
            v.version.into(),
            v.seen_at.into(),
            v.format.clone().into(),
            v.bytes.into(),
            v.modified_at.into(),
            v.digest.clone().into(),
            v.labels.clone().into(),
            v.subjects.into(),
            v.identifiers.into(),
        ]);
    }
    insert.run(transaction).await
}

/// Known objects of a source among `paths`.
///
/// # Errors
/// When the engine refuses.
pub async fn by_paths(
    transaction: &mut Transaction,
    source_id: u32,
    paths: &[&str],
) -> Result<Vec<ObjectRow>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM objects WHERE source_id = {source_id} AND path");
    let keys: Vec<Value> = paths.iter().map(|path| (*path).into()).collect();
    select_in(transaction, &select, &keys).await?.iter().map(object).collect()
}

/// Top-level objects of a source among `paths` and the objects in them: path of the top, id, labels; in no order.
///
/// # Errors
/// When the engine refuses.
pub async fn lying_at(store: &Store, source_id: u32, paths: &[&str]) -> Result<Vec<(String, u32, String)>, StoreError> {
    let select = format!("SELECT path, id, labels FROM objects WHERE source_id = {source_id} AND path");
    let keys: Vec<Value> = paths.iter().map(|path| (*path).into()).collect();
    let tops = select_in_store(store, &select, &keys).await?;
    let mut found = Vec::with_capacity(tops.len());
    let mut by_id = std::collections::HashMap::with_capacity(tops.len());
    for row in &tops {
        let (path, id, labels): (String, u32, String) = (row.text(0)?, row.id(1)?, row.text(2)?);
        by_id.insert(id, path.clone());
        found.push((path, id, labels));
    }
    let keys: Vec<Value> = by_id.keys().map(|id| (*id).into()).collect();
    for row in select_in_store(store, "SELECT top_id, id, labels FROM objects WHERE top_id", &keys).await? {
        let top: u32 = row.id(0)?;
        if let Some(path) = by_id.get(&top) {
            found.push((path.clone(), row.id(1)?, row.text(2)?));
        }
    }
    Ok(found)
}

/// Members of top-level objects.
///
/// # Errors
/// When the engine refuses.
pub async fn members(transaction: &mut Transaction, tops: &[u32]) -> Result<Vec<ObjectRow>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM objects WHERE top_id");
    let keys: Vec<Value> = tops.iter().map(|id| (*id).into()).collect();
    select_in(transaction, &select, &keys).await?.iter().map(object).collect()
}

/// Objects by id inside a transaction, in no order.
///
/// # Errors
/// When the engine refuses.
pub async fn by_ids_within(transaction: &mut Transaction, ids: &[u32]) -> Result<Vec<ObjectRow>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM objects WHERE id");
    let keys: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    select_in(transaction, &select, &keys).await?.iter().map(object).collect()
}

/// Objects by id, in no order.
///
/// # Errors
/// When the engine refuses.
pub async fn by_ids(store: &Store, ids: &[u32]) -> Result<Vec<ObjectRow>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM objects WHERE id");
    let keys: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    select_in_store(store, &select, &keys).await?.iter().map(object).collect()
}

/// The object at `path` of a source.
///
/// # Errors
/// When the engine refuses.
pub async fn by_path(store: &Store, source_id: u32, path: &str) -> Result<Option<ObjectRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM objects WHERE source_id = $1 AND path = $2");
    store.row(&sql, &[source_id.into(), path.into()]).await?.map(|row| object(&row)).transpose()
}

fn known_object(row: &Row) -> Result<KnownObject, StoreError> {
    Ok(KnownObject { id: row.id(0)?, path: row.text(1)?, stamp: row.text_opt(2)?, scan_id: row.id(3)? })
}

/// Top-level objects of a source that are not gone, after the id `after`: for one bulk load, a page at a time.
///
/// # Errors
/// When the engine refuses.
pub async fn known(store: &Store, source_id: u32, after: u32, limit: u32) -> Result<Vec<KnownObject>, StoreError> {
    let sql = format!(
        "SELECT id, path, stamp, scan_id FROM objects WHERE source_id = $1 AND top_id IS NULL AND state <> 'gone' AND id > $2 \
         ORDER BY id LIMIT {limit}"
    );
    store.rows(&sql, &[source_id.into(), after.into()]).await?.iter().map(known_object).collect()
}

/// As [`known`], for the object at `path` and whatever lies below it as a folder.
///
/// # Errors
/// When the engine refuses.
pub async fn known_below(
    store: &Store,
    source_id: u32,
    path: &str,
    after: u32,
    limit: u32,
) -> Result<Vec<KnownObject>, StoreError> {
    // Byte order, whatever the language of the database; `0` is the byte after `/`.
    let column = match store.engine() {
        crate::Engine::Sqlite => "path",
        crate::Engine::Postgres => "path COLLATE \"C\"",
    };
    // The plus signs keep both engines from any index but the one of paths.
    let sql = format!(
        "SELECT id, path, stamp, scan_id FROM objects WHERE source_id = $1 AND +top_id IS NULL AND state <> 'gone' AND \
         +id > $2 AND (path = $3 OR ({column} > $4 AND {column} < $5)) ORDER BY id LIMIT {limit}"
    );
    let values = [source_id.into(), after.into(), path.into(), format!("{path}/").into(), format!("{path}0").into()];
    store.rows(&sql, &values).await?.iter().map(known_object).collect()
}

/// Objects of a source that are not gone, members included, after the id `after`: a page at a time.
///
/// # Errors
/// When the engine refuses.
pub async fn of_source(store: &Store, source_id: u32, after: u32, limit: u32) -> Result<Vec<ObjectRow>, StoreError> {
    let sql = format!(
        // The plus sign keeps the engines from the index of paths, which they would sort anew for every page.
        "SELECT {COLUMNS} FROM objects WHERE +source_id = $1 AND state <> 'gone' AND id > $2 ORDER BY id LIMIT {}",
        limit.min(crate::PAGE_ROWS_MAX)
    );
    store.rows(&sql, &[source_id.into(), after.into()]).await?.iter().map(object).collect()
}

/// Objects by falling risk, after the one with `(risk, id)`. Objects without risk are left out.
///
/// # Errors
/// When the engine refuses.
pub async fn riskiest(store: &Store, after: Option<(i64, u32)>, limit: u32) -> Result<Vec<ObjectRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM objects WHERE risk > 0 AND (risk, id) < ($1, $2) ORDER BY risk DESC, id DESC LIMIT {}",
        limit.min(crate::PAGE_ROWS_MAX)
    );
    let (risk, id) = after.unwrap_or((i64::MAX, u32::MAX));
    store.rows(&sql, &[risk.into(), id.into()]).await?.iter().map(object).collect()
}

/// Ids of all objects by falling risk, after the one with `(risk, id)`: read from the index alone.
///
/// # Errors
/// When the engine refuses.
pub async fn ids_by_risk(store: &Store, after: Option<(i64, u32)>, limit: u32) -> Result<Vec<(i64, u32)>, StoreError> {
    let sql =
        format!("SELECT risk, id FROM objects WHERE (risk, id) < ($1, $2) ORDER BY risk DESC, id DESC LIMIT {limit}");
    let (risk, id) = after.unwrap_or((i64::MAX, u32::MAX));
    store.rows(&sql, &[risk.into(), id.into()]).await?.iter().map(|row| Ok((row.int(0)?, row.id(1)?))).collect()
}

/// Risk and id of objects, in no order.
///
/// # Errors
/// When the engine refuses.
pub async fn risks(store: &Store, ids: &[u32]) -> Result<Vec<(i64, u32)>, StoreError> {
    let keys: Vec<Value> = ids.iter().map(|id| (*id).into()).collect();
    let rows = select_in_store(store, "SELECT risk, id FROM objects WHERE id", &keys).await?;
    rows.iter().map(|row| Ok((row.int(0)?, row.id(1)?))).collect()
}

/// Versions of an object, newest first.
///
/// # Errors
/// When the engine refuses.
pub async fn versions(store: &Store, object_id: u32) -> Result<Vec<VersionRow>, StoreError> {
    let sql = format!(
        "SELECT object_id, version, seen_at, format, bytes, modified_at, digest, labels, subjects, identifiers \
         FROM versions WHERE object_id = $1 ORDER BY version DESC LIMIT {}",
        crate::PAGE_ROWS_MAX
    );
    let version = |row: &Row| {
        Ok(VersionRow {
            object_id: row.id(0)?,
            version: row.unsigned(1)?,
            seen_at: row.int(2)?,
            format: row.text(3)?,
            bytes: row.unsigned(4)?,
            modified_at: row.int_opt(5)?,
            digest: row.bytes_opt(6)?,
            labels: row.text(7)?,
            subjects: row.unsigned(8)?,
            identifiers: row.unsigned(9)?,
        })
    };
    store.rows(&sql, &[object_id.into()]).await?.iter().map(version).collect()
}

/// Members of one top-level object by path, after `after`.
///
/// # Errors
/// When the engine refuses.
pub async fn members_page(store: &Store, top_id: u32, after: u32, limit: u32) -> Result<Vec<ObjectRow>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM objects WHERE top_id = $1 AND id > $2 ORDER BY id LIMIT {}",
        limit.min(crate::PAGE_ROWS_MAX)
    );
    store.rows(&sql, &[top_id.into(), after.into()]).await?.iter().map(object).collect()
}
