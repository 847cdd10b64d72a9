//! Sightings become findings, once; people settle them; every step is recorded first.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

#[path = "../../../access/policy/tests/support/doubles.rs"]
mod doubles;

use std::collections::HashSet;
use std::sync::Arc;

use detect::rule::Level;
use doubles::{Clear, Ledger, by};
use findings::{Change, Findings, FindingsError, NewSuppression};
use model::event::Activity;
use model::{FindingState, FoundBy, Label, PrincipalId, Verdict};
use store::Store;
use watch::{Ranking, Sighting};

const DAY: i64 = 86_400_000;

fn sighting(entry: u64, time_ms: i64) -> Sighting {
    Sighting {
        found: FoundBy::Rule,
        rule: "r1".to_owned(),
        title: "Many subjects".to_owned(),
        description: "Somebody took many.".to_owned(),
        level: Level::Medium,
        tags: vec!["attack.t1530".to_owned()],
        time_ms,
        entries: vec![(entry, time_ms)],
        principal: Some(PrincipalId::from_bytes([1; 16])),
        about: String::new(),
        study: Some("onc-201".parse().unwrap()),
        labels: vec![Label::PhiDirect],
        subjects: 40,
        matched: vec![("activity_name".to_owned(), "download".to_owned())],
        why: Vec::new(),
        measures: Vec::new(),
        object: Some(format!("visits/{entry}.csv")),
    }
}

struct Desk {
    findings: Findings,
    ledger: Arc<Ledger>,
    _folder: tempfile::TempDir,
}

async fn desk() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::sqlite(&folder.path().join("lazaret.db")).await.unwrap();
    let ledger = Arc::new(Ledger::default());
    let findings = Findings::new(store, Arc::clone(&ledger) as _, Arc::new(Clear), Ranking::shipped().unwrap());
    Desk { findings, ledger, _folder: folder }
}

fn nobody() -> HashSet<String> {
    HashSet::new()
}

#[tokio::test]
async fn matches_of_a_day_are_one_finding_and_a_later_one_is_another() {
    let desk = desk().await;
    let taken = desk.findings.take(&[sighting(3, 0), sighting(4, 10)], 5, &nobody(), 20).await.unwrap();
    assert_eq!(taken.new.len(), 1);
    let taken = desk.findings.take(&[sighting(7, DAY)], 8, &nobody(), DAY).await.unwrap();
    assert_eq!((taken.new.len(), taken.further), (0, 1));
    let taken = desk.findings.take(&[sighting(9, 3 * DAY)], 10, &nobody(), 3 * DAY).await.unwrap();
    assert_eq!(taken.new.len(), 1);
    let first = desk.findings.finding(1).await.unwrap();
    assert_eq!((first.matches, first.first_at, first.last_at, first.rank), (3, 0, DAY, 40 + 20 + 6));
    let story = desk.findings.story(&first).await.unwrap().unwrap();
    assert_eq!(story.objects, ["visits/3.csv", "visits/4.csv", "visits/7.csv"]);
    let evidence = store::findings::evidence(desk.findings.store(), 1).await.unwrap();
    assert_eq!(evidence.iter().map(|(entry, _)| *entry).collect::<Vec<_>>(), [3, 4, 7]);
    let recorded = desk.ledger.events.lock().unwrap();
    assert_eq!(recorded.len(), 2);
    assert_eq!(recorded[0].resource.entity.as_deref(), Some(format!("finding:{}", first.uid).as_str()));
}

#[tokio::test]
async fn what_was_recorded_before_a_crash_is_not_recorded_again() {
    let desk = desk().await;
    let one = sighting(3, 0);
    let recorded = HashSet::from([one.uid()]);
    let taken = desk.findings.take(&[one], 5, &recorded, 20).await.unwrap();
    assert_eq!((taken.new.len(), desk.ledger.events.lock().unwrap().len()), (1, 0));
}

