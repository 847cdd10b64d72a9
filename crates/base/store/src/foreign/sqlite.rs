//! SQLite files as a source. The file may be hostile: its schema runs no function that is not harmless, and no row may
//! take longer than [`STATEMENT_TIMEOUT`] to be worked out.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, TypeInfo, ValueRef};

use super::batches::{Shared, Sink};
use super::{
    Access, BINARY_BYTES_MAX, ForeignColumn, ForeignError, ForeignRows, ForeignTable, LOCK_TIMEOUT, Limit,
    STATEMENT_TIMEOUT, Sample, TABLES_MAX, TEXT_CHARS_MAX, TableKind, cell, limit, quote,
};

/// Steps of SQLite's machine between two looks at the clock.
const STEPS_BETWEEN_LOOKS: i32 = 100_000;
/// Longer than this between two looks, and SQLite was waiting for the reader.
const LOOK_MAX: Duration = Duration::from_millis(200);
/// Rows that the connection's thread may be ahead.
const ROWS_AHEAD: usize = 8;
/// What every file begins with: "Database File Format" of SQLite, section 1.3.1.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Whether it is such a file; its stamp.
fn inspect(path: &Path) -> Result<Option<String>, String> {
    let said = |error: std::io::Error| format!("{}; check the path and that you may read it", error.kind());
    let metadata = std::fs::metadata(path).map_err(said)?;
    if !metadata.is_file() {
        return Err("it is no file; name a SQLite file".to_owned());
    }
    let mut header = Vec::with_capacity(MAGIC.len());
    let file = std::fs::File::open(path).map_err(said)?;
    std::io::Read::read_to_end(&mut std::io::Read::take(file, MAGIC.len() as u64), &mut header).map_err(said)?;
    if header != MAGIC {
        return Err("it is no SQLite file, or an encrypted one; decrypt it first".to_owned());
    }
    Ok(stamp(path, &metadata))
}

/// Size and time of the file and of its write-ahead log.
fn stamp(path: &Path, metadata: &std::fs::Metadata) -> Option<String> {
    let time = |metadata: &std::fs::Metadata| {
        let since = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(format!("{}.{}", metadata.len(), since.as_nanos()))
    };
    // An empty log is what a reader may leave behind, and holds nothing.
    let log = std::fs::metadata(beside(path, "-wal")).ok().filter(|log| log.len() > 0);
    let log = log.and_then(|metadata| time(&metadata));
    Some(format!("{}:{}", time(metadata)?, log.unwrap_or_default()))
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

async fn connect(path: &Path, shared: Arc<Shared>) -> Result<SqliteConnection, sqlx::Error> {
    let mut connection = match open(path, false).await {
        Ok(connection) => connection,
        // In a folder that cannot be written to, a file with write-ahead logging opens only as one that nobody changes.
        Err(_) if !std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0) => open(path, true).await?,
        Err(error) => return Err(error),
    };
    let (mut last, mut spent, mut rows) = (Instant::now(), Duration::ZERO, 0);
    let goes_on = move || {
        let seen = shared.rows.load(Ordering::Relaxed);
        if seen != rows {
            (rows, spent) = (seen, Duration::ZERO);
        }
        spent += last.elapsed().min(LOOK_MAX);
        last = Instant::now();
        spent < STATEMENT_TIMEOUT && !shared.is_stopped.load(Ordering::Relaxed)
    };
    connection.lock_handle().await?.set_progress_handler(STEPS_BETWEEN_LOOKS, goes_on);
    Ok(connection)
}

async fn open(path: &Path, is_immutable: bool) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .immutable(is_immutable)
        .foreign_keys(false)
        .busy_timeout(LOCK_TIMEOUT)
        .statement_cache_capacity(16)
        .row_buffer_size(ROWS_AHEAD)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .pragma("query_only", "ON")
        .disable_statement_logging();
    let mut connection = SqliteConnection::connect_with(&options).await?;
    // Opening alone reads nothing; this tells whether the file can be read.
    sqlx::query("SELECT COUNT(*) FROM sqlite_schema").fetch_one(&mut connection).await?;
    Ok(connection)
}

fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => match error.code().as_deref() {
            Some("5" | "261" | "517") => {
                format!("somebody else writes to it for more than {} seconds; scan again later", LOCK_TIMEOUT.as_secs())
            }
            Some("9") => format!(
                "its next row took more than {} seconds to work out; scan the tables beneath it",
                STATEMENT_TIMEOUT.as_secs()
            ),
            Some("11" | "267" | "523") => "the file is damaged here; restore it from a backup".to_owned(),
            Some("14") => "it cannot be opened; check that you may read it".to_owned(),
            Some("26") => "it is no SQLite file, or an encrypted one; decrypt it first".to_owned(),
            code => format!(
                "SQLite refuses (code {}: {})",
                code.unwrap_or("unknown"),
                error.message().chars().take(200).collect::<String>()
            ),
        },
        sqlx::Error::Io(error) => format!("reading failed ({}); check the disk", error.kind()),
        _ => "a value has a form that SQLite does not have; the file may be damaged".to_owned(),
    }
}

pub(super) async fn tables(path: &Path, location: &str) -> Result<Vec<ForeignTable>, ForeignError> {
    let opening = |reason: String| ForeignError::Open { location: location.to_owned(), reason };
    let listing = |reason: String| ForeignError::List { location: location.to_owned(), reason };
    let stamp = inspect(path).map_err(opening)?;
    let mut connection = connect(path, Arc::new(Shared::default())).await.map_err(|error| opening(reason(&error)))?;
    let sql = "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND substr(name, 1, 7) <> 'sqlite_' \
               ORDER BY name LIMIT ";
    let rows = sqlx::query(AssertSqlSafe(format!("{sql}{}", TABLES_MAX + 1))).fetch_all(&mut connection).await;
    let rows = rows.map_err(|error| listing(reason(&error)))?;
    if rows.len() > TABLES_MAX {
        return Err(listing(format!("there are more than {TABLES_MAX}; the file may be hostile")));
    }
    let mut tables = Vec::with_capacity(rows.len());
    let mut shadows = Vec::new();
    for row in &rows {
        let name = text(row, 0).map_err(|error| listing(reason(&error)))?;
        let kind = text(row, 1).map_err(|error| listing(reason(&error)))?;
        let table = table(&mut connection, name, &kind, stamp.clone()).await;
        if kind == "shadow" { shadows.push(table) } else { tables.push(table) }
    }
    // Shadow tables hold what their virtual table shows. They are listed only where that cannot be read.
    if tables.iter().any(|table| matches!(table.access, Access::None(_))) {
        tables.append(&mut shadows);
        tables.sort_by(|a, b| a.name.cmp(&b.name));
    }
    let _farewell = connection.close().await;
    Ok(tables)
}

async fn table(connection: &mut SqliteConnection, name: String, kind: &str, stamp: Option<String>) -> ForeignTable {
    let kind = match kind {
        "view" => TableKind::View,
        "virtual" => TableKind::Foreign,
        _ => TableKind::Table,
    };
    let mut table = ForeignTable {
        schema: "main".to_owned(),
        name,
        kind,
        columns: Vec::new(),
        rows_estimated: None,
        bytes: None,
        owner: None,
        comment: None,
        stamp,
        access: Access::Full,
    };
    match columns(connection, &table.name).await {
        Ok(columns) => table.columns = columns,
        Err(error) => table.access = Access::None(reason(&error)),
    }
    if let (TableKind::Table, Some(rowid)) = (kind, rowid(&table)) {
        // The highest row number is read from one end of the tree. Tables without row numbers refuse.
        let sql = format!("SELECT MAX({rowid}) FROM main.{}", quote(&table.name));
        let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(connection).await;
        let highest = row.and_then(|row| row.try_get::<Option<i64>, _>(0)).ok();
        table.rows_estimated = highest.map(|highest| u64::try_from(highest.unwrap_or(0)).unwrap_or(0));
    }
    table
}

/// Columns, hidden ones of virtual tables left out and generated ones included.
async fn columns(connection: &mut SqliteConnection, table: &str) -> Result<Vec<ForeignColumn>, sqlx::Error> {
    // Preparing it tells what is wrong with a view or a module; the pragma alone would be silent.
    let select = format!("SELECT * FROM main.{} LIMIT 0", quote(table));
    sqlx::query(AssertSqlSafe(select)).persistent(false).fetch_optional(&mut *connection).await?;
    let sql = "SELECT name, type FROM pragma_table_xinfo($1) WHERE hidden <> 1 ORDER BY cid";
    let rows = sqlx::query(sql).bind(table.to_owned()).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let type_name = text(row, 1)?;
            Ok(ForeignColumn { name: text(row, 0)?, type_name, comment: None })
        })
        .collect()
}

