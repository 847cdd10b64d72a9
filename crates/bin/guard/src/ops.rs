//! What an operator does: studies, principals, grants, access keys, quarantine, keys. Each is recorded before it takes
//! effect, with the operating-system user who asked.

use model::event::{Activity, Actor, Origin, Outcome};
use model::{By, EnvelopeError, Label, PrincipalKind, RecordError, Scope, StudyId, VersionId};
use policy::{AccessError, NewGrant, Rights};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use store::StoreError;
use store::guarded::{self, GuardedStudy};
use store::guarded::{sums, versions};
use store::principals::{self, Principal};
use vault::VaultError;

use crate::{Guarded, outside};
use identity::{Identity, IdentityError, NewPrincipal};

/// Rows of a list.
const LISTED_MAX: u32 = 1_000;
/// The standing rule under which an operator's grants need no second signature: whoever may use the machine's own socket
/// could take the data anyway, and every use is recorded.
const OPERATOR_RULE: &str = "rule:operator";

/// The standing rule that ends grants when they are over.
const EXPIRY_RULE: &str = "rule:expiry";

/// Why an operation was not done.
#[derive(Debug, thiserror::Error)]
pub enum OpsError {
    /// Identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Rules and grants.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Keys.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Tokens with which records may be sent.
    #[error(transparent)]
    IntakeToken(#[from] receive::push::TokenError),
    /// Quarantine.
    #[error(transparent)]
    Settle(#[from] gateway::SettleError),
    /// The record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A sealed detail.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// What is to be adopted is not there.
    #[error(transparent)]
    Source(#[from] landscape::sources::SourceError),
    /// It was not adopted.
    #[error(transparent)]
    Adopt(#[from] gateway::AdoptError),
    /// It was adopted, and its original could not be taken away.
    #[error("it is sealed, and the original could not be taken away")]
    Original {
        /// Why not.
        source: std::io::Error,
    },
    /// What the catalogue knows.
    #[error(transparent)]
    Catalogue(#[from] landscape::CatalogueError),
    /// The catalogue.
    #[error(transparent)]
    Flow(#[from] landscape::flow::FlowError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] ledger::LedgerError),
    /// Findings.
    #[error(transparent)]
    Findings(Box<findings::FindingsError>),
    /// Incidents.
    #[error(transparent)]
    Incident(Box<incidents::desk::DeskError>),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] crate::LakesideError),
    /// What was asked for cannot be done as it was asked.
    #[error("{0}")]
    Wrong(String),
}

/// Somebody who uses the machine itself.
#[derive(Debug, Clone)]
pub struct Operator {
    /// The operating-system user's name.
    pub user: String,
    /// The way in: `cli` or `console`.
    pub through: &'static str,
}

/// The principal of a standing name, created when it is first needed.
pub(crate) async fn standing(
    identity: &Identity,
    name: &str,
    kind: PrincipalKind,
    by: &By,
) -> Result<Principal, OpsError> {
    match identity.by_name(name).await {
        Ok(found) => Ok(found),
        Err(IdentityError::Missing { .. }) => {
            let new = NewPrincipal { kind, name: name.to_owned(), organisation: None };
            match identity.create(new, by).await {
                Ok(created) => Ok(created),
                // Somebody else created it at the same time.
                Err(error) => identity.by_name(name).await.map_err(|_absent| error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// A time as it is told: RFC 3339, UTC.
pub(crate) fn time(at: i64) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |time| time.to_string())
}

/// A principal as it is told.
fn told(principal: &Principal) -> Value {
    json!({
        "id": principal.id,
        "kind": principal.kind,
        "name": principal.name,
        "organisation": principal.organisation,
        "disabled": principal.disabled_at.is_some(),
        "contained": principal.contained_at.is_some(),
    })
}

impl Guarded {
    /// The operator as the one by whom something is done.
    pub(crate) async fn by(&self, operator: &Operator) -> Result<By, OpsError> {
        let origin = Origin { through: operator.through.into(), ..Origin::default() };
        // The first event of all names the service that creates the principal.
        let nobody =
            Actor { id: model::PrincipalId::from_bytes([0; 16]), kind: PrincipalKind::Service, credential: None };
        let by = By { actor: nobody, origin: origin.clone(), now_ms: outside::now() };
        let name = format!("operator:{}", operator.user);
        let principal = standing(&self.identity, &name, PrincipalKind::Person, &by).await?;
        let actor = Actor { id: principal.id, kind: principal.kind, credential: None };
        Ok(By { actor, origin, now_ms: by.now_ms })
    }

    /// Creates a study and puts it behind the guard.
    ///
    /// # Errors
    /// When it exists, or something does not answer.
    pub async fn create_study(&self, operator: &Operator, study: &StudyId) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        self.access.create_study(study.clone(), study.as_str(), None, Vec::new(), &by).await?;
        let row = GuardedStudy {
            study: study.to_string(),
            versioning: "off".to_owned(),
            settings: "{}".to_owned(),
            created_at: by.now_ms,
            created_by: *by.actor.id.as_bytes(),
        };
        guarded::create(&self.store, &row).await?;
        Ok(json!({ "study": study }))
    }

    /// Creates a principal.
    ///
    /// # Errors
    /// When the name is taken, or something does not answer.
    pub async fn add_user(
        &self,
        operator: &Operator,
        name: &str,
        kind: PrincipalKind,
        organisation: Option<String>,
    ) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let new = NewPrincipal { kind, name: name.to_owned(), organisation };
        Ok(told(&self.identity.create(new, &by).await?))
    }

    /// Shuts a principal out, or lets it in again.
    ///
    /// # Errors
    /// When there is none, or something does not answer.
    pub async fn set_enabled(&self, operator: &Operator, name: &str, is_enabled: bool) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let principal = self.identity.by_name(name).await?;
        let changed = match is_enabled {
            true => self.identity.enable(principal.id, &by).await?,
            false => self.identity.disable(principal.id, &by).await?,
        };
        Ok(told(&changed))
    }

    /// Says until when a principal's training and its organisation's agreement hold.
    ///
    /// # Errors
    /// When there is none, or something does not answer.
    pub async fn set_attributes(
        &self,
        operator: &Operator,
        name: &str,
        training_until: Option<i64>,
        agreement_until: Option<i64>,
    ) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let principal = self.identity.by_name(name).await?;
        let attributes = identity::Attributes {
            training_until: training_until.or(principal.training_until),
            agreement_until: agreement_until.or(principal.agreement_until),
        };
        Ok(told(&self.identity.set_attributes(principal.id, &attributes, &by).await?))
    }

    /// Notes the last day of somebody who leaves, or takes the notice back.
    ///
    /// # Errors
    /// When there is none, it is no date, or something does not answer.
    pub async fn note_leaving(
        &self,
        operator: &Operator,
        name: &str,
        last_day: Option<&str>,
    ) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let principal = self.person(name, &by).await?;
        self.identity.note_leaving(principal.id, last_day, &by).await?;
        let left = json!({ "name": principal.name, "last_day": null, "source": null });
        Ok(self.leaves(&principal).await?.unwrap_or(left))
    }

    /// Who leaves, and when: those whose notice was noted here, and those of whom a directory says so.
    ///
    /// # Errors
    /// When something does not answer.
    pub async fn leaving(&self) -> Result<Vec<Value>, OpsError> {
        let mut leaving = Vec::new();
        let mut after = None;
        loop {
            let page = principals::page(&self.store, after).await?;
            for principal in page.iter().filter(|principal| principal.disabled_at.is_none()) {
                leaving.extend(self.leaves(principal).await?);
            }
            after = page.last().map(|principal| principal.id);
            if after.is_none() {
                break;
            }
        }
        leaving.sort_by_key(|one| (one["last_day"].to_string(), one["name"].to_string()));
        Ok(leaving)
    }

    async fn leaves(&self, principal: &Principal) -> Result<Option<Value>, OpsError> {
        let last_day = self.identity.last_day_of(principal.id).await?;
        let from = |last_day: &identity::LastDay| if last_day.from_directory { "directory" } else { "noted" };
        Ok(last_day
            .map(|last_day| json!({ "name": principal.name, "last_day": last_day.date, "source": from(&last_day) })))
    }

    /// Lets an identity provider vouch for a principal.
    ///
    /// # Errors
    /// When there is none, the name is another's, or something does not answer.
    pub async fn link(&self, operator: &Operator, name: &str, issuer: &str, subject: &str) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let principal = self.person(name, &by).await?;
        self.identity.link(principal.id, issuer, subject, &by).await?;
        Ok(json!({ "name": name, "issuer": issuer, "subject": subject, "linked": true }))
    }

    /// The principal of a name, which a user of the console becomes by being asked for.
    async fn person(&self, name: &str, by: &By) -> Result<Principal, OpsError> {
        match self.identity.by_name(name).await {
            Err(missing @ IdentityError::Missing { .. }) => match store::users::by_name(&self.store, name).await? {
                Some(user) if user.disabled_at.is_none() => Ok(self.identity.of_user(user.id, by).await?),
                _ => Err(missing.into()),
            },
            found => Ok(found?),
        }
    }

    /// Lets somebody try again who failed too often.
    ///
    /// # Errors
    /// When there is none, or something does not answer.
    pub async fn unlock(&self, operator: &Operator, name: &str) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let principal = self.identity.by_name(name).await?;
        self.identity.unlock(principal.id, &by).await?;
        Ok(told(&principal))
    }

