//! Temporary credentials for pipelines: AssumeRoleWithWebIdentity of the AWS Security Token Service, in its query protocol,
//! on the address of S3. Without a signature: the token of the identity provider is the proof.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use model::event::Origin;
use s3s::Body;
use secrecy::{ExposeSecret as _, SecretString};

use crate::Guard;
use crate::ports::{AssumeError, Assumed, Vouched};

/// The largest form: a token of 16 KiB, percent-encoded, and the rest.
const FORM_BYTES_MAX: usize = 64 * 1024;
/// How long a form may take to arrive.
const ARRIVAL_MAX: Duration = Duration::from_secs(15);
/// Requests of one address in a minute. Credentials last for 15 minutes and more, so that a host needs few.
const PER_MINUTE_MAX: u32 = 120;
const MINUTE_MS: i64 = 60_000;
/// Addresses that are counted at a time; beyond, everybody waits for the minute to end.
const ADDRESSES_MAX: usize = 50_000;
/// The only version of the protocol (AWS STS API reference, "Common parameters").
const VERSION: &str = "2011-06-15";
const ACTION: &str = "AssumeRoleWithWebIdentity";

/// How often each address asked in the present minute.
#[derive(Default)]
pub(crate) struct Pace(Mutex<(i64, HashMap<Option<IpAddr>, u32>)>);

impl Pace {
    fn admits(&self, from: Option<IpAddr>, now_ms: i64) -> bool {
        let minute = now_ms.div_euclid(MINUTE_MS);
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inside.0 != minute {
            *inside = (minute, HashMap::new());
        }
        if inside.1.len() >= ADDRESSES_MAX && !inside.1.contains_key(&from) {
            return false;
        }
        let count = inside.1.entry(from).or_default();
        *count += 1;
        *count <= PER_MINUTE_MAX
    }
}

/// Whether a request is for this service: a form sent to the root, or an action in the root's query. S3 has neither.
pub(crate) fn is_meant<B>(request: &Request<B>) -> bool {
    let query = request.uri().query().unwrap_or_default();
    let is_form = || {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        kind.trim_start().to_ascii_lowercase().starts_with("application/x-www-form-urlencoded")
    };
    request.uri().path() == "/"
        && match *request.method() {
            Method::POST => is_form(),
            Method::GET => url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "Action"),
            _ => false,
        }
}

