//! Principals: people, services, partners' people, devices and AI agents, and who vouches for them elsewhere.

use model::{PrincipalId, PrincipalKind};

use crate::nouns::{parsed, principal as principal_id};
use crate::{PAGE_ROWS_MAX, Row, Store, StoreError};

/// One principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Its id, never used for another.
    pub id: PrincipalId,
    /// What kind of actor it is.
    pub kind: PrincipalKind,
    /// Its name, unique among those that are not disabled.
    pub name: String,
    /// The user of the console that it is, if any.
    pub user_id: Option<u32>,
    /// The partner organisation that it belongs to, if any.
    pub organisation: Option<String>,
    /// Until when its training is current, in milliseconds since 1970, UTC.
    pub training_until: Option<i64>,
    /// Until when the agreement with its organisation holds.
    pub agreement_until: Option<i64>,
    /// Since when it may reach nothing, although it is not disabled.
    pub contained_at: Option<i64>,
    /// When it was created.
    pub created_at: i64,
    /// Since when it is shut out, if so.
    pub disabled_at: Option<i64>,
}

const COLUMNS: &str = "id, kind, name, user_id, organisation, training_until, agreement_until, contained_at, created_at, \
                       disabled_at";

fn principal(row: &Row) -> Result<Principal, StoreError> {
    Ok(Principal {
        id: principal_id(row, 0)?,
        kind: parsed(row, 1, "a kind of principal")?,
        name: row.text(2)?,
        user_id: row.id_opt(3)?,
        organisation: row.text_opt(4)?,
        training_until: row.int_opt(5)?,
        agreement_until: row.int_opt(6)?,
        contained_at: row.int_opt(7)?,
        created_at: row.int(8)?,
        disabled_at: row.int_opt(9)?,
    })
}

fn taken(name: &str) -> impl FnOnce(StoreError) -> StoreError + '_ {
    move |error| {
        if error.is_unique_violation() {
            StoreError::Exists { what: "principal", name: name.to_owned() }
        } else {
            error
        }
    }
}

/// Creates a principal.
///
/// # Errors
/// When its id was ever used, its name is taken, or the engine refuses.
pub async fn create(store: &Store, principal: &Principal) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO principals ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
    let values = [
        principal.id.into(),
        principal.kind.as_str().into(),
        principal.name.as_str().into(),
        principal.user_id.into(),
        principal.organisation.clone().into(),
        principal.training_until.into(),
        principal.agreement_until.into(),
        principal.contained_at.into(),
        principal.created_at.into(),
        principal.disabled_at.into(),
    ];
    store.execute(&sql, &values).await.map(|_rows| ()).map_err(taken(&principal.name))
}

/// The principal with `id`, disabled or not.
///
/// # Errors
/// When the engine refuses.
pub async fn by_id(store: &Store, id: PrincipalId) -> Result<Option<Principal>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM principals WHERE id = $1");
    store.row(&sql, &[id.into()]).await?.map(|row| principal(&row)).transpose()
}

/// The principal called `name` that is not disabled.
///
/// # Errors
/// When the engine refuses.
pub async fn by_name(store: &Store, name: &str) -> Result<Option<Principal>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM principals WHERE name = $1 AND disabled_at IS NULL");
    store.row(&sql, &[name.into()]).await?.map(|row| principal(&row)).transpose()
}

/// The principal that a user of the console is.
///
/// # Errors
/// When the engine refuses.
pub async fn of_user(store: &Store, user_id: u32) -> Result<Option<Principal>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM principals WHERE user_id = $1");
    store.row(&sql, &[user_id.into()]).await?.map(|row| principal(&row)).transpose()
}

/// Principals after the id `after` (`None`: from the first), disabled or not, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn page(store: &Store, after: Option<PrincipalId>) -> Result<Vec<Principal>, StoreError> {
    let after = after.map_or_else(Vec::new, |id| id.as_bytes().to_vec());
    let sql = format!("SELECT {COLUMNS} FROM principals WHERE id > $1 ORDER BY id LIMIT {PAGE_ROWS_MAX}");
    store.rows(&sql, &[after.into()]).await?.iter().map(principal).collect()
}

