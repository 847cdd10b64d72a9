//! What finding objects yields, whatever the source.

use std::path::PathBuf;
use std::sync::Arc;

use formats::Problem;
use store::foreign::ForeignTable;

/// One top-level object that was found and not opened yet.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its path within the source.
    pub name: String,
    /// Its size as the source has it.
    pub bytes: u64,
    /// Equal stamps mean equal content; `None` where nothing tells.
    pub stamp: Option<String>,
    /// When it was written to, milliseconds since 1970, UTC.
    pub modified_at: Option<i64>,
    /// Who owns it; empty when unknown.
    pub owner: Arc<str>,
    /// How it is opened.
    pub body: Body,
}

/// How an object is opened.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// A file at the path below the root that its name says, or at this one where the name was altered.
    File(Option<PathBuf>),
    /// An object of a store under this key.
    Key(object_store::path::Path),
    /// A table.
    Table(Arc<ForeignTable>),
    /// It cannot be opened, and this is why.
    Unreadable(Problem),
    /// It is no object, and this is what it is.
    Other(Problem),
}

/// Takes what is found.
pub(crate) trait Intake {
    /// One object. Waits while too much is waiting to be inspected.
    ///
    /// # Errors
    /// When nothing more is wanted.
    fn found(&mut self, found: Found) -> Result<(), Stopped>;

    /// Nothing is known about what lies below the object of this name: it could not be listed.
    fn unlisted(&mut self, name: &str);

    /// An entry that is no object and of which nothing need be said: a link to what is found under its own name.
    fn skipped(&mut self);
}

/// Nothing more is wanted: the scan was cancelled, or its writer is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stopped;
