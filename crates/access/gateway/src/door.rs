//! The door: what is refused before anything is read, and who it is that comes in.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use hyper::{Method, Uri};
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
    unhonoured(method, headers)
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
        let (ip, request) = arrival.map_or((None, None), |arrival| (arrival.ip, Some(arrival.request)));
        let origin = Origin { ip, request, through: Cow::Borrowed("s3") };
        let Some(credentials) = context.credentials() else {
            return self.turn_away(origin, "identity:anonymous", "a signature is required").await;
        };
        let token = token(context.headers(), context.uri());
        let access_key = credentials.access_key.clone();
        let caller = self.0.gate.caller(&access_key, token.as_deref()).await.map_err(fault::of_gate)?;
        let Some(caller) = caller else {
            let told = "the access key is no longer good, or its session token is missing or wrong";
            return self.turn_away(origin, "identity:unknown", told).await;
        };
        let now_ms = self.0.now();
        context.extensions_mut().insert(Asker { caller, origin, now_ms });
        Ok(())
    }
}

impl Door {
    async fn turn_away(&self, origin: Origin, code: &'static str, told: &'static str) -> S3Result<()> {
        let mut event = Event::new(Activity::Request, self.0.now(), "s3");
        event.origin = origin;
        event.outcome = Outcome::Failure { code: Cow::Borrowed(code) };
        self.0.record(event).await?;
        Err(S3Error::with_message(S3ErrorCode::AccessDenied, told))
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
        assert!(refused(&put, "/b/k", &[("x-amz-meta-a", &"x".repeat(17_000))]).is_some());
        assert_eq!(refused(&Method::GET, "/b/k?X-Amz-Signature=S", &[]), None);
    }
}
