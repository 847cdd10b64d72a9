//! The policies in force over the grants that are kept: decisions without a database, changes with a record.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use model::event::Outcome;
use model::{Action, By, Envelope, Event, PrincipalId, Record, StudyId};
use store::grants::GrantState;
use store::principals::Principal;
use store::{Store, StoreError, emergencies, grants, policies, principals, studies};

use crate::content::Source;
use crate::engine::{Decision, Engine};
use crate::error::AccessError;
use crate::index::Index;
use crate::question::{Circumstances, Question, Thing};

/// Uses of grants that are remembered until they are written down; beyond, the oldest writes are simply due.
const USES_MAX: usize = 100_000;

/// Who may do what: decides, and changes what it decides by. One process changes a database at a time; whoever else looks
/// at the same database sees changes after [`Access::reload`].
pub struct Access {
    pub(crate) store: Store,
    pub(crate) recorder: Arc<dyn Record>,
    pub(crate) envelope: Arc<dyn Envelope>,
    engine: RwLock<Arc<Engine>>,
    index: RwLock<Index>,
    uses: Mutex<HashMap<u32, i64>>,
    /// One change at a time, so that memory follows the store in its order.
    pub(crate) changing: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

impl Access {
    /// Reads policies, studies, active grants and running emergencies at `now_ms`, milliseconds since 1970, UTC.
    ///
    /// # Errors
    /// When the store refuses or a policy in it cannot be used.
    pub async fn open(
        store: Store,
        recorder: Arc<dyn Record>,
        envelope: Arc<dyn Envelope>,
        now_ms: i64,
    ) -> Result<Self, AccessError> {
        let engine = RwLock::new(Arc::new(Engine::new(&own(&store).await?)?));
        let index = RwLock::new(read(&store, now_ms).await?);
        let (uses, changing) = (Mutex::default(), tokio::sync::Mutex::default());
        Ok(Self { store, recorder, envelope, engine, index, uses, changing })
    }

    /// Reads everything again, after another process changed the database.
    ///
    /// # Errors
    /// As [`Access::open`]; what was known stays in force then.
    pub async fn reload(&self, now_ms: i64) -> Result<(), AccessError> {
        let _turn = self.changing.lock().await;
        let (engine, index) = (Engine::new(&own(&self.store).await?)?, read(&self.store, now_ms).await?);
        self.put_engine(engine);
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
        Ok(())
    }

    /// Whether `principal` may do `action` to an object, to the study itself (no object), or to the organisation (no
    /// study). Denies where anything fails. The caller records the decision with [`Decision::policies`].
    #[must_use]
    pub fn decide(
        &self,
        principal: &Principal,
        action: Action,
        study: Option<&StudyId>,
        object: Option<Thing<'_>>,
        circumstances: &Circumstances,
    ) -> Decision {
        let decision = self.judge(principal, action, study, object, circumstances);
        if decision.allowed {
            self.note(&decision.grants, circumstances.now_ms);
        }
        decision
    }

    /// As [`Access::decide`], for asking what would be: it counts as no use of a grant.
    pub(crate) fn judge(
        &self,
        principal: &Principal,
        action: Action,
        study: Option<&StudyId>,
        object: Option<Thing<'_>>,
        circumstances: &Circumstances,
    ) -> Decision {
        let labels = object.map_or(&[][..], |thing| thing.labels);
        let (standing, found) = {
            let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
            let standing = index.standing(principal.id, study, labels, circumstances.now_ms);
            (standing, study.map(|id| index.study(id)))
        };
        let found = match found {
            Some(None) => return no_study(),
            Some(Some(study)) => Some(study),
            None => None,
        };
        let question =
            Question { principal, action, study: found.as_deref(), object, circumstances, standing: &standing };
        self.engine().decide(&question)
    }

    /// The policies in force.
    #[must_use]
    pub fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.engine.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn put_engine(&self, engine: Engine) {
        *self.engine.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(engine);
    }

