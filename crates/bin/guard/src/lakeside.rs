//! The lake beside the ledger: what is durable is followed into it, what is shredded is taken out of it, and what is over leaves it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lake::{Checkpoint, Detail, Forgotten, Holds, Lake, LakeError, LakeKey, Limits, Opened, Retention};
use ledger::{Ledger, LedgerError, READ_ENTRIES_MAX};
use model::event::{self, Activity};
use model::{By, Envelope, EnvelopeError, Scope};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use vault::Vault;

use crate::ops::{Operator, OpsError};
use crate::{Guarded, outside};

/// The lake lies here, below the data folder.
pub const LAKE: &str = "lake";
/// Hunts that people saved lie here, below the data folder.
pub const HUNTS: &str = "hunts";
/// The lake's key, sealed, in the folder of keys.
const LAKE_KEY: &str = "lake.key";
/// What the lake's key is sealed for.
const KEY_CONTEXT: &[u8] = b"lazaret/lake-key/v1";
/// How often the lake is brought up to the ledger.
const FOLLOW_EVERY: Duration = Duration::from_secs(30);
/// After so many of these times, what is over leaves the lake: once a day.
const EXPIRE_EVERY: u64 = 24 * 60 * 2;
/// Holds that are asked for; with more of them nothing expires.
const HOLDS_MAX: usize = 1_000;

