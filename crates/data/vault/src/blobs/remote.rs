//! Blobs in S3, Azure or Google Cloud, or whatever else `object_store` speaks to.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use model::Answer;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _};

use super::{BlobError, BlobId, BlobRead, BlobWrite, Blobs, Filled, Opened};

/// Bytes that are uploaded at a time; S3 takes parts of 5 MiB and more, at most 10,000 of them. What is shorter goes in
/// one request.
const UPLOAD_BYTES: usize = 10 << 20;

/// Blobs below a prefix of a remote store. The store makes an upload visible whole or not at all.
#[derive(Debug)]
pub struct Remote {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
}

impl Remote {
    /// Below `prefix` of `store`.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, prefix: Path) -> Self {
        Self { store, prefix }
    }

    fn path(&self, blob: BlobId) -> Path {
        self.prefix.clone().join(blob.to_string())
    }
}

fn failed(what: &'static str) -> impl FnOnce(object_store::Error) -> BlobError {
    move |source| BlobError::Remote { what, source: Box::new(source) }
}

fn failed_io(what: &'static str) -> impl FnOnce(std::io::Error) -> BlobError {
    move |source| BlobError::File { what, source }
}

impl Blobs for Remote {
    fn create(&self, blob: BlobId) -> Answer<'_, Result<Box<dyn BlobWrite>, BlobError>> {
        let writer = BufWriter::with_capacity(Arc::clone(&self.store), self.path(blob), UPLOAD_BYTES);
        Box::pin(async move { Ok(Box::new(Writing { writer: Some(writer) }) as Box<dyn BlobWrite>) })
    }

    fn open(&self, blob: BlobId, first: usize) -> Answer<'_, Result<Opened, BlobError>> {
        Box::pin(async move {
            let path = self.path(blob);
            let range = Some(GetRange::Bounded(0..first as u64));
            let options = GetOptions { range, ..GetOptions::default() };
            let found = self.store.get_opts(&path, options).await.map_err(|source| match source {
                object_store::Error::NotFound { .. } => BlobError::Missing { blob },
                source => failed("read a blob")(source),
            })?;
            let bytes = found.meta.size;
            let first = Filled::whole(found.bytes().await.map_err(failed("read a blob"))?.to_vec());
            let reading = Arc::new(Reading { store: Arc::clone(&self.store), path, bytes });
            Ok(Opened { blob: reading, bytes, first })
        })
    }

    fn remove(&self, blob: BlobId) -> Answer<'_, Result<(), BlobError>> {
        Box::pin(async move {
            match self.store.delete(&self.path(blob)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(source) => Err(failed("remove a blob")(source)),
            }
        })
    }

    fn list(&self, after: Option<BlobId>, limit: usize) -> Answer<'_, Result<Vec<BlobId>, BlobError>> {
        Box::pin(async move {
            let mut found = match after {
                Some(after) => self.store.list_with_offset(Some(&self.prefix), &self.path(after)),
                None => self.store.list(Some(&self.prefix)),
            };
            let mut blobs = Vec::new();
            while let Some(meta) = found.try_next().await.map_err(failed("list blobs"))? {
                blobs.extend(meta.location.filename().and_then(|name| name.parse::<BlobId>().ok()));
            }
            // Stores list in order of their names, the one in memory and folders do not promise it.
            blobs.sort_unstable();
            blobs.truncate(limit);
            Ok(blobs)
        })
    }

    fn stored_at(&self, blob: BlobId) -> Answer<'_, Result<Option<i64>, BlobError>> {
        Box::pin(async move {
            match self.store.head(&self.path(blob)).await {
                Ok(meta) => Ok(Some(meta.last_modified.timestamp_millis())),
                Err(object_store::Error::NotFound { .. }) => Ok(None),
                Err(source) => Err(failed("look at a blob")(source)),
            }
        })
    }
}

struct Writing {
    writer: Option<BufWriter>,
}

impl BlobWrite for Writing {
    fn write(&mut self, bytes: Vec<u8>) -> Answer<'_, Result<Vec<u8>, BlobError>> {
        Box::pin(async move {
            // As in a folder: a fault, or nobody waiting any more, ends the blob.
            let mut writer = self.writer.take().ok_or(BlobError::Stopped)?;
            writer.put(Bytes::from(bytes)).await.map_err(failed("store a blob"))?;
            self.writer = Some(writer);
            Ok(Vec::new())
        })
    }

    fn finish(mut self: Box<Self>) -> Answer<'static, Result<(), BlobError>> {
        Box::pin(async move {
            let mut writer = self.writer.take().ok_or(BlobError::Stopped)?;
            tokio::io::AsyncWriteExt::shutdown(&mut writer).await.map_err(failed_io("store a blob"))
        })
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let (Some(mut writer), Ok(runtime)) = (self.writer.take(), tokio::runtime::Handle::try_current()) {
            // Parts of an upload that was given up cost money until they are aborted.
            drop(runtime.spawn(async move {
                let _expired_by_the_store = writer.abort().await;
            }));
        }
    }
}

struct Reading {
    store: Arc<dyn ObjectStore>,
    path: Path,
    bytes: u64,
}

impl BlobRead for Reading {
    fn read_at(
        self: Arc<Self>,
        offset: u64,
        bytes: usize,
        mut buffer: Vec<u8>,
    ) -> Answer<'static, Result<Filled, BlobError>> {
        Box::pin(async move {
            let end = offset.saturating_add(bytes as u64).min(self.bytes);
            buffer.clear();
            if offset < end {
                let bytes = self.store.get_range(&self.path, offset..end).await.map_err(failed("read a blob"))?;
                buffer.extend_from_slice(&bytes);
            }
            Ok(Filled::whole(buffer))
        })
    }
}
