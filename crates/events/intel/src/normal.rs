//! One way of writing for everything that is looked for: small letters, no default ports, canonical addresses.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::indicator::{Algorithm, Atom, Kind, Network};

/// The longest name in the DNS, in characters without the last dot (RFC 1035 section 2.3.4).
const DOMAIN_MAX: usize = 253;
/// The longest label of such a name (RFC 1035 section 2.3.4).
const LABEL_MAX: usize = 63;
/// The longest web address that is taken; browsers and proxies cut long before.
pub(crate) const URL_MAX: usize = 8192;
/// The longest e-mail address (RFC 5321 section 4.5.3.1.3, without the angle brackets).
const EMAIL_MAX: usize = 254;
/// The longest name of a file, in bytes, that common file systems take.
pub(crate) const FILE_NAME_MAX: usize = 255;

/// Bytes that words consist of: letters, digits, `.`, `-`, `_`, and whatever is not ASCII.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') || !byte.is_ascii()
}

/// A name in the DNS: small letters, without the last dot. Punycode stays as it is; `_` is let pass, since it occurs.
///
/// # Errors
/// It is no such name.
pub fn domain(text: &str) -> Result<String, String> {
    let name = text.trim().trim_end_matches('.').to_ascii_lowercase();
    let name = name.strip_prefix("*.").unwrap_or(&name);
    let shown = || text.escape_debug();
    if name.is_empty() || name.len() > DOMAIN_MAX {
        return Err(format!("`{}` is no name of a domain: it has 1 to {DOMAIN_MAX} characters", shown()));
    }
    for label in name.split('.') {
        let is_label = !label.is_empty()
            && label.len() <= LABEL_MAX
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || !byte.is_ascii());
        if !is_label || label.starts_with('-') || label.ends_with('-') {
            return Err(format!("`{}` is no name of a domain: `{}` is no label", shown(), label.escape_debug()));
        }
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("`{}` is no name of a domain: it ends in a number", shown()));
    }
    Ok(name.to_owned())
}

/// An address, or a block such as `192.0.2.0/24`; IPv6 also in brackets.
///
/// # Errors
/// It is neither. Numbers with leading zeros are refused, because some read them as octal (RFC 6943 section 3.1.1).
pub fn network(text: &str) -> Result<Network, String> {
    let text = text.trim();
    text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text).parse()
}

/// A web address: scheme and host in small letters, without user, fragment and the default port of its scheme, with `/`
/// where there is no path (RFC 3986 section 6.2.2 and 6.2.3). Without a scheme it stands for any.
///
/// # Errors
/// It has no host, spaces, or more than [`URL_MAX`] bytes.
pub fn url(text: &str) -> Result<String, String> {
    let mut out = Vec::new();
    let text = text.trim();
    let wrong = |why: &str| Err(format!("`{}` is no web address: {why}", shortened(text)));
    if text.len() > URL_MAX {
        return wrong("it is too long");
    }
    if text.bytes().any(|byte| !is_url(byte)) {
        return wrong("it has a space or another character that addresses do not have");
    }
    if !url_into(text.as_bytes(), &mut out) {
        return wrong("it has no host");
    }
    let url = String::from_utf8_lossy(&out).into_owned();
    let host = host_of(&url);
    if network(host).is_err() && domain(host).is_err() {
        return wrong("its host is neither a name nor an address");
    }
    Ok(url)
}

/// Bytes that stand in web addresses as logs have them.
pub(crate) fn is_url(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | 0x7f)
}

