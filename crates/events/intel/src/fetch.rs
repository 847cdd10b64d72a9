//! Feeds from web servers: one file, only if it changed (RFC 9110 section 13.1.2), no more than its limit.

use std::time::Duration;

use reqwest::header::{ACCEPT, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};

/// How long a server may take to be reached.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a server may be silent.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long one answer may take altogether.
const ANSWER_MAX: Duration = Duration::from_secs(600);
/// Redirections that are followed; feeds on code forges take one or two.
const REDIRECTS_MAX: usize = 5;
/// The longest mark of a file that is kept.
const ETAG_MAX: usize = 1024;

/// Why nothing was fetched. No message holds a credential, or the query of an address, which may be one.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address cannot be used.
    #[error("`{address}` cannot be asked: {why}")]
    Address {
        /// The address, without its query.
        address: String,
        /// Why not, and what to use.
        why: String,
    },
    /// The server was not reached, or fell silent.
    #[error("`{address}` does not answer: {why}")]
    Unreachable {
        /// The address, without its query.
        address: String,
        /// What happened.
        why: String,
    },
    /// The server refuses.
    #[error("`{address}` answers {status}: {hint}")]
    Refused {
        /// The address, without its query.
        address: String,
        /// The status.
        status: u16,
        /// What to do.
        hint: String,
    },
    /// The answer is not what it should be.
    #[error("the answer of `{address}` cannot be used: {why}")]
    Answer {
        /// The address, without its query.
        address: String,
        /// What is wrong.
        why: String,
    },
}

/// How a server is told who asks.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Nobody in particular.
    None,
    /// A user and a password (RFC 7617).
    Basic(String, SecretString),
    /// A token (RFC 6750).
    Bearer(SecretString),
}

/// What a server had.
#[derive(Debug)]
pub enum Fetched {
    /// The file, and the mark to ask with next time.
    New {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Its mark.
        etag: Option<String>,
    },
    /// It did not change since the mark was given.
    Unchanged,
}

/// A client for feeds: short waits, and no credential that goes elsewhere or unencrypted.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: Client,
    credential: Credential,
    bytes_max: usize,
}