#[tokio::test]
async fn nothing_is_kept_that_cannot_be_recorded() {
    let desk = desk().await;
    desk.ledger.fail(true);
    assert!(desk.findings.take(&[sighting(3, 0)], 5, &nobody(), 20).await.is_err());
    assert_eq!(store::findings::place(desk.findings.store(), findings::PLACE).await.unwrap(), 0);
    assert!(matches!(desk.findings.finding(1).await, Err(FindingsError::Missing(1))));
    desk.ledger.fail(false);
    desk.findings.take(&[sighting(3, 0)], 5, &nobody(), 20).await.unwrap();
    desk.ledger.fail(true);
    let ada = PrincipalId::from_bytes([9; 16]);
    assert!(desk.findings.change(1, Change::Resolve(Verdict::Benign), "known", &by(ada, 30)).await.is_err());
    assert_eq!(desk.findings.finding(1).await.unwrap().state, FindingState::New);
}

#[tokio::test]
async fn verdicts_tune_the_rank_of_what_comes_later() {
    let desk = desk().await;
    let ada = PrincipalId::from_bytes([9; 16]);
    for number in 1..=3_u32 {
        let at = i64::from(number) * 3 * DAY;
        desk.findings.take(&[sighting(u64::from(number), at)], 5, &nobody(), at).await.unwrap();
        let settled = desk
            .findings
            .change(number, Change::Resolve(Verdict::FalsePositive), "a test run", &by(ada, at + 1))
            .await
            .unwrap();
        assert_eq!((settled.state, settled.owner), (FindingState::Resolved, Some(ada)));
    }
    let at = 12 * DAY;
    desk.findings.take(&[sighting(9, at)], 10, &nobody(), at).await.unwrap();
    assert_eq!(desk.findings.finding(4).await.unwrap().rank, 33);
    desk.findings.change(1, Change::Reopen, "not so sure", &by(ada, at)).await.unwrap();
    let hits = desk.findings.hits_of("r1").await.unwrap().unwrap();
    assert_eq!((hits.findings, hits.dismissed, hits.confirmed), (4, 2, 0));
    let notes = store::findings::notes(desk.findings.store(), 1).await.unwrap();
    assert_eq!(notes.iter().map(|note| note.what.as_str()).collect::<Vec<_>>(), ["false-positive", "reopen"]);
    let finding = desk.findings.finding(1).await.unwrap();
    let words = desk.findings.words(&finding.uid, notes[1].at, &notes[1].text_sealed).await.unwrap();
    assert_eq!(words.as_deref(), Some("not so sure"));
}

#[tokio::test]
async fn a_suppression_needs_a_reason_and_an_end() {
    let desk = desk().await;
    let ada = by(PrincipalId::from_bytes([9; 16]), 10);
    let new = |until| NewSuppression { rule: "r1".to_owned(), principal: None, study: None, until };
    for (until, reason) in [(5, "over"), (10 + 91 * DAY, "too long"), (DAY, "  ")] {
        assert!(matches!(desk.findings.suppress(new(until), reason, &ada).await, Err(FindingsError::Wrong(_))));
    }
    desk.findings.suppress(new(DAY), "a load test", &ada).await.unwrap();
    let event = desk.ledger.last();
    assert_eq!((event.activity, event.details.len()), (Activity::Create, 1));
    let taken = desk.findings.take(&[sighting(3, 20), sighting(4, 21)], 5, &nobody(), 30).await.unwrap();
    assert_eq!((taken.new.len(), taken.suppressed), (0, 1));
    assert_eq!(desk.findings.finding(1).await.unwrap().state, FindingState::Suppressed);
    assert_eq!(store::suppressions::holding(desk.findings.store(), 30).await.unwrap()[0].hits, 2);
    assert!(desk.findings.end_suppression(1, "done", &by(ada.actor.id, 40)).await.unwrap());
    let other = Sighting { study: None, ..sighting(8, 50) };
    assert_eq!(desk.findings.take(&[other], 9, &nobody(), 50).await.unwrap().new.len(), 1);
}
