//! Objects, their versions, findings, corrections and changes.

use store::changes::{self, NewChange};
use store::corrections::{self, CorrectionRow};
use store::identifiers::{self, Findings, IdentifierRow, ProblemRow, SampleRow};
use store::objects::{self, ObjectRow, VersionRow};
use store::{PAGE_ROWS_MAX, Store, sources};

use crate::engines::on_each_engine;

/// An object of source 1.
pub fn object(id: u32, path: &str) -> ObjectRow {
    ObjectRow {
        id,
        source_id: 1,
        path: path.to_owned(),
        format: "csv".to_owned(),
        bytes: 10,
        version: 1,
        state: "present".to_owned(),
        labels: "none".to_owned(),
        found: "none".to_owned(),
        jurisdictions: "{}".to_owned(),
        ..ObjectRow::default()
    }
}

/// Writes objects, and the source they lie in.
pub async fn put(store: &Store, rows: &[ObjectRow]) {
    sources::ensure(store, "folder", "/data", 1).await.unwrap();
    let mut transaction = store.begin().await.unwrap();
    objects::put(&mut transaction, rows).await.unwrap();
    transaction.commit().await.unwrap();
}

fn full(id: u32) -> ObjectRow {
    ObjectRow {
        top_id: Some(1),
        path: "Übersicht's \"drafts\"/a\u{1F9EC}.zip!c.csv".to_owned(),
        bytes: u64::from(u32::MAX) * 1_000,
        modified_at: Some(-5),
        stamp: Some("1:2".to_owned()),
        digest: Some(vec![0, 255, 7]),
        version: 3,
        owner: "someone".to_owned(),
        study: "STUDY-1".to_owned(),
        found: "phi.direct".to_owned(),
        labels: "phi.direct,secret".to_owned(),
        laws: "gdpr,hipaa".to_owned(),
        jurisdictions: r#"{"DE":3}"#.to_owned(),
        subjects: 12,
        risk: 471,
        problems: 2,
        members: 4,
        first_seen_at: 1,
        last_seen_at: 2,
        changed_at: 3,
        scan_id: 9,
        ..object(id, "")
    }
}

#[tokio::test]
async fn objects_come_back_as_they_were_written() {
    on_each_engine(|store| async move {
        let (one, two) = (object(1, "a.zip"), full(2));
        put(&store, &[one.clone(), two.clone()]).await;
        assert_eq!(objects::by_path(&store, 1, &two.path).await.unwrap(), Some(two.clone()));
        assert_eq!(objects::by_path(&store, 2, &two.path).await.unwrap(), None);
        let mut both = objects::by_ids(&store, &[2, 1, 99]).await.unwrap();
        both.sort_by_key(|row| row.id);
        assert_eq!(both, [one.clone(), two.clone()]);
        let changed = ObjectRow { state: "gone".to_owned(), stamp: None, ..two.clone() };
        put(&store, std::slice::from_ref(&changed)).await;
        let mut transaction = store.begin().await.unwrap();
        let paths = [two.path.as_str(), "nowhere"];
        assert_eq!(objects::by_paths(&mut transaction, 1, &paths).await.unwrap(), std::slice::from_ref(&changed));
        assert_eq!(objects::by_ids_within(&mut transaction, &[1]).await.unwrap(), [one]);
        assert_eq!(objects::members(&mut transaction, &[1, 5]).await.unwrap(), [changed]);
        // The same path under another id is another object's place.
        let thief = ObjectRow { id: 3, ..two };
        assert!(objects::put(&mut transaction, &[thief]).await.unwrap_err().is_unique_violation());
    })
    .await;
}

