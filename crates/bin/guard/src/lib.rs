//! The guard, put together: gateway, vault, ledger, identity, policy and landscape over one data folder.
//!
//! What comes in: a data folder, its catalogue, and how it is to be guarded. What goes out: a [`Guarded`] that serves S3
//! and does what an operator asks (studies, principals, grants, keys, quarantine, the record). The parts know each other
//! only through their ports; this crate must never decide, seal or record anything by itself.

mod access;
mod adopt;
mod clauses;
mod containing;
mod control;
mod exposing;
mod gate;
mod inspect;
mod lakeside;
mod measures;
pub mod ops;
mod outside;
mod planning;
mod receiving;
mod record;
pub mod recovering;
mod responding;
mod running;
mod sending;
mod storage;
mod sweep;
mod watching;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use gateway::{Guard, Parts};
use identity::{Federation, Identity};
use landscape::flow::Flows;
use landscape::scan::Scanner;
use ledger::{Keys, Ledger, Settings};
use model::event::Activity;
use model::{Envelope, Event, Record};
use policy::Access;
use store::Store;
use vault::blobs::Folder;
use vault::provider::{Effort, KeyFile, Passphrase, Pkcs11, Transit};
use vault::{Blobs, Caching, RootKey, Vault};

pub use access::AccessRequest;
pub use adopt::ToAdopt;
pub use clauses::{CLAUSES, ClauseRequest, read_clauses};
pub use containing::CutOff;
pub use control::{Answer, CONTROL_SOCKET, Request, ask, own_name, serve as serve_control, whole};
pub use exposing::{ExposureRequest, Places, Reachable, Shown, count, gather, places};
pub use gate::Doorkeeper;
pub use gateway::Limits;
pub use inspect::Looker;
pub use lakeside::{HUNTS, LAKE, Lakeside, LakesideError};
pub use ops::{Operator, OpsError};
pub use planning::{PLAN, plan_text};
pub use receive::folder::Watched;
pub use receiving::{INTAKE_TOKENS, ReceiveError, ReceiveOptions, Receiving, SPOOL};
pub use record::Recorder;
pub use recovering::BackupRequest;
pub use responding::IncidentRequest;
pub use running::BackUp;
pub use running::announce::Announcing;
pub use storage::Sealed;
pub use sweep::{ORPHAN_AGE, Swept};
pub use watching::alert::Alerting;
pub use watching::ask::FindingsRequest;
pub use watching::{RULES, WatchError, WatchOptions, Watching};

/// Sealed objects lie here, below the data folder.
pub const OBJECTS: &str = "objects";
/// The record.
pub const LEDGER: &str = "ledger";
/// Keys, apart from what they seal.
pub const KEYS: &str = "keys";

/// How long an entry may wait for a checkpoint that covers it. It is signed and durable before.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);
/// After so many of these times, what is over is swept away.
const SWEEP_EVERY: u64 = 10;
/// How long temporary credentials that are over, and failures that lock nobody, are remembered.
const KEPT_MS: i64 = 24 * 60 * 60_000;
/// How often what is only counted (uses of keys and grants) is written down.
const FLUSH_EVERY: Duration = Duration::from_secs(30);

/// Where the root key lies.
#[derive(Debug, Default)]
pub enum RootKeyAt {
    /// In a file that its owner alone can read, sealed under a passphrase where there is one.
    #[default]
    File,
    /// As [`RootKeyAt::File`], with this passphrase.
    Sealed(Passphrase),
    /// In a token that speaks PKCS#11.
    Pkcs11(vault::provider::Pkcs11Settings),
    /// With a key management service that speaks Vault's transit protocol.
    Transit(vault::provider::TransitSettings),
}

