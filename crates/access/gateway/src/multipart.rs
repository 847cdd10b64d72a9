//! Uploads in parts: each part sealed on its own, all of them bound and inspected when they are complete.

use std::collections::BTreeMap;
use std::sync::Arc;

use md5::{Digest, Md5};
use model::event::Activity;
use model::{Action, ObjectId, StudyId, VersionId};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumType, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CompletedPart, CreateMultipartUploadInput, CreateMultipartUploadOutput, Initiator,
    ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, MultipartUpload, Part,
    StorageClass, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};
use store::guarded::uploads::{self, PARTS_MAX, StoredPart, StoredUpload};

use crate::caller::{Asker, Thing};
use crate::ports::{Inspected, Place};
use crate::properties::{Checksums, Properties, given_checksums, given_properties, set_checksums};
use crate::put::{Ready, check_metadata, check_name, condition, visible};
use crate::receive::{Claims, Received, hex, receive, strong};
use crate::{BODY_BYTES_MAX, Guard, fault, shown_in, timestamp};

/// Every part but the last has at least this many bytes (Amazon S3 User Guide, "Amazon S3 multipart upload limits").
const PART_BYTES_MIN: i64 = 5 << 20;

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
        let mode = input.object_lock_mode.as_ref().map(|mode| mode.as_str().to_owned());
        let until = input.object_lock_retain_until_date.as_ref();
        let until = until.map(|at| time::OffsetDateTime::from(at.clone()).unix_timestamp() * 1000);
        let hold = input.object_lock_legal_hold_status.as_ref().map(|status| status.as_str().to_owned());
        crate::lock::settle(&row, mode, until, hold.as_deref(), &mut properties, self.now())?;
        properties.tags = Some(crate::tags::from_header(input.tagging.as_deref())?);
        properties.checksum_algorithm = input.checksum_algorithm.as_ref().map(|one| one.as_str().to_owned());
        properties.checksum_type = input.checksum_type.as_ref().map(|one| one.as_str().to_owned());
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
            checksum_type: input.checksum_type,
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
            algorithm: input.checksum_algorithm.as_ref().map(|one| one.as_str().to_owned()),
            trailer,
        };
        let place = place(&study, &upload);
        let writer = self.storage.begin(&place, number).await.map_err(fault::of_storage)?;
        let received = receive(writer, input.body.take(), &claims, trailers.as_ref(), None, BODY_BYTES_MAX).await?;
        let etag = received.etag();
        let mut output = UploadPartOutput { e_tag: Some(strong(&etag)), ..Default::default() };
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
        let upload = self.upload(&study, &input.key, &input.upload_id).await?;
        let thing = Thing::named(&study, &input.key);
        let permit = self.permit(&asker, Action::Write, Activity::Upload, &thing).await?;
        let condition = condition(input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let wanted = input.multipart_upload.as_ref().and_then(|upload| upload.parts.clone()).unwrap_or_default();
        let there = uploads::parts(&self.store, upload.upload, 0, PARTS_MAX).await.map_err(fault::of_store)?;
        let chosen = choose(&wanted, &there)?;
        let bytes: u64 = chosen.iter().map(|part| u64::try_from(part.bytes).unwrap_or(0)).sum();
        if input.mpu_object_size.is_some_and(|size| u64::try_from(size).ok() != Some(bytes)) {
            return Err(s3_error!(InvalidRequest, "the parts have {bytes} bytes, another number than was declared"));
        }
        let mut properties = Properties::parse(&upload.properties).map_err(s3s::S3Error::internal_error)?;
        properties.parts = chosen.iter().map(|part| u64::try_from(part.bytes).unwrap_or(0)).collect();
        let place = place(&study, &upload);
        let seals: Vec<Vec<u8>> = chosen.iter().map(|part| part.sealed.clone()).collect();
        let sealed = self.storage.seal(&place, &seals).await.map_err(fault::of_storage)?;
        let inspected = match &self.inspect {
            Some(inspect) => inspect.look(&place, &input.key, &sealed).await.map_err(fault::of_inspection)?,
            None => Inspected::default(),
        };
        let given = given_checksums!(input);
        combine(&mut properties, &chosen, &given)?;
        let ready = Ready {
            etag: combined_etag(&chosen),
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
        let checksums = ready.properties.checksums.clone();
        let checksum_type = ready.properties.checksum_type.clone();
        // A failure leaves the upload as it was, so that it can be completed again. Parts stay until the version is there;
        // from then on they are its own.
        let kept = self.keep_or_leave(&asker, &study, &row, &permit, ready, Activity::Upload).await?;
        let used: std::collections::HashSet<&[u8]> = seals.iter().map(Vec::as_slice).collect();
        let unused: Vec<Vec<u8>> = kept.parts.iter().filter(|seal| !used.contains(seal.as_slice())).cloned().collect();
        self.discard_parts(&unused).await;
        let version = visible(kept)?;
        let mut output = CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            location: Some(format!("/{study}/{}", input.key)),
            key: Some(input.key),
            e_tag: Some(strong(&version.etag)),
            version_id: shown_in(&row, &version),
            ..Default::default()
        };
        set_checksums!(output, checksums);
        output.checksum_type = checksum_type.filter(|_| !checksums.is_empty()).map(ChecksumType::from);
        Ok(S3Response::new(output))
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
        let mut event = self.event(&asker, Activity::Remove, &thing);
        event.action = Some(permit.action);
        event.policies = permit.policies;
        event.resource.entity = Some("upload".to_owned());
        event.resource.version = Some(VersionId::from_bytes(upload.upload));
        self.record(event).await?;
        let parts = uploads::end(&self.store, upload.upload).await.map_err(fault::of_store)?.ok_or_else(no_upload)?;
        self.discard_parts(&parts).await;
        let mut response = S3Response::new(AbortMultipartUploadOutput::default());
        response.status = Some(hyper::StatusCode::NO_CONTENT);
        Ok(response)
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
        let owner = crate::buckets::owner(&asker);
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
            ..Default::default()
        }))
    }

    pub(crate) async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (study, _) = self.study(&input.bucket).await?;
        self.permit(&asker, Action::List, Activity::Look, &Thing::study(&study)).await?;
        let max = input.max_uploads.unwrap_or(1000).clamp(0, 1000);
        let prefix = input.prefix.clone().unwrap_or_default();
        let marker = input.key_marker.clone().unwrap_or_default();
        let id: Option<VersionId> = input.upload_id_marker.as_deref().and_then(|id| id.parse().ok());
        // Without an id the uploads of the marker's own name are all behind it.
        let after = id.map_or([0xFF; 16], |id| *id.as_bytes());
        let limit = u32::try_from(max).unwrap_or(0) + 1;
        let rows = uploads::page(&self.store, study.as_str(), &prefix, (marker.as_bytes(), &after), limit.min(1000));
        let mut rows = rows.await.map_err(fault::of_store)?;
        let is_truncated = rows.len() >= limit as usize;
        rows.truncate(usize::try_from(max).unwrap_or(0));
        let last = rows.last().filter(|_| is_truncated);
        let owner = crate::buckets::owner(&asker);
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            key_marker: input.key_marker,
            upload_id_marker: input.upload_id_marker,
            prefix: input.prefix,
            max_uploads: Some(max),
            is_truncated: Some(is_truncated),
            next_key_marker: last.map(|row| row.name.clone()),
            next_upload_id_marker: last.map(|row| VersionId::from_bytes(row.upload).to_string()),
            uploads: Some(
                rows.into_iter()
                    .map(|row| MultipartUpload {
                        key: Some(row.name),
                        upload_id: Some(VersionId::from_bytes(row.upload).to_string()),
                        initiated: Some(timestamp(row.started_at)),
                        owner: Some(owner.clone()),
                        initiator: Some(Initiator { display_name: owner.display_name.clone(), id: owner.id.clone() }),
                        storage_class: Some(StorageClass::from_static(StorageClass::STANDARD)),
                        ..Default::default()
                    })
                    .collect(),
            ),
            ..Default::default()
        }))
    }
}

