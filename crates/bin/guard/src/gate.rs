//! Identity and policy as the gateway's gate.

use std::net::IpAddr;
use std::sync::Arc;

use gateway::ports::{AssumeError, Assumed, Caller, Gate, GateError, Question, Ruling, Vouched};
use identity::{Federation, Identity, IdentityError, JwtError, Resolved};
use model::event::{Activity, Actor, Detail, Origin};
use model::{Action, Answer, By, Event, PrincipalId, PrincipalKind, Scope, StudyId};
use policy::{Access, AccessError, Circumstances, Decision, Network, NewGrant, Rights, Thing};
use secrecy::SecretString;

/// The principal that approves what a standing rule allows: here, that whoever may create studies is responsible for those
/// that it creates.
pub(crate) const RULE: &str = "rule:study-creation";

/// Knows callers and rules.
pub struct Doorkeeper {
    identity: Arc<Identity>,
    access: Arc<Access>,
    federation: Arc<Federation>,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
    cut_off: Arc<crate::CutOff>,
}

impl Doorkeeper {
    /// Over identity and policy, with those whose word is taken.
    #[must_use]
    pub fn new(
        identity: Arc<Identity>,
        access: Arc<Access>,
        federation: Arc<Federation>,
        clock: Arc<dyn Fn() -> i64 + Send + Sync>,
        cut_off: Arc<crate::CutOff>,
    ) -> Self {
        Self { identity, access, federation, clock, cut_off }
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> GateError {
    GateError(Box::new(error))
}

fn network(ip: Option<IpAddr>) -> Network {
    match ip {
        None => Network::Unknown,
        Some(ip) if ip.is_loopback() => Network::Local,
        Some(IpAddr::V4(ip)) if ip.is_private() || ip.is_link_local() => Network::Internal,
        // RFC 4193 unique local and RFC 4291 link-local addresses.
        Some(IpAddr::V6(ip)) if ip.is_unique_local() || ip.is_unicast_link_local() => Network::Internal,
        Some(_) => Network::External,
    }
}

/// What is known of a request that came with an access key. Keys are issued by the operator or to somebody who showed a
/// second factor, so that holding one stands for having shown it.
/// Temporary credentials are given for somebody else's word, which says nothing of a second factor.
pub(crate) fn circumstances(is_temporary: bool, ip: Option<IpAddr>, now_ms: i64) -> Circumstances {
    Circumstances { now_ms, mfa: !is_temporary, network: network(ip), ..Circumstances::default() }
}

fn ruling(decision: Decision) -> Ruling {
    Ruling {
        is_allowed: decision.allowed,
        policies: decision.policies,
        code: decision.code,
        hint: if decision.because.is_empty() {
            decision.hint
        } else {
            format!("{}; {}", decision.because, decision.hint)
        },
    }
}

fn facts(caller: &Caller) -> Result<Arc<Resolved>, GateError> {
    let lost = || GateError("the caller's facts are missing".into());
    Arc::clone(&caller.facts).downcast::<Resolved>().ok().ok_or_else(lost)
}

impl Gate for Doorkeeper {
    fn secret<'a>(&'a self, access_key: &'a str) -> Answer<'a, Result<Option<SecretString>, GateError>> {
        Box::pin(async move {
            let found = self.identity.secret(access_key, (self.clock)()).await.map_err(failed)?;
            Ok(found)
        })
    }

    fn caller<'a>(
        &'a self,
        access_key: &'a str,
        token: Option<&'a str>,
    ) -> Answer<'a, Result<Option<Caller>, GateError>> {
        Box::pin(async move {
            let found = self.identity.resolve(access_key, token, (self.clock)()).await.map_err(failed)?;
            Ok(found.map(|found| Caller {
                actor: Actor {
                    id: found.principal.id,
                    kind: found.principal.kind,
                    credential: Some(access_key.to_owned()),
                },
                name: found.principal.name.clone(),
                facts: found,
            }))
        })
    }

