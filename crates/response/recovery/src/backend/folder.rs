//! A repository in a folder, as restic lays it out. A file is written beside its place, synced and renamed, so that after a kill
//! or a loss of power it is whole or not there.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rustic_core::{
    ALL_FILE_TYPES, BytesList, ErrorKind, FileType, Id, ReadBackend, RusticError, RusticResult, WriteBackend,
};

use super::{Faults, path_of};

/// What is being written lies here; restic does not look at it.
const UNFINISHED: &str = "unfinished";

#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    faults: Faults,
    written: AtomicU64,
}

impl Folder {
    pub(super) fn new(root: &Path, faults: Faults) -> Self {
        Self { root: root.to_owned(), faults, written: AtomicU64::new(0) }
    }

    fn path(&self, kind: FileType, id: &Id) -> PathBuf {
        self.root.join(path_of(kind, id))
    }

    fn put(&self, path: &Path, content: &BytesList) -> io::Result<()> {
        let unfinished = self.root.join(UNFINISHED);
        private(&unfinished)?;
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let beside = unfinished.join(format!("{}-{number}", std::process::id()));
        let write = || {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
            for piece in content.slice() {
                file.write_all(piece)?;
            }
            file.sync_all()?;
            let folder = path.parent().unwrap_or(&self.root);
            private(folder)?;
            std::fs::rename(&beside, path)?;
            File::open(folder)?.sync_all()
        };
        write().inspect_err(|_| {
            let _gone = std::fs::remove_file(&beside);
        })
    }
}

fn private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn failed(what: &'static str, path: &Path, error: io::Error) -> Box<RusticError> {
    RusticError::with_source(ErrorKind::Backend, format!("`{{path}}` cannot be {what}"), error)
        .attach_context("path", path.display().to_string())
}

fn length(path: &Path, bytes: u64) -> RusticResult<u32> {
    u32::try_from(bytes).map_err(|error| failed("read", path, io::Error::other(error)))
}

impl ReadBackend for Folder {
    fn location(&self) -> String {
        self.root.display().to_string()
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        if kind == FileType::Config {
            let path = self.root.join("config");
            return match std::fs::metadata(&path) {
                Ok(metadata) => Ok(vec![(Id::default(), length(&path, metadata.len())?)]),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
                Err(error) => Err(failed("read", &path, error)),
            };
        }
        let root = self.root.join(kind.dirname());
        let mut folders = vec![root.clone()];
        if kind == FileType::Pack {
            folders.extend((0..=u8::MAX).map(|byte| root.join(format!("{byte:02x}"))));
        }
        let mut found = Vec::new();
        for folder in folders {
            let entries = match std::fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed("listed", &folder, error)),
            };
            for entry in entries {
                let entry = entry.map_err(|error| failed("listed", &folder, error))?;
                let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<Id>().ok()) else { continue };
                match entry.metadata() {
                    Ok(metadata) if metadata.is_file() => found.push((id, length(&entry.path(), metadata.len())?)),
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(failed("read", &entry.path(), error)),
                }
            }
        }
        Ok(found)
    }

    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        let path = self.path(kind, id);
        let read = || self.faults.go_on().and_then(|()| std::fs::read(&path));
        read().map(Bytes::from).map_err(|error| failed("read", &path, error))
    }

    fn read_partial(&self, kind: FileType, id: &Id, _: bool, offset: u32, length: u32) -> RusticResult<Bytes> {
        let path = self.path(kind, id);
        let read = || {
            self.faults.go_on()?;
            let mut bytes = vec![0; length as usize];
            File::open(&path)?.read_exact_at(&mut bytes, u64::from(offset))?;
            Ok(Bytes::from(bytes))
        };
        read().map_err(|error| failed("read", &path, error))
    }

    fn warmup_path(&self, kind: FileType, id: &Id) -> String {
        self.path(kind, id).display().to_string()
    }
}

impl WriteBackend for Folder {
    fn create(&self) -> RusticResult<()> {
        let names = ALL_FILE_TYPES.iter().map(|kind| kind.dirname()).chain(["locks", UNFINISHED]);
        for folder in names.map(|name| self.root.join(name)) {
            private(&folder).map_err(|error| failed("made", &folder, error))?;
        }
        Ok(())
    }

    fn write_bytes(&self, kind: FileType, id: &Id, _: bool, content: BytesList) -> RusticResult<()> {
        let path = self.path(kind, id);
        self.faults.go_on().and_then(|()| self.put(&path, &content)).map_err(|error| {
            self.faults.keep(&error);
            failed("written", &path, error)
        })
    }

    fn remove(&self, kind: FileType, id: &Id, _: bool) -> RusticResult<()> {
        let path = self.path(kind, id);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("removed", &path, error)),
            _ => Ok(()),
        }
    }
}
