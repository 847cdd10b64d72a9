//! The key table: wrapped keys, legal holds and receipts of destroyed keys. It lies in a database of its own
//! ([`Store::sqlite_keys`]), apart from what the keys seal, so that a backup of one is no backup of the other.

use crate::{Insert, PAGE_ROWS_MAX, Row, Store, StoreError, Transaction, Value};

/// One version of one key.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Its name, such as `study:onc-201` or `data:` and the id of an object.
    pub name: String,
    /// The version of its material, from 1.
    pub version: i64,
    /// What kind of key it is: `organisation`, `study`, `subject`, `data`, `detail`, `signing`.
    pub kind: String,
    /// The scope whose shredding destroys it.
    pub owner: String,
    /// The study whose shredding destroys it, if any.
    pub study: Option<String>,
    /// The data subject whose shredding destroys it, if any.
    pub subject: Option<String>,
    /// The name of the key that wraps it.
    pub parent: String,
    /// The version of the key that wraps it.
    pub parent_version: i64,
    /// The wrapped key. `None` once it is destroyed.
    pub wrapped: Option<Vec<u8>>,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When it was last wrapped anew.
    pub rewrapped_at: Option<i64>,
    /// When it was destroyed.
    pub destroyed_at: Option<i64>,
}

impl std::fmt::Debug for KeyRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, version, parent, parent_version, destroyed_at, .. } = self;
        write!(f, "KeyRow({name} v{version} under {parent} v{parent_version}, destroyed {destroyed_at:?})")
    }
}

const COLUMNS: [&str; 12] = [
    "name",
    "version",
    "kind",
    "owner",
    "study",
    "subject",
    "parent",
    "parent_version",
    "wrapped",
    "created_at",
    "rewrapped_at",
    "destroyed_at",
];

const SELECT: &str = "SELECT name, version, kind, owner, study, subject, parent, parent_version, wrapped, created_at, \
                      rewrapped_at, destroyed_at FROM vault_keys";

fn key(row: &Row) -> Result<KeyRow, StoreError> {
    Ok(KeyRow {
        name: row.text(0)?,
        version: row.int(1)?,
        kind: row.text(2)?,
        owner: row.text(3)?,
        study: row.text_opt(4)?,
        subject: row.text_opt(5)?,
        parent: row.text(6)?,
        parent_version: row.int(7)?,
        wrapped: row.bytes_opt(8)?,
        created_at: row.int(9)?,
        rewrapped_at: row.int_opt(10)?,
        destroyed_at: row.int_opt(11)?,
    })
}

fn values(key: KeyRow) -> [Value; 12] {
    [
        key.name.into(),
        key.version.into(),
        key.kind.into(),
        key.owner.into(),
        key.study.into(),
        key.subject.into(),
        key.parent.into(),
        key.parent_version.into(),
        key.wrapped.into(),
        key.created_at.into(),
        key.rewrapped_at.into(),
        key.destroyed_at.into(),
    ]
}

/// The newest version of the key called `name`, destroyed or not.
///
/// # Errors
/// When the engine refuses.
pub async fn newest(store: &Store, name: &str) -> Result<Option<KeyRow>, StoreError> {
    let sql = format!("{SELECT} WHERE name = $1 ORDER BY version DESC LIMIT 1");
    store.row(&sql, &[name.into()]).await?.map(|row| key(&row)).transpose()
}

/// As [`newest`], as a transaction sees it.
///
/// # Errors
/// When the engine refuses.
pub async fn newest_in(transaction: &mut Transaction, name: &str) -> Result<Option<KeyRow>, StoreError> {
    let sql = format!("{SELECT} WHERE name = $1 ORDER BY version DESC LIMIT 1");
    transaction.row(&sql, &[name.into()]).await?.map(|row| key(&row)).transpose()
}

/// One version of a key, destroyed or not.
///
/// # Errors
/// When the engine refuses.
pub async fn version(store: &Store, name: &str, version: i64) -> Result<Option<KeyRow>, StoreError> {
    let sql = format!("{SELECT} WHERE name = $1 AND version = $2");
    store.row(&sql, &[name.into(), version.into()]).await?.map(|row| key(&row)).transpose()
}

/// Keeps new keys.
///
/// # Errors
/// When one is there already, or the engine refuses.
pub async fn insert(transaction: &mut Transaction, keys: Vec<KeyRow>) -> Result<(), StoreError> {
    let mut insert = Insert::into("vault_keys", &COLUMNS);
    keys.into_iter().for_each(|key| insert.row(values(key)));
    insert.run(transaction).await
}

