//! Statements over many rows at once: what makes bulk ingest fast on both engines.

use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::{Engine, Row, StoreError, Transaction, Value};

/// Values bound by one statement. SQLite allows 32,766, PostgreSQL 65,535; far fewer already reach full speed.
const VALUES_MAX: usize = 4_000;
/// Statements of one question that run at once.
const AT_ONCE: usize = 2;

/// Rows to insert into one table, or to replace by key.
pub struct Insert {
    table: &'static str,
    columns: &'static [&'static str],
    suffix: String,
    values: Vec<Value>,
}

impl Insert {
    /// Plain inserts.
    #[must_use]
    pub fn into(table: &'static str, columns: &'static [&'static str]) -> Self {
        Self { table, columns, suffix: String::new(), values: Vec::new() }
    }

    /// Inserts that leave rows alone whose `key` is there already.
    #[must_use]
    pub fn or_ignore(table: &'static str, columns: &'static [&'static str], key: &str) -> Self {
        Self { table, columns, suffix: format!(" ON CONFLICT ({key}) DO NOTHING"), values: Vec::new() }
    }

    /// Inserts that overwrite every other column where `key` (comma-separated columns) is there already.
    #[must_use]
    pub fn or_replace(table: &'static str, columns: &'static [&'static str], key: &str) -> Self {
        let keys: Vec<&str> = key.split(", ").collect();
        let set: Vec<String> =
            columns.iter().filter(|c| !keys.contains(c)).map(|c| format!("{c} = excluded.{c}")).collect();
        Self {
            table,
            columns,
            suffix: format!(" ON CONFLICT ({key}) DO UPDATE SET {}", set.join(", ")),
            values: Vec::new(),
        }
    }

    /// Inserts that end in `suffix`, such as an `ON CONFLICT` clause of their own.
    #[must_use]
    pub fn with_suffix(table: &'static str, columns: &'static [&'static str], suffix: &str) -> Self {
        Self { table, columns, suffix: format!(" {suffix}"), values: Vec::new() }
    }

    /// Adds one row: as many values as there are columns.
    pub fn row<const N: usize>(&mut self, values: [Value; N]) {
        assert!(N == self.columns.len(), "a row of `{}` has as many values as columns", self.table);
        self.values.extend(values);
    }

    /// Rows added so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() / self.columns.len()
    }

    /// Whether no row was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Writes all rows.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn run(self, transaction: &mut Transaction) -> Result<(), StoreError> {
        let width = self.columns.len();
        let step = (VALUES_MAX / width).max(1) * width;
        let head = format!("INSERT INTO {} ({}) VALUES ", self.table, self.columns.join(", "));
        for values in self.values.chunks(step) {
            let mut sql = head.clone();
            placeholders(&mut sql, transaction.engine(), values.len(), width, 0);
            sql.push_str(&self.suffix);
            transaction.execute(&sql, values).await?;
        }
        Ok(())
    }
}

/// Rows to delete by key.
pub struct Delete {
    table: &'static str,
    column: &'static str,
    keys: Vec<Value>,
}

impl Delete {
    /// Deletes rows of `table` by `column`.
    #[must_use]
    pub fn from(table: &'static str, column: &'static str, keys: Vec<Value>) -> Self {
        Self { table, column, keys }
    }

    /// Deletes them.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn run(self, transaction: &mut Transaction) -> Result<(), StoreError> {
        for keys in self.keys.chunks(VALUES_MAX) {
            let mut sql = format!("DELETE FROM {} WHERE {} IN (", self.table, self.column);
            list(&mut sql, transaction.engine(), keys.len());
            sql.push(')');
            transaction.execute(&sql, keys).await?;
        }
        Ok(())
    }
}

/// Rows of `select` (which ends before `IN`) whose key is one of `keys`: `SELECT … WHERE id IN (…)`.
///
/// # Errors
/// When the engine refuses.
pub async fn select_in(transaction: &mut Transaction, select: &str, keys: &[Value]) -> Result<Vec<Row>, StoreError> {
    let mut rows = Vec::new();
    for keys in keys.chunks(VALUES_MAX) {
        let mut sql = format!("{select} IN (");
        list(&mut sql, transaction.engine(), keys.len());
        sql.push(')');
        rows.extend(transaction.rows(&sql, keys).await?);
    }
    Ok(rows)
}

/// As [`select_in`], outside a transaction.
///
/// # Errors
/// When the engine refuses.
pub(crate) async fn select_in_store(
    store: &crate::Store,
    select: &str,
    keys: &[Value],
) -> Result<Vec<Row>, StoreError> {
    let some = |keys: &[Value]| {
        let keys = keys.to_vec();
        async move {
            let mut sql = format!("{select} IN (");
            list(&mut sql, store.engine(), keys.len());
            sql.push(')');
            store.rows(&sql, &keys).await
        }
    };
    // Many keys are asked for on two connections, so that the next rows are read while these are taken.
    let asked = futures_util::stream::iter(keys.chunks(VALUES_MAX).map(some)).buffered(AT_ONCE);
    asked.try_concat().await
}

/// Rows of `select` (which ends before `IN`) whose pair of columns is one of `pairs` (flattened).
///
/// # Errors
/// When the engine refuses.
pub(crate) async fn select_in_pairs(
    transaction: &mut Transaction,
    select: &str,
    pairs: &[Value],
) -> Result<Vec<Row>, StoreError> {
    let mut rows = Vec::new();
    for pairs in pairs.chunks(VALUES_MAX) {
        let mut sql = format!("{select} IN (VALUES ");
        placeholders(&mut sql, transaction.engine(), pairs.len(), 2, 0);
        sql.push(')');
        rows.extend(transaction.rows(&sql, pairs).await?);
    }
    Ok(rows)
}

/// `(?, ?), (?, ?)` or `($1, $2), ($3, $4)`. SQLite keeps numbered parameters as names in a list that it walks for
/// every one of them, which is quadratic in a statement of thousands; plain question marks are not.
fn placeholders(sql: &mut String, engine: Engine, values: usize, width: usize, first: usize) {
    use std::fmt::Write as _;
    for at in 0..values {
        let separator = match (at % width, at) {
            (0, 0) => "(",
            (0, _) => "), (",
            _ => ", ",
        };
        sql.push_str(separator);
        match engine {
            Engine::Sqlite => sql.push('?'),
            Engine::Postgres => {
                let _infallible = write!(sql, "${}", first + at + 1);
            }
        }
    }
    sql.push(')');
}

fn list(sql: &mut String, engine: Engine, values: usize) {
    let start = sql.len();
    placeholders(sql, engine, values, values, 0);
    sql.truncate(sql.len() - 1);
    sql.remove(start);
}
