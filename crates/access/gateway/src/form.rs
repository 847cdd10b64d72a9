//! Uploads by HTML forms: `POST` of `multipart/form-data` with a policy that somebody signed beforehand (API reference,
//! "POST Object"). The file goes the way of every upload.

mod fields;
mod policy;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use s3s::dto::{ETag, PutObjectInput, PutObjectOutput, StreamingBlob, Timestamp, TimestampFormat};
use s3s::{Body, HttpError, HttpResponse, S3Error, S3ErrorCode, S3Request, S3Result, s3_error};
use secrecy::ExposeSecret;
use sha2::Sha256;

use crate::door::{Arrival, origin, refusal};
use crate::properties::Checksums;
use crate::{BODY_BYTES_MAX, Guard, fault};
use fields::{Fields, FormError, Reader};
use policy::Policy;

/// How far a client's clock may be ahead.
const AHEAD_MAX_MS: i64 = 15 * 60 * 1000;
/// How long a signature is good (API reference, "Authenticating requests": seven days).
const AGE_MAX_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Reads a form from pieces of `step` bytes as a request's body is read: whether there is a file in it, for the fuzzer.
#[must_use]
pub fn probe(bytes: &[u8], step: usize) -> bool {
    use futures_util::{FutureExt as _, StreamExt as _};
    let pieces = bytes.chunks(step.max(1)).map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece)));
    let mut reader = Reader::new(futures_util::stream::iter(pieces), "b0");
    let read = async {
        let (fields, filename) = reader.fields().await.ok()?;
        let _any_answer = fields.get("policy").map(Policy::read);
        let _any_answer = Signed::of(&fields).is_ok();
        let _any_answer = fields.get("tagging").map(crate::tags::from_xml);
        let _any_answer = base_name(filename.as_deref().unwrap_or_default());
        reader.file().collect::<Vec<_>>().await.last()?.as_ref().ok().map(|_| ())
    };
    read.now_or_never().flatten().is_some()
}

/// Whether a request is a form.
pub(crate) fn is_form<B>(request: &Request<B>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_multipart = kind.get(..19).is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/form-data"));
    request.method() == Method::POST && is_multipart
}

/// Why a file broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The form.
    #[error(transparent)]
    Form(#[from] FormError),
    /// The policy allows fewer bytes.
    #[error("the file has more than the {0} bytes that the form's policy allows")]
    TooLarge(u64),
    /// The policy wants more bytes.
    #[error("the file has fewer than the {0} bytes that the form's policy wants")]
    TooSmall(u64),
}

impl Broken {
    pub(crate) fn told(&self) -> S3Error {
        let code = match self {
            Self::Form(FormError::Cut) => S3ErrorCode::IncompleteBody,
            Self::Form(FormError::TooMuch) => S3ErrorCode::MaxPostPreDataLengthExceededError,
            Self::Form(FormError::Twice(_)) => S3ErrorCode::InvalidArgument,
            Self::Form(_) => S3ErrorCode::MalformedPOSTRequest,
            Self::TooLarge(_) => S3ErrorCode::EntityTooLarge,
            Self::TooSmall(_) => S3ErrorCode::EntityTooSmall,
        };
        S3Error::with_message(code, self.to_string())
    }
}

/// The file, which ends with an error when it has more or fewer bytes than its policy allows.
struct Bounded<S> {
    file: S,
    bytes: u64,
    least: u64,
    most: u64,
}

impl<S: Stream<Item = Result<Bytes, FormError>> + Unpin> Stream for Bounded<S> {
    type Item = Result<Bytes, Broken>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(match std::task::ready!(Pin::new(&mut self.file).poll_next(context)) {
            Some(Ok(piece)) => {
                self.bytes = self.bytes.saturating_add(piece.len() as u64);
                Some(if self.bytes > self.most { Err(Broken::TooLarge(self.most)) } else { Ok(piece) })
            }
            Some(Err(error)) => Some(Err(error.into())),
            None if self.bytes < self.least => {
                let least = std::mem::take(&mut self.least);
                Some(Err(Broken::TooSmall(least)))
            }
            None => None,
        })
    }
}