/// Writes the normal form of a web address behind what `out` holds; `false` where it has no host.
pub(crate) fn url_into(text: &[u8], out: &mut Vec<u8>) -> bool {
    let (scheme, rest) = match memchr::memmem::find(text, b"://") {
        // A `://` behind the path belongs to another address, as in `host/?to=https://…`.
        Some(at)
            if text.iter().take(at).all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')) =>
        {
            (text.get(..at).unwrap_or_default(), text.get(at + 3..).unwrap_or_default())
        }
        _ => (&b""[..], text),
    };
    let rest = rest.split(|byte| *byte == b'#').next().unwrap_or_default();
    let end = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, b""));
    let host = match memchr::memrchr(b'@', authority) {
        Some(at) => authority.get(at + 1..).unwrap_or_default(),
        None => authority,
    };
    let (host, port) = match memchr::memrchr(b':', host) {
        Some(at) if host.iter().skip(at + 1).all(u8::is_ascii_digit) => {
            (host.get(..at).unwrap_or_default(), host.get(at + 1..).unwrap_or_default())
        }
        _ => (host, &b""[..]),
    };
    let host = host.strip_suffix(b".").unwrap_or(host);
    if host.is_empty() {
        return false;
    }
    let scheme_at = out.len();
    out.extend(scheme.iter().map(u8::to_ascii_lowercase));
    let default: &[u8] = match out.get(scheme_at..).unwrap_or_default() {
        b"http" | b"ws" => b"80",
        b"https" | b"wss" => b"443",
        b"ftp" => b"21",
        _ => b"",
    };
    if !scheme.is_empty() {
        out.extend_from_slice(b"://");
    }
    out.extend(host.iter().map(u8::to_ascii_lowercase));
    if !port.is_empty() && port != default {
        out.push(b':');
        out.extend_from_slice(port);
    }
    if !path.starts_with(b"/") {
        out.push(b'/');
    }
    out.extend_from_slice(path);
    true
}

/// The host of an address in its normal form.
pub(crate) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    match authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((inner, _)) => inner,
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// A digest of an algorithm, or of the one that its length tells.
///
/// # Errors
/// It is not hexadecimal, or has a length that the algorithm has not.
pub fn hash(text: &str, algorithm: Option<Algorithm>) -> Result<Atom, String> {
    let digest = text.trim().to_ascii_lowercase();
    let shown = || shortened(text);
    if digest.is_empty() || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!("`{}` is no digest: it is not hexadecimal", shown()));
    }
    match algorithm.or_else(|| Algorithm::of_length(digest.len())) {
        Some(algorithm) if algorithm.digits() == digest.len() => Ok(Atom::Hash(algorithm, digest)),
        _ => Err(format!("`{}` has {} digits, which no such digest has", shown(), digest.len())),
    }
}

/// A file's name in small letters, without its folder.
///
/// # Errors
/// It is empty or too long.
pub fn file_name(text: &str) -> Result<String, String> {
    let name = text.rsplit(['/', '\\']).next().unwrap_or_default().trim().to_ascii_lowercase();
    if name.is_empty() || name.len() > FILE_NAME_MAX {
        return Err(format!("`{}` is no name of a file: it has 1 to {FILE_NAME_MAX} bytes", shortened(text)));
    }
    Ok(name)
}

/// An e-mail address in small letters.
///
/// # Errors
/// It is none, or its local part has characters that are not found in running text (letters, digits, `.`, `_`, `%`, `+`,
/// `-`, `=`, `'`).
pub fn email(text: &str) -> Result<String, String> {
    let address = text.trim().trim_start_matches('<').trim_end_matches('>').to_ascii_lowercase();
    let wrong = || format!("`{}` is no e-mail address", shortened(text));
    let (local, host) = address.rsplit_once('@').ok_or_else(wrong)?;
    if address.len() > EMAIL_MAX
        || local.is_empty()
        || !local.bytes().all(is_local)
        || local.starts_with(['.', '-', '\'', '='])
    {
        return Err(wrong());
    }
    let host = domain(host)?;
    Ok(format!("{local}@{host}"))
}

/// Bytes of the part before the `@`.
pub(crate) fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-' | b'=' | b'\'')
}

/// The id of a vulnerability, in capitals: `CVE-` with year and number.
///
/// # Errors
/// It is none.
pub fn vulnerability(text: &str) -> Result<String, String> {
    let id = text.trim().to_ascii_uppercase();
    let is_cve = id.strip_prefix("CVE-").and_then(|rest| rest.split_once('-')).is_some_and(|(year, number)| {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        year.len() == 4 && digits(year) && (4..=19).contains(&number.len()) && digits(number)
    });
    if is_cve { Ok(id) } else { Err(format!("`{}` is no CVE id, such as CVE-2026-0001", shortened(text))) }
}

/// Whether it is the id of a vulnerability, in any letters.
pub(crate) fn is_vulnerability(word: &[u8]) -> bool {
    word.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"cve-"))
        && word.iter().skip(4).all(|byte| byte.is_ascii_digit() || *byte == b'-')
}

