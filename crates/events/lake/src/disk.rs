//! Files that are there whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::LakeError;

/// What unfinished files end with.
pub(crate) const UNFINISHED: &str = ".new";

/// Makes a folder for its owner alone.
pub(crate) fn private(folder: &Path) -> Result<(), LakeError> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(LakeError::io("made", folder))
}

/// Writes a file beside its place, syncs it, and puts it there.
pub(crate) fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), LakeError> {
    let (path, beside) = (folder.join(name), folder.join(format!("{name}{UNFINISHED}")));
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(LakeError::io("written", &path))
}

/// Takes a file away that may be gone already.
pub(crate) fn remove(folder: &Path, name: &str) -> Result<(), LakeError> {
    let path = folder.join(name);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(LakeError::io("taken away", &path)(error)),
        _ => Ok(()),
    }
}
