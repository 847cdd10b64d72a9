//! Grants: given, requested and approved, narrowed, taken back, expired. Each change is recorded before it takes effect.

use model::event::Activity;
use model::{Action, By, Event, Label, PrincipalId, Scope, StudyId};
use store::grants::{self, Grant, GrantState};

use crate::access::{Access, context, reason, same};
use crate::content::{Role, roles};
use crate::error::AccessError;
use crate::question::{ActionSet, LabelSet};

/// The longest time that a request may ask for: three months, after which a review would ask again anyway (EU GMP Annex 11
/// section 11, periodic evaluation).
pub const REQUEST_LIFE_MS_MAX: i64 = 92 * 24 * 60 * 60 * 1000;

/// What a grant lets do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rights {
    /// What a role names.
    Role(String),
    /// These actions.
    Actions(Vec<Action>),
}

/// A grant to be given or requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGrant {
    /// Who may.
    pub principal: PrincipalId,
    /// In which study; `None`: in the organisation itself, such as creating studies.
    pub study: Option<StudyId>,
    /// Do what.
    pub rights: Rights,
    /// Only to objects that hold nothing but these; `None`: to every object.
    pub labels: Option<Vec<Label>>,
    /// From when, in milliseconds since 1970, UTC; `None`: at once.
    pub from: Option<i64>,
    /// Until when; `None`: until it is taken back.
    pub until: Option<i64>,
}

impl Access {
    /// Gives a grant at once. What takes two people (delete, export, administer) is in it, but in force only after
    /// [`Access::approve`] by another. The caller has decided that `by` may administer the study.
    ///
    /// # Errors
    /// When principal, study or role are not there, it cannot be recorded, or the store refuses.
    pub async fn give(&self, new: NewGrant, by: &By) -> Result<Grant, AccessError> {
        let _turn = self.changing.lock().await;
        let grant = self.draft(new, by, GrantState::Active).await?;
        let event = told(Activity::Grant, &grant, by);
        self.effect(event, grants::create(&self.store, &grant)).await?;
        self.turn(|index| index.put(&grant));
        Ok(grant)
    }

    /// Asks for a grant with an end, for a reason. It is in force once somebody else approves it.
    ///
    /// # Errors
    /// As [`Access::give`]; and when there is no reason, no end, or an end too far away.
    pub async fn request(&self, new: NewGrant, why: &str, by: &By) -> Result<Grant, AccessError> {
        let _turn = self.changing.lock().await;
        let why = reason(why)?;
        let days = REQUEST_LIFE_MS_MAX / (24 * 60 * 60 * 1000);
        if new.until.is_none_or(|until| until - by.now_ms > REQUEST_LIFE_MS_MAX) {
            let what = format!("a request needs an end, at most {days} days away; say until when it is needed");
            return Err(AccessError::Wrong { what });
        }
        let mut grant = self.draft(new, by, GrantState::Requested).await?;
        let scope = scope(&grant);
        let sealed = self.envelope.seal(&scope, &context("grant", grant.id), why.as_bytes()).await?;
        grant.reason_sealed = Some(sealed);
        let mut event = told(Activity::Grant, &grant, by);
        event.reason = Some("requested".to_owned());
        event.details.push(model::event::Detail { field: "reason".into(), scope, value: why.to_owned() });
        self.effect(event, grants::create(&self.store, &grant)).await?;
        Ok(grant)
    }

    /// Approves a request, or countersigns a grant that one person gave: two people stand behind it then.
    ///
    /// # Errors
    /// When `by` requested it or gains by it, it was decided before or is over, or it cannot be recorded.
    pub async fn approve(&self, id: u32, by: &By) -> Result<Grant, AccessError> {
        let _turn = self.changing.lock().await;
        let mut grant = self.grant(id).await?;
        let from = grant.state;
        let open = from == GrantState::Requested || (from == GrantState::Active && grant.approved_by.is_none());
        if !open || grant.valid_until.is_some_and(|until| until <= by.now_ms) {
            return Err(state(&grant, by.now_ms, "approved"));
        }
        if same(by, &[grant.requested_by, grant.principal]) {
            return Err(AccessError::SamePerson { what: "approving a grant" });
        }
        grant.state = GrantState::Active;
        grant.approved_by = Some(by.actor.id);
        let mut event = told(Activity::Grant, &grant, by);
        event.reason = Some("approved".to_owned());
        event.old = Some(from.as_str().to_owned());
        self.put(event, grant, from).await
    }