    /// Takes somebody's one-time codes away, such as when they are lost, and the recovery codes unless there is a passkey.
    ///
    /// # Errors
    /// When there is none, or something does not answer.
    pub async fn reset_second_factor(&self, operator: &Operator, name: &str) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let principal = self.identity.by_name(name).await?;
        self.identity.remove_second_factor(principal.id, &by).await?;
        Ok(told(&principal))
    }

    /// Passkeys of somebody, oldest first.
    ///
    /// # Errors
    /// When there is none, or the store refuses.
    pub async fn passkeys(&self, name: &str) -> Result<Vec<Value>, OpsError> {
        let principal = self.identity.by_name(name).await?;
        let known = self.identity.passkeys_of(principal.id).await?;
        let told = |passkey: &store::passkeys::Passkey| {
            json!({
                "id": passkey.id,
                "name": passkey.name,
                "created_at": passkey.created_at,
                "last_used_at": passkey.last_used_at,
                "suspected_at": passkey.suspected_at,
            })
        };
        Ok(known.iter().map(told).collect())
    }

    /// Takes passkeys of somebody away, such as when they are lost: one, or all of them.
    ///
    /// # Errors
    /// When there is none, or something does not answer.
    pub async fn remove_passkeys(
        &self,
        operator: &Operator,
        name: &str,
        id: Option<String>,
    ) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let principal = self.identity.by_name(name).await?;
        let removed = match &id {
            Some(id) => {
                self.identity.remove_passkey(principal.id, id, &by).await?;
                1
            }
            None => self.identity.remove_passkeys(principal.id, &by).await?,
        };
        Ok(json!({ "name": principal.name, "id": id, "removed": removed }))
    }

    /// Lets an identity provider vouch for nobody under a name any more.
    ///
    /// # Errors
    /// When it vouches for nobody under it, or something does not answer.
    pub async fn unlink(&self, operator: &Operator, issuer: &str, subject: &str) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let principal = self.identity.unlink(issuer, subject, &by).await?;
        Ok(json!({ "name": principal.name, "issuer": issuer, "subject": subject, "linked": false }))
    }

    /// Who vouches for a principal.
    ///
    /// # Errors
    /// When there is none, or the store refuses.
    pub async fn links(&self, name: &str) -> Result<Vec<Value>, OpsError> {
        let principal = self.identity.by_name(name).await?;
        let links = self.identity.links_of(principal.id).await?;
        let told = |link: &principals::Link| json!({ "name": name, "issuer": link.issuer, "subject": link.subject, "since": link.created_at });
        Ok(links.iter().map(told).collect())
    }

    /// Lets a directory provision people. Its token is told this once.
    ///
    /// # Errors
    /// When something does not answer.
    pub async fn create_scim_token(
        &self,
        operator: &Operator,
        name: &str,
        issuer: Option<String>,
    ) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let (id, token) = self.identity.create_provisioner(name, issuer.clone(), &by).await?;
        Ok(json!({ "id": id, "name": name, "issuer": issuer, "token": token.expose_secret() }))
    }

    /// Lets a directory provision no more.
    ///
    /// # Errors
    /// When there is none, or something does not answer.
    pub async fn revoke_scim_token(&self, operator: &Operator, id: &str) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        self.identity.revoke_provisioner(id, &by).await?;
        Ok(json!({ "id": id, "state": "revoked" }))
    }

    /// Every directory that may or might provision.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn scim_tokens(&self) -> Result<Vec<Value>, OpsError> {
        let told = |known: &store::provisioning::Provisioner| {
            let state = if known.revoked_at.is_some() { "revoked" } else { "good" };
            json!({
                "id": known.id, "name": known.name, "issuer": known.issuer, "state": state,
                "created_at": known.created_at, "last_used_at": known.last_used_at,
            })
        };
        Ok(self.identity.provisioners().await?.iter().map(told).collect())
    }

    /// Ends grants and requests that are over at `now`, in the name of a standing rule.
    pub(crate) async fn expire(&self, now_ms: i64) -> Result<u64, OpsError> {
        let nobody =
            Actor { id: model::PrincipalId::from_bytes([0; 16]), kind: PrincipalKind::Service, credential: None };
        let origin = Origin { through: "guard".into(), ..Origin::default() };
        let by = By { actor: nobody, origin, now_ms };
        let rule = standing(&self.identity, EXPIRY_RULE, PrincipalKind::Service, &by).await?;
        let actor = Actor { id: rule.id, kind: rule.kind, credential: None };
        Ok(self.access.sweep(&By { actor, ..by }).await?)
    }

    /// Gives a grant: in a study, or without one in the organisation, where `administer` lets create studies.
    ///
    /// # Errors
    /// When principal or study are not there, or something does not answer.
    pub async fn grant(
        &self,
        operator: &Operator,
        name: &str,
        study: Option<StudyId>,
        rights: Rights,
        labels: Option<Vec<Label>>,
        until: Option<i64>,
    ) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let principal = self.identity.by_name(name).await?;
        let new = NewGrant { principal: principal.id, study, rights, labels, from: None, until };
        let grant = self.access.give(new, &by).await?;
        crate::gate::approve(&self.identity, &self.access, grant.id, OPERATOR_RULE, &by).await?;
        Ok(
            json!({ "grant": grant.id, "principal": name, "study": grant.study, "actions": grant.actions, "until": until }),
        )
    }

    /// Takes a grant back.
    ///
    /// # Errors
    /// When it is not in force, or something does not answer.
    pub async fn revoke(&self, operator: &Operator, grant: u32) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let grant = self.access.revoke(grant, &by).await?;
        Ok(json!({ "grant": grant.id, "state": "revoked" }))
    }

    /// Makes an access key. The secret is told this once.
    ///
    /// # Errors
    /// When the principal is not there or has too many, or something does not answer.
    pub async fn create_key(&self, operator: &Operator, name: &str, until: Option<i64>) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let principal = self.identity.by_name(name).await?;
        let key = self.identity.create_key(principal.id, until, &by).await?;
        Ok(json!({
            "access_key_id": key.id,
            "secret_access_key": key.secret.expose_secret(),
            "expires_at": key.expires_at,
        }))
    }

    /// Revokes an access key.
    ///
    /// # Errors
    /// When there is none, or something does not answer.
    pub async fn revoke_key(&self, operator: &Operator, id: &str) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        self.identity.revoke_key(id, &by).await?;
        Ok(json!({ "access_key_id": id, "state": "revoked" }))
    }

    /// Versions in quarantine, newest first.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn quarantined(&self) -> Result<Vec<Value>, OpsError> {
        let held = versions::in_state(&self.store, "quarantined", i64::MAX, LISTED_MAX).await?;
        let shown = |version: &versions::StoredVersion| {
            json!({
                "version": VersionId::from_bytes(version.version),
                "study": version.study,
                "name": version.name,
                "bytes": version.bytes,
                "labels": version.labels.split_ascii_whitespace().collect::<Vec<_>>(),
                "stored_at": version.modified_at,
                "stored_by": model::PrincipalId::from_bytes(version.created_by),
            })
        };
        Ok(held.iter().map(shown).collect())
    }

    /// Lets a version out of quarantine, or refuses it for good, for a reason.
    ///
    /// # Errors
    /// When it is not in quarantine, no reason is given, or something does not answer.
    pub async fn settle(
        &self,
        operator: &Operator,
        id: VersionId,
        is_released: bool,
        reason: &str,
    ) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        self.gateway.settle(&by, id, is_released, reason).await?;
        Ok(json!({ "version": id, "state": if is_released { "visible" } else { "refused" } }))
    }

    /// Keys with their age and number of uses, after `after`.
    ///
    /// # Errors
    /// When the key table does not answer.
    pub async fn keys(&self, after: &str) -> Result<Vec<vault::KeyStatus>, OpsError> {
        Ok(self.vault.list_keys(after, LISTED_MAX).await?)
    }

    /// Gives a key a new version, and wraps what hangs under it anew.
    ///
    /// # Errors
    /// When something does not answer.
    pub async fn rotate_keys(&self, operator: &Operator, turn: &vault::Turn) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let mut event = by.event(Activity::KeyRotate);
        let key = match turn {
            vault::Turn::Root => "root".to_owned(),
            vault::Turn::Organisation => "organisation".to_owned(),
            vault::Turn::Study(study) => format!("study:{study}"),
        };
        event.resource.entity = Some(format!("key:{key}"));
        self.recorder.record(event).await?;
        let rotated = self.vault.rotate(turn).await?;
        Ok(json!({ "key": rotated.name, "rewrapped": rotated.rewrapped }))
    }

    /// How many versions of a scope object lock keeps: a hold, or a retention that is not over. Those win over shredding.
    async fn kept(&self, scope: &Scope, now: i64) -> Result<u64, OpsError> {
        if let Scope::Study(study) = scope {
            return Ok(sums::of_study(&self.store, study.as_str(), now).await?.kept);
        }
        let (mut kept, mut after) = (0, String::new());
        loop {
            let (objects, last) = self.vault.doomed_objects(scope, &after).await?;
            if last.is_empty() {
                return Ok(kept);
            }
            for (study, object) in objects {
                kept += sums::of_objects(&self.store, study.as_str(), &[*object.as_bytes()], now).await?.kept;
            }
            after = last;
        }
    }

    /// Destroys a key, and with it everything that it sealed. A legal hold wins, and so does object lock.
    ///
    /// # Errors
    /// When a hold lies on it, or something does not answer.
    pub async fn shred(&self, operator: &Operator, scope: &Scope) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        let kept = self.kept(scope, by.now_ms).await?;
        if kept > 0 {
            return Err(OpsError::Wrong(format!(
                "{kept} versions of `{scope}` are kept by object lock; lift the holds over S3, or wait for the end of retention"
            )));
        }
        let mut event = by.event(Activity::KeyShred);
        event.resource.entity = Some(format!("key:{scope}"));
        self.recorder.record(event.clone()).await?;
        let doomed = self.doomed(scope).await?;
        self.lakeside.begin_forgetting(doomed.clone()).await?;
        let receipt = match self.vault.shred(scope).await {
            Ok(receipt) => receipt,
            Err(error) => {
                // Where keys are gone already, a receipt is kept or comes with the next try.
                if self.vault.receipts(Some(scope)).await.is_ok_and(|receipts| receipts.is_empty()) {
                    self.lakeside.end_forgetting(doomed).await?;
                }
                // What was announced did not happen, which is recorded too.
                let code = if matches!(error, VaultError::Held { .. }) { "vault:held" } else { "vault:failed" };
                event.outcome = Outcome::Failure { code: code.into() };
                event.time_ms = outside::now();
                self.recorder.record(event).await?;
                return Err(error.into());
            }
        };
        if let Err(error) = self.lakeside.forget(doomed).await {
            tracing::warn!(error = %crate::whole(&error), "what was shredded is not out of the lake yet; it is tried again");
        }
        serde_json::to_value(&receipt).map_err(|error| OpsError::Wrong(error.to_string()))
    }

    /// Lays a legal hold on a key, or takes it off.
    ///
    /// # Errors
    /// When something does not answer.
    pub async fn hold(
        &self,
        operator: &Operator,
        scope: &Scope,
        reference: &str,
        is_on: bool,
    ) -> Result<Value, OpsError> {
        let by = self.by(operator).await?;
        self.hold_by(&by, scope, reference, is_on).await?;
        Ok(json!({ "scope": scope.to_string(), "reference": reference, "held": is_on }))
    }

    /// As [`Guarded::hold`], on behalf of whoever is named.
    pub(crate) async fn hold_by(&self, by: &By, scope: &Scope, reference: &str, is_on: bool) -> Result<(), OpsError> {
        let mut event = by.event(if is_on { Activity::Lock } else { Activity::Unlock });
        event.resource.entity = Some(format!("key:{scope}"));
        event.reason = Some("legal hold".to_owned());
        self.recorder.record(event).await?;
        if is_on {
            self.vault.hold(scope, reference).await?;
        } else if !self.vault.release_hold(scope, reference).await? {
            return Err(OpsError::Wrong(format!("no hold `{reference}` lies on `{scope}`")));
        }
        Ok(())
    }

    /// Every principal, by name.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn users(&self) -> Result<Vec<Value>, OpsError> {
        Ok(principals::page(&self.store, None).await?.iter().map(told).collect())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use model::{Action, PrincipalKind};
    use store::Store;

    use super::Operator;
    use crate::{Guarded, Limits, Opening, Request, RootKeyAt, gate};

    pub(crate) async fn guarded(folder: &std::path::Path) -> Arc<Guarded> {
        let store = Store::sqlite(&folder.join("lazaret.db")).await.unwrap();
        let opening = Opening {
            data_dir: folder.to_owned(),
            store,
            scanner: None,
            root_key: RootKeyAt::File,
            origin: "test.example/ledger".to_owned(),
            limits: Limits::default(),
            federation: identity::Federation::new(Vec::new()).unwrap(),
            through: "guard",
        };
        Arc::new(Guarded::open(opening).await.unwrap())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn whoever_creates_studies_at_the_same_time_is_steward_of_each() {
        let folder = tempfile::tempdir().unwrap();
        let guarded = guarded(folder.path()).await;
        let operator = Operator { user: "ops".to_owned(), through: "cli" };
        let add =
            |name: &str| Request::UserAdd { name: name.to_owned(), kind: PrincipalKind::Person, organisation: None };
        // The operator's own principal is created by whichever comes first.
        let (a, b) = tokio::join!(guarded.obey(&operator, add("ada")), guarded.obey(&operator, add("ben")));
        a.unwrap();
        b.unwrap();
        let ada = guarded.identity.by_name("ada").await.unwrap();
        let by = guarded.by(&operator).await.unwrap();
        let creating: Vec<_> = (0..8)
            .map(|at| {
                let (guarded, by) = (Arc::clone(&guarded), by.clone());
                let study: model::StudyId = format!("onc-{at}").parse().unwrap();
                tokio::spawn(async move {
                    gate::create(&guarded.identity, &guarded.access, &study, ada.id, &by).await.map(|()| study)
                })
            })
            .collect();
        for created in creating {
            let study = created.await.unwrap().unwrap();
            let principal = guarded.identity.by_name("ada").await.unwrap();
            let circumstances = policy::Circumstances { now_ms: by.now_ms, mfa: true, ..Default::default() };
            let decision = guarded.access.decide(&principal, Action::Administer, Some(&study), None, &circumstances);
            assert!(decision.allowed, "{study}: {decision:?}");
        }
    }
}
