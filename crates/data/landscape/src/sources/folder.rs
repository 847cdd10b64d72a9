//! Folders on disk: found without following a link out of them, opened so that a swap in between is noticed.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{File, FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use formats::{Problem, ProblemKind};

use super::found::{Body, Found, Intake, Stopped};
use super::{SourceError, canonical, name};

/// Entries of one folder that are put in order; a larger folder is taken in portions of this size.
const ORDERED_MAX: usize = 50_000;
/// Folders of Linux that hold no data but a view of the running system, some of it without end.
const VIRTUAL: [&str; 3] = ["/proc", "/sys", "/dev"];
/// A file written to less than this before it was looked at may be written to again within the same tick of its clock,
/// milliseconds. Linux ticks up to every 10 ms.
const TICK_MILLISECONDS: u64 = 20;

/// A folder, or one file, as a source.
pub(crate) struct Folder {
    /// Absolute and free of links.
    root: PathBuf,
    /// The name of the only file, where the source is one.
    only: Option<OsString>,
    excluded: Vec<PathBuf>,
    owners: HashMap<u32, Arc<str>>,
}

/// A part of a source: a file, or a folder and all below it; by its path below the root. Empty is the whole.
pub(crate) type Part = PathBuf;

impl Folder {
    /// Opens the folder or file at `path`. Whatever lies in `excluded` is left out.
    pub(crate) fn open(path: &Path, excluded: &[PathBuf]) -> Result<Self, SourceError> {
        let unreachable = |error: io::Error| SourceError::Unreachable {
            location: path.display().to_string(),
            why: error.to_string(),
            instead: "check that it exists and that you may read it",
        };
        let root = canonical(path)?;
        let metadata = root.metadata().map_err(unreachable)?;
        let excluded = excluded.iter().filter_map(|path| real(path)).collect();
        let owners = owners();
        if metadata.is_dir() {
            root.read_dir().map_err(unreachable)?;
            return Ok(Self { root, only: None, excluded, owners });
        }
        let only = root.file_name().map(ToOwned::to_owned).filter(|_| metadata.is_file());
        let Some(only) = only else { return Err(unreachable(io::Error::other(kind(metadata.file_type())))) };
        Ok(Self { root: root.parent().unwrap_or(Path::new("/")).to_owned(), only: Some(only), excluded, owners })
    }

    /// Where its files lie, absolute.
    pub(crate) fn path(&self, found: &Found) -> Option<PathBuf> {
        match &found.body {
            Body::File(None) => Some(self.root.join(&found.name)),
            Body::File(Some(relative)) => Some(self.root.join(relative)),
            _ => None,
        }
    }

    /// Where the file of a name below it lies, if no link leads there.
    pub(crate) fn below(&self, name: &str) -> Option<PathBuf> {
        self.is_inside(Path::new(name)).then(|| self.root.join(name))
    }

    /// Finds every file of `parts`, folders in the order of their names.
    pub(crate) fn find(&self, parts: &[Part], intake: &mut dyn Intake) -> Result<(), Stopped> {
        if let Some(only) = &self.only {
            return self.entry(Path::new(only), &mut Vec::new(), intake);
        }
        for part in parts {
            let mut folders = Vec::new();
            if part.as_os_str().is_empty() {
                folders.push(PathBuf::new());
            } else if self.is_inside(part) {
                self.entry(part, &mut folders, intake)?;
            }
            while let Some(folder) = folders.pop() {
                self.folder(&folder, &mut folders, intake)?;
            }
        }
        Ok(())
    }

    /// Whether the folder that holds `part` is reached without a link.
    fn is_inside(&self, part: &Path) -> bool {
        let Some(parent) = self.root.join(part).parent().map(Path::to_owned) else { return false };
        parent.canonicalize().is_ok_and(|real| real == parent)
    }

