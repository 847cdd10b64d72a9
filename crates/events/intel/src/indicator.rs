//! What is looked for, since when and until when, and who says so.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What sort of thing an indicator names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An address or a block of addresses.
    Ip,
    /// A name in the DNS, and every name below it.
    Domain,
    /// A web address.
    Url,
    /// A digest of a file or certificate.
    Hash,
    /// The name of a file, without its folder.
    FileName,
    /// An e-mail address.
    Email,
    /// The id of a vulnerability.
    Vulnerability,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Ip, Self::Domain, Self::Url, Self::Hash, Self::FileName, Self::Email, Self::Vulnerability];

    /// Its name in JSON and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Domain => "domain",
            Self::Url => "url",
            Self::Hash => "hash",
            Self::FileName => "file_name",
            Self::Email => "email",
            Self::Vulnerability => "vulnerability",
        }
    }
}

/// A digest's algorithm; those with lengths in common are told apart by the source alone.
#[expect(missing_docs, reason = "the names are the algorithms' own")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    /// Of the imports of a program; MD5 underneath.
    Imphash,
    /// Of the greeting of a TLS client; MD5 underneath.
    Ja3,
}

impl Algorithm {
    /// The algorithm whose digest has so many hexadecimal digits.
    pub fn of_length(digits: usize) -> Option<Self> {
        match digits {
            32 => Some(Self::Md5),
            40 => Some(Self::Sha1),
            64 => Some(Self::Sha256),
            96 => Some(Self::Sha384),
            128 => Some(Self::Sha512),
            _ => None,
        }
    }

    /// Hexadecimal digits of a digest.
    pub fn digits(self) -> usize {
        match self {
            Self::Md5 | Self::Imphash | Self::Ja3 => 32,
            Self::Sha1 => 40,
            Self::Sha256 => 64,
            Self::Sha384 => 96,
            Self::Sha512 => 128,
        }
    }
}

/// A block of addresses; a single one has the longest prefix. The bits behind the prefix are zero, and an IPv4 address
/// inside IPv6 (RFC 4291 section 2.5.5.2) is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// The block of `prefix` bits that the address lies in; `None` where the family has fewer bits.
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        match (address, address.to_canonical()) {
            (IpAddr::V6(_), IpAddr::V4(inner)) if prefix >= 96 => Self::new(IpAddr::V4(inner), prefix - 96),
            (IpAddr::V4(v4), _) if prefix <= 32 => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                Some(Self { address: IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & mask)), prefix })
            }
            (IpAddr::V6(v6), _) if prefix <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                Some(Self { address: IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask)), prefix })
            }
            _ => None,
        }
    }

    /// Its first address.
    pub fn address(self) -> IpAddr {
        self.address
    }

    /// The bits that its addresses share.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// Whether an address lies in it.
    pub fn contains(self, address: IpAddr) -> bool {
        Self::new(address.to_canonical(), self.prefix) == Some(self)
    }

    /// Whether two blocks have an address in common.
    pub fn overlaps(self, other: Self) -> bool {
        if self.prefix <= other.prefix { self.contains(other.address) } else { other.contains(self.address) }
    }

    fn is_single(self) -> bool {
        self.prefix == if self.address.is_ipv4() { 32 } else { 128 }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is no address or block of addresses", text.escape_debug());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => {
                let is_number = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
                (address, Some(prefix.parse::<u8>().ok().filter(|_| is_number).ok_or_else(wrong)?))
            }
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok().ok_or_else(wrong)?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        Self::new(address, prefix.unwrap_or(whole)).ok_or_else(wrong)
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_single() { self.address.fmt(f) } else { write!(f, "{}/{}", self.address, self.prefix) }
    }
}

/// How a text is compared that is not simply the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// `%` stands for any text, `_` for any one character (STIX 2.1 section 9.6, `LIKE`).
    Like(String),
    /// A regular expression that is found anywhere in it (STIX 2.1 section 9.6, `MATCHES`).
    Matches(String),
}

/// One thing to look for, normalised.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Atom {
    /// An address of a block.
    Network(Network),
    /// A name or one below it; in small letters, without the last dot.
    Domain(String),
    /// A web address as [`crate::normal::url`] writes it; without `scheme://` it stands for any scheme.
    Url(String),
    /// A digest in small hexadecimal digits.
    Hash(Algorithm, String),
    /// A file's name in small letters.
    FileName(String),
    /// An address in small letters.
    Email(String),
    /// An id in capitals.
    Vulnerability(String),
    /// A text of a kind that passes a test.
    Text(Kind, Test),
}

