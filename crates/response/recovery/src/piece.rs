//! What goes into a backup: files of a folder, and bytes that are made for it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Where a piece's bytes come from.
#[derive(Debug, Clone)]
pub enum Content {
    /// It is a folder.
    Folder,
    /// A file.
    File(PathBuf),
    /// These bytes.
    Bytes(Vec<u8>),
}

/// One file or folder of a backup.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Its path in the snapshot, with `/`, such as `data/objects/ab/abcd…`.
    pub path: String,
    /// Where its bytes come from.
    pub content: Content,
    /// Its length. No more is read, also where the file grows meanwhile.
    pub bytes: u64,
    /// When it was changed, in nanoseconds since 1970, UTC. A file of the same length and time is not read again.
    pub modified_ns: i64,
    /// Permissions.
    pub mode: u32,
}

impl Piece {
    /// Bytes that are made for the backup.
    #[must_use]
    pub fn of_bytes(path: impl Into<String>, bytes: Vec<u8>, now_ms: i64) -> Self {
        Self {
            path: path.into(),
            bytes: bytes.len() as u64,
            content: Content::Bytes(bytes),
            modified_ns: now_ms.saturating_mul(1_000_000),
            mode: 0o600,
        }
    }

    /// A file of a disk.
    ///
    /// # Errors
    /// When it is not there or is no plain file.
    pub fn of_file(path: impl Into<String>, file: &Path) -> std::io::Result<Self> {
        let metadata = std::fs::symlink_metadata(file)?;
        if !metadata.is_file() {
            return Err(std::io::Error::other("it is no plain file"));
        }
        Ok(Self::from_metadata(path.into(), Content::File(file.to_owned()), &metadata))
    }

    /// A folder, which is there also when nothing lies in it.
    #[must_use]
    pub fn of_folder(path: impl Into<String>, now_ms: i64) -> Self {
        let modified_ns = now_ms.saturating_mul(1_000_000);
        Self { path: path.into(), content: Content::Folder, bytes: 0, modified_ns, mode: 0o700 }
    }

    fn from_metadata(path: String, content: Content, metadata: &std::fs::Metadata) -> Self {
        let modified_ns = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
        let bytes = if metadata.is_file() { metadata.len() } else { 0 };
        Self { path, content, bytes, modified_ns, mode: metadata.mode() & 0o7777 }
    }
}

/// What is not in a backup though it lay there, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// Its path in the snapshot.
    pub path: String,
    /// Why.
    pub why: String,
}

/// Everything below `folder`, as pieces below `prefix` (`data`); `skips` tells of a path below the folder whether it is left out.
/// What vanishes meanwhile was taken away; what cannot be read is a problem. Links are not followed.
pub fn walk(
    folder: &Path,
    prefix: &str,
    skips: &dyn Fn(&str) -> bool,
    pieces: &mut Vec<Piece>,
    problems: &mut Vec<Problem>,
) {
    let mut open = vec![(folder.to_owned(), String::new())];
    while let Some((at, below)) = open.pop() {
        let told = |path: &str| format!("{prefix}/{path}");
        let entries = match std::fs::read_dir(&at) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                problems.push(Problem { path: told(&below), why: error.to_string() });
                continue;
            }
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    problems.push(Problem { path: told(&below), why: error.to_string() });
                    continue;
                }
            };
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                let path = told(&format!("{below}{}", name.to_string_lossy()));
                problems.push(Problem { path, why: "its name is not UTF-8".to_owned() });
                continue;
            };
            let path = format!("{below}{name}");
            if skips(&path) {
                continue;
            }
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => {
                    problems.push(Problem { path: told(&path), why: error.to_string() });
                    continue;
                }
            };
            if metadata.is_dir() {
                pieces.push(Piece::from_metadata(told(&path), Content::Folder, &metadata));
                open.push((entry.path(), format!("{path}/")));
            } else if metadata.is_file() {
                pieces.push(Piece::from_metadata(told(&path), Content::File(entry.path()), &metadata));
            } else if metadata.is_symlink() {
                problems.push(Problem { path: told(&path), why: "it is a link, which is not followed".to_owned() });
            }
            // Sockets and the like hold nothing.
        }
    }
}

/// Sorts pieces as a tree lists them: by the names of their folders one by one. Of two with one path the first stays.
pub(crate) fn sort(pieces: &mut Vec<Piece>) {
    let rank = |byte: u8| if byte == b'/' { 0 } else { byte };
    pieces.sort_by(|a, b| a.path.bytes().map(rank).cmp(b.path.bytes().map(rank)));
    pieces.dedup_by(|later, first| later.path == first.path);
}
