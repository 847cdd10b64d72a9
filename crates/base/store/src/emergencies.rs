//! Break-glass uses, and what came of their review.

use model::{PrincipalId, StudyId};

use crate::nouns::{parsed, principal, principal_opt};
use crate::{PAGE_ROWS_MAX, Row, Store, StoreError};

/// What a reviewer said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// Nobody looked yet.
    Pending,
    /// It was right.
    Justified,
    /// It was not.
    Unjustified,
}

impl Review {
    /// As it is kept.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Justified => "justified",
            Self::Unjustified => "unjustified",
        }
    }
}

/// One use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emergency {
    /// Its id, from [`reserve`].
    pub id: u32,
    /// Who broke the glass.
    pub principal: PrincipalId,
    /// To reach what.
    pub study: StudyId,
    /// Why, sealed.
    pub reason_sealed: Vec<u8>,
    /// Milliseconds since 1970, UTC.
    pub began_at: i64,
    /// When it ends.
    pub until: i64,
    /// What came of its review.
    pub review: Review,
    /// Who reviewed it.
    pub reviewed_by: Option<PrincipalId>,
    /// When it was reviewed.
    pub reviewed_at: Option<i64>,
}

const COLUMNS: &str = "id, principal, study, reason_sealed, began_at, until, review, reviewed_by, reviewed_at";

fn emergency(row: &Row) -> Result<Emergency, StoreError> {
    let review = match row.text(6)?.as_str() {
        "pending" => Review::Pending,
        "justified" => Review::Justified,
        "unjustified" => Review::Unjustified,
        _ => return Err(StoreError::Shape { column: 6, found: "something else", wanted: "the state of a review" }),
    };
    Ok(Emergency {
        id: row.id(0)?,
        principal: principal(row, 1)?,
        study: parsed(row, 2, "the id of a study")?,
        reason_sealed: row.bytes(3)?,
        began_at: row.int(4)?,
        until: row.int(5)?,
        review,
        reviewed_by: principal_opt(row, 7)?,
        reviewed_at: row.int_opt(8)?,
    })
}

/// A fresh id, for a use that is recorded before it is kept.
///
/// # Errors
/// When the engine refuses.
pub async fn reserve(store: &Store) -> Result<u32, StoreError> {
    let mut transaction = store.begin().await?;
    let id = transaction.allocate("emergencies", 1).await?;
    transaction.commit().await?;
    Ok(u32::try_from(id).unwrap_or(u32::MAX))
}

/// Keeps a use under its reserved id.
///
/// # Errors
/// When principal or study are not there, the id is taken, or the engine refuses.
pub async fn create(store: &Store, new: &Emergency) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO emergencies ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    let values = [
        new.id.into(),
        new.principal.into(),
        (&new.study).into(),
        new.reason_sealed.as_slice().into(),
        new.began_at.into(),
        new.until.into(),
        new.review.as_str().into(),
        new.reviewed_by.into(),
        new.reviewed_at.into(),
    ];
    store.execute(&sql, &values).await.map(|_rows| ())
}

/// The use with `id`.
///
/// # Errors
/// When the engine refuses.
pub async fn by_id(store: &Store, id: u32) -> Result<Option<Emergency>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM emergencies WHERE id = $1");
    store.row(&sql, &[id.into()]).await?.map(|row| emergency(&row)).transpose()
}

/// Uses that have not ended at `now`, oldest first, at most a page after the id `after`.
///
/// # Errors
/// When the engine refuses.
pub async fn running(store: &Store, now: i64, after: u32) -> Result<Vec<Emergency>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM emergencies WHERE until > $1 AND id > $2 ORDER BY id LIMIT {PAGE_ROWS_MAX}");
    store.rows(&sql, &[now.into(), after.into()]).await?.iter().map(emergency).collect()
}

/// Uses that wait for their review, oldest first, at most a page after the id `after`.
///
/// # Errors
/// When the engine refuses.
pub async fn pending(store: &Store, after: u32) -> Result<Vec<Emergency>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM emergencies WHERE review = 'pending' AND id > $1 ORDER BY id LIMIT {PAGE_ROWS_MAX}"
    );
    store.rows(&sql, &[after.into()]).await?.iter().map(emergency).collect()
}

/// Keeps what a reviewer said of a use that nobody reviewed before, and ends it at `now` if it still runs; whether it was
/// kept.
///
/// # Errors
/// When the engine refuses.
pub async fn review(store: &Store, id: u32, review: Review, by: PrincipalId, now: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE emergencies SET review = $2, reviewed_by = $3, reviewed_at = $4, \
               until = CASE WHEN until > $4 THEN $4 ELSE until END WHERE id = $1 AND review = 'pending'";
    Ok(store.execute(sql, &[id.into(), review.as_str().into(), by.into(), now.into()]).await? > 0)
}

/// Uses of whatever review before the id `before`, newest first, at most `limit` and a page.
///
/// # Errors
/// When the engine refuses.
pub async fn newest(store: &Store, before: u32, limit: u32) -> Result<Vec<Emergency>, StoreError> {
    let limit = limit.min(PAGE_ROWS_MAX);
    let sql = format!("SELECT {COLUMNS} FROM emergencies WHERE id < $1 ORDER BY id DESC LIMIT {limit}");
    store.rows(&sql, &[before.into()]).await?.iter().map(emergency).collect()
}