    /// Lists one folder; those in it are put on the stack, so that the first by name is the next.
    fn folder(&self, relative: &Path, folders: &mut Vec<PathBuf>, intake: &mut dyn Intake) -> Result<(), Stopped> {
        let path = self.root.join(relative);
        // Between being found and being listed, a folder may have been replaced by a link.
        let listed = match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => path.read_dir(),
            Ok(_) => return Ok(()),
            Err(error) => Err(error),
        };
        let mut entries = match listed {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !relative.as_os_str().is_empty() => return Ok(()),
            Err(error) => return self.unlisted(relative, &error, intake),
        };
        let deeper = folders.len();
        loop {
            let mut names = Vec::new();
            let mut failed = None;
            for entry in entries.by_ref().take(ORDERED_MAX) {
                match entry {
                    Ok(entry) => names.push(entry.file_name()),
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
            if names.is_empty() && failed.is_none() {
                break;
            }
            names.sort_unstable();
            for name in names {
                self.entry(&relative.join(name), folders, intake)?;
            }
            if let Some(error) = failed {
                self.unlisted(relative, &error, intake)?;
                break;
            }
        }
        folders.get_mut(deeper..).unwrap_or_default().reverse();
        Ok(())
    }

    fn unlisted(&self, relative: &Path, error: &io::Error, intake: &mut dyn Intake) -> Result<(), Stopped> {
        let name = name::of_path(relative);
        intake.unlisted(&name);
        let message = format!("this folder cannot be listed ({error}); what lies in it is unknown until it can be");
        let problem = Problem::new(ProblemKind::Io, message);
        intake.found(plain(name, Body::Unreadable(problem)))
    }

    fn entry(&self, relative: &Path, folders: &mut Vec<PathBuf>, intake: &mut dyn Intake) -> Result<(), Stopped> {
        let path = self.root.join(relative);
        let metadata = match path.symlink_metadata() {
            Ok(metadata) => metadata,
            // It went away while its folder was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                let message = format!("cannot be looked at ({error}); check its path and who may read it");
                let name = name::of_path(relative);
                // It may be a folder, for all that is known.
                intake.unlisted(&name);
                return intake.found(plain(name, Body::Unreadable(Problem::new(ProblemKind::Io, message))));
            }
        };
        if self.excluded.iter().any(|excluded| path.starts_with(excluded)) {
            intake.skipped();
            return Ok(());
        }
        if metadata.is_dir() {
            if cfg!(target_os = "linux") && VIRTUAL.iter().any(|folder| path == Path::new(folder)) {
                return self.other(relative, &metadata, "is a view of the running system and holds no data", intake);
            }
            folders.push(relative.to_owned());
            return Ok(());
        }
        if metadata.is_symlink() {
            return self.link(relative, &path, &metadata, intake);
        }
        if !metadata.is_file() {
            return self.other(relative, &metadata, kind(metadata.file_type()), intake);
        }
        let name = name::of_path(relative);
        let altered = (Path::new(&name) != relative).then(|| relative.to_owned());
        intake.found(self.described(name, &metadata, Body::File(altered)))
    }

    fn link(&self, relative: &Path, path: &Path, metadata: &Metadata, intake: &mut dyn Intake) -> Result<(), Stopped> {
        match path.canonicalize() {
            Ok(target) if target.starts_with(&self.root) => {
                intake.skipped();
                Ok(())
            }
            Ok(_) => {
                let what = "is a link out of this source and not followed; add its target as a source of its own";
                self.other(relative, metadata, what, intake)
            }
            Err(_) => self.other(relative, metadata, "is a link that leads nowhere", intake),
        }
    }

    fn other(&self, relative: &Path, metadata: &Metadata, what: &str, intake: &mut dyn Intake) -> Result<(), Stopped> {
        let body = Body::Other(Problem::unsupported(what));
        intake.found(self.described(name::of_path(relative), metadata, body))
    }

    fn described(&self, name: String, metadata: &Metadata, body: Body) -> Found {
        Found {
            name,
            bytes: if metadata.is_file() { metadata.len() } else { 0 },
            stamp: Some(stamp(metadata)),
            modified_at: modified_at(metadata),
            owner: self.owner(metadata),
            body,
        }
    }