/// Principals whose name holds `text` and that are of `kind` (`None`: of any), those that are not disabled first, then by
/// name: those after the first `skip`, at most `limit` and a page. Case is of no account among ASCII letters.
///
/// # Errors
/// When the engine refuses.
pub async fn named_like(
    store: &Store,
    text: &str,
    kind: Option<PrincipalKind>,
    skip: u32,
    limit: u32,
) -> Result<Vec<Principal>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM principals WHERE LOWER(name) LIKE $1 ESCAPE '!' AND ($2 = '' OR kind = $2) \
         ORDER BY CASE WHEN disabled_at IS NULL THEN 0 ELSE 1 END, name, id LIMIT {} OFFSET {skip}",
        limit.min(PAGE_ROWS_MAX)
    );
    let mut like = String::from("%");
    for character in text.chars() {
        if matches!(character, '%' | '_' | '!') {
            like.push('!');
        }
        like.push(character.to_ascii_lowercase());
    }
    like.push('%');
    let kind = kind.map_or("", PrincipalKind::as_str);
    store.rows(&sql, &[like.into(), kind.into()]).await?.iter().map(principal).collect()
}

/// How many principals are not disabled.
///
/// # Errors
/// When the engine refuses.
pub async fn count(store: &Store) -> Result<u64, StoreError> {
    let row = store.row("SELECT COUNT(*) FROM principals WHERE disabled_at IS NULL", &[]).await?;
    row.map_or(Ok(0), |row| row.unsigned(0))
}

/// Keeps everything of a principal that may change: name, user, organisation, attributes, containment, disabling.
///
/// # Errors
/// When its name is taken or the engine refuses.
pub async fn change(store: &Store, principal: &Principal) -> Result<(), StoreError> {
    let sql = "UPDATE principals SET name = $2, user_id = $3, organisation = $4, training_until = $5, \
               agreement_until = $6, contained_at = $7, disabled_at = $8 WHERE id = $1";
    let values = [
        principal.id.into(),
        principal.name.as_str().into(),
        principal.user_id.into(),
        principal.organisation.clone().into(),
        principal.training_until.into(),
        principal.agreement_until.into(),
        principal.contained_at.into(),
        principal.disabled_at.into(),
    ];
    store.execute(sql, &values).await.map(|_rows| ()).map_err(taken(&principal.name))
}

/// Ties a principal to the name `subject` that `issuer` gives it.
///
/// # Errors
/// When the name belongs to a principal already, or the engine refuses.
pub async fn link(store: &Store, id: PrincipalId, issuer: &str, subject: &str, now: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO external_identities (issuer, subject, principal, created_at) VALUES ($1, $2, $3, $4)";
    let linked = store.execute(sql, &[issuer.into(), subject.into(), id.into(), now.into()]).await;
    linked.map(|_rows| ()).map_err(|error| {
        let taken = StoreError::Exists { what: "external identity", name: format!("{subject} of {issuer}") };
        if error.is_unique_violation() { taken } else { error }
    })
}

/// The principal that `issuer` calls `subject`, disabled or not.
///
/// # Errors
/// When the engine refuses.
pub async fn of_external(store: &Store, issuer: &str, subject: &str) -> Result<Option<Principal>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM principals WHERE id = \
         (SELECT principal FROM external_identities WHERE issuer = $1 AND subject = $2)"
    );
    store.row(&sql, &[issuer.into(), subject.into()]).await?.map(|row| principal(&row)).transpose()
}

/// A name that an issuer gives to a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Who vouches.
    pub issuer: String,
    /// Under which name.
    pub subject: String,
    /// Since when, in milliseconds since 1970, UTC.
    pub created_at: i64,
}

/// Who vouches for a principal, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn links_of(store: &Store, id: PrincipalId) -> Result<Vec<Link>, StoreError> {
    let sql = format!(
        "SELECT issuer, subject, created_at FROM external_identities WHERE principal = $1 \
         ORDER BY issuer, subject LIMIT {PAGE_ROWS_MAX}"
    );
    let link = |row: &Row| Ok(Link { issuer: row.text(0)?, subject: row.text(1)?, created_at: row.int(2)? });
    store.rows(&sql, &[id.into()]).await?.iter().map(link).collect()
}

/// Unties the name `subject` of `issuer`; whether it was tied.
///
/// # Errors
/// When the engine refuses.
pub async fn unlink(store: &Store, issuer: &str, subject: &str) -> Result<bool, StoreError> {
    let sql = "DELETE FROM external_identities WHERE issuer = $1 AND subject = $2";
    Ok(store.execute(sql, &[issuer.into(), subject.into()]).await? > 0)
}
