//! CEF (ArcSight Common Event Format, version 25) and LEEF (IBM QRadar, 1.0 and 2.0), alone or after a syslog header.

use std::collections::HashSet;

use crate::Family;
use crate::object::Object;

/// Writes the object for `line`, if it is one of them.
pub(crate) fn parse(line: &str, json: &mut Vec<u8>) -> Option<Family> {
    // A header of syslog is short; further in, the word is somebody's text.
    if let Some(at) = line.find("CEF:").filter(|at| *at < 200) {
        return cef(line.get(at + 4..)?, json).map(|()| Family::Cef);
    }
    let at = line.find("LEEF:").filter(|at| *at < 200)?;
    leef(line.get(at + 5..)?, json).map(|()| Family::Leef)
}

/// Splits at the first `|` without a backslash.
fn bar(text: &str) -> Option<(String, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c == '|' && !escaped {
            let (field, rest) = text.split_at_checked(at)?;
            return Some((field.replace("\\|", "|").replace("\\\\", "\\"), rest.get(1..)?));
        }
        escaped = c == '\\' && !escaped;
    }
    None
}

fn cef(text: &str, json: &mut Vec<u8>) -> Option<()> {
    const NAMES: [&str; 7] =
        ["cefVersion", "deviceVendor", "deviceProduct", "deviceVersion", "deviceEventClassId", "name", "severity"];
    let mut object = Object::new(json);
    let mut rest = text;
    for name in NAMES {
        let (field, after) = bar(rest)?;
        object.str(name, &field);
        rest = after;
    }
    let mut seen: HashSet<&str> = NAMES.into_iter().collect();
    let mut pair = rest.split_once('=').map(|(key, after)| (key.trim(), after));
    while let Some((key, after)) = pair {
        // The value goes on up to the last word before the next `=` that has no backslash.
        let end =
            after.match_indices('=').map(|(at, _)| at).find(|at| !after.get(..*at).is_some_and(|t| t.ends_with('\\')));
        let (value, next) = match end.and_then(|at| after.split_at_checked(at)) {
            Some((before, rest)) => match before.rsplit_once(' ') {
                Some((value, next)) => (value, Some((next, rest.strip_prefix('=').unwrap_or(rest)))),
                None => (after, None),
            },
            None => (after, None),
        };
        if seen.insert(key) {
            let value = value.trim_end().replace("\\=", "=").replace("\\n", "\n").replace("\\\\", "\\");
            object.str(key, &value);
        }
        pair = next;
    }
    object.close();
    Some(())
}

fn leef(text: &str, json: &mut Vec<u8>) -> Option<()> {
    const NAMES: [&str; 5] = ["leefVersion", "vendor", "product", "productVersion", "eventId"];
    let mut object = Object::new(json);
    let mut rest = text;
    let mut version = String::new();
    for name in NAMES {
        let (field, after) = bar(rest)?;
        object.str(name, &field);
        if name == "leefVersion" {
            version = field;
        }
        rest = after;
    }
    let mut delimiter = '\t';
    if version.starts_with('2')
        && let Some((given, after)) = rest.split_once('|')
        && given.len() <= 5
    {
        let hex = given.trim_start_matches("0x").trim_start_matches('x');
        let coded = (hex.len() < given.len()).then(|| u32::from_str_radix(hex, 16).ok().and_then(char::from_u32));
        delimiter = coded.flatten().or_else(|| given.chars().next()).unwrap_or('\t');
        rest = after;
    }
    let mut seen: HashSet<&str> = NAMES.into_iter().collect();
    for (key, value) in rest.split(delimiter).filter_map(|pair| pair.split_once('=')) {
        if seen.insert(key) {
            object.str(key.trim(), value);
        }
    }
    object.close();
    Some(())
}
