//! A repository in a bucket, in the layout that restic uses there too. Where the bucket has object lock with a default retention,
//! nobody, this program included, can change or take away what was stored before the retention is over.

use std::future::Future;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use rustic_core::{BytesList, ErrorKind, FileType, Id, ReadBackend, RusticError, RusticResult, WriteBackend};
use tokio::runtime::Handle;

use super::{Faults, path_of};

pub(super) struct Bucket {
    name: String,
    store: Arc<dyn ObjectStore>,
    prefix: String,
    /// Calls wait here, from threads that are not the runtime's own.
    runtime: Handle,
    faults: Faults,
}

impl Bucket {
    pub(super) fn new(name: &str, store: Arc<dyn ObjectStore>, prefix: &str, runtime: Handle, faults: Faults) -> Self {
        Self { name: name.to_owned(), store, prefix: prefix.trim_matches('/').to_owned(), runtime, faults }
    }

    fn path(&self, below: &str) -> Path {
        if self.prefix.is_empty() { Path::from(below) } else { Path::from(format!("{}/{below}", self.prefix)) }
    }

    fn wait<T>(
        &self,
        what: &'static str,
        path: &Path,
        work: impl Future<Output = Result<T, object_store::Error>>,
    ) -> RusticResult<T> {
        let at = || format!("{}/{path}", self.name);
        let failed = || format!("`{{path}}` cannot be {what}");
        self.faults.go_on().map_err(|stopped| {
            RusticError::with_source(ErrorKind::Backend, failed(), stopped).attach_context("path", at())
        })?;
        self.runtime
            .block_on(work)
            .map_err(|error| RusticError::with_source(ErrorKind::Backend, failed(), error).attach_context("path", at()))
    }
}

fn size(path: &Path, bytes: u64) -> RusticResult<u32> {
    u32::try_from(bytes).map_err(|error| {
        RusticError::with_source(ErrorKind::Backend, "`{path}` is too long", error)
            .attach_context("path", path.to_string())
    })
}

impl ReadBackend for Bucket {
    fn location(&self) -> String {
        self.name.clone()
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        if kind == FileType::Config {
            let path = self.path("config");
            let found = self.wait("looked for", &path, async {
                match self.store.head(&path).await {
                    Err(object_store::Error::NotFound { .. }) => Ok(None),
                    other => other.map(Some),
                }
            })?;
            return found.into_iter().map(|found| Ok((Id::default(), size(&path, found.size)?))).collect();
        }
        let path = self.path(kind.dirname());
        let all: Vec<object_store::ObjectMeta> =
            self.wait("listed", &path, self.store.list(Some(&path)).try_collect())?;
        let named = all.iter().filter_map(|one| Some((one.location.filename()?.parse::<Id>().ok()?, one)));
        named.map(|(id, one)| Ok((id, size(&one.location, one.size)?))).collect()
    }

    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        let path = self.path(&path_of(kind, id));
        self.wait("read", &path, async { self.store.get(&path).await?.bytes().await })
    }

    fn read_partial(&self, kind: FileType, id: &Id, _: bool, offset: u32, length: u32) -> RusticResult<Bytes> {
        let path = self.path(&path_of(kind, id));
        let range = u64::from(offset)..u64::from(offset) + u64::from(length);
        self.wait("read", &path, self.store.get_range(&path, range))
    }

    fn warmup_path(&self, kind: FileType, id: &Id) -> String {
        self.path(&path_of(kind, id)).to_string()
    }
}

impl WriteBackend for Bucket {
    fn write_bytes(&self, kind: FileType, id: &Id, _: bool, content: BytesList) -> RusticResult<()> {
        let path = self.path(&path_of(kind, id));
        let payload: PutPayload = content.into_vec().into_iter().collect();
        self.wait("written", &path, self.store.put(&path, payload)).map(drop).inspect_err(|error| {
            self.faults.keep(&io::Error::other(error.display_log()));
        })
    }

    fn remove(&self, kind: FileType, id: &Id, _: bool) -> RusticResult<()> {
        let path = self.path(&path_of(kind, id));
        self.wait("removed", &path, async {
            match self.store.delete(&path).await {
                Err(object_store::Error::NotFound { .. }) => Ok(()),
                other => other,
            }
        })
    }
}
