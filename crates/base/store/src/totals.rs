//! Sums kept up to date with every object.

use std::collections::BTreeMap;

use crate::objects::ObjectRow;
use crate::{Insert, Row, Store, StoreError, Transaction};

/// What a sum is over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TotalKey {
    /// The source.
    pub source_id: u32,
    /// The study; empty when unknown.
    pub study: String,
    /// The format's name.
    pub format: String,
    /// Labels in force, sorted, joined by commas.
    pub labels: String,
    /// `present`, `gone` or `unreadable`.
    pub state: String,
}

/// One sum, or a change to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    /// Objects.
    pub objects: i64,
    /// Their bytes. What lies in an archive counts with its expanded size, the archive around it does not.
    pub bytes: i64,
    /// Problems met.
    pub problems: i64,
}

/// Changes to the sums, to be written together.
#[derive(Debug, Default)]
pub struct Deltas {
    totals: BTreeMap<TotalKey, Total>,
    identifiers: BTreeMap<String, (i64, i64)>,
}

impl Deltas {
    /// Counts an object in (`sign` 1) or out (`sign` -1).
    pub fn object(&mut self, object: &ObjectRow, sign: i64) {
        let key = TotalKey {
            source_id: object.source_id,
            study: object.study.clone(),
            format: object.format.clone(),
            labels: object.labels.clone(),
            state: object.state.clone(),
        };
        let total = self.totals.entry(key).or_default();
        total.objects += sign;
        if object.members == 0 {
            total.bytes += sign * i64::try_from(object.bytes).unwrap_or(i64::MAX);
        }
        total.problems += sign * i64::try_from(object.problems).unwrap_or(i64::MAX);
    }

    /// Counts a type of identifier of one object in or out.
    pub fn identifier(&mut self, kind: &str, occurrences: u64, sign: i64) {
        let entry = self.identifiers.entry(kind.to_owned()).or_default();
        entry.0 += sign;
        entry.1 += sign * i64::try_from(occurrences).unwrap_or(i64::MAX);
    }

    /// Writes them.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn run(self, transaction: &mut Transaction) -> Result<(), StoreError> {
        let columns = &["source_id", "study", "format", "labels", "state", "objects", "bytes", "problems"];
        let suffix = "ON CONFLICT (source_id, study, format, labels, state) DO UPDATE SET \
                      objects = totals.objects + excluded.objects, bytes = totals.bytes + excluded.bytes, \
                      problems = totals.problems + excluded.problems";
        let mut insert = Insert::with_suffix("totals", columns, suffix);
        for (key, total) in self.totals.into_iter().filter(|(_, total)| *total != Total::default()) {
            insert.row([
                key.source_id.into(),
                key.study.into(),
                key.format.into(),
                key.labels.into(),
                key.state.into(),
                total.objects.into(),
                total.bytes.into(),
                total.problems.into(),
            ]);
        }
        insert.run(transaction).await?;
        let suffix = "ON CONFLICT (type) DO UPDATE SET objects = identifier_totals.objects + excluded.objects, \
                      occurrences = identifier_totals.occurrences + excluded.occurrences";
        let mut insert = Insert::with_suffix("identifier_totals", &["type", "objects", "occurrences"], suffix);
        for (kind, (objects, occurrences)) in self.identifiers.into_iter().filter(|(_, sums)| *sums != (0, 0)) {
            insert.row([kind.into(), objects.into(), occurrences.into()]);
        }
        insert.run(transaction).await
    }
}

/// Every sum over at least one object. Their number follows the combinations in use, not the objects.
///
/// # Errors
/// When the engine refuses.
pub async fn all(store: &Store) -> Result<Vec<(TotalKey, Total)>, StoreError> {
    let sql = "SELECT source_id, study, format, labels, state, objects, bytes, problems FROM totals WHERE objects > 0";
    let total = |row: &Row| {
        let key = TotalKey {
            source_id: row.id(0)?,
            study: row.text(1)?,
            format: row.text(2)?,
            labels: row.text(3)?,
            state: row.text(4)?,
        };
        Ok((key, Total { objects: row.int(5)?, bytes: row.int(6)?, problems: row.int(7)? }))
    };
    store.rows(sql, &[]).await?.iter().map(total).collect()
}

/// Identifiers by type: objects that hold it, and occurrences.
///
/// # Errors
/// When the engine refuses.
pub async fn identifiers(store: &Store) -> Result<Vec<(String, u64, u64)>, StoreError> {
    let sql = "SELECT type, objects, occurrences FROM identifier_totals WHERE objects > 0 ORDER BY type";
    let rows = store.rows(sql, &[]).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.unsigned(1)?, row.unsigned(2)?))).collect()
}