/// A name of the row number that no column has taken.
fn rowid(table: &ForeignTable) -> Option<&'static str> {
    let taken = |name: &str| table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    ["_rowid_", "rowid", "oid"].into_iter().find(|name| !taken(name))
}

pub(super) async fn rows(
    path: &Path,
    location: &str,
    table: &ForeignTable,
    sample: Sample,
    batch_rows: u32,
) -> Result<ForeignRows, ForeignError> {
    let opening = |reason: String| ForeignError::Open { location: location.to_owned(), reason };
    let name = table.path();
    let failed = {
        let name = name.clone();
        move |reason: String| ForeignError::Read { table: name.clone(), reason }
    };
    inspect(path).map_err(opening)?;
    let limit = limit(table, sample);
    let (first, second) = statements(table, sample, limit);
    let has_columns = !table.columns.is_empty();
    let path = path.to_owned();
    Ok(ForeignRows::start(name, batch_rows, |mut sink: Sink, shared: Arc<Shared>| async move {
        let mut connection = connect(&path, shared).await.map_err(|error| failed(reason(&error)))?;
        if has_columns {
            pump(&mut connection, &first, &mut sink, limit).await.map_err(&failed)?;
            if let Some(second) = second.filter(|_| sink.rows() == 0) {
                pump(&mut connection, &second, &mut sink, limit).await.map_err(&failed)?;
            }
        }
        let _reader_gone = sink.flush().await;
        let _farewell = connection.close().await;
        Ok(())
    }))
}

/// The query, and another in case that the first, which takes every n-th row by its number, meets none.
fn statements(table: &ForeignTable, sample: Sample, limit: Limit) -> (String, Option<String>) {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let name = quote(&column.name);
            format!(
                "CASE typeof({name}) WHEN 'blob' THEN substr({name}, 1, {}) WHEN 'text' THEN substr({name}, 1, {}) \
                 ELSE {name} END",
                BINARY_BYTES_MAX + 1,
                TEXT_CHARS_MAX + 1
            )
        })
        .collect();
    let from = format!("SELECT {} FROM main.{}", columns.join(", "), quote(&table.name));
    let plain = format!("{from} LIMIT {}", limit.rows);
    match (sample, table.rows_estimated, rowid(table)) {
        (Sample::Rows(wanted), Some(highest), Some(rowid)) if wanted > 0 && highest / wanted > 1 => {
            // Numbers are mixed first (Knuth's multiplicative hash), so that no pattern of theirs meets the step.
            let step = highest / wanted;
            let share = format!(
                "{from} WHERE ((({rowid} & 1048575) * 2654435761 + ({rowid} >> 20) * 40503) & 4294967295) % {step} = 0 \
                 LIMIT {}",
                limit.rows
            );
            (share, Some(plain))
        }
        _ => (plain, None),
    }
}

async fn pump(connection: &mut SqliteConnection, select: &str, sink: &mut Sink, limit: Limit) -> Result<(), String> {
    let mut rows = sqlx::query(AssertSqlSafe(select.to_owned())).persistent(false).fetch(connection);
    while let Some(row) = rows.try_next().await.map_err(|error| reason(&error))? {
        limit.check(sink.rows() + 1)?;
        if sink.row(values(&row).map_err(|error| reason(&error))?).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn values(row: &SqliteRow) -> Result<Vec<Option<(String, bool)>>, sqlx::Error> {
    let mut values = Vec::with_capacity(row.len());
    for at in 0..row.len() {
        let raw = row.try_get_raw(at)?;
        if raw.is_null() {
            values.push(None);
            continue;
        }
        let info = raw.type_info().into_owned();
        values.push(Some(match info.name() {
            "INTEGER" | "INT4" | "BOOLEAN" => (row.try_get_unchecked::<i64, _>(at)?.to_string(), false),
            "REAL" => (row.try_get_unchecked::<f64, _>(at)?.to_string(), false),
            "BLOB" => cell::binary(row.try_get_unchecked::<&[u8], _>(at)?),
            // In UTF-8, however the file stores it.
            _ => cell::text(row.try_get_unchecked::<&[u8], _>(at)?),
        }));
    }
    Ok(values)
}

fn text(row: &SqliteRow, at: usize) -> Result<String, sqlx::Error> {
    Ok(cell::text(row.try_get_unchecked::<&[u8], _>(at)?).0)
}
