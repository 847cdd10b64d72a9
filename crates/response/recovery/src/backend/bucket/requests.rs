//! Requests to S3 that `object_store` does not make: what a bucket keeps of old versions, how long it locks them, files stored
//! with a lock of their own, and why it refuses something.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsAuthorizer, AwsCredentialProvider};
use object_store::client::{HttpClient, HttpConnector as _, HttpRequest, HttpRequestBody, ReqwestConnector};
use object_store::{ClientConfigKey, ClientOptions};

use super::answers::{self, LockAnswer, Version};
use super::fault::BucketFault;

/// How often something is asked that may pass by itself, and how long it waits before the second time.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(250);
/// Seconds by which clocks may differ before S3 refuses a request.
const SKEW_SECONDS: i64 = 15 * 60;
/// Where no region is set.
const REGION: &str = "us-east-1";
/// Settings of the client that both ways of asking share.
const CLIENT_KEYS: [ClientConfigKey; 7] = [
    ClientConfigKey::AllowHttp,
    ClientConfigKey::AllowInvalidCertificates,
    ClientConfigKey::ConnectTimeout,
    ClientConfigKey::ProxyUrl,
    ClientConfigKey::ProxyCaCertificate,
    ClientConfigKey::ProxyExcludes,
    ClientConfigKey::Timeout,
];

/// How an object is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) is_governance: bool,
    /// Until when, in milliseconds since 1970, UTC.
    pub(crate) until_ms: i64,
}

impl Held {
    const fn mode(self) -> &'static str {
        if self.is_governance { "GOVERNANCE" } else { "COMPLIANCE" }
    }

    fn until(self) -> String {
        // S3 takes whole seconds.
        Timestamp::from_second(self.until_ms.div_euclid(1_000)).unwrap_or(Timestamp::MAX).to_string()
    }
}

/// A bucket of S3.
#[derive(Debug)]
pub(crate) struct S3 {
    /// Its address, without a slash at its end.
    address: String,
    region: String,
    credentials: AwsCredentialProvider,
    client: HttpClient,
}

/// What is asked.
struct Ask<'a> {
    method: &'static str,
    key: &'a str,
    query: &'a [(&'a str, &'a str)],
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    /// In words, and the right that it takes.
    doing: &'static str,
    right: &'static str,
}

impl<'a> Ask<'a> {
    fn new(method: &'static str, key: &'a str, query: &'a [(&'a str, &'a str)]) -> Self {
        Self { method, key, query, headers: Vec::new(), body: Bytes::new(), doing: "do it", right: "s3:*" }
    }

    const fn told(mut self, doing: &'static str, right: &'static str) -> Self {
        (self.doing, self.right) = (doing, right);
        self
    }

    /// With a body, which the bucket checks as it comes in.
    fn with(mut self, body: Bytes) -> Self {
        let sum = STANDARD.encode(digest(&SHA256, &body));
        self.headers.push(("x-amz-checksum-sha256", sum));
        self.headers.push(("x-amz-sdk-checksum-algorithm", "SHA256".to_owned()));
        self.body = body;
        self
    }
}

struct Answer {
    body: Bytes,
    held: Option<Held>,
}

