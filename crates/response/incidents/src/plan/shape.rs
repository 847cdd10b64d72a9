//! Whether a text looks like an address: rough, so that a slip of the pen is found and nothing that works is refused.

/// The most octets of an address of e-mail (RFC 5321, 4.5.3.1.3, without the angle brackets).
const EMAIL_BYTES_MAX: usize = 254;
/// The most octets before the `@` (RFC 5321, 4.5.3.1.1).
const LOCAL_BYTES_MAX: usize = 64;
/// The most octets of a name of a host (RFC 1035, 2.3.4).
const HOST_BYTES_MAX: usize = 253;
/// The most octets of one of its labels (RFC 1035, 2.3.4).
const LABEL_BYTES_MAX: usize = 63;
/// The most digits of a number (ITU-T E.164).
const PHONE_DIGITS_MAX: usize = 15;
/// The fewest: 112.
const PHONE_DIGITS_MIN: usize = 3;

/// Whether it can be an address of e-mail: no display name, no quoted local part.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "<>()[]\\,;:@\"".contains(c);
    text.len() <= EMAIL_BYTES_MAX
        && (1..=LOCAL_BYTES_MAX).contains(&local.len())
        && !local.contains(is_odd)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && is_host(host)
}

/// Whether it can be the name of a host with a domain.
pub(crate) fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_BYTES_MAX).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let has_top = text.rsplit('.').next().is_some_and(|top| !top.chars().all(|c| c.is_ascii_digit()));
    text.len() <= HOST_BYTES_MAX && text.contains('.') && has_top && text.split('.').all(is_label)
}

/// Whether it can be the address of a page: http or https, a host, no user, nothing that HTML or a shell takes for its own.
pub(crate) fn is_url(text: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "<>\"'`\\^{|}".contains(c);
    host(text).is_some_and(is_host) && !text.contains(is_odd)
}

/// The host of an address of a page.
pub(crate) fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let authority = rest.split(['/', '?', '#']).next()?;
    match authority.split_once(':') {
        None => Some(authority),
        Some((host, port)) => port.parse::<u16>().ok().map(|_| host),
    }
}

/// Whether it can be a telephone number, with an extension as `x 12` or `ext. 12`.
pub(crate) fn is_phone(text: &str) -> bool {
    let (number, extension) = match text.split_once(['x', 'e']) {
        None => (text, None),
        Some((number, rest)) => {
            let rest = rest.strip_prefix("xt").unwrap_or(rest);
            (number, Some(rest.strip_prefix('.').unwrap_or(rest).trim()))
        }
    };
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let number = number.trim();
    let rest = number.strip_prefix('+').unwrap_or(number);
    (PHONE_DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&digits)
        && rest.starts_with(|c: char| c.is_ascii_digit() || c == '(')
        && rest.chars().all(|c| c.is_ascii_digit() || " -()./".contains(c))
        && extension.is_none_or(|digits| (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether it can be the code of a language: `de`, `gsw`.
pub(crate) fn is_language(text: &str) -> bool {
    (2..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase())
}

/// Whether it can be an id: 1 to 64 letters, digits, `-`, `.` and `_`.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

/// Whether a character stands for itself on paper: no control, nothing that turns the direction of writing.
pub(crate) fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Whether nobody has written the real one yet: `[name]`, an address of a domain kept for examples (RFC 2606), a number of zeros.
pub(crate) fn is_placeholder(text: &str) -> bool {
    let domain = match text.rsplit_once('@') {
        Some((_, domain)) => Some(domain),
        None => host(text),
    };
    let is_kept = |domain: &str| {
        ["example", "invalid", "test"].iter().any(|top| domain.rsplit('.').next() == Some(*top))
            || ["example.org", "example.com", "example.net"]
                .iter()
                .any(|one| domain.strip_suffix(one).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    };
    let mut digits = text.chars().filter(char::is_ascii_digit).peekable();
    let is_zeros = is_phone(text) && digits.peek().is_some() && digits.all(|digit| digit == '0');
    text.starts_with('[') || domain.is_some_and(is_kept) || is_zeros
}
