//! Addresses within the console.

use std::fmt::Write;

/// `?name=value&…` of the pairs whose value is not empty; nothing when all are.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        text.push(if text.is_empty() { '?' } else { '&' });
        encode(name, &mut text);
        text.push('=');
        encode(value, &mut text);
    }
    text
}

/// Percent-encodes everything but the unreserved characters of RFC 3986 section 2.3.
fn encode(value: &str, into: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

/// The path if it leads to a page of this console, else `/`. Whatever a browser could read as another host (`//host`,
/// `/\host`, a scheme) or as a second header line is refused.
pub(crate) fn within(path: &str) -> &str {
    let is_within = path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_within { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::{query, within};

    #[test]
    fn queries_are_encoded_and_empty_pairs_left_out() {
        assert_eq!(query(&[("a", ""), ("b", "x y&z=ü"), ("c", "1")]), "?b=x%20y%26z%3D%C3%BC&c=1");
        assert_eq!(query(&[("a", "")]), "");
    }

    #[test]
    fn nobody_is_sent_to_another_host() {
        assert_eq!(within("/objects?label=secret"), "/objects?label=secret");
        for hostile in ["//evil", "/\\evil", "https://evil", "", "/a\r\nset-cookie: x", "/ä", "javascript:alert(1)"] {
            assert_eq!(within(hostile), "/", "{hostile}");
        }
    }
}
