//! PostgreSQL 12 and later as a source.

use std::str::FromStr;
use std::sync::Arc;

use futures_util::TryStreamExt;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, ValueRef};

use super::batches::{Shared, Sink};
use super::{
    Access, BINARY_BYTES_MAX, CONNECT_TIMEOUT, ForeignColumn, ForeignError, ForeignRows, ForeignTable, LOCK_TIMEOUT,
    Limit, STATEMENT_TIMEOUT, Sample, TABLES_MAX, TEXT_CHARS_MAX, TableKind, cell, limit, quote,
};

/// What an address may hold after its `?`. The driver would write others into the log, value and all.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
];

/// Rows fetched by one statement.
const FETCH_ROWS: u32 = 1_000;

/// Rows wanted of a table that has at least this many times as many: only then is a share of its pages read.
const SHARE_FROM: u64 = 4;

pub(super) fn options(url: &str) -> Result<PgConnectOptions, ForeignError> {
    let wrong = |reason: &str| ForeignError::Address { reason: reason.to_owned() };
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(wrong("it does not begin with `postgres://`"));
    }
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        let key = parameter.split('=').next().unwrap_or_default();
        if !PARAMETERS.contains(&key) {
            let known = PARAMETERS.join(", ");
            return Err(wrong(&format!("its parameters may be {known}, one is something else")));
        }
    }
    let options = PgConnectOptions::from_str(url)
        .map_err(|_may_quote_the_address| wrong("host, port or a parameter has a form that it cannot have"))?;
    Ok(options.application_name("lazaret").statement_cache_capacity(16).disable_statement_logging())
}

/// The address without user and password. Without a database, the server takes the one called like the user.
pub(super) fn location(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("postgres:///{database}?host={}", socket.display()),
        None => format!("postgres://{}:{}/{database}", options.get_host(), options.get_port()),
    }
}

async fn connect(options: &PgConnectOptions, location: &str) -> Result<PgConnection, ForeignError> {
    let failed = |reason: String| ForeignError::Open { location: location.to_owned(), reason };
    let opened = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(options)).await;
    let mut connection = opened
        .map_err(|_elapsed| {
            failed(format!("no answer within {} seconds; check host and port", CONNECT_TIMEOUT.as_secs()))
        })?
        .map_err(|error| failed(reason(&error)))?;
    // Functions and casts of the engine alone, whatever a schema of the database offers under the same names.
    let settings = format!(
        "SET default_transaction_read_only = on; SET statement_timeout = {}; SET lock_timeout = {}; \
         SET idle_in_transaction_session_timeout = {}; SET search_path = pg_catalog; SET datestyle = 'ISO, YMD'; \
         SET intervalstyle = 'iso_8601'; SET timezone = 'UTC'; SET bytea_output = 'hex'; SET xmloption = 'content'; \
         SET synchronize_seqscans = off; \
         SET client_min_messages = error",
        STATEMENT_TIMEOUT.as_millis(),
        LOCK_TIMEOUT.as_millis(),
        IDLE_TIMEOUT_MS,
    );
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(&mut connection).await.map_err(|error| failed(reason(&error)))?;
    Ok(connection)
}

/// After an hour without a fetch the server ends the transaction: a scan that hangs must not keep old rows alive.
const IDLE_TIMEOUT_MS: u32 = 60 * 60 * 1_000;

