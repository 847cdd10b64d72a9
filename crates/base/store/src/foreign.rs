//! Databases of others, read as sources: which tables they hold, and their rows as text, a batch at a time.
//!
//! Nothing is ever written to them: sessions are read-only, take no lock but the one that every `SELECT` takes, wait
//! for nobody longer than [`LOCK_TIMEOUT`], and let no statement run longer than [`STATEMENT_TIMEOUT`]. Addresses are
//! kept without user and password; messages of the engine that may quote a value of a row are never passed on.

mod batches;
mod cell;
mod postgres;
mod sqlite;

use std::path::Path;
use std::time::Duration;

pub use batches::{Batch, ForeignRows};

use crate::Engine;

/// How long connecting may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a statement waits for a lock that somebody else holds.
pub const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one statement may run. Rows are fetched by many short statements; on SQLite it is the time that the next
/// row may take.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);
/// The most tables and views of one database.
pub const TABLES_MAX: usize = 100_000;
/// The most rows read from a view, which may be without end.
pub const VIEW_ROWS_MAX: u64 = 10_000_000;
/// The most characters of one value; see [`ForeignRows::cut_values`].
pub const TEXT_CHARS_MAX: usize = 4 * 1024 * 1024;
/// The most bytes read of one binary value, which becomes text when it is UTF-8 and its length otherwise.
pub const BINARY_BYTES_MAX: usize = 64 * 1024;

/// Why a foreign database could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    /// The address is none. It is not repeated, because it may hold a password.
    #[error(
        "the database address cannot be understood ({reason}); write `postgres://user:password@host:5432/database`, with special characters of the password as %XX"
    )]
    Address {
        /// What is wrong with it.
        reason: String,
    },
    /// It cannot be opened.
    #[error("the database `{location}` cannot be opened: {reason}")]
    Open {
        /// The address without user and password, or the path.
        location: String,
        /// Why, and what to do next.
        reason: String,
    },
    /// Its tables cannot be listed.
    #[error("the tables of `{location}` cannot be listed: {reason}")]
    List {
        /// The address without user and password, or the path.
        location: String,
        /// Why, and what to do next.
        reason: String,
    },
    /// A table cannot be read, or not to its end.
    #[error("the table `{table}` cannot be read: {reason}")]
    Read {
        /// Schema and name.
        table: String,
        /// Why, and what to do next.
        reason: String,
    },
}

/// A database of somebody else. It holds no connection; each call opens its own and closes it.
#[derive(Clone)]
pub struct Foreign {
    at: At,
    location: String,
}

#[derive(Clone)]
enum At {
    Postgres(Box<sqlx::postgres::PgConnectOptions>),
    Sqlite(std::path::PathBuf),
}

/// Shows the location alone, never the password.
impl std::fmt::Debug for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Foreign").field("location", &self.location).finish_non_exhaustive()
    }
}

/// What kind of table it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TableKind {
    /// A table.
    Table,
    /// A table that stands for all its partitions, which are not listed.
    Partitioned,
    /// A view, worked out while it is read.
    View,
    /// A view whose rows are kept.
    MaterializedView,
    /// A table whose rows another server or a module gives.
    Foreign,
}

/// Whether it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// All of it.
    Full,
    /// Some columns or rows are withheld from this user; the reason says which.
    Partial(String),
    /// Nothing of it can be read; the reason says why.
    None(String),
}

/// One column that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignColumn {
    /// Its name.
    pub name: String,
    /// The engine's name of its type; of a domain, the type beneath.
    pub type_name: String,
    /// What somebody wrote about it.
    pub comment: Option<String>,
}

