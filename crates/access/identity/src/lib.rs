//! Who acts: people, services, partners' people, devices and AI agents, and what they prove it by.
//!
//! What comes in: credentials as they are shown (access keys, passkeys, tokens of identity providers, one-time codes, sessions) and
//! changes of principals. What goes out: the principal behind a credential, and new credentials, once. Every change is
//! recorded before it takes effect. This crate must never keep a secret in clear, use an id twice, say why a credential
//! was not accepted to whoever showed it, or decide what a principal may do.

mod cache;
mod error;
mod factors;
mod federation;
mod jwt;
mod keys;
mod leaving;
mod lockout;
mod login;
mod outside;
mod party;
mod passkeys;
mod passport;
mod principals;
mod scim;
mod secret;
mod sessions;
mod temporary;
mod totp;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use model::event::Outcome;
use model::{Envelope, Event, Record};
use store::{Store, StoreError};

pub use error::IdentityError;
pub use factors::Enrolment;
pub use federation::{Endpoints, Federation, FederationError, KeysAt, LoginClient, Trusted};
pub use jwt::{Claims, Issuer, JwtError, Keys};
pub use keys::{CACHED_MAX, KEYS_PER_PRINCIPAL_MAX, Kept, NewKey, Resolved};
pub use leaving::{LastDay, last_day_of};
pub use login::{Arrived, Begun, LoginError};
pub use outside::Unanswered;
pub use party::{NoPasskeys, PASSKEY_WAIT_MS, RelyingParty};
pub use passkeys::{Asked, PASSKEYS_PER_PRINCIPAL_MAX, Proven, Registering};
pub use passport::{Entitlement, Judged, VisaRule};
pub use principals::{Attributes, NewPrincipal};
pub use scim::{STAFF_SCHEMA, ScimFault, ScimFilter, ScimPage, ScimRecord, ScimUser, USER_SCHEMA};
pub use secret::Random;
pub use sessions::{SESSION_IDLE_MS, SESSION_LIFE_MS};
pub use temporary::{DURATION_DEFAULT_S, DURATION_MAX_S, DURATION_MIN_S, NewTemporary, SESSION_NAME_MAX};
pub use totp::{Algorithm, code};

/// Principals and their credentials. One process changes a database at a time; whoever else reads the same database must
/// [forget](Identity::forget) what it knows when told of a change.
pub struct Identity {
    store: Store,
    recorder: Arc<dyn Record>,
    envelope: Arc<dyn Envelope>,
    random: Random,
    cache: cache::Cache,
    uses: Mutex<HashMap<String, i64>>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    /// Principals of `store`; changes go to `recorder` first, secrets through `envelope`; `random` gives 32 bytes that nobody
    /// can guess.
    #[must_use]
    pub fn new(store: Store, recorder: Arc<dyn Record>, envelope: Arc<dyn Envelope>, random: Random) -> Self {
        Self { store, recorder, envelope, random, cache: cache::Cache::default(), uses: Mutex::default() }
    }

    /// Forgets every credential in memory, so that the next use of each asks the store.
    pub fn forget(&self) {
        self.cache.clear();
    }

    /// Records `event`, then lets it happen. When it does not, that is recorded as well.
    async fn effect<T>(
        &self,
        event: Event,
        happen: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, IdentityError> {
        let mut failure = event.clone();
        self.recorder.record(event).await?;
        match happen.await {
            Ok(done) => Ok(done),
            Err(error) => {
                failure.outcome = Outcome::Failure { code: "identity:store".into() };
                self.recorder.record(failure).await?;
                Err(error.into())
            }
        }
    }
}
