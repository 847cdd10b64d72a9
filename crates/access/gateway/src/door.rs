//! The door: what is refused before anything is read, and who it is that comes in.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use hyper::{Method, Uri};
use model::PrincipalId;
use model::event::{Activity, Event, Origin, Outcome};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};
use secrecy::ExposeSecret;

use crate::caller::Asker;
use crate::{Guard, fault};

/// Header lines of one request, together (as Amazon S3: 8 KB of user headers).
pub(crate) const HEADER_BYTES_MAX: usize = 16 * 1024;

/// Where a request comes from; put into its extensions by the server.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub ip: Option<IpAddr>,
    pub request: String,
}

/// What is refused before authentication, whoever asks.
pub(crate) fn refusal(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<S3Error> {
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > HEADER_BYTES_MAX {
        return Some(s3_error!(
            MetadataTooLarge,
            "the request's headers have {bytes} bytes, more than {HEADER_BYTES_MAX}"
        ));
    }
    if is_signed_v2(uri, headers) {
        return Some(S3Error::with_message(
            S3ErrorCode::InvalidRequest,
            "signature version 2 is not accepted; configure the client to sign with version 4",
        ));
    }
    if headers.get("content-md5").is_some_and(HeaderValue::is_empty) {
        return Some(s3_error!(InvalidDigest, "`Content-MD5` is empty"));
    }
    if headers.get("x-amz-storage-class").is_some_and(|class| class != "STANDARD") {
        return Some(s3_error!(InvalidStorageClass, "there is one storage class: `STANDARD`"));
    }
    if lives_wrongly(uri) {
        return Some(s3_error!(AccessDenied, "a presigned address is good for 1 second to 7 days; sign it again"));
    }
    if is_unordered(uri) {
        return Some(s3_error!(
            InvalidArgument,
            "a listing with a delimiter is always in order; leave one of them out"
        ));
    }
    unhonoured(method, headers)
}

/// Whether a presigned address has a lifetime that none may have (API reference, "Authenticating requests: using query
/// parameters": 1 to 604,800 seconds).
fn lives_wrongly(uri: &Uri) -> bool {
    parameter(uri, "X-Amz-Expires")
        .is_some_and(|seconds| !seconds.parse::<u32>().is_ok_and(|seconds| (1..=604_800).contains(&seconds)))
}

/// Whether a listing is asked for that some clients know as unordered, and a delimiter with it, which needs order.
fn is_unordered(uri: &Uri) -> bool {
    parameter(uri, "allow-unordered").is_some_and(|value| value == "true")
        && parameter(uri, "delimiter").is_some_and(|delimiter| !delimiter.is_empty())
}

fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query()?;
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn is_signed_v2(uri: &Uri, headers: &HeaderMap) -> bool {
    let by_header = headers
        .get_all(AUTHORIZATION)
        .iter()
        .any(|value| value.to_str().is_ok_and(|text| text.trim_start().starts_with("AWS ")));
    let by_query = uri.query().is_some_and(|query| {
        url::form_urlencoded::parse(query.as_bytes()).any(|(key, _)| key == "AWSAccessKeyId" || key == "Signature")
    });
    by_header || by_query
}

/// Encryption that a client asks for and that is not what is done here must not be ignored: it would believe its data
/// sealed in a way that it is not. Every object is sealed anyway, which is what `AES256` asks for.
fn unhonoured(method: &Method, headers: &HeaderMap) -> Option<S3Error> {
    for (name, value) in headers {
        let name = name.as_str();
        let asks_for_encryption = name.starts_with("x-amz-server-side-encryption")
            || name.starts_with("x-amz-copy-source-server-side-encryption");
        if !asks_for_encryption {
            continue;
        }
        let is_plain = name == "x-amz-server-side-encryption" && value.as_bytes() == b"AES256";
        if is_plain && matches!(*method, Method::PUT | Method::POST) {
            continue;
        }
        if is_plain {
            return Some(s3_error!(
                InvalidArgument,
                "`{name}` is asked for when something is stored, not when it is read"
            ));
        }
        return Some(S3Error::with_message(
            S3ErrorCode::NotImplemented,
            format!(
                "`{name}` is not honoured: every object is sealed with keys of its study; leave the header out or ask for \
                 `AES256`"
            ),
        ));
    }
    for name in ["x-amz-website-redirect-location", "x-amz-grant-read", "x-amz-grant-write", "x-amz-grant-full-control"]
    {
        if name.starts_with("x-amz-grant") && headers.contains_key(name) {
            return Some(s3_error!(
                AccessControlListNotSupported,
                "access is granted per study by Lazaret's policy, not by lists on objects"
            ));
        }
    }
    let acl = headers.get("x-amz-acl").map(HeaderValue::as_bytes);
    acl.filter(|acl| !matches!(*acl, b"private" | b"bucket-owner-full-control")).map(|_| {
        s3_error!(
            AccessControlListNotSupported,
            "access is granted per study by Lazaret's policy, not by lists on objects"
        )
    })
}

/// Secrets of access keys, and who comes with them.
pub(crate) struct Door(pub(crate) Arc<Guard>);

#[async_trait::async_trait]
impl S3Auth for Door {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.0.gate.secret(access_key).await.map_err(fault::of_gate)? {
            Some(secret) => Ok(SecretKey::from(secret.expose_secret())),
            None => Err(s3_error!(InvalidAccessKeyId, "there is no such access key, or it is no longer good")),
        }
    }
}