impl Atom {
    /// What sort of thing it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Network(_) => Kind::Ip,
            Self::Domain(_) => Kind::Domain,
            Self::Url(_) => Kind::Url,
            Self::Hash(..) => Kind::Hash,
            Self::FileName(_) => Kind::FileName,
            Self::Email(_) => Kind::Email,
            Self::Vulnerability(_) => Kind::Vulnerability,
            Self::Text(kind, _) => *kind,
        }
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Domain(text)
            | Self::Url(text)
            | Self::Hash(_, text)
            | Self::FileName(text)
            | Self::Email(text)
            | Self::Vulnerability(text) => f.write_str(text),
            Self::Text(kind, Test::Like(text)) => write!(f, "{} LIKE {text}", kind.as_str()),
            Self::Text(kind, Test::Matches(text)) => write!(f, "{} MATCHES {text}", kind.as_str()),
        }
    }
}

/// What an event must hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expression {
    /// This.
    One(Atom),
    /// All of these, anywhere in one event.
    All(Vec<Expression>),
    /// One of these.
    Any(Vec<Expression>),
}

impl Expression {
    /// Calls for each atom, from left to right.
    pub fn atoms<'a>(&'a self, take: &mut dyn FnMut(&'a Atom)) {
        match self {
            Self::One(atom) => take(atom),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.atoms(take)),
        }
    }
}

/// What an indicator looks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Looks {
    /// Something that events are matched with.
    For(Expression),
    /// Something that no event can be matched with; kept, so that it can be read.
    Kept {
        /// As the source writes it.
        pattern: String,
        /// Why not.
        why: String,
    },
}

/// Where an indicator's end comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// Its source says it.
    Stated,
    /// content/intel/lifetimes.toml, because its source says nothing.
    Default,
    /// It has none.
    Never,
}

/// A paper or page about it (STIX 2.1 section 2.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Whose it is.
    pub source: String,
    /// Its id there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// What the KEV catalogue says of a vulnerability.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exploited {
    /// Who makes the product.
    pub vendor: String,
    /// The product.
    pub product: String,
    /// Until when US federal agencies must have mended it, as a day.
    pub due: String,
    /// Whether extortionists are known to use it.
    pub ransomware: bool,
    /// What to do.
    pub action: String,
}

/// What surrounds an indicator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    /// What its source calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Labels, types and tags of the source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Phases of kill chains, as `chain:phase`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<String>,
    /// Papers and pages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// Who is behind it: threat actors, intrusion sets, campaigns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<String>,
    /// Malware and tools that it belongs to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub malware: Vec<String>,
    /// What the KEV catalogue says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exploited: Option<Exploited>,
}

/// Something known to be bad.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Indicator {
    /// Who says so.
    pub source: String,
    /// Its id there.
    pub id: String,
    /// What it looks for.
    pub looks: Looks,
    /// Since when it holds, in milliseconds since 1970; the time of import where the source says nothing.
    pub since_ms: i64,
    /// Whether the source says since when.
    pub since_stated: bool,
    /// When it ends; events from then on do not match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    /// Who says when it ends.
    pub until: Until,
    /// Whether its source took it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoked: bool,
    /// How sure the source is, from 0 to 100 (STIX 2.1 section 3.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// What surrounds it; nothing for the entries of plain lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Box<Context>>,
}

impl Indicator {
    /// Whether it is not taken back and holds at a time.
    pub fn is_live(&self, at_ms: i64) -> bool {
        !self.revoked && self.since_ms <= at_ms && self.until_ms.is_none_or(|until| at_ms < until)
    }

    /// The expression that events are matched with, if there is one.
    pub fn expression(&self) -> Option<&Expression> {
        match &self.looks {
            Looks::For(expression) => Some(expression),
            Looks::Kept { .. } => None,
        }
    }
}

/// Something that was not taken as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where in the source: a line, an id, a path.
    pub place: String,
    /// What is wrong and what to do.
    pub why: String,
    /// Whether something was left out; otherwise it was taken and is only told.
    pub left_out: bool,
}
