//! What an operator asks about access: who reaches what and why, requests, reviews, policies.

use std::collections::HashMap;

use model::{Action, Label, ObjectId, StudyId};
use policy::{Circumstances, Decision, Effects, Preview, Thing, Told, id_of};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::grants::{Grant, GrantState};
use store::guarded::{sums, versions};
use store::principals::{self, Principal};
use store::{grants, policies, studies};

use crate::ops::{Operator, OpsError};
use crate::{Guarded, outside};

/// Sets of labels of one study that are looked at.
const SETS_MAX: u32 = 64;
/// Cases of a difference that are told.
const CASES_MAX: usize = 10_000;

/// A question about access, or a decision.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessRequest {
    /// Who can reach a study, or an object of it?
    Who {
        /// The study.
        study: StudyId,
        /// The object's name.
        object: Option<String>,
    },
    /// What can somebody reach?
    Reach {
        /// Its name.
        name: String,
    },
    /// What waits for a decision.
    Requests,
    /// Approves a request or countersigns a grant; or refuses a request.
    Decide {
        /// The grant's number.
        grant: u32,
        /// Whether it is approved.
        approve: bool,
    },
    /// Grants that nobody uses, and emergencies that nobody reviewed.
    Review {
        /// For how many days.
        days: u32,
    },
    /// Policies in force.
    PolicyList,
    /// What a policy would change.
    PolicyPreview {
        /// Its text.
        text: String,
    },
    /// Puts a policy in force.
    PolicyApply {
        /// Its text.
        text: String,
        /// The version that was previewed; the next one unless given.
        version: Option<u32>,
    },
    /// Takes a policy of the organisation out of force.
    PolicyRemove {
        /// Its id.
        id: String,
    },
}

/// The circumstances in which questions are asked: now, with a second factor.
pub(crate) fn asked() -> Circumstances {
    Circumstances { now_ms: outside::now(), mfa: true, ..Circumstances::default() }
}

fn line(told: &Told) -> serde_json::Map<String, Value> {
    let Decision { allowed, policies, because, hint, code, grants } = &told.decision;
    let mut line = serde_json::Map::new();
    line.insert("action".into(), json!(told.action));
    line.insert("allowed".into(), json!(allowed));
    line.insert("granted".into(), json!(told.granted));
    line.insert("policies".into(), json!(policies));
    line.insert("because".into(), json!(because));
    if *allowed {
        line.insert("grants".into(), json!(grants));
    } else {
        line.insert("code".into(), json!(code));
        line.insert("hint".into(), json!(hint));
    }
    line
}

impl Guarded {
    /// Answers a question about access, or decides.
    ///
    /// # Errors
    /// When it cannot be done.
    pub async fn attend(&self, operator: &Operator, request: AccessRequest) -> Result<Vec<Value>, OpsError> {
        match request {
            AccessRequest::Who { study, object } => self.who_reaches(&study, object.as_deref()).await,
            AccessRequest::Reach { name } => self.reached_by(&name).await,
            AccessRequest::Requests => self.requests().await,
            AccessRequest::Decide { grant, approve } => self.decide_on(operator, grant, approve).await,
            AccessRequest::Review { days } => self.to_review(days).await,
            AccessRequest::PolicyList => self.policies().await,
            AccessRequest::PolicyPreview { text } => {
                let id = id_of(&text)?;
                let preview = self.access.preview(&id, Some(&text)).await?;
                let effects = self.effects(&id, Some(&text)).await?;
                Ok(difference(&preview, &effects, false))
            }
            AccessRequest::PolicyApply { text, version } => self.change_policy(operator, Some(text), version).await,
            AccessRequest::PolicyRemove { id } => self.remove_policy(operator, &id).await,
        }
    }