/// What went wrong, in our words: the engine's own may quote a value of a row.
fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => match error.code().as_deref() {
            Some("28P01" | "28000") => {
                "user or password is refused; check both, and the server's pg_hba.conf".to_owned()
            }
            Some("3D000") => "there is no such database on this server; check its name".to_owned(),
            Some("42501") => "this user may not read it; grant SELECT on it and USAGE on its schema".to_owned(),
            Some("42P01" | "3F000" | "42703") => {
                "it is no longer there, or was altered since it was listed; scan again".to_owned()
            }
            Some("55P03") => format!(
                "somebody holds a lock on it for more than {} seconds; scan again later",
                LOCK_TIMEOUT.as_secs()
            ),
            Some("57014") => format!(
                "a statement ran for more than {} seconds and was ended; scan a sample, or the tables beneath a view",
                STATEMENT_TIMEOUT.as_secs()
            ),
            Some("53300") => "the server has no connection left; scan again later".to_owned(),
            Some("57P01" | "57P02" | "57P03") => "the server is shutting down or starting; scan again later".to_owned(),
            code => format!(
                "the server refuses (SQLSTATE {}); look the code up in PostgreSQL's appendix A",
                code.unwrap_or("unknown")
            ),
        },
        sqlx::Error::Io(error) => format!("the connection failed ({}); check host, port and network", error.kind()),
        sqlx::Error::Tls(_) => "the encrypted connection failed; check `sslmode` and the certificates".to_owned(),
        sqlx::Error::Configuration(_) => "the address asks for something that this driver cannot do".to_owned(),
        _ => "the server's answer could not be understood; check that it is PostgreSQL".to_owned(),
    }
}

/// Tables outside the engine's schemas. A partitioned table stands for its partitions, which are left out. `$size` is
/// replaced: measuring waits for locks, which must not keep everything else from being listed.
const TABLES: &str = "\
SELECT c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text, pg_get_userbyid(c.relowner)::text,
       obj_description(c.oid, 'pg_class')::text, $rows, $size,
       coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT'), false),
       coalesce(row_security_active(c.oid), false), c.relispopulated,
       CASE WHEN c.relkind IN ('r', 'm', 'p') AND current_setting('track_counts') = 'on' THEN concat_ws(':',
           (SELECT string_agg(concat_ws('.', s.relfilenode, s.xmin, pg_stat_get_tuples_inserted(s.oid),
                pg_stat_get_tuples_updated(s.oid), pg_stat_get_tuples_deleted(s.oid)), ',' ORDER BY s.oid)
            FROM pg_class s WHERE s.oid = c.oid OR (c.relkind = 'p' AND s.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))),
           extract(epoch FROM (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database())),
           extract(epoch FROM (SELECT stats_reset FROM pg_stat_archiver)),
           extract(epoch FROM pg_postmaster_start_time())) END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND $own
ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\" LIMIT ";

/// The engine's own schemas, and temporary tables of other sessions.
const OWN: &str = "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'";

const ROWS: &str = "CASE WHEN c.relkind = 'p' THEN (SELECT sum(s.reltuples) FROM pg_class s WHERE s.relkind = 'r' AND \
                    s.reltuples >= 0 AND s.oid IN (SELECT relid FROM pg_partition_tree(c.oid))) ELSE c.reltuples \
                    END::float8";

const SIZE_MEASURED: &str = "CASE c.relkind WHEN 'p' THEN (SELECT sum(pg_table_size(relid)) FROM \
                             pg_partition_tree(c.oid))::int8 WHEN 'r' THEN pg_table_size(c.oid) WHEN 'm' THEN \
                             pg_table_size(c.oid) END";

const SIZE_ESTIMATED: &str = "CASE c.relkind WHEN 'r' THEN c.relpages::int8 * current_setting('block_size')::int8 WHEN \
                              'm' THEN c.relpages::int8 * current_setting('block_size')::int8 END";

const COLUMNS: &str = "\
SELECT a.attrelid::int8, a.attname::text,
       format_type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END,
                   CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END)::text,
       col_description(a.attrelid, a.attnum)::text,
       coalesce(has_column_privilege(a.attrelid, a.attnum, 'SELECT'), false)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND $own
ORDER BY a.attrelid, a.attnum";

