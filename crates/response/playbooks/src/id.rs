//! Identifiers of CACAO (section 10.10): what kind of thing, two hyphens, a UUID.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `kind--uuid`, in the form that RFC 4122 gives a UUID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(String);

/// A text that is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no identifier; it is written `kind--UUID`, with a UUID of versions 1 to 5")]
pub struct IdError(pub String);

impl Id {
    /// Reads one.
    ///
    /// # Errors
    /// When it is not of the form.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError(crate::fault::shown(text));
        let (kind, uuid) = text.split_once("--").ok_or_else(wrong)?;
        let kind_holds = kind.len() >= 2
            && kind.len() <= 100
            && kind.starts_with(|c: char| c.is_ascii_lowercase())
            && !kind.ends_with('-')
            && kind.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if kind_holds && is_uuid(uuid) { Ok(Self(text.to_owned())) } else { Err(wrong()) }
    }

    /// What kind of thing it names.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.split_once("--").map_or("", |(kind, _)| kind)
    }

    /// The UUID.
    #[must_use]
    pub fn uuid(&self) -> &str {
        self.0.split_once("--").map_or("", |(_, uuid)| uuid)
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Id {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        Self::parse(&text)
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0
    }
}

/// Whether it has the form, a version of 1 to 5 and the variant of RFC 4122.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => (b'1'..=b'5').contains(&byte),
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b' | b'A' | b'B'),
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_identifier() {
        for good in
            ["action--9fcc5c3b-0b70-4d73-b01c-1d2c3b4d5e6f", "if-condition--9fcc5c3b-0b70-1d73-b01c-1d2c3b4d5e6f"]
        {
            assert_eq!(Id::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "action",
            "action--",
            "Action--9fcc5c3b-0b70-4d73-b01c-1d2c3b4d5e6f",
            "action--9fcc5c3b-0b70-6d73-b01c-1d2c3b4d5e6f",
            "action--9fcc5c3b-0b70-4d73-c01c-1d2c3b4d5e6f",
            "action--9fcc5c3b-0b70-4d73-b01c-1d2c3b4d5é6",
            "-a--9fcc5c3b-0b70-4d73-b01c-1d2c3b4d5e6f",
        ] {
            assert!(Id::parse(bad).is_err(), "{bad}");
        }
    }
}
