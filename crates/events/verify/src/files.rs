//! Where an audit reads from.

use std::io;
use std::path::{Path, PathBuf};

/// Folders below a ledger are this deep at most (tiles of a full level 0 need eight).
const DEPTH_MAX: usize = 12;

/// The files of a ledger. Paths are relative, with `/`.
pub trait Files: Sync {
    /// The bytes of a file of at most `limit` bytes.
    ///
    /// # Errors
    /// When it is not there, is longer, or cannot be read.
    fn read(&self, path: &str, limit: u64) -> io::Result<Vec<u8>>;

    /// Calls `visit` with every path and its length; `None` for what is no plain file.
    ///
    /// # Errors
    /// When a folder cannot be read.
    fn list(&self, visit: &mut dyn FnMut(&str, Option<u64>)) -> io::Result<()>;
}

/// A folder on disk. Links are not followed.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The ledger in `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_path_buf())
    }

    fn walk(
        &self,
        folder: &Path,
        prefix: &str,
        depth: usize,
        visit: &mut dyn FnMut(&str, Option<u64>),
    ) -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if metadata.is_dir() && depth < DEPTH_MAX {
                if path != crate::names::DERIVED {
                    self.walk(&entry.path(), &format!("{path}/"), depth + 1, visit)?;
                }
            } else {
                visit(&path, metadata.is_file().then_some(metadata.len()));
            }
        }
        Ok(())
    }
}

impl Files for Folder {
    fn read(&self, path: &str, limit: u64) -> io::Result<Vec<u8>> {
        use io::Read as _;
        let file = std::fs::File::open(self.0.join(path))?;
        let length = file.metadata()?.len();
        if length > limit {
            return Err(io::Error::other(format!("`{path}` has {length} bytes, more than {limit}")));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn list(&self, visit: &mut dyn FnMut(&str, Option<u64>)) -> io::Result<()> {
        self.walk(&self.0, "", 0, visit)
    }
}