    async fn who_reaches(&self, study: &StudyId, object: Option<&str>) -> Result<Vec<Value>, OpsError> {
        if self.access.study(study).is_none() {
            return Err(OpsError::Wrong(format!("there is no study `{study}`; check its name")));
        }
        let found = match object {
            None => None,
            Some(name) => {
                let found = versions::latest(&self.store, study.as_str(), name).await?;
                let none = || OpsError::Wrong(format!("there is no object `{name}` in `{study}`; check its name"));
                Some(found.filter(|version| !version.marker).ok_or_else(none)?)
            }
        };
        let labels: Vec<Label> = found.iter().flat_map(|version| labels(&version.labels)).collect();
        let thing = found.map(|version| Thing { id: Some(ObjectId::from_bytes(version.object)), labels: &labels });
        let circumstances = asked();
        let (ids, _) = self.access.candidates(Some(study), None, usize::MAX);
        let mut lines = Vec::new();
        for id in ids {
            let Some(principal) = principals::by_id(&self.store, id).await? else { continue };
            for told in self.access.tell(&principal, Action::ALL, Some(study), thing, &circumstances) {
                if told.granted || told.decision.allowed {
                    let mut line = line(&told);
                    line.insert("principal".into(), json!(principal.id));
                    line.insert("name".into(), json!(principal.name));
                    line.insert("kind".into(), json!(principal.kind));
                    lines.push(Value::Object(line));
                }
            }
        }
        Ok(lines)
    }

    async fn reached_by(&self, name: &str) -> Result<Vec<Value>, OpsError> {
        let principal = self.identity.by_name(name).await?;
        let circumstances = asked();
        let mut lines = Vec::new();
        for place in self.access.places(principal.id) {
            let study = place.as_ref();
            let mut tell = |labels: Option<&Vec<Label>>| {
                let thing = labels.map(|labels| Thing { id: None, labels });
                for told in self.access.tell(&principal, Action::ALL, study, thing, &circumstances) {
                    if told.granted || told.decision.allowed {
                        let mut line = line(&told);
                        line.insert("study".into(), json!(study));
                        line.insert("labels".into(), json!(labels));
                        lines.push(Value::Object(line));
                    }
                }
            };
            tell(None);
            if let Some(study) = study {
                for set in sums::label_sets(&self.store, study.as_str(), SETS_MAX).await? {
                    tell(Some(&labels(&set)));
                }
            }
        }
        Ok(lines)
    }

    async fn requests(&self) -> Result<Vec<Value>, OpsError> {
        let now = outside::now();
        let mut lines = Vec::new();
        for grant in grants::in_state(&self.store, GrantState::Requested, 0).await? {
            if grant.valid_until.is_none_or(|until| now < until) {
                let mut line = self.told_grant(&grant, "requested").await?;
                line.insert("reason".into(), json!(self.access.reason_of(&grant).await.ok().flatten()));
                lines.push(Value::Object(line));
            }
        }
        for grant in grants::countersignable(&self.store, now, 0).await? {
            if grant.study.is_some() {
                lines.push(Value::Object(self.told_grant(&grant, "needs-second-person").await?));
            }
        }
        Ok(lines)
    }

    async fn told_grant(&self, grant: &Grant, state: &str) -> Result<serde_json::Map<String, Value>, OpsError> {
        let name = |found: Option<Principal>| found.map(|principal| principal.name);
        let line = json!({
            "grant": grant.id,
            "state": state,
            "name": name(principals::by_id(&self.store, grant.principal).await?),
            "study": grant.study,
            "role": grant.role,
            "actions": grant.actions,
            "labels": grant.labels,
            "from": grant.valid_from,
            "until": grant.valid_until,
            "requested_by": name(principals::by_id(&self.store, grant.requested_by).await?),
            "requested_at": grant.requested_at,
            "last_used_at": grant.last_used_at,
        });
        Ok(match line {
            Value::Object(line) => line,
            _ => serde_json::Map::new(),
        })
    }

    async fn decide_on(&self, operator: &Operator, grant: u32, approve: bool) -> Result<Vec<Value>, OpsError> {
        let by = self.by(operator).await?;
        let grant = match approve {
            true => self.access.approve(grant, &by).await?,
            false => self.access.refuse(grant, &by).await?,
        };
        Ok(vec![json!({ "grant": grant.id, "state": if approve { "approved" } else { "refused" } })])
    }