/// A value of a kind that its source names.
///
/// # Errors
/// It is no such value.
pub fn of_kind(kind: Kind, text: &str) -> Result<Atom, String> {
    Ok(match kind {
        Kind::Ip => Atom::Network(network(text)?),
        Kind::Domain => Atom::Domain(domain(text)?),
        Kind::Url => Atom::Url(url(text)?),
        Kind::Hash => hash(text, None)?,
        Kind::FileName => Atom::FileName(file_name(text)?),
        Kind::Email => Atom::Email(email(text)?),
        Kind::Vulnerability => Atom::Vulnerability(vulnerability(text)?),
    })
}

/// What a value is that nobody gave a kind. Names of files are never guessed: `report.zip` is also a domain.
///
/// # Errors
/// It looks like nothing that is known.
pub fn guess(text: &str) -> Result<Atom, String> {
    let text = text.trim();
    if let Ok(network) = network(text) {
        return Ok(Atom::Network(network));
    }
    if let Ok(id) = vulnerability(text) {
        return Ok(Atom::Vulnerability(id));
    }
    if let Ok(hash) = hash(text, None) {
        return Ok(hash);
    }
    if text.contains("://") {
        return url(text).map(Atom::Url);
    }
    // `192.0.2.1:8080`, as lists of servers have it: the address tells, the port does not stand in every event.
    if let Some((host, port)) = text.rsplit_once(':')
        && port.parse::<u16>().is_ok()
        && !text.contains('/')
    {
        if let Ok(address) = host.parse::<IpAddr>()
            && let Some(network) = Network::new(address, 32)
            && address.is_ipv4()
        {
            return Ok(Atom::Network(network));
        }
        if host.contains('.') {
            return domain(host).map(Atom::Domain);
        }
    }
    if text.contains('@') && !text.contains('/') {
        return email(text).map(Atom::Email);
    }
    if text.contains('/') && text.split('/').next().is_some_and(|host| host.contains('.')) {
        return url(text).map(Atom::Url);
    }
    // A comment without its mark is no indicator.
    domain(text).map(Atom::Domain).map_err(|_no_domain| {
        format!("`{}` is no address, domain, web address, digest, e-mail address or CVE id", shortened(text))
    })
}

/// Takes back what makes addresses harmless to click: `hxxp`, `[.]`, `(dot)`, `[:]`, `[at]` and the like.
pub fn refang(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    if text.contains(['[', '(', '{', '\\']) {
        const MARKS: [(&str, &str); 20] = [
            ("[://]", "://"),
            ("[.]", "."),
            ("(.)", "."),
            ("{.}", "."),
            ("[.", "."),
            (".]", "."),
            ("[dot]", "."),
            ("(dot)", "."),
            ("{dot}", "."),
            ("\\.", "."),
            ("[:]", ":"),
            ("(:)", ":"),
            ("[:", ":"),
            ("[/]", "/"),
            ("[at]", "@"),
            ("(at)", "@"),
            ("{at}", "@"),
            ("[@]", "@"),
            ("(@)", "@"),
            ("{@}", "@"),
        ];
        // An IPv6 address may stand in brackets of its own.
        let is_bracketed = text.starts_with('[') && text.ends_with(']') && text.contains("::");
        if !is_bracketed {
            for (mark, plain) in MARKS {
                if let Some(replaced) = replace_ignoring_case(&text, mark, plain) {
                    text = Cow::Owned(replaced);
                }
            }
        }
    }
    let lower: String = text.chars().take(8).flat_map(char::to_lowercase).collect();
    for (defanged, scheme) in [
        ("hxxps", "https"),
        ("hxxp", "http"),
        ("hxtps", "https"),
        ("hxtp", "http"),
        ("htxps", "https"),
        ("htxp", "http"),
        ("httxs", "https"),
        ("httx", "http"),
        ("fxp", "ftp"),
        ("fxxp", "ftp"),
        ("meow", "http"),
    ] {
        if let Some(rest) = lower.strip_prefix(defanged)
            && rest.starts_with(':')
        {
            return Cow::Owned(format!("{scheme}{}", text.get(defanged.len()..).unwrap_or_default()));
        }
    }
    text
}