#[async_trait::async_trait]
impl S3Access for Door {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let arrival = context.extensions_mut().get::<Arrival>().cloned();
        let origin = origin(arrival);
        let token = token(context.headers(), context.uri());
        let access_key = context.credentials().map(|credentials| credentials.access_key.clone());
        let asker = self.0.recognise(access_key.as_deref(), token.as_deref(), origin).await?;
        let bucket = context.s3_path().get_bucket_name().map(str::to_owned);
        if let Some(bucket) = &bucket {
            let expected = context.headers().get("x-amz-expected-bucket-owner").cloned();
            self.0.check_owner(bucket, expected.as_ref().map(HeaderValue::as_bytes)).await?;
            self.0.admit(&asker, bucket).await?;
        }
        context.extensions_mut().insert(asker);
        Ok(())
    }
}

/// Where an event says that a request came from.
pub(crate) fn origin(arrival: Option<Arrival>) -> Origin {
    let (ip, request) = arrival.map_or((None, None), |arrival| (arrival.ip, Some(arrival.request)));
    Origin { ip, request, through: Cow::Borrowed("s3") }
}

impl Guard {
    /// Who it is that comes with an access key whose signature was checked. Whoever is not let in is recorded.
    pub(crate) async fn recognise(
        &self,
        access_key: Option<&str>,
        token: Option<&str>,
        origin: Origin,
    ) -> S3Result<Asker> {
        let Some(access_key) = access_key else {
            return self.turn_away(origin, "identity:anonymous", "a signature is required").await;
        };
        let caller = self.gate.caller(access_key, token).await.map_err(fault::of_gate)?;
        let Some(caller) = caller else {
            let told = "the access key is no longer good, or its session token is missing or wrong";
            return self.turn_away(origin, "identity:unknown", told).await;
        };
        Ok(Asker { caller, origin, now_ms: self.now() })
    }

    async fn turn_away(&self, origin: Origin, code: &'static str, told: &'static str) -> S3Result<Asker> {
        let mut event = Event::new(Activity::Request, self.now(), "s3");
        event.origin = origin;
        event.outcome = Outcome::Failure { code: Cow::Borrowed(code) };
        self.record(event).await?;
        Err(S3Error::with_message(S3ErrorCode::AccessDenied, told))
    }

