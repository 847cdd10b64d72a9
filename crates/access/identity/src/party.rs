//! Where passkeys are good: the name that authenticators tie them to, and the one origin that may ask for them.

use std::time::Duration;

use url::{Host, Url};
use webauthn_rs::prelude::{Webauthn, WebauthnBuilder};

/// How long somebody may take from being asked for a passkey to showing it.
pub const PASSKEY_WAIT_MS: i64 = 5 * 60_000;
/// What people see beside the name of the place when their device asks them.
const NAME: &str = "Lazaret";
/// The name of the machine itself, which browsers trust without TLS.
const LOCAL: &str = "localhost";

/// Why no passkeys are good here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPasskeys {
    /// It is no address of a web page.
    #[error("`{address}` is no address of a web page; give one such as `https://lazaret.example.org`")]
    Address {
        /// What was given.
        address: String,
    },
    /// It has a number where passkeys need a name.
    #[error(
        "passkeys are tied to a name, and `{address}` has a number; give the address with its name as `address` under \
         [console] in the settings"
    )]
    Number {
        /// What was given.
        address: String,
    },
    /// Browsers offer passkeys to pages over TLS alone.
    #[error("browsers offer passkeys over https alone, and `{address}` is not; serve the console over TLS")]
    Clear {
        /// What was given.
        address: String,
    },
}

/// The relying party of Web Authentication: passkeys made for one are good nowhere else.
#[derive(Debug, Clone)]
pub struct RelyingParty {
    pub(crate) webauthn: Webauthn,
    origin: String,
}

impl RelyingParty {
    /// For a console that people reach at `address`. On a loopback address passkeys are tied to `localhost`: a bare IP address is
    /// no name that they can be tied to (Web Authentication Level 3 section 5.1.2).
    ///
    /// # Errors
    /// When it is no address that passkeys can be tied to.
    pub fn at(address: &str) -> Result<Self, NoPasskeys> {
        let owned = || address.to_owned();
        let mut url = Url::parse(address).ok().ok_or_else(|| NoPasskeys::Address { address: owned() })?;
        let is_loopback = match url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            _ => false,
        };
        if is_loopback && url.set_host(Some(LOCAL)).is_err() {
            return Err(NoPasskeys::Address { address: owned() });
        }
        let id = match url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(_) => return Err(NoPasskeys::Number { address: owned() }),
            None => return Err(NoPasskeys::Address { address: owned() }),
        };
        let is_local = id == LOCAL || id.ends_with(".localhost");
        match url.scheme() {
            "https" => {}
            "http" if is_local => {}
            "http" => return Err(NoPasskeys::Clear { address: owned() }),
            _ => return Err(NoPasskeys::Address { address: owned() }),
        }
        let wait = Duration::from_millis(PASSKEY_WAIT_MS.unsigned_abs());
        let built = WebauthnBuilder::new(&id, &url).and_then(|builder| builder.rp_name(NAME).timeout(wait).build());
        let webauthn = built.ok().ok_or_else(|| NoPasskeys::Address { address: owned() })?;
        Ok(Self { webauthn, origin: url.origin().ascii_serialization() })
    }

    /// The one address whose pages may ask for these passkeys, without a path.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

#[cfg(test)]
mod tests {
    use super::{NoPasskeys, RelyingParty};

    #[test]
    fn a_name_is_needed_and_this_machine_has_one() {
        let origin = |address| RelyingParty::at(address).map(|party| party.origin().to_owned());
        for (address, expected) in [
            ("http://127.0.0.1:8080", "http://localhost:8080"),
            ("http://[::1]:8080/", "http://localhost:8080"),
            ("http://localhost:80", "http://localhost"),
            ("https://Lazaret.Example.org:443/x", "https://lazaret.example.org"),
            ("https://lazaret.example.org:8443", "https://lazaret.example.org:8443"),
        ] {
            assert_eq!(origin(address).as_deref(), Ok(expected), "{address}");
        }
        assert!(matches!(origin("https://192.0.2.7:8443"), Err(NoPasskeys::Number { .. })));
        assert!(matches!(origin("https://0.0.0.0:8443"), Err(NoPasskeys::Number { .. })));
        assert!(matches!(origin("http://lazaret.example.org"), Err(NoPasskeys::Clear { .. })));
        for wrong in ["", "lazaret.example.org", "ftp://lazaret.example.org", "data:text/html,x", "https://"] {
            assert!(matches!(origin(wrong), Err(NoPasskeys::Address { .. })), "{wrong}");
        }
    }
}