#[tokio::test]
async fn pages_of_objects_follow_each_other() {
    on_each_engine(|store| async move {
        let count = PAGE_ROWS_MAX + 200;
        let rows: Vec<ObjectRow> = (1..=count)
            .map(|id| ObjectRow {
                risk: i64::from(id % 7),
                top_id: (id > 1 && id % 2 == 0).then_some(1),
                state: if id % 5 == 0 { "gone" } else { "present" }.to_owned(),
                stamp: Some(id.to_string()),
                ..object(id, &format!("p{id}"))
            })
            .collect();
        put(&store, &rows).await;
        let mut expected: Vec<(i64, u32)> =
            rows.iter().filter(|row| row.risk > 0).map(|row| (row.risk, row.id)).collect();
        expected.sort_unstable_by(|a, b| b.cmp(a));
        let mut seen: Vec<(i64, u32)> = Vec::new();
        loop {
            let page = objects::riskiest(&store, seen.last().copied(), u32::MAX).await.unwrap();
            assert!(page.len() <= PAGE_ROWS_MAX as usize);
            seen.extend(page.iter().map(|row| (row.risk, row.id)));
            if page.is_empty() {
                break;
            }
        }
        assert_eq!(seen, expected);
        assert_eq!(objects::riskiest(&store, None, 3).await.unwrap().len(), 3);
        let ids = objects::ids_by_risk(&store, None, count).await.unwrap();
        assert_eq!(ids.len(), count as usize, "those without risk too");
        assert_eq!(ids[..expected.len()], expected);
        let mut risks = objects::risks(&store, &[3, 8, 99_999]).await.unwrap();
        risks.sort_unstable();
        assert_eq!(risks, [(1, 8), (3, 3)]);
        let known = objects::known(&store, 1, 0, 10).await.unwrap();
        assert_eq!(known.iter().map(|row| row.id).collect::<Vec<_>>(), [1, 3, 7, 9, 11, 13, 17, 19, 21, 23]);
        assert_eq!(objects::known(&store, 1, 23, 1).await.unwrap()[0].stamp.as_deref(), Some("27"));
        let members = objects::members_page(&store, 1, 4, 2).await.unwrap();
        assert_eq!(members.iter().map(|row| row.id).collect::<Vec<_>>(), [6, 8]);
    })
    .await;
}

#[tokio::test]
async fn versions_are_listed_newest_first() {
    on_each_engine(|store| async move {
        let version = |version, labels: &str| VersionRow {
            object_id: 1,
            version,
            seen_at: 5,
            format: "csv".to_owned(),
            bytes: 10,
            modified_at: None,
            digest: Some(vec![1]),
            labels: labels.to_owned(),
            subjects: 3,
            identifiers: 4,
        };
        let mut transaction = store.begin().await.unwrap();
        objects::put_versions(&mut transaction, &[version(1, "none"), version(2, "none")]).await.unwrap();
        objects::put_versions(&mut transaction, &[version(2, "secret")]).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(objects::versions(&store, 1).await.unwrap(), [version(2, "secret"), version(1, "none")]);
        assert!(objects::versions(&store, 2).await.unwrap().is_empty());
    })
    .await;
}

fn findings(object_id: u32, kinds: &[&str], problems: usize) -> Findings {
    Findings {
        identifiers: kinds
            .iter()
            .map(|kind| IdentifierRow {
                object_id,
                kind: (*kind).to_owned(),
                occurrences: 7,
                confidence: 0.25,
                finer: "{}".to_owned(),
            })
            .collect(),
        samples: kinds
            .iter()
            .map(|kind| SampleRow {
                object_id,
                kind: (*kind).to_owned(),
                masked: "J*** D**".to_owned(),
                place: "line 2".to_owned(),
                confidence: 1.0,
                recognizer: "header.name".to_owned(),
                why: "the column is called `name`".to_owned(),
            })
            .collect(),
        problems: (0..problems)
            .map(|at| ProblemRow { object_id, kind: "truncated".to_owned(), message: format!("cut {at}") })
            .collect(),
    }
}

#[tokio::test]
async fn findings_are_replaced_as_a_whole() {
    on_each_engine(|store| async move {
        put(&store, &[object(1, "a"), object(2, "b")]).await;
        let (one, two) = (findings(1, &["EMAIL", "PERSON"], 3), findings(2, &["PERSON"], 1));
        let mut both = one.clone();
        both.identifiers.extend(two.identifiers.clone());
        both.samples.extend(two.samples.clone());
        both.problems.extend(two.problems.clone());
        let mut transaction = store.begin().await.unwrap();
        identifiers::replace(&mut transaction, &[], &both).await.unwrap();
        assert_eq!(identifiers::of_objects(&mut transaction, &[1, 2]).await.unwrap().len(), 3);
        transaction.commit().await.unwrap();
        assert_eq!(identifiers::findings(&store, 1).await.unwrap(), one);
        assert_eq!(identifiers::of_page(&store, &[2]).await.unwrap(), two.identifiers);
        let page = identifiers::problems_page(&store, None, 2).await.unwrap();
        let places = |page: &[identifiers::ProblemOfObject]| {
            page.iter().map(|row| (row.path.clone(), row.ordinal)).collect::<Vec<_>>()
        };
        assert_eq!(places(&page), [("b".to_owned(), 0), ("a".to_owned(), 2)]);
        let rest = identifiers::problems_page(&store, Some((1, 2)), PAGE_ROWS_MAX * 2).await.unwrap();
        assert_eq!(places(&rest), [("a".to_owned(), 1), ("a".to_owned(), 0)]);

        let less = findings(1, &["URL"], 0);
        let mut transaction = store.begin().await.unwrap();
        identifiers::replace(&mut transaction, &[1], &less).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(identifiers::findings(&store, 1).await.unwrap(), less);
        assert_eq!(identifiers::findings(&store, 2).await.unwrap(), two, "another object's stay");
    })
    .await;
}