fn stored(part: &StoredPart) -> Checksums {
    serde_json::from_str(&part.checksums).unwrap_or_default()
}

fn shown(part: &StoredPart) -> Part {
    let mut shown = Part {
        part_number: i32::try_from(part.number).ok(),
        e_tag: Some(strong(&part.etag)),
        last_modified: Some(timestamp(part.modified_at)),
        size: Some(part.bytes),
        ..Default::default()
    };
    set_checksums!(shown, stored(part));
    shown
}

/// The parts that a client wants, in its order, each as it was sent.
fn choose(wanted: &[CompletedPart], there: &[StoredPart]) -> S3Result<Vec<StoredPart>> {
    if wanted.is_empty() {
        return Err(s3_error!(MalformedXML, "an upload is completed with at least one part"));
    }
    let by_number: BTreeMap<u32, &StoredPart> = there.iter().map(|part| (part.number, part)).collect();
    let mut chosen: Vec<StoredPart> = Vec::with_capacity(wanted.len());
    for want in wanted {
        let number = number(want.part_number.unwrap_or(0))?;
        if chosen.last().is_some_and(|last| last.number >= number) {
            return Err(s3_error!(InvalidPartOrder, "parts must be named in the order of their numbers"));
        }
        let invalid =
            || s3_error!(InvalidPart, "part {number} was not uploaded, or has another entity tag or checksum");
        let part = by_number.get(&number).ok_or_else(invalid)?;
        let is_other = want.e_tag.as_ref().is_some_and(|etag| etag.value() != part.etag);
        if is_other || !stored(part).agrees(&given_checksums!(want)) {
            return Err(invalid());
        }
        chosen.push((*part).clone());
    }
    let before_last = chosen.len() - 1;
    if chosen.iter().take(before_last).any(|part| part.bytes < PART_BYTES_MIN) {
        return Err(s3_error!(EntityTooSmall, "every part but the last has at least {PART_BYTES_MIN} bytes"));
    }
    Ok(chosen)
}

