//! Objects behind the guard.

use store::Store;
use store::guarded::people::{self, VersionPart};
use store::guarded::sums::{self, Sum};
use store::guarded::uploads::{self, StoredPart, StoredUpload};
use store::guarded::versions::{self, Condition, Put, Removed, StoredVersion, successor};
use store::guarded::{self, GuardedStudy};

use crate::engines::on_each_engine;

fn study(name: &str) -> GuardedStudy {
    GuardedStudy {
        study: name.to_owned(),
        versioning: "off".to_owned(),
        settings: "{}".to_owned(),
        created_at: 1,
        created_by: [7; 16],
    }
}

fn version(name: &str, id: u8) -> StoredVersion {
    StoredVersion {
        study: "onc-1".to_owned(),
        name: name.to_owned(),
        sequence: 0,
        version: [id; 16],
        object: [1; 16],
        unversioned: true,
        marker: false,
        latest: false,
        state: "visible".to_owned(),
        bytes: 5,
        etag: format!("tag{id}"),
        modified_at: 10,
        created_by: [7; 16],
        properties: "{}".to_owned(),
        labels: "phi.direct".to_owned(),
        subjects: 2,
        tags: "{}".to_owned(),
        retention_mode: None,
        retain_until: None,
        legal_hold: false,
        sealed: vec![id],
    }
}

async fn put(store: &Store, new: &StoredVersion, keeps: bool) -> Put {
    versions::put(store, new, keeps, &Condition::Always, None, 100).await.unwrap()
}

fn names(page: &[StoredVersion]) -> Vec<&str> {
    page.iter().map(|version| version.name.as_str()).collect()
}

