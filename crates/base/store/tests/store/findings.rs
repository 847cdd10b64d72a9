//! Findings, their evidence, what people said of them, and suppressions.

use model::{FindingState, FoundBy, Label, PrincipalId, Verdict};
use store::findings::{EVIDENCE_MAX, Finding, Hits, Note, Settled, Wanted};
use store::suppressions::Suppression;
use store::{Store, findings, suppressions};

use crate::engines::on_each_engine;

fn finding(uid: &str, key: &str, rank: u32, last_at: i64) -> Finding {
    Finding {
        id: 0,
        uid: uid.to_owned(),
        dedupe_key: key.to_owned(),
        found_by: FoundBy::Rule,
        rule: "r1".to_owned(),
        title: "A rule".to_owned(),
        level: "high".to_owned(),
        tags: vec!["attack.exfiltration".to_owned(), "attack.t1530".to_owned()],
        rank,
        principal: Some(PrincipalId::from_bytes([1; 16])),
        study: Some("onc-201".parse().unwrap()),
        labels: vec![Label::PhiDirect, Label::TrialSubject],
        subjects: 12,
        matches: 1,
        first_at: 5,
        last_at,
        found_at: 9,
        state: FindingState::New,
        verdict: None,
        owner: None,
        changed_at: 9,
        story_sealed: vec![1, 2],
    }
}

async fn kept(store: &Store, mut one: Finding) -> Finding {
    let mut transaction = store.begin().await.unwrap();
    one.id = findings::keep(&mut transaction, &one).await.unwrap();
    transaction.commit().await.unwrap();
    one
}

