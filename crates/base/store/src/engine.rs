//! The two engines behind one small interface.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Executor};

use crate::migrate::Schema;
use crate::value::{postgres_row, sqlite_row};
use crate::{Row, StoreError, Value, migrate};

/// How long a statement waits for another process that holds the SQLite file.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(15);
/// Connections at a time; SQLite has one writer among them.
const CONNECTIONS_MAX: u32 = 8;
/// How often emptying the write-ahead log is tried while readers are in the way.
const CHECKPOINTS_MAX: u32 = 20;
/// The first pause between two tries; it grows by itself each time.
const CHECKPOINT_PAUSE: Duration = Duration::from_millis(5);
/// Pages of SQLite's cache a connection, in KiB.
const CACHE_KIB: u32 = 16 * 1024;

/// The advisory lock of PostgreSQL that a writer holds, as every writer of a SQLite file holds the file: batches read,
/// think and write, so that two at a time would lose what the other did. The number is the word `lazaret` in ASCII.
const WRITER_LOCK: i64 = 0x006C_617A_6172_6574;

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One file, or memory.
    Sqlite,
    /// A server.
    Postgres,
}

#[derive(Debug, Clone)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// An open database at the newest schema version. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    schema: Schema,
    /// One writer at a time inside this process, so that SQLite's own waiting stays the exception.
    writer: Arc<tokio::sync::Mutex<()>>,
}

enum Open {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

/// A transaction. Dropped without [`Transaction::commit`], it leaves nothing behind.
pub struct Transaction {
    open: Open,
    _writer: tokio::sync::OwnedMutexGuard<()>,
}

impl Store {
    /// Opens the SQLite file at `path`, created with mode 0600 if it is not there, and brings it to the newest schema.
    ///
    /// # Errors
    /// When it cannot be created, opened or migrated.
    pub async fn sqlite(path: &Path) -> Result<Self, StoreError> {
        let store = Self::sqlite_unmigrated(path).await?;
        migrate::up(&store, i64::MAX).await?;
        Ok(store)
    }

    /// Opens PostgreSQL at `url` (`postgres://user@host/database`) and brings it to the newest schema.
    ///
    /// # Errors
    /// When it cannot be reached or migrated.
    pub async fn postgres(url: &str) -> Result<Self, StoreError> {
        let store = Self::postgres_unmigrated(url).await?;
        migrate::up(&store, i64::MAX).await?;
        Ok(store)
    }

    /// Opens the SQLite file at `path` only to be read: the engine itself refuses whatever would write.
    ///
    /// # Errors
    /// When it cannot be opened, or is not at this program's schema.
    pub async fn sqlite_reading(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("cache_size", format!("-{CACHE_KIB}"))
            .pragma("temp_store", "memory");
        let pool =
            SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX).connect_with(options).await.map_err(
                |source| StoreError::Open { location: path.display().to_string(), source: Box::new(source) },
            )?;
        let store = Self::over(Pool::Sqlite(pool), Schema::Main);
        migrate::check(&store).await?;
        Ok(store)
    }

    /// Opens PostgreSQL at `url` only to be read: every transaction is read-only.
    ///
    /// # Errors
    /// When it cannot be reached, or is not at this program's schema.
    pub async fn postgres_reading(url: &str) -> Result<Self, StoreError> {
        let store = Self::postgres_with(url, &[("default_transaction_read_only", "on")]).await?;
        migrate::check(&store).await?;
        Ok(store)
    }

    /// As [`Store::sqlite`], at whatever schema version the file has.
    ///
    /// # Errors
    /// When it cannot be created or opened.
    pub async fn sqlite_unmigrated(path: &Path) -> Result<Self, StoreError> {
        Self::sqlite_file(path, Schema::Main).await
    }

    /// Opens the key table's own SQLite file at `path`, created with mode 0600 if it is not there, and brings it to the
    /// newest schema. What is deleted or overwritten in it is overwritten with zeros (`secure_delete`).
    ///
    /// # Errors
    /// When it cannot be created, opened or migrated.
    pub async fn sqlite_keys(path: &Path) -> Result<Self, StoreError> {
        let store = Self::sqlite_file(path, Schema::Keys).await?;
        migrate::up(&store, i64::MAX).await?;
        Ok(store)
    }

    /// Opens the key table in PostgreSQL at `url` and brings it to the newest schema.
    ///
    /// # Errors
    /// When it cannot be reached or migrated.
    pub async fn postgres_keys(url: &str) -> Result<Self, StoreError> {
        let store = Self { schema: Schema::Keys, ..Self::postgres_unmigrated(url).await? };
        migrate::up(&store, i64::MAX).await?;
        Ok(store)
    }

