//! Whether a restored folder is a data folder again: its record verifies, its databases hold, a sample of its objects opens with
//! the restored keys, and the canary, whose key was destroyed, does not.

use std::path::Path;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use recovery::Progress;
use serde::Serialize;
use serde_json::Value;
use store::Store;
use store::guarded::seals;
use vault::blobs::Folder;
use vault::{Blobs, Caching, SealedObject, Vault, VaultError};
use verify::{Mode, Pins, audit};

use crate::{KEYS, LEDGER, OBJECTS, OpenError, OpsError, RootKeyAt, outside};

/// Rows read at a time.
const PAGE: u32 = 1_000;

/// What opening a sample of objects told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sampled {
    /// Versions of objects that are there.
    pub of: u64,
    /// Those that were opened to their end.
    pub opened: u64,
    /// Their length, in bytes.
    pub bytes: u64,
    /// Those whose key was destroyed.
    pub erased: u64,
    /// Those that should have opened and did not, with the reason.
    pub failed: Vec<String>,
}

/// What was proven of a restored folder.
#[derive(Debug, Clone, Serialize)]
pub struct Proof {
    /// Whether everything holds.
    pub holds: bool,
    /// Entries of the record that verify.
    pub entries: u64,
    /// Time of the newest, in milliseconds since 1970, UTC.
    pub newest_entry_ms: Option<i64>,
    /// What is wrong with the record.
    pub record_faults: Vec<String>,
    /// What is wrong with the databases.
    pub database_faults: Vec<String>,
    /// Whether keys were at hand to open anything.
    pub has_keys: bool,
    /// The sample of objects.
    pub sample: Sampled,
    /// `erased`, as it should be; `opens`, which must never be; or why it cannot be told.
    pub canary: String,
}

/// Proves a restored folder. `root_keys` is where the root key's file lies if it lies in one; it is never in a backup.
///
/// `progress` is told how far it is, and says when to stop.
///
/// # Errors
/// When the folder cannot be looked at, the root key does not answer, or it was stopped.
pub async fn prove(
    folder: &Path,
    root_keys: &Path,
    root_key: RootKeyAt,
    canary: &Value,
    sample: usize,
    progress: &Progress,
) -> Result<Proof, OpsError> {
    go_on(progress, "verifying the record")?;
    let ledger = folder.join(LEDGER);
    let auditing =
        tokio::task::spawn_blocking(move || audit(&verify::Folder::new(&ledger), Mode::Closed, &Pins::default()));
    let wrong = |error: String| OpsError::Wrong(format!("the restored folder cannot be looked at: {error}"));
    let audited = auditing.await.map_err(|error| wrong(error.to_string()))?;
    let report = audited.map_err(|error| wrong(error.to_string()))?;
    let newest_entry_ms = report.times_ms.map(|(_, last)| last);
    let record_faults: Vec<String> = report.faults.iter().map(ToString::to_string).collect();
    let mut database_faults = Vec::new();
    go_on(progress, "checking the databases")?;
    let (database, table) = (folder.join("lazaret.db"), folder.join(KEYS).join("keys.db"));
    let has_keys = table.is_file();
    for path in [&database, &table] {
        if path.is_file() {
            database_faults.extend(store::copies::faults(path).await?);
        }
    }
    let (mut sampled, mut told) = (Sampled::default(), "there are no keys to try it with".to_owned());
    if has_keys && database_faults.is_empty() {
        let vault = vault(folder, root_keys, root_key).await?;
        if database.is_file() {
            sampled = opened(&vault, &database, sample, progress).await?;
        }
        told = canary_of(&vault, canary).await;
    }
    let holds =
        report.holds() && database_faults.is_empty() && sampled.failed.is_empty() && has_keys && told == "erased";
    let entries = report.size;
    Ok(Proof {
        holds,
        entries,
        newest_entry_ms,
        record_faults,
        database_faults,
        has_keys,
        sample: sampled,
        canary: told,
    })
}