/// Answers a form.
pub(crate) async fn answer(
    guard: &Arc<Guard>,
    request: Request<Incoming>,
    arrival: Arrival,
) -> Result<HttpResponse, HttpError> {
    let (head, body) = request.into_parts();
    match Box::pin(taken(guard, &head.uri, &head.headers, Body::from(body), arrival)).await {
        Ok(response) => Ok(response),
        Err(error) => crate::answer::of_unread(error),
    }
}

/// Takes a form's file in, if its policy and whoever signed it allow.
pub(crate) async fn taken(
    guard: &Arc<Guard>,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
    arrival: Arrival,
) -> S3Result<HttpResponse> {
    let bucket = uri.path().trim_matches('/');
    if bucket.is_empty() || bucket.contains('/') {
        return Err(s3_error!(MethodNotAllowed, "a form is sent to a bucket, its field `key` names the object"));
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = fields::boundary(kind).map_err(|error| Broken::from(error).told())?;
    let mut reader = Reader::new(body, &boundary);
    let (mut fields, filename) = reader.fields().await.map_err(|error| Broken::from(error).told())?;
    let key = fields
        .get("key")
        .filter(|key| !key.is_empty())
        .ok_or_else(|| s3_error!(InvalidArgument, "the form has no field `key` before its file"))?;
    fields.set("key", key.replace("${filename}", base_name(filename.as_deref().unwrap_or_default())));
    if fields.get("bucket").is_some_and(|named| named != bucket) {
        return Err(s3_error!(AccessDenied, "the field `bucket` names another bucket than the form was sent to"));
    }
    fields.set("bucket", bucket.to_owned());
    let origin = origin(Some(arrival));
    let Some(signed) = Signed::of(&fields)? else {
        guard.recognise(None, None, origin).await?;
        return Err(s3_error!(AccessDenied, "a signature is required"));
    };
    signed.check(guard).await?;
    let policy = Policy::read(signed.policy)?;
    policy.check(&fields, guard.now())?;
    let asker = guard.recognise(Some(signed.access_key), fields.get("x-amz-security-token"), origin).await?;
    guard.admit(&asker, bucket).await?;
    let own = as_headers(&fields)?;
    if let Some(error) = refusal(&Method::POST, uri, &own) {
        return Err(error);
    }
    let (least, most) = policy.bytes.unwrap_or((0, BODY_BYTES_MAX));
    let file = Bounded { file: reader.file(), bytes: 0, least, most: most.min(BODY_BYTES_MAX) };
    let input = input(&fields, StreamingBlob::wrap(file))?;
    let key = input.key.clone();
    let mut extensions = hyper::http::Extensions::new();
    extensions.insert(asker);
    let request = S3Request {
        input,
        method: Method::POST,
        uri: uri.clone(),
        headers: own,
        extensions,
        credentials: None,
        region: None,
        service: None,
        trailing_headers: None,
    };
    let put = guard.put_object(request).await?.output;
    done(&fields, &key, &put)
}

/// A file's name without the folders that some browsers put before it.
fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// The signature of a form's policy.
struct Signed<'a> {
    policy: &'a str,
    access_key: &'a str,
    date: &'a str,
    region: &'a str,
    /// `YYYYMMDDTHHMMSSZ`.
    signed_at: &'a str,
    signature: &'a str,
}