    async fn to_review(&self, days: u32) -> Result<Vec<Value>, OpsError> {
        let mut lines = Vec::new();
        for grant in self.access.unused(days, outside::now(), 0).await? {
            let mut line = self.told_grant(&grant, "unused").await?;
            line.insert("kind".into(), json!("grant"));
            lines.push(Value::Object(line));
        }
        for emergency in self.access.to_review(0).await? {
            let who = principals::by_id(&self.store, emergency.principal).await?;
            lines.push(json!({
                "kind": "emergency",
                "emergency": emergency.id,
                "state": "pending",
                "name": who.map(|who| who.name),
                "study": emergency.study,
                "reason": self.access.reason_for(&emergency).await.ok(),
                "from": emergency.began_at,
                "until": emergency.until,
            }));
        }
        Ok(lines)
    }

    async fn policies(&self) -> Result<Vec<Value>, OpsError> {
        let own: HashMap<String, u32> =
            policies::active(&self.store).await?.into_iter().map(|policy| (policy.id, policy.version)).collect();
        let told = |rule: policy::Rule| {
            json!({
                "id": rule.id,
                "title": rule.title,
                "why": rule.why,
                "hint": rule.hint,
                "effect": if rule.opens { "permit" } else { "forbid" },
                "version": own.get(&rule.id),
            })
        };
        Ok(self.access.engine().rules().into_iter().map(told).collect())
    }

    async fn effects(&self, id: &str, text: Option<&str>) -> Result<Effects, OpsError> {
        let mut holds = HashMap::new();
        for study in studies::page(&self.store, "").await? {
            let sets = sums::label_sets(&self.store, study.id.as_str(), SETS_MAX).await?;
            holds.insert(study.id, sets.iter().map(|set| labels(set)).collect());
        }
        Ok(self.access.effects(id, text, &holds, &asked()).await?)
    }

    async fn change_policy(
        &self,
        operator: &Operator,
        text: Option<String>,
        version: Option<u32>,
    ) -> Result<Vec<Value>, OpsError> {
        let text = text.unwrap_or_default();
        let id = id_of(&text)?;
        let by = self.by(operator).await?;
        let version = match version {
            Some(version) => version,
            None => self.access.preview(&id, Some(&text)).await?.version,
        };
        let effects = self.effects(&id, Some(&text)).await?;
        let preview = self.access.change_policy(&id, Some(&text), version, &by).await?;
        Ok(difference(&preview, &effects, true))
    }

    async fn remove_policy(&self, operator: &Operator, id: &str) -> Result<Vec<Value>, OpsError> {
        let by = self.by(operator).await?;
        let version = self.access.preview(id, None).await?.version;
        let effects = self.effects(id, None).await?;
        let preview = self.access.change_policy(id, None, version, &by).await?;
        Ok(difference(&preview, &effects, true))
    }
}

pub(crate) fn labels(set: &str) -> Vec<Label> {
    set.split_ascii_whitespace().filter_map(|label| label.parse().ok()).collect()
}

/// Who gains or loses something, the cases that are decided otherwise, and last what it comes to.
fn difference(preview: &Preview, effects: &Effects, is_applied: bool) -> Vec<Value> {
    let word = |decision: &Decision| match decision.allowed {
        true => "allowed".to_owned(),
        false => decision.code.clone(),
    };
    let mut lines: Vec<Value> = effects
        .told
        .iter()
        .map(|effect| {
            json!({
                "principal": effect.principal,
                "name": effect.name,
                "study": effect.study,
                "labels": effect.labels,
                "action": effect.action,
                "before": word(&effect.before),
                "after": word(&effect.after),
            })
        })
        .collect();
    let changed = preview.differences.iter().filter(|one| one.before.allowed != one.after.allowed);
    lines.extend(changed.take(CASES_MAX).map(|one| {
        json!({ "case": {
            "kind": one.case.kind,
            "role": one.case.role,
            "action": one.case.action,
            "label": one.case.label,
            "circumstance": format!("{:?}", one.case.flag),
        }, "before": word(&one.before), "after": word(&one.after) })
    }));
    lines.push(json!({ "summary": {
        "policy": preview.id,
        "version": preview.version,
        "denied": preview.denied,
        "allowed": preview.allowed,
        "losing": effects.losing,
        "gaining": effects.gaining,
        "compared": effects.compared,
        "pairs": effects.pairs,
        "applied": is_applied,
    } }));
    lines
}
