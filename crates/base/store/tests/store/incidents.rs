//! Incidents and their entries, on each engine.

use model::{IncidentState, PrincipalId, Severity};
use store::incidents::{self, Entry, Incident, Standing};

use crate::engines::on_each_engine;

fn incident(uid: &str, due_at: Option<i64>) -> Incident {
    Incident {
        id: 0,
        uid: uid.to_owned(),
        version: 1,
        state: IncidentState::Open,
        severity: Severity::High,
        study: Some("onc-201".parse().unwrap()),
        finding: Some(7),
        opened_at: 10,
        changed_at: 10,
        due_at,
        title_sealed: vec![1, 2, 3],
    }
}

fn entry(at: i64) -> Entry {
    Entry { number: 0, at, by: PrincipalId::from_bytes([1; 16]), recorded: 5, what_sealed: vec![9] }
}

#[tokio::test]
async fn an_entry_is_added_by_who_has_seen_all_others() {
    on_each_engine(|store| async move {
        let id = incidents::open(&store, &incident("a", None), &entry(10)).await.unwrap();
        let standing = Standing { state: IncidentState::Contained, severity: Severity::Critical, due_at: Some(99) };
        assert!(incidents::add(&store, id, 1, &standing, &[entry(11), entry(12)]).await.unwrap());
        assert!(!incidents::add(&store, id, 1, &standing, &[entry(13)]).await.unwrap(), "somebody else was faster");
        let kept = incidents::by_id(&store, id).await.unwrap().unwrap();
        assert_eq!((kept.version, kept.state.as_str(), kept.due_at, kept.changed_at), (3, "contained", Some(99), 12));
        let entries = incidents::entries(&store, id, 0).await.unwrap();
        assert_eq!(
            entries.iter().map(|entry| (entry.number, entry.at)).collect::<Vec<_>>(),
            [(1, 10), (2, 11), (3, 12)]
        );
        assert_eq!(incidents::entries(&store, id, 2).await.unwrap().len(), 1);
        assert!(incidents::by_id(&store, id + 1).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn what_is_due_first_is_listed_first() {
    on_each_engine(|store| async move {
        for (uid, due_at) in [("none", None), ("late", Some(900)), ("soon", Some(100))] {
            incidents::open(&store, &incident(uid, due_at), &entry(10)).await.unwrap();
        }
        let id = incidents::open(&store, &incident("done", Some(1)), &entry(10)).await.unwrap();
        let closed = Standing { state: IncidentState::Closed, severity: Severity::Low, due_at: None };
        assert!(incidents::add(&store, id, 1, &closed, &[entry(11)]).await.unwrap());
        let uids = |found: Vec<Incident>| found.into_iter().map(|one| one.uid).collect::<Vec<_>>();
        assert_eq!(uids(incidents::listed(&store, false, 10).await.unwrap()), ["soon", "late", "none"]);
        assert_eq!(uids(incidents::listed(&store, true, 10).await.unwrap()), ["soon", "late", "none", "done"]);
        assert_eq!(incidents::listed(&store, true, 2).await.unwrap().len(), 2);
    })
    .await;
}
