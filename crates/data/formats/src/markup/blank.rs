//! Markup made invisible without moving the text: tags become white space of the same length, so that positions stay
//! and words of neighbouring cells stay neighbours.

/// Tags after which text begins a new line.
const BLOCKS: [&str; 23] = [
    "p", "div", "br", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article",
    "header", "footer", "hr", "pre", "dt", "title", "option",
];

/// Writes `html` with its tags blanked to `out`, of the same length. References are decoded where the character and
/// spaces fill their place. `false`: a reference stood inside a word, so that positions are shifted.
pub(crate) fn narrative(html: &str, out: &mut String) -> bool {
    out.clear();
    let (mut rest, mut exact) = (html, true);
    while let Some(at) = memchr::memchr2(b'<', b'&', rest.as_bytes()) {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at..).unwrap_or_default();
        let len = if rest.starts_with('<') {
            let len = tag_len(rest.as_bytes());
            blank_tag(rest.get(..len).unwrap_or(rest), out);
            len
        } else {
            let (c, len) = super::reference(rest).unwrap_or(('&', 1));
            let white = matches!(c, '\u{a0}');
            out.push(if white { ' ' } else { c });
            if c.is_alphanumeric() {
                exact = false;
            } else {
                let written = if white { 1 } else { c.len_utf8() };
                exact &= written <= len;
                out.extend(std::iter::repeat_n(' ', len.saturating_sub(written)));
            }
            len
        };
        rest = rest.get(len..).unwrap_or_default();
    }
    out.push_str(rest);
    exact
}

/// The length of the tag, comment or declaration that `bytes` begin with; 1 when it is a bare `<`.
pub(crate) fn tag_len(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"<!--") {
        return memchr::memmem::find(bytes, b"-->").map_or(bytes.len(), |end| end + 3);
    }
    if !bytes.get(1).is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'/' | b'!' | b'?')) {
        return 1;
    }
    let mut at = 1;
    loop {
        match memchr::memchr3(b'>', b'"', b'\'', bytes.get(at..).unwrap_or_default()) {
            None => return bytes.len(),
            Some(len) if bytes.get(at + len) == Some(&b'>') => return at + len + 1,
            Some(len) => {
                let quote = bytes.get(at + len).copied().unwrap_or(b'"');
                let open = at + len + 1;
                match memchr::memchr(quote, bytes.get(open..).unwrap_or_default()) {
                    Some(close) => at = open + close + 1,
                    None => at = open,
                }
            }
        }
    }
}

/// Writes white space as long as `tag`, beginning with a line end for a block, a tab where a cell begins. The
/// meaning of a term begins like a cell.
pub(crate) fn blank_tag(tag: &str, out: &mut String) {
    if tag.len() < 2 {
        out.push_str(tag);
        return;
    }
    let closes = tag.starts_with("</");
    let name = tag.trim_start_matches(['<', '/']);
    let name = name.get(..name.bytes().take_while(u8::is_ascii_alphanumeric).count()).unwrap_or_default();
    let is = |names: [&str; 3]| names.iter().any(|one| name.eq_ignore_ascii_case(one));
    let first = if BLOCKS.iter().any(|block| name.eq_ignore_ascii_case(block)) {
        '\n'
    } else if is(["td", "th", "dd"]) && !closes {
        '\t'
    } else {
        ' '
    };
    out.push(first);
    out.extend(std::iter::repeat_n(' ', tag.len() - 1));
}
