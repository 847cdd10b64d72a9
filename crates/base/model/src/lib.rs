//! The shared nouns of Lazaret. What comes in: nothing; what goes out: types that every other crate
//! speaks. This crate does no I/O, reads no clock and draws no randomness.

mod access;
mod envelope;
pub mod event;
mod finding;
mod format;
mod id;
mod identifier;
mod incident;
mod jurisdiction;
mod label;
mod law;
pub mod record;
mod recovery;
mod touched;

pub use access::{Action, PrincipalKind};
pub use envelope::{Answer, Envelope, EnvelopeError, Scope};
pub use event::Event;
pub use finding::{FindingState, FoundBy, Verdict};
pub use format::Format;
pub use id::{BadId, BadStudyId, ObjectId, PrincipalId, StudyId, SubjectId, VersionId};
pub use identifier::IdentifierType;
pub use incident::{IncidentState, Severity};
pub use jurisdiction::Jurisdiction;
pub use label::Label;
pub use law::LawId;
pub use record::{By, Receipt, Record, RecordError};
pub use recovery::{RecoveryKind, RecoveryState};
pub use touched::{Access, Noted, Numbering, Touched};

/// A name that is not one of a closed set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a known {set}")]
pub struct UnknownName {
    /// What was given.
    pub name: String,
    /// The set it was looked up in, in words.
    pub set: &'static str,
}

/// Declares a closed set of names: an enum whose variants print, parse and serialise as the given text.
macro_rules! closed_set {
    ($(#[$outer:meta])* $name:ident, $set:literal, { $($(#[$meta:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name { $($(#[$meta])* $variant,)+ }

        impl $name {
            /// Every member, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name used on the command line, in JSON and in content files.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownName;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::UnknownName { name: text.to_owned(), set: $set }),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use closed_set;
