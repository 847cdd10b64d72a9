//! Reading: decided on the object's labels, recorded before the first byte, opened as it streams.

use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use model::event::{Activity, Event, Outcome};
use model::{Action, StudyId};
use s3s::dto::{
    ChecksumMode, ChecksumType, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectAttributesParts,
    GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, ObjectLockLegalHoldStatus, ObjectLockMode,
    ObjectPart, StreamingBlob, Timestamp,
};
use s3s::stream::{ByteStream, DynByteStream, RemainingLength};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};
use store::guarded::GuardedStudy;
use store::guarded::versions::StoredVersion;

use crate::caller::{Asker, Thing};
use crate::ports::{Plain, StorageError};
use crate::properties::{Properties, sealed_with, set_checksums};
use crate::receive::strong;
use crate::{Guard, fault, place, shown_in, timestamp};

/// What a request asks to be true of an object first (RFC 9110 section 13).
#[derive(Default)]
pub(crate) struct Conditions<'a> {
    pub matches: Option<&'a s3s::dto::ETagCondition>,
    pub none_match: Option<&'a s3s::dto::ETagCondition>,
    pub modified_since: Option<&'a Timestamp>,
    pub unmodified_since: Option<&'a Timestamp>,
}

/// The [`Conditions`] of an input of s3s.
macro_rules! conditions {
    ($input:expr) => {
        $crate::get::Conditions {
            matches: $input.if_match.as_ref(),
            none_match: $input.if_none_match.as_ref(),
            modified_since: $input.if_modified_since.as_ref(),
            unmodified_since: $input.if_unmodified_since.as_ref(),
        }
    };
    (source of $input:expr) => {
        $crate::get::Conditions {
            matches: $input.copy_source_if_match.as_ref(),
            none_match: $input.copy_source_if_none_match.as_ref(),
            modified_since: $input.copy_source_if_modified_since.as_ref(),
            unmodified_since: $input.copy_source_if_unmodified_since.as_ref(),
        }
    };
}
pub(crate) use conditions;

/// Nothing changed; with the entity tag and time that the client may keep (RFC 9110 section 15.4.5).
fn not_modified(version: &StoredVersion) -> S3Error {
    let mut error = s3_error!(NotModified);
    let mut headers = hyper::HeaderMap::new();
    if let Ok(etag) = strong(&version.etag).to_http_header() {
        headers.insert(hyper::header::ETAG, etag);
    }
    let modified = crate::properties::http_date(&timestamp(version.modified_at));
    if let Some(modified) = modified.and_then(|date| hyper::header::HeaderValue::try_from(date).ok()) {
        headers.insert(hyper::header::LAST_MODIFIED, modified);
    }
    error.set_headers(headers);
    error
}

impl Conditions<'_> {
    /// In the order of RFC 9110 section 13.2.2.
    pub(crate) fn check(&self, version: &StoredVersion) -> S3Result<()> {
        let has =
            |condition: &s3s::dto::ETagCondition| condition.as_etag().is_none_or(|etag| etag.value() == version.etag);
        let second = |ms: i64| ms.div_euclid(1000);
        let modified = second(version.modified_at);
        let at = |time: &Timestamp| time::OffsetDateTime::from(time.clone()).unix_timestamp();
        match (self.matches, self.unmodified_since) {
            (Some(condition), _) if !has(condition) => {
                return Err(s3_error!(PreconditionFailed, "the object has another entity tag"));
            }
            (None, Some(since)) if modified > at(since) => {
                return Err(s3_error!(PreconditionFailed, "the object was modified since"));
            }
            _ => {}
        }
        match (self.none_match, self.modified_since) {
            (Some(condition), _) if has(condition) => Err(not_modified(version)),
            (None, Some(since)) if modified <= at(since) => Err(not_modified(version)),
            _ => Ok(()),
        }
    }
}

/// The bytes that a request means.
struct Span {
    range: Range<u64>,
    content_range: Option<String>,
    parts_count: Option<i32>,
}

fn span(
    version: &StoredVersion,
    properties: &Properties,
    range: Option<s3s::dto::Range>,
    part: Option<i32>,
) -> S3Result<Span> {
    let len = u64::try_from(version.bytes).unwrap_or(0);
    let shown = |range: &Range<u64>| Some(format!("bytes {}-{}/{len}", range.start, range.end.saturating_sub(1)));
    match (range, part) {
        (Some(_), Some(_)) => Err(s3_error!(InvalidRequest, "`Range` and `partNumber` cannot both be given")),
        (Some(range), None) => {
            let range = range.check(len).map_err(S3Error::from)?;
            Ok(Span { content_range: shown(&range), range, parts_count: None })
        }
        (None, Some(part)) => {
            let whole = [len];
            let parts = if properties.parts.is_empty() { &whole[..] } else { &properties.parts };
            let index = usize::try_from(part).ok().and_then(|part| part.checked_sub(1));
            let Some((index, bytes)) = index.and_then(|index| Some((index, parts.get(index)?))) else {
                return Err(s3_error!(InvalidPart, "the object has {} parts", parts.len()));
            };
            let start: u64 = parts.iter().take(index).sum();
            let range = start..start + bytes;
            let parts_count = (!properties.parts.is_empty()).then(|| i32::try_from(parts.len()).unwrap_or(i32::MAX));
            Ok(Span { content_range: shown(&range).filter(|_| len > 0), range, parts_count })
        }
        (None, None) => Ok(Span { range: 0..len, content_range: None, parts_count: None }),
    }
}

