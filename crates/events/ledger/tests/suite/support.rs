//! What the tests share: an envelope whose keys can be destroyed, clocks, randomness, and ledgers in memory.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ledger::{Clock, Keys, Ledger, Random, Settings};
use model::event::{Activity, Detail};
use model::{Answer, Envelope, EnvelopeError, Event, ObjectId, Scope};
use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};
use verify::{Files, Mode, Pins, Report};
use zeroize::Zeroizing;

/// Seals by XOR with a key for each scope: enough to see that a destroyed key erases.
#[derive(Default)]
pub struct Sealing(Mutex<HashMap<Scope, Option<u8>>>);

impl Sealing {
    pub fn destroy(&self, scope: Scope) {
        self.0.lock().unwrap().insert(scope, None);
    }

    fn key(&self, scope: &Scope) -> Result<u8, EnvelopeError> {
        let mut keys = self.0.lock().unwrap();
        let next = u8::try_from(keys.len() % 250).unwrap() + 1;
        keys.entry(scope.clone()).or_insert(Some(next)).ok_or_else(|| EnvelopeError::Destroyed { scope: scope.clone() })
    }
}

impl Envelope for Sealing {
    fn seal<'a>(
        &'a self,
        scope: &'a Scope,
        context: &'a [u8],
        plain: &'a [u8],
    ) -> Answer<'a, Result<Vec<u8>, EnvelopeError>> {
        Box::pin(async move {
            let key = self.key(scope)?;
            let mut sealed = verify::merkle::sha256(context).to_vec();
            sealed.extend(plain.iter().map(|byte| byte ^ key));
            Ok(sealed)
        })
    }

    fn open<'a>(
        &'a self,
        scope: &'a Scope,
        context: &'a [u8],
        sealed: &'a [u8],
    ) -> Answer<'a, Result<Vec<u8>, EnvelopeError>> {
        Box::pin(async move {
            let key = self.key(scope)?;
            let altered = || EnvelopeError::Altered { scope: scope.clone() };
            let (bound, sealed) = sealed.split_first_chunk::<32>().ok_or_else(altered)?;
            if *bound != verify::merkle::sha256(context) {
                return Err(altered());
            }
            Ok(sealed.iter().map(|byte| byte ^ key).collect())
        })
    }
}

/// A clock that moves on by a millisecond whenever it is asked, and can be set back.
pub struct Ticking {
    pub wall: AtomicI64,
    monotonic: AtomicU64,
}

impl Ticking {
    pub fn new(wall: i64) -> Arc<Self> {
        Arc::new(Self { wall: AtomicI64::new(wall), monotonic: AtomicU64::new(5) })
    }
}

impl Clock for Ticking {
    fn wall_ms(&self) -> i64 {
        self.wall.fetch_add(1, Ordering::Relaxed)
    }

    fn monotonic_ms(&self) -> u64 {
        self.monotonic.fetch_add(1, Ordering::Relaxed)
    }
}

pub fn random(seed: u64) -> Arc<dyn Random> {
    let state = Mutex::new(StdRng::seed_from_u64(seed));
    Arc::new(move |bytes: &mut [u8]| -> io::Result<()> {
        state.lock().unwrap().fill_bytes(bytes);
        Ok(())
    })
}

pub const ORIGIN: &str = "example.org/lazaret";
pub const START_MS: i64 = 1_790_000_000_000;

pub fn settings(folder: &Path, key_file: &Path, seed: u64, clock: Arc<Ticking>) -> Settings {
    let random = random(seed);
    Settings {
        folder: folder.to_path_buf(),
        keys: Keys::open(key_file, ORIGIN, &*random).unwrap(),
        envelope: Arc::new(Sealing::default()),
        token_key: Zeroizing::new([9; 32]),
        clock,
        random,
        publish_every: Duration::from_secs(3600),
    }
}

pub fn open(folder: &Path, seed: u64) -> Ledger {
    let key = folder.join("../keys/ledger.key");
    Ledger::open(settings(&folder.join("ledger"), &key, seed, Ticking::new(START_MS))).unwrap()
}

pub fn event(number: u64) -> Event {
    let mut event = Event::new(Activity::Download, START_MS, "s3");
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let object = ObjectId::from_bytes(id);
    event.resource.object = Some(object);
    event.resource.bytes = Some(number);
    event.details = vec![Detail {
        field: "object.name".into(),
        scope: Scope::Object(object),
        value: format!("Doe_Jane_{}.dcm", number % 7),
    }];
    event
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// A ledger's files in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory(pub BTreeMap<String, Vec<u8>>);

impl Memory {
    pub fn load(folder: &Path) -> Self {
        let files = verify::Folder::new(folder);
        let mut paths = Vec::new();
        files.list(&mut |path, _| paths.push(path.to_owned())).unwrap();
        Self(paths.into_iter().map(|path| (path.clone(), files.read(&path, u64::MAX).unwrap())).collect())
    }

    pub fn store(&self, folder: &Path) {
        for (path, bytes) in &self.0 {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    pub fn audit(&self, pins: &Pins) -> Report {
        verify::audit(self, Mode::Closed, pins).unwrap()
    }
}

impl Files for Memory {
    fn read(&self, path: &str, limit: u64) -> io::Result<Vec<u8>> {
        let bytes = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        if bytes.len() as u64 > limit { Err(io::Error::other("too long")) } else { Ok(bytes.clone()) }
    }

    fn list(&self, visit: &mut dyn FnMut(&str, Option<u64>)) -> io::Result<()> {
        self.0.iter().for_each(|(path, bytes)| visit(path, Some(bytes.len() as u64)));
        Ok(())
    }
}

/// Serves a witness on a port of this machine, for as many requests as come.
pub fn serve(mut witness: verify::witness::Witness, time: u64) -> String {
    use std::io::{BufRead as _, Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = io::BufReader::new(stream.unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let answer = witness.answer(&body, time);
            let text = match &answer {
                verify::witness::Answer::Cosigned(line) => line.clone(),
                verify::witness::Answer::Conflict(size) => format!("{size}\n"),
                _ => String::new(),
            };
            let head = format!("HTTP/1.1 {} x\r\ncontent-length: {}\r\n\r\n{text}", answer.status(), text.len());
            reader.get_mut().write_all(head.as_bytes()).unwrap();
        }
    });
    url
}