    #[cfg(unix)]
    fn owner(&self, metadata: &Metadata) -> Arc<str> {
        let uid = std::os::unix::fs::MetadataExt::uid(metadata);
        self.owners.get(&uid).map_or_else(|| format!("uid {uid}").into(), Arc::clone)
    }

    #[cfg(not(unix))]
    fn owner(&self, _: &Metadata) -> Arc<str> {
        Arc::from("")
    }
}

/// The absolute path without links of something that may not be there yet.
fn real(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().or_else(|| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    })
}

/// Something of which nothing is known but that it is there.
fn plain(name: String, body: Body) -> Found {
    Found { name, bytes: 0, stamp: None, modified_at: None, owner: Arc::from(""), body }
}

/// A file that was opened, as it was at that moment.
pub(crate) struct Opened {
    /// The file, at its start.
    pub file: File,
    /// See [`Found::stamp`].
    pub stamp: String,
    /// See [`Found::bytes`].
    pub bytes: u64,
    /// See [`Found::modified_at`].
    pub modified_at: Option<i64>,
}

/// Opens the file that was found at `path`. Whatever stands there by now is noticed by its stamp, which holds the number
/// of the file itself.
pub(crate) fn open(path: &Path) -> io::Result<Opened> {
    // Opening a pipe would wait for its other end.
    if !path.symlink_metadata()?.is_file() {
        return Err(io::Error::other("it was replaced by something that is no file; scan it again"));
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it was replaced by something that is no file; scan it again"));
    }
    Ok(Opened { stamp: stamp(&metadata), bytes: metadata.len(), modified_at: modified_at(&metadata), file })
}

/// Whether a file that was written to at `modified_at` and read from `now` on may have been written to unnoticed; both
/// are milliseconds since 1970, UTC.
pub(crate) fn is_fresh(modified_at: Option<i64>, now: i64) -> bool {
    modified_at.is_some_and(|at| at.abs_diff(now) < TICK_MILLISECONDS)
}

/// Size, times of writing and of any change, and the number of the file.
#[cfg(unix)]
pub(crate) fn stamp(metadata: &Metadata) -> String {
    use std::os::unix::fs::MetadataExt;
    let (m, c) = ((metadata.mtime(), metadata.mtime_nsec()), (metadata.ctime(), metadata.ctime_nsec()));
    format!("{}:{}.{:09}:{}.{:09}:{}", metadata.size(), m.0, m.1, c.0, c.1, metadata.ino())
}

/// Size and times of writing and creation.
#[cfg(not(unix))]
pub(crate) fn stamp(metadata: &Metadata) -> String {
    let nanoseconds = |time: io::Result<std::time::SystemTime>| {
        time.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_nanos())
    };
    format!("{}:{}:{}", metadata.len(), nanoseconds(metadata.modified()), nanoseconds(metadata.created()))
}

fn modified_at(metadata: &Metadata) -> Option<i64> {
    let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

#[cfg(unix)]
fn kind(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_socket() {
        "is a socket, not a file"
    } else if kind.is_fifo() {
        "is a pipe, not a file"
    } else if kind.is_block_device() || kind.is_char_device() {
        "is a device, not a file"
    } else {
        "is neither a file nor a folder"
    }
}

#[cfg(not(unix))]
fn kind(_: FileType) -> &'static str {
    "is neither a file nor a folder"
}

/// Names of users by number, from the system's own list (passwd(5)).
fn owners() -> HashMap<u32, Arc<str>> {
    let list = if cfg!(unix) { std::fs::read("/etc/passwd").unwrap_or_default() } else { Vec::new() };
    let list = String::from_utf8_lossy(&list);
    let user = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        Some((fields.nth(1)?.parse().ok()?, Arc::from(name)))
    };
    list.lines().filter_map(user).collect()
}