/// The next stage, unless it is to stop.
fn go_on(progress: &Progress, stage: &'static str) -> Result<(), OpsError> {
    if progress.is_stopped() {
        return Err(OpsError::Wrong("it was stopped".to_owned()));
    }
    progress.begin(stage, 0);
    Ok(())
}

async fn vault(folder: &Path, root_keys: &Path, root_key: RootKeyAt) -> Result<Vault, OpsError> {
    let unopened =
        |error: OpenError| OpsError::Wrong(format!("the restored keys do not open: {}", crate::whole(&error)));
    let provider = crate::provider(root_keys, root_key, &mut Vec::new()).await.map_err(unopened)?;
    let table = Store::sqlite_keys(&folder.join(KEYS).join("keys.db")).await?;
    let blobs = Folder::open(&folder.join(OBJECTS)).map_err(|error| unopened(error.into()))?;
    let blobs: Arc<dyn Blobs> = Arc::new(blobs);
    Ok(Vault::open(blobs, table, provider, outside::clock(), vault::Random::system(), Caching::default()).await?)
}

/// Reads an object to its end; how long it is.
pub(super) async fn open(vault: &Vault, object: &SealedObject) -> Result<u64, VaultError> {
    let mut reader = std::pin::pin!(vault.read(object, 0..object.bytes).await?);
    let mut bytes = 0;
    while let Some(piece) = reader.try_next().await? {
        bytes += piece.len() as u64;
    }
    Ok(bytes)
}

/// Opens up to `count` versions, drawn so that each is as likely as any other.
async fn opened(vault: &Vault, database: &Path, count: usize, progress: &Progress) -> Result<Sampled, OpsError> {
    let store = Store::sqlite_reading(database).await?;
    let mut sampled = Sampled::default();
    let mut drawn: Vec<Vec<u8>> = Vec::with_capacity(count);
    for state in ["visible", "quarantined"] {
        let mut after = 0;
        loop {
            let page = seals::of_versions(&store, state, after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            // A marker has no content.
            for (_, sealed) in page.into_iter().filter(|(_, sealed)| !sealed.is_empty()) {
                sampled.of += 1;
                let at = usize::try_from(random()? % sampled.of).unwrap_or(usize::MAX);
                if drawn.len() < count {
                    drawn.push(sealed);
                } else if let Some(slot) = drawn.get_mut(at) {
                    *slot = sealed;
                }
            }
        }
    }
    store.close().await;
    for sealed in drawn {
        go_on(progress, "opening objects")?;
        let object: SealedObject = match serde_json::from_slice(&sealed) {
            Ok(object) => object,
            Err(error) => {
                sampled.failed.push(format!("what the catalogue keeps of an object cannot be read: {error}"));
                continue;
            }
        };
        match open(vault, &object).await {
            Ok(bytes) => {
                sampled.opened += 1;
                sampled.bytes += bytes;
            }
            Err(VaultError::Destroyed { .. }) => sampled.erased += 1,
            Err(error) => sampled.failed.push(format!("object {}: {}", object.object, crate::whole(&error))),
        }
    }
    Ok(sampled)
}

fn random() -> Result<u64, OpsError> {
    let mut bytes = [0; 8];
    outside::fill(&mut bytes).map_err(|error| OpsError::Wrong(format!("the system gives no random bytes: {error}")))?;
    Ok(u64::from_be_bytes(bytes))
}

async fn canary_of(vault: &Vault, canary: &Value) -> String {
    let object: SealedObject = match serde_json::from_value(canary.clone()) {
        Ok(object) => object,
        Err(_) => return "the backup has none".to_owned(),
    };
    match open(vault, &object).await {
        Ok(_) => "opens".to_owned(),
        Err(VaultError::Destroyed { .. }) => "erased".to_owned(),
        Err(error) => format!("it fails for another reason: {}", crate::whole(&error)),
    }
}
