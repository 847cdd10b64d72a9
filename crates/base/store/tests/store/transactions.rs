//! All or nothing, one writer at a time, and what a kill leaves.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use store::{Insert, PAGE_ROWS_MAX, Store, Value, select_in};

use crate::engines::on_each_engine;
use crate::places::{on_each_place, open};

async fn counter(store: &Store, name: &str) -> i64 {
    let row = store.row("SELECT value FROM counters WHERE name = $1", &[name.into()]).await.unwrap();
    row.map_or(0, |row| row.int(0).unwrap())
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing() {
    on_each_engine(|store| async move {
        let mut transaction = store.begin().await.unwrap();
        assert_eq!(transaction.allocate("things", 3).await.unwrap(), 1);
        assert_eq!(transaction.allocate("things", 1).await.unwrap(), 4);
        drop(transaction);
        assert_eq!(counter(&store, "things").await, 0);
        let mut transaction = store.begin().await.unwrap();
        assert_eq!(transaction.allocate("things", 2).await.unwrap(), 1);
        transaction.commit().await.unwrap();
        assert_eq!(counter(&store, "things").await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_refused_statement_takes_its_transaction_with_it() {
    on_each_engine(|store| async move {
        let mut transaction = store.begin().await.unwrap();
        transaction.allocate("things", 3).await.unwrap();
        let twice = "INSERT INTO counters (name, value) VALUES ('things', 1)";
        let error = transaction.execute(twice, &[]).await.unwrap_err();
        assert!(error.is_unique_violation(), "{error}");
        drop(transaction);
        assert_eq!(counter(&store, "things").await, 0);
        assert!(!store.execute("INSERT INTO nowhere VALUES (1)", &[]).await.unwrap_err().is_unique_violation());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_of_several_processes_wait_for_each_other() {
    on_each_place(|place| async move {
        // Each store has connections of its own, as another process would.
        let mut tasks = tokio::task::JoinSet::new();
        for writer in 0..4 {
            let store = open(&place).await;
            tasks.spawn(async move {
                for round in 0..10 {
                    let mut transaction = store.begin().await.unwrap();
                    // Read, think, write: what another writer did in between would be lost.
                    let sql = "SELECT value FROM counters WHERE name = 'sum'";
                    let row = transaction.row(sql, &[]).await.unwrap();
                    let sum = row.map_or(0, |row| row.int(0).unwrap());
                    tokio::task::yield_now().await;
                    let mut insert = Insert::or_replace("counters", &["name", "value"], "name");
                    insert.row(["sum".into(), (sum + 1).into()]);
                    insert.run(&mut transaction).await.unwrap();
                    transaction.commit().await.unwrap();
                    let location = format!("/data/{round}");
                    store::sources::ensure(&store, "folder", &location, writer).await.unwrap();
                }
                store.close().await;
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        let store = open(&place).await;
        assert_eq!(counter(&store, "sum").await, 40);
        assert_eq!(store::sources::all(&store).await.unwrap().len(), 10);
        store.close().await;
    })
    .await;
}

const PLACE: &str = "LAZARET_TEST_PLACE";

/// The body of the process that [`a_killed_process_leaves_nothing_half_done`] kills.
#[tokio::test]
#[ignore = "started by another test, which kills it"]
async fn process_that_is_killed() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let store = open(&place).await;
    store::sources::ensure(&store, "folder", "/committed", 1).await.unwrap();
    let mut transaction = store.begin().await.unwrap();
    transaction.allocate("things", 5).await.unwrap();
    let mut insert = Insert::into("sources", &["id", "kind", "location", "created_at"]);
    for id in 100..3_000 {
        insert.row([id.into(), "folder".into(), format!("/half/{id}").into(), 1.into()]);
    }
    insert.run(&mut transaction).await.unwrap();
    println!("\nin the middle");
    std::thread::sleep(std::time::Duration::from_secs(60));
    transaction.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_leaves_nothing_half_done() {
    on_each_place(|place| async move {
        open(&place).await.close().await;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "transactions::process_that_is_killed"])
            .env(PLACE, &place)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reached = lines.map_while(Result::ok).any(|line| line.contains("in the middle"));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(reached, "the process came to the middle of its transaction");
        let store = open(&place).await;
        let sources = store::sources::all(&store).await.unwrap();
        assert_eq!(sources.iter().map(|source| &*source.location).collect::<Vec<_>>(), ["/committed"]);
        assert_eq!(counter(&store, "things").await, 0);
        store::sources::ensure(&store, "folder", "/after", 1).await.unwrap();
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn many_rows_go_through_in_pieces_and_come_back_typed() {
    on_each_engine(|store| async move {
        let sql = "CREATE TABLE pieces (id INTEGER PRIMARY KEY, n BIGINT, r DOUBLE PRECISION, t TEXT, b BYTEA)";
        store.execute(sql, &[]).await.unwrap();
        let mut transaction = store.begin().await.unwrap();
        let mut insert = Insert::into("pieces", &["id", "n", "r", "t", "b"]);
        let count = 10_000_u32;
        for id in 0..count {
            let n = (id % 3 > 0).then(|| i64::from(id) << 32);
            let text = (id % 5 > 0).then(|| format!("Ω' \" \\ {id}"));
            let bytes = (id % 7 > 0).then(|| id.to_le_bytes().to_vec());
            insert.row([
                id.into(),
                n.into(),
                (id % 2 == 0).then(|| f64::from(id) / 2.0).into(),
                text.into(),
                bytes.into(),
            ]);
        }
        assert_eq!(insert.len(), count as usize);
        insert.run(&mut transaction).await.unwrap();
        let keys: Vec<Value> = (0..count * 2).map(Value::from).collect();
        let mut rows = select_in(&mut transaction, "SELECT id, n, r, t, b FROM pieces WHERE id", &keys).await.unwrap();
        rows.sort_by_key(|row| row.id(0).unwrap());
        assert_eq!(rows.len(), count as usize);
        for (id, row) in (0..count).zip(&rows) {
            assert_eq!(row.id(0).unwrap(), id);
            assert_eq!(row.int_opt(1).unwrap(), (id % 3 > 0).then(|| i64::from(id) << 32));
            if id % 2 == 0 {
                assert!((row.real(2).unwrap() - f64::from(id) / 2.0).abs() < 1e-9);
            } else {
                assert!(row.real(2).is_err(), "a null is no number");
            }
            assert_eq!(row.text_opt(3).unwrap(), (id % 5 > 0).then(|| format!("Ω' \" \\ {id}")));
            assert_eq!(row.bytes_opt(4).unwrap(), (id % 7 > 0).then(|| id.to_le_bytes().to_vec()));
        }
        let wrong = rows[1].text(1).unwrap_err().to_string();
        assert!(wrong.contains("column 1") && wrong.contains("text belongs"), "{wrong}");
        assert!(rows[1].int(9).is_err(), "there is no such column");
        transaction.commit().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn no_page_is_longer_than_its_limit() {
    on_each_engine(|store| async move {
        let mut transaction = store.begin().await.unwrap();
        let mut insert = Insert::into("sources", &["id", "kind", "location", "created_at"]);
        for id in 1..=PAGE_ROWS_MAX + 5 {
            insert.row([id.into(), "folder".into(), format!("/data/{id}").into(), 1.into()]);
        }
        insert.run(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(store::sources::all(&store).await.unwrap().len(), PAGE_ROWS_MAX as usize);
    })
    .await;
}
