//! A vault in a temporary folder, with a root key that can be taken away.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use futures_util::TryStreamExt as _;
use model::{Answer, ObjectId, StudyId, VersionId};
use store::Store;
use vault::blobs::Folder;
use vault::provider::{Effort, KeyFile, Passphrase};
use vault::{Blobs, Caching, Key, ProviderError, Random, RootKey, SealedObject, Vault, VaultError};

/// The least that Argon2id takes, so that tests do not wait.
pub const EFFORT: Effort = Effort { memory_kib: 64, passes: 1, lanes: 1 };
pub const PASSPHRASE: &str = "correct horse battery staple";

/// A provider in front of another one, with a switch.
pub struct Switched<R: RootKey> {
    pub inner: R,
    pub is_down: AtomicBool,
    pub calls: AtomicU64,
}

impl<R: RootKey> Switched<R> {
    fn check(&self) -> Result<(), ProviderError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.is_down.load(Ordering::SeqCst) {
            return Err(ProviderError::Unreachable { provider: "the test", source: "switched off".into() });
        }
        Ok(())
    }
}

impl<R: RootKey> RootKey for Switched<R> {
    fn name(&self) -> String {
        self.inner.name()
    }
    fn wrap<'a>(&'a self, context: &'a [u8], key: &'a Key) -> Answer<'a, Result<Vec<u8>, ProviderError>> {
        Box::pin(async move {
            self.check()?;
            self.inner.wrap(context, key).await
        })
    }
    fn unwrap_key<'a>(&'a self, context: &'a [u8], wrapped: &'a [u8]) -> Answer<'a, Result<Key, ProviderError>> {
        Box::pin(async move {
            self.check()?;
            self.inner.unwrap_key(context, wrapped).await
        })
    }
    fn rotate(&self) -> Answer<'_, Result<(), ProviderError>> {
        self.inner.rotate()
    }
    fn retire(&self) -> Answer<'_, Result<(), ProviderError>> {
        self.inner.retire()
    }
}

pub struct World {
    pub vault: Vault,
    pub keys: Store,
    pub root: Arc<Switched<KeyFile>>,
    pub now: Arc<AtomicI64>,
}

pub fn keys_path(folder: &Path) -> PathBuf {
    folder.join("keys/keys.db")
}

pub fn key_file(folder: &Path) -> KeyFile {
    let words = Passphrase::new(PASSPHRASE.to_owned());
    KeyFile::open(&folder.join("keys/root.json"), Some(&words), EFFORT, Random::system()).unwrap().0
}

impl World {
    pub async fn over(folder: &Path, blobs: Arc<dyn Blobs>) -> Self {
        let keys = Store::sqlite_keys(&keys_path(folder)).await.unwrap();
        let inner = key_file(folder);
        let root = Arc::new(Switched { inner, is_down: AtomicBool::new(false), calls: AtomicU64::new(0) });
        let now = Arc::new(AtomicI64::new(1_800_000_000_000));
        let clock = Arc::clone(&now);
        let vault = Vault::open(
            blobs,
            keys.clone(),
            Arc::clone(&root) as Arc<dyn RootKey>,
            Arc::new(move || clock.load(Ordering::SeqCst)),
            Random::system(),
            Caching::default(),
        )
        .await
        .unwrap();
        Self { vault, keys, root, now }
    }

    pub async fn open(folder: &Path) -> Self {
        Self::over(folder, Arc::new(Folder::open(&folder.join("objects")).unwrap())).await
    }

    pub async fn put(&self, study: &StudyId, id: u8, version: u8, parts: &[&[u8]]) -> SealedObject {
        self.try_put(study, id, version, parts).await.unwrap()
    }

    pub async fn try_put(
        &self,
        study: &StudyId,
        id: u8,
        version: u8,
        parts: &[&[u8]],
    ) -> Result<SealedObject, VaultError> {
        let mut sealed = Vec::new();
        for part in parts {
            let mut writer = self.vault.writer(study, object(id), self::version(version)).await?;
            // In pieces, as a network gives them.
            for piece in part.chunks(100_001) {
                writer.write(piece).await?;
            }
            sealed.push(writer.finish().await?);
        }
        self.vault.commit(study, object(id), self::version(version), &sealed).await
    }

    pub async fn get(&self, object: &SealedObject) -> Result<Vec<u8>, VaultError> {
        self.range(object, 0, object.bytes).await
    }

    pub async fn range(&self, object: &SealedObject, start: u64, end: u64) -> Result<Vec<u8>, VaultError> {
        let pieces: Vec<bytes::Bytes> = self.vault.read(object, start..end).await?.try_collect().await?;
        Ok(pieces.concat())
    }

    pub fn later(&self, milliseconds: i64) {
        self.now.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

pub fn study(name: &str) -> StudyId {
    name.parse().unwrap()
}

pub fn object(id: u8) -> ObjectId {
    ObjectId::from_bytes([id; 16])
}

pub fn version(id: u8) -> VersionId {
    VersionId::from_bytes([id; 16])
}

/// Bytes that look like nothing else, and never repeat within 64 KiB.
pub fn bytes(count: usize, seed: u64) -> Vec<u8> {
    let mut output = blake3::Hasher::new().update(&seed.to_be_bytes()).finalize_xof();
    let mut bytes = vec![0; count];
    output.fill(&mut bytes);
    bytes
}

/// Every file below a folder with its bytes.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

pub fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
