//! Deleting: a marker where versions are kept, the version itself where they are not or where one is named.

use std::sync::Arc;

use model::event::Activity;
use model::{Action, StudyId};
use s3s::dto::{DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use store::guarded::GuardedStudy;
use store::guarded::versions::{self, Condition, Put, Removed, StoredVersion};

use crate::caller::{Asker, Thing};
use crate::{Guard, fault, shown_id, version_id};

/// The most names of one request (API reference of DeleteObjects).
const NAMES_MAX: usize = 1_000;

/// What has to hold of a version for it to be deleted. One that is not there is deleted already.
struct OnlyIf {
    etag: Option<String>,
    /// Milliseconds since 1970; what is asked for has seconds.
    modified_at: Option<i64>,
    bytes: Option<i64>,
}

impl OnlyIf {
    fn check(&self, version: &StoredVersion) -> S3Result<()> {
        let second = |ms: i64| ms.div_euclid(1000);
        let is_other = self.etag.as_ref().is_some_and(|etag| *etag != version.etag)
            || self.modified_at.is_some_and(|at| second(at) != second(version.modified_at))
            || self.bytes.is_some_and(|bytes| bytes != version.bytes);
        if is_other {
            return Err(s3_error!(
                PreconditionFailed,
                "the object has another entity tag, time or size than was expected"
            ));
        }
        Ok(())
    }
}

/// What a deletion did.
#[derive(Default)]
struct Deleted {
    /// Whether a marker was put or taken away.
    is_marker: bool,
    version_id: Option<String>,
}

impl Guard {
    pub(crate) async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (study, row) = self.study(&input.bucket).await?;
        let bypasses = input.bypass_governance_retention.unwrap_or(false);
        let id = input.version_id.as_deref();
        let only_if = OnlyIf {
            etag: input.if_match.as_ref().and_then(|condition| condition.as_etag()).map(|etag| etag.value().to_owned()),
            modified_at: input.if_match_last_modified_time.as_ref().map(crate::lock::ms),
            bytes: input.if_match_size,
        };
        let deleted = self.delete(&asker, &study, &row, (&input.key, id), &only_if, bypasses).await?;
        let mut response = S3Response::new(DeleteObjectOutput {
            delete_marker: deleted.is_marker.then_some(true),
            version_id: deleted.version_id,
            request_charged: None,
        });
        response.status = Some(hyper::StatusCode::NO_CONTENT);
        Ok(response)
    }

    pub(crate) async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (study, row) = self.study(&input.bucket).await?;
        if input.delete.objects.is_empty() || input.delete.objects.len() > NAMES_MAX {
            return Err(s3_error!(MalformedXML, "a request deletes 1 to {NAMES_MAX} objects"));
        }
        let bypasses = input.bypass_governance_retention.unwrap_or(false);
        let is_quiet = input.delete.quiet.unwrap_or(false);
        let mut done = Vec::new();
        let mut errors = Vec::new();
        for one in input.delete.objects {
            let only_if = OnlyIf {
                etag: one.e_tag.map(s3s::dto::ETag::into_value).filter(|tag| tag != "*"),
                modified_at: one.last_modified_time.as_ref().map(crate::lock::ms),
                bytes: one.size,
            };
            let named = (one.key.as_str(), one.version_id.as_deref());
            match self.delete(&asker, &study, &row, named, &only_if, bypasses).await {
                Ok(_) if is_quiet => {}
                Ok(deleted) => {
                    let marker_id = deleted.version_id.clone().filter(|_| deleted.is_marker);
                    done.push(DeletedObject {
                        key: Some(one.key),
                        version_id: one.version_id,
                        delete_marker: deleted.is_marker.then_some(true),
                        delete_marker_version_id: marker_id,
                    });
                }
                Err(error) => errors.push(Error {
                    code: Some(error.code().as_str().to_owned()),
                    key: Some(one.key),
                    message: error.message().map(str::to_owned),
                    version_id: one.version_id,
                }),
            }
        }
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: (!done.is_empty()).then_some(done),
            errors: (!errors.is_empty()).then_some(errors),
            request_charged: None,
        }))
    }

    async fn delete(
        &self,
        asker: &Asker,
        study: &StudyId,
        row: &GuardedStudy,
        (name, id): (&str, Option<&str>),
        only_if: &OnlyIf,
        bypasses_governance: bool,
    ) -> S3Result<Deleted> {
        let store = &self.store;
        let found = match id {
            Some(id) => versions::find(store, study.as_str(), name, version_id(id)?).await,
            None => self.newest(study, name).await.map(|found| found.map(Arc::unwrap_or_clone)),
        }
        .map_err(fault::of_store)?;
        let thing = match &found {
            Some(version) => Thing::version(study, version),
            None => Thing::named(study, name),
        };
        let permit = self.permit(asker, Action::Delete, Activity::Delete, &thing).await?;
        if let Some(version) = &found {
            only_if.check(version)?;
        }
        // Governance retention gives way to those alone who administer the study.
        if bypasses_governance && found.as_ref().is_some_and(|version| version.retain_until.is_some()) {
            self.permit(asker, Action::Administer, Activity::Delete, &thing).await?;
        }
        self.announce(asker, Activity::Delete, &permit, &thing).await?;
        match (id, found, row.versioning.as_str()) {
            (Some(id), None, _) => Ok(Deleted { is_marker: false, version_id: Some(id.to_owned()) }),
            (Some(id), Some(version), _) => {
                let is_marker = version.marker;
                self.remove(&version, bypasses_governance).await?;
                Ok(Deleted { is_marker, version_id: Some(id.to_owned()) })
            }
            (None, None, "off") => Ok(Deleted::default()),
            (None, Some(version), "off") => {
                self.remove(&version, bypasses_governance).await?;
                Ok(Deleted::default())
            }
            (None, found, _) => self.mark(asker, study, row, name, found.as_ref()).await,
        }
    }

    async fn remove(&self, version: &StoredVersion, bypasses_governance: bool) -> S3Result<()> {
        let (store, id, now) = (self.store.clone(), version.version, self.now());
        let removing = Box::pin(async move { versions::remove(&store, id, bypasses_governance, now).await });
        match self.changing(&version.study, &version.name, removing).await {
            Ok(Removed::Done(old)) if !old.sealed.is_empty() => {
                self.discard(&[old.sealed]).await;
                Ok(())
            }
            Ok(Removed::Done(_) | Removed::Missing) => Ok(()),
            Ok(Removed::Kept) => Err(s3_error!(AccessDenied, "the version is kept by retention or a legal hold")),
            Err(error) => Err(fault::of_store(error)),
        }
    }

    async fn mark(
        &self,
        asker: &Asker,
        study: &StudyId,
        row: &GuardedStudy,
        name: &str,
        before: Option<&StoredVersion>,
    ) -> S3Result<Deleted> {
        let object = before.map_or_else(|| *self.new_object().as_bytes(), |version| version.object);
        let marker = StoredVersion {
            study: study.to_string(),
            name: name.to_owned(),
            sequence: 0,
            version: *self.new_version().as_bytes(),
            object,
            unversioned: row.versioning != "on",
            marker: true,
            latest: true,
            state: "visible".to_owned(),
            bytes: 0,
            etag: String::new(),
            modified_at: self.now(),
            created_by: *asker.caller.actor.id.as_bytes(),
            properties: "{}".to_owned(),
            labels: String::new(),
            subjects: 0,
            tags: "{}".to_owned(),
            retention_mode: None,
            retain_until: None,
            legal_hold: false,
            sealed: Vec::new(),
        };
        let keeps = row.versioning == "on";
        let put = self.put_version(&marker, keeps, Condition::Always, None).await;
        match put.map_err(fault::of_store)? {
            Put::Done { replaced, .. } => {
                self.discard(&replaced).await;
                Ok(Deleted { is_marker: true, version_id: Some(shown_id(&marker)) })
            }
            _ => Err(s3_error!(AccessDenied, "the version is kept by retention or a legal hold")),
        }
    }
}
