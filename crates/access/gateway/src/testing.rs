//! Simulated parts for the gateway's tests: storage in memory, rules as a list, a record that can fail.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use model::event::{Actor, Event, Origin};
use model::record::{Receipt, Record, RecordError};
use model::{Action, Answer, Label, PrincipalId, PrincipalKind, StudyId};
use s3s::S3Request;
use secrecy::SecretString;
use store::Store;

use crate::caller::Asker;
use crate::ports::{
    Caller, Gate, GateError, Inspect, InspectError, Inspected, Inspection, PartWriter, Place, Plain, Question, Ruling,
    Storage, StorageError,
};
use crate::{Guard, Limits, Parts};

/// Storage in memory. What it hands out as sealed are names.
#[derive(Default)]
pub(crate) struct Memory {
    blobs: Mutex<BTreeMap<u64, (Place, Vec<u8>)>>,
    next: AtomicU64,
    pub(crate) is_down: AtomicBool,
    pub(crate) is_full: AtomicBool,
    /// Reads give this many bytes and then fail.
    pub(crate) breaks_after: Mutex<Option<usize>>,
}

impl Memory {
    pub(crate) fn blobs(&self) -> usize {
        self.blobs.lock().unwrap().len()
    }

    fn check(&self) -> Result<(), StorageError> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(StorageError::Unavailable("the key provider gives no answer".into()));
        }
        Ok(())
    }
}

struct MemoryWriter {
    memory: Arc<Memory>,
    place: Place,
    bytes: Vec<u8>,
}

impl PartWriter for MemoryWriter {
    fn write(&mut self, piece: Bytes) -> Answer<'_, Result<(), StorageError>> {
        Box::pin(async move {
            if self.memory.is_full.load(Ordering::SeqCst) {
                return Err(StorageError::Full);
            }
            self.bytes.extend_from_slice(&piece);
            Ok(())
        })
    }

    fn finish(self: Box<Self>) -> Answer<'static, Result<Vec<u8>, StorageError>> {
        Box::pin(async move {
            let id = self.memory.next.fetch_add(1, Ordering::SeqCst);
            self.memory.blobs.lock().unwrap().insert(id, (self.place, self.bytes));
            Ok(serde_json::to_vec(&[id]).unwrap())
        })
    }
}

/// `Arc` so that writers outlive the borrow.
pub(crate) struct MemoryStorage(pub(crate) Arc<Memory>);

impl Storage for MemoryStorage {
    fn begin<'a>(&'a self, place: &'a Place, _: u32) -> Answer<'a, Result<Box<dyn PartWriter>, StorageError>> {
        Box::pin(async move {
            self.0.check()?;
            let writer = MemoryWriter { memory: Arc::clone(&self.0), place: place.clone(), bytes: Vec::new() };
            Ok(Box::new(writer) as Box<dyn PartWriter>)
        })
    }

    fn seal<'a>(&'a self, _: &'a Place, parts: &'a [Vec<u8>]) -> Answer<'a, Result<Vec<u8>, StorageError>> {
        Box::pin(async move {
            self.0.check()?;
            let ids: Vec<u64> =
                parts.iter().flat_map(|part| serde_json::from_slice::<Vec<u64>>(part).unwrap()).collect();
            Ok(serde_json::to_vec(&ids).unwrap())
        })
    }

    fn read<'a>(
        &'a self,
        place: &'a Place,
        sealed: &'a [u8],
        range: Range<u64>,
    ) -> Answer<'a, Result<Plain, StorageError>> {
        Box::pin(async move {
            self.0.check()?;
            let ids: Vec<u64> = serde_json::from_slice(sealed).unwrap();
            let blobs = self.0.blobs.lock().unwrap();
            let mut all = Vec::new();
            for id in ids {
                let (of, bytes) = blobs.get(&id).ok_or(StorageError::Altered)?;
                assert_eq!(of, place, "content is opened where it was sealed");
                all.extend_from_slice(bytes);
            }
            let (start, end) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
            let mut wanted = all[start..end].to_vec();
            let breaks = *self.0.breaks_after.lock().unwrap();
            if let Some(after) = breaks {
                wanted.truncate(after);
            }
            let pieces: Vec<Result<Bytes, StorageError>> =
                wanted.chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
            let fault = breaks.map(|_| Err(StorageError::Altered));
            Ok(stream::iter(pieces.into_iter().chain(fault)).boxed() as Plain)
        })
    }

    fn remove<'a>(&'a self, sealed: &'a [u8]) -> Answer<'a, Result<(), StorageError>> {
        Box::pin(async move {
            let ids: Vec<u64> = serde_json::from_slice(sealed).unwrap();
            let mut blobs = self.0.blobs.lock().unwrap();
            ids.iter().for_each(|id| drop(blobs.remove(id)));
            Ok(())
        })
    }

    fn remove_part<'a>(&'a self, part: &'a [u8]) -> Answer<'a, Result<(), StorageError>> {
        self.remove(part)
    }
}

