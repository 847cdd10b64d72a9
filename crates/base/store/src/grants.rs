//! Grants: who may do what in which study, from when until when, on whose word.

use model::{Action, Label, PrincipalId, StudyId};

use crate::nouns::{joined, parsed_opt, principal, principal_opt, words};
use crate::{PAGE_ROWS_MAX, Row, Store, StoreError};

/// Where a grant is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GrantState {
    /// Asked for, not approved.
    Requested,
    /// Approved; good from and until its times.
    Active,
    /// Taken back, or its request refused.
    Revoked,
    /// Its time is over.
    Expired,
}

impl GrantState {
    /// As it is kept.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Active => "active",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// One grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Its id, from [`reserve`].
    pub id: u32,
    /// Who may.
    pub principal: PrincipalId,
    /// In which study; `None`: in the organisation itself.
    pub study: Option<StudyId>,
    /// The role that named the actions, if one did.
    pub role: Option<String>,
    /// Do what.
    pub actions: Vec<Action>,
    /// Only to objects that hold nothing but these; `None`: to every object.
    pub labels: Option<Vec<Label>>,
    /// Where it is in its life.
    pub state: GrantState,
    /// Who asked for it.
    pub requested_by: PrincipalId,
    /// When it was asked for, in milliseconds since 1970, UTC.
    pub requested_at: i64,
    /// Why, sealed.
    pub reason_sealed: Option<Vec<u8>>,
    /// Who approved it, or refused.
    pub approved_by: Option<PrincipalId>,
    /// From when it is good.
    pub valid_from: i64,
    /// Until when it is good, if it ends.
    pub valid_until: Option<i64>,
    /// When it was taken back, if so.
    pub ended_at: Option<i64>,
    /// Who took it back.
    pub ended_by: Option<PrincipalId>,
    /// When it last let somebody do something.
    pub last_used_at: Option<i64>,
}

const COLUMNS: &str = "id, principal, study, role, actions, labels, state, requested_by, requested_at, reason_sealed, \
                       approved_by, valid_from, valid_until, ended_at, ended_by, last_used_at";

fn grant(row: &Row) -> Result<Grant, StoreError> {
    let state = match row.text(6)?.as_str() {
        "requested" => GrantState::Requested,
        "active" => GrantState::Active,
        "revoked" => GrantState::Revoked,
        "expired" => GrantState::Expired,
        _ => return Err(StoreError::Shape { column: 6, found: "something else", wanted: "the state of a grant" }),
    };
    Ok(Grant {
        id: row.id(0)?,
        principal: principal(row, 1)?,
        study: parsed_opt(row, 2, "the id of a study")?,
        role: row.text_opt(3)?,
        actions: words(&row.text(4)?, 4, "actions")?,
        labels: row.text_opt(5)?.map(|text| words(&text, 5, "labels")).transpose()?,
        state,
        requested_by: principal(row, 7)?,
        requested_at: row.int(8)?,
        reason_sealed: row.bytes_opt(9)?,
        approved_by: principal_opt(row, 10)?,
        valid_from: row.int(11)?,
        valid_until: row.int_opt(12)?,
        ended_at: row.int_opt(13)?,
        ended_by: principal_opt(row, 14)?,
        last_used_at: row.int_opt(15)?,
    })
}

/// A fresh id, for a grant that is recorded before it is kept.
///
/// # Errors
/// When the engine refuses.
pub async fn reserve(store: &Store) -> Result<u32, StoreError> {
    let mut transaction = store.begin().await?;
    let id = transaction.allocate("grants", 1).await?;
    transaction.commit().await?;
    Ok(u32::try_from(id).unwrap_or(u32::MAX))
}

/// Keeps a new grant under its reserved id.
///
/// # Errors
/// When principal or study are not there, the id is taken, or the engine refuses.
pub async fn create(store: &Store, grant: &Grant) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO grants ({COLUMNS}) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
    );
    let values = [
        grant.id.into(),
        grant.principal.into(),
        grant.study.as_ref().into(),
        grant.role.clone().into(),
        joined(&grant.actions).into(),
        grant.labels.as_deref().map(joined).into(),
        grant.state.as_str().into(),
        grant.requested_by.into(),
        grant.requested_at.into(),
        grant.reason_sealed.clone().into(),
        grant.approved_by.into(),
        grant.valid_from.into(),
        grant.valid_until.into(),
        grant.ended_at.into(),
        grant.ended_by.into(),
        grant.last_used_at.into(),
    ];
    store.execute(&sql, &values).await.map(|_rows| ())
}