    /// Whether a bucket belongs to whom the client believes (Amazon S3 User Guide, "Verifying bucket ownership with bucket
    /// owner condition").
    pub(crate) async fn check_owner(&self, bucket: &str, expected: Option<&[u8]>) -> S3Result<()> {
        let Some(expected) = expected else { return Ok(()) };
        let is_so = match self.study(bucket).await {
            Ok((_, row)) => PrincipalId::from_bytes(row.created_by).to_string().as_bytes() == expected,
            Err(_told_later) => true,
        };
        if is_so {
            Ok(())
        } else {
            Err(s3_error!(AccessDenied, "the bucket belongs to somebody else than was expected"))
        }
    }
}

fn token(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    if let Some(token) = headers.get("x-amz-security-token") {
        return token.to_str().ok().map(str::to_owned);
    }
    let query = uri.query()?;
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "X-Amz-Security-Token")
        .map(|(_, token)| token.into_owned())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;
    use hyper::{HeaderMap, Method, Uri};

    use super::refusal;

    fn refused(method: &Method, uri: &str, headers: &[(&'static str, &str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        refusal(method, &uri.parse::<Uri>().unwrap(), &map).map(|error| error.code().as_str().to_owned())
    }

    #[test]
    fn what_would_be_ignored_elsewhere_is_refused() {
        let put = Method::PUT;
        assert_eq!(refused(&put, "/b/k", &[("authorization", "AWS KEY:SIG")]).as_deref(), Some("InvalidRequest"));
        assert_eq!(
            refused(&put, "/b/k?AWSAccessKeyId=K&Signature=S&Expires=1", &[]).as_deref(),
            Some("InvalidRequest")
        );
        for header in [
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
            ("x-amz-server-side-encryption-aws-kms-key-id", "k"),
            ("x-amz-copy-source-server-side-encryption-customer-key", "k"),
        ] {
            assert_eq!(refused(&put, "/b/k", &[header]).as_deref(), Some("NotImplemented"), "{header:?}");
        }
        assert_eq!(refused(&put, "/b/k", &[("x-amz-server-side-encryption", "AES256")]), None);
        assert!(refused(&put, "/b/k", &[("x-amz-acl", "public-read")]).is_some());
        assert_eq!(refused(&put, "/b/k", &[("x-amz-acl", "private")]), None);
        assert!(refused(&put, "/b/k", &[("x-amz-storage-class", "GLACIER")]).is_some());
        assert_eq!(refused(&put, "/b/k", &[("x-amz-storage-class", "STANDARD")]), None);
        assert_eq!(refused(&put, "/b/k", &[("content-md5", "")]).as_deref(), Some("InvalidDigest"));
        assert!(refused(&put, "/b/k", &[("x-amz-meta-a", &"x".repeat(17_000))]).is_some());
        assert_eq!(refused(&Method::GET, "/b/k?X-Amz-Signature=S", &[]), None);
        let reads = refused(&Method::HEAD, "/b/k", &[("x-amz-server-side-encryption", "AES256")]);
        assert_eq!(reads.as_deref(), Some("InvalidArgument"));
    }

    #[test]
    fn addresses_are_presigned_for_a_second_to_a_week() {
        for (seconds, told) in [("1", None), ("604800", None), ("0", Some(())), ("-7", Some(())), ("604801", Some(()))]
        {
            let uri = format!("/b/k?X-Amz-Expires={seconds}&X-Amz-Signature=S");
            let code = refused(&Method::GET, &uri, &[]);
            assert_eq!(code.as_deref(), told.map(|()| "AccessDenied"), "{seconds}");
        }
    }

    #[test]
    fn a_listing_that_folds_is_in_order() {
        let asked = refused(&Method::GET, "/b?allow-unordered=true&delimiter=%2F", &[]);
        assert_eq!(asked.as_deref(), Some("InvalidArgument"));
        assert_eq!(refused(&Method::GET, "/b?allow-unordered=true&delimiter=", &[]), None);
    }
}
