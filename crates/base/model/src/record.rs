//! Recording what happens, before it happens. Implemented by the ledger; used by whoever changes or releases something.

use std::sync::Arc;

use crate::event::{Activity, Actor, Origin};
use crate::{Answer, Event};

/// Where an event lies once it is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Receipt {
    /// Its index in the ledger, from 0.
    pub index: u64,
}

/// Why an event could not be recorded. What it announces must not be done then.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The ledger does not accept entries: it is closed, full, or being repaired.
    #[error("the ledger accepts no entries because {because}; nothing was changed or released, try again once it does")]
    Refused {
        /// Why, in words.
        because: String,
    },
    /// The entry was not made durable.
    #[error("an event could not be made durable; nothing was changed or released, check the ledger's storage")]
    Failed {
        /// What went wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Records events. An event is recorded before what it says takes effect: a failed record fails the change, and no
/// plaintext byte leaves before the answer is there.
pub trait Record: Send + Sync + 'static {
    /// Makes `event` durable; where it lies then.
    fn record(&self, event: Event) -> Answer<'_, Result<Receipt, RecordError>>;
}

impl<T: Record + ?Sized> Record for Arc<T> {
    fn record(&self, event: Event) -> Answer<'_, Result<Receipt, RecordError>> {
        (**self).record(event)
    }
}

/// On whose behalf something is changed, from where and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Who. The caller has made sure that it is.
    pub actor: Actor,
    /// From where.
    pub origin: Origin,
    /// When, in milliseconds since 1970, UTC.
    pub now_ms: i64,
}

impl By {
    /// A success of `activity`, to be filled in.
    #[must_use]
    pub fn event(&self, activity: Activity) -> Event {
        let mut event = Event::new(activity, self.now_ms, "");
        event.actor = Some(self.actor.clone());
        event.origin = self.origin.clone();
        event
    }
}
