//! Objects whole, where they lie: listed, read from their first byte to their last, and taken away once somebody else
//! keeps them.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use object_store::{GetOptions, ObjectStore, ObjectStoreExt as _};
use tokio::runtime::Handle;

use super::bucket::{self, Bucket};
use super::folder::{self, Folder};
use super::found::{Body, Found, Intake, Stopped};
use super::{Listing, Part, SourceError, SourceSpec};

/// Bytes of a file that are read at a time.
const PIECE_BYTES: usize = 1 << 20;

/// What a list tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// An object.
    Object {
        /// Its path within the source.
        name: String,
        /// Its size.
        bytes: u64,
    },
    /// Something that cannot be taken over.
    Left {
        /// Its path within the source.
        name: String,
        /// Why not.
        why: String,
    },
}

/// Bytes as they are read.
pub type Pieces = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// An object where it lies.
pub struct Lying {
    /// Its size.
    pub bytes: u64,
    /// Equal stamps mean equal content.
    pub stamp: String,
    at: At,
}

enum At {
    File(PathBuf),
    Key(Arc<dyn ObjectStore>, object_store::path::Path),
}

fn no_objects(spec: &SourceSpec) -> SourceError {
    SourceError::Unreachable {
        location: spec.to_string(),
        why: "a database holds rows, not objects".to_owned(),
        instead: "give a folder or a bucket",
    }
}

struct Each<'a>(&'a mut dyn FnMut(Listed) -> bool);

impl Intake for Each<'_> {
    fn found(&mut self, found: Found) -> Result<(), Stopped> {
        let Found { name, bytes, body, .. } = found;
        let left = |why: String| Listed::Left { name: name.clone(), why };
        let listed = match body {
            Body::File(None) | Body::Key(_) => Listed::Object { name: name.clone(), bytes },
            Body::File(Some(_)) => left("its name is no Unicode text, or too long; rename it first".to_owned()),
            Body::Table(_) => left("it is a table".to_owned()),
            Body::Unreadable(problem) | Body::Other(problem) => left(problem.message),
        };
        if (self.0)(listed) { Ok(()) } else { Err(Stopped) }
    }

    /// It is found as unreadable as well.
    fn unlisted(&mut self, _: &str) {}

    fn skipped(&mut self) {}
}

/// Lists the objects of a folder or bucket, until `each` says that it wants no more. For a thread outside the runtime.
///
/// # Errors
/// When the source cannot be listed.
pub fn list(
    spec: &SourceSpec,
    excluded: &[PathBuf],
    runtime: Handle,
    each: &mut dyn FnMut(Listed) -> bool,
) -> Result<(), SourceError> {
    let mut intake = Each(each);
    let listed = match spec {
        SourceSpec::Folder(path) => {
            Folder::open(path, excluded)?.find(&[Part::new()], &mut intake).map_err(Listing::from)
        }
        SourceSpec::Store(url) => Bucket::open(url, runtime)?.find(&AtomicBool::new(false), &mut intake),
        SourceSpec::Postgres(_) | SourceSpec::Sqlite(_) => return Err(no_objects(spec)),
    };
    match listed {
        Ok(()) | Err(Listing::Stopped) => Ok(()),
        Err(Listing::Failed(error)) => Err(error),
    }
}

