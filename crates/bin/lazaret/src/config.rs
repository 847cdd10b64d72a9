//! Settings from a TOML file. Command-line options and `LAZARET_…` variables win over them.

mod intake;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use identity::{Federation, KeysAt, LoginClient, Trusted, VisaRule};
use secrecy::SecretString;
use serde::Deserialize;

use crate::failure::Failure;
use intake::Intake;

/// Where settings are explained.
const SEE: &str = "see docs/reference/access.md for what can be trusted, and how";

/// Everything that can be set in the file; all of it optional.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where the console listens.
    pub listen: Option<SocketAddr>,
    /// `postgres://…` for PostgreSQL instead of SQLite in the data folder.
    pub database: Option<String>,
    /// Where S3 listens.
    pub s3_listen: Option<SocketAddr>,
    /// How data are guarded.
    #[serde(default)]
    pub guard: Guard,
    /// Certificate and key, for an address that is not loopback.
    pub tls: Option<Tls>,
    /// Identity providers whose word is taken.
    #[serde(default)]
    pub issuers: Vec<Issuer>,
    /// What GA4GH visas open.
    #[serde(default)]
    pub visas: Vec<Visa>,
    /// How people use the console.
    #[serde(default)]
    pub console: ConsoleSettings,
    /// How the record is watched.
    #[serde(default)]
    pub watch: crate::watching::WatchSettings,
    /// Who is told of findings.
    #[serde(default)]
    pub alerts: Vec<crate::watching::Alert>,
    /// What is taken in of other systems.
    #[serde(default)]
    pub intake: Intake,
    /// Whom incidents have to be told to, beyond the law as it is.
    #[serde(default)]
    pub obligations: ObligationSettings,
    /// Backups: where, when, and what they must be able to do.
    #[serde(default)]
    pub recovery: crate::recovering::RecoverySettings,
    /// What scans may take.
    #[serde(default)]
    pub scan: Scan,
    /// What one object may take.
    #[serde(default)]
    pub limits: Limits,
}

/// An identity provider whose word is taken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issuer {
    /// Its `iss`, letter for letter, such as `https://login.example.org`.
    pub issuer: String,
    /// The `aud`s for which temporary credentials are given. None are given when there is none.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Its keys as a JSON Web Key Set in a file. Neither this nor `jwks_uri`: its discovery document says where.
    pub jwks_file: Option<PathBuf>,
    /// Its keys at an address.
    pub jwks_uri: Option<String>,
    /// How people log in to the console through it.
    pub login: Option<IssuerLogin>,
}

/// Whom incidents have to be told to, beyond the law as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObligationSettings {
    /// Files of obligations that the organisation's contracts add, as docs/reference/obligations.md has them.
    #[serde(default)]
    pub contracts: Vec<PathBuf>,
    /// What is only proposed stands in the place of the law.
    #[serde(default)]
    pub proposed: bool,
}

/// What a GA4GH visa opens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Visa {
    /// Who signs it; one of the issuers.
    pub issuer: String,
    /// The data set that it names, letter for letter.
    pub value: String,
    /// The organisation that must stand behind it; any when not given.
    pub source: Option<String>,
    /// The study that it opens.
    pub study: String,
    /// In which role.
    pub role: String,
}

/// How people use the console.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsoleSettings {
    /// The address that people reach it at, such as `https://lazaret.example.org`; where it listens when not given.
    pub address: Option<String>,
    /// Minutes without a request after which a session ends; 60 when not given.
    pub idle_minutes: Option<u32>,
}

/// The client that Lazaret is to an identity provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssuerLogin {
    /// What the button says; the issuer when not given.
    pub name: Option<String>,
    /// The client's id.
    pub client_id: String,
    /// A file with its secret, for its owner alone. Public clients have none.
    pub client_secret_file: Option<PathBuf>,
    /// Whether to ask for a GA4GH passport.
    #[serde(default)]
    pub passport: bool,
    /// The console's role of people who are tied to this issuer and have no account yet: `reader`, `reviewer` or
    /// `administrator`. Without it they get none.
    pub role: Option<String>,
}

/// How data are guarded.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Guard {
    /// The name that the ledger signs under, such as `ledger.example.org/main`. It never changes once a ledger has begun.
    pub origin: Option<String>,
    /// Whether uploads are not inspected. They are then not labelled either.
    #[serde(default)]
    pub inspection_off: bool,
    /// Where the root key lies; in a file of the data folder when not given.
    pub root_key: Option<RootKey>,
    /// How much a caller may ask for and take in each study.
    #[serde(default)]
    pub limits: GuardLimits,
}

/// How much a caller may ask for and take in each study; see [`guard::Limits`]. What is not given keeps its usual value.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GuardLimits {
    pub requests_per_minute: Option<u64>,
    pub bytes_per_day: Option<u64>,
    pub subjects_per_day: Option<u64>,
}