/// What the guard is opened with.
pub struct Opening {
    /// The data folder.
    pub data_dir: PathBuf,
    /// The catalogue's store.
    pub store: Store,
    /// What uploads are inspected with; `None` switches inspection off.
    pub scanner: Option<Scanner>,
    /// Where the root key lies.
    pub root_key: RootKeyAt,
    /// The name that the ledger signs under.
    pub origin: String,
    /// How much a caller may ask for and take through S3.
    pub limits: gateway::Limits,
    /// Whose word is taken about who somebody is.
    pub federation: Federation,
    /// What opens it, as its start is recorded: `guard` for a server, `cli` for a single command.
    pub through: &'static str,
}

/// Why the guard could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A folder cannot be made.
    #[error("`{path}` cannot be made or read: {source}; check its owner and free space")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The root key.
    #[error(transparent)]
    RootKey(#[from] vault::ProviderError),
    /// Sealed storage.
    #[error(transparent)]
    Vault(#[from] vault::VaultError),
    /// Where blobs lie.
    #[error(transparent)]
    Blobs(#[from] vault::blobs::BlobError),
    /// The record.
    #[error(transparent)]
    Ledger(#[from] ledger::LedgerError),
    /// The key table or the catalogue.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// Rules and grants.
    #[error(transparent)]
    Access(#[from] policy::AccessError),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] LakesideError),
    /// The catalogue.
    #[error(transparent)]
    Catalogue(#[from] landscape::CatalogueError),
    /// Tokens with which records may be sent.
    #[error(transparent)]
    Tokens(#[from] receive::push::TokenError),
    /// The first entry could not be recorded.
    #[error(transparent)]
    Record(#[from] model::RecordError),
}

/// Everything that guards, open.
pub struct Guarded {
    /// The catalogue's store.
    pub store: Store,
    /// Sealed storage and its keys.
    pub vault: Vault,
    /// The record.
    pub ledger: Arc<Ledger>,
    /// The record as others see it.
    pub recorder: Arc<dyn Record>,
    /// The record as columns, to be hunted in.
    pub lakeside: Lakeside,
    /// Principals and credentials.
    pub identity: Arc<Identity>,
    /// Whose word is taken about who somebody is.
    pub federation: Arc<Federation>,
    /// Rules and grants.
    pub access: Arc<Access>,
    /// The S3 gateway.
    pub gateway: Arc<Guard>,
    /// Looks at what flows by.
    pub flows: Option<Arc<Flows>>,
    /// Tokens with which records of other systems may be sent.
    pub tokens: Arc<receive::push::Tokens>,
    /// Incidents.
    pub incidents: Arc<incidents::desk::Desk>,
    settling: Mutex<HashMap<u32, Arc<tokio::sync::Mutex<()>>>>,
    /// What is contained changes one after the other: what is looked after never comes back by an older look.
    containing: tokio::sync::Mutex<()>,
    /// Clauses of contracts change one after the other.
    changing_clauses: tokio::sync::Mutex<()>,
    cut_off: Arc<containing::CutOff>,
    closers: Arc<::watch::Closers>,
    back_up: OnceLock<Arc<dyn BackUp>>,
    backups_begun: Mutex<HashSet<(u32, u64, u32)>>,
    announcing: OnceLock<Announcing>,
    mailing: OnceLock<outlets::Sender>,
    /// One notice is sent at a time.
    sending: Arc<tokio::sync::Mutex<()>>,
    /// What the operator should be told, such as a root key without a passphrase.
    pub warnings: Vec<String>,
    data_dir: PathBuf,
}

impl Guarded {
    /// Opens everything below the data folder; what is not there is made. One process at a time.
    ///
    /// # Errors
    /// When a part cannot be opened. Nothing is served then.
    pub async fn open(opening: Opening) -> Result<Self, OpenError> {
        let Opening { data_dir, store, scanner, root_key, origin, limits, federation, through } = opening;
        let federation = Arc::new(federation);
        let keys_dir = data_dir.join(KEYS);
        private(&keys_dir)?;
        let mut warnings = Vec::new();
        let provider = provider(&keys_dir, root_key, &mut warnings).await?;
        let table = Store::sqlite_keys(&keys_dir.join("keys.db")).await?;
        let objects = data_dir.join(OBJECTS);
        private(&objects)?;
        let blobs: Arc<dyn Blobs> = Arc::new(Folder::open(&objects)?);
        let clock = outside::clock();
        let vault =
            Vault::open(blobs, table, provider, Arc::clone(&clock), vault::Random::system(), Caching::default())
                .await?;
        let envelope: Arc<dyn Envelope> = Arc::new(vault.clone());
        let ledger = open_ledger(&data_dir, origin, Arc::clone(&envelope)).await?;
        recovering::sweep(&data_dir)
            .map_err(|source| OpenError::Folder { path: data_dir.join(recovering::STAGING), source })?;
        let lakeside = Lakeside::open(&data_dir, &keys_dir, &*envelope, &mut warnings).await?;
        lakeside.settle(&vault, true).await?;
        let recorder: Arc<dyn Record> = Arc::new(Recorder(Arc::clone(&ledger)));
        let identity = Identity::new(store.clone(), Arc::clone(&recorder), Arc::clone(&envelope), outside::random_32());
        let identity = Arc::new(identity);
        let access = Access::open(store.clone(), Arc::clone(&recorder), envelope, clock()).await?;
        let access = Arc::new(access);
        let tokens = receiving::tokens(&data_dir)?;
        let flows = match &scanner {
            Some(scanner) => Some(Flows::open(scanner, "guard").await?),
            None => None,
        };
        recorder.record(Event::new(Activity::Start, clock(), through)).await?;
        let cut_off = Arc::new(containing::CutOff::default());
        let gateway = Guard::new(Parts {
            store: store.clone(),
            storage: Arc::new(Sealed::new(vault.clone())),
            inspect: flows
                .clone()
                .map(|flows| Arc::new(Looker::new(flows, vault.clone())) as Arc<dyn gateway::ports::Inspect>),
            gate: Arc::new(Doorkeeper::new(
                Arc::clone(&identity),
                Arc::clone(&access),
                Arc::clone(&federation),
                Arc::clone(&clock),
                Arc::clone(&cut_off),
            )),
            record: Arc::clone(&recorder),
            clock,
            random: outside::random_16(),
            limits,
        });
        let incidents = Arc::new(incidents::desk::Desk::new(
            store.clone(),
            Arc::clone(&recorder),
            Arc::new(vault.clone()) as Arc<dyn Envelope>,
        ));
        Ok(Self {
            settling: Mutex::default(),
            containing: tokio::sync::Mutex::default(),
            changing_clauses: tokio::sync::Mutex::default(),
            cut_off,
            closers: Arc::default(),
            back_up: OnceLock::new(),
            backups_begun: Mutex::default(),
            announcing: OnceLock::new(),
            mailing: OnceLock::new(),
            sending: Arc::default(),
            incidents,
            store,
            vault,
            ledger,
            recorder,
            lakeside,
            identity,
            federation,
            access,
            gateway,
            flows,
            tokens,
            warnings,
            data_dir,
        })
    }

    /// Writes down now and then what is only counted. Ends with the future.
    pub async fn keep_counting(&self) {
        for turn in 1_u64.. {
            tokio::time::sleep(FLUSH_EVERY).await;
            self.flush().await;
            if turn % SWEEP_EVERY == 0 {
                self.sweep_expired().await;
            }
        }
    }

    /// Ends grants that are over, and forgets credentials and failures of long ago. Nothing of it allows anything before it is
    /// swept either.
    pub async fn sweep_expired(&self) {
        let now = outside::now();
        if let Err(error) = self.expire(now).await {
            tracing::warn!(error = %whole(&error), "grants that are over could not be ended");
        }
        let swept = store::credentials::sweep_temporary(&self.store, now - KEPT_MS).await;
        if let Err(error) = swept {
            tracing::warn!(%error, "temporary credentials that are over could not be taken away");
        }
        if let Err(error) = store::factors::sweep_failures(&self.store, now - KEPT_MS, now).await {
            tracing::warn!(%error, "failures of long ago could not be forgotten");
        }
    }

    /// Writes down what is only counted.
    pub async fn flush(&self) {
        if let Err(error) = self.identity.flush().await {
            tracing::warn!(%error, "uses of access keys could not be written down");
        }
        if let Err(error) = self.access.flush().await {
            tracing::warn!(%error, "uses of grants could not be written down");
        }
        if let Err(error) = self.gateway.flush().await {
            tracing::warn!(%error, "what callers took today could not be written down");
        }
    }

    /// Ends in order: what is counted is written, the end is recorded, the last checkpoint published.
    pub async fn close(&self) {
        self.flush().await;
        let stopped = self.recorder.record(Event::new(Activity::Stop, outside::now(), "guard")).await;
        if let Err(error) = stopped {
            tracing::error!(%error, "the end could not be recorded");
        }
        if let Err(error) = self.ledger.publish().await {
            tracing::error!(%error, "the last checkpoint could not be published");
        }
    }

    /// The folder of the record.
    #[must_use]
    pub fn ledger_dir(&self) -> PathBuf {
        self.data_dir.join(LEDGER)
    }
}

/// Whether there is a role of that name.
#[must_use]
pub fn is_role(name: &str) -> bool {
    policy::Role::named(name).is_some()
}

/// Makes a folder for its owner alone.
fn private(folder: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| OpenError::Folder { path: folder.to_owned(), source })
}

async fn provider(keys_dir: &Path, at: RootKeyAt, warnings: &mut Vec<String>) -> Result<Arc<dyn RootKey>, OpenError> {
    let path = keys_dir.join("root.json");
    let passphrase = match at {
        RootKeyAt::File => None,
        RootKeyAt::Sealed(passphrase) => Some(passphrase),
        RootKeyAt::Pkcs11(settings) => {
            let opening = tokio::task::spawn_blocking(move || Pkcs11::open(settings, vault::Random::system()));
            let opened = opening.await.map_err(|_ended: tokio::task::JoinError| vault::VaultError::Stopped)?;
            return Ok(Arc::new(opened?));
        }
        RootKeyAt::Transit(settings) => return Ok(Arc::new(Transit::new(settings)?)),
    };
    // Argon2id takes a moment and would hold up everything else.
    let opened = tokio::task::spawn_blocking(move || {
        KeyFile::open(&path, passphrase.as_ref(), Effort::default(), vault::Random::system())
    });
    let (file, warning) = opened.await.map_err(|_ended: tokio::task::JoinError| vault::VaultError::Stopped)??;
    warnings.extend(warning.map(|warning| warning.to_string()));
    Ok(Arc::new(file))
}

async fn open_ledger(data_dir: &Path, origin: String, envelope: Arc<dyn Envelope>) -> Result<Arc<Ledger>, OpenError> {
    let (folder, keys_dir) = (data_dir.join(LEDGER), data_dir.join(KEYS));
    let token_key = outside::kept_key(&keys_dir.join("ledger-tokens.key"))
        .map_err(|source| OpenError::Folder { path: keys_dir.join("ledger-tokens.key"), source })?;
    let opened = tokio::task::spawn_blocking(move || -> Result<Ledger, ledger::LedgerError> {
        let random: Arc<dyn ledger::Random> = Arc::new(outside::fill);
        let keys = Keys::open(&keys_dir.join("ledger.key"), &origin, &*random)?;
        Ledger::open(Settings {
            folder,
            keys,
            envelope,
            token_key,
            clock: Arc::new(outside::Clocks::new()),
            random,
            publish_every: PUBLISH_EVERY,
        })
    });
    let ledger = opened.await.map_err(|_ended: tokio::task::JoinError| vault::VaultError::Stopped)??;
    Ok(Arc::new(ledger))
}
