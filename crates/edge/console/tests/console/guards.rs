//! A guard of real parts in a folder: vault with a key file, ledger, identity, policy. Only content is simulated.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use console::GuardView;
use gateway::ports::{Caller, Gate, GateError, PartWriter, Place, Plain, Question, Ruling, Storage, StorageError};
use gateway::{Guard, Parts};
use identity::Identity;
use ledger::{Keys, Ledger, Settings};
use model::event::Event;
use model::record::Receipt;
use model::{Answer, Envelope, Record, RecordError, StudyId};
use policy::Access;
use store::Store;
use vault::Vault;
use vault::blobs::Folder;
use vault::provider::{Effort, KeyFile};

/// What was asked to be taken away.
pub type Removals = Arc<Mutex<Vec<Vec<u8>>>>;

struct Content(Removals);

fn nothing() -> StorageError {
    StorageError::Unavailable("this test stores nothing".into())
}

impl Storage for Content {
    fn begin<'a>(&'a self, _: &'a Place, _: u32) -> Answer<'a, Result<Box<dyn PartWriter>, StorageError>> {
        Box::pin(async { Err(nothing()) })
    }

    fn seal<'a>(&'a self, _: &'a Place, _: &'a [Vec<u8>]) -> Answer<'a, Result<Vec<u8>, StorageError>> {
        Box::pin(async { Err(nothing()) })
    }

    fn read<'a>(&'a self, _: &'a Place, _: &'a [u8], _: Range<u64>) -> Answer<'a, Result<Plain, StorageError>> {
        Box::pin(async { Err(nothing()) })
    }

    fn remove<'a>(&'a self, sealed: &'a [u8]) -> Answer<'a, Result<(), StorageError>> {
        self.0.lock().unwrap().push(sealed.to_vec());
        Box::pin(async { Ok(()) })
    }

    fn remove_part<'a>(&'a self, _: &'a [u8]) -> Answer<'a, Result<(), StorageError>> {
        Box::pin(async { Ok(()) })
    }
}

struct NoGate;

impl Gate for NoGate {
    fn secret<'a>(&'a self, _: &'a str) -> Answer<'a, Result<Option<secrecy::SecretString>, GateError>> {
        Box::pin(async { Ok(None) })
    }

    fn caller<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> Answer<'a, Result<Option<Caller>, GateError>> {
        Box::pin(async { Ok(None) })
    }

    fn name(&self, _: model::PrincipalId) -> Answer<'_, Result<Option<String>, GateError>> {
        Box::pin(async { Ok(None) })
    }

    fn decide<'a>(&'a self, _: &'a Question<'a>) -> Answer<'a, Result<Ruling, GateError>> {
        Box::pin(async { Err(GateError("nobody is let in".into())) })
    }

    fn create_study<'a>(&'a self, _: &'a Caller, _: &'a StudyId, _: i64) -> Answer<'a, Result<Ruling, GateError>> {
        Box::pin(async { Err(GateError("nobody is let in".into())) })
    }
}

struct Recorder(Arc<Ledger>);

impl Record for Recorder {
    fn record(&self, event: Event) -> Answer<'_, Result<Receipt, RecordError>> {
        Box::pin(async move {
            let done = self.0.append(event).await;
            done.map(|done| Receipt { index: done.index })
                .map_err(|source| RecordError::Failed { source: Box::new(source) })
        })
    }
}

struct Time(Arc<AtomicI64>);

impl ledger::Clock for Time {
    fn wall_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.wall_ms()).unwrap()
    }
}

fn drawn() -> [u8; 32] {
    static DRAWS: AtomicU64 = AtomicU64::new(1);
    *blake3::hash(&DRAWS.fetch_add(1, Ordering::Relaxed).to_be_bytes()).as_bytes()
}

pub struct Guards {
    pub ledger: Arc<Ledger>,
    pub ledger_dir: PathBuf,
    pub vault: Vault,
    pub access: Arc<Access>,
    pub identity: Arc<Identity>,
    pub recorder: Arc<dyn Record>,
    pub removals: Removals,
    pub findings: Arc<findings::Findings>,
    board: Arc<findings::Board>,
    /// Who is watched more closely.
    pub closers: Arc<watch::Closers>,
    pub incidents: Arc<incidents::desk::Desk>,
    gateway: Arc<Guard>,
}