    async fn sqlite_file(path: &Path, schema: Schema) -> Result<Self, StoreError> {
        create_private(path).map_err(|source| StoreError::File { path: path.display().to_string(), source })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit that was answered survives a loss of power.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .statement_cache_capacity(200)
            .row_buffer_size(256)
            .pragma("cache_size", format!("-{CACHE_KIB}"))
            .pragma("temp_store", "memory")
            .pragma("secure_delete", if schema == Schema::Keys { "ON" } else { "OFF" });
        let pool =
            SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX).connect_with(options).await.map_err(
                |source| StoreError::Open { location: path.display().to_string(), source: Box::new(source) },
            )?;
        Ok(Self::over(Pool::Sqlite(pool), schema))
    }

    /// As [`Store::postgres`], at whatever schema version the database has.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn postgres_unmigrated(url: &str) -> Result<Self, StoreError> {
        Self::postgres_with(url, &[]).await
    }

    async fn postgres_with(url: &str, settings: &[(&str, &str)]) -> Result<Self, StoreError> {
        let failed = |location: String| move |source| StoreError::Open { location, source: Box::new(source) };
        let options = PgConnectOptions::from_str(url).map_err(failed("postgres".to_owned()))?;
        let location = format!("{}/{}", options.get_host(), options.get_database().unwrap_or_default());
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .connect_with(
                options.application_name("lazaret").statement_cache_capacity(200).options(settings.iter().copied()),
            )
            .await
            .map_err(failed(location))?;
        Ok(Self::over(Pool::Postgres(pool), Schema::Main))
    }

    fn over(pool: Pool, schema: Schema) -> Self {
        Self { pool, schema, writer: Arc::new(tokio::sync::Mutex::new(())) }
    }

    pub(crate) fn schema(&self) -> Schema {
        self.schema
    }

    /// Takes what was deleted out of the engine's files too: SQLite's file is written anew and its write-ahead log emptied;
    /// PostgreSQL vacuums `table`. (Its own write-ahead log and archives are beyond this program's reach.)
    ///
    /// # Errors
    /// When the engine refuses, such as when somebody else keeps reading.
    pub(crate) async fn scrub(&self, table: &str) -> Result<(), StoreError> {
        let _writer = Arc::clone(&self.writer).lock_owned().await;
        match &self.pool {
            Pool::Sqlite(pool) => {
                let mut connection = pool.acquire().await?;
                sqlx::raw_sql("VACUUM").execute(&mut *connection).await?;
                for attempt in 1..=CHECKPOINTS_MAX {
                    let rows = sqlite_rows(&mut *connection, "PRAGMA wal_checkpoint(TRUNCATE)", &[]).await?;
                    if rows.first().map(|row| row.int(0)).transpose()? == Some(0) {
                        return Ok(());
                    }
                    tokio::time::sleep(CHECKPOINT_PAUSE * attempt).await;
                }
                Err(StoreError::Unscrubbed)
            }
            Pool::Postgres(pool) => {
                sqlx::raw_sql(AssertSqlSafe(format!("VACUUM {table}"))).execute(pool).await?;
                Ok(())
            }
        }
    }

    /// Which engine this is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.pool {
            Pool::Sqlite(_) => Engine::Sqlite,
            Pool::Postgres(_) => Engine::Postgres,
        }
    }

    /// Begins a transaction that may write. There is one at a time, over all processes.
    ///
    /// # Errors
    /// When the engine refuses, such as on a locked file.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        let writer = Arc::clone(&self.writer).lock_owned().await;
        let open = match &self.pool {
            Pool::Sqlite(pool) => Open::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Pool::Postgres(pool) => {
                let mut open = pool.begin().await?;
                sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(WRITER_LOCK).execute(&mut *open).await?;
                Open::Postgres(open)
            }
        };
        Ok(Transaction { open, _writer: writer })
    }

    /// Every row of a query. Callers limit it in the statement.
    ///
    /// # Errors
    /// When the engine refuses or a column has a type that is not used here.
    pub async fn rows(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        match &self.pool {
            Pool::Sqlite(pool) => sqlite_rows(pool, sql, values).await,
            Pool::Postgres(pool) => postgres_rows(pool, sql, values).await,
        }
    }

    /// The first row of a query, if any.
    ///
    /// # Errors
    /// As [`Store::rows`].
    pub async fn row(&self, sql: &str, values: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// One statement on its own; the rows it changed.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn execute(&self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let changed = transaction.execute(sql, values).await?;
        transaction.commit().await?;
        Ok(changed)
    }

    /// Closes every connection; SQLite's write-ahead log is folded into the file.
    pub async fn close(&self) {
        match &self.pool {
            Pool::Sqlite(pool) => pool.close().await,
            Pool::Postgres(pool) => pool.close().await,
        }
    }
}

