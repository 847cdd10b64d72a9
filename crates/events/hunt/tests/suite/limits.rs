//! A question ends where its limits are.

use std::time::{Duration, Instant};

use hunt::{Format, HuntError, Limits};

use crate::support::World;

#[tokio::test]
async fn a_question_that_runs_away_is_stopped() {
    let world = World::new(200, |_| {}).await;
    let limits = Limits { timeout: Duration::from_millis(300), ..Limits::default() };
    let sql = "SELECT count(*) FROM generate_series(1, 1000000000000) AS n(value) JOIN events ON value % 7 = index";
    let began = Instant::now();
    let error = world.ask_within(Format::Text, sql, &[], limits).await.unwrap_err();
    assert!(matches!(error, HuntError::Slow { .. }), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test]
async fn memory_has_an_end() {
    let world = World::new(200, |_| {}).await;
    let limits = Limits { memory_bytes: 1 << 20, ..Limits::default() };
    let sql = "SELECT a.index * 200 + b.index AS x, count(*) FROM events a, events b, events c GROUP BY x ORDER BY x";
    let error = world.ask_within(Format::Text, sql, &[], limits).await.unwrap_err();
    assert!(matches!(error, HuntError::Memory { limit_mib: 1 }), "{error:?}");
}

#[tokio::test]
async fn rows_beyond_the_limit_are_left_out_and_that_is_told() {
    let world = World::new(200, |_| {}).await;
    let limits = Limits { rows_max: 150, ..Limits::default() };
    let (text, answered) = world.ask_within(Format::Json, "SELECT index FROM events", &[], limits).await.unwrap();
    assert_eq!((text.lines().count(), answered.rows, answered.is_cut), (150, 150, true));
    let (_, answered) =
        world.ask_within(Format::Json, "SELECT index FROM events LIMIT 150", &[], limits).await.unwrap();
    assert!(!answered.is_cut);
}