/// Overwrites keys that are there, such as with their new wrapping.
///
/// # Errors
/// When the engine refuses.
pub async fn replace(transaction: &mut Transaction, keys: Vec<KeyRow>) -> Result<(), StoreError> {
    let mut insert = Insert::or_replace("vault_keys", &COLUMNS, "name, version");
    keys.into_iter().for_each(|key| insert.row(values(key)));
    insert.run(transaction).await
}

/// At most `limit` living keys that versions of `parent` before `version` wrap.
///
/// # Errors
/// When the engine refuses.
pub async fn wrapped_before(
    transaction: &mut Transaction,
    parent: &str,
    version: i64,
    limit: u32,
) -> Result<Vec<KeyRow>, StoreError> {
    let sql = format!("{SELECT} WHERE parent = $1 AND parent_version < $2 AND destroyed_at IS NULL LIMIT {limit}");
    transaction.rows(&sql, &[parent.into(), version.into()]).await?.iter().map(key).collect()
}

/// Names of keys with more than one living version: rotations that did not end. At most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn unfinished(store: &Store) -> Result<Vec<String>, StoreError> {
    let sql = format!(
        "SELECT name FROM vault_keys WHERE destroyed_at IS NULL AND kind IN ('organisation', 'study', 'subject') \
         GROUP BY name HAVING COUNT(*) > 1 ORDER BY name LIMIT {PAGE_ROWS_MAX}"
    );
    store.rows(&sql, &[]).await?.iter().map(|row| row.text(0)).collect()
}

/// Living versions of `name` before `version`, to be retired. At most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn versions_before(
    transaction: &mut Transaction,
    name: &str,
    version: i64,
) -> Result<Vec<KeyRow>, StoreError> {
    let sql = format!(
        "{SELECT} WHERE name = $1 AND version < $2 AND destroyed_at IS NULL ORDER BY version LIMIT {PAGE_ROWS_MAX}"
    );
    transaction.rows(&sql, &[name.into(), version.into()]).await?.iter().map(key).collect()
}

