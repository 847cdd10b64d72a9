//! What the local folder needs of a disk, so that crashes can be simulated ([`super::simulated`]).

use std::io;
use std::path::Path;

use super::Filled;

/// A file system with its moments of durability: bytes last once [`Disk::sync`] returns, names once
/// [`Disk::sync_folder`] of their folder does.
pub trait Disk: Send + Sync + 'static {
    /// An open file.
    type File: Send + Sync + 'static;

    /// Makes a folder for its owner alone, if it is not there.
    ///
    /// # Errors
    /// As the operating system says.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Creates a file that is not there yet, for its owner alone.
    ///
    /// # Errors
    /// As the operating system says.
    fn create(&self, path: &Path) -> io::Result<Self::File>;
    /// Appends.
    ///
    /// # Errors
    /// As the operating system says.
    fn write(&self, file: &Self::File, bytes: &[u8]) -> io::Result<()>;
    /// Makes a file's bytes last.
    ///
    /// # Errors
    /// As the operating system says.
    fn sync(&self, file: &Self::File) -> io::Result<()>;
    /// Renames a file, within one file system.
    ///
    /// # Errors
    /// As the operating system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in a folder last.
    ///
    /// # Errors
    /// As the operating system says.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Opens a file and tells its length.
    ///
    /// # Errors
    /// As the operating system says.
    fn open(&self, path: &Path) -> io::Result<(Self::File, u64)>;
    /// Reads `bytes` bytes at an offset into a buffer that may be used again; fewer only at the end.
    ///
    /// # Errors
    /// As the operating system says.
    fn read_at(&self, file: &Self::File, offset: u64, bytes: usize, buffer: Vec<u8>) -> io::Result<Filled>;
    /// Removes a file.
    ///
    /// # Errors
    /// As the operating system says.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The names in a folder, unsorted.
    ///
    /// # Errors
    /// As the operating system says.
    fn names(&self, path: &Path) -> io::Result<Vec<String>>;
    /// When a file was last written, in milliseconds since 1970.
    ///
    /// # Errors
    /// As the operating system says.
    fn modified_ms(&self, path: &Path) -> io::Result<i64>;
}