    /// Refuses a request.
    ///
    /// # Errors
    /// When it was decided before, or it cannot be recorded.
    pub async fn refuse(&self, id: u32, by: &By) -> Result<Grant, AccessError> {
        let grant = self.grant(id).await?;
        if grant.state != GrantState::Requested {
            return Err(state(&grant, by.now_ms, "refused"));
        }
        self.end(grant, GrantState::Revoked, "refused", by).await
    }

    /// Takes a grant back; from this moment on it allows nothing.
    ///
    /// # Errors
    /// When it is not in force, or it cannot be recorded.
    pub async fn revoke(&self, id: u32, by: &By) -> Result<Grant, AccessError> {
        let grant = self.grant(id).await?;
        if grant.state != GrantState::Active {
            return Err(state(&grant, by.now_ms, "revoked"));
        }
        self.end(grant, GrantState::Revoked, "revoked", by).await
    }

    /// Leaves less of a grant: fewer actions, fewer labels, an earlier end. Never more.
    ///
    /// # Errors
    /// When it would become more, nothing would be left, it is not in force, or it cannot be recorded.
    pub async fn narrow(
        &self,
        id: u32,
        actions: &[Action],
        labels: Option<Vec<Label>>,
        until: Option<i64>,
        by: &By,
    ) -> Result<Grant, AccessError> {
        let _turn = self.changing.lock().await;
        let mut grant = self.grant(id).await?;
        if grant.state != GrantState::Active {
            return Err(state(&grant, by.now_ms, "narrowed"));
        }
        let event = told(Activity::Revoke, &grant, by);
        less(&mut grant, actions, labels, until)?;
        let event = Event { reason: Some("narrowed".to_owned()), old: event.new, new: Some(words(&grant)), ..event };
        self.put(event, grant, GrantState::Active).await
    }

    /// Ends what is over at `by.now_ms`: grants and requests past their end. They allow nothing from that moment on, swept
    /// or not; how many were swept.
    ///
    /// # Errors
    /// When one cannot be recorded or kept; those before it are ended.
    pub async fn sweep(&self, by: &By) -> Result<u64, AccessError> {
        let mut swept = 0;
        for state in [GrantState::Active, GrantState::Requested] {
            let mut after = 0;
            loop {
                let page = grants::in_state(&self.store, state, after).await?;
                let Some(last) = page.last() else { break };
                after = last.id;
                for grant in page {
                    if grant.valid_until.is_some_and(|until| until <= by.now_ms) {
                        self.end(grant, GrantState::Expired, "expired", by).await?;
                        swept += 1;
                    }
                }
            }
        }
        self.turn(|index| index.sweep(by.now_ms));
        Ok(swept)
    }

    /// Why a grant was requested, for whoever decides about it.
    ///
    /// # Errors
    /// When the reason cannot be opened.
    pub async fn reason_of(&self, grant: &Grant) -> Result<Option<String>, AccessError> {
        let Some(sealed) = &grant.reason_sealed else { return Ok(None) };
        let plain = self.envelope.open(&scope(grant), &context("grant", grant.id), sealed).await?;
        Ok(Some(String::from_utf8_lossy(&plain).into_owned()))
    }

    async fn end(&self, grant: Grant, to: GrantState, why: &str, by: &By) -> Result<Grant, AccessError> {
        let _turn = self.changing.lock().await;
        let from = grant.state;
        let event = told(Activity::Revoke, &grant, by);
        let event = Event { reason: Some(why.to_owned()), old: event.new, new: None, ..event };
        let ended = Grant { state: to, ended_at: Some(by.now_ms), ended_by: Some(by.actor.id), ..grant };
        self.put(event, ended, from).await
    }

    async fn put(&self, event: Event, grant: Grant, from: GrantState) -> Result<Grant, AccessError> {
        let changed = self.effect(event, grants::change(&self.store, &grant, from)).await?;
        if !changed {
            let now = self.grant(grant.id).await?;
            self.turn(|index| index.put(&now));
            return Err(state(&now, i64::MIN, "changed"));
        }
        self.turn(|index| index.put(&grant));
        Ok(grant)
    }

    /// The grant with `id`.
    ///
    /// # Errors
    /// When there is none, or the store refuses.
    pub async fn grant(&self, id: u32) -> Result<Grant, AccessError> {
        let missing = || AccessError::Missing { what: "grant", id: id.to_string() };
        grants::by_id(&self.store, id).await?.ok_or_else(missing)
    }

