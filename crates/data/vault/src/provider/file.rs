//! The root key in a file: sealed under a passphrase, or in clear for its owner alone.
//!
//! JSON: `format`, `argon2id` (salt and effort, absent without a passphrase) and `keys`, oldest first, each with a random id
//! and either the key or the key sealed under Argon2id's output (RFC 9106).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::Answer;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{ProviderError, RootKey};
use crate::format::{Purpose, sealed};
use crate::{Key, Random, VaultError, hex};

const FORMAT: &str = "lazaret-root-key/1";
const PROVIDER: &str = "the key file";
/// First byte of what a key file wrapped; the id of its key follows.
const WRAPPED: u8 = b'F';
/// The longest file that is read.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// What a file may ask of Argon2id: more is no file of ours.
const MEMORY_KIB_MAX: u32 = 4 << 20;
const PASSES_MAX: u32 = 64;
const LANES_MAX: u32 = 64;

/// A passphrase, PIN or token, wiped when it is let go and never printed.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// From text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// What a caller should tell the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// The root key lies in clear.
    #[error(
        "the root key `{}` has no passphrase: whoever can read this file and the data folder can read everything; set a \
         passphrase, or use an HSM or a key management service", path.display()
    )]
    Unprotected {
        /// The file.
        path: PathBuf,
    },
}

/// How hard Argon2id works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effort {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Effort {
    /// RFC 9106 §4, the second recommended option: 64 MiB, 3 passes, 4 lanes.
    fn default() -> Self {
        Self { memory_kib: 64 << 10, passes: 3, lanes: 4 }
    }
}

#[derive(Serialize, Deserialize)]
struct File {
    format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    argon2id: Option<Stretch>,
    keys: Vec<Entry>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Stretch {
    #[serde(flatten)]
    effort: Effort,
    #[serde(with = "hex::bytes")]
    salt: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(with = "hex::bytes")]
    id: [u8; 8],
    /// 32 bytes in clear, or sealed.
    #[serde(with = "hex::bytes")]
    key: Zeroizing<Vec<u8>>,
}

/// How the file is protected: the stretched passphrase and how it was stretched.
struct Protection {
    stretch: Stretch,
    key: Key,
}

struct Opened {
    protection: Option<Protection>,
    /// Oldest first.
    keys: Vec<([u8; 8], Key)>,
}

/// The root key in a file.
pub struct KeyFile {
    path: PathBuf,
    random: Random,
    opened: Mutex<Opened>,
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyFile({})", self.path.display())
    }
}

impl KeyFile {
    /// Opens the file at `path`, or makes it with a new root key. Blocks for as long as Argon2id takes (`effort` is for files
    /// that are made or resealed; one that is there says how hard it was).
    ///
    /// # Errors
    /// When it cannot be read or made, others may read it, or the passphrase does not fit.
    pub fn open(
        path: &Path,
        passphrase: Option<&Passphrase>,
        effort: Effort,
        random: Random,
    ) -> Result<(Self, Option<Warning>), ProviderError> {
        let opened = match read(path)? {
            Some(file) => Opened::of(&file, path, passphrase)?,
            None => {
                let protection = passphrase.map(|words| Protection::new(words, effort, &random)).transpose()?;
                let opened = Opened { protection, keys: vec![(random.bytes()?, Key::random(&random)?)] };
                write(path, &opened, &random)?;
                opened
            }
        };
        let warning = match opened.protection {
            Some(_) => None,
            None => Some(Warning::Unprotected { path: path.to_owned() }),
        };
        Ok((Self { path: path.to_owned(), random, opened: Mutex::new(opened) }, warning))
    }

