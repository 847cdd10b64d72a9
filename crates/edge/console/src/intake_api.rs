//! `POST /api/v1/events`: other systems send their logs. A bearer token is the proof; no cookie plays a part.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use receive::push::PushError;
use serde_json::json;

use crate::Shared;

/// Below it, everything is for programs.
const BASE: &str = "/api/v1/";
/// Seconds after which a sender whose records were not taken may try again.
const RETRY_SECONDS: &str = "5";

/// Whether an address is one of the programs'.
pub(crate) fn is_under(path: &str) -> bool {
    path.starts_with(BASE)
}

/// `POST /api/v1/events`: answers once every record of the body is durable.
pub(crate) async fn take(State(console): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(intake) = console.guard.as_ref().and_then(|guard| guard.view.intake.as_ref()) else {
        return refused(StatusCode::NOT_FOUND, "this server takes no logs");
    };
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = shown.and_then(|shown| shown.strip_prefix("Bearer ")).unwrap_or_default();
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match intake.push.push(token, kind, body.to_vec()).await {
        Ok(accepted) => (StatusCode::OK, axum::Json(accepted)).into_response(),
        Err(error) => {
            let status = match &error {
                PushError::Token => StatusCode::UNAUTHORIZED,
                PushError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                PushError::Type { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                PushError::Put(_) => StatusCode::SERVICE_UNAVAILABLE,
                PushError::Ended => StatusCode::INTERNAL_SERVER_ERROR,
            };
            let mut answer = refused(status, &error.to_string());
            if status == StatusCode::UNAUTHORIZED {
                answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            if status == StatusCode::SERVICE_UNAVAILABLE {
                answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
            }
            answer
        }
    }
}

fn refused(status: StatusCode, why: &str) -> Response {
    (status, axum::Json(json!({ "error": why }))).into_response()
}
