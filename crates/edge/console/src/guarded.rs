//! The guard as the console sees it, and on whose behalf the console changes it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use findings::{Board, Findings};
use gateway::SettleError;
use identity::{Identity, IdentityError};
use incidents::case::Reader;
use ledger::verify::Report;
use ledger::{Ledger, LedgerError};
use model::event::{Actor, Origin};
use model::{By, PrincipalId, PrincipalKind, Record, RecordError};
use policy::{Access, AccessError};
use vault::{Vault, VaultError};

use crate::Console;
use crate::access::Role;
use crate::failure::{Failure, sentence};
use crate::session::Visitor;

/// What guards, open: the pages of record, quarantine, access and keys answer from it.
pub struct GuardView {
    /// The record.
    pub ledger: Arc<Ledger>,
    /// Its folder, to be audited.
    pub ledger_dir: PathBuf,
    /// Sealed storage and its keys.
    pub vault: Vault,
    /// Rules and grants.
    pub access: Arc<Access>,
    /// Principals.
    pub identity: Arc<Identity>,
    /// The gateway, which settles what is in quarantine.
    pub gateway: Arc<gateway::Guard>,
    /// Where every change is recorded before it takes effect.
    pub recorder: Arc<dyn Record>,
    /// What detection found.
    pub findings: Arc<Findings>,
    /// What watching knows and how it fares.
    pub board: Arc<Board>,
    /// Who is watched more closely because of incidents.
    pub closers: Arc<watch::Closers>,
    /// Incidents.
    pub incidents: Arc<incidents::desk::Desk>,
    /// What takes logs of other systems, if something does.
    pub intake: Option<IntakeView>,
}

/// What takes logs of other systems, as the console sees it.
pub struct IntakeView {
    /// Takes records over HTTP.
    pub push: receive::push::Push,
    /// What has come and what became of it.
    pub board: Arc<receive::Board>,
    /// Where the listeners are, by name.
    pub addresses: Vec<(&'static str, std::net::SocketAddr)>,
}

/// The last audit of the record.
#[derive(Clone, Default)]
pub(crate) enum Audit {
    /// Nobody asked for one since the start.
    #[default]
    None,
    /// It goes on since then, in milliseconds since 1970, UTC.
    Running(i64),
    /// It ended then; in the words of the system where the folder could not be read.
    Ended(i64, Arc<Result<Report, String>>),
}

/// The guard with what the console remembers about it.
pub(crate) struct Guarded {
    pub(crate) view: GuardView,
    audit: Mutex<Audit>,
}

impl Guarded {
    pub(crate) fn new(view: GuardView) -> Self {
        Self { view, audit: Mutex::default() }
    }

    /// The last audit.
    pub(crate) fn audit(&self) -> Audit {
        self.audit.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins an audit at `now`; whether none went on already.
    pub(crate) fn begin_audit(&self, now: i64) -> bool {
        let mut audit = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = !matches!(*audit, Audit::Running(_));
        if is_free {
            *audit = Audit::Running(now);
        }
        is_free
    }

    /// Keeps what an audit came to.
    pub(crate) fn end_audit(&self, ended: Audit) {
        *self.audit.lock().unwrap_or_else(PoisonError::into_inner) = ended;
    }
}

impl Console {
    /// The guard, or the page that says that there is none.
    pub(crate) fn guard(&self) -> Result<&Arc<Guarded>, Failure> {
        self.guard
            .as_ref()
            .ok_or_else(|| Failure::NotFound("This server has no guard, and so no such page.".to_owned()))
    }

    /// The visitor as roles of incidents know them. Nothing is made or recorded for it.
    pub(crate) async fn reader(&self, visitor: &Visitor) -> Result<Reader, Failure> {
        let Some(person) = &visitor.person else { return Ok(Reader::default()) };
        let known = self.guard()?.view.identity.known_user(person.id).await?;
        let is_administrator = person.role == Role::Administrator;
        Ok(known.map_or_else(
            || Reader { id: String::new(), name: person.name.clone(), is_administrator },
            |known| Reader { id: known.id.to_string(), name: known.name, is_administrator },
        ))
    }

    /// The guard, and the visitor as the principal by whom something is done there.
    pub(crate) async fn acting(&self, visitor: &Visitor) -> Result<(&Arc<Guarded>, By), Failure> {
        let guard = self.guard()?;
        let person = visitor.person.as_ref().ok_or(Failure::Forbidden)?;
        let origin = Origin { ip: visitor.ip, request: None, through: "console".into() };
        // The event that creates a user's principal cannot name it yet as the one who acts.
        let nobody = Actor { id: PrincipalId::from_bytes([0; 16]), kind: PrincipalKind::Service, credential: None };
        let by = By { actor: nobody, origin, now_ms: self.now() };
        let principal = guard.view.identity.of_user(person.id, &by).await?;
        if principal.disabled_at.is_some() || principal.contained_at.is_some() {
            return Err(Failure::Forbidden);
        }
        let actor = Actor { id: principal.id, kind: principal.kind, credential: None };
        Ok((guard, By { actor, ..by }))
    }
}

/// A fault of ours, or of what we stand on.
fn internal(error: &dyn std::error::Error) -> Failure {
    tracing::error!(error = %error, cause = error.source().map(ToString::to_string), "the guard did not answer");
    Failure::Internal
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        internal(&error)
    }
}

impl From<incidents::desk::DeskError> for Failure {
    fn from(error: incidents::desk::DeskError) -> Self {
        use incidents::desk::DeskError as Error;
        match error {
            Error::Missing(_) => Self::NotFound(sentence(&error)),
            Error::Case(_) | Error::Busy(_) => Self::BadInput(sentence(&error)),
            error => internal(&error),
        }
    }
}

impl From<findings::FindingsError> for Failure {
    fn from(error: findings::FindingsError) -> Self {
        use findings::FindingsError as Error;
        match error {
            Error::Missing(_) => Self::NotFound(sentence(&error)),
            Error::Wrong(_) | Error::Changed(_) => Self::BadInput(sentence(&error)),
            other => internal(&other),
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Beyond { .. } => Self::NotFound(sentence(&error)),
            error => internal(&error),
        }
    }
}

impl From<IdentityError> for Failure {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Store(error) => error.into(),
            IdentityError::Missing { .. } => Self::NotFound(sentence(&error)),
            IdentityError::Disabled { .. } | IdentityError::Wrong { .. } => Self::BadInput(sentence(&error)),
            error => internal(&error),
        }
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Store(error) => error.into(),
            AccessError::Missing { .. } => Self::NotFound(sentence(&error)),
            AccessError::Record(_) | AccessError::Envelope(_) => internal(&error),
            error => Self::BadInput(sentence(&error)),
        }
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Held { .. }
            | VaultError::Scope { .. }
            | VaultError::NoKey { .. }
            | VaultError::Destroyed { .. } => Self::BadInput(sentence(&error)),
            error => internal(&error),
        }
    }
}

impl From<SettleError> for Failure {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::NoReason => Self::BadInput(sentence(&error)),
            SettleError::NotHeld { .. } => Self::NotFound(sentence(&error)),
            SettleError::Storage(cause) => {
                tracing::error!(error = %cause, "refused content could not be taken away");
                Self::Internal
            }
            error => internal(&error),
        }
    }
}
