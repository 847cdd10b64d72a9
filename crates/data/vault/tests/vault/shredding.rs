//! Destroying keys, and holds against it.

use std::path::Path;

use futures_util::StreamExt as _;
use model::{Envelope as _, EnvelopeError, Scope, SubjectId};
use store::keys as table;
use vault::{SealedObject, VaultError};

use crate::world::{World, bytes, files, holds, keys_path, object, study, version};

fn nowhere(folder: &Path, needles: &[Vec<u8>]) {
    for (path, content) in files(folder) {
        for needle in needles {
            assert!(!holds(&content, needle), "wrapped bytes of a destroyed key lie in {}", path.display());
        }
    }
}

async fn wrapped(world: &World, name: &str) -> Vec<u8> {
    table::newest(&world.keys, name).await.unwrap().unwrap().wrapped.unwrap()
}

fn is_destroyed(result: Result<Vec<u8>, VaultError>) -> bool {
    matches!(result, Err(VaultError::Destroyed { .. }))
}

#[tokio::test]
async fn what_was_shredded_is_gone_from_files_caches_and_backups() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let onc = study("onc-201");
    let plain = bytes(3 << 20, 1);
    let first = world.put(&onc, 1, 1, &[&plain]).await;
    let second = world.put(&onc, 1, 2, &[&plain]).await;
    let mut others: Vec<SealedObject> = Vec::new();
    for id in 2..=250 {
        others.push(world.put(&onc, id, 1, &[&[id]]).await);
    }
    let name = world.vault.seal(&Scope::Object(object(1)), b"", b"Doe_Jane.dcm").await.unwrap();
    let needles = vec![
        wrapped(&world, &format!("data:{}", object(1))).await,
        wrapped(&world, &format!("detail:object:{}", object(1))).await,
    ];
    assert!(files(&folder.path().join("keys")).iter().any(|(_, content)| holds(content, &needles[0])), "it was there");
    let backup = files(&folder.path().join("objects"));
    let mut reader = world.vault.read(&first, 0..first.bytes).await.unwrap();
    reader.next().await.unwrap().unwrap();

    let receipt = world.vault.shred(&Scope::Object(object(1))).await.unwrap();
    receipt.check().unwrap();
    assert!(receipt.body.contains(r#""keys":2"#), "{}", receipt.body);
    nowhere(folder.path(), &needles);
    assert!(is_destroyed(world.get(&first).await) && is_destroyed(world.get(&second).await));
    let mut given = 0;
    let end = loop {
        match reader.next().await {
            Some(Ok(piece)) => given += piece.len(),
            other => break other,
        }
    };
    assert!(matches!(end, Some(Err(VaultError::Destroyed { .. }))), "a reader under way ends: {end:?}");
    assert!(given <= 1 << 20, "what was opened ahead at the most");
    assert!(world.try_put(&onc, 1, 3, &[b"x"]).await.is_err(), "the key is never made again");
    assert!(matches!(
        world.vault.open(&Scope::Object(object(1)), b"", &name).await.unwrap_err(),
        EnvelopeError::Destroyed { .. }
    ));
    for (id, other) in (2_u8..).zip(&others) {
        assert_eq!(world.get(other).await.unwrap(), [id]);
    }
    world.vault.remove(&first).await.unwrap();
    world.vault.remove(&second).await.unwrap();
    world.keys.close().await;
    nowhere(folder.path(), &needles);
    // A backup of the blobs brings nothing back.
    for (path, content) in backup {
        std::fs::write(path, content).unwrap();
    }
    let world = World::open(folder.path()).await;
    assert!(is_destroyed(world.get(&first).await) && is_destroyed(world.get(&second).await));
    let receipts = world.vault.receipts(Some(&Scope::Object(object(1)))).await.unwrap();
    assert_eq!(receipts, std::slice::from_ref(&receipt));
    let mut forged = receipt;
    forged.body = forged.body.replace(r#""keys":2"#, r#""keys":3"#);
    assert!(forged.check().is_err());
}

#[tokio::test]
async fn a_study_goes_with_its_objects_and_their_details() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let (onc, cns) = (study("onc-201"), study("cns-7"));
    let gone = world.put(&onc, 1, 1, &[b"gone"]).await;
    let kept = world.put(&cns, 2, 1, &[b"kept"]).await;
    let name = world.vault.seal(&Scope::Object(object(1)), b"", b"Doe_Jane.dcm").await.unwrap();
    let detail = world.vault.seal(&Scope::Study(onc.clone()), b"", b"protocol").await.unwrap();
    let mut needles = Vec::new();
    for key in ["study:onc-201", "detail:study:onc-201", &format!("data:{}", object(1))] {
        needles.push(wrapped(&world, key).await);
    }
    world.vault.shred(&Scope::Study(onc.clone())).await.unwrap();
    nowhere(folder.path(), &needles);
    assert!(is_destroyed(world.get(&gone).await));
    assert!(world.vault.open(&Scope::Object(object(1)), b"", &name).await.is_err());
    assert!(world.vault.open(&Scope::Study(onc.clone()), b"", &detail).await.is_err());
    assert!(matches!(world.vault.study_key(&onc).await, Err(VaultError::Destroyed { .. })));
    assert!(world.try_put(&onc, 3, 1, &[b"x"]).await.is_err());
    assert_eq!(world.get(&kept).await.unwrap(), b"kept");
    let status = world.vault.list_keys("organisation", 10).await.unwrap();
    assert!(status.iter().any(|key| key.name == "study:onc-201" && key.destroyed_at.is_some()));
}

#[tokio::test]
async fn a_data_subject_goes_with_what_is_about_it_alone() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let onc = study("onc-201");
    let jane = SubjectId::from_bytes([5; 16]);
    world.vault.object_key(&onc, object(1), Some(jane)).await.unwrap();
    let hers = world.put(&onc, 1, 1, &[b"hers"]).await;
    let shared = world.put(&onc, 2, 1, &[b"shared"]).await;
    world.vault.shred(&Scope::Subject(jane)).await.unwrap();
    assert!(is_destroyed(world.get(&hers).await));
    assert_eq!(world.get(&shared).await.unwrap(), b"shared");
    let again = world.vault.object_key(&study("cns-7"), object(3), Some(jane)).await;
    assert!(matches!(again, Err(VaultError::Destroyed { .. })), "{again:?}");
}

