//! Answers as they leave: what S3 clients rely on and the library does not write.

use bytes::Bytes;
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Method, StatusCode, Uri};
use s3s::{Body, HttpResponse, S3Error};

/// What of a request its answer depends on.
pub(crate) struct Asked {
    id: String,
    /// Whether entity tags in the body stand without quotes (API reference of GetObjectAttributes).
    is_attributes: bool,
}

impl Asked {
    pub(crate) fn new(id: String, method: &Method, uri: &Uri) -> Self {
        let is_attributes = method == Method::GET && uri.query().is_some_and(|query| query.split('&').any(is_named));
        Self { id, is_attributes }
    }

    /// Completes an answer: its id in header and body, no body where HTTP has none.
    pub(crate) fn complete(&self, response: &mut HttpResponse) {
        if let Ok(id) = HeaderValue::try_from(&self.id) {
            response.headers_mut().insert("x-amz-request-id", id);
        }
        let status = response.status();
        if status == StatusCode::NOT_MODIFIED {
            // RFC 9110 section 15.4.5: an answer that nothing changed has no content.
            response.headers_mut().remove(CONTENT_TYPE);
            response.headers_mut().remove(CONTENT_LENGTH);
            *response.body_mut() = Body::empty();
        } else if status.is_client_error() || status.is_server_error() {
            self.rewrite(response, |text| {
                let end = format!("{}<RequestId>{}</RequestId></Error>", explained(text), self.id);
                text.replacen("</Error>", &end, 1)
            });
        } else if self.is_attributes && status == StatusCode::OK {
            self.rewrite(response, unquoted);
        }
    }

    fn rewrite(&self, response: &mut HttpResponse, change: impl FnOnce(&str) -> String) {
        let Some(bytes) = response.body().bytes() else { return };
        let Ok(text) = std::str::from_utf8(&bytes) else { return };
        let changed = change(text);
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::from(Bytes::from(changed));
    }
}

fn is_named(parameter: &str) -> bool {
    parameter.split('=').next() == Some("attributes")
}

/// `<ETag>&quot;…&quot;</ETag>` without its quotes.
fn unquoted(text: &str) -> String {
    let Some((before, rest)) = text.split_once("<ETag>") else { return text.to_owned() };
    let Some((tag, after)) = rest.split_once("</ETag>") else { return text.to_owned() };
    let tag = tag.replace("&quot;", "").replace('"', "");
    format!("{before}<ETag>{tag}</ETag>{after}")
}

/// What the library does not say of errors of its own.
fn explained(error: &str) -> String {
    if error.contains("<Message>") {
        return String::new();
    }
    let is = |code: &str| error.contains(&format!("<Code>{code}</Code>"));
    let told = if is("InvalidBucketName") {
        "a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens, begins and ends with a letter or digit, \
         and is no address"
    } else if is("SignatureDoesNotMatch") {
        "the request was signed with another secret, or changed on its way; check the secret key and the clock"
    } else if is("KeyTooLongError") {
        "a name has at most 1024 bytes"
    } else if is("InvalidURI") {
        "the address cannot be read"
    } else {
        return String::new();
    };
    format!("<Message>{told}</Message>")
}

/// An error as the answer to a request whose body was not read. It ends the connection: what follows there would be taken for
/// that body, or the body for what follows.
pub(crate) fn of_unread(error: S3Error) -> Result<HttpResponse, s3s::HttpError> {
    let mut response = error.to_http_response().map_err(|error| s3s::HttpError::new(Box::new(error)))?;
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use hyper::{Method, StatusCode};
    use s3s::{Body, HttpResponse};

    use super::Asked;

    fn completed(method: &Method, uri: &str, status: StatusCode, body: &str) -> String {
        let asked = Asked::new("07".to_owned(), method, &uri.parse().unwrap());
        let mut response = HttpResponse::new(Body::from(body.to_owned()));
        *response.status_mut() = status;
        asked.complete(&mut response);
        assert_eq!(response.headers()["x-amz-request-id"], "07");
        String::from_utf8(response.body().bytes().unwrap_or_default().to_vec()).unwrap()
    }

    #[test]
    fn errors_carry_the_requests_id_and_what_did_not_change_has_no_body() {
        let error = "<Error><Code>NoSuchKey</Code></Error>";
        let told = completed(&Method::GET, "/b/k", StatusCode::NOT_FOUND, error);
        assert_eq!(told, "<Error><Code>NoSuchKey</Code><RequestId>07</RequestId></Error>");
        assert_eq!(completed(&Method::GET, "/b/k", StatusCode::NOT_MODIFIED, error), "");
        assert_eq!(completed(&Method::GET, "/b/k", StatusCode::OK, "a</Error>"), "a</Error>");
        let bare =
            completed(&Method::PUT, "/b_", StatusCode::BAD_REQUEST, "<Error><Code>InvalidBucketName</Code></Error>");
        assert!(bare.contains("<Message>a bucket's name has 3 to 63"), "{bare}");
    }

    #[test]
    fn attributes_have_entity_tags_without_quotes() {
        let body = "<A><ETag>&quot;ab-2&quot;</ETag><B>&quot;</B></A>";
        let plain = "<A><ETag>ab-2</ETag><B>&quot;</B></A>";
        assert_eq!(completed(&Method::GET, "/b/k?attributes", StatusCode::OK, body), plain);
        assert_eq!(completed(&Method::GET, "/b/k?versionId=1&attributes=", StatusCode::OK, body), plain);
        assert_eq!(completed(&Method::GET, "/b/k?list-type=2", StatusCode::OK, body), body);
    }
}