/// MD5 over the MD5s of the parts, and their number: the form that clients expect.
fn combined_etag(parts: &[StoredPart]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(unhex(&part.etag));
    }
    format!("{}-{}", hex(&md5.finalize()), parts.len())
}

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .filter_map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect()
}

/// The checksum of checksums, where every part has one (Amazon S3 User Guide, "Checking object integrity for data
/// uploads", composite checksums). A client's own word for the whole is kept as it gave it where it cannot be derived.
fn combine(properties: &mut Properties, parts: &[StoredPart], given: &Checksums) -> S3Result<()> {
    use s3s::crypto::{Checksum as _, Crc32, Crc32c, Sha1, Sha256};
    if properties.checksum_type.as_deref() == Some(ChecksumType::FULL_OBJECT) {
        // A checksum of the whole cannot be made of those of the parts without combining them; what the client says is
        // bound to what was sealed by the parts' own checksums.
        properties.checksums = given.clone();
        return Ok(());
    }
    let all: Vec<Checksums> = parts.iter().map(stored).collect();
    macro_rules! composite {
        ($field:ident, $hasher:ty) => {{
            let sums: Option<Vec<Vec<u8>>> = all
                .iter()
                .map(|sums| sums.$field.as_ref().and_then(|sum| base64_simd::STANDARD.decode_to_vec(sum).ok()))
                .collect();
            sums.filter(|sums| !sums.is_empty()).map(|sums| {
                let mut hasher = <$hasher>::new();
                sums.iter().for_each(|sum| hasher.update(sum));
                let sum = hasher.finalize();
                let sum: &[u8] = sum.as_ref();
                format!("{}-{}", base64_simd::STANDARD.encode_to_string(sum), parts.len())
            })
        }};
    }
    properties.checksums = Checksums {
        crc32: composite!(crc32, Crc32),
        crc32c: composite!(crc32c, Crc32c),
        sha1: composite!(sha1, Sha1),
        sha256: composite!(sha256, Sha256),
        crc64nvme: None,
    };
    let agrees = |ours: &Option<String>, theirs: &Option<String>| match (ours, theirs) {
        (Some(ours), Some(theirs)) => ours.split('-').next() == theirs.split('-').next(),
        _ => true,
    };
    let ours = &properties.checksums;
    if !(agrees(&ours.crc32, &given.crc32)
        && agrees(&ours.crc32c, &given.crc32c)
        && agrees(&ours.sha1, &given.sha1)
        && agrees(&ours.sha256, &given.sha256))
    {
        return Err(s3_error!(BadDigest, "the parts are not what the checksum says; send them again"));
    }
    if !properties.checksums.is_empty() {
        properties.checksum_type = Some(ChecksumType::COMPOSITE.to_owned());
    }
    Ok(())
}
