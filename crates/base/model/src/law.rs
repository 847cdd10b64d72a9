//! Laws by id. The laws themselves are data under content/.

/// The id of a law in content/, such as `hipaa` or `gdpr`: lower-case letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct LawId(Box<str>);

impl LawId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for LawId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for LawId {
    type Err = crate::UnknownName;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let well_formed =
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if well_formed {
            Ok(Self(text.into()))
        } else {
            Err(crate::UnknownName { name: text.to_owned(), set: "law id" })
        }
    }
}

impl<'de> serde::Deserialize<'de> for LawId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