    fn name(&self, principal: PrincipalId) -> Answer<'_, Result<Option<String>, GateError>> {
        Box::pin(async move {
            match self.identity.by_id(principal).await {
                Ok(found) => Ok(Some(found.name)),
                Err(IdentityError::Missing { .. }) => Ok(None),
                Err(error) => Err(failed(error)),
            }
        })
    }

    fn decide<'a>(&'a self, question: &'a Question<'a>) -> Answer<'a, Result<Ruling, GateError>> {
        Box::pin(async move {
            let facts = facts(question.caller)?;
            let principal = &facts.principal;
            let thing = question.object.map(|id| Thing { id: Some(id), labels: question.labels });
            let circumstances = circumstances(facts.is_temporary(), question.ip, question.now_ms);
            let decision = self.access.decide(principal, question.action, Some(question.study), thing, &circumstances);
            Ok(ruling(decision))
        })
    }

    fn ends(&self, actor: &Actor, study: &StudyId, writes: bool) -> bool {
        self.cut_off.ends(actor, study, writes)
    }

    fn assume<'a>(&'a self, vouched: Vouched<'a>) -> Answer<'a, Result<Assumed, AssumeError>> {
        Box::pin(async move {
            let mut event = Event::new(Activity::CredentialIssue, vouched.now_ms, "sts");
            event.origin = vouched.origin;
            let session = vouched.session.to_owned();
            event.details.push(Detail { field: "session".into(), scope: Scope::Organisation, value: session });
            let issuer = match self.federation.issuer_of(vouched.token, vouched.now_ms).await {
                Ok(issuer) => issuer,
                Err(error) => {
                    return Err(self.identity.turned_away(event, error).await.map_or_else(unassumed, unassumed));
                }
            };
            let given = self.identity.assume(vouched.token, &[issuer], vouched.duration_s, event).await;
            let given = given.map_err(unassumed)?;
            Ok(Assumed {
                access_key: given.id,
                secret: given.secret,
                token: given.token,
                expires_at: given.expires_at,
                principal: given.principal,
                issuer: given.issuer,
                subject: given.subject,
            })
        })
    }

    fn create_study<'a>(
        &'a self,
        caller: &'a Caller,
        study: &'a StudyId,
        now_ms: i64,
    ) -> Answer<'a, Result<Ruling, GateError>> {
        Box::pin(async move {
            let facts = facts(caller)?;
            let principal = &facts.principal;
            let circumstances = circumstances(facts.is_temporary(), None, now_ms);
            let decision = self.access.decide(principal, Action::Administer, None, None, &circumstances);
            // A study that the operator created is opened by whoever administers it.
            let decision = match (decision.allowed, self.access.study(study)) {
                (false, Some(_)) => {
                    self.access.decide(principal, Action::Administer, Some(study), None, &circumstances)
                }
                _ => decision,
            };
            if !decision.allowed {
                return Ok(ruling(decision));
            }
            let origin = Origin { through: "s3".into(), ..Origin::default() };
            let by = By { actor: caller.actor.clone(), origin, now_ms };
            if self.access.study(study).is_none() {
                create(&self.identity, &self.access, study, principal.id, &by).await.map_err(failed)?;
            }
            Ok(ruling(decision))
        })
    }
}

/// Why a token brought nothing, by who is to blame.
fn unassumed(error: IdentityError) -> AssumeError {
    match error {
        IdentityError::Token(error) => {
            let told = error.to_string();
            match error {
                JwtError::Expired => AssumeError::Expired(told),
                JwtError::Keys { .. } => AssumeError::Provider(told),
                JwtError::Nobody => AssumeError::Refused(told),
                _ => AssumeError::Token(told),
            }
        }
        IdentityError::Wrong { what } => AssumeError::Wrong(what),
        error => AssumeError::Failed(Box::new(error)),
    }
}

/// Creates a study, and makes `creator` its steward.
pub(crate) async fn create(
    identity: &Identity,
    access: &Access,
    study: &StudyId,
    creator: PrincipalId,
    by: &By,
) -> Result<(), crate::OpsError> {
    access.create_study(study.clone(), study.as_str(), None, Vec::new(), by).await?;
    let new = NewGrant {
        principal: creator,
        study: Some(study.clone()),
        rights: Rights::Role("steward".to_owned()),
        labels: None,
        from: None,
        until: None,
    };
    let grant = access.give(new, by).await?;
    approve(identity, access, grant.id, RULE, by).await
}

/// Countersigns a grant in the name of a standing rule.
pub(crate) async fn approve(
    identity: &Identity,
    access: &Access,
    grant: u32,
    rule: &str,
    by: &By,
) -> Result<(), crate::OpsError> {
    let rule = crate::ops::standing(identity, rule, PrincipalKind::Service, by).await?;
    let actor = Actor { id: rule.id, kind: rule.kind, credential: None };
    let countersigned = access.approve(grant, &By { actor, ..by.clone() }).await;
    match countersigned {
        Ok(_) => Ok(()),
        Err(error @ AccessError::State { .. }) => {
            tracing::debug!(%error, "a grant needs no second signature");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