impl Transaction {
    /// Which engine this is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match self.open {
            Open::Sqlite(_) => Engine::Sqlite,
            Open::Postgres(_) => Engine::Postgres,
        }
    }

    /// Every row of a query, as this transaction sees it.
    ///
    /// # Errors
    /// As [`Store::rows`].
    pub async fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        match &mut self.open {
            Open::Sqlite(open) => sqlite_rows(&mut **open, sql, values).await,
            Open::Postgres(open) => postgres_rows(&mut **open, sql, values).await,
        }
    }

    /// The first row of a query, if any.
    ///
    /// # Errors
    /// As [`Store::rows`].
    pub async fn row(&mut self, sql: &str, values: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// One statement; the rows it changed.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, StoreError> {
        match &mut self.open {
            Open::Sqlite(open) => Ok(open.execute(sqlite_query(sql, values)).await?.rows_affected()),
            Open::Postgres(open) => Ok(open.execute(postgres_query(sql, values)).await?.rows_affected()),
        }
    }

    /// Several statements without values, for migrations.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<(), StoreError> {
        match &mut self.open {
            Open::Sqlite(open) => sqlx::raw_sql(sql).execute(&mut **open).await.map(|_| ())?,
            Open::Postgres(open) => sqlx::raw_sql(sql).execute(&mut **open).await.map(|_| ())?,
        }
        Ok(())
    }

    /// The first of `count` fresh numbers of the sequence `name`, which start at 1.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn allocate(&mut self, name: &str, count: u32) -> Result<i64, StoreError> {
        let sql = "INSERT INTO counters (name, value) VALUES ($1, $2) \
                   ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value RETURNING value";
        let rows = self.rows(sql, &[name.into(), count.into()]).await?;
        let last = rows.first().ok_or(sqlx::Error::RowNotFound)?.int(0)?;
        Ok(last - i64::from(count) + 1)
    }

    /// Makes everything permanent.
    ///
    /// # Errors
    /// When the engine refuses; nothing was kept then.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.open {
            Open::Sqlite(open) => open.commit().await?,
            Open::Postgres(open) => open.commit().await?,
        }
        Ok(())
    }
}

type SqliteQuery = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;
type PostgresQuery = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// Statements above this length are generated for one batch size and not worth keeping prepared.
const KEPT_STATEMENT_BYTES_MAX: usize = 8 * 1024;

fn sqlite_query(sql: &str, values: &[Value]) -> SqliteQuery {
    let mut query = sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(sql.len() <= KEPT_STATEMENT_BYTES_MAX);
    for value in values {
        query = match value.clone() {
            Value::Int(value) => query.bind(value),
            Value::Real(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
        };
    }
    query
}

fn postgres_query(sql: &str, values: &[Value]) -> PostgresQuery {
    let mut query = sqlx::query(AssertSqlSafe(sql.to_owned())).persistent(sql.len() <= KEPT_STATEMENT_BYTES_MAX);
    for value in values {
        query = match value.clone() {
            Value::Int(value) => query.bind(value),
            Value::Real(value) => query.bind(value),
            Value::Text(value) => query.bind(value),
            Value::Bytes(value) => query.bind(value),
        };
    }
    query
}

pub(crate) async fn sqlite_rows<'c, E: Executor<'c, Database = sqlx::Sqlite>>(
    executor: E,
    sql: &str,
    values: &[Value],
) -> Result<Vec<Row>, StoreError> {
    executor.fetch_all(sqlite_query(sql, values)).await?.iter().map(sqlite_row).collect()
}

async fn postgres_rows<'c, E: Executor<'c, Database = sqlx::Postgres>>(
    executor: E,
    sql: &str,
    values: &[Value],
) -> Result<Vec<Row>, StoreError> {
    executor.fetch_all(postgres_query(sql, values)).await?.iter().map(postgres_row).collect()
}

/// Creates the file for its owner alone before SQLite opens it, and its folder if need be. SQLite gives its
/// write-ahead log the same mode as the file.
pub(crate) fn create_private(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
        std::fs::create_dir_all(folder)?;
    }
    let path: PathBuf = path.to_owned();
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
    }
    #[cfg(not(unix))]
    std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
    Ok(())
}
