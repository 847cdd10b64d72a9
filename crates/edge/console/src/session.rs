//! Who is asking: cookies, sessions, and the layer that turns one into the other.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use store::sessions::NewSession;
use store::{StoreError, sessions, users};

use crate::access::Role;
use crate::failure::Failure;
use crate::frame::{Frame, Section, Theme};
use crate::server::Peer;
use crate::{Console, Shared, intake_api, scim};

/// A session ends this long after login: NIST SP 800-63B-4 section 2.2.3 allows a day.
const LIFE_MS: i64 = 12 * 60 * 60_000;
/// A session ends after this long without a request unless the settings say otherwise (the same section; 45 CFR
/// 164.312(a)(2)(iii), automatic logoff).
pub(crate) const IDLE_MS: i64 = 60 * 60_000;
/// Use is noted at most this often, so that reading pages seldom writes.
const TOUCH_EVERY_MS: i64 = 60_000;
/// How long a choice of colours is kept.
const THEME_LIFE_S: i64 = 365 * 24 * 60 * 60;
/// How long a log-in through a provider, or its second step, may take.
const LOGIN_LIFE_S: i64 = 10 * 60;
const THEME_COOKIE: &str = "lazaret_theme";

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Whether a second factor was shown in this session.
    pub(crate) with_second_factor: bool,
    /// When the session began, in milliseconds since 1970, UTC.
    pub(crate) since: i64,
    /// Whether it has a password; who comes through a provider may have none.
    pub(crate) has_password: bool,
    /// Digest of the session's token.
    pub(crate) session: [u8; 32],
}

/// Whoever is asking.
#[derive(Debug, Clone, Default)]
pub(crate) struct Visitor {
    /// Who it is, if logged in.
    pub(crate) person: Option<Person>,
    /// The network address asked from, where it is known.
    pub(crate) ip: Option<IpAddr>,
    theme: Theme,
    here: String,
    /// Whether there is a guard.
    is_guarded: bool,
}

impl Visitor {
    /// The role, if logged in.
    pub(crate) fn role(&self) -> Option<Role> {
        self.person.as_ref().map(|person| person.role)
    }

    /// Whether the role is one of those that correct.
    pub(crate) fn reviews(&self) -> bool {
        self.role() >= Some(Role::Reviewer)
    }

    /// Whether it is an administrator.
    pub(crate) fn administers(&self) -> bool {
        self.role() == Some(Role::Administrator)
    }

