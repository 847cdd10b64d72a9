//! What goes wrong while reading, by who is to blame.

/// The sink asked to stop (cancelled, or it has seen enough).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("reading was stopped")]
pub struct Halt;

/// Why a part of an object, or all of it, was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProblemKind {
    /// The bytes end before the structure does.
    Truncated,
    /// The bytes contradict the format.
    Malformed,
    /// A password or key is needed.
    Encrypted,
    /// A named limit (size, depth, count, time, expansion) was reached.
    Limit,
    /// The format or one of its options is not read by this version.
    Unsupported,
    /// The operating system or store refused.
    Io,
}

impl ProblemKind {
    /// The kind with that code; what is not one of ours is damage.
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        let kinds = [Self::Truncated, Self::Encrypted, Self::Limit, Self::Unsupported, Self::Io];
        kinds.into_iter().find(|kind| kind.code() == code).unwrap_or(Self::Malformed)
    }

    /// A stable code for machines.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::Encrypted => "encrypted",
            Self::Limit => "limit",
            Self::Unsupported => "unsupported",
            Self::Io => "io",
        }
    }
}

/// One reason why something was not read: what, where and what to do next, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Who is to blame.
    pub kind: ProblemKind,
    /// One line, lower case, no full stop, input in backticks. Never holds the object's text.
    pub message: String,
}

impl Problem {
    /// A problem with its line.
    pub fn new(kind: ProblemKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
    /// The bytes end early.
    pub fn truncated(message: impl Into<String>) -> Self {
        Self::new(ProblemKind::Truncated, message)
    }
    /// The bytes contradict the format.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(ProblemKind::Malformed, message)
    }
    /// A password is needed.
    pub fn encrypted(message: impl Into<String>) -> Self {
        Self::new(ProblemKind::Encrypted, message)
    }
    /// A named limit was reached.
    pub fn limit(message: impl Into<String>) -> Self {
        Self::new(ProblemKind::Limit, message)
    }
    /// Not read by this version.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ProblemKind::Unsupported, message)
    }
}

/// Why a reader ended before the end of its object.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The sink asked to stop: the whole walk ends.
    #[error(transparent)]
    Halted(#[from] Halt),
    /// This object ends here; its siblings go on.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// Input failed. Unexpected ends are reported as truncation.
    #[error("reading failed: {0}")]
    Io(#[from] std::io::Error),
}

impl ReadError {
    /// As a problem to report, or `None` when the walk was stopped on purpose.
    #[must_use]
    pub fn into_problem(self) -> Option<Problem> {
        match self {
            Self::Halted(_) => None,
            Self::Problem(problem) => Some(problem),
            Self::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<Self>()) => {
                error.into_inner().and_then(|inner| inner.downcast::<Self>().ok())?.into_problem()
            }
            Self::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Some(Problem::truncated("the object ends before its structure does"))
            }
            Self::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                Some(Problem::malformed(format!("damaged data: {error}")))
            }
            Self::Io(error) => Some(Problem::new(ProblemKind::Io, format!("reading failed: {error}"))),
        }
    }
}

/// So that a stream can stop the reader of what is inside it; [`ReadError::into_problem`] unwraps it again.
impl From<ReadError> for std::io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error,
            error => Self::other(error),
        }
    }
}
