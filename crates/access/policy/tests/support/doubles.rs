//! A ledger in memory that can fail, and an envelope that hides nothing but checks what belongs together.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use model::event::{Actor, Origin};
use model::{
    Answer, By, Envelope, EnvelopeError, Event, PrincipalId, PrincipalKind, Receipt, Record, RecordError, Scope,
};

#[derive(Default)]
pub struct Ledger {
    pub events: Mutex<Vec<Event>>,
    pub fails: AtomicBool,
}

impl Ledger {
    pub fn last(&self) -> Event {
        self.events.lock().unwrap().last().unwrap().clone()
    }

    pub fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }
}

impl Record for Ledger {
    fn record(&self, event: Event) -> Answer<'_, Result<Receipt, RecordError>> {
        Box::pin(async move {
            if self.fails.load(Ordering::SeqCst) {
                return Err(RecordError::Refused { because: "a test says so".to_owned() });
            }
            let mut events = self.events.lock().unwrap();
            events.push(event);
            Ok(Receipt { index: events.len() as u64 - 1 })
        })
    }
}

#[derive(Default)]
pub struct Clear;

fn head(scope: &Scope, context: &[u8]) -> Vec<u8> {
    [scope.to_string().as_bytes(), b"|", context, b"|"].concat()
}

impl Envelope for Clear {
    fn seal<'a>(
        &'a self,
        scope: &'a Scope,
        context: &'a [u8],
        plain: &'a [u8],
    ) -> Answer<'a, Result<Vec<u8>, EnvelopeError>> {
        Box::pin(async move { Ok([head(scope, context), plain.to_vec()].concat()) })
    }

    fn open<'a>(
        &'a self,
        scope: &'a Scope,
        context: &'a [u8],
        sealed: &'a [u8],
    ) -> Answer<'a, Result<Vec<u8>, EnvelopeError>> {
        Box::pin(async move {
            let plain = sealed.strip_prefix(head(scope, context).as_slice());
            plain.map(<[u8]>::to_vec).ok_or_else(|| EnvelopeError::Altered { scope: scope.clone() })
        })
    }
}

pub fn by(id: PrincipalId, now_ms: i64) -> By {
    let actor = Actor { id, kind: PrincipalKind::Person, credential: None };
    By { actor, origin: Origin { through: "test".into(), ..Origin::default() }, now_ms }
}
