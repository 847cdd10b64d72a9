//! Rows of a real ledger, and their proofs.

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lake::{Checkpoint, Detail, Opened, rows_of};
use ledger::{Keys, Ledger, Settings};
use model::event::{Activity, Actor};
use model::{Answer, Envelope, EnvelopeError, Event, Label, ObjectId, PrincipalId, PrincipalKind, Scope};
use verify::proof::inclusion_holds;
use zeroize::Zeroizing;

use crate::support::{all, open};

/// Seals nothing and says that destroyed keys are destroyed: what is sealed how is the ledger's own test.
#[derive(Default)]
struct Sealing(Mutex<HashSet<Scope>>);

impl Envelope for Sealing {
    fn seal<'a>(&'a self, _: &'a Scope, _: &'a [u8], plain: &'a [u8]) -> Answer<'a, Result<Vec<u8>, EnvelopeError>> {
        Box::pin(async move { Ok(plain.to_vec()) })
    }

    fn open<'a>(
        &'a self,
        scope: &'a Scope,
        _: &'a [u8],
        sealed: &'a [u8],
    ) -> Answer<'a, Result<Vec<u8>, EnvelopeError>> {
        Box::pin(async move {
            match self.0.lock().unwrap().contains(scope) {
                true => Err(EnvelopeError::Destroyed { scope: scope.clone() }),
                false => Ok(sealed.to_vec()),
            }
        })
    }
}

struct Clock(AtomicI64);

impl ledger::Clock for Clock {
    fn wall_ms(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
    fn monotonic_ms(&self) -> u64 {
        0
    }
}

fn event(at: u8) -> Event {
    let mut event = Event::new(Activity::Download, 0, "s3");
    let id = PrincipalId::from_bytes([at; 16]);
    event.actor = Some(Actor { id, kind: PrincipalKind::Person, credential: Some("LZAK1".to_owned()) });
    event.origin.ip = Some("192.0.2.7".parse().unwrap());
    event.resource.study = Some("onc-001".parse().unwrap());
    event.resource.labels = vec![Label::PhiDirect];
    event.resource.bytes = Some(u64::from(at) * 1000);
    let scope = Scope::Object(ObjectId::from_bytes([at; 16]));
    event.details.push(model::event::Detail { field: "object.name".into(), scope, value: format!("Doe_{at}.dcm") });
    event
}

#[tokio::test]
async fn every_row_yields_its_proof() {
    let folder = tempfile::tempdir().unwrap();
    let sealing = Arc::new(Sealing::default());
    let random: Arc<dyn ledger::Random> = Arc::new(|bytes: &mut [u8]| {
        bytes.fill(5);
        Ok(())
    });
    let settings = Settings {
        folder: folder.path().join("ledger"),
        keys: Keys::open(&folder.path().join("ledger.key"), "lake.example/ledger", &*random).unwrap(),
        envelope: Arc::clone(&sealing) as Arc<dyn Envelope>,
        token_key: Zeroizing::new([1; 32]),
        clock: Arc::new(Clock(AtomicI64::new(1_700_000_000_000))),
        random,
        publish_every: Duration::from_millis(5),
    };
    let ledger = Ledger::open(settings).unwrap();
    for at in 0..20 {
        ledger.append(event(at)).await.unwrap();
    }
    ledger.publish().await.unwrap();
    sealing.0.lock().unwrap().insert(Scope::Object(ObjectId::from_bytes([7; 16])));
    let mut lake = open(&folder.path().join("lake"));
    while lake.next_index() < ledger.size() {
        let checkpoint = Checkpoint { size: ledger.size(), note: ledger.checkpoint() };
        let mut entries = Vec::new();
        for stored in ledger.read(lake.next_index()..checkpoint.size.min(lake.next_index() + 6)).unwrap() {
            let revealed = ledger.reveal(&stored.bytes).await.unwrap();
            let details = revealed
                .into_iter()
                .map(|one| Detail { field: one.field, scope: one.scope, value: one.value.ok() })
                .collect();
            entries.push(Opened { index: stored.index, bytes: stored.bytes, details });
        }
        lake.append(&rows_of(&entries), &checkpoint).unwrap();
    }
    let rows = all(lake.snapshot());
    assert_eq!(rows.len(), 20);
    for row in &rows {
        let inclusion = ledger.prove_inclusion(row.index).await.unwrap();
        let root =
            verify::note::Checkpoint::parse(&verify::note::Note::parse(inclusion.checkpoint.as_bytes()).unwrap().text)
                .unwrap()
                .root;
        let entry = ledger.read(row.index..row.index + 1).unwrap().remove(0);
        let leaf = verify::merkle::leaf(&entry.bytes);
        assert!(inclusion_holds(&leaf, row.index, inclusion.size, &inclusion.proof, &root));
        let at = u8::try_from(row.index).unwrap();
        assert_eq!(row.object_name, (at != 7).then(|| format!("Doe_{at}.dcm")));
        assert_eq!(row.labels.as_deref(), Some("phi.direct"));
        assert_eq!(row.bytes, Some(i64::from(at) * 1000));
        assert_eq!((row.activity.as_deref(), row.status.as_deref()), (Some("download"), Some("success")));
        assert_eq!((row.service.as_deref(), row.principal_kind.as_deref()), (Some("data"), Some("person")));
        assert!(row.time_ms >= 1_700_000_000_000);
    }
}
