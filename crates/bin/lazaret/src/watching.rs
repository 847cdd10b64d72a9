//! Settings of the watch over the record, and of who is told of findings.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use guard::{Alerting, WatchOptions};
use outlets::{Email, Outlet, Security};
use secrecy::SecretString;
use serde::Deserialize;

use crate::config::Config;
use crate::failure::Failure;

/// The longest secret that is read from a file, in bytes.
const SECRET_BYTES_MAX: u64 = 4 * 1024;

/// How the record is watched.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchSettings {
    /// Alerts of behaviour per 1,000 person-days; 1 when not given.
    pub budget: Option<f64>,
    /// The organisation's time zone, such as `Europe/Berlin`; UTC when not given.
    pub time_zone: Option<String>,
}

/// Somebody who is told of findings.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Alert {
    /// Its name, which stays: under it is kept what it was told.
    pub name: String,
    /// Only findings at least so urgent, 0 to 100; 40 when not given.
    pub rank_min: Option<u32>,
    /// How.
    #[serde(flatten)]
    pub by: AlertBy,
}

/// How somebody is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "by", rename_all = "lowercase")]
pub(crate) enum AlertBy {
    /// An OCSF event is posted.
    Webhook {
        /// Where.
        url: String,
        /// A file with the secret that signs it, for its owner alone.
        secret_file: Option<PathBuf>,
    },
    /// A message of RFC 5424.
    Syslog {
        /// The collector.
        address: SocketAddr,
        /// Whether over TCP.
        #[serde(default)]
        tcp: bool,
    },
    /// A line of OCSF in a file.
    File {
        /// The file.
        path: PathBuf,
    },
    /// An e-mail.
    Email {
        /// The server's name.
        server: String,
        /// Its port; 465 with TLS, 587 with STARTTLS, 25 without, when not given.
        port: Option<u16>,
        /// `tls` (when not given), `starttls`, `none`.
        security: Option<String>,
        /// The user, if it asks for one.
        user: Option<String>,
        /// A file with the password, for its owner alone.
        password_file: Option<PathBuf>,
        /// From whom.
        from: String,
        /// To whom.
        to: Vec<String>,
    },
}

/// The rank from which on somebody is told unless the settings say otherwise.
const RANK_MIN: u32 = 40;

impl Config {
    /// How the record is watched; `address` is the console's.
    pub(crate) fn watch_options(&self, address: String) -> Result<WatchOptions, Failure> {
        let own = WatchOptions::default();
        let budget = self.watch.budget.unwrap_or(own.budget);
        if !(budget.is_finite() && budget > 0.0) {
            return Err(Failure::usage(format!("`budget` under [watch] is {budget}"))
                .hint("give alerts per 1,000 person-days, more than 0, such as 1.0"));
        }
        let zone = match &self.watch.time_zone {
            None => own.zone,
            Some(name) => jiff::tz::TimeZone::get(name).map_err(|error| {
                Failure::usage(format!("`time_zone` under [watch] is `{name}`: {error}"))
                    .hint("give a name of the IANA time zone database, such as Europe/Berlin")
            })?,
        };
        let alerts: Vec<Alerting> = self.alerts.iter().map(alerting).collect::<Result<_, _>>()?;
        let mut names: Vec<&str> = alerts.iter().map(|one| one.name.as_str()).collect();
        names.sort_unstable();
        if let Some([twice, _]) = names.windows(2).find(|pair| matches!(pair, [one, other] if one == other)) {
            return Err(
                Failure::usage(format!("two of [[alerts]] are called `{twice}`")).hint("give each its own name")
            );
        }
        Ok(WatchOptions { budget, zone, alerts, address })
    }
}

fn alerting(alert: &Alert) -> Result<Alerting, Failure> {
    let outlet = match &alert.by {
        AlertBy::Webhook { url, secret_file } => {
            if !(url.starts_with("https://") || url.starts_with("http://")) {
                return Err(Failure::usage(format!("`{url}` under [[alerts]] is no web address"))
                    .hint("give one that begins with https://"));
            }
            Outlet::Webhook { url: url.clone(), secret: secret_file.as_deref().map(secret).transpose()? }
        }
        AlertBy::Syslog { address, tcp } => {
            let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
            Outlet::Syslog { address: *address, is_tcp: *tcp, host }
        }
        AlertBy::File { path } => Outlet::File { path: path.clone() },
        AlertBy::Email { server, port, security, user, password_file, from, to } => {
            let (security, usual) = protection(security.as_deref()).ok_or_else(|| {
                let other = security.as_deref().unwrap_or_default();
                Failure::usage(format!("`security` under [[alerts]] is `{other}`")).hint("give tls, starttls or none")
            })?;
            if to.is_empty() {
                return Err(
                    Failure::usage("an e-mail under [[alerts]] goes to nobody").hint("name somebody under `to`")
                );
            }
            let credentials = match (user, password_file) {
                (Some(user), Some(file)) => Some((user.clone(), secret(file)?)),
                (None, None) => None,
                _ => return Err(Failure::usage("`user` and `password_file` under [[alerts]] go together")),
            };
            Outlet::Email(Email {
                server: server.clone(),
                port: port.unwrap_or(usual),
                security,
                credentials,
                from: from.clone(),
                to: to.clone(),
            })
        }
    };
    Ok(Alerting { name: alert.name.clone(), outlet, rank_min: alert.rank_min.unwrap_or(RANK_MIN) })
}

/// How a connection to a mail server is protected, and the port that is usual then.
pub(crate) fn protection(text: Option<&str>) -> Option<(Security, u16)> {
    Some(match text {
        None | Some("tls") => (Security::Tls, 465),
        Some("starttls") => (Security::StartTls, 587),
        Some("none") => (Security::None, 25),
        Some(_) => return None,
    })
}

/// A secret in a file.
pub(crate) fn secret(path: &Path) -> Result<SecretString, Failure> {
    use std::io::Read as _;
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::usage(format!("the secret in `{}` cannot be read: {why}", path.display()))
            .hint("give a file that holds the secret alone, and that its owner alone can read")
    };
    let file = std::fs::File::open(path).map_err(|error| wrong(&error))?;
    let mut text = String::new();
    file.take(SECRET_BYTES_MAX).read_to_string(&mut text).map_err(|error| wrong(&error))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() { Err(wrong(&"it is empty")) } else { Ok(SecretString::from(text.to_owned())) }
}
