//! The file with the keys that sign checkpoints, oldest first: `PRIVATE+KEY+name+hash+base64` a line, as Go's note package
//! writes them. It lies outside the ledger, for its owner alone.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use verify::bytes::hex;
use verify::note::{SigningKey, VerifierKey};
use zeroize::Zeroizing;

use crate::{LedgerError, Random};

/// The longest key file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// The keys of a log.
#[derive(Debug)]
pub struct Keys {
    path: PathBuf,
    keys: Vec<Arc<SigningKey>>,
}

impl Keys {
    /// Reads the key file. When there is none, draws a key named `origin` and writes one, mode 0600.
    ///
    /// # Errors
    /// When the file cannot be read or written, is none, or `origin` cannot name a key.
    pub fn open(path: &Path, origin: &str, random: &dyn Random) -> Result<Self, LedgerError> {
        let mut keys = Self { path: path.to_path_buf(), keys: Vec::new() };
        match File::open(path) {
            Ok(file) => {
                let mut text = Zeroizing::new(String::new());
                let name = path.display().to_string();
                file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(LedgerError::io("read", &name))?;
                for line in text.lines() {
                    let key = parse(line).ok_or_else(|| LedgerError::KeyFile { path: path.to_path_buf() })?;
                    keys.keys.push(Arc::new(key));
                }
                if keys.keys.is_empty() {
                    return Err(LedgerError::KeyFile { path: path.to_path_buf() });
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                keys.draw(origin, random)?;
            }
            Err(error) => return Err(LedgerError::io("open", &path.display().to_string())(error)),
        }
        Ok(keys)
    }

    /// Draws another key of the same name and adds it to the file, durably.
    pub(crate) fn draw(&mut self, origin: &str, random: &dyn Random) -> Result<Arc<SigningKey>, LedgerError> {
        let mut seed = Zeroizing::new([0; 32]);
        random.fill(seed.as_mut_slice()).map_err(LedgerError::Random)?;
        let key = SigningKey::of_log(origin, &seed)?;
        let mut private = Zeroizing::new(vec![1]);
        private.extend_from_slice(seed.as_slice());
        let id = hex(&key.verifier().id());
        let line = Zeroizing::new(format!("PRIVATE+KEY+{origin}+{id}+{}\n", STANDARD.encode(private.as_slice())));
        self.write(&line).map_err(LedgerError::io("write", &self.path.display().to_string()))?;
        let key = Arc::new(key);
        self.keys.push(Arc::clone(&key));
        Ok(key)
    }

    fn write(&self, line: &str) -> std::io::Result<()> {
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        File::open(folder)?.sync_all()
    }

    /// The first key, which a new log begins with.
    pub(crate) fn first(&self) -> Option<Arc<SigningKey>> {
        self.keys.first().cloned()
    }

    /// The key with this verifier key.
    pub(crate) fn of(&self, verifier: &VerifierKey) -> Option<Arc<SigningKey>> {
        self.keys.iter().find(|key| key.verifier() == verifier).cloned()
    }

    pub(crate) fn all(&self) -> &[Arc<SigningKey>] {
        &self.keys
    }
}

fn parse(line: &str) -> Option<SigningKey> {
    let mut parts = line.strip_prefix("PRIVATE+KEY+")?.splitn(3, '+');
    let (name, id, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let private = Zeroizing::new(STANDARD.decode(encoded).ok()?);
    let seed = Zeroizing::new(<[u8; 32]>::try_from(private.strip_prefix(&[1])?).ok()?);
    let key = SigningKey::of_log(name, &seed).ok()?;
    (hex(&key.verifier().id()) == id).then_some(key)
}
