//! Breaking the glass: access in an emergency, for a reason, for hours, and reviewed.

use model::event::{Activity, Detail};
use model::{Action, By, Scope, StudyId};
use store::emergencies::{self, Emergency, Review};
use store::principals::Principal;

use crate::access::{Access, context, reason, same};
use crate::error::AccessError;
use crate::question::Circumstances;

/// The longest emergency: four hours, half a shift, after which somebody else can be asked.
pub const EMERGENCY_MS_MAX: i64 = 4 * 60 * 60 * 1000;

impl Access {
    /// Opens a study to `principal` for `for_ms` milliseconds, for `why`, if the policies let it break the glass.
    ///
    /// # Errors
    /// When they do not, the reason or the time is none, or it cannot be recorded.
    pub async fn break_glass(
        &self,
        principal: &Principal,
        study: &StudyId,
        why: &str,
        for_ms: i64,
        circumstances: &Circumstances,
        by: &By,
    ) -> Result<Emergency, AccessError> {
        let why = reason(why)?;
        if !(1..=EMERGENCY_MS_MAX).contains(&for_ms) {
            let what =
                format!("an emergency lasts at most {} hours; give a shorter time", EMERGENCY_MS_MAX / 3_600_000);
            return Err(AccessError::Wrong { what });
        }
        let decision = self.decide(principal, Action::BreakGlass, Some(study), None, circumstances);
        if !decision.allowed {
            return Err(decision.into_error());
        }
        let _turn = self.changing.lock().await;
        let id = emergencies::reserve(&self.store).await?;
        let scope = Scope::Study(study.clone());
        let sealed = self.envelope.seal(&scope, &context("emergency", id), why.as_bytes()).await?;
        let (began_at, until) = (by.now_ms, by.now_ms.saturating_add(for_ms));
        let emergency = Emergency {
            id,
            principal: principal.id,
            study: study.clone(),
            reason_sealed: sealed,
            began_at,
            until,
            review: Review::Pending,
            reviewed_by: None,
            reviewed_at: None,
        };
        let mut event = by.event(Activity::Grant);
        event.action = Some(Action::BreakGlass);
        event.policies = decision.policies;
        event.resource.study = Some(study.clone());
        event.resource.entity = Some(format!("emergency:{id}"));
        event.reason = Some("emergency".to_owned());
        event.new = Some(format!("principal={} until={until}", principal.id));
        event.details.push(Detail { field: "reason".into(), scope, value: why.to_owned() });
        self.effect(event, emergencies::create(&self.store, &emergency)).await?;
        self.turn(|index| index.open_emergency(principal.id, study.clone(), until));
        Ok(emergency)
    }

    /// Emergencies that wait for their review, oldest first, a page after the id `after`.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn to_review(&self, after: u32) -> Result<Vec<Emergency>, AccessError> {
        Ok(emergencies::pending(&self.store, after).await?)
    }

    /// Why the glass was broken, for whoever reviews it.
    ///
    /// # Errors
    /// When the reason cannot be opened.
    pub async fn reason_for(&self, emergency: &Emergency) -> Result<String, AccessError> {
        let scope = Scope::Study(emergency.study.clone());
        let plain = self.envelope.open(&scope, &context("emergency", emergency.id), &emergency.reason_sealed).await?;
        Ok(String::from_utf8_lossy(&plain).into_owned())
    }

    /// Says whether an emergency was justified, and ends it if it still runs.
    ///
    /// # Errors
    /// When `by` broke the glass itself, it was reviewed before, or it cannot be recorded.
    pub async fn review(&self, id: u32, justified: bool, by: &By) -> Result<(), AccessError> {
        let _turn = self.changing.lock().await;
        let missing = || AccessError::Missing { what: "emergency", id: id.to_string() };
        let emergency = emergencies::by_id(&self.store, id).await?.ok_or_else(missing)?;
        if same(by, &[emergency.principal]) {
            return Err(AccessError::SamePerson { what: "reviewing an emergency" });
        }
        if emergency.review != Review::Pending {
            let what = format!("emergency {id} was reviewed before; its review stays as it is");
            return Err(AccessError::Wrong { what });
        }
        let review = if justified { Review::Justified } else { Review::Unjustified };
        let mut event = by.event(Activity::Revoke);
        event.resource.study = Some(emergency.study.clone());
        event.resource.entity = Some(format!("emergency:{id}"));
        event.reason = Some("reviewed".to_owned());
        event.old = Some(Review::Pending.as_str().to_owned());
        event.new = Some(review.as_str().to_owned());
        self.effect(event, emergencies::review(&self.store, id, review, by.actor.id, by.now_ms)).await?;
        // An emergency that began later may go on.
        let mut until = by.now_ms;
        let mut after = 0;
        loop {
            let page = emergencies::running(&self.store, by.now_ms, after).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            let others = page.iter().filter(|e| e.principal == emergency.principal && e.study == emergency.study);
            until = others.map(|other| other.until).fold(until, i64::max);
        }
        self.turn(|index| index.set_emergency(emergency.principal, emergency.study.clone(), until));
        Ok(())
    }
}