/// One table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignTable {
    /// Its schema; `main` in SQLite.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: TableKind,
    /// Columns that can be read, in their order.
    pub columns: Vec<ForeignColumn>,
    /// Rows as the engine estimates them; `None` where it does not know.
    pub rows_estimated: Option<u64>,
    /// Bytes on disk without indexes; `None` where the engine does not tell.
    pub bytes: Option<u64>,
    /// Who owns it.
    pub owner: Option<String>,
    /// What somebody wrote about it.
    pub comment: Option<String>,
    /// Equal stamps mean that its rows are the same; `None` where nothing tells. PostgreSQL counts changes up to ten
    /// seconds late: what changed just before the listing may show in the next stamp only.
    pub stamp: Option<String>,
    /// Whether it can be read.
    pub access: Access,
}

impl ForeignTable {
    /// `schema.name`, as people write it. Not quoted, so not for statements.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// How many rows of a table are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// Every row.
    All,
    /// About this many, spread over the table where the engine can do so cheaply; never more. The same table gives
    /// the same rows.
    Rows(u64),
}

impl Foreign {
    /// A PostgreSQL database at `url`. What the address leaves out is taken from `PGHOST`, `PGPORT`, `PGUSER`,
    /// `PGPASSWORD`, `PGDATABASE` and the password file, as every client does. Nothing is connected yet.
    ///
    /// # Errors
    /// When `url` is no such address.
    pub fn postgres(url: &str) -> Result<Self, ForeignError> {
        let options = postgres::options(url)?;
        Ok(Self { location: postgres::location(&options), at: At::Postgres(Box::new(options)) })
    }

    /// A SQLite file. Nothing is opened yet.
    #[must_use]
    pub fn sqlite(path: &Path) -> Self {
        Self { location: path.display().to_string(), at: At::Sqlite(path.to_owned()) }
    }

    /// Which engine it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.at {
            At::Postgres(_) => Engine::Postgres,
            At::Sqlite(_) => Engine::Sqlite,
        }
    }

    /// The address without user and password, or the path.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Every table and view outside the engine's own schemas, by schema and name. One that cannot be read is there
    /// with the reason.
    ///
    /// # Errors
    /// When the database cannot be opened or listed at all.
    pub async fn tables(&self) -> Result<Vec<ForeignTable>, ForeignError> {
        match &self.at {
            At::Postgres(options) => postgres::tables(options, &self.location).await,
            At::Sqlite(path) => sqlite::tables(path, &self.location).await,
        }
    }

    /// Rows of a table in batches of at most `batch_rows` and a few megabytes, each value as text and `None` for null,
    /// in the order of `table.columns`. All rows are of one moment.
    ///
    /// # Errors
    /// When the database cannot be opened or the table cannot be read.
    pub async fn rows(
        &self,
        table: &ForeignTable,
        sample: Sample,
        batch_rows: u32,
    ) -> Result<ForeignRows, ForeignError> {
        if let Access::None(reason) = &table.access {
            return Err(ForeignError::Read { table: table.path(), reason: reason.clone() });
        }
        match &self.at {
            At::Postgres(options) => postgres::rows(options, &self.location, table, sample, batch_rows).await,
            At::Sqlite(path) => sqlite::rows(path, &self.location, table, sample, batch_rows).await,
        }
    }
}

/// A name as both engines take it in a statement, whatever it holds.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// How many rows the statement may give at most, and whether more would be a fault.
fn limit(table: &ForeignTable, sample: Sample) -> Limit {
    match (sample, table.kind) {
        (Sample::Rows(rows), _) => Limit { rows: rows.min(i64::MAX as u64), is_fault: false },
        (Sample::All, TableKind::View | TableKind::Foreign) => Limit { rows: VIEW_ROWS_MAX + 1, is_fault: true },
        (Sample::All, _) => Limit { rows: i64::MAX as u64, is_fault: false },
    }
}

/// See [`limit`].
#[derive(Debug, Clone, Copy)]
struct Limit {
    rows: u64,
    /// Reaching `rows` means that there would be more.
    is_fault: bool,
}

impl Limit {
    fn check(self, rows: u64) -> Result<(), String> {
        if self.is_fault && rows >= self.rows {
            return Err(format!(
                "it gives more than {VIEW_ROWS_MAX} rows, perhaps without end; scan the tables beneath it, or a sample"
            ));
        }
        Ok(())
    }
}