/// What shredding a scope destroys.
#[derive(Debug, Clone, Copy)]
pub enum Doomed<'a> {
    /// Keys that this scope owns, and no others.
    Owner(&'a str),
    /// Every key of a study, and the details of its objects.
    Study(&'a str),
    /// Every key of a data subject, and the details of its objects.
    Subject(&'a str),
}

impl Doomed<'_> {
    fn condition(self) -> (&'static str, Value) {
        match self {
            Self::Owner(owner) => ("owner = $1", owner.into()),
            Self::Study(study) => (
                "(study = $1 OR owner IN (SELECT owner FROM vault_keys WHERE study = $1 AND kind = 'data'))",
                study.into(),
            ),
            Self::Subject(subject) => (
                "(subject = $1 OR owner IN (SELECT owner FROM vault_keys WHERE subject = $1 AND kind = 'data'))",
                subject.into(),
            ),
        }
    }
}

/// Destroys the living keys that `doomed` means: their wrapped bytes are overwritten and taken away, the rows stay. Tells
/// name and version of each. [`scrub`] must follow the commit.
///
/// # Errors
/// When the engine refuses.
pub async fn destroy(
    transaction: &mut Transaction,
    doomed: Doomed<'_>,
    now: i64,
) -> Result<Vec<(String, i64)>, StoreError> {
    let (condition, value) = doomed.condition();
    let sql = format!(
        "UPDATE vault_keys SET wrapped = NULL, destroyed_at = $2 WHERE {condition} AND destroyed_at IS NULL \
         RETURNING name, version"
    );
    let rows = transaction.rows(&sql, &[value, now.into()]).await?;
    let mut gone = rows.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect::<Result<Vec<_>, StoreError>>()?;
    gone.sort();
    Ok(gone)
}

/// Name and version of the destroyed keys that `doomed` means.
///
/// # Errors
/// When the engine refuses.
pub async fn destroyed(transaction: &mut Transaction, doomed: Doomed<'_>) -> Result<Vec<(String, i64)>, StoreError> {
    let (condition, value) = doomed.condition();
    let sql = format!(
        "SELECT name, version FROM vault_keys WHERE {condition} AND destroyed_at IS NOT NULL ORDER BY name, version"
    );
    transaction.rows(&sql, &[value]).await?.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
}

/// Takes destroyed keys out of the engine's files too: what was freed, and the write-ahead log.
///
/// # Errors
/// When the engine refuses.
pub async fn scrub(store: &Store) -> Result<(), StoreError> {
    store.scrub("vault_keys").await
}

/// The hold that stands against destroying `doomed`, if there is one: on the scope itself, on the owner of one of its keys, or
/// on a study or data subject that one of them belongs to. Scope and reference of the first.
///
/// # Errors
/// When the engine refuses.
pub async fn hold_against(
    transaction: &mut Transaction,
    scope: &str,
    doomed: Doomed<'_>,
) -> Result<Option<(String, String)>, StoreError> {
    let (condition, value) = doomed.condition();
    let sql = format!(
        "SELECT scope, reference FROM vault_holds WHERE released_at IS NULL AND (scope = $2 \
         OR scope IN (SELECT owner FROM vault_keys WHERE {condition}) \
         OR scope IN (SELECT 'study:' || study FROM vault_keys WHERE {condition} AND study IS NOT NULL) \
         OR scope IN (SELECT 'subject:' || subject FROM vault_keys WHERE {condition} AND subject IS NOT NULL)) \
         ORDER BY scope, reference LIMIT 1"
    );
    let row = transaction.row(&sql, &[value, scope.into()]).await?;
    row.map(|row| Ok((row.text(0)?, row.text(1)?))).transpose()
}

/// Every hold that stands against destroying `doomed`, by scope, at most `limit` and a page; as [`hold_against`].
///
/// # Errors
/// When the engine refuses.
pub async fn holds_against(
    store: &Store,
    scope: &str,
    doomed: Doomed<'_>,
    limit: u32,
) -> Result<Vec<HoldRow>, StoreError> {
    let (condition, value) = doomed.condition();
    let sql = format!(
        "SELECT scope, reference, placed_at FROM vault_holds WHERE released_at IS NULL AND (scope = $2 \
         OR scope IN (SELECT owner FROM vault_keys WHERE {condition}) \
         OR scope IN (SELECT 'study:' || study FROM vault_keys WHERE {condition} AND study IS NOT NULL) \
         OR scope IN (SELECT 'subject:' || subject FROM vault_keys WHERE {condition} AND subject IS NOT NULL)) \
         ORDER BY scope, reference LIMIT {}",
        limit.min(PAGE_ROWS_MAX)
    );
    store.rows(&sql, &[value, scope.into()]).await?.iter().map(hold_row).collect()
}

/// How many living keys of each kind `doomed` means, by kind.
///
/// # Errors
/// When the engine refuses.
pub async fn doomed_by_kind(store: &Store, doomed: Doomed<'_>) -> Result<Vec<(String, u64)>, StoreError> {
    let (condition, value) = doomed.condition();
    let sql = format!(
        "SELECT kind, COUNT(*) FROM vault_keys WHERE {condition} AND destroyed_at IS NULL GROUP BY kind ORDER BY kind"
    );
    store.rows(&sql, &[value]).await?.iter().map(|row| Ok((row.text(0)?, row.unsigned(1)?))).collect()
}

/// Study and owner (`object:ID`) of the living data keys that `doomed` means, by name after `after`, at most a page; the name
/// comes first.
///
/// # Errors
/// When the engine refuses.
pub async fn doomed_objects(
    store: &Store,
    doomed: Doomed<'_>,
    after: &str,
) -> Result<Vec<(String, String, String)>, StoreError> {
    let (condition, value) = doomed.condition();
    let sql = format!(
        "SELECT name, study, owner FROM vault_keys WHERE {condition} AND kind = 'data' AND destroyed_at IS NULL \
         AND name > $2 ORDER BY name LIMIT {PAGE_ROWS_MAX}"
    );
    let rows = store.rows(&sql, &[value, after.into()]).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.text_opt(1)?.unwrap_or_default(), row.text(2)?))).collect()
}

/// Places a hold. Placed again under the same reference, it holds again.
///
/// # Errors
/// When the engine refuses.
pub async fn hold(store: &Store, scope: &str, reference: &str, now: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO vault_holds (scope, reference, placed_at) VALUES ($1, $2, $3) ON CONFLICT (scope, reference) \
               DO UPDATE SET released_at = NULL";
    store.execute(sql, &[scope.into(), reference.into(), now.into()]).await?;
    Ok(())
}

/// Ends a hold; whether there was one.
///
/// # Errors
/// When the engine refuses.
pub async fn release(store: &Store, scope: &str, reference: &str, now: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE vault_holds SET released_at = $3 WHERE scope = $1 AND reference = $2 AND released_at IS NULL";
    Ok(store.execute(sql, &[scope.into(), reference.into(), now.into()]).await? > 0)
}

/// One legal hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRow {
    /// What is held.
    pub scope: String,
    /// The case that it is held for.
    pub reference: String,
    /// Milliseconds since 1970, UTC.
    pub placed_at: i64,
}

/// Every hold in force by scope, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn holds(store: &Store) -> Result<Vec<HoldRow>, StoreError> {
    let sql = format!(
        "SELECT scope, reference, placed_at FROM vault_holds WHERE released_at IS NULL ORDER BY scope, reference \
         LIMIT {PAGE_ROWS_MAX}"
    );
    store.rows(&sql, &[]).await?.iter().map(hold_row).collect()
}

