//! What plain lists name by mistake: content/intel/benign.toml.

use std::collections::HashSet;

use serde::Deserialize;

use crate::indicator::{Atom, Network};

/// The shortest prefix that a plain list may name: a sixteenth of a millionth of the addresses is no indicator any more.
const PREFIX_MIN: (u8, u8) = (8, 19);

/// What is in everyday use.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Benign {
    networks: Vec<Network>,
    domains: HashSet<String>,
    hashes: HashSet<String>,
}

impl Benign {
    /// The table that comes with the program.
    pub(crate) fn shipped() -> Result<Self, String> {
        toml::from_str(include_str!("../../../../content/intel/benign.toml"))
            .map_err(|error| format!("the table of what is benign: {error}"))
    }

    /// Why matching this would mostly find what is harmless.
    pub(crate) fn why(&self, atom: &Atom) -> Option<String> {
        match atom {
            Atom::Network(network) => {
                let least = if network.address().is_ipv4() { PREFIX_MIN.0 } else { PREFIX_MIN.1 };
                if network.prefix() < least {
                    return Some(format!("`{network}` covers too much of all addresses; name smaller blocks"));
                }
                let block = self.networks.iter().find(|block| block.overlaps(*network))?;
                Some(format!("`{network}` is private, reserved or in everyday use (`{block}`)"))
            }
            Atom::Domain(name) if !name.contains('.') => Some(format!("`{name}` is a whole top-level domain")),
            Atom::Domain(name) if self.domains.contains(name) => {
                Some(format!("`{name}` is in everyday use, and names below it would match too"))
            }
            Atom::Url(url) => {
                let host = crate::normal::host_of(url);
                let is_bare = url.ends_with('/') && url.trim_end_matches('/').ends_with(host);
                (is_bare && self.domains.contains(host)).then(|| format!("`{url}` is in everyday use"))
            }
            Atom::Hash(_, digest) if self.hashes.contains(digest) => {
                Some(format!("`{digest}` is the digest of an empty file"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_everywhere_is_told() {
        let benign = Benign::shipped().unwrap();
        let why = |atom: Atom| benign.why(&atom);
        for block in [
            "10.1.2.3",
            "192.168.0.0/16",
            "127.0.0.1",
            "::1",
            "fe80::1",
            "8.8.8.8",
            "0.0.0.0/0",
            "224.0.0.251",
            "::ffff:10.0.0.1",
            "2000::/3",
            "8.0.0.0/8",
        ] {
            assert!(why(Atom::Network(block.parse().unwrap())).is_some(), "{block}");
        }
        for block in ["192.0.2.1", "198.51.100.0/24", "2001:db8::1", "203.0.113.7"] {
            assert!(why(Atom::Network(block.parse().unwrap())).is_none(), "{block}");
        }
        for name in ["localhost", "com", "google.com", "co.uk"] {
            assert!(why(Atom::Domain(name.to_owned())).is_some(), "{name}");
        }
        assert!(why(Atom::Domain("bad.google.com.example".to_owned())).is_none());
        assert!(why(Atom::Url("https://google.com/".to_owned())).is_some());
        assert!(why(Atom::Url("https://google.com/bad".to_owned())).is_none());
    }
}
