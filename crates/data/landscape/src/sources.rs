//! Where objects come from: folders, object stores, and the tables of databases.
//!
//! A [`SourceSpec`] is what a person types or a configuration holds. It says where to look and never shows a
//! credential: those of object stores come from the environment, and the password in a PostgreSQL address stays inside
//! it, out of every message, log and row.

mod bucket;
mod database;
mod folder;
mod found;
mod hashed;
mod name;
mod open;
mod ranged;
mod wait;
pub mod whole;

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use url::Url;
use zeroize::Zeroizing;

pub(crate) use bucket::Listing;
pub(crate) use folder::{Part, is_fresh};
pub(crate) use found::{Body, Found, Intake, Stopped};
pub(crate) use name::{bounded, of_path, storable};
pub(crate) use open::{Inspection, OpenSource, Reading, gathered};

/// A place to scan.
#[derive(Clone, PartialEq, Eq)]
pub enum SourceSpec {
    /// A folder, or one file.
    Folder(PathBuf),
    /// A bucket or container, or a part of one: `s3://bucket/prefix`, `az://container@account`, `gs://bucket`.
    Store(StoreUrl),
    /// Every table and view of a PostgreSQL database that its user may read.
    Postgres(PostgresUrl),
    /// Every table and view of a SQLite file.
    Sqlite(PathBuf),
}

/// Which rows of a table are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SampleRule {
    /// All of them.
    #[default]
    All,
    /// About this many, spread over the table.
    Rows(u64),
}

/// The address of a bucket or container without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreUrl(Url);

/// The address of a PostgreSQL database. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    whole: Zeroizing<String>,
    shown: String,
}

/// Why a place cannot be scanned.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Not a place of a known kind.
    #[error(
        "`{given}` is no place that can be scanned; give a folder, `s3://bucket/prefix`, `az://container@account`, \
         `gs://bucket`, `postgres://user@host/database` or `sqlite:FILE`"
    )]
    Unknown {
        /// The address, up to its host.
        given: String,
    },
    /// The address holds something it must not.
    #[error("the address of `{shown}` holds {what}; take it out and {instead}")]
    Address {
        /// The address without what is wrong.
        shown: String,
        /// What it holds.
        what: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// It is not there, or may not be read.
    #[error("`{location}` cannot be scanned: {why}; {instead}")]
    Unreachable {
        /// Where, without credentials.
        location: String,
        /// What the operating system, store or database says.
        why: String,
        /// What to do.
        instead: &'static str,
    },
    /// A source with this id is not in the catalogue.
    #[error("there is no source {id} in the catalogue; it may have been a mistyped address")]
    NoSource {
        /// The id asked for.
        id: u32,
    },
}

impl SourceSpec {
    /// The kind as the catalogue keeps it: `folder`, `bucket`, `postgres` or `sqlite`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Folder(_) => "folder",
            Self::Store(_) => "bucket",
            Self::Postgres(_) => "postgres",
            Self::Sqlite(_) => "sqlite",
        }
    }

    /// Where it is, without credentials, equal for equal places: what the catalogue keeps as the source's location. A
    /// folder's path is absolute and free of links.
    ///
    /// # Errors
    /// When a folder or file is not there.
    pub fn location(&self) -> Result<String, SourceError> {
        match self {
            Self::Folder(path) | Self::Sqlite(path) => canonical(path).map(|path| path.to_string_lossy().into_owned()),
            Self::Store(_) | Self::Postgres(_) => Ok(self.to_string()),
        }
    }

    /// The place of a source in the catalogue, from its kind and location. A database that wants a password finds it in
    /// `PGPASSWORD` or the password file of PostgreSQL's own tools.
    ///
    /// # Errors
    /// When the catalogue holds what no [`SourceSpec::location`] is.
    pub fn from_row(kind: &str, location: &str) -> Result<Self, SourceError> {
        match kind {
            "folder" => Ok(Self::Folder(location.into())),
            "sqlite" => Ok(Self::Sqlite(location.into())),
            _ => location.parse(),
        }
    }

    /// An object's name for people: below the place as it was typed. `object` is its path within the source, as reports
    /// and the catalogue have it.
    #[must_use]
    pub fn shown(&self, object: &str) -> String {
        match self {
            Self::Folder(path) if path.is_file() => {
                // The file may have been given by a link of another name.
                let own = canonical(path).ok().and_then(|real| real.file_name().map(|own| name::of_path(own.as_ref())));
                let members = own.as_deref().and_then(|own| object.strip_prefix(own)).unwrap_or("");
                format!("{}{members}", path.display())
            }
            Self::Folder(path) => path.join(object).to_string_lossy().into_owned(),
            Self::Store(url) => format!("{}/{object}", url.0.as_str().trim_end_matches('/')),
            Self::Postgres(_) | Self::Sqlite(_) => format!("{self}/{object}"),
        }
    }
}

/// The absolute path without links.
pub(crate) fn canonical(path: &Path) -> Result<PathBuf, SourceError> {
    path.canonicalize().map_err(|error| SourceError::Unreachable {
        location: path.display().to_string(),
        why: error.to_string(),
        instead: "check that it exists and that you may read it",
    })
}