/// A version and as much of it as a request means.
struct Found {
    study: StudyId,
    row: Arc<GuardedStudy>,
    version: Readable,
    properties: Properties,
    span: Span,
}

/// Sets the fields that GET and HEAD answer alike: what is stored, unless the client asks to be told something else.
macro_rules! describe {
    ($output:expr, $input:expr, $found:expr) => {{
        let Found { row, version, properties, span, .. } = &$found;
        let (study, version): (&GuardedStudy, &StoredVersion) = (row, &version.row);
        $output.content_length = i64::try_from(span.range.end - span.range.start).ok();
        $output.content_range = span.content_range.clone();
        $output.parts_count = span.parts_count;
        $output.server_side_encryption = sealed_with();
        $output.accept_ranges = Some("bytes".to_owned());
        $output.cache_control = properties.cache_control.clone();
        $output.content_disposition = properties.content_disposition.clone();
        $output.content_encoding = properties.content_encoding.clone();
        $output.content_language = properties.content_language.clone();
        $output.content_type =
            Some(properties.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned()));
        $output.expires = properties.expires_at();
        $output.website_redirect_location = properties.website_redirect.clone();
        $output.metadata = properties.metadata();
        $output.e_tag = Some(strong(&version.etag));
        $output.last_modified = Some(timestamp(version.modified_at));
        $output.version_id = shown_in(study, version);
        $output.object_lock_mode = version.retention_mode.clone().map(ObjectLockMode::from);
        $output.object_lock_retain_until_date = version.retain_until.map(timestamp);
        $output.object_lock_legal_hold_status =
            version.legal_hold.then(|| ObjectLockLegalHoldStatus::from_static(ObjectLockLegalHoldStatus::ON));
        override_headers!($output, $input);
        if wants_checksums($input.checksum_mode.as_ref()) && span.content_range.is_none() {
            set_checksums!($output, properties.checksums);
            $output.checksum_type = properties.checksum_type.clone().map(ChecksumType::from);
        }
    }};
}

fn tag_count(version: &StoredVersion) -> Option<i32> {
    let tags = crate::tags::parse(&version.tags);
    (!tags.is_empty()).then(|| i32::try_from(tags.len()).unwrap_or(i32::MAX))
}

fn stored(version: &StoredVersion) -> S3Result<Properties> {
    Properties::parse(&version.properties).map_err(S3Error::internal_error)
}

fn wants_checksums(mode: Option<&ChecksumMode>) -> bool {
    mode.is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED)
}

/// Answers what a client asked to be told instead of what is stored.
macro_rules! override_headers {
    ($output:expr, $input:expr) => {{
        let output = &mut $output;
        let input = &$input;
        if let Some(value) = &input.response_cache_control {
            output.cache_control = Some(value.clone());
        }
        if let Some(value) = &input.response_content_disposition {
            output.content_disposition = Some(value.clone());
        }
        if let Some(value) = &input.response_content_encoding {
            output.content_encoding = Some(value.clone());
        }
        if let Some(value) = &input.response_content_language {
            output.content_language = Some(value.clone());
        }
        if let Some(value) = &input.response_content_type {
            output.content_type = Some(value.clone());
        }
        if let Some(value) = &input.response_expires {
            output.expires = Some(value.clone());
        }
    }};
}

impl Guard {
    pub(crate) async fn get_object(
        self: &Arc<Self>,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let named = (input.bucket.as_str(), input.key.as_str(), input.version_id.as_deref());
        let piece = (input.range, input.part_number);
        let found = self.found(&asker, named, Action::Read, &conditions!(input), piece).await?;
        let body = self.release(&asker, &found.study, &found.version, found.span.range.clone()).await?;
        let mut output = GetObjectOutput { body: Some(StreamingBlob::new(body)), ..Default::default() };
        describe!(output, input, found);
        output.tag_count = tag_count(&found.version.row);
        let mut response = S3Response::new(output);
        response.status = found.span.content_range.is_some().then_some(hyper::StatusCode::PARTIAL_CONTENT);
        Ok(response)
    }

