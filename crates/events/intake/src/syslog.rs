//! Syslog: RFC 5424, and what RFC 3164 saw in use, with or without the priority before it.

use crate::object::Object;

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Writes the object for `line`, if it is a line of syslog.
pub(crate) fn parse(line: &str, json: &mut Vec<u8>) -> Option<()> {
    let (priority, rest) = priority(line);
    if priority.is_some()
        && let Some(rest) = rest.strip_prefix("1 ")
    {
        return modern(priority, rest, json);
    }
    traditional(priority, rest, json)
}

/// `<n>`, facility times eight and severity (RFC 5424, section 6.2.1), with or without a count of octets before it
/// (RFC 6587, section 3.4.1).
fn priority(line: &str) -> (Option<u8>, &str) {
    let counted = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let line =
        counted.strip_prefix(' ').filter(|rest| counted.len() < line.len() && rest.starts_with('<')).unwrap_or(line);
    let parts = line.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    match parts.and_then(|(number, rest)| Some((number.parse::<u8>().ok().filter(|n| *n < 192)?, rest))) {
        Some((number, rest)) => (Some(number), rest),
        None => (None, line),
    }
}

fn write_priority(object: &mut Object<'_>, priority: Option<u8>) {
    if let Some(priority) = priority {
        object.raw("facility", &(priority / 8).to_string());
        object.raw("severity", &(priority % 8).to_string());
    }
}

fn modern(priority: Option<u8>, line: &str, json: &mut Vec<u8>) -> Option<()> {
    let mut object = Object::new(json);
    write_priority(&mut object, priority);
    let mut rest = line;
    for name in ["timestamp", "hostname", "appname", "procid", "msgid"] {
        let (value, after) = rest.split_once(' ')?;
        if value != "-" {
            object.str(name, value);
        }
        rest = after;
    }
    match rest.strip_prefix('-') {
        Some(after) => rest = after,
        None => {
            while let Some(element) = rest.strip_prefix('[') {
                rest = structured(element, &mut object)?;
            }
        }
    }
    let message = rest.strip_prefix(' ').unwrap_or(rest);
    object.str("message", message.strip_prefix('\u{feff}').unwrap_or(message));
    object.close();
    Some(())
}

/// One element of structured data (RFC 5424, section 6.3) behind its `[`; what follows its `]`.
fn structured<'a>(element: &'a str, object: &mut Object<'_>) -> Option<&'a str> {
    let (id, mut rest) = element.split_at_checked(element.find([' ', ']'])?)?;
    loop {
        rest = rest.trim_start_matches(' ');
        if let Some(after) = rest.strip_prefix(']') {
            return Some(after);
        }
        let (name, after) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => match chars.next()?.1 {
                    c @ ('"' | '\\' | ']') => value.push(c),
                    c => value.extend(['\\', c]),
                },
                (_, c) => value.push(c),
            }
        };
        object.str(&format!("sd.{id}.{name}"), &value);
        rest = after.get(end + 1..)?;
    }
}

fn traditional(priority: Option<u8>, line: &str, json: &mut Vec<u8>) -> Option<()> {
    let (timestamp, rest) = timestamp(line)?;
    let (hostname, rest) = rest.trim_start_matches(' ').split_once(' ')?;
    let mut object = Object::new(json);
    write_priority(&mut object, priority);
    object.str("timestamp", timestamp);
    object.str("hostname", hostname);
    let tag = rest.split_once(':').filter(|(tag, _)| !tag.is_empty() && tag.len() <= 64 && !tag.contains(' '));
    match tag {
        Some((tag, message)) => {
            match tag.strip_suffix(']').and_then(|tag| tag.split_once('[')) {
                Some((name, id)) => {
                    object.str("appname", name);
                    object.str("procid", id);
                }
                None => object.str("appname", tag),
            }
            object.str("message", message.strip_prefix(' ').unwrap_or(message));
        }
        None => object.str("message", rest),
    }
    object.close();
    Some(())
}

/// `Nov  5 01:02:03` or, as newer daemons write, RFC 3339.
fn timestamp(line: &str) -> Option<(&str, &str)> {
    if MONTHS.iter().any(|month| line.starts_with(month)) {
        let (time, rest) = line.split_at_checked(15)?;
        let colons = time.bytes().filter(|b| *b == b':').count();
        return (colons == 2 && rest.starts_with(' ')).then_some((time, rest));
    }
    let (time, rest) = line.split_at_checked(line.find(' ')?)?;
    let dated = time.len() >= 19 && time.as_bytes().get(4) == Some(&b'-') && time.as_bytes().get(10) == Some(&b'T');
    dated.then_some((time, rest))
}
