//! What wrote a JSON record, by keys in its first kilobytes.

use memchr::memmem::{Finder, find};

use crate::Family;

/// How far into a record keys are looked for, in bytes.
const LOOK: usize = 4096;

/// The lines of [`KEYS`] before this one tell a family beyond doubt, so that the latest may be tried first.
const SURE: usize = 9;

/// Keys that must all occur, the most telling first. Earlier lines win.
const KEYS: &[(Family, &[&str])] = &[
    (Family::Windows, &["\"EventID\"", "\"Channel\""]),
    (Family::Kubernetes, &["\"audit.k8s.io"]),
    (Family::Zeek, &["\"_path\""]),
    (Family::Zeek, &["\"id.orig_h\"", "\"uid\"", "\"ts\""]),
    (Family::CloudTrail, &["\"eventSource\"", "\"eventName\""]),
    (Family::Ocsf, &["\"class_uid\""]),
    (Family::Gcp, &["\"protoPayload\""]),
    (Family::Okta, &["\"published\"", "\"eventType\"", "\"actor\""]),
    (Family::Microsoft365, &["\"Workload\"", "\"Operation\""]),
    (Family::EntraSignIn, &["SignInLogs\"", "\"category\""]),
    (Family::EntraSignIn, &["\"userPrincipalName\"", "\"appDisplayName\"", "\"createdDateTime\""]),
    (Family::EntraAudit, &["\"AuditLogs\"", "\"category\""]),
    (Family::EntraAudit, &["\"activityDisplayName\"", "\"initiatedBy\""]),
    (Family::AzureActivity, &["\"operationName\"", "\"category\""]),
    (Family::Windows, &["\"Event\"", "\"System\""]),
    (Family::Postgres, &["\"error_severity\"", "\"backend_type\""]),
    (Family::GitHub, &["\"action\"", "\"actor\"", "\"@timestamp\""]),
    (Family::GitHub, &["\"action\"", "\"actor\"", "\"created_at\""]),
];

/// Searches prepared once a log.
pub(crate) struct Sniffer {
    finders: Vec<(Family, Vec<Finder<'static>>)>,
    /// The line that the latest record met.
    last: usize,
}

impl Sniffer {
    pub(crate) fn new() -> Self {
        let finders = KEYS.iter().map(|(family, keys)| (*family, keys.iter().map(|key| Finder::new(*key)).collect()));
        Self { finders: finders.collect(), last: usize::MAX }
    }

    /// The family of `record`.
    pub(crate) fn family(&mut self, record: &[u8]) -> Family {
        let head = record.get(..LOOK).unwrap_or(record);
        let meets = |keys: &[Finder<'static>]| keys.iter().all(|key| key.find(head).is_some());
        if self.last < SURE
            && let Some((family, keys)) = self.finders.get(self.last)
            && meets(keys)
        {
            return *family;
        }
        for (line, (family, keys)) in self.finders.iter().enumerate() {
            if meets(keys) {
                self.last = line;
                return *family;
            }
        }
        // A key that a long value pushed out of sight: of CloudTrail, whose requests are long.
        if record.len() > LOOK && find(head, b"\"eventVersion\"").is_some() && find(head, b"\"userIdentity\"").is_some()
        {
            return Family::CloudTrail;
        }
        Family::Json
    }
}
