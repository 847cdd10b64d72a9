//! Uploads in parts: each part sealed on its own, all of them bound and inspected when they are complete.

use std::sync::Arc;

use model::event::Activity;
use model::{Action, ObjectId, StudyId, VersionId};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, Initiator, ListPartsInput, ListPartsOutput, Part, StorageClass, UploadPartInput,
    UploadPartOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use store::guarded::uploads::{self, PARTS_MAX, StoredPart, StoredUpload};
use store::guarded::versions::{self, StoredVersion};

use crate::caller::{Asker, Permit, Thing};
use crate::lock::lock_asked;
use crate::parts;
use crate::ports::{Inspected, Place};
use crate::properties::{Properties, given_checksums, given_properties, sealed_with, set_checksums};
use crate::put::{Ready, check_metadata, check_name, condition, visible};
use crate::receive::{Claims, Received, receive, strong};
use crate::{BODY_BYTES_MAX, Guard, fault, stored_id, timestamp};

fn no_upload() -> s3s::S3Error {
    s3_error!(NoSuchUpload, "there is no upload of that id; it was completed or aborted, or never began")
}

pub(crate) fn place(study: &StudyId, upload: &StoredUpload) -> Place {
    Place {
        study: study.clone(),
        object: ObjectId::from_bytes(upload.object),
        version: VersionId::from_bytes(upload.upload),
    }
}

pub(crate) fn number(part: i32) -> S3Result<u32> {
    u32::try_from(part)
        .ok()
        .filter(|part| (1..=PARTS_MAX).contains(part))
        .ok_or_else(|| s3_error!(InvalidArgument, "a part's number is 1 to {PARTS_MAX}"))
}

impl Guard {
    pub(crate) async fn upload(&self, study: &StudyId, name: &str, id: &str) -> S3Result<StoredUpload> {
        let parsed: Result<VersionId, _> = id.parse();
        let Ok(id) = parsed else { return Err(no_upload()) };
        let found = uploads::find(&self.store, *id.as_bytes()).await.map_err(fault::of_store)?;
        found.filter(|upload| upload.study == study.as_str() && upload.name == name).ok_or_else(no_upload)
    }