impl Guard {
    /// How much a caller may ask for and take in each study.
    pub(crate) fn limits(&self) -> guard::Limits {
        let (own, set) = (guard::Limits::default(), &self.limits);
        guard::Limits {
            requests_per_minute: set.requests_per_minute.unwrap_or(own.requests_per_minute),
            bytes_per_day: set.bytes_per_day.unwrap_or(own.bytes_per_day),
            subjects_per_day: set.subjects_per_day.unwrap_or(own.subjects_per_day),
        }
    }
}

/// Where the root key lies. Secrets come from the environment.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "at", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum RootKey {
    /// A token that speaks PKCS#11; its PIN is `LAZARET_PKCS11_PIN`.
    Pkcs11 {
        /// The module's library.
        module: PathBuf,
        /// The token's label.
        token: String,
        /// The key's label; `lazaret` when not given.
        label: Option<String>,
    },
    /// A key management service that speaks Vault's transit protocol; its token is `LAZARET_TRANSIT_TOKEN`.
    Transit {
        /// Such as `https://vault.example.org:8200`.
        address: String,
        /// Where the engine is mounted; `transit` when not given.
        mount: Option<String>,
        /// The key's name.
        key: String,
        /// The namespace, if the service has them.
        namespace: Option<String>,
    },
}

/// What one object may take; see [`formats::Limits`]. What is not given keeps its usual value.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub depth_max: Option<u8>,
    pub members_max: Option<u64>,
    /// Bytes.
    pub expanded_bytes_max: Option<u64>,
    pub expansion_ratio_max: Option<u64>,
    /// Bytes.
    pub whole_bytes_max: Option<usize>,
    /// Bytes.
    pub value_bytes_max: Option<usize>,
    pub nesting_max: Option<usize>,
    /// Seconds.
    pub time_max: Option<u64>,
}

/// Files of the server's identity.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// PEM file: the server's certificate and those between it and its root.
    pub certificate: PathBuf,
    /// PEM file: its private key.
    pub key: PathBuf,
}

/// What scans may take.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scan {
    /// Worker threads.
    pub jobs: Option<usize>,
    /// Seconds for one object.
    pub object_timeout: Option<u64>,
    /// Rows read of each database table; all of them when not given.
    pub sample_rows: Option<u64>,
}

impl Config {
    /// What one object may take; `seconds` from the command line win.
    pub(crate) fn limits(&self, seconds: Option<u64>) -> formats::Limits {
        let (own, set) = (formats::Limits::default(), &self.limits);
        let seconds = seconds.or(self.scan.object_timeout).or(set.time_max);
        formats::Limits {
            depth_max: set.depth_max.unwrap_or(own.depth_max),
            members_max: set.members_max.unwrap_or(own.members_max),
            expanded_bytes_max: set.expanded_bytes_max.unwrap_or(own.expanded_bytes_max),
            expansion_ratio_max: set.expansion_ratio_max.unwrap_or(own.expansion_ratio_max),
            expansion_free_bytes: own.expansion_free_bytes,
            whole_bytes_max: set.whole_bytes_max.unwrap_or(own.whole_bytes_max),
            value_bytes_max: set.value_bytes_max.unwrap_or(own.value_bytes_max),
            nesting_max: set.nesting_max.unwrap_or(own.nesting_max),
            time_max: seconds.map_or(own.time_max, Duration::from_secs),
        }
    }

    /// Those whose word is taken about who somebody is.
    pub(crate) fn federation(&self) -> Result<Federation, Failure> {
        let trusted = self.issuers.iter().map(Issuer::trusted).collect::<Result<Vec<_>, _>>()?;
        Federation::new(trusted).map_err(|error| Failure::usage(error.to_string()).hint(SEE))
    }

    /// What visas open. Each is of a trusted issuer, and opens a role that there is.
    pub(crate) fn visa_rules(&self) -> Result<Vec<VisaRule>, Failure> {
        let rule = |visa: &Visa| {
            let wrong = |why: String| Failure::usage(format!("the visa `{}` is wrong: {why}", visa.value)).hint(SEE);
            if !self.issuers.iter().any(|issuer| issuer.issuer == visa.issuer) {
                return Err(wrong(format!("`{}` is none of the issuers", visa.issuer)));
            }
            if !guard::is_role(&visa.role) {
                return Err(wrong(format!("there is no role `{}`", visa.role)));
            }
            let study = visa.study.parse().map_err(|error: model::BadStudyId| wrong(error.to_string()))?;
            let Visa { issuer, value, source, role, .. } = visa.clone();
            Ok(VisaRule { issuer, value, source, study, role })
        };
        self.visas.iter().map(rule).collect()
    }

    /// Issuer by issuer, the console's role of people who have no account yet.
    pub(crate) fn login_roles(&self) -> Result<Vec<(String, console::Role)>, Failure> {
        let named = self.issuers.iter().filter_map(|issuer| {
            let role = issuer.login.as_ref()?.role.as_ref()?;
            Some((issuer.issuer.clone(), role))
        });
        named
            .map(|(issuer, role)| match role.parse() {
                Ok(role) => Ok((issuer, role)),
                Err(error @ model::UnknownName { .. }) => Err(Failure::usage(error.to_string()).hint(SEE)),
            })
            .collect()
    }

