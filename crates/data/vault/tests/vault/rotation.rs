//! Rotation rewraps; nothing that was sealed changes.

use model::{Envelope as _, Scope};
use store::keys as table;
use vault::{Turn, VaultError};

use crate::world::{World, bytes, files, holds, keys_path, study};

#[tokio::test]
async fn rotation_rewraps_and_leaves_objects_alone() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let onc = study("onc-201");
    let plain = bytes(100_000, 1);
    let mut sealed = Vec::new();
    for id in 0..20 {
        sealed.push(world.put(&onc, id, 1, &[&plain]).await);
    }
    let scope = Scope::Study(onc.clone());
    let detail = world.vault.seal(&scope, b"", b"Jane Doe").await.unwrap();
    let before = files(&folder.path().join("objects"));
    let old = table::newest(&world.keys, "study:onc-201").await.unwrap().unwrap().wrapped.unwrap();
    let root_before = std::fs::read(folder.path().join("keys/root.json")).unwrap();
    for (turn, rewrapped, version) in [
        (Turn::Study(onc.clone()), 21, 2),
        (Turn::Organisation, 1, 2),
        (Turn::Root, 1, 0),
        (Turn::Study(onc.clone()), 21, 3),
    ] {
        let done = world.vault.rotate(&turn).await.unwrap();
        assert_eq!((done.rewrapped, done.version), (rewrapped, version), "{turn:?}");
    }
    assert_ne!(std::fs::read(folder.path().join("keys/root.json")).unwrap(), root_before);
    assert_eq!(files(&folder.path().join("objects")), before, "no blob was touched");
    for (path, content) in files(&folder.path().join("keys")) {
        assert!(!holds(&content, &old), "the old study key is gone from {}", path.display());
    }
    world.keys.close().await;
    let world = World::open(folder.path()).await;
    for object in &sealed {
        assert_eq!(world.get(object).await.unwrap(), plain);
    }
    assert_eq!(world.vault.open(&scope, b"", &detail).await.unwrap(), b"Jane Doe");
    let status = world.vault.list_keys("", 10).await.unwrap();
    let named: Vec<_> = status.iter().map(|key| (key.name.as_str(), key.version, key.versions, key.children)).collect();
    assert_eq!(named, [("organisation", 2, 1, 1), ("study:onc-201", 3, 1, 21)]);
    let refused = world.vault.rotate(&Turn::Study(study("nobody"))).await.unwrap_err();
    assert!(matches!(refused, VaultError::NoKey { .. }), "{refused}");
}

#[tokio::test]
async fn a_rotation_that_was_cut_off_is_ended_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let onc = study("onc-201");
    let mut sealed = Vec::new();
    for id in 0..30 {
        sealed.push(world.put(&onc, id, 1, &[&[id]]).await);
    }
    // Thirty keys are one batch. Put the database back to where the new version was kept and some children were rewrapped.
    let copy = |to: &str| {
        std::fs::create_dir_all(folder.path().join(to)).unwrap();
    };
    copy("copy");
    let old: Vec<_> = {
        let mut transaction = world.keys.begin().await.unwrap();
        let rows = table::wrapped_before(&mut transaction, "study:onc-201", 2, 10).await.unwrap();
        drop(transaction);
        rows
    };
    let old_key = table::newest(&world.keys, "study:onc-201").await.unwrap().unwrap();
    world.vault.rotate(&Turn::Study(onc.clone())).await.unwrap();
    let mut transaction = world.keys.begin().await.unwrap();
    table::replace(&mut transaction, old.into_iter().chain([old_key]).collect()).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(table::unfinished(&world.keys).await.unwrap(), ["study:onc-201"]);
    world.keys.close().await;
    let world = World::open(folder.path()).await;
    assert!(table::unfinished(&world.keys).await.unwrap().is_empty());
    let status = world.vault.list_keys("", 10).await.unwrap();
    assert_eq!((status[1].version, status[1].versions, status[1].children), (2, 1, 30));
    for (id, object) in (0_u8..).zip(&sealed) {
        assert_eq!(world.get(object).await.unwrap(), [id]);
    }
    assert!(keys_path(folder.path()).exists());
}

#[tokio::test]
async fn a_root_rotation_that_was_cut_off_loses_nothing() {
    use vault::RootKey as _;
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let sealed = world.put(&study("onc-201"), 1, 1, &[b"kept"]).await;
    // The provider has a new root key; the organisation's key still lies under the old one.
    world.root.inner.rotate().await.unwrap();
    world.keys.close().await;
    let world = World::open(folder.path()).await;
    assert_eq!(world.get(&sealed).await.unwrap(), b"kept");
    world.vault.rotate(&Turn::Root).await.unwrap();
    world.keys.close().await;
    assert_eq!(World::open(folder.path()).await.get(&sealed).await.unwrap(), b"kept");
}