    pub(crate) async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let named = (input.bucket.as_str(), input.key.as_str(), input.version_id.as_deref());
        let piece = (input.range, input.part_number);
        let found = self.found(&asker, named, Action::List, &conditions!(input), piece).await?;
        let mut output = HeadObjectOutput::default();
        describe!(output, input, found);
        let thing = Thing::version(&found.study, &found.version.row);
        self.announce(&asker, Activity::Look, &found.version.permit, &thing).await?;
        let mut response = S3Response::new(output);
        response.status = found.span.content_range.is_some().then_some(hyper::StatusCode::PARTIAL_CONTENT);
        if let Some(count) = tag_count(&found.version.row) {
            response.headers.insert("x-amz-tagging-count", hyper::header::HeaderValue::from(count));
        }
        Ok(response)
    }

    /// What a GET or HEAD means, if `asker` may and the conditions hold.
    async fn found(
        &self,
        asker: &Asker,
        (bucket, key, id): (&str, &str, Option<&str>),
        action: Action,
        conditions: &Conditions<'_>,
        (range, part): (Option<s3s::dto::Range>, Option<i32>),
    ) -> S3Result<Found> {
        let (study, row) = self.study(bucket).await?;
        let version = self.readable(asker, &study, key, id, action).await?;
        conditions.check(&version.row)?;
        let properties = stored(&version.row)?;
        let span = span(&version.row, &properties, range, part)?;
        Ok(Found { study, row, version, properties, span })
    }

    pub(crate) async fn get_object_attributes(
        &self,
        request: S3Request<GetObjectAttributesInput>,
    ) -> S3Result<S3Response<GetObjectAttributesOutput>> {
        let asker = Asker::of(&request)?;
        let input = request.input;
        let (study, row) = self.study(&input.bucket).await?;
        let version = self.readable(&asker, &study, &input.key, input.version_id.as_deref(), Action::List).await?;
        let properties = stored(&version.row)?;
        // Clients send them in one header, parted by commas.
        let asked: Vec<&str> = input.object_attributes.iter().flat_map(|one| one.as_str().split(',')).collect();
        let wants = |name: &str| asked.iter().any(|attribute| attribute.trim() == name);
        let mut output = GetObjectAttributesOutput {
            last_modified: Some(timestamp(version.row.modified_at)),
            version_id: shown_in(&row, &version.row),
            ..Default::default()
        };
        if wants("ETag") {
            output.e_tag = Some(strong(&version.row.etag));
        }
        if wants("ObjectSize") {
            output.object_size = Some(version.row.bytes);
        }
        if wants("StorageClass") {
            output.storage_class = Some(s3s::dto::StorageClass::from_static(s3s::dto::StorageClass::STANDARD));
        }
        if wants("Checksum") && !properties.checksums.is_empty() {
            let mut checksum = s3s::dto::Checksum::default();
            set_checksums!(checksum, properties.checksums);
            checksum.checksum_type = properties.checksum_type.clone().map(ChecksumType::from);
            output.checksum = Some(checksum);
        }
        if wants("ObjectParts") && !properties.parts.is_empty() {
            output.object_parts = Some(parts_of(&properties, input.part_number_marker, input.max_parts));
        }
        let thing = Thing::version(&study, &version.row);
        self.announce(&asker, Activity::Look, &version.permit, &thing).await?;
        Ok(S3Response::new(output))
    }

    /// A version that `asker` may do `action` to.
    pub(crate) async fn readable(
        &self,
        asker: &Asker,
        study: &StudyId,
        name: &str,
        id: Option<&str>,
        action: Action,
    ) -> S3Result<Readable> {
        let activity = if action == Action::Read { Activity::Download } else { Activity::Look };
        match self.wanted(study, name, id).await {
            Ok(row) => {
                let permit = self.permit(asker, action, activity, &Thing::version(study, &row)).await?;
                Ok(Readable { row, permit })
            }
            // Whether a name is taken is told to those alone who may list the study.
            Err(error) => {
                self.permit(asker, Action::List, Activity::Look, &Thing::named(study, name)).await?;
                Err(error)
            }
        }
    }

    /// Records that bytes are about to be released, then opens them. What was really sent is recorded at the end.
    pub(crate) async fn release(
        self: &Arc<Self>,
        asker: &Asker,
        study: &StudyId,
        version: &Readable,
        range: Range<u64>,
    ) -> S3Result<Sending> {
        let thing = Thing::version(study, &version.row);
        self.spend(asker, &thing, range.end - range.start).await?;
        let mut event = self.event(asker, Activity::Download, &thing);
        event.action = Some(version.permit.action);
        event.policies.clone_from(&version.permit.policies);
        event.resource.range = (range.end > range.start).then(|| (range.start, range.end - 1));
        event.resource.bytes = Some(range.end - range.start);
        let place = place(study, &version.row);
        let opened = self.storage.read(&place, &version.row.sealed, range.clone()).await.map_err(fault::of_storage)?;
        let mut end = event.clone();
        self.record(event).await?;
        end.activity = Activity::Released;
        let length = range.end - range.start;
        Ok(Sending { plain: Shared::from(opened), left: length, sent: 0, end: Some(end), guard: Arc::clone(self) })
    }
}

