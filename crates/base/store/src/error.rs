//! What goes wrong in the store, with the facts.

/// Why the store could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be opened.
    #[error(
        "the database `{location}` cannot be opened; check that it exists, that you may use it and that its address is right"
    )]
    Open {
        /// Path, or address without its password.
        location: String,
        /// What the engine says.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// The database file cannot be created or its mode not set.
    #[error("the database file `{path}` cannot be created; check the folder's owner and free space")]
    File {
        /// The file.
        path: String,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The database was written by a newer version.
    #[error(
        "the database is at schema version {found}, this program knows up to {known}; use the newer program or restore a backup"
    )]
    Newer {
        /// Version of the database.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// The database has not been brought to this program's schema yet, and is opened only to be read.
    #[error(
        "the database is at schema version {found}, this program reads {known}; start `lazaret up` of this version once"
    )]
    Older {
        /// Version of the database.
        found: i64,
        /// The version that this program reads.
        known: i64,
    },
    /// What was deleted still stands in the write-ahead log, because somebody keeps reading.
    #[error("deleted rows still stand in the write-ahead log, because the database is being read; do it again")]
    Unscrubbed,
    /// The program ends, and the work with it.
    #[error("the work was stopped before it ended; look at what became of it before doing it again")]
    Stopped,
    /// A migration failed; nothing of it was applied.
    #[error("schema step {version} `{name}` failed; the database is as it was before the step")]
    Migration {
        /// Its number.
        version: i64,
        /// Its name.
        name: &'static str,
        /// What the engine says.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// A statement failed.
    #[error("the database refused: {source}")]
    Sql {
        /// What the engine says.
        #[from]
        source: sqlx::Error,
    },
    /// A row does not have the shape that the schema promises.
    #[error(
        "a row has {found} in column {column} where {wanted} belongs; the database was changed by something else, restore a backup"
    )]
    Shape {
        /// Position of the column, from 0.
        column: usize,
        /// What is there.
        found: &'static str,
        /// What belongs there.
        wanted: &'static str,
    },
    /// A column has a type that no statement of this crate uses.
    #[error("a column of type `{type_name}` cannot be read")]
    Type {
        /// The engine's name of the type.
        type_name: String,
    },
    /// Something that must be unique is there already.
    #[error("{what} `{name}` exists already; choose another name")]
    Exists {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
}

impl StoreError {
    /// Whether a row refers to another that is not there.
    #[must_use]
    pub fn is_reference_violation(&self) -> bool {
        matches!(self, Self::Sql { source: sqlx::Error::Database(error) } if error.is_foreign_key_violation())
    }

    /// Whether a unique constraint refused.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Sql { source: sqlx::Error::Database(error) } if error.is_unique_violation())
    }
}