/// Whether a name leads nowhere but below its source.
fn is_below(name: &str) -> bool {
    !name.is_empty() && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

impl Lying {
    /// The object that [`list`] told of under `name`.
    ///
    /// # Errors
    /// When it is not there any more, or cannot be read.
    pub async fn open(spec: &SourceSpec, name: &str) -> Result<Self, SourceError> {
        let unreachable = |why: String| SourceError::Unreachable {
            location: spec.shown(name),
            why,
            instead: "check that it exists and that you may read it",
        };
        match spec {
            SourceSpec::Folder(root) => {
                if !is_below(name) {
                    return Err(unreachable("its name leads out of the source".to_owned()));
                }
                let path = Folder::open(root, &[])?
                    .below(name)
                    .ok_or_else(|| unreachable("it lies behind a link".to_owned()))?;
                let opened = folder::open(&path).map_err(|error| unreachable(error.to_string()))?;
                Ok(Self { bytes: opened.bytes, stamp: opened.stamp, at: At::File(path) })
            }
            SourceSpec::Store(url) => {
                let bucket = Bucket::open(url, Handle::current())?;
                let failed = |error: object_store::Error| unreachable(bucket::describe(&error));
                let mut meta = bucket.store.head(&bucket.key(name)).await;
                if matches!(meta, Err(object_store::Error::NotFound { .. })) && bucket.is_itself(name) {
                    meta = bucket.store.head(bucket.prefix()).await;
                }
                let meta = meta.map_err(failed)?;
                let at = At::Key(Arc::clone(&bucket.store), meta.location.clone());
                Ok(Self { bytes: meta.size, stamp: bucket::stamp(&meta), at })
            }
            SourceSpec::Postgres(_) | SourceSpec::Sqlite(_) => Err(no_objects(spec)),
        }
    }

    /// Its bytes. They end with an error where it is not the object any more that was opened.
    pub fn read(&self) -> Pieces {
        match &self.at {
            At::File(path) => file(path.clone(), self.stamp.clone()),
            At::Key(store, key) => {
                let (store, key) = (Arc::clone(store), key.clone());
                let if_match = bucket::tag(&self.stamp).map(str::to_owned);
                let options = GetOptions { if_match, ..GetOptions::default() };
                let got = async move { store.get_opts(&key, options).await.map(object_store::GetResult::into_stream) };
                stream::once(got).try_flatten().map_err(io::Error::from).boxed()
            }
        }
    }

    /// Takes it away.
    ///
    /// # Errors
    /// When it was changed since, or cannot be removed.
    pub async fn remove(&self) -> io::Result<()> {
        let changed = || io::Error::other("it was changed in the meantime; adopt it again");
        match &self.at {
            At::File(path) => {
                if folder::open(path)?.stamp != self.stamp {
                    return Err(changed());
                }
                std::fs::remove_file(path)
            }
            At::Key(store, key) => {
                if bucket::stamp(&store.head(key).await?) != self.stamp {
                    return Err(changed());
                }
                Ok(store.delete(key).await?)
            }
        }
    }
}

/// A file's pieces.
fn file(path: PathBuf, stamp: String) -> Pieces {
    let open = move || {
        let opened = folder::open(&path)?;
        if opened.stamp != stamp {
            return Err(io::Error::other("it was changed in the meantime; adopt it again"));
        }
        Ok(opened.file)
    };
    Box::pin(stream::try_unfold((None, Some(open)), |(file, open)| async move {
        let piece = move || -> io::Result<(Bytes, std::fs::File)> {
            let mut file = match (file, open) {
                (Some(file), _) => file,
                (None, Some(open)) => open()?,
                (None, None) => return Err(io::Error::other("nothing to read")),
            };
            let mut buffer = Vec::with_capacity(PIECE_BYTES);
            io::Read::read_to_end(&mut io::Read::take(&mut file, PIECE_BYTES as u64), &mut buffer)?;
            Ok((Bytes::from(buffer), file))
        };
        let (piece, file) = tokio::task::spawn_blocking(piece).await.map_err(io::Error::other)??;
        Ok(if piece.is_empty() { None } else { Some((piece, (Some(file), None))) })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(spec: &SourceSpec, runtime: &tokio::runtime::Runtime) -> Vec<String> {
        let mut names = Vec::new();
        let mut each = |listed: Listed| {
            names.push(match listed {
                Listed::Object { name, .. } => name,
                Listed::Left { name, .. } => format!("left {name}"),
            });
            true
        };
        list(spec, &[], runtime.handle().clone(), &mut each).unwrap();
        names
    }

    #[test]
    fn files_are_listed_read_and_taken_away() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        let content = vec![7_u8; PIECE_BYTES + 5];
        std::fs::write(folder.path().join("a/b.txt"), &content).unwrap();
        std::fs::write(folder.path().join("empty"), "").unwrap();
        std::fs::write(outside.path().join("x"), "not ours").unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
        let spec = SourceSpec::Folder(folder.path().to_owned());
        assert_eq!(names(&spec, &runtime), ["empty", "left out", "a/b.txt"]);
        runtime.block_on(async {
            let lying = Lying::open(&spec, "a/b.txt").await.unwrap();
            let read: Vec<Bytes> = lying.read().try_collect().await.unwrap();
            assert!(read.concat() == content && lying.bytes == content.len() as u64);
            for name in ["../x", "/etc/passwd", "", "out/x", "a", "none"] {
                assert!(Lying::open(&spec, name).await.is_err(), "{name}");
            }
            std::fs::write(folder.path().join("a/b.txt"), "other").unwrap();
            assert!(lying.read().try_collect::<Vec<_>>().await.is_err(), "it was changed");
            assert!(lying.remove().await.is_err());
            Lying::open(&spec, "a/b.txt").await.unwrap().remove().await.unwrap();
            assert!(!folder.path().join("a/b.txt").exists());
        });
    }
}
