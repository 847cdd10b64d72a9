//! Reports of backups and drills, on each engine.

use model::{PrincipalId, RecoveryKind, RecoveryState};
use store::recovery::{self, Report};

use crate::engines::on_each_engine;

fn begun(kind: RecoveryKind, name: &str, began_at: i64) -> Report {
    Report {
        id: 0,
        kind,
        name: name.to_owned(),
        state: RecoveryState::Running,
        began_at,
        ended_at: None,
        by: PrincipalId::from_bytes([1; 16]),
        through: "schedule".to_owned(),
        snapshot: None,
        began_entry: Some(7),
        ended_entry: None,
    }
}

#[tokio::test]
async fn what_began_is_told_again_when_it_ends() {
    on_each_engine(|store| async move {
        let first = begun(RecoveryKind::Backup, "10", 10);
        recovery::put(&store, &first, "{}", recovery::KEPT_MAX).await.unwrap();
        let kept = recovery::listed(&store, i64::MAX, 10).await.unwrap();
        assert_eq!(kept, [Report { id: kept[0].id, ..first.clone() }]);
        let ended = Report {
            state: RecoveryState::Holds,
            ended_at: Some(20),
            by: PrincipalId::from_bytes([2; 16]),
            began_at: 11,
            snapshot: Some("abc".to_owned()),
            began_entry: None,
            ended_entry: Some(9),
            ..first.clone()
        };
        recovery::put(&store, &ended, "{\"holds\":true}", recovery::KEPT_MAX).await.unwrap();
        // A drill of the same name is another.
        recovery::put(&store, &begun(RecoveryKind::Drill, "10", 15), "{}", recovery::KEPT_MAX).await.unwrap();
        let found = recovery::by_id(&store, kept[0].id).await.unwrap().unwrap();
        let wanted =
            Report { id: kept[0].id, by: first.by, began_at: first.began_at, began_entry: first.began_entry, ..ended };
        assert_eq!(found, (wanted, "{\"holds\":true}".to_owned()), "who began it and when stays");
        assert_eq!(recovery::listed(&store, i64::MAX, 10).await.unwrap().len(), 2);
        assert!(recovery::by_id(&store, 99_999).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn the_newest_are_listed_first_and_the_oldest_go() {
    on_each_engine(|store| async move {
        for at in 1..=8 {
            let kind = if at % 2 == 0 { RecoveryKind::Drill } else { RecoveryKind::Backup };
            recovery::put(&store, &begun(kind, &at.to_string(), at), &format!("[{at}]"), 5).await.unwrap();
        }
        let times = |found: Vec<Report>| found.into_iter().map(|one| one.began_at).collect::<Vec<_>>();
        assert_eq!(times(recovery::listed(&store, i64::MAX, 100).await.unwrap()), [8, 7, 6, 5, 4]);
        assert_eq!(times(recovery::listed(&store, 7, 2).await.unwrap()), [6, 5]);
        let texts = recovery::texts(&store, RecoveryKind::Drill, 2).await.unwrap();
        assert_eq!(
            texts.iter().map(|(one, text)| (one.began_at, &**text)).collect::<Vec<_>>(),
            [(8, "[8]"), (6, "[6]")]
        );
        assert_eq!(recovery::texts(&store, RecoveryKind::Check, 10).await.unwrap(), []);
    })
    .await;
}
