//! The web console: what people see of the landscape, and the few things that they change there.
//!
//! What comes in: requests of browsers, and the catalogue, the desk of scans, the recognisers and (where there is one) the
//! guard to answer them from.
//! What goes out: server-rendered pages, each within a strict content security policy; htmx saves reloads, and every
//! page works without it. Each route stands in one table with the roles that may use it; what is not listed there is
//! not served. This crate must never hold SQL, read a clock or draw randomness by itself, keep a password or a token
//! in clear, or show more of an object than its masked samples.

mod access;
mod address;
mod again;
mod assets;
mod drawing;
mod failure;
mod federated;
mod frame;
mod guarded;
mod hunting;
mod intake_api;
mod invitation;
mod knowledge;
mod ops;
mod pages;
mod passkeys;
mod password;
mod pending;
mod recovering;
mod responding;
mod routes;
mod scim;
mod server;
mod session;
mod shield;
mod throttle;
mod wording;

use std::sync::Arc;

use landscape::Catalogue;
use landscape::scan::Desk;
use recognize::engine::EngineError;

pub use access::Role;
pub use federated::FederationView;
pub use guarded::{GuardView, IntakeView};
pub use hunting::{Hunt, HuntAnswer, HuntFault, HuntQuestion, HuntValue};
pub use invitation::{InvitationError, first_run, invite};
pub use password::{PasswordError, hash};
pub use recovering::{Listing, Recover, RecoverFault, RecoveryPlan, RecoveryWork, SnapshotRow};
pub use responding::{Act, ActFault, Asked, Figure, Respond};
pub use routes::{access_table, router};
pub use server::{Identity, IdentityError, Peer, serve, serve_tls};

use federated::Federated;
use guarded::Guarded;
use knowledge::Knowledge;
use ops::Meter;
use passkeys::Passkeys;
use password::Passwords;
use pending::Pending;
use throttle::Throttle;

/// Milliseconds since 1970, UTC, whenever it is called.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;
/// 32 bytes that nobody can predict, whenever it is called.
pub type Random = Arc<dyn Fn() -> std::io::Result<[u8; 32]> + Send + Sync>;

/// Everything the console answers from. Build it once and share it.
pub struct Console {
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) knowledge: Knowledge,
    pub(crate) clock: Clock,
    pub(crate) random: Random,
    pub(crate) is_encrypted: bool,
    pub(crate) passwords: Passwords,
    pub(crate) throttle: Throttle,
    pub(crate) meter: Meter,
    pub(crate) guard: Option<Arc<Guarded>>,
    pub(crate) federated: Option<Federated>,
    pub(crate) hunt: Option<Arc<dyn Hunt>>,
    pub(crate) respond: Option<Arc<dyn Respond>>,
    pub(crate) recover: Option<Arc<dyn Recover>>,
    pub(crate) second: Pending<pages::second::Step>,
    pub(crate) passkeys: Passkeys,
    /// A session ends after so long without a request, in milliseconds.
    pub(crate) idle_ms: i64,
}

impl Console {
    /// Over a catalogue and the desk whose scans fill it. `is_encrypted` says that people reach it over TLS: cookies are
    /// then kept from any other connection.
    ///
    /// # Errors
    /// When the embedded rules of labels are wrong.
    pub fn new(
        catalogue: Arc<Catalogue>,
        desk: Arc<Desk>,
        clock: Clock,
        random: Random,
        is_encrypted: bool,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            catalogue,
            knowledge: Knowledge::new(desk.scanner().inspector().engine())?,
            desk,
            clock,
            random,
            is_encrypted,
            passwords: Passwords::default(),
            throttle: Throttle::default(),
            meter: Meter::default(),
            guard: None,
            federated: None,
            hunt: None,
            respond: None,
            recover: None,
            second: Pending::new(pages::second::LIFE_MS),
            passkeys: Passkeys::nowhere(),
            idle_ms: session::IDLE_MS,
        })
    }

    /// With the pages of what guards. Without it they are not found and not in the menu.
    #[must_use]
    pub fn guarded(mut self, view: GuardView) -> Self {
        self.guard = Some(Arc::new(Guarded::new(view)));
        self
    }

    /// With identity providers through which people log in. It takes a guard, which knows who they are.
    #[must_use]
    pub fn federated(mut self, view: FederationView) -> Self {
        self.federated = Some(Federated::new(view));
        self
    }

    /// With passkeys for people who reach it at `address`, such as `https://lazaret.example.org`. They take a guard, which knows who
    /// people are. Where the address has no name that passkeys could be tied to, the pages say so.
    #[must_use]
    pub fn reached_at(mut self, address: &str) -> Self {
        self.passkeys = Passkeys::at(address);
        self
    }

    /// With somebody who answers hunts. It takes a guard, which records them.
    #[must_use]
    pub fn hunting(mut self, hunt: Arc<dyn Hunt>) -> Self {
        self.hunt = Some(hunt);
        self
    }

    /// With somebody who acts on incidents. It takes a guard, which keeps them.
    #[must_use]
    pub fn responding(mut self, respond: Arc<dyn Respond>) -> Self {
        self.respond = Some(respond);
        self
    }

    /// With somebody who makes backups and holds drills. It takes a guard, which records them.
    #[must_use]
    pub fn recovering(mut self, recover: Arc<dyn Recover>) -> Self {
        self.recover = Some(recover);
        self
    }

    /// With sessions that end after `idle_ms` milliseconds without a request.
    #[must_use]
    pub fn idle_after(mut self, idle_ms: i64) -> Self {
        self.idle_ms = idle_ms;
        self
    }

    pub(crate) fn now(&self) -> i64 {
        (self.clock)()
    }
}

/// What every handler is given.
pub(crate) type Shared = Arc<Console>;
