//! A made-up life-science organisation, *Aurelion Bio*, as a folder tree: trials, hospital exports, a biobank,
//! genomics, chemistry, staff files, mail and the places where such data should not be.

mod biobank;
mod discovery;
mod edc;
mod genomics;
mod hospital;
mod imaging;
mod office;
mod population;
mod secrets;
mod study;
mod traps;
mod tree;

use std::io;
use std::path::{Path, PathBuf};

pub(crate) use population::Patient;
pub use tree::{Planted, Trap, Truth};

/// How far the writing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Files written.
    pub files: u64,
    /// Bytes written.
    pub bytes: u64,
}

/// Why the tree could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A file or folder could not be created.
    #[error("cannot write `{path}`: check that the folder is writable and the disk not full")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An archive could not be put together.
    #[error("cannot put an archive of the sample together")]
    Archive(#[from] io::Error),
    /// Random content did not serialise.
    #[error("cannot put a JSON document of the sample together")]
    Json(#[from] serde_json::Error),
}

/// Writes the organisation below `dir` and tells what was planted where. `scale` multiplies the number of people: 1
/// gives about a thousand of them. The same seed and scale give the same bytes.
///
/// # Errors
/// When a file cannot be written. What was written before stays.
pub fn write(dir: &Path, seed: u64, scale: usize, progress: &mut dyn FnMut(Progress)) -> Result<Truth, WriteError> {
    let patients = population::draw(seed, scale.max(1));
    let mut tree = tree::Tree::new(dir, progress);
    hospital::write(&mut tree, seed, &patients)?;
    study::write(&mut tree, seed, &patients)?;
    edc::write(&mut tree, seed, &patients)?;
    imaging::write(&mut tree, seed, &patients)?;
    biobank::write(&mut tree, seed, &patients)?;
    genomics::write(&mut tree, seed, &patients)?;
    discovery::write(&mut tree, seed)?;
    let employees = office::write(&mut tree, seed)?;
    traps::write(&mut tree, seed, &patients)?;
    Ok(tree.finish(&patients, employees))
}