impl<'a> Signed<'a> {
    /// `None` when nothing is signed.
    fn of(fields: &'a Fields) -> S3Result<Option<Self>> {
        if fields.get("awsaccesskeyid").is_some() || fields.get("signature").is_some() {
            return Err(s3_error!(
                InvalidRequest,
                "signature version 2 is not accepted; sign the form's policy with version 4"
            ));
        }
        let Some(policy) = fields.get("policy") else {
            return match fields.get("x-amz-signature") {
                Some(_) => Err(s3_error!(InvalidArgument, "the form has a signature and no field `policy`")),
                None => Ok(None),
            };
        };
        let field = |name: &str| {
            fields.get(name).ok_or_else(|| s3_error!(InvalidArgument, "the form has a policy and no field `{name}`"))
        };
        let signature = field("x-amz-signature")?;
        if field("x-amz-algorithm")? != "AWS4-HMAC-SHA256" {
            return Err(s3_error!(InvalidArgument, "the field `x-amz-algorithm` can only be `AWS4-HMAC-SHA256`"));
        }
        let malformed =
            || s3_error!(InvalidArgument, "the field `x-amz-credential` is no `KEY/DATE/REGION/s3/aws4_request`");
        let words: Vec<&str> = field("x-amz-credential")?.split('/').collect();
        let [access_key, date, region, "s3", "aws4_request"] = *words.as_slice() else { return Err(malformed()) };
        let signed_at = field("x-amz-date")?;
        if !signed_at.starts_with(date) || date.len() != 8 {
            return Err(malformed());
        }
        Ok(Some(Self { policy, access_key, date, region, signed_at, signature }))
    }

    async fn check(&self, guard: &Guard) -> S3Result<()> {
        let wrong = || s3_error!(InvalidArgument, "the field `x-amz-date` is no time such as `20270331T120000Z`");
        let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", self.signed_at).ok().ok_or_else(wrong)?;
        let at = jiff::tz::TimeZone::UTC.to_timestamp(at).ok().ok_or_else(wrong)?.as_millisecond();
        let age = guard.now() - at;
        if !(-AHEAD_MAX_MS..=AGE_MAX_MS).contains(&age) {
            return Err(s3_error!(
                AccessDenied,
                "the form was signed more than seven days ago, or is dated in the future"
            ));
        }
        let secret = guard.gate.secret(self.access_key).await.map_err(fault::of_gate)?;
        let secret = secret
            .ok_or_else(|| s3_error!(InvalidAccessKeyId, "there is no such access key, or it is no longer good"))?;
        let key = format!("AWS4{}", secret.expose_secret());
        let steps = [self.date, self.region, "s3", "aws4_request"];
        let key = steps
            .iter()
            .try_fold(key.into_bytes(), |key, step| Some(mac(&key, step)?.finalize().into_bytes().to_vec()));
        let expected = key.and_then(|key| mac(&key, self.policy));
        let given = unhex(self.signature);
        let is_so = expected.zip(given).is_some_and(|(expected, given)| expected.verify_slice(&given).is_ok());
        if is_so {
            return Ok(());
        }
        Err(s3_error!(SignatureDoesNotMatch, "the form's policy was signed with another secret, or changed since"))
    }
}

fn mac(key: &[u8], text: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(text.as_bytes());
    Some(mac)
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    bytes.collect()
}

/// The fields that are headers of an upload elsewhere.
fn as_headers(fields: &Fields) -> S3Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields.iter() {
        let name = if name == "acl" { "x-amz-acl" } else { name };
        if !name.starts_with("x-amz-") || matches!(name, "x-amz-signature" | "x-amz-credential" | "x-amz-date") {
            continue;
        }
        let bad = || s3_error!(InvalidArgument, "the field `{name}` cannot be a header");
        let name: HeaderName = name.parse().ok().ok_or_else(bad)?;
        headers.insert(name.clone(), HeaderValue::try_from(value).ok().ok_or_else(bad)?);
    }
    Ok(headers)
}

