//! Lines of source code, whose types, variants and modules are written like names.

/// How much of a line is looked at on either side of a word, in bytes.
const LINE_BYTES: usize = 160;

/// Whether the line around `start..end` is source code or a comment in it.
pub(in crate::names) fn is_code(bytes: &[u8], start: usize, end: usize) -> bool {
    let head = bytes.get(start.saturating_sub(LINE_BYTES)..start).unwrap_or_default();
    let tail = bytes.get(end..bytes.len().min(end + LINE_BYTES)).unwrap_or_default();
    if touches_code(head, tail) {
        return true;
    }
    let head = head.get(memchr::memrchr(b'\n', head).map_or(0, |at| at + 1)..).unwrap_or_default().trim_ascii_start();
    if [&b"//"[..], b"/*", b"#[", b"#!"].iter().any(|comment| head.starts_with(comment)) {
        return true;
    }
    let line_end = memchr::memchr(b'\n', tail);
    let tail = tail.get(..line_end.unwrap_or(tail.len())).unwrap_or_default().trim_ascii_end();
    match tail.last().or(head.last()) {
        Some(b'{' | b'}' | b'(' | b'[') => true,
        Some(b';' | b',' | b')') => has_brackets(head) || has_brackets(tail),
        _ => false,
    }
}

/// Signs right beside a word that stand beside types and variants, not beside people.
fn touches_code(head: &[u8], tail: &[u8]) -> bool {
    [&b"::"[..], b"=> ", b"&", b"<", b"dyn ", b"impl ", b"mut "].iter().any(|sign| head.ends_with(sign))
        || [&b"::"[..], b" {", b" =>", b"<", b"()", b"!("].iter().any(|sign| tail.starts_with(sign))
}

fn has_brackets(part: &[u8]) -> bool {
    memchr::memchr3(b'=', b'{', b'<', part).is_some()
        || part.windows(2).any(|pair| matches!(pair, b"(&" | b"(\"" | b"::"))
}