fn replace_ignoring_case(text: &str, mark: &str, plain: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    lower.contains(mark).then(|| {
        let (mut out, mut from) = (String::with_capacity(text.len()), 0);
        for (at, _) in lower.match_indices(mark) {
            out.push_str(text.get(from..at).unwrap_or_default());
            out.push_str(plain);
            from = at + mark.len();
        }
        out.push_str(text.get(from..).unwrap_or_default());
        out
    })
}

/// At most 80 characters, none of which a terminal obeys.
pub(crate) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_in_one_way() {
        assert_eq!(domain("WWW.Bad.Example.").unwrap(), "www.bad.example");
        assert_eq!(domain("*.bad.example").unwrap(), "bad.example");
        assert_eq!(domain("xn--bcher-kva.example").unwrap(), "xn--bcher-kva.example");
        for wrong in ["", ".", "a..b", "-a.example", "192.0.2.1", "a b.example", &"a.".repeat(200)] {
            assert!(domain(wrong).is_err(), "{wrong}");
        }
        assert_eq!(network("192.0.2.77/24").unwrap().to_string(), "192.0.2.0/24");
        assert_eq!(network("2001:DB8:0:0::1").unwrap().to_string(), "2001:db8::1");
        assert_eq!(network("::ffff:192.0.2.1").unwrap().to_string(), "192.0.2.1");
        assert_eq!(network("[2001:db8::1]").unwrap().to_string(), "2001:db8::1");
        for wrong in ["192.0.2.01", "192.0.2.1/33", "192.0.2.1/+8", "192.0.2", "2001:db8::/129", "192.0.2.1/"] {
            assert!(network(wrong).is_err(), "{wrong}");
        }
        for (text, wanted) in [
            ("HTTP://Bad.Example:80", "http://bad.example/"),
            ("https://u:p@bad.example:443/A?b=C#d", "https://bad.example/A?b=C"),
            ("https://bad.example:8443/a", "https://bad.example:8443/a"),
            ("bad.example/a", "bad.example/a"),
            ("http://[2001:db8::1]:8080/x", "http://[2001:db8::1]:8080/x"),
            ("http://bad.example?x=http://other.example/", "http://bad.example/?x=http://other.example/"),
            ("bad.example/?x=http://other.example/", "bad.example/?x=http://other.example/"),
        ] {
            assert_eq!(url(text).unwrap(), wanted);
        }
        for wrong in ["http://", "http:///x", "http://a b/", "http://-x-/"] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
        assert_eq!(email("<Evil+1@Bad.Example>").unwrap(), "evil+1@bad.example");
        assert_eq!(file_name("C:\\Temp\\Evil.EXE").unwrap(), "evil.exe");
        assert_eq!(vulnerability("cve-2026-12345").unwrap(), "CVE-2026-12345");
        assert!(vulnerability("CVE-26-1").is_err() && vulnerability("CVE-2026-1a34").is_err());
    }

    #[test]
    fn what_nobody_gave_a_kind_is_guessed() {
        let digest = "A".repeat(64);
        for (text, kind) in [
            ("192.0.2.1", Kind::Ip),
            ("198.51.100.0/24", Kind::Ip),
            ("2001:db8::/32", Kind::Ip),
            ("192.0.2.1:8080", Kind::Ip),
            ("bad.example", Kind::Domain),
            ("bad.example:443", Kind::Domain),
            ("http://bad.example/x", Kind::Url),
            ("bad.example/x", Kind::Url),
            (digest.as_str(), Kind::Hash),
            ("a@bad.example", Kind::Email),
            ("CVE-2026-0001", Kind::Vulnerability),
            ("localhost", Kind::Domain),
        ] {
            assert_eq!(guess(text).unwrap().kind(), kind, "{text}");
        }
        for wrong in ["two words", "", "[]", "/etc/passwd", "a@b@", "=cmd"] {
            assert!(guess(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn defanged_values_are_taken_back() {
        for (text, wanted) in [
            ("hxxp://bad[.]example/x", "http://bad.example/x"),
            ("hXXps[:]//bad(dot)example", "https://bad.example"),
            ("192[.]0[.]2[.]1", "192.0.2.1"),
            ("192.0.2[.1", "192.0.2.1"),
            ("evil[at]bad[DOT]example", "evil@bad.example"),
            ("hxxps[://]bad.example", "https://bad.example"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("plain.example", "plain.example"),
            ("İ[.]example", "İ.example"),
        ] {
            assert_eq!(refang(text), wanted);
        }
    }
}