impl FromStr for SourceSpec {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Ok(Self::Sqlite(path.into()));
        }
        let Some((scheme, _)) = text.split_once("://") else { return Ok(Self::Folder(text.into())) };
        match scheme {
            "postgres" | "postgresql" => text.parse().map(Self::Postgres),
            "file" => {
                let path = Url::parse(text).ok().and_then(|url| url.to_file_path().ok());
                path.map(Self::Folder).ok_or_else(|| SourceError::Unknown { given: text.to_owned() })
            }
            "s3" | "s3a" | "gs" | "az" | "azure" | "abfs" | "abfss" | "https" => text.parse().map(Self::Store),
            _ => Err(SourceError::Unknown { given: format!("{scheme}://…") }),
        }
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Store(url) => f.write_str(url.0.as_str().trim_end_matches('/')),
            Self::Postgres(url) => f.write_str(&url.shown),
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
        }
    }
}

impl fmt::Debug for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceSpec({self})")
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({})", self.shown)
    }
}

impl StoreUrl {
    /// The address.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for StoreUrl {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let unknown = || SourceError::Unknown { given: text.split(['?', '@']).next().unwrap_or("").to_owned() };
        let mut url = Url::parse(text).map_err(|_malformed| unknown())?;
        let is_azure = matches!(url.scheme(), "az" | "azure" | "abfs" | "abfss");
        // `abfss://container@account.host` names a container before the `@`, and that is no credential.
        let has_user = url.password().is_some() || (!url.username().is_empty() && !is_azure);
        let has_query = url.query().is_some() || url.fragment().is_some();
        let _both_are_allowed_to_be_missing = (url.set_password(None), url.set_fragment(None));
        if has_user {
            let _cleared = url.set_username("");
        }
        url.set_query(None);
        let refused = |what, instead| Err(SourceError::Address { shown: url.to_string(), what, instead });
        if has_user {
            return refused("a user or key", "give credentials in the environment, such as `AWS_ACCESS_KEY_ID`");
        }
        if has_query {
            return refused("parameters", "give options in the environment, such as `AWS_ENDPOINT`");
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(unknown());
        }
        if url.scheme() == "https"
            && !matches!(object_store::ObjectStoreScheme::parse(&url), Ok((s, _)) if is_cloud(&s))
        {
            return Err(unknown());
        }
        Ok(Self(url))
    }
}

fn is_cloud(scheme: &object_store::ObjectStoreScheme) -> bool {
    use object_store::ObjectStoreScheme as S;
    matches!(scheme, S::AmazonS3 | S::MicrosoftAzure | S::GoogleCloudStorage)
}

/// Parameters of a PostgreSQL address that say where and how, none of which is a secret.
const SHOWN_PARAMETERS: [&str; 6] = ["host", "port", "user", "dbname", "sslmode", "sslrootcert"];

impl PostgresUrl {
    /// The whole address with its password, for the driver alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.whole
    }
}

impl FromStr for PostgresUrl {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let unknown = |_| SourceError::Unknown { given: "postgres://…".to_owned() };
        let mut url = Url::parse(text).map_err(unknown)?;
        let _none_to_clear = url.set_password(None);
        url.set_fragment(None);
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| SHOWN_PARAMETERS.contains(&&**name))
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
        Ok(Self { whole: Zeroizing::new(text.to_owned()), shown: url.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::SourceSpec;

    #[test]
    fn what_people_type_is_understood() {
        for (text, kind, shown) in [
            ("data/trials", "folder", "data/trials"),
            ("file:///data/a%20b", "folder", "/data/a b"),
            ("C:/data", "folder", "C:/data"),
            ("s3://bucket/a/b", "bucket", "s3://bucket/a/b"),
            ("s3://bucket/", "bucket", "s3://bucket"),
            ("abfss://box@account.dfs.core.windows.net/x", "bucket", "abfss://box@account.dfs.core.windows.net/x"),
            ("gs://bucket", "bucket", "gs://bucket"),
            ("sqlite:/data/trial.db", "sqlite", "sqlite:/data/trial.db"),
            ("sqlite:///data/trial.db", "sqlite", "sqlite:/data/trial.db"),
            ("postgres://anna:topsecret@db:5433/edc", "postgres", "postgres://anna@db:5433/edc"),
            (
                "postgresql:///edc?host=/run/pg&user=u&password=topsecret",
                "postgres",
                "postgresql:///edc?host=%2Frun%2Fpg&user=u",
            ),
        ] {
            let spec: SourceSpec = text.parse().unwrap();
            assert_eq!((spec.kind(), spec.to_string().as_str()), (kind, shown), "{text}");
            assert!(!format!("{spec:?}").contains("topsecret"));
            if !matches!(spec, SourceSpec::Folder(_) | SourceSpec::Sqlite(_)) {
                let location = spec.location().unwrap();
                assert_eq!(SourceSpec::from_row(kind, &location).unwrap().to_string(), shown, "it can be found again");
            }
        }
    }

    #[test]
    fn credentials_and_unknown_places_are_refused_without_showing_them() {
        for text in [
            "s3://KEY:topsecret@bucket/",
            "s3://topsecret@bucket/",
            "https://account.blob.core.windows.net/box?sv=1&sig=topsecret",
            "https://example.org/topsecret",
            "ftp://user:topsecret@host/",
            "s3://",
            "postgres://[topsecret",
        ] {
            let error = text.parse::<SourceSpec>().unwrap_err().to_string();
            assert!(text == "https://example.org/topsecret" || !error.contains("topsecret"), "{error}");
            assert!(error.contains(';'), "says what to do: {error}");
        }
    }
}