impl Fetcher {
    /// A client that takes answers of up to `bytes_max` bytes.
    ///
    /// # Errors
    /// The operating system's certificates cannot be read.
    pub fn new(credential: Credential, bytes_max: usize) -> Result<Self, FetchError> {
        let redirects = match credential {
            Credential::None => reqwest::redirect::Policy::limited(REDIRECTS_MAX),
            // A redirect would take the credential elsewhere.
            _ => reqwest::redirect::Policy::none(),
        };
        let client = Client::builder()
            .redirect(redirects)
            .connect_timeout(CONNECT_MAX)
            .read_timeout(SILENCE_MAX)
            .timeout(ANSWER_MAX)
            .user_agent(concat!("lazaret/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| FetchError::Unreachable { address: "the network".to_owned(), why: whole(&error) })?;
        Ok(Self { client, credential, bytes_max })
    }

    /// Fetches a file, unless it still has the mark that came with it last time.
    ///
    /// # Errors
    /// The address cannot be used, the server refuses or does not answer, or the file is too large.
    pub async fn file(&self, address: &str, etag: Option<&str>) -> Result<Fetched, FetchError> {
        let url = self.allowed(address)?;
        let mut request = self.client.get(url.clone());
        if let Some(mark) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
            request = request.header(IF_NONE_MATCH, mark);
        }
        let answer = self.send(request, &url).await?;
        if answer.status() == StatusCode::NOT_MODIFIED {
            return Ok(Fetched::Unchanged);
        }
        let etag = header(answer.headers(), ETAG.as_str()).filter(|etag| etag.len() <= ETAG_MAX);
        let bytes = self.body(answer, &url).await?;
        Ok(Fetched::New { bytes, etag })
    }

    /// Fetches what a server holds in a media type; the headers come along.
    pub(crate) async fn typed(&self, url: &Url, media: &str) -> Result<(Vec<u8>, HeaderMap), FetchError> {
        let answer = self.send(self.client.get(url.clone()).header(ACCEPT, media), url).await?;
        let headers = answer.headers().clone();
        if answer.status() == StatusCode::NOT_MODIFIED {
            return Err(FetchError::Answer {
                address: shown(url),
                why: "it says that nothing changed, unasked".to_owned(),
            });
        }
        Ok((self.body(answer, url).await?, headers))
    }

    async fn send(&self, request: RequestBuilder, url: &Url) -> Result<Response, FetchError> {
        let request = match &self.credential {
            Credential::None => request,
            Credential::Basic(user, password) => request.basic_auth(user, Some(password.expose_secret())),
            Credential::Bearer(token) => request.bearer_auth(token.expose_secret()),
        };
        let failed =
            |error: reqwest::Error| FetchError::Unreachable { address: shown(url), why: whole(&error.without_url()) };
        let answer = request.send().await.map_err(failed)?;
        let status = answer.status();
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(answer);
        }
        let hint = match status.as_u16() {
            300..=399 => match header(answer.headers(), "location").and_then(|to| url.join(&to).ok()) {
                Some(to) => {
                    format!("it points to `{}`; give that address if you trust it with the credential", shown(&to))
                }
                None => "it points elsewhere".to_owned(),
            },
            401 | 403 => "check the user and password, or the token, and what they may read".to_owned(),
            404 | 410 => "check the address; there is nothing".to_owned(),
            406 => "it does not speak TAXII 2.1 here; check the address".to_owned(),
            429 | 503 => match header(answer.headers(), RETRY_AFTER.as_str()) {
                Some(after) => format!("it is busy; try again after {}", crate::normal::shortened(&after)),
                None => "it is busy; try again later".to_owned(),
            },
            _ => "try again later, or ask who runs it".to_owned(),
        };
        Err(FetchError::Refused { address: shown(url), status: status.as_u16(), hint })
    }

    async fn body(&self, mut answer: Response, url: &Url) -> Result<Vec<u8>, FetchError> {
        let too_long =
            || FetchError::Answer { address: shown(url), why: format!("it is longer than {} bytes", self.bytes_max) };
        let said = answer.content_length().unwrap_or(0);
        if said > self.bytes_max as u64 {
            return Err(too_long());
        }
        let mut bytes = Vec::new();
        loop {
            let piece = answer.chunk().await.map_err(|error| FetchError::Unreachable {
                address: shown(url),
                why: format!("the answer breaks off after {} bytes: {}", bytes.len(), whole(&error.without_url())),
            })?;
            let Some(piece) = piece else { return Ok(bytes) };
            if bytes.len() + piece.len() > self.bytes_max {
                return Err(too_long());
            }
            bytes.extend_from_slice(&piece);
        }
    }

    /// An address of the web; with a credential, one that is encrypted or of this machine.
    pub(crate) fn allowed(&self, address: &str) -> Result<Url, FetchError> {
        let wrong = |why: String| FetchError::Address {
            address: address.split(['?', '#']).next().unwrap_or_default().to_owned(),
            why,
        };
        // What does not parse is not shown: it may hold a password.
        let url = Url::parse(address)
            .map_err(|error| FetchError::Address { address: "the address".to_owned(), why: error.to_string() })?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Address {
                address: shown(&url),
                why: "it holds a user or password; give them apart, so that they do not end up in logs".to_owned(),
            });
        }
        let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        match url.scheme() {
            "https" => Ok(url),
            "http" if is_here || matches!(self.credential, Credential::None) => Ok(url),
            "http" => Err(wrong("a credential would be sent unencrypted; use https".to_owned())),
            other => Err(wrong(format!("`{other}` is not spoken; use https or http"))),
        }
    }
}

/// An address without its query and fragment.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}

pub(crate) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
