//! What every response carries and every form must show.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::failure::Failure;
use crate::{Shared, intake_api, scim};

/// Nothing but our own style, script and images; no inline code; nobody frames us.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// Headers of every response.
const HEADERS: [(HeaderName, &str); 7] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    // `no-referrer` would make browsers send `Origin: null` with our own forms.
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];
/// A browser that has seen us over TLS uses nothing else for a year.
const TLS_ONLY: &str = "max-age=31536000";
/// How long a page may take.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Refuses forms of other sites, bounds the time, adds the headers, counts.
pub(crate) async fn guard(State(console): State<Shared>, request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    // Directories and programs come without cookies, so that no other site can speak in their name.
    let path = request.uri().path();
    let is_program = scim::is_under(path) || intake_api::is_under(path);
    let mut response = if is_safe || is_program || is_own(request.headers()) {
        let answer = tokio::time::timeout(ANSWER_MAX, next.run(request)).await;
        answer.unwrap_or_else(|_| Failure::Busy.page(&Default::default()))
    } else {
        Failure::Foreign.page(&Default::default())
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if console.is_encrypted {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(TLS_ONLY));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    console.meter.answered(response.status());
    response
}

/// Whether a form comes from one of our pages. Browsers say so themselves (`Sec-Fetch-Site`, where the connection is
/// trusted); else the origin's host must be the one that was asked. No word on either is a no.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    match (text(ORIGIN).and_then(|origin| origin.split_once("://")), text(HOST)) {
        (Some((_, origin)), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

/// Nothing is at this address.
pub(crate) async fn nowhere() -> Response {
    Failure::NotFound(
        "There is no page at this address. It may have been mistyped; start from the landscape.".to_owned(),
    )
    .into_response()
}