pub(super) async fn tables(options: &PgConnectOptions, location: &str) -> Result<Vec<ForeignTable>, ForeignError> {
    let mut connection = connect(options, location).await?;
    let failed = |reason: String| ForeignError::List { location: location.to_owned(), reason };
    let mut rows = list(&mut connection, SIZE_MEASURED).await;
    if rows
        .as_ref()
        .is_err_and(|error| error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("55P03")))
    {
        rows = list(&mut connection, SIZE_ESTIMATED).await;
    }
    let rows = rows.map_err(|error| failed(reason(&error)))?;
    if rows.len() > TABLES_MAX {
        let reason = format!("there are more than {TABLES_MAX}; scan as a user who may see fewer schemas");
        return Err(failed(reason));
    }
    let mut tables = Vec::with_capacity(rows.len());
    let mut at_oid = std::collections::HashMap::new();
    for row in &rows {
        let (oid, table) = table(row).map_err(|error| failed(reason(&error)))?;
        at_oid.insert(oid, tables.len());
        tables.push(table);
    }
    add_columns(&mut connection, &at_oid, &mut tables).await.map_err(|error| failed(reason(&error)))?;
    // The server would notice without the farewell; nothing depends on it.
    let _farewell = connection.close().await;
    Ok(tables)
}

async fn list(connection: &mut PgConnection, size: &str) -> Result<Vec<PgRow>, sqlx::Error> {
    let sql = TABLES.replace("$size", size).replace("$rows", ROWS).replace("$own", OWN);
    sqlx::query(AssertSqlSafe(format!("{sql}{}", TABLES_MAX + 1))).fetch_all(connection).await
}

fn table(row: &PgRow) -> Result<(i64, ForeignTable), sqlx::Error> {
    let kind = match row.try_get::<&str, _>(3)? {
        "v" => TableKind::View,
        "m" => TableKind::MaterializedView,
        "f" => TableKind::Foreign,
        "p" => TableKind::Partitioned,
        _ => TableKind::Table,
    };
    let estimate: Option<f64> = row.try_get(6)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate; casts saturate")]
    let rows_estimated = estimate.filter(|rows| *rows >= 0.0 && kind != TableKind::View).map(|rows| rows as u64);
    let access = if !row.try_get::<bool, _>(8)? {
        Access::None("this user may not read it; grant SELECT on it and USAGE on its schema".to_owned())
    } else if !row.try_get::<bool, _>(10)? {
        Access::None("it was never filled; run REFRESH MATERIALIZED VIEW".to_owned())
    } else if row.try_get(9)? {
        let reason = "row-level security may hide rows from this user; scan as a user with BYPASSRLS to see all";
        Access::Partial(reason.to_owned())
    } else {
        Access::Full
    };
    let table = ForeignTable {
        schema: row.try_get(1)?,
        name: row.try_get(2)?,
        kind,
        columns: Vec::new(),
        rows_estimated,
        bytes: row.try_get::<Option<i64>, _>(7)?.and_then(|bytes| u64::try_from(bytes).ok()),
        owner: row.try_get(4)?,
        comment: row.try_get(5)?,
        stamp: row.try_get(11)?,
        access,
    };
    Ok((row.try_get(0)?, table))
}

async fn add_columns(
    connection: &mut PgConnection,
    at_oid: &std::collections::HashMap<i64, usize>,
    tables: &mut [ForeignTable],
) -> Result<(), sqlx::Error> {
    let mut rows = sqlx::query(AssertSqlSafe(COLUMNS.replace("$own", OWN))).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let at = at_oid.get(&row.try_get::<i64, _>(0)?);
        let Some(table) = at.and_then(|at| tables.get_mut(*at)) else { continue };
        let name: String = row.try_get(1)?;
        if row.try_get(4)? {
            table.columns.push(ForeignColumn { name, type_name: row.try_get(2)?, comment: row.try_get(3)? });
        } else if table.access == Access::Full {
            let reason = "some of its columns are withheld from this user; grant SELECT on the whole table to see all";
            table.access = Access::Partial(reason.to_owned());
        }
    }
    Ok(())
}

