//! What a handler could not do, and the page that says so.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Response};
use landscape::CatalogueError;
use store::StoreError;

use crate::frame::{Frame, Section};
use crate::session::Visitor;

/// Why there is no page. The text tells a person what to do next.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// There is nothing at this address.
    NotFound(String),
    /// The person's role does not reach that far.
    Forbidden,
    /// Not logged in, and no browser that could be sent to the login page.
    Unauthorized,
    /// A form from another site, or a browser too old to tell.
    Foreign,
    /// Something in the request is wrong.
    BadInput(String),
    /// The router or an extractor refused what came.
    Refused(StatusCode),
    /// Too much at once, or it took too long.
    Busy,
    /// The fault is ours; it was logged.
    Internal,
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::Foreign => StatusCode::FORBIDDEN,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::BadInput(_) => StatusCode::BAD_REQUEST,
            Self::Refused(status) => *status,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "Not found",
            Self::Forbidden => "Not allowed",
            Self::Unauthorized => "Not logged in",
            Self::Foreign => "Form refused",
            Self::BadInput(_) | Self::Refused(_) => "That did not work",
            Self::Busy => "Too busy",
            Self::Internal => "Something failed here",
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::NotFound(what) | Self::BadInput(what) => what.clone(),
            Self::Forbidden => {
                "Your role does not include this. Ask an administrator to do it, or to invite you with another role."
                    .to_owned()
            }
            Self::Unauthorized => "Log in first, or ask from the machine the server runs on.".to_owned(),
            Self::Foreign => "The form did not come from a page of this console. Open the page anew, then send it again."
                .to_owned(),
            Self::Refused(StatusCode::PAYLOAD_TOO_LARGE) => {
                "What was sent is larger than any form of this console. Go back and shorten it.".to_owned()
            }
            Self::Refused(_) => {
                "The address or the form holds something that cannot be read. Go back, open the page anew and try again."
                    .to_owned()
            }
            Self::Busy => "The server has more to do than it can at the moment. Wait a little, then try again.".to_owned(),
            Self::Internal => "Nothing was changed. The reason is in the server's log; try again, and if it stays, give \
                               your administrator the time at which it happened."
                .to_owned(),
        }
    }

    /// What an answer that no handler of ours wrote means: the router's and the extractors' refusals are plain text.
    pub(crate) fn of_answer(response: &Response) -> Option<Self> {
        if let Some(failure) = response.extensions().get::<Self>() {
            return Some(failure.clone());
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let is_ours = kind.starts_with("text/html")
            || kind.starts_with("application/json")
            || response.headers().contains_key("hx-redirect");
        (response.status().is_client_error() && !is_ours).then(|| Self::Refused(response.status()))
    }

    /// The page, for whoever asked.
    pub(crate) fn page(&self, visitor: &Visitor) -> Response {
        let page = ErrorPage {
            frame: visitor.frame(self.title(), Section::None),
            code: self.status().as_u16(),
            advice: self.advice(),
            is_known: visitor.role().is_some(),
        };
        match page.render() {
            Ok(text) => (self.status(), Html(text)).into_response(),
            Err(_) => (self.status(), self.advice()).into_response(),
        }
    }
}

/// Carried to the outermost layer, which knows who asked.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<CatalogueError> for Failure {
    fn from(error: CatalogueError) -> Self {
        match error {
            CatalogueError::NoObject { .. } | CatalogueError::NoMerge { .. } => Self::NotFound(sentence(&error)),
            CatalogueError::NoReason => Self::BadInput(sentence(&error)),
            CatalogueError::Store(_) | CatalogueError::Damaged(_) => {
                tracing::error!(error = %error, "the catalogue did not answer");
                Self::Internal
            }
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Exists { .. } => Self::BadInput(sentence(&error)),
            error => {
                tracing::error!(error = %error, "the store did not answer");
                Self::Internal
            }
        }
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        tracing::error!(error = %error, "a page did not render");
        Self::Internal
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        tracing::error!(error = %error, "no randomness");
        Self::Internal
    }
}

/// An error's message as a sentence on a page.
pub(crate) fn sentence(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", characters.as_str().trim_end_matches('.'))
}

/// A rendered page.
pub(crate) fn render(page: &impl Template) -> Result<Response, Failure> {
    Ok(Html(page.render()?).into_response())
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    code: u16,
    advice: String,
    is_known: bool,
}
