//! The least of HTTP/1.1 that a witness or time-stamping authority needs: one `POST`, its status and body. Over plain TCP:
//! what is sent is public and what comes back is signed.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use crate::LedgerError;

/// How long the other side may take to connect, and between two bytes.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest response, in bytes.
const RESPONSE_BYTES_MAX: u64 = 128 << 10;

/// A response.
pub(crate) struct Response {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Posts `body` to an `http://` address and waits for the response. Blocks.
pub(crate) fn post(url: &str, kind: &str, body: &[u8]) -> Result<Response, LedgerError> {
    let remote = |what: String| LedgerError::Remote { url: url.to_owned(), what };
    let rest = url.strip_prefix("http://").ok_or_else(|| remote("only http:// addresses are spoken to".to_owned()))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let with_port = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let exchange = || -> std::io::Result<Vec<u8>> {
        let address = with_port.to_socket_addrs()?.next().ok_or(std::io::ErrorKind::NotFound)?;
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let length = body.len();
        let head = format!(
            "POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut response = Vec::new();
        stream.take(RESPONSE_BYTES_MAX).read_to_end(&mut response)?;
        Ok(response)
    };
    let bytes = exchange().map_err(|error| remote(error.to_string()))?;
    parse(&bytes).ok_or_else(|| remote("it is no response of HTTP/1.1".to_owned()))
}

fn parse(bytes: &[u8]) -> Option<Response> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    let mut body = bytes.get(end + 4..)?;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        if name.eq_ignore_ascii_case("content-length") {
            body = body.get(..value.trim().parse().ok()?)?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return None;
        }
    }
    Some(Response { status, body: body.to_vec() })
}