fn parts_of(properties: &Properties, marker: Option<i32>, max: Option<i32>) -> GetObjectAttributesParts {
    let marker = marker.unwrap_or(0).max(0);
    let max = max.unwrap_or(1000).clamp(0, 1000);
    let sums = properties.part_checksums.iter().map(Some).chain(std::iter::repeat(None));
    let numbered = (1..).zip(properties.parts.iter().zip(sums));
    let after = numbered.skip_while(|(number, _)| *number <= marker);
    let parts: Vec<ObjectPart> = after
        .take(usize::try_from(max).unwrap_or(0))
        .map(|(number, (bytes, sums))| {
            let mut part =
                ObjectPart { part_number: Some(number), size: i64::try_from(*bytes).ok(), ..Default::default() };
            if let Some(sums) = sums {
                set_checksums!(part, sums);
            }
            part
        })
        .collect();
    let last = parts.last().and_then(|part| part.part_number).unwrap_or(marker);
    let total = i32::try_from(properties.parts.len()).unwrap_or(i32::MAX);
    GetObjectAttributesParts {
        is_truncated: Some(last < total),
        max_parts: Some(max),
        next_part_number_marker: Some(last),
        part_number_marker: Some(marker),
        total_parts_count: Some(total),
        parts: Some(parts),
    }
}

/// A version, and the decision that it may be reached.
#[derive(Debug)]
pub(crate) struct Readable {
    pub row: StoredVersion,
    pub permit: crate::caller::Permit,
}

/// A stream that may be shared between threads, as the library wants it; it is only ever used by one at a time.
pub(crate) struct Shared(Mutex<Plain>);

impl From<Plain> for Shared {
    fn from(plain: Plain) -> Self {
        Self(Mutex::new(plain))
    }
}

impl Stream for Shared {
    type Item = Result<Bytes, StorageError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let plain = self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        plain.as_mut().poll_next(context)
    }
}

/// Plaintext on its way out.
pub(crate) struct Sending {
    plain: Shared,
    left: u64,
    sent: u64,
    end: Option<Event>,
    guard: Arc<Guard>,
}

impl Sending {
    /// Whether somebody contained whoever reads, or the study, since it was let.
    fn is_cut(&self) -> bool {
        let Some(end) = &self.end else { return false };
        match (&end.actor, &end.resource.study) {
            (Some(actor), Some(study)) if self.left > 0 => self.guard.gate.ends(actor, study, false),
            _ => false,
        }
    }

    /// Records what was sent, without holding up the client, who has it already.
    fn ended(&mut self, code: Option<&'static str>) {
        let Some(mut event) = self.end.take() else { return };
        event.time_ms = self.guard.now();
        event.resource.bytes = Some(self.sent);
        if let Some((first, _)) = event.resource.range {
            event.resource.range = self.sent.checked_sub(1).map(|last| (first, first + last));
        }
        if let Some(code) = code {
            event.outcome = Outcome::Failure { code: code.into() };
        }
        let guard = Arc::clone(&self.guard);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = guard.record.record(event).await {
                    tracing::error!(%error, "the end of a download could not be recorded; its beginning was");
                }
            });
        }
    }
}

impl Stream for Sending {
    type Item = Result<Bytes, s3s::StdError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_cut() {
            self.ended(Some(crate::caller::CONTAINED));
            return Poll::Ready(Some(Err("access was taken back while the object was read".into())));
        }
        match Pin::new(&mut self.plain).poll_next(context) {
            Poll::Ready(Some(Ok(piece))) => {
                let bytes = piece.len() as u64;
                self.sent += bytes;
                self.left = self.left.saturating_sub(bytes);
                if self.left == 0 {
                    self.ended(None);
                }
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Some(Err(error))) => {
                let code = if matches!(error, StorageError::Altered) { "storage:altered" } else { "storage:failed" };
                tracing::error!(%error, "a download was cut");
                self.ended(Some(code));
                Poll::Ready(Some(Err(Box::new(error))))
            }
            Poll::Ready(None) => {
                let code = (self.left > 0).then_some("storage:short");
                self.ended(code);
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl ByteStream for Sending {
    fn remaining_length(&self) -> RemainingLength {
        RemainingLength::new_exact(usize::try_from(self.left).unwrap_or(usize::MAX))
    }
}

impl From<Sending> for DynByteStream {
    fn from(sending: Sending) -> Self {
        Box::pin(sending)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if self.left > 0 {
            self.ended(Some("client:gone"));
        } else {
            self.ended(None);
        }
    }
}
