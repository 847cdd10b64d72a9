//! What was found in an object: identifiers by type, masked samples, problems.

use crate::{Delete, Insert, Store, StoreError, Transaction, Value, select_in};

/// How often a type of identifier occurs in an object.
#[derive(Debug, Clone, PartialEq)]
pub struct IdentifierRow {
    /// The object.
    pub object_id: u32,
    /// The type's name.
    pub kind: String,
    /// Occurrences.
    pub occurrences: u64,
    /// Mean confidence, 0 to 1.
    pub confidence: f64,
    /// Occurrences by finer kind: a JSON object.
    pub finer: String,
}

/// A masked example.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleRow {
    /// The object.
    pub object_id: u32,
    /// The type's name.
    pub kind: String,
    /// Shape kept, letters and digits replaced.
    pub masked: String,
    /// Place in the format's own terms.
    pub place: String,
    /// 0 to 1.
    pub confidence: f64,
    /// Id of what found it.
    pub recognizer: String,
    /// Why, in words.
    pub why: String,
}

/// One reason why something of an object was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemRow {
    /// The object.
    pub object_id: u32,
    /// Stable code of the kind.
    pub kind: String,
    /// One line.
    pub message: String,
}

/// Everything that was found in some objects.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// Identifiers by type.
    pub identifiers: Vec<IdentifierRow>,
    /// Masked samples.
    pub samples: Vec<SampleRow>,
    /// Problems.
    pub problems: Vec<ProblemRow>,
}

/// Replaces all that is kept of `objects` (ids that were there before) by `findings`.
///
/// # Errors
/// When the engine refuses.
pub async fn replace(transaction: &mut Transaction, objects: &[u32], findings: &Findings) -> Result<(), StoreError> {
    let keys: Vec<Value> = objects.iter().map(|id| (*id).into()).collect();
    for table in ["identifiers", "samples", "problems"] {
        Delete::from(table, "object_id", keys.clone()).run(transaction).await?;
    }
    let mut insert = Insert::into("identifiers", &["object_id", "type", "occurrences", "confidence", "finer"]);
    for row in &findings.identifiers {
        let occurrences = row.occurrences.into();
        insert.row([
            row.object_id.into(),
            row.kind.clone().into(),
            occurrences,
            row.confidence.into(),
            row.finer.clone().into(),
        ]);
    }
    insert.run(transaction).await?;
    let columns = &["object_id", "ordinal", "type", "masked", "place", "confidence", "recognizer", "why"];
    let mut insert = Insert::into("samples", columns);
    for (row, ordinal) in findings.samples.iter().zip(ordinals(findings.samples.iter().map(|row| row.object_id))) {
        insert.row([
            row.object_id.into(),
            ordinal.into(),
            row.kind.clone().into(),
            row.masked.clone().into(),
            row.place.clone().into(),
            row.confidence.into(),
            row.recognizer.clone().into(),
            row.why.clone().into(),
        ]);
    }
    insert.run(transaction).await?;
    let mut insert = Insert::into("problems", &["object_id", "ordinal", "kind", "message"]);
    for (row, ordinal) in findings.problems.iter().zip(ordinals(findings.problems.iter().map(|row| row.object_id))) {
        insert.row([row.object_id.into(), ordinal.into(), row.kind.clone().into(), row.message.clone().into()]);
    }
    insert.run(transaction).await
}

/// 0, 1, 2 … within each run of equal object ids.
fn ordinals(objects: impl Iterator<Item = u32>) -> impl Iterator<Item = u32> {
    objects.scan((None, 0), |(last, next), object| {
        *next = if *last == Some(object) { *next + 1 } else { 0 };
        *last = Some(object);
        Some(*next)
    })
}

/// Identifiers of any of `objects`.
///
/// # Errors
/// When the engine refuses.
pub async fn of_objects(transaction: &mut Transaction, objects: &[u32]) -> Result<Vec<IdentifierRow>, StoreError> {
    let keys: Vec<Value> = objects.iter().map(|id| (*id).into()).collect();
    let select = "SELECT object_id, type, occurrences, confidence, finer FROM identifiers WHERE object_id";
    select_in(transaction, select, &keys).await?.iter().map(identifier).collect()
}

/// As [`of_objects`], outside a transaction.
///
/// # Errors
/// When the engine refuses.
pub async fn of_page(store: &Store, objects: &[u32]) -> Result<Vec<IdentifierRow>, StoreError> {
    let keys: Vec<Value> = objects.iter().map(|id| (*id).into()).collect();
    let select = "SELECT object_id, type, occurrences, confidence, finer FROM identifiers WHERE object_id";
    crate::batch::select_in_store(store, select, &keys).await?.iter().map(identifier).collect()
}