    /// Reads `file`; nothing is set when there is none.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = file else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("the settings `{}` cannot be read: {error}", path.display())))?;
        toml::from_str(&text).map_err(|error| {
            Failure::usage(format!("the settings `{}` are wrong: {}", path.display(), error.message()))
                .hint(format!("see docs/reference/cli.md for every setting{}", line_of(&text, error.span())))
        })
    }
}

impl Issuer {
    fn trusted(&self) -> Result<Trusted, Failure> {
        let keys = match (&self.jwks_file, &self.jwks_uri) {
            (Some(_), Some(_)) => {
                let told = format!("the issuer `{}` has both `jwks_file` and `jwks_uri`", self.issuer);
                return Err(Failure::usage(told).hint("give the one that its keys come from"));
            }
            (Some(file), None) => KeysAt::File(file.clone()),
            (None, Some(address)) => KeysAt::Address(address.clone()),
            (None, None) => KeysAt::Discovered,
        };
        let login = self.login.as_ref().map(|login| login.client(&self.issuer)).transpose()?;
        Ok(Trusted { issuer: self.issuer.clone(), audiences: self.audiences.clone(), keys, login })
    }
}

impl IssuerLogin {
    fn client(&self, issuer: &str) -> Result<LoginClient, Failure> {
        let client_secret = self.client_secret_file.as_deref().map(secret).transpose()?;
        Ok(LoginClient {
            name: self.name.clone().unwrap_or_else(|| issuer.to_owned()),
            client_id: self.client_id.clone(),
            client_secret,
            asks_for_passport: self.passport,
        })
    }
}

/// A secret in a file that others cannot read.
pub(crate) fn secret(path: &Path) -> Result<SecretString, Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let wrong = |why: String| Failure::usage(format!("the secret in `{}` cannot be read: {why}", path.display()));
    let mode = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(wrong("others may read it".to_owned()).hint("take their rights away with `chmod 600`"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    Ok(SecretString::from(text.trim_end().to_owned()))
}

/// `; the fault is in line 3`.
fn line_of(text: &str, span: Option<std::ops::Range<usize>>) -> String {
    let Some(before) = span.and_then(|span| text.get(..span.start)) else { return String::new() };
    format!("; the fault is in line {}", before.matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn read(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lazaret.toml");
        std::fs::write(&file, text).unwrap();
        Config::read(Some(&file)).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn settings_are_read_and_unknown_ones_refused() {
        let config = read("listen = \"127.0.0.1:9\"\n[scan]\njobs = 3\n").unwrap();
        assert_eq!(config.listen.unwrap().port(), 9);
        assert_eq!(config.scan.jobs, Some(3));
        let config = read("[limits]\nexpansion_ratio_max = 5\ntime_max = 7\n").unwrap();
        let limits = config.limits(None);
        assert_eq!((limits.expansion_ratio_max, limits.time_max.as_secs()), (5, 7));
        assert_eq!(config.limits(Some(3)).time_max.as_secs(), 3);
        assert_eq!(limits.depth_max, formats::Limits::default().depth_max);
        let config = read("[guard.limits]\nrequests_per_minute = 7\n").unwrap();
        assert_eq!(config.guard.limits().requests_per_minute, 7);
        assert_eq!(config.guard.limits().bytes_per_day, guard::Limits::default().bytes_per_day);
        let config = read("[[issuers]]\nissuer = \"https://login.example.org\"\naudiences = [\"lazaret\"]\n").unwrap();
        assert_eq!(config.federation().unwrap().trusted().count(), 1);
        let clear = read("[[issuers]]\nissuer = \"http://login.example.org\"\n").unwrap();
        assert!(format!("{:?}", clear.federation().unwrap_err()).contains("use https"));
        let visa = "[[visas]]\nissuer = \"https://v.example\"\nvalue = \"x\"\nstudy = \"onc-1\"\nrole = \"reader\"\n";
        assert!(format!("{:?}", read(visa).unwrap().visa_rules().unwrap_err()).contains("none of the issuers"));
        let trusted = format!("[[issuers]]\nissuer = \"https://v.example\"\n{visa}");
        assert_eq!(read(&trusted).unwrap().visa_rules().unwrap().len(), 1);
        let root = read(&trusted.replace("reader", "root")).unwrap();
        assert!(format!("{:?}", root.visa_rules().unwrap_err()).contains("no role"));
        let taken =
            read("[intake]\nsyslog_tcp = \"127.0.0.1:5514\"\nfolders = [{ path = \"/x\", name = \"lab\" }]\n").unwrap();
        assert_eq!(taken.receive_options().unwrap().folders.len(), 1);
        assert!(read("[intake]\nsyslog_tls = \"127.0.0.1:6514\"\n").unwrap().receive_options().is_err());
        let wrong = read("[scan]\n\njob = 3\n").unwrap_err();
        assert!(wrong.contains("line 3") && wrong.contains("job"), "{wrong}");
    }
}
