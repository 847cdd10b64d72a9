//! The schema, up and down.

use store::{Engine, MIGRATIONS, Row, Store, StoreError};

use crate::places::on_each_unmigrated;

/// Everything that a schema consists of, in an order of its own.
async fn shape(store: &Store) -> Vec<Row> {
    let statements: &[&str] = match store.engine() {
        Engine::Sqlite => &["SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' \
                             ORDER BY type, name"],
        Engine::Postgres => &[
            "SELECT table_name::text, column_name::text, data_type::text, is_nullable::text, column_default::text \
             FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
            "SELECT tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 2",
            "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint \
             WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2",
        ],
    };
    let mut rows = Vec::new();
    for sql in statements {
        rows.extend(store.rows(sql, &[]).await.unwrap());
    }
    rows
}

fn newest() -> i64 {
    MIGRATIONS.last().unwrap().version
}

#[tokio::test]
async fn a_fresh_database_equals_one_that_went_up_and_down_step_by_step() {
    on_each_unmigrated(|fresh, stepped| async move {
        assert_eq!(fresh.schema_version().await.unwrap(), 0);
        let empty = shape(&fresh).await;
        fresh.migrate_to(newest()).await.unwrap();
        let expected = shape(&fresh).await;
        assert!(expected.len() > empty.len() + 20, "there is a schema to compare");

        let mut before = Vec::new();
        for step in MIGRATIONS {
            assert_eq!(step.version, stepped.schema_version().await.unwrap() + 1, "versions have no gaps");
            before.push(shape(&stepped).await);
            stepped.migrate_to(step.version).await.unwrap();
            stepped.migrate_to(step.version - 1).await.unwrap();
            assert_eq!(shape(&stepped).await, *before.last().unwrap(), "{} leaves something behind", step.name);
            stepped.migrate_to(step.version).await.unwrap();
        }
        assert_eq!(shape(&stepped).await, expected);
        for (step, before) in MIGRATIONS.iter().zip(before).rev() {
            stepped.migrate_to(step.version - 1).await.unwrap();
            assert_eq!(shape(&stepped).await, before);
        }
        stepped.migrate_to(i64::MAX).await.unwrap();
        assert_eq!(shape(&stepped).await, expected);
        assert_eq!(stepped.schema_version().await.unwrap(), newest());
    })
    .await;
}

#[tokio::test]
async fn migrating_keeps_rows_of_earlier_steps() {
    on_each_unmigrated(|store, _| async move {
        store.migrate_to(1).await.unwrap();
        let source = store::sources::ensure(&store, "folder", "/data", 7).await.unwrap();
        store.migrate_to(newest()).await.unwrap();
        assert_eq!(store::sources::all(&store).await.unwrap(), std::slice::from_ref(&source));
        store.migrate_to(1).await.unwrap();
        assert_eq!(store::sources::all(&store).await.unwrap(), [source]);
    })
    .await;
}

#[tokio::test]
async fn changes_of_before_are_in_the_sums() {
    on_each_unmigrated(|store, _| async move {
        store.migrate_to(3).await.unwrap();
        for (id, happened_at, kind) in [(1, 10, "new"), (2, 10, "new"), (3, 20, "gone"), (4, 20, "new")] {
            let sql = "INSERT INTO changes (id, happened_at, object_id, kind, detail) VALUES ($1, $2, 1, $3, '')";
            store.execute(sql, &[id.into(), happened_at.into(), kind.into()]).await.unwrap();
        }
        store.migrate_to(newest()).await.unwrap();
        let counts = store::changes::counts(&store, 0).await.unwrap();
        assert_eq!(counts, [("gone".to_owned(), 1), ("new".to_owned(), 3)]);
        assert_eq!(store::changes::counts(&store, 20).await.unwrap(), [("gone".to_owned(), 1), ("new".to_owned(), 1)]);
    })
    .await;
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    on_each_unmigrated(|store, _| async move {
        store.migrate_to(newest()).await.unwrap();
        let values = [(newest() + 1).into(), "of tomorrow".into()];
        store.execute("INSERT INTO schema_steps (version, name) VALUES ($1, $2)", &values).await.unwrap();
        let error = store.migrate_to(i64::MAX).await.unwrap_err();
        assert!(matches!(error, StoreError::Newer { found, known } if (found, known) == (newest() + 1, newest())));
        assert!(error.to_string().contains("use the newer program"));
    })
    .await;
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_database_as_it_was() {
    on_each_unmigrated(|store, _| async move {
        store.migrate_to(1).await.unwrap();
        // Somebody else's table is in the way of the second step's last one.
        store.execute("CREATE TABLE people_unions (mine TEXT)", &[]).await.unwrap();
        let before = shape(&store).await;
        let error = store.migrate_to(2).await.unwrap_err();
        assert!(matches!(error, StoreError::Migration { version: 2, .. }), "{error}");
        assert_eq!(shape(&store).await, before);
        assert_eq!(store.schema_version().await.unwrap(), 1);
        store.execute("DROP TABLE people_unions", &[]).await.unwrap();
        store.migrate_to(2).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_opened_says_where_and_hides_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "this is no database, however long it may be: ".repeat(100)).unwrap();
    let error = Store::sqlite(&text).await.unwrap_err();
    assert!(format!("{error}{error:?}").contains("notes.txt") || error.to_string().contains("refused"), "{error}");
    let error = Store::postgres("postgres://someone:hunter2@127.0.0.1:1/x").await.unwrap_err();
    assert!(error.to_string().contains("127.0.0.1/x"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/lazaret.db");
    let store = Store::sqlite(&path).await.unwrap();
    store::sources::ensure(&store, "folder", "/data", 7).await.unwrap();
    for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
    store.close().await;
}
