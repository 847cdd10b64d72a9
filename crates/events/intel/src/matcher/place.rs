//! Where in an event something was found, and when the event happened. Slow and only asked for after a match.

use serde_json::Value;

/// Levels that are walked; what lies deeper has the path of what it lies in.
const DEPTH_MAX: usize = 128;

/// The path of the text that begins at byte `at`: names joined by dots, items by their place, as in `dns.answers[2].data`.
pub(crate) fn path_of(event: &[u8], at: usize) -> String {
    let mut frames: Vec<Frame> = Vec::new();
    let mut here = 0;
    while let Some(byte) = event.get(here).filter(|_| here < at) {
        match byte {
            b'"' => {
                let start = here + 1;
                if start == at {
                    break;
                }
                let end = end_of(event, start);
                here = end + 1;
                let next = event.iter().skip(here).find(|byte| !byte.is_ascii_whitespace());
                if next == Some(&b':')
                    && let Some(Frame::Object(key)) = frames.last_mut()
                {
                    let raw = event.get(start..end).unwrap_or_default();
                    let quoted = [b"\"", raw, b"\""].concat();
                    *key =
                        serde_json::from_slice(&quoted).unwrap_or_else(|_| String::from_utf8_lossy(raw).into_owned());
                }
                continue;
            }
            b'{' if frames.len() < DEPTH_MAX => frames.push(Frame::Object(String::new())),
            b'[' if frames.len() < DEPTH_MAX => frames.push(Frame::List(0)),
            b'}' | b']' => {
                frames.pop();
            }
            b',' => {
                if let Some(Frame::List(index)) = frames.last_mut() {
                    *index += 1;
                }
            }
            _ => {}
        }
        here += 1;
    }
    let mut path = String::new();
    for frame in frames {
        match frame {
            Frame::Object(key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&key);
            }
            Frame::List(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

enum Frame {
    Object(String),
    List(usize),
}

fn end_of(event: &[u8], start: usize) -> usize {
    let mut at = start;
    loop {
        match event.get(at) {
            None | Some(b'"') => return at,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
        }
    }
}

/// When an event happened, in milliseconds since 1970: the first of the fields that it has. A field is named by its path or
/// the end of it; attributes are joined by `_`.
pub(crate) fn time_of(event: &[u8], fields: &[String]) -> Option<i64> {
    let value: Value = serde_json::from_slice(event).ok()?;
    let mut found: Vec<(usize, usize, i64)> = Vec::new();
    walk(&value, &mut String::new(), 0, &mut |path, depth, ms| {
        let is_field = |field: &&String| {
            path.strip_suffix(field.as_str()).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        if let Some(rank) = fields.iter().position(|field| is_field(&field)) {
            found.push((rank, depth, ms));
        }
    });
    found.into_iter().min().map(|(_, _, ms)| ms)
}

fn walk(value: &Value, path: &mut String, depth: usize, take: &mut dyn FnMut(&str, usize, i64)) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let length = path.len();
                if key == "#attributes" {
                    path.push('_');
                } else {
                    if !path.is_empty() && !path.ends_with('_') {
                        path.push('.');
                    }
                    path.push_str(key);
                }
                walk(member, path, depth + 1, take);
                path.truncate(length);
            }
        }
        Value::String(text) => {
            if let Some(ms) = crate::time::milliseconds(text) {
                take(path, depth, ms);
            }
        }
        Value::Number(number) => {
            if let Some(ms) = number.as_f64().and_then(crate::time::number) {
                take(path, depth, ms);
            }
        }
        // Items of lists are times of something else.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_says_where_a_text_lies() {
        let event = br#"{"a":"x","b\u0062":{"c":[1,"y",{"d":"] , \" z"}]},"e":["p","q"]}"#;
        let path = |needle: &str| {
            let text = std::str::from_utf8(event).unwrap();
            path_of(event, text.find(needle).unwrap())
        };
        assert_eq!(path("x\""), "a");
        assert_eq!(path("y\""), "bb.c[1]");
        assert_eq!(path("] , "), "bb.c[2].d");
        assert_eq!(path("q\""), "e[1]");
        assert_eq!(path_of(b"{\"a\":\"", 6), "a");
        assert_eq!(path_of(b"]]}{\"", 100), "");
    }

    #[test]
    fn an_event_says_when_it_happened() {
        let fields: Vec<String> = ["TimeCreated_SystemTime", "@timestamp", "time", "ts"].map(str::to_owned).to_vec();
        let wanted = Some(1_767_225_600_000);
        for event in [
            r##"{"Event":{"System":{"TimeCreated":{"#attributes":{"SystemTime":"2026-01-01T00:00:00Z"}}}}}"##,
            r#"{"ts":1767225600.0,"x":{"time":"never"}}"#,
            r#"{"x":{"time":1},"time":1767225600000}"#,
            r#"{"time":"1767225600"}"#,
        ] {
            assert_eq!(time_of(event.as_bytes(), &fields), wanted, "{event}");
        }
        assert_eq!(time_of(b"{\"uptime\":1767225600}", &fields), None);
        assert_eq!(time_of(b"{", &fields), None);
    }
}