fn hold_row(row: &Row) -> Result<HoldRow, StoreError> {
    Ok(HoldRow { scope: row.text(0)?, reference: row.text(1)?, placed_at: row.int(2)? })
}

/// A receipt of destroyed keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    /// Its id.
    pub id: String,
    /// What was shredded.
    pub scope: String,
    /// Milliseconds since 1970, UTC.
    pub issued_at: i64,
    /// The signed text.
    pub body: String,
    /// The public key that checks the signature, in hexadecimal.
    pub signer: String,
    /// The signature, in hexadecimal.
    pub signature: String,
}

/// Keeps a receipt.
///
/// # Errors
/// When the engine refuses.
pub async fn keep_receipt(transaction: &mut Transaction, receipt: ReceiptRow) -> Result<(), StoreError> {
    let columns = &["id", "scope", "issued_at", "body", "signer", "signature"];
    let mut insert = Insert::into("vault_receipts", columns);
    let ReceiptRow { id, scope, issued_at, body, signer, signature } = receipt;
    insert.row([id.into(), scope.into(), issued_at.into(), body.into(), signer.into(), signature.into()]);
    insert.run(transaction).await
}

/// Receipts of a scope, or of all, newest first, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn receipts(store: &Store, scope: Option<&str>) -> Result<Vec<ReceiptRow>, StoreError> {
    let select = "SELECT id, scope, issued_at, body, signer, signature FROM vault_receipts";
    let order = format!("ORDER BY issued_at DESC, id LIMIT {PAGE_ROWS_MAX}");
    let rows = match scope {
        Some(scope) => store.rows(&format!("{select} WHERE scope = $1 {order}"), &[scope.into()]).await?,
        None => store.rows(&format!("{select} {order}"), &[]).await?,
    };
    rows.iter().map(receipt_row).collect()
}

fn receipt_row(row: &Row) -> Result<ReceiptRow, StoreError> {
    Ok(ReceiptRow {
        id: row.text(0)?,
        scope: row.text(1)?,
        issued_at: row.int(2)?,
        body: row.text(3)?,
        signer: row.text(4)?,
        signature: row.text(5)?,
    })
}

/// The receipt with this id.
///
/// # Errors
/// When the engine refuses.
pub async fn receipt(store: &Store, id: &str) -> Result<Option<ReceiptRow>, StoreError> {
    let sql = "SELECT id, scope, issued_at, body, signer, signature FROM vault_receipts WHERE id = $1";
    store.row(sql, &[id.into()]).await?.map(|row| receipt_row(&row)).transpose()
}

/// A key that wraps others, with how many it wraps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySum {
    /// Its newest version.
    pub key: KeyRow,
    /// Its living versions: more than one while a rotation goes on.
    pub versions: u64,
    /// The living keys under it.
    pub children: u64,
}

/// Keys that wrap others, by name after `after`, at most `limit` and a page.
///
/// # Errors
/// When the engine refuses.
pub async fn wrapping(store: &Store, after: &str, limit: u32) -> Result<Vec<KeySum>, StoreError> {
    let sql = sums("k.kind IN ('organisation', 'study', 'subject') AND k.name > $1", limit);
    store.rows(&sql, &[after.into()]).await?.iter().map(key_sum).collect()
}

/// Keys that wrap others and hang right under `parent`, by name after `after`, at most `limit` and a page.
///
/// # Errors
/// When the engine refuses.
pub async fn wrapping_under(store: &Store, parent: &str, after: &str, limit: u32) -> Result<Vec<KeySum>, StoreError> {
    let sql = sums("k.kind IN ('organisation', 'study', 'subject') AND k.parent = $2 AND k.name > $1", limit);
    store.rows(&sql, &[after.into(), parent.into()]).await?.iter().map(key_sum).collect()
}

fn sums(condition: &str, limit: u32) -> String {
    format!(
        "SELECT k.name, k.version, k.kind, k.owner, k.study, k.subject, k.parent, k.parent_version, k.wrapped, \
         k.created_at, k.rewrapped_at, k.destroyed_at, \
         (SELECT COUNT(*) FROM vault_keys v WHERE v.name = k.name AND v.destroyed_at IS NULL), \
         (SELECT COUNT(*) FROM vault_keys c WHERE c.parent = k.name AND c.destroyed_at IS NULL) \
         FROM vault_keys k WHERE {condition} \
         AND k.version = (SELECT MAX(m.version) FROM vault_keys m WHERE m.name = k.name) \
         ORDER BY k.name LIMIT {}",
        limit.min(PAGE_ROWS_MAX)
    )
}

fn key_sum(row: &Row) -> Result<KeySum, StoreError> {
    Ok(KeySum { key: key(row)?, versions: row.unsigned(12)?, children: row.unsigned(13)? })
}
