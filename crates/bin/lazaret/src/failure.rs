//! How a command ends: its exit code, and what a person is told.

use std::process::ExitCode;

/// A command's end, as exit codes of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// 0: done.
    Done,
    /// 3: done, and what `--fail-on` names was found.
    Found,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::from(0),
            Outcome::Found => Self::from(3),
        }
    }
}

/// Why a command did not end well, by who is to blame.
#[derive(Debug)]
pub(crate) enum Failure {
    /// 1: it failed.
    Failed { code: &'static str, error: anyhow::Error, hint: Option<String> },
    /// 2: it was asked wrongly.
    Usage { message: String, hint: Option<String> },
    /// 4: a verification found a fault.
    Faulty { code: &'static str, message: String, hint: Option<String> },
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    pub(crate) fn faulty(code: &'static str, message: impl Into<String>) -> Self {
        Self::Faulty { code, message: message.into(), hint: None }
    }

    pub(crate) fn failed(code: &'static str, error: impl Into<anyhow::Error>) -> Self {
        Self::Failed { code, error: error.into(), hint: None }
    }

    pub(crate) fn hint(self, text: impl Into<String>) -> Self {
        let text = Some(text.into());
        match self {
            Self::Failed { code, error, .. } => Self::Failed { code, error, hint: text },
            Self::Usage { message, .. } => Self::Usage { message, hint: text },
            Self::Faulty { code, message, .. } => Self::Faulty { code, message, hint: text },
        }
    }

    /// What went wrong, in words.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Failed { error, .. } => format!("{error:#}"),
            Self::Usage { message, .. } | Self::Faulty { message, .. } => message.clone(),
        }
    }

    /// What to do about it, where that is known.
    pub(crate) fn advice(&self) -> Option<&str> {
        match self {
            Self::Failed { hint, .. } | Self::Usage { hint, .. } | Self::Faulty { hint, .. } => hint.as_deref(),
        }
    }

    /// Tells a person on standard error.
    #[expect(clippy::print_stderr, reason = "the one place where failures reach a person")]
    pub(crate) fn tell(&self) -> ExitCode {
        let (message, hint, code, exit) = match self {
            Self::Failed { code, hint, .. } => (self.words(), hint, *code, 1),
            Self::Usage { hint, .. } => (self.words(), hint, "usage", 2),
            Self::Faulty { code, hint, .. } => (self.words(), hint, *code, 4),
        };
        eprintln!("error: {message} [{code}]");
        if let Some(hint) = hint {
            eprintln!("hint: {hint}");
        }
        ExitCode::from(exit)
    }
}