#[tokio::test]
async fn a_legal_hold_wins() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let onc = study("onc-201");
    let jane = SubjectId::from_bytes([5; 16]);
    world.vault.object_key(&onc, object(1), Some(jane)).await.unwrap();
    let sealed = world.put(&onc, 1, 1, &[b"evidence"]).await;
    world.vault.seal(&Scope::Object(object(1)), b"", b"x").await.unwrap();
    let scopes = [Scope::Object(object(1)), Scope::Subject(jane), Scope::Study(onc.clone())];
    for held in &scopes {
        world.vault.hold(held, "case 12").await.unwrap();
        assert_eq!(world.vault.holds().await.unwrap().len(), 1);
        for scope in &scopes {
            let refused = world.vault.shred(scope).await.unwrap_err();
            assert!(
                matches!(&refused, VaultError::Held { scope, reference } if scope == held && reference == "case 12"),
                "{held} against {scope}: {refused}"
            );
        }
        assert!(matches!(world.vault.remove(&sealed).await.unwrap_err(), VaultError::Held { .. }));
        assert!(world.vault.release_hold(held, "case 12").await.unwrap());
        assert!(!world.vault.release_hold(held, "case 12").await.unwrap());
    }
    assert_eq!(world.get(&sealed).await.unwrap(), b"evidence");
    world.vault.hold(&Scope::Study(study("cns-7")), "another case").await.unwrap();
    world.vault.shred(&Scope::Subject(jane)).await.unwrap();
    world.vault.remove(&sealed).await.unwrap();
}

#[tokio::test]
async fn a_part_under_way_when_its_key_goes_is_not_finished() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let onc = study("onc-201");
    let mut writer = world.vault.writer(&onc, object(1), version(1)).await.unwrap();
    writer.write(b"x").await.unwrap();
    world.vault.shred(&Scope::Study(onc)).await.unwrap();
    assert!(matches!(writer.finish().await.unwrap_err(), VaultError::Destroyed { .. }));
    assert!(files(&folder.path().join("objects")).is_empty());
    assert!(keys_path(folder.path()).exists());
}
