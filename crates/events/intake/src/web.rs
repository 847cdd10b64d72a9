//! Access logs of Apache and nginx: NCSA common and combined (Apache `mod_log_config`), under Sigma's names for web
//! servers.

use crate::object::Object;

/// Writes the object for `line`, if it is such a line.
pub(crate) fn parse(line: &str, json: &mut Vec<u8>) -> Option<()> {
    let (client, rest) = line.split_once(' ')?;
    let (_identity, rest) = rest.split_once(' ')?;
    let (user, rest) = rest.split_once(" [")?;
    let (time, rest) = rest.split_once("] \"")?;
    let (request, rest) = quoted(rest)?;
    let mut words = rest.trim_start().splitn(3, ' ');
    let status = words.next().filter(|status| status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit()))?;
    let bytes = words.next()?;
    let mut object = Object::new(json);
    object.str("timestamp", time);
    object.str("c-ip", client);
    if user != "-" {
        object.str("cs-username", user);
    }
    let mut parts = request.split(' ');
    if let (Some(method), Some(target)) = (parts.next(), parts.next()) {
        object.str("cs-method", method);
        object.str("c-uri", target);
        object.str("cs-uri", target);
        let (stem, query) = target.split_once('?').unwrap_or((target, ""));
        object.str("cs-uri-stem", stem);
        object.str("cs-uri-query", query);
        if let Some(version) = parts.next() {
            object.str("cs-version", version);
        }
    } else {
        // What is no request of HTTP, such as a handshake of TLS.
        object.str("cs-uri", &request);
        object.str("c-uri", &request);
    }
    object.number("sc-status", status);
    if bytes != "-" {
        object.number("sc-bytes", bytes);
    }
    if let Some((referer, rest)) = words.next().and_then(|rest| quoted(rest.strip_prefix('"')?)) {
        if referer != "-" {
            object.str("cs-referer", &referer);
        }
        if let Some((agent, _rest)) = rest.strip_prefix(" \"").and_then(quoted) {
            object.str("cs-user-agent", &agent);
        }
    }
    object.close();
    Some(())
}

/// The text up to the closing quote, without the backslashes before quotes, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => {
                let (inside, rest) = text.split_at_checked(at)?;
                return Some((inside.replace("\\\"", "\""), rest.get(1..)?));
            }
            _ => escaped = c == '\\' && !escaped,
        }
    }
    None
}
