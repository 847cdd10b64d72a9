//! Uploads in parts.

use super::id16;
use super::versions::name;
use crate::{PAGE_ROWS_MAX, Row, Store, StoreError, Transaction, Value};

/// The most parts of an upload (Amazon S3 User Guide, "Amazon S3 multipart upload limits").
pub const PARTS_MAX: u32 = 10_000;

/// An upload in parts that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUpload {
    /// Its id, which the finished version takes over.
    pub upload: [u8; 16],
    /// The study.
    pub study: String,
    /// The name of the object that it will be.
    pub name: String,
    /// The object's id.
    pub object: [u8; 16],
    /// Milliseconds since 1970, UTC.
    pub started_at: i64,
    /// Who began it.
    pub created_by: [u8; 16],
    /// Headers for the version, as JSON.
    pub properties: String,
}

/// One part that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPart {
    /// From 1 to [`PARTS_MAX`].
    pub number: u32,
    /// Bytes of plaintext.
    pub bytes: i64,
    /// The entity tag, without quotes.
    pub etag: String,
    /// Milliseconds since 1970, UTC.
    pub modified_at: i64,
    /// Checksums, as JSON.
    pub checksums: String,
    /// What the vault needs to open it.
    pub sealed: Vec<u8>,
}

const COLUMNS: &str = "upload, study, name, object, started_at, created_by, properties";
const PART_COLUMNS: &str = "number, bytes, etag, modified_at, checksums, sealed";

fn upload(row: &Row) -> Result<StoredUpload, StoreError> {
    Ok(StoredUpload {
        upload: id16(row, 0)?,
        study: row.text(1)?,
        name: name(row, 2)?,
        object: id16(row, 3)?,
        started_at: row.int(4)?,
        created_by: id16(row, 5)?,
        properties: row.text(6)?,
    })
}

fn part(row: &Row) -> Result<StoredPart, StoreError> {
    Ok(StoredPart {
        number: row.id(0)?,
        bytes: row.int(1)?,
        etag: row.text(2)?,
        modified_at: row.int(3)?,
        checksums: row.text(4)?,
        sealed: row.bytes(5)?,
    })
}

/// Begins an upload.
///
/// # Errors
/// When the engine refuses.
pub async fn begin(store: &Store, new: &StoredUpload) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO guarded_uploads ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)");
    let values = [
        new.upload.as_slice().into(),
        new.study.as_str().into(),
        new.name.as_bytes().into(),
        new.object.as_slice().into(),
        new.started_at.into(),
        new.created_by.as_slice().into(),
        new.properties.as_str().into(),
    ];
    store.execute(&sql, &values).await.map(|_| ())
}

/// One upload.
///
/// # Errors
/// When the engine refuses.
pub async fn find(store: &Store, id: [u8; 16]) -> Result<Option<StoredUpload>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM guarded_uploads WHERE upload = $1");
    store.row(&sql, &[id.as_slice().into()]).await?.map(|row| upload(&row)).transpose()
}

/// Uploads of a study after the place `(name, upload)`, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn page(
    store: &Store,
    study: &str,
    prefix: &str,
    after: (&[u8], &[u8]),
    limit: u32,
) -> Result<Vec<StoredUpload>, StoreError> {
    let limit = limit.min(PAGE_ROWS_MAX);
    let (below, end) = match super::versions::successor(prefix.as_bytes()) {
        Some(end) => (" AND name < $5", Some(Value::from(end))),
        None => ("", None),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM guarded_uploads WHERE study = $1 AND (name > $2 OR (name = $2 AND upload > $3)) \
         AND name >= $4{below} ORDER BY name, upload LIMIT {limit}"
    );
    let mut values: Vec<Value> = vec![study.into(), after.0.into(), after.1.into(), prefix.as_bytes().into()];
    values.extend(end);
    store.rows(&sql, &values).await?.iter().map(upload).collect()
}

/// Keeps a part, in place of one of the same number; that one's seal, for the vault to remove. `None` when the upload is
/// gone.
///
/// # Errors
/// When the engine refuses.
pub async fn put_part(store: &Store, id: [u8; 16], new: &StoredPart) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
    let mut transaction = store.begin().await?;
    let there = transaction.row("SELECT 1 FROM guarded_uploads WHERE upload = $1", &[id.as_slice().into()]).await?;
    if there.is_none() {
        return Ok(None);
    }
    let key = [id.as_slice().into(), new.number.into()];
    let sql = "DELETE FROM guarded_parts WHERE upload = $1 AND number = $2 RETURNING sealed";
    let replaced = transaction.rows(sql, &key).await?.iter().map(|row| row.bytes(0)).collect::<Result<_, _>>()?;
    let sql = format!("INSERT INTO guarded_parts (upload, {PART_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)");
    let values = [
        id.as_slice().into(),
        new.number.into(),
        new.bytes.into(),
        new.etag.as_str().into(),
        new.modified_at.into(),
        new.checksums.as_str().into(),
        new.sealed.as_slice().into(),
    ];
    transaction.execute(&sql, &values).await?;
    transaction.commit().await?;
    Ok(Some(replaced))
}

/// Parts of an upload after number `after`, by number, at most [`PARTS_MAX`].
///
/// # Errors
/// When the engine refuses.
pub async fn parts(store: &Store, id: [u8; 16], after: u32, limit: u32) -> Result<Vec<StoredPart>, StoreError> {
    let limit = limit.min(PARTS_MAX);
    let sql = format!(
        "SELECT {PART_COLUMNS} FROM guarded_parts WHERE upload = $1 AND number > $2 ORDER BY number LIMIT {limit}"
    );
    store.rows(&sql, &[id.as_slice().into(), after.into()]).await?.iter().map(part).collect()
}

/// Ends an upload; the seals of its parts. `None` when there is none.
///
/// # Errors
/// When the engine refuses; nothing changed then.
pub async fn end(store: &Store, id: [u8; 16]) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
    let mut transaction = store.begin().await?;
    let seals = end_in(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(seals)
}

pub(super) async fn end_in(transaction: &mut Transaction, id: [u8; 16]) -> Result<Option<Vec<Vec<u8>>>, StoreError> {
    let key = [id.as_slice().into()];
    let rows = transaction.rows("DELETE FROM guarded_parts WHERE upload = $1 RETURNING sealed", &key).await?;
    let seals = rows.iter().map(|row| row.bytes(0)).collect::<Result<_, _>>()?;
    let gone = transaction.execute("DELETE FROM guarded_uploads WHERE upload = $1", &key).await?;
    Ok((gone > 0).then_some(seals))
}
