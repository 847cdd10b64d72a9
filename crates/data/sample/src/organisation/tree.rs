//! The folder tree while it is written, and the truth about it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use model::{IdentifierType, Jurisdiction};

use super::{Progress, WriteError};
use crate::organisation::population::Patient;

/// A danger that was hidden in the tree for the landscape to surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trap {
    /// A treatment allocation list in a folder that everybody can read.
    UnblindingInShare,
    /// A patient export in an archive within an archive in somebody's downloads.
    PatientExportInDownloads,
    /// Cloud keys in a pipeline's configuration or a notebook.
    CloudKeys,
    /// Japanese Individual Numbers in a staff sheet.
    MyNumberSheet,
    /// Names of people in the read groups of an alignment.
    NamesInReadGroups,
    /// A name in a private DICOM element.
    NameInPrivateTag,
    /// Structures of unpublished compounds in slides for the public.
    CompoundsInSlides,
    /// A list of trial subjects with names attached to an e-mail.
    SubjectListInMail,
    /// Bearer tokens in a log.
    TokensInLog,
    /// An archive under a password.
    EncryptedArchive,
    /// A file that ends too early or does not hang together.
    Truncated,
    /// An archive or document that expands more than a thousandfold.
    DecompressionBomb,
}

/// What one file was made to hold.
#[derive(Debug, Clone, Default)]
pub struct Planted {
    /// Least number of occurrences by type.
    pub identifiers: BTreeMap<IdentifierType, u64>,
    /// Numbers of the patients in it.
    pub subjects: BTreeSet<u32>,
    /// The trap, if it is one.
    pub trap: Option<Trap>,
    /// It cannot be read, or not to its end.
    pub unreadable: bool,
}

impl Planted {
    /// Adds occurrences of a type.
    pub(crate) fn with(mut self, kind: IdentifierType, count: usize) -> Self {
        *self.identifiers.entry(kind).or_default() += count as u64;
        self
    }

    /// Adds occurrences of labelled text.
    pub(crate) fn spans(mut self, spans: &[(usize, usize, IdentifierType)]) -> Self {
        for (_, _, kind) in spans {
            *self.identifiers.entry(*kind).or_default() += 1;
        }
        self
    }

    /// Names the patients in the file.
    pub(crate) fn about<'a>(mut self, patients: impl IntoIterator<Item = &'a Patient>) -> Self {
        self.subjects.extend(patients.into_iter().map(|patient| patient.number));
        self
    }

    /// Marks a trap.
    pub(crate) fn trap(mut self, trap: Trap) -> Self {
        self.trap = Some(trap);
        self.unreadable |= matches!(trap, Trap::EncryptedArchive | Trap::Truncated | Trap::DecompressionBomb);
        self
    }
}

/// What the tree holds.
#[derive(Debug, Clone, Default)]
pub struct Truth {
    /// By path below the tree's root, with `/` between folders.
    pub files: BTreeMap<String, Planted>,
    /// Bytes in all files.
    pub bytes: u64,
    /// Distinct patients and trial subjects that occur in at least one file, by country (`US`, `EU-DE`, `JP`).
    pub subjects: BTreeMap<Jurisdiction, u64>,
    /// Employees of the organisation, who are no patients: people in staff files alone.
    pub employees: u64,
}

impl Truth {
    /// The files of a trap.
    pub fn trapped(&self, trap: Trap) -> impl Iterator<Item = &str> {
        self.files.iter().filter(move |(_, planted)| planted.trap == Some(trap)).map(|(path, _)| path.as_str())
    }
}

/// Writes files and remembers what they hold.
pub struct Tree<'a> {
    root: PathBuf,
    /// The truth so far.
    pub truth: Truth,
    progress: &'a mut dyn FnMut(Progress),
    folders: BTreeSet<PathBuf>,
}

impl<'a> Tree<'a> {
    /// Below a folder that is created when it is missing.
    pub fn new(root: &Path, progress: &'a mut dyn FnMut(Progress)) -> Self {
        Self { root: root.to_owned(), truth: Truth::default(), progress, folders: BTreeSet::new() }
    }

    /// Writes a file.
    pub fn put(&mut self, path: &str, bytes: impl AsRef<[u8]>, planted: Planted) -> Result<(), WriteError> {
        let bytes = bytes.as_ref();
        let target = self.root.join(path);
        let failed = |source| WriteError::File { path: target.clone(), source };
        if let Some(folder) = target.parent()
            && self.folders.insert(folder.to_owned())
        {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        std::fs::write(&target, bytes).map_err(failed)?;
        self.truth.bytes += bytes.len() as u64;
        self.truth.files.insert(path.to_owned(), planted);
        (self.progress)(Progress { files: self.truth.files.len() as u64, bytes: self.truth.bytes });
        Ok(())
    }

    /// Counts the people that occur, and hands the truth over.
    pub fn finish(mut self, patients: &[Patient], employees: u64) -> Truth {
        let seen: BTreeSet<u32> =
            self.truth.files.values().flat_map(|planted| planted.subjects.iter().copied()).collect();
        for patient in patients.iter().filter(|patient| seen.contains(&patient.number)) {
            *self.truth.subjects.entry(patient.jurisdiction()).or_default() += 1;
        }
        self.truth.employees = employees;
        self.truth
    }
}
