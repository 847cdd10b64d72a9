//! What the local folder needs of a disk, so that crashes can be simulated ([`super::simulated`]).

use std::io;
use std::path::Path;

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
    /// Reads at an offset; fewer bytes than asked for only at the end.
    ///
    /// # Errors
    /// As the operating system says.
    fn read_at(&self, file: &Self::File, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
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

/// The disks of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Local;

impl Disk for Local {
    type File = std::fs::File;

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(path)
    }

    fn create(&self, path: &Path) -> io::Result<Self::File> {
        let mut options = std::fs::OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.write(true).create_new(true).open(path)
    }

    fn write(&self, mut file: &Self::File, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(&mut file, bytes)
    }

    fn sync(&self, file: &Self::File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        std::fs::File::open(path)?.sync_all()
    }

    fn open(&self, path: &Path) -> io::Result<(Self::File, u64)> {
        let file = std::fs::File::open(path)?;
        let bytes = file.metadata()?.len();
        Ok((file, bytes))
    }

    fn read_at(&self, file: &Self::File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        use std::os::unix::fs::FileExt as _;
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        let names = std::fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        names.collect()
    }

    fn modified_ms(&self, path: &Path) -> io::Result<i64> {
        let since = std::fs::metadata(path)?.modified()?.duration_since(std::time::UNIX_EPOCH);
        Ok(since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
    }
}
