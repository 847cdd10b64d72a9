//! What the ledger asks of a disk. The tests put a simulated one behind it that loses whatever was not synced.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Files below one folder, by relative paths with `/`. Nothing is durable before it is synced: neither bytes nor names.
pub trait Disk: Send + Sync + 'static {
    /// All bytes of a file.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;
    /// The names of the files right in a folder; none when it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    fn names(&self, folder: &str) -> io::Result<Vec<String>>;
    /// Creates a folder and those above it.
    ///
    /// # Errors
    /// When it cannot be created.
    fn create_folder(&self, folder: &str) -> io::Result<()>;
    /// Writes a file, new or in place of what it was.
    ///
    /// # Errors
    /// When it cannot be written.
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()>;
    /// Adds bytes to a file's end; creates it if needed.
    ///
    /// # Errors
    /// When they cannot be written, or not all of them.
    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<()>;
    /// Makes a file's bytes durable.
    ///
    /// # Errors
    /// When the disk does not confirm it. It must never be tried again.
    fn sync(&self, path: &str) -> io::Result<()>;
    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// When the disk does not confirm it.
    fn sync_folder(&self, folder: &str) -> io::Result<()>;
    /// Makes everything durable that was written before.
    ///
    /// # Errors
    /// When the disk does not confirm it.
    fn sync_all(&self) -> io::Result<()>;
    /// Gives a file another name in its folder, in place of what has that name.
    ///
    /// # Errors
    /// When it cannot be renamed.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// When it cannot be removed.
    fn remove(&self, path: &str) -> io::Result<()>;
}

/// A folder of the file system: files 0600, folders 0700.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    root: File,
    /// The file that was appended to last.
    open: Mutex<Option<(String, File)>>,
}

impl Folder {
    /// Opens the folder, and creates it if needed.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Ok(Self { path: path.to_path_buf(), root: File::open(path)?, open: Mutex::new(None) })
    }

    fn options() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.create(true).mode(0o600);
        options
    }

    /// Runs `work` on the file that is appended to.
    fn appended<T>(&self, path: &str, work: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.as_ref().is_none_or(|(known, _)| known != path) {
            *open = Some((path.to_owned(), Self::options().append(true).open(self.path.join(path))?));
        }
        match open.as_mut() {
            Some((_, file)) => work(file),
            None => Err(io::Error::other("no file is open")),
        }
    }
}

impl Disk for Folder {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        std::fs::read(self.path.join(path))
    }

    fn names(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(self.path.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn create_folder(&self, folder: &str) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(self.path.join(folder))
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        Self::options().write(true).truncate(true).open(self.path.join(path))?.write_all(bytes)
    }

    fn append(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.appended(path, |file| file.write_all(bytes))
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        self.appended(path, |file| file.sync_data())
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        File::open(self.path.join(folder))?.sync_all()
    }

    fn sync_all(&self) -> io::Result<()> {
        // One call for hundreds of small files: syncing each takes a commit of the journal each.
        Ok(rustix::fs::syncfs(&self.root)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(path))
    }
}

/// Writes a file so that after a crash it is the old one or the new one, and durable.
pub(crate) fn replace(disk: &dyn Disk, path: &str, bytes: &[u8]) -> io::Result<()> {
    let beside = format!("{path}.tmp");
    disk.write(&beside, bytes)?;
    disk.sync(&beside)?;
    disk.rename(&beside, path)?;
    disk.sync_folder(parent(path))
}

/// The folder that a path lies in.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
