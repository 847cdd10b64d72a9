//! Appending, proving, sealing, rotating.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ledger::{Ledger, LedgerError};
use model::{EnvelopeError, ObjectId, Scope};
use verify::entry::{self, Body};
use verify::note::{Checkpoint, Note};
use verify::{Pins, proof};

use crate::support::{Memory, START_MS, Sealing, Ticking, block_on, event, open, settings};

#[test]
fn every_acknowledged_entry_can_be_proved_and_the_ledger_holds() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    let ledger = open(&root, 1);
    block_on(async {
        let mut receipts = Vec::new();
        for number in 0..600 {
            receipts.push(ledger.append(event(number)).await.unwrap());
        }
        let note = Note::parse(ledger.publish().await.unwrap().as_bytes()).unwrap();
        note.verify(&ledger.verifier_key()).unwrap();
        let checkpoint = Checkpoint::parse(&note.text).unwrap();
        assert_eq!(checkpoint.size, 600);
        for receipt in receipts {
            let inclusion = ledger.prove_inclusion(receipt.index).await.unwrap();
            let root = checkpoint.root;
            assert!(proof::inclusion_holds(&receipt.leaf, receipt.index, 600, &inclusion.proof, &root));
        }
        let read = ledger.read(250..270).unwrap();
        assert_eq!(read.len(), 20);
        assert_eq!(read[0].index, 250);
        assert!(ledger.read(600..601).is_err());
    });
    drop(ledger);
    let report = Memory::load(&root.join("ledger")).audit(&Pins::default());
    assert!(report.holds(), "{report}");
    assert_eq!((report.size, report.durable, report.events), (600, 600, 600));
}

#[test]
fn a_reopened_ledger_goes_on_and_an_older_checkpoint_is_consistent() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    let mut checkpoints = Vec::new();
    for round in 0..4 {
        let ledger = open(&root, round + 1);
        block_on(async {
            for number in 0..173 {
                ledger.append(event(number)).await.unwrap();
            }
            checkpoints.push(ledger.publish().await.unwrap());
            let newest = Checkpoint::parse(&Note::parse(checkpoints.last().unwrap().as_bytes()).unwrap().text).unwrap();
            for old in &checkpoints {
                let old = Checkpoint::parse(&Note::parse(old.as_bytes()).unwrap().text).unwrap();
                let proof = ledger.prove_consistency(old.size, newest.size).unwrap();
                assert!(proof::consistency_holds(old.size, &old.root, newest.size, &newest.root, &proof));
            }
        });
    }
    let memory = Memory::load(&root.join("ledger"));
    for checkpoint in checkpoints {
        let pins = Pins { checkpoint: Some(checkpoint.into_bytes()), ..Pins::default() };
        let report = memory.audit(&pins);
        assert!(report.holds(), "{report}");
    }
}

#[test]
fn destroying_a_key_erases_a_detail_and_breaks_no_proof() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("ledger");
    let sealing = Arc::new(Sealing::default());
    let mut settings = settings(&root, &folder.path().join("key"), 1, Ticking::new(START_MS));
    settings.envelope = sealing.clone();
    let ledger = Ledger::open(settings).unwrap();
    block_on(async {
        for number in [3, 10] {
            ledger.append(event(number)).await.unwrap();
        }
        ledger.publish().await.unwrap();
        let stored = ledger.read(0..2).unwrap();
        let tokens: Vec<_> = stored
            .iter()
            .map(|stored| match entry::parse(&stored.bytes).unwrap().body {
                Body::Event { json, details } => {
                    assert!(!json.contains("Doe"), "{json}");
                    details[0].token
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(tokens, [ledger.token("object.name", "Doe_Jane_3.dcm"); 2]);
        let revealed = ledger.reveal(&stored[0].bytes).await.unwrap();
        assert_eq!(revealed[0].value.as_deref().unwrap(), "Doe_Jane_3.dcm");
        let mut id = [0; 16];
        id[7] = 3;
        sealing.destroy(Scope::Object(ObjectId::from_bytes(id)));
        let revealed = ledger.reveal(&stored[0].bytes).await.unwrap();
        let erased =
            |error: &LedgerError| matches!(error, LedgerError::Seal { source: EnvelopeError::Destroyed { .. }, .. });
        assert!(revealed[0].value.as_ref().is_err_and(erased));
        ledger.prove_inclusion(0).await.unwrap();
    });
    drop(ledger);
    let memory = Memory::load(&root);
    assert!(memory.audit(&Pins::default()).holds());
    assert!(memory.0.values().all(|bytes| !bytes.windows(4).any(|window| window == b"Jane")));
}

#[test]
fn keys_are_rotated_and_the_first_key_still_vouches_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    let ledger = open(&root, 1);
    let first = ledger.verifier_key();
    block_on(async {
        for number in 0..300 {
            ledger.append(event(number)).await.unwrap();
            if number % 100 == 50 {
                ledger.rotate_key().await.unwrap();
            }
        }
    });
    let last = ledger.verifier_key();
    assert_ne!(first, last);
    drop(ledger);
    let ledger = open(&root, 2);
    assert_eq!(ledger.verifier_key(), last);
    block_on(async { ledger.append(event(1)).await.unwrap() });
    drop(ledger);
    let memory = Memory::load(&root.join("ledger"));
    for key in [first, last] {
        let report = memory.audit(&Pins { key: Some(key), checkpoint: None });
        assert!(report.holds(), "{report}");
        assert_eq!(report.rotations, 3);
    }
    let other = verify::note::SigningKey::of_log("example.org/lazaret", &[1; 32]).unwrap();
    assert!(!memory.audit(&Pins { key: Some(other.verifier().clone()), checkpoint: None }).holds());
}

#[test]
fn a_clock_that_goes_back_is_recorded_and_time_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("ledger");
    let clock = Ticking::new(START_MS);
    let ledger = Ledger::open(settings(&root, &folder.path().join("key"), 1, Arc::clone(&clock))).unwrap();
    block_on(async {
        let before = ledger.append(event(0)).await.unwrap();
        clock.wall.fetch_sub(60_000, Ordering::Relaxed);
        let after = ledger.append(event(1)).await.unwrap();
        assert_eq!(before.time_ms, after.time_ms);
    });
    drop(ledger);
    let report = Memory::load(&root).audit(&Pins::default());
    assert!(report.holds(), "{report}");
    assert!((59_000..61_000).contains(&report.drift_ms_max), "{report:?}");
}

#[test]
fn one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    let _held = open(&root, 1);
    let again =
        Ledger::open(settings(&root.join("ledger"), &folder.path().join("keys/ledger.key"), 1, Ticking::new(0)));
    assert!(matches!(again, Err(LedgerError::Locked { .. })));
}