    pub(crate) async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (study, row) = self.study(&input.bucket).await?;
        check_name(&input.key)?;
        let thing = Thing::named(&study, &input.key);
        let permit = self.permit(&asker, Action::Write, Activity::Upload, &thing).await?;
        let mut properties = given_properties!(input);
        check_metadata(&properties)?;
        crate::lock::settle(&row, lock_asked!(input), &mut properties, self.now())?;
        properties.tags = Some(crate::tags::from_header(input.tagging.as_deref())?);
        properties.checksum_algorithm = input.checksum_algorithm.as_ref().map(|one| one.as_str().to_ascii_uppercase());
        let asked_type = input.checksum_type.as_ref().map(ChecksumType::as_str);
        properties.checksum_type = parts::checksum_type(properties.checksum_algorithm.as_deref(), asked_type)?;
        let place = self.place_for(&study, &input.key).await?;
        let upload = StoredUpload {
            upload: *place.version.as_bytes(),
            study: study.to_string(),
            name: input.key.clone(),
            object: *place.object.as_bytes(),
            started_at: self.now(),
            created_by: *asker.caller.actor.id.as_bytes(),
            properties: properties.to_json(),
        };
        let mut event = self.event(&asker, Activity::Create, &thing);
        event.action = Some(permit.action);
        event.policies = permit.policies;
        event.resource.entity = Some("upload".to_owned());
        event.resource.object = Some(place.object);
        event.resource.version = Some(place.version);
        self.record(event).await?;
        uploads::begin(&self.store, &upload).await.map_err(fault::of_store)?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(place.version.to_string()),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: properties.checksum_type.map(ChecksumType::from),
            server_side_encryption: sealed_with(),
            ..Default::default()
        }))
    }

    pub(crate) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let asker = Asker::of(&request)?;
        let trailer = request.headers.get("x-amz-trailer").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let trailers = request.trailing_headers;
        let mut input = request.input;
        let (study, _) = self.study(&input.bucket).await?;
        let number = number(input.part_number)?;
        let upload = self.upload(&study, &input.key, &input.upload_id).await?;
        let thing = Thing::named(&study, &input.key);
        self.permit(&asker, Action::Write, Activity::Upload, &thing).await?;
        let claims = Claims {
            length: input.content_length.and_then(|length| u64::try_from(length).ok()),
            md5: input.content_md5.take(),
            checksums: given_checksums!(input),
            algorithm: match &input.checksum_algorithm {
                Some(algorithm) => Some(algorithm.as_str().to_owned()),
                None => algorithm_of(&upload)?,
            },
            trailer,
        };
        let place = place(&study, &upload);
        let writer = self.storage.begin(&place, number).await.map_err(fault::of_storage)?;
        let received = receive(writer, input.body.take(), &claims, trailers.as_ref(), None, BODY_BYTES_MAX).await?;
        let etag = received.etag();
        let mut output = UploadPartOutput {
            e_tag: Some(strong(&etag)),
            server_side_encryption: sealed_with(),
            ..Default::default()
        };
        set_checksums!(output, received.checksums);
        self.keep_part(&upload, number, received).await?;
        Ok(S3Response::new(output))
    }

    /// Keeps a part that is sealed; one of the same number before it goes.
    pub(crate) async fn keep_part(&self, upload: &StoredUpload, number: u32, received: Received) -> S3Result<()> {
        let part = StoredPart {
            number,
            bytes: i64::try_from(received.bytes).unwrap_or(i64::MAX),
            etag: received.etag(),
            modified_at: self.now(),
            checksums: serde_json::to_string(&received.checksums).unwrap_or_default(),
            sealed: received.part,
        };
        let kept = uploads::put_part(&self.store, upload.upload, &part).await.map_err(fault::of_store);
        match kept {
            Ok(Some(replaced)) => {
                self.discard_parts(&replaced).await;
                Ok(())
            }
            Ok(None) => {
                self.discard_parts(&[part.sealed]).await;
                Err(no_upload())
            }
            Err(error) => {
                self.discard_parts(&[part.sealed]).await;
                Err(error)
            }
        }
    }

    async fn discard_parts(&self, parts: &[Vec<u8>]) {
        for part in parts {
            if let Err(error) = self.storage.remove_part(part).await {
                tracing::warn!(%error, "a part that nothing refers to could not be removed");
            }
        }
    }

    pub(crate) async fn complete_multipart_upload(
        self: &Arc<Self>,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (study, row) = self.study(&input.bucket).await?;
        let thing = Thing::named(&study, &input.key);
        let permit = self.permit(&asker, Action::Write, Activity::Upload, &thing).await?;
        let wanted = input.multipart_upload.as_ref().and_then(|upload| upload.parts.clone()).unwrap_or_default();
        let upload = match self.upload(&study, &input.key, &input.upload_id).await {
            Ok(upload) => upload,
            Err(gone) => {
                let version = self.completed_before(&study, &input.key, &input.upload_id, &wanted).await?;
                let version = version.ok_or(gone)?;
                self.announce(&asker, Activity::Look, &permit, &Thing::version(&study, &version)).await?;
                return Ok(S3Response::new(completed(input.bucket, &version)?));
            }
        };
        let condition = condition(input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let there = uploads::parts(&self.store, upload.upload, 0, PARTS_MAX).await.map_err(fault::of_store)?;
        let chosen = parts::choose(&wanted, &there)?;
        let bytes: u64 = chosen.iter().map(|part| u64::try_from(part.bytes).unwrap_or(0)).sum();
        if input.mpu_object_size.is_some_and(|size| u64::try_from(size).ok() != Some(bytes)) {
            return Err(s3_error!(InvalidRequest, "the parts have {bytes} bytes, another number than was declared"));
        }
        let mut properties = Properties::parse(&upload.properties).map_err(s3s::S3Error::internal_error)?;
        let asked_type = input.checksum_type.as_ref().map(ChecksumType::as_str);
        parts::combine(&mut properties, &chosen, &given_checksums!(input), asked_type)?;
        let place = place(&study, &upload);
        let seals: Vec<Vec<u8>> = chosen.iter().map(|part| part.sealed.clone()).collect();
        let sealed = self.storage.seal(&place, &seals).await.map_err(fault::of_storage)?;
        let inspected = match &self.inspect {
            Some(inspect) => inspect.look(&place, &input.key, &sealed).await.map_err(fault::of_inspection)?,
            None => Inspected::default(),
        };
        let ready = Ready {
            etag: parts::etag(chosen.iter().map(|part| part.etag.as_str())),
            bytes,
            place,
            name: input.key.clone(),
            sealed,
            tags: properties.tags.take().unwrap_or_else(|| "{}".to_owned()),
            properties,
            inspected,
            condition,
            upload: Some(upload.upload),
        };
        // A failure leaves the upload as it was, so that it can be completed again. Parts stay until the version is there;
        // from then on they are its own.
        let kept = self.keep_or_leave(&asker, &study, &row, &permit, ready, Activity::Upload).await?;
        let used: std::collections::HashSet<&[u8]> = seals.iter().map(Vec::as_slice).collect();
        let unused: Vec<Vec<u8>> = kept.parts.iter().filter(|seal| !used.contains(seal.as_slice())).cloned().collect();
        self.discard_parts(&unused).await;
        let version = visible(kept)?;
        Ok(S3Response::new(completed(input.bucket, &version)?))
    }

    /// The version that an upload with these parts became. Whoever did not hear the first answer asks again.
    async fn completed_before(
        &self,
        study: &StudyId,
        name: &str,
        id: &str,
        wanted: &[CompletedPart],
    ) -> S3Result<Option<StoredVersion>> {
        let parsed: Result<VersionId, _> = id.parse();
        let Ok(id) = parsed else { return Ok(None) };
        let found = versions::by_id(&self.store, *id.as_bytes()).await.map_err(fault::of_store)?;
        let etag = parts::etag(wanted.iter().filter_map(|part| part.e_tag.as_ref()).map(s3s::dto::ETag::value));
        Ok(found.filter(|version| {
            let is_there = version.state == "visible" && !version.marker;
            is_there && version.study == study.as_str() && version.name == name && version.etag == etag
        }))
    }

    pub(crate) async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (study, _) = self.study(&input.bucket).await?;
        let upload = self.upload(&study, &input.key, &input.upload_id).await?;
        let thing = Thing::named(&study, &input.key);
        let permit = self.permit(&asker, Action::Write, Activity::Remove, &thing).await?;
        if !self.abort(&asker, &study, &upload, permit).await? {
            return Err(no_upload());
        }
        let mut response = S3Response::new(AbortMultipartUploadOutput::default());
        response.status = Some(hyper::StatusCode::NO_CONTENT);
        Ok(response)
    }

    /// Gives an upload up, recorded before. `false` when it is gone already.
    pub(crate) async fn abort(
        &self,
        asker: &Asker,
        study: &StudyId,
        upload: &StoredUpload,
        permit: Permit,
    ) -> S3Result<bool> {
        let mut event = self.event(asker, Activity::Remove, &Thing::named(study, &upload.name));
        event.action = Some(permit.action);
        event.policies = permit.policies;
        event.resource.entity = Some("upload".to_owned());
        event.resource.version = Some(VersionId::from_bytes(upload.upload));
        self.record(event).await?;
        let parts = uploads::end(&self.store, upload.upload).await.map_err(fault::of_store)?;
        let Some(parts) = parts else { return Ok(false) };
        self.discard_parts(&parts).await;
        Ok(true)
    }

    pub(crate) async fn list_parts(&self, request: S3Request<ListPartsInput>) -> S3Result<S3Response<ListPartsOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (study, _) = self.study(&input.bucket).await?;
        let upload = self.upload(&study, &input.key, &input.upload_id).await?;
        self.permit(&asker, Action::Write, Activity::Look, &Thing::named(&study, &input.key)).await?;
        let max = input.max_parts.unwrap_or(1000).clamp(0, 1000);
        let marker = input.part_number_marker.unwrap_or(0).max(0);
        let after = u32::try_from(marker).unwrap_or(0);
        let limit = u32::try_from(max).unwrap_or(0) + 1;
        let mut rows = uploads::parts(&self.store, upload.upload, after, limit).await.map_err(fault::of_store)?;
        let is_truncated = rows.len() >= limit as usize;
        rows.truncate(usize::try_from(max).unwrap_or(0));
        let next = rows.last().and_then(|row| i32::try_from(row.number).ok());
        let owner = self.named(upload.created_by).await?;
        let properties = Properties::parse(&upload.properties).map_err(s3s::S3Error::internal_error)?;
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            is_truncated: Some(is_truncated),
            max_parts: Some(max),
            part_number_marker: Some(marker),
            next_part_number_marker: next.filter(|_| is_truncated),
            parts: Some(rows.iter().map(shown).collect()),
            initiator: Some(Initiator { display_name: owner.display_name.clone(), id: owner.id.clone() }),
            owner: Some(owner),
            storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
            checksum_algorithm: properties.checksum_algorithm.map(ChecksumAlgorithm::from),
            checksum_type: properties.checksum_type.map(ChecksumType::from),
            ..Default::default()
        }))
    }
}