    /// Seals the file under another passphrase, or its first. Rotate the root key after the first: the file lay in clear.
    ///
    /// # Errors
    /// When it cannot be written; it is as it was then.
    pub fn set_passphrase(&self, passphrase: &Passphrase, effort: Effort) -> Result<(), ProviderError> {
        let protection = Some(Protection::new(passphrase, effort, &self.random)?);
        let mut opened = self.opened();
        let next = Opened { protection, keys: opened.keys.clone() };
        write(&self.path, &next, &self.random)?;
        *opened = next;
        Ok(())
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wrap_now(&self, context: &[u8], key: &Key) -> Result<Vec<u8>, ProviderError> {
        let opened = self.opened();
        let (id, root) = opened.keys.last().ok_or(ProviderError::Unknown { provider: PROVIDER })?;
        let clear = [&[WRAPPED], id.as_slice()].concat();
        let sealed = sealed::seal(root, &self.random.bytes()?, Purpose::Wrap, &[context], &clear, key.expose());
        Ok([clear, sealed.map_err(primitive)?].concat())
    }

    fn unwrap_now(&self, context: &[u8], wrapped: &[u8]) -> Option<Key> {
        let (clear, sealed) = wrapped.split_at_checked(9)?;
        let id = clear.strip_prefix(&[WRAPPED])?;
        let opened = self.opened();
        let (_id, root) = opened.keys.iter().find(|(known, _key)| known == id)?;
        Key::from_slice(&sealed::open(root, Purpose::Wrap, &[context], clear, sealed)?)
    }

    fn change(&self, change: impl FnOnce(&mut Vec<([u8; 8], Key)>)) -> Result<(), ProviderError> {
        let mut opened = self.opened();
        let mut keys = opened.keys.clone();
        change(&mut keys);
        let next = Opened { protection: opened.protection.take(), keys };
        let written = write(&self.path, &next, &self.random);
        match written {
            Ok(()) => *opened = next,
            Err(_) => opened.protection = next.protection,
        }
        written
    }
}

fn primitive(_error: VaultError) -> ProviderError {
    ProviderError::Primitive { what: "sealing a root key" }
}

impl Protection {
    fn new(passphrase: &Passphrase, effort: Effort, random: &Random) -> Result<Self, ProviderError> {
        let stretch = Stretch { effort, salt: random.bytes()? };
        let key = stretch.run(passphrase).ok_or(ProviderError::Primitive { what: "Argon2id" })?;
        Ok(Self { stretch, key })
    }
}

impl Stretch {
    /// Argon2id version 1.3 (RFC 9106), 32 bytes.
    fn run(&self, passphrase: &Passphrase) -> Option<Key> {
        let Effort { memory_kib, passes, lanes } = self.effort;
        if memory_kib > MEMORY_KIB_MAX || passes > PASSES_MAX || lanes > LANES_MAX {
            return None;
        }
        let parameters = argon2::Params::new(memory_kib, passes, lanes, Some(32)).ok()?;
        let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, parameters);
        let mut key = Zeroizing::new([0; 32]);
        argon.hash_password_into(passphrase.expose().as_bytes(), &self.salt, key.as_mut()).ok()?;
        Some(Key::from_bytes(key))
    }
}

impl Opened {
    fn of(file: &File, path: &Path, passphrase: Option<&Passphrase>) -> Result<Self, ProviderError> {
        let path = || path.to_owned();
        let protection = match (&file.argon2id, passphrase) {
            (None, None) => None,
            (None, Some(_)) => return Err(ProviderError::Unprotected { path: path() }),
            (Some(_), None) => return Err(ProviderError::PassphraseMissing { path: path() }),
            (Some(stretch), Some(passphrase)) => {
                let key = stretch.run(passphrase).ok_or_else(|| ProviderError::Damaged { path: path() })?;
                Some(Protection { stretch: stretch.clone(), key })
            }
        };
        let mut keys = Vec::new();
        for entry in &file.keys {
            let key = match &protection {
                None => Key::from_slice(&entry.key).ok_or_else(|| ProviderError::Damaged { path: path() })?,
                Some(protection) => {
                    let plain = sealed::open(&protection.key, Purpose::Root, &[&entry.id], &[], &entry.key);
                    let key = plain.and_then(|plain| Key::from_slice(&plain));
                    key.ok_or_else(|| ProviderError::WrongPassphrase { path: path() })?
                }
            };
            keys.push((entry.id, key));
        }
        if keys.is_empty() { Err(ProviderError::Damaged { path: path() }) } else { Ok(Self { protection, keys }) }
    }

