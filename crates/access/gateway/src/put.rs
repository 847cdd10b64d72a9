//! Storing: sealed, hashed and inspected in one pass; labelled and recorded before it becomes visible.

use std::sync::Arc;

use model::event::{Activity, Outcome};
use model::{Action, Label, ObjectId, StudyId, VersionId};
use s3s::dto::{ChecksumType, PutObjectInput, PutObjectOutput};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};
use store::guarded::GuardedStudy;
use store::guarded::versions::{Condition, Put, StoredVersion};

use crate::caller::{Asker, CONTAINED, Permit, Thing, denied};
use crate::lock::lock_asked;
use crate::ports::{Inspected, Inspection, Place, Question};
use crate::properties::{Checksums, Properties, given_checksums, given_properties, set_checksums};
use crate::receive::{Claims, receive, strong};
use crate::{BODY_BYTES_MAX, Guard, fault, stored_id};

/// Names are at most this long (Amazon S3 User Guide, "Naming Amazon S3 objects").
const NAME_BYTES_MAX: usize = 1024;

/// Metadata is at most this long, names and values together (Amazon S3 User Guide, "Working with object metadata").
const METADATA_BYTES_MAX: usize = 2048;

/// Everything about a version that is sealed and inspected, and not yet visible.
pub(crate) struct Ready {
    pub place: Place,
    pub name: String,
    pub sealed: Vec<u8>,
    pub bytes: u64,
    pub etag: String,
    pub properties: Properties,
    pub inspected: Inspected,
    pub tags: String,
    pub condition: Condition,
    /// The upload in parts that ends with it.
    pub upload: Option<[u8; 16]>,
}

/// What came of it.
pub(crate) struct Kept {
    pub version: StoredVersion,
    /// Seals of all parts of the upload that ended with it.
    pub parts: Vec<Vec<u8>>,
    /// The rule that put it into quarantine, if one did, and what to do.
    pub quarantined: Option<(String, String)>,
}

pub(crate) fn check_name(name: &str) -> S3Result<()> {
    if name.len() > NAME_BYTES_MAX {
        return Err(s3_error!(KeyTooLongError, "a name has at most {NAME_BYTES_MAX} bytes"));
    }
    Ok(())
}

pub(crate) fn check_metadata(properties: &Properties) -> S3Result<()> {
    let bytes: usize = properties.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > METADATA_BYTES_MAX {
        return Err(s3_error!(MetadataTooLarge, "metadata has {bytes} bytes, more than {METADATA_BYTES_MAX}"));
    }
    Ok(())
}

/// `If-None-Match` and `If-Match` of something that stores.
pub(crate) fn condition(
    matches: Option<&s3s::dto::ETagCondition>,
    none_match: Option<&s3s::dto::ETagCondition>,
) -> S3Result<Condition> {
    match (matches, none_match) {
        (Some(_), Some(_)) => Err(s3_error!(InvalidRequest, "`If-Match` and `If-None-Match` cannot both be given")),
        (Some(condition), None) => {
            Ok(Condition::Matches(condition.as_etag().map_or_else(|| "*".to_owned(), |etag| etag.value().to_owned())))
        }
        (None, Some(condition)) => {
            Ok(condition.as_etag().map_or(Condition::Absent, |etag| Condition::Differs(etag.value().to_owned())))
        }
        (None, None) => Ok(Condition::Always),
    }
}

