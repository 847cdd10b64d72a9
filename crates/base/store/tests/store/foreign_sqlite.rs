//! Somebody else's SQLite file as a source.

use std::path::Path;

use sqlx::{Connection, SqliteConnection};
use store::foreign::{Access, Foreign, ForeignError, Sample, TableKind};
use store::{Engine, Store};

use crate::foreign_postgres::{all_rows, named};

/// A file in `folder` that `statements` fill.
async fn database(folder: &Path, statements: &[&str]) -> (Foreign, std::path::PathBuf) {
    let path = folder.join("other's 100% ?.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    for sql in statements {
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe((*sql).to_owned())).execute(&mut connection).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    connection.close().await.unwrap();
    (Foreign::sqlite(&path), path)
}

#[tokio::test]
async fn tables_views_and_awkward_names_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let hostile = "x\"; DROP TABLE \"kept\"; --";
    let create =
        format!("CREATE TABLE \"{}\" (\"select\" TEXT, \"a\"\"b\" TEXT, \"Ä 名\" TEXT)", hostile.replace('"', "\"\""));
    let fill = format!("INSERT INTO \"{}\" VALUES ('1', '2', '3')", hostile.replace('"', "\"\""));
    let statements = [
        &*create,
        &fill,
        "CREATE TABLE kept (id INTEGER PRIMARY KEY AUTOINCREMENT, twice AS (id * 2))",
        "INSERT INTO kept (id) VALUES (1), (7)",
        "CREATE VIEW seen AS SELECT id FROM kept",
        "CREATE TABLE soon_gone (id)",
        "CREATE VIEW dangling AS SELECT id FROM soon_gone",
        "DROP TABLE soon_gone",
        "CREATE TABLE plain (k TEXT PRIMARY KEY) WITHOUT ROWID",
        "INSERT INTO plain VALUES ('a')",
        "CREATE VIRTUAL TABLE notes USING fts5(body)",
        "INSERT INTO notes VALUES ('Jane Doe was here')",
        "CREATE TABLE rowids (rowid TEXT, _rowid_ TEXT, oid TEXT)",
        "INSERT INTO rowids VALUES ('a', 'b', 'c')",
        "ANALYZE",
    ];
    let (foreign, path) = database(folder.path(), &statements).await;
    assert_eq!((foreign.engine(), foreign.location()), (Engine::Sqlite, &*path.display().to_string()));
    let tables = foreign.tables().await.unwrap();
    assert!(tables.iter().all(|table| table.schema == "main" && !table.name.starts_with("sqlite_")));
    let found = tables.iter().find(|table| table.name == hostile).unwrap();
    assert_eq!(all_rows(&foreign, found).await, [["1", "2", "3"].map(|text| Some(text.to_owned()))]);
    let kept = named(&tables, "main.kept");
    assert_eq!((kept.kind, kept.rows_estimated), (TableKind::Table, Some(7)), "the highest row number");
    assert_eq!(
        kept.columns.iter().map(|c| (&*c.name, &*c.type_name)).collect::<Vec<_>>(),
        [("id", "INTEGER"), ("twice", "")]
    );
    assert_eq!(all_rows(&foreign, kept).await[1], [Some("7".to_owned()), Some("14".to_owned())]);
    assert_eq!(named(&tables, "main.seen").kind, TableKind::View);
    assert_eq!(all_rows(&foreign, named(&tables, "main.seen")).await.len(), 2);
    let Access::None(why) = &named(&tables, "main.dangling").access else { panic!("it leads nowhere") };
    assert!(why.contains("soon_gone"), "{why}");
    assert_eq!(all_rows(&foreign, named(&tables, "main.plain")).await.len(), 1);
    assert_eq!(named(&tables, "main.notes").kind, TableKind::Foreign);
    assert_eq!(all_rows(&foreign, named(&tables, "main.notes")).await, [[Some("Jane Doe was here".to_owned())]]);
    let mut rows = foreign.rows(named(&tables, "main.rowids"), Sample::Rows(1), 9).await.unwrap();
    assert_eq!(rows.next().await.unwrap().unwrap().len(), 1);
}

#[tokio::test]
async fn every_value_becomes_text_in_every_encoding() {
    for encoding in ["UTF-8", "UTF-16le", "UTF-16be"] {
        let folder = tempfile::tempdir().unwrap();
        let pragma = format!("PRAGMA encoding = '{encoding}'");
        let statements = [
            &*pragma,
            "CREATE TABLE \"Prüfung\" (a, b, c, d, e, f, g)",
            "INSERT INTO \"Prüfung\" VALUES (-9223372036854775808, 0.25, '山田 花子', NULL, CAST('plain' AS BLOB), x'ff00', zeroblob(70000))",
        ];
        let (foreign, _) = database(folder.path(), &statements).await;
        let tables = foreign.tables().await.unwrap();
        let rows = all_rows(&foreign, named(&tables, "main.Prüfung")).await;
        let values: Vec<Option<&str>> = rows[0].iter().map(Option::as_deref).collect();
        assert_eq!(values[..4], [Some("-9223372036854775808"), Some("0.25"), Some("山田 花子"), None], "{encoding}");
        assert_eq!(values[5..], [Some("[2 bytes]"), Some("[more than 65536 bytes]")]);
        if encoding == "UTF-8" {
            assert_eq!(values[4], Some("plain"));
        }
    }
}

