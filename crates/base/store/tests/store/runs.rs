//! Sources, runs over them, and schedules.

use store::scans::{self, Progress};
use store::{PAGE_ROWS_MAX, schedules, sources};

use crate::engines::on_each_engine;

#[tokio::test]
async fn a_source_is_known_once() {
    on_each_engine(|store| async move {
        let first = sources::ensure(&store, "folder", "/data", 5).await.unwrap();
        let again = sources::ensure(&store, "folder", "/data", 9).await.unwrap();
        assert_eq!(first, again);
        assert_eq!((first.kind.as_str(), first.created_at, first.scanned_at), ("folder", 5, None));
        let other = sources::ensure(&store, "bucket", "s3://b", 9).await.unwrap();
        assert_eq!(sources::all(&store).await.unwrap(), [first, other.clone()]);
        assert_eq!(sources::by_id(&store, other.id).await.unwrap(), Some(other));
        assert_eq!(sources::by_id(&store, 99).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_killed_run_is_taken_up_again() {
    on_each_engine(|store| async move {
        let source = sources::ensure(&store, "folder", "/data", 5).await.unwrap();
        let other = sources::ensure(&store, "folder", "/other", 5).await.unwrap();
        let run = scans::begin_or_resume(&store, source.id, 10).await.unwrap();
        assert_eq!((run.state.as_str(), run.resumed, run.progress), ("running", 0, Progress::default()));
        let progress = Progress { inspected: 1, unchanged: 2, unreadable: 3, skipped: 4, gone: 5, bytes: 1 << 40 };
        let mut transaction = store.begin().await.unwrap();
        scans::checkpoint(&mut transaction, run.id, &progress, 20).await.unwrap();
        transaction.commit().await.unwrap();
        let resumed = scans::begin_or_resume(&store, source.id, 30).await.unwrap();
        assert_eq!((resumed.id, resumed.resumed, resumed.progress), (run.id, 1, progress));
        assert_eq!((resumed.started_at, resumed.checkpoint_at), (10, 30));
        assert_ne!(scans::begin_or_resume(&store, other.id, 30).await.unwrap().id, run.id);

        let mut transaction = store.begin().await.unwrap();
        scans::finish(&mut transaction, run.id, "failed", Some("disk on fire"), 40).await.unwrap();
        transaction.commit().await.unwrap();
        let failed = scans::by_id(&store, run.id).await.unwrap().unwrap();
        assert_eq!((failed.state.as_str(), failed.message.as_deref()), ("failed", Some("disk on fire")));
        assert_eq!(sources::by_id(&store, source.id).await.unwrap().unwrap().scanned_at, None);
        let next = scans::begin_or_resume(&store, source.id, 50).await.unwrap();
        assert_ne!(next.id, run.id, "a run that ended is not taken up");
        let mut transaction = store.begin().await.unwrap();
        scans::finish(&mut transaction, next.id, "done", None, 60).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(sources::by_id(&store, source.id).await.unwrap().unwrap().scanned_at, Some(60));
        assert_eq!(sources::by_id(&store, other.id).await.unwrap().unwrap().scanned_at, None);

        let ids = |page: Vec<scans::ScanRow>| page.into_iter().map(|run| run.id).collect::<Vec<_>>();
        assert_eq!(ids(scans::page(&store, None, 2).await.unwrap()), [3, 2]);
        assert_eq!(ids(scans::page(&store, Some(2), PAGE_ROWS_MAX * 2).await.unwrap()), [1]);
        assert_eq!(scans::by_id(&store, 99).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn schedules_come_due_and_go() {
    on_each_engine(|store| async move {
        let source = sources::ensure(&store, "folder", "/data", 5).await.unwrap();
        let hourly = schedules::create(&store, source.id, "every 1h", 5, 100).await.unwrap();
        let daily = schedules::create(&store, source.id, "daily 02:30", 5, 50).await.unwrap();
        assert!(schedules::create(&store, 99, "every 1h", 5, 100).await.is_err(), "there is no such source");
        let ids = |rows: Vec<schedules::ScheduleRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
        assert!(schedules::due(&store, 49).await.unwrap().is_empty());
        assert_eq!(ids(schedules::due(&store, 100).await.unwrap()), [daily, hourly], "longest overdue first");
        schedules::ran(&store, daily, 101, 200).await.unwrap();
        assert_eq!(ids(schedules::due(&store, 101).await.unwrap()), [hourly]);
        let all = schedules::all(&store).await.unwrap();
        assert_eq!(
            (all[1].rule.as_str(), all[1].next_due_at, all[1].last_run_at),
            ("daily 02:30", Some(200), Some(101))
        );
        schedules::remove(&store, hourly).await.unwrap();
        assert_eq!(ids(schedules::all(&store).await.unwrap()), [daily]);
    })
    .await;
}
