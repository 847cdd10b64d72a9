//! Somebody else's PostgreSQL as a source.

use store::foreign::{Access, Foreign, ForeignError, ForeignTable, Sample, TableKind};
use store::{Engine, Store};

use crate::engines::postgres_url;

/// A fresh database that `statements` fill, and its address.
async fn database(statements: &[&str]) -> Option<(Store, String)> {
    let url = postgres_url()?;
    let owner = Store::postgres_unmigrated(&url).await.unwrap();
    for sql in statements {
        owner.execute(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
    Some((owner, url))
}

pub async fn all_rows(foreign: &Foreign, table: &ForeignTable) -> Vec<Vec<Option<String>>> {
    let mut rows = foreign.rows(table, Sample::All, 1_000).await.unwrap();
    let mut all = Vec::new();
    while let Some(batch) = rows.next().await.unwrap() {
        all.extend(batch);
    }
    all
}

pub fn named<'t>(tables: &'t [ForeignTable], path: &str) -> &'t ForeignTable {
    tables.iter().find(|table| table.path() == path).unwrap_or_else(|| panic!("{path} in {tables:#?}"))
}

#[tokio::test]
async fn tables_are_listed_with_what_the_engine_knows_of_them() {
    let Some((owner, url)) = database(&[
        "CREATE SCHEMA clinic",
        "CREATE TABLE clinic.patients (id BIGINT, name TEXT, scan BYTEA, born DATE)",
        "COMMENT ON TABLE clinic.patients IS 'everybody since 1990'",
        "COMMENT ON COLUMN clinic.patients.name IS 'as on the card'",
        "INSERT INTO clinic.patients SELECT n, 'P' || n, NULL, '1970-01-01' FROM generate_series(1, 500) n",
        "ALTER TABLE clinic.patients DROP COLUMN born",
        "CREATE VIEW clinic.names AS SELECT name FROM clinic.patients",
        "CREATE MATERIALIZED VIEW clinic.kept AS SELECT name FROM clinic.patients",
        "CREATE MATERIALIZED VIEW clinic.unfilled AS SELECT name FROM clinic.patients WITH NO DATA",
        "CREATE TABLE visits (id BIGINT, day DATE) PARTITION BY RANGE (day)",
        "CREATE TABLE visits_2024 PARTITION OF visits FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')",
        "CREATE TABLE visits_2025 PARTITION OF visits FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
        "INSERT INTO visits VALUES (1, '2024-05-05'), (2, '2025-05-05')",
        "CREATE TABLE parent (id BIGINT)",
        "CREATE TABLE child (extra TEXT) INHERITS (parent)",
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO child VALUES (2, 'x')",
        "CREATE TABLE bare ()",
        "ANALYZE",
    ])
    .await
    else {
        return;
    };
    let foreign = Foreign::postgres(&url).unwrap();
    assert_eq!(foreign.engine(), Engine::Postgres);
    let tables = foreign.tables().await.unwrap();
    let paths: Vec<String> = tables.iter().map(ForeignTable::path).collect();
    let expected = [
        "clinic.kept",
        "clinic.names",
        "clinic.patients",
        "clinic.unfilled",
        "public.bare",
        "public.child",
        "public.parent",
        "public.visits",
    ];
    assert_eq!(paths, expected, "no schema of the engine, and no partition");
    let patients = named(&tables, "clinic.patients");
    assert_eq!(
        (patients.kind, patients.rows_estimated, &patients.access),
        (TableKind::Table, Some(500), &Access::Full)
    );
    assert_eq!(patients.owner.as_deref(), Some("lazaret"));
    assert_eq!(patients.comment.as_deref(), Some("everybody since 1990"));
    assert!(patients.bytes.unwrap() >= 8_192);
    let columns: Vec<_> = patients.columns.iter().map(|c| (&*c.name, &*c.type_name, c.comment.as_deref())).collect();
    assert_eq!(columns, [("id", "bigint", None), ("name", "text", Some("as on the card")), ("scan", "bytea", None)]);
    assert_eq!(named(&tables, "clinic.names").kind, TableKind::View);
    assert_eq!(named(&tables, "clinic.names").stamp, None, "nothing tells whether a view changed");
    assert_eq!(all_rows(&foreign, named(&tables, "clinic.names")).await.len(), 500);
    assert_eq!(all_rows(&foreign, named(&tables, "clinic.kept")).await.len(), 500);
    let unfilled = named(&tables, "clinic.unfilled");
    assert!(matches!(&unfilled.access, Access::None(why) if why.contains("REFRESH")));
    assert!(foreign.rows(unfilled, Sample::All, 10).await.unwrap_err().to_string().contains("clinic.unfilled"));
    let visits = named(&tables, "public.visits");
    assert_eq!((visits.kind, visits.rows_estimated), (TableKind::Partitioned, Some(2)));
    assert_eq!(all_rows(&foreign, visits).await.len(), 2);
    assert_eq!(all_rows(&foreign, named(&tables, "public.parent")).await, [[Some("1".to_owned())]]);
    assert_eq!(all_rows(&foreign, named(&tables, "public.child")).await.len(), 1);
    assert!(all_rows(&foreign, named(&tables, "public.bare")).await.is_empty());
    owner.close().await;
}