#[tokio::test]
async fn text_that_is_no_utf8_does_not_stop_the_reading() {
    let folder = tempfile::tempdir().unwrap();
    let statements = ["CREATE TABLE t (a TEXT)", "INSERT INTO t VALUES (CAST(x'4dfc6c6c6572' AS TEXT)), ('after')"];
    let (foreign, _) = database(folder.path(), &statements).await;
    let tables = foreign.tables().await.unwrap();
    let rows = all_rows(&foreign, &tables[0]).await;
    assert_eq!(rows, [[Some("M\u{fffd}ller".to_owned())], [Some("after".to_owned())]]);
}

const COUNT: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) ";

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_stream_in_batches_and_samples_are_spread() {
    let folder = tempfile::tempdir().unwrap();
    let fill = format!("{COUNT} INSERT INTO big SELECT i * 4, 'patient number ' || i FROM n");
    let wide = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) \
                INSERT INTO wide SELECT printf('%.*c', 1000000, 'x') FROM n";
    let statements =
        ["CREATE TABLE big (id INTEGER PRIMARY KEY, name TEXT)", &*fill, "CREATE TABLE wide (note TEXT)", wide];
    let (foreign, _) = database(folder.path(), &statements).await;
    let tables = foreign.tables().await.unwrap();
    let big = named(&tables, "main.big").clone();
    let mut rows = foreign.rows(&big, Sample::All, 700).await.unwrap();
    let count = tokio::task::spawn_blocking(move || {
        let mut count = 0;
        while let Some(batch) = rows.next_blocking().unwrap() {
            assert!(batch.len() <= 700);
            count += batch.len();
        }
        count
    });
    assert_eq!(count.await.unwrap(), 200_000);
    let mut rows = foreign.rows(named(&tables, "main.wide"), Sample::All, 1_000).await.unwrap();
    let mut count = 0;
    while let Some(batch) = rows.next().await.unwrap() {
        assert!(batch.len() <= 5, "a batch of long values ends early");
        count += batch.len();
    }
    assert_eq!(count, 20);
    let mut rows = foreign.rows(&big, Sample::Rows(1_000), 10_000).await.unwrap();
    let sample = rows.next().await.unwrap().unwrap();
    // Numbers go up to 800,000 by fours, so that about a quarter of what is wanted is met.
    assert!((100..=1_000).contains(&sample.len()), "{}", sample.len());
    let last: u64 = sample.last().unwrap()[0].as_ref().unwrap().parse().unwrap();
    assert!(last > 700_000, "spread over the whole table: {last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_dropped_while_read_or_before_is_no_crash() {
    let folder = tempfile::tempdir().unwrap();
    let fill = format!("{COUNT} INSERT INTO t SELECT i FROM n");
    let statements = ["PRAGMA journal_mode = WAL", "CREATE TABLE t (id)", &*fill, "CREATE TABLE other (id)"];
    let (foreign, path) = database(folder.path(), &statements).await;
    let tables = foreign.tables().await.unwrap();
    let before = tables[0].stamp.clone().unwrap();
    let mut rows = foreign.rows(named(&tables, "main.t"), Sample::All, 100).await.unwrap();
    let mut count = rows.next().await.unwrap().unwrap().len();
    let owner = Store::sqlite_unmigrated(&path).await.unwrap();
    owner.execute("DROP TABLE t", &[]).await.unwrap();
    while let Some(batch) = rows.next().await.unwrap() {
        count += batch.len();
    }
    assert_eq!(count, 200_000, "all rows are of one moment");
    let after = foreign.tables().await.unwrap();
    assert_eq!(after.len(), 1);
    assert_ne!(after[0].stamp.clone().unwrap(), before);
    let mut rows = foreign.rows(named(&tables, "main.t"), Sample::All, 100).await.unwrap();
    let error = rows.next().await.unwrap_err();
    assert!(matches!(&error, ForeignError::Read { table, .. } if table == "main.t"), "{error}");
    assert_eq!(rows.next().await.unwrap(), None);
    owner.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_and_foreign_files_are_refused_or_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let statements = [
        "CREATE TABLE t (id)",
        "INSERT INTO t VALUES (1)",
        "CREATE VIEW stuck AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
    ];
    let (foreign, path) = database(folder.path(), &statements).await;
    let tables = foreign.tables().await.unwrap();
    // Given up early, the thread that works on an endless view ends too: the file can be replaced by a writer.
    let mut rows = foreign.rows(named(&tables, "main.stuck"), Sample::All, 10).await.unwrap();
    let waited = tokio::time::timeout(std::time::Duration::from_millis(300), rows.next()).await;
    assert!(waited.is_err(), "it is still counting");
    drop(rows);
    let owner = Store::sqlite_unmigrated(&path).await.unwrap();
    owner.execute("INSERT INTO t VALUES (2)", &[]).await.unwrap();
    owner.close().await;

    let notes = folder.path().join("notes.txt");
    std::fs::write(&notes, "no database").unwrap();
    for (path, expected) in [
        (notes.as_path(), "no SQLite file"),
        (folder.path(), "no file"),
        (Path::new("/nowhere/x.db"), "check the path"),
    ] {
        let error = Foreign::sqlite(path).tables().await.unwrap_err();
        assert!(matches!(error, ForeignError::Open { .. }) && error.to_string().contains(expected), "{error}");
    }
    // Overwritten from the second page on, where the table lies.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4_096..].fill(0xA5);
    std::fs::write(&path, &bytes).unwrap();
    let tables = foreign.tables().await.unwrap();
    let mut rows = foreign.rows(named(&tables, "main.t"), Sample::All, 10).await.unwrap();
    assert!(rows.next().await.unwrap_err().to_string().contains("damaged"));
}