    /// Looks at the grants in memory.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Index) -> T) -> T {
        look(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the grants in memory, after the store.
    pub(crate) fn turn<T>(&self, turn: impl FnOnce(&mut Index) -> T) -> T {
        turn(&mut self.index.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, grants: &[u32], now: i64) {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        for grant in grants {
            if uses.len() < USES_MAX || uses.contains_key(grant) {
                uses.insert(*grant, now);
            }
        }
    }

    /// Writes down when grants were last used. The caller asks for it every minute or so, and before it ends.
    ///
    /// # Errors
    /// When the store refuses; what was to be written is written the next time.
    pub async fn flush(&self) -> Result<(), AccessError> {
        let uses: Vec<(u32, i64)> = {
            let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
            uses.drain().collect()
        };
        let written = grants::touch(&self.store, &uses).await;
        if written.is_err() {
            let mut kept = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
            uses.into_iter().for_each(|(id, at)| {
                let last = kept.entry(id).or_insert(at);
                *last = at.max(*last);
            });
        }
        Ok(written?)
    }

    /// Records `event`, then lets it happen. When it does not, that is recorded as well.
    pub(crate) async fn effect<T>(
        &self,
        event: Event,
        happen: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, AccessError> {
        let mut failure = event.clone();
        self.recorder.record(event).await?;
        match happen.await {
            Ok(done) => Ok(done),
            Err(error) => {
                let error = AccessError::Store(error);
                failure.outcome = Outcome::Failure { code: error.code().into() };
                self.recorder.record(failure).await?;
                Err(error)
            }
        }
    }

    pub(crate) async fn principal(&self, id: PrincipalId) -> Result<Principal, AccessError> {
        let missing = || AccessError::Missing { what: "principal", id: id.to_string() };
        principals::by_id(&self.store, id).await?.ok_or_else(missing)
    }
}

/// Details in free text are sealed for whoever reviews them: what they belong to.
pub(crate) fn context(what: &str, id: u32) -> Vec<u8> {
    format!("access:{what}:{id}").into_bytes()
}

/// A reason in free text must say something.
pub(crate) fn reason(text: &str) -> Result<&str, AccessError> {
    /// Shortest reason, in characters: `ticket 4` is one, `ok` is none.
    const REASON_MIN: usize = 8;
    /// Longest reason, in bytes.
    const REASON_MAX: usize = 4_096;
    let text = text.trim();
    if text.chars().count() < REASON_MIN || text.len() > REASON_MAX {
        let what = format!("a reason has {REASON_MIN} to {REASON_MAX} characters; say what it is needed for");
        return Err(AccessError::Wrong { what });
    }
    Ok(text)
}

pub(crate) fn same(by: &By, others: &[PrincipalId]) -> bool {
    others.contains(&by.actor.id)
}

fn no_study() -> Decision {
    Decision {
        allowed: false,
        policies: Vec::new(),
        because: "there is no such study".to_owned(),
        hint: "check the study's name, or have it created".to_owned(),
        code: "policy:no-study".to_owned(),
        grants: Vec::new(),
    }
}

pub(crate) async fn own(store: &Store) -> Result<Vec<Source>, StoreError> {
    let kept = policies::active(store).await?;
    Ok(kept.into_iter().map(|policy| Source { id: Some(policy.id), text: policy.text }).collect())
}

async fn read(store: &Store, now: i64) -> Result<Index, StoreError> {
    let mut index = Index::default();
    let mut after = String::new();
    loop {
        let page = studies::page(store, &after).await?;
        let Some(last) = page.last() else { break };
        after = last.id.to_string();
        page.into_iter().for_each(|study| index.put_study(study));
    }
    let mut after = 0;
    loop {
        let page = grants::in_state(store, GrantState::Active, after).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        page.iter().for_each(|grant| index.put(grant));
    }
    let mut after = 0;
    loop {
        let page = emergencies::running(store, now, after).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        page.into_iter().for_each(|use_of| index.open_emergency(use_of.principal, use_of.study, use_of.until));
    }
    Ok(index)
}
