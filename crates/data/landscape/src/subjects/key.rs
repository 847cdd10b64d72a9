//! The key of tokens: without it nobody can go from a token to an identifier, or test a guess.

use std::path::{Path, PathBuf};

use rand::TryRngCore;
use zeroize::Zeroizing;

use crate::inspect::TokenKey;

/// The key file's name in the data folder's `keys/`.
const FILE: &str = "tokens.key";

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

/// The key in `keys/` of the data folder; made from the system's randomness at first use, mode 0600.
///
/// # Errors
/// When it cannot be read or created, or is not a key for its owner alone.
pub fn open_key(data_folder: &Path) -> Result<TokenKey, KeyError> {
    let folder = data_folder.join("keys");
    let path = folder.join(FILE);
    let failed = |source| KeyError::File { path: path.clone(), source };
    match std::fs::symlink_metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            create_folder(&folder).map_err(failed)?;
            write_private(&path, &*random().map_err(failed)?).map_err(failed)?;
        }
        _ => {}
    }
    // Another process may have been first: what lies in the file counts.
    let bytes = read_private(&path).map_err(failed)?;
    if is_open_to_others(&path).map_err(failed)? {
        return Err(KeyError::Mode { path });
    }
    let found = bytes.len();
    match <[u8; 32]>::try_from(bytes.as_slice()) {
        Ok(key) => Ok(TokenKey::new(key)),
        Err(_length) => Err(KeyError::Length { path, found }),
    }
}

/// A fresh key from the system's randomness, for a run that keeps nothing.
///
/// # Errors
/// When the system has no randomness to give.
pub fn passing_key() -> std::io::Result<TokenKey> {
    random().map(|key| TokenKey::new(*key))
}

fn random() -> std::io::Result<Zeroizing<[u8; 32]>> {
    let mut key = Zeroizing::new([0; 32]);
    rand::rngs::OsRng.try_fill_bytes(&mut *key).map_err(std::io::Error::other)?;
    Ok(key)
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
    use super::open_key;

    #[test]
    fn the_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        open_key(folder.path()).unwrap();
        let path = folder.path().join("keys/tokens.key");
        let first = std::fs::read(&path).unwrap();
        open_key(folder.path()).unwrap();
        assert_eq!(first, std::fs::read(&path).unwrap());
        assert_eq!(first.len(), 32);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            assert!(open_key(folder.path()).err().unwrap().to_string().contains("chmod 600"));
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        std::fs::write(&path, b"short").unwrap();
        assert!(open_key(folder.path()).err().unwrap().to_string().contains("5 bytes"));
    }
}
