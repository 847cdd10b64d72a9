//! Matches that need nobody's attention, until a day.

use model::{PrincipalId, StudyId};

use crate::nouns::{parsed_opt, principal, principal_opt};
use crate::{PAGE_ROWS_MAX, Row, Store, StoreError, Transaction};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Its number; 0 before it is kept.
    pub id: u32,
    /// Matches of this rule.
    pub rule: String,
    /// By this actor; `None`: by anybody.
    pub principal: Option<PrincipalId>,
    /// In this study; `None`: in any or none.
    pub study: Option<StudyId>,
    /// Why, sealed.
    pub reason_sealed: Vec<u8>,
    /// Who decided it.
    pub by: PrincipalId,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// When it ends.
    pub until: i64,
    /// Matches that it held for.
    pub hits: u64,
}

impl Suppression {
    /// Whether it holds for a match of `rule` by `principal` in `study` at `at`.
    #[must_use]
    pub fn holds(&self, rule: &str, principal: Option<PrincipalId>, study: Option<&StudyId>, at: i64) -> bool {
        self.rule == rule
            && at < self.until
            && (self.principal.is_none() || self.principal == principal)
            && (self.study.is_none() || self.study.as_ref() == study)
    }
}

const COLUMNS: &str = "id, rule, principal, study, reason_sealed, by_principal, created_at, until, hits";

fn suppression(row: &Row) -> Result<Suppression, StoreError> {
    Ok(Suppression {
        id: row.id(0)?,
        rule: row.text(1)?,
        principal: principal_opt(row, 2)?,
        study: parsed_opt(row, 3, "the id of a study")?,
        reason_sealed: row.bytes(4)?,
        by: principal(row, 5)?,
        created_at: row.int(6)?,
        until: row.int(7)?,
        hits: row.unsigned(8)?,
    })
}

/// Keeps a new one; its number.
///
/// # Errors
/// When the engine refuses.
pub async fn create(store: &Store, new: &Suppression) -> Result<u32, StoreError> {
    let mut transaction = store.begin().await?;
    let id = u32::try_from(transaction.allocate("suppressions", 1).await?).unwrap_or(u32::MAX);
    let sql = format!("INSERT INTO suppressions ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)");
    let values = [
        id.into(),
        new.rule.as_str().into(),
        new.principal.into(),
        new.study.as_ref().into(),
        new.reason_sealed.as_slice().into(),
        new.by.into(),
        new.created_at.into(),
        new.until.into(),
    ];
    transaction.execute(&sql, &values).await?;
    transaction.commit().await?;
    Ok(id)
}

/// Those that hold at `now`, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn holding(store: &Store, now: i64) -> Result<Vec<Suppression>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM suppressions WHERE until > $1 ORDER BY id LIMIT {PAGE_ROWS_MAX}");
    store.rows(&sql, &[now.into()]).await?.iter().map(suppression).collect()
}

/// Ends one at `now`; whether it held.
///
/// # Errors
/// When the engine refuses.
pub async fn end(store: &Store, id: u32, now: i64) -> Result<bool, StoreError> {
    let sql = "UPDATE suppressions SET until = $2 WHERE id = $1 AND until > $2";
    Ok(store.execute(sql, &[id.into(), now.into()]).await? > 0)
}

/// Counts matches that one held for.
///
/// # Errors
/// When the engine refuses.
pub async fn count(transaction: &mut Transaction, id: u32, hits: u32) -> Result<(), StoreError> {
    let sql = "UPDATE suppressions SET hits = hits + $2 WHERE id = $1";
    transaction.execute(sql, &[id.into(), hits.into()]).await.map(|_rows| ())
}
