//! A lake and a catalogue that are made up.

use std::io::Write;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use hunt::{Answered, Feed, Finding, Format, HuntError, Limits, Parameter, Sources, SubjectCount};
use lake::{Checkpoint, Lake, LakeKey, Random, Row, Snapshot};
use model::{PrincipalId, PrincipalKind};
use store::Store;
use store::objects::ObjectRow;
use store::principals::Principal;

/// 2026-11-01T00:00:00Z.
pub const BEGIN_MS: i64 = 1_793_491_200_000;

fn random() -> Random {
    let calls = Mutex::new(0_u8);
    Arc::new(move |bytes: &mut [u8]| {
        let mut call = calls.lock().unwrap();
        *call = call.wrapping_add(1);
        bytes.iter_mut().zip(0_u8..).for_each(|(byte, at)| *byte = call.wrapping_mul(37) ^ at);
        Ok(())
    })
}

pub fn principal(of: u64) -> String {
    PrincipalId::from_bytes([u8::try_from(of).unwrap(); 16]).to_string()
}

/// An event every minute by one of three principals on one of five objects.
pub fn row(index: u64) -> Row {
    let text = |text: &str| Some(text.to_owned());
    let is_refused = index % 10 == 9;
    Row {
        index,
        time_ms: BEGIN_MS + i64::try_from(index).unwrap() * 60_000,
        class_uid: 6006,
        class: text("File Hosting Activity"),
        category_uid: 6,
        activity: text("download"),
        activity_id: 2,
        status: text(if is_refused { "failure" } else { "success" }),
        status_code: is_refused.then(|| "policy:no-grant".to_owned()),
        severity_id: 1,
        principal: Some(principal(index % 3 + 1)),
        principal_kind: text("person"),
        ip: Some(format!("192.0.2.{}", index % 4)),
        study: text("onc-001"),
        object: Some(format!("{:032x}", index % 5)),
        labels: text(if index.is_multiple_of(2) { "phi.direct,special.genetic" } else { "personal" }),
        bytes: Some(1000),
        subject_count: Some(12),
        object_name: Some(format!("visits/{}.csv", index % 5)),
        scope: text("object"),
        ..Row::default()
    }
}

pub struct World {
    pub folder: tempfile::TempDir,
    pub store: Store,
}

pub const KEY: [u8; 32] = [3; 32];

impl World {
    /// A lake of `count` rows in segments of 100, and a catalogue.
    pub async fn new(count: u64, change: impl Fn(&mut Row)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut lake = Lake::open(&folder.path().join("lake"), LakeKey::new(KEY), random()).unwrap();
        let all: Vec<u64> = (0..count).collect();
        for indices in all.chunks(100) {
            let mut rows: Vec<Row> = indices.iter().map(|index| row(*index)).collect();
            rows.iter_mut().for_each(&change);
            lake.append(&rows, &Checkpoint { size: count, note: String::new() }).unwrap();
        }
        let store = Store::sqlite(&folder.path().join("lazaret.db")).await.unwrap();
        for (id, name) in [(1, "ada"), (2, "ben"), (3, "cleo")] {
            let id = PrincipalId::from_bytes([id; 16]);
            let principal = Principal {
                id,
                kind: PrincipalKind::Person,
                name: name.to_owned(),
                user_id: None,
                organisation: None,
                training_until: None,
                agreement_until: None,
                contained_at: None,
                created_at: BEGIN_MS,
                disabled_at: None,
            };
            store::principals::create(&store, &principal).await.unwrap();
        }
        for (source, from) in [("/a", 1), ("/b", 3)] {
            let source = store::sources::ensure(&store, "folder", source, BEGIN_MS).await.unwrap();
            let object = |id: u32| ObjectRow {
                id,
                source_id: source.id,
                path: format!("visits/{id}.csv"),
                format: "csv".to_owned(),
                bytes: u64::from(id) * 10,
                version: 1,
                state: "present".to_owned(),
                labels: "phi.direct".to_owned(),
                jurisdictions: "{}".to_owned(),
                subjects: 4,
                first_seen_at: BEGIN_MS,
                ..ObjectRow::default()
            };
            let mut transaction = store.begin().await.unwrap();
            store::objects::put(&mut transaction, &[object(from), object(from + 1)]).await.unwrap();
            transaction.commit().await.unwrap();
        }
        Self { folder, store }
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot::open(&self.folder.path().join("lake"), LakeKey::new(KEY)).unwrap()
    }

    pub fn sources(&self) -> Sources {
        let count = SubjectCount {
            study: "onc-001".to_owned(),
            label: "phi.direct".to_owned(),
            jurisdiction: "DE".to_owned(),
            people: 12,
        };
        let finding = Finding {
            id: 1,
            uid: "f1".to_owned(),
            title: "Many downloads".to_owned(),
            level: "high".to_owned(),
            principal: Some(principal(1)),
            found_at: BEGIN_MS,
            ..Finding::default()
        };
        Sources {
            lake: Some(self.snapshot()),
            store: Some(self.store.clone()),
            subjects: Some(once(count)),
            findings: Some(once(finding)),
        }
    }

    /// What is answered, as it is printed.
    pub async fn ask(&self, format: Format, sql: &str, parameters: &[Parameter]) -> Result<String, HuntError> {
        self.ask_within(format, sql, parameters, Limits::default()).await.map(|(text, _)| text)
    }

    pub async fn ask_within(
        &self,
        format: Format,
        sql: &str,
        parameters: &[Parameter],
        limits: Limits,
    ) -> Result<(String, Answered), HuntError> {
        let (bytes, answered) = self.bytes_within(format, sql, parameters, limits).await?;
        Ok((String::from_utf8(bytes).unwrap(), answered))
    }

    pub async fn bytes_within(
        &self,
        format: Format,
        sql: &str,
        parameters: &[Parameter],
        limits: Limits,
    ) -> Result<(Vec<u8>, Answered), HuntError> {
        let bytes = Shared::default();
        let mut sink = hunt::sink(format, Box::new(bytes.clone()));
        let answered = hunt::answer(self.sources(), sql, parameters, limits, sink.as_mut()).await?;
        drop(sink);
        let bytes = bytes.0.lock().unwrap().clone();
        Ok((bytes, answered))
    }
}

fn once<T: Clone + Send + Sync + 'static>(one: T) -> Feed<T> {
    Arc::new(move || futures_util::stream::iter([Ok(vec![one.clone()])]).boxed())
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