pub(super) async fn rows(
    options: &PgConnectOptions,
    location: &str,
    table: &ForeignTable,
    sample: Sample,
    batch_rows: u32,
) -> Result<ForeignRows, ForeignError> {
    let path = table.path();
    let failed = {
        let path = path.clone();
        move |reason: String| ForeignError::Read { table: path.clone(), reason }
    };
    let mut connection = connect(options, location).await?;
    let limit = limit(table, sample);
    let (first, second) = statements(table, sample, limit);
    open(&mut connection, &first).await.map_err(|error| failed(reason(&error)))?;
    let binary: Vec<bool> = table.columns.iter().map(|column| column.type_name == "bytea").collect();
    let has_columns = !table.columns.is_empty();
    Ok(ForeignRows::start(path, batch_rows, |mut sink: Sink, _: Arc<Shared>| async move {
        if has_columns {
            pump(&mut connection, &mut sink, &binary, limit).await.map_err(&failed)?;
            if let Some(second) = second.filter(|_| sink.rows() == 0) {
                let ended = sqlx::raw_sql("ROLLBACK").execute(&mut connection).await;
                ended.map_err(|error| failed(reason(&error)))?;
                open(&mut connection, &second).await.map_err(|error| failed(reason(&error)))?;
                pump(&mut connection, &mut sink, &binary, limit).await.map_err(&failed)?;
            }
        }
        let _reader_gone = sink.flush().await;
        let _farewell = connection.close().await;
        Ok(())
    }))
}

/// The query, and another in case that the first, which reads a share of the pages, meets none with rows.
fn statements(table: &ForeignTable, sample: Sample, limit: Limit) -> (String, Option<String>) {
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let name = quote(&column.name);
            if column.type_name == "bytea" {
                format!("substring({name} FROM 1 FOR {})", BINARY_BYTES_MAX + 1)
            } else {
                format!("left({name}::text, {})", TEXT_CHARS_MAX + 1)
            }
        })
        .collect();
    // Tables that inherit from this one are listed themselves.
    let only = if table.kind == TableKind::Table { "ONLY " } else { "" };
    let from = format!("SELECT {} FROM {only}{}.{}", columns.join(", "), quote(&table.schema), quote(&table.name));
    let plain = format!("{from} LIMIT {}", limit.rows);
    match (sample, table.kind, table.rows_estimated) {
        (
            Sample::Rows(wanted),
            TableKind::Table | TableKind::Partitioned | TableKind::MaterializedView,
            Some(estimate),
        ) if wanted > 0 && estimate / wanted >= SHARE_FROM => {
            // Twice the share that should do, because rows are spread unevenly over pages.
            #[expect(clippy::cast_precision_loss, reason = "a share of an estimate")]
            let percent = (200.0 * wanted as f64 / estimate as f64).clamp(0.000_001, 100.0);
            let share = format!("{from} TABLESAMPLE SYSTEM ({percent:.6}) REPEATABLE (0) LIMIT {}", limit.rows);
            (share, Some(plain))
        }
        _ => (plain, None),
    }
}

async fn open(connection: &mut PgConnection, select: &str) -> Result<(), sqlx::Error> {
    let sql = format!(
        "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; \
         DECLARE lazaret_rows NO SCROLL CURSOR FOR {select}"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

async fn pump(connection: &mut PgConnection, sink: &mut Sink, binary: &[bool], limit: Limit) -> Result<(), String> {
    loop {
        let before = sink.rows();
        let sql = format!("FETCH FORWARD {FETCH_ROWS} FROM lazaret_rows");
        let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut *connection);
        while let Some(row) = rows.try_next().await.map_err(|error| reason(&error))? {
            limit.check(sink.rows() + 1)?;
            if sink.row(values(&row, binary).map_err(|error| reason(&error))?).await.is_err() {
                return Ok(());
            }
        }
        drop(rows);
        if sink.rows() - before < u64::from(FETCH_ROWS) {
            return Ok(());
        }
    }
}

/// Values come as text or bytes already; a database in SQL_ASCII may give text that is no UTF-8.
fn values(row: &PgRow, binary: &[bool]) -> Result<Vec<Option<(String, bool)>>, sqlx::Error> {
    let mut values = Vec::with_capacity(binary.len());
    for (at, is_binary) in binary.iter().enumerate() {
        let raw = row.try_get_raw(at)?;
        if raw.is_null() {
            values.push(None);
            continue;
        }
        let bytes = raw.as_bytes().map_err(sqlx::Error::Decode)?;
        values.push(Some(if *is_binary { cell::binary(bytes) } else { cell::text(bytes) }));
    }
    Ok(values)
}