#[tokio::test]
async fn names_may_hold_anything() {
    let hostile = "x\"; DROP TABLE \"kept\"; --";
    let quoted = hostile.replace('"', "\"\"");
    let table = format!(
        "CREATE TABLE \"s p\"\"q\".\"{quoted}\" (\"select\" TEXT, \"a\"\"b\" TEXT, \"Ä 名\" TEXT, \"{{}}$1%\" TEXT)"
    );
    let fill = format!("INSERT INTO \"s p\"\"q\".\"{quoted}\" VALUES ('1', '2', '3', '4')");
    let statements = [
        "CREATE SCHEMA \"s p\"\"q\"",
        &table,
        &fill,
        "CREATE TABLE kept (id BIGINT)",
        "CREATE TABLE \"CamelCase\" (\"Id\" BIGINT)",
    ];
    let Some((owner, url)) = database(&statements).await else { return };
    let foreign = Foreign::postgres(&url).unwrap();
    let tables = foreign.tables().await.unwrap();
    let found = tables.iter().find(|table| table.name == hostile).unwrap();
    assert_eq!(found.schema, "s p\"q");
    assert_eq!(found.columns.iter().map(|c| &*c.name).collect::<Vec<_>>(), ["select", "a\"b", "Ä 名", "{}$1%"]);
    assert_eq!(all_rows(&foreign, found).await, [["1", "2", "3", "4"].map(|text| Some(text.to_owned()))]);
    assert!(all_rows(&foreign, named(&tables, "public.CamelCase")).await.is_empty());
    assert_eq!(foreign.tables().await.unwrap().len(), 3, "nothing was dropped");
    owner.close().await;
}

#[tokio::test]
async fn every_type_becomes_text() {
    let cases: &[(&str, &str, &str)] = &[
        ("smallint", "-5", "-5"),
        ("bigint", "9223372036854775807", "9223372036854775807"),
        ("numeric(12,4)", "12345678.9000", "12345678.9000"),
        ("double precision", "0.1", "0.1"),
        ("boolean", "true", "true"),
        ("character(5)", "'ab'", "ab"),
        ("character varying(9)", "'Jürgen'", "Jürgen"),
        ("\"char\"", "'x'", "x"),
        ("name", "'n'", "n"),
        ("date", "'1961-12-31'", "1961-12-31"),
        ("timestamp with time zone", "'2020-01-01 12:00:00+02'", "2020-01-01 10:00:00+00"),
        ("time", "'12:30'", "12:30:00"),
        ("interval", "'1 day 2 hours'", "P1DT2H"),
        ("json", "'{\"name\":  \"Doe\"}'", "{\"name\":  \"Doe\"}"),
        ("jsonb", "'{\"name\":  \"Doe\"}'", "{\"name\": \"Doe\"}"),
        ("text[]", "ARRAY['a b', NULL]", "{\"a b\",NULL}"),
        ("uuid", "'6f1c9b8e-0000-4000-8000-000000000001'", "6f1c9b8e-0000-4000-8000-000000000001"),
        ("inet", "'10.0.0.1/8'", "10.0.0.1/8"),
        ("macaddr", "'08:00:2b:01:02:03'", "08:00:2b:01:02:03"),
        ("money", "12.5", "$12.50"),
        ("xml", "'<a>1</a>'", "<a>1</a>"),
        ("bit varying(8)", "B'1010'", "1010"),
        ("point", "'(1,2)'", "(1,2)"),
        ("int4range", "'[1,5)'", "[1,5)"),
        ("tsvector", "'fat cat'", "'cat' 'fat'"),
        ("mood", "'sad'", "sad"),
        ("email", "'a@example.org'", "a@example.org"),
        ("address", "ROW('Main St', 5)", "(\"Main St\",5)"),
        ("bytea", "'\\x4dc3bc6c6c6572'", "Müller"),
        ("bytea", "'\\xff00'", "[2 bytes]"),
        ("picture", "'\\xff00'", "[2 bytes]"),
        ("bytea", "decode(repeat('ff', 70000), 'hex')", "[more than 65536 bytes]"),
    ];
    let columns: Vec<String> = cases.iter().enumerate().map(|(at, (kind, ..))| format!("c{at} {kind}")).collect();
    let values: Vec<&str> = cases.iter().map(|(_, value, _)| *value).collect();
    let create = format!("CREATE TABLE types ({})", columns.join(", "));
    let fill = format!("INSERT INTO types VALUES ({})", values.join(", "));
    let statements = [
        "CREATE TYPE mood AS ENUM ('sad', 'ok')",
        "CREATE DOMAIN email AS TEXT CHECK (VALUE LIKE '%@%')",
        "CREATE DOMAIN picture AS BYTEA",
        "CREATE TYPE address AS (street TEXT, number INTEGER)",
        &create,
        &fill,
        "INSERT INTO types DEFAULT VALUES",
    ];
    let Some((owner, url)) = database(&statements).await else { return };
    let foreign = Foreign::postgres(&url).unwrap();
    let tables = foreign.tables().await.unwrap();
    let rows = all_rows(&foreign, &tables[0]).await;
    assert_eq!(rows.len(), 2);
    for (at, (kind, value, expected)) in cases.iter().enumerate() {
        assert_eq!(rows[0][at].as_deref(), Some(*expected), "{kind} {value}");
    }
    assert!(rows[1].iter().all(Option::is_none));
    owner.close().await;
}

