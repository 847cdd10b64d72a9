//! Why a question was not answered.

use std::time::Duration;

use datafusion::error::DataFusionError;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum HuntError {
    /// It is not written as SQL is, or names what is not there.
    #[error("the question cannot be understood: {why}")]
    Question {
        /// What is wrong.
        why: String,
    },
    /// It would do more than read.
    #[error("{what} is refused: a hunt only reads; write one SELECT, WITH … SELECT, or EXPLAIN")]
    Refused {
        /// What it asks for.
        what: String,
    },
    /// A parameter is missing, unknown or of another kind.
    #[error("parameter `{name}`: {why}; give it as `--param {name}=VALUE`")]
    Parameter {
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// It took too long.
    #[error("no answer within {after:?}; ask for a shorter time range, or give it longer with `--timeout`")]
    Slow {
        /// The limit.
        after: Duration,
    },
    /// It needed too much memory.
    #[error(
        "the answer needs more than {limit_mib} MiB of memory; ask for a shorter time range, fewer columns, or a LIMIT"
    )]
    Memory {
        /// The limit.
        limit_mib: usize,
    },
    /// The lake.
    #[error(transparent)]
    Lake(#[from] lake::LakeError),
    /// The catalogue.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// The answer could not be written.
    #[error("the answer cannot be written: {0}")]
    Output(#[source] std::io::Error),
    /// Something else broke while it was answered.
    #[error("the question was not answered: {0}")]
    Engine(#[source] Box<DataFusionError>),
}

impl HuntError {
    /// Whether who asked can mend it by asking otherwise.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        matches!(self, Self::Question { .. } | Self::Refused { .. } | Self::Parameter { .. })
    }

    /// A stable code for it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Question { .. } | Self::Parameter { .. } => "usage",
            Self::Refused { .. } => "refused",
            Self::Slow { .. } => "timeout",
            Self::Memory { .. } => "memory",
            Self::Lake(_) => "lake",
            Self::Store(_) => "store",
            Self::Output(_) => "output",
            Self::Engine(_) => "hunt",
        }
    }

    /// What the engine says while it plans is about the question; while it answers, about something else.
    pub(crate) fn planning(error: &DataFusionError) -> Self {
        Self::Question { why: words(error) }
    }

    pub(crate) fn answering(error: DataFusionError, memory_bytes: usize) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => Self::Memory { limit_mib: memory_bytes >> 20 },
            // A value that cannot be cast, a division by zero: the question's own.
            DataFusionError::ArrowError(..) | DataFusionError::Plan(_) | DataFusionError::Execution(_) => {
                Self::Question { why: words(&error) }
            }
            _ => Self::Engine(Box::new(error)),
        }
    }
}

/// The first line of what the engine says, without the trace it may carry.
fn words(error: &DataFusionError) -> String {
    let text = error.strip_backtrace();
    text.lines().next().unwrap_or_default().to_owned()
}
