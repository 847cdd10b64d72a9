//! What a study holds behind the guard, in numbers.

use crate::{PAGE_ROWS_MAX, Row, Store, StoreError};

/// Versions in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Objects: names of which a version is there.
    pub objects: u64,
    /// Versions, without markers of deletion.
    pub versions: u64,
    /// Bytes of plaintext in them.
    pub bytes: u64,
    /// Versions that a legal hold or a retention that is not over keeps.
    pub kept: u64,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.objects += other.objects;
        self.versions += other.versions;
        self.bytes += other.bytes;
        self.kept += other.kept;
    }
}

const COUNTED: &str = "SELECT COUNT(DISTINCT object), COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT), \
                       COALESCE(SUM(CASE WHEN legal_hold = 1 OR retain_until > $2 THEN 1 ELSE 0 END), 0) \
                       FROM guarded_versions";

fn sum(row: &Row) -> Result<Sum, StoreError> {
    Ok(Sum { objects: row.unsigned(0)?, versions: row.unsigned(1)?, bytes: row.unsigned(2)?, kept: row.unsigned(3)? })
}

/// Everything of a study, at `now` in milliseconds since 1970, UTC.
///
/// # Errors
/// When the engine refuses.
pub async fn of_study(store: &Store, study: &str, now: i64) -> Result<Sum, StoreError> {
    let sql = format!("{COUNTED} WHERE study = $1 AND marker = 0 AND state <> 'refused'");
    store.row(&sql, &[study.into(), now.into()]).await?.map_or_else(|| Ok(Sum::default()), |row| sum(&row))
}

/// These objects of a study.
///
/// # Errors
/// When the engine refuses.
pub async fn of_objects(store: &Store, study: &str, objects: &[[u8; 16]], now: i64) -> Result<Sum, StoreError> {
    let mut total = Sum::default();
    for object in objects {
        let sql = format!("{COUNTED} WHERE study = $1 AND object = $3 AND marker = 0 AND state <> 'refused'");
        let values = [study.into(), now.into(), object.as_slice().into()];
        if let Some(row) = store.row(&sql, &values).await? {
            total.add(sum(&row)?);
        }
    }
    Ok(total)
}

/// The distinct sets of labels of what can be seen in a study, each parted by blanks, at most `limit` and a page.
///
/// # Errors
/// When the engine refuses.
pub async fn label_sets(store: &Store, study: &str, limit: u32) -> Result<Vec<String>, StoreError> {
    let sql = format!(
        "SELECT DISTINCT labels FROM guarded_versions WHERE study = $1 AND latest = 1 AND marker = 0 \
         ORDER BY labels LIMIT {}",
        limit.min(PAGE_ROWS_MAX)
    );
    store.rows(&sql, &[study.into()]).await?.iter().map(|row| row.text(0)).collect()
}