#[tokio::test]
async fn what_the_user_may_not_read_is_told_table_by_table() {
    let role = format!("reader_{}", std::process::id());
    let create = format!("CREATE ROLE {role} LOGIN PASSWORD 'hunter2'");
    let grants = [
        format!("GRANT USAGE ON SCHEMA public TO {role}"),
        format!("GRANT SELECT ON open_table, guarded TO {role}"),
        format!("GRANT SELECT (id) ON half TO {role}"),
        format!("GRANT SELECT ON closed.inside TO {role}"),
        format!("CREATE POLICY own ON guarded FOR SELECT TO {role} USING (id = 1)"),
    ];
    let mut statements = vec![
        &*create,
        "CREATE TABLE open_table (id BIGINT)",
        "INSERT INTO open_table VALUES (1)",
        "CREATE TABLE secret_table (id BIGINT)",
        "CREATE TABLE half (id BIGINT, diagnosis TEXT)",
        "INSERT INTO half VALUES (1, 'C50')",
        "CREATE TABLE guarded (id BIGINT)",
        "INSERT INTO guarded VALUES (1), (2)",
        "ALTER TABLE guarded ENABLE ROW LEVEL SECURITY",
        "CREATE SCHEMA closed",
        "CREATE TABLE closed.inside (id BIGINT)",
    ];
    statements.extend(grants.iter().map(String::as_str));
    let Some((owner, url)) = database(&statements).await else { return };
    let foreign = Foreign::postgres(&url.replace("user=lazaret", &format!("user={role}&password=hunter2"))).unwrap();
    assert!(!foreign.location().contains("hunter2") && !foreign.location().contains(&role), "{}", foreign.location());
    assert!(!format!("{foreign:?}").contains("hunter2"));
    let tables = foreign.tables().await.unwrap();
    assert_eq!(tables.len(), 5);
    assert_eq!(all_rows(&foreign, named(&tables, "public.open_table")).await.len(), 1);
    for path in ["public.secret_table", "closed.inside"] {
        let Access::None(why) = &named(&tables, path).access else { panic!("{path} cannot be read") };
        assert!(why.contains("grant SELECT"), "{why}");
    }
    let half = named(&tables, "public.half");
    assert!(matches!(&half.access, Access::Partial(why) if why.contains("columns")));
    assert_eq!(all_rows(&foreign, half).await, [[Some("1".to_owned())]]);
    let guarded = named(&tables, "public.guarded");
    assert!(matches!(&guarded.access, Access::Partial(why) if why.contains("BYPASSRLS")));
    assert_eq!(all_rows(&foreign, guarded).await.len(), 1);
    // Rights taken after the listing.
    owner.execute(&format!("REVOKE SELECT ON open_table FROM {role}"), &[]).await.unwrap();
    let error = foreign.rows(named(&tables, "public.open_table"), Sample::All, 10).await.unwrap_err();
    assert!(error.to_string().contains("`public.open_table`") && error.to_string().contains("grant SELECT"), "{error}");
    owner.close().await;
}

