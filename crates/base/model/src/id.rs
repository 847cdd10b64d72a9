//! Names that are numbers: random ids that say nothing about whom or what they stand for.

/// Text that is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the id of a {of}: 32 hexadecimal digits in lower case are expected")]
pub struct BadId {
    /// What was given.
    pub text: String,
    /// What it should have named.
    pub of: &'static str,
}

/// The 16 bytes that 32 lower-case hexadecimal digits stand for.
fn parse(text: &str) -> Option<[u8; 16]> {
    let digits = text.as_bytes();
    if digits.len() != 32 {
        return None;
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            let value = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return None,
            };
            *byte = *byte << 4 | value;
        }
    }
    Some(bytes)
}

/// Declares ids of 16 random bytes that print as 32 hexadecimal digits. They are drawn by the caller, never used twice,
/// and carry no meaning.
macro_rules! random_id {
    ($($(#[$outer:meta])* $name:ident = $of:literal;)+) => { $(
        $(#[$outer])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 16]);

        impl $name {
            /// From 16 random bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                parse(text).map(Self).ok_or_else(|| BadId { text: text.to_owned(), of: $of })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+ };
}

random_id! {
    /// A person, service, partner user, device or AI agent. Never used again for another, also after removal
    /// (21 CFR 11.100(a)).
    PrincipalId = "principal";
    /// One stored object, over all its versions.
    ObjectId = "object";
    /// One version of a stored object.
    VersionId = "version";
    /// A data subject: the only name under which one enters the ledger.
    SubjectId = "data subject";
}

/// Text that cannot name a study.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` cannot name a study: 3 to 63 lower-case letters, digits, `-` and `.`, beginning and ending with a letter or \
     digit, without `..`, and not an IP address"
)]
pub struct BadStudyId {
    /// What was given.
    pub text: String,
}

/// A study: the unit of isolation and of keys. Its id follows the rules for names of S3 buckets, because each study is a
/// bucket (Amazon S3 User Guide, "General purpose bucket naming rules").
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct StudyId(Box<str>);

impl StudyId {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for StudyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl std::str::FromStr for StudyId {
    type Err = BadStudyId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_edge = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let bytes = text.as_bytes();
        let holds = (3..=63).contains(&bytes.len())
            && bytes.iter().all(|byte| is_edge(Some(byte)) || matches!(byte, b'-' | b'.'))
            && is_edge(bytes.first())
            && is_edge(bytes.last())
            && !text.contains("..")
            && text.parse::<std::net::Ipv4Addr>().is_err();
        if holds { Ok(Self(text.into())) } else { Err(BadStudyId { text: text.to_owned() }) }
    }
}

impl<'de> serde::Deserialize<'de> for StudyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{ObjectId, StudyId};

    #[test]
    fn ids_print_and_parse() {
        let id = ObjectId::from_bytes([0xAB; 16]);
        assert_eq!(id.to_string(), "ab".repeat(16));
        assert_eq!(id.to_string().parse::<ObjectId>(), Ok(id));
        for wrong in ["", "ab", &"AB".repeat(16), &"g0".repeat(16), &"ab".repeat(17)] {
            assert!(wrong.parse::<ObjectId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn studies_are_named_like_buckets() {
        for good in ["abc", "onc-201", "a.b-c", "0ab", "x".repeat(63).as_str()] {
            assert!(good.parse::<StudyId>().is_ok(), "{good}");
        }
        for wrong in ["", "ab", "Abc", "a_b", "-ab", "ab-", "a..b", "10.0.0.1", "a/b", "../x", "x".repeat(64).as_str()]
        {
            assert!(wrong.parse::<StudyId>().is_err(), "{wrong}");
        }
    }
}
