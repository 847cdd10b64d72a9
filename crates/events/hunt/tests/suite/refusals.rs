//! What is not answered.

use hunt::{Format, HuntError};

use crate::support::World;

#[tokio::test]
async fn only_reading_is_done() {
    let world = World::new(5, |_| {}).await;
    let outside = world.folder.path().join("out.csv");
    let refused = [
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "CREATE VIEW v AS SELECT 1".to_owned(),
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'".to_owned(),
        format!("COPY events TO '{}'", outside.display()),
        format!("EXPLAIN ANALYZE COPY (SELECT 1) TO '{}'", outside.display()),
        "INSERT INTO events SELECT * FROM events".to_owned(),
        "DELETE FROM events".to_owned(),
        "UPDATE events SET bytes = 0".to_owned(),
        "DROP TABLE events".to_owned(),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "RESET datafusion.execution.batch_size".to_owned(),
        "BEGIN".to_owned(),
        "PREPARE p AS SELECT 1".to_owned(),
        "SELECT 1; SELECT 2".to_owned(),
        "CREATE FUNCTION f() RETURNS INT RETURN 1".to_owned(),
    ];
    for sql in &refused {
        let answer = world.ask(Format::Text, sql, &[]).await;
        assert!(matches!(answer, Err(HuntError::Refused { .. } | HuntError::Question { .. })), "{sql}: {answer:?}");
        assert!(answer.unwrap_err().is_usage());
    }
    assert!(!outside.exists());
    let files = ["SELECT * FROM '/etc/passwd'", "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM nothing"];
    for sql in files {
        assert!(matches!(world.ask(Format::Text, sql, &[]).await, Err(HuntError::Question { .. })), "{sql}");
    }
    for sql in ["", "SELEC 1", "SELECT nothing FROM events", "SELECT 1/0", "SELECT CAST('x' AS INT)"] {
        let error = world.ask(Format::Text, sql, &[]).await.unwrap_err();
        assert!(error.is_usage(), "{sql}: {error:?}");
    }
}

#[tokio::test]
async fn looking_at_the_plan_and_the_columns_is_allowed() {
    let world = World::new(5, |_| {}).await;
    for sql in
        ["EXPLAIN SELECT * FROM events", "WITH a AS (SELECT 1 AS x) SELECT * FROM a", "DESCRIBE events", "VALUES (1)"]
    {
        assert!(!world.ask(Format::Text, sql, &[]).await.unwrap().is_empty(), "{sql}");
    }
}

#[tokio::test]
async fn an_altered_segment_is_an_error_and_no_answer() {
    let world = World::new(150, |_| {}).await;
    let name = world.snapshot().manifest.segments[1].name.clone();
    let path = world.folder.path().join("lake").join(name);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = world.ask(Format::Text, "SELECT sum(bytes) FROM events", &[]).await.unwrap_err();
    assert!(error.to_string().contains("was altered"), "{error}");
    assert!(!error.is_usage());
}
