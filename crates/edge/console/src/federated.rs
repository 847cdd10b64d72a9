//! Identity providers as the console sees them, and who is away to one.

use std::sync::Arc;

use identity::{Begun, Federation, VisaRule};

use crate::access::Role;
use crate::pending::Pending;

/// How long somebody may take at a provider.
const AWAY_MS: i64 = 10 * 60_000;

/// Whom people may log in through.
pub struct FederationView {
    /// Who is trusted.
    pub federation: Arc<Federation>,
    /// What visas open.
    pub visas: Vec<VisaRule>,
    /// The address that people reach the console at, such as `https://lazaret.example.org`.
    pub address: String,
    /// Issuer by issuer, the role of people who are tied to it and have no account of the console yet.
    pub roles: Vec<(String, Role)>,
}

/// Somebody who is away to a provider.
#[derive(Clone)]
pub(crate) struct Waiting {
    pub(crate) begun: Begun,
    /// Digest of what the browser keeps meanwhile.
    pub(crate) browser: [u8; 32],
    pub(crate) next: String,
}

/// Whom people may log in through, and who is away.
pub(crate) struct Federated {
    pub(crate) view: FederationView,
    pub(crate) waiting: Pending<Waiting>,
}

impl Federated {
    pub(crate) fn new(view: FederationView) -> Self {
        Self { view, waiting: Pending::new(AWAY_MS) }
    }

    /// Names of those through whom people log in, in the order of the settings.
    pub(crate) fn ways(&self) -> Vec<String> {
        self.view
            .federation
            .trusted()
            .filter_map(|trusted| trusted.login.as_ref())
            .map(|login| login.name.clone())
            .collect()
    }

    /// The issuer of the way with this number.
    pub(crate) fn issuer(&self, number: usize) -> Option<String> {
        let ways = self.view.federation.trusted().filter(|trusted| trusted.login.is_some());
        ways.map(|trusted| trusted.issuer.clone()).nth(number)
    }

    /// The whole address of a path of this console.
    pub(crate) fn back(&self, path: &str) -> String {
        format!("{}{path}", self.view.address.trim_end_matches('/'))
    }

    pub(crate) fn role(&self, issuer: &str) -> Option<&'static str> {
        self.view.roles.iter().find(|(of, _)| of == issuer).map(|(_, role)| role.as_str())
    }
}