#[tokio::test]
async fn a_version_replaces_or_joins_those_before_it() {
    on_each_engine(|store| async move {
        guarded::create(&store, &study("onc-1")).await.unwrap();
        assert!(guarded::create(&store, &study("onc-1")).await.unwrap_err().to_string().contains("exists already"));
        assert_eq!(guarded::find(&store, "onc-1").await.unwrap(), Some(study("onc-1")));

        assert!(matches!(put(&store, &version("a", 1), false).await, Put::Done { replaced, .. } if replaced.is_empty()));
        assert!(matches!(put(&store, &version("a", 2), false).await, Put::Done { replaced, .. } if replaced == [vec![1]]));
        let latest = versions::latest(&store, "onc-1", "a").await.unwrap().unwrap();
        assert_eq!((latest.version, latest.latest), ([2; 16], true));

        let mut third = version("a", 3);
        third.unversioned = false;
        assert!(matches!(put(&store, &third, true).await, Put::Done { replaced, .. } if replaced.is_empty()));
        let found = versions::find(&store, "onc-1", "a", Some([3; 16])).await.unwrap().unwrap();
        assert_eq!(found.labels, "phi.direct");
        assert_eq!(versions::find(&store, "onc-1", "a", None).await.unwrap().unwrap().version, [2; 16]);
        assert_eq!(versions::find(&store, "onc-1", "b", Some([3; 16])).await.unwrap(), None);

        assert!(matches!(versions::remove(&store, [3; 16], false, 100).await.unwrap(), Removed::Done(old) if old.sealed == [3]));
        assert_eq!(versions::latest(&store, "onc-1", "a").await.unwrap().unwrap().version, [2; 16]);
        assert_eq!(versions::remove(&store, [3; 16], false, 100).await.unwrap(), Removed::Missing);
        assert!(!guarded::remove(&store, "onc-1").await.unwrap(), "it holds an object");
        versions::remove(&store, [2; 16], false, 100).await.unwrap();
        assert!(guarded::remove(&store, "onc-1").await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn conditions_holds_and_retention_are_kept() {
    on_each_engine(|store| async move {
        guarded::create(&store, &study("onc-1")).await.unwrap();
        let absent = Condition::Absent;
        let matches = |tag: &str| Condition::Matches(tag.to_owned());
        let new = version("a", 1);
        assert_eq!(versions::put(&store, &new, false, &matches("tag1"), None, 100).await.unwrap(), Put::Missing);
        assert!(matches!(versions::put(&store, &new, false, &absent, None, 100).await.unwrap(), Put::Done { .. }));
        let second = version("a", 2);
        assert_eq!(versions::put(&store, &second, false, &absent, None, 100).await.unwrap(), Put::Conflict);
        assert_eq!(versions::put(&store, &second, false, &matches("tag9"), None, 100).await.unwrap(), Put::Conflict);
        assert!(matches!(
            versions::put(&store, &second, false, &matches("tag1"), None, 100).await.unwrap(),
            Put::Done { .. }
        ));

        let mut held = versions::latest(&store, "onc-1", "a").await.unwrap().unwrap();
        held.legal_hold = true;
        assert!(versions::change(&store, &held).await.unwrap());
        assert_eq!(versions::remove(&store, [2; 16], true, 100).await.unwrap(), Removed::Kept);
        assert_eq!(put(&store, &version("a", 3), false).await, Put::Kept);
        held.legal_hold = false;
        held.retention_mode = Some("GOVERNANCE".to_owned());
        held.retain_until = Some(500);
        versions::change(&store, &held).await.unwrap();
        assert_eq!(versions::remove(&store, [2; 16], false, 100).await.unwrap(), Removed::Kept);
        assert!(matches!(versions::remove(&store, [2; 16], true, 100).await.unwrap(), Removed::Done(_)));
    })
    .await;
}

#[tokio::test]
async fn names_are_listed_in_the_order_of_their_bytes() {
    on_each_engine(|store| async move {
        guarded::create(&store, &study("onc-1")).await.unwrap();
        for (at, name) in ["b/1", "a", "B", "b/2", "ä", "b", "c"].iter().enumerate() {
            put(&store, &version(name, u8::try_from(at).unwrap() + 1), false).await;
        }
        let all = versions::listed(&store, "onc-1", "", b"", true, 10).await.unwrap();
        assert_eq!(names(&all), ["B", "a", "b", "b/1", "b/2", "c", "ä"]);
        let some = versions::listed(&store, "onc-1", "b/", b"b/1", false, 10).await.unwrap();
        assert_eq!(names(&some), ["b/2"]);
        let page = versions::listed(&store, "onc-1", "", b"a", false, 2).await.unwrap();
        assert_eq!(names(&page), ["b", "b/1"]);
        let mut again = version("a", 20);
        again.unversioned = false;
        put(&store, &again, true).await;
        let history = versions::history(&store, "onc-1", "a", (b"", 0), 10).await.unwrap();
        assert_eq!(history.iter().map(|version| version.version[0]).collect::<Vec<_>>(), [20, 2]);
        assert_eq!(successor(b"a\xff"), Some(b"b".to_vec()));
        assert_eq!(successor(b"\xff"), None);
    })
    .await;
}

#[tokio::test]
async fn what_is_in_quarantine_is_not_seen_until_released() {
    on_each_engine(|store| async move {
        guarded::create(&store, &study("onc-1")).await.unwrap();
        put(&store, &version("a", 1), false).await;
        let mut held = version("a", 2);
        held.state = "quarantined".to_owned();
        assert!(matches!(put(&store, &held, false).await, Put::Done { replaced, .. } if replaced.is_empty()));
        assert_eq!(versions::latest(&store, "onc-1", "a").await.unwrap().unwrap().version, [1; 16]);
        assert_eq!(versions::find(&store, "onc-1", "a", None).await.unwrap().unwrap().version, [1; 16]);
        let waiting = versions::in_state(&store, "quarantined", i64::MAX, 10).await.unwrap();
        assert_eq!(waiting.len(), 1);
        assert!(versions::settle(&store, [2; 16], true).await.unwrap());
        assert!(!versions::settle(&store, [2; 16], false).await.unwrap(), "it is no longer in quarantine");
        assert_eq!(versions::latest(&store, "onc-1", "a").await.unwrap().unwrap().version, [2; 16]);
        assert_eq!(versions::totals(&store, "onc-1").await.unwrap(), [("visible".to_owned(), 2, 10)]);
    })
    .await;
}

#[tokio::test]
async fn parts_are_kept_by_number_until_the_upload_ends() {
    on_each_engine(|store| async move {
        guarded::create(&store, &study("onc-1")).await.unwrap();
        let upload = StoredUpload {
            upload: [9; 16],
            study: "onc-1".to_owned(),
            name: "big".to_owned(),
            object: [1; 16],
            started_at: 5,
            created_by: [7; 16],
            properties: "{}".to_owned(),
        };
        uploads::begin(&store, &upload).await.unwrap();
        let part = |number: u32, seal: u8| StoredPart {
            number,
            bytes: 3,
            etag: format!("p{seal}"),
            modified_at: 6,
            checksums: "{}".to_owned(),
            sealed: vec![seal],
        };
        assert_eq!(uploads::put_part(&store, [9; 16], &part(2, 1)).await.unwrap(), Some(vec![]));
        assert_eq!(uploads::put_part(&store, [9; 16], &part(1, 2)).await.unwrap(), Some(vec![]));
        assert_eq!(uploads::put_part(&store, [9; 16], &part(2, 3)).await.unwrap(), Some(vec![vec![1]]));
        assert_eq!(uploads::put_part(&store, [8; 16], &part(2, 4)).await.unwrap(), None);
        assert_eq!(uploads::parts(&store, [9; 16], 0, 10).await.unwrap(), [part(1, 2), part(2, 3)]);
        assert_eq!(uploads::page(&store, "onc-1", "b", (b"", b""), 10).await.unwrap(), std::slice::from_ref(&upload));
        assert_eq!(uploads::page(&store, "onc-1", "", (b"big", &[9; 16]), 10).await.unwrap(), []);
        assert!(!guarded::remove(&store, "onc-1").await.unwrap(), "it holds an upload");
        let mut whole = version("big", 5);
        whole.unversioned = false;
        let put = versions::put(&store, &whole, true, &Condition::Always, Some([8; 16]), 100).await.unwrap();
        assert_eq!(put, Put::Missing, "an upload that ended cannot become a version");
        assert_eq!(versions::latest(&store, "onc-1", "big").await.unwrap(), None);
        let put = versions::put(&store, &whole, true, &Condition::Always, Some([9; 16]), 100).await.unwrap();
        assert!(matches!(put, Put::Done { parts, .. } if parts.len() == 2));
        assert_eq!(uploads::find(&store, [9; 16]).await.unwrap(), None, "version and upload are never both there");

        uploads::begin(&store, &upload).await.unwrap();
        uploads::put_part(&store, [9; 16], &part(1, 2)).await.unwrap();
        uploads::put_part(&store, [9; 16], &part(2, 3)).await.unwrap();
        let mut seals = uploads::end(&store, [9; 16]).await.unwrap().unwrap();
        seals.sort();
        assert_eq!(seals, [vec![2], vec![3]]);
        assert_eq!(uploads::end(&store, [9; 16]).await.unwrap(), None);
        assert_eq!(uploads::find(&store, [9; 16]).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_study_is_summed() {
    on_each_engine(|store| async move {
        guarded::create(&store, &study("onc-1")).await.unwrap();
        guarded::create(&store, &study("onc-2")).await.unwrap();
        assert_eq!(sums::of_study(&store, "onc-1", 50).await.unwrap(), Sum::default());
        let held = StoredVersion { object: [2; 16], legal_hold: true, ..version("b", 3) };
        let retained = StoredVersion { object: [3; 16], retain_until: Some(60), ..version("c", 4) };
        let elsewhere = StoredVersion { study: "onc-2".to_owned(), labels: String::new(), ..version("a", 6) };
        let quarantined =
            StoredVersion { state: "quarantined".to_owned(), labels: "secret".to_owned(), ..version("q", 7) };
        let marker = StoredVersion { marker: true, ..version("z", 8) };
        for new in [version("a", 1), version("a", 2), held, retained, elsewhere, quarantined, marker] {
            put(&store, &new, true).await;
        }
        let sum = sums::of_study(&store, "onc-1", 50).await.unwrap();
        assert_eq!(sum, Sum { objects: 3, versions: 5, bytes: 25, kept: 2 });
        assert_eq!(sums::of_study(&store, "onc-1", 60).await.unwrap().kept, 1, "retention is over");
        let some = sums::of_objects(&store, "onc-1", &[[2; 16], [9; 16]], 50).await.unwrap();
        assert_eq!(some, Sum { objects: 1, versions: 1, bytes: 5, kept: 1 });
        assert_eq!(sums::label_sets(&store, "onc-1", 10).await.unwrap(), ["phi.direct"], "what cannot be seen is none");
        assert_eq!(sums::label_sets(&store, "onc-2", 10).await.unwrap(), [""]);
    })
    .await;
}

#[tokio::test]
async fn who_is_in_a_version_stays_known_when_it_is_gone_and_ends_with_time() {
    on_each_engine(|store| async move {
        guarded::create(&store, &study("onc-1")).await.unwrap();
        put(&store, &version("a", 1), true).await;
        put(&store, &version("a", 2), true).await;
        let part = |version: u8, part: u32, ids: &[u8]| VersionPart {
            version: [version; 16],
            part,
            labels: "phi.direct,special.health".to_owned(),
            subjects: 2,
            ids: ids.to_vec(),
        };
        let parts = [part(2, 0, &[5]), part(1, 1, &[7, 8]), part(1, 0, &[6])];
        let mut transaction = store.begin().await.unwrap();
        people::keep(&mut transaction, &parts, 100).await.unwrap();
        people::keep(&mut transaction, &[part(1, 0, &[9])], 100).await.unwrap();
        people::keep(&mut transaction, &[], 100).await.unwrap();
        transaction.commit().await.unwrap();
        let of = |ids: &'static [u8]| {
            let (store, ids) = (store.clone(), ids.iter().map(|id| [*id; 16]).collect::<Vec<_>>());
            async move { people::of(&store, &ids).await.unwrap() }
        };
        assert_eq!(of(&[1, 2, 3]).await, [part(1, 0, &[9]), part(1, 1, &[7, 8]), part(2, 0, &[5])]);
        assert_eq!(of(&[]).await, []);
        versions::remove(&store, [1; 16], false, 100).await.unwrap();
        assert_eq!(of(&[1]).await.len(), 2, "whose data were in it is still asked");
        assert_eq!(people::expire(&store, 100).await.unwrap(), 0);
        assert_eq!(people::expire(&store, 101).await.unwrap(), 2, "those of versions that are there stay");
        assert_eq!(of(&[1, 2]).await, [part(2, 0, &[5])]);
    })
    .await;
}