impl Guard {
    pub(crate) async fn put_object(
        self: &Arc<Self>,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let asker = Asker::of(&request)?;
        let trailer = request.headers.get("x-amz-trailer").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let trailers = request.trailing_headers;
        let mut input = request.input;
        let (study, row) = self.study(&input.bucket).await?;
        check_name(&input.key)?;
        let thing = Thing::named(&study, &input.key);
        let permit = self.permit(&asker, Action::Write, Activity::Upload, &thing).await?;
        if input.write_offset_bytes.is_some() {
            return Err(s3_error!(NotImplemented, "objects cannot be appended to"));
        }
        let mut properties = given_properties!(input);
        check_metadata(&properties)?;
        crate::lock::settle(&row, lock_asked!(input), &mut properties, self.now())?;
        let tags = crate::tags::from_header(input.tagging.as_deref())?;
        let condition = condition(input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let claims = Claims {
            length: input.content_length.and_then(|length| u64::try_from(length).ok()),
            md5: input.content_md5.take(),
            checksums: given_checksums!(input),
            algorithm: input.checksum_algorithm.as_ref().map(|algorithm| algorithm.as_str().to_owned()),
            trailer,
        };
        let place = self.place_for(&study, &input.key).await?;
        let mut inspection = self.inspection(&place, &input.key);
        let writer = self.storage.begin(&place, 1).await.map_err(fault::of_storage)?;
        let received =
            receive(writer, input.body.take(), &claims, trailers.as_ref(), inspection.as_mut(), BODY_BYTES_MAX).await?;
        properties.checksums = received.checksums.clone();
        properties.checksum_type = (!received.checksums.is_empty()).then(|| ChecksumType::FULL_OBJECT.to_owned());
        let sealed =
            self.storage.seal(&place, std::slice::from_ref(&received.part)).await.map_err(fault::of_storage)?;
        let inspected = self.look_up(inspection, &place, &input.key, &sealed).await?;
        let ready = Ready {
            etag: received.etag(),
            bytes: received.bytes,
            place,
            name: input.key,
            sealed,
            properties,
            inspected,
            tags,
            condition,
            upload: None,
        };
        let kept = Box::pin(self.keep(&asker, &study, &row, &permit, ready, Activity::Upload)).await?;
        let checksums = received.checksums;
        let version = visible(kept)?;
        Ok(S3Response::new(output(&version, &checksums)))
    }

    /// A place for a new version of `name`: the object's id stays, if there is one.
    pub(crate) async fn place_for(&self, study: &StudyId, name: &str) -> S3Result<Place> {
        let before = self.newest(study, name).await.map_err(fault::of_store)?;
        let object = before.map_or_else(|| self.new_object(), |version| ObjectId::from_bytes(version.object));
        Ok(Place { study: study.clone(), object, version: self.new_version() })
    }

    /// Begins to look at what will lie at `place`.
    pub(crate) fn inspection(&self, place: &Place, name: &str) -> Option<Box<dyn Inspection>> {
        self.inspect.as_ref().map(|inspect| inspect.begin(place, name))
    }

    /// Decides on the labels found, records, and makes the version visible or puts it into quarantine.
    pub(crate) async fn keep(
        self: &Arc<Self>,
        asker: &Asker,
        study: &StudyId,
        row: &GuardedStudy,
        permit: &Permit,
        ready: Ready,
        activity: Activity,
    ) -> S3Result<Kept> {
        let sealed = ready.sealed.clone();
        let kept = self.keep_or_leave(asker, study, row, permit, ready, activity).await;
        if kept.is_err() {
            self.discard(&[sealed]).await;
        }
        kept
    }

    /// As [`Guard::keep`], but what is sealed stays when it fails.
    pub(crate) async fn keep_or_leave(
        self: &Arc<Self>,
        asker: &Asker,
        study: &StudyId,
        row: &GuardedStudy,
        permit: &Permit,
        ready: Ready,
        activity: Activity,
    ) -> S3Result<Kept> {
        let mut version = self.version_of(asker, row, &ready);
        let thing = Thing::version(study, &version);
        if self.gate.ends(&asker.caller.actor, study, true) {
            let mut event = self.event(asker, activity, &thing);
            event.action = Some(permit.action);
            event.outcome = Outcome::Failure { code: CONTAINED.into() };
            self.record(event).await?;
            return Err(denied(
                CONTAINED,
                "access was taken back while the object came in; ask who answers the incident",
            ));
        }
        let question = Question {
            caller: &asker.caller,
            action: Action::Write,
            study,
            object: thing.object,
            labels: &thing.labels,
            ip: asker.origin.ip,
            now_ms: self.now(),
        };
        let ruling = self.gate.decide(&question).await.map_err(fault::of_gate)?;
        let mut event = self.event(asker, activity, &thing);
        event.action = Some(permit.action);
        event.policies.clone_from(&permit.policies);
        let quarantined = (!ruling.is_allowed).then(|| (ruling.code.clone(), ruling.hint.clone()));
        if let Some((code, _)) = &quarantined {
            event.activity = Activity::Lock;
            event.policies = ruling.policies;
            event.outcome = Outcome::Failure { code: code.clone().into() };
        }
        self.record(event).await?;
        if quarantined.is_some() {
            version.state = "quarantined".to_owned();
        }
        let keeps_versions = row.versioning == "on";
        let put = self.put_version(&version, keeps_versions, ready.condition, ready.upload).await;
        match put.map_err(fault::of_store)? {
            Put::Done { sequence, replaced, parts } => {
                version.sequence = sequence;
                self.discard(&replaced).await;
                Ok(Kept { version, parts, quarantined })
            }
            Put::Conflict => Err(s3_error!(PreconditionFailed, "an object is there that the condition excludes")),
            Put::Missing => Err(crate::no_key()),
            Put::Kept => {
                Err(s3_error!(AccessDenied, "the object that it would replace is kept by retention or a hold"))
            }
        }
    }

    /// The result of inspection; nothing found where it is switched off. What was sealed does not stay if it fails.
    pub(crate) async fn look_up(
        &self,
        inspection: Option<Box<dyn Inspection>>,
        place: &Place,
        name: &str,
        sealed: &[u8],
    ) -> S3Result<Inspected> {
        let (Some(inspection), Some(inspect)) = (inspection, &self.inspect) else { return Ok(Inspected::default()) };
        let seen = match inspection.finish().await {
            Ok(Some(inspected)) => Ok(inspected),
            Ok(None) => inspect.look(place, name, sealed).await,
            Err(error) => Err(error),
        };
        if seen.is_err() {
            self.discard(&[sealed.to_vec()]).await;
        }
        seen.map_err(fault::of_inspection)
    }

    fn version_of(&self, asker: &Asker, row: &GuardedStudy, ready: &Ready) -> StoredVersion {
        let labels: Vec<&str> =
            ready.inspected.labels.iter().filter(|label| **label != Label::None).map(|label| label.as_str()).collect();
        StoredVersion {
            study: ready.place.study.to_string(),
            name: ready.name.clone(),
            sequence: 0,
            version: *ready.place.version.as_bytes(),
            object: *ready.place.object.as_bytes(),
            unversioned: row.versioning != "on",
            marker: false,
            latest: true,
            state: "visible".to_owned(),
            bytes: i64::try_from(ready.bytes).unwrap_or(i64::MAX),
            etag: ready.etag.clone(),
            modified_at: self.now(),
            created_by: *asker.caller.actor.id.as_bytes(),
            properties: ready.properties.to_json(),
            labels: labels.join(" "),
            subjects: i64::try_from(ready.inspected.subjects).unwrap_or(i64::MAX),
            tags: ready.tags.clone(),
            retention_mode: ready.properties.retention_mode.clone(),
            retain_until: ready.properties.retain_until,
            legal_hold: ready.properties.legal_hold,
            sealed: ready.sealed.clone(),
        }
    }

    /// Takes away sealed versions that nothing refers to any more. What cannot be removed is swept at the next start.
    pub(crate) async fn discard(&self, sealed: &[Vec<u8>]) {
        for sealed in sealed {
            if let Err(error) = self.storage.remove(sealed).await {
                tracing::warn!(%error, "a sealed version that nothing refers to could not be removed");
            }
        }
    }
}

/// The version, or why its sender cannot see it.
pub(crate) fn visible(kept: Kept) -> S3Result<StoredVersion> {
    match kept.quarantined {
        None => Ok(kept.version),
        Some((code, hint)) => {
            let id = VersionId::from_bytes(kept.version.version);
            let mut error: S3Error = denied(&code, &hint);
            let told = format!(
                "{}; the object is in quarantine as `{id}`, where a reviewer can release it",
                error.message().unwrap_or_default()
            );
            error.set_message(told);
            error.set_code(S3ErrorCode::AccessDenied);
            Err(error)
        }
    }
}

fn output(version: &StoredVersion, checksums: &Checksums) -> PutObjectOutput {
    let mut output = PutObjectOutput {
        e_tag: Some(strong(&version.etag)),
        version_id: stored_id(version),
        server_side_encryption: crate::properties::sealed_with(),
        ..Default::default()
    };
    set_checksums!(output, checksums);
    if !checksums.is_empty() {
        output.checksum_type = Some(ChecksumType::from_static(ChecksumType::FULL_OBJECT));
    }
    output
}