/// Answers a request that [`is_meant`].
pub(crate) async fn answer(
    guard: &Guard,
    request: Request<Incoming>,
    from: Option<IpAddr>,
    id: &str,
) -> Response<Body> {
    let answered = match form(request).await {
        Ok(form) => asked(guard, &form, from, id).await,
        Err(fault) => Err(fault),
    };
    let (status, text) = match answered {
        Ok(text) => (StatusCode::OK, text),
        Err(fault) => (fault.status, fault.xml(id)),
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn form(request: Request<Incoming>) -> Result<String, Fault> {
    if request.method() == Method::GET {
        return Ok(request.uri().query().unwrap_or_default().to_owned());
    }
    let too_long = || Fault::invalid("the form is larger than this service takes, or did not arrive as a whole");
    let body = tokio::time::timeout(ARRIVAL_MAX, Limited::new(request.into_body(), FORM_BYTES_MAX).collect());
    let Ok(Ok(body)) = body.await else { return Err(too_long()) };
    String::from_utf8(body.to_bytes().into()).ok().ok_or_else(|| Fault::invalid("the form is no text in UTF-8"))
}

async fn asked(guard: &Guard, form: &str, from: Option<IpAddr>, id: &str) -> Result<String, Fault> {
    let now_ms = guard.now();
    if !guard.pace.admits(from, now_ms) {
        let told = "too many requests from this address; use the credentials until they end, or wait a minute";
        return Err(Fault::of(StatusCode::BAD_REQUEST, "Throttling", told));
    }
    let asked = Asked::read(form)?;
    let origin = Origin { ip: from, request: Some(id.to_owned()), through: "sts".into() };
    let vouched =
        Vouched { token: &asked.token, session: &asked.session, duration_s: asked.duration_s, origin, now_ms };
    let assumed = guard.gate.assume(vouched).await?;
    Ok(asked.xml(&assumed, id))
}

/// What was asked for.
#[derive(Debug)]
pub struct Asked {
    role: String,
    session: String,
    token: String,
    duration_s: Option<i64>,
}

impl Asked {
    /// Reads the form of a request.
    ///
    /// # Errors
    /// When it asks for something else, or for this wrongly.
    pub fn read(form: &str) -> Result<Self, Fault> {
        let mut named: HashMap<String, String> = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(form.as_bytes()).take(32) {
            if named.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                return Err(Fault::invalid(&format!("`{}` is given twice", shown(&name))));
            }
        }
        let mut take = |name: &str| named.remove(name).filter(|value| !value.is_empty());
        match take("Action").as_deref() {
            Some(ACTION) => {}
            Some(other) => {
                let told = format!("`{}` is not offered here; {ACTION} is", shown(other));
                return Err(Fault::of(StatusCode::BAD_REQUEST, "InvalidAction", &told));
            }
            None => return Err(Fault::of(StatusCode::BAD_REQUEST, "MissingAction", "no action is given")),
        }
        if take("Version").is_some_and(|version| version != VERSION) {
            return Err(Fault::invalid(&format!("the version of the protocol is {VERSION}")));
        }
        if take("Policy").is_some() || named.keys().any(|name| name.starts_with("PolicyArns.")) {
            // Ignored, it would leave more than was asked for.
            return Err(Fault::invalid("policies of a session are not honoured; narrow the grants instead"));
        }
        let mut take = |name: &str| named.remove(name).filter(|value| !value.is_empty());
        let missing = |name: &str| Fault::invalid(&format!("`{name}` is not given"));
        let role = take("RoleArn").ok_or_else(|| missing("RoleArn"))?;
        if !is_role(&role) {
            return Err(Fault::invalid("`RoleArn` is none; write it as `arn:aws:iam::000000000000:role/NAME`"));
        }
        let session = take("RoleSessionName").ok_or_else(|| missing("RoleSessionName"))?;
        let is_named = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        if !(2..=64).contains(&session.len()) || !session.chars().all(is_named) {
            return Err(Fault::invalid("`RoleSessionName` has 2 to 64 letters, digits, and `_+=,.@-`"));
        }
        let token = take("WebIdentityToken").ok_or_else(|| missing("WebIdentityToken"))?;
        let duration_s = take("DurationSeconds").map(|text| text.parse::<i64>()).transpose();
        let duration_s = duration_s.map_err(|_no_number| Fault::invalid("`DurationSeconds` is no number"))?;
        Ok(Self { role, session, token, duration_s })
    }

    fn xml(&self, assumed: &Assumed, id: &str) -> String {
        // The last word of the role, as AWS writes the session's own name.
        let role = self.role.rsplit('/').next().unwrap_or_default();
        let ends = jiff::Timestamp::from_millisecond(assumed.expires_at)
            .map(|end| end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
            .unwrap_or_default();
        let Assumed { access_key, secret, token, issuer, subject, principal, .. } = assumed;
        let opened = |secret: &SecretString| escaped(secret.expose_secret());
        format!(
            "<AssumeRoleWithWebIdentityResponse xmlns=\"{NAMESPACE}\"><AssumeRoleWithWebIdentityResult>\
             <SubjectFromWebIdentityToken>{}</SubjectFromWebIdentityToken><Provider>{}</Provider>\
             <AssumedRoleUser><Arn>arn:aws:sts::000000000000:assumed-role/{}/{}</Arn>\
             <AssumedRoleId>{principal}:{}</AssumedRoleId></AssumedRoleUser>\
             <Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>\
             <SessionToken>{}</SessionToken><Expiration>{ends}</Expiration></Credentials>\
             </AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>\
             </AssumeRoleWithWebIdentityResponse>",
            escaped(subject),
            escaped(issuer),
            escaped(role),
            escaped(&self.session),
            escaped(&self.session),
            escaped(access_key),
            opened(secret),
            opened(token),
        )
    }
}

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// `arn:PARTITION:iam::ACCOUNT:role/NAME`, 20 to 2,048 characters (AWS STS API reference, `RoleArn`).
fn is_role(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let (arn, partition, service, region, account, role) = (next(), next(), next(), next(), next(), next());
    let is_printable = text.chars().all(|c| c.is_ascii_graphic() && !"<>&\"'".contains(c));
    (20..=2048).contains(&text.len())
        && is_printable
        && arn == "arn"
        && !partition.is_empty()
        && service == "iam"
        && region.is_empty()
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && role.strip_prefix("role/").is_some_and(|name| !name.is_empty() && !name.ends_with('/'))
}

/// Why no credentials are given, as the service tells it (AWS STS API reference, "Errors" and "Common errors").
#[derive(Debug)]
pub struct Fault {
    status: StatusCode,
    code: &'static str,
    told: String,
}

impl Fault {
    fn of(status: StatusCode, code: &'static str, told: &str) -> Self {
        Self { status, code, told: told.to_owned() }
    }

    fn invalid(told: &str) -> Self {
        Self::of(StatusCode::BAD_REQUEST, "ValidationError", told)
    }

    fn xml(&self, id: &str) -> String {
        let whose = if self.status.is_server_error() { "Receiver" } else { "Sender" };
        format!(
            "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{whose}</Type><Code>{}</Code><Message>{}</Message></Error>\
             <RequestId>{id}</RequestId></ErrorResponse>",
            self.code,
            escaped(&self.told)
        )
    }
}

impl From<AssumeError> for Fault {
    fn from(error: AssumeError) -> Self {
        let told = error.to_string();
        let (status, code) = match &error {
            AssumeError::Token(_) => (StatusCode::BAD_REQUEST, "InvalidIdentityToken"),
            AssumeError::Expired(_) => (StatusCode::BAD_REQUEST, "ExpiredTokenException"),
            AssumeError::Provider(_) => (StatusCode::BAD_REQUEST, "IDPCommunicationError"),
            AssumeError::Refused(_) => (StatusCode::FORBIDDEN, "AccessDenied"),
            AssumeError::Wrong(_) => (StatusCode::BAD_REQUEST, "ValidationError"),
            AssumeError::Failed(cause) => {
                tracing::error!(%cause, "no temporary credentials could be given");
                (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable")
            }
        };
        Self { status, code, told }
    }
}

/// A stranger's word, cut for a message.
fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Text inside XML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use hyper::{Method, Request};

    use super::{Asked, PER_MINUTE_MAX, Pace, escaped, is_meant};

    const GOOD: &str = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=run-1&\
                        RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2Fpipeline&WebIdentityToken=a.b.c";

    fn code(form: &str) -> &'static str {
        Asked::read(form).unwrap_err().code
    }

    #[test]
    fn a_form_is_read_and_a_wrong_one_told_apart() {
        let asked = Asked::read(&format!("{GOOD}&DurationSeconds=900")).unwrap();
        assert_eq!((asked.session.as_str(), asked.token.as_str(), asked.duration_s), ("run-1", "a.b.c", Some(900)));
        assert_eq!(code(""), "MissingAction");
        assert_eq!(code("Action=GetCallerIdentity"), "InvalidAction");
        for wrong in [
            format!("{GOOD}&DurationSeconds=ten"),
            format!("{GOOD}&Policy=%7B%7D"),
            format!("{GOOD}&PolicyArns.member.1.arn=arn"),
            format!("{GOOD}&WebIdentityToken=other"),
            GOOD.replace("2011-06-15", "2010-05-08"),
            GOOD.replace("run-1", "r"),
            GOOD.replace("run-1", "a%20b"),
            GOOD.replace("role%2Fpipeline", "user%2Fpipeline"),
            GOOD.replace("WebIdentityToken", "Token"),
        ] {
            assert_eq!(code(&wrong), "ValidationError", "{wrong}");
        }
    }

    #[test]
    fn only_what_s3_has_no_use_for_is_taken() {
        let request = |method: Method, uri: &str, kind: &str| {
            let request = Request::builder().method(method).uri(uri).header("content-type", kind);
            is_meant(&request.body(()).unwrap())
        };
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        assert!(request(Method::POST, "/", form));
        assert!(request(Method::GET, "/?Action=AssumeRoleWithWebIdentity", ""));
        assert!(!request(Method::GET, "/", ""));
        assert!(!request(Method::GET, "/?x-id=ListBuckets", ""));
        assert!(!request(Method::POST, "/", "multipart/form-data"));
        assert!(!request(Method::POST, "/onc-1", form));
        assert!(!request(Method::PUT, "/", form));
    }

    #[test]
    fn one_address_asks_so_often_and_no_more() {
        let (pace, here) = (Pace::default(), Some([192, 0, 2, 1].into()));
        for _ in 0..PER_MINUTE_MAX {
            assert!(pace.admits(here, 10));
        }
        assert!(!pace.admits(here, 11));
        assert!(pace.admits(Some([192, 0, 2, 2].into()), 11), "others are not held up");
        assert!(pace.admits(here, 60_000));
    }

    #[test]
    fn what_strangers_wrote_stays_text() {
        assert_eq!(escaped("<a>&\u{1}"), "&lt;a&gt;&amp;\u{FFFD}");
    }
}