impl Guards {
    pub async fn open(folder: &Path, store: &Store, now: Arc<AtomicI64>, removals: Removals) -> Self {
        for name in ["keys", "objects"] {
            std::fs::create_dir(folder.join(name)).unwrap();
        }
        let clock: vault::Clock = {
            let now = Arc::clone(&now);
            Arc::new(move || now.load(Ordering::Relaxed))
        };
        let random = vault::Random::system();
        let root = folder.join("keys/root.key");
        let (provider, _) = KeyFile::open(&root, None, Effort::default(), random.clone()).unwrap();
        let table = Store::sqlite_keys(&folder.join("keys/keys.db")).await.unwrap();
        let blobs = Arc::new(Folder::open(&folder.join("objects")).unwrap());
        let caching = vault::Caching::default();
        let vault = Vault::open(blobs, table, Arc::new(provider), Arc::clone(&clock), random, caching).await.unwrap();
        let envelope: Arc<dyn Envelope> = Arc::new(vault.clone());
        let fill = |bytes: &mut [u8]| -> std::io::Result<()> {
            bytes.chunks_mut(32).for_each(|chunk| chunk.copy_from_slice(&drawn()[..chunk.len()]));
            Ok(())
        };
        let random: Arc<dyn ledger::Random> = Arc::new(fill);
        let keys = Keys::open(&folder.join("keys/ledger.key"), "console.test/record", &*random).unwrap();
        let ledger_dir = folder.join("ledger");
        let ledger = Ledger::open(Settings {
            folder: ledger_dir.clone(),
            keys,
            envelope: Arc::clone(&envelope),
            token_key: zeroize::Zeroizing::new([3; 32]),
            clock: Arc::new(Time(Arc::clone(&now))),
            random,
            publish_every: Duration::from_millis(20),
        });
        let ledger = Arc::new(ledger.unwrap());
        let recorder: Arc<dyn Record> = Arc::new(Recorder(Arc::clone(&ledger)));
        let draw: identity::Random = Arc::new(|| Ok(drawn()));
        let identity = Identity::new(store.clone(), Arc::clone(&recorder), Arc::clone(&envelope), draw);
        let access = Access::open(store.clone(), Arc::clone(&recorder), envelope, clock()).await.unwrap();
        let known = watch::Known::of(detect::shipped::shipped()).unwrap();
        let board = Arc::new(findings::Board::of(&known));
        let findings = Arc::new(findings::Findings::new(
            store.clone(),
            Arc::clone(&recorder),
            Arc::new(vault.clone()),
            known.ranking().clone(),
        ));
        let gateway = Guard::new(Parts {
            store: store.clone(),
            storage: Arc::new(Content(Arc::clone(&removals))),
            inspect: None,
            gate: Arc::new(NoGate),
            record: Arc::clone(&recorder),
            clock,
            random: Arc::new(|| drawn()[..16].try_into().unwrap()),
            limits: gateway::Limits::default(),
        });
        let (access, identity) = (Arc::new(access), Arc::new(identity));
        let incidents = incidents::desk::Desk::new(
            store.clone(),
            Arc::clone(&recorder),
            Arc::new(vault.clone()) as Arc<dyn Envelope>,
        );
        let incidents = Arc::new(incidents);
        Self {
            ledger,
            ledger_dir,
            vault,
            access,
            identity,
            recorder,
            removals,
            findings,
            board,
            closers: Arc::default(),
            incidents,
            gateway,
        }
    }

    pub fn view(&self) -> GuardView {
        GuardView {
            ledger: Arc::clone(&self.ledger),
            ledger_dir: self.ledger_dir.clone(),
            vault: self.vault.clone(),
            access: Arc::clone(&self.access),
            identity: Arc::clone(&self.identity),
            gateway: Arc::clone(&self.gateway),
            recorder: Arc::clone(&self.recorder),
            findings: Arc::clone(&self.findings),
            board: Arc::clone(&self.board),
            closers: Arc::clone(&self.closers),
            incidents: Arc::clone(&self.incidents),
            intake: None,
        }
    }

    /// Everything recorded so far, as one text.
    pub async fn recorded(&self) -> String {
        self.ledger.publish().await.unwrap();
        let stored = self.ledger.read(0..self.ledger.size()).unwrap();
        stored.iter().map(|entry| String::from_utf8_lossy(&entry.bytes).into_owned() + "\n").collect()
    }
}
