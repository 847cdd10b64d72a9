//! `[intake]`: what is taken in of other systems.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::{Config, Failure};

/// What is taken in of other systems.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Intake {
    /// Where syslog comes over UDP, such as `127.0.0.1:5514`.
    pub syslog_udp: Option<SocketAddr>,
    /// Where it comes over TCP.
    pub syslog_tcp: Option<SocketAddr>,
    /// Where it comes over TLS, with the certificate under `[tls]`.
    pub syslog_tls: Option<SocketAddr>,
    /// Folders in which other programs leave logs.
    #[serde(default)]
    pub folders: Vec<IntakeFolder>,
    /// The most that may wait on disk, in bytes; 4 GiB when not given.
    pub spool_bytes: Option<u64>,
}

/// A folder in which other programs leave logs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntakeFolder {
    /// Where it is.
    pub path: PathBuf,
    /// What its records have as their source, behind `folder/`. How far its files were read is remembered under it.
    pub name: String,
}

impl Config {
    /// What is received.
    pub(crate) fn receive_options(&self) -> Result<guard::ReceiveOptions, Failure> {
        let set = &self.intake;
        let mut names = BTreeSet::new();
        for folder in &set.folders {
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            let name = &folder.name;
            if name.is_empty() || name.len() > 64 || !name.bytes().all(is_letter) || !names.insert(name.as_str()) {
                return Err(Failure::usage(format!("the folder `{name}` under [intake] has no name of its own"))
                    .hint("give each its own name of 1 to 64 letters, digits, `.`, `-` or `_`"));
            }
        }
        let syslog_tls = match (set.syslog_tls, &self.tls) {
            (None, _) => None,
            (Some(address), Some(tls)) => {
                let identity = console::Identity::read(&tls.certificate, &tls.key)
                    .map_err(|error| Failure::usage(error.to_string()))?;
                Some((address, identity.config()))
            }
            (Some(_), None) => {
                return Err(Failure::usage("`syslog_tls` under [intake] needs a certificate")
                    .hint("give `certificate` and `key` under [tls]"));
            }
        };
        let clear = [("syslog_udp", set.syslog_udp), ("syslog_tcp", set.syslog_tcp)];
        for (name, address) in clear.into_iter().filter_map(|(name, address)| Some((name, address?))) {
            if !address.ip().is_loopback() {
                tracing::warn!(
                    "`{name}` listens on {address}: what comes there can be read and forged on the way; use `syslog_tls`"
                );
            }
        }
        Ok(guard::ReceiveOptions {
            syslog_udp: set.syslog_udp,
            syslog_tcp: set.syslog_tcp,
            syslog_tls,
            folders: set
                .folders
                .iter()
                .map(|folder| guard::Watched { name: folder.name.clone(), path: folder.path.clone() })
                .collect(),
            spool_bytes: set.spool_bytes,
        })
    }
}
