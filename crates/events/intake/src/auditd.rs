//! Records of the Linux audit daemon: `type=SYSCALL msg=audit(1700000000.123:42): key=value …` (auditd.conf(5),
//! "Audit event fields" of the linux-audit project).

use std::collections::HashSet;

use crate::object::Object;

/// What parts the kernel's fields from those that the daemon interpreted (`log_format = ENRICHED`).
const ENRICHED: char = '\u{1d}';

/// Fields whose value is hexadecimal where it holds blanks, quotes or control characters.
fn may_be_hex(kind: &str, key: &str) -> bool {
    matches!(key, "proctitle" | "cmd" | "comm" | "exe" | "name" | "cwd" | "data" | "acct" | "path" | "key")
        || (kind == "EXECVE" && key.strip_prefix('a').is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit())))
}

/// Writes the object for `line`, if it is such a record.
pub(crate) fn parse(line: &str, json: &mut Vec<u8>) -> Option<()> {
    let (node, rest) = match line.strip_prefix("node=") {
        Some(rest) => rest.split_once(' ').map(|(node, rest)| (Some(node), rest))?,
        None => (None, line),
    };
    let (kind, rest) = rest.strip_prefix("type=")?.split_once(' ')?;
    let (id, fields) = rest.strip_prefix("msg=audit(")?.split_once("):")?;
    let (time, serial) = id.rsplit_once(':')?;
    let mut object = Object::new(json);
    object.str("type", kind);
    object.number("timestamp", time);
    object.number("audit_id", serial);
    if let Some(node) = node {
        object.str("node", node);
    }
    let mut seen = HashSet::from(["type", "timestamp", "audit_id", "node"]);
    members(fields, kind, &mut object, &mut seen);
    object.close();
    Some(())
}

/// `key=value` pairs; what stands in `msg='…'` is looked into as well. The first of equal keys stays.
fn members<'a>(fields: &'a str, kind: &str, object: &mut Object<'_>, seen: &mut HashSet<&'a str>) {
    let mut rest = fields;
    loop {
        rest = rest.trim_start_matches([' ', ENRICHED, ',']);
        let Some((key, after)) = rest.split_once('=') else { return };
        // Words without a value, such as `op` texts of older kernels, stand before the key.
        let key = key.rsplit([' ', ENRICHED]).next().unwrap_or(key);
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, left) = match quote.and_then(|quote| after.get(1..)?.split_once(quote)) {
            Some(parts) => parts,
            None => {
                let end = after.find([' ', ENRICHED]).unwrap_or(after.len());
                after.split_at_checked(end).unwrap_or((after, ""))
            }
        };
        rest = left;
        if key == "msg" && quote == Some('\'') {
            // Its own pairs hold no single quote, so that this goes one level deep.
            members(value, kind, object, seen);
        } else if seen.insert(key) {
            let decoded = (quote.is_none() && may_be_hex(kind, key)).then(|| unhex(value)).flatten();
            object.str(key, decoded.as_deref().unwrap_or(value));
        }
    }
}

/// Text from hexadecimal digits; NUL bytes, which part arguments, become blanks.
fn unhex(value: &str) -> Option<String> {
    if value.len() < 2
        || !value.len().is_multiple_of(2)
        || !value.bytes().all(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'))
    {
        return None;
    }
    let bytes: Option<Vec<u8>> = (0..value.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(value.get(at..at + 2)?, 16).ok())
        .map(|byte| byte.map(|byte| if byte == 0 { b' ' } else { byte }))
        .collect();
    String::from_utf8(bytes?).ok()
}
