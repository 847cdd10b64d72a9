//! Studies: what data, keys and grants are kept apart by.

use model::StudyId;

use crate::nouns::parsed;
use crate::{PAGE_ROWS_MAX, Row, Store, StoreError};

/// One study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Study {
    /// Its id, which is its bucket's name too.
    pub id: StudyId,
    /// Its title.
    pub title: String,
    /// Who is responsible for it.
    pub sponsor: Option<String>,
    /// Where its data may reside: ISO 3166-1 alpha-2 codes, sorted. Empty: nowhere outside.
    pub countries: Vec<String>,
    /// Milliseconds since 1970, UTC.
    pub created_at: i64,
    /// Since when nobody may reach it, if so.
    pub contained_at: Option<i64>,
    /// Since when nothing in it may change, if so.
    pub closed_at: Option<i64>,
}

const COLUMNS: &str = "id, title, sponsor, countries, created_at, contained_at, closed_at";

fn study(row: &Row) -> Result<Study, StoreError> {
    Ok(Study {
        id: parsed(row, 0, "the id of a study")?,
        title: row.text(1)?,
        sponsor: row.text_opt(2)?,
        countries: row.text(3)?.split_ascii_whitespace().map(str::to_owned).collect(),
        created_at: row.int(4)?,
        contained_at: row.int_opt(5)?,
        closed_at: row.int_opt(6)?,
    })
}

/// Creates a study.
///
/// # Errors
/// When there is one with this id, open or closed, or the engine refuses.
pub async fn create(store: &Store, study: &Study) -> Result<(), StoreError> {
    let sql = "INSERT INTO studies (id, title, sponsor, countries, created_at) VALUES ($1, $2, $3, $4, $5)";
    let values = [
        (&study.id).into(),
        study.title.as_str().into(),
        study.sponsor.clone().into(),
        study.countries.join(" ").into(),
        study.created_at.into(),
    ];
    let exists = |error: StoreError| {
        let taken = StoreError::Exists { what: "study", name: study.id.to_string() };
        if error.is_unique_violation() { taken } else { error }
    };
    store.execute(sql, &values).await.map(|_rows| ()).map_err(exists)
}

/// The study with `id`.
///
/// # Errors
/// When the engine refuses.
pub async fn by_id(store: &Store, id: &StudyId) -> Result<Option<Study>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM studies WHERE id = $1");
    store.row(&sql, &[id.into()]).await?.map(|row| study(&row)).transpose()
}

/// Studies after the id `after` in the order of ids, at most a page.
///
/// # Errors
/// When the engine refuses.
pub async fn page(store: &Store, after: &str) -> Result<Vec<Study>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM studies WHERE id > $1 ORDER BY id LIMIT {PAGE_ROWS_MAX}");
    store.rows(&sql, &[after.into()]).await?.iter().map(study).collect()
}

/// Keeps a study's title, sponsor, countries, containment and closing.
///
/// # Errors
/// When the engine refuses.
pub async fn change(store: &Store, study: &Study) -> Result<(), StoreError> {
    let sql = "UPDATE studies SET title = $2, sponsor = $3, countries = $4, contained_at = $5, closed_at = $6 \
               WHERE id = $1";
    let values = [
        (&study.id).into(),
        study.title.as_str().into(),
        study.sponsor.clone().into(),
        study.countries.join(" ").into(),
        study.contained_at.into(),
        study.closed_at.into(),
    ];
    store.execute(sql, &values).await.map(|_rows| ())
}

/// How many studies there are.
///
/// # Errors
/// When the engine refuses.
pub async fn count(store: &Store) -> Result<u64, StoreError> {
    let row = store.row("SELECT COUNT(*) FROM studies", &[]).await?;
    row.map_or(Ok(0), |row| row.unsigned(0))
}
