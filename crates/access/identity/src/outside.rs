//! Asking identity providers over HTTPS: short answers, short waits, no redirects.

use std::time::Duration;

use serde_json::Value;

/// How long a provider may take to be reached.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// How long a provider may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(8);
/// The longest answer: 64 keys and a passport of some hundred visas fit.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Why a provider gave no answer that could be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unanswered(pub(crate) String);

/// A client for identity providers.
#[derive(Debug, Clone)]
pub(crate) struct Asker(reqwest::Client);

/// An answer: its status and its JSON, null where it is none.
pub(crate) struct Answered {
    pub(crate) is_success: bool,
    pub(crate) status: u16,
    pub(crate) value: Value,
}

impl Asker {
    pub(crate) fn new() -> Result<Self, Unanswered> {
        // A redirect would take codes and secrets elsewhere.
        let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = builder.connect_timeout(CONNECT_MAX).timeout(ANSWER_MAX).build();
        client.map(Self).map_err(|error| Unanswered(error.to_string()))
    }

    pub(crate) async fn get(&self, address: &str, bearer: Option<&str>) -> Result<Answered, Unanswered> {
        let mut request = self.0.get(allowed(address)?);
        if let Some(token) = bearer {
            request = request.bearer_auth(token);
        }
        answered(request).await
    }

    /// Sends a form; `client` is the id and secret of HTTP basic authentication (RFC 6749 section 2.3.1).
    pub(crate) async fn post(
        &self,
        address: &str,
        form: &[(&str, &str)],
        client: Option<(&str, &str)>,
    ) -> Result<Answered, Unanswered> {
        let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request =
            self.0.post(allowed(address)?).header("content-type", "application/x-www-form-urlencoded").body(text);
        if let Some((id, secret)) = client {
            let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            request = request.basic_auth(encode(id), Some(encode(secret)));
        }
        answered(request).await
    }
}

/// An address over TLS, or of this machine.
pub(crate) fn allowed(address: &str) -> Result<reqwest::Url, Unanswered> {
    let url =
        reqwest::Url::parse(address).map_err(|error| Unanswered(format!("`{address}` is no address: {error}")))?;
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() == "https" || (url.scheme() == "http" && is_here) {
        return Ok(url);
    }
    Err(Unanswered(format!("`{address}` is not encrypted; use https")))
}

async fn answered(request: reqwest::RequestBuilder) -> Result<Answered, Unanswered> {
    let failed = |error: reqwest::Error| Unanswered(crate::outside::whole(&error.without_url()));
    let mut answer = request.header("accept", "application/json").send().await.map_err(failed)?;
    let mut text = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(failed)? {
        if text.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(Unanswered("its answer is too long".to_owned()));
        }
        text.extend_from_slice(&piece);
    }
    let status = answer.status();
    let value = serde_json::from_slice(&text).unwrap_or_default();
    Ok(Answered { is_success: status.is_success(), status: status.as_u16(), value })
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

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn nothing_goes_out_in_clear() {
        assert!(allowed("https://login.example.org/x").is_ok());
        for here in ["http://localhost:1/x", "http://127.0.0.1/x", "http://[::1]:9/x"] {
            assert!(allowed(here).is_ok(), "{here}");
        }
        for wrong in ["http://login.example.org", "http://127.0.0.1.example.org", "ftp://localhost", "login", ""] {
            assert!(allowed(wrong).is_err(), "{wrong}");
        }
    }
}