/// A record that can refuse.
#[derive(Default)]
pub(crate) struct Tape {
    pub(crate) events: Mutex<Vec<Event>>,
    pub(crate) is_broken: AtomicBool,
}

impl Tape {
    pub(crate) fn last(&self) -> Event {
        self.events.lock().unwrap().last().unwrap().clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.events.lock().unwrap().len()
    }
}

impl Record for Tape {
    fn record(&self, event: Event) -> Answer<'_, Result<Receipt, RecordError>> {
        Box::pin(async move {
            if self.is_broken.load(Ordering::SeqCst) {
                return Err(RecordError::Refused { because: "the disk is full".to_owned() });
            }
            let mut events = self.events.lock().unwrap();
            events.push(event);
            Ok(Receipt { index: events.len() as u64 - 1 })
        })
    }
}

/// Rules as a list of what is refused.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) refused: Mutex<Vec<(Action, Option<Label>)>>,
    pub(crate) is_down: AtomicBool,
    pub(crate) ends: AtomicBool,
}

impl Rules {
    pub(crate) fn refuse(&self, action: Action, label: Option<Label>) {
        self.refused.lock().unwrap().push((action, label));
    }
}

impl Gate for Rules {
    fn secret<'a>(&'a self, access_key: &'a str) -> Answer<'a, Result<Option<SecretString>, GateError>> {
        Box::pin(async move { Ok((access_key == "KEY").then(|| SecretString::from("SECRET"))) })
    }

    fn caller<'a>(&'a self, access_key: &'a str, _: Option<&'a str>) -> Answer<'a, Result<Option<Caller>, GateError>> {
        Box::pin(async move { Ok((access_key == "KEY").then(caller)) })
    }

    fn name(&self, principal: PrincipalId) -> Answer<'_, Result<Option<String>, GateError>> {
        Box::pin(async move { Ok((principal == caller().actor.id).then(|| "Ada".to_owned())) })
    }

    fn decide<'a>(&'a self, question: &'a Question<'a>) -> Answer<'a, Result<Ruling, GateError>> {
        Box::pin(async move {
            if self.is_down.load(Ordering::SeqCst) {
                return Err(GateError("the rules cannot be read".into()));
            }
            let refused = self.refused.lock().unwrap();
            let hit = refused.iter().any(|(action, label)| {
                *action == question.action && label.is_none_or(|label| question.labels.contains(&label))
            });
            Ok(Ruling {
                is_allowed: !hit,
                policies: vec!["test-rule".to_owned()],
                code: "policy:test-rule".to_owned(),
                hint: "ask for a grant".to_owned(),
            })
        })
    }

    fn ends(&self, _: &Actor, _: &StudyId, _: bool) -> bool {
        self.ends.load(Ordering::SeqCst)
    }

    fn create_study<'a>(&'a self, _: &'a Caller, _: &'a StudyId, _: i64) -> Answer<'a, Result<Ruling, GateError>> {
        Box::pin(async move {
            Ok(Ruling { is_allowed: true, policies: Vec::new(), code: String::new(), hint: String::new() })
        })
    }
}

/// Recognition that looks for one word; what begins with `seek` has to be read where it lies.
pub(crate) struct Words(Arc<Memory>);

struct Word(Vec<u8>);

fn seen(text: &str) -> Result<Inspected, InspectError> {
    if text.contains("unreadable") {
        return Err(InspectError("no".into()));
    }
    let is_secret = text.contains("password");
    Ok(Inspected {
        labels: if is_secret { vec![Label::Secret] } else { vec![Label::None] },
        subjects: u64::from(text.contains("patient")),
        problems: Vec::new(),
    })
}

