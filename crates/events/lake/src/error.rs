//! Why the lake did not do something.

use std::path::{Path, PathBuf};

/// Why the lake did not do something.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// A file or folder.
    #[error("`{path}` cannot be {verb}: {source}; check its owner and the free space")]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        verb: &'static str,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Another process writes this lake.
    #[error("`{path}` is open in another process; one at a time writes a lake")]
    Locked {
        /// The lock.
        path: PathBuf,
    },
    /// A file is not what was sealed under this key and name.
    #[error(
        "`{path}` was altered, belongs elsewhere, or was sealed under another key; take the lake's folder away and it is made anew from the ledger"
    )]
    Altered {
        /// Which.
        path: PathBuf,
    },
    /// A segment that the manifest names is not there.
    #[error(
        "segment `{name}` is not there: the lake changed meanwhile, or the file was taken away; ask again, and if it stays so take the lake's folder away: it is made anew from the ledger"
    )]
    Missing {
        /// Which.
        name: String,
    },
    /// Opened bytes are not what this version writes.
    #[error("`{path}` cannot be understood: {why}; use the version that wrote it")]
    Form {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Rows do not go on where the lake ends.
    #[error(
        "row {found} was given where row {expected} belongs; append rows from the lake's next index on, without a gap"
    )]
    Order {
        /// The index that belongs there.
        expected: u64,
        /// What was given.
        found: u64,
    },
    /// Rows lie beyond the checkpoint that they are to be bound to.
    #[error("row {index} lies beyond the checkpoint over {size} entries; publish a later one first")]
    Beyond {
        /// The row.
        index: u64,
        /// Entries that the checkpoint covers.
        size: u64,
    },
    /// One row alone makes a segment too large.
    #[error("row {index} takes {bytes} bytes sealed, more than the {limit} of a segment")]
    TooLarge {
        /// The row.
        index: u64,
        /// Its size.
        bytes: usize,
        /// The most.
        limit: usize,
    },
    /// A file of retention cannot be read.
    #[error("retention: {why}; see content/lake/retention.toml for the form")]
    Retention {
        /// What is wrong.
        why: String,
    },
    /// The columnar format.
    #[error("the columns cannot be written or read")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// Columns in memory.
    #[error("the columns do not fit together")]
    Arrow(#[from] arrow_schema::ArrowError),
    /// The cryptographic library.
    #[error("{what} failed in the cryptographic library")]
    Primitive {
        /// Which operation.
        what: &'static str,
    },
    /// No randomness.
    #[error("no random bytes can be had")]
    Random(#[source] std::io::Error),
}

impl LakeError {
    pub(crate) fn io(verb: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, verb, source }
    }
}