    fn file(&self, random: &Random) -> Result<File, ProviderError> {
        let mut keys = Vec::new();
        for (id, key) in &self.keys {
            let bytes = match &self.protection {
                None => key.expose().to_vec(),
                Some(protection) => {
                    let salt = random.bytes()?;
                    let sealed = sealed::seal(&protection.key, &salt, Purpose::Root, &[id], &[], key.expose());
                    sealed.map_err(primitive)?
                }
            };
            keys.push(Entry { id: *id, key: Zeroizing::new(bytes) });
        }
        let argon2id = self.protection.as_ref().map(|protection| protection.stretch.clone());
        Ok(File { format: FORMAT.to_owned(), argon2id, keys })
    }
}

fn failed(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> ProviderError {
    let path = path.to_owned();
    move |source| ProviderError::File { path, what, source }
}

fn read(path: &Path) -> Result<Option<File>, ProviderError> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, "opened")(error)),
    };
    let meta = file.metadata().map_err(failed(path, "read"))?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(ProviderError::Open { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(Vec::new());
    std::io::Read::read_to_end(&mut std::io::Read::take(file, FILE_BYTES_MAX), &mut text)
        .map_err(failed(path, "read"))?;
    let damaged = || ProviderError::Damaged { path: path.to_owned() };
    let file: Option<File> = serde_json::from_slice(&text).ok();
    file.filter(|file| file.format == FORMAT).map(Some).ok_or_else(damaged)
}

/// Writes the file anew beside the old one and puts it into its place; what the old one held is overwritten.
fn write(path: &Path, opened: &Opened, random: &Random) -> Result<(), ProviderError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = opened.file(random)?;
    let mut text = Zeroizing::new(Vec::with_capacity(4096));
    let unwritable = |_error| ProviderError::Primitive { what: "writing JSON" };
    serde_json::to_writer_pretty(&mut *text, &file).map_err(unwritable)?;
    let old = std::fs::OpenOptions::new().write(true).open(path).ok();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed(path, "created"))?;
    let beside = path.with_extension("new");
    let written = || -> std::io::Result<()> {
        let _left_by_a_kill = std::fs::remove_file(&beside);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        std::fs::File::open(folder)?.sync_all()
    };
    written().map_err(failed(path, "written"))?;
    if let Some(mut old) = old {
        // The name is gone already; the bytes should be too, where the file system writes in place.
        let bytes = old.metadata().map_or(0, |meta| meta.len()).min(FILE_BYTES_MAX);
        let zeros = vec![0; usize::try_from(bytes).unwrap_or(0)];
        let _best_effort = old.write_all(&zeros).and_then(|()| old.sync_all());
    }
    Ok(())
}

impl RootKey for KeyFile {
    fn name(&self) -> String {
        format!("key file {}", self.path.display())
    }

    fn wrap<'a>(&'a self, context: &'a [u8], key: &'a Key) -> Answer<'a, Result<Vec<u8>, ProviderError>> {
        Box::pin(async move { self.wrap_now(context, key) })
    }

    fn unwrap_key<'a>(&'a self, context: &'a [u8], wrapped: &'a [u8]) -> Answer<'a, Result<Key, ProviderError>> {
        let unknown = || ProviderError::Unknown { provider: PROVIDER };
        Box::pin(async move { self.unwrap_now(context, wrapped).ok_or_else(unknown) })
    }

    fn rotate(&self) -> Answer<'_, Result<(), ProviderError>> {
        Box::pin(async move {
            let next = (self.random.bytes()?, Key::random(&self.random)?);
            self.change(|keys| keys.push(next))
        })
    }

    fn retire(&self) -> Answer<'_, Result<(), ProviderError>> {
        Box::pin(async move { self.change(|keys| drop(keys.drain(..keys.len().saturating_sub(1)))) })
    }
}