impl Inspect for Words {
    fn begin(&self, _: &Place, _: &str) -> Box<dyn Inspection> {
        Box::new(Word(Vec::new()))
    }

    fn look<'a>(&'a self, _: &'a Place, _: &'a str, sealed: &'a [u8]) -> Answer<'a, Result<Inspected, InspectError>> {
        Box::pin(async move {
            let ids: Vec<u64> = serde_json::from_slice(sealed).unwrap();
            let blobs = self.0.blobs.lock().unwrap();
            let all: Vec<u8> = ids.iter().flat_map(|id| blobs[id].1.clone()).collect();
            seen(&String::from_utf8_lossy(&all))
        })
    }
}

impl Inspection for Word {
    fn feed(&mut self, piece: Bytes) -> Answer<'_, ()> {
        self.0.extend_from_slice(&piece);
        Box::pin(async {})
    }

    fn finish(self: Box<Self>) -> Answer<'static, Result<Option<Inspected>, InspectError>> {
        let text = String::from_utf8_lossy(&self.0).into_owned();
        Box::pin(async move { if text.starts_with("seek") { Ok(None) } else { seen(&text).map(Some) } })
    }
}

pub(crate) fn caller() -> Caller {
    let actor =
        Actor { id: PrincipalId::from_bytes([3; 16]), kind: PrincipalKind::Person, credential: Some("KEY".to_owned()) };
    Caller { actor, name: "Ada".to_owned(), facts: Arc::new(()) }
}

/// A gateway over simulated parts.
pub(crate) struct World {
    pub(crate) guard: Arc<Guard>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) tape: Arc<Tape>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) now: Arc<AtomicI64>,
    _folder: tempfile::TempDir,
}

impl World {
    /// With the study `onc-1` in it.
    pub(crate) async fn new() -> Self {
        Self::limited(Limits::default()).await
    }

    /// As [`World::new`], with limits.
    pub(crate) async fn limited(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::sqlite(&folder.path().join("lazaret.db")).await.unwrap();
        let (memory, tape, rules) =
            (Arc::new(Memory::default()), Arc::new(Tape::default()), Arc::new(Rules::default()));
        let now = Arc::new(AtomicI64::new(1_700_000_000_000));
        let ids = AtomicU64::new(1);
        let time = Arc::clone(&now);
        let guard = Guard::new(Parts {
            store,
            storage: Arc::new(MemoryStorage(Arc::clone(&memory))),
            inspect: Some(Arc::new(Words(Arc::clone(&memory)))),
            gate: Arc::clone(&rules) as Arc<dyn Gate>,
            record: Arc::clone(&tape) as Arc<dyn Record>,
            clock: Arc::new(move || time.load(Ordering::SeqCst)),
            random: Arc::new(move || u128::from(ids.fetch_add(1, Ordering::SeqCst)).to_be_bytes()),
            limits,
        });
        let world = Self { guard, memory, tape, rules, now, _folder: folder };
        let input = s3s::dto::CreateBucketInput::builder().bucket("onc-1".to_owned()).build().unwrap();
        world.guard.create_bucket(world.ask(input)).await.unwrap();
        world
    }

    /// A request of Ada's.
    pub(crate) fn ask<T>(&self, input: T) -> S3Request<T> {
        let mut extensions = hyper::http::Extensions::new();
        let origin = Origin { through: "s3".into(), ..Origin::default() };
        extensions.insert(Asker { caller: caller(), origin, now_ms: self.now.load(Ordering::SeqCst) });
        S3Request {
            input,
            method: hyper::Method::GET,
            uri: hyper::Uri::from_static("/"),
            headers: hyper::HeaderMap::new(),
            extensions,
            credentials: None,
            region: None,
            service: None,
            trailing_headers: None,
        }
    }
}

/// A body in pieces.
pub(crate) fn body(bytes: &[u8]) -> s3s::dto::StreamingBlob {
    let pieces: Vec<Result<Bytes, std::io::Error>> =
        bytes.chunks(1000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    s3s::dto::StreamingBlob::wrap(stream::iter(pieces))
}

/// Everything of a body.
pub(crate) async fn all(mut blob: s3s::dto::StreamingBlob) -> Result<Vec<u8>, s3s::StdError> {
    let mut bytes = Vec::new();
    while let Some(piece) = blob.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}

/// Headers that a body came with.
pub(crate) type Metadata = HashMap<String, String>;