/// The checksum algorithm that was named when an upload began: every part has one of it.
pub(crate) fn algorithm_of(upload: &StoredUpload) -> S3Result<Option<String>> {
    Ok(Properties::parse(&upload.properties).map_err(s3s::S3Error::internal_error)?.checksum_algorithm)
}

fn completed(bucket: String, version: &StoredVersion) -> S3Result<CompleteMultipartUploadOutput> {
    let properties = Properties::parse(&version.properties).map_err(s3s::S3Error::internal_error)?;
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{bucket}/{}", version.name)),
        bucket: Some(bucket),
        key: Some(version.name.clone()),
        e_tag: Some(strong(&version.etag)),
        version_id: stored_id(version),
        server_side_encryption: sealed_with(),
        ..Default::default()
    };
    set_checksums!(output, properties.checksums);
    output.checksum_type =
        properties.checksum_type.filter(|_| !properties.checksums.is_empty()).map(ChecksumType::from);
    Ok(output)
}

fn shown(part: &StoredPart) -> Part {
    let mut shown = Part {
        part_number: i32::try_from(part.number).ok(),
        e_tag: Some(strong(&part.etag)),
        last_modified: Some(timestamp(part.modified_at)),
        size: Some(part.bytes),
        ..Default::default()
    };
    set_checksums!(shown, parts::stored(part));
    shown
}
