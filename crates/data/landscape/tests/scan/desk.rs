//! Scans in the background, schedules and watched folders.

use std::time::Duration;

use landscape::scan::{Debounce, Desk, ScanError, State};
use landscape::sources::SourceSpec;

use crate::world::{World, table_of, until};

async fn ended(desk: &Desk) {
    until("the end of all scans", || async { desk.running().is_empty() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_run_in_the_background_one_a_source() {
    let world = World::new().await;
    let line = "a line with anna.example@example.org and more words that are looked at\n";
    world.write("big.txt", line.repeat(300_000));
    let desk = Desk::new(world.scanner());
    let id = desk.add(&world.source()).await.unwrap();
    assert_eq!(desk.add(&world.source()).await.unwrap(), id);
    let first = desk.start(id).await.unwrap();
    let second = desk.start(id).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &second), "the one under way");
    let running = desk.running();
    assert_eq!((running.len(), running[0].source_id), (1, id));
    assert_eq!(running[0].location, world.folder.path().canonicalize().unwrap().to_string_lossy());
    assert!(desk.cancel(id));
    ended(&desk).await;
    assert_eq!(first.progress().state, State::Cancelled);
    assert!(!desk.cancel(id));
    desk.start(id).await.unwrap();
    ended(&desk).await;
    assert_eq!(world.objects().await.len(), 1);
    assert!(matches!(desk.start(99).await, Err(ScanError::Source(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_is_made_up_for() {
    let world = World::new().await;
    (0..200).for_each(|number| world.write(&format!("{number}.csv"), table_of(0..200)));
    let desk = Desk::new(world.scanner());
    let id = desk.add(&world.source()).await.unwrap();
    let scan = desk.start(id).await.unwrap();
    until("the first object", || async { scan.progress().inspected > 0 }).await;
    desk.shut_down();
    until("the end of the task", || async { scan.is_finished() }).await;
    let desk = Desk::new(world.scanner());
    assert_eq!(desk.resume().await.unwrap(), [id]);
    ended(&desk).await;
    assert_eq!(world.objects().await.len(), 200);
    assert!(desk.resume().await.unwrap().is_empty());
    let runs = world.catalogue.scans(None, 10).await.unwrap();
    assert_eq!((runs.len(), runs[0].state.as_str(), runs[0].resumed), (1, "done", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_is_scanned() {
    const HOUR: i64 = 3_600_000;
    let world = World::new().await;
    world.write("a.txt", "a");
    let desk = Desk::new(world.scanner());
    let id = desk.add(&world.source()).await.unwrap();
    assert!(matches!(desk.schedule(id, "now and then").await, Err(ScanError::Rule(_))));
    assert!(matches!(desk.schedule(id + 1, "every 6h").await, Err(ScanError::Source(_))));
    let schedule = desk.schedule(id, "every 360m").await.unwrap();
    let listed = desk.schedules().await.unwrap();
    assert_eq!((listed[0].id, listed[0].source_id, listed[0].rule.as_str()), (schedule, id, "every 6h"));
    let due_at = listed[0].next_due_at.unwrap();
    assert!(desk.tick(due_at - 1).await.unwrap().is_empty());
    assert!(world.objects().await.is_empty());
    // Three times were missed; one scan makes up for them.
    let now = due_at + 13 * HOUR;
    let due = desk.tick(now).await.unwrap();
    assert_eq!((due.len(), due[0].schedule_id, due[0].source_id), (1, schedule, id));
    assert!(due[0].started.is_ok());
    ended(&desk).await;
    assert_eq!(world.objects().await.len(), 1);
    assert!(desk.tick(now + 1).await.unwrap().is_empty());
    let listed = desk.schedules().await.unwrap();
    assert_eq!((listed[0].last_run_at, listed[0].next_due_at), (Some(now), Some(now + 6 * HOUR)));
    desk.unschedule(schedule).await.unwrap();
    assert!(desk.tick(now + 100 * HOUR).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_folder_is_kept_up_to_date() {
    let world = World::new().await;
    world.write("a/one.txt", "one");
    world.write("a/two.csv", table_of(0..3));
    let desk = Desk::new(world.scanner());
    let id = desk.add(&world.source()).await.unwrap();
    let debounce = Debounce { quiet: Duration::from_millis(200), wait_max: Duration::from_secs(2) };
    desk.watch(id, debounce).await.unwrap();
    assert_eq!(desk.watching(), [id]);
    let has = |names: &'static [&'static str]| {
        let world = &world;
        until(names[0], move || async move { world.objects().await.keys().eq(names) })
    };
    has(&["a/one.txt", "a/two.csv"]).await;
    ended(&desk).await;
    let runs = world.catalogue.scans(None, 10).await.unwrap().len();
    world.write("b/deep/er/new.txt", "new");
    has(&["a/one.txt", "a/two.csv", "b/deep/er/new.txt"]).await;
    std::fs::rename(world.path("a"), world.path("c")).unwrap();
    has(&["b/deep/er/new.txt", "c/one.txt", "c/two.csv"]).await;
    std::fs::remove_dir_all(world.path("b")).unwrap();
    has(&["c/one.txt", "c/two.csv"]).await;
    assert_eq!(world.catalogue.people().await.unwrap().total.people, 3);
    world.write("c/two.csv", table_of(0..5));
    until("the new people", || async { world.catalogue.people().await.unwrap().total.people == 5 }).await;
    assert_eq!(world.catalogue.scans(None, 10).await.unwrap().len(), runs, "only what changed was looked at");
    assert!(desk.unwatch(id));
    assert!(!desk.unwatch(id));
    let table = SourceSpec::Sqlite(world.database.clone());
    let id = desk.add(&table).await.unwrap();
    assert!(desk.watch(id, debounce).await.unwrap_err().to_string().contains("use a schedule"));
}