#[tokio::test]
async fn a_stamp_changes_with_the_rows_and_only_then() {
    let Some((owner, url)) = database(&["CREATE TABLE t (id BIGINT)", "INSERT INTO t VALUES (1)"]).await else {
        return;
    };
    let foreign = Foreign::postgres(&url).unwrap();
    owner.close().await;
    // A session counts its changes at the latest when it ends, which the server does after the client has gone.
    let settled = async || {
        let mut last = None;
        loop {
            let next = foreign.tables().await.unwrap()[0].stamp.clone().unwrap();
            if last.as_ref() == Some(&next) {
                return next;
            }
            last = Some(next);
            tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        }
    };
    let first = settled().await;
    all_rows(&foreign, &foreign.tables().await.unwrap()[0]).await;
    assert_eq!(settled().await, first, "reading changes nothing");
    let mut seen = vec![first];
    for sql in [
        "INSERT INTO t VALUES (2)",
        "UPDATE t SET id = 3 WHERE id = 2",
        "DELETE FROM t WHERE id = 3",
        "TRUNCATE t",
        "ALTER TABLE t ADD n TEXT",
    ] {
        let owner = Store::postgres_unmigrated(&url).await.unwrap();
        owner.execute(sql, &[]).await.unwrap();
        owner.close().await;
        let next = settled().await;
        assert!(!seen.contains(&next), "{sql}");
        seen.push(next);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows_stream_in_batches_of_bounded_size() {
    let Some((owner, url)) = database(&[
        "CREATE TABLE big AS SELECT n AS id, 'patient number ' || n AS name FROM generate_series(1, 200000) n",
        "CREATE TABLE wide AS SELECT n AS id, repeat('x', 1000000) AS note FROM generate_series(1, 40) n",
        "CREATE TABLE huge AS SELECT repeat('ü', 5000000) AS note",
        "ANALYZE",
    ])
    .await
    else {
        return;
    };
    let foreign = Foreign::postgres(&url).unwrap();
    let tables = foreign.tables().await.unwrap();
    let (mut count, mut sum) = (0_u64, 0_u64);
    let mut rows = foreign.rows(named(&tables, "public.big"), Sample::All, 700).await.unwrap();
    while let Some(batch) = rows.next().await.unwrap() {
        assert!(batch.len() <= 700);
        count += batch.len() as u64;
        sum += batch.iter().map(|row| row[0].as_ref().unwrap().parse::<u64>().unwrap()).sum::<u64>();
    }
    assert_eq!((count, sum), (200_000, 200_000 * 200_001 / 2));
    assert_eq!(rows.next().await.unwrap(), None, "the end stays the end");
    let mut rows = foreign.rows(named(&tables, "public.wide"), Sample::All, 1_000).await.unwrap();
    let mut batches = Vec::new();
    while let Some(batch) = rows.next().await.unwrap() {
        batches.push(batch.len());
    }
    assert_eq!(batches.iter().sum::<usize>(), 40);
    assert!(batches.iter().all(|rows| *rows <= 5), "a batch of long values ends early: {batches:?}");
    let mut rows = foreign.rows(named(&tables, "public.huge"), Sample::All, 10).await.unwrap();
    let batch = rows.next().await.unwrap().unwrap();
    assert_eq!(batch[0][0].as_ref().unwrap().chars().count(), store::foreign::TEXT_CHARS_MAX);
    assert_eq!(rows.cut_values(), 1);
    for (wanted, least) in [(100, 50), (10_000, 5_000), (150_000, 150_000), (1_000_000, 200_000)] {
        let read = async || {
            let mut rows = foreign.rows(named(&tables, "public.big"), Sample::Rows(wanted), 1_000).await.unwrap();
            let mut all = Vec::new();
            while let Some(batch) = rows.next().await.unwrap() {
                all.extend(batch);
            }
            all
        };
        let sample = read().await;
        assert!((least..=wanted).contains(&(sample.len() as u64)), "{} of {wanted}", sample.len());
        assert!(read().await == sample, "the same table gives the same sample");
    }
    owner.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_dropped_while_read_is_read_to_its_end_or_says_so() {
    let Some((owner, url)) =
        database(&["CREATE TABLE big AS SELECT n AS id, repeat('x', 100) AS note FROM generate_series(1, 50000) n"])
            .await
    else {
        return;
    };
    let foreign = Foreign::postgres(&url).unwrap();
    let tables = foreign.tables().await.unwrap();
    let mut rows = foreign.rows(&tables[0], Sample::All, 100).await.unwrap();
    let mut count = rows.next().await.unwrap().unwrap().len();
    let dropping = tokio::spawn(async move {
        owner.execute("DROP TABLE big", &[]).await.unwrap();
        owner
    });
    while let Some(batch) = rows.next().await.unwrap() {
        count += batch.len();
    }
    assert_eq!(count, 50_000, "whoever drops it waits");
    let owner = dropping.await.unwrap();
    let error = foreign.rows(&tables[0], Sample::All, 100).await.unwrap_err();
    assert!(
        matches!(&error, ForeignError::Read { table, reason } if table == "public.big" && reason.contains("no longer there"))
    );
    assert!(foreign.tables().await.unwrap().is_empty());
    // Given up early, the reading leaves no connection behind.
    owner.execute("CREATE TABLE big AS SELECT n AS id FROM generate_series(1, 100000) n", &[]).await.unwrap();
    let mut rows = foreign.rows(&foreign.tables().await.unwrap()[0], Sample::All, 10).await.unwrap();
    rows.next().await.unwrap();
    drop(rows);
    owner.execute("DROP TABLE big", &[]).await.unwrap();
    owner.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_lock_is_waited_for_but_not_for_long() {
    let Some((owner, url)) = database(&["CREATE TABLE t (id BIGINT)", "CREATE TABLE u (id BIGINT)"]).await else {
        return;
    };
    let foreign = Foreign::postgres(&url).unwrap();
    let tables = foreign.tables().await.unwrap();
    let mut lock = owner.begin().await.unwrap();
    lock.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE", &[]).await.unwrap();
    let (listed, error) = tokio::join!(foreign.tables(), foreign.rows(&tables[0], Sample::All, 10));
    assert_eq!(listed.unwrap().len(), 2, "a locked table does not keep the others from being listed");
    assert!(error.unwrap_err().to_string().contains("holds a lock"));
    drop(lock);
    owner.close().await;
}

#[tokio::test]
async fn errors_quote_no_value_and_nothing_is_written() {
    let Some((owner, url)) = database(&[
        "CREATE TABLE t (id TEXT)",
        "INSERT INTO t VALUES ('Jane Doe')",
        "CREATE VIEW broken AS SELECT id::integer FROM t",
        "CREATE FUNCTION sly() RETURNS BIGINT LANGUAGE sql VOLATILE AS 'INSERT INTO public.t VALUES (''x'') RETURNING 1::bigint'",
        "CREATE VIEW writing AS SELECT sly() AS n",
    ])
    .await
    else {
        return;
    };
    let foreign = Foreign::postgres(&url).unwrap();
    let tables = foreign.tables().await.unwrap();
    for path in ["public.broken", "public.writing"] {
        let error = match foreign.rows(named(&tables, path), Sample::All, 10).await {
            Ok(mut rows) => rows.next().await.unwrap_err(),
            Err(error) => error,
        };
        assert!(error.to_string().contains("SQLSTATE"), "{error}");
        assert!(!format!("{error:?}{error}").contains("Jane"), "{error:?}");
    }
    assert_eq!(all_rows(&foreign, named(&tables, "public.t")).await.len(), 1, "nothing was written");
    owner.close().await;
}

#[tokio::test]
async fn addresses_that_lead_nowhere_say_so_without_the_password() {
    for (url, expected) in [
        ("mysql://u:hunter2@h/d", "postgres://"),
        ("postgres://u:hunter2@h:99999/d", "cannot be understood"),
        ("postgres://u:hun#ter2@h/d?x", "cannot be understood"),
        ("postgres://u@h/d?passwrd=hunter2", "parameters"),
        ("postgres://u@h/d?sslmode=hunter2", "cannot be understood"),
    ] {
        let error = Foreign::postgres(url).unwrap_err();
        assert!(error.to_string().contains(expected), "{url}: {error}");
        assert!(!format!("{error:?}{error}").contains("hunter2"), "{error:?}");
    }
    let foreign = Foreign::postgres("postgres://someone:hunter2@127.0.0.1:1/shop?sslmode=disable").unwrap();
    assert_eq!(foreign.location(), "postgres://127.0.0.1:1/shop");
    let error = foreign.tables().await.unwrap_err();
    assert!(error.to_string().contains("127.0.0.1:1/shop") && error.to_string().contains("check host"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"));
    let Some((owner, url)) = database(&[]).await else { return };
    let nowhere = Foreign::postgres(&url.replace("postgres:///t", "postgres:///no_such_")).unwrap();
    assert!(nowhere.tables().await.unwrap_err().to_string().contains("no such database"));
    owner.close().await;
}
