//! A folder of small DICOM files.

use std::path::{Path, PathBuf};

use anyhow::Result;
use landscape::inspect::Inspector;

use super::Options;
use super::workloads::inspect_with;

/// How many files there are.
const FILES: usize = 5_000;

/// The folder, made when it is not there yet.
pub(super) fn folder(options: &Options) -> Result<PathBuf> {
    let folder = options.data.join("dicom");
    if folder.exists() {
        return Ok(folder);
    }
    let partial = options.data.join("dicom.partial");
    std::fs::create_dir_all(&partial)?;
    for (number, bytes) in sample::images::dicom(1, FILES).enumerate() {
        std::fs::write(partial.join(format!("{number:05}.dcm")), bytes)?;
    }
    std::fs::rename(&partial, &folder)?;
    Ok(folder)
}

/// Inspects every file; how many there were and how many identifiers.
pub(super) fn inspect_all(inspector: &Inspector, folder: &Path) -> Result<(f64, u64)> {
    let mut scratch = inspector.scratch();
    let (mut files, mut found) = (0.0, 0);
    for entry in std::fs::read_dir(folder)? {
        found += inspect_with(inspector, &entry?.path(), &mut scratch)?;
        files += 1.0;
    }
    Ok((files, found))
}
