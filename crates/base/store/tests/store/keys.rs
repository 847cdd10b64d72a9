//! The key table, in a database of its own.

use std::path::Path;

use store::keys::{self, Doomed, KeyRow, ReceiptRow};
use store::{KEY_MIGRATIONS, Store, StoreError};

use crate::engines::postgres_url;

/// Runs `case` on a fresh key table of each engine.
async fn on_each<F: std::future::Future<Output = ()>>(case: impl Fn(Store) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::sqlite_keys(&folder.path().join("keys/keys.db")).await.unwrap();
    case(store.clone()).await;
    store.close().await;
    if let Some(url) = postgres_url() {
        // Both schemas fit into one database.
        let main = Store::postgres(&url).await.unwrap();
        let store = Store::postgres_keys(&url).await.unwrap();
        case(store.clone()).await;
        store.close().await;
        main.close().await;
    }
}

fn key(name: &str, kind: &str, owner: &str, study: Option<&str>, parent: &str) -> KeyRow {
    KeyRow {
        name: name.to_owned(),
        version: 1,
        kind: kind.to_owned(),
        owner: owner.to_owned(),
        study: study.map(str::to_owned),
        subject: None,
        parent: parent.to_owned(),
        parent_version: 1,
        wrapped: Some(vec![7; 113]),
        created_at: 10,
        rewrapped_at: None,
        destroyed_at: None,
    }
}

