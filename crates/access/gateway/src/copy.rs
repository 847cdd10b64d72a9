//! Copying inside the guard: opened under one key, sealed under another, decided and recorded at both ends.

use std::sync::Arc;

use model::Action;
use model::event::Activity;
use s3s::dto::{
    ChecksumType, CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopyPartResult, CopySource, MetadataDirective,
    StreamingBlob, TaggingDirective, UploadPartCopyInput, UploadPartCopyOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use store::guarded::versions::Condition;

use crate::caller::{Asker, Thing};
use crate::get::{Conditions, Readable, Shared, conditions};
use crate::lock::lock_asked;
use crate::multipart::{algorithm_of, number, place};
use crate::ports::Plain;
use crate::properties::{Properties, given_properties, sealed_with, set_checksums};
use crate::put::{Ready, check_metadata, check_name, visible};
use crate::receive::{Claims, receive, strong};
use crate::{BODY_BYTES_MAX, Guard, fault, shown_in, stored_id, timestamp};

/// A source that may be read, and its study.
struct Source {
    study: model::StudyId,
    row: Arc<store::guarded::GuardedStudy>,
    found: Readable,
}

pub(crate) fn blob(plain: Plain) -> StreamingBlob {
    StreamingBlob::wrap(Shared::from(plain))
}

impl Guard {
    async fn source(
        &self,
        asker: &Asker,
        from: &CopySource,
        owner: Option<&str>,
        conditions: &Conditions<'_>,
    ) -> S3Result<Source> {
        let CopySource::Bucket { bucket, key, version_id } = from else {
            return Err(s3_error!(NotImplemented, "a copy's source is given as `bucket/key`"));
        };
        let (study, row) = self.study(bucket).await?;
        self.check_owner(bucket, owner.map(str::as_bytes)).await?;
        let found = self.readable(asker, &study, key, version_id.as_deref(), Action::Read).await?;
        let checked = conditions.check(&found.row);
        if checked.is_err() {
            return Err(s3_error!(PreconditionFailed, "the source is not as the copy wants it"));
        }
        let mut event = self.event(asker, Activity::Copy, &Thing::version(&study, &found.row));
        event.action = Some(found.permit.action);
        event.policies.clone_from(&found.permit.policies);
        self.record(event).await?;
        Ok(Source { study, row, found })
    }

    /// What leaves a study counts as taken from it, wherever it goes.
    async fn spend_on_copy(&self, asker: &Asker, source: &Source, to: &model::StudyId, bytes: u64) -> S3Result<()> {
        if source.study == *to {
            return Ok(());
        }
        self.spend(asker, &Thing::version(&source.study, &source.found.row), bytes).await
    }

    pub(crate) async fn copy_object(
        self: &Arc<Self>,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (study, row) = self.study(&input.bucket).await?;
        check_name(&input.key)?;
        let permit = self.permit(&asker, Action::Write, Activity::Upload, &Thing::named(&study, &input.key)).await?;
        let owner = input.expected_source_bucket_owner.as_deref();
        let source = self.source(&asker, &input.copy_source, owner, &conditions!(source of input)).await?;
        let from = &source.found.row;
        let replaces =
            input.metadata_directive.as_ref().map(MetadataDirective::as_str) == Some(MetadataDirective::REPLACE);
        let is_itself = from.study == study.as_str() && from.name == input.key && from.latest;
        if is_itself && !replaces && input.tagging_directive.is_none() && input.storage_class.is_none() {
            return Err(s3_error!(InvalidRequest, "a copy of an object onto itself must change its metadata"));
        }
        let before = Properties::parse(&from.properties).map_err(s3s::S3Error::internal_error)?;
        let mut properties = if replaces { given_properties!(input) } else { before.clone() };
        properties.parts.clear();
        properties.part_checksums.clear();
        (properties.retention_mode, properties.retain_until, properties.legal_hold) = (None, None, false);
        check_metadata(&properties)?;
        crate::lock::settle(&row, lock_asked!(input), &mut properties, self.now())?;
        let takes_tags =
            input.tagging_directive.as_ref().map(TaggingDirective::as_str) == Some(TaggingDirective::REPLACE);
        let tags = if takes_tags { crate::tags::from_header(input.tagging.as_deref())? } else { from.tags.clone() };
        let to = self.place_for(&study, &input.key).await?;
        let from_place = crate::place(&source.study, from);
        let bytes = u64::try_from(from.bytes).unwrap_or(0);
        self.spend_on_copy(&asker, &source, &study, bytes).await?;
        let plain = self.storage.read(&from_place, &from.sealed, 0..bytes).await.map_err(fault::of_storage)?;
        let algorithm = input.checksum_algorithm.as_ref().map(|one| one.as_str().to_owned());
        let claims = Claims { length: Some(bytes), algorithm, checksums: kept_sums(&before), ..Default::default() };
        let mut inspection = self.inspection(&to, &input.key);
        let writer = self.storage.begin(&to, 1).await.map_err(fault::of_storage)?;
        let received = receive(writer, Some(blob(plain)), &claims, None, inspection.as_mut(), u64::MAX).await?;
        properties.checksums = received.checksums.clone();
        properties.checksum_type = (!received.checksums.is_empty()).then(|| ChecksumType::FULL_OBJECT.to_owned());
        let sealed = self.storage.seal(&to, std::slice::from_ref(&received.part)).await.map_err(fault::of_storage)?;
        let inspected = self.look_up(inspection, &to, &input.key, &sealed).await?;
        let ready = Ready {
            place: to,
            name: input.key,
            sealed,
            bytes: received.bytes,
            etag: received.etag(),
            properties,
            inspected,
            tags,
            condition: Condition::Always,
            upload: None,
        };
        let kept = Box::pin(self.keep(&asker, &study, &row, &permit, ready, Activity::Upload)).await?;
        let version = visible(kept)?;
        let mut result = CopyObjectResult {
            e_tag: Some(strong(&version.etag)),
            last_modified: Some(timestamp(version.modified_at)),
            ..Default::default()
        };
        set_checksums!(result, received.checksums);
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            copy_source_version_id: shown_in(&source.row, from),
            version_id: stored_id(&version),
            server_side_encryption: sealed_with(),
            ..Default::default()
        }))
    }

    pub(crate) async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (study, _) = self.study(&input.bucket).await?;
        let number = number(input.part_number)?;
        let upload = self.upload(&study, &input.key, &input.upload_id).await?;
        self.permit(&asker, Action::Write, Activity::Upload, &Thing::named(&study, &input.key)).await?;
        let owner = input.expected_source_bucket_owner.as_deref();
        let source = self.source(&asker, &input.copy_source, owner, &conditions!(source of input)).await?;
        let from = &source.found.row;
        let len = u64::try_from(from.bytes).unwrap_or(0);
        let range = match &input.copy_source_range {
            Some(text) => read_range(text, len)?,
            None => 0..len,
        };
        let bytes = range.end - range.start;
        self.spend_on_copy(&asker, &source, &study, bytes).await?;
        let from_place = crate::place(&source.study, from);
        let plain = self.storage.read(&from_place, &from.sealed, range).await.map_err(fault::of_storage)?;
        let to = place(&study, &upload);
        let writer = self.storage.begin(&to, number).await.map_err(fault::of_storage)?;
        let claims = Claims { length: Some(bytes), algorithm: algorithm_of(&upload)?, ..Default::default() };
        let received = receive(writer, Some(blob(plain)), &claims, None, None, BODY_BYTES_MAX).await?;
        let mut result = CopyPartResult {
            e_tag: Some(strong(&received.etag())),
            last_modified: Some(timestamp(self.now())),
            ..Default::default()
        };
        set_checksums!(result, received.checksums);
        self.keep_part(&upload, number, received).await?;
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(result),
            server_side_encryption: sealed_with(),
            copy_source_version_id: shown_in(&source.row, from),
            ..Default::default()
        }))
    }
}

/// Checksums of a whole object hold for its copy too; those of parts do not.
fn kept_sums(before: &Properties) -> crate::properties::Checksums {
    if before.checksum_type.as_deref() == Some(ChecksumType::FULL_OBJECT) && before.parts.is_empty() {
        before.checksums.clone()
    } else {
        Default::default()
    }
}

/// `bytes=first-last`, both inside the object (API reference of UploadPartCopy).
fn read_range(text: &str, len: u64) -> S3Result<std::ops::Range<u64>> {
    let wrong = || s3_error!(InvalidArgument, "`{text}` is not a range such as `bytes=0-9`");
    let (first, last) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')).ok_or_else(wrong)?;
    let read = |number: &str| number.parse::<u64>().ok().ok_or_else(wrong);
    let (first, last) = (read(first)?, read(last)?);
    if first > last {
        return Err(wrong());
    }
    if last >= len {
        return Err(s3_error!(InvalidRange, "the source has {len} bytes only"));
    }
    Ok(first..last + 1)
}