/// Why the lake was not brought up to the ledger, or made to forget.
#[derive(Debug, thiserror::Error)]
pub enum LakesideError {
    /// The lake.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Its key.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Keys of others.
    #[error(transparent)]
    Vault(#[from] vault::VaultError),
    /// Its folder, or the file of its key.
    #[error("`{path}` cannot be read, made or taken away: {source}; check its owner and free space")]
    KeyFile {
        /// Which.
        path: std::path::PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The ledger's checkpoint is none.
    #[error("the ledger's checkpoint cannot be read; verify the ledger")]
    Checkpoint(#[from] verify::note::NoteError),
    /// The work was stopped.
    #[error("the work on the lake was stopped before it ended; start again")]
    Stopped,
}

/// The lake and its key.
pub struct Lakeside {
    lake: Arc<Mutex<Lake>>,
    key: LakeKey,
}

impl Lakeside {
    /// Opens the lake below `data_dir`; key and folder are made if they are not there. A lake that was altered is taken away, which
    /// is told: the ledger has all of it, and a guard must not stand still for a copy.
    pub(crate) async fn open(
        data_dir: &Path,
        keys_dir: &Path,
        envelope: &dyn Envelope,
        warnings: &mut Vec<String>,
    ) -> Result<Self, LakesideError> {
        let key = kept_key(&keys_dir.join(LAKE_KEY), envelope).await?;
        let (folder, for_lake) = (data_dir.join(LAKE), key.clone());
        let opening = tokio::task::spawn_blocking(move || {
            let open = || Lake::open(&folder, for_lake.clone(), Arc::new(outside::fill));
            match open() {
                Err(altered @ (LakeError::Altered { .. } | LakeError::Form { .. })) => {
                    let failed = |source| LakesideError::KeyFile { path: folder.clone(), source };
                    std::fs::remove_dir_all(&folder).map_err(failed)?;
                    Ok((open()?, Some(altered)))
                }
                opened => Ok::<_, LakesideError>((opened?, None)),
            }
        });
        let opened = opening.await.map_err(|_ended: tokio::task::JoinError| LakesideError::Stopped)?;
        let (lake, altered) = opened?;
        warnings.extend(altered.map(|error| format!("{error}: it was taken away, and is being made anew")));
        Ok(Self { lake: Arc::new(Mutex::new(lake)), key })
    }

    /// The lake of `data_dir` as it is now, to be read.
    pub(crate) fn snapshot(&self, data_dir: &Path) -> Result<lake::Snapshot, LakesideError> {
        Ok(lake::Snapshot::open(&data_dir.join(LAKE), self.key.clone())?)
    }

    /// Does something with the lake, where blocking is no harm.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Lake) -> Result<T, LakeError> + Send + 'static,
    ) -> Result<T, LakesideError> {
        let mut lake = Arc::clone(&self.lake).lock_owned().await;
        let working = tokio::task::spawn_blocking(move || work(&mut lake));
        Ok(working.await.map_err(|_ended: tokio::task::JoinError| LakesideError::Stopped)??)
    }

    /// Brings the lake up to the ledger's published checkpoint. Gives how many entries came.
    pub(crate) async fn follow(&self, ledger: &Arc<Ledger>) -> Result<u64, LakesideError> {
        let mut came = 0;
        loop {
            let note = ledger.checkpoint();
            let text = verify::note::Note::parse(note.as_bytes())?.text;
            let size = verify::note::Checkpoint::parse(&text)?.size;
            // Held from opening the details until they are in the lake: whoever makes it forget waits, and finds them.
            let mut lake = Arc::clone(&self.lake).lock_owned().await;
            let from = lake.next_index();
            let to = size.min(from.saturating_add(READ_ENTRIES_MAX));
            if from >= to {
                return Ok(came);
            }
            let entries = opened(ledger, from..to).await?;
            let appending = tokio::task::spawn_blocking(move || {
                lake.append(&lake::rows_of(&entries), &Checkpoint { size, note })?;
                lake.compact(Limits::default(), outside::now())
            });
            appending.await.map_err(|_ended: tokio::task::JoinError| LakesideError::Stopped)??;
            came += to - from;
        }
    }

    /// Notes what is about to be shredded.
    pub(crate) async fn begin_forgetting(&self, scopes: Vec<String>) -> Result<(), LakesideError> {
        self.with(move |lake| lake.begin_forgetting(&scopes)).await
    }

    /// Notes that nothing was shredded after all.
    pub(crate) async fn end_forgetting(&self, scopes: Vec<String>) -> Result<(), LakesideError> {
        self.with(move |lake| lake.end_forgetting(&scopes)).await
    }

    /// Takes out what was shredded. Gives how many rows changed.
    pub(crate) async fn forget(&self, scopes: Vec<String>) -> Result<u64, LakesideError> {
        self.with(move |lake| {
            let changed = lake.forget(&Forgotten::of(scopes.iter().map(String::as_str)))?;
            lake.end_forgetting(&scopes).map(|()| changed)
        })
        .await
    }

    /// Takes out what was shredded before a kill, or while the lake could not be written. With `is_opening`, when nobody can be about
    /// to shred, what was not shredded after all is no longer waited for.
    pub(crate) async fn settle(&self, vault: &Vault, is_opening: bool) -> Result<(), LakesideError> {
        let pending = self.lake.lock().await.forgetting().to_vec();
        let mut is_shredded = false;
        for scope in pending.iter().filter_map(|scope| scope.parse().ok()) {
            is_shredded |= !vault.receipts(Some(&scope)).await?.is_empty();
        }
        match (is_shredded, is_opening && !pending.is_empty()) {
            (true, _) => self.forget(pending).await.map(drop),
            (false, true) => self.end_forgetting(pending).await,
            (false, false) => Ok(()),
        }
    }

    /// Takes out what is over and not held.
    pub(crate) async fn expire(&self, vault: &Vault) -> Result<u64, LakesideError> {
        let holds = vault.holds().await?;
        if holds.len() >= HOLDS_MAX {
            tracing::warn!(limit = HOLDS_MAX, "so many legal holds are in force that nothing expires from the lake");
            return Ok(0);
        }
        let holds = Holds(holds.into_iter().map(|hold| hold.scope).collect());
        self.with(move |lake| lake.expire(&Retention::defaults()?, &holds, outside::now())).await
    }
}

/// Entries with their details, as far as their keys are there. A key that cannot be reached is an error: what is left out now
/// would stay left out.
pub(crate) async fn opened(ledger: &Arc<Ledger>, range: std::ops::Range<u64>) -> Result<Vec<Opened>, LakesideError> {
    let reading = Arc::clone(ledger);
    let read = tokio::task::spawn_blocking(move || reading.read(range));
    let stored = read.await.map_err(|_ended: tokio::task::JoinError| LakesideError::Stopped)??;
    let mut entries = Vec::with_capacity(stored.len());
    for stored in stored {
        let mut details = Vec::new();
        for revealed in ledger.reveal(&stored.bytes).await.unwrap_or_default() {
            let value = match revealed.value {
                Ok(value) => Some(value),
                Err(LedgerError::Seal { source: EnvelopeError::Unavailable { scope, source }, .. }) => {
                    return Err(EnvelopeError::Unavailable { scope, source }.into());
                }
                Err(_erased_or_damaged) => None,
            };
            details.push(Detail { field: revealed.field, scope: revealed.scope, value });
        }
        entries.push(Opened { index: stored.index, bytes: stored.bytes, details });
    }
    Ok(entries)
}

/// The lake's key: random, sealed under the organisation's key, in a file of its own; drawn when there is none.
async fn kept_key(path: &Path, envelope: &dyn Envelope) -> Result<LakeKey, LakesideError> {
    let failed = |source| LakesideError::KeyFile { path: path.to_owned(), source };
    let mut key = LakeKey::default();
    match std::fs::read(path) {
        Ok(sealed) => {
            let plain = envelope.open(&Scope::Organisation, KEY_CONTEXT, &sealed).await?;
            let plain = zeroize::Zeroizing::new(plain);
            let short = || failed(std::io::Error::from(std::io::ErrorKind::InvalidData));
            key.copy_from_slice(plain.first_chunk::<32>().filter(|_| plain.len() == 32).ok_or_else(short)?);
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            outside::fill(key.as_mut_slice()).map_err(failed)?;
            let sealed = envelope.seal(&Scope::Organisation, KEY_CONTEXT, key.as_slice()).await?;
            outside::put(path, &sealed).map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    Ok(key)
}

impl Guarded {
    /// Follows the ledger into the lake. Ends with the future.
    pub async fn keep_lake(&self) {
        for turn in 0_u64.. {
            if let Err(error) = self.lakeside.settle(&self.vault, false).await {
                tracing::warn!(error = %crate::whole(&error), "what was shredded could not be taken out of the lake yet");
            }
            if let Err(error) = self.lakeside.follow(&self.ledger).await {
                tracing::warn!(error = %crate::whole(&error), "the lake could not be brought up to the record");
            }
            if turn % EXPIRE_EVERY == 0 {
                match self.lakeside.expire(&self.vault).await {
                    Ok(0) => {}
                    Ok(rows) => tracing::info!(rows, "what is over left the lake"),
                    Err(error) => {
                        tracing::warn!(error = %crate::whole(&error), "what is over could not leave the lake")
                    }
                }
            }
            tokio::time::sleep(FOLLOW_EVERY).await;
        }
    }

    /// Records that somebody hunts, brings the lake up to the record, and tells where it lies and how it opens.
    pub(crate) async fn begin_hunt(
        &self,
        operator: &Operator,
        id: Option<&str>,
        asked: &str,
    ) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        self.begin_hunt_by(&by, id, asked).await
    }

    /// As an operator's, on behalf of whoever is named.
    ///
    /// # Errors
    /// When it cannot be recorded or the lake cannot be brought up to the record.
    pub async fn begin_hunt_by(&self, by: &By, id: Option<&str>, asked: &str) -> Result<Value, OpsError> {
        let day = jiff::Timestamp::from_millisecond(by.now_ms).map_err(|error| OpsError::Wrong(error.to_string()))?;
        let day = day.to_zoned(jiff::tz::TimeZone::UTC).date();
        let mut event = by.event(Activity::Look);
        event.resource.entity = Some(format!("hunt:{}", id.unwrap_or("sql")));
        // A question may name somebody.
        event.details.push(event::Detail { field: "sql".into(), scope: Scope::Day(day), value: asked.to_owned() });
        let receipt = self.recorder.record(event).await?;
        self.ledger.publish().await?;
        self.lakeside.follow(&self.ledger).await?;
        let key: String = self.lakeside.key.iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = self.data_dir.join(LAKE);
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Ok(json!({ "lake": folder, "key": key, "recorded": receipt.index }))
    }

    /// The proof that an entry is in the record.
    pub(crate) async fn prove(&self, index: u64) -> Result<Value, OpsError> {
        let inclusion = self.ledger.prove_inclusion(index).await?;
        let reading = Arc::clone(&self.ledger);
        let read = tokio::task::spawn_blocking(move || reading.read(index..index.saturating_add(1)));
        let read = read.await.map_err(|_ended: tokio::task::JoinError| LakesideError::Stopped)??;
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Ok(json!({
            "format": "lazaret-inclusion/1",
            "index": inclusion.index,
            "size": inclusion.size,
            "entry": read.first().map(|stored| hex(&stored.bytes)),
            "proof": inclusion.proof.iter().map(|hash| hex(hash)).collect::<Vec<_>>(),
            "checkpoint": inclusion.checkpoint,
            "key": self.ledger.verifier_key().to_string(),
        }))
    }

    /// The keys that shredding `scope` takes with it, as far as details lie under them.
    pub(crate) async fn doomed(&self, scope: &Scope) -> Result<Vec<String>, OpsError> {
        let (mut scopes, mut after) = (vec![scope.to_string()], String::new());
        // A study is known by its name in each row; of a person or an object the keys are asked for.
        if matches!(scope, Scope::Study(_)) {
            return Ok(scopes);
        }
        loop {
            let (objects, last) = self.vault.doomed_objects(scope, &after).await?;
            scopes.extend(objects.iter().map(|(_, object)| Scope::Object(*object).to_string()));
            if last.is_empty() {
                break;
            }
            after = last;
        }
        scopes.dedup();
        Ok(scopes)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use lake::{Row, Snapshot};
    use model::{PrincipalKind, Scope};

    use super::LAKE;
    use crate::ops::tests::guarded;
    use crate::{Guarded, Operator, Request};

    fn rows(guarded: &Guarded, folder: &Path) -> Vec<Row> {
        let snapshot = Snapshot::open(&folder.join(LAKE), guarded.lakeside.key.clone()).unwrap();
        snapshot.manifest.segments.iter().flat_map(|segment| snapshot.rows(segment).unwrap()).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_recorded_comes_into_the_lake_and_what_is_shredded_leaves_it() {
        let folder = tempfile::tempdir().unwrap();
        let operator = Operator { user: "ops".to_owned(), through: "cli" };
        let first = guarded(folder.path()).await;
        let add = Request::UserAdd { name: "Jane Doe".to_owned(), kind: PrincipalKind::Person, organisation: None };
        first.obey(&operator, add).await.unwrap();
        let jane = first.identity.by_name("Jane Doe").await.unwrap();
        let asked = "SELECT * FROM events -- about Jane Doe".to_owned();
        let begun = first.obey(&operator, Request::HuntBegin { id: None, asked: asked.clone() }).await.unwrap();
        let all = rows(&first, folder.path());
        assert_eq!(all.len() as u64, first.ledger.size(), "each entry has a row");
        let own = &all[usize::try_from(begun[0]["recorded"].as_u64().unwrap()).unwrap()];
        assert_eq!(own.entity.as_deref(), Some("hunt:sql"));
        assert!(own.details.as_deref().unwrap().contains("about Jane Doe"));
        let created = |rows: &[Row]| {
            let scope = Scope::Principal(jane.id).to_string();
            rows.iter().find(|row| row.is_sealed_by(&scope)).unwrap().details.clone()
        };
        assert!(created(&all).unwrap().contains("Jane Doe"));
        let key = begun[0]["key"].as_str().unwrap().to_owned();
        first.shred(&operator, &Scope::Principal(jane.id)).await.unwrap();
        assert_eq!(created(&rows(&first, folder.path())), None, "what was shredded is gone at once");
        first.close().await;
        drop(first);
        let again = guarded(folder.path()).await;
        let begun = again.obey(&operator, Request::HuntBegin { id: None, asked }).await.unwrap();
        assert_eq!(begun[0]["key"], key.as_str(), "the lake's key is kept");
        let all = rows(&again, folder.path());
        assert_eq!(all.len() as u64, again.ledger.size(), "exactly once over a restart");
        assert!(all.iter().zip(0..).all(|(row, at)| row.index == at));
        let proof = again.obey(&operator, Request::HuntProve { index: 2 }).await.unwrap();
        assert_eq!(proof[0]["index"], 2);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_altered_lake_is_told_and_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let operator = Operator { user: "ops".to_owned(), through: "cli" };
        let begin = || Request::HuntBegin { id: None, asked: "SELECT 1".to_owned() };
        let first = guarded(folder.path()).await;
        first.obey(&operator, begin()).await.unwrap();
        drop(first);
        std::fs::write(folder.path().join(LAKE).join(lake::MANIFEST), b"altered").unwrap();
        let again = guarded(folder.path()).await;
        assert!(again.warnings.iter().any(|warning| warning.contains("altered")), "{:?}", again.warnings);
        again.obey(&operator, begin()).await.unwrap();
        assert_eq!(rows(&again, folder.path()).len() as u64, again.ledger.size());
    }
}
