//! Who asks, whether it may, and the record of both.

use std::borrow::Cow;

use model::event::{Activity, Detail, Event, Origin, Outcome, Resource};
use model::{Action, Label, ObjectId, Scope, StudyId, VersionId};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result, s3_error};
use store::guarded::versions::StoredVersion;

use crate::ports::{Caller, Question};
use crate::{Guard, fault};

/// Somebody was contained while bytes were on their way.
pub(crate) const CONTAINED: &str = "access:contained";

/// Who asks, and from where.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    pub caller: Caller,
    pub origin: Origin,
    pub now_ms: i64,
}

impl Asker {
    /// As the door found it.
    pub(crate) fn of<T>(request: &S3Request<T>) -> S3Result<Self> {
        request.extensions.get::<Self>().cloned().ok_or_else(|| s3_error!(AccessDenied, "a signature is required"))
    }
}

/// A decision in somebody's favour, to be recorded with what it allows.
#[derive(Debug, Clone)]
pub(crate) struct Permit {
    pub action: Action,
    pub policies: Vec<String>,
}

/// What is asked about.
#[derive(Debug, Clone)]
pub(crate) struct Thing<'a> {
    pub study: &'a StudyId,
    pub name: Option<&'a str>,
    pub object: Option<ObjectId>,
    pub version: Option<VersionId>,
    pub labels: Vec<Label>,
    pub bytes: Option<u64>,
    pub subjects: Option<u64>,
}

impl<'a> Thing<'a> {
    pub(crate) fn study(study: &'a StudyId) -> Self {
        Self { study, name: None, object: None, version: None, labels: Vec::new(), bytes: None, subjects: None }
    }

    /// A name that stands for nothing yet.
    pub(crate) fn named(study: &'a StudyId, name: &'a str) -> Self {
        Self { name: Some(name), ..Self::study(study) }
    }

    pub(crate) fn version(study: &'a StudyId, version: &'a StoredVersion) -> Self {
        Self {
            study,
            name: Some(&version.name),
            object: Some(ObjectId::from_bytes(version.object)),
            version: Some(VersionId::from_bytes(version.version)),
            labels: labels(version),
            bytes: u64::try_from(version.bytes).ok(),
            subjects: u64::try_from(version.subjects).ok(),
        }
    }

    fn resource(&self) -> Resource {
        Resource {
            study: Some(self.study.clone()),
            object: self.object,
            version: self.version,
            entity: None,
            labels: self.labels.clone(),
            range: None,
            bytes: self.bytes,
            subjects: self.subjects,
        }
    }
}

/// What a version holds. A word that is no label was written by a newer program; it counts as the strictest.
pub(crate) fn labels(version: &StoredVersion) -> Vec<Label> {
    version.labels.split_ascii_whitespace().map(|label| label.parse().unwrap_or(Label::Secret)).collect()
}

impl Guard {
    /// An event about `thing`, not yet recorded. Its name goes in sealed under the object's key where it has one.
    pub(crate) fn event(&self, asker: &Asker, activity: Activity, thing: &Thing<'_>) -> Event {
        let mut event = Event::new(activity, self.now(), "s3");
        event.actor = Some(asker.caller.actor.clone());
        event.origin = asker.origin.clone();
        event.resource = thing.resource();
        if let (Some(name), true) = (thing.name, names(activity)) {
            let scope = thing.object.map_or_else(|| Scope::Study(thing.study.clone()), Scope::Object);
            event.details.push(Detail { field: Cow::Borrowed("object.name"), scope, value: name.to_owned() });
        }
        event
    }

    /// Records an event; what it announces may be done after that only.
    pub(crate) async fn record(&self, event: Event) -> S3Result<u64> {
        Ok(self.record.record(event).await.map_err(fault::of_record)?.index)
    }

    /// Whether `asker` may do `action` to `thing`. A refusal is recorded and told with its reason.
    pub(crate) async fn permit(
        &self,
        asker: &Asker,
        action: Action,
        activity: Activity,
        thing: &Thing<'_>,
    ) -> S3Result<Permit> {
        let question = Question {
            caller: &asker.caller,
            action,
            study: thing.study,
            object: thing.object,
            labels: &thing.labels,
            ip: asker.origin.ip,
            now_ms: asker.now_ms,
        };
        let ruling = self.gate.decide(&question).await.map_err(fault::of_gate)?;
        if ruling.is_allowed {
            return Ok(Permit { action, policies: ruling.policies });
        }
        let mut event = self.event(asker, activity, thing);
        event.action = Some(action);
        event.policies = ruling.policies;
        event.outcome = Outcome::Failure { code: Cow::Owned(ruling.code.clone()) };
        self.record(event).await?;
        Err(denied(&ruling.code, &ruling.hint))
    }

    /// Whether `asker` may, without a record of a refusal: for lists that leave out what may not be seen.
    pub(crate) async fn sees(&self, asker: &Asker, study: &StudyId) -> S3Result<bool> {
        let question = Question {
            caller: &asker.caller,
            action: Action::List,
            study,
            object: None,
            labels: &[],
            ip: asker.origin.ip,
            now_ms: asker.now_ms,
        };
        Ok(self.gate.decide(&question).await.map_err(fault::of_gate)?.is_allowed)
    }

    /// Records that something allowed is about to be done.
    pub(crate) async fn announce(
        &self,
        asker: &Asker,
        activity: Activity,
        permit: &Permit,
        thing: &Thing<'_>,
    ) -> S3Result<u64> {
        let mut event = self.event(asker, activity, thing);
        event.action = Some(permit.action);
        event.policies.clone_from(&permit.policies);
        self.record(event).await
    }
}

/// Whether events of this kind carry the object's name. Reads name the object by its id alone: its name stands with the
/// upload that gave it.
fn names(activity: Activity) -> bool {
    !matches!(activity, Activity::Download | Activity::Released)
}

/// A refusal by the rules, with what to do about it.
pub(crate) fn denied(code: &str, hint: &str) -> S3Error {
    S3Error::with_message(S3ErrorCode::AccessDenied, format!("refused by `{code}`: {hint}"))
}