    async fn draft(&self, new: NewGrant, by: &By, state: GrantState) -> Result<Grant, AccessError> {
        let beneficiary = self.principal(new.principal).await?;
        if beneficiary.disabled_at.is_some() {
            let what = format!("`{}` is disabled; enable it before it is given anything", beneficiary.name);
            return Err(AccessError::Wrong { what });
        }
        if let Some(study) = new.study.as_ref().filter(|study| self.look(|index| index.study(study).is_none())) {
            return Err(AccessError::Missing { what: "study", id: study.to_string() });
        }
        let (role, actions) = resolve(new.rights)?;
        let valid_from = new.from.unwrap_or(by.now_ms);
        if new.until.is_some_and(|until| until <= valid_from.max(by.now_ms)) {
            let what = "a grant cannot end before it begins; give a later end".to_owned();
            return Err(AccessError::Wrong { what });
        }
        Ok(Grant {
            id: grants::reserve(&self.store).await?,
            principal: new.principal,
            study: new.study,
            role,
            actions,
            labels: new.labels,
            state,
            requested_by: by.actor.id,
            requested_at: by.now_ms,
            reason_sealed: None,
            approved_by: None,
            valid_from,
            valid_until: new.until,
            ended_at: None,
            ended_by: None,
            last_used_at: None,
        })
    }
}

fn resolve(rights: Rights) -> Result<(Option<String>, Vec<Action>), AccessError> {
    let (role, actions) = match rights {
        Rights::Actions(actions) => (None, actions),
        Rights::Role(id) => {
            let known = || roles().iter().map(|role| role.id.as_str()).collect::<Vec<_>>().join(", ");
            let role = Role::named(&id).ok_or_else(|| AccessError::Role { role: id.clone(), roles: known() })?;
            (Some(id), role.actions.clone())
        }
    };
    let actions: Vec<Action> = actions.into_iter().collect::<ActionSet>().iter().collect();
    if actions.is_empty() {
        return Err(AccessError::Wrong {
            what: "a grant without actions grants nothing; name at least one".to_owned(),
        });
    }
    Ok((role, actions))
}

fn less(
    grant: &mut Grant,
    actions: &[Action],
    labels: Option<Vec<Label>>,
    until: Option<i64>,
) -> Result<(), AccessError> {
    let wrong = |what: &str| Err(AccessError::Wrong { what: what.to_owned() });
    let (had, left): (ActionSet, ActionSet) =
        (grant.actions.iter().copied().collect(), actions.iter().copied().collect());
    if left.is_empty() {
        return wrong("nothing would be left of the grant; revoke it");
    }
    if !had.contains_all(left) {
        return wrong("narrowing cannot add an action; request a new grant for it");
    }
    match (&grant.labels, labels) {
        (_, None) => {}
        (Some(had), Some(left))
            if !had.iter().copied().collect::<LabelSet>().contains_all(left.iter().copied().collect()) =>
        {
            return wrong("narrowing cannot add a label; request a new grant for it");
        }
        (_, Some(left)) => grant.labels = Some(left),
    }
    match (grant.valid_until, until) {
        (_, None) => {}
        (Some(had), Some(left)) if left > had => {
            return wrong("narrowing cannot make a grant last longer; request a new one");
        }
        (_, Some(left)) => grant.valid_until = Some(left),
    }
    grant.actions = left.iter().collect();
    Ok(())
}

fn scope(grant: &Grant) -> Scope {
    grant.study.clone().map_or(Scope::Organisation, Scope::Study)
}

fn words(grant: &Grant) -> String {
    use std::fmt::Write as _;
    let list = |words: Vec<&str>| words.join(" ");
    let mut text =
        format!("principal={} actions={}", grant.principal, list(grant.actions.iter().map(|a| a.as_str()).collect()));
    let mut add = |key: &str, value: &dyn std::fmt::Display| {
        let _infallible = write!(text, " {key}={value}");
    };
    if let Some(role) = &grant.role {
        add("role", role);
    }
    if let Some(labels) = &grant.labels {
        add("labels", &labels.iter().map(|label| label.as_str()).collect::<Vec<_>>().join(","));
    }
    add("from", &grant.valid_from);
    if let Some(until) = grant.valid_until {
        add("until", &until);
    }
    text
}

/// The event of a change of `grant`, with what it says as the new value.
fn told(activity: Activity, grant: &Grant, by: &By) -> Event {
    let mut event = by.event(activity);
    event.resource.study.clone_from(&grant.study);
    event.resource.entity = Some(format!("grant:{}", grant.id));
    event.new = Some(words(grant));
    event
}

fn state(grant: &Grant, now: i64, wanted: &'static str) -> AccessError {
    let over = grant.valid_until.is_some_and(|until| until <= now);
    AccessError::State { id: grant.id, state: if over { "over" } else { grant.state.as_str() }, wanted }
}
