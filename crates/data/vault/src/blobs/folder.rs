//! Blobs in a local folder.
//!
//! `objects/ab/abcd…` holds the blob whose name begins with `ab`; `objects/unfinished/` what is being written. A blob is
//! written there, synced, renamed into place, and the folder synced: only then it is answered for. Whatever lies in
//! `unfinished` at the start was cut off and is removed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Answer;

use super::disk::Disk;
use super::local::Local;
use super::{BlobError, BlobId, BlobRead, BlobWrite, Blobs, Filled, Opened};

const UNFINISHED: &str = "unfinished";

/// Blobs in a folder of `D`.
#[derive(Debug)]
pub struct Folder<D: Disk = Local> {
    disk: Arc<D>,
    root: PathBuf,
}

fn failed(what: &'static str) -> impl FnOnce(io::Error) -> BlobError {
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BlobError::Full { source },
        _ => BlobError::File { what, source },
    }
}

/// Runs `work` where blocking is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_stopped) => Err(BlobError::Stopped),
    }
}

impl Folder<Local> {
    /// Opens the folder at `root`, which is made if it is not there, and removes what was cut off.
    ///
    /// # Errors
    /// When it cannot be made, read or synced.
    pub fn open(root: &Path) -> Result<Self, BlobError> {
        Self::on(Arc::new(Local::default()), root)
    }
}

impl<D: Disk> Folder<D> {
    /// As [`Folder::open`], on any disk.
    ///
    /// # Errors
    /// When it cannot be made, read or synced.
    pub fn on(disk: Arc<D>, root: &Path) -> Result<Self, BlobError> {
        let folder = Self { disk, root: root.to_owned() };
        let unfinished = root.join(UNFINISHED);
        for path in std::iter::once(unfinished.clone()).chain((0..=u8::MAX).map(|byte| folder.shelf(byte))) {
            folder.disk.create_folder(&path).map_err(failed("make a folder"))?;
        }
        for name in folder.disk.names(&unfinished).map_err(failed("list a folder"))? {
            folder.disk.remove(&unfinished.join(name)).map_err(failed("remove an unfinished blob"))?;
        }
        folder.disk.sync_folder(root).map_err(failed("sync a folder"))?;
        if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            folder.disk.sync_folder(parent).map_err(failed("sync a folder"))?;
        }
        Ok(folder)
    }

    fn shelf(&self, first: u8) -> PathBuf {
        self.root.join(format!("{first:02x}"))
    }

    fn path(&self, blob: BlobId) -> PathBuf {
        let [first, ..] = *blob.as_bytes();
        self.shelf(first).join(blob.to_string())
    }
}

impl<D: Disk> Blobs for Folder<D> {
    fn create(&self, blob: BlobId) -> Answer<'_, Result<Box<dyn BlobWrite>, BlobError>> {
        let (disk, to) = (Arc::clone(&self.disk), self.path(blob));
        let from = self.root.join(UNFINISHED).join(blob.to_string());
        Box::pin(blocking(move || {
            let file = disk.create(&from).map_err(failed("create a file"))?;
            let writing = Writing { disk, from: Some(from), to, file: Some(Arc::new(file)) };
            Ok(Box::new(writing) as Box<dyn BlobWrite>)
        }))
    }

    fn open(&self, blob: BlobId, first: usize) -> Answer<'_, Result<Opened, BlobError>> {
        let (disk, path) = (Arc::clone(&self.disk), self.path(blob));
        Box::pin(blocking(move || {
            let (file, bytes) = disk.open(&path).map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => BlobError::Missing { blob },
                _ => BlobError::File { what: "open a blob", source },
            })?;
            let first = first.min(usize::try_from(bytes).unwrap_or(usize::MAX));
            let reading = Arc::new(Reading { disk, file });
            let first = reading.fill(0, first, Vec::new())?;
            Ok(Opened { blob: reading, bytes, first })
        }))
    }

    fn remove(&self, blob: BlobId) -> Answer<'_, Result<(), BlobError>> {
        let (disk, path) = (Arc::clone(&self.disk), self.path(blob));
        Box::pin(blocking(move || {
            match disk.remove(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(failed("remove a blob")(error)),
            }
            match path.parent() {
                Some(shelf) => disk.sync_folder(shelf).map_err(failed("sync a folder")),
                None => Ok(()),
            }
        }))
    }

    fn list(&self, after: Option<BlobId>, limit: usize) -> Answer<'_, Result<Vec<BlobId>, BlobError>> {
        let (disk, root) = (Arc::clone(&self.disk), self.root.clone());
        Box::pin(blocking(move || {
            let mut blobs = Vec::new();
            let from = after.map_or(0, |BlobId([first, ..])| first);
            for shelf in from..=u8::MAX {
                let names = disk.names(&root.join(format!("{shelf:02x}"))).map_err(failed("list a folder"))?;
                let mut found: Vec<BlobId> = names.iter().filter_map(|name| name.parse().ok()).collect();
                found.sort_unstable();
                blobs.extend(found.into_iter().filter(|blob| after.is_none_or(|after| *blob > after)));
                if blobs.len() >= limit {
                    blobs.truncate(limit);
                    break;
                }
            }
            Ok(blobs)
        }))
    }

    fn stored_at(&self, blob: BlobId) -> Answer<'_, Result<Option<i64>, BlobError>> {
        let (disk, path) = (Arc::clone(&self.disk), self.path(blob));
        Box::pin(blocking(move || match disk.modified_ms(&path) {
            Ok(at) => Ok(Some(at)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("look at a blob")(error)),
        }))
    }
}

