//! The key of tokens: without it nobody can go from a token to an identifier, or test a guess.

use std::path::{Path, PathBuf};

use rand::TryRngCore;
use zeroize::{Zeroize, Zeroizing};

use crate::report::{Token, TokenKind};

/// The key file's name in the data folder's `keys/`.
const FILE: &str = "tokens.key";

/// A key of 256 bits, wiped when dropped.
pub struct TokenKey(Zeroizing<[u8; 32]>);

/// Why the key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Reading or creating it failed.
    #[error("the key file `{path}` cannot be read or created; check its owner, its mode and the free space")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// It has not 32 bytes.
    #[error(
        "the key file `{path}` has {found} bytes where 32 belong; restore it from a backup, a new one would not match the catalogue"
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: usize,
    },
    /// Others may read it.
    #[error("the key file `{path}` may be read by others than its owner; run `chmod 600` on it")]
    Mode {
        /// The file.
        path: PathBuf,
    },
}

impl TokenKey {
    /// The key in `keys/` of the data folder; made from the system's randomness at first use, mode 0600.
    ///
    /// # Errors
    /// When it cannot be read or created, or is not a key for its owner alone.
    pub fn open(data_folder: &Path) -> Result<Self, KeyError> {
        let folder = data_folder.join("keys");
        let path = folder.join(FILE);
        let failed = |source| KeyError::File { path: path.clone(), source };
        match read_private(&path) {
            Ok(bytes) => {
                let found = bytes.len();
                let key = <[u8; 32]>::try_from(bytes.as_slice());
                let key = key.map_err(|_length| KeyError::Length { path: path.clone(), found })?;
                if is_open_to_others(&path).map_err(failed)? {
                    return Err(KeyError::Mode { path: path.clone() });
                }
                Ok(Self(Zeroizing::new(key)))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                create_folder(&folder).map_err(failed)?;
                let key = Self::random().map_err(failed)?;
                write_private(&path, &*key.0).map_err(failed)?;
                // Another process may have been first: what lies in the file counts.
                let bytes = read_private(&path).map_err(failed)?;
                let found = bytes.len();
                let kept = <[u8; 32]>::try_from(bytes.as_slice());
                Ok(Self(Zeroizing::new(kept.map_err(|_length| KeyError::Length { path: path.clone(), found })?)))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// A fresh key from the system's randomness, for a run that keeps nothing.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random() -> std::io::Result<Self> {
        let mut key = Zeroizing::new([0; 32]);
        rand::rngs::OsRng.try_fill_bytes(&mut *key).map_err(std::io::Error::other)?;
        Ok(Self(key))
    }

    /// From bytes at hand; for replays and tests.
    #[must_use]
    pub fn from_bytes(mut bytes: [u8; 32]) -> Self {
        let key = Self(Zeroizing::new(bytes));
        bytes.zeroize();
        key
    }

    /// The token of a strong identifier: `class` says which kind (`mrn`, `us_ssn`), `issuer` whose; both are case-blind.
    /// `value` must be normalised already.
    #[must_use]
    pub fn strong(&self, class: &str, issuer: &str, value: &str) -> (TokenKind, Token) {
        let (class, issuer) = (class.trim().to_lowercase(), issuer.trim().to_lowercase());
        let domain = self.hash("domain", &[&class, &issuer]);
        let [a, b, c, d, ..] = domain;
        (TokenKind::Strong { domain: u32::from_le_bytes([a, b, c, d]) }, self.cut("strong", &[&class, &issuer, value]))
    }

    /// The token of a normalised full name and birth date.
    #[must_use]
    pub fn name_and_birth(&self, name: &str, birth: &str) -> (TokenKind, Token) {
        (TokenKind::NameAndBirth, self.cut("name and birth", &[name, birth]))
    }

    fn cut(&self, purpose: &str, parts: &[&str]) -> Token {
        let hash = self.hash(purpose, parts);
        let mut token = [0; 16];
        token.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Token(token)
    }

    /// Every part is preceded by its length, so that no two lists of parts look alike.
    fn hash(&self, purpose: &str, parts: &[&str]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in std::iter::once(&purpose).chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

fn read_private(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    std::fs::read(path).map(Zeroizing::new)
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_path: &Path) -> std::io::Result<bool> {
    Ok(false)
}

fn create_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes aside, then links into place: a file with half a key can never be seen, and a present one is never replaced.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let aside = path.with_extension(format!("new.{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&aside, path);
    std::fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::TokenKey;

    #[test]
    fn the_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = TokenKey::open(folder.path()).unwrap();
        let second = TokenKey::open(folder.path()).unwrap();
        assert_eq!(first.strong("mrn", "ward 1", "123"), second.strong("MRN", "Ward 1", "123"));
        assert_ne!(first.strong("mrn", "ward 1", "123").1, first.strong("mrn", "ward 11", "23").1);
        let path = folder.path().join("keys/tokens.key");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(TokenKey::open(folder.path()).unwrap_err().to_string().contains("chmod 600"));
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        std::fs::write(&path, b"short").unwrap();
        assert!(TokenKey::open(folder.path()).unwrap_err().to_string().contains("5 bytes"));
    }
}