fn identifier(row: &crate::Row) -> Result<IdentifierRow, StoreError> {
    Ok(IdentifierRow {
        object_id: row.id(0)?,
        kind: row.text(1)?,
        occurrences: row.unsigned(2)?,
        confidence: row.real(3)?,
        finer: row.text(4)?,
    })
}

/// Everything kept of one object.
///
/// # Errors
/// When the engine refuses.
pub async fn findings(store: &Store, object_id: u32) -> Result<Findings, StoreError> {
    let limit = crate::PAGE_ROWS_MAX;
    let key = [Value::from(object_id)];
    let sql =
        "SELECT object_id, type, occurrences, confidence, finer FROM identifiers WHERE object_id = $1 ORDER BY type";
    let identifiers = store.rows(sql, &key).await?.iter().map(identifier).collect::<Result<_, _>>()?;
    let sql = format!(
        "SELECT type, masked, place, confidence, recognizer, why FROM samples WHERE object_id = $1 \
         ORDER BY ordinal LIMIT {limit}"
    );
    let sample = |row: &crate::Row| {
        Ok::<_, StoreError>(SampleRow {
            object_id,
            kind: row.text(0)?,
            masked: row.text(1)?,
            place: row.text(2)?,
            confidence: row.real(3)?,
            recognizer: row.text(4)?,
            why: row.text(5)?,
        })
    };
    let samples = store.rows(&sql, &key).await?.iter().map(sample).collect::<Result<_, _>>()?;
    let sql = format!("SELECT kind, message FROM problems WHERE object_id = $1 ORDER BY ordinal LIMIT {limit}");
    let problem =
        |row: &crate::Row| Ok::<_, StoreError>(ProblemRow { object_id, kind: row.text(0)?, message: row.text(1)? });
    let problems = store.rows(&sql, &key).await?.iter().map(problem).collect::<Result<_, _>>()?;
    Ok(Findings { identifiers, samples, problems })
}

/// Problems of the objects of a page, in the order in which they were met.
///
/// # Errors
/// When the engine refuses.
pub async fn problems_of_page(store: &Store, objects: &[u32]) -> Result<Vec<ProblemRow>, StoreError> {
    let keys: Vec<Value> = objects.iter().map(|id| (*id).into()).collect();
    let select = "SELECT object_id, ordinal, kind, message FROM problems WHERE object_id";
    let rows = crate::batch::select_in_store(store, select, &keys).await?;
    let mut problems = Vec::with_capacity(rows.len());
    for row in &rows {
        problems.push((row.id(1)?, ProblemRow { object_id: row.id(0)?, kind: row.text(2)?, message: row.text(3)? }));
    }
    problems.sort_by_key(|(ordinal, problem)| (problem.object_id, *ordinal));
    Ok(problems.into_iter().map(|(_, problem)| problem).collect())
}

/// A problem with the object that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemOfObject {
    /// The problem.
    pub problem: ProblemRow,
    /// Position among the object's problems.
    pub ordinal: u32,
    /// The object's path.
    pub path: String,
    /// The object's format.
    pub format: String,
    /// The object's state.
    pub state: String,
}

/// Problems of all objects that are not gone, newest objects first, before the one with `(object, ordinal)`.
///
/// # Errors
/// When the engine refuses.
pub async fn problems_page(
    store: &Store,
    before: Option<(u32, u32)>,
    limit: u32,
) -> Result<Vec<ProblemOfObject>, StoreError> {
    let sql = format!(
        "SELECT p.object_id, p.ordinal, p.kind, p.message, o.path, o.format, o.state FROM problems p \
         JOIN objects o ON o.id = p.object_id WHERE (p.object_id, p.ordinal) < ($1, $2) \
         ORDER BY p.object_id DESC, p.ordinal DESC LIMIT {}",
        limit.min(crate::PAGE_ROWS_MAX)
    );
    let (object, ordinal) = before.unwrap_or((u32::MAX, 0));
    let rows = store.rows(&sql, &[object.into(), ordinal.into()]).await?;
    rows.iter()
        .map(|row| {
            Ok(ProblemOfObject {
                problem: ProblemRow { object_id: row.id(0)?, kind: row.text(2)?, message: row.text(3)? },
                ordinal: row.id(1)?,
                path: row.text(4)?,
                format: row.text(5)?,
                state: row.text(6)?,
            })
        })
        .collect()
}