struct Writing<D: Disk> {
    disk: Arc<D>,
    /// The unfinished file; `None` once it is in its place.
    from: Option<PathBuf>,
    to: PathBuf,
    /// `None` after a failed write: what the disk holds then is not known.
    file: Option<Arc<D::File>>,
}

impl<D: Disk> Writing<D> {
    fn place(&mut self) -> Result<(), BlobError> {
        let (Some(file), Some(from)) = (self.file.take(), self.from.as_ref()) else { return Err(BlobError::Stopped) };
        self.disk.sync(&file).map_err(failed("sync a blob"))?;
        self.disk.rename(from, &self.to).map_err(failed("put a blob into its place"))?;
        self.from = None;
        match self.to.parent() {
            Some(shelf) => self.disk.sync_folder(shelf).map_err(failed("sync a folder")),
            None => Ok(()),
        }
    }
}

impl<D: Disk> BlobWrite for Writing<D> {
    fn write(&mut self, bytes: Vec<u8>) -> Answer<'_, Result<Vec<u8>, BlobError>> {
        Box::pin(async move {
            // Whoever stops waiting, or meets a fault, has no file any more: nothing half written is ever finished.
            let file = self.file.take().ok_or(BlobError::Stopped)?;
            let (disk, handle) = (Arc::clone(&self.disk), Arc::clone(&file));
            let bytes = blocking(move || {
                disk.write(&handle, &bytes).map_err(failed("write a blob"))?;
                Ok(bytes)
            })
            .await?;
            self.file = Some(file);
            Ok(bytes)
        })
    }

    fn finish(mut self: Box<Self>) -> Answer<'static, Result<(), BlobError>> {
        Box::pin(blocking(move || self.place()))
    }
}

impl<D: Disk> Drop for Writing<D> {
    fn drop(&mut self) {
        if let Some(from) = self.from.take() {
            // What cannot be removed now is swept at the next start.
            let _swept_later = self.disk.remove(&from);
        }
    }
}

struct Reading<D: Disk> {
    disk: Arc<D>,
    file: D::File,
}

impl<D: Disk> Reading<D> {
    fn fill(&self, offset: u64, bytes: usize, buffer: Vec<u8>) -> Result<Filled, BlobError> {
        self.disk.read_at(&self.file, offset, bytes, buffer).map_err(failed("read a blob"))
    }
}

impl<D: Disk> BlobRead for Reading<D> {
    fn read_at(
        self: Arc<Self>,
        offset: u64,
        bytes: usize,
        buffer: Vec<u8>,
    ) -> Answer<'static, Result<Filled, BlobError>> {
        Box::pin(blocking(move || self.fill(offset, bytes, buffer)))
    }
}