/// The grant with `id`.
///
/// # Errors
/// When the engine refuses.
pub async fn by_id(store: &Store, id: u32) -> Result<Option<Grant>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM grants WHERE id = $1");
    store.row(&sql, &[id.into()]).await?.map(|row| grant(&row)).transpose()
}

/// Grants of a state after the id `after`, oldest first, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn in_state(store: &Store, state: GrantState, after: u32) -> Result<Vec<Grant>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM grants WHERE state = $1 AND id > $2 ORDER BY id LIMIT {PAGE_ROWS_MAX}");
    store.rows(&sql, &[state.as_str().into(), after.into()]).await?.iter().map(grant).collect()
}

/// Every grant of a principal, whatever its state, oldest first, at most a page after the id `after`.
///
/// # Errors
/// When the engine refuses.
pub async fn of(store: &Store, principal: PrincipalId, after: u32) -> Result<Vec<Grant>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM grants WHERE principal = $1 AND id > $2 ORDER BY id LIMIT {PAGE_ROWS_MAX}");
    store.rows(&sql, &[principal.into(), after.into()]).await?.iter().map(grant).collect()
}

/// Keeps what may change of a grant, if it is still in the state `from`; whether it was.
///
/// # Errors
/// When the engine refuses.
pub async fn change(store: &Store, grant: &Grant, from: GrantState) -> Result<bool, StoreError> {
    let sql = "UPDATE grants SET actions = $2, labels = $3, state = $4, approved_by = $5, valid_from = $6, \
               valid_until = $7, ended_at = $8, ended_by = $9, role = $10 WHERE id = $1 AND state = $11";
    let values = [
        grant.id.into(),
        joined(&grant.actions).into(),
        grant.labels.as_deref().map(joined).into(),
        grant.state.as_str().into(),
        grant.approved_by.into(),
        grant.valid_from.into(),
        grant.valid_until.into(),
        grant.ended_at.into(),
        grant.ended_by.into(),
        grant.role.clone().into(),
        from.as_str().into(),
    ];
    Ok(store.execute(sql, &values).await? > 0)
}

/// Notes when grants were last used.
///
/// # Errors
/// When the engine refuses.
pub async fn touch(store: &Store, uses: &[(u32, i64)]) -> Result<(), StoreError> {
    if uses.is_empty() {
        return Ok(());
    }
    let mut transaction = store.begin().await?;
    let sql = "UPDATE grants SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";
    for (id, at) in uses {
        transaction.execute(sql, &[(*id).into(), (*at).into()]).await?;
    }
    transaction.commit().await
}

/// Active grants that were given before `since` and not used since then, oldest first, at most a page after the id
/// `after`.
///
/// # Errors
/// When the engine refuses.
pub async fn unused(store: &Store, since: i64, after: u32) -> Result<Vec<Grant>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM grants WHERE state = 'active' AND id > $2 AND valid_from < $1 \
         AND (last_used_at IS NULL OR last_used_at < $1) ORDER BY id LIMIT {PAGE_ROWS_MAX}"
    );
    store.rows(&sql, &[since.into(), after.into()]).await?.iter().map(grant).collect()
}

/// Grants that nobody else stands behind yet: given by one person, in force, and with an action that takes two people. Oldest
/// first, at most a page after the id `after`.
///
/// # Errors
/// When the engine refuses.
pub async fn countersignable(store: &Store, now: i64, after: u32) -> Result<Vec<Grant>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM grants WHERE state = 'active' AND approved_by IS NULL AND id > $1 \
         AND (valid_until IS NULL OR valid_until > $2) \
         AND (actions LIKE '%delete%' OR actions LIKE '%export%' OR actions LIKE '%administer%') \
         ORDER BY id LIMIT {PAGE_ROWS_MAX}"
    );
    store.rows(&sql, &[after.into(), now.into()]).await?.iter().map(grant).collect()
}

/// How many requests wait, and how many active grants were given before `since` and not used since then.
///
/// # Errors
/// When the engine refuses.
pub async fn waiting(store: &Store, since: i64) -> Result<(u64, u64), StoreError> {
    let sql = "SELECT (SELECT COUNT(*) FROM grants WHERE state = 'requested'), \
               (SELECT COUNT(*) FROM grants WHERE state = 'active' AND valid_from < $1 \
               AND (last_used_at IS NULL OR last_used_at < $1))";
    match store.row(sql, &[since.into()]).await? {
        Some(row) => Ok((row.unsigned(0)?, row.unsigned(1)?)),
        None => Ok((0, 0)),
    }
}