#[tokio::test]
async fn findings_are_ranked_and_paged_and_filtered() {
    on_each_engine(|store| async move {
        let low = kept(&store, finding("a", "k1", 20, 10)).await;
        let high = kept(&store, finding("b", "k2", 90, 20)).await;
        let other =
            kept(&store, Finding { principal: None, study: None, rule: "r2".to_owned(), ..finding("c", "k3", 90, 5) })
                .await;
        let all = findings::ranked(&store, &Wanted::default(), None, 10).await.unwrap();
        assert_eq!(all, [other.clone(), high.clone(), low.clone()]);
        let rest = findings::ranked(&store, &Wanted::default(), Some((90, other.id)), 10).await.unwrap();
        assert_eq!(rest, [high.clone(), low.clone()]);
        let by_ada = Wanted { principal: low.principal, ..Wanted::default() };
        assert_eq!(findings::count(&store, &by_ada).await.unwrap(), 2);
        let by_rule = Wanted { rule: Some("r2".to_owned()), ..Wanted::default() };
        assert_eq!(findings::ranked(&store, &by_rule, None, 10).await.unwrap(), [other]);
        assert_eq!(findings::after(&store, u64::from(low.id)).await.unwrap().len(), 2);
        assert_eq!(findings::open_with_key(&store, "k2", 20).await.unwrap(), Some(high));
        assert_eq!(findings::open_with_key(&store, "k2", 21).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn more_matches_do_not_undo_what_people_decided() {
    on_each_engine(|store| async move {
        let one = kept(&store, finding("a", "k1", 20, 10)).await;
        let ada = PrincipalId::from_bytes([7; 16]);
        let settled = Settled { state: FindingState::InProgress, verdict: None, owner: Some(ada) };
        let mut transaction = store.begin().await.unwrap();
        assert!(findings::settle(&mut transaction, one.id, (one.settled(), settled), 30).await.unwrap());
        assert!(!findings::settle(&mut transaction, one.id, (one.settled(), settled), 31).await.unwrap());
        transaction.commit().await.unwrap();
        let more = Finding { matches: 5, last_at: 40, ..one };
        kept(&store, more).await;
        let after = findings::by_id(&store, 1).await.unwrap().unwrap();
        assert_eq!(
            (after.state, after.owner, after.matches, after.last_at),
            (FindingState::InProgress, Some(ada), 5, 40)
        );
        let resolved = Settled { state: FindingState::Resolved, verdict: Some(Verdict::Benign), owner: Some(ada) };
        let mut transaction = store.begin().await.unwrap();
        assert!(findings::settle(&mut transaction, after.id, (after.settled(), resolved), 50).await.unwrap());
        let note = Note { id: 0, finding: after.id, by: ada, at: 50, what: "benign".to_owned(), text_sealed: vec![3] };
        findings::add_note(&mut transaction, &note).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(findings::open_with_key(&store, "k1", 0).await.unwrap(), None);
        assert_eq!(findings::notes(&store, after.id).await.unwrap(), [Note { id: 1, ..note }]);
        assert_eq!(findings::count(&store, &Wanted::default()).await.unwrap(), 0);
        let any = Wanted { any_state: true, ..Wanted::default() };
        assert_eq!(findings::count(&store, &any).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn evidence_is_kept_once_and_bounded() {
    on_each_engine(|store| async move {
        let one = kept(&store, finding("a", "k1", 20, 10)).await;
        let mut transaction = store.begin().await.unwrap();
        for entry in 0..u64::from(EVIDENCE_MAX) + 5 {
            let is_kept = findings::add_evidence(&mut transaction, one.id, entry, 4).await.unwrap();
            assert_eq!(is_kept, entry < u64::from(EVIDENCE_MAX));
        }
        assert!(!findings::add_evidence(&mut transaction, one.id, 0, 4).await.unwrap());
        findings::set_place(&mut transaction, "record", 77).await.unwrap();
        findings::set_place(&mut transaction, "record", 78).await.unwrap();
        transaction.commit().await.unwrap();
        let evidence = findings::evidence(&store, one.id).await.unwrap();
        assert_eq!((evidence.len(), evidence[0]), (EVIDENCE_MAX as usize, (0, 4)));
        assert_eq!(findings::place(&store, "record").await.unwrap(), 78);
        assert_eq!(findings::place(&store, "elsewhere").await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn hits_add_up() {
    on_each_engine(|store| async move {
        let mut transaction = store.begin().await.unwrap();
        let hits = Hits { rule: "r1".to_owned(), matches: 3, findings: 1, last_at: 10, ..Hits::default() };
        findings::count_hits(&mut transaction, std::slice::from_ref(&hits)).await.unwrap();
        findings::count_hits(&mut transaction, &[Hits { last_at: 5, findings: 0, ..hits }]).await.unwrap();
        findings::count_verdict(&mut transaction, "r1", (1, 2)).await.unwrap();
        findings::count_verdict(&mut transaction, "r1", (0, -1)).await.unwrap();
        transaction.commit().await.unwrap();
        let after = findings::hits_of(&store, "r1").await.unwrap().unwrap();
        assert_eq!((after.matches, after.findings, after.confirmed, after.dismissed, after.last_at), (6, 1, 1, 1, 10));
        assert_eq!(findings::hits(&store, "").await.unwrap(), [after]);
        assert_eq!(findings::hits_of(&store, "r2").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn suppressions_end() {
    on_each_engine(|store| async move {
        let ada = PrincipalId::from_bytes([7; 16]);
        let mut one = Suppression {
            id: 0,
            rule: "r1".to_owned(),
            principal: Some(ada),
            study: None,
            reason_sealed: vec![9],
            by: ada,
            created_at: 10,
            until: 100,
            hits: 0,
        };
        one.id = suppressions::create(&store, &one).await.unwrap();
        assert_eq!(suppressions::holding(&store, 50).await.unwrap(), [one.clone()]);
        assert!(one.holds("r1", Some(ada), None, 99));
        assert!(!one.holds("r1", Some(ada), None, 100));
        assert!(!one.holds("r1", None, None, 99));
        assert!(!one.holds("r2", Some(ada), None, 99));
        let mut transaction = store.begin().await.unwrap();
        suppressions::count(&mut transaction, one.id, 4).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(suppressions::holding(&store, 50).await.unwrap()[0].hits, 4);
        assert!(suppressions::end(&store, one.id, 60).await.unwrap());
        assert!(!suppressions::end(&store, one.id, 61).await.unwrap());
        assert_eq!(suppressions::holding(&store, 60).await.unwrap(), []);
    })
    .await;
}