    /// Whether a second factor was shown in this session: what policy asks.
    pub(crate) fn has_second_factor(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.with_second_factor)
    }

    /// The name to record beside a change; empty for nobody.
    pub(crate) fn name(&self) -> &str {
        self.person.as_ref().map_or("", |person| &person.name)
    }

    /// The frame of a page.
    pub(crate) fn frame(&self, title: &str, section: Section) -> Frame {
        let user = self.person.as_ref().map(|person| (person.name.as_str(), person.role));
        Frame::new(title, section, user, self.theme, &self.here, self.is_guarded)
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Finds out who asks, and turns failures into pages for them.
pub(crate) async fn identify(State(console): State<Shared>, mut request: Request, next: Next) -> Response {
    // Neither has to do with whoever may be logged in in a browser.
    let path = request.uri().path();
    if path.starts_with("/assets/") || scim::is_under(path) || intake_api::is_under(path) {
        return next.run(request).await;
    }
    let headers = request.headers();
    let theme = Theme::named(cookie(headers, THEME_COOKIE).unwrap_or_default());
    let here = match *request.method() {
        Method::GET => request.uri().path_and_query().map_or("/", |here| here.as_str()).to_owned(),
        _ => "/".to_owned(),
    };
    let ip = request.extensions().get::<ConnectInfo<Peer>>().map(|ConnectInfo(peer)| peer.ip());
    let mut visitor = Visitor { person: None, ip, theme, here, is_guarded: console.guard.is_some() };
    let response = match person(&console, headers).await {
        Ok(person) => {
            visitor.person = person;
            request.extensions_mut().insert(visitor.clone());
            next.run(request).await
        }
        // Health can be asked for whatever the store does.
        Err(error) if matches!(request.uri().path(), "/healthz" | "/readyz") => {
            tracing::error!(error = %error, "sessions cannot be read");
            next.run(request).await
        }
        Err(error) => return Failure::from(error).page(&visitor),
    };
    match Failure::of_answer(&response) {
        Some(failure) => failure.page(&visitor),
        None => response,
    }
}

async fn person(console: &Console, headers: &HeaderMap) -> Result<Option<Person>, StoreError> {
    let Some(token) = cookie(headers, cookie_name(console)) else { return Ok(None) };
    let digest = digest(token);
    let (store, now) = (console.catalogue.store(), console.now());
    let Some(session) = sessions::find(store, &digest, now).await? else { return Ok(None) };
    if now - session.last_seen_at > console.idle_ms {
        sessions::end(store, &digest).await?;
        return Ok(None);
    }
    if now - session.last_seen_at > TOUCH_EVERY_MS {
        sessions::touch(store, &digest, now).await?;
    }
    let Some(user) = users::by_id(store, session.user_id).await? else { return Ok(None) };
    // A role that this version does not know gives nothing.
    let with_second_factor = session.with_second_factor;
    let (since, has_password) = (session.created_at, user.password_hash != users::NO_PASSWORD);
    let person =
        |role| Person { id: user.id, name: user.name, role, with_second_factor, since, has_password, session: digest };
    Ok(user.role.parse().ok().map(person))
}

/// Begins a session for a user; the header that hands its token to the browser.
pub(crate) async fn begin(
    console: &Console,
    user_id: u32,
    through: &str,
    with_second_factor: bool,
) -> Result<HeaderValue, Failure> {
    let token: String = hex(&(console.random)()?);
    let (store, now) = (console.catalogue.store(), console.now());
    sessions::sweep(store, now).await?;
    let new = NewSession { user_id, through, with_second_factor, created_at: now, expires_at: now + LIFE_MS };
    sessions::begin_as(store, &digest(&token), &new).await?;
    set_cookie(console, cookie_name(console), &token, LIFE_MS / 1_000)
}

/// Ends the visitor's session; the header that takes its token from the browser.
pub(crate) async fn end(console: &Console, visitor: &Visitor) -> Result<HeaderValue, Failure> {
    if let Some(person) = &visitor.person {
        sessions::end(console.catalogue.store(), &person.session).await?;
    }
    set_cookie(console, cookie_name(console), "", 0)
}

/// The header that has the browser keep what a log-in under way is known by. Other sites' links carry it: a provider sends
/// people back by one.
pub(crate) fn login_cookie(console: &Console, value: &str) -> Result<HeaderValue, Failure> {
    cookie_header(console, login_name(console), value, LOGIN_LIFE_S, "Lax")
}

/// The header that has the browser forget it.
pub(crate) fn forget_login(console: &Console) -> Result<HeaderValue, Failure> {
    cookie_header(console, login_name(console), "", 0, "Lax")
}

/// What a log-in under way is known by.
pub(crate) fn shown_login<'h>(console: &Console, headers: &'h HeaderMap) -> Option<&'h str> {
    cookie(headers, login_name(console))
}

fn login_name(console: &Console) -> &'static str {
    if console.is_encrypted { "__Host-lazaret_login" } else { "lazaret_login" }
}

/// The header that keeps a choice of colours.
pub(crate) fn keep_theme(console: &Console, theme: Theme) -> Result<HeaderValue, Failure> {
    set_cookie(console, THEME_COOKIE, theme.as_str(), THEME_LIFE_S)
}

/// Adds a cookie to a response.
pub(crate) fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(SET_COOKIE, cookie);
    response
}

/// What the store keeps of a token.
pub(crate) fn digest(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}

/// As hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Over TLS the name's prefix has browsers refuse a cookie that a neighbouring host or an unencrypted page set
/// (RFC 6265bis section 4.1.3.2).
fn cookie_name(console: &Console) -> &'static str {
    if console.is_encrypted { "__Host-lazaret_session" } else { "lazaret_session" }
}

fn set_cookie(console: &Console, name: &str, value: &str, life_s: i64) -> Result<HeaderValue, Failure> {
    cookie_header(console, name, value, life_s, "Strict")
}

fn cookie_header(
    console: &Console,
    name: &str,
    value: &str,
    life_s: i64,
    same_site: &str,
) -> Result<HeaderValue, Failure> {
    let secure = if console.is_encrypted { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={life_s}; HttpOnly; SameSite={same_site}{secure}");
    HeaderValue::try_from(text).map_err(|error| {
        tracing::error!(error = %error, "a cookie cannot be written");
        Failure::Internal
    })
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}