/// The upload that a form asks for.
fn input(fields: &Fields, file: StreamingBlob) -> S3Result<PutObjectInput> {
    let text = |name: &str| fields.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
    let time = |name: &str, format: TimestampFormat| {
        text(name)
            .map(|value| Timestamp::parse(format, &value))
            .transpose()
            .map_err(|error| s3_error!(error, InvalidArgument, "the field `{name}` is no time"))
    };
    let metadata = fields
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("x-amz-meta-")?.to_owned(), value.to_owned())));
    let tagging = text("tagging").map(|xml| crate::tags::from_xml(&xml)).transpose()?;
    let checksums = Checksums {
        crc32: text("x-amz-checksum-crc32"),
        crc32c: text("x-amz-checksum-crc32c"),
        crc64nvme: text("x-amz-checksum-crc64nvme"),
        sha1: text("x-amz-checksum-sha1"),
        sha256: text("x-amz-checksum-sha256"),
    };
    let input = PutObjectInput::builder()
        .bucket(text("bucket").unwrap_or_default())
        .key(text("key").unwrap_or_default())
        .body(Some(file))
        .cache_control(text("cache-control"))
        .content_disposition(text("content-disposition"))
        .content_encoding(text("content-encoding"))
        .content_language(text("content-language"))
        .content_type(text("content-type"))
        .content_md5(text("content-md5"))
        .expires(time("expires", TimestampFormat::HttpDate)?)
        .metadata(Some(metadata.collect()))
        .tagging(tagging.map(|tags| crate::tags::as_header(&tags)))
        .website_redirect_location(text("x-amz-website-redirect-location"))
        .object_lock_mode(text("x-amz-object-lock-mode").map(Into::into))
        .object_lock_retain_until_date(time("x-amz-object-lock-retain-until-date", TimestampFormat::DateTime)?)
        .object_lock_legal_hold_status(text("x-amz-object-lock-legal-hold").map(Into::into))
        .checksum_algorithm(text("x-amz-sdk-checksum-algorithm").map(Into::into))
        .checksum_crc32(checksums.crc32)
        .checksum_crc32c(checksums.crc32c)
        .checksum_crc64nvme(checksums.crc64nvme)
        .checksum_sha1(checksums.sha1)
        .checksum_sha256(checksums.sha256)
        .build();
    input.map_err(S3Error::internal_error)
}

/// What the sender is told, in the way it asked for.
fn done(fields: &Fields, key: &str, put: &PutObjectOutput) -> S3Result<HttpResponse> {
    let bucket = fields.get("bucket").unwrap_or_default();
    let etag = put.e_tag.as_ref().map(ETag::value).unwrap_or_default();
    let mut response = HttpResponse::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let mut location = url::form_urlencoded::byte_serialize(key.as_bytes()).collect::<String>().replace("%2F", "/");
    location = format!("/{bucket}/{}", location.replace('+', "%20"));
    let redirect = fields.get("success_action_redirect").or_else(|| fields.get("redirect"));
    if let Some(mut to) = redirect.and_then(|to| url::Url::parse(to).ok()) {
        let kept = to.query().map(|query| format!("{query}&")).unwrap_or_default();
        let own = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("bucket", bucket)
            .append_pair("key", key)
            .append_pair("etag", &format!("\"{etag}\""))
            .finish();
        to.set_query(Some(&format!("{kept}{own}")));
        *response.status_mut() = StatusCode::SEE_OTHER;
        location = to.to_string();
    } else {
        match fields.get("success_action_status") {
            Some("200") => *response.status_mut() = StatusCode::OK,
            Some("201") => {
                *response.status_mut() = StatusCode::CREATED;
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
                *response.body_mut() = Body::from(told(&location, bucket, key, etag));
            }
            _ => {}
        }
    }
    let headers = response.headers_mut();
    let mut tell = |name: &'static str, value: Option<&str>| {
        if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(name, value);
        }
    };
    tell("etag", Some(&format!("\"{etag}\"")));
    tell("location", Some(&location));
    tell("x-amz-version-id", put.version_id.as_deref());
    tell("x-amz-server-side-encryption", Some("AES256"));
    Ok(response)
}

fn told(location: &str, bucket: &str, key: &str, etag: &str) -> String {
    let written =
        |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><PostResponse><Location>{}</Location><Bucket>{}</Bucket><Key>{}</Key>\
         <ETag>&quot;{etag}&quot;</ETag></PostResponse>",
        written(location),
        written(bucket),
        written(key)
    )
}

#[cfg(test)]
mod tests;
