//! Sealing small secrets and personal details under keys that can be destroyed. Implemented by the vault; used by whoever
//! must keep a detail that somebody may have to be able to erase.

use std::pin::Pin;

use crate::{ObjectId, PrincipalId, StudyId, SubjectId};

/// What an asynchronous question answers, for traits that are used as objects.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Whose key seals a detail. Destroying that key erases every detail under it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The whole organisation: details that are no person's, such as the secret of an access key.
    Organisation,
    /// One study.
    Study(StudyId),
    /// One actor, such as its name.
    Principal(PrincipalId),
    /// One object, such as its name.
    Object(ObjectId),
    /// One data subject.
    Subject(SubjectId),
    /// One UTC day, for what concerns nothing that has a key of its own.
    Day(jiff::civil::Date),
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Organisation => f.write_str("organisation"),
            Self::Study(id) => write!(f, "study:{id}"),
            Self::Principal(id) => write!(f, "principal:{id}"),
            Self::Object(id) => write!(f, "object:{id}"),
            Self::Subject(id) => write!(f, "subject:{id}"),
            Self::Day(day) => write!(f, "day:{day}"),
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = crate::UnknownName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || crate::UnknownName { name: text.to_owned(), set: "scope of a key" };
        if text == "organisation" {
            return Ok(Self::Organisation);
        }
        let (kind, id) = text.split_once(':').ok_or_else(unknown)?;
        let scope = match kind {
            "study" => id.parse().ok().map(Self::Study),
            "principal" => id.parse().ok().map(Self::Principal),
            "object" => id.parse().ok().map(Self::Object),
            "subject" => id.parse().ok().map(Self::Subject),
            "day" => id.parse().ok().map(Self::Day),
            _ => None,
        };
        scope.ok_or_else(unknown)
    }
}

/// Why something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// The key was destroyed, so that what it sealed is erased.
    #[error("the key of `{scope}` was destroyed; what it sealed is erased")]
    Destroyed {
        /// Whose key.
        scope: Scope,
    },
    /// The bytes are not what was sealed under this key for this context.
    #[error("a sealed detail of `{scope}` was altered, or belongs elsewhere")]
    Altered {
        /// Whose key.
        scope: Scope,
    },
    /// No answer: the key provider or the key table cannot be reached. Nothing may be released.
    #[error("the key of `{scope}` cannot be reached; check the key provider and try again")]
    Unavailable {
        /// Whose key.
        scope: Scope,
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Seals and opens small values, at most 64 KiB each.
pub trait Envelope: Send + Sync + 'static {
    /// Seals `plain` under the key of `scope`, which is made if it is not there yet. `context` must be given again to
    /// open: it says what the detail belongs to, so that none can be moved elsewhere.
    fn seal<'a>(
        &'a self,
        scope: &'a Scope,
        context: &'a [u8],
        plain: &'a [u8],
    ) -> Answer<'a, Result<Vec<u8>, EnvelopeError>>;

    /// Opens what [`Envelope::seal`] gave for the same scope and context.
    fn open<'a>(
        &'a self,
        scope: &'a Scope,
        context: &'a [u8],
        sealed: &'a [u8],
    ) -> Answer<'a, Result<Vec<u8>, EnvelopeError>>;
}