async fn fill(store: &Store) {
    let mut transaction = store.begin().await.unwrap();
    let mut of_jane = key("data:o3", "data", "object:o3", Some("cns"), "subject:jane/cns");
    of_jane.subject = Some("jane".to_owned());
    let mut jane = key("subject:jane/cns", "subject", "subject:jane", Some("cns"), "study:cns");
    jane.subject = Some("jane".to_owned());
    let rows = vec![
        key("organisation", "organisation", "organisation", None, "root"),
        key("study:onc", "study", "study:onc", Some("onc"), "organisation"),
        key("study:cns", "study", "study:cns", Some("cns"), "organisation"),
        key("data:o1", "data", "object:o1", Some("onc"), "study:onc"),
        key("data:o2", "data", "object:o2", Some("onc"), "study:onc"),
        key("detail:object:o1", "detail", "object:o1", None, "organisation"),
        jane,
        of_jane,
    ];
    keys::insert(&mut transaction, rows).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn destroy(store: &Store, doomed: Doomed<'_>) -> Vec<String> {
    let mut transaction = store.begin().await.unwrap();
    let gone = keys::destroy(&mut transaction, doomed, 50).await.unwrap();
    assert_eq!(keys::destroyed(&mut transaction, doomed).await.unwrap(), gone);
    drop(transaction);
    gone.into_iter().map(|(name, _version)| name).collect()
}

#[tokio::test]
async fn shredding_finds_what_belongs_to_a_scope() {
    on_each(|store| async move {
        fill(&store).await;
        assert_eq!(destroy(&store, Doomed::Owner("object:o1")).await, ["data:o1", "detail:object:o1"]);
        assert_eq!(
            destroy(&store, Doomed::Study("onc")).await,
            ["data:o1", "data:o2", "detail:object:o1", "study:onc"]
        );
        assert_eq!(destroy(&store, Doomed::Subject("jane")).await, ["data:o3", "subject:jane/cns"]);
        let mut transaction = store.begin().await.unwrap();
        keys::destroy(&mut transaction, Doomed::Owner("object:o1"), 50).await.unwrap();
        transaction.commit().await.unwrap();
        keys::scrub(&store).await.unwrap();
        let row = keys::newest(&store, "data:o1").await.unwrap().unwrap();
        assert_eq!((row.wrapped, row.destroyed_at), (None, Some(50)), "the row stays");
        assert_eq!(keys::newest(&store, "data:o9").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn holds_stand_against_what_they_cover() {
    on_each(|store| async move {
        fill(&store).await;
        let against = async |scope: &str, doomed: Doomed<'_>| {
            let mut transaction = store.begin().await.unwrap();
            keys::hold_against(&mut transaction, scope, doomed).await.unwrap().map(|(scope, _reference)| scope)
        };
        let cases = [
            ("object:o1", Doomed::Owner("object:o1")),
            ("study:onc", Doomed::Study("onc")),
            ("study:cns", Doomed::Study("cns")),
            ("subject:jane", Doomed::Subject("jane")),
            ("object:o3", Doomed::Owner("object:o3")),
            ("day:2026-11-24", Doomed::Owner("day:2026-11-24")),
        ];
        for (held, blocked) in [
            ("object:o1", &["object:o1", "study:onc"][..]),
            ("study:onc", &["object:o1", "study:onc"]),
            ("subject:jane", &["study:cns", "subject:jane", "object:o3"]),
            ("study:cns", &["study:cns", "subject:jane", "object:o3"]),
            ("day:2026-11-24", &["day:2026-11-24"]),
        ] {
            keys::hold(&store, held, "case 1", 20).await.unwrap();
            keys::hold(&store, held, "case 1", 21).await.unwrap();
            for (scope, doomed) in cases {
                let expected = blocked.contains(&scope).then(|| held.to_owned());
                assert_eq!(against(scope, doomed).await, expected, "{held} against {scope}");
            }
            assert_eq!(keys::holds(&store).await.unwrap().len(), 1);
            assert!(keys::release(&store, held, "case 1", 30).await.unwrap());
            assert!(!keys::release(&store, held, "case 1", 30).await.unwrap());
            assert!(keys::holds(&store).await.unwrap().is_empty());
        }
    })
    .await;
}

#[tokio::test]
async fn rotation_pages_through_what_a_key_wraps() {
    on_each(|store| async move {
        fill(&store).await;
        let mut transaction = store.begin().await.unwrap();
        let next = KeyRow { version: 2, ..key("study:onc", "study", "study:onc", Some("onc"), "organisation") };
        keys::insert(&mut transaction, vec![next]).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(keys::unfinished(&store).await.unwrap(), ["study:onc"]);
        let mut transaction = store.begin().await.unwrap();
        assert_eq!(keys::wrapped_before(&mut transaction, "study:onc", 2, 1).await.unwrap().len(), 1);
        let mut rows = keys::wrapped_before(&mut transaction, "study:onc", 2, 10).await.unwrap();
        assert_eq!(rows.len(), 2);
        rows.iter_mut().for_each(|row| (row.parent_version, row.wrapped) = (2, Some(vec![8; 113])));
        keys::replace(&mut transaction, rows).await.unwrap();
        assert!(keys::wrapped_before(&mut transaction, "study:onc", 2, 10).await.unwrap().is_empty());
        let mut old = keys::versions_before(&mut transaction, "study:onc", 2).await.unwrap();
        assert_eq!(old.len(), 1);
        old[0].destroyed_at = Some(9);
        keys::replace(&mut transaction, old).await.unwrap();
        transaction.commit().await.unwrap();
        assert!(keys::unfinished(&store).await.unwrap().is_empty());
        assert_eq!(keys::newest(&store, "study:onc").await.unwrap().unwrap().version, 2);
        assert_eq!(keys::version(&store, "study:onc", 1).await.unwrap().unwrap().destroyed_at, Some(9));
        let sums = keys::wrapping(&store, "", 10).await.unwrap();
        let sums: Vec<_> = sums.iter().map(|sum| (sum.key.name.as_str(), sum.versions, sum.children)).collect();
        let expected = [("organisation", 1, 3), ("study:cns", 1, 1), ("study:onc", 1, 2), ("subject:jane/cns", 1, 1)];
        assert_eq!(sums, expected, "a destroyed version is no child any more");
        let again = {
            let mut transaction = store.begin().await.unwrap();
            keys::insert(&mut transaction, vec![key("data:o1", "data", "object:o1", None, "study:onc")]).await
        };
        assert!(again.unwrap_err().is_unique_violation());
    })
    .await;
}

#[tokio::test]
async fn receipts_are_kept() {
    on_each(|store| async move {
        for (id, scope, issued_at) in [("a", "object:o1", 1), ("b", "object:o2", 2), ("c", "object:o1", 3)] {
            let receipt = ReceiptRow {
                id: id.to_owned(),
                scope: scope.to_owned(),
                issued_at,
                body: "{}".to_owned(),
                signer: "00".to_owned(),
                signature: "11".to_owned(),
            };
            let mut transaction = store.begin().await.unwrap();
            keys::keep_receipt(&mut transaction, receipt).await.unwrap();
            transaction.commit().await.unwrap();
        }
        let ids = |receipts: Vec<ReceiptRow>| receipts.into_iter().map(|receipt| receipt.id).collect::<Vec<_>>();
        assert_eq!(ids(keys::receipts(&store, None).await.unwrap()), ["c", "b", "a"]);
        assert_eq!(ids(keys::receipts(&store, Some("object:o1")).await.unwrap()), ["c", "a"]);
    })
    .await;
}

#[tokio::test]
async fn the_key_table_migrates_by_itself() {
    on_each(|store| async move {
        let newest = KEY_MIGRATIONS.last().unwrap().version;
        assert_eq!(store.schema_version().await.unwrap(), newest);
        store.migrate_to(0).await.unwrap();
        assert!(keys::newest(&store, "organisation").await.is_err(), "the table is gone");
        store.migrate_to(i64::MAX).await.unwrap();
        fill(&store).await;
        let values = [(newest + 1).into(), "of tomorrow".into()];
        store.execute("INSERT INTO vault_schema_steps (version, name) VALUES ($1, $2)", &values).await.unwrap();
        assert!(matches!(store.migrate_to(i64::MAX).await.unwrap_err(), StoreError::Newer { .. }));
    })
    .await;
}

/// What was freed or overwritten is nowhere in the files, whatever moved on the pages before.
#[tokio::test]
async fn destroyed_bytes_leave_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::sqlite_keys(&folder.path().join("keys.db")).await.unwrap();
    let needle = |number: u32| [b"NEEDLE".as_slice(), &number.to_be_bytes(), &[0xEE; 100]].concat();
    for batch in 0..20_u32 {
        let mut transaction = store.begin().await.unwrap();
        let rows = (0..100_u32).map(|at| {
            let number = batch * 100 + at;
            let name = format!("data:{:08x}", number.wrapping_mul(0x9E37_79B9));
            let mut row = key(&name, "data", &format!("object:{number}"), Some("onc"), "study:onc");
            row.wrapped = Some(needle(number));
            row
        });
        keys::insert(&mut transaction, rows.collect()).await.unwrap();
        transaction.commit().await.unwrap();
    }
    let found = |path: &Path, number: u32| {
        let wanted = [b"NEEDLE".as_slice(), &number.to_be_bytes()].concat();
        std::fs::read_dir(path).unwrap().any(|file| {
            let content = std::fs::read(file.unwrap().path()).unwrap();
            content.windows(wanted.len()).any(|window| window == wanted)
        })
    };
    // A reader that was there before does not keep the bytes alive.
    let _read = keys::newest(&store, "study:onc").await.unwrap();
    for number in [0, 7, 1_000, 1_999] {
        assert!(found(folder.path(), number));
        let mut transaction = store.begin().await.unwrap();
        let owner = format!("object:{number}");
        assert_eq!(keys::destroy(&mut transaction, Doomed::Owner(&owner), 50).await.unwrap().len(), 1);
        transaction.commit().await.unwrap();
        keys::scrub(&store).await.unwrap();
        assert!(!found(folder.path(), number), "{number}");
        assert!(found(folder.path(), number - number % 2 + 3 - if number > 1_900 { 10 } else { 0 }), "others stay");
    }
    store.close().await;
}

#[tokio::test]
async fn what_would_be_destroyed_is_told_before() {
    on_each(|store| async move {
        fill(&store).await;
        let by_kind = |doomed| keys::doomed_by_kind(&store, doomed);
        let count = |kind: &str, number: u64| (kind.to_owned(), number);
        assert_eq!(
            by_kind(Doomed::Study("onc")).await.unwrap(),
            [count("data", 2), count("detail", 1), count("study", 1)]
        );
        assert_eq!(by_kind(Doomed::Subject("jane")).await.unwrap(), [count("data", 1), count("subject", 1)]);
        let objects = keys::doomed_objects(&store, Doomed::Study("onc"), "data:o1").await.unwrap();
        assert_eq!(objects, [("data:o2".to_owned(), "onc".to_owned(), "object:o2".to_owned())]);
        let under: Vec<_> = keys::wrapping_under(&store, "organisation", "", 10).await.unwrap();
        let told: Vec<_> = under.iter().map(|sum| (sum.key.name.as_str(), sum.children)).collect();
        assert_eq!(told, [("study:cns", 1), ("study:onc", 2)]);
        assert_eq!(keys::wrapping_under(&store, "organisation", "study:cns", 10).await.unwrap().len(), 1);
        assert_eq!(keys::wrapping_under(&store, "study:cns", "", 10).await.unwrap()[0].key.name, "subject:jane/cns");
        keys::hold(&store, "subject:jane", "case-1", 20).await.unwrap();
        keys::hold(&store, "object:o3", "case-2", 20).await.unwrap();
        let against = keys::holds_against(&store, "study:cns", Doomed::Study("cns"), 10).await.unwrap();
        let told: Vec<_> = against.iter().map(|hold| hold.reference.as_str()).collect();
        assert_eq!(told, ["case-2", "case-1"]);
        assert_eq!(keys::holds_against(&store, "study:cns", Doomed::Study("cns"), 1).await.unwrap().len(), 1);
        assert!(keys::holds_against(&store, "study:onc", Doomed::Study("onc"), 10).await.unwrap().is_empty());
        let mut transaction = store.begin().await.unwrap();
        keys::destroy(&mut transaction, Doomed::Study("onc"), 30).await.unwrap();
        transaction.commit().await.unwrap();
        assert!(by_kind(Doomed::Study("onc")).await.unwrap().is_empty());
    })
    .await;
}
