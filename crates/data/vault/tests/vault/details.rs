//! Small secrets under scope keys.

use std::sync::atomic::Ordering;

use model::{Envelope as _, EnvelopeError, PrincipalId, Scope, SubjectId};

use crate::world::{World, object, study};

fn scopes() -> Vec<Scope> {
    vec![
        Scope::Organisation,
        Scope::Study(study("onc-201")),
        Scope::Principal(PrincipalId::from_bytes([1; 16])),
        Scope::Object(object(1)),
        Scope::Subject(SubjectId::from_bytes([1; 16])),
        Scope::Day("2026-11-24".parse().unwrap()),
    ]
}

#[tokio::test]
async fn details_open_for_their_scope_and_context_alone() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let vault = &world.vault;
    for scope in scopes() {
        let sealed = vault.seal(&scope, b"entry 7", b"Doe_Jane_1961.dcm").await.unwrap();
        assert_eq!(vault.open(&scope, b"entry 7", &sealed).await.unwrap(), b"Doe_Jane_1961.dcm");
        assert_ne!(vault.seal(&scope, b"entry 7", b"Doe_Jane_1961.dcm").await.unwrap(), sealed);
        for other in scopes().iter().filter(|other| **other != scope) {
            vault.seal(other, b"", b"").await.unwrap();
            let refused = vault.open(other, b"entry 7", &sealed).await.unwrap_err();
            assert!(matches!(refused, EnvelopeError::Altered { .. }), "{refused}");
        }
        assert!(matches!(vault.open(&scope, b"entry 8", &sealed).await.unwrap_err(), EnvelopeError::Altered { .. }));
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            assert!(vault.open(&scope, b"entry 7", &flipped).await.is_err(), "byte {at}");
            assert!(vault.open(&scope, b"entry 7", &sealed[..at]).await.is_err(), "cut at {at}");
        }
    }
    let unknown = Scope::Principal(PrincipalId::from_bytes([9; 16]));
    assert!(matches!(vault.open(&unknown, b"", &[1; 100]).await.unwrap_err(), EnvelopeError::Altered { .. }));
    let long = vec![0; vault::DETAIL_BYTES_MAX + 1];
    assert!(vault.seal(&Scope::Organisation, b"", &long).await.is_err());
    vault.seal(&Scope::Organisation, b"", &long[1..]).await.unwrap();
}

#[tokio::test]
async fn a_destroyed_scope_is_never_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    for scope in scopes().into_iter().skip(1) {
        let sealed = world.vault.seal(&scope, b"", b"Jane Doe").await.unwrap();
        world.vault.shred(&scope).await.unwrap().check().unwrap();
        let erased = world.vault.open(&scope, b"", &sealed).await.unwrap_err();
        assert!(matches!(erased, EnvelopeError::Destroyed { .. }), "{scope}: {erased}");
        let erased = world.vault.seal(&scope, b"", b"x").await.unwrap_err();
        assert!(matches!(erased, EnvelopeError::Destroyed { .. }), "{scope}: {erased}");
    }
    // Also one that never had a key.
    let scope = Scope::Principal(PrincipalId::from_bytes([7; 16]));
    world.vault.shred(&scope).await.unwrap();
    assert!(matches!(world.vault.seal(&scope, b"", b"x").await.unwrap_err(), EnvelopeError::Destroyed { .. }));
    assert!(world.vault.shred(&Scope::Organisation).await.is_err());
}

#[tokio::test]
async fn without_the_root_key_details_are_out_of_reach() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path()).await;
    let scope = Scope::Study(study("onc-201"));
    let sealed = world.vault.seal(&scope, b"", b"Jane Doe").await.unwrap();
    world.root.is_down.store(true, Ordering::SeqCst);
    world.later(60_001);
    let down = world.vault.open(&scope, b"", &sealed).await.unwrap_err();
    assert!(matches!(down, EnvelopeError::Unavailable { .. }), "{down}");
    let down = world.vault.seal(&scope, b"", b"Jane Doe").await.unwrap_err();
    assert!(matches!(down, EnvelopeError::Unavailable { .. }), "{down}");
    world.later(-1_000_000);
    assert!(world.vault.open(&scope, b"", &sealed).await.is_err(), "a clock that is set back revives nothing");
}