#[tokio::test]
async fn one_correction_of_a_label_is_in_force() {
    on_each_engine(|store| async move {
        put(&store, &[object(1, "a")]).await;
        let correction = |label: &str, action: &str, made_at| CorrectionRow {
            id: 0,
            object_id: 1,
            label: label.to_owned(),
            action: action.to_owned(),
            reason: "seen on paper".to_owned(),
            person: "ada".to_owned(),
            made_at,
            withdrawn_at: None,
        };
        let mut transaction = store.begin().await.unwrap();
        corrections::add(&mut transaction, &correction("secret", "add", 5)).await.unwrap();
        let second = corrections::add(&mut transaction, &correction("secret", "remove", 6)).await.unwrap();
        let third = corrections::add(&mut transaction, &correction("personal", "add", 7)).await.unwrap();
        let mut in_force = corrections::in_force(&mut transaction, &[1, 2]).await.unwrap();
        in_force.sort_by_key(|row| row.id);
        assert_eq!(
            in_force.iter().map(|row| (row.id, &*row.action)).collect::<Vec<_>>(),
            [(second, "remove"), (third, "add")]
        );
        assert_eq!(corrections::withdraw(&mut transaction, 1, "secret", 8).await.unwrap(), 1);
        assert_eq!(corrections::withdraw(&mut transaction, 1, "secret", 9).await.unwrap(), 0);
        transaction.commit().await.unwrap();
        let all = corrections::of_object(&store, 1).await.unwrap();
        assert_eq!(all.iter().map(|row| row.withdrawn_at).collect::<Vec<_>>(), [None, Some(8), Some(6)]);
    })
    .await;
    on_each_engine(|store| async move {
        let mut transaction = store.begin().await.unwrap();
        let nowhere = CorrectionRow {
            id: 0,
            object_id: 99,
            label: "secret".to_owned(),
            action: "add".to_owned(),
            reason: String::new(),
            person: String::new(),
            made_at: 1,
            withdrawn_at: None,
        };
        assert!(corrections::add(&mut transaction, &nowhere).await.is_err(), "there is no such object");
    })
    .await;
}

#[tokio::test]
async fn changes_are_paged_by_time() {
    on_each_engine(|store| async move {
        put(&store, &[object(1, "a"), object(2, "b")]).await;
        let change = |object_id, kind| NewChange { object_id, kind, detail: "none → secret".to_owned() };
        for (now, batch) in
            [(10, vec![change(1, "new"), change(2, "new")]), (20, vec![change(1, "changed")]), (30, vec![])]
        {
            let mut transaction = store.begin().await.unwrap();
            changes::record(&mut transaction, &batch, now).await.unwrap();
            transaction.commit().await.unwrap();
        }
        let page = changes::page(&store, 0, None, 2).await.unwrap();
        assert_eq!(page.iter().map(|row| (row.happened_at, &*row.path)).collect::<Vec<_>>(), [(20, "a"), (10, "b")]);
        assert_eq!((&*page[0].detail, &*page[0].labels), ("none → secret", "none"));
        let rest = changes::page(&store, 0, Some((10, page[1].id)), PAGE_ROWS_MAX * 2).await.unwrap();
        assert_eq!(rest.iter().map(|row| &*row.path).collect::<Vec<_>>(), ["a"]);
        assert_eq!(changes::page(&store, 11, None, 9).await.unwrap().len(), 1);
        let counts = changes::counts(&store, 0).await.unwrap();
        assert_eq!(counts, [("changed".to_owned(), 1), ("new".to_owned(), 2)]);
        assert_eq!(changes::of_object(&store, 1, 9).await.unwrap().len(), 2);
        assert_eq!(changes::of_object(&store, 1, 1).await.unwrap()[0].kind, "changed");
    })
    .await;
}