impl S3 {
    /// The bucket that `store` was built for from `builder`.
    pub(super) fn new(builder: &AmazonS3Builder, store: &AmazonS3, bucket: &str) -> Result<Self, String> {
        let told = |key: AmazonS3ConfigKey| builder.get_config_value(&key).filter(|value| !value.is_empty());
        let region = told(AmazonS3ConfigKey::Region).unwrap_or_else(|| REGION.to_owned());
        let is_hosted = told(AmazonS3ConfigKey::VirtualHostedStyleRequest).is_some_and(|value| value == "true");
        let endpoint = told(AmazonS3ConfigKey::S3Endpoint).or_else(|| told(AmazonS3ConfigKey::Endpoint));
        let address = match (&endpoint, is_hosted) {
            (Some(endpoint), true) => endpoint.trim_end_matches('/').to_owned(),
            (Some(endpoint), false) => format!("{}/{bucket}", endpoint.trim_end_matches('/')),
            (None, true) => format!("https://{bucket}.s3.{region}.amazonaws.com"),
            (None, false) => format!("https://s3.{region}.amazonaws.com/{bucket}"),
        };
        url::Url::parse(&address).map_err(|error| format!("`{address}` is no address: {error}"))?;
        let is_plain = address.starts_with("http://");
        let allow = told(AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp)).is_some_and(|value| value == "true");
        if is_plain && !allow {
            return Err("its endpoint is not encrypted (`http://`); give an `https://` one, or set `AWS_ALLOW_HTTP=true` where nobody can listen".to_owned());
        }
        let mut options = ClientOptions::new();
        for key in CLIENT_KEYS {
            if let Some(value) = told(AmazonS3ConfigKey::Client(key)) {
                options = options.with_config(key, value);
            }
        }
        let client = ReqwestConnector::default().connect(&options).map_err(|error| error.to_string())?;
        Ok(Self { address, region, credentials: std::sync::Arc::clone(store.credentials()), client })
    }

    /// Whether it answers, the key is right and it may be listed.
    pub(crate) async fn reach(&self, prefix: &str) -> Result<(), BucketFault> {
        let query = [("list-type", "2"), ("max-keys", "1"), ("prefix", prefix)];
        self.ask(Ask::new("GET", "", &query).told("list it", "s3:ListBucket")).await.map(drop)
    }

    /// What its object lock is.
    pub(super) async fn lock(&self) -> Result<LockAnswer, BucketFault> {
        let query = [("object-lock", "")];
        let ask = Ask::new("GET", "", &query);
        match self.ask(ask.told("see its object lock", "s3:GetBucketObjectLockConfiguration")).await {
            Ok(answer) => answers::lock(&answer.body).map_err(BucketFault::Other),
            Err(BucketFault::Other(why)) if is_without_lock(&why) => Ok(LockAnswer::default()),
            Err(fault) => Err(fault),
        }
    }

    /// Whether it keeps old versions.
    pub(crate) async fn versioning(&self) -> Result<bool, BucketFault> {
        let query = [("versioning", "")];
        match self.ask(Ask::new("GET", "", &query).told("see its versioning", "s3:GetBucketVersioning")).await {
            Ok(answer) => answers::versioning(&answer.body).map_err(BucketFault::Other),
            Err(BucketFault::Other(why)) if is_without_lock(&why) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Every version below `prefix`.
    pub(crate) async fn versions(&self, prefix: &str) -> Result<Vec<Version>, BucketFault> {
        let (mut all, mut next) = (Vec::new(), None::<(String, String)>);
        loop {
            let mut query = vec![("versions", ""), ("prefix", prefix)];
            if let Some((key, id)) = &next {
                query.extend([("key-marker", key.as_str()), ("version-id-marker", id.as_str())]);
            }
            query.retain(|(name, value)| *name == "versions" || !value.is_empty());
            let ask = Ask::new("GET", "", &query).told("list its old versions", "s3:ListBucketVersions");
            let page = answers::versions(&self.ask(ask).await?.body).map_err(BucketFault::Other)?;
            let is_stuck = page.next == next;
            all.extend(page.all);
            match page.next {
                None => return Ok(all),
                Some(_) if is_stuck => return Err(BucketFault::Other("its list of versions has no end".to_owned())),
                page => next = page,
            }
        }
    }

    /// Reads a version.
    pub(crate) async fn read(&self, key: &str, version: &str) -> Result<Bytes, BucketFault> {
        let query = [("versionId", version)];
        let ask = Ask::new("GET", key, &query).told("read old versions", "s3:GetObjectVersion");
        self.ask(ask).await.map(|answer| answer.body)
    }

    /// Stores an object, under a lock if one is given.
    pub(crate) async fn put(&self, key: &str, body: Bytes, held: Option<Held>) -> Result<(), BucketFault> {
        let mut ask =
            Ask::new("PUT", key, &[]).told("store files under a lock", "s3:PutObject and s3:PutObjectRetention");
        ask.headers.push(("content-type", "application/octet-stream".to_owned()));
        if let Some(held) = held {
            ask.headers.push(("x-amz-object-lock-mode", held.mode().to_owned()));
            ask.headers.push(("x-amz-object-lock-retain-until-date", held.until()));
        }
        self.ask(ask.with(body)).await.map(drop)
    }

    /// How a version is locked; none: it is not.
    pub(crate) async fn held(&self, key: &str, version: &str) -> Result<Option<Held>, BucketFault> {
        let query = [("versionId", version)];
        let ask = Ask::new("HEAD", key, &query)
            .told("see how files are locked", "s3:GetObjectVersion and s3:GetObjectRetention");
        self.ask(ask).await.map(|answer| answer.held)
    }

    /// Locks a version for longer.
    pub(crate) async fn hold(&self, key: &str, version: &str, held: Held) -> Result<(), BucketFault> {
        let query = [("retention", ""), ("versionId", version)];
        let body = format!(
            "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>{}</Mode><RetainUntilDate>{}</RetainUntilDate></Retention>",
            held.mode(),
            held.until()
        );
        let ask = Ask::new("PUT", key, &query).told("lock files for longer", "s3:PutObjectRetention");
        self.ask(ask.with(body.into())).await.map(drop)
    }

    /// Takes a version away for good. What is gone already is no fault.
    pub(crate) async fn remove(&self, key: &str, version: &str) -> Result<(), BucketFault> {
        let query = [("versionId", version)];
        let ask = Ask::new("DELETE", key, &query).told("take old versions away", "s3:DeleteObjectVersion");
        self.ask(ask).await.map(drop)
    }

    async fn ask(&self, ask: Ask<'_>) -> Result<Answer, BucketFault> {
        let (mut tried, mut pause) = (1, PAUSE);
        loop {
            match Box::pin(self.once(&ask)).await {
                Err(fault) if fault.may_pass() && tried < TRIES => {
                    tokio::time::sleep(pause).await;
                    (tried, pause) = (tried + 1, pause * 2);
                }
                answer => return answer,
            }
        }
    }

    async fn once(&self, ask: &Ask<'_>) -> Result<Answer, BucketFault> {
        let given = self.credentials.get_credential().await;
        let credential = given.map_err(|error| BucketFault::Key(words(&error)))?;
        let is_odd = |text: &str| text.bytes().any(|byte| !byte.is_ascii_graphic());
        if is_odd(&credential.key_id) || credential.token.as_deref().is_some_and(is_odd) {
            return Err(BucketFault::Key(
                "it holds a space, a line end or another character that no key has".to_owned(),
            ));
        }
        let mut request = HttpRequest::new(HttpRequestBody::from(ask.body.clone()));
        *request.method_mut() = ask.method.parse().map_err(wrong)?;
        *request.uri_mut() = self.address(ask).parse().map_err(wrong)?;
        for (name, value) in &ask.headers {
            request.headers_mut().insert(*name, value.parse().map_err(wrong)?);
        }
        AwsAuthorizer::new(&credential, "s3", &self.region).authorize(&mut request, None);
        let unreachable = |error: object_store::client::HttpError| BucketFault::Unreachable(words(&error));
        let (head, body) = self.client.execute(request).await.map_err(unreachable)?.into_parts();
        let told = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let body = body.bytes().await.map_err(unreachable)?;
        if head.status.is_success() {
            let until = told("x-amz-object-lock-retain-until-date").and_then(|text| text.parse::<Timestamp>().ok());
            let is_governance = told("x-amz-object-lock-mode") == Some("GOVERNANCE");
            let held = until.map(|until| Held { is_governance, until_ms: until.as_millisecond() });
            return Ok(Answer { body, held });
        }
        let region = told("x-amz-bucket-region").map(str::to_owned);
        Err(refusal(ask, head.status.as_u16(), told("date"), region, &body))
    }

    fn address(&self, ask: &Ask<'_>) -> String {
        let mut address = self.address.clone();
        if !ask.key.is_empty() {
            address += "/";
            address += &encoded(ask.key, true);
        }
        for (at, (name, value)) in ask.query.iter().enumerate() {
            address += if at == 0 { "?" } else { "&" };
            address += name;
            address += "=";
            address += &encoded(value, false);
        }
        address
    }
}

/// As S3 signs it: everything but unreserved characters, and slashes in paths, by its bytes.
fn encoded(text: &str, is_path: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b'/' if is_path => out.push('/'),
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

fn is_without_lock(why: &str) -> bool {
    ["ObjectLockConfigurationNotFoundError", "NotImplemented", "NoSuchObjectLockConfiguration"]
        .iter()
        .any(|code| why.starts_with(code))
}

/// Why a bucket refused something, from the code that it gives.
fn refusal(ask: &Ask<'_>, status: u16, date: Option<&str>, region: Option<String>, body: &[u8]) -> BucketFault {
    let (code, message) = answers::error(body);
    let theirs = date.and_then(|date| DateTimeParser::new().parse_zoned(date).ok()).map(|date| date.timestamp());
    let ours = Timestamp::now();
    let is_skewed = theirs.is_some_and(|theirs| (ours.as_second() - theirs.as_second()).abs() > SKEW_SECONDS);
    if code == "RequestTimeTooSkewed" || (is_skewed && (status == 400 || status == 403)) {
        let theirs = theirs.map_or_else(|| "another time".to_owned(), |theirs| format!("{theirs:.0}"));
        return BucketFault::Clock { ours: format!("{ours:.0}"), theirs };
    }
    let named = if code.is_empty() { format!("HTTP {status}") } else { code.clone() };
    match (code.as_str(), status) {
        ("NoSuchBucket", _) => BucketFault::Missing,
        ("", 404) if ask.key.is_empty() => BucketFault::Missing,
        ("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken" | "AuthFailure", _)
        | ("" | "Unauthorized", 401) => BucketFault::Key(named),
        ("PermanentRedirect" | "AuthorizationHeaderMalformed" | "TemporaryRedirect", _) | ("", 301 | 307) => {
            BucketFault::Region(region.unwrap_or(named))
        }
        ("AccessDenied" | "AllAccessDisabled" | "AccountProblem", _) | (_, 403) => {
            BucketFault::Denied { doing: ask.doing, code: named, right: ask.right }
        }
        ("SlowDown" | "ServiceUnavailable" | "InternalError" | "RequestTimeout", _) | (_, 429 | 500 | 502..=504) => {
            BucketFault::Unreachable(format!("it answers {named}"))
        }
        _ if message.is_empty() => BucketFault::Other(named),
        _ => BucketFault::Other(format!("{named}: {message}")),
    }
}

/// A request that cannot be written down.
fn wrong<E: std::fmt::Display>(error: E) -> BucketFault {
    BucketFault::Other(error.to_string())
}

/// An error with what it came from.
fn words(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_told = inner.to_string();
        if !told.contains(&inner_told) {
            told += ": ";
            told += &inner_told;
        }
        source = inner.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::{Ask, BucketFault, encoded, refusal};

    fn of(status: u16, date: Option<&str>, code: &str) -> BucketFault {
        let ask = Ask::new("GET", "", &[]).told("list it", "s3:ListBucket");
        refusal(&ask, status, date, None, format!("<Error><Code>{code}</Code></Error>").as_bytes())
    }

    #[test]
    fn refusals_are_told_apart() {
        assert_eq!(of(404, None, "NoSuchBucket"), BucketFault::Missing);
        assert!(matches!(of(403, None, "InvalidAccessKeyId"), BucketFault::Key(_)));
        assert!(matches!(of(403, None, "SignatureDoesNotMatch"), BucketFault::Key(_)));
        assert!(matches!(of(403, None, "AccessDenied"), BucketFault::Denied { right: "s3:ListBucket", .. }));
        assert!(matches!(of(301, None, "PermanentRedirect"), BucketFault::Region(_)));
        assert!(matches!(of(503, None, "SlowDown"), BucketFault::Unreachable(_)));
        assert!(of(503, None, "SlowDown").may_pass() && !of(403, None, "AccessDenied").may_pass());
        let skewed = of(403, Some("Tue, 01 Jan 2019 00:00:00 GMT"), "SignatureDoesNotMatch");
        assert!(matches!(&skewed, BucketFault::Clock { theirs, .. } if theirs == "2019-01-01T00:00:00Z"), "{skewed}");
        assert!(matches!(of(403, None, "RequestTimeTooSkewed"), BucketFault::Clock { .. }));
    }

    #[test]
    fn names_are_written_as_they_are_signed() {
        assert_eq!(encoded("a b/ü(1)", true), "a%20b/%C3%BC%281%29");
        assert_eq!(encoded("a/b=", false), "a%2Fb%3D");
    }
}
